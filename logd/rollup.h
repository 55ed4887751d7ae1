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

#ifndef ROLLUP_H
#define ROLLUP_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdint.h>

#include "codes.h"
#include "hist.h"

/*
 * Requests counted by vault, minute, class of status and decision, and by
 * hour in rolltop.h, so that a chart costs buckets and not rows.  They are
 * kept longer than the rows.
 *
 * The counts of ROLLUP_ROWS rows or ROLLUP_SECONDS are written together, by
 * the transaction of a batch, with the last id that they have.  Memory has the
 * rest; when it is lost, by a kill or a rollback, the rows from that id on are
 * counted again.  Retention writes what it might delete before it was counted.
 *
 * A request counts in the minute in which it started.  One that claims to
 * start more than a minute after its commit, by a clock that was moved since
 * or by a worker that lies, counts in the minute of its commit; one that
 * started before ROLLUP_DAYS is not counted, since its bucket would leave at
 * once.
 */
#define ROLLUP_DAYS	90
#define ROLLUP_CACHE	1024	/* buckets in memory */
#define ROLLUP_ROWS	8192
#define ROLLUP_SECONDS	10
#define ROLLUP_SLICE	2000	/* buckets read in a turn */
#define ROLLUP_STEPS	1024	/* at most, of a chart */
#define ROLLUP_ALL	UINT64_MAX	/* vaults */

/* What a row adds. */
struct rollup_row {
	uint64_t	 vault;		/* 0: the instance log */
	int64_t		 started;	/* microseconds since the epoch */
	int64_t		 status;	/* -1: not known */
	int64_t		 latency;	/* microseconds, -1: not known */
	uint64_t	 bytes_in;
	uint64_t	 bytes_out;
	unsigned int	 decision;
	int		 error;		/* has an error_code */
	int64_t		 target;	/* entry of what follows, or 0 */
	const char	*host;
	const char	*service;
};

/* The class of a status. */
unsigned int	 rollup_class(int64_t);

/*
 * All within a transaction; 0, or -1 with db_error().  rollup_start() comes
 * before its first row, whose id is told; rollup_add() counts a row that was
 * inserted; rollup_finish() writes when it is time, rollup_write() does
 * always.  `id' is the last of the transaction.
 */
int	 rollup_start(int64_t first);
int	 rollup_add(const struct rollup_row *);
int	 rollup_finish(int64_t id);
int	 rollup_write(int64_t id);
/* The same in a transaction of its own. */
int	 rollup_sync(void);
/*
 * Have memory count what it has lost, if it has, without writing anything
 * unless there is no room in it: before reading, if no row may lack.  Up to
 * ROLLUP_ROWS and those of ROLLUP_SECONDS are read for it.
 */
int	 rollup_recall(void);
/* How many rows of the last commit and before were not written yet. */
unsigned int	 rollup_pending(void);
/* The number of a target may get another meaning. */
void	 rollup_forget(void);
/* After a rollback, and when the database closes. */
void	 rollup_clear(void);
/* Count the rows from one id up to, not including, another. */
int	 rollup_fill(int64_t from, int64_t to);
/*
 * Delete up to `max' buckets and names older than ROLLUP_DAYS.  How many,
 * or -1.
 */
int	 rollup_trim(int max);

/* Sums of one step of a chart. */
struct rollup_sum {
	uint64_t	 rows;
	uint64_t	 errors;	/* rows with an error_code */
	uint64_t	 class[CLASS_MAX];
	uint64_t	 decision[8];
	uint64_t	 bytes_in;
	uint64_t	 bytes_out;
	struct hist	 latency;
};

/*
 * Between transactions: a bucket that memory has is what the database would
 * have, had it been written.  The first of a vault that is not before a
 * minute, or of the next vault; the one after it; whether there is this one.
 */
struct bucket {
	RB_ENTRY(bucket)	 node;
	uint64_t		 vault;
	int64_t			 minute;
	unsigned int		 class;
	unsigned int		 decision;
	int			 dirty;
	uint64_t		 rows;
	uint64_t		 errors;
	uint64_t		 bytes_in;
	uint64_t		 bytes_out;
	struct hist		 latency;
};
struct bucket	*rollup_from(uint64_t vault, int64_t minute);
struct bucket	*rollup_next(struct bucket *);
int	 rollup_has(uint64_t vault, int64_t minute, unsigned int class,
	    unsigned int decision);

/*
 * A chart: from and to, not included, are minutes since the epoch, step is in
 * minutes, sums are (to - from + step - 1) / step and of the caller, zeroed,
 * at most ROLLUP_STEPS.  rollup_read() adds up to ROLLUP_SLICE buckets to
 * them, of what was written and of what memory has: 1 when that was the last,
 * 0 when it must be called again, in another turn if need be, or -1 with
 * db_error().  at_vault and at_minute are 0 first and then rollup_read()'s.
 * Each minute is as it was in one turn.  What is to be counted again after
 * memory was lost is in neither: rollup_recall() then comes first.
 */
struct rollup_chart {
	uint64_t		 vault;		/* or ROLLUP_ALL */
	int64_t			 from;
	int64_t			 to;
	int64_t			 step;
	struct rollup_sum	*sums;
	int64_t			 at_vault;
	int64_t			 at_minute;
};
int	 rollup_read(struct rollup_chart *);

#endif /* ROLLUP_H */
