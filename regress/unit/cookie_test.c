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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../api/cookie.h"

static struct http_head		 head;
static struct http_field	 fields[128];
static char			 text[8192];

static void	parse(const char *, const char *);
static void	found(const char *, enum cookie_found, const char *);
static void	from(const char *, const char *, enum cookie_origin);
static void	find(void **);
static void	bounds(void **);
static void	noise(void **);
static void	origin(void **);
static void	origin_absolute(void **);
static void	set(void **);

static void
parse(const char *target, const char *lines)
{
	(void)snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\n%s\r\n",
	    target, lines);
	http_head_request(&head, &http_limits_default, fields);
	if (http_parse(&head, text, strlen(text)) != HTTP_DONE)
		fail_msg("no head: %s", lines);
}

static void
found(const char *cookie, enum cookie_found want, const char *value)
{
	struct http_slice	 v;
	enum cookie_found	 got;
	char			 lines[2048];

	(void)snprintf(lines, sizeof(lines), "Host: a\r\nCookie: %s\r\n",
	    cookie);
	parse("/", lines);
	if ((got = cookie_find(&head, &v)) != want)
		fail_msg("%s: %d, not %d", cookie, got, want);
	if (value != NULL) {
		assert_int_equal(v.len, strlen(value));
		assert_memory_equal(HTTP_PTR(&head, v), value, v.len);
	}
}

static void
find(void **st)
{
	struct http_slice	 v;

	found("av_session=x", COOKIE_OK, "x");
	found("av_session=av_web_0f", COOKIE_OK, "av_web_0f");
	found("a=b; av_session=x; c=d", COOKIE_OK, "x");
	found("a=b;av_session=x;c=d", COOKIE_OK, "x");
	found(";; av_session=x \t;", COOKIE_OK, "x");
	found("junk; =; av_session=x", COOKIE_OK, "x");
	found("a=av_session=x", COOKIE_NONE, NULL);
	found("av_sessions=x", COOKIE_NONE, NULL);
	found("av_session", COOKIE_NONE, NULL);
	found("AV_SESSION=x", COOKIE_NONE, NULL);
	found("xav_session=x", COOKIE_NONE, NULL);
	found("av_session =x", COOKIE_NONE, NULL);
	found("av_session= x", COOKIE_ODD, NULL);
	found("av_session=", COOKIE_ODD, NULL);
	found("av_session=\"x\"", COOKIE_ODD, NULL);
	found("av_session=x.y", COOKIE_ODD, NULL);
	found("av_session=X", COOKIE_ODD, NULL);
	found("av_session=x; av_session=x", COOKIE_TWICE, NULL);
	found("av_session=x; a=b; av_session=", COOKIE_TWICE, NULL);
	found("av_session=x\r\nCookie: a=b", COOKIE_OK, "x");
	found("a=b\r\nCookie: av_session=x", COOKIE_OK, "x");
	found("av_session=x\r\nCookie: av_session=x", COOKIE_TWICE, NULL);
	parse("/", "Host: a\r\n");
	assert_int_equal(cookie_find(&head, &v), COOKIE_NONE);
	parse("/", "Host: a\r\nCookie:\r\n");
	assert_int_equal(cookie_find(&head, &v), COOKIE_NONE);
}

static void
bounds(void **st)
{
	char	 cookie[1024], value[COOKIE_MAX + 2];

	memset(value, 'a', sizeof(value));
	value[COOKIE_MAX] = '\0';
	(void)snprintf(cookie, sizeof(cookie), "av_session=%s", value);
	found(cookie, COOKIE_OK, value);
	value[COOKIE_MAX] = 'a';
	value[COOKIE_MAX + 1] = '\0';
	(void)snprintf(cookie, sizeof(cookie), "av_session=%s", value);
	found(cookie, COOKIE_ODD, NULL);
}

/* What is found lies in the field, whatever is in it. */
static void
noise(void **st)
{
	static const char	 bytes[] = "av_session=;\" \tx";
	const struct http_field	*f;
	struct http_slice	 v;
	char			 lines[128], cookie[65];
	unsigned int		 i, k;

	srandom(7);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < 64; k++)
			cookie[k] = random() % 4 == 0 ? bytes[11 + random() %
			    5] : bytes[k % 12];
		cookie[random() % 65] = '\0';
		cookie[64] = '\0';
		(void)snprintf(lines, sizeof(lines),
		    "Host: a\r\nCookie: %s\r\n", cookie);
		parse("/", lines);
		if (cookie_find(&head, &v) != COOKIE_OK)
			continue;
		f = http_head_next(&head, HTTP_COOKIE, NULL);
		assert_true(v.len > 0 && v.off >= f->value.off + 11 &&
		    v.off + v.len <= f->value.off + f->value.len);
	}
}

