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

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "caller.h"
#include "client.h"
#include "codes.h"
#include "conn.h"
#include "csv.h"
#include "export.h"
#include "filter.h"
#include "keyd.h"
#include "listen.h"
#include "log.h"
#include "logq.h"
#include "reply.h"
#include "route.h"

#define TYPE_JSONL	"application/x-ndjson"
#define TYPE_CSV	"text/csv; charset=utf-8; header=present"

/* A row that is not sent yet. */
struct line {
	char		*text;
	size_t		 len;
};

struct export {
	TAILQ_ENTRY(export)	 entry;
	struct request		*req;
	uint64_t		 scope;
	int			 csv;
	int			 resumes;	/* it came with a cursor */
	uint64_t		 before;	/* 0: none */
	uint64_t		 cursor;	/* has all up to this id */
	uint64_t		 last;		/* of those it is to have */
	uint64_t		 head;
	int			 begun;		/* the head has left */
	int			 asked;		/* logd */
	struct line		 page[EXPORT_PAGE]; /* newest first */
	uint32_t		 npage;
	uint64_t		 rows;		/* sent */
};

static TAILQ_HEAD(, export)	 exports = TAILQ_HEAD_INITIALIZER(exports);
static unsigned int		 nexports;

static void	 begin(struct request *, enum may_action, const char *);
static int	 places(struct request *);
static int	 cursors(struct request *, struct export *);
static int	 format(struct request *);
static double	 weight(const char *, const char *);
static void	 may_export(struct request *, struct msg *);
static void	 newest(struct request *, struct msg *);
static void	 ask_page(struct export *);
static void	 page(struct request *, struct msg *);
static void	 take(struct export *, const struct rec_row *);
static void	 page_end(struct export *, const struct msg_rows_end *);
static char	*line(const struct export *, const struct rec_row *,
		    size_t *);
static void	 name(const struct export *, char *, size_t);
static int	 send_head(struct export *, const struct msg_rows_end *);
static int	 send_names(struct export *);
static int	 send_some(struct export *);

unsigned int
export_count(void)
{
	return (nexports);
}

void
export_vault(struct request *req)
{
	begin(req, ACTION_LOGS, req->param[0]);
}

void
export_instance(struct request *req)
{
	begin(req, ACTION_INSTANCE_LOGS, "");
}

/* Without chunks nobody would see that the end is missing. */
static void
begin(struct request *req, enum may_action action, const char *vault)
{
	struct filter	 f;
	struct export	*e, ask = { 0 };

	if (request_no_fields(req) == -1)
		return;
	if (req->client->head.version == 10) {
		reply_error(req, 505, "http_version",
		    "An export is for HTTP/1.1, where its end can be told");
		return;
	}
	if ((ask.csv = format(req)) == -1 || cursors(req, &ask) == -1 ||
	    logs_filter(req, action == ACTION_INSTANCE_LOGS, &f) == -1 ||
	    places(req) == -1)
		return;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		fatal("export");
	e->req = req;
	e->csv = ask.csv;
	e->cursor = ask.cursor;
	e->before = ask.before;
	e->resumes = ask.resumes;
	TAILQ_INSERT_TAIL(&exports, e, entry);
	nexports++;
	req->export = e;
	keyd_may(req, action, vault, may_export);
}

static int
places(struct request *req)
{
	struct export	*e;
	unsigned int	 n = 0;

	TAILQ_FOREACH(e, &exports, entry)
		n += caller_same(&e->req->client->who, &req->client->who);
	if (n < EXPORT_CALLER && nexports < EXPORT_MAX &&
	    nexports < listen_places() / 4)
		return (0);
	api.counters.exports_refused++;
	reply_busy(req, EXPORT_RETRY, "Too many exports are under way: try "
	    "again");
	return (-1);
}

static int
cursors(struct request *req, struct export *e)
{
	int	 newer;

	if ((newer = logs_number(req, "after", request_query(req, "after"), 0,
	    &e->cursor)) == -1 || logs_number(req, "before",
	    request_query(req, "before"), 1, &e->before) == -1)
		return (-1);
	e->resumes = newer;
	return (0);
}

