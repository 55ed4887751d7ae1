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
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
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
#include "../../logd/db.h"
#include "logd_fix.h"
#include "../../logd/recover.h"
#include "../../logd/schema.h"

static char	 why[1024];

static void
db_path(char *path, size_t len)
{
	(void)snprintf(path, len, "%s/" DB_FILE, fix.dir);
}

static void
write_file(const void *data, size_t len)
{
	char	 path[300];
	int	 fd;

	db_path(path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* A fingerprint of the files, to see that nobody wrote to them. */
static uint64_t
file_hash(void)
{
	static const char	*ends[] = { "", "-wal", "-journal" };
	uint8_t			 buf[4096];
	uint64_t		 h = 1;
	ssize_t			 i, n;
	char			 path[300];
	size_t			 e;
	int			 fd;

	for (e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
		(void)snprintf(path, sizeof(path), "%s/" DB_FILE "%s",
		    fix.dir, ends[e]);
		h = h * 31 + e;
		if ((fd = open(path, O_RDONLY | O_NONBLOCK)) == -1)
			continue;
		while ((n = read(fd, buf, sizeof(buf))) > 0) {
			for (i = 0; i < n; i++)
				h = (h ^ buf[i]) * 1099511628211ULL;
		}
		close(fd);
	}
	return (h);
}

/* What is refused is named with a remedy and left as it is. */
static void
refused(const char *text)
{
	uint64_t	 before = file_hash();

	assert_int_equal(recover_open(fix.dir, why, sizeof(why)), -1);
	if (strstr(why, text) == NULL)
		fail_msg("%s", why);
	assert_true(before == file_hash());
	assert_null(db_handle());
}

/* Other bytes at that place of the database, or of what belongs to it. */
static void
damage(const char *end, off_t off, size_t len)
{
	char	 path[300];
	uint8_t	 junk[4096];
	int	 fd;

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE "%s", fix.dir, end);
	memset(junk, 0xa5, sizeof(junk));
	assert_int_not_equal(fd = open(path, O_WRONLY), -1);
	assert_int_equal(pwrite(fd, junk, len, off), len);
	close(fd);
}

/* As after kill -9: with a log that holds changes. */
static void
killed(void)
{
	pid_t	 pid;
	int	 i, status;

	fix_open();
	assert_int_equal(batch_flush(0), 0);
	fix_close();
	if ((pid = fork()) == 0) {
		fix_open();
		for (i = 1; i < 20; i++) {
			fix_vault(i, "v");
			batch_add(fix_request(i, 0, "/"));
			if (batch_flush(0) == -1)
				_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
test_fresh(void **state)
{
	struct stat	 st;
	char		 path[300];

	umask(077);
	fix_open();
	db_path(path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fix_int("PRAGMA foreign_keys"), 1);
	assert_int_equal(fix_int("PRAGMA application_id"), DB_APPLICATION_ID);
	assert_int_equal(fix_int("PRAGMA user_version"), schema_nmigrations);
	assert_int_equal(fix_int("SELECT journal_mode = 'wal' FROM "
	    "pragma_journal_mode"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM migrations"),
	    schema_nmigrations);
	(void)snprintf(path, sizeof(path), "%s/" DB_FILE "-shm", fix.dir);
	assert_int_equal(access(path, F_OK), -1);
	fix_close();
	fix_open();
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(fix_int("SELECT value FROM meta WHERE key = 'clean'"),
	    0);
	fix_close();
}

static void
test_hardened(void **state)
{
	fix_open();
	assert_int_not_equal(sqlite3_exec(db_handle(), "PRAGMA "
	    "writable_schema=ON; DELETE FROM sqlite_schema", NULL, NULL,
	    NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db_handle(),
	    "SELECT load_extension('x')", NULL, NULL, NULL), SQLITE_OK);
}

static void
test_garbage(void **state)
{
	char	 junk[8192];

	memset(junk, 'x', sizeof(junk));
	write_file(junk, sizeof(junk));
	refused("is damaged");
}

/* The root page of each table that has to be right, and of its indexes. */
static void
test_damaged_table(void **state)
{
	static const char	*names[] = { "vaults", "keyring", "tokens",
	    "meta", "sqlite_autoindex_meta_1", "streams", "live_scopes",
	    "open_requests", "scopes", "targets", "minutes" };
	char			 sql[128];
	size_t			 i;
	int			 root;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fix_clear();
		fix_open();
		fix_vault(1, "one");
		batch_add(fix_request(1, 0, "/"));
		assert_int_equal(batch_flush(0), 0);
		(void)snprintf(sql, sizeof(sql), "SELECT rootpage FROM "
		    "sqlite_schema WHERE name = '%s'", names[i]);
		if ((root = fix_int(sql)) <= 0)
			fail_msg("%s", names[i]);
		fix_close();
		damage("", (off_t)(root - 1) * 4096, 4096);
		refused("damaged");
	}
}

static void
test_damaged_header(void **state)
{
	fix_open();
	fix_vault(1, "one");
	fix_close();
	damage("", 0, 40);
	refused("is damaged");
}

/* The file ends in the middle. */
static void
test_truncated(void **state)
{
	char		 path[300];
	struct stat	 st;

	fix_open();
	fix_vault(1, "one");
	fix_close();
	db_path(path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size / 2 / 4096 * 4096), 0);
	refused("is damaged");
}

/* Nothing, while there is a log of something. */
static void
test_log_alone(void **state)
{
	char	 path[300];

	killed();
	db_path(path, sizeof(path));
	assert_int_equal(truncate(path, 0), 0);
	refused("is empty, but its -wal file is not");
	assert_int_equal(unlink(path), 0);
	refused("is missing, but its -wal file is not");
}

/* What SQLite would take for the end of the log. */
static void
test_damaged_log(void **state)
{
	killed();
	damage("-wal", 32 + 2 * (4096 + 24) + 100, 1);
	refused("-wal is damaged (frame 3 is damaged, and changes behind");
	fix_clear();
	killed();
	damage("-wal", 32 + 5 * (4096 + 24) + 8, 8);
	refused("-wal is damaged (frame 6 is damaged, and changes behind");
	fix_clear();
	killed();
	damage("-wal", 8, 1);
	refused("-wal is damaged (its header");
}

/* Things with the right name. */
static void
test_no_file(void **state)
{
	char	 path[300];

	db_path(path, sizeof(path));
	assert_int_equal(mkdir(path, 0700), 0);
	refused("is not a plain file: move it away");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	refused("is not a plain file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused("is not a plain file");
}

static void
test_rights(void **state)
{
	char	 path[300];
	pid_t	 pid;
	int	 status;

	umask(077);
	fix_open();
	fix_close();
	db_path(path, sizeof(path));
	assert_int_equal(chmod(path, 0622), 0);
	refused("has mode 0622: chmod 600");
	assert_int_equal(chmod(path, 0400), 0);
	/* To root it is not read-only, so the superuser stops being that. */
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && (chown(fix.dir, 65534, 65534) == -1 ||
		    chown(path, 65534, 65534) == -1 || setuid(65534) == -1))
			_exit(1);
		refused("has mode 0400: chmod 600");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (geteuid() != 0)
		return;
	refused("belongs to user 65534: chown 0 ");
}

/*
 * Bytes that are other ones when they are read: nothing is written that rests
 * on them, nobody dies of it, and the cause is told.
 */
static void
test_flip(void **state)
{
	int	 i, failed = 0;

	fix_faults();
	fix_open();
	for (i = 1; i < 60; i++)
		fix_vault(i, "a name of some length, to fill pages");
	fix_close();
	for (i = 1; i < 40; i++) {
		fix_open();
		fix.fault->flip = i;
		batch_add(fix_request(1, 0, "/"));
		if (batch_flush(0) == -1 &&
		    batch_counters.cause == CAUSE_DAMAGED)
			failed++;
		fix.fault->flip = 0;
		fix_crash();
	}
	assert_true(failed > 0);
}

static void
test_foreign(void **state)
{
	sqlite3	*h;
	char	 path[300];

	db_path(path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "CREATE TABLE t (a)", NULL, NULL,
	    NULL), SQLITE_OK);
	sqlite3_close(h);
	refused("not a database of brokerd's");
}

static void
test_newer(void **state)
{
	char	 sql[64];

	fix_open();
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version=%d",
	    schema_nmigrations + 1);
	fix_sql(sql);
	fix_close();
	refused("newer brokerd");
}

static void
test_in_use(void **state)
{
	int	 p[2], q[2], status;
	char	 c;
	pid_t	 pid;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	if ((pid = fork()) == 0) {
		fix_open();
		if (write(p[1], "x", 1) != 1 || read(q[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(p[0], &c, 1), 1);
	refused("in use by another program: stop that first");
	assert_int_equal(write(q[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* As one who looks at it with sqlite3(1) for a moment: it is waited for. */
static void
test_in_use_soon(void **state)
{
	char	 path[300], c;
	int	 p[2], status;
	sqlite3	*h;
	pid_t	 pid;

	fix_open();
	fix_close();
	db_path(path, sizeof(path));
	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		if (sqlite3_open(path, &h) != SQLITE_OK || sqlite3_exec(h,
		    "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; "
		    "DELETE FROM codes", NULL, NULL, NULL) != SQLITE_OK ||
		    write(p[1], "x", 1) != 1)
			_exit(1);
		usleep(500000);
		_exit(0);
	}
	assert_int_equal(read(p[0], &c, 1), 1);
	fix_open();
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
test_no_directory(void **state)
{
	assert_int_equal(recover_open("/nonexistent", why, sizeof(why)), -1);
	assert_non_null(strstr(why, "/nonexistent"));
}

/* A constraint is the row's fault and leaves the transaction alone. */
static void
test_constraint(void **state)
{
	struct db_sql	 sql = DB_SQL("INSERT INTO meta (key, value) "
			    "VALUES (?, ?)");

	fix_open();
	assert_int_equal(db_begin(0), 0);
	assert_int_equal(db_run(&sql, "ti", "twice", (int64_t)1), 0);
	assert_int_equal(db_run(&sql, "ti", "twice", (int64_t)2), -1);
	assert_int_equal(db_error(), DB_CONSTRAINT);
	assert_false(db_lost());
	assert_int_equal(db_commit(), 0);
	assert_int_equal(fix_int("SELECT value FROM meta WHERE key = 'twice'"),
	    1);
	fix_crash();
}

static void
test_full(void **state)
{
	struct db_sql	 sql = DB_SQL("INSERT INTO meta (key, value) "
			    "VALUES (?, zeroblob(100000))");

	fix_faults();
	fix_open();
	fix.fault->full = 1;
	assert_int_equal(db_begin(0), 0);
	if (db_run(&sql, "t", "big") == 0)
		assert_int_equal(db_commit(), -1);
	else
		db_rollback();
	assert_int_equal(db_error(), DB_RETRY);
	assert_true(sqlite3_get_autocommit(db_handle()));
	assert_true(fix.fault->failed > 0);
	fix.fault->full = 0;
	assert_int_equal(db_begin(0), 0);
	assert_int_equal(db_run(&sql, "t", "big"), 0);
	assert_int_equal(db_commit(), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM meta WHERE "
	    "key = 'big'"), 1);
	fix_crash();
}

/* FULL syncs, NORMAL does not; a sync that fails fails the commit. */
static void
test_sync(void **state)
{
	uint32_t	 before;

	fix_faults();
	fix_open();
	before = fix.fault->syncs;
	assert_int_equal(db_begin(0), 0);
	assert_int_equal(schema_set("normal", 1), 0);
	assert_int_equal(db_commit(), 0);
	assert_int_equal(fix.fault->syncs, before);
	assert_int_equal(db_begin(1), 0);
	assert_int_equal(schema_set("full", 1), 0);
	assert_int_equal(db_commit(), 0);
	assert_true(fix.fault->syncs > before);
	fix.fault->fsync = 1;
	assert_int_equal(db_begin(1), 0);
	assert_int_equal(schema_set("full", 2), 0);
	assert_int_equal(db_commit(), -1);
	assert_int_equal(db_error(), DB_RETRY);
	fix.fault->fsync = 0;
	assert_int_equal(fix_int("SELECT value FROM meta WHERE key = 'full'"),
	    1);
	fix_crash();
}

/* Power fails: what was committed with FULL is there, nothing is torn. */
static void
test_power(void **state)
{
	pid_t	 pid;
	int	 status;

	fix_faults();
	if ((pid = fork()) == 0) {
		fix_open();
		if (db_begin(1) == -1 || schema_set("full", 1) == -1 ||
		    db_commit() == -1 || db_begin(0) == -1 ||
		    schema_set("normal", 1) == -1 || db_commit() == -1)
			_exit(1);
		fix.fault->power = 1;
		(void)db_begin(0);
		(void)schema_set("never", 1);
		(void)db_commit();
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 9);
	fix.fault->power = 0;
	fix_open();
	assert_int_equal(fix_int("SELECT value FROM meta WHERE key = 'full'"),
	    1);
	assert_int_equal(fix_int("SELECT count(*) FROM meta WHERE "
	    "key IN ('normal', 'never')"), 0);
	fix_crash();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_fresh),
		TEST(test_hardened),
		TEST(test_garbage),
		TEST(test_damaged_table),
		TEST(test_damaged_header),
		TEST(test_truncated),
		TEST(test_log_alone),
		TEST(test_damaged_log),
		TEST(test_no_file),
		TEST(test_rights),
		TEST(test_flip),
		TEST(test_foreign),
		TEST(test_newer),
		TEST(test_in_use),
		TEST(test_in_use_soon),
		TEST(test_no_directory),
		TEST(test_constraint),
		TEST(test_full),
		TEST(test_sync),
		TEST(test_power)
	};

	return (cmocka_run_group_tests_name("db", tests, NULL, NULL));
}
