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

/*
 * Statistics: whatever of the counts is in memory, written or lost, a chart
 * has what the rows say; and what a reader may cost.
 */

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../logd/batch.h"
#include "../../logd/clock.h"
#include "../../logd/db.h"
#include "../../logd/querystats.h"
#include "../../logd/record.h"
#include "../../logd/rollup.h"
#include "codes.h"
#include "logd_fix.h"

#define MINUTE	INT64_C(60000000)
#define HOURS	9		/* in which rows start */
#define ROWS	40		/* of a batch */
#define ROUNDS	60

static struct querystats	 q;
static int64_t			 now;	/* minute, the last with rows */

static void	vaults(void);
static void	add(uint64_t, int64_t);
static void	add_random(void);
static void	ask(uint64_t, const char *, int64_t, int64_t, int64_t);
static void	finish(void);
static void	idle(void);
static int	in(const char *, int64_t);
static void	slow(const char *, struct rollup_sum *);
static void	compare(const char *);
static void	compare_names(struct toplist *, const char *, const char *);
static uint64_t	total(void);

static int
setup(void **state)
{
	memset(&q, 0, sizeof(q));
	now = clock_now() / MINUTE;
	return (fix_setup(state));
}

static int
teardown(void **state)
{
	querystats_end(&q);
	return (fix_teardown(state));
}

static void
vaults(void)
{
	fix_vault(1, "one");
	fix_vault(2, "two");
	fix_vault(3, "three");
}

static void
add(uint64_t vault, int64_t minute)
{
	struct record	*r = fix_request(vault, 0, "/");

	record_uuid(r->request_id, minute * MINUTE);
	batch_add(r);
}

static void
add_random(void)
{
	static const char *const	 hosts[] = { "a.example", "b.example",
	    "c.example", "" };
	static const int64_t		 status[] = { 200, 201, 101, 302, 404,
	    502, 0, -1, 999 };
	struct record			*r;

	r = fix_request_to(arc4random_uniform(4), "GET",
	    hosts[arc4random_uniform(4)], arc4random_uniform(2) ? "s" : "",
	    "/");
	r->status = status[arc4random_uniform(9)];
	r->latency = (int64_t)arc4random_uniform(1 <<
	    arc4random_uniform(28)) - 1;
	r->decision = arc4random_uniform(DECISION_MAX);
	r->error_code = arc4random_uniform(3);
	r->bytes_in = arc4random_uniform(1000);
	record_uuid(r->request_id, (now - arc4random_uniform(60 * HOURS)) *
	    MINUTE);
	batch_add(r);
}

/* vault is ROLLUP_ALL for one who may read all. */
static void
ask(uint64_t vault, const char *list, int64_t from, int64_t to, int64_t step)
{
	querystats_end(&q);
	memset(&q, 0, sizeof(q));
	q.all = vault == ROLLUP_ALL;
	q.vault = q.all ? 0 : vault;
	q.from = from;
	q.to = to;
	q.step = step;
	q.names = 10;
	if (querystats_start(&q, list))
		finish();
}

static void
finish(void)
{
	while (querystats_work(&q))
		idle();
}

/* Between two slices nothing of it is open. */
static void
idle(void)
{
	sqlite3_stmt	*s = NULL;

	while ((s = sqlite3_next_stmt(db_handle(), s)) != NULL)
		assert_false(sqlite3_stmt_busy(s));
}

/* Is a vault in a list of numbers?  "" has all. */
static int
in(const char *list, int64_t vault)
{
	const char	 c = '0' + vault;

	return (*list == '\0' || strchr(list, c) != NULL);
}

/* Count all rows of requests. */
static void
slow(const char *list, struct rollup_sum *sums)
{
	struct rollup_sum	*sum;
	sqlite3_stmt		*s;
	int64_t			 minute, status, latency;

	assert_int_equal(sqlite3_prepare_v2(db_handle(), "SELECT "
	    "ifnull(vault, 0), request_id, ifnull(status, -1), "
	    "ifnull(latency, -1), bytes_in, bytes_out, flags >> 7 & 7, "
	    "flags >> 16 & 255 FROM log WHERE flags & 15 = 0", -1, &s, NULL),
	    SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		minute = record_time(sqlite3_column_blob(s, 1)) / MINUTE;
		status = sqlite3_column_int64(s, 2);
		latency = sqlite3_column_int64(s, 3);
		if (minute < q.from || minute >= q.to ||
		    !in(list, sqlite3_column_int64(s, 0)))
			continue;
		sum = &sums[(minute - q.from) / q.step];
		sum->rows++;
		sum->class[status < 0 || status > 599 ? 6 : status / 100]++;
		sum->bytes_in += sqlite3_column_int64(s, 4);
		sum->bytes_out += sqlite3_column_int64(s, 5);
		sum->decision[sqlite3_column_int(s, 6)]++;
		sum->errors += sqlite3_column_int(s, 7) != 0;
		if (latency >= 0)
			sum->latency.n[hist_bucket(latency)]++;
	}
	sqlite3_finalize(s);
}

