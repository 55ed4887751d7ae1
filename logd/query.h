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

#include "filter.h"
#include "gone.h"
#include "msg.h"
#include "queryplan.h"
#include "queryscan.h"

/*
 * Reading the log.  What may be read is a read scope that keyd has opened for
 * the api that asks: one vault, the instance log, or everything.
 *
 * A query works in slices, between which nothing of it is open in the
 * database, and ends when it has its rows, when there are no more, or when
 * its budget is used up; then it says where to go on.  Who names no budget
 * gets what there is after QUERY_SOME_MS: the first rows of what is rare soon
 * rather than a full page late.
 */
#define QUERY_LIMIT	50		/* rows, when none is named */
#define QUERY_MAX	200
#define QUERY_BUDGET_MS	250		/* of work, when none is named */
#define QUERY_BUDGET_MAX	2000
#define QUERY_SOME_MS	5		/* when none is, and there are rows */
#define QUERY_AHEAD	2		/* slices, to see if there is more */

/* What is to be read, and the answer. */
struct query {
	uint64_t	 vault;		/* 0: the instance log */
	int		 all;		/* every vault, with vault 0 */
	uint64_t	 before;	/* older than it; 0: the newest */
	uint64_t	 after;		/* newer than it, when tail is set */
	int		 tail;
	uint32_t	 limit;
	uint32_t	 budget;	/* ms */
	struct filter	 filter;

	struct rec_row	*rows;		/* newest first, in the arena */
	uint32_t	 n;
	uint64_t	 next_cursor;	/* 0: no older row, or a tail */
	uint64_t	 latest_id;
	int		 partial;	/* the budget has ended it */
	uint64_t	 before_gone;	/* gone_count() when it began */
	struct gone_answer	 gone;	/* of a tail: what it will never get */
	uint16_t	 status;	/* of HTTP */
	const char	*text;

	uint32_t	 some;		/* ms, once there are rows */
	uint64_t	 spent;		/* us of work */
	int64_t		 from;		/* where the scan began */
	int		 ahead;		/* slices of work for the next page */
	struct filter_error	 error;
	struct plan	 plan;
	struct scan	 scan;
};

/*
 * Begin, and do a slice: 1 when there is more to do, 0 when the answer is
 * complete.  query_end() gives back what is held until then, and may be called
 * at any time.
 *
 * A page has the newest rows before its cursor.  A tail gives the oldest
 * `limit' rows after its cursor, so that one who goes on from latest_id, up
 * to which everything has been looked at, sees every row.  next_cursor is 0
 * only when it is known that there is nothing older; of a tail it is where
 * to go on if the budget has ended it.
 */
int	 query_start(struct query *, struct arena *);
int	 query_work(struct query *, struct arena *);
void	 query_end(struct query *);
/* All of it at once. */
void	 query_run(struct query *, struct arena *);

#endif /* LOGD_QUERY_H */
