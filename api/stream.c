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
#include <sys/time.h>
#include <sys/tree.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include "api.h"
#include "ask.h"
#include "caller.h"
#include "client.h"
#include "codes.h"
#include "conn.h"
#include "export.h"
#include "filter.h"
#include "keyd.h"
#include "listen.h"
#include "live.h"
#include "log.h"
#include "logq.h"
#include "proc.h"
#include "reply.h"
#include "route.h"
#include "sse.h"
#include "stream.h"

/* A request that the reader was told of as open. */
struct opened {
	RB_ENTRY(opened)	 entry;
	uint64_t		 instance;
	uint64_t		 seq;
};
RB_HEAD(openeds, opened);

/* A row that came from the database and is not sent yet. */
struct waiting {
	uint64_t	 id;
	char		*text;
	size_t		 len;
};

struct reader {
	TAILQ_ENTRY(reader)	 entry;
	struct request		*req;
	struct filter		 filter;
	uint64_t		 scope;
	uint64_t		 vault;
	int			 all;
	int			 resumes;	/* it came with a cursor */
	uint64_t		 cursor;	/* has all rows up to this id */
	int			 live;		/* goes on in the ring, */
	uint64_t		 pos;		/* at this position */
	int			 level;		/* was told to have all */
	int			 asked;		/* the database */
	struct waiting		 page[STREAM_PAGE];	/* newest first */
	uint32_t		 npage;
	uint64_t		 scanned;	/* where the page ends */
	struct openeds		 opened;
	unsigned int		 nopened;
};
TAILQ_HEAD(readers, reader);

static struct readers	 readers = TAILQ_HEAD_INITIALIZER(readers);
static unsigned int	 nreaders;
static struct event	 beat;

static int	opened_cmp(struct opened *, struct opened *);
RB_PROTOTYPE_STATIC(openeds, opened, entry, opened_cmp)
static int	cursor(struct request *, uint64_t *);
static int	has_place(const struct caller *);
static void	follow(struct request *, enum may_action, const char *);
static void	may_follow(struct request *, struct msg *);
static void	subscribe(struct reader *);
static size_t	vault_ids(const char *, uint64_t *, size_t, void *);
static void	subscribed(struct request *, struct msg *);
static void	backlog(struct reader *);
static void	backlog_rows(struct request *, struct msg *);
static int	send_page(struct reader *);
static void	tell_level(struct reader *);
static int	sees(const struct reader *, const struct rec_row *);
static int	send_entry(struct reader *, struct live_entry *);
static int	send_close(struct reader *, const struct rec_row *);
static int	send_event(struct reader *, char *, size_t);
static void	beats(int, short, void *);

static int
opened_cmp(struct opened *a, struct opened *b)
{
	if (a->instance != b->instance)
		return (a->instance < b->instance ? -1 : 1);
	return (a->seq < b->seq ? -1 : a->seq > b->seq);
}

RB_GENERATE_STATIC(openeds, opened, entry, opened_cmp)

void
stream_setup(void)
{
	evtimer_set(&beat, beats, NULL);
}

unsigned int
stream_count(void)
{
	return (nreaders);
}

/*
 * Last-Event-ID is what the client has seen since it began with `after'.  1 if
 * there is a cursor, 0 if not, or -1.
 */
static int
cursor(struct request *req, uint64_t *to)
{
	if (req->last_id != NULL)
		return (logs_number(req, "Last-Event-ID", req->last_id, 0,
		    to));
	return (logs_number(req, "after", request_query(req, "after"), 0,
	    to));
}

static int
has_place(const struct caller *who)
{
	const unsigned int	 half = listen_places() / 2;
	const unsigned int	 max = half < STREAM_MAX ? half : STREAM_MAX;
	const struct reader	*r;
	unsigned int		 n = 0;

	if (nreaders < max - max / 5)
		return (1);
	TAILQ_FOREACH(r, &readers, entry)
		n += caller_same(&r->req->client->who, who);
	return (nreaders < max && n < STREAM_FEW);
}

static void
follow(struct request *req, enum may_action action, const char *vault)
{
	const int	 all = action == ACTION_INSTANCE_LOGS;
	struct reader	*r;
	struct filter	 f;
	uint64_t	 from = 0;
	int		 resumes;

	if (request_no_fields(req) == -1)
		return;
	if (req->head_only) {
		reply_text(req, 405, "GET", "Method Not Allowed\n");
		return;
	}
	if (!has_place(&req->client->who)) {
		api.counters.streams_refused++;
		reply_busy(req, STREAM_RETRY, "Too many follow the log "
		    "already: try again");
		return;
	}
	/* The request, and a reader with it, is gone after what is refused. */
	if ((resumes = cursor(req, &from)) == -1 ||
	    logs_filter(req, all, &f) == -1)
		return;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatal("reader");
	RB_INIT(&r->opened);
	r->req = req;
	r->all = all;
	r->filter = f;
	r->cursor = from;
	r->resumes = resumes;
	TAILQ_INSERT_TAIL(&readers, r, entry);
	if (nreaders++ == 0)
		beats(-1, 0, NULL);
	req->reader = r;
	keyd_may(req, action, vault, may_follow);
}

