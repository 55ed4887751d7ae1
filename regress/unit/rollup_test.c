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
#include <unistd.h>

#include <cmocka.h>

#include "../../logd/batch.h"
#include "../../logd/clock.h"
#include "../../logd/db.h"
#include "../../logd/dict.h"
#include "../../logd/hist.h"
#include "../../logd/insert.h"
#include "../../logd/migrate.h"
#include "../../logd/retain.h"
#include "../../logd/rolltop.h"
#include "../../logd/rollup.h"
#include "../../logd/schema.h"
#include "logd_fix.h"

#define MINUTE	INT64_C(60000000)

/* One that differs from others in all that is counted by. */
static void
add_random(void)
{
	static const char *const	 hosts[] = { "a.example", "b.example",
	    "c.example", "" };
	static const int64_t		 status[] = { 200, 200, 201, 404, 502,
	    0, -1, 999 };
	struct record			*r;

	r = fix_request_to(arc4random_uniform(3) + 1, "GET",
	    hosts[arc4random_uniform(4)], arc4random_uniform(2) ? "s" : "",
	    "/");
	r->status = status[arc4random_uniform(8)];
	r->latency = (int64_t)arc4random_uniform(1 << arc4random_uniform(28)) -
	    1;
	r->decision = arc4random_uniform(4);
	r->error_code = arc4random_uniform(3);
	record_uuid(r->request_id, clock_now() -
	    arc4random_uniform(5) * MINUTE);
	batch_add(r);
}

/* Write what is in memory, as a reader and the end do. */
static void
written(void)
{
	assert_int_equal(rollup_sync(), 0);
	assert_int_equal(rollup_pending(), 0);
}

/* How many rows of one query another does not have, and the other way. */
static void
same(const char *a, const char *b)
{
	char	 sql[1024];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s EXCEPT "
	    "%s)", a, b);
	assert_int_equal(fix_int(sql), 0);
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s EXCEPT "
	    "%s)", b, a);
	assert_int_equal(fix_int(sql), 0);
}

/*
 * What is counted is what the rows say: by SQL, and, for minutes, names and
 * latencies, by counting all rows once more.
 */
static void
consistent(void)
{
	written();
	same("SELECT vault, class, decision, sum(count), sum(errors), "
	    "sum(bytes_in), sum(bytes_out) FROM rollups GROUP BY 1, 2, 3",
	    "SELECT ifnull(vault, 0), iif(status BETWEEN 0 AND 599, "
	    "status / 100, 6), flags >> 7 & 7, count(*), "
	    "sum(flags >> 16 & 255 <> 0), sum(bytes_in), sum(bytes_out) "
	    "FROM log WHERE flags & 15 = 0 GROUP BY 1, 2, 3");
	same("SELECT vault, name, sum(count) FROM tops WHERE what = 0 "
	    "GROUP BY 1, 2", "SELECT l.vault, t.host, count(*) FROM log l "
	    "JOIN targets t ON t.id = l.target WHERE t.host <> '' AND "
	    "l.flags & 15 = 0 GROUP BY 1, 2");
	fix_sql("CREATE TEMP TABLE r AS SELECT * FROM rollups;"
	    "CREATE TEMP TABLE t AS SELECT * FROM tops;"
	    "BEGIN; DELETE FROM rollups; DELETE FROM tops");
	rollup_clear();
	assert_int_equal(rollup_fill(1, INT64_MAX), 0);
	assert_int_equal(rollup_write(insert_head()), 0);
	same("SELECT * FROM r", "SELECT * FROM rollups");
	same("SELECT * FROM t", "SELECT * FROM tops");
	rollup_clear();
	fix_sql("ROLLBACK; DROP TABLE r; DROP TABLE t");
}

static void
vaults(void)
{
	fix_vault(1, "one");
	fix_vault(2, "two");
	fix_vault(3, "three");
}

