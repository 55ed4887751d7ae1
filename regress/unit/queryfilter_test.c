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
 * Queries with filters: whatever indexes and ranges of ids they are looked up
 * in, pages and tails have exactly the rows that match when each row is
 * looked at, once and in order.
 */

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../logd/batch.h"
#include "../../logd/db.h"
#include "../../logd/insert.h"
#include "logd_fix.h"
#include "loop.h"
#include "../../logd/query.h"
#include "../../logd/queryrow.h"
#include "../../logd/queryvalues.h"
#include "../../logd/record.h"
#include "../../logd/retain.h"

#define MINUTE		INT64_C(60000000)
#define BATCHES		40
#define ROWS		60
#define FILTERS		600
#define ROWS_MAX	4096

static struct arena	 arena, all;
static struct rec_row	*rows;		/* all of them, newest first */
static uint32_t		 nrows;
static struct query	 q;
static unsigned int	 seed;
static int64_t		 now;

static const char *const	 hosts[] = { "api.example.com", "x.github.com",
	"gist.github.com", "db.internal", "10.0.0.1", "fe80::1", "rare" };
static const char *const	 services[] = { "", "github", "example", "db" };
static const char *const	 methods[] = { "GET", "POST", "DELETE" };
static const char *const	 actors[] = { "a1", "b2", "c3" };
static const char *const	 names[] = { "bot", "", "other bot" };
static const char *const	 paths[] = { "/", "/repos/1", "/repos/1/x",
	"/a%00b", "/%ff", "/a,b c" };
static const int		 statuses[] = { 200, 200, 200, 204, 301, 404,
	403, 500, 502, 0, 101, -1 };
static const int		 errors[] = { 0, 0, 0, 0, 0, 0,
	ERROR_NO_MATCH, ERROR_UPSTREAM, ERROR_UPSTREAM_TRUNCATED,
	ERROR_CLIENT_CLOSED };

#define PICK(t)	t[rand_r(&seed) % (sizeof(t) / sizeof((t)[0]))]

static int
teardown(void **state)
{
	arena_free(&arena);
	arena_free(&all);
	return (fix_teardown(state));
}

static struct record *
request(uint64_t vault, int64_t started)
{
	struct msg_begin	 b;
	struct msg_end		 e;
	struct record		*r;
	struct who		*w;

	memset(&b, 0, sizeof(b));
	memset(&e, 0, sizeof(e));
	record_uuid(b.request_id, started);
	b.ingress = 1 + rand_r(&seed) % 3;
	b.method = PICK(methods);
	b.host = PICK(hosts);
	b.port = rand_r(&seed) % 2 ? 443 : 80;
	b.path = PICK(paths);
	b.service = PICK(services);
	b.keys = b.auth_header = "";
	e.status = PICK(statuses);
	e.error_code = e.status == -1 ? ERROR_WORKER_LOST : PICK(errors);
	e.decision = 1 + rand_r(&seed) % 4;
	e.latency = e.status == -1 ? -1 : rand_r(&seed) % 3000000;
	w = who_new(vault, ACTOR_AGENT, PICK(actors), PICK(names), "");
	r = record_request(NULL, &b, w, NULL);
	who_unref(w);
	record_end(r, &e);
	return (r);
}

/* All rows of the minute that is now were that many minutes ago. */
static void
age(int64_t minutes)
{
	const int64_t	 first = fix_int("SELECT first_id FROM minutes "
			    "ORDER BY minute DESC LIMIT 1");
	sqlite3_stmt	*get, *set;
	uint8_t		 id[16];
	char		 sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT id, request_id FROM log "
	    "WHERE id >= %lld", (long long)first);
	assert_int_equal(sqlite3_prepare_v2(db_handle(), sql, -1, &get,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db_handle(), "UPDATE log SET "
	    "request_id = ? WHERE id = ?", -1, &set, NULL), SQLITE_OK);
	while (sqlite3_step(get) == SQLITE_ROW) {
		record_uuid(id, record_time(sqlite3_column_blob(get, 1)) -
		    minutes * MINUTE);
		sqlite3_bind_blob(set, 1, id, sizeof(id), SQLITE_STATIC);
		sqlite3_bind_int64(set, 2, sqlite3_column_int64(get, 0));
		assert_int_equal(sqlite3_step(set), SQLITE_DONE);
		sqlite3_reset(set);
	}
	sqlite3_finalize(get);
	sqlite3_finalize(set);
	(void)snprintf(sql, sizeof(sql), "UPDATE minutes SET minute = minute "
	    "- %lld WHERE last_id >= %lld", (long long)minutes,
	    (long long)first);
	fix_sql(sql);
}