static void
compare_names(struct toplist *l, const char *list, const char *column)
{
	struct topbest	 best[TOPLIST_BEST];
	char		 sql[512];
	uint64_t	 others;
	unsigned int	 i, n;

	n = toplist_best(l, best, 10, &others);
	assert_int_equal(others, 0);
	for (i = 0; i < n; i++) {
		assert_true(i == 0 || best[i].count <= best[i - 1].count);
		(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM log l "
		    "JOIN targets t ON t.id = l.target WHERE t.%s = '%s' AND "
		    "('%s' = '' OR instr('%s', ifnull(l.vault, 0))) AND "
		    "l.flags & 15 = 0", column, best[i].name, list, list);
		assert_int_equal(fix_int(sql), best[i].count);
	}
	(void)snprintf(sql, sizeof(sql), "SELECT count(DISTINCT t.%s) FROM "
	    "log l JOIN targets t ON t.id = l.target WHERE t.%s <> '' AND "
	    "('%s' = '' OR instr('%s', ifnull(l.vault, 0))) AND "
	    "l.flags & 15 = 0", column, column, list, list);
	assert_int_equal(fix_int(sql), n);
}

static void
compare(const char *list)
{
	const int64_t		 n = (q.to - q.from - 1) / q.step + 1;
	struct rollup_sum	*sums;

	assert_int_equal(q.status, 200);
	assert_false(q.partial);
	assert_non_null(sums = calloc(n, sizeof(*sums)));
	slow(list, sums);
	assert_memory_equal(q.sums, sums, n * sizeof(*sums));
	free(sums);
}

static uint64_t
total(void)
{
	uint64_t	 n = 0;
	int64_t		 i;

	for (i = 0; i * q.step < q.to - q.from; i++)
		n += q.sums[i].rows;
	return (n);
}

/* After each batch, whatever has become of the one before. */
static void
test_property(void **state)
{
	static const char *const	 lists[] = { "", "1", "2,3", "0,1" };
	const char			*list;
	int64_t				 from, to;
	int				 i, j;

	fix_faults();
	fix_open();
	vaults();
	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < ROWS; j++)
			add_random();
		if (i % 7 == 3) {
			fix.fault->full = 1;
			assert_int_equal(batch_flush(0), -1);
			ask(ROLLUP_ALL, "", now - 60 * HOURS, now + 1, 30);
			compare("");
			fix.fault->full = 0;
		}
		assert_int_equal(batch_flush(0), 0);
		if (i % 9 == 4)
			assert_int_equal(rollup_sync(), 0);
		if (i % 13 == 5) {
			fix_crash();
			fix_open();
		}
		list = lists[i % 4];
		from = now - arc4random_uniform(60 * HOURS);
		to = from + 1 + arc4random_uniform(60 * HOURS);
		ask(ROLLUP_ALL, list, from, to, (to - from) / 400 + 1 +
		    arc4random_uniform(30));
		compare(list);
		ask(ROLLUP_ALL, list, now - 60 * HOURS, now + 1, 60);
		compare(list);
		compare_names(&q.hosts, list, "host");
		compare_names(&q.services, list, "service");
		ask(2, "", now - 60 * HOURS, now + 1, 7);
		compare("2");
	}
}

/* Who reads all the time writes nothing, nor after memory was lost. */
static void
test_harmless(void **state)
{
	uint64_t	 commits;
	uint32_t	 writes, steps;
	int		 i;

	fix_faults();
	fix_open();
	vaults();
	for (i = 0; i < 100; i++)
		add(1, now - i);
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(rollup_sync(), 0);
	for (i = 0; i < 100; i++)
		add(1, now - i);
	assert_int_equal(batch_flush(0), 0);
	commits = db_counters.commits;
	writes = fix.fault->writes;
	steps = fix.fault->steps;
	for (i = 0; i < 200; i++) {
		ask(1, "", now - 99, now + 1, 10);
		assert_int_equal(total(), 200);
	}
	assert_int_equal(db_counters.commits, commits);
	assert_int_equal(fix.fault->writes, writes);
	assert_int_equal(fix.fault->steps, steps);
	rollup_clear();
	for (i = 0; i < 200; i++) {
		ask(1, "", now - 99, now + 1, 10);
		assert_int_equal(total(), 200);
	}
	assert_true(db_counters.commits <= commits + 1);
	assert_int_equal(fix.fault->writes, writes);
	assert_int_equal(fix.fault->steps, steps);
}

