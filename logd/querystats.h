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

#ifndef QUERYSTATS_H
#define QUERYSTATS_H

#include <sys/types.h>

#include <stdint.h>

#include "filter.h"
#include "msg.h"
#include "rollup.h"
#include "toplist.h"

/*
 * Charts out of the rollups, and of what memory has of them, so that every
 * row that was committed when its minute was read is counted, and reading
 * writes nothing.  Only after memory was lost, by a restart or a rollback,
 * rows must be counted again first, which is not tried again for a second when
 * it fails.
 *
 * A chart is read in windows of a sixteenth of its steps, upwards, and of
 * STATS_HOURS of names, downwards, of all vaults each, and a window in slices
 * between which nothing is open in the database.  When the budget has been
 * used up, the answer is what its windows cover, at least one.
 *
 * Bounds: STATS_RUNNING at once, of which each has up to a MB; others wait.
 */
#define STATS_STEPS	500
#define STATS_MINUTES	(INT64_C(1) << 40)	/* from the epoch, at most */
#define STATS_WINDOWS	16
#define STATS_HOURS	24
#define STATS_HOURS_MAX	168	/* of names, the last before `to' */
#define STATS_BUDGET_MS	500	/* of work; half as much more for names */
#define STATS_RUNNING	4

enum querystats_phase {
	STATS_WAIT,
	STATS_SUMS,
	STATS_HOSTS,
	STATS_SERVICES,
	STATS_DONE
};

struct link;

struct querystats {
	uint64_t	 vault;		/* what may be read, as in a query */
	int		 all;
	int64_t		 from;		/* minutes; to may come down */
	int64_t		 to;
	int64_t		 step;
	uint32_t	 names;
	uint32_t	 budget;

	uint16_t	 status;	/* of HTTP */
	const char	*text;
	int		 partial;
	int64_t		 top_from;	/* hours */
	int64_t		 top_to;

	enum querystats_phase	 phase;
	struct filter_error	 error;
	uint64_t		 ids[FILTER_VALUES];
	unsigned int		 nids;
	unsigned int		 at;	/* of ids */
	int64_t			 window;	/* where the next begins */
	uint64_t		 spent;	/* us of work */
	struct rollup_sum	*sums;
	struct rollup_chart	 chart;
	struct toplist		 hosts;
	struct toplist		 services;
};

/*
 * Begin, and do a slice: 1 when there is more to do, 0 when the answer is
 * complete, which is then sent by querystats_send(); querystats_end() gives
 * back what is held.  `vaults' is the list of a filter.
 */
int	 querystats_start(struct querystats *, const char *vaults);
int	 querystats_work(struct querystats *);
void	 querystats_send(struct querystats *, struct link *, uint32_t);
void	 querystats_end(struct querystats *);

#endif /* QUERYSTATS_H */
