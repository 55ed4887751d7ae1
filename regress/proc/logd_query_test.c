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
#include <time.h>

#include <cmocka.h>

#include "../../logd/db.h"
#include "../../logd/queryjob.h"
#include "codes.h"
#include "logd_world.h"

/*
 * Queries that take long, of one real logd: nobody waits for them but who
 * asked.  With QUERY_LONG there are more of them, and of more rows: make soak.
 */
#define ROWS	times(160000, 400000)
#define READ	2			/* the api's scope */
#define LONG	"path:/nowhere*"	/* looks at every row */
#define RARE	"path:/rare"		/* 20 of them */
#define BUDGET	2000

static char	*made;			/* the file, from the first start() */
static size_t	 madelen;
static int	 answered, rows;

static int
times(int few, int many)
{
	return (getenv("QUERY_LONG") == NULL ? few : many);
}

/* A vault with many rows. */
static void
make(void)
{
	char	 path[300], sql[300];
	FILE	*f;

	start_one();
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	(void)snprintf(sql, sizeof(sql), "WITH RECURSIVE n(i) AS (SELECT 1000 "
	    "UNION ALL SELECT i + 1 FROM n WHERE i < 1000 + %d) INSERT INTO "
	    "log (id, vault, flags, status, request_id, path) SELECT i, 1, 0, "
	    "200, zeroblob(16), iif(i %% %d, '/here', '/rare') FROM n", ROWS,
	    ROWS / 20);
	file_sql(&d, sql);
	(void)snprintf(sql, sizeof(sql), "UPDATE meta SET value = %d WHERE "
	    "key = 'next_id'", 2000 + ROWS);
	file_sql(&d, sql);
	worker_free(&w);
	(void)snprintf(path, sizeof(path), "%s/" DB_FILE, d.dir);
	assert_non_null(f = fopen(path, "r"));
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	madelen = ftell(f);
	rewind(f);
	assert_non_null(made = malloc(madelen));
	assert_int_equal(fread(made, 1, madelen, f), madelen);
	assert_int_equal(fclose(f), 0);
}

static void
make_again(void)
{
	char	 path[300];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE, d.dir);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(made, 1, madelen, f), madelen);
	assert_int_equal(fclose(f), 0);
}

/* The same with a worker and an api. */
static void
start(void)
{
	struct end	*ends[] = { &w.end, &api, NULL };

	if (made == NULL)
		make();
	else
		make_again();
	worker_init(&w, PROC_MITM, 0, MITM1, 1);
	end_pair(&api, PROC_API_TCP, 0, API);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 2);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM1, 1);
	keyd_scope(&d, READ, SCOPE_READ, API, 1);
	worker_hello(&w);
	answered = 0;
}

static void
query(uint32_t id, const char *filter, uint64_t before, uint32_t budget)
{
	struct msg_query	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.scope = READ;
	m.filter = filter;
	m.before = before;
	m.limit = 50;
	m.budget = budget;
	end_send(&api, MSG_QUERY, &m);
}

/* The id of the next query that is answered. */
static uint32_t
answer(void)
{
	while (end_recv(&api, PEER_MS) == MSG_ROWS)
		rows += api.u.rows.rows_n;
	assert_int_equal(api.type, MSG_ROWS_END);
	answered++;
	return (api.u.rows_end.id);
}

static void
stop(void)
{
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
}

/* A short one does not wait for those before it. */
static void
test_turns(void **state)
{
	const int	 n = times(5, 10);
	int		 i;

	start();
	for (i = 1; i <= n; i++)
		query(i, LONG, 0, BUDGET);
	query(99, "", 0, 0);
	assert_int_equal(answer(), 99);
	for (i = 0; i < n; i++)
		(void)answer();
	assert_int_equal(api.u.rows_end.partial, 0);
	stop();
}

/* What a reader does not want any more is not looked for. */
static void
test_cancel(void **state)
{
	struct msg_query_cancel	 m;
	int			 i;

	start();
	for (i = 1; i <= 20; i++)
		query(i, LONG, 0, BUDGET);
	for (i = 1; i <= 20; i++) {
		m.id = i;
		end_send(&api, MSG_QUERY_CANCEL, &m);
	}
	/* Nor one that is not there. */
	end_send(&api, MSG_QUERY_CANCEL, &m);
	query(99, "", 0, 0);
	assert_int_equal(answer(), 99);
	end_quiet(&api, 300);
	stop();
}

static void
test_reader_dies(void **state)
{
	int	 i;

	start();
	for (i = 1; i <= 20; i++)
		query(i, LONG, 0, BUDGET);
	end_close(&api);
	worker_end(&w, worker_begin(&w));
	worker_acks(&w, w.next - 1, PEER_MS);
	stop();
}