static void
from(const char *host, const char *is, enum cookie_origin want)
{
	char	 lines[1024];

	(void)snprintf(lines, sizeof(lines), "Host: %s\r\nOrigin: %s\r\n",
	    host, is);
	parse("/", lines);
	if (cookie_origin(&head) != want)
		fail_msg("%s to %s: not %d", is, host, want);
}

static void
origin(void **st)
{
	from("127.0.0.1:14321", "http://127.0.0.1:14321", ORIGIN_SAME);
	from("LocalHost:1", "http://localhost:1", ORIGIN_SAME);
	from("localhost.:1", "http://localhost:1", ORIGIN_SAME);
	from("[::1]:1", "http://[::1]:1", ORIGIN_SAME);
	from("[0:0::1]:1", "http://[::1]:1", ORIGIN_SAME);
	from("a", "http://a", ORIGIN_SAME);
	from("a:80", "http://a", ORIGIN_SAME);
	from("a", "http://a:80", ORIGIN_SAME);
	from("a", "http://b", ORIGIN_OTHER);
	from("a", "http://a:81", ORIGIN_OTHER);
	from("a:1", "http://a", ORIGIN_OTHER);
	from("a:443", "https://a", ORIGIN_OTHER);
	from("a", "HTTP://a", ORIGIN_OTHER);
	from("a", "http://a/", ORIGIN_OTHER);
	from("a", "http://a?", ORIGIN_OTHER);
	from("a", "http://u@a", ORIGIN_OTHER);
	from("a", "http://", ORIGIN_OTHER);
	from("a", "http://a http://a", ORIGIN_OTHER);
	from("a", "a", ORIGIN_OTHER);
	from("a", "null", ORIGIN_OTHER);
	from("a", "", ORIGIN_OTHER);
	from("a", "http://a\r\nOrigin: http://a", ORIGIN_OTHER);
	from("a", "http://a.b", ORIGIN_OTHER);
	from("127.0.0.1", "http://localhost", ORIGIN_OTHER);
	parse("/", "Host: a\r\n");
	assert_int_equal(cookie_origin(&head), ORIGIN_NONE);
}

/* In absolute form the target says where, RFC 9112 section 3.2.2. */
static void
origin_absolute(void **st)
{
	parse("http://a:1/", "Host: b\r\nOrigin: http://a:1\r\n");
	assert_int_equal(cookie_origin(&head), ORIGIN_SAME);
	parse("http://a:1/", "Host: b\r\nOrigin: http://b\r\n");
	assert_int_equal(cookie_origin(&head), ORIGIN_OTHER);
	/* HTTP/1.0 without a Host was sent to nobody knows where. */
	(void)strlcpy(text, "POST / HTTP/1.0\r\nOrigin: http://a\r\n\r\n",
	    sizeof(text));
	http_head_request(&head, &http_limits_default, fields);
	assert_int_equal(http_parse(&head, text, strlen(text)), HTTP_DONE);
	assert_int_equal(cookie_origin(&head), ORIGIN_OTHER);
}

static void
set(void **st)
{
	char	 out[COOKIE_SIZE], token[COOKIE_MAX + 1];

	cookie_set(out, "av_web_0", 86400);
	assert_string_equal(out, "av_session=av_web_0; Path=/; "
	    "Max-Age=86400; HttpOnly; SameSite=Strict");
	cookie_set(out, "", 0);
	assert_string_equal(out, "av_session=; Path=/; Max-Age=0; HttpOnly; "
	    "SameSite=Strict");
	memset(token, 'a', COOKIE_MAX);
	token[COOKIE_MAX] = '\0';
	cookie_set(out, token, INT64_MAX);
	assert_non_null(strstr(out, "; SameSite=Strict"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(find),
		cmocka_unit_test(bounds),
		cmocka_unit_test(noise),
		cmocka_unit_test(origin),
		cmocka_unit_test(origin_absolute),
		cmocka_unit_test(set)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
