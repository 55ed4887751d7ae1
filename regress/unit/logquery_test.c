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
#include <string.h>

#include <cmocka.h>

#include "../../logd/batch.h"
#include "../../logd/insert.h"
#include "logd_fix.h"
#include "../../logd/query.h"
#include "../../logd/record.h"

static struct arena	 arena;
static struct query	 q;

static int
teardown(void **state)
{
	arena_free(&arena);
	return (fix_teardown(state));
}

static void
add(uint64_t vault, int n)
{
	int	 i;

	for (i = 0; i < n; i++)
		batch_add(fix_request(vault, 0, "/"));
	assert_int_equal(batch_flush(0), 0);
}

static void
ask(uint64_t vault, uint64_t before, int64_t after, uint32_t limit)
{
	arena_reset(&arena);
	memset(&q, 0, sizeof(q));
	q.vault = vault;
	q.before = before;
	q.tail = after >= 0;
	q.after = after < 0 ? 0 : after;
	q.limit = limit;
	query_run(&q, &arena);
}

static void
newest_first(void)
{
	uint32_t	 i;

	for (i = 1; i < q.n; i++)
		assert_true(q.rows[i].id < q.rows[i - 1].id);
}

/* Pages from the newest to the oldest: every row once. */
static void
test_pages(void **state)
{
	uint64_t	 last = 0;
	uint32_t	 total = 0;

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	add(1, 60);
	add(2, 60);
	add(1, 60);
	ask(1, 0, -1, 0);
	assert_int_equal(q.n, QUERY_LIMIT);
	assert_int_equal(q.latest_id, insert_head());
	do {
		newest_first();
		assert_true(last == 0 || q.rows[0].id < last);
		last = q.rows[q.n - 1].id;
		assert_true(q.next_cursor == 0 || q.next_cursor == last);
		total += q.n;
		if (q.next_cursor != 0)
			ask(1, q.next_cursor, -1, 7);
		else
			break;
	} while (q.n > 0);
	assert_int_equal(total, 120);
}

/* A page that ends with the oldest row has no further one. */
static void
test_last_page(void **state)
{
	fix_open();
	fix_vault(1, "one");
	add(1, 10);
	ask(1, 0, -1, 10);
	assert_int_equal(q.n, 10);
	assert_int_equal(q.next_cursor, 0);
	ask(1, 0, -1, 9);
	assert_int_equal(q.n, 9);
	assert_int_equal(q.next_cursor, q.rows[8].id);
	ask(1, q.rows[8].id, -1, 9);
	assert_int_equal(q.n, 1);
	assert_int_equal(q.next_cursor, 0);
}

/*
 * A burst between two polls is seen whole, in order, from an empty vault on;
 * so is one among rows of others.
 */
static void
test_tail(void **state)
{
	uint64_t	 cursor, last = 0;
	uint32_t	 i, total = 0;

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	ask(1, 0, 0, 50);
	assert_int_equal(q.n, 0);
	assert_int_equal(q.latest_id, insert_head());
	cursor = 0;
	add(2, 100);
	add(1, 250);
	add(2, 100);
	add(1, 250);
	for (;;) {
		ask(1, 0, cursor, 50);
		assert_int_equal(q.status, 200);
		assert_int_equal(q.next_cursor, 0);
		newest_first();
		if (q.n == 0)
			break;
		for (i = q.n; i > 0; i--) {
			assert_true(q.rows[i - 1].id > last);
			last = q.rows[i - 1].id;
		}
		if (q.n == 50)
			assert_int_equal(q.latest_id, q.rows[0].id);
		cursor = q.latest_id;
		total += q.n;
	}
	assert_int_equal(total, 500);
	assert_int_equal(cursor, insert_head());
}

static void
test_cursors(void **state)
{
	fix_open();
	fix_vault(1, "one");
	add(1, 3);
	ask(1, 0, insert_head(), 10);
	assert_int_equal(q.status, 200);
	ask(1, 0, insert_head() + 1, 10);
	assert_int_equal(q.status, 409);
	assert_string_equal(q.text, "cursor_invalid");
	assert_int_equal(q.latest_id, insert_head());
	ask(1, insert_head() + 1, -1, 10);
	assert_int_equal(q.status, 409);
	ask(1, 5, 0, 10);
	assert_int_equal(q.status, 400);
	assert_string_equal(q.text,
	    "before and after are mutually exclusive");
	ask(1, 1, -1, 10);
	assert_int_equal(q.status, 200);
	assert_int_equal(q.n, 0);
	ask(1, 0, -1, 100000);
	assert_int_equal(q.limit, QUERY_MAX);
}

