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

#include <fcntl.h>
#include <sys/syscall.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../logd/batch.h"
#include "../../logd/clock.h"
#include "../../logd/db.h"
#include "../../logd/insert.h"
#include "logd_fix.h"
#include "loop.h"
#include "../../logd/record.h"
#include "../../logd/recover.h"
#include "../../logd/refuse.h"
#include "../../logd/retain.h"
#include "../../logd/schema.h"
#include "../../logd/vault.h"

static void
add(uint64_t vault, int n, const char *path)
{
	int	 i;

	for (i = 0; i < n; i++)
		batch_add(fix_request(vault, 0, path));
}

static int64_t
rows(const char *where)
{
	char	 sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM log WHERE %s",
	    where);
	return (fix_int(sql));
}

/* A row says what its record said. */
static void
test_row(void **state)
{
	fix_open();
	fix_vault(3, "three");
	add(3, 1, "/v1/models");
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(batch_length(), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "kind = 'request' AND vault = 'three' AND actor_type = 'agent' "
	    "AND actor = '7' AND actor_name = 'agent' AND ingress = 'mitm' "
	    "AND method = 'GET' AND host = 'api.example.com' AND port = 443 "
	    "AND path = '/v1/models' AND service = 'example' AND "
	    "credential_keys = 'EXAMPLE_KEY' AND decision = 'brokered' AND "
	    "status = 200 AND error_code = '' AND latency_ms = 1.5 AND "
	    "ttfb_ms = 1.2 AND bytes_in = 0 AND bytes_out = 1024 AND "
	    "protocol = 'http/1.1' AND auth_scheme = 'bearer' AND "
	    "auth_header = 'authorization'"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM targets"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM minutes"), 1);
}

/* Whole groups of eight, and what is left over. */
static void
test_groups(void **state)
{
	int	 n, total = 0;

	fix_open();
	fix_vault(1, "one");
	for (n = 1; n < 20; n++) {
		add(1, n, "/");
		total += n;
		assert_int_equal(batch_flush(0), 0);
		assert_int_equal(rows("vault = 1"), total);
	}
	assert_int_equal(insert_head(), fix_int("SELECT max(id) FROM log"));
	assert_int_equal(fix_int("SELECT count(*) FROM targets"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM scopes WHERE "
	    "vault = 1"), 1);
}

/* An id that never existed takes nobody with it. */
static void
test_orphan(void **state)
{
	fix_open();
	fix_vault(1, "one");
	add(1, 5, "/good");
	add(99, 1, "/bad");
	add(1, 5, "/good");
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(rows("vault = 1"), 10);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "vault IS NULL AND event = 'orphan_vault' AND path = '/bad' AND "
	    "detail LIKE '%99%' AND status = 200"), 1);
	assert_int_equal(refuse_count, 0);
}

/* A vault that was deleted keeps its late rows. */
static void
test_tombstone(void **state)
{
	struct rec_obj_vault	 v;
	struct rec_object	 o;
	char			 why[256];

	fix_open();
	fix_vault(1, "one");
	memset(&v, 0, sizeof(v));
	v.id = 1;
	v.name = "one";
	v.deleted_at = 7;
	o.kind = OBJ_VAULT;
	o.op = OBJECT_PUT;
	o.body = fix_body(OBJ_VAULT, &v);
	assert_int_equal(fix_commit(&o, 1, why, sizeof(why)), 0);
	msg_blob_free(&o.body);
	add(1, 1, "/late");
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(rows("vault = 1 AND path = '/late'"), 1);
}

/*
 * One bad row taking its batch along: one that the database refuses harms
 * itself alone, wherever it stands.
 */
static void
test_refused(void **state)
{
	uint64_t	 before;
	int		 at;

	fix_open();
	fix_vault(1, "one");
	fix_sql("CREATE TRIGGER no BEFORE INSERT ON log WHEN NEW.path = '/no'"
	    " BEGIN SELECT RAISE(ABORT, 'no'); END");
	for (at = 0; at < 17; at++) {
		before = refuse_count;
		fix_sql("DELETE FROM log");
		add(1, at, "/good");
		add(1, 1, "/no");
		add(1, 17 - at, "/good");
		assert_int_equal(batch_flush(0), 0);
		assert_int_equal(rows("path = '/good'"), 17);
		assert_int_equal(rows("path = '/no'"), 0);
		assert_int_equal(refuse_count - before, 1);
		/* And the log says that something is missing. */
		assert_int_equal(batch_flush(0), 0);
		assert_int_equal(rows("vault = 1 AND flags & 15 = 1 AND "
		    "count = 1"), 1);
	}
}

