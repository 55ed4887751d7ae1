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
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codes.h"
#include "record.h"

static void	 test_id(void **);
static int	 id_cmp(const void *, const void *);
static void	 test_random(void **);
static void	 expect(const char *, uint8_t, const char *, uint8_t);
static void	 test_path(void **);
static void	 test_path_modes(void **);
static void	 test_path_cut(void **);

static void
test_id(void **state)
{
	static const int64_t	 starts[] = {
		1764039845123456, 1764039845123999, 1764039845124000, 0
	};
	uint8_t			 id[16], next[16];
	char			 text[RECORD_ID_TEXT];
	uint64_t		 ms;
	size_t			 i, j;
	unsigned int		 frac;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		record_id(id, starts[i]);
		for (ms = j = 0; j < 6; j++)
			ms = ms << 8 | id[j];
		assert_int_equal(ms, starts[i] / 1000);
		assert_int_equal(id[6] >> 4, 7);
		assert_int_equal(id[8] >> 6, 2);
		frac = (id[6] & 0xf) << 8 | id[7];
		assert_int_equal(frac, starts[i] % 1000 * 4096 / 1000);
	}
	/* A later microsecond gives a greater id. */
	record_id(id, starts[0]);
	record_id(next, starts[0] + 1);
	assert_true(memcmp(id, next, sizeof(id)) < 0);
	memcpy(id, "\x01\x93\x00\x00\x00\x00\x7a\xbc\x8d\xef\0\1\2\3\4\xff",
	    16);
	record_id_text(text, id);
	assert_string_equal(text, "01930000-0000-7abc-8def-0001020304ff");
}

static int
id_cmp(const void *a, const void *b)
{
	return (memcmp(a, b, 16));
}

/* Over many refills of the pool no random part comes twice. */
static void
test_random(void **state)
{
	static uint8_t	 ids[4096][16];
	size_t		 i;

	for (i = 0; i < 4096; i++)
		record_id(ids[i], 1764039845123456);
	qsort(ids, 4096, 16, id_cmp);
	for (i = 1; i < 4096; i++)
		assert_memory_not_equal(ids[i - 1], ids[i], 16);
}

static void
expect(const char *target, uint8_t mode, const char *path, uint8_t flags)
{
	char	 dst[RECORD_PATH];
	uint8_t	 got;

	got = record_path(dst, target, strlen(target), mode);
	assert_string_equal(dst, path);
	assert_int_equal(got, flags);
}

static void
test_path(void **state)
{
	expect("/v1/users?token=secret", PATH_FULL, "/v1/users", 0);
	expect("/v1/%00/../x#frag", PATH_FULL, "/v1/%00/../x", 0);
	expect("/a b\x01\x7f\xc3\xa9", PATH_FULL, "/a%20b%01%7F%C3%A9", 0);
	expect("", PATH_FULL, "", 0);
	expect("?q", PATH_FULL, "", 0);
}

static void
test_path_modes(void **state)
{
	expect("/v1/users/7?x", PATH_PREFIX, "/v1", PATHF_PREFIX);
	expect("/v1?x", PATH_PREFIX, "/v1", 0);
	expect("/", PATH_PREFIX, "/", 0);
	expect("//secret/x", PATH_PREFIX, "/", PATHF_PREFIX);
	expect("/v1/", PATH_PREFIX, "/v1", PATHF_PREFIX);
	expect("/v1%2Fsecret", PATH_PREFIX, "/v1", PATHF_PREFIX);
	expect("/v1%2fsecret", PATH_PREFIX, "/v1", PATHF_PREFIX);
	expect("/v1\\secret", PATH_PREFIX, "/v1", PATHF_PREFIX);
	expect("/v1%5csecret", PATH_PREFIX, "/v1", PATHF_PREFIX);
	expect("/v1%2", PATH_PREFIX, "/v1%2", 0);
	expect("", PATH_PREFIX, "", 0);
	expect("/v1/users", PATH_NONE, "", PATHF_NONE);
	expect("/v1/users", PATH_DEFAULT, "/v1/users", 0);
	record_path_default(PATH_PREFIX);
	expect("/v1/users", PATH_DEFAULT, "/v1", PATHF_PREFIX);
	expect("/v1/users", PATH_FULL, "/v1/users", 0);
	record_path_default(PATH_DEFAULT);
	expect("/v1/users", PATH_DEFAULT, "/v1/users", 0);
}

static void
test_path_cut(void **state)
{
	char	 dst[RECORD_PATH], target[4096];

	memset(target, 'a', sizeof(target));
	target[0] = '/';
	assert_int_equal(record_path(dst, target, 2048, PATH_FULL), 0);
	assert_int_equal(strlen(dst), 2048);
	assert_int_equal(record_path(dst, target, 2049, PATH_FULL),
	    PATHF_CUT);
	assert_int_equal(strlen(dst), 2048);
	assert_int_equal(record_path(dst, target, 4096, PATH_PREFIX),
	    PATHF_CUT);
	target[3000] = '/';
	assert_int_equal(record_path(dst, target, 4096, PATH_PREFIX),
	    PATHF_CUT | PATHF_PREFIX);
	/* An escape is never cut in two. */
	target[2047] = '\x01';
	assert_int_equal(record_path(dst, target, 2048, PATH_FULL),
	    PATHF_CUT);
	assert_int_equal(strlen(dst), 2047);
	/* What is behind the cut is not the path's business. */
	target[2048] = '?';
	target[2047] = 'a';
	assert_int_equal(record_path(dst, target, 4096, PATH_FULL), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_path_modes),
		cmocka_unit_test(test_path_cut),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
