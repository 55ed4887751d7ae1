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
#include <string.h>

#include <cmocka.h>

#include "url.h"

static void	 check_path(const char *, const char *, int);
static void	 check_host(const char *, const char *, enum url_kind);
static void	 check_log(const char *, size_t, size_t, const char *, int);
static void	 test_path_normal(void **);
static void	 test_path_flags(void **);
static void	 test_path_idempotent(void **);
static void	 test_path_bounds(void **);
static void	 test_path_len(void **);
static void	 test_host(void **);
static void	 test_host_refused(void **);
static void	 test_authority(void **);
static void	 test_format(void **);
static void	 test_log_path(void **);

static void
check_path(const char *in, const char *want, int wantflags)
{
	char	 dst[256];
	ssize_t	 n;
	int	 flags;

	n = url_path(dst, sizeof(dst), in, strlen(in), &flags);
	if (n == -1)
		fail_msg("%s: refused", in);
	assert_string_equal(dst, want);
	assert_int_equal(n, strlen(want));
	if (flags != wantflags)
		fail_msg("%s: flags 0x%x, not 0x%x", in, flags, wantflags);
}

static void
test_path_normal(void **state)
{
	check_path("/", "/", 0);
	check_path("", "/", URL_CHANGED);
	check_path("/a/b", "/a/b", 0);
	check_path("/a/b/", "/a/b/", 0);
	check_path("/.", "/", URL_CHANGED);
	check_path("/./", "/", URL_CHANGED);
	check_path("/a/.", "/a/", URL_CHANGED);
	check_path("/a/..", "/", URL_CHANGED);
	check_path("/a/../", "/", URL_CHANGED);
	check_path("/a/../b", "/b", URL_CHANGED);
	check_path("/a/./b", "/a/b", URL_CHANGED);
	check_path("/a/b/c/./../../g", "/a/g", URL_CHANGED);
	check_path("/mid/content=5/../6", "/mid/6", URL_CHANGED);
	/* Empty segments are segments. */
	check_path("//", "//", 0);
	check_path("/a//b", "/a//b", 0);
	check_path("/a//../b", "/a/b", URL_CHANGED);
	check_path("/api//../admin", "/api/admin", URL_CHANGED);
	/* Dots that are no dot segments. */
	check_path("/...", "/...", 0);
	check_path("/a/.b", "/a/.b", 0);
	check_path("/a/..b", "/a/..b", 0);
	check_path("/a/b..", "/a/b..", 0);
	check_path("/.well-known/x", "/.well-known/x", 0);
	/* Escapes. */
	check_path("/%61%5A%30%2D%2e%5f%7E", "/aZ0-._~", URL_CHANGED);
	check_path("/%2e%2E/a", "/a", URL_CHANGED | URL_CLIMBS);
	check_path("/api/%2e%2e/admin", "/admin", URL_CHANGED);
	check_path("/api/.%2e/admin", "/admin", URL_CHANGED);
	check_path("/a%20b%c3%a9", "/a%20b%C3%A9", URL_CHANGED);
	check_path("/a%20b%C3%A9", "/a%20b%C3%A9", 0);
	check_path("/a%3Fb%23", "/a%3Fb%23", 0);
	check_path("/100%25", "/100%25", 0);
}

static void
test_path_flags(void **state)
{
	check_path("/a/%2f/b", "/a/%2F/b", URL_ENCODED_SLASH | URL_CHANGED);
	check_path("/a/..%2Fb", "/a/..%2Fb", URL_ENCODED_SLASH);
	check_path("/a/%5c/b", "/a/%5C/b", URL_ENCODED_SLASH | URL_CHANGED);
	check_path("/a\\..\\b", "/a\\..\\b", URL_ENCODED_SLASH);
	check_path("/a/..;/b", "/a/..;/b", URL_DOT_SEGMENT);
	check_path("/a/..;x=y/b", "/a/..;x=y/b", URL_DOT_SEGMENT);
	check_path("/a/.;/b", "/a/.;/b", URL_DOT_SEGMENT);
	check_path("/a/%2e%2e;/b", "/a/..;/b", URL_DOT_SEGMENT | URL_CHANGED);
	check_path("/a/..%3b/b", "/a/..%3B/b", URL_DOT_SEGMENT | URL_CHANGED);
	check_path("/a/...;/b", "/a/...;/b", 0);
	check_path("/a/b;..", "/a/b;..", 0);
	check_path("/a/%252e%252e/b", "/a/%252e%252e/b", URL_DOUBLE_ENCODED);
	check_path("/a/%252F", "/a/%252F", URL_DOUBLE_ENCODED);
	check_path("/a/%255C", "/a/%255C", URL_DOUBLE_ENCODED);
	check_path("/a/%2541", "/a/%2541", 0);
	check_path("/a%", "/a%", URL_BAD_ESCAPE);
	check_path("/a%2", "/a%2", URL_BAD_ESCAPE);
	check_path("/a%zz", "/a%zz", URL_BAD_ESCAPE);
	check_path("/a%%32%65", "/a%2e", URL_BAD_ESCAPE | URL_CHANGED);
	check_path("/a%00", "/a%00", URL_CONTROL);
	check_path("/a%0d%0ab", "/a%0D%0Ab", URL_CONTROL | URL_CHANGED);
	check_path("/a%7f", "/a%7F", URL_CONTROL | URL_CHANGED);
	check_path("/..", "/", URL_CLIMBS | URL_CHANGED);
	check_path("/../../a", "/a", URL_CLIMBS | URL_CHANGED);
	check_path("/a/../../b", "/b", URL_CLIMBS | URL_CHANGED);
}

