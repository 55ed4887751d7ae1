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

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../logd/control.h"
#include "../logd/db.h"
#include "../logd/insert.h"
#include "../logd/record.h"
#include "../logd/recover.h"
#include "../logd/rollup.h"
#include "../logd/schema.h"
#include "codes.h"
#include "logfill.h"
#include "loop.h"
#include "msg.h"

#define MINUTE	INT64_C(60000000)
#define BATCH	50000
#define VAULTS	3

static struct db_sql	 sql_row = DB_SQL(
    "INSERT INTO log (id, vault, scope, target, flags, status, request_id,"
    " stream, seq, conn, latency, ttfb, bytes_in, bytes_out, path, client,"
    " upstream) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, 300, ?, ?,"
    " x'1000017f000001', x'01bb01020304')");
static struct db_sql	 sql_target = DB_SQL(
    "INSERT INTO targets (id, vault, host, port, method, service, keys,"
    " auth_scheme, auth_header, first_id, last_id)"
    " VALUES (?, ?, ?, 443, ?, ?, 'KEY', 0, '', ?, ?)");
static struct db_sql	 sql_scope = DB_SQL(
    "INSERT INTO scopes (id, vault, actor_type, actor, actor_name, session,"
    " first_id, last_id) VALUES (?, ?, 2, ?, ?, '', 1, ?)");
static struct db_sql	 sql_minute = DB_SQL(
    "INSERT INTO minutes (minute, first_id, last_id) VALUES (?, ?, ?)"
    " ON CONFLICT (minute) DO UPDATE SET last_id = excluded.last_id");

static struct db_sql	 sql_vaults = DB_SQL("SELECT count(*) FROM vaults");

static void	check(int, const char *);
static void	vault(uint64_t);
static uint64_t	vault_of(int64_t);
static void	dictionaries(int64_t);
static int64_t	target_of(int64_t, int64_t);
static void	row(int64_t, int64_t, int64_t);

static void
check(int rc, const char *what)
{
	if (rc == -1)
		errx(1, "%s: %s", what, db_errstr());
}

static void
vault(uint64_t id)
{
	struct rec_obj_vault	 v;
	struct rec_object	 o;
	struct msg_commit	 m;
	struct rec_audit	 a;
	char			 name[32], why[256];

	memset(&v, 0, sizeof(v));
	memset(&m, 0, sizeof(m));
	memset(&a, 0, sizeof(a));
	(void)snprintf(name, sizeof(name), "vault-%d", (int)id);
	v.id = id;
	v.uuid = "00000000-0000-0000-0000-000000000000";
	v.name = name;
	v.created_at = 1;
	o.kind = OBJ_VAULT;
	o.op = OBJECT_PUT;
	if (rec_to_blob(object_desc(OBJ_VAULT), &v, &o.body) == -1)
		err(1, NULL);
	a.actor_type = ACTOR_LOCAL;
	a.actor = "local:0";
	a.actor_name = a.session = "";
	a.action = "vault.create";
	a.detail = "{}";
	m.rev = control_rev() + 1;
	m.objects = &o;
	m.objects_n = 1;
	m.audit = &a;
	m.audit_n = 1;
	if (control_commit(&m, why, sizeof(why)) == -1)
		errx(1, "%s", why);
	msg_blob_free(&o.body);
}

static uint64_t
vault_of(int64_t n)
{
	return (n % 100 == 7 ? 3 : n % 10 == 3 ? 2 : 1);
}

/* A target for each host and vault, and the two that are rare. */
static void
dictionaries(int64_t rows)
{
	char	 host[64];
	int64_t	 i, v, id = 1;

	for (v = 1; v <= VAULTS; v++) {
		for (i = 0; i < FILL_HOSTS; i++) {
			(void)snprintf(host, sizeof(host),
			    "api%d.example.com", (int)i);
			check(db_run(&sql_target, "iitttii", id++, v, host,
			    "GET", "example", INT64_C(1), rows + 8192),
			    "target");
		}
		check(db_run(&sql_target, "iitttii", id++, v,
		    "rare.example.com", "POST", "rare", INT64_C(1),
		    rows + 8192), "target");
		check(db_run(&sql_scope, "iitti", v, v, "77d1", "agent",
		    rows + 8192), "scope");
	}
	check(db_run(&sql_target, "iitttii", id, INT64_C(1), FILL_ONCE, "GET",
	    "example", rows / 2, rows / 2 + 4096), "target");
}

