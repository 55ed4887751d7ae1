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
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "header.h"
#include "http.h"

static void	 parse(const char *, int);
static void	 expect(struct buf *, const char *);
static void	 test_request(void **);
static void	 test_inject(void **);
static void	 test_inject_refused(void **);
static void	 test_response(void **);
static void	 test_host(void **);
static void	 expect_auth(const char *, uint8_t, uint8_t, const char *);
static void	 test_auth(void **);
static void	 expect_trace(const char *, int);
static void	 test_trace(void **);

static struct http_head	 head;
static struct http_field	 fields[HTTP_LIMIT_FIELDS];

static void
parse(const char *text, int response)
{
	if (response)
		http_head_response(&head, &http_limits_default, fields,
		    HTTP_M_GET);
	else
		http_head_request(&head, &http_limits_default, fields);
	assert_int_equal(http_parse(&head, text, strlen(text)), HTTP_DONE);
}

static void
expect(struct buf *b, const char *text)
{
	assert_int_equal(buf_len(b), strlen(text));
	assert_memory_equal(buf_data(b), text, buf_len(b));
	buf_clear(b);
}

static void
test_request(void **state)
{
	struct buf	 b;

	buf_init(&b, 65536);
	parse("GET / HTTP/1.1\r\nHost: broker.example\r\n"
	    "Accept: */*\r\n"
	    "Connection: keep-alive, X-Mine\r\n"
	    "Keep-Alive: 5\r\n"
	    "X-Mine: hop\r\n"
	    "TE: trailers\r\n"
	    "Proxy-Authorization: Bearer token\r\n"
	    "Proxy-Connection: keep-alive\r\n"
	    "Proxy-Whatever: x\r\n"
	    "X-Vault: main\r\n"
	    "Content-Length: 3\r\n"
	    "Authorization: Bearer mine\r\n"
	    "traceparent: 00-x\r\n"
	    "Cookie: a=b\r\n\r\n", 0);
	assert_int_equal(header_request(&b, &head, "api.example",
	    INGRESS_MITM, NULL), 0);
	expect(&b, "Host: api.example\r\n"
	    "Accept: */*\r\n"
	    "Authorization: Bearer mine\r\n"
	    "traceparent: 00-x\r\n"
	    "Cookie: a=b\r\n");
	/* The explicit ingress: Authorization is for the broker. */
	assert_int_equal(header_request(&b, &head, "api.example:8443",
	    INGRESS_EXPLICIT, NULL), 0);
	expect(&b, "Host: api.example:8443\r\n"
	    "Accept: */*\r\n"
	    "traceparent: 00-x\r\n"
	    "Cookie: a=b\r\n");
}

static void
test_inject(void **state)
{
	static const struct rec_header	 in[] = {
		{ "Authorization", "Bearer real" },
		{ "x-key", "k" },
	};
	struct rec_rule	 rule = { .inject = in, .inject_n = 2 };
	struct buf	 b;

	buf_init(&b, 65536);
	parse("GET / HTTP/1.1\r\nHost: h\r\n"
	    "AUTHORIZATION: Bearer mine\r\n"
	    "X-Key: a\r\n"
	    "X-Key: b\r\n"
	    "X-Keys: c\r\n"
	    "Connection: x-key\r\n"
	    "Accept: */*\r\n\r\n", 0);
	assert_int_equal(header_request(&b, &head, "h", INGRESS_MITM, &rule),
	    0);
	expect(&b, "Host: h\r\n"
	    "X-Keys: c\r\n"
	    "Accept: */*\r\n"
	    "Authorization: Bearer real\r\n"
	    "x-key: k\r\n");
}

/* A credential cannot become another header, or a body. */
static void
test_inject_refused(void **state)
{
	struct rec_header	 in = { "Authorization",
				    "Bearer x\r\nX-Evil: y" };
	struct rec_rule		 rule = { .inject = &in, .inject_n = 1 };
	struct buf		 b;

	buf_init(&b, 65536);
	parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0);
	assert_int_equal(header_request(&b, &head, "h", INGRESS_MITM, &rule),
	    -1);
	assert_int_equal(errno, EINVAL);
	buf_clear(&b);
	buf_init(&b, 16);
	in.value = "short";
	assert_int_equal(header_request(&b, &head, "h", INGRESS_MITM, &rule),
	    -1);
	assert_int_equal(errno, EMSGSIZE);
	buf_clear(&b);
}

static void
test_response(void **state)
{
	struct buf	 b;

	buf_init(&b, 65536);
	parse("HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain\r\n"
	    "Connection: X-Hop\r\n"
	    "X-Hop: 1\r\n"
	    "Keep-Alive: 5\r\n"
	    "Set-Cookie: a=b\r\n"
	    "Proxy-Authenticate: Basic\r\n"
	    "Transfer-Encoding: chunked\r\n"
	    "Trailer: X-Sum\r\n"
	    "WWW-Authenticate: Basic\r\n"
	    "set-cookie: c=d\r\n\r\n", 1);
	assert_int_equal(header_response(&b, &head, 0), 0);
	expect(&b, "Content-Type: text/plain\r\n"
	    "Trailer: X-Sum\r\n"
	    "WWW-Authenticate: Basic\r\n");
	assert_int_equal(header_response(&b, &head, 1), 0);
	expect(&b, "Content-Type: text/plain\r\n"
	    "Set-Cookie: a=b\r\n"
	    "Trailer: X-Sum\r\n"
	    "WWW-Authenticate: Basic\r\n"
	    "set-cookie: c=d\r\n");
}