/* What is forwarded must not mean something else when normalised again. */
static void
test_path_idempotent(void **state)
{
	static const char *const	 paths[] = {
		"/%2e%2e/%2e/a/../b", "//..//a/", "/a/%2f/../b%41",
		"/a/..;/../b", "/%7e/%7E/./", "/a/b/../../../../c/.."
	};
	char				 once[64], twice[64];
	ssize_t				 n;
	size_t				 i;
	int				 flags;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		n = url_path(once, sizeof(once), paths[i], strlen(paths[i]),
		    &flags);
		assert_true(n > 0);
		n = url_path(twice, sizeof(twice), once, n, &flags);
		assert_int_equal(n, strlen(once));
		assert_string_equal(once, twice);
		assert_int_equal(flags & URL_CHANGED, 0);
	}
}

static void
test_path_bounds(void **state)
{
	char	 dst[8];
	int	 flags;

	assert_int_equal(url_path(dst, 8, "/234567", 7, &flags), 7);
	assert_int_equal(url_path(dst, 8, "/2345678", 8, &flags), -1);
	assert_int_equal(url_path(dst, 1, "", 0, &flags), -1);
	assert_int_equal(url_path(dst, 2, "", 0, &flags), 1);
	assert_int_equal(url_path(dst, 8, "a", 1, &flags), -1);
	/* An escape at the end must not be read beyond it. */
	assert_int_equal(url_path(dst, 8, "/%41", 3, &flags), 3);
	assert_int_equal(flags, URL_BAD_ESCAPE);
}

static void
test_path_len(void **state)
{
	assert_int_equal(url_path_len("/a?b?c", 6), 2);
	assert_int_equal(url_path_len("/a", 2), 2);
	assert_int_equal(url_path_len("?", 1), 0);
}

static void
check_host(const char *in, const char *want, enum url_kind kind)
{
	char	 dst[URL_HOST_MAX];

	if (url_host(dst, sizeof(dst), in, strlen(in)) != kind)
		fail_msg("%s: wrong kind", in);
	assert_string_equal(dst, want);
}

static void
test_host(void **state)
{
	check_host("API.Example.COM", "api.example.com", URL_NAME);
	check_host("api.example.com.", "api.example.com", URL_NAME);
	check_host("LOCALHOST", "localhost", URL_NAME);
	check_host("x_y.example", "x_y.example", URL_NAME);
	check_host("1.2.3.4", "1.2.3.4", URL_IPV4);
	check_host("1.2.3.4.", "1.2.3.4", URL_IPV4);
	check_host("1.2.3.4x", "1.2.3.4x", URL_NAME);
	check_host("123.example", "123.example", URL_NAME);
	check_host("0xa.example", "0xa.example", URL_NAME);
	check_host("0.0.0.0", "0.0.0.0", URL_IPV4);
	check_host("2001:DB8:0:0:0:0:0:1", "2001:db8::1", URL_IPV6);
	check_host("::FFFF:127.0.0.1", "::ffff:127.0.0.1", URL_IPV6);
	check_host("::", "::", URL_IPV6);
}

