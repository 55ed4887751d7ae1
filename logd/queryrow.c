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

#include "codes.h"
#include "db.h"
#include "log.h"
#include "queryrow.h"
#include "record.h"
#include "schema.h"

static struct db_sql	 sql_row = DB_SQL(
    "SELECT l.id, l.flags, l.request_id, l.vault, s.actor_type, s.actor,"
    " s.actor_name, s.session, l.conn, t.method, t.host, t.port, l.path,"
    " t.service, t.keys, t.auth_scheme, t.auth_header, l.status,"
    " l.latency, l.ttfb, l.bytes_in, l.bytes_out, l.client, l.upstream,"
    " l.trace_id, i.instance, l.seq, l.count, l.detail FROM log l"
    " LEFT JOIN scopes s ON s.id = l.scope"
    " LEFT JOIN targets t ON t.id = l.target"
    " LEFT JOIN streams i ON i.id = l.stream WHERE l.id = ?");

static const char	*row_text(sqlite3_stmt *, int, struct arena *);
static void	row_bytes(sqlite3_stmt *, int, uint8_t *, size_t);
static void	row_addr(sqlite3_stmt *, int, uint16_t, struct msg_addr *);
static int64_t	row_number(sqlite3_stmt *, int);
static void	row_event(struct rec_row *, unsigned int);
static void	row_take(sqlite3_stmt *, struct rec_row *, struct arena *);

static const char *
row_text(sqlite3_stmt *s, int column, struct arena *arena)
{
	const char	*p = db_text(s, column);
	size_t		 len = strlen(p) + 1;
	char		*copy;

	if (len == 1)
		return ("");
	if ((copy = arena_alloc(arena, len)) == NULL)
		fatal("query");
	memcpy(copy, p, len);
	return (copy);
}

static void
row_bytes(sqlite3_stmt *s, int column, uint8_t *p, size_t size)
{
	if (sqlite3_column_bytes(s, column) == (int)size)
		memcpy(p, sqlite3_column_blob(s, column), size);
}

static void
row_addr(sqlite3_stmt *s, int column, uint16_t usual, struct msg_addr *a)
{
	addr_unpack(sqlite3_column_blob(s, column),
	    sqlite3_column_bytes(s, column), usual, a);
}

/* -1 is "not known". */
static int64_t
row_number(sqlite3_stmt *s, int column)
{
	if (sqlite3_column_type(s, column) == SQLITE_NULL)
		return (-1);
	return (sqlite3_column_int64(s, column));
}

/* What an event is about has a number, of an audit row it is the path. */
static void
row_event(struct rec_row *r, unsigned int event)
{
	r->action = "";
	if (r->kind == KIND_AUDIT) {
		r->action = r->path;
		r->path = "";
	} else if (event != EVENT_NONE)
		r->action = event_name(event);
}

static void
row_take(sqlite3_stmt *s, struct rec_row *r, struct arena *arena)
{
	int64_t	 flags = sqlite3_column_int64(s, 1);

	r->id = sqlite3_column_int64(s, 0);
	r->kind = FLAGS_KIND(flags);
	row_bytes(s, 2, r->request_id, sizeof(r->request_id));
	r->started = record_time(r->request_id);
	r->vault = sqlite3_column_int64(s, 3);
	r->actor_type = sqlite3_column_int(s, 4);
	r->actor = row_text(s, 5, arena);
	r->actor_name = row_text(s, 6, arena);
	r->session = row_text(s, 7, arena);
	r->ingress = FLAGS_INGRESS(flags);
	r->conn = sqlite3_column_int64(s, 8);
	r->method = row_text(s, 9, arena);
	r->host = row_text(s, 10, arena);
	r->port = sqlite3_column_int(s, 11);
	r->path = row_text(s, 12, arena);
	r->path_cut = FLAGS_PATH(flags);
	r->service = row_text(s, 13, arena);
	r->keys = row_text(s, 14, arena);
	r->decision = FLAGS_DECISION(flags);
	r->status = row_number(s, 17);
	r->error_code = FLAGS_ERROR(flags);
	r->latency = row_number(s, 18);
	r->ttfb = row_number(s, 19);
	r->bytes_in = sqlite3_column_int64(s, 20);
	r->bytes_out = sqlite3_column_int64(s, 21);
	r->protocol = FLAGS_PROTOCOL(flags);
	row_addr(s, 22, 0, &r->client);
	row_addr(s, 23, r->port, &r->upstream);
	row_bytes(s, 24, r->trace_id, sizeof(r->trace_id));
	r->auth_scheme = sqlite3_column_int(s, 15);
	r->auth_header = row_text(s, 16, arena);
	r->instance = sqlite3_column_int64(s, 25);
	r->seq = sqlite3_column_int64(s, 26);
	r->count = sqlite3_column_int64(s, 27);
	r->detail = row_text(s, 28, arena);
	row_event(r, FLAGS_EVENT(flags));
}

int
queryrow_read(int64_t id, struct rec_row *r, struct arena *arena)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_row)) == NULL || db_bind(s, "i", id) == -1)
		return (-1);
	if ((rc = db_step(s)) != 1)
		return (rc);
	memset(r, 0, sizeof(*r));
	row_take(s, r, arena);
	db_reset(s);
	return (1);
}
