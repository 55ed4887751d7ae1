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
 * What logd/keep.c promises of the write-ahead log: a commit of more than one
 * chunk at each step that can fail, a transaction that never comes to its end,
 * one that reads what it has written, and one whose sync failed while it
 * cannot be struck out, either.
 *
 * The work is done in a process of its own that ends there and then: what the
 * next one finds is what counts.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../logd/db.h"
#include "../../logd/keep.h"
#include "logd_fix.h"

#define PAGE	4096
#define CHUNK	(120 * 1024)	/* as keep.c has it */
#define SMALL	(5 * PAGE)	/* within a chunk */
#define BIG	(100 * PAGE)	/* four of them */
#define MIDDLE	(35 * PAGE)	/* more than one */
#define FILE_MAX (4 * BIG)
#define STEPS	60		/* more than there are */
#define STRIKES	200		/* likewise, with a header a frame */

/* What the child was told: values are numbers, of which the blob is full. */
static struct told {
	int	 value;		/* committed, and told so */
	int	 doubt;		/* another one, which may be there */
	int	 failed;	/* calls that said so */
	int	 fired;		/* the step that fails was there */
} *told;

static char	 data[BIG];
static uint32_t	 step;		/* that fails */

static pid_t	 parent;

/* cmocka would go on with the next test, in a child as well. */
#define WANT(e)	do {							\
	if (!(e))							\
		wrong(__LINE__, #e);					\
} while (0)

static struct db_sql	 sql_put = DB_SQL(
    "INSERT OR REPLACE INTO meta (key, value) VALUES ('big', ?)");
static struct db_sql	 sql_row = DB_SQL(
    "INSERT OR REPLACE INTO meta (key, value) VALUES ('row ' || ?, ?)");

static void
wrong(int line, const char *what)
{
	if (getpid() == parent)
		fail_msg("line %d: %s", line, what);
	print_message("# line %d: %s\n", line, what);
	_exit(1);
}

static int
put(int value, size_t len)
{
	memset(data, value, sizeof(data));
	return (db_run(&sql_put, "b", data, len));
}

/* A transaction that puts the value there; what it says is noted. */
static int
commit(int full, int value, size_t len)
{
	int	 rc = -1;

	if (db_begin(full) == 0) {
		if (put(value, len) == 0)
			rc = db_commit();
		else
			db_rollback();
	}
	if (rc == 0) {
		told->value = value;
		told->doubt = 0;
	} else {
		told->failed++;
		if (db_doubt())
			told->doubt = value;
	}
	return (rc);
}

/* The value that is there, all of it. */
static int
value(void)
{
	sqlite3_stmt		*s;
	const unsigned char	*p;
	int			 i, n, v;

	WANT(sqlite3_prepare_v2(db_handle(), "SELECT value FROM meta "
	    "WHERE key = 'big'", -1, &s, NULL) == SQLITE_OK);
	WANT(sqlite3_step(s) == SQLITE_ROW);
	p = sqlite3_column_blob(s, 0);
	n = sqlite3_column_bytes(s, 0);
	WANT(n > 0);
	for (v = p[0], i = 0; i < n; i++)
		WANT(p[i] == v);
	sqlite3_finalize(s);
	return (v);
}

static int64_t
log_size(void)
{
	struct stat	 st;
	char		 path[300];

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE "-wal", fix.dir);
	return (stat(path, &st) == -1 ? 0 : (int64_t)st.st_size);
}

/* The file, from or to memory. */
static void
file(char *buf, size_t *len, int out)
{
	FILE	*f;
	char	 path[300];

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE, fix.dir);
	assert_non_null(f = fopen(path, out ? "w" : "r"));
	if (out)
		assert_int_equal(fwrite(buf, 1, *len, f), *len);
	else
		*len = fread(buf, 1, FILE_MAX, f);
	assert_true(*len < FILE_MAX);
	assert_int_equal(fclose(f), 0);
}

/* A database with a value, and a file for faults. */
static void
start(void)
{
	static char	 made[FILE_MAX];
	static size_t	 len;

	memset(told, 0, sizeof(*told));
	told->value = 1;
	fix_clear();
	fix_faults();
	fix.fault->quick = 1;
	if (len > 0) {
		file(made, &len, 1);
		return;
	}
	fix_open();
	assert_int_equal(commit(1, 1, BIG), 0);
	fix_crash();
	assert_int_equal(log_size(), 0);
	file(made, &len, 0);
}

static void
fault(enum fault_how how, uint32_t at, int once)
{
	fix.fault->how = how;
	fix.fault->once = once;
	fix.fault->failed = 0;
	fix.fault->at = at;
}

static void
well(void)
{
	fix.fault->at = fix.fault->fsync = fix.fault->read = 0;
	fix.fault->full = fix.fault->drop = 0;
}