static void
test_hist(void **state)
{
	struct hist	 h, g;
	uint8_t		 p[HIST_PACKED];
	int64_t		 us, middle;
	size_t		 len;

	for (us = 256; us < INT64_C(1) << 36; us += us / 37 + 1) {
		middle = hist_middle(hist_bucket(us));
		assert_true(llabs(middle - us) <= us / 8 + 1);
	}
	assert_int_equal(hist_bucket(0), 0);
	assert_int_equal(hist_bucket(255), 0);
	assert_int_equal(hist_bucket(INT64_MAX), HIST_BUCKETS - 1);
	memset(&h, 0, sizeof(h));
	assert_int_equal(hist_quantile(&h, 500), -1);
	assert_int_equal(hist_pack(&h, p), 0);
	for (us = 1; us <= 100000; us++)
		h.n[hist_bucket(us)]++;
	assert_true(llabs(hist_quantile(&h, 500) - 50000) < 7000);
	assert_true(llabs(hist_quantile(&h, 990) - 99000) < 13000);
	memset(&h, 0xff, sizeof(h));
	assert_int_equal(len = hist_pack(&h, p), sizeof(p));
	memset(&g, 0, sizeof(g));
	hist_unpack(&g, p, len);
	assert_memory_equal(&g, &h, sizeof(g));
	hist_unpack(&g, p, len - 1);
	memset(&g, 0, sizeof(g));
	memset(&h, 0, sizeof(h));
	h.n[5] = 77;
	h.n[113] = UINT64_C(1) << 62;
	len = hist_pack(&h, p);
	hist_unpack(&g, p, len);
	assert_int_equal(g.n[5], 77);
	assert_int_equal(g.n[113], h.n[113]);
}

/* Through failed flushes, kills and restarts. */
static void
test_property(void **state)
{
	int	 i, n;

	fix_faults();
	fix_open();
	vaults();
	for (i = 0; i < 60; i++) {
		for (n = arc4random_uniform(80); n > 0; n--)
			add_random();
		if (arc4random_uniform(4) == 0) {
			fix.fault->full = 1;
			(void)batch_flush(0);
			fix.fault->full = 0;
		}
		if (arc4random_uniform(3) != 0)
			assert_int_equal(batch_flush(0), 0);
		if (arc4random_uniform(6) == 0) {
			fix_crash();
			fix_open();
		}
		if (i % 10 == 9)
			consistent();
	}
	assert_int_equal(batch_flush(0), 0);
	consistent();
	assert_true(fix_int("SELECT count(*) FROM rollups") > 50);
}

/* A row that the database refuses is not counted, its neighbours are. */
static void
test_refused(void **state)
{
	int	 i;

	fix_open();
	vaults();
	fix_sql("CREATE TEMP TRIGGER bad BEFORE INSERT ON main.log WHEN "
	    "new.path = '/bad' BEGIN SELECT raise(ABORT, 'bad'); END");
	for (i = 0; i < 40; i++)
		batch_add(fix_request(1, 0, i % 5 ? "/good" : "/bad"));
	assert_int_equal(batch_flush(0), 0);
	written();
	assert_int_equal(fix_int("SELECT sum(count) FROM rollups"), 32);
	consistent();
}

/* More buckets and names than memory has room for. */
static void
test_bounds(void **state)
{
	struct record	*r;
	char		 host[400][16];
	int		 i;

	fix_open();
	vaults();
	for (i = 0; i < 3 * ROLLUP_CACHE; i++) {
		r = fix_request(1 + i % 3, 0, "/");
		record_uuid(r->request_id, clock_now() - i * MINUTE);
		batch_add(r);
	}
	assert_int_equal(batch_flush(0), 0);
	written();
	assert_int_equal(fix_int("SELECT count(*) FROM rollups"),
	    3 * ROLLUP_CACHE);
	consistent();
	for (i = 0; i < 400; i++) {
		(void)snprintf(host[i], sizeof(host[i]), "h%d.example", i);
		r = fix_request_to(2, "GET", host[i], "example", "/");
		record_uuid(r->request_id, clock_now() - 100 * 1440 * MINUTE /
		    2);
		batch_add(r);
	}
	assert_int_equal(batch_flush(0), 0);
	written();
	assert_int_equal(fix_int("SELECT max(n) FROM (SELECT count(*) AS n "
	    "FROM tops GROUP BY vault, what, hour)"), ROLLTOP_MAX + 1);
	assert_int_equal(fix_int("SELECT count FROM tops WHERE name = ''"),
	    400 - ROLLTOP_MAX);
}

/* More names than memory has room for go to the file before it is time. */
static void
test_names(void **state)
{
	const int	 hours = ROLLTOP_CACHE / ROLLTOP_MAX + 10;
	struct record	*r;
	char		 host[ROLLTOP_MAX][16];
	int		 h, i;

	fix_open();
	vaults();
	for (i = 0; i < ROLLTOP_MAX; i++)
		(void)snprintf(host[i], sizeof(host[i]), "h%d.example", i);
	for (h = 0; h < hours; h++) {
		for (i = 0; i < ROLLTOP_MAX; i++) {
			r = fix_request_to(1, "GET", host[i], "example", "/");
			record_uuid(r->request_id, clock_now() -
			    h * 60 * MINUTE);
			batch_add(r);
		}
	}
	assert_int_equal(batch_flush(0), 0);
	assert_true(fix_int("SELECT count(*) FROM tops") > 0);
	assert_false(rolltop_has(1, ROLLTOP_HOST, clock_now() /
	    (60 * MINUTE)));
	written();
	assert_int_equal(fix_int("SELECT count(*) FROM tops WHERE what = 0"),
	    hours * ROLLTOP_MAX);
	assert_int_equal(fix_int("SELECT sum(count) FROM tops WHERE "
	    "what = 0"), hours * ROLLTOP_MAX);
	consistent();
}

