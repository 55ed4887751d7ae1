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
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include <cmocka.h>

#include "codes.h"
#include "logstream_fix.h"
#include "loop.h"
#include "window.h"

/*
 * What of the log stream has a place, and what of it is counted: bounds, and
 * the share of each vault.
 */

static void	 case_window(void);
static void	 case_gaps(void);
static void	 case_quarter(void);
static void	 case_flood(void);
static void	 case_quarter_open(void);
static void	 case_lost_vaults(void);
static void	 case_held_bound(void);

static void
case_window(void)
{
	union msg_any	 u;
	uint64_t	 t0;
	uint32_t	 type;
	int		 i, n;

	fix_setup();
	fix_start(0);
	fix_run(0);
	/* Four vaults: none of them comes to a quarter before the end. */
	n = 0;
	for (i = 1; i <= 4; i++)
		n += fix_fill(n, i, 1) + 1;
	CHECK(fix_used() > LOGSTREAM_RECORDS - 8 &&
	    fix_used() < LOGSTREAM_RECORDS);
	CHECK(told[n - 1].how == UNLOGGED && fix_lost(4) == 1);
	/* Nothing moves: who comes now is not held up. */
	fix_run(100);
	t0 = loop_mono();
	fix_begin(&told[n], 9);
	fix_run(0);
	CHECK(told[n].how == UNLOGGED && told[n].when - t0 < 100000);
	CHECK(fix_lost(9) == 1);
	/* logd commits: the next has a place; a GAP is on its way still. */
	while (fix_get(&u) != MSG_NONE)
		;
	fix_ack(100);
	fix_begin(&told[n + 1], 9);
	fix_run(0);
	CHECK(told[n + 1].how == LOGGED);
	do
		type = fix_get(&u);
	while (type == MSG_END);
	CHECK(type == MSG_BEGIN && u.begin.conn == (uint64_t)n + 1);
	CHECK(fix_lost(9) == 1);
	/* While it commits at all, a record is held until there is room. */
	while (told[n + 1].how == LOGGED) {
		fix_begin(&told[n + 1], 10);
		fix_run(0);
		if (told[n + 1].calls == 0)
			break;
	}
	fix_run(50);
	CHECK(told[n + 1].calls == 0);
	fix_ack(200);
	CHECK(told[n + 1].how == LOGGED);
	/* It commits that GAP: what was lost since is told in one. */
	fix_ack(LOGSTREAM_RECORDS / 2 + 8);
	do
		type = fix_get(&u);
	while (type == MSG_END || type == MSG_BEGIN);
	CHECK(type == MSG_GAP && u.gap.lost_n >= 2);
	CHECK(fix_lost(9) == 0);
}

/*
 * A vault that has its quarter and goes on losing takes no place of others by
 * telling of it.
 */
static void
case_gaps(void)
{
	union msg_any	 u;
	uint64_t	 before, seq;
	int		 a, i, n = 0;

	fix_setup();
	fix_start(0);
	fix_run(0);
	a = fix_fill(0, 1, 1);
	fix_run(20);
	while (fix_get(&u) != MSG_NONE)
		;
	before = fix_used();
	for (i = 0; i < 50; i++) {
		fix_begin(&told[a + 1 + i], 1);
		fix_run(0);
		CHECK(told[a + 1 + i].how == UNLOGGED);
	}
	CHECK(fix_used() == before);
	CHECK(fix_lost(1) == 50);
	while (fix_get(&u) != MSG_NONE)
		;
	/* It is acknowledged: what was lost since is told at once, together. */
	seq = window_next() - 1;
	fix_ack(seq);
	while (fix_get(&u) == MSG_GAP) {
		n++;
		CHECK(u.gap.lost_n == 1 && u.gap.lost[0].count == 50);
	}
	CHECK(n == 1);
	CHECK(fix_lost(1) == 0);
}

/*
 * With open requests half of the window is anybody's; beyond that a vault has
 * a quarter, and the others their place.
 */
static void
case_quarter(void)
{
	uint64_t	 seq;
	int		 a, b, i;

	fix_setup();
	fix_start(0);
	fix_run(0);
	for (a = 0; a < RECS; a++) {
		fix_begin(&told[a], 1);
		fix_run(0);
		if (told[a].how != LOGGED)
			break;
		fix_ack(window_next() - 1);
		fix_drain();
	}
	CHECK(a < RECS && told[a].how == UNLOGGED);
	CHECK(a >= LOGSTREAM_RECORDS / 2 - 4 && a <= LOGSTREAM_RECORDS / 2);
	seq = window_next();
	b = fix_fill(a + 1, 2, 1);
	CHECK(b * 2 >= LOGSTREAM_RECORDS / 4 - 4 &&
	    b * 2 <= LOGSTREAM_RECORDS / 4);
	CHECK(window_next() - seq <= LOGSTREAM_RECORDS / 4 + 2);
	i = a + b + 2;
	fix_begin(&told[i], 3);
	fix_run(0);
	CHECK(told[i].how == LOGGED);
}

