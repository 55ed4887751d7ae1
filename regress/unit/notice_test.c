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

static struct msg_event	 sent[1024];
static unsigned int	 nsent;
static int		 down;

static int	sink(const struct msg_event *);
static int	setup(void **);
static struct msg_addr	 addr(uint8_t);
static void	first_at_once(void **);
static void	kinds(void **);
static void	flood(void **);
static void	while_down(void **);
static uint64_t	total(unsigned int);
static void	details(void **);
static void	not_committed(void **);
static void	sent_again(void **);
static void	first_number(void **);
static void	flushed(void **);

static int
sink(const struct msg_event *m)
{
	if (down)
		return (-1);
	assert_true(nsent < 1024);
	sent[nsent++] = *m;
	return (0);
}

static int
setup(void **st)
{
	nsent = 0;
	down = 0;
	notice_init(sink);
	notice_synced(0);
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

/* What logd has counted, when it begins with this record. */
static uint64_t
total(unsigned int from)
{
	uint64_t	 n = 0;

	for (; from < nsent; from++)
		n += sent[from].count;
	return (n);
}

static void
first_at_once(void **st)
{
	struct msg_addr	 a = addr(1);
	int		 i;

	for (i = 0; i < 10; i++) {
		a.port++;
		notice_add(EVENT_AUTH_FAILED, 0, &a, "", 100);
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
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 5000000);
	assert_int_equal(nsent, 3);
	notice_tick(9000000);
	assert_int_equal(nsent, 3);
}

static void
kinds(void **st)
{
	struct msg_addr	 a = addr(1), b = addr(2);

	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	notice_add(EVENT_AUTH_FAILED, 0, &b, "", 0);
	notice_add(EVENT_VAULT_DENIED, 7, &a, "", 0);
	notice_add(EVENT_VAULT_DENIED, 8, &a, "", 0);
	assert_int_equal(nsent, 4);
	assert_int_equal(sent[2].vault, 7);
}

/* However many addresses: what goes out in a second is bounded. */
static void
flood(void **st)
{
	struct msg_addr	 a;
	unsigned int	 i;

	for (i = 0; i < 10000; i++) {
		a = addr(i % 250);
		notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	}
	assert_int_equal(nsent, NOTICE_KINDS);
	notice_tick(1000000);
	assert_int_equal(nsent, 2 * NOTICE_KINDS + 1);
	assert_int_equal(total(0), 10000);
	assert_int_equal(sent[nsent - 1].client.af, 0);
}

static void
while_down(void **st)
{
	struct msg_addr	 a = addr(1);

	down = 1;
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	notice_tick(2000000);
	notice_tick(3000000);
	assert_int_equal(nsent, 0);
	down = 0;
	notice_tick(4000000);
	assert_int_equal(nsent, 2);
	assert_int_equal(total(0), 2);
	/* One that is not there at all: it adds up. */
	notice_gone();
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 5000000);
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 5000000);
	notice_tick(9000000);
	notice_synced(2);
	assert_int_equal(nsent, 2);
	notice_tick(10000000);
	assert_int_equal(nsent, 3);
	assert_int_equal(sent[2].count, 2);
}

/* What was tried keeps them apart, unless it is too long to say. */
static void
details(void **st)
{
	struct msg_addr	 a = addr(1);
	char		 more[NOTICE_DETAIL + 1];

	memset(more, 'x', NOTICE_DETAIL);
	more[NOTICE_DETAIL] = '\0';
	notice_add(EVENT_AUTH_FAILED, 0, &a, "{\"a\":1}", 0);
	notice_add(EVENT_AUTH_FAILED, 0, &a, "{\"a\":2}", 0);
	notice_add(EVENT_AUTH_FAILED, 0, &a, more, 0);
	notice_add(EVENT_AUTH_FAILED, 0, &a, "{\"a\":1}", 0);
	assert_int_equal(nsent, 3);
	assert_string_equal(sent[1].detail, "{\"a\":2}");
	assert_string_equal(sent[2].detail, "");
	notice_tick(1000000);
	assert_int_equal(nsent, 4);
	assert_string_equal(sent[3].detail, "{\"a\":1}");
}