/* What went to the file because memory was full is not counted again. */
static void
test_full_killed(void **state)
{
	struct record	*r;
	int		 i;

	fix_open();
	vaults();
	for (i = 0; i < ROLLUP_CACHE + 200; i++) {
		r = fix_request(1, 0, "/");
		record_uuid(r->request_id, clock_now() - i * MINUTE);
		batch_add(r);
	}
	assert_int_equal(batch_flush(0), 0);
	fix_crash();
	fix_open();
	written();
	assert_int_equal(fix_int("SELECT sum(count) FROM rollups"),
	    ROLLUP_CACHE + 200);
	consistent();
}

/* A start that cannot be is counted now, one too long ago not at all. */
static void
test_absurd(void **state)
{
	struct record	*r;
	const int64_t	 at[] = { 0, INT64_C(281474976710655) * 1000,
	    clock_now() + 86400 * INT64_C(1000000),
	    clock_now() - (ROLLUP_DAYS + 1) * 1440 * MINUTE };
	unsigned int	 i;

	fix_open();
	vaults();
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		r = fix_request(1, 0, "/");
		record_uuid(r->request_id, at[i]);
		batch_add(r);
	}
	assert_int_equal(batch_flush(0), 0);
	written();
	assert_int_equal(fix_int("SELECT count(*) FROM log WHERE "
	    "vault = 1"), 4);
	assert_int_equal(fix_int("SELECT sum(count) FROM rollups"), 2);
	assert_true(fix_int("SELECT max(minute) FROM rollups") <=
	    clock_now() / MINUTE);
}

static void
test_read(void **state)
{
	struct rollup_sum	*sums;
	struct rollup_chart	 c;
	const int64_t		 now = clock_now() / MINUTE;
	struct record		*r;
	uint64_t		 n = 0, late = 0;
	int			 i, rc, turns = 0;

	fix_open();
	vaults();
	for (i = 0; i < 4000; i++) {
		r = fix_request_to(1 + i % 2, "GET", i % 4 == 0 ? "a" :
		    i % 4 == 1 ? "b" : "c", "example", "/");
		record_uuid(r->request_id, (now - 3999 + i) * MINUTE);
		r->status = i % 10 == 0 ? 503 : 200;
		batch_add(r);
	}
	assert_int_equal(batch_flush(0), 0);
	written();
	memset(&c, 0, sizeof(c));
	c.vault = ROLLUP_ALL;
	c.from = now - 3999;
	c.to = now + 1;
	c.step = 60;
	assert_non_null(c.sums = sums = calloc(67, sizeof(*sums)));
	while ((rc = rollup_read(&c)) == 0)
		turns++;
	assert_int_equal(rc, 1);
	assert_true(turns >= 1 && turns < 5);
	for (i = 0; i < 67; i++) {
		n += sums[i].rows;
		late += sums[i].class[5];
		assert_int_equal(sums[i].rows, i < 66 ? 60 : 40);
	}
	assert_int_equal(n, 4000);
	assert_int_equal(late, 400);
	assert_true(llabs(hist_quantile(&sums[3].latency, 500) - 1500) < 200);
	memset(sums, 0, 67 * sizeof(*sums));
	c.vault = 2;
	c.at_vault = c.at_minute = 0;
	while ((rc = rollup_read(&c)) == 0)
		continue;
	assert_int_equal(rc, 1);
	assert_int_equal(sums[5].rows, 30);
	free(sums);
}

/* An entry of the dictionary goes, and its number is another's at once. */
static void
test_reused(void **state)
{
	fix_open();
	vaults();
	batch_add(fix_request(1, 0, "/"));
	assert_int_equal(batch_flush(0), 0);
	fix_sql("DELETE FROM targets");
	dict_clear();
	batch_add(fix_request_to(1, "GET", "other.example", "example", "/"));
	assert_int_equal(batch_flush(0), 0);
	written();
	assert_int_equal(fix_int("SELECT max(target) FROM log"), 1);
	assert_int_equal(fix_int("SELECT count FROM tops WHERE "
	    "name = 'other.example'"), 1);
}