/* Run it in a process that ends without a word to SQLite. */
static void
child(void (*work)(int), int arg)
{
	pid_t	 pid;
	int	 status;

	if ((pid = fork()) == 0) {
		fix_open();
		work(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child ended with status %#x", status);
	well();
}

/* What was committed is there, and else nothing that was not in doubt. */
static void
check(const char *what, uint32_t at)
{
	int	 v;

	fix_open();
	v = value();
	if (v != told->value && (told->doubt == 0 || v != told->doubt))
		fail_msg("%s, step %u: %d is there, %d was committed, %d is "
		    "in doubt", what, at, v, told->value, told->doubt);
	assert_int_equal(fix_int("SELECT integrity_check = 'ok' FROM "
	    "pragma_integrity_check"), 1);
	fix_crash();
}

static void
work_big(int full)
{
	(void)commit(full, 2, BIG);
}

/* The same, and after it one that is shorter, on a disk that works. */
static void
work_twice(int full)
{
	(void)commit(full, 2, BIG);
	well();
	if (commit(full, 3, SMALL) == -1)
		_exit(1);
}

static void
walk(const char *what, void (*work)(int), enum fault_how how, int once,
    int full)
{
	uint32_t	 n;

	for (n = 1; n < STEPS; n++) {
		start();
		fault(how, n, once);
		/* Opening writes nothing; the steps are the commit's. */
		child(work, full);
		if (fix.fault->failed == 0)
			break;
		assert_int_equal(told->failed, 1);
		check(what, n);
	}
	/* A header, four chunks, and maybe a sync. */
	assert_true(n > 5 && n < STEPS);
}

static void
test_chunks(void **state)
{
	int	 full;

	for (full = 0; full < 2; full++) {
		walk("full", work_big, FAULT_FULL, 0, full);
		walk("full once", work_twice, FAULT_FULL, 1, full);
		walk("short", work_big, FAULT_SHORT, 0, full);
		walk("short once", work_twice, FAULT_SHORT, 1, full);
		walk("error once", work_twice, FAULT_IOERR, 1, full);
		walk("no memory once", work_twice, FAULT_NOMEM, 1, full);
	}
}

/* A commit's pages go to the file together, and arrive all the same. */
static void
test_together(void **state)
{
	uint32_t	 before;

	start();
	fix_open();
	before = fix.fault->writes;
	assert_int_equal(commit(0, 2, BIG), 0);
	assert_in_range(fix.fault->writes - before, BIG / CHUNK, BIG / CHUNK +
	    2);
	assert_int_equal(commit(0, 2, SMALL), 0);
	before = fix.fault->writes;
	assert_int_equal(commit(0, 3, SMALL), 0);
	assert_int_equal(fix.fault->writes - before, 1);
	assert_int_equal(value(), 3);
	fix_crash();
	check("together", 0);
}

static void
work_rollback(int rows)
{
	int64_t	 size;
	int	 i, n = 0, high;

	WANT(commit(0, 2, SMALL) == 0);
	/* So that nothing has to be read from the log. */
	WANT(db_exec("PRAGMA wal_checkpoint") == 0);
	size = log_size();
	WANT(db_exec("PRAGMA cache_size = 10") == 0);
	WANT(sqlite3_db_status(db_handle(), SQLITE_DBSTATUS_CACHE_WRITE, &n,
	    &high, 1) == SQLITE_OK);
	WANT(db_begin(0) == 0);
	for (i = 0; i < rows; i++)
		WANT(db_run(&sql_row, "ib", (int64_t)i, data,
		    (size_t)PAGE * 3 / 4) == 0);
	/* Of what has left the cache only whole chunks are in the file. */
	WANT(sqlite3_db_status(db_handle(), SQLITE_DBSTATUS_CACHE_WRITE, &n,
	    &high, 0) == SQLITE_OK && n > 0);
	if (n < CHUNK / (PAGE + 24))
		WANT(log_size() == size);
	else
		WANT(log_size() > size + CHUNK);
	fix.fault->writes = 0;
	db_rollback();
	WANT(commit(0, 3, SMALL) == 0);
	/* The header and a chunk: what was dropped did not go there before. */
	WANT(fix.fault->writes == 2);
	WANT(fix_int("SELECT count(*) FROM meta WHERE key LIKE "
	    "'row %'") == 0);
}

static void
test_rollback(void **state)
{
	start();
	child(work_rollback, 12);
	check("rolled back within a chunk", 0);
	start();
	child(work_rollback, 200);
	check("rolled back after some", 0);
	assert_int_equal(told->value, 3);
}

static void
fill(int i, char *buf, size_t len)
{
	size_t	 k;

	for (k = 0; k < len; k++)
		buf[k] = (char)(i * 31 + k * 7);
}

/* Each row is what was put there; returns how many there are. */
static int
rows_right(void)
{
	sqlite3_stmt	*s;
	char		 want[PAGE];
	int		 n = 0;

	WANT(sqlite3_prepare_v2(db_handle(), "SELECT "
	    "CAST(substr(key, 5) AS INTEGER), value FROM meta WHERE key LIKE "
	    "'row %'", -1, &s, NULL) == SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		WANT(sqlite3_column_bytes(s, 1) == sizeof(want));
		fill(sqlite3_column_int(s, 0), want, sizeof(want));
		WANT(memcmp(sqlite3_column_blob(s, 1), want,
		    sizeof(want)) == 0);
		n++;
	}
	sqlite3_finalize(s);
	return (n);
}

/* What has left the cache is read back, from where it is by then. */
static void
work_read(int rows)
{
	char	 buf[PAGE];
	int	 i;

	WANT(db_exec("PRAGMA cache_size = 10") == 0);
	WANT(db_begin(0) == 0);
	for (i = 0; i < rows; i++) {
		fill(i, buf, sizeof(buf));
		WANT(db_run(&sql_row, "ib", (int64_t)i, buf,
		    sizeof(buf)) == 0);
		if (i % 7 == 0)
			WANT(rows_right() == i + 1);
	}
	WANT(db_commit() == 0);
	WANT(rows_right() == rows);
}

static void
test_read(void **state)
{
	start();
	child(work_read, 90);
	fix_open();
	assert_int_equal(rows_right(), 90);
	fix_crash();
	check("read", 0);
}

/* The log cannot be read when a commit is to be struck out of it. */
static void
work_unread(int again)
{
	WANT(commit(1, 1, BIG) == 0);
	WANT(db_begin(1) == 0 && put(2, BIG) == 0);
	fix.fault->fsync = fix.fault->read = 1;
	WANT(db_commit() == -1);
	told->doubt = 2;
	fix.fault->fsync = 0;
	WANT(db_doubt() == 1);
	WANT(db_begin(0) == -1);
	WANT(db_error() == DB_RETRY);
	WANT(strstr(db_errstr(), "struck out") != NULL);
	if (!again)
		return;
	fix.fault->read = 0;
	WANT(db_doubt() == 0);
	told->doubt = 0;
	WANT(value() == 1);
	if (again == 2)
		WANT(commit(0, 3, SMALL) == 0);
}

static void
test_unread(void **state)
{
	int	 again;

	for (again = 0; again < 3; again++) {
		start();
		child(work_unread, again);
		check("unread", again);
	}
}

/* How the child ends once its commit has failed. */
enum after {
	AT_ONCE,		/* killed */
	STILL,			/* asks, on a disk that fails for good */
	WELL,			/* asks, on one that works again */
	MORE			/* and commits another one */
};

/*
 * No sync succeeds, and a step before or after it fails as well: at last one
 * of those that strike the commit out.
 */
static void
work_strike(int after)
{
	/* The log has its header, and what follows is the commit's. */
	WANT(commit(1, 1, MIDDLE) == 0);
	/* Acknowledged, and in nothing but what the sync was for. */
	WANT(commit(0, 4, MIDDLE) == 0);
	WANT(db_begin(1) == 0 && put(2, MIDDLE) == 0);
	fix.fault->fsync = 1;
	fix.fault->drop = after == WELL || after == MORE;
	fault(FAULT_IOERR, step, after != STILL);
	WANT(db_commit() == -1);
	told->fired = fix.fault->at == 0 || (after == STILL &&
	    fix.fault->at == 1);
	told->doubt = 2;
	if (after == AT_ONCE)
		return;
	if (after != STILL)
		well();
	if (db_doubt()) {
		WANT(after == STILL);
		WANT(db_begin(1) == -1);
		return;
	}
	told->doubt = 0;
	WANT(value() == 4);
	if (after == MORE)
		WANT(commit(0, 3, SMALL) == 0);
}

static void
test_strike(void **state)
{
	enum after	 after;

	for (step = 1; step < STRIKES; step += step < 12 ? 1 : 17) {
		for (after = AT_ONCE; after <= MORE; after++) {
			start();
			child(work_strike, after);
			check("strike", step);
		}
		if (!told->fired)
			break;
	}
	assert_in_range(step, MIDDLE / PAGE, STRIKES - 1);
}

/* What a log that is no more has been written of marks nothing in the next. */
static void
work_gone(int unused)
{
	static unsigned char		 frame[24 + PAGE];
	const struct sqlite3_io_methods	*io;
	sqlite3_file			*f;

	WANT(sqlite3_file_control(db_handle(), "main",
	    SQLITE_FCNTL_JOURNAL_POINTER, &f) == SQLITE_OK);
	io = f->pMethods;
	/* The last frame of a commit. */
	frame[7] = 1;
	WANT(io->xWrite(f, frame, 24, 32) == SQLITE_OK);
	WANT(io->xWrite(f, frame + 24, PAGE, 32 + 24) == SQLITE_OK);
	WANT(io->xTruncate(f, 0) == SQLITE_OK);
	WANT(keep_cancel() == 0);
	WANT(log_size() == 0);
	/* And the first one of a longer one, which comes no further. */
	frame[7] = 0;
	WANT(io->xWrite(f, frame, 24, 32) == SQLITE_OK);
	WANT(keep_cancel() == 0);
	WANT(log_size() == 0);
}

static void
test_gone(void **state)
{
	start();
	child(work_gone, 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_chunks),
		TEST(test_together),
		TEST(test_rollback),
		TEST(test_read),
		TEST(test_unread),
		TEST(test_strike),
		TEST(test_gone)
	};

	parent = getpid();
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED |
	    MAP_ANON, -1, 0);
	if (told == MAP_FAILED)
		return (1);
	return (cmocka_run_group_tests_name("keep", tests, NULL, NULL));
}
