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

#ifndef GONE_H
#define GONE_H

#include <sys/types.h>

#include <stdint.h>

/*
 * What retention has deleted, so that a reader whose cursor is older is told
 * how many rows it has missed.  Of each vault, of the instance log and of the
 * audit rows the oldest rows go first: what is remembered is how many, and the
 * ids of the last GONE_SEGMENTS * GONE_SEGMENT or so.  A cursor among them or
 * before all that ever went gets an exact number, one between the two the
 * number from the first on, which is more than it has missed.
 */
#define GONE_SEGMENT	512	/* ids that share a row */
#define GONE_SEGMENTS	32	/* of a vault, before the oldest are one */
#define GONE_LOOKS	64	/* vaults that an answer looks at in detail */
#define GONE_PENDING	1024	/* ids of a transaction, at most */

/* Of one vault. */
struct gone {
	uint64_t	 total;		/* rows that went, ever */
	int64_t		 first;		/* the first of them, or 0 */
	int64_t		 last;
};

struct gone_answer {
	uint64_t	 rows;
	int		 exact;
	int64_t		 oldest;	/* row that is left, or 0 */
};

/* Set what vault_load() has read vaults for.  0 or -1. */
int	 gone_load(void);

/*
 * In a transaction: a row went.  The ids of a vault ascend, from one call to
 * the next and from one transaction to the next; GONE_AUDIT is the vault of
 * audit rows.  Then gone_save(), 0 or -1, and after its commit or rollback
 * gone_saved() or gone_undo().
 */
#define GONE_AUDIT	UINT64_MAX
void	 gone_add(uint64_t vault, int64_t id);
int	 gone_save(void);
void	 gone_saved(void);
void	 gone_undo(void);

/* How many rows of a vault, or of everything, have gone: to see a change. */
uint64_t	 gone_count(uint64_t vault, int all);

/*
 * Rows of a vault, or of everything with `all', that went with an id above
 * `after' and not above `upto'.  0 or -1.
 */
int	 gone_between(uint64_t vault, int all, int64_t after, int64_t upto,
	    struct gone_answer *);

#endif /* GONE_H */