/* What cannot be counted again is not tried all the time. */
static void
test_lost(void **state)
{
	uint64_t	 errors;
	int		 i;

	fix_open();
	vaults();
	add(1, now);
	assert_int_equal(batch_flush(0), 0);
	fix_sql("ALTER TABLE log RENAME TO away");
	rollup_clear();
	errors = db_counters.errors;
	for (i = 0; i < 50; i++) {
		ask(1, "", now - 99, now + 1, 10);
		assert_int_equal(q.status, 503);
	}
	assert_true(db_counters.errors <= errors + 1);
	fix_sql("ALTER TABLE away RENAME TO log");
	for (i = 0; i < 200 && q.status == 503; i++) {
		usleep(20000);
		ask(1, "", now - 99, now + 1, 10);
	}
	assert_int_equal(total(), 1);
}

/* Rows that come while it is read are counted or not, the others once. */
static void
test_meanwhile(void **state)
{
	uint64_t	 n = 0;
	int		 i, slices = 0;

	fix_open();
	vaults();
	for (i = 0; i < 6000; i++)
		add(1, now - i);
	assert_int_equal(batch_flush(0), 0);
	querystats_end(&q);
	memset(&q, 0, sizeof(q));
	q.vault = 1;
	q.from = now - 5999;
	q.to = now + 1;
	q.step = 60;
	q.names = 3;
	assert_int_equal(querystats_start(&q, ""), 1);
	while (querystats_work(&q)) {
		add(1, now - 5999);
		add(1, now);
		n += 2;
		assert_int_equal(batch_flush(0), 0);
		if (slices++ % 3 == 0)
			assert_int_equal(rollup_sync(), 0);
	}
	assert_true(slices > STATS_WINDOWS);
	assert_true(total() > 6000 && total() < 6000 + n);
	/* But the last one's minute was there before all of them. */
	assert_true(q.sums[0].rows >= 60 && q.sums[0].rows <= 63);
	ask(1, "", now - 5999, now + 1, 60);
	assert_int_equal(total(), 6000 + n);
	/* In one window, of which memory has both ends. */
	for (i = 0; i < 30; i++) {
		add(1, now - 5999 + i % 5);
		add(1, now - i % 5);
	}
	assert_int_equal(batch_flush(0), 0);
	ask(1, "", now - 5999, now + 1, 6000);
	compare("1");
}

/* When the budget ends, it says how far it is, and goes on from there. */
static void
test_budget(void **state)
{
	const int64_t	 from = now - 80000;
	uint64_t	 n = 0;
	int64_t		 at = from;
	int		 parts = 0, slices;

	fix_open();
	vaults();
	add(1, now);
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(rollup_sync(), 0);
	fix_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
	    "n WHERE i < 80000) INSERT INTO rollups SELECT 1, "
	    "unixepoch() / 60 - i, 2, 1, 1, 0, 0, 0, x'' FROM n");
	do {
		querystats_end(&q);
		memset(&q, 0, sizeof(q));
		q.all = 1;
		q.from = at;
		q.to = now + 1;
		q.step = 200;
		q.budget = 1;
		assert_int_equal(querystats_start(&q, ""), 1);
		for (slices = 0; querystats_work(&q); slices++)
			idle();
		assert_int_equal(q.status, 200);
		assert_true(q.to > at);
		assert_int_equal(q.partial, q.to < now + 1);
		/* A slice is bounded too. */
		assert_true(slices >= (q.to - at) / (ROLLUP_SLICE + 56));
		n += total();
		at = q.to;
		parts++;
	} while (q.partial);
	assert_true(parts > 1 && parts <= 3 * STATS_WINDOWS);
	assert_in_range(n, 80000, 80001);
}

