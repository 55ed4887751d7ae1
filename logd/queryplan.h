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


#ifndef QUERYPLAN_H
#define QUERYPLAN_H

#include <sys/types.h>

#include <stdint.h>

#include "queryscan.h"

/*
 * What a scan has to look at.  The dictionaries are read first, in slices:
 * only rows whose ids are between the first and the last use of a matching
 * entry can match, so a host that does not occur costs nothing.  Then times
 * become ranges of ids, and what the filter says of vault, status and kind
 * chooses the indexes.
 */
#define PLAN_ROWS	2000	/* of a dictionary in a slice */

enum plan_phase { PLAN_TARGETS, PLAN_ACTORS, PLAN_SOURCES, PLAN_DONE };

struct plan {
	enum plan_phase	 phase;
	int64_t		 entry;		/* of a dictionary, done so far */
	struct span	*uses;		/* of its matching entries */
	size_t		 n;
	size_t		 size;
};

/*
 * The scan has its filter, direction and right; lo and hi are what the
 * cursors leave.
 */
void	 plan_init(struct plan *, struct scan *, int64_t lo, int64_t hi);
/* A slice of work: 1 when there is more, 0, or -1 with db_error(). */
int	 plan_work(struct plan *, struct scan *);
void	 plan_free(struct plan *);

/* For filter_resolve(): the ids that a vault's name stands for. */
size_t	 plan_vaults(const char *, uint64_t *, size_t, void *);

#endif /* QUERYPLAN_H */