/*
 * A vault that floods has half of the window at most, a quarter once others
 * need it, and half of those that are held; so another one's BEGIN is logged,
 * and what logd commits before it is about a batch.
 */
static void
case_flood(void)
{
	union msg_any	 u;
	uint64_t	 before;
	int		 i, n, there;

	fix_setup();
	for (n = 0; n < 5000; n++)
		fix_begin(&told[n], 1);
	CHECK(fix_lost(1) == 5000 - LOGSTREAM_RECORDS / 2);
	for (i = 0; i < 50; i++)
		fix_begin(&told[n + i], 2);
	CHECK(fix_lost(2) == 0);
	/* A link that takes little, and a logd that reads it slowly. */
	fix_start(4608);
	before = 0;
	for (there = 0; there < 50;) {
		fix_run(0);
		while (fix_get(&u) != MSG_NONE) {
			if (u.begin.scope != 102)
				before++;
			else
				there++;
		}
		CHECK(before < 200);
	}
	for (i = 0; i < 50; i++)
		CHECK(told[n + i].how == LOGGED);
	/* One that comes later is behind what is on its way. */
	fix_kill();
	fix_run(0);
	fix_start(0);
	fix_run(0);
	fix_begin(&told[n + i], 2);
	fix_run(0);
	CHECK(told[n + i].how == LOGGED);
	CHECK(window_next() - window_first() <= LOGSTREAM_RECORDS / 4 + 60);
}

/*
 * With open requests only, waiting does not help, so nobody waits; and the
 * GAP leaves without another event.
 */
static void
case_quarter_open(void)
{
	struct timeval	 tv = { 0, 50000 };
	struct event	 ev;
	union msg_any	 u;
	uint64_t	 acked, t0;
	int		 a, b, there = 0;

	fix_setup();
	fix_start(0);
	fix_run(0);
	a = fix_fill(0, 1, 0);
	/* Its BEGINs, and the GAP, which follows by itself. */
	acked = a + 1;
	fix_ack(acked);
	CHECK(fix_used() == (uint64_t)a);
	b = fix_fill(a + 1, 2, 0);
	a += 1 + b;
	CHECK(fix_used() > LOGSTREAM_RECORDS / 4);
	acked += b + 1;
	fix_ack(acked);
	while (fix_used() < LOGSTREAM_RECORDS / 2) {
		a++;
		fix_begin(&told[a], a + 1000);
		fix_run(0);
	}
	/* Others get on. */
	fix_ack(acked + 1);
	while (fix_get(&u) != MSG_NONE)
		;
	fix_begin(&told[a + 1], 1);
	t0 = loop_mono();
	evtimer_set(&ev, fix_look, &there);
	evtimer_add(&ev, &tv);
	fix_run(100);
	CHECK(told[a + 1].how == UNLOGGED);
	CHECK(told[a + 1].when - t0 < 200000);
	CHECK(there);
	CHECK(fix_get(&u) == MSG_GAP);
}

/* 64 vaults are counted by themselves, the others together. */
static void
case_lost_vaults(void)
{
	union msg_any	 u;
	uint32_t	 i;

	fix_setup();
	for (i = 0; i < 70; i++) {
		fix_begin(&told[2 * i], i + 1);
		fix_begin(&told[2 * i + 1], i + 1);
	}
	fix_run(300);
	CHECK(fix_lost(0) == 12);
	for (i = 0; i < 64; i++)
		CHECK(fix_lost(i + 1) == 2);
	fix_start(0);
	fix_run(0);
	fix_hello(1);
	CHECK(fix_get(&u) == MSG_GAP && u.gap.lost_n == 65);
	for (i = 0; i < 64; i++) {
		CHECK(u.gap.lost[i].vault == i + 1);
		CHECK(u.gap.lost[i].count == 2);
	}
	CHECK(u.gap.lost[64].vault == 0 && u.gap.lost[64].count == 12);
	CHECK(fix_lost(0) == 0 && fix_lost(64) == 0);
}

/* No more are held than the window has places. */
static void
case_held_bound(void)
{
	uint64_t	 t0 = loop_mono();
	int		 i;

	fix_setup();
	for (i = 0; i < LOGSTREAM_RECORDS + 2; i++) {
		fix_begin(&told[i], 1 + i / (LOGSTREAM_RECORDS / 4));
		fix_end(&told[i]);
	}
	CHECK(fix_lost(1) == 0 && fix_lost(4) == 0 && fix_lost(5) == 2);
	fix_begin(&told[i], 1);
	fix_run(0);
	CHECK(told[i].how == UNLOGGED && loop_mono() - t0 < 200000);
	fix_run(300);
	CHECK(fix_lost(1) == LOGSTREAM_RECORDS / 4 + 1);
}

CASE(window)
CASE(gaps)
CASE(quarter)
CASE(flood)
CASE(quarter_open)
CASE(lost_vaults)
CASE(held_bound)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_quarter),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_quarter_open),
		cmocka_unit_test(test_lost_vaults),
		cmocka_unit_test(test_held_bound)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