static void
batch(int64_t minutes)
{
	int64_t	 started;
	int	 i;

	for (i = 0; i < ROWS; i++) {
		started = loop_wall() - rand_r(&seed) % 30000000;
		if (rand_r(&seed) % 16 == 0)
			started -= rand_r(&seed) % 40 * MINUTE;
		batch_add(request(1 + rand_r(&seed) % 3 % 2 * 2, started));
	}
	batch_add(record_event(EVENT_SNI_MISMATCH, 1, NULL, "x.github.com",
	    "{}", 1));
	batch_add(record_gap(3, 7, NULL));
	batch_add(record_event(EVENT_AUTH_FAILED, 0, NULL, "", "{}", 2));
	assert_int_equal(batch_flush(0), 0);
	age(minutes);
}

static void
fill(void)
{
	struct retention	 keep = { .seconds = 0,
			    .rows = 0, .audit_seconds = 0 };
	uint64_t		 id;
	int			 i;

	retain_configure(&keep);
	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "empty");
	fix_vault(3, "three");
	for (i = 0; i < BATCHES; i++) {
		if (i == BATCHES / 2)
			fix_vault(4, "later");
		batch((BATCHES - i) * 3);
	}
	now = loop_wall();
	rows = arena_alloc(&all, ROWS_MAX * sizeof(*rows));
	for (id = insert_head(), nrows = 0; id > 0; id--) {
		assert_true(nrows < ROWS_MAX);
		nrows += queryrow_read(id, &rows[nrows], &all) == 1;
	}
}

/* Append a term made at random. */
static void
term(char *s, size_t size)
{
	static const char *const	 terms[] = {
		"host:*.github.com", "host:rare", "host:nowhere",
		"host:*:80", "host:API.example.com,db*", "host:\"\"",
		"service:github", "service:nothing", "service:\"\",db",
		"method:get", "method:PUT,DELETE", "actor:bot",
		"actor:\"other bot\",a1", "actor:nobody", "actor:\"\"",
		"status:404", "status:5xx,301", "status:0-199",
		"status:500-999", "status:0-999", "status_bucket:2xx",
		"status_bucket:3xx", "status_bucket:4xx", "status_bucket:5xx",
		"status_bucket:err", "status_bucket:err,2xx",
		"error_code:no_match,upstream_error", "error_code:\"\"",
		"error_code:worker_lost", "error_code:shutdown",
		"decision:blocked", "decision:\"\",error", "ingress:mitm",
		"ingress:forward,\"\"", "kind:request", "kind:gap,event",
		"kind:audit", "kind:audit,gap", "min_ms:1000", "min_ms:0",
		"path:/repos/*", "path:*%00*", "path:\"/a,b c\"", "path:\"\"",
		"vault:one", "vault:three,0", "vault:empty", "vault:2,4",
		"since:30m", "since:1h", "since:2m", "until:40m",
		"until:100m", "until:3d", "since:70m", "until:1h"
	};

	if (*s != '\0')
		(void)strlcat(s, " ", size);
	if (rand_r(&seed) % 4 == 0)
		(void)strlcat(s, "!", size);
	(void)strlcat(s, PICK(terms), size);
}