void
stream_vault(struct request *req)
{
	follow(req, ACTION_LOGS, req->param[0]);
}

void
stream_instance(struct request *req)
{
	follow(req, ACTION_INSTANCE_LOGS, "");
}

static void
may_follow(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;
	struct reader			*r = req->reader;

	if (keyd_refused(req, a->status, a->code, a->text))
		return;
	r->scope = a->scope;
	r->vault = a->vault;
	subscribe(r);
}

static void
subscribe(struct reader *r)
{
	struct msg_subscribe	 m;

	memset(&m, 0, sizeof(m));
	m.scope = r->scope;
	m.filter = r->req->to;
	if (ask(r->req, PROC_LOGD, MSG_SUBSCRIBE, &m, MSG_SUBSCRIBED,
	    subscribed) == 0)
		client_watch(r->req->client);
}

void
stream_subscribed(struct link *l, struct msg *m)
{
	if (m->u.subscribed.status == 200 && ask_pending(m))
		live_begin(m->u.subscribed.head);
	ask_answer(l, m);
}

/* What logd says the names in the filter stand for. */
static size_t
vault_ids(const char *name, uint64_t *ids, size_t max, void *arg)
{
	const struct msg_subscribed	*s = arg;
	size_t				 n = 0;
	uint32_t			 i;

	for (i = 0; i < s->vaults_n && n < max; i++) {
		if (strcmp(s->vaults[i].name, name) == 0)
			ids[n++] = s->vaults[i].id;
	}
	return (n);
}

static void
subscribed(struct request *req, struct msg *m)
{
	struct msg_subscribed	*s = &m->u.subscribed;
	struct reader		*r = req->reader;
	struct filter_error	 e;

	if (s->status != 200) {
		reply_error(req, s->status, s->status == 400 ?
		    "invalid_filter" : NULL, "%s", s->text);
		return;
	}
	if (filter_resolve(&r->filter, vault_ids, s, &e) == -1) {
		reply_error(req, 400, "invalid_filter", "%s", e.text);
		return;
	}
	if (!r->resumes)
		r->cursor = s->head;
	if (r->cursor > s->head) {
		logs_no_cursor(req, s->head);
		return;
	}
	reply_stream(req);
	client_stream(req->client, STREAM_IDLE_MS);
	if (client_stream_write(req->client, SSE_RETRY,
	    sizeof(SSE_RETRY) - 1) == -1)
		return;
	if (api.closing)
		stream_end(r);
	else
		stream_feed(r);
}

static void
backlog(struct reader *r)
{
	r->asked = 1;
	logq_tail(r->req, r->scope, r->cursor, STREAM_PAGE, r->req->to,
	    backlog_rows);
}

static void
backlog_rows(struct request *req, struct msg *m)
{
	struct reader	*r = req->reader;
	struct waiting	*w;
	size_t		 len;
	uint32_t	 i;
	char		*text;

	if (m->type == MSG_ROWS) {
		for (i = 0; i < m->u.rows.rows_n; i++) {
			if (r->npage == STREAM_PAGE) {
				stream_end(r);
				return;
			}
			w = &r->page[r->npage++];
			w->id = m->u.rows.rows[i].id;
			w->text = sse_row(&m->u.rows.rows[i], &w->len);
		}
		return;
	}
	r->asked = 0;
	if (m->u.rows_end.status != 200) {
		stream_end(r);
		return;
	}
	r->scanned = m->u.rows_end.latest_id;
	if (m->u.rows_end.gone > 0) {
		text = sse_trimmed(&m->u.rows_end, &len);
		if (send_event(r, text, len) == -1)
			return;
	}
	stream_feed(r);
}

/* 1 when all of it has been sent, 0 when there is no room, or -1. */
static int
send_page(struct reader *r)
{
	struct waiting	*w;

	while (r->npage > 0) {
		if (conn_full(r->req->client->conn))
			return (0);
		w = &r->page[r->npage - 1];
		r->cursor = w->id;
		r->npage--;
		if (send_event(r, w->text, w->len) == -1)
			return (-1);
	}
	if (r->scanned > r->cursor)
		r->cursor = r->scanned;
	return (1);
}

/* What the database has does not say which of them have ended. */
static void
forget_open(struct reader *r)
{
	struct opened	*o;

	while ((o = RB_MIN(openeds, &r->opened)) != NULL) {
		RB_REMOVE(openeds, &r->opened, o);
		free(o);
	}
	r->nopened = 0;
}

/* The first time that there is nothing more. */
static void
tell_level(struct reader *r)
{
	char	*text;
	size_t	 len;

	if (r->level)
		return;
	r->level = 1;
	text = sse_at("live", r->cursor, &len);
	(void)send_event(r, text, len);
}