/* Names: more than an hour has of its own, and more hours than are read. */
static void
test_names(void **state)
{
	static char	 names[ROLLTOP_MAX + 50][32];
	struct topbest	 best[TOPLIST_BEST];
	struct record	*r;
	uint64_t	 others;
	int		 i;

	fix_open();
	vaults();
	for (i = 0; i < ROLLTOP_MAX + 50; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "h%03d.example",
		    i);
		r = fix_request_to(1, "GET", names[i], i % 3 ? "most" :
		    "least", "/");
		record_uuid(r->request_id, now * MINUTE);
		batch_add(r);
	}
	assert_int_equal(batch_flush(0), 0);
	fix_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
	    "n WHERE i < 400) INSERT INTO tops SELECT 2, 0, "
	    "unixepoch() / 3600 - i, 'old.example', 5 FROM n");
	ask(ROLLUP_ALL, "", now - 1440 * 20, now + 1, 1440);
	assert_int_equal(q.top_to - q.top_from, STATS_HOURS_MAX);
	assert_int_equal(toplist_best(&q.hosts, best, 2, &others), 2);
	assert_string_equal(best[0].name, "old.example");
	assert_int_equal(best[0].count, 5 * (STATS_HOURS_MAX - 1));
	assert_string_equal(best[1].name, "h000.example");
	assert_int_equal(others, ROLLTOP_MAX + 50 - 1);
	assert_int_equal(toplist_best(&q.services, best, 2, &others), 2);
	assert_string_equal(best[0].name, "most");
	assert_int_equal(best[0].count + best[1].count, ROLLTOP_MAX + 50);
	assert_int_equal(others, 0);
}

/* More names than a slice reads, and some of them in memory. */
static void
test_slices(void **state)
{
	int	 i;

	fix_open();
	vaults();
	fix_sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM "
	    "n WHERE i < 22 * 150 - 1) INSERT INTO tops SELECT 3, 0, "
	    "unixepoch() / 3600 - 22 + i / 150, i % 150, 1 FROM n");
	for (i = 0; i < 21; i += 4)
		add(3, now - 60 * i);
	assert_int_equal(batch_flush(0), 0);
	ask(3, "", now - 22 * 60, now + 1, 60);
	assert_int_equal(q.hosts.n, 151);
	assert_int_equal(q.hosts.total, 22 * 150 + 6);
	ask(ROLLUP_ALL, "", now - 22 * 60, now + 1, 60);
	assert_int_equal(q.hosts.total, 22 * 150 + 6);
}

/* So many at once have memory; others wait for their turn. */
static void
test_waiting(void **state)
{
	struct querystats	 many[STATS_RUNNING + 2];
	int			 i, n = 0;

	fix_open();
	vaults();
	add(1, now);
	assert_int_equal(batch_flush(0), 0);
	memset(many, 0, sizeof(many));
	for (i = 0; i < STATS_RUNNING + 2; i++) {
		many[i].vault = 1;
		many[i].from = now - 10;
		many[i].to = now + 1;
		many[i].step = 1;
		assert_int_equal(querystats_start(&many[i], ""), 1);
		assert_int_equal(querystats_work(&many[i]), 1);
		n += many[i].sums != NULL;
	}
	assert_int_equal(n, STATS_RUNNING);
	while (querystats_work(&many[0]))
		continue;
	assert_int_equal(querystats_work(&many[STATS_RUNNING]), 1);
	assert_null(many[STATS_RUNNING].sums);
	querystats_end(&many[0]);
	assert_int_equal(querystats_work(&many[STATS_RUNNING]), 1);
	assert_non_null(many[STATS_RUNNING].sums);
	for (i = 1; i < STATS_RUNNING + 2; i++)
		querystats_end(&many[i]);
}

static void
test_refused(void **state)
{
	fix_open();
	vaults();
	add(1, now);
	add(2, now);
	assert_int_equal(batch_flush(0), 0);
	ask(1, "", now, now, 1);
	assert_int_equal(q.status, 400);
	ask(1, "", now, now + 1, 0);
	assert_int_equal(q.status, 400);
	ask(1, "", INT64_MIN, INT64_MAX, 1);
	assert_int_equal(q.status, 400);
	ask(1, "", now, now + STATS_STEPS + 1, 1);
	assert_int_equal(q.status, 400);
	ask(1, "", now - 1, now + STATS_STEPS - 1, 1);
	assert_int_equal(q.status, 200);
	ask(1, "2", now - 1, now + 1, 1);
	assert_int_equal(q.status, 400);
	ask(ROLLUP_ALL, "!two", now - 1, now + 1, 1);
	assert_int_equal(q.status, 400);
	ask(ROLLUP_ALL, "nine", now - 1, now + 1, 1);
	assert_int_equal(q.status, 400);
	assert_non_null(strstr(q.text, "\"nine\""));
	/* A vault that is named twice is counted once. */
	ask(ROLLUP_ALL, "two,2,two,1", now - 1, now + 1, 1);
	assert_int_equal(q.status, 200);
	assert_int_equal(total(), 2);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(test_property),
		TEST(test_harmless),
		TEST(test_lost),
		TEST(test_meanwhile),
		TEST(test_budget),
		TEST(test_names),
		TEST(test_slices),
		TEST(test_waiting),
		TEST(test_refused)
	};

	return (cmocka_run_group_tests_name("querystats", tests, NULL, NULL));
}