static void
test_host(void **state)
{
	char	 s[URL_AUTHORITY_MAX];

	assert_int_equal(header_host(s, sizeof(s), "a.example", 443, 1), 9);
	assert_string_equal(s, "a.example");
	header_host(s, sizeof(s), "a.example", 443, 0);
	assert_string_equal(s, "a.example:443");
	header_host(s, sizeof(s), "a.example", 80, 0);
	assert_string_equal(s, "a.example");
	header_host(s, sizeof(s), "::1", 443, 1);
	assert_string_equal(s, "[::1]");
	header_host(s, sizeof(s), "::1", 80, 1);
	assert_string_equal(s, "[::1]:80");
	assert_int_equal(header_host(s, 4, "a.example", 443, 1), -1);
}

static void
expect_auth(const char *field, uint8_t ingress, uint8_t scheme,
    const char *name)
{
	char	 text[256], got[65];

	(void)snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", field);
	parse(text, 0);
	assert_int_equal(header_auth(&head, ingress, got, sizeof(got)),
	    scheme);
	assert_string_equal(got, name);
}

static void
test_auth(void **state)
{
	expect_auth("Authorization: Bearer x", INGRESS_MITM, SCHEME_BEARER,
	    "authorization");
	expect_auth("authorization: bASIC x", INGRESS_FORWARD, SCHEME_BASIC,
	    "authorization");
	expect_auth("Authorization: Token x", INGRESS_MITM, SCHEME_API_KEY,
	    "authorization");
	expect_auth("Authorization: Bearerx", INGRESS_MITM, SCHEME_API_KEY,
	    "authorization");
	expect_auth("X-API-Key: x", INGRESS_MITM, SCHEME_API_KEY,
	    "x-api-key");
	expect_auth("x-goog-api-key: x", INGRESS_MITM, SCHEME_API_KEY,
	    "x-goog-api-key");
	expect_auth("Proxy-Authorization: Bearer x", INGRESS_FORWARD,
	    SCHEME_NONE, "");
	expect_auth("Accept: */*", INGRESS_MITM, SCHEME_NONE, "");
	/* On the explicit ingress the agent's key is in another field. */
	expect_auth("Authorization: Bearer x", INGRESS_EXPLICIT, SCHEME_NONE,
	    "");
	expect_auth("Authorization: Bearer x\r\nX-Api-Key: y",
	    INGRESS_EXPLICIT, SCHEME_API_KEY, "x-api-key");
}

static void
expect_trace(const char *value, int valid)
{
	static const uint8_t	 want[16] = { 0x0a, 0xf7, 0x65, 0x19, 0x16,
				    0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21,
				    0x1c, 0x80, 0x31, 0x9c };
	static const uint8_t	 none[16];
	char			 text[512];
	uint8_t			 id[16];

	(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n"
	    "traceparent: %s\r\n\r\n", value);
	parse(text, 0);
	if (header_trace(&head, id) != valid)
		fail_msg("%s", value);
	assert_memory_equal(id, valid ? want : none, 16);
}

#define TRACE	"0af7651916cd43dd8448eb211c80319c"
#define PARENT	"b7ad6b7169203331"

static void
test_trace(void **state)
{
	uint8_t	 id[16];

	expect_trace("00-" TRACE "-" PARENT "-01", 1);
	expect_trace("cc-" TRACE "-" PARENT "-01", 1);
	expect_trace("cc-" TRACE "-" PARENT "-01-more", 1);
	expect_trace("cc-" TRACE "-" PARENT "-01.more", 0);
	expect_trace("00-" TRACE "-" PARENT "-01-more", 0);
	expect_trace("ff-" TRACE "-" PARENT "-01", 0);
	expect_trace("00-" TRACE "-" PARENT "-0", 0);
	expect_trace("00-" TRACE "-" PARENT "_01", 0);
	expect_trace("00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", 0);
	expect_trace("00-00000000000000000000000000000000-" PARENT "-01", 0);
	expect_trace("x", 0);
	expect_trace("", 0);
	parse("GET / HTTP/1.1\r\nHost: h\r\n"
	    "traceparent: 00-" TRACE "-" PARENT "-01\r\n"
	    "traceparent: 00-" TRACE "-" PARENT "-01\r\n\r\n", 0);
	assert_int_equal(header_trace(&head, id), 0);
	parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0);
	assert_int_equal(header_trace(&head, id), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_inject),
		cmocka_unit_test(test_inject_refused),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_trace),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
