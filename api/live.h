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

#ifndef LIVE_H
#define LIVE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "link.h"
#include "msg.h"

/*
 * The newest rows of the log, once for all who follow it: a ring of at most
 * LIVE_ROWS entries and LIVE_BYTES bytes, in the order in which logd
 * committed them.  An entry has a position, which counts from 1; what falls
 * out of the ring is in the database still.
 */
#define LIVE_ROWS	4096
#define LIVE_BYTES	(8 * 1024 * 1024)

struct live_entry {
	struct rec_row	 row;		/* id 0: a request without an end */
	char		*text;		/* its event, once it was wanted */
	size_t		 len;
	size_t		 size;		/* of all of it */
	void		*memory;	/* of the row's texts */
};

/* The entry at a position, or NULL: it is gone, or has not come yet. */
struct live_entry	*live_at(uint64_t pos);
/* The event of an entry, len bytes, as long as the entry is there. */
const char	*live_text(struct live_entry *, size_t *);

/*
 * Where who has seen every row up to an id goes on: 1 with the position, or
 * 0 if the ring does not reach back so far.
 */
int		 live_enter(uint64_t id, uint64_t *pos);
uint64_t	 live_first(void);		/* the oldest position */

/* An answer of 200 to SUBSCRIBE: from head on all rows come. */
void		 live_begin(uint64_t head);
/* Nobody follows any more, or logd has gone. */
void		 live_end(void);

/* Handlers; stream_wake() follows. */
void		 live_rows(struct link *, struct msg *);
void		 live_lagged(struct link *, struct msg *);

#endif /* LIVE_H */