/* The request id of some row is a term too. */
static void
term_id(char *s, size_t size)
{
	const uint8_t	*id = rows[rand_r(&seed) % nrows].request_id;
	char		 hex[40];
	int		 i;

	for (i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", id[i]);
	(void)strlcat(s, *s == '\0' ? "request_id:" : " request_id:", size);
	(void)strlcat(s, hex, size);
}

static void
ask(uint64_t vault, int readall, const struct filter *f, uint64_t cursor,
    int tail)
{
	arena_reset(&arena);
	memset(&q, 0, sizeof(q));
	q.vault = vault;
	q.all = readall;
	q.filter = *f;
	q.tail = tail;
	if (tail)
		q.after = cursor;
	else
		q.before = cursor;
	q.limit = 1 + rand_r(&seed) % 200;
	q.budget = 1;
	query_run(&q, &arena);
	assert_int_equal(q.status, 200);
}

static int
wanted(uint32_t i, uint64_t vault, int readall, const struct filter *f)
{
	return ((readall || rows[i].vault == vault) &&
	    filter_match(f, &rows[i]));
}

/* Pages from the newest row on. */
static void
pages(uint64_t vault, int readall, const struct filter *f,
    const struct filter *slow, const char *text)
{
	uint64_t	 cursor = 0;
	uint32_t	 i, k = 0;

	do {
		ask(vault, readall, f, cursor, 0);
		assert_int_equal(q.latest_id, insert_head());
		for (i = 0; i < q.n; i++, k++) {
			while (k < nrows && !wanted(k, vault, readall, slow))
				k++;
			if (k == nrows || rows[k].id != q.rows[i].id)
				fail_msg("%s: vault %d: page has %d", text,
				    readall ? -1 : (int)vault,
				    (int)q.rows[i].id);
		}
		assert_true(q.next_cursor == 0 || cursor == 0 ||
		    q.next_cursor < cursor);
		assert_true(q.partial || q.next_cursor == 0 ||
		    q.n == q.limit);
		cursor = q.next_cursor;
	} while (cursor != 0);
	for (; k < nrows; k++) {
		if (wanted(k, vault, readall, slow))
			fail_msg("%s: vault %d: no page has %d", text,
			    readall ? -1 : (int)vault, (int)rows[k].id);
	}
}

/* A tail from the beginning, to the head. */
static void
tail(uint64_t vault, int readall, const struct filter *f,
    const struct filter *slow, const char *text)
{
	uint64_t	 cursor = 0;
	uint32_t	 i, k = nrows;

	for (;;) {
		ask(vault, readall, f, cursor, 1);
		for (i = q.n; i > 0; i--) {
			while (k > 0 && !wanted(k - 1, vault, readall, slow))
				k--;
			if (k == 0 || rows[--k].id != q.rows[i - 1].id)
				fail_msg("%s: vault %d: tail has %d", text,
				    readall ? -1 : (int)vault,
				    (int)q.rows[i - 1].id);
		}
		if (q.latest_id == cursor)
			break;
		assert_true(q.latest_id > cursor);
		assert_true(q.partial || q.n == q.limit ||
		    q.latest_id == (uint64_t)insert_head());
		cursor = q.latest_id;
	}
	assert_int_equal(cursor, insert_head());
	for (; k > 0; k--) {
		if (wanted(k - 1, vault, readall, slow))
			fail_msg("%s: vault %d: no tail has %d", text,
			    readall ? -1 : (int)vault, (int)rows[k - 1].id);
	}
}

static void
both(const char *text)
{
	static const struct {
		uint64_t	 vault;
		int		 all;
	} rights[] = { { 1, 0 }, { 3, 0 }, { 2, 0 }, { 0, 0 }, { 0, 1 } };
	struct filter		 f, slow;
	struct filter_error	 e;
	size_t			 i;

	filter_init(&f);
	if (filter_parse(&f, text, now, &e) == -1)
		fail_msg("%s: %s", text, e.text);
	slow = f;
	assert_int_equal(filter_resolve(&slow, plan_vaults, NULL, &e), 0);
	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		pages(rights[i].vault, rights[i].all, &f, &slow, text);
		tail(rights[i].vault, rights[i].all, &f, &slow, text);
	}
}

