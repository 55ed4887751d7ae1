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


/*
 * Filters.  The first byte says how the rest is given: as a line of text, or
 * as a parameter of a URL with the key up to `='.  What is taken must print
 * to a text that is taken as the same filter and matches the same; an error
 * must be at a place inside of what was given.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

#define NOW	INT64_C(1795593600000000)

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	take(struct filter *, int, char *);
static void	again(const struct filter *);
static void	evaluate(const struct filter *, const struct filter *);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct filter	 f;
	char		*s;

	if (len == 0)
		return (0);
	if ((s = malloc(len)) == NULL)
		abort();
	memcpy(s, data + 1, len - 1);
	s[len - 1] = '\0';
	filter_init(&f);
	if (take(&f, data[0] & 1, s) == 0)
		again(&f);
	free(s);
	return (0);
}

static int
take(struct filter *f, int parameter, char *s)
{
	struct filter_error	 e = { 0, "" };
	char			*eq;
	int			 rc;

	if (parameter && (eq = strchr(s, '=')) != NULL) {
		*eq = '\0';
		rc = filter_add(f, s, eq + 1, NOW, &e);
		s = eq + 1;
	} else
		rc = filter_parse(f, s, NOW, &e);
	if (rc == -1 && (e.at > strlen(s) || *e.text == '\0'))
		abort();
	return (rc);
}

static void
again(const struct filter *f)
{
	struct filter		 g;
	struct filter_error	 e;
	char			 one[FILTER_MAX + 1], two[FILTER_MAX + 1];

	if (filter_print(f, one) > FILTER_MAX)
		abort();
	filter_init(&g);
	if (filter_parse(&g, one, 0, &e) == -1)
		abort();
	(void)filter_print(&g, two);
	if (strcmp(one, two) != 0 || f->nvalues != g.nvalues ||
	    memcmp(f->terms, g.terms, sizeof(g.terms)) != 0)
		abort();
	evaluate(f, &g);
}

static void
evaluate(const struct filter *f, const struct filter *g)
{
	struct rec_row	 r;
	int		 i;

	memset(&r, 0, sizeof(r));
	r.actor = r.actor_name = "a";
	r.method = "GET";
	r.host = "aaaaaaaaaaaaaaaaaaaaaaaa.example";
	r.path = "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
	r.service = "";
	for (i = -1; i < 600; i += 67) {
		r.status = i;
		r.started = NOW - i * 1000000;
		r.vault = i & 3;
		r.kind = i & 3;
		if (filter_match(f, &r) != filter_match(g, &r))
			abort();
	}
}
