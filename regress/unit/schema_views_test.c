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
 * What a person reads with sqlite3(1) is what the rows say: times, addresses
 * and ids as text, against the functions of C that made them.
 */

#include <sys/types.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "codes.h"
#include "../../logd/batch.h"
#include "../../logd/db.h"
#include "logd_fix.h"
#include "../../logd/record.h"
#include "../../logd/schema.h"

#define MOMENT	INT64_C(1764064499123457)	/* 2025-11-25 09:54:59 */

static void
is(const char *sql, const char *want)
{
	sqlite3_stmt	*s;

	assert_int_equal(sqlite3_prepare_v2(db_handle(), sql, -1, &s, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	if (want == NULL)
		assert_int_equal(sqlite3_column_type(s, 0), SQLITE_NULL);
	else
		assert_string_equal(db_text(s, 0), want);
	sqlite3_finalize(s);
}

static void
column(const char *view, int64_t id, const char *name, const char *want)
{
	char	 sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE id = %"
	    PRId64, name, view, id);
	is(sql, want);
}

/* A row of the log with an id of its own, the other columns from SQL. */
static void
row(int64_t id, int64_t flags, const char *names, const char *values)
{
	char	 sql[1024];

	(void)snprintf(sql, sizeof(sql), "INSERT INTO log (id, flags, "
	    "request_id%s) VALUES (%" PRId64 ", %" PRId64 ", "
	    "X'019ABA7015B3774B8123456789ABCDEF'%s)", names, id, flags,
	    values);
	fix_sql(sql);
}

static void
target(int64_t id, int port)
{
	char	 sql[256];

	(void)snprintf(sql, sizeof(sql), "INSERT INTO targets VALUES (%"
	    PRId64 ", 1, 'api.example.com', %d, 'GET', 'example', "
	    "'ONE,TWO', 0, '', 1, 9)", id, port);
	fix_sql(sql);
}

static void
test_request(void **state)
{
	fix_open();
	fix_vault(1, "one");
	target(5, 443);
	row(101, schema_flags(KIND_REQUEST, INGRESS_MITM, DECISION_BROKERED,
	    PROTOCOL_HTTP11, PATHF_CUT, ERROR_NONE, EVENT_NONE),
	    ", vault, target, latency, ttfb, path, client, upstream, trace_id",
	    ", 1, 5, 12345, 7, '/v1/a', X'C0017F000001', X'0A0B0CFF', "
	    "X'00112233445566778899AABBCCDDEEFF'");
	column("request_log", 101, "kind", "request");
	column("request_log", 101, "started_at", "2025-11-25T09:54:59.123456Z");
	column("request_log", 101, "request_id",
	    "019aba70-15b3-774b-8123-456789abcdef");
	column("request_log", 101, "vault", "one");
	column("request_log", 101, "path", "/v1/a");
	column("request_log", 101, "path_cut", "cut");
	column("request_log", 101, "credential_keys", "ONE,TWO");
	column("request_log", 101, "latency_ms", "12.345");
	column("request_log", 101, "ttfb_ms", "0.007");
	column("request_log", 101, "client_addr", "127.0.0.1:49153");
	column("request_log", 101, "upstream_addr", "10.11.12.255:443");
	column("request_log", 101, "trace_id",
	    "00112233445566778899aabbccddeeff");
	column("request_log", 101, "action", NULL);
	assert_int_equal(fix_int("SELECT count(*) FROM audit_log WHERE "
	    "id = 101"), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM event_log WHERE "
	    "id = 101"), 0);
}

