/*
 * Copyright (c) 2026 The brokerd authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

#ifndef STREAM_H
#define STREAM_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <stdint.h>

#include <event.h>

#include "ledger.h"
#include "link.h"
#include "record.h"

/*
 * The log streams: one for each worker instance, an ordered sequence of
 * records that is resent from the last acknowledged one when we were
 * restarted.  Its place in the database moves with the rows.
 */
#define STREAM_UNREAD	1024	/* ACKs that a worker which sends leaves */
#define STREAM_LEDGER_MS	2000	/* to wait for the ledger of the dead */

/*
 * Of an honest worker no more are uncommitted, nor open, than its window has
 * places; with the longest BEGIN, 5 KB in memory, that is 20 MB for each.
 */
#define STREAM_PENDING	LEDGER_WINDOW
#define STREAM_OPEN	LEDGER_WINDOW
/* Committed records that a file can have lost under a living worker. */
#define STREAM_JUMP	(1 << 20)

RB_HEAD(open_requests, record);

/* How a stream ended, as it is stored. */
enum stream_end {
	STREAM_LIVES,
	STREAM_ENDED,		/* its ledger has not come yet */
	STREAM_SETTLED
};

struct stream {
	RB_ENTRY(stream)	 node;
	TAILQ_ENTRY(stream)	 dirty_entry;
	uint64_t		 instance;
	enum proc		 proc;
	uint16_t		 index;
	int64_t			 id;		/* in `streams', 0: not yet */
	uint64_t		 seen;		/* last record read */
	uint64_t		 begins;	/* BEGINs among them */
	uint64_t		 gap;		/* the last GAP among them */
	uint64_t		 committed;
	uint64_t		 saving;	/* what the batch has of it */
	struct link		*link;		/* NULL: none now */
	struct open_requests	 open;
	unsigned int		 nopen;
	struct event		 timer;
	struct ledger		*page;		/* that came before the end */
	uint8_t			 tell;		/* it came: tell the parent */
	enum stream_end		 ended;
	uint8_t			 saved;		/* its row is committed */
	uint8_t			 dirty;
	uint8_t			 hello;
	uint8_t			 bye;
	uint8_t			 eof;		/* nothing comes any more */
	uint8_t			 living;	/* says the parent */
};

/* Links of workers: for struct proc_peer. */
extern const struct link_handler	stream_handlers[];
void		 stream_opened(struct link *);
void		 stream_closed(struct link *);

/* The parent's list: who is not on it and has no link is dead. */
void		 stream_living(const struct rec_instance *, uint32_t n);
/* From now on links are read, and the dead are judged. */
void		 stream_start(void);

/* Links that may still say something. */
unsigned int	 stream_links(void);
int64_t		 stream_id(const struct stream *);
uint64_t	 stream_committed(uint64_t instance);	/* 0: not known */
int		 stream_over(uint64_t instance);	/* nothing will come */

/* A record of r->stream is open; it no longer is, or never was. */
void		 stream_note(struct record *);
void		 stream_forget(struct record *);

struct stream_counters {
	uint64_t	 records;
	uint64_t	 repeated;
	uint64_t	 orphans;
	uint64_t	 open;
	uint64_t	 lost;
};
extern struct stream_counters	 stream_counters;

#endif /* STREAM_H */