/* A logd that takes and does not commit: what waits is bounded, and exact. */
static void
not_committed(void **st)
{
	struct msg_addr	 a = addr(1);
	uint64_t	 now;
	unsigned int	 i;

	for (i = 0; i < 2 * NOTICE_SENT; i++) {
		now = i * UINT64_C(2000000);
		notice_tick(now);
		notice_add(EVENT_AUTH_FAILED, 0, &a, "", now);
	}
	assert_int_equal(nsent, NOTICE_SENT);
	for (i = 0; i < nsent; i++)
		assert_int_equal(sent[i].seq, i + 1);
	assert_int_equal(notice_acked(NOTICE_SENT + 1), -1);
	assert_int_equal(notice_acked(1), 0);
	notice_tick(now + 1000000);
	assert_int_equal(nsent, NOTICE_SENT + 1);
	assert_int_equal(sent[NOTICE_SENT].count, NOTICE_SENT);
	assert_int_equal(total(0), 2 * NOTICE_SENT);
}

/* logd dies with one committed, one not, and more comes meanwhile. */
static void
sent_again(void **st)
{
	struct msg_addr	 a = addr(1), b = addr(2);
	unsigned int	 i;

	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	notice_add(EVENT_AUTH_FAILED, 0, &b, "", 0);
	for (i = 0; i < 5; i++)
		notice_add(EVENT_AUTH_FAILED, 0, &b, "", 1);
	assert_int_equal(nsent, 2);
	notice_gone();
	notice_tick(5000000);
	notice_add(EVENT_AUTH_FAILED, 0, &b, "", 5000000);
	assert_int_equal(nsent, 2);
	/* It had committed the first without saying so. */
	notice_synced(1);
	assert_int_equal(nsent, 3);
	assert_int_equal(sent[2].seq, 2);
	assert_int_equal(sent[2].count, 1);
	assert_int_equal(sent[2].client.ip[3], 2);
	notice_tick(6000000);
	assert_int_equal(nsent, 4);
	assert_int_equal(sent[3].seq, 3);
	assert_int_equal(sent[3].count, 6);
	/* The same, but the second sending does not get out at once. */
	notice_gone();
	down = 1;
	notice_synced(1);
	assert_int_equal(nsent, 4);
	assert_int_equal(notice_acked(2), -1);
	down = 0;
	notice_tick(7000000);
	assert_int_equal(nsent, 6);
	assert_int_equal(sent[4].seq, 2);
	assert_int_equal(sent[5].seq, 3);
	assert_int_equal(notice_acked(3), 0);
	notice_gone();
	notice_synced(3);
	assert_int_equal(nsent, 6);
}

/* The database is older than keyd. */
static void
first_number(void **st)
{
	struct msg_addr	 a = addr(1);

	notice_init(sink);
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	assert_int_equal(nsent, 0);
	notice_synced(1000);
	notice_tick(1000000);
	assert_int_equal(nsent, 1);
	assert_int_equal(sent[0].seq, 1001);
	assert_int_equal(notice_acked(1001), 0);
}

static void
flushed(void **st)
{
	struct msg_addr	 a = addr(1);

	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 0);
	notice_flush();
	assert_int_equal(nsent, 2);
	notice_flush();
	assert_int_equal(nsent, 2);
	notice_add(EVENT_AUTH_FAILED, 0, &a, "", 10);
	assert_int_equal(nsent, 2);
	notice_tick(1000000);
	assert_int_equal(total(0), 3);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(first_at_once, setup),
		cmocka_unit_test_setup(kinds, setup),
		cmocka_unit_test_setup(flood, setup),
		cmocka_unit_test_setup(while_down, setup),
		cmocka_unit_test_setup(details, setup),
		cmocka_unit_test_setup(not_committed, setup),
		cmocka_unit_test_setup(sent_again, setup),
		cmocka_unit_test_setup(first_number, setup),
		cmocka_unit_test_setup(flushed, setup)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