/* Lines of the text log while something runs. */
static int	 saved_stderr;

static void
lines_begin(void)
{
	char	 path[300];
	int	 fd;

	(void)snprintf(path, sizeof(path), "%s/text", fix.dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_not_equal(fd, -1);
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	close(fd);
}

static int
lines_end(const char *what)
{
	char	 path[300], line[1024];
	FILE	*f;
	int	 n = 0;

	fflush(stderr);
	(void)dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	(void)snprintf(path, sizeof(path), "%s/text", fix.dir);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, what) != NULL;
	fclose(f);
	return (n);
}

/* One in a thousand, in a batch that two vaults share. */
static void
test_refused_many(void **state)
{
	uint64_t	 before = refuse_count;
	int		 i;

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	fix_sql("CREATE TRIGGER no BEFORE INSERT ON log WHEN NEW.path = '/no'"
	    " BEGIN SELECT RAISE(ABORT, 'no'); END");
	lines_begin();
	for (i = 0; i < 1000; i++)
		add(1 + i % 2, 1, i == 500 ? "/no" : "/good");
	assert_int_equal(batch_flush(0), 0);
	for (i = 0; i < 20; i++) {
		add(2, 1, "/no");
		assert_int_equal(batch_flush(0), 0);
	}
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(lines_end("refused"), 1);
	assert_int_equal(rows("vault = 1 AND flags & 15 = 0"), 499);
	assert_int_equal(rows("vault = 2 AND flags & 15 = 0"), 500);
	assert_int_equal(refuse_count - before, 21);
	assert_int_equal(fix_int("SELECT sum(count) FROM log WHERE "
	    "vault = 1 AND flags & 15 = 1"), 1);
	assert_int_equal(fix_int("SELECT sum(count) FROM log WHERE "
	    "vault = 2 AND flags & 15 = 1"), 20);
}

/* More vaults than are told apart. */
static void
test_refused_vaults(void **state)
{
	int	 i;

	fix_open();
	for (i = 1; i <= 70; i++)
		fix_vault(i, "one");
	fix_sql("CREATE TRIGGER no BEFORE INSERT ON log WHEN NEW.path = '/no'"
	    " BEGIN SELECT RAISE(ABORT, 'no'); END");
	for (i = 1; i <= 70; i++)
		add(i, 2, "/no");
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(fix_int("SELECT sum(count) FROM log WHERE "
	    "vault = 64 AND flags & 15 = 1"), 2);
	assert_int_equal(fix_int("SELECT sum(count) FROM log WHERE "
	    "vault IS NULL AND flags & 15 = 1"), 12);
}

/* The gap too: that is tried again in the instance log, a minute later. */
static void
test_refused_gap(void **state)
{
	uint64_t	 flushes = batch_counters.flushes;
	int		 i;

	fix_open();
	fix_vault(1, "one");
	fix_sql("CREATE TRIGGER no BEFORE INSERT ON log WHEN NEW.vault = 1"
	    " OR NEW.flags & 15 = 1 BEGIN SELECT RAISE(ABORT, 'no'); END");
	add(1, 3, "/");
	for (i = 0; i < 10; i++)
		assert_int_equal(batch_flush(0), 0);
	assert_int_equal(batch_length(), 0);
	assert_true(batch_counters.flushes - flushes < 4);
	assert_int_equal(rows("flags & 15 = 1"), 0);
}

/* One that ends the whole transaction is left out of the next. */
static void
test_refused_all(void **state)
{
	uint64_t	 before = refuse_count;
	int		 at, tries;

	fix_open();
	fix_vault(1, "one");
	fix_sql("CREATE TRIGGER no BEFORE INSERT ON log WHEN NEW.path = '/no'"
	    " BEGIN SELECT RAISE(ROLLBACK, 'no'); END");
	for (at = 0; at < 17; at++) {
		fix_sql("DELETE FROM log");
		add(1, at, "/good");
		add(1, 1, "/no");
		add(1, 17 - at, "/good");
		for (tries = 0; batch_flush(0) == -1; tries++)
			assert_true(tries < 3);
		assert_int_equal(rows("path = '/good'"), 17);
		assert_int_equal(rows("path = '/no'"), 0);
	}
	assert_int_equal(refuse_count - before, 17);
}

