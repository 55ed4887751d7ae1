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

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "http.h"

static enum http_rc	 request(const char *);
static void	 check_list(const char *, const char *);
static void	 test_ids(void **);
static void	 test_ids_near(void **);
static void	 test_methods(void **);
static void	 test_equal(void **);
static void	 test_valid(void **);
static void	 test_lookup(void **);
static void	 test_list(void **);
static void	 test_moving_buffer(void **);
static void	 test_reuse(void **);
static void	 test_after_done(void **);
static enum http_rc	 long_head(size_t, size_t);
static void	 test_default_limits(void **);
static void	 test_errors_named(void **);
static void	 test_write_request(void **);
static void	 test_write_refused(void **);
static void	 test_write_fields(void **);
static void	 test_write_framing(void **);
static void	 check_announced(enum http_method, const char *, const char *);
static void	 test_write_announced(void **);
static void	 test_status_text(void **);

static const struct {
	const char	*name;
	enum http_id	 id;
} ids[] = {
	{ "Accept", HTTP_ACCEPT },
	{ "Accept-Encoding", HTTP_ACCEPT_ENCODING },
	{ "Allow", HTTP_ALLOW },
	{ "Authorization", HTTP_AUTHORIZATION },
	{ "Cache-Control", HTTP_CACHE_CONTROL },
	{ "Connection", HTTP_CONNECTION },
	{ "Content-Encoding", HTTP_CONTENT_ENCODING },
	{ "Content-Length", HTTP_CONTENT_LENGTH },
	{ "Content-Range", HTTP_CONTENT_RANGE },
	{ "Content-Type", HTTP_CONTENT_TYPE },
	{ "Cookie", HTTP_COOKIE },
	{ "Date", HTTP_DATE },
	{ "ETag", HTTP_ETAG },
	{ "Expect", HTTP_EXPECT },
	{ "Forwarded", HTTP_FORWARDED },
	{ "Host", HTTP_HOST },
	{ "HTTP2-Settings", HTTP_HTTP2_SETTINGS },
	{ "If-None-Match", HTTP_IF_NONE_MATCH },
	{ "Keep-Alive", HTTP_KEEP_ALIVE },
	{ "Last-Event-ID", HTTP_LAST_EVENT_ID },
	{ "Location", HTTP_LOCATION },
	{ "Origin", HTTP_ORIGIN },
	{ "Proxy-Authenticate", HTTP_PROXY_AUTHENTICATE },
	{ "Proxy-Authentication-Info", HTTP_PROXY_AUTHENTICATION_INFO },
	{ "Proxy-Authorization", HTTP_PROXY_AUTHORIZATION },
	{ "Proxy-Connection", HTTP_PROXY_CONNECTION },
	{ "Range", HTTP_RANGE },
	{ "Referer", HTTP_REFERER },
	{ "Retry-After", HTTP_RETRY_AFTER },
	{ "Sec-WebSocket-Accept", HTTP_SEC_WEBSOCKET_ACCEPT },
	{ "Sec-WebSocket-Extensions", HTTP_SEC_WEBSOCKET_EXTENSIONS },
	{ "Sec-WebSocket-Key", HTTP_SEC_WEBSOCKET_KEY },
	{ "Sec-WebSocket-Protocol", HTTP_SEC_WEBSOCKET_PROTOCOL },
	{ "Sec-WebSocket-Version", HTTP_SEC_WEBSOCKET_VERSION },
	{ "Server", HTTP_SERVER },
	{ "Set-Cookie", HTTP_SET_COOKIE },
	{ "TE", HTTP_TE },
	{ "traceparent", HTTP_TRACEPARENT },
	{ "tracestate", HTTP_TRACESTATE },
	{ "Trailer", HTTP_TRAILER },
	{ "Transfer-Encoding", HTTP_TRANSFER_ENCODING },
	{ "Upgrade", HTTP_UPGRADE },
	{ "User-Agent", HTTP_USER_AGENT },
	{ "Via", HTTP_VIA },
	{ "WWW-Authenticate", HTTP_WWW_AUTHENTICATE },
	{ "X-API-Key", HTTP_X_API_KEY },
	{ "X-Forwarded-For", HTTP_X_FORWARDED_FOR },
	{ "X-Request-ID", HTTP_X_REQUEST_ID },
	{ "X-Vault", HTTP_X_VAULT }
};

