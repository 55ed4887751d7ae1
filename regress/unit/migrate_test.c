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
#include <unistd.h>

#include <cmocka.h>

#include "codes.h"
#include "../../logd/db.h"
#include "logd_fix.h"
#include "../../logd/migrate.h"
#include "../../logd/schema.h"

static char	 why[1024];

static int
make_table(void)
{
	return (db_exec("CREATE TABLE extra (a INTEGER) STRICT"));
}

/* Half of it works. */
static int
break_half(void)
{
	if (db_exec("CREATE TABLE half (a INTEGER) STRICT") == -1)
		return (-1);
	return (db_exec("CREATE TABLE half (a INTEGER) STRICT"));
}

static void
copy_path(char *path, size_t len, int number)
{
	(void)snprintf(path, len, "%s/" DB_FILE "-before-%d", fix.dir, number);
}

static void
test_columns(void **state)
{
	const struct msg_field	*f;
	unsigned int		 kind;
	char			 sql[256];

	fix_open();
	for (kind = 0; kind < OBJ_MAX; kind++) {
		for (f = object_desc(kind)->fields(); f->name != NULL; f++) {
			(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM"
			    " pragma_table_info('%s') WHERE name = '%s'",
			    object_name(kind), f->name);
			assert_int_equal(fix_int(sql), 1);
		}
		(void)snprintf(sql, sizeof(sql), "SELECT strict FROM "
		    "pragma_table_list WHERE name = '%s'", object_name(kind));
		assert_int_equal(fix_int(sql), 1);
	}
	assert_int_equal(fix_int("SELECT count(*) FROM pragma_table_list "
	    "WHERE type = 'table' AND NOT strict AND name NOT LIKE "
	    "'sqlite_%'"), 0);
}

static void
test_again(void **state)
{
	fix_open();
	fix_close();
	fix_open();
	assert_int_equal(fix_int("SELECT count(*) FROM migrations"),
	    schema_nmigrations);
}

/* The program's migrations and one more. */
static int
one_more(const char *name, int (*fn)(void))
{
	struct migration	 list[32];

	assert_true(schema_nmigrations < 32);
	memcpy(list, schema_migrations, schema_nmigrations * sizeof(*list));
	list[schema_nmigrations].name = name;
	list[schema_nmigrations].fn = fn;
	return (migrate_run(fix.dir, list, schema_nmigrations + 1, why,
	    sizeof(why)));
}

static void
test_next(void **state)
{
	char	 path[300], sql[512];

	fix_open();
	fix_vault(1, "kept");
	assert_int_equal(one_more("extra", make_table), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM extra"), 0);
	assert_int_equal(fix_int("PRAGMA user_version"),
	    schema_nmigrations + 1);
	assert_int_equal(fix_int("SELECT max(id) FROM migrations WHERE "
	    "name = 'extra'"), schema_nmigrations + 1);
	copy_path(path, sizeof(path), schema_nmigrations + 1);
	assert_int_equal(access(path, F_OK), 0);
	(void)snprintf(sql, sizeof(sql), "ATTACH '%s' AS copy", path);
	fix_sql(sql);
	assert_int_equal(fix_int("SELECT count(*) FROM copy.vaults WHERE "
	    "name = 'kept'"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM copy.sqlite_schema "
	    "WHERE name = 'extra'"), 0);
}

/* A migration that fails leaves nothing of itself. */
static void
test_fails(void **state)
{
	char	 number[64];

	fix_open();
	assert_int_equal(one_more("half", break_half), -1);
	(void)snprintf(number, sizeof(number), "migration %d (half)",
	    schema_nmigrations + 1);
	assert_non_null(strstr(why, number));
	assert_int_equal(fix_int("SELECT count(*) FROM sqlite_schema WHERE "
	    "name = 'half'"), 0);
	assert_int_equal(fix_int("PRAGMA user_version"), schema_nmigrations);
	assert_int_equal(fix_int("SELECT count(*) FROM migrations"),
	    schema_nmigrations);
}

/* An empty file needs no copy. */
static void
test_no_copy(void **state)
{
	char	 path[300];

	fix_open();
	copy_path(path, sizeof(path), 1);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_names(void **state)
{
	fix_open();
	assert_int_equal(fix_int("SELECT number FROM codes WHERE "
	    "list = 'decision' AND name = 'brokered'"), DECISION_BROKERED);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log"), 0);
	fix_sql("DELETE FROM codes WHERE list = 'error'");
	fix_close();
	fix_open();
	assert_int_equal(fix_int("SELECT number FROM codes WHERE "
	    "list = 'error' AND name = 'worker_lost'"), ERROR_WORKER_LOST);
}

static void
test_flags(void **state)
{
	int64_t	 f = schema_flags(KIND_EVENT, 7, 6, 5, 4, 200, 255);

	assert_int_equal(FLAGS_KIND(f), KIND_EVENT);
	assert_int_equal(FLAGS_INGRESS(f), 7);
	assert_int_equal(FLAGS_DECISION(f), 6);
	assert_int_equal(FLAGS_PROTOCOL(f), 5);
	assert_int_equal(FLAGS_PATH(f), 4);
	assert_int_equal(FLAGS_ERROR(f), 200);
	assert_int_equal(FLAGS_EVENT(f), 255);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_columns),
		TEST(test_again),
		TEST(test_next),
		TEST(test_fails),
		TEST(test_no_copy),
		TEST(test_names),
		TEST(test_flags)
	};

	return (cmocka_run_group_tests_name("migrate", tests, NULL, NULL));
}