/* A disk that stays full, or comes and goes, does not fill the text log. */
static void
test_no_flood(void **state)
{
	int	 i, n;

	fix_faults();
	fix_open();
	fix_vault(1, "one");
	lines_begin();
	for (n = 0; n < 20; n++) {
		add(1, 1, "/");
		fix.fault->full = 1;
		for (i = 0; i < 5; i++)
			assert_int_equal(batch_flush(0), -1);
		assert_int_equal(batch_counters.cause, CAUSE_FULL);
		assert_true(batch_counters.since > 1700000000);
		fix.fault->full = 0;
		assert_int_equal(batch_flush(0), 0);
		assert_int_equal(batch_counters.cause, CAUSE_NONE);
		assert_int_equal(batch_counters.since, 0);
	}
	n = lines_end("brokerd:");
	assert_true(n >= 2 && n < 6);
}

/*
 * The disk fills up at the first, second ... write of a flush: everything is
 * kept, and written once when there is room.  A write is of many pages.
 */
#define MANY	3000

static void
fails_at(uint32_t *fault)
{
	uint32_t	 n, failures = 0;
	int64_t		 before;
	int		 rc;

	fix_vault(1, "one");
	add(1, MANY, "/with/a/path/that/takes/some/room/in/the/file");
	for (n = 1; n < 500; n++) {
		before = fix_int("SELECT count(*) FROM log");
		*fault = n;
		rc = batch_flush(0);
		*fault = 0;
		if (rc == 0)
			break;
		failures++;
		assert_true(batch_stuck());
		assert_true(batch_length() >= MANY);
		assert_int_equal(fix_int("SELECT count(*) FROM log"), before);
		assert_int_equal(fix_int("SELECT count(*) FROM targets"), 0);
	}
	assert_true(failures > 2);
	assert_int_equal(rc, 0);
	assert_false(batch_stuck());
	assert_int_equal(rows("vault = 1"), MANY);
	assert_int_equal(fix_int("SELECT count(DISTINCT id) FROM log WHERE "
	    "vault = 1"), MANY);
	assert_int_equal(insert_head(), fix_int("SELECT max(id) FROM log"));
	/* Nothing refers to what was rolled back. */
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "vault = 'one' AND host = 'api.example.com' AND "
	    "actor_name = 'agent'"), MANY);
}

static void
test_full(void **state)
{
	fix_faults();
	fix_open();
	fails_at(&fix.fault->full);
}

static void
test_ioerr(void **state)
{
	fix_faults();
	fix_open();
	fails_at(&fix.fault->ioerr);
}

/* Below the reserve rows wait, and the control state is still changed. */
static void
test_reserve(void **state)
{
	struct batch_conf	 c = *batch_config(), all = c;

	fix_open();
	fix_vault(1, "one");
	add(1, 1, "/");
	all.reserve = INT64_MAX;
	batch_configure(&all);
	assert_int_equal(batch_flush(0), -1);
	assert_true(batch_stuck());
	fix_vault(2, "two");
	assert_int_equal(rows("vault = 1"), 0);
	batch_configure(&c);
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(rows("vault = 1"), 1);
}

/* ids ascend over restarts, and over rows that retention has taken. */
static void
test_ids(void **state)
{
	int64_t	 head;

	fix_open();
	fix_vault(1, "one");
	add(1, 3, "/");
	assert_int_equal(batch_flush(0), 0);
	head = insert_head();
	fix_sql("DELETE FROM log");
	fix_close();
	fix_open();
	assert_true(insert_head() >= head);
	add(1, 1, "/");
	assert_int_equal(batch_flush(0), 0);
	assert_true(fix_int("SELECT min(id) FROM log") > head);
}

/* Only a start of the machine skips ids, and says so. */
static void
test_unclean(void **state)
{
	int64_t	 head;

	fix_open();
	assert_int_equal(batch_flush(0), 0);
	head = insert_head();
	fix_crash();
	fix_open();
	assert_int_equal(batch_flush(0), 0);
	assert_true(insert_head() < head + 10);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "event = 'log_unclean'"), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "event = 'log_started'"), 2);
	head = insert_head();
	fix_sql("UPDATE meta SET value = value - 1000 WHERE key = 'boot'");
	fix_crash();
	fix_open();
	assert_int_equal(batch_flush(0), 0);
	assert_true(insert_head() > head + RECOVER_SKIP);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "event = 'log_unclean'"), 1);
	fix_sql("UPDATE meta SET value = value - 1000 WHERE key = 'boot'");
	head = insert_head();
	fix_close();
	fix_open();
	assert_true(insert_head() < head + 10);
}

static void
retain_all(void)
{
	int	 i;

	for (i = 0; i < 200; i++)
		retain_turn();
}