#define NIDS	(sizeof(ids) / sizeof(ids[0]))

static struct http_field	 fields[HTTP_LIMIT_FIELDS];
static struct http_head		 head;

static enum http_rc
request(const char *s)
{
	http_head_request(&head, &http_limits_default, fields);
	return (http_parse(&head, s, strlen(s)));
}

static void
test_ids(void **state)
{
	char	 name[64];
	size_t	 i, k, n;

	assert_int_equal(NIDS, HTTP_ID_MAX - 1);
	assert_true(HTTP_ID_MAX <= 64);
	for (i = 0; i < NIDS; i++) {
		n = strlen(ids[i].name);
		assert_int_equal(http_id(ids[i].name, n), ids[i].id);
		for (k = 0; k < n; k++)
			name[k] = ids[i].name[k] >= 'a' ?
			    ids[i].name[k] - 0x20 : ids[i].name[k];
		assert_int_equal(http_id(name, n), ids[i].id);
	}
}

/* One character off is another name, at each place, for each token. */
static void
test_ids_near(void **state)
{
	char	 c, name[64];
	size_t	 i, k, n;

	for (i = 0; i < NIDS; i++) {
		n = strlen(ids[i].name);
		assert_int_equal(http_id(ids[i].name, n - 1), HTTP_OTHER);
		for (k = 0; k < n; k++) {
			memcpy(name, ids[i].name, n);
			for (c = 0x21; c < 0x7f; c++) {
				name[k] = c;
				if (!http_valid_name(&c, 1) ||
				    http_equal(&c, 1, (char []){
				    ids[i].name[k] >= 'A' &&
				    ids[i].name[k] <= 'Z' ?
				    ids[i].name[k] | 0x20 : ids[i].name[k],
				    '\0' }))
					continue;
				assert_int_not_equal(http_id(name, n),
				    ids[i].id);
			}
		}
	}
}

static void
test_methods(void **state)
{
	assert_int_equal(http_method("GET", 3), HTTP_M_GET);
	assert_int_equal(http_method("HEAD", 4), HTTP_M_HEAD);
	assert_int_equal(http_method("POST", 4), HTTP_M_POST);
	assert_int_equal(http_method("PUT", 3), HTTP_M_PUT);
	assert_int_equal(http_method("DELETE", 6), HTTP_M_DELETE);
	assert_int_equal(http_method("CONNECT", 7), HTTP_M_CONNECT);
	assert_int_equal(http_method("OPTIONS", 7), HTTP_M_OPTIONS);
	assert_int_equal(http_method("TRACE", 5), HTTP_M_TRACE);
	assert_int_equal(http_method("PATCH", 5), HTTP_M_PATCH);
	assert_int_equal(http_method("get", 3), HTTP_M_OTHER);
	assert_int_equal(http_method("GE", 2), HTTP_M_OTHER);
	assert_int_equal(http_method("GETS", 4), HTTP_M_OTHER);
}

static void
test_equal(void **state)
{
	assert_true(http_equal("ChunkeD", 7, "chunked"));
	assert_true(http_equal("", 0, ""));
	assert_false(http_equal("chunke", 6, "chunked"));
	assert_false(http_equal("chunkedx", 8, "chunked"));
	assert_false(http_equal("chunked\0", 8, "chunked"));
	/* Only letters fold: CR is not '-', and no Kelvin sign is a k. */
	assert_false(http_equal("a\rb", 3, "a-b"));
	assert_false(http_equal("\xe2\x84\xaa", 3, "k"));
}

static void
test_valid(void **state)
{
	int	 c;
	char	 s;

	assert_false(http_valid_name("", 0));
	assert_true(http_valid_value("", 0));
	for (c = 0; c < 256; c++) {
		s = c;
		assert_int_equal(http_valid_name(&s, 1) != 0,
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c != 0 &&
		    strchr("!#$%&'*+-.^_`|~", c) != NULL));
		assert_int_equal(http_valid_value(&s, 1) != 0,
		    c == '\t' || (c >= 0x20 && c != 0x7f));
	}
}