static void
test_host_refused(void **state)
{
	static const char *const	 hosts[] = {
		"", ".", "..", ".a", "a..b", "a..", "a b", "a/b", "a@b", "a%b",
		"*", "*.a", "a~b", "[::1]", "1", "1.2.3", "1.2.3.4.5",
		"01.2.3.4", "1.2.3.256", "1.2.3.0x4", "0x7f000001", "0x",
		"a.1", "a.0x1", "fe80::1%eth0", "1:2", ":::", "::1.2.3",
		"caf\xc3\xa9"
	};
	char				 dst[URL_HOST_MAX], label[70];
	size_t				 i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (url_host(dst, sizeof(dst), hosts[i], strlen(hosts[i])) !=
		    URL_NONE)
			fail_msg("%s: accepted", hosts[i]);
	memset(label, 'a', sizeof(label));
	assert_int_equal(url_host(dst, sizeof(dst), label, 63), URL_NAME);
	assert_int_equal(url_host(dst, sizeof(dst), label, 64), URL_NONE);
	assert_int_equal(url_host(dst, 3, "abc", 3), URL_NONE);
	assert_int_equal(url_host(dst, 4, "abc", 3), URL_NAME);
	assert_int_equal(url_host(dst, sizeof(dst), "a\0b", 3), URL_NONE);
	assert_int_equal(url_host(dst, sizeof(dst), "::1\0", 4), URL_NONE);
}

static void
test_authority(void **state)
{
	struct url_authority	 a;

	assert_int_equal(url_authority("a:1", 3, 1, &a), 0);
	assert_int_equal(a.port, 1);
	assert_int_equal(a.off, 0);
	assert_int_equal(a.len, 1);
	assert_int_equal(url_authority("[::1]:65535", 11, 1, &a), 0);
	assert_int_equal(a.port, 65535);
	assert_int_equal(a.off, 1);
	assert_int_equal(a.len, 3);
	assert_int_equal(a.kind, URL_IPV6);
	assert_int_equal(url_authority("[::1]", 5, 0, &a), 0);
	assert_int_equal(a.port, 0);
	assert_int_equal(url_authority("[::1]", 5, 1, &a), -1);
	assert_int_equal(url_authority("a", 1, 1, &a), -1);
	assert_int_equal(url_authority("", 0, 0, &a), -1);
	assert_int_equal(url_authority("[]", 2, 0, &a), -1);
	assert_int_equal(url_authority("[", 1, 0, &a), -1);
	assert_int_equal(url_authority("a:65536", 7, 0, &a), -1);
	assert_int_equal(url_authority("a:00001", 7, 0, &a), -1);
	assert_int_equal(url_authority("a:1 ", 4, 0, &a), -1);
}

static void
test_format(void **state)
{
	char	 dst[URL_AUTHORITY_MAX];

	assert_int_equal(url_format(dst, sizeof(dst), "a", URL_NAME, 0), 1);
	assert_string_equal(dst, "a");
	assert_int_equal(url_format(dst, sizeof(dst), "::1", URL_IPV6, 443),
	    9);
	assert_string_equal(dst, "[::1]:443");
	assert_int_equal(url_format(dst, 9, "::1", URL_IPV6, 443), -1);
	assert_int_equal(url_format(dst, 10, "::1", URL_IPV6, 443), 9);
}

static void
check_log(const char *in, size_t n, size_t size, const char *want, int wantcut)
{
	char	 dst[64];
	int	 cut;

	assert_true(size <= sizeof(dst));
	memset(dst, 'X', sizeof(dst));
	assert_int_equal(url_log_path(dst, size, in, n, &cut), strlen(want));
	assert_string_equal(dst, want);
	assert_int_equal(cut, wantcut);
}

static void
test_log_path(void **state)
{
	check_log("/a?secret", 9, 64, "/a", 0);
	check_log("/a#secret", 9, 64, "/a", 0);
	check_log("/%00/%zz", 8, 64, "/%00/%zz", 0);
	check_log("/\xc3\xa9", 3, 64, "/%C3%A9", 0);
	check_log("/\0\x1b \x7f", 5, 64, "/%00%1B%20%7F", 0);
	check_log("/234567", 7, 8, "/234567", 0);
	check_log("/2345678", 8, 8, "/234567", 1);
	check_log("/234567?8", 9, 8, "/234567", 0);
	/* An escape of ours is never cut in two. */
	check_log("/2345\xff", 6, 8, "/2345", 1);
	check_log("/234\xff", 5, 8, "/234%FF", 0);
	check_log("", 0, 8, "", 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_path_normal),
		cmocka_unit_test(test_path_flags),
		cmocka_unit_test(test_path_idempotent),
		cmocka_unit_test(test_path_bounds),
		cmocka_unit_test(test_path_len),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_host_refused),
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_log_path)
	};

	return (cmocka_run_group_tests_name("http_url", tests, NULL, NULL));
}
