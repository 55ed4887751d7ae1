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

#ifndef LOGD_QUERY_H
#define LOGD_QUERY_H

#include <sys/types.h>

#include <stdint.h>

#include "link.h"
#include "msg.h"

/*
 * Reading the log.  What may be read is a read scope that keyd has opened for
 * the api that asks: one vault, the instance log, or everything.
 */
#define QUERY_LIMIT	50		/* rows, when none is named */
#define QUERY_MAX	200
#define QUERY_PAGE	(100 * 1024)	/* bytes of rows in a ROWS */
#define QUERY_TURN	16		/* queries in a turn, then rows go on */
#define QUERY_QUEUED	512		/* answers that an api has not read */

/* What is to be read, and the answer. */
struct query {
	uint64_t	 vault;		/* 0: the instance log */
	int		 all;		/* every vault, with vault 0 */
	uint64_t	 before;	/* older than it; 0: the newest */
	uint64_t	 after;		/* newer than it, when tail is set */
	int		 tail;
	uint32_t	 limit;

	struct rec_row	*rows;		/* newest first, in the arena */
	uint32_t	 n;
	uint64_t	 next_cursor;	/* 0: no older row, or a tail */
	uint64_t	 latest_id;
	uint16_t	 status;	/* of HTTP */
	const char	*text;
};

/*
 * Fill in the answer.  A tail gives the oldest `limit' rows after its cursor,
 * so that one who goes on from latest_id sees every row.  Statements do not
 * outlive the call.
 */
void	 query_run(struct query *, struct arena *);

/*
 * The message of api's link.  One that asks faster than it reads is refused,
 * and of many questions some wait for the next turn.
 */
void	 query_init(void);
void	 query_message(struct link *, struct msg *);

#endif /* LOGD_QUERY_H */
