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

#include <string.h>
#include <strings.h>

#include "buf.h"
#include "header.h"
#include "http.h"

#define TRACE_LEN	55	/* 00-<32 digits>-<16 digits>-<2 digits> */
#define TRACE_ID	3

static int	 injected(const struct rec_rule *, const char *, size_t);
static int	 header_field(struct buf *, const struct http_head *,
		    const struct http_field *);
static int	 hex_digit(char);
static int	 trace_valid(const char *, size_t);
static uint8_t	 authorization_scheme(const char *, size_t);

/* Fields of the client by which APIs are used to take a key. */
static const char *const	 key_names[] = {
	"api-key",
	"apikey",
	"private-token",
	"x-access-token",
	"x-api-key",
	"x-api-token",
	"x-auth-key",
	"x-auth-token",
	"x-goog-api-key",
	"x-token"
};
#define NKEYS	(sizeof(key_names) / sizeof(key_names[0]))

static int
injected(const struct rec_rule *rule, const char *name, size_t len)
{
	uint32_t	 i;

	if (rule == NULL)
		return (0);
	for (i = 0; i < rule->inject_n; i++) {
		if (strlen(rule->inject[i].name) == len &&
		    strncasecmp(rule->inject[i].name, name, len) == 0)
			return (1);
	}
	return (0);
}

static int
header_field(struct buf *b, const struct http_head *h,
    const struct http_field *f)
{
	return (http_write_field(b, HTTP_PTR(h, f->name), f->name.len,
	    HTTP_PTR(h, f->value), f->value.len));
}

int
header_request(struct buf *b, const struct http_head *h, const char *host,
    uint8_t ingress, const struct rec_rule *rule)
{
	const struct http_field	*f;
	const struct rec_header	*in;
	uint32_t		 i;

	if (!injected(rule, "host", 4) &&
	    http_write_string(b, "Host", host) == -1)
		return (-1);
	for (i = 0; i < h->nfields; i++) {
		f = &h->fields[i];
		if ((f->flags & (HTTP_F_HOP | HTTP_F_PROXY |
		    HTTP_F_FRAMING)) || f->id == HTTP_HOST ||
		    f->id == HTTP_X_VAULT ||
		    (f->id == HTTP_AUTHORIZATION &&
		    ingress == INGRESS_EXPLICIT) ||
		    injected(rule, HTTP_PTR(h, f->name), f->name.len))
			continue;
		if (header_field(b, h, f) == -1)
			return (-1);
	}
	for (i = 0; rule != NULL && i < rule->inject_n; i++) {
		in = &rule->inject[i];
		if (http_write_string(b, in->name, in->value) == -1)
			return (-1);
	}
	return (0);
}

int
header_response(struct buf *b, const struct http_head *h, int passthrough)
{
	const struct http_field	*f;
	unsigned int		 i;

	for (i = 0; i < h->nfields; i++) {
		f = &h->fields[i];
		if ((f->flags & (HTTP_F_HOP | HTTP_F_PROXY |
		    HTTP_F_FRAMING)) ||
		    (f->id == HTTP_SET_COOKIE && !passthrough) ||
		    http_equal(HTTP_PTR(h, f->name), f->name.len,
		    "x-broker-proxy-error"))
			continue;
		if (header_field(b, h, f) == -1)
			return (-1);
	}
	return (0);
}

int
header_host(char *dst, size_t size, const char *host, uint16_t port, int tls)
{
	enum url_kind	 kind = URL_NAME;

	if (port == (tls ? 443 : 80))
		port = 0;
	/* A canonical host has a colon only as an IPv6 address. */
	if (strchr(host, ':') != NULL)
		kind = URL_IPV6;
	return (url_format(dst, size, host, kind, port));
}

/* A scheme that is neither is some kind of key. */
static uint8_t
authorization_scheme(const char *s, size_t len)
{
	size_t	 n;

	for (n = 0; n < len && s[n] != ' '; n++)
		;
	if (http_equal(s, n, "bearer"))
		return (SCHEME_BEARER);
	if (http_equal(s, n, "basic"))
		return (SCHEME_BASIC);
	return (SCHEME_API_KEY);
}

uint8_t
header_auth(const struct http_head *h, uint8_t ingress, char *name,
    size_t size)
{
	const struct http_field	*f;
	size_t			 i;

	*name = '\0';
	f = http_head_next(h, HTTP_AUTHORIZATION, NULL);
	if (f != NULL && ingress != INGRESS_EXPLICIT) {
		(void)strlcpy(name, "authorization", size);
		return (authorization_scheme(HTTP_PTR(h, f->value),
		    f->value.len));
	}
	for (i = 0; i < NKEYS; i++) {
		if (http_head_find(h, key_names[i], NULL) != NULL) {
			(void)strlcpy(name, key_names[i], size);
			return (SCHEME_API_KEY);
		}
	}
	return (SCHEME_NONE);
}

/* Trace Context takes lower case only. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (-1);
}

/*
 * Version ff is none; later versions than 00 may be longer, with another
 * dash (W3C Trace Context section 3.2.4).
 */
static int
trace_valid(const char *s, size_t len)
{
	size_t	 i;

	if (len < TRACE_LEN || memcmp(s, "ff", 2) == 0)
		return (0);
	if (len > TRACE_LEN && (memcmp(s, "00", 2) == 0 ||
	    s[TRACE_LEN] != '-'))
		return (0);
	for (i = 0; i < TRACE_LEN; i++) {
		if (i == 2 || i == 35 || i == 52) {
			if (s[i] != '-')
				return (0);
		} else if (hex_digit(s[i]) == -1)
			return (0);
	}
	return (1);
}

int
header_trace(const struct http_head *h, uint8_t id[16])
{
	const struct http_field	*f;
	const char		*s;
	uint8_t			 any = 0;
	int			 i;

	memset(id, 0, 16);
	f = http_head_next(h, HTTP_TRACEPARENT, NULL);
	if (f == NULL || http_head_next(h, HTTP_TRACEPARENT, f) != NULL)
		return (0);
	s = HTTP_PTR(h, f->value);
	if (!trace_valid(s, f->value.len))
		return (0);
	s += TRACE_ID;
	for (i = 0; i < 16; i++) {
		id[i] = hex_digit(s[2 * i]) * 16 + hex_digit(s[2 * i + 1]);
		any |= id[i];
	}
	return (any != 0);
}