static void
test_v6(void **state)
{
	fix_open();
	fix_vault(1, "one");
	target(5, 8443);
	row(101, KIND_REQUEST, ", vault, target, client, upstream",
	    ", 1, 5, X'FFFF20010DB8000000000000000000000001', "
	    "X'FE8000000000000000000000ABCDEF01'");
	column("request_log", 101, "client_addr",
	    "[2001:0db8:0000:0000:0000:0000:0000:0001]:65535");
	column("request_log", 101, "upstream_addr",
	    "[fe80:0000:0000:0000:0000:0000:abcd:ef01]:8443");
	row(102, KIND_REQUEST, ", vault, target", ", 1, 5");
	column("request_log", 102, "client_addr", NULL);
	column("request_log", 102, "upstream_addr", NULL);
	column("request_log", 102, "latency_ms", NULL);
	column("request_log", 102, "status", NULL);
}

static void
test_path_cut(void **state)
{
	static const char *const	 words[] = { "", "cut", "prefix",
	    "prefix", "none", "none", "none", "none" };
	unsigned int			 i;

	fix_open();
	for (i = 0; i < 8; i++) {
		row(i + 1, schema_flags(KIND_REQUEST, 0, 0, 0, i, 0, 0), "",
		    "");
		column("request_log", i + 1, "path_cut", words[i]);
	}
}

/* Rows as logd writes them, each in its own view. */
static void
test_others(void **state)
{
	int64_t	 id;

	fix_open();
	fix_vault(1, "one");
	batch_add(record_event(EVENT_AUTH_FAILED, 1, NULL, "host.example",
	    "{\"a\":1}", 3));
	batch_add(record_gap(1, 17, "{\"b\":2}"));
	assert_int_equal(batch_flush(0), 0);
	id = fix_int("SELECT max(id) FROM event_log");
	column("event_log", id, "kind", "gap");
	column("event_log", id, "event", "");
	column("event_log", id, "vault", "one");
	column("event_log", id, "count", "17");
	column("event_log", id, "detail", "{\"b\":2}");
	column("event_log", id - 1, "kind", "event");
	column("event_log", id - 1, "event", "auth_failed");
	column("event_log", id - 1, "host", "host.example");
	column("event_log", id - 1, "count", "3");
	assert_int_equal(fix_int("SELECT count(*) FROM event_log WHERE "
	    "vault = 'one'"), 2);
	row(id + 1, KIND_AUDIT, ", path, client, detail",
	    ", 'vault.create', X'1F907F000001', '{}'");
	column("audit_log", id + 1, "action", "vault.create");
	column("audit_log", id + 1, "client_addr", "127.0.0.1:8080");
	column("audit_log", id + 1, "at", "2025-11-25T09:54:59.123456Z");
	column("request_log", id + 1, "path", NULL);
	column("request_log", id + 1, "action", "vault.create");
}

/* The arithmetic of SQL is that of C, whatever the microsecond. */
static void
test_times(void **state)
{
	char		 sql[256], want[64], date[32];
	uint8_t		 uuid[16];
	struct tm	 tm;
	time_t		 t;
	int64_t		 us;
	int		 i, j, n;

	fix_open();
	for (i = 1; i <= 300; i++) {
		us = MOMENT + i * INT64_C(987654321987);
		record_uuid(uuid, us);
		assert_int_equal(record_time(uuid), us);
		n = snprintf(sql, sizeof(sql), "INSERT INTO log (id, flags, "
		    "request_id) VALUES (%d, 0, X'", i);
		for (j = 0; j < 16; j++)
			n += snprintf(sql + n, sizeof(sql) - n, "%02x",
			    uuid[j]);
		(void)snprintf(sql + n, sizeof(sql) - n, "')");
		fix_sql(sql);
		t = us / 1000000;
		assert_non_null(gmtime_r(&t, &tm));
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		(void)snprintf(want, sizeof(want), "%s.%06dZ", date,
		    (int)(us % 1000000));
		column("request_log", i, "started_at", want);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_request),
		TEST(test_v6),
		TEST(test_path_cut),
		TEST(test_others),
		TEST(test_times)
	};

	return (cmocka_run_group_tests_name("schema_views", tests, NULL,
	    NULL));
}
