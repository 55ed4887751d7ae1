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

static struct ledger		 copy;
static struct ledger_loss	 loss[LEDGER_LOSSES];

/* What was written is there for others, without any call of ours. */
static void
test_page(void **state)
{
	struct ledger	*l;
	int		 fd, i;

	assert_true((fd = ledger_create(77)) != -1);
	assert_int_equal(ledger_read(fd, 77, &copy), 0);
	assert_int_equal(ledger_losses(&copy, 0, 0, loss), 0);
	assert_non_null(l = ledger_map(fd, 77));
	ledger_begin(l, 9);
	ledger_begin(l, 10);
	ledger_begin(l, 9);
	for (i = 0; i < 3; i++)
		ledger_lost(l, 0, 9);
	ledger_lost(l, 1, 8);
	ledger_lost(l, 1, 0);
	assert_int_equal(ledger_read(fd, 77, &copy), 0);
	assert_int_equal(copy.begins, 3);
	assert_int_equal(ledger_losses(&copy, 0, 1, loss), 4);
	assert_int_equal(loss[0].vault, 0);
	assert_int_equal(loss[0].unlogged, 1);
	assert_int_equal(loss[1].vault, 8);
	assert_int_equal(loss[1].unlogged, 1);
	assert_int_equal(loss[1].uncommitted, 0);
	assert_int_equal(loss[2].vault, 9);
	assert_int_equal(loss[2].unlogged, 3);
	assert_int_equal(loss[2].uncommitted, 1);
	assert_int_equal(loss[3].vault, 10);
	assert_int_equal(loss[3].uncommitted, 1);
	/* With all BEGINs, and with more than were used. */
	assert_int_equal(ledger_losses(&copy, 0, 3, loss), 3);
	assert_int_equal(ledger_losses(&copy, 0, 4, loss), 3);
	munmap(l, LEDGER_SIZE);
	close(fd);
}

/* A bank counts until logd has its GAP. */
static void
test_banks(void **state)
{
	struct ledger	*l;
	int		 fd, i;

	assert_true((fd = ledger_create(1)) != -1);
	assert_non_null(l = ledger_map(fd, 1));
	assert_false(ledger_any(l, 0));
	for (i = 1; i <= LEDGER_VAULTS + 3; i++)
		ledger_lost(l, 0, i);
	assert_true(ledger_any(l, 0));
	assert_false(ledger_any(l, 1));
	ledger_seal(l, 0, 17);
	ledger_lost(l, 1, 5);
	assert_int_equal(ledger_losses(l, 16, 0, loss), LEDGER_VAULTS + 1);
	assert_int_equal(loss[0].vault, 0);
	assert_int_equal(loss[0].unlogged, 3);
	assert_int_equal(loss[5].vault, 5);
	assert_int_equal(loss[5].unlogged, 2);
	assert_int_equal(ledger_losses(l, 17, 0, loss), 1);
	assert_int_equal(loss[0].vault, 5);
	assert_int_equal(loss[0].unlogged, 1);
	ledger_clear(l, 0);
	assert_false(ledger_any(l, 0));
	assert_int_equal(l->banks[0].gap_seq, 0);
	ledger_lost(l, 0, 0);
	assert_true(ledger_any(l, 0));
	munmap(l, LEDGER_SIZE);
	close(fd);
}

/* Of older ones than the ring holds only the number is known. */
static void
test_ring(void **state)
{
	struct ledger	*l;
	int		 fd, i;

	assert_true((fd = ledger_create(1)) != -1);
	assert_non_null(l = ledger_map(fd, 1));
	for (i = 0; i < LEDGER_WINDOW + 10; i++)
		ledger_begin(l, 1 + (i >= 20));
	assert_int_equal(ledger_losses(l, 0, 0, loss), 3);
	assert_int_equal(loss[0].uncommitted, 10);
	assert_int_equal(loss[1].uncommitted, 10);
	assert_int_equal(loss[2].uncommitted, LEDGER_WINDOW - 10);
	assert_int_equal(ledger_losses(l, 0, 15, loss), 2);
	assert_int_equal(loss[0].vault, 1);
	assert_int_equal(loss[0].uncommitted, 5);
	munmap(l, LEDGER_SIZE);
	close(fd);
}

/* Whatever stands there, there are no more entries, nor larger ones. */
static void
test_bounds(void **state)
{
	size_t	 i, n;

	for (i = 0; i < LEDGER_BANKS; i++) {
		memset(copy.banks[i].vaults, 0xff,
		    sizeof(copy.banks[i].vaults));
		copy.banks[i].gap_seq = 0;
		copy.banks[i].other = UINT64_MAX;
	}
	copy.begins = UINT64_MAX;
	for (i = 0; i < LEDGER_WINDOW; i++)
		copy.ring[i] = i;
	n = ledger_losses(&copy, UINT64_MAX, 0, loss);
	assert_int_equal(n, LEDGER_WINDOW + 1);
	for (i = 0; i < n; i++) {
		assert_true(loss[i].unlogged <= LEDGER_COUNT_MAX);
		assert_true(loss[i].uncommitted <= LEDGER_COUNT_MAX);
	}
	assert_int_equal(loss[0].unlogged, LEDGER_COUNT_MAX);
}

static void
test_hostile(void **state)
{
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
		cmocka_unit_test(test_banks),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_hostile)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
