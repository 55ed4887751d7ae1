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


#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "db.h"
#include "querytime.h"
#include "record.h"

#define MINUTE	INT64_C(60000000)

static struct db_sql	 sql_from = DB_SQL(
    "SELECT first_id FROM minutes WHERE minute >= ? ORDER BY minute LIMIT 1");
static struct db_sql	 sql_to = DB_SQL(
    "SELECT last_id FROM minutes WHERE minute <= ?"
    " ORDER BY minute DESC LIMIT 1");

static int64_t	id_time(const struct filter_value *);
static void	times(const struct filter *, int64_t *, int64_t *);
static int	ids(int64_t, int64_t, struct span *);
static void	copy(struct spans *, const struct spans *, int64_t, int64_t);

static int64_t
id_time(const struct filter_value *v)
{
	const uint64_t	 half[2] = { (uint64_t)v->lo, (uint64_t)v->hi };
	uint8_t		 id[16];
	int		 i;

	for (i = 0; i < 16; i++)
		id[i] = half[i / 8] >> (56 - 8 * (i % 8));
	return (record_time(id));
}

/* From since up to, not including, until. */
static void
times(const struct filter *f, int64_t *since, int64_t *until)
{
	const struct filter_term	*t;
	int64_t				 at, lo, hi;
	int				 i, k;

	filter_span(f, since, until);
	for (i = 0; i < f->nterms; i++) {
		t = &f->terms[i];
		if (t->key != FILTER_REQUEST_ID || t->negated)
			continue;
		lo = INT64_MAX;
		hi = INT64_MIN;
		for (k = 0; k < t->n; k++) {
			at = id_time(&f->values[t->first + k]);
			if (at < lo)
				lo = at;
			if (at >= hi)
				hi = at + 1;
		}
		if (lo > *since)
			*since = lo;
		if (hi < *until)
			*until = hi;
	}
}

/* A minute more than the mark allows, since a commit takes a while. */
static int
ids(int64_t since, int64_t until, struct span *x)
{
	x->lo = 0;
	x->hi = INT64_MAX;
	if (since != INT64_MIN && db_int(&sql_from, INT64_MAX, &x->lo, "i",
	    since / MINUTE - (since < 0)) == -1)
		return (-1);
	if (until != INT64_MAX && db_int(&sql_to, 0, &x->hi, "i",
	    until / MINUTE + 2) == -1)
		return (-1);
	return (0);
}

/* What of it is from lo to hi. */
static void
copy(struct spans *to, const struct spans *from, int64_t lo, int64_t hi)
{
	int	 i;

	for (i = 0; i < from->n; i++)
		spans_add(to, from->span[i].lo > lo ? from->span[i].lo : lo,
		    from->span[i].hi < hi ? from->span[i].hi : hi);
}

int
querytime_cut(const struct filter *f, struct spans *spans, struct spans *late)
{
	struct spans	 old = *spans;
	struct span	 x;
	int64_t		 since, until;

	times(f, &since, &until);
	if (since == INT64_MIN && until == INT64_MAX)
		return (0);
	if (ids(since, until, &x) == -1)
		return (-1);
	memset(spans, 0, sizeof(*spans));
	if (since < until) {
		copy(spans, &old, x.lo, x.hi);
		if (x.lo > 0)
			copy(late, &old, 0, x.lo - 1);
		if (x.hi < INT64_MAX)
			copy(late, &old, x.lo > x.hi ? x.lo : x.hi + 1,
			    INT64_MAX);
	}
	spans_free(&old);
	return (0);
}
