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

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int
sign(int n)
{
	return ((n > 0) - (n < 0));
}

/* Every pair of byte values at every place agrees with memcmp(3). */
static void
agrees_with_memcmp(void **state)
{
	unsigned char	a[3] = { 7, 7, 7 }, b[3] = { 7, 7, 7 };
	int		x, y, at;

	for (at = 0; at < 3; at++) {
		for (x = 0; x < 256; x++) {
			for (y = 0; y < 256; y++) {
				a[at] = x;
				b[at] = y;
				assert_int_equal(
				    sign(timingsafe_memcmp(a, b, 3)),
				    sign(memcmp(a, b, 3)));
				assert_int_equal(timingsafe_bcmp(a, b, 3),
				    memcmp(a, b, 3) != 0);
			}
		}
		a[at] = b[at] = 7;
	}
}

/* The first difference decides, whatever follows. */
static void
first_difference(void **state)
{
	assert_true(timingsafe_memcmp("ab", "ba", 2) < 0);
	assert_true(timingsafe_memcmp("ba", "ab", 2) > 0);
	assert_true(timingsafe_memcmp("a\377", "b\0", 2) < 0);
}

static void
no_bytes(void **state)
{
	assert_int_equal(timingsafe_memcmp("a", "b", 0), 0);
	assert_int_equal(timingsafe_bcmp("a", "b", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(agrees_with_memcmp),
		cmocka_unit_test(first_difference),
		cmocka_unit_test(no_bytes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
