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
#include <sys/mman.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger.h"

static void
test_page(void **state)
{
	struct ledger	*l, copy;
	int		 fd, i;

	assert_true((fd = ledger_create(77)) != -1);
	assert_int_equal(ledger_read(fd, 77, &copy), 0);
	assert_int_equal(copy.last_begin, 0);
	assert_non_null(l = ledger_map(fd, 77));
	ledger_begin(l, 5);
	for (i = 0; i < 3; i++)
		ledger_lost(l, 9);
	ledger_lost(l, 10);
	ledger_told(l, 9, 2);
	/* What was written is there for others, without any call of ours. */
	assert_int_equal(ledger_read(fd, 77, &copy), 0);
	assert_int_equal(copy.last_begin, 5);
	assert_int_equal(copy.vaults[0].vault, 9);
	assert_int_equal(copy.vaults[0].lost, 1);
	assert_int_equal(copy.vaults[1].vault, 10);
	assert_int_equal(copy.vaults[1].lost, 1);
	assert_int_equal(copy.lost_other, 0);
	munmap(l, LEDGER_SIZE);
	close(fd);
}

static void
test_places(void **state)
{
	struct ledger	*l;
	int		 fd, i;

	assert_true((fd = ledger_create(1)) != -1);
	assert_non_null(l = ledger_map(fd, 1));
	for (i = 1; i <= LEDGER_VAULTS + 3; i++)
		ledger_lost(l, i);
	assert_int_equal(l->lost_other, 3);
	ledger_lost(l, 0);
	assert_int_equal(l->lost_other, 4);
	/* A place that has been told of is free again, and only that one. */
	ledger_told(l, 7, 1);
	ledger_lost(l, 1000);
	assert_int_equal(l->vaults[6].vault, 1000);
	assert_int_equal(l->vaults[6].lost, 1);
	ledger_lost(l, 7);
	assert_int_equal(l->lost_other, 5);
	ledger_told(l, 8, 100);
	assert_int_equal(l->vaults[7].lost, 0);
	munmap(l, LEDGER_SIZE);
	close(fd);
}

static void
test_hostile(void **state)
{
	struct ledger	 copy;
	char		 path[] = "/tmp/ledger.XXXXXXXXXX";
	int		 fd, other;

	assert_true((fd = ledger_create(1)) != -1);
	assert_int_equal(ledger_read(fd, 2, &copy), -1);
	assert_int_equal(errno, EINVAL);
	assert_null(ledger_map(fd, 2));
	assert_int_equal(errno, EINVAL);
	/* A worker cannot pull it away from under a reader. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ledger_read(fd, 1, &copy), 0);
	close(fd);
	assert_true((other = mkstemp(path)) != -1);
	unlink(path);
	assert_int_equal(ledger_read(other, 1, &copy), -1);
	assert_int_equal(errno, EINVAL);
	close(other);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_hostile)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
