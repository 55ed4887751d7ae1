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


#ifndef QUERYJOB_H
#define QUERYJOB_H

#include "link.h"

/*
 * Queries of api, several at once.  They are served in turns, a slice each,
 * after what workers have sent, and for so many microseconds in a turn of the
 * loop, which is how long they can hold up rows.  One whose reader has gone is
 * given up.
 *
 * Bounds: of a link JOBS_MAX queries at once, then it is not read until one
 * has ended; of answers that api does not read JOB_QUEUED, then 503.
 */
#define JOB_TURN_US	2000
#define JOBS_MAX	64
#define JOB_PAGE	(100 * 1024)	/* bytes of rows in a ROWS */
#define JOB_QUEUED	512	/* messages that an api has not read */

void	 queryjob_init(void);

/* Messages of an api's link, and its end. */
void	 queryjob_query(struct link *, struct msg *);
void	 queryjob_values(struct link *, struct msg *);
void	 queryjob_chart(struct link *, struct msg *);
void	 queryjob_cancel(struct link *, struct msg *);
void	 queryjob_closed(struct link *);

/* How many there are now. */
unsigned int	 queryjob_count(void);

/* No less than what a row takes in a message. */
size_t		 queryjob_row_size(const struct rec_row *);

#endif /* QUERYJOB_H */
