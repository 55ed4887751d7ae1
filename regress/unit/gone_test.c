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
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../logd/batch.h"
#include "../../logd/clock.h"
#include "../../logd/db.h"
#include "../../logd/gone.h"
#include "../../logd/insert.h"
#include "../../logd/retain.h"
#include "logd_fix.h"
#include "../../logd/migrate.h"
#include "../../logd/record.h"
#include "../../logd/schema.h"

/*
 * What retention says that it took, compared with what this test saw going:
 * each row that was there and is not, with the id it had.
 */
#define IDS	60000
#define ALL	1000000

static int64_t	 ids[IDS];	/* of vault 1, 2, the instance log or audit */
static int	 which[IDS];
static int	 nids;

static void
add(uint64_t vault, int n)
{
	int	 i;

	for (i = 0; i < n; i++)
		batch_add(fix_request(vault, 0, "/p"));
	assert_int_equal(batch_flush(0), 0);
}

/* Everything there is, before something goes. */
static void
look(void)
{
	sqlite3_stmt	*s;

	nids = 0;
	assert_int_equal(sqlite3_prepare_v2(db_handle(), "SELECT id,"
	    " CASE WHEN flags & 15 = 3 THEN 3 ELSE ifnull(vault, 0) END"
	    " FROM log ORDER BY id", -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		assert_true(nids < IDS);
		ids[nids] = sqlite3_column_int64(s, 0);
		which[nids++] = sqlite3_column_int(s, 1);
	}
	sqlite3_finalize(s);
}

static int
there(int64_t id)
{
	static sqlite3_stmt	*s;
	int			 rc;

	assert_int_equal(sqlite3_prepare_v2(db_handle(),
	    "SELECT 1 FROM log WHERE id = ?", -1, &s, NULL), SQLITE_OK);
	sqlite3_bind_int64(s, 1, id);
	rc = sqlite3_step(s);
	sqlite3_finalize(s);
	return (rc == SQLITE_ROW);
}

static void
retain_all(void)
{
	int	 i;

	for (i = 0; i < 2000; i++)
		retain_turn();
}

/* Of what look() saw: how many went after a cursor, up to another. */
static uint64_t
count(int vault, int64_t after, int64_t upto)
{
	uint64_t	 n = 0;
	int		 i;

	for (i = 0; i < nids; i++) {
		if ((vault == ALL || which[i] == vault) && ids[i] > after &&
		    ids[i] <= upto && !there(ids[i]))
			n++;
	}
	return (n);
}

static void
says(uint64_t vault, int64_t after, int64_t upto)
{
	struct gone_answer	 a;
	const int		 all = vault == ALL;

	assert_int_equal(gone_between(vault, all, after, upto, &a), 0);
	assert_int_equal(a.rows, count(all ? ALL : vault == GONE_AUDIT ? 3 :
	    (int)vault, after, upto));
	assert_true(a.exact);
}

static void
everywhere(void)
{
	const int64_t	 head = insert_head();
	int64_t		 at;

	for (at = 0; at <= head; at += head / 37 + 1) {
		says(1, at, head);
		says(2, at, head);
		says(0, at, head);
		says(ALL, at, head);
		says(1, at, at + head / 5);
	}
	says(1, head, head);
}

static void
keep(int64_t rows)
{
	struct retention	 c = { 0, rows, 0, 0, 0, 0 };

	retain_configure(&c);
}

static void
test_none(void **state)
{
	struct gone_answer	 a;

	fix_open();
	fix_vault(1, "one");
	add(1, 10);
	keep(10);
	retain_all();
	assert_int_equal(gone_between(1, 0, 0, insert_head(), &a), 0);
	assert_int_equal(a.rows, 0);
	assert_int_equal(gone_between(1, 1, 0, insert_head(), &a), 0);
	assert_int_equal(a.rows, 0);
}

static void
test_rows(void **state)
{
	struct gone_answer	 a;
	int			 i;

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	keep(0);
	for (i = 0; i < 30; i++) {
		add(1, 7 + i);
		add(2, 3);
		add(99, 2);	/* orphans: the instance log's */
	}
	look();
	keep(50);
	retain_all();
	assert_int_equal(fix_int("SELECT count(*) FROM log WHERE vault = 1"),
	    50);
	everywhere();
	assert_int_equal(gone_between(1, 0, 0, insert_head(), &a), 0);
	assert_int_equal(a.oldest, fix_int("SELECT min(id) FROM log WHERE "
	    "vault = 1"));
	/* All at once or one by one, and after a restart. */
	keep(49);
	retain_all();
	for (i = 40; i >= 0; i--) {
		keep(i == 0 ? 1 : i);
		retain_all();
	}
	everywhere();
	fix_close();
	fix_open();
	everywhere();
}

static void
test_age(void **state)
{
	struct retention	 c = { 3600, 0, 3600, 0, 0, 0 };
	char			 name[16];
	int			 i;

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	keep(0);
	for (i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "more%d", i);
		fix_vault(3 + i, name);	/* an audit row */
		add(1, 30);
		add(2, 11);
	}
	look();
	fix_sql("UPDATE minutes SET minute = minute - 120,"
	    " last_id = last_id - 100");
	retain_configure(&c);
	retain_all();
	assert_true(count(1, 0, insert_head()) > 100);
	assert_true(count(3, 0, insert_head()) > 5);
	says(GONE_AUDIT, 0, insert_head());
	everywhere();
}

