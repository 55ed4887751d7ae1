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

#include <stdio.h>
#include <string.h>

#include "cookie.h"
#include "url.h"

#define SCHEME		"http://"
#define PORT		80		/* where none is said */

static int	odd(const char *, size_t);
static enum cookie_found find_in(const struct http_head *,
		    struct http_slice, struct http_slice *);
static int	same_host(const char *, const struct url_authority *,
		    const char *, const struct url_authority *);

/* What is not as our tokens are; it may be the cookie of another program. */
static int
odd(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		if (!(s[i] >= '0' && s[i] <= '9') &&
		    !(s[i] >= 'a' && s[i] <= 'z') && s[i] != '_')
			return (1);
	}
	return (n == 0 || n > COOKIE_MAX);
}

/* In one Cookie field: pairs with ';' between them. */
static enum cookie_found
find_in(const struct http_head *h, struct http_slice field,
    struct http_slice *value)
{
	const size_t		 len = sizeof(COOKIE_NAME) - 1;
	const char		*s = HTTP_PTR(h, field), *end, *p;
	size_t			 n, left = field.len;
	enum cookie_found	 found = COOKIE_NONE;

	for (;;) {
		for (; left > 0 && (*s == ' ' || *s == '\t'); s++, left--)
			;
		end = memchr(s, ';', left);
		n = end == NULL ? left : (size_t)(end - s);
		for (p = s + n; p > s && (p[-1] == ' ' || p[-1] == '\t'); p--)
			;
		if ((size_t)(p - s) > len && s[len] == '=' &&
		    memcmp(s, COOKIE_NAME, len) == 0) {
			if (found != COOKIE_NONE)
				return (COOKIE_TWICE);
			value->off = s + len + 1 - h->base;
			value->len = p - s - len - 1;
			found = odd(s + len + 1, value->len) ? COOKIE_ODD :
			    COOKIE_OK;
		}
		if (end == NULL)
			return (found);
		s = end + 1;
		left -= n + 1;
	}
}

enum cookie_found
cookie_find(const struct http_head *h, struct http_slice *value)
{
	const struct http_field	*f = NULL;
	enum cookie_found	 found = COOKIE_NONE, here;

	while ((f = http_head_next(h, HTTP_COOKIE, f)) != NULL) {
		if ((here = find_in(h, f->value, value)) == COOKIE_NONE)
			continue;
		if (here == COOKIE_TWICE || found != COOKIE_NONE)
			return (COOKIE_TWICE);
		found = here;
	}
	return (found);
}

void
cookie_set(char *out, const char *token, long long seconds)
{
	(void)snprintf(out, COOKIE_SIZE, COOKIE_NAME "=%.*s; Path=/; "
	    "Max-Age=%lld; HttpOnly; SameSite=Strict", COOKIE_MAX, token,
	    seconds);
}

static int
same_host(const char *a, const struct url_authority *ua, const char *b,
    const struct url_authority *ub)
{
	char	 one[URL_HOST_MAX], two[URL_HOST_MAX];

	return (url_host(one, sizeof(one), a + ua->off, ua->len) !=
	    URL_NONE && url_host(two, sizeof(two), b + ub->off, ub->len) !=
	    URL_NONE && strcmp(one, two) == 0 &&
	    (ua->port == 0 ? PORT : ua->port) ==
	    (ub->port == 0 ? PORT : ub->port));
}

enum cookie_origin
cookie_origin(const struct http_head *h)
{
	const size_t			 skip = sizeof(SCHEME) - 1;
	const struct http_field		*f;
	const struct url_authority	*to = &h->host;
	struct url_authority		 from;
	const char			*s;

	if ((f = http_head_next(h, HTTP_ORIGIN, NULL)) == NULL)
		return (ORIGIN_NONE);
	if (h->form == HTTP_FORM_ABSOLUTE)
		to = &h->authority;
	s = HTTP_PTR(h, f->value);
	if (http_head_next(h, HTTP_ORIGIN, f) != NULL ||
	    to->kind == URL_NONE || f->value.len <= skip ||
	    memcmp(s, SCHEME, skip) != 0 ||
	    url_authority(s + skip, f->value.len - skip, 0, &from) == -1 ||
	    !same_host(s + skip, &from, h->base, to))
		return (ORIGIN_OTHER);
	return (ORIGIN_SAME);
}
