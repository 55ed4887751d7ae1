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


#ifndef QUERYVALUES_H
#define QUERYVALUES_H

#include <sys/types.h>

#include <stdint.h>

#include "filter.h"

/*
 * The values of a key that rows have, for completion: the first of them in
 * the order of bytes that begin with a prefix (letters of ASCII in any case).
 * They are looked up in the dictionaries in slices, or are names of codes.
 */
#define VALUES_MAX	200
#define VALUES_SIZE	257
#define VALUES_ROWS	2000	/* of a dictionary in a slice */

struct values {
	uint64_t	 vault;		/* what may be read, as in a query */
	int		 all;
	enum filter_key	 key;
	char		 prefix[VALUES_SIZE];
	uint32_t	 limit;
	uint32_t	 n;
	int		 more;		/* than fit */
	int64_t		 entry;		/* of the dictionary, done so far */
	char		 text[VALUES_MAX][VALUES_SIZE];
};

/* Whether there are values of the key that could be listed. */
int	 values_known(enum filter_key);
/* A slice: 1 when there is more to do, 0, or -1 with db_error(). */
int	 values_work(struct values *);

#endif /* QUERYVALUES_H */