/* By rows: each vault alone, and audit rows are no vault's. */
static void
test_retain_rows(void **state)
{
	struct retention	 c = { .seconds = 0,
			    .rows = 100, .audit_seconds = 0 };

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	retain_configure(&c);
	add(1, 1030, "/");
	add(2, 50, "/");
	assert_int_equal(batch_flush(0), 0);
	retain_turn();
	assert_true(rows("vault = 1") >= 1030 - RETAIN_ROWS);
	retain_all();
	assert_int_equal(rows("vault = 1"), 100);
	assert_int_equal(rows("vault = 2"), 50);
	assert_int_equal(rows("flags & 15 = 3"), 2);
	assert_int_equal(fix_int("SELECT min(id) > 900 FROM log WHERE "
	    "vault = 1"), 1);
	assert_int_equal(vault_find(1)->rows, 100);
	fix_close();
	fix_open();
	assert_int_equal(vault_find(1)->rows, 100);
	assert_int_equal(vault_find(2)->rows, 50);
}

/* What counts.rows says of each vault is what there is. */
static void
counts_right(void)
{
	assert_int_equal(fix_int("SELECT count(*) FROM counts c WHERE rows <> "
	    "(SELECT count(*) FROM log WHERE vault IS nullif(c.vault, 0) AND "
	    "flags & 15 <> 3)"), 0);
	assert_int_equal(fix_int("SELECT sum(rows) FROM counts"),
	    rows("flags & 15 <> 3"));
}

/* The process is killed between any two transactions. */
static void
test_retain_killed(void **state)
{
	struct retention	 c = { .seconds = 0,
			    .rows = 100, .audit_seconds = 0 };
	int			 i;

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	retain_configure(&c);
	for (i = 0; i < 8; i++) {
		add(1, 700, "/");
		add(2, 90, "/");
		assert_int_equal(batch_flush(0), 0);
		counts_right();
		if (i % 2)
			retain_turn();
		fix_crash();
		fix_open();
		counts_right();
		assert_int_equal(vault_find(1)->rows, rows("vault = 1"));
		assert_int_equal(vault_find(2)->rows, rows("vault = 2"));
		assert_int_equal(vault_find(0)->rows,
		    rows("vault IS NULL AND flags & 15 <> 3"));
	}
	retain_all();
	assert_int_equal(vault_find(1)->rows, 100);
	assert_int_equal(vault_find(2)->rows, 100);
	counts_right();
}

/* One transaction serves many vaults; a large one does not hold them up. */
static void
test_retain_together(void **state)
{
	struct retention	 c = { .seconds = 0,
			    .rows = 10, .audit_seconds = 0 };
	uint64_t		 commits;
	int64_t			 v;
	int			 turns;

	fix_open();
	for (v = 1; v <= 9; v++)
		fix_vault(v, v == 1 ? "one" : "other");
	retain_configure(&c);
	add(1, 2000, "/");
	for (v = 2; v <= 9; v++)
		add(v, 30, "/");
	assert_int_equal(batch_flush(0), 0);
	commits = db_counters.commits;
	retain_turn();
	assert_int_equal(db_counters.commits, commits + 1);
	/* A turn has a time, in which a slow machine does less. */
	for (turns = 0; turns < 12 && rows("vault BETWEEN 2 AND 9") > 80;
	    turns++)
		retain_turn();
	assert_true(rows("vault = 1") > 10);
	assert_int_equal(rows("vault BETWEEN 2 AND 9"), 80);
	retain_all();
	assert_int_equal(rows("vault = 1"), 10);
	counts_right();
}

/* A disk that fails deletes nothing, and what is counted stays right. */
static void
test_retain_fails(void **state)
{
	struct retention	 c = { .seconds = 0,
			    .rows = 100, .audit_seconds = 0 };

	fix_faults();
	fix_open();
	fix_vault(1, "one");
	retain_configure(&c);
	add(1, 300, "/");
	assert_int_equal(batch_flush(0), 0);
	fix.fault->full = 1;
	retain_turn();
	fix.fault->full = 0;
	assert_int_equal(rows("vault = 1"), 300);
	assert_int_equal(vault_find(1)->rows, 300);
	retain_turn();
	assert_int_equal(rows("vault = 1"), 300);
	sleep(2);
	retain_all();
	assert_int_equal(rows("vault = 1"), 100);
	assert_int_equal(vault_find(1)->rows, 100);
}

