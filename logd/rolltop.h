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

#ifndef ROLLTOP_H
#define ROLLTOP_H

#include <sys/types.h>

#include <stdint.h>

/*
 * Requests counted by vault, hour and host or service.  The first ROLLTOP_MAX
 * names of an hour have counts of their own; the others share one, whose name
 * is empty.  Requests without a name are not counted.
 */
#define ROLLTOP_MAX	200
#define ROLLTOP_CACHE	16384	/* names in memory, about */

enum rolltop_what {
	ROLLTOP_HOST,
	ROLLTOP_SERVICE
};

/*
 * The count of a name, NULL with db_error(), and one more of it; good until
 * rolltop_clear(), which is due when rolltop_full().
 */
struct rolltop	*rolltop_find(uint64_t vault, int64_t hour,
		    enum rolltop_what, const char *name);
void	 rolltop_count(struct rolltop *);
int	 rolltop_full(void);

/* As those of rollup.h, which calls them. */
int	 rolltop_write(void);
void	 rolltop_clear(void);
int	 rolltop_trim(int64_t hour, int max);

/*
 * What memory has, between transactions; see rollup_from().  All names of an
 * hour or none are there.  rolltop_each() tells those of a vault from one
 * hour since the epoch up to, not including, another; rolltop_vault() is the
 * first that is not before a vault, or -1.
 */
int	 rolltop_has(uint64_t vault, enum rolltop_what, int64_t hour);
void	 rolltop_each(uint64_t vault, enum rolltop_what, int64_t from,
	    int64_t to, void (*)(void *, const char *, uint64_t), void *);
int64_t	 rolltop_vault(uint64_t vault);

#endif /* ROLLTOP_H */