/* More than run at once: they wait, and so does who asks. */
static void
test_many(void **state)
{
	int	 i, n = JOBS_MAX + 20;

	start();
	for (i = 1; i <= n; i++)
		query(i, "path:/nowhere*", 0, 1);
	for (i = 1; i <= n; i++)
		(void)answer();
	assert_int_equal(answered, n);
	end_quiet(&api, 50);
	stop();
}

/* Rows are committed while it looks. */
static void
test_ingest(void **state)
{
	const int	 n = times(10, 40);
	uint64_t	 open[LAG] = { 0 };
	int		 i;

	start();
	for (i = 1; i <= n; i++)
		query(i, LONG, 0, BUDGET);
	generate(&w, open, LAG, 200);
	worker_acks(&w, w.next - 1, PEER_MS);
	query(99, "", 0, 0);
	/* So many times all rows take longer than one commit. */
	assert_int_equal(answer(), 99);
	assert_true(api.u.rows_end.latest_id > 1000 + (uint64_t)ROWS);
	for (i = 1; i <= n; i++)
		(void)answer();
	finish(&w, open, LAG);
	stop();
}

/* The budget ends it, and whoever goes on gets to the end. */
static void
test_budget(void **state)
{
	uint64_t	 before = 0, next;
	int		 parts = 0;

	start();
	do {
		query(1, LONG, before, 1);
		(void)answer();
		assert_int_equal(api.u.rows_end.status, 200);
		next = api.u.rows_end.next_cursor;
		assert_int_equal(api.u.rows_end.partial, next != 0);
		assert_true(next == 0 || before == 0 || next < before);
		before = next;
		parts++;
	} while (next != 0);
	assert_true(parts > 3);
	stop();
}

/* Who names no budget has the first rows soon, and the others from there. */
static void
test_some(void **state)
{
	uint64_t	 before = 0;
	int		 parts = 0;

	start();
	rows = 0;
	do {
		query(1, RARE, before, 0);
		(void)answer();
		before = api.u.rows_end.next_cursor;
		assert_int_equal(api.u.rows_end.partial, before != 0);
		parts++;
	} while (before != 0);
	assert_int_equal(rows, 20);
	assert_true(parts > 1);
	rows = 0;
	query(2, RARE, 0, BUDGET);
	(void)answer();
	assert_int_equal(rows, 20);
	stop();
}

/* An api may only say what can be read as a filter. */
static void
test_refused(void **state)
{
	struct msg_values	 m;

	start();
	query(1, "colour:red", 0, 0);
	assert_int_equal(answer(), 1);
	assert_int_equal(api.u.rows_end.status, 400);
	assert_string_equal(api.u.rows_end.text,
	    "there is no key \"colour\"");
	memset(&m, 0, sizeof(m));
	m.id = 2;
	m.scope = READ + 1;
	end_send(&api, MSG_VALUES, &m);
	end_want(&api, MSG_VALUE_LIST);
	assert_int_equal(api.u.value_list.status, 403);
	m.scope = READ;
	m.key = 200;
	end_send(&api, MSG_VALUES, &m);
	end_want(&api, MSG_VALUE_LIST);
	assert_int_equal(api.u.value_list.status, 400);
	stop();
}

static void
chart(uint32_t id, uint64_t scope, const char *vaults)
{
	struct msg_chart	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.scope = scope;
	m.vaults = vaults;
	m.to = time(NULL) / 60 + 1;
	m.from = m.to - 60;
	m.step = 1;
	m.names = 5;
	end_send(&api, MSG_CHART, &m);
}

/* Statistics are bound to the scope, and wait for no long query either. */
static void
test_chart(void **state)
{
	int	 i;

	start();
	for (i = 1; i <= 3; i++)
		query(i, LONG, 0, BUDGET);
	chart(99, READ, "");
	end_want(&api, MSG_CHARTED);
	assert_int_equal(api.u.charted.id, 99);
	assert_int_equal(api.u.charted.status, 200);
	assert_int_equal(api.u.charted.total_n, 1);
	for (i = 0; i < 3; i++)
		(void)answer();
	chart(1, READ + 1, "");
	end_want(&api, MSG_CHARTED);
	assert_int_equal(api.u.charted.status, 403);
	assert_int_equal(api.u.charted.total_n, 0);
	chart(2, READ, "1");
	end_want(&api, MSG_CHARTED);
	assert_int_equal(api.u.charted.status, 400);
	/* The api may go while they wait for their turn. */
	for (i = 1; i <= 20; i++)
		chart(i, READ, "");
	end_close(&api);
	stop();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_turns),
		TEST(test_cancel),
		TEST(test_reader_dies),
		TEST(test_many),
		TEST(test_ingest),
		TEST(test_budget),
		TEST(test_some),
		TEST(test_refused),
		TEST(test_chart)
	};

	return (cmocka_run_group_tests_name("logd_query", tests, NULL,
	    NULL));
}
