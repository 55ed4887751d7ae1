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
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "db.h"
#include "dict.h"
#include "insert.h"
#include "refuse.h"
#include "rollup.h"
#include "schema.h"
#include "stream.h"
#include "vault.h"

#define LATE	INT64_C(60000000)	/* microseconds, see querytime.h */
#define COLUMNS	20
#define COLUMN_NAMES							\
    "id, vault, scope, target, flags, status, request_id, stream, seq,"	\
    " conn, latency, ttfb, bytes_in, bytes_out, path, client, upstream," \
    " trace_id, count, detail"
#define VALUES	"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define VALUES4	VALUES ", " VALUES ", " VALUES ", " VALUES
#define VALUES8	VALUES4 ", " VALUES4

/*
 * A statement of several rows has a price of its own, a savepoint, so that it
 * pays to have many; a small flush should not go row by row either.
 */
#define SOME_ROWS	8

static struct db_sql	 sql_one =
    DB_SQL("INSERT INTO log (" COLUMN_NAMES ") VALUES " VALUES);
static struct db_sql	 sql_some = DB_SQL("INSERT INTO log (" COLUMN_NAMES
    ") VALUES " VALUES8);
static struct db_sql	 sql_many = DB_SQL("INSERT INTO log (" COLUMN_NAMES
    ") VALUES " VALUES8 ", " VALUES8 ", " VALUES8 ", " VALUES8);
