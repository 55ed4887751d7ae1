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
 * Field names and values: character classes, classification of names, and
 * looking fields up in a head.
 */

#define V	CLASS_VALUE
#define P	(CLASS_VALUE | CLASS_TARGET)
#define N	(CLASS_VALUE | CLASS_TOKEN)
#define T	(CLASS_VALUE | CLASS_TARGET | CLASS_TOKEN)
#define X	(CLASS_VALUE | CLASS_TARGET | CLASS_TOKEN | CLASS_HEX)

const uint8_t http_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	V, T, P, N, T, T, T, T, P, P, T, T, P, T, T, P,	/*  !"#$%&'()*+,-./ */
	X, X, X, X, X, X, X, X, X, X, P, P, P, P, P, P,	/* 0-9 :;<=>? */
	P, X, X, X, X, X, X, T, T, T, T, T, T, T, T, T,	/* @ A-O */
	T, T, T, T, T, T, T, T, T, T, T, P, P, P, T, T,	/* P-Z [\]^_ */
	T, X, X, X, X, X, X, T, T, T, T, T, T, T, T, T,	/* ` a-o */
	T, T, T, T, T, T, T, T, T, T, T, P, T, P, T, 0,	/* p-z {|}~ */
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V
};

#undef V
#undef P
#undef N
#undef T
#undef X

static int	 differ(const char *, const char *);
static int	 same(const char *, const char *, size_t);

static const uint8_t id_flags[HTTP_ID_MAX] = {
	[HTTP_CONNECTION] = HTTP_F_HOP,
	[HTTP_CONTENT_LENGTH] = HTTP_F_FRAMING,
	[HTTP_HTTP2_SETTINGS] = HTTP_F_HOP,
	[HTTP_KEEP_ALIVE] = HTTP_F_HOP,
	[HTTP_PROXY_AUTHENTICATE] = HTTP_F_PROXY,
	[HTTP_PROXY_AUTHENTICATION_INFO] = HTTP_F_PROXY,
	[HTTP_PROXY_AUTHORIZATION] = HTTP_F_PROXY,
	[HTTP_PROXY_CONNECTION] = HTTP_F_HOP | HTTP_F_PROXY,
	[HTTP_TE] = HTTP_F_HOP,
	[HTTP_TRANSFER_ENCODING] = HTTP_F_HOP | HTTP_F_FRAMING,
	[HTTP_UPGRADE] = HTTP_F_HOP
};

/*
 * Eight bytes that differ from those of a word of lower-case letters, digits
 * and hyphens by more than the case of letters?  Among the characters of such
 * a word only letters have bit 0x40, and only their bit 0x20 may differ.
 */
static inline int
differ(const char *s, const char *word)
{
	uint64_t	 a, b;

	memcpy(&a, s, sizeof(a));
	memcpy(&b, word, sizeof(b));
	return (((a ^ b) & ~(b >> 1 & UINT64_C(0x2020202020202020))) != 0);
}

/* Compare n bytes with such a word; the last eight may overlap others. */
static inline int
same(const char *s, const char *word, size_t n)
{
	size_t	 i;

	if (n < 8) {
		for (i = 0; i < n; i++)
			if (((s[i] ^ word[i]) & ~(word[i] >> 1 & 0x20)) != 0)
				return (0);
		return (1);
	}
	for (i = 0; i + 8 <= n; i += 8)
		if (differ(s + i, word + i))
			return (0);
	return (i == n || !differ(s + n - 8, word + n - 8));
}

#define TRY(word, id)	do {						\
	if (same(s, (word), sizeof(word) - 1))				\
		return (id);						\
} while (0)

