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
#include <stdio.h>
#include <string.h>

#include "filter.h"
#include "internal.h"

static const char *const names[FILTER_KEYS] = {
	[FILTER_ACTOR] =		"actor",
	[FILTER_DECISION] =		"decision",
	[FILTER_ERROR_CODE] =		"error_code",
	[FILTER_HOST] =			"host",
	[FILTER_INGRESS] =		"ingress",
	[FILTER_KIND] =			"kind",
	[FILTER_METHOD] =		"method",
	[FILTER_MIN_MS] =		"min_ms",
	[FILTER_PATH] =			"path",
	[FILTER_REQUEST_ID] =		"request_id",
	[FILTER_SERVICE] =		"service",
	[FILTER_SINCE] =		"since",
	[FILTER_STATUS] =		"status",
	[FILTER_STATUS_BUCKET] =	"status_bucket",
	[FILTER_UNTIL] =		"until",
	[FILTER_VAULT] =		"vault"
};

static struct filter_value	*value_room(struct filter *);
static int	resolve_one(struct filter *, struct filter_term *,
		    const struct filter_value *, size_t (*)(const char *,
		    uint64_t *, size_t, void *), void *,
		    struct filter_error *);

void
filter_init(struct filter *f)
{
	memset(f, 0, sizeof(*f));
}

int
filter_key(const char *s)
{
	int	 i;

	for (i = 0; i < FILTER_KEYS; i++) {
		if (strcmp(names[i], s) == 0)
			return (i);
	}
	return (-1);
}

const char *
filter_name(enum filter_key key)
{
	return (names[key]);
}

int
filter_has(const struct filter *f, enum filter_key key)
{
	int	 i;

	for (i = 0; i < f->nterms; i++) {
		if (f->terms[i].key == key)
			return (1);
	}
	return (0);
}

/* All terms once more, in their order, with numbers for names of vaults. */
int
filter_resolve(struct filter *f, size_t (*fn)(const char *, uint64_t *,
    size_t, void *), void *arg, struct filter_error *e)
{
	struct filter			 old = *f;
	const struct filter_term	*t;
	struct filter_term		*new;
	int				 i, j;

	f->nterms = f->nvalues = 0;
	for (i = 0; i < old.nterms; i++) {
		t = &old.terms[i];
		new = &f->terms[f->nterms++];
		*new = *t;
		new->first = f->nvalues;
		new->n = 0;
		for (j = 0; j < t->n; j++) {
			if (resolve_one(f, new, &old.values[t->first + j],
			    fn, arg, e) == -1)
				return (-1);
		}
	}
	return (0);
}

static struct filter_value *
value_room(struct filter *f)
{
	return (f->nvalues == FILTER_VALUES ? NULL :
	    &f->values[f->nvalues++]);
}

static int
resolve_one(struct filter *f, struct filter_term *t,
    const struct filter_value *old, size_t (*fn)(const char *, uint64_t *,
    size_t, void *), void *arg, struct filter_error *e)
{
	uint64_t		 ids[FILTER_VALUES];
	struct filter_value	*v;
	const char		*name = f->text + old->text;
	size_t			 i, n;

	if (t->key != FILTER_VAULT || old->hi == VAULT_ID) {
		if ((v = value_room(f)) == NULL)
			return (filter_fail(e, 0, "too many values"));
		*v = *old;
		t->n++;
		return (0);
	}
	if ((n = fn(name, ids, FILTER_VALUES, arg)) == 0)
		return (filter_fail(e, 0, "vault: there is and was no vault "
		    "\"%.64s\"", name));
	for (i = 0; i < n; i++) {
		if ((v = value_room(f)) == NULL)
			return (filter_fail(e, 0, "vault: too many vaults "
			    "had the name \"%.64s\"", name));
		memset(v, 0, sizeof(*v));
		v->lo = ids[i];
		v->hi = VAULT_ID;
		t->n++;
	}
	return (0);
}
