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
#include "../../logd/db.h"
#include "../../logd/dict.h"
#include "../../logd/insert.h"
#include "logd_fix.h"

/* A request to a host of its own, on its way to being a row. */
static struct record *
request(const char *host)
{
	return (fix_request_to(1, "GET", host, "example", "/"));
}

static void
lookup(struct record *r, int64_t id, int64_t *entry)
{
	assert_int_equal(dict_target(r, 1, id), 0);
	*entry = r->target.id;
}

static void
test_same(void **state)
{
	struct record	*a, *b, *c;
	int64_t		 one, two, three;

	fix_open();
	fix_vault(1, "one");
	a = request("a.example");
	b = request("a.example");
	c = request("b.example");
	lookup(a, 10, &one);
	lookup(b, 11, &two);
	lookup(c, 12, &three);
	assert_int_equal(one, two);
	assert_int_not_equal(one, three);
	b->port = 80;
	lookup(b, 13, &two);
	assert_int_not_equal(one, two);
	b->port = a->port;
	b->auth_scheme = SCHEME_NONE;
	lookup(b, 13, &two);
	assert_int_not_equal(one, two);
	dict_clear();
	lookup(a, 14, &two);
	assert_int_equal(one, two);
	record_free(a);
	record_free(b);
	record_free(c);
}

/* Fields do not run into each other. */
static void
test_borders(void **state)
{
	struct record	*a, *b;
	int64_t		 one, two;

	fix_open();
	a = fix_request_to(1, "c", "ab", "example", "/");
	b = fix_request_to(1, "bc", "a", "example", "/");
	lookup(a, 1, &one);
	lookup(b, 1, &two);
	assert_int_not_equal(one, two);
	record_free(a);
	record_free(b);
}

/* The bound is ahead of the ids, and follows them. */
static void
test_bound(void **state)
{
	struct record	*r;
	int64_t		 entry, id, last, was = 0;
	int		 moved = 0;

	fix_open();
	r = request("a.example");
	for (id = 1; id < 40 * DICT_STEP; id++) {
		lookup(r, id, &entry);
		if (id % 500 != 0)
			continue;
		last = fix_int("SELECT last_id FROM targets");
		assert_true(last >= id);
		assert_true(last <= id + DICT_STEP || last <= 2 * id);
		moved += last != was;
		was = last;
	}
	assert_true(moved > 3 && moved < 10);
	assert_int_equal(fix_int("SELECT first_id FROM targets"), 1);
	record_free(r);
}

/* More targets than the cache holds: still one entry each. */
static void
test_cache(void **state)
{
	struct record	*r;
	char		 host[32];
	int64_t		 entry, first = 0;
	int		 i, round;

	fix_open();
	assert_int_equal(db_begin(0), 0);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < DICT_CACHE + 100; i++) {
			(void)snprintf(host, sizeof(host), "h%d", i);
			r = request(host);
			lookup(r, i + 1, &entry);
			record_free(r);
			if (i == 0 && round == 0)
				first = entry;
			if (i == 0)
				assert_int_equal(entry, first);
		}
		assert_int_equal(dict_counters.cached, DICT_CACHE);
	}
	assert_int_equal(db_commit(), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM targets"),
	    DICT_CACHE + 100);
}

/* A rollback takes entries away; nobody may go on to use them. */
static void
test_rollback(void **state)
{
	struct record	*r;
	struct who	*w;
	int64_t		 entry, who;

	fix_open();
	r = request("a.example");
	w = who_new(1, ACTOR_AGENT, "1", "a", "");
	assert_int_equal(db_begin(0), 0);
	lookup(r, 1, &entry);
	assert_int_equal(dict_who(w, 1, &who), 0);
	db_rollback();
	dict_clear();
	assert_int_equal(fix_int("SELECT count(*) FROM targets"), 0);
	lookup(r, 1, &entry);
	assert_int_equal(dict_who(w, 1, &who), 0);
	assert_int_equal(fix_int("SELECT id FROM targets"), entry);
	assert_int_equal(fix_int("SELECT id FROM scopes"), who);
	record_free(r);
	who_unref(w);
}

/* What no row uses goes, what one does stays. */
static void
test_trim(void **state)
{
	struct record	*a, *b;
	int64_t		 one, two, again;

	fix_open();
	a = request("a.example");
	b = request("b.example");
	lookup(a, 1, &one);
	lookup(b, 100000, &two);
	assert_int_equal(dict_trim(2, 50000, 10), 0);
	assert_int_equal(dict_trim(1, 50000, 10), 1);
	assert_int_equal(fix_int("SELECT id FROM targets"), two);
	lookup(a, 100001, &again);
	assert_int_equal(fix_int("SELECT count(*) FROM targets"), 2);
	record_free(a);
	record_free(b);
}

/* A target that an open request refers to is in use, however old. */
static void
test_trim_open(void **state)
{
	struct record	*a;
	int64_t		 one;
	char		 sql[256];

	fix_open();
	a = request("a.example");
	lookup(a, 1, &one);
	fix_sql("INSERT INTO streams VALUES (1, 1, 0, 0, 0, 0, 0, 0)");
	(void)snprintf(sql, sizeof(sql), "INSERT INTO open_requests (stream,"
	    " seq, target, flags, request_id) VALUES (1, 1, %lld, 0, x'00')",
	    (long long)one);
	fix_sql(sql);
	assert_int_equal(dict_trim(1, 50000, 10), 0);
	fix_sql("DELETE FROM open_requests");
	assert_int_equal(dict_trim(1, 50000, 10), 1);
	record_free(a);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_same),
		TEST(test_borders),
		TEST(test_bound),
		TEST(test_cache),
		TEST(test_rollback),
		TEST(test_trim),
		TEST(test_trim_open)
	};

	return (cmocka_run_group_tests_name("dict", tests, NULL, NULL));
}
