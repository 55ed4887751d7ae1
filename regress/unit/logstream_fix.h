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


#ifndef LOGSTREAM_FIX_H
#define LOGSTREAM_FIX_H

#include <sys/types.h>

#include <err.h>
#include <stdint.h>

#include <imsg.h>

#include "ledger.h"
#include "link.h"
#include "logstream.h"
#include "msg.h"

/*
 * The log stream against a logd that a test plays, over a real link.  Each
 * case runs in a process of its own, since a process has one stream.
 */
#define INSTANCE	0x1122334455667788ULL
#define RECS		6000

#define CHECK(x)							\
	do {								\
		if (!(x))						\
			errx(2, "line %d: %s", __LINE__, #x);		\
	} while (0)

/* A test of cmocka that runs case_NAME(). */
#define CASE(name)							\
static void								\
test_##name(void **state)						\
{									\
	assert_int_equal(fix_child(case_##name), 0);			\
}

/* What a record was told, and when. */
struct told {
	struct logrec	 rec;
	int		 calls;
	int		 how;
	uint64_t	 when;
};

extern struct told	 told[RECS];
extern struct ledger	*fix_page;
extern int		 fix_peek;	/* look when `ready' is called */
extern struct link	*fix_link;	/* the worker's end */
extern int		 fix_theirs;	/* logd's end, or -1, */
extern struct imsgbuf	 fix_imsgbuf;	/* and what is over it */

void	 fix_setup(void);
/* The worker lives for so many ms, and at least one turn. */
void	 fix_run(int);
/* A logd starts; room is what the kernel holds of its link, 0: as it is. */
void	 fix_start(int);
/* It is killed. */
void	 fix_kill(void);

/* The next message for logd, or MSG_NONE; it is good until the next call. */
uint32_t fix_get(union msg_any *);
void	 fix_drain(void);
void	 fix_hello(uint64_t);
void	 fix_ack(uint64_t);
/*
 * The BEGINs that are whole in the kernel, unread: how many, and the number
 * of the last.
 */
int	 fix_peeked(uint64_t *);
/* A timer's: sets an int to whether there is anything for logd. */
void	 fix_look(int, short, void *);

void	 fix_begin(struct told *, uint64_t vault);
void	 fix_end(struct told *);
/* What a record is told goes to its struct told. */
void	 fix_ready(struct logrec *, int, void *);
/* Requests until one has no place; returns how many had one. */
int	 fix_fill(int from, uint64_t vault, int with_end);

/* What the ledger says is not told yet by a GAP that logd has read. */
uint64_t fix_lost(uint64_t vault);
/* How many records are in the window. */
uint64_t fix_used(void);

/* The exit status of a case: 1 of fatal(), 2 of a check that failed. */
int	 fix_child(void (*)(void));

#endif /* LOGSTREAM_FIX_H */