enum http_id
http_id(const char *s, size_t n)
{
	switch (n) {
	case 2:
		TRY("te", HTTP_TE);
		break;
	case 3:
		TRY("via", HTTP_VIA);
		break;
	case 4:
		TRY("host", HTTP_HOST);
		TRY("date", HTTP_DATE);
		TRY("etag", HTTP_ETAG);
		break;
	case 5:
		TRY("allow", HTTP_ALLOW);
		TRY("range", HTTP_RANGE);
		break;
	case 6:
		TRY("accept", HTTP_ACCEPT);
		TRY("cookie", HTTP_COOKIE);
		TRY("expect", HTTP_EXPECT);
		TRY("origin", HTTP_ORIGIN);
		TRY("server", HTTP_SERVER);
		break;
	case 7:
		TRY("referer", HTTP_REFERER);
		TRY("trailer", HTTP_TRAILER);
		TRY("upgrade", HTTP_UPGRADE);
		TRY("x-vault", HTTP_X_VAULT);
		break;
	case 8:
		TRY("location", HTTP_LOCATION);
		break;
	case 9:
		TRY("forwarded", HTTP_FORWARDED);
		TRY("x-api-key", HTTP_X_API_KEY);
		break;
	case 10:
		TRY("connection", HTTP_CONNECTION);
		TRY("user-agent", HTTP_USER_AGENT);
		TRY("keep-alive", HTTP_KEEP_ALIVE);
		TRY("set-cookie", HTTP_SET_COOKIE);
		TRY("tracestate", HTTP_TRACESTATE);
		break;
	case 11:
		TRY("traceparent", HTTP_TRACEPARENT);
		TRY("retry-after", HTTP_RETRY_AFTER);
		break;
	case 12:
		TRY("content-type", HTTP_CONTENT_TYPE);
		TRY("x-request-id", HTTP_X_REQUEST_ID);
		break;
	case 13:
		TRY("authorization", HTTP_AUTHORIZATION);
		TRY("cache-control", HTTP_CACHE_CONTROL);
		TRY("content-range", HTTP_CONTENT_RANGE);
		TRY("if-none-match", HTTP_IF_NONE_MATCH);
		TRY("last-event-id", HTTP_LAST_EVENT_ID);
		break;
	case 14:
		TRY("content-length", HTTP_CONTENT_LENGTH);
		TRY("http2-settings", HTTP_HTTP2_SETTINGS);
		break;
	case 15:
		TRY("accept-encoding", HTTP_ACCEPT_ENCODING);
		TRY("x-forwarded-for", HTTP_X_FORWARDED_FOR);
		break;
	case 16:
		TRY("content-encoding", HTTP_CONTENT_ENCODING);
		TRY("proxy-connection", HTTP_PROXY_CONNECTION);
		TRY("www-authenticate", HTTP_WWW_AUTHENTICATE);
		break;
	case 17:
		TRY("transfer-encoding", HTTP_TRANSFER_ENCODING);
		TRY("sec-websocket-key", HTTP_SEC_WEBSOCKET_KEY);
		break;
	case 18:
		TRY("proxy-authenticate", HTTP_PROXY_AUTHENTICATE);
		break;
	case 19:
		TRY("proxy-authorization", HTTP_PROXY_AUTHORIZATION);
		break;
	case 20:
		TRY("sec-websocket-accept", HTTP_SEC_WEBSOCKET_ACCEPT);
		break;
	case 21:
		TRY("sec-websocket-version", HTTP_SEC_WEBSOCKET_VERSION);
		break;
	case 22:
		TRY("sec-websocket-protocol", HTTP_SEC_WEBSOCKET_PROTOCOL);
		break;
	case 24:
		TRY("sec-websocket-extensions", HTTP_SEC_WEBSOCKET_EXTENSIONS);
		break;
	case 25:
		TRY("proxy-authentication-info",
		    HTTP_PROXY_AUTHENTICATION_INFO);
		break;
	}
	return (HTTP_OTHER);
}

uint8_t
http_id_flags(enum http_id id, const char *s, size_t n)
{
	if (id == HTTP_OTHER && n > 6 && same(s, "proxy-", 6))
		return (HTTP_F_PROXY);
	return (id_flags[id]);
}

#undef TRY
#define TRY(word, m)	do {						\
	if (n == sizeof(word) - 1 && memcmp(s, (word), n) == 0)		\
		return (m);						\
} while (0)

/* Methods are case-sensitive, RFC 9110 section 9.1. */
enum http_method
http_method(const char *s, size_t n)
{
	TRY("GET", HTTP_M_GET);
	TRY("POST", HTTP_M_POST);
	TRY("CONNECT", HTTP_M_CONNECT);
	TRY("HEAD", HTTP_M_HEAD);
	TRY("PUT", HTTP_M_PUT);
	TRY("PATCH", HTTP_M_PATCH);
	TRY("DELETE", HTTP_M_DELETE);
	TRY("OPTIONS", HTTP_M_OPTIONS);
	TRY("TRACE", HTTP_M_TRACE);
	return (HTTP_M_OTHER);
}

int
http_equal(const char *s, size_t n, const char *word)
{
	size_t	 i;
	char	 c;

	for (i = 0; i < n; i++) {
		c = s[i];
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != word[i] || c == '\0')
			return (0);
	}
	return (word[n] == '\0');
}

const struct http_field *
http_head_next(const struct http_head *h, enum http_id id,
    const struct http_field *prev)
{
	const struct http_field	*f;

	if ((h->seen & HTTP_BIT(id)) == 0)
		return (NULL);
	for (f = prev == NULL ? h->fields : prev + 1;
	    f < h->fields + h->nfields; f++)
		if (f->id == id)
			return (f);
	return (NULL);
}

const struct http_field *
http_head_find(const struct http_head *h, const char *name,
    const struct http_field *prev)
{
	const struct http_field	*f;

	for (f = prev == NULL ? h->fields : prev + 1;
	    f < h->fields + h->nfields; f++)
		if (http_equal(HTTP_PTR(h, f->name), f->name.len, name))
			return (f);
	return (NULL);
}

int
http_valid_name(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if ((HTTP_CLASS(s[i]) & CLASS_TOKEN) == 0)
			return (0);
	return (n > 0);
}

int
http_valid_value(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if ((HTTP_CLASS(s[i]) & CLASS_VALUE) == 0)
			return (0);
	return (1);
}
