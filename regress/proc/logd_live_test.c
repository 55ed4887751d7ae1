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

#include "../logd/live.h"
#include "codes.h"
#include "logd_world.h"

/*
 * Rows of one real logd for an api that follows: each once, in order, and no
 * more of them held than is bounded.
 */
#define READ	2			/* the api's scope */

static uint64_t	 last;			/* id that has come */
static int	 rows, opens, lagged;

static void
start(void)
{
	struct end	*ends[] = { &w.end, &api, NULL };

	worker_init(&w, PROC_MITM, 0, MITM1, 1);
	end_pair(&api, PROC_API_TCP, 0, API);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 2);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM1, 1);
	keyd_scope(&d, READ, SCOPE_READ, API, 1);
	keyd_vault(&d, 1, 1, 0);
	worker_hello(&w);
	/* What logd says of its own start is committed with this. */
	worker_end(&w, worker_begin(&w));
	worker_acks(&w, w.next - 1, PEER_MS);
	last = 0;
	rows = opens = lagged = 0;
}

static void
stop(void)
{
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
}

/* The status of the answer; what comes after its head counts. */
static int
subscribe(uint64_t scope, const char *filter)
{
	struct msg_subscribe	 m;

	memset(&m, 0, sizeof(m));
	m.id = 7;
	m.scope = scope;
	m.filter = filter;
	end_send(&api, MSG_SUBSCRIBE, &m);
	end_want(&api, MSG_SUBSCRIBED);
	assert_int_equal(api.u.subscribed.id, 7);
	if (api.u.subscribed.status == 200)
		last = api.u.subscribed.head;
	return (api.u.subscribed.status);
}

/* One message, as an api takes it. */
static void
take(void)
{
	uint32_t	 i;

	switch (end_recv(&api, PEER_MS)) {
	case MSG_LAGGED:
		assert_true(api.u.lagged.head > last);
		last = api.u.lagged.head;
		lagged++;
		return;
	case MSG_LIVE:
		break;
	default:
		fail_msg("message %u", api.type);
	}
	for (i = 0; i < api.u.live.rows_n; i++) {
		if (api.u.live.open) {
			assert_int_equal(api.u.live.rows[i].id, 0);
			assert_int_equal(api.u.live.rows[i].status, -1);
			opens++;
			continue;
		}
		assert_true(api.u.live.rows[i].id > last);
		last = api.u.live.rows[i].id;
		rows++;
	}
}

static void
requests(int n)
{
	while (n-- > 0)
		worker_end(&w, worker_begin(&w));
	worker_acks(&w, w.next - 1, PEER_MS);
}

static void
test_live(void **state)
{
	start();
	requests(5);
	assert_int_equal(subscribe(READ, ""), 200);
	/* A second reader of the same api has nothing come twice. */
	assert_int_equal(subscribe(READ, "status:404"), 200);
	requests(500);
	while (rows < 500)
		take();
	end_quiet(&api, 100);
	assert_int_equal(rows, 500);
	assert_int_equal(lagged, 0);
	stop();
}

static void
test_open(void **state)
{
	uint64_t	 begin;

	start();
	assert_int_equal(subscribe(READ, ""), 200);
	begin = worker_begin(&w);
	while (opens == 0)
		take();
	assert_int_equal(api.u.live.rows[0].seq, begin);
	assert_int_equal(rows, 0);
	worker_end(&w, begin);
	while (rows == 0)
		take();
	assert_int_equal(opens, 1);
	stop();
}

static void
test_refused(void **state)
{
	start();
	assert_int_equal(subscribe(READ + 1, ""), 403);
	assert_int_equal(subscribe(READ, "colour:red"), 400);
	assert_int_equal(subscribe(READ, "vault:nowhere"), 400);
	requests(3);
	end_quiet(&api, 100);
	stop();
}

static void
test_unsubscribe(void **state)
{
	struct msg_unsubscribe	 m;

	start();
	assert_int_equal(subscribe(READ, ""), 200);
	memset(&m, 0, sizeof(m));
	end_send(&api, MSG_UNSUBSCRIBE, &m);
	requests(3);
	end_quiet(&api, 100);
	assert_int_equal(subscribe(READ, ""), 200);
	requests(2);
	while (rows < 2)
		take();
	end_close(&api);
	requests(3);
	stop();
}

/*
 * An api that reads nothing is not waited for; then it is told, goes on at the
 * newest row, and has the others from the database.
 */
static void
test_lagged(void **state)
{
	const int	 n = 3 * LIVE_BEHIND / 2;
	const int	 all = 2 * n;
	int		 i, missing;
	uint64_t	 from;

	start();
	assert_int_equal(subscribe(READ, ""), 200);
	from = last;
	for (i = 0; i < all; i += n / 8)
		requests(n / 8);
	while (lagged == 0)
		take();
	assert_true(rows > 0 && rows < all);
	missing = (int)(last - from) - rows;
	assert_true(missing > LIVE_BEHIND);
	requests(10);
	while (last < from + all + 10)
		take();
	assert_int_equal(rows, all + 10 - missing);
	assert_int_equal(lagged, 1);
	assert_int_equal(ask(READ, 0, from, 200), 200);
	stop();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_live),
		TEST(test_open),
		TEST(test_refused),
		TEST(test_unsubscribe),
		TEST(test_lagged)
	};

	return (cmocka_run_group_tests_name("logd_live", tests, NULL,
	    NULL));
}