/* What a media type weighs in an Accept field; RFC 9110, section 12.5.1. */
static double
weight(const char *accept, const char *type)
{
	const size_t	 len = strlen(type);
	const char	*s = accept, *q;
	size_t		 n;
	double		 best = 0, w;

	while (*s != '\0') {
		s += strspn(s, ", \t");
		n = strcspn(s, ",");
		if (strncasecmp(s, type, len) == 0 && strcspn(s, "; \t,") ==
		    len) {
			q = s + strcspn(s, ";,");
			while (*q == ';' && strncasecmp(q + 1 +
			    strspn(q + 1, " \t"), "q=", 2) != 0)
				q += 1 + strcspn(q + 1, ";,");
			w = *q == ';' ? strtod(strchr(q, '=') + 1, NULL) : 1;
			if (w > best)
				best = w;
		}
		s += n;
	}
	return (best);
}

/* 1: CSV, 0: JSON lines, -1: the answer is that it is neither. */
static int
format(struct request *req)
{
	static const char *const	 json[] = { "application/x-ndjson",
		"application/jsonl", "application/json", "application/*",
		"*/*" };
	const char			*s = request_query(req, "format");
	double				 csv;
	size_t				 i;

	if (s != NULL) {
		if (strcmp(s, "csv") == 0)
			return (1);
		if (strcmp(s, "jsonl") == 0)
			return (0);
		reply_invalid(req, "format must be jsonl or csv, not "
		    "\"%.64s\"", s);
		return (-1);
	}
	if (req->accept == NULL || (csv = weight(req->accept, "text/csv")) ==
	    0)
		return (0);
	for (i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
		if (weight(req->accept, json[i]) > csv)
			return (0);
	}
	return (1);
}

static void
may_export(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;
	struct logq			 q;

	if (keyd_refused(req, a->status, a->code, a->text))
		return;
	req->export->scope = a->scope;
	memset(&q, 0, sizeof(q));
	q.scope = a->scope;
	q.limit = 1;
	q.filter = "";
	logq_ask(req, &q, newest);
}

/* Of the answer only what the newest row is. */
static void
newest(struct request *req, struct msg *m)
{
	const struct msg_rows_end	*end = &m->u.rows_end;
	struct export			*e = req->export;

	if (m->type == MSG_ROWS || logs_refused(req, end))
		return;
	e->head = e->last = end->latest_id;
	if (e->before > e->head || e->cursor > e->head) {
		logs_no_cursor(req, e->head);
		return;
	}
	if (e->before > 0)
		e->last = e->before - 1;
	ask_page(e);
}

static void
ask_page(struct export *e)
{
	e->asked = 1;
	logq_tail(e->req, e->scope, e->cursor, EXPORT_PAGE, e->req->to, page);
}

static void
page(struct request *req, struct msg *m)
{
	struct export	*e = req->export;
	uint32_t	 i;

	if (m->type == MSG_ROWS) {
		for (i = 0; i < m->u.rows.rows_n; i++) {
			if (e->npage == EXPORT_PAGE) {
				reply_error(req, 500, "internal",
				    "logd answered with too many rows");
				return;
			}
			take(e, &m->u.rows.rows[i]);
		}
		return;
	}
	e->asked = 0;
	page_end(e, &m->u.rows_end);
}

/* What came after the export had begun is not in it. */
static void
take(struct export *e, const struct rec_row *r)
{
	struct line	*l;

	if (r->id > e->last)
		return;
	l = &e->page[e->npage++];
	l->text = line(e, r, &l->len);
}

static void
page_end(struct export *e, const struct msg_rows_end *end)
{
	if (!e->begun) {
		if (logs_refused(e->req, end) || send_head(e, end) == -1)
			return;
	} else if (end->status != 200) {
		export_cut(e, end->text);
		return;
	} else if (end->gone > 0 && (e->rows > 0 || e->resumes)) {
		export_cut(e, "retention has taken rows before their turn");
		return;
	}
	e->cursor = end->latest_id;
	export_feed(e);
}

/* For json_text_free(). */
static char *
line(const struct export *e, const struct rec_row *r, size_t *len)
{
	json_t	*j = logq_row(r);
	FILE	*f;
	char	*s = NULL, *text;

	if (!e->csv)
		text = json_text(j, len);
	else {
		if ((f = open_memstream(&s, len)) == NULL ||
		    csv_row(f, j, NULL) == -1 || fclose(f) == EOF)
			fatal("export");
		text = json_text_copy(s, *len);
		free(s);
	}
	json_decref(j);
	return (text);
}

