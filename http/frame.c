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
#include <strings.h>

#include "http.h"
#include "internal.h"

/*
 * What follows a head: body framing (RFC 9112 section 6), persistence
 * (section 9.3), Expect, Upgrade, and which fields end at this hop.
 */

/* Fields that decide framing, routing or trust have no place in trailers. */
#define TRAILER_REFUSED	(HTTP_BIT(HTTP_CONTENT_LENGTH) |		\
    HTTP_BIT(HTTP_TRANSFER_ENCODING) | HTTP_BIT(HTTP_HOST) |		\
    HTTP_BIT(HTTP_CONNECTION) | HTTP_BIT(HTTP_UPGRADE) |		\
    HTTP_BIT(HTTP_TE) | HTTP_BIT(HTTP_TRAILER) |			\
    HTTP_BIT(HTTP_EXPECT) | HTTP_BIT(HTTP_AUTHORIZATION) |		\
    HTTP_BIT(HTTP_PROXY_AUTHORIZATION) | HTTP_BIT(HTTP_X_VAULT) |	\
    HTTP_BIT(HTTP_CONTENT_ENCODING) | HTTP_BIT(HTTP_CONTENT_RANGE) |	\
    HTTP_BIT(HTTP_CONTENT_TYPE) | HTTP_BIT(HTTP_COOKIE) |		\
    HTTP_BIT(HTTP_SET_COOKIE))

#define OPTION_CLOSE		0x01
#define OPTION_KEEP_ALIVE	0x02
#define OPTION_UPGRADE		0x04

static int	 frame_number(const char *, size_t, int, uint64_t *);
static int	 frame_length(struct http_head *);
static int	 frame_coding(struct http_head *);
static int	 frame_option(struct http_head *, const char *, size_t);
static int	 frame_connection(struct http_head *);
static int	 frame_host(struct http_head *);
static int	 frame_expect(struct http_head *);
static int	 frame_request(struct http_head *);
static void	 frame_response(struct http_head *);

int
http_fail(struct http_head *h, enum http_error error)
{
	h->error = error;
	return (-1);
}

int
http_frame(struct http_head *h)
{
	int	 options;

	if (h->type == HTTP_TRAILERS) {
		if ((h->seen & TRAILER_REFUSED) != 0)
			return (http_fail(h, HTTP_E_TRAILER));
		return (0);
	}
	if (frame_length(h) == -1 || frame_coding(h) == -1 ||
	    (options = frame_connection(h)) == -1)
		return (-1);
	if (h->version == 11)
		h->keepalive = (options & OPTION_CLOSE) == 0;
	else
		h->keepalive = (options & OPTION_CLOSE) == 0 &&
		    (options & OPTION_KEEP_ALIVE) != 0;
	h->upgrade = h->version == 11 && (options & OPTION_UPGRADE) != 0 &&
	    (h->seen & HTTP_BIT(HTTP_UPGRADE)) != 0;
	if (h->type == HTTP_REQUEST)
		return (frame_request(h));
	frame_response(h);
	return (0);
}

/*
 * 1*DIGIT up to INT64_MAX, in at most 19 digits.  No sign, no space, no
 * list.  Leading zeros are legal but nobody's habit, and what somebody
 * else takes for octal: a client that sends them is refused.
 */
static int
frame_number(const char *s, size_t n, int strict, uint64_t *value)
{
	uint64_t	 v;
	size_t		 i;

	if (n == 0 || n > 19 || (strict && n > 1 && s[0] == '0'))
		return (-1);
	for (i = 0, v = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (-1);
		v = v * 10 + (s[i] - '0');
	}
	if (v > INT64_MAX)
		return (-1);
	*value = v;
	return (0);
}

static int
frame_length(struct http_head *h)
{
	const struct http_field	*f;
	uint64_t		 value;
	int			 strict;

	strict = h->type == HTTP_REQUEST;
	f = http_head_next(h, HTTP_CONTENT_LENGTH, NULL);
	for (; f != NULL; f = http_head_next(h, HTTP_CONTENT_LENGTH, f)) {
		if (frame_number(HTTP_PTR(h, f->value), f->value.len, strict,
		    &value) == -1)
			return (http_fail(h, HTTP_E_LENGTH));
		if (h->has_length && (strict || value != h->content_length))
			return (http_fail(h, HTTP_E_LENGTH_TWICE));
		h->has_length = 1;
		h->content_length = value;
		h->framing = HTTP_BODY_LENGTH;
	}
	return (0);
}

