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


#ifndef QUERYSCAN_H
#define QUERYSCAN_H

#include <sys/types.h>

#include <stdint.h>

#include "filter.h"

/*
 * Looking for the rows that a filter wants, in slices that are short in rows
 * and in time, none of which leaves a statement behind.
 *
 * A scan goes in one direction through the ids.  Its sources are ranges of
 * indexes, each in the scan's order, and are merged.  Positions are ids when
 * it goes up and negative ids when it goes down, so that they always grow.
 */
#define SCAN_ROWS	2000	/* of a slice */
#define SCAN_US		2000	/* of a slice, looked at now and then */
#define SCAN_SOURCES	64
#define SCAN_SPANS	256

enum source_kind {
	SOURCE_ALL,		/* every row */
	SOURCE_VAULT,		/* a vault's, or the instance log's */
	SOURCE_CLASS,		/* and of one class of statuses */
	SOURCE_ERROR,		/* and with an error_code */
	SOURCE_AUDIT,		/* audit rows */
	SOURCE_LATE,		/* committed long after their start */
	SOURCE_KINDS
};

/* Ids from lo to hi, both included. */
struct span {
	int64_t	 lo;
	int64_t	 hi;
};

/* Spans in order, apart from each other; n 0 is nothing at all. */
struct spans {
	struct span	*span;
	int		 n;
	int		 size;
};

/* Entries of a dictionary that match. */
struct idset {
	int64_t		*ids;		/* ascending */
	size_t		 n;
	size_t		 size;
	int		 any;		/* every row, entry or none */
	int		 none;		/* rows without an entry */
};

struct source {
	enum source_kind	 kind;
	int64_t			 vault;
	int64_t			 class;		/* -1: status not known */
	const struct spans	*spans;
	int			 span;		/* how many are behind us */
	int64_t			 at;		/* looked at up to here */
	int			 done;
	int64_t			*hits;		/* positions, ascending */
	uint32_t		 first;
	uint32_t		 n;
};

struct scan {
	const struct filter	*filter;
	int			 up;
	int			 all;		/* rows of every vault */
	uint64_t		 vault;
	uint32_t		 want;		/* rows, at the most */
	struct idset		 targets;
	struct idset		 actors;
	struct spans		 spans;
	struct spans		 late;		/* of SOURCE_LATE */
	struct source		 sources[SCAN_SOURCES];
	int			 nsources;
	int			 fields;	/* the filter wants them, */
	int			 path;		/* and the path */
	uint64_t		 rows;		/* looked at */
};

/* One more source; -1 when there are as many as can be. */
int	 scan_source(struct scan *, enum source_kind, int64_t vault,
	    int64_t class, const struct spans *);

/*
 * The next id that matches: 1, or 0 when there is none; 2 when scan_work()
 * has to look first, which returns 0, or -1 with db_error().
 */
int	 scan_next(struct scan *, int64_t *id);
int	 scan_work(struct scan *);

/* The id up to which everything has been given; from: where it began. */
int64_t	 scan_frontier(const struct scan *, int64_t from);

void	 scan_free(struct scan *);

/* Spans, kept apart and in order; added in ascending order of lo. */
void	 spans_add(struct spans *, int64_t lo, int64_t hi);
/* a becomes what is in both. */
void	 spans_cut(struct spans *a, const struct spans *b);
void	 spans_free(struct spans *);

void	 idset_add(struct idset *, int64_t id);
int	 idset_has(const struct idset *, int64_t id);

#endif /* QUERYSCAN_H */
