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


#ifndef INTERNAL_H
#define INTERNAL_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "filter.h"

/* hi of a vault: its id is known, or only a name. */
#define VAULT_NAME	0
#define VAULT_ID	1

/* An item of a list, as it was written, and without quotes. */
struct item {
	const char	*text;
	int		 quoted;
	size_t		 at;		/* for errors */
};

/* Returns -1. */
int	 filter_fail(struct filter_error *, size_t at, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));

/* What an item means for the key; the filter keeps its text if need be. */
int	 value_parse(struct filter *, enum filter_key, struct filter_value *,
	    const struct item *, int64_t now, struct filter_error *);
/* As one would write it, before quotes are put around. */
void	 value_print(const struct filter *, enum filter_key,
	    const struct filter_value *, char *, size_t);
/* Keys of which a term has only one item. */
int	 value_single(enum filter_key);

#endif /* INTERNAL_H */