static int
send_names(struct export *e)
{
	FILE	*f;
	char	*s = NULL;
	size_t	 len;
	int	 rc;

	if ((f = open_memstream(&s, &len)) == NULL)
		fatal("export");
	csv_names(f);
	if (fclose(f) == EOF)
		fatal("export");
	rc = client_stream_write(e->req->client, s, len);
	free(s);
	return (rc);
}

/* Of a vault's name what a file's may have on every system. */
static void
name(const struct export *e, char *to, size_t len)
{
	const char	*vault = e->req->param[0];
	char		 when[32] = "";
	time_t		 now = time(NULL);
	struct tm	 tm;
	char		*p;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	(void)snprintf(to, len, "brokerd-%.64s-%s.%s", vault == NULL ?
	    "instance" : vault, when, e->csv ? "csv" : "jsonl");
	for (p = to; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			*p = '_';
	}
}

/* -1: the client has gone, or wants no more than the head. */
static int
send_head(struct export *e, const struct msg_rows_end *end)
{
	struct client	*c = e->req->client;
	char		 file[EXPORT_NAME], *text = NULL;
	json_t		*j;
	size_t		 len;

	if (end->gone > 0 && e->resumes) {
		j = logq_trimmed(end);
		text = json_text(j, &len);
		json_decref(j);
		text[len - 1] = '\0';
	}
	name(e, file, sizeof(file));
	reply_export(e->req, e->csv ? TYPE_CSV : TYPE_JSONL, file, e->head,
	    text);
	json_text_free(text);
	if (e->req->head_only) {
		c->req = NULL;
		request_free(e->req);
		client_answer(c, NULL, 0);
		return (-1);
	}
	e->begun = 1;
	client_stream(c, 0);
	return (e->csv ? send_names(e) : 0);
}

/* As many rows as make a chunk of a good size, or one that is longer. */
static int
send_some(struct export *e)
{
	static char	 piece[CONN_LOW];
	struct line	*l;
	char		*text;
	size_t		 n = 0;
	int		 rc;

	while (e->npage > 0) {
		l = &e->page[e->npage - 1];
		if (l->len > sizeof(piece) - n)
			break;
		memcpy(piece + n, l->text, l->len);
		n += l->len;
		json_text_free(l->text);
		e->npage--;
		e->rows++;
	}
	if (n > 0)
		return (client_stream_write(e->req->client, piece, n));
	l = &e->page[--e->npage];
	e->rows++;
	text = l->text;
	rc = client_stream_write(e->req->client, text, l->len);
	json_text_free(text);
	return (rc);
}

void
export_feed(struct export *e)
{
	struct client	*c = e->req->client;

	/* A page comes in parts, its newest rows first: all of it, or none. */
	if (e->asked)
		return;
	while (e->npage > 0) {
		if (conn_full(c->conn)) {
			conn_timer(c->conn, CONN_T_DEADLINE, EXPORT_STALL_MS);
			return;
		}
		/* Without the client there is no export. */
		if (send_some(e) == -1)
			return;
	}
	conn_timer(c->conn, CONN_T_DEADLINE, 0);
	if (e->cursor < e->last)
		ask_page(e);
	else
		client_stream_end(c);
}

void
export_cut(struct export *e, const char *why)
{
	api.counters.exports_cut++;
	log_warnx("export: cut after %llu rows: %s",
	    (unsigned long long)e->rows, why);
	client_cut(e->req->client);
}

void
export_cut_all(const char *why)
{
	struct export	*e, *next;

	TAILQ_FOREACH_SAFE(e, &exports, entry, next) {
		if (e->begun)
			export_cut(e, why);
	}
}

void
export_free(struct export *e)
{
	while (e->npage > 0)
		json_text_free(e->page[--e->npage].text);
	TAILQ_REMOVE(&exports, e, entry);
	nexports--;
	free(e);
}

/* One that has no scope yet has its answer from keyd. */
void
export_revoked(uint64_t id)
{
	struct export	*e, *next;

	TAILQ_FOREACH_SAFE(e, &exports, entry, next) {
		if (e->scope != 0 && (id == 0 || e->scope == id ||
		    e->req->client->who.handle == id))
			export_cut(e, "the right to read has ended");
	}
}