static struct db_sql	 sql_open = DB_SQL(
    "INSERT INTO open_requests (stream, seq, vault, scope, target, flags,"
    " request_id, conn, path, client, trace_id, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
static struct db_sql	 sql_close = DB_SQL(
    "DELETE FROM open_requests WHERE stream = ? AND seq = ?");
static struct db_sql	 sql_minute = DB_SQL(
    "INSERT INTO minutes (minute, first_id, last_id) VALUES (?, ?, ?)"
    " ON CONFLICT (minute) DO UPDATE SET last_id = excluded.last_id");

struct insert_counters	 insert_counters;

/* A row that waits for others to share a statement with. */
struct slot {
	struct record	*r;
	int64_t		 id;
	int64_t		 scope;
};

static struct slot	 slots[INSERT_ROWS];
static int		 nslots;
static int64_t		 now;		/* of the statements under way */
static int64_t		 next_id = 1;
static int64_t		 first_id = 1;	/* of this transaction */
static uint64_t		 rows;		/* in it */
static int		 singly;	/* one by one, to find a bad one */

static int	insert_refs(struct record *, int64_t, int64_t *);
static int	insert_bind(sqlite3_stmt *, int, const struct slot *);
static int	insert_flush(void);
static int	insert_several(const struct slot *, int);
static int	insert_each(const struct slot *, int);
static int	insert_refused(struct record *);
static int	insert_count(const struct record *);
static int64_t	record_flags(const struct record *);
static int64_t	record_late(const struct record *);
static const uint8_t	*trace_id(const struct record *, size_t *);

void
insert_init(int64_t next)
{
	next_id = first_id = next;
	nslots = 0;
	rollup_clear();
}

int64_t
insert_head(void)
{
	return (first_id - 1);
}

int64_t
insert_last(void)
{
	return (next_id - 1);
}

static int64_t
record_flags(const struct record *r)
{
	return (schema_flags(r->kind, r->ingress, r->decision, r->protocol,
	    r->path_cut, r->error_code, r->event));
}

/*
 * Readers find rows by their time among those that were committed soon after
 * it; a clock that was moved may put it behind the commit.
 */
static int64_t
record_late(const struct record *r)
{
	const int64_t	 age = now - record_time(r->request_id);

	return (age < 0 || age > LATE ? FLAGS_LATE : 0);
}

static const uint8_t *
trace_id(const struct record *r, size_t *len)
{
	static const uint8_t	 none[sizeof(r->trace_id)];

	*len = memcmp(r->trace_id, none, sizeof(none)) == 0 ? 0 :
	    sizeof(none);
	return (r->trace_id);
}

/*
 * The vault is looked at row by row, so that no row is inserted that the
 * foreign key would refuse together with all that share its statement.
 */
static int
insert_refs(struct record *r, int64_t id, int64_t *scope)
{
	if (vault_find(r->vault) == NULL) {
		record_orphan(r);
		insert_counters.orphans++;
	}
	*scope = 0;
	if (r->who != NULL && dict_who(r->who, id, scope) == -1)
		return (-1);
	if (r->flags & REC_OPEN)
		return (r->target.id == 0 ? 0 : dict_target_use(r, id));
	if (*r->host == '\0' && *r->method == '\0')
		return (0);
	return (dict_target(r, r->vault, id));
}

/*
 * The statement's fault, or the end of the transaction?  A row that is to
 * blame for that as well is left out when everything else is tried again.
 */
static int
insert_refused(struct record *r)
{
	if (db_error() != DB_CONSTRAINT)
		return (-1);
	if (db_lost()) {
		r->flags |= REC_BAD;
		return (-1);
	}
	refuse_record(r, db_errstr());
	return (0);
}

static int
insert_bind(sqlite3_stmt *s, int n, const struct slot *slot)
{
	const struct record	*r = slot->r;
	const uint8_t		*trace;
	size_t			 len;
	int			 c = n * COLUMNS, rc = 0;

#define INT(v)	rc |= sqlite3_bind_int64(s, ++c, (v))
#define OPT(has, v)							\
	rc |= (has) ? sqlite3_bind_int64(s, ++c, (v)) :			\
	    sqlite3_bind_null(s, ++c)
#define BYTES(p, n)							\
	rc |= (n) > 0 ? sqlite3_bind_blob(s, ++c, (p), (n),		\
	    SQLITE_STATIC) : sqlite3_bind_null(s, ++c)
	INT(slot->id);
	OPT(r->vault != 0, (int64_t)r->vault);
	OPT(slot->scope != 0, slot->scope);
	OPT(r->target.id != 0, r->target.id);
	INT(record_flags(r) | record_late(r));
	OPT(r->status >= 0, r->status);
	BYTES(r->request_id, sizeof(r->request_id));
	OPT(r->stream != NULL, stream_id(r->stream));
	OPT(r->seq != 0, (int64_t)r->seq);
	OPT(r->conn != 0, (int64_t)r->conn);
	OPT(r->latency >= 0, r->latency);
	OPT(r->ttfb >= 0, r->ttfb);
	OPT(r->kind == KIND_REQUEST || r->latency >= 0, (int64_t)r->bytes_in);
	OPT(r->kind == KIND_REQUEST || r->latency >= 0, (int64_t)r->bytes_out);
	rc |= *r->path == '\0' ? sqlite3_bind_null(s, ++c) :
	    sqlite3_bind_text(s, ++c, r->path, -1, SQLITE_STATIC);
	BYTES(r->client, r->client_len);
	BYTES(r->upstream, r->upstream_len);
	trace = trace_id(r, &len);
	BYTES(trace, len);
	OPT(r->count != 0, (int64_t)r->count);
	rc |= *r->detail == '\0' ? sqlite3_bind_null(s, ++c) :
	    sqlite3_bind_text(s, ++c, r->detail, -1, SQLITE_STATIC);
#undef INT
#undef OPT
#undef BYTES
	return (rc == SQLITE_OK ? 0 : -1);
}

/* Only what is in the table by now is counted. */
static int
insert_count(const struct record *r)
{
	struct rollup_row	 row;
	struct vault		*v;

	rows++;
	if (r->kind != KIND_AUDIT && (v = vault_find(r->vault)) != NULL)
		vault_change(v, 1);
	if (r->kind != KIND_REQUEST)
		return (0);
	row.vault = r->vault;
	row.started = record_time(r->request_id);
	row.status = r->status;
	row.latency = r->latency;
	row.bytes_in = r->bytes_in;
	row.bytes_out = r->bytes_out;
	row.decision = r->decision;
	row.error = r->error_code != 0;
	row.target = r->target.id;
	row.host = r->host;
	row.service = r->service;
	return (rollup_add(&row));
}

/* One by one: to find the row that is to blame, and for what is left over. */
static int
insert_each(const struct slot *first, int n)
{
	sqlite3_stmt	*s;
	int		 i;

	if ((s = db_prep(&sql_one)) == NULL)
		return (-1);
	for (i = 0; i < n; i++) {
		if (insert_bind(s, 0, &first[i]) == -1)
			return (-1);
		if (db_step(s) == 0) {
			if (insert_count(first[i].r) == -1)
				return (-1);
		} else if (insert_refused(first[i].r) == -1)
			return (-1);
	}
	return (0);
}

static int
insert_several(const struct slot *first, int n)
{
	sqlite3_stmt	*s;
	int		 i;

	s = db_prep(n == INSERT_ROWS ? &sql_many : &sql_some);
	if (s == NULL)
		return (-1);
	for (i = 0; i < n; i++) {
		if (insert_bind(s, i, &first[i]) == -1)
			return (-1);
	}
	if (db_step(s) == 0) {
		for (i = 0; i < n; i++) {
			if (insert_count(first[i].r) == -1)
				return (-1);
		}
		return (0);
	}
	if (db_error() != DB_CONSTRAINT)
		return (-1);
	if (db_lost()) {
		singly = 1;
		return (-1);
	}
	return (insert_each(first, n));
}

static int
insert_flush(void)
{
	int	 i, n, rc;

	now = clock_now();
	for (i = 0; i < nslots; i += n) {
		n = nslots - i;
		n = n >= INSERT_ROWS ? INSERT_ROWS : n >= SOME_ROWS ?
		    SOME_ROWS : n;
		rc = singly || n < SOME_ROWS ? insert_each(&slots[i], n) :
		    insert_several(&slots[i], n);
		if (rc == -1)
			return (-1);
	}
	nslots = 0;
	return (0);
}

int
insert_row(struct record *r)
{
	struct slot	*slot = &slots[nslots];

	if ((r->flags & REC_OPEN) && db_run(&sql_close, "ii",
	    stream_id(r->stream), (int64_t)r->seq) == -1)
		return (-1);
	if (r->flags & REC_BAD) {
		refuse_record(r, NULL);
		return (0);
	}
	slot->r = r;
	if (next_id == first_id && rollup_start(first_id) == -1)
		return (-1);
	slot->id = next_id++;
	if (insert_refs(r, slot->id, &slot->scope) == -1)
		return (insert_refused(r));
	return (++nslots == INSERT_ROWS ? insert_flush() : 0);
}

int
insert_open(struct record *r)
{
	const uint8_t	*trace;
	int64_t		 scope;
	size_t		 len;

	if (r->flags & REC_BAD) {
		refuse_record(r, NULL);
		return (0);
	}
	if (insert_refs(r, next_id, &scope) == -1)
		return (insert_refused(r));
	trace = trace_id(r, &len);
	if (db_run(&sql_open, "iizzzibzebbe", stream_id(r->stream),
	    (int64_t)r->seq, (int64_t)r->vault, scope, r->target.id,
	    record_flags(r), r->request_id, sizeof(r->request_id),
	    (int64_t)r->conn, r->path, r->client, (size_t)r->client_len,
	    trace, len, r->detail) == -1)
		return (insert_refused(r));
	r->flags |= REC_NEWOPEN;
	return (0);
}

int
insert_finish(void)
{
	if (insert_flush() == -1 || rollup_finish(next_id - 1) == -1 ||
	    vault_save() == -1)
		return (-1);
	if (next_id == first_id)
		return (0);
	if (db_run(&sql_minute, "iii", clock_now() / 60000000, first_id,
	    next_id - 1) == -1 || schema_set("next_id", next_id) == -1)
		return (-1);
	return (0);
}

void
insert_skip(int64_t n)
{
	next_id += n;
	first_id = next_id;
}

void
insert_undo(void)
{
	next_id = first_id;
	nslots = 0;
	rows = 0;
	rollup_clear();
	vault_undo();
	refuse_undo();
}

void
insert_committed(void)
{
	insert_counters.rows += rows;
	rows = 0;
	singly = 0;
	first_id = next_id;
	refuse_committed();
}