static int64_t
target_of(int64_t n, int64_t middle)
{
	const int64_t	 each = FILL_HOSTS + 1;

	if (n == middle)
		return (VAULTS * each + 1);
	return ((int64_t)(vault_of(n) - 1) * each +
	    (n % 1000 == 11 ? FILL_HOSTS : n * 7 % FILL_HOSTS) + 1);
}

static void
row(int64_t n, int64_t started, int64_t middle)
{
	const int	 bad = n % 10000 == 4711 && n != middle;
	const uint64_t	 v = n == middle ? 1 : vault_of(n);
	const int64_t	 latency = 20000 + n * 7919 % 300000;
	const int64_t	 status = bad ? 502 : n % 20 == 9 ? 404 : 200;
	uint8_t		 id[16];
	char		 path[64];

	record_uuid(id, started);
	(void)snprintf(path, sizeof(path),
	    "/v1/customers/cus_%08x/subscriptions", (unsigned int)n);
	check(db_run(&sql_row, "iiiiiibiiiiit", n, (int64_t)v, (int64_t)v,
	    target_of(n, middle), schema_flags(KIND_REQUEST, INGRESS_MITM,
	    bad ? DECISION_ERROR : DECISION_BROKERED, PROTOCOL_HTTP11, 0,
	    bad ? ERROR_CONNECT : ERROR_NONE, EVENT_NONE), status, id,
	    sizeof(id), n, n / 20 + 1, latency, latency - 5000,
	    1000 + n * 31 % 90000, path), "row");
}

void
logfill(const char *dir, int64_t rows)
{
	const int64_t	 span = FILL_DAYS * 1440 * MINUTE;
	const int64_t	 now = loop_wall();
	const int64_t	 middle = rows / 2 / 100 * 100 + 1;
	char		 why[512];
	int64_t		 n, first, started = 0;
	int64_t		 vaults;
	uint64_t	 v;

	if (recover_open(dir, why, sizeof(why)) == -1)
		errx(1, "%s", why);
	recover_begin();
	check(db_exec("PRAGMA synchronous = OFF"), "synchronous");
	check(db_int(&sql_vaults, 0, &vaults, ""), "vaults");
	for (v = 1; vaults == 0 && v <= VAULTS; v++)
		vault(v);
	check(db_exec("DELETE FROM minutes; DELETE FROM log;"
	    " DELETE FROM scopes; DELETE FROM targets"), "log");
	check(db_begin(0), "begin");
	dictionaries(rows);
	check(db_exec("INSERT OR IGNORE INTO streams (id, instance, proc, idx,"
	    " last_seq, ended, last_id) VALUES (1, 1, 4, 0, 1, 1, 1)"),
	    "stream");
	for (n = first = 1; n <= rows; n++) {
		started = now - span + span / rows * n;
		row(n, started, middle);
		if (n % BATCH == 0) {
			check(db_commit(), "commit");
			db_checkpoint();
			check(db_begin(0), "begin");
		}
		if (n == rows || (started + span / rows) / MINUTE !=
		    started / MINUTE) {
			check(db_run(&sql_minute, "iii", started / MINUTE,
			    first, n), "minute");
			first = n + 1;
		}
	}
	insert_init(rows + 1);
	check(db_exec("INSERT OR REPLACE INTO counts SELECT vault, count(*)"
	    " FROM log WHERE vault IS NOT NULL GROUP BY vault"), "counts");
	check(schema_set("next_id", rows + 1), "next_id");
	/* What was inserted behind its back is counted here. */
	rollup_clear();
	check(schema_set("rollup_id", 0), "rollup_id");
	check(rollup_write(rows), "rollups");
	check(db_commit(), "commit");
	recover_close();
}
