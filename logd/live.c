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

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "filter.h"
#include "insert.h"
#include "live.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "queryjob.h"
#include "queryplan.h"
#include "queryrow.h"
#include "scope.h"
#include "stream.h"

#define PAGE	100		/* rows of a message */
#define VAULTS	128

/* An api that has subscribed. */
struct live {
	TAILQ_ENTRY(live)	 entry;
	struct link		*link;
	int64_t			 pos;	/* it has all rows up to this id */
};

/* The vaults that a filter names. */
struct named {
	struct rec_vaultid	 list[VAULTS];
	uint32_t		 n;
};

static TAILQ_HEAD(, live)	 lives = TAILQ_HEAD_INITIALIZER(lives);
static struct rec_row		 opened[LIVE_OPEN];
static uint32_t			 nopened;
static struct arena		 open_arena;
static struct arena		 row_arena;

static struct db_sql	 sql_next = DB_SQL(
    "SELECT id FROM log WHERE id > ? ORDER BY id LIMIT ?");

static struct live	*live_find(const struct link *);
static size_t	named_vaults(const char *, uint64_t *, size_t, void *);
static void	live_answer(struct link *, const struct msg_subscribe *,
		    uint16_t, const char *, struct named *);
static const char *copy(const char *);
static void	open_row(const struct record *, struct rec_row *);
static void	live_send(struct live *, int, struct rec_row *, uint32_t);
static void	live_send_opened(void);
static int	live_ids(int64_t, int64_t *);
static int	live_page(struct live *);
static void	live_lagged(struct live *);
static void	live_turn(void *);

void
live_init(void)
{
	loop_hook(TURN_WORK, live_turn, NULL);
}

static struct live *
live_find(const struct link *l)
{
	struct live	*v;

	TAILQ_FOREACH(v, &lives, entry) {
		if (v->link == l)
			break;
	}
	return (v);
}

static size_t
named_vaults(const char *name, uint64_t *ids, size_t max, void *arg)
{
	struct named	*v = arg;
	size_t		 i, n;

	n = plan_vaults(name, ids, max, NULL);
	for (i = 0; i < n && v->n < VAULTS; i++) {
		v->list[v->n].name = name;
		v->list[v->n++].id = ids[i];
	}
	return (n);
}

static void
live_answer(struct link *l, const struct msg_subscribe *ask, uint16_t status,
    const char *text, struct named *named)
{
	struct msg_subscribed	 m;

	memset(&m, 0, sizeof(m));
	m.id = ask->id;
	m.status = status;
	m.text = text;
	m.head = insert_head();
	if (named != NULL) {
		m.vaults = named->list;
		m.vaults_n = named->n;
	}
	if (link_send(l, MSG_SUBSCRIBED, &m, -1) == -1)
		fatal("subscription");
}

void
live_subscribe(struct link *l, struct msg *m)
{
	const struct msg_subscribe	*ask = &m->u.subscribe;
	struct filter_error		 e;
	struct filter			 f;
	struct named			 named;
	struct live			*v;

	named.n = 0;
	if (scope_asked(l, ask->scope) == NULL) {
		live_answer(l, ask, 403, "no right to read this", NULL);
		return;
	}
	filter_init(&f);
	if (filter_parse(&f, ask->filter, 0, &e) == -1 ||
	    filter_resolve(&f, named_vaults, &named, &e) == -1) {
		live_answer(l, ask, 400, e.text, NULL);
		return;
	}
	if (live_find(l) == NULL) {
		if ((v = calloc(1, sizeof(*v))) == NULL)
			fatal("subscription");
		v->link = l;
		v->pos = insert_head();
		TAILQ_INSERT_TAIL(&lives, v, entry);
	}
	live_answer(l, ask, 200, "", &named);
}

void
live_unsubscribe(struct link *l, struct msg *m)
{
	live_closed(l);
}

void
live_closed(struct link *l)
{
	struct live	*v;

	if ((v = live_find(l)) == NULL)
		return;
	TAILQ_REMOVE(&lives, v, entry);
	free(v);
}

static const char *
copy(const char *s)
{
	const size_t	 n = strlen(s) + 1;
	char		*p;

	if ((p = arena_alloc(&open_arena, n)) == NULL)
		fatal("live");
	memcpy(p, s, n);
	return (p);
}

