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
#include "insert.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "query.h"
#include "record.h"
#include "schema.h"
#include "scope.h"

#define SELECT								\
    "SELECT l.id, l.flags, l.request_id, l.vault, s.actor_type, s.actor," \
    " s.actor_name, s.session, l.conn, t.method, t.host, t.port, l.path," \
    " t.service, t.keys, t.auth_scheme, t.auth_header, l.status,"	\
    " l.latency, l.ttfb, l.bytes_in, l.bytes_out, l.client, l.upstream," \
    " l.trace_id, i.instance, l.seq, l.count, l.detail FROM log l "
#define JOIN								\
    " LEFT JOIN scopes s ON s.id = l.scope"				\
    " LEFT JOIN targets t ON t.id = l.target"				\
    " LEFT JOIN streams i ON i.id = l.stream WHERE "
#define OLDER	"l.id < ? ORDER BY l.id DESC LIMIT ?"
#define NEWER	"l.id > ? ORDER BY l.id LIMIT ?"
#define INDEXED	"INDEXED BY log_vault"

enum { OF_VAULT, OF_INSTANCE, OF_ALL };

static struct db_sql	 sql_rows[3][2] = {
	{ DB_SQL(SELECT INDEXED JOIN "l.vault = ? AND " OLDER),
	  DB_SQL(SELECT INDEXED JOIN "l.vault = ? AND " NEWER) },
	{ DB_SQL(SELECT INDEXED JOIN "l.vault IS NULL AND " OLDER),
	  DB_SQL(SELECT INDEXED JOIN "l.vault IS NULL AND " NEWER) },
	{ DB_SQL(SELECT JOIN OLDER),
	  DB_SQL(SELECT JOIN NEWER) }
};

static void	query_refuse(struct query *, uint16_t, const char *);
static const char	*query_text(sqlite3_stmt *, int, struct arena *);
static void	query_bytes(sqlite3_stmt *, int, uint8_t *, size_t);
static void	query_addr(sqlite3_stmt *, int, struct msg_addr *);
static int64_t	query_number(sqlite3_stmt *, int);
static void	query_row(sqlite3_stmt *, struct rec_row *, struct arena *);
static void	query_event(struct rec_row *, unsigned int);
static int	query_read(struct query *, struct arena *);
static void	query_order(struct query *);
static size_t	row_size(const struct rec_row *);
static void	query_send(struct link *, uint32_t, const struct query *);
static void	query_end(struct link *, uint32_t, const struct query *);
static void	query_resume(struct link *, void *);
static void	query_turn(void *);

static int	 asked;		/* in this turn */

static void
query_refuse(struct query *q, uint16_t status, const char *text)
{
	q->n = 0;
	q->status = status;
	q->text = text;
}

static const char *
query_text(sqlite3_stmt *s, int column, struct arena *arena)
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
query_bytes(sqlite3_stmt *s, int column, uint8_t *p, size_t size)
{
	if (sqlite3_column_bytes(s, column) == (int)size)
		memcpy(p, sqlite3_column_blob(s, column), size);
}

static void
query_addr(sqlite3_stmt *s, int column, struct msg_addr *a)
{
	addr_unpack(sqlite3_column_blob(s, column),
	    sqlite3_column_bytes(s, column), a);
}

/* -1 is "not known". */
static int64_t
query_number(sqlite3_stmt *s, int column)
{
	if (sqlite3_column_type(s, column) == SQLITE_NULL)
		return (-1);
	return (sqlite3_column_int64(s, column));
}

/* What an event is about has a number, of an audit row it is the path. */
static void
query_event(struct rec_row *r, unsigned int event)
{
	r->action = "";
	if (r->kind == KIND_AUDIT) {
		r->action = r->path;
		r->path = "";
	} else if (event != EVENT_NONE)
		r->action = event_name(event);
}

static void
query_row(sqlite3_stmt *s, struct rec_row *r, struct arena *arena)
{
	int64_t	 flags = sqlite3_column_int64(s, 1);

	r->id = sqlite3_column_int64(s, 0);
	r->kind = FLAGS_KIND(flags);
	query_bytes(s, 2, r->request_id, sizeof(r->request_id));
	r->started = record_time(r->request_id);
	r->vault = sqlite3_column_int64(s, 3);
	r->actor_type = sqlite3_column_int(s, 4);
	r->actor = query_text(s, 5, arena);
	r->actor_name = query_text(s, 6, arena);
	r->session = query_text(s, 7, arena);
	r->ingress = FLAGS_INGRESS(flags);
	r->conn = sqlite3_column_int64(s, 8);
	r->method = query_text(s, 9, arena);
	r->host = query_text(s, 10, arena);
	r->port = sqlite3_column_int(s, 11);
	r->path = query_text(s, 12, arena);
	r->path_cut = FLAGS_PATH(flags);
	r->service = query_text(s, 13, arena);
	r->keys = query_text(s, 14, arena);
	r->decision = FLAGS_DECISION(flags);
	r->status = query_number(s, 17);
	r->error_code = FLAGS_ERROR(flags);
	r->latency = query_number(s, 18);
	r->ttfb = query_number(s, 19);
	r->bytes_in = sqlite3_column_int64(s, 20);
	r->bytes_out = sqlite3_column_int64(s, 21);
	r->protocol = FLAGS_PROTOCOL(flags);
	query_addr(s, 22, &r->client);
	query_addr(s, 23, &r->upstream);
	query_bytes(s, 24, r->trace_id, sizeof(r->trace_id));
	r->auth_scheme = sqlite3_column_int(s, 15);
	r->auth_header = query_text(s, 16, arena);
	r->instance = sqlite3_column_int64(s, 25);
	r->seq = sqlite3_column_int64(s, 26);
	r->count = sqlite3_column_int64(s, 27);
	r->detail = query_text(s, 28, arena);
	query_event(r, FLAGS_EVENT(flags));
}