void
stream_feed(struct reader *r)
{
	struct live_entry	*e;
	size_t			 len;
	char			*text;

	if (r->asked)
		return;
	if (!r->live) {
		if (send_page(r) != 1)
			return;
		if (!live_enter(r->cursor, &r->pos)) {
			backlog(r);
			return;
		}
		r->live = 1;
	}
	while (!conn_full(r->req->client->conn)) {
		if (r->pos < live_first()) {
			api.counters.streams_lagged++;
			r->live = r->level = 0;
			forget_open(r);
			text = sse_at("lagged", r->cursor, &len);
			if (send_event(r, text, len) == 0)
				backlog(r);
			return;
		}
		if ((e = live_at(r->pos)) == NULL) {
			tell_level(r);
			return;
		}
		r->pos++;
		if (send_entry(r, e) == -1)
			return;
	}
}

static int
sees(const struct reader *r, const struct rec_row *row)
{
	return ((r->all || row->vault == r->vault) &&
	    filter_match(&r->filter, row));
}

static int
send_entry(struct reader *r, struct live_entry *e)
{
	const char	*text;
	struct opened	*o;
	size_t		 len;

	if (e->row.id != 0) {
		if (e->row.id <= r->cursor)
			return (0);
		r->cursor = e->row.id;
		if (send_close(r, &e->row) == -1)
			return (-1);
	}
	if (!sees(r, &e->row))
		return (0);
	if (e->row.id == 0) {
		if (r->nopened == STREAM_OPEN)
			return (0);
		if ((o = calloc(1, sizeof(*o))) == NULL)
			fatal("reader");
		o->instance = e->row.instance;
		o->seq = e->row.seq;
		if (RB_INSERT(openeds, &r->opened, o) != NULL) {
			free(o);
			return (0);
		}
		r->nopened++;
	}
	text = live_text(e, &len);
	return (client_stream_write(r->req->client, text, len));
}

/* Also when the row itself does not match: the request is over. */
static int
send_close(struct reader *r, const struct rec_row *row)
{
	struct opened	 key, *o;
	char		*text;
	size_t		 len;

	key.instance = row->instance;
	key.seq = row->seq;
	if ((o = RB_FIND(openeds, &r->opened, &key)) == NULL)
		return (0);
	RB_REMOVE(openeds, &r->opened, o);
	r->nopened--;
	free(o);
	text = sse_close(row, &len);
	return (send_event(r, text, len));
}

/* The text is taken over.  -1: the reader has gone. */
static int
send_event(struct reader *r, char *text, size_t len)
{
	const int	 rc = client_stream_write(r->req->client, text, len);

	free(text);
	return (rc);
}

void
stream_wake(void)
{
	struct reader	*r, *next;

	TAILQ_FOREACH_SAFE(r, &readers, entry, next) {
		if (r->live)
			stream_feed(r);
	}
}

void
stream_end(struct reader *r)
{
	client_stream_end(r->req->client);
}

void
stream_end_all(void)
{
	struct reader	*r, *next;

	TAILQ_FOREACH_SAFE(r, &readers, entry, next) {
		if (client_streams(r->req->client))
			stream_end(r);
	}
}

void
stream_free(struct reader *r)
{
	struct msg_unsubscribe	 m = { 0 };
	struct link		*l = proc_peer(PROC_LOGD);

	while (r->npage > 0)
		free(r->page[--r->npage].text);
	forget_open(r);
	TAILQ_REMOVE(&readers, r, entry);
	free(r);
	if (--nreaders > 0)
		return;
	evtimer_del(&beat);
	live_end();
	if (l != NULL)
		(void)link_send(l, MSG_UNSUBSCRIBE, &m, -1);
}

/* One that is not a reader yet has its answer from keyd. */
void
stream_revoked(uint64_t id)
{
	struct reader	*r, *next;

	TAILQ_FOREACH_SAFE(r, &readers, entry, next) {
		if (r->scope != 0 && (id == 0 || r->scope == id ||
		    r->req->client->who.handle == id)) {
			api.counters.streams_revoked++;
			client_cut(r->req->client);
		}
	}
}

void
stream_logd_gone(struct link *l)
{
	live_end();
	stream_end_all();
	export_cut_all("logd has ended");
	ask_peer_gone(l);
}

/* One that takes nothing is cut by its connection's timer. */
static void
beats(int fd, short what, void *arg)
{
	const struct timeval	 tv = { STREAM_BEAT_MS / 1000,
				    STREAM_BEAT_MS % 1000 * 1000 };
	struct reader		*r, *next;
	char			 text[SSE_BEAT_SIZE];

	TAILQ_FOREACH_SAFE(r, &readers, entry, next) {
		if (!client_streams(r->req->client) ||
		    conn_full(r->req->client->conn))
			continue;
		(void)snprintf(text, sizeof(text), SSE_BEAT, r->cursor,
		    r->cursor);
		(void)client_stream_write(r->req->client, text, strlen(text));
	}
	evtimer_add(&beat, &tv);
}