static int
frame_coding(struct http_head *h)
{
	const struct http_field	*f;

	f = http_head_next(h, HTTP_TRANSFER_ENCODING, NULL);
	if (f == NULL)
		return (0);
	if (h->has_length)
		return (http_fail(h, HTTP_E_LENGTH_CODING));
	if (h->version == 10)
		return (http_fail(h, HTTP_E_CODING_10));
	if (!http_equal(HTTP_PTR(h, f->value), f->value.len, "chunked"))
		return (http_fail(h, HTTP_E_CODING));
	if (http_head_next(h, HTTP_TRANSFER_ENCODING, f) != NULL)
		return (http_fail(h, HTTP_E_CODING_TWICE));
	h->framing = HTTP_BODY_CHUNKED;
	return (0);
}

/* One option of Connection; the fields it names end here. */
static int
frame_option(struct http_head *h, const char *s, size_t n)
{
	struct http_field	*f;

	if (http_equal(s, n, "close"))
		return (OPTION_CLOSE);
	if (http_equal(s, n, "keep-alive"))
		return (OPTION_KEEP_ALIVE);
	if (http_equal(s, n, "upgrade"))
		return (OPTION_UPGRADE);
	for (f = h->fields; f < h->fields + h->nfields; f++)
		if (f->name.len == n &&
		    strncasecmp(HTTP_PTR(h, f->name), s, n) == 0)
			f->flags |= HTTP_F_HOP;
	return (0);
}

/*
 * The options of all Connection fields, or -1.  Their number is bounded
 * since each is compared with every field.
 */
static int
frame_connection(struct http_head *h)
{
	const struct http_field	*f;
	struct http_slice	 item;
	const char		*s;
	size_t			 pos;
	int			 count, options;

	count = options = 0;
	f = http_head_next(h, HTTP_CONNECTION, NULL);
	for (; f != NULL; f = http_head_next(h, HTTP_CONNECTION, f)) {
		s = HTTP_PTR(h, f->value);
		pos = 0;
		while (http_list_next(s, f->value.len, &pos, &item)) {
			if (++count > HTTP_OPTIONS_MAX ||
			    !http_valid_name(s + item.off, item.len))
				return (http_fail(h, HTTP_E_CONNECTION));
			options |= frame_option(h, s + item.off, item.len);
		}
	}
	return (options);
}

/* Exactly one Host in HTTP/1.1, RFC 9112 section 3.2. */
static int
frame_host(struct http_head *h)
{
	const struct http_field	*f;

	f = http_head_next(h, HTTP_HOST, NULL);
	if (f == NULL) {
		if (h->version == 11)
			return (http_fail(h, HTTP_E_HOST_MISSING));
		return (0);
	}
	if (http_head_next(h, HTTP_HOST, f) != NULL)
		return (http_fail(h, HTTP_E_HOST_TWICE));
	if (url_authority(HTTP_PTR(h, f->value), f->value.len, 0,
	    &h->host) == -1)
		return (http_fail(h, HTTP_E_HOST));
	h->host.off += f->value.off;
	return (0);
}

static int
frame_expect(struct http_head *h)
{
	const struct http_field	*f;

	if (h->version == 10)
		return (0);
	f = http_head_next(h, HTTP_EXPECT, NULL);
	for (; f != NULL; f = http_head_next(h, HTTP_EXPECT, f)) {
		if (!http_equal(HTTP_PTR(h, f->value), f->value.len,
		    "100-continue"))
			return (http_fail(h, HTTP_E_EXPECT));
		h->expect = h->framing == HTTP_BODY_CHUNKED ||
		    h->content_length > 0;
	}
	return (0);
}

/* What follows a CONNECT is the tunnel; a body would be a second reading. */
static int
frame_request(struct http_head *h)
{
	if (frame_host(h) == -1 || frame_expect(h) == -1)
		return (-1);
	if (h->method != HTTP_M_CONNECT)
		return (0);
	if (h->framing == HTTP_BODY_CHUNKED || h->content_length > 0)
		return (http_fail(h, HTTP_E_CONNECT_BODY));
	h->framing = HTTP_BODY_NONE;
	return (0);
}

static void
frame_response(struct http_head *h)
{
	if (h->method == HTTP_M_CONNECT && h->status / 100 == 2) {
		h->framing = HTTP_BODY_NONE;
		h->keepalive = 0;
	} else if (h->method == HTTP_M_HEAD || h->status / 100 == 1 ||
	    h->status == 204 || h->status == 304) {
		h->framing = HTTP_BODY_NONE;
		if (h->status == 101)
			h->keepalive = 0;
	} else if (h->framing == HTTP_BODY_NONE) {
		h->framing = HTTP_BODY_EOF;
		h->keepalive = 0;
	}
}

int
http_list_next(const char *s, size_t n, size_t *pos, struct http_slice *item)
{
	size_t	 end, i;

	i = *pos;
	while (i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == ','))
		i++;
	if (i == n) {
		*pos = n;
		return (0);
	}
	for (end = i; end < n && s[end] != ','; end++)
		;
	*pos = end;
	while (s[end - 1] == ' ' || s[end - 1] == '\t')
		end--;
	item->off = i;
	item->len = end - i;
	return (1);
}