static void
test_lookup(void **state)
{
	const struct http_field	*f;

	assert_int_equal(request("GET / HTTP/1.1\r\nHost: a\r\nCookie: 1\r\n"
	    "X-Mine: 3\r\ncookie: 2\r\n\r\n"), HTTP_DONE);
	f = http_head_next(&head, HTTP_COOKIE, NULL);
	assert_ptr_equal(f, &fields[1]);
	f = http_head_next(&head, HTTP_COOKIE, f);
	assert_ptr_equal(f, &fields[3]);
	assert_null(http_head_next(&head, HTTP_COOKIE, f));
	assert_null(http_head_next(&head, HTTP_TE, NULL));
	assert_ptr_equal(http_head_find(&head, "x-mine", NULL), &fields[2]);
	assert_null(http_head_find(&head, "x-mine", &fields[2]));
	assert_ptr_equal(http_head_find(&head, "cookie", &fields[1]),
	    &fields[3]);
}

/* want: the elements, each in brackets. */
static void
check_list(const char *s, const char *want)
{
	struct http_slice	 item;
	char			 got[128];
	size_t			 n, pos;

	n = pos = 0;
	got[0] = '\0';
	while (http_list_next(s, strlen(s), &pos, &item))
		n += snprintf(got + n, sizeof(got) - n, "[%.*s]",
		    (int)item.len, s + item.off);
	assert_string_equal(got, want);
}

static void
test_list(void **state)
{
	check_list("", "");
	check_list(" \t,, ,", "");
	check_list("a", "[a]");
	check_list("a,b", "[a][b]");
	check_list(" a , b\t,,c d ,", "[a][b][c d]");
}

/* The caller's buffer may move between two calls. */
static void
test_moving_buffer(void **state)
{
	static const char	 in[] =
	    "GET /abc HTTP/1.1\r\nHost: host\r\nX: y\r\n\r\n";
	char			 one[64], two[64];

	memcpy(one, in, sizeof(in));
	http_head_request(&head, &http_limits_default, fields);
	assert_int_equal(http_parse(&head, one, 30), HTTP_MORE);
	memcpy(two, in, sizeof(in));
	memset(one, 'Z', sizeof(one));
	assert_int_equal(http_parse(&head, two, sizeof(in) - 1), HTTP_DONE);
	assert_memory_equal(HTTP_PTR(&head, head.target), "/abc", 4);
	assert_memory_equal(HTTP_PTR(&head, head.host), "host", 4);
}

static void
test_reuse(void **state)
{
	assert_int_equal(request("POST / HTTP/1.1\r\nHost: a\r\n"
	    "Content-Length: 7\r\nConnection: close\r\n\r\n"), HTTP_DONE);
	assert_int_equal(request("GET /b HTTP/1.1\r\nHost: a\r\n\r\n"),
	    HTTP_DONE);
	assert_int_equal(head.framing, HTTP_BODY_NONE);
	assert_int_equal(head.nfields, 1);
	assert_true(head.keepalive);
}

