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

#ifndef DICT_H
#define DICT_H

#include <sys/types.h>

#include <stdint.h>

#include "record.h"

/*
 * The dictionaries: rows of `scopes' and `targets' that rows of the log refer
 * to.  Each entry has a bound, last_id, on the ids of the rows that use it;
 * it is moved ahead when a row would pass it, by DICT_STEP or by as much as
 * the entry has been in use for, so that most rows cost no write, however
 * many entries there are, and an entry is never taken for unused while it is
 * in use.
 *
 * The cache of targets is bounded; the least recently used entry leaves.
 */
#define DICT_CACHE	4096
#define DICT_STEP	4096

/*
 * The entry for a row with this id, made when there is none.  All within a
 * transaction.  0, or -1 with db_error().
 */
int	 dict_who(struct who *, int64_t id, int64_t *entry);
int	 dict_target(struct record *, uint64_t vault, int64_t id);
/*
 * Before a row with this id refers to a target that was looked up earlier.
 */
int	 dict_target_use(struct record *, int64_t id);

/*
 * Forget what is remembered: after a rollback, and after entries were
 * deleted.
 */
void	 dict_clear(void);

/*
 * Delete up to `max' entries of the vault that no row kept uses: those whose
 * bound is below `oldest', the vault's oldest id.  Returns how many, or -1.
 */
int	 dict_trim(uint64_t vault, int64_t oldest, int max);
/*
 * The least bound of an entry of the vault, or `none' if that is less: until
 * the oldest id has passed it there is nothing to trim.
 */
int	 dict_least(uint64_t vault, int64_t none, int64_t *least);

struct dict_counters {
	uint64_t	 hits;
	uint64_t	 misses;
	uint64_t	 cached;
};
extern struct dict_counters	 dict_counters;

#endif /* DICT_H */
