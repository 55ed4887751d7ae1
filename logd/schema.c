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

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "db.h"
#include "msg.h"
#include "rollup.h"
#include "schema.h"
#include "schema_views.h"

#define STR_(x)		#x
#define STRING(x)	STR_(x)

/* A partial index needs the number itself: it is that of KIND_AUDIT. */
#define AUDIT		3
#define IS_AUDIT	"flags & 15 = " STRING(AUDIT)
_Static_assert(AUDIT == KIND_AUDIT, "log_audit");

/*
 * first_id and last_id of a dictionary say where its entries may be in use;
 * last_id is a bound that is moved in steps, see dict.c.  Rows refer to
 * dictionaries without foreign keys, since each check at a delete would cost
 * an index.
 */
static const char	log_tables[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT;"
    "CREATE TABLE codes (list TEXT NOT NULL, number INTEGER NOT NULL,"
    " name TEXT NOT NULL, PRIMARY KEY (list, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE scopes (id INTEGER PRIMARY KEY, vault INTEGER NOT NULL,"
    " actor_type INTEGER NOT NULL, actor TEXT NOT NULL,"
    " actor_name TEXT NOT NULL, session TEXT NOT NULL,"
    " first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,"
    " UNIQUE (vault, actor_type, actor, actor_name, session)) STRICT;"
    "CREATE TABLE targets (id INTEGER PRIMARY KEY, vault INTEGER NOT NULL,"
    " host TEXT NOT NULL, port INTEGER NOT NULL, method TEXT NOT NULL,"
    " service TEXT NOT NULL, keys TEXT NOT NULL,"
    " auth_scheme INTEGER NOT NULL, auth_header TEXT NOT NULL,"
    " first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,"
    " UNIQUE (vault, host, port, method, service, keys, auth_scheme,"
    " auth_header)) STRICT;"
    "CREATE TABLE streams (id INTEGER PRIMARY KEY,"
    " instance INTEGER NOT NULL UNIQUE, proc INTEGER NOT NULL,"
    " idx INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
    " ended INTEGER NOT NULL, last_id INTEGER NOT NULL) STRICT;"
    "CREATE TABLE live_scopes (instance INTEGER NOT NULL,"
    " scope INTEGER NOT NULL, vault INTEGER NOT NULL,"
    " actor_type INTEGER NOT NULL, actor TEXT NOT NULL,"
    " actor_name TEXT NOT NULL, session TEXT NOT NULL,"
    " closed INTEGER NOT NULL, PRIMARY KEY (instance, scope))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE open_requests (stream INTEGER NOT NULL"
    " REFERENCES streams(id), seq INTEGER NOT NULL,"
    " vault INTEGER REFERENCES vaults(id), scope INTEGER, target INTEGER,"
    " flags INTEGER NOT NULL, request_id BLOB NOT NULL, conn INTEGER,"
    " path TEXT, client BLOB, trace_id BLOB, detail TEXT,"
    " PRIMARY KEY (stream, seq)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE log (id INTEGER PRIMARY KEY,"
    " vault INTEGER REFERENCES vaults(id), scope INTEGER, target INTEGER,"
    " flags INTEGER NOT NULL, status INTEGER, request_id BLOB NOT NULL,"
    " stream INTEGER, seq INTEGER, conn INTEGER, latency INTEGER,"
    " ttfb INTEGER, bytes_in INTEGER, bytes_out INTEGER, path TEXT,"
    " client BLOB, upstream BLOB, trace_id BLOB, count INTEGER,"
    " detail TEXT) STRICT;"
    "CREATE INDEX log_vault ON log (vault);"
    "CREATE INDEX log_class ON log (vault, status / 100);"
    "CREATE INDEX log_audit ON log (id) WHERE " IS_AUDIT ";"
    "CREATE TABLE minutes (minute INTEGER PRIMARY KEY,"
    " first_id INTEGER NOT NULL, last_id INTEGER NOT NULL) STRICT;";

/*
 * What a reader asks for often and is rare: rows with an error_code, and
 * those that are not where their time says (rows from before the mark
 * existed get it when that is not known).
 */
#define HAS_ERROR	"flags & 16711680 <> 0"
#define IS_LATE		"flags & 4294967296 <> 0"
_Static_assert(FLAGS_LATE == 4294967296, "log_late");
static const char	log_rare[] =
    "UPDATE log SET flags = flags | 4294967296"
    " WHERE latency IS NULL OR latency > 60000000;"
    "CREATE INDEX log_error ON log (vault) WHERE " HAS_ERROR ";"
    "CREATE INDEX log_late ON log (id) WHERE " IS_LATE ";";

/*
 * Nearly every request is answered with 2xx: an entry for each of those costs
 * a tenth of the file and of the time to write it, and finds no less than
 * half of the vault.
 */
static const char	log_classes[] =
    "DROP INDEX log_class;"
    "CREATE INDEX log_class ON log (vault, status / 100)"
    " WHERE status / 100 IS NOT 2;";

/*
 * Vault 0 is the instance log.  What is NULL for no vault in the log is 0
 * here, since it is part of a key.  See rollup.h; latency is a struct hist.
 */
static const char	log_rollups[] =
    "CREATE TABLE rollups (vault INTEGER NOT NULL, minute INTEGER NOT NULL,"
    " class INTEGER NOT NULL, decision INTEGER NOT NULL,"
    " count INTEGER NOT NULL, errors INTEGER NOT NULL,"
    " bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, latency BLOB,"
    " PRIMARY KEY (vault, minute, class, decision)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE tops (vault INTEGER NOT NULL, what INTEGER NOT NULL,"
    " hour INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY (vault, what, hour, name)) STRICT, WITHOUT ROWID;";

/*
 * Rows of each vault, as above; audit rows are no vault's, nor the instance
 * log's.
 */
static const char	log_counts[] =
    "CREATE TABLE counts (vault INTEGER PRIMARY KEY,"
    " rows INTEGER NOT NULL) STRICT;"
    "INSERT INTO counts SELECT vault, count(*) FROM log"
    " INDEXED BY log_vault WHERE vault IS NOT NULL GROUP BY vault;"
    "INSERT INTO counts SELECT 0, (SELECT count(*) FROM log"
    " INDEXED BY log_vault WHERE vault IS NULL) - (SELECT count(*) FROM log"
    " INDEXED BY log_audit WHERE " IS_AUDIT ");";

/* See gone.h; n is how many ids are named, in a form of its own. */
static const char	log_gone[] =
    "CREATE TABLE gone (id INTEGER PRIMARY KEY, vault INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " total INTEGER NOT NULL, n INTEGER NOT NULL, ids BLOB,"
    " UNIQUE (vault, first)) STRICT;";

#define NAMED(list, expr)						\
    "(SELECT name FROM codes WHERE list = '" list "' AND number = " expr ")"

/* As released; those in use are of schema_views.c. */
static const char	log_views[] =
    "CREATE VIEW request_log AS SELECT l.id,"
    NAMED("kind", "l.flags & 15") " AS kind, hex(l.request_id) AS"
    " request_id, v.name AS vault, "
    NAMED("actor", "s.actor_type") " AS actor_type, s.actor, s.actor_name,"
    " s.session, " NAMED("ingress", "l.flags >> 4 & 7") " AS ingress,"
    " l.conn, t.method, t.host, t.port, l.path,"
    " l.flags >> 13 & 7 AS path_cut, t.service, t.keys AS credential_keys, "
    NAMED("decision", "l.flags >> 7 & 7") " AS decision, l.status, "
    NAMED("error", "l.flags >> 16 & 255") " AS error_code, "
    NAMED("event", "l.flags >> 24 & 255") " AS event,"
    " l.latency AS latency_us, l.ttfb AS ttfb_us, l.bytes_in, l.bytes_out, "
    NAMED("protocol", "l.flags >> 10 & 7") " AS protocol,"
    " hex(l.client) AS client_addr, hex(l.upstream) AS upstream_addr,"
    " hex(l.trace_id) AS trace_id, "
    NAMED("scheme", "t.auth_scheme") " AS auth_scheme, t.auth_header,"
    " i.instance, l.seq, l.count, l.detail"
    " FROM log l LEFT JOIN scopes s ON s.id = l.scope"
    " LEFT JOIN targets t ON t.id = l.target"
    " LEFT JOIN streams i ON i.id = l.stream"
    " LEFT JOIN vaults v ON v.id = l.vault";

static struct db_sql	 sql_get =
    DB_SQL("SELECT value FROM meta WHERE key = ?");
static struct db_sql	 sql_set =
    DB_SQL("INSERT INTO meta (key, value) VALUES (?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
static struct db_sql	 sql_code =
    DB_SQL("INSERT INTO codes (list, number, name) VALUES (?, ?, ?)"
    " ON CONFLICT (list, number) DO UPDATE SET name = excluded.name");
static struct db_sql	 sql_last = DB_SQL("SELECT max(id) FROM log");
static struct db_sql	 sql_ncodes = DB_SQL("SELECT count(*) FROM codes");

static int	schema_table(unsigned int);
static int	schema_first(void);
static int	schema_rare(void);
static int	schema_begins(void);
static int	schema_classes(void);
static int	schema_rollups(void);
static int	schema_settings(void);
static int	schema_counts(void);
static int	schema_logins(void);
static int	schema_gone(void);
static int	schema_codes(void);
static int	schema_sound(const char *, char *, size_t);

const struct migration	schema_migrations[] = {
	{ "first tables", schema_first },
	{ "indexes of rare rows", schema_rare },
	{ "begins of a stream", schema_begins },
	{ "index of rare statuses", schema_classes },
	{ "counts by minute and hour", schema_rollups },
	{ "settings of the instance", schema_settings },
	{ "rows of each vault", schema_counts },
	{ "views with readable columns", schema_views },
	{ "logins", schema_logins },
	{ "what retention has deleted", schema_gone }
};
const int	schema_nmigrations =
    sizeof(schema_migrations) / sizeof(schema_migrations[0]);

static const struct {
	const char	*list;
	const char	*(*name)(unsigned int);
	unsigned int	 max;
} lists[] = {
	{ "kind",	kind_name,	KIND_MAX },
	{ "actor",	actor_name,	ACTOR_MAX },
	{ "ingress",	ingress_name,	INGRESS_MAX },
	{ "decision",	decision_name,	DECISION_MAX },
	{ "protocol",	protocol_name,	PROTOCOL_MAX },
	{ "scheme",	scheme_name,	SCHEME_MAX },
	{ "error",	error_name,	ERROR_MAX },
	{ "event",	event_name,	EVENT_MAX }
};
#define NLISTS	(sizeof(lists) / sizeof(lists[0]))

int64_t
schema_flags(unsigned int kind, unsigned int ingress, unsigned int decision,
    unsigned int protocol, unsigned int path, unsigned int error,
    unsigned int event)
{
	return ((int64_t)(kind & 0x0f) | (ingress & 7) << 4 |
	    (decision & 7) << 7 | (protocol & 7) << 10 | (path & 7) << 13 |
	    (int64_t)(error & 0xff) << 16 | (int64_t)(event & 0xff) << 24);
}

static int
schema_table(unsigned int kind)
{
	const struct msg_field	*f;
	char			 sql[4096];
	const char		*type;
	size_t			 n;

	n = snprintf(sql, sizeof(sql), "CREATE TABLE %s (", object_name(kind));
	for (f = object_desc(kind)->fields(); f->name != NULL; f++) {
		type = f->type == F_STR || f->type == F_SECRET ? "TEXT" :
		    f->type == F_BLOB || f->type == F_FIX ? "BLOB" : "INTEGER";
		n += snprintf(sql + n, sizeof(sql) - n, "%s%s %s%s",
		    f->off == 0 ? "" : ", ", f->name, type, f->off == 0 ?
		    " PRIMARY KEY" : " NOT NULL");
		if (n >= sizeof(sql) - sizeof(") STRICT"))
			return (-1);
	}
	(void)snprintf(sql + n, sizeof(sql) - n, ") STRICT");
	return (db_exec(sql));
}

/* Kinds that the first schema had; each later one has its migration. */
#define FIRST_OBJECTS	OBJ_SETTINGS

static int
schema_first(void)
{
	unsigned int	 i;

	for (i = 0; i < FIRST_OBJECTS; i++) {
		if (schema_table(i) == -1)
			return (-1);
	}
	if (db_exec(log_tables) == -1)
		return (-1);
	return (db_exec(log_views));
}

static int
schema_rare(void)
{
	return (db_exec(log_rare));
}

static int
schema_begins(void)
{
	return (db_exec("ALTER TABLE streams ADD COLUMN begins INTEGER"
	    " NOT NULL DEFAULT 0"));
}

static int
schema_classes(void)
{
	return (db_exec(log_classes));
}

static int
schema_rollups(void)
{
	int64_t	 last;
	int	 rc;

	rollup_clear();
	if (db_exec(log_rollups) == -1 ||
	    db_int(&sql_last, 0, &last, "") == -1)
		return (-1);
	rc = rollup_write(last);
	rollup_clear();
	return (rc);
}

static int
schema_settings(void)
{
	return (schema_table(OBJ_SETTINGS));
}

static int
schema_counts(void)
{
	return (db_exec(log_counts));
}

static int
schema_logins(void)
{
	return (schema_table(OBJ_LOGIN));
}

static int
schema_gone(void)
{
	return (db_exec(log_gone));
}

/* The views' names follow codes.h without a migration. */
static int
schema_codes(void)
{
	int64_t		 have;
	unsigned int	 i, j, n = 0;

	for (i = 0; i < NLISTS; i++)
		n += lists[i].max;
	if (db_int(&sql_ncodes, 0, &have, "") == -1)
		return (-1);
	if (have == n)
		return (0);
	if (db_begin(1) == -1)
		return (-1);
	for (i = 0; i < NLISTS; i++) {
		for (j = 0; j < lists[i].max; j++) {
			if (db_run(&sql_code, "tit", lists[i].list,
			    (int64_t)j, lists[i].name(j)) == -1) {
				db_rollback();
				return (-1);
			}
		}
	}
	return (db_commit());
}

/*
 * Ten million rows would take too long, and so would what charts are made
 * of: a damaged page of the log is met by the query, the retention or the
 * flush that needs it.  Before a migration, which would write.
 */
static int
schema_sound(const char *dir, char *why, size_t len)
{
	static const char *const	 log[] = { "meta", "streams",
	    "live_scopes", "open_requests", "scopes", "targets",
	    "minutes", "counts" };
	char		 sql[160];
	const char	*table;
	sqlite3_stmt	*s;
	unsigned int	 i;
	int		 rc;

	for (i = 0; i < OBJ_MAX + sizeof(log) / sizeof(log[0]); i++) {
		table = i < OBJ_MAX ? object_name(i) : log[i - OBJ_MAX];
		(void)snprintf(sql, sizeof(sql),
		    "SELECT integrity_check FROM sqlite_schema,"
		    " pragma_integrity_check(name) WHERE name = '%s'", table);
		rc = sqlite3_prepare_v2(db_handle(), sql, -1, &s, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_step(s);
		/* There is no such table yet. */
		if (rc == SQLITE_DONE) {
			sqlite3_finalize(s);
			continue;
		}
		if (rc != SQLITE_ROW || strcmp(db_text(s, 0), "ok") != 0) {
			(void)snprintf(why, len, "%s/" DB_FILE " is damaged "
			    "(table %s: %s): " DB_REMEDY, dir, table,
			    rc == SQLITE_ROW ? db_text(s, 0) :
			    sqlite3_errmsg(db_handle()));
			sqlite3_finalize(s);
			return (-1);
		}
		sqlite3_finalize(s);
	}
	return (0);
}

int
schema_open(const char *dir, char *why, size_t len)
{
	if (schema_sound(dir, why, len) == -1 || migrate_run(dir,
	    schema_migrations, schema_nmigrations, why, len) == -1)
		return (-1);
	if (db_settle() == -1 || schema_codes() == -1) {
		(void)snprintf(why, len, "%s/" DB_FILE ": %s", dir,
		    db_errstr());
		return (-1);
	}
	return (0);
}

int
schema_get(const char *key, int64_t none, int64_t *value)
{
	return (db_int(&sql_get, none, value, "t", key));
}

int
schema_set(const char *key, int64_t value)
{
	return (db_run(&sql_set, "ti", key, value));
}