/* One row more than asked for tells whether there is an older one. */
static int
query_read(struct query *q, struct arena *arena)
{
	sqlite3_stmt	*s;
	int64_t		 limit = q->tail ? q->limit : q->limit + 1;
	int64_t		 from;
	int		 of, rc;

	of = q->vault != 0 ? OF_VAULT : q->all ? OF_ALL : OF_INSTANCE;
	from = q->tail ? (int64_t)q->after :
	    q->before == 0 ? INT64_MAX : (int64_t)q->before;
	if ((s = db_prep(&sql_rows[of][q->tail != 0])) == NULL)
		return (-1);
	rc = of == OF_VAULT ?
	    db_bind(s, "iii", (int64_t)q->vault, from, limit) :
	    db_bind(s, "ii", from, limit);
	if (rc == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		if (q->n == q->limit) {
			q->next_cursor = q->rows[q->n - 1].id;
			db_reset(s);
			return (0);
		}
		query_row(s, &q->rows[q->n++], arena);
	}
	return (rc);
}

/* A tail was read upwards, and is given like a page. */
static void
query_order(struct query *q)
{
	struct rec_row	 r;
	uint32_t	 i;

	for (i = 0; i < q->n / 2; i++) {
		r = q->rows[i];
		q->rows[i] = q->rows[q->n - 1 - i];
		q->rows[q->n - 1 - i] = r;
	}
}

void
query_run(struct query *q, struct arena *arena)
{
	uint64_t	 head = insert_head();

	q->status = 200;
	q->text = "";
	q->n = 0;
	q->next_cursor = 0;
	q->latest_id = head;
	if (q->limit == 0)
		q->limit = QUERY_LIMIT;
	if (q->limit > QUERY_MAX)
		q->limit = QUERY_MAX;
	if (q->tail && q->before != 0) {
		query_refuse(q, 400, "before and after are mutually "
		    "exclusive");
		return;
	}
	if ((q->tail ? q->after : q->before) > head) {
		query_refuse(q, 409, "cursor_invalid");
		return;
	}
	q->rows = arena_alloc(arena, q->limit * sizeof(*q->rows));
	if (q->rows == NULL)
		fatal("query");
	if (query_read(q, arena) == -1) {
		log_warnx("query: %s", db_errstr());
		query_refuse(q, 503, "the request log cannot be read now");
		return;
	}
	if (!q->tail)
		return;
	query_order(q);
	if (q->n == q->limit)
		q->latest_id = q->rows[0].id;
}

/* More than the fixed fields of a row take. */
#define ROW_FIXED	320

static size_t
row_size(const struct rec_row *r)
{
	return (ROW_FIXED + strlen(r->actor) + strlen(r->actor_name) +
	    strlen(r->host) + strlen(r->path) + strlen(r->service) +
	    strlen(r->keys) + strlen(r->auth_header) + strlen(r->detail) +
	    strlen(r->method));
}

static void
query_send(struct link *l, uint32_t id, const struct query *q)
{
	struct msg_rows	 m;
	size_t		 size = 0, add;
	uint32_t	 i;

	m.id = id;
	m.rows = q->rows;
	m.rows_n = 0;
	for (i = 0; i < q->n; i++) {
		add = row_size(&q->rows[i]);
		if (size + add > QUERY_PAGE) {
			if (link_send(l, MSG_ROWS, &m, -1) == -1)
				fatal("rows");
			m.rows += m.rows_n;
			m.rows_n = 0;
			size = 0;
		}
		m.rows_n++;
		size += add;
	}
	if (m.rows_n > 0 && link_send(l, MSG_ROWS, &m, -1) == -1)
		fatal("rows");
}

static void
query_end(struct link *l, uint32_t id, const struct query *q)
{
	struct msg_rows_end	 m;

	m.id = id;
	m.status = q->status;
	m.text = q->text;
	m.next_cursor = q->next_cursor;
	m.latest_id = q->latest_id;
	m.partial = 0;
	if (link_send(l, MSG_ROWS_END, &m, -1) == -1)
		fatal("rows");
}

void
query_init(void)
{
	loop_hook(TURN_WORK, query_turn, NULL);
}

static void
query_resume(struct link *l, void *arg)
{
	link_resume(l);
}

static void
query_turn(void *arg)
{
	if (asked >= QUERY_TURN) {
		proc_foreach(PROC_API_LOCAL, query_resume, NULL);
		proc_foreach(PROC_API_TCP, query_resume, NULL);
	}
	asked = 0;
}

void
query_message(struct link *l, struct msg *m)
{
	const struct msg_query	*ask = &m->u.query;
	struct arena		 arena = { NULL };
	struct query		 q;
	struct scope		*s;

	if (++asked >= QUERY_TURN)
		link_pause(l);
	memset(&q, 0, sizeof(q));
	s = scope_reader(ask->scope, link_peer(l)->instance);
	if (s == NULL)
		query_refuse(&q, 403, "no right to read this");
	else if (link_queued(l) > QUERY_QUEUED)
		query_refuse(&q, 503, "answers are not read as fast as asked "
		    "for");
	else if (*ask->filter != '\0')
		query_refuse(&q, 400, "filters are not built yet");
	else {
		q.vault = s->who->vault;
		q.all = s->all;
		q.before = ask->before;
		q.after = ask->after;
		q.tail = ask->tail;
		q.limit = ask->limit;
		query_run(&q, &arena);
		query_send(l, ask->id, &q);
	}
	query_end(l, ask->id, &q);
	arena_free(&arena);
}