/* Who sees what: a vault its own, the instance log the rest. */
static void
test_kinds(void **state)
{
	uint32_t	 i;
	int		 audits = 0;

	fix_open();
	fix_vault(1, "one");
	add(1, 2);
	batch_add(record_gap(1, 7, NULL));
	batch_add(record_event(EVENT_SNI_MISMATCH, 1, NULL, "a.example",
	    "{}", 1));
	assert_int_equal(batch_flush(0), 0);
	ask(1, 0, -1, 50);
	assert_int_equal(q.n, 4);
	assert_int_equal(q.rows[0].kind, KIND_EVENT);
	assert_string_equal(q.rows[0].action, "sni_mismatch");
	assert_string_equal(q.rows[0].host, "a.example");
	assert_int_equal(q.rows[1].kind, KIND_GAP);
	assert_int_equal(q.rows[1].count, 7);
	assert_int_equal(q.rows[1].status, -1);
	ask(0, 0, -1, 50);
	for (i = 0; i < q.n; i++) {
		assert_int_equal(q.rows[i].vault, 0);
		if (q.rows[i].kind == KIND_AUDIT) {
			audits++;
			assert_string_equal(q.rows[i].action, "vault.create");
			assert_string_equal(q.rows[i].path, "");
			assert_string_equal(q.rows[i].actor, "local:0");
		}
	}
	assert_int_equal(audits, 1);
	arena_reset(&arena);
	memset(&q, 0, sizeof(q));
	q.all = 1;
	query_run(&q, &arena);
	assert_int_equal(q.n, fix_int("SELECT count(*) FROM log"));
	ask(2, 0, -1, 50);
	assert_int_equal(q.n, 0);
}

/* A row comes back as it was logged. */
static void
test_fields(void **state)
{
	struct record	*r;
	struct msg_addr	 a = { 6, 443, { 0x20, 1, 0xd, 0xb8 } };

	fix_open();
	fix_vault(1, "one");
	r = fix_request(1, 0, "/a%00b");
	record_client(r, &a);
	batch_add(r);
	assert_int_equal(batch_flush(0), 0);
	ask(1, 0, -1, 1);
	assert_int_equal(q.n, 1);
	assert_string_equal(q.rows[0].path, "/a%00b");
	assert_string_equal(q.rows[0].method, "GET");
	assert_string_equal(q.rows[0].host, "api.example.com");
	assert_int_equal(q.rows[0].port, 443);
	assert_string_equal(q.rows[0].service, "example");
	assert_string_equal(q.rows[0].keys, "EXAMPLE_KEY");
	assert_string_equal(q.rows[0].actor_name, "agent");
	assert_int_equal(q.rows[0].client.af, 6);
	assert_int_equal(q.rows[0].client.port, 443);
	assert_memory_equal(q.rows[0].client.ip, a.ip, 16);
	assert_int_equal(q.rows[0].upstream.af, 0);
	assert_int_equal(q.rows[0].status, 200);
	assert_int_equal(q.rows[0].latency, 1500);
	assert_int_equal(q.rows[0].ingress, INGRESS_MITM);
	assert_int_equal(q.rows[0].started,
	    record_time(q.rows[0].request_id));
}

/* The upstream's port is stored when it is not the one that was asked for. */
static void
test_upstream(void **state)
{
	static const uint16_t	 ports[] = { 443, 8443 };
	struct record		*r;
	struct msg_end		 e;
	int			 i;

	fix_open();
	fix_vault(1, "one");
	memset(&e, 0, sizeof(e));
	e.upstream.af = 4;
	e.upstream.ip[0] = 192;
	for (i = 0; i < 2; i++) {
		e.upstream.port = ports[i];
		r = fix_request(1, 0, "/");
		record_end(r, &e);
		assert_int_equal(r->upstream_len, i == 0 ? 4 : 6);
		batch_add(r);
	}
	assert_int_equal(batch_flush(0), 0);
	ask(1, 0, -1, 2);
	assert_int_equal(q.n, 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(q.rows[1 - i].upstream.port, ports[i]);
		assert_int_equal(q.rows[1 - i].upstream.ip[0], 192);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, teardown)
		TEST(test_pages),
		TEST(test_last_page),
		TEST(test_tail),
		TEST(test_cursors),
		TEST(test_kinds),
		TEST(test_fields),
		TEST(test_upstream)
	};

	return (cmocka_run_group_tests_name("query", tests, NULL, NULL));
}