static void
test_random(void **state)
{
	const char	*given = getenv("QUERY_SEED");
	char		 text[1024];
	int		 i, n;

	seed = given != NULL ? strtoul(given, NULL, 10) : arc4random();
	print_message("# QUERY_SEED=%u\n", seed);
	fill();
	both("");
	for (i = 0; i < FILTERS; i++) {
		*text = '\0';
		for (n = rand_r(&seed) % 4; n >= 0; n--)
			term(text, sizeof(text));
		if (rand_r(&seed) % 20 == 0)
			term_id(text, sizeof(text));
		both(text);
	}
}

/* A vault that was never there is named; one that is deleted is found. */
static void
test_vaults(void **state)
{
	struct filter_error	 e;

	fix_open();
	fix_vault(1, "one");
	fix_vault(7, "gone");
	fix_sql("UPDATE vaults SET deleted_at = 5 WHERE id = 7");
	memset(&q, 0, sizeof(q));
	batch_add(fix_request(7, 0, "/"));
	batch_add(fix_request(1, 0, "/"));
	assert_int_equal(batch_flush(0), 0);
	assert_int_equal(filter_parse(&q.filter, "vault:gone", 0, &e), 0);
	q.all = 1;
	query_run(&q, &arena);
	assert_int_equal(q.n, 1);
	assert_int_equal(q.rows[0].vault, 7);
	memset(&q, 0, sizeof(q));
	assert_int_equal(filter_parse(&q.filter, "vault:never", 0, &e), 0);
	q.all = 1;
	query_run(&q, &arena);
	assert_int_equal(q.status, 400);
	assert_string_equal(q.text,
	    "vault: there is and was no vault \"never\"");
}

static void
values(struct values *v, uint64_t vault, int readall, enum filter_key key,
    const char *prefix, uint32_t limit)
{
	memset(v, 0, sizeof(*v));
	v->vault = vault;
	v->all = readall;
	v->key = key;
	v->limit = limit;
	(void)strlcpy(v->prefix, prefix, sizeof(v->prefix));
	while (values_work(v) == 1)
		;
}

static void
test_values(void **state)
{
	static struct values	 v;
	unsigned int		 i;

	seed = 1;
	fill();
	values(&v, 1, 0, FILTER_HOST, "", 0);
	assert_int_equal(v.n, sizeof(hosts) / sizeof(hosts[0]));
	for (i = 1; i < v.n; i++)
		assert_true(strcmp(v.text[i - 1], v.text[i]) < 0);
	assert_false(v.more);
	values(&v, 1, 0, FILTER_HOST, "X.g", 0);
	assert_int_equal(v.n, 1);
	assert_string_equal(v.text[0], "x.github.com");
	values(&v, 1, 0, FILTER_HOST, "", 3);
	assert_int_equal(v.n, 3);
	assert_true(v.more);
	assert_string_equal(v.text[0], "10.0.0.1");
	assert_string_equal(v.text[2], "db.internal");
	values(&v, 2, 0, FILTER_HOST, "", 0);
	assert_int_equal(v.n, 0);
	values(&v, 3, 0, FILTER_ACTOR, "", 0);
	assert_string_equal(v.text[0], "a1");
	assert_string_equal(v.text[v.n - 1], "other bot");
	values(&v, 0, 1, FILTER_VAULT, "", 0);
	assert_int_equal(v.n, 4);
	values(&v, 1, 0, FILTER_DECISION, "b", 0);
	assert_int_equal(v.n, 2);
	assert_true(values_known(FILTER_SERVICE));
	assert_false(values_known(FILTER_PATH));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, teardown)
		TEST(test_random),
		TEST(test_vaults),
		TEST(test_values)
	};

	return (cmocka_run_group_tests_name("queryfilter", tests, NULL,
	    NULL));
}
