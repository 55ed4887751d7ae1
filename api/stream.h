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

#include <stdint.h>

#include "client.h"
#include "link.h"
#include "request.h"

/*
 * Readers that follow the log with server-sent events.  One subscribes, reads
 * from the database what is newer than its cursor until the ring (live.h)
 * reaches back so far, and goes on there; so it sees each row once, in the
 * order of ids.  When it does not read as fast as rows come and the ring has
 * gone on without it, it is told and reads from the database again.
 *
 * At most STREAM_MAX at once, or half of the clients that there may be.  The
 * last fifth of these places is for callers who have fewer than STREAM_FEW, so
 * that no single one keeps the others out.  One that takes nothing for
 * STREAM_IDLE_MS is cut.  A reader whose connection to logd is lost is closed:
 * it connects again with its Last-Event-ID.
 */
#define STREAM_MAX	256
#define STREAM_FEW	4
#define STREAM_PAGE	50	/* rows read from the database at once */
#define STREAM_OPEN	256	/* requests told without an end, a reader */
#define STREAM_BEAT_MS	15000
#define STREAM_IDLE_MS	60000
#define STREAM_RETRY	"5"	/* seconds, of who found no place */

struct reader;

void	 stream_setup(void);

/* There are new entries in the ring. */
void	 stream_wake(void);
/* The client's output has room. */
void	 stream_feed(struct reader *);
/* The client goes. */
void	 stream_free(struct reader *);
/* In the place of an answer, when the head of the stream has left. */
void	 stream_end(struct reader *);
void	 stream_end_all(void);

/* keyd: this scope or caller, 0 for all, may read no more. */
void	 stream_revoked(uint64_t);

/* Handler of SUBSCRIBED; the end of logd's link. */
void	 stream_subscribed(struct link *, struct msg *);
void	 stream_logd_gone(struct link *);

unsigned int	 stream_count(void);

#endif /* STREAM_H */
