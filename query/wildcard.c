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

#include <stddef.h>

#include "wildcard.h"

static int	lower(int);
static int	same(const char **, int, int);

/* Without a locale. */
static int
lower(int c)
{
	return (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Whether one character matches what the glob has next, which is no star. */
static int
same(const char **glob, int c, int fold)
{
	const char	*g = *glob;

	if (*g == '\0')
		return (0);
	if (*g != '?') {
		if (*g == '\\' && g[1] != '\0')
			g++;
		if (*g != c && (!fold || lower(*g) != lower(c)))
			return (0);
	}
	*glob = g + 1;
	return (1);
}

/*
 * Only the last star is ever tried again with one character more: what came
 * before it has matched as early as it can, which leaves most to the rest.
 */
int
wildcard_match(const char *glob, const char *text, int fold)
{
	const char	*star = NULL, *from = NULL;

	for (;;) {
		if (*glob == '*') {
			while (*glob == '*')
				glob++;
			if (*glob == '\0')
				return (1);
			star = glob;
			from = text;
		} else if (*text == '\0')
			return (*glob == '\0');
		else if (same(&glob, *text, fold))
			text++;
		else if (star == NULL)
			return (0);
		else {
			glob = star;
			text = ++from;
		}
	}
}

int
wildcard_equal(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return (*a == *b);
}
