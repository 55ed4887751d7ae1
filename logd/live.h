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

#include "link.h"
#include "record.h"

/*
 * Rows for those who follow the log: read again once they are committed, and
 * sent once to each api that has subscribed.  Nothing of it is done while
 * nobody has.
 *
 * What an api has not taken is bounded: with LIVE_QUEUED messages waiting it
 * gets nothing more, and once it is LIVE_BEHIND ids behind it is told
 * (LAGGED) and goes on at the newest row; it has the rest from the database.
 * In a turn LIVE_US are spent.
 */
#define LIVE_QUEUED	16
#define LIVE_BEHIND	8192
#define LIVE_US		2000
#define LIVE_OPEN	200		/* requests told of a flush */

void	 live_init(void);

/* A request is in open_requests from now on, committed. */
void	 live_open(const struct record *);

/* Messages of an api, and the end of its link. */
void	 live_subscribe(struct link *, struct msg *);
void	 live_unsubscribe(struct link *, struct msg *);
void	 live_closed(struct link *);

#endif /* LIVE_H */