/* A cap that is smaller than what is not written yet. */
static void
test_retained(void **state)
{
	struct retention	 c = { .seconds = 0,
			    .rows = 10, .audit_seconds = 0 };
	int			 i, j;

	fix_open();
	vaults();
	retain_configure(&c);
	for (i = 0; i < 20; i++) {
		for (j = 0; j < 30; j++)
			batch_add(fix_request(1, 0, "/"));
		assert_int_equal(batch_flush(0), 0);
		retain_turn();
		fix_crash();
		fix_open();
	}
	written();
	/* A turn may end early where others have the processor. */
	for (i = 0; i < 100; i++)
		retain_turn();
	assert_int_equal(fix_int("SELECT count(*) FROM log WHERE vault = 1"),
	    10);
	assert_int_equal(fix_int("SELECT sum(count) FROM rollups"), 600);
}

/* Old buckets and names leave, a turn's worth at a time; others stay. */
static void
test_trim(void **state)
{
	struct retention	 c = { .seconds = 3600,
			    .rows = 0, .audit_seconds = 7200 };
	int			 i;

	fix_open();
	vaults();
	batch_add(fix_request(1, 0, "/"));
	assert_int_equal(batch_flush(0), 0);
	written();
	fix_sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 "
	    "FROM n WHERE i < 999) INSERT INTO rollups SELECT i % 7, i, 2, 0, "
	    "1, 0, 0, 0, NULL FROM n");
	fix_sql("INSERT INTO tops SELECT vault, 1, minute, 'x', 1 FROM "
	    "rollups WHERE minute < 1000");
	assert_int_equal(rollup_trim(100), 100);
	retain_configure(&c);
	for (i = 0; i < 3; i++)
		retain_turn();
	assert_true(fix_int("SELECT count(*) FROM tops WHERE name = 'x'") >
	    0);
	for (i = 0; i < 20; i++)
		retain_turn();
	assert_int_equal(fix_int("SELECT count(*) FROM rollups"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM tops"), 2);
}

static struct db_sql	 sql_old = DB_SQL("INSERT INTO log (id, target, flags,"
    " status, request_id, latency, bytes_in, bytes_out) VALUES (?, 1, 0, ?,"
    " ?, 1500, 1, 2)");

/* A database of the first schema, with rows of a vault and of none. */
static void
test_first_schema(void **state)
{
	char	 why[256], path[300];
	uint8_t	 id[16];
	int64_t	 i;

	assert_int_equal(db_open(fix.dir, why, sizeof(why)), 0);
	assert_int_equal(migrate_run(fix.dir, schema_migrations, 1, why,
	    sizeof(why)), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM sqlite_schema WHERE "
	    "name = 'rollups'"), 0);
	fix_sql("INSERT INTO targets VALUES (1, 1, 'old.example', 443, 'GET',"
	    " 'old', '', 0, '', 1, 5000)");
	for (i = 1; i <= 5000; i++) {
		record_uuid(id, clock_now() - i * INT64_C(1000000));
		assert_int_equal(db_run(&sql_old, "iib", i,
		    200 + i % 2 * 300, id, sizeof(id)), 0);
	}
	db_close();
	fix_open();
	assert_int_equal(fix_int("SELECT sum(count) FROM rollups WHERE "
	    "vault = 0"), 5000);
	assert_int_equal(fix_int("SELECT sum(count) FROM rollups WHERE "
	    "class = 5"), 2500);
	assert_true(fix_int("SELECT count(DISTINCT minute) FROM rollups") >=
	    83);
	assert_int_equal(fix_int("SELECT sum(count) FROM tops WHERE "
	    "what = 0 AND name = 'old.example'"), 5000);
	assert_int_equal(vault_find(0)->rows, 5000);
	assert_int_equal(fix_int("SELECT rows FROM counts WHERE vault = 0"),
	    5000);
	(void)snprintf(path, sizeof(path), "%s/" DB_FILE "-before-2",
	    fix.dir);
	assert_int_equal(access(path, F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_hist),
		TEST(test_property),
		TEST(test_refused),
		TEST(test_bounds),
		TEST(test_names),
		TEST(test_full_killed),
		TEST(test_absurd),
		TEST(test_read),
		TEST(test_reused),
		TEST(test_retained),
		TEST(test_trim),
		TEST(test_first_schema)
	};

	return (cmocka_run_group_tests_name("rollup", tests, NULL, NULL));
}
