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
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"

/* The n-th byte of an endless pattern without a short period. */
static uint8_t
pattern(size_t n)
{
	return ((n * 7 + n / 251) & 0xff);
}

static void
add_pattern(struct buf *b, size_t from, size_t n)
{
	uint8_t	 piece[4096];
	size_t	 i;

	assert_true(n <= sizeof(piece));
	for (i = 0; i < n; i++)
		piece[i] = pattern(from + i);
	assert_int_equal(buf_add(b, piece, n), 0);
}

static void
check_pattern(const struct buf *b, size_t from)
{
	size_t	 i;

	for (i = 0; i < buf_len(b); i++)
		assert_int_equal(buf_data(b)[i], pattern(from + i));
}

static void
lazy(void **state)
{
	struct buf	 b;

	buf_init(&b, 65536);
	assert_null(buf_data(&b));
	assert_int_equal(buf_account_used(), 0);
	assert_int_equal(buf_add(&b, "", 0), 0);
	assert_int_equal(buf_account_used(), 0);
	assert_int_equal(buf_add(&b, "x", 1), 0);
	assert_true(buf_account_used() > 0);
	buf_drain(&b, 1);
	assert_int_equal(buf_account_used(), 0);
	assert_null(buf_data(&b));
}

static void
bounded(void **state)
{
	struct buf	 b;
	uint8_t		 big[200];

	memset(big, 'b', sizeof(big));
	buf_init(&b, 300);
	assert_int_equal(buf_add(&b, big, 200), 0);
	errno = 0;
	assert_int_equal(buf_add(&b, big, 101), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(buf_len(&b), 200);
	assert_int_equal(buf_room(&b), 100);
	assert_int_equal(buf_add(&b, big, 100), 0);
	assert_int_equal(buf_add(&b, big, 1), -1);
	assert_true(buf_account_used() <= 375);
	buf_clear(&b);
	assert_int_equal(buf_account_used(), 0);
}

/* Any interleaving of adds and drains keeps the bytes in order. */
static void
in_order(void **state)
{
	struct buf	 b;
	size_t		 in, out, n, i;

	buf_init(&b, 10000);
	for (in = out = i = 0; i < 20000; i++) {
		n = arc4random_uniform(900);
		if (n <= buf_room(&b)) {
			add_pattern(&b, in, n);
			in += n;
		}
		check_pattern(&b, out);
		n = arc4random_uniform(buf_len(&b) + 1);
		if (n > 1000)
			n = 1000;
		buf_drain(&b, n);
		out += n;
		assert_int_equal(buf_len(&b), in - out);
		assert_true(buf_account_used() <= 12500);
	}
	buf_clear(&b);
}

static void
reserve(void **state)
{
	struct buf	 b;
	uint8_t		*p;
	size_t		 n, i, total;

	buf_init(&b, 5000);
	for (total = 0; (p = buf_reserve(&b, 1500, &n)) != NULL; ) {
		assert_true(n > 0 && n <= 1500);
		for (i = 0; i < n; i++)
			p[i] = pattern(total + i);
		buf_commit(&b, n);
		total += n;
	}
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(total, 5000);
	check_pattern(&b, 0);
	buf_clear(&b);
	assert_non_null(buf_reserve(&b, 100, &n));
	buf_commit(&b, 0);
	assert_int_equal(buf_account_used(), 0);
}

static void
account(void **state)
{
	struct buf	 a, b;
	uint8_t		 piece[1024];
	size_t		 n;

	memset(piece, 'a', sizeof(piece));
	buf_init(&a, 65536);
	buf_init(&b, 65536);
	buf_account_cap(8192);
	assert_int_equal(buf_account_room(), 8192);
	while (!buf_account_full())
		assert_int_equal(buf_add(&a, piece, sizeof(piece)), 0);
	assert_int_equal(buf_account_room(), 0);
	/* Nothing comes in, what is here can be moved and written. */
	errno = 0;
	assert_null(buf_reserve(&b, 100, &n));
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(buf_add(&b, piece, 100), 0);
	/* Memory that is paid for may be filled to its end, not beyond. */
	while (buf_reserve(&b, 100, &n) != NULL)
		buf_commit(&b, n);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(buf_len(&b), 1024);
	buf_drain(&b, 24);
	assert_non_null(buf_reserve(&b, 100, &n));
	assert_int_equal(n, 24);
	buf_commit(&b, n);
	buf_clear(&a);
	assert_non_null(buf_reserve(&a, 100, &n));
	buf_commit(&a, 0);
	buf_clear(&b);
	buf_account_cap(SIZE_MAX);
	assert_int_equal(buf_account_used(), 0);
}

/* The linker puts this in front of free(3). */
void	__wrap_free(void *);
void	__real_free(void *);

static const uint8_t	*watched;
static size_t		 written;	/* so many bytes of it */
static size_t		 nonzero;

void
__wrap_free(void *p)
{
	size_t	 i;

	if (p != NULL && p == watched) {
		for (i = nonzero = 0; i < written; i++)
			nonzero += watched[i] != 0;
		watched = NULL;
	}
	__real_free(p);
}

/* What is given back to malloc(3) holds nothing of what was in it. */
static void
wiped(void **state)
{
	struct buf	 b;
	size_t		 n;

	buf_init(&b, 4096);
	add_pattern(&b, 1, 600);
	written = 600;
	watched = buf_data(&b);
	buf_drain(&b, 599);
	assert_non_null(watched);
	/* Moved to the front; what was drained stays up to here ... */
	assert_non_null(buf_reserve(&b, 1000, &n));
	buf_commit(&b, 0);
	assert_ptr_equal(buf_data(&b), watched);
	buf_drain(&b, 1);
	assert_null(watched);
	assert_int_equal(nonzero, 0);
	/* ... and where it outgrew its memory. */
	add_pattern(&b, 1, 1024);
	written = 1024;
	watched = buf_data(&b);
	add_pattern(&b, 1, 1);
	assert_null(watched);
	assert_int_equal(nonzero, 0);
	watched = buf_data(&b);
	buf_clear(&b);
	assert_null(watched);
	assert_int_equal(nonzero, 0);
}

static void
moved(void **state)
{
	struct buf	 a, b, c;

	buf_init(&a, 4096);
	buf_init(&b, 100);
	buf_init(&c, 8192);
	add_pattern(&a, 0, 2000);
	buf_drain(&a, 10);
	assert_int_equal(buf_move(&b, &a), -1);
	assert_int_equal(buf_len(&a), 1990);
	assert_int_equal(buf_move(&c, &a), 0);
	assert_int_equal(buf_len(&a), 0);
	assert_null(buf_data(&a));
	check_pattern(&c, 10);
	assert_int_equal(buf_room(&c), 8192 - 1990);
	buf_clear(&c);
	assert_int_equal(buf_account_used(), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(lazy),
		cmocka_unit_test(bounded),
		cmocka_unit_test(in_order),
		cmocka_unit_test(reserve),
		cmocka_unit_test(account),
		cmocka_unit_test(wiped),
		cmocka_unit_test(moved),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
