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

#include "http.h"
#include "internal.h"

/*
 * The request target, RFC 9112 section 3.2.  Its characters have been
 * checked: printable ASCII without space and '#'.
 */

static void	 target_split(struct http_head *, size_t);
static int	 target_authority(struct http_head *, size_t, size_t, int);
static int	 target_absolute(struct http_head *, const char *, size_t);

int
http_target(struct http_head *h)
{
	const char	*s;
	size_t		 n;

	s = HTTP_PTR(h, h->target);
	n = h->target.len;
	if (h->method == HTTP_M_CONNECT) {
		h->form = HTTP_FORM_AUTHORITY;
		return (target_authority(h, 0, n, 1));
	}
	if (s[0] == '/') {
		h->form = HTTP_FORM_ORIGIN;
		target_split(h, 0);
		return (0);
	}
	if (n == 1 && s[0] == '*') {
		if (h->method != HTTP_M_OPTIONS)
			return (http_fail(h, HTTP_E_FORM));
		h->form = HTTP_FORM_ASTERISK;
		return (0);
	}
	return (target_absolute(h, s, n));
}

/* Path and query are what follows the first at bytes of the target. */
static void
target_split(struct http_head *h, size_t at)
{
	const char	*s;
	size_t		 n;

	s = HTTP_PTR(h, h->target) + at;
	n = url_path_len(s, h->target.len - at);
	h->path.off = h->target.off + at;
	h->path.len = n;
	h->query.off = h->path.off + n;
	h->query.len = h->target.len - at - n;
}

static int
target_authority(struct http_head *h, size_t at, size_t n, int needport)
{
	const char	*s;

	s = HTTP_PTR(h, h->target) + at;
	if (url_authority(s, n, needport, &h->authority) == -1)
		return (http_fail(h, HTTP_E_AUTHORITY));
	h->authority.off += h->target.off + at;
	return (0);
}

/* A proxy here speaks plain HTTP only; https is what CONNECT is for. */
static int
target_absolute(struct http_head *h, const char *s, size_t n)
{
	size_t	 end;

	if (n < 7 || !http_equal(s, 7, "http://"))
		return (http_fail(h, memmem(s, n, "://", 3) != NULL ?
		    HTTP_E_SCHEME : HTTP_E_FORM));
	h->form = HTTP_FORM_ABSOLUTE;
	for (end = 7; end < n; end++)
		if (s[end] == '/' || s[end] == '?')
			break;
	target_split(h, end);
	return (target_authority(h, 7, end - 7, 0));
}
