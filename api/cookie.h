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

#ifndef COOKIE_H
#define COOKIE_H

#include "http.h"

/*
 * The cookie of a login, and where a browser says that a request comes from.
 */

#define COOKIE_NAME	"av_session"
#define COOKIE_MAX	512	/* bytes of its value */
#define COOKIE_SIZE	640	/* of a Set-Cookie value */

enum cookie_found {
	COOKIE_NONE,
	COOKIE_OK,
	COOKIE_ODD,		/* its value is nothing that we have set */
	COOKIE_TWICE
};

/*
 * Look for the cookie in a head (RFC 6265, section 5.4): the names and values
 * of others do not matter.  *value refers to the head.
 */
enum cookie_found cookie_find(const struct http_head *,
	    struct http_slice *value);

/*
 * The value of Set-Cookie that keeps a token for so many seconds; "" and 0
 * make the browser forget it.  out has COOKIE_SIZE bytes.
 */
void	 cookie_set(char *out, const char *token, long long seconds);

enum cookie_origin {
	ORIGIN_NONE,
	ORIGIN_SAME,
	ORIGIN_OTHER
};

/*
 * Compare Origin (RFC 6454, section 7) with the scheme, host and port that
 * the request was sent to.  Each listener speaks http.
 */
enum cookie_origin cookie_origin(const struct http_head *);

#endif /* COOKIE_H */
