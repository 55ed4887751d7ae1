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

#include "codes.h"
#include "../../keyd/notice.h"

static struct msg_event	 sent[256];
static unsigned int	 nsent;
static int		 down;

static int	sink(const struct msg_event *);
static int	setup(void **);
static struct msg_addr	 addr(uint8_t);
static void	first_at_once(void **);
static void	kinds(void **);
static void	flood(void **);
static void	while_down(void **);

static int
sink(const struct msg_event *m)
{
	if (down)
		return (-1);
	assert_true(nsent < 256);
	sent[nsent++] = *m;
	return (0);
}

static int
setup(void **st)
{
	nsent = 0;
	down = 0;
	notice_init(sink);
	return (0);
}

static struct msg_addr
addr(uint8_t last)
{
	struct msg_addr	 a;

	memset(&a, 0, sizeof(a));
	a.af = 4;
	a.port = 1000 + last;
	a.ip[0] = 10;
	a.ip[3] = last;
	return (a);
}

static void
first_at_once(void **st)
{
	struct msg_addr	 a = addr(1);
	int		 i;

	for (i = 0; i < 10; i++) {
		a.port++;
		notice_add(EVENT_AUTH_FAILED, 0, &a, 100);
	}
	assert_int_equal(nsent, 1);
	assert_int_equal(sent[0].code, EVENT_AUTH_FAILED);
	assert_int_equal(sent[0].count, 1);
	notice_tick(100 + 999999);
	assert_int_equal(nsent, 1);
	notice_tick(100 + 1000000);
	assert_int_equal(nsent, 2);
	assert_int_equal(sent[1].count, 9);
	assert_int_equal(sent[1].client.ip[3], 1);
	/* And then it begins anew. */
	notice_tick(5000000);
	notice_add(EVENT_AUTH_FAILED, 0, &a, 5000000);
	assert_int_equal(nsent, 3);
	notice_tick(9000000);
	assert_int_equal(nsent, 3);
}

static void
kinds(void **st)
{
	struct msg_addr	 a = addr(1), b = addr(2);

	notice_add(EVENT_AUTH_FAILED, 0, &a, 0);
	notice_add(EVENT_AUTH_FAILED, 0, &b, 0);
	notice_add(EVENT_VAULT_DENIED, 7, &a, 0);
	notice_add(EVENT_VAULT_DENIED, 8, &a, 0);
	assert_int_equal(nsent, 4);
	assert_int_equal(sent[2].vault, 7);
}

/* However many addresses: what goes out in a second is bounded. */
static void
flood(void **st)
{
	struct msg_addr	 a;
	uint64_t	 total = 0;
	unsigned int	 i;

	for (i = 0; i < 10000; i++) {
		a = addr(i % 250);
		notice_add(EVENT_AUTH_FAILED, 0, &a, 0);
	}
	assert_int_equal(nsent, NOTICE_KINDS);
	notice_tick(1000000);
	assert_int_equal(nsent, 2 * NOTICE_KINDS + 1);
	for (i = 0; i < nsent; i++)
		total += sent[i].count;
	assert_int_equal(total, 10000);
	assert_int_equal(sent[nsent - 1].client.af, 0);
}

static void
while_down(void **st)
{
	struct msg_addr	 a = addr(1);

	down = 1;
	notice_add(EVENT_AUTH_FAILED, 0, &a, 0);
	notice_add(EVENT_AUTH_FAILED, 0, &a, 0);
	notice_tick(2000000);
	notice_tick(3000000);
	assert_int_equal(nsent, 0);
	down = 0;
	notice_tick(4000000);
	assert_int_equal(nsent, 1);
	assert_int_equal(sent[0].count, 2);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(first_at_once, setup),
		cmocka_unit_test_setup(kinds, setup),
		cmocka_unit_test_setup(flood, setup),
		cmocka_unit_test_setup(while_down, setup)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