/* By age; audit rows have their own. */
static void
test_retain_age(void **state)
{
	struct retention	 c = { .seconds = 3600,
			    .rows = 0, .audit_seconds = 7200 };
	int64_t			 head;

	fix_open();
	fix_vault(1, "one");
	add(1, 250, "/old");
	assert_int_equal(batch_flush(0), 0);
	head = insert_head();
	fix_sql("UPDATE minutes SET minute = minute - 90");
	add(1, 10, "/new");
	assert_int_equal(batch_flush(0), 0);
	retain_configure(&c);
	retain_all();
	assert_int_equal(rows("path = '/old'"), 0);
	assert_int_equal(rows("path = '/new'"), 10);
	assert_int_equal(rows("flags & 15 = 3"), 1);
	assert_int_equal(vault_find(1)->rows, 10);
	fix_sql("UPDATE minutes SET minute = minute - 90 WHERE last_id <= "
	    "(SELECT min(last_id) FROM minutes)");
	retain_configure(&c);
	retain_all();
	assert_int_equal(rows("flags & 15 = 3"), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM minutes"), 1);
	assert_true(insert_head() > head);
}

/*
 * Streams without a row are kept as long as their ledger may come once more,
 * also those whose ledger went with a parent that was killed.
 */
static void
test_retain_streams(void **state)
{
	struct retention	 c = { .seconds = 3600,
			    .rows = 0, .audit_seconds = 7200 };

	fix_open();
	fix_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
	    "FROM n WHERE i < 600) INSERT INTO streams (instance, proc, idx, "
	    "last_seq, ended, last_id) SELECT 1000 + i, 6, 0, 0, i % 3, 0 "
	    "FROM n");
	retain_configure(&c);
	retain_all();
	assert_int_equal(fix_int("SELECT count(*) FROM streams WHERE "
	    "ended <> 0 AND id <= (SELECT max(id) - 256 FROM streams)"), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM streams WHERE "
	    "ended = 0"), 200);
	assert_true(fix_int("SELECT count(*) FROM streams") > 256);
}

/* A leap of the clock deletes nothing for an hour. */
static void
test_retain_leap(void **state)
{
	struct retention	 c = { .seconds = 3600,
			    .rows = 0, .audit_seconds = 7200 };

	fix_open();
	fix_vault(1, "one");
	add(1, 1, "/old");
	assert_int_equal(batch_flush(0), 0);
	fix_sql("UPDATE minutes SET minute = minute - 90");
	retain_configure(&c);
	retain_clock(INT64_C(2) * 86400 * 1000000);
	retain_all();
	assert_int_equal(rows("path = '/old'"), 1);
}

static void
test_uuid(void **state)
{
	uint8_t	 a[16], b[16];
	int64_t	 us;

	for (us = INT64_C(1764039600000000); us < INT64_C(1764039600003000);
	    us++) {
		record_uuid(a, us);
		assert_int_equal(a[6] >> 4, 7);
		assert_int_equal(a[8] >> 6, 2);
		assert_int_equal(record_time(a), us);
		record_uuid(b, us + 1);
		assert_true(memcmp(a, b, 8) < 0);
	}
}

static void
test_clock(void **state)
{
	int64_t	 now = clock_now();

	clock_atleast(now + 5000000);
	assert_true(clock_now() >= now + 5000000);
	(void)clock_step();
	assert_int_equal(clock_step(), 0);
}

/* The wall clock, moved by so many seconds; before libc's own. */
static time_t	 moved;

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, clock, ts) == -1)
		return (-1);
	if (clock == CLOCK_REALTIME)
		ts->tv_sec += moved;
	return (0);
}

static void
test_step(void **state)
{
	fix_open();
	(void)batch_flush(0);
	moved = 100;
	(void)batch_flush(0);
	moved = 0;
	(void)batch_flush(0);
	(void)batch_flush(0);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "event = 'clock_step' AND vault IS NULL"), 2);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "event = 'clock_step' AND "
	    "json_extract(detail, '$.step_ms') BETWEEN 98000 AND 102000"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "event = 'clock_step' AND "
	    "json_extract(detail, '$.step_ms') BETWEEN -102000 AND -98000"),
	    1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_row),
		TEST(test_groups),
		TEST(test_orphan),
		TEST(test_tombstone),
		TEST(test_refused),
		TEST(test_refused_many),
		TEST(test_refused_vaults),
		TEST(test_refused_gap),
		TEST(test_refused_all),
		TEST(test_no_flood),
		TEST(test_full),
		TEST(test_ioerr),
		TEST(test_reserve),
		TEST(test_ids),
		TEST(test_unclean),
		TEST(test_retain_rows),
		TEST(test_retain_killed),
		TEST(test_retain_together),
		TEST(test_retain_fails),
		TEST(test_retain_age),
		TEST(test_retain_streams),
		TEST(test_retain_leap),
		TEST(test_uuid),
		TEST(test_clock),
		TEST(test_step)
	};

	return (cmocka_run_group_tests_name("batch", tests, NULL, NULL));
}