static void
test_after_done(void **state)
{
	static const char	 good[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

	assert_int_equal(request(good), HTTP_DONE);
	assert_int_equal(http_parse(&head, good, sizeof(good) - 1),
	    HTTP_DONE);
	assert_int_equal(head.nfields, 1);
	assert_int_equal(request("\n"), HTTP_ERROR);
	assert_int_equal(http_parse(&head, good, sizeof(good) - 1),
	    HTTP_ERROR);
	assert_int_equal(head.error, HTTP_E_BARE_LF);
}

/* A head of a target and a field that make it this long. */
static enum http_rc
long_head(size_t line, size_t section)
{
	static const char	 last[] = " HTTP/1.1\r\nHost: a\r\nX: ";
	char			*s;
	enum http_rc		 rc;
	size_t			 n;

	s = malloc(line + section + 16);
	assert_non_null(s);
	memcpy(s, "GET /", 5);
	memset(s + 5, 'a', line - 14);
	n = line - 9;
	memcpy(s + n, last, sizeof(last) - 1);
	n += sizeof(last) - 1;
	memset(s + n, 'x', section - 14);
	n += section - 14;
	memcpy(s + n, "\r\n\r\n", 4);
	n += 4;
	assert_int_equal(n, line + 2 + section + 2);
	http_head_request(&head, &http_limits_default, fields);
	rc = http_parse(&head, s, n);
	assert_true(rc != HTTP_DONE || head.length == n);
	assert_true(n <= HTTP_HEAD_SIZE(&http_limits_default) ||
	    rc != HTTP_DONE);
	free(s);
	return (rc);
}

static void
test_default_limits(void **state)
{
	assert_int_equal(long_head(16 * 1024, 64 * 1024), HTTP_DONE);
	assert_int_equal(long_head(16 * 1024 + 1, 64 * 1024), HTTP_ERROR);
	assert_int_equal(head.error, HTTP_E_LINE_LONG);
	assert_int_equal(long_head(16 * 1024, 64 * 1024 + 1), HTTP_ERROR);
	assert_int_equal(head.error, HTTP_E_HEAD_LONG);
}

static void
test_errors_named(void **state)
{
	int	 e, k, status;

	for (e = 0; e < HTTP_E_MAX; e++) {
		status = http_error_status(e);
		assert_true(status >= 400 && status <= 505);
		assert_true(strlen(http_error_text(e)) > 0);
		for (k = 0; k < e; k++)
			assert_string_not_equal(http_error_text(e),
			    http_error_text(k));
	}
	assert_string_equal(http_error_text(HTTP_E_MAX), "unknown error");
	assert_int_equal(http_error_status(HTTP_E_MAX), 500);
}

static void
test_write_request(void **state)
{
	struct buf	 b;

	buf_init(&b, 1024);
	assert_int_equal(http_write_request(&b, "PUT", 3, "/x?y", 4), 0);
	assert_int_equal(http_write_string(&b, "Host", "a"), 0);
	assert_int_equal(http_write_field(&b, "X", 1, "", 0), 0);
	assert_int_equal(http_write_framing(&b, HTTP_BODY_LENGTH, 12), 0);
	assert_int_equal(http_write_end(&b), 0);
	assert_int_equal(buf_add(&b, "", 1), 0);
	assert_string_equal((char *)buf_data(&b), "PUT /x?y HTTP/1.1\r\n"
	    "Host: a\r\nX: \r\nContent-Length: 12\r\n\r\n");
	buf_clear(&b);
}

static void
test_write_refused(void **state)
{
	static const char *const	 values[] = {
		"a\r\nX: y", "a\nb", "a\rb", "\x01", "\x7f"
	};
	struct buf			 b;
	size_t				 i;

	buf_init(&b, 1024);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		errno = 0;
		assert_int_equal(http_write_string(&b, "X", values[i]), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(http_write_string(&b, values[i], "x"), -1);
		assert_int_equal(http_write_request(&b, values[i],
		    strlen(values[i]), "/", 1), -1);
		assert_int_equal(http_write_request(&b, "GET", 3, values[i],
		    strlen(values[i])), -1);
		assert_int_equal(http_write_status(&b, 200, values[i],
		    strlen(values[i])), -1);
	}
	assert_int_equal(http_write_field(&b, "X", 1, "a\0b", 3), -1);
	assert_int_equal(http_write_string(&b, "", "x"), -1);
	assert_int_equal(http_write_string(&b, "X ", "x"), -1);
	assert_int_equal(http_write_string(&b, "X:", "x"), -1);
	assert_int_equal(http_write_request(&b, "GET", 3, "/ b", 3), -1);
	assert_int_equal(http_write_request(&b, "GET", 3, "/#", 2), -1);
	assert_int_equal(http_write_request(&b, "GET", 3, "", 0), -1);
	assert_int_equal(http_write_request(&b, "G T", 3, "/", 1), -1);
	assert_int_equal(http_write_status(&b, 99, "x", 1), -1);
	assert_int_equal(http_write_status(&b, 1000, "x", 1), -1);
	assert_int_equal(buf_len(&b), 0);
}

static void
test_write_fields(void **state)
{
	static const char	 want[] = "Host: a\r\nX-A: b c\r\nX-B: \r\n"
	    "X-C: d\r\n";
	struct buf		 b;

	assert_int_equal(request("POST / HTTP/1.1\r\nHost: a\r\n"
	    "X-A:b c\r\nConnection: x-hop\r\nX-B:\r\nX-Hop: 1\r\n"
	    "Proxy-Authorization: t\r\nContent-Length: 1\r\n"
	    "X-C: d \r\n\r\n"), HTTP_DONE);
	buf_init(&b, sizeof(want) - 1);
	assert_int_equal(http_write_fields(&b, &head, HTTP_F_HOP |
	    HTTP_F_PROXY | HTTP_F_FRAMING), 0);
	assert_int_equal(buf_len(&b), sizeof(want) - 1);
	assert_memory_equal(buf_data(&b), want, sizeof(want) - 1);
	errno = 0;
	assert_int_equal(http_write_fields(&b, &head, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	buf_clear(&b);
}

static void
test_write_framing(void **state)
{
	struct buf	 b;

	buf_init(&b, 1024);
	assert_int_equal(http_write_framing(&b, HTTP_BODY_NONE, 5), 0);
	assert_int_equal(http_write_framing(&b, HTTP_BODY_EOF, 5), 0);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(http_write_framing(&b, HTTP_BODY_CHUNKED, 5), 0);
	assert_int_equal(http_write_framing(&b, HTTP_BODY_LENGTH, INT64_MAX),
	    0);
	assert_int_equal(buf_add(&b, "", 1), 0);
	assert_string_equal((char *)buf_data(&b),
	    "Transfer-Encoding: chunked\r\n"
	    "Content-Length: 9223372036854775807\r\n");
	buf_clear(&b);
}

static void
check_announced(enum http_method method, const char *in, const char *want)
{
	struct buf	 b;

	http_head_response(&head, &http_limits_default, fields, method);
	assert_int_equal(http_parse(&head, in, strlen(in)), HTTP_DONE);
	buf_init(&b, 1024);
	assert_int_equal(http_write_announced(&b, &head), 0);
	assert_int_equal(buf_add(&b, "", 1), 0);
	assert_string_equal((char *)buf_data(&b), want);
	buf_clear(&b);
}

static void
test_write_announced(void **state)
{
	static const char	 length[] = "Content-Length: 7\r\n";

	check_announced(HTTP_M_GET, "HTTP/1.1 200\r\nContent-Length: 007\r\n"
	    "Content-Length: 7\r\n\r\n", length);
	check_announced(HTTP_M_GET, "HTTP/1.1 200\r\n\r\n", "");
	check_announced(HTTP_M_GET, "HTTP/1.1 200\r\n"
	    "Transfer-Encoding: Chunked\r\n\r\n",
	    "Transfer-Encoding: chunked\r\n");
	check_announced(HTTP_M_HEAD, "HTTP/1.1 200\r\n"
	    "Content-Length: 7\r\n\r\n", length);
	check_announced(HTTP_M_GET, "HTTP/1.1 304\r\n"
	    "Content-Length: 7\r\n\r\n", length);
	check_announced(HTTP_M_GET, "HTTP/1.1 204\r\n"
	    "Content-Length: 7\r\n\r\n", "");
	check_announced(HTTP_M_HEAD, "HTTP/1.1 103\r\n"
	    "Content-Length: 7\r\n\r\n", "");
	check_announced(HTTP_M_CONNECT, "HTTP/1.1 200\r\n"
	    "Content-Length: 7\r\n\r\n", "");
}

static void
test_status_text(void **state)
{
	struct buf	 b;

	assert_string_equal(http_status_text(100), "Continue");
	assert_string_equal(http_status_text(200), "OK");
	assert_string_equal(http_status_text(407),
	    "Proxy Authentication Required");
	assert_string_equal(http_status_text(511),
	    "Network Authentication Required");
	assert_string_equal(http_status_text(99), "Unknown");
	assert_string_equal(http_status_text(299), "Unknown");
	assert_string_equal(http_status_text(999), "Unknown");
	buf_init(&b, 1024);
	assert_int_equal(http_write_status(&b, 204, "No Content", 10), 0);
	assert_int_equal(http_write_status(&b, 599, "", 0), 0);
	assert_int_equal(buf_add(&b, "", 1), 0);
	assert_string_equal((char *)buf_data(&b),
	    "HTTP/1.1 204 No Content\r\nHTTP/1.1 599 \r\n");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ids_near),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_moving_buffer),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_after_done),
		cmocka_unit_test(test_default_limits),
		cmocka_unit_test(test_errors_named),
		cmocka_unit_test(test_write_request),
		cmocka_unit_test(test_write_refused),
		cmocka_unit_test(test_write_fields),
		cmocka_unit_test(test_write_framing),
		cmocka_unit_test(test_write_announced),
		cmocka_unit_test(test_status_text)
	};

	return (cmocka_run_group_tests_name("http_head", tests, NULL, NULL));
}
