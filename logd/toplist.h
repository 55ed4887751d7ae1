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

#ifndef TOPLIST_H
#define TOPLIST_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdint.h>

#include "rolltop.h"

/*
 * The names that occur most in some hours: what was written of them and what
 * memory has, read in slices.
 *
 * Bounds: a slice reads TOPLIST_SLICE names and those of an hour; names
 * beyond the first TOPLIST_NAMES that differ count as others.
 */
#define TOPLIST_SLICE	2000
#define TOPLIST_NAMES	8192
#define TOPLIST_BEST	20

struct topname;
RB_HEAD(topnames, topname);

/*
 * A zeroed one is empty.  vault may be ROLLUP_ALL; from and to, not included,
 * are hours since the epoch; at_vault is 0 first, and at_hour is from.  Other
 * vaults and hours may follow: all adds up.
 */
struct toplist {
	uint64_t		 vault;
	enum rolltop_what	 what;
	int64_t			 from;
	int64_t			 to;
	int64_t			 at_vault;
	int64_t			 at_hour;
	struct topnames		 names;
	unsigned int		 n;
	uint64_t		 total;
};

struct topbest {
	const char	*name;		/* the list's */
	uint64_t	 count;
};

/* A slice: 1 when that was the last, 0 when there is more, -1, db_error(). */
int	 toplist_read(struct toplist *);
/*
 * Up to `max' names, the largest count first, and how many; what all the
 * others have together.
 */
unsigned int	 toplist_best(struct toplist *,
		    struct topbest [TOPLIST_BEST], unsigned int max,
		    uint64_t *others);
void	 toplist_free(struct toplist *);

#endif /* TOPLIST_H */