/* The record may have gone when the turn ends. */
static void
open_row(const struct record *r, struct rec_row *row)
{
	memset(row, 0, sizeof(*row));
	row->kind = r->kind;
	row->action = "";
	memcpy(row->request_id, r->request_id, sizeof(row->request_id));
	row->started = record_time(r->request_id);
	row->vault = r->vault;
	row->actor_type = r->who == NULL ? 0 : r->who->actor_type;
	row->actor = copy(r->who == NULL ? "" : r->who->actor);
	row->actor_name = copy(r->who == NULL ? "" : r->who->actor_name);
	row->session = copy(r->who == NULL ? "" : r->who->session);
	row->ingress = r->ingress;
	row->conn = r->conn;
	row->method = copy(r->method);
	row->host = copy(r->host);
	row->port = r->port;
	row->path = copy(r->path);
	row->path_cut = r->path_cut;
	row->service = copy(r->service);
	row->keys = copy(r->keys);
	row->decision = r->decision;
	row->status = row->latency = row->ttfb = -1;
	row->protocol = r->protocol;
	addr_unpack(r->client, r->client_len, 0, &row->client);
	memcpy(row->trace_id, r->trace_id, sizeof(row->trace_id));
	row->auth_scheme = r->auth_scheme;
	row->auth_header = copy(r->auth_header);
	row->instance = r->stream == NULL ? 0 : r->stream->instance;
	row->seq = r->seq;
	row->detail = copy(r->detail);
}

void
live_open(const struct record *r)
{
	if (!TAILQ_EMPTY(&lives) && nopened < LIVE_OPEN)
		open_row(r, &opened[nopened++]);
}

/* In messages that their link can take. */
static void
live_send(struct live *v, int open, struct rec_row *rows, uint32_t n)
{
	struct msg_live	 m;
	size_t		 size = 0, add;
	uint32_t	 i;

	m.open = open;
	m.rows = rows;
	m.rows_n = 0;
	for (i = 0; i < n; i++) {
		add = queryjob_row_size(&rows[i]);
		if (size + add > JOB_PAGE) {
			if (link_send(v->link, MSG_LIVE, &m, -1) == -1)
				fatal("live");
			m.rows += m.rows_n;
			m.rows_n = 0;
			size = 0;
		}
		m.rows_n++;
		size += add;
	}
	if (m.rows_n > 0 && link_send(v->link, MSG_LIVE, &m, -1) == -1)
		fatal("live");
}

/* Before the rows that end them, which come with a later flush. */
static void
live_send_opened(void)
{
	struct live	*v;

	if (nopened == 0)
		return;
	TAILQ_FOREACH(v, &lives, entry) {
		if (link_queued(v->link) < LIVE_QUEUED)
			live_send(v, 1, opened, nopened);
	}
	nopened = 0;
	arena_reset(&open_arena);
}

static int
live_ids(int64_t after, int64_t *ids)
{
	sqlite3_stmt	*s;
	int		 rc, n = 0;

	if ((s = db_prep(&sql_next)) == NULL ||
	    db_bind(s, "ii", after, (int64_t)PAGE) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1)
		ids[n++] = sqlite3_column_int64(s, 0);
	return (rc == -1 ? -1 : n);
}

/* 1 when there is more.  A row that retention has taken is no row. */
static int
live_page(struct live *v)
{
	struct rec_row	 rows[PAGE];
	int64_t		 ids[PAGE];
	uint32_t	 count = 0;
	int		 i, n, rc;

	arena_reset(&row_arena);
	if ((n = live_ids(v->pos, ids)) == -1)
		goto fail;
	for (i = 0; i < n; i++) {
		rc = queryrow_read(ids[i], &rows[count], &row_arena);
		if (rc == -1)
			goto fail;
		count += rc;
	}
	live_send(v, 0, rows, count);
	v->pos = n < PAGE ? insert_head() : ids[n - 1];
	return (v->pos < insert_head());
 fail:
	log_warnx("live rows: %s", db_errstr());
	live_lagged(v);
	return (0);
}

static void
live_lagged(struct live *v)
{
	struct msg_lagged	 m;

	m.head = v->pos = insert_head();
	if (link_send(v->link, MSG_LAGGED, &m, -1) == -1)
		fatal("live");
}

static void
live_turn(void *arg)
{
	const uint64_t	 end = loop_mono() + LIVE_US;
	struct live	*v;
	int		 more = 0;

	if (TAILQ_EMPTY(&lives) || db_handle() == NULL)
		return;
	live_send_opened();
	TAILQ_FOREACH(v, &lives, entry) {
		while (v->pos < insert_head() &&
		    link_queued(v->link) < LIVE_QUEUED && loop_mono() < end) {
			if (insert_head() - v->pos > LIVE_BEHIND)
				live_lagged(v);
			else if (!live_page(v))
				break;
		}
		more |= v->pos < insert_head() &&
		    link_queued(v->link) < LIVE_QUEUED;
	}
	if (more)
		loop_again();
}
