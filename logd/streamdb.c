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
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>
#include <string.h>

#include "batch.h"
#include "db.h"
#include "insert.h"
#include "log.h"
#include "schema.h"
#include "scope.h"
#include "streamdb.h"
#include "streamend.h"

TAILQ_HEAD(stream_list, stream);

static struct stream_list	 dirty = TAILQ_HEAD_INITIALIZER(dirty);

static struct db_sql	 sql_load = DB_SQL(
    "SELECT id, instance, proc, idx, last_seq, ended, begins FROM streams");
static struct db_sql	 sql_open = DB_SQL(
    "SELECT o.seq, o.vault, o.target, o.flags, o.request_id, o.conn, o.path,"
    " o.client, o.trace_id, o.detail, s.vault, s.actor_type, s.actor,"
    " s.actor_name, s.session FROM open_requests o"
    " LEFT JOIN scopes s ON s.id = o.scope WHERE o.stream = ?");
static struct db_sql	 sql_insert = DB_SQL(
    "INSERT INTO streams (instance, proc, idx, last_seq, ended, last_id)"
    " VALUES (?, ?, ?, 0, 0, 0)");
static struct db_sql	 sql_save = DB_SQL(
    "UPDATE streams SET last_seq = ?, ended = ?, last_id = ?, begins = ?"
    " WHERE id = ?");
static struct db_sql	 sql_trim = DB_SQL(
    "DELETE FROM streams WHERE ended <> 0 AND last_id < ? AND id <="
    " (SELECT max(id) FROM streams) - ? RETURNING instance");

static int	load_open(struct stream *);
static void	load_request(struct stream *, sqlite3_stmt *);
static void	load_bytes(sqlite3_stmt *, int, uint8_t *, size_t, uint8_t *);

static void
load_bytes(sqlite3_stmt *s, int column, uint8_t *p, size_t size, uint8_t *len)
{
	const void	*data = sqlite3_column_blob(s, column);
	size_t		 n = sqlite3_column_bytes(s, column);

	if (data == NULL || n > size)
		return;
	memcpy(p, data, n);
	if (len != NULL)
		*len = n;
}

static void
load_request(struct stream *st, sqlite3_stmt *s)
{
	struct record	*r;
	int64_t		 flags = sqlite3_column_int64(s, 3);

	r = record_stored(st, sqlite3_column_int64(s, 0), db_text(s, 6),
	    db_text(s, 9));
	r->vault = sqlite3_column_int64(s, 1);
	r->target.id = sqlite3_column_int64(s, 2);
	r->kind = FLAGS_KIND(flags);
	r->ingress = FLAGS_INGRESS(flags);
	r->decision = FLAGS_DECISION(flags);
	r->protocol = FLAGS_PROTOCOL(flags);
	r->path_cut = FLAGS_PATH(flags);
	r->event = FLAGS_EVENT(flags);
	r->conn = sqlite3_column_int64(s, 5);
	load_bytes(s, 4, r->request_id, sizeof(r->request_id), NULL);
	load_bytes(s, 7, r->client, sizeof(r->client), &r->client_len);
	load_bytes(s, 8, r->trace_id, sizeof(r->trace_id), NULL);
	if (sqlite3_column_type(s, 10) != SQLITE_NULL)
		r->who = who_new(sqlite3_column_int64(s, 10),
		    sqlite3_column_int(s, 11), db_text(s, 12), db_text(s, 13),
		    db_text(s, 14));
	stream_note(r);
}

static int
load_open(struct stream *st)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_open)) == NULL || db_bind(s, "i", st->id) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1)
		load_request(st, s);
	return (rc);
}

int
streamdb_load(void)
{
	struct stream	*st;
	sqlite3_stmt	*s;
	uint64_t	 instance;
	int		 rc;

	if ((s = db_prep(&sql_load)) == NULL)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		instance = sqlite3_column_int64(s, 1);
		/* Its link may have come already. */
		if ((st = stream_find(instance)) == NULL)
			st = stream_new(instance, sqlite3_column_int(s, 2),
			    sqlite3_column_int(s, 3));
		st->id = sqlite3_column_int64(s, 0);
		st->seen = st->committed = sqlite3_column_int64(s, 4);
		st->ended = sqlite3_column_int(s, 5);
		st->begins = sqlite3_column_int64(s, 6);
		st->eof = st->ended != STREAM_LIVES;
		st->saved = 1;
	}
	if (rc == -1)
		return (-1);
	RB_FOREACH(st, streams, &streams) {
		if (load_open(st) == -1)
			return (-1);
	}
	return (0);
}

void
streamdb_unload(void)
{
	struct stream	*st;

	while ((st = RB_MIN(streams, &streams)) != NULL)
		stream_free(st);
	TAILQ_INIT(&dirty);
}

void
stream_touch(struct stream *st)
{
	if (!st->dirty) {
		st->dirty = 1;
		TAILQ_INSERT_TAIL(&dirty, st, dirty_entry);
	}
	batch_touch();
}

int
streamdb_dirty(void)
{
	return (!TAILQ_EMPTY(&dirty));
}

/* Rows of the log and open requests refer to it, so it comes before them. */
int
streamdb_insert(void)
{
	struct stream	*st;

	TAILQ_FOREACH(st, &dirty, dirty_entry) {
		if (st->saved)
			continue;
		if (db_run(&sql_insert, "iii", (int64_t)st->instance,
		    (int64_t)st->proc, (int64_t)st->index) == -1)
			return (-1);
		st->id = sqlite3_last_insert_rowid(db_handle());
	}
	return (0);
}

int
streamdb_save(void)
{
	struct stream	*st;

	TAILQ_FOREACH(st, &dirty, dirty_entry) {
		if (db_run(&sql_save, "iiiii", (int64_t)st->seen,
		    (int64_t)st->ended, insert_last(), (int64_t)st->begins,
		    st->id) == -1)
			return (-1);
		st->saving = st->seen;
	}
	return (0);
}

void
streamdb_saved(void)
{
	struct msg_ack	 ack;
	struct stream	*st;

	while ((st = TAILQ_FIRST(&dirty)) != NULL) {
		TAILQ_REMOVE(&dirty, st, dirty_entry);
		st->dirty = 0;
		st->saved = 1;
		st->committed = st->saving;
		if (st->link != NULL && st->hello) {
			ack.seq = st->committed;
			(void)link_send(st->link, MSG_ACK, &ack, -1);
		}
		scope_passed(st->instance, st->committed);
		streamend_saved(st);
	}
}

void
streamdb_undo(void)
{
	struct stream	*st;

	TAILQ_FOREACH(st, &dirty, dirty_entry) {
		if (!st->saved)
			st->id = 0;
	}
}

int
streamdb_trim(int64_t oldest)
{
	struct stream	*st;
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_trim)) == NULL || db_bind(s, "ii", oldest,
	    (int64_t)STREAM_KEEP) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		st = stream_find(sqlite3_column_int64(s, 0));
		if (st == NULL || st->dirty)
			continue;
		scope_ended(st->instance);
		stream_free(st);
	}
	return (rc);
}