/* A transaction that fails has deleted nothing, and counts nothing. */
static void
test_fails(void **state)
{
	int	 n;

	fix_faults();
	fix_open();
	fix_vault(1, "one");
	keep(0);
	add(1, 700);
	look();
	keep(100);
	for (n = 1; n < 6; n++) {
		fix.fault->full = n;
		retain_turn();
		fix.fault->full = 0;
		everywhere();
		fix_crash();
		fix_open();
		keep(100);
	}
	retain_all();
	assert_int_equal(fix_int("SELECT count(*) FROM log WHERE vault = 1"),
	    100);
	everywhere();
}

/* The ids of what went long ago are not kept: more is said, never less. */
static void
test_many(void **state)
{
	const int		 rows = GONE_SEGMENT * (GONE_SEGMENTS + 20);
	struct gone_answer	 a;
	int64_t			 head, at, lost;
	int			 i;

	fix_open();
	fix_vault(1, "one");
	keep(0);
	for (i = 0; i < rows; i += 1000)
		add(1, 1000);
	look();
	keep(10);
	for (i = 0; i < 40; i++)
		retain_all();
	head = insert_head();
	assert_int_equal(fix_int("SELECT count(*) FROM log WHERE vault = 1"),
	    10);
	assert_int_equal(fix_int("SELECT count(*) FROM gone"), GONE_SEGMENTS);
	says(1, 0, head);
	says(1, head - GONE_SEGMENT * 10, head);
	says(1, head - GONE_SEGMENT * (GONE_SEGMENTS - 2), head);
	at = ids[GONE_SEGMENT * 4];
	lost = count(1, at, head);
	assert_int_equal(gone_between(1, 0, at, head, &a), 0);
	assert_false(a.exact);
	assert_true(a.rows >= (uint64_t)lost);
	assert_true(a.rows <= (uint64_t)(lost + GONE_SEGMENT * 5));
	/* Both ends in it. */
	lost = count(1, at, at + 100);
	assert_int_equal(gone_between(1, 0, at, at + 100, &a), 0);
	assert_false(a.exact);
	assert_true(a.rows >= (uint64_t)lost);
}

static struct db_sql	 sql_old = DB_SQL("INSERT INTO log (id, target, flags,"
    " status, request_id, latency, bytes_in, bytes_out) VALUES (?, 1, 0, 200,"
    " ?, 1500, 1, 2)");

/*
 * A database from before anything was remembered: what had gone by then nobody
 * knows, what goes afterwards is counted.
 */
static void
test_former(void **state)
{
	char			 why[256];
	uint8_t			 id[16];
	struct gone_answer	 a;
	int64_t			 i;
	int			 n;

	for (n = 0; n < schema_nmigrations; n++) {
		if (strcmp(schema_migrations[n].name,
		    "what retention has deleted") == 0)
			break;
	}
	assert_true(n < schema_nmigrations);
	assert_int_equal(db_open(fix.dir, why, sizeof(why)), 0);
	assert_int_equal(migrate_run(fix.dir, schema_migrations, 1, why,
	    sizeof(why)), 0);
	fix_sql("INSERT INTO targets VALUES (1, 1, 'old.example', 443, 'GET',"
	    " 'old', '', 0, '', 1, 5000)");
	for (i = 500; i <= 3000; i++) {
		record_uuid(id, clock_now() - i * INT64_C(1000000));
		assert_int_equal(db_run(&sql_old, "ib", i, id, sizeof(id)), 0);
	}
	assert_int_equal(migrate_run(fix.dir, schema_migrations, n, why,
	    sizeof(why)), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM sqlite_schema WHERE "
	    "name = 'gone'"), 0);
	db_close();
	keep(0);
	fix_open();
	assert_int_equal(gone_between(0, 0, 0, 3000, &a), 0);
	assert_int_equal(a.rows, 0);
	fix_vault(1, "one");
	add(1, 30);
	look();
	keep(20);
	retain_all();
	assert_true(count(0, 0, 3000) > 2400);
	everywhere();
	fix_close();
	fix_open();
	everywhere();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(test_none, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rows, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_age, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_fails, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_many, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_former, fix_setup,
		    fix_teardown)
	};

	return (cmocka_run_group_tests_name("gone", tests, NULL, NULL));
}
