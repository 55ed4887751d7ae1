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


#ifndef WINDOW_H
#define WINDOW_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "logstream.h"
#include "msg.h"

/*
 * The window of the log stream: the records that logd has not acknowledged,
 * as the bytes that go over the link, in a ring that is mapped twice in a
 * row, so that whatever lies in it can be written with one call.  It numbers
 * the records, knows how far the link has taken them, and keeps the places of
 * the ENDs that are still to come, of one GAP and of BYE.  No I/O; one window
 * a process.
 */

struct logvault;

enum window_fit {
	WINDOW_FITS,
	WINDOW_WAIT,		/* it will, once more is acknowledged */
	WINDOW_NEVER		/* not before other requests end */
};

void	 window_init(void);

/*
 * A message as bytes: returns the length, or 0 with errno.  The bytes are
 * valid until the next call.
 */
size_t	 window_encode(enum msg_type, const void *m, const uint8_t **data);

/*
 * Whether a BEGIN of so many bytes has a place, its END included, or another
 * record.  A vault may not pass a quarter of the window while half of it is
 * taken.  So alone it has about 1000 requests unacknowledged, a batch of
 * logd's: fewer would wait for logd's timer, and a BEGIN of another vault is
 * not behind more.
 */
enum window_fit	 window_fits_begin(uint64_t vault, size_t len);
enum window_fit	 window_fits(size_t len);

/*
 * One more BEGIN of this vault waits for a place, if there is room for that:
 * for as many as the window has places, of which one vault may not take more
 * than a quarter when half are taken.  0 or -1.  It is to be served by its
 * turn, the lowest first: vaults take turns, however much each has waiting.
 */
int		 window_hold(uint64_t vault, uint64_t *turn);
void		 window_unhold(uint64_t vault, uint64_t turn);

/*
 * Put a record in, which gets the next number.  It must fit.  window_begin()
 * keeps a place for its END and returns whose it is; window_end() uses it.
 */
struct logvault	*window_begin(uint64_t vault, const uint8_t *, size_t,
		    uint64_t *seq);
void		 window_end(struct logvault *, uint64_t begin,
		    const struct msg_end *);
uint64_t	 window_put(const uint8_t *, size_t);

/*
 * At the cost of the places that are kept for them: a GAP, when every GAP
 * before it is acknowledged, and BYE.
 */
uint64_t	 window_gap(const struct msg_gap *);
void		 window_bye(void);

/* Take back the last record, a BEGIN of which nothing was written. */
void	 window_undo(struct logvault *);

/* What is to be written next, and how many bytes of it were. */
size_t	 window_unsent(const uint8_t **);
void	 window_sent(size_t);
/* Has this record been written, all of it; any of it? */
int	 window_is_sent(uint64_t seq);
int	 window_is_begun(uint64_t seq);

/* A new link: all that is not acknowledged is to be written again. */
void	 window_rewind(void);

/*
 * Everything up to seq is committed.  Returns how many records that
 * released, or -1 if no such record was ever written.
 */
int	 window_ack(uint64_t seq);

uint64_t	 window_first(void);	/* the first unacknowledged number */
uint64_t	 window_next(void);	/* the next number */
uint64_t	 window_begins(void);	/* BEGINs among the acknowledged */
uint64_t	 window_open(void);	/* ENDs that are still to come */
void		 window_stats(struct logstream_stats *);

#endif /* WINDOW_H */
