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

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "exchangevar.h"
#include "header.h"
#include "log.h"
#include "loop.h"
#include "record.h"
#include "respond.h"
#include "serve.h"

#define REQUEST_MAX	(1024 * 1024)	/* head for the upstream */

static struct exchange	*exchange_new(struct serve *, struct scope *,
		    const struct target *);
static void	 exchange_arrived(struct exchange *);
static void	 exchange_ask(struct exchange *);
static void	 exchange_refused(struct exchange *, const struct match *);
static void	 exchange_leased(struct lease *, const struct denied *, void *);
static void	 exchange_denied(struct exchange *, const struct denied *);
static void	 exchange_decide(struct exchange *, struct lease *);
static void	 exchange_reject(struct exchange *, const struct match *);
static int	 exchange_render(struct exchange *);
static int	 exchange_target(struct exchange *);
static void	 exchange_begin(struct exchange *, const struct match *,
		    enum decision, void (*)(struct logrec *, int, void *));
static void	 exchange_ready(struct logrec *, int, void *);
static void	 exchange_say(struct exchange *, const struct match *,
		    enum decision, enum error_code, int, const char *);
static void	 exchange_said(struct logrec *, int, void *);
static void	 exchange_cut(struct lease_user *, void *);
static void	 exchange_error(struct exchange *, enum error_code, int,
		    const char *);
static void	 exchange_known(struct exchange *);
static void	 exchange_unsent(struct exchange *);
static void	 exchange_end(struct exchange *);
static const char *exchange_text(enum error_code);

static TAILQ_HEAD(, exchange)	 running = TAILQ_HEAD_INITIALIZER(running);
static size_t			 nrunning;
static uint64_t			 total;
static int			 stopped;

static struct exchange *
exchange_new(struct serve *s, struct scope *scope, const struct target *t)
{
	struct exchange	*x;

	if ((x = calloc(1, sizeof(*x))) == NULL)
		fatal("exchange");
	x->serve = s;
	x->scope = scope_hold(scope);
	exchange_arrived(x);
	(void)strlcpy(x->host, t->host, sizeof(x->host));
	x->port = t->port;
	x->tls = t->tls;
	x->ingress = t->ingress;
	x->target = *t;
	x->end.ttfb = -1;
	buf_init(&x->request, REQUEST_MAX);
	if (s->head.error == HTTP_E_NONE) {
		x->method = s->head.method;
		x->framing = s->head.framing;
		x->length = s->head.content_length;
		x->version = s->head.version;
	}
	s->exchange = x;
	s->state = SERVE_EXCHANGE;
	TAILQ_INSERT_TAIL(&running, x, entry);
	nrunning++;
	total++;
	return (x);
}

/*
 * A request began when its head came, however long it then waited for keyd or
 * for the answer to the one before.
 */
static void
exchange_arrived(struct exchange *x)
{
	const struct serve	*s = x->serve;
	uint64_t		 now = loop_mono();

	x->start = conn_arrived(s->conn, s->head.error == HTTP_E_NONE ?
	    s->head.length : buf_len(conn_in(s->conn)));
	if (x->start == 0)
		x->start = now;
	record_id(x->id, loop_wall() - (int64_t)(now - x->start));
}

void
exchange_start(struct serve *s, struct scope *scope, const struct target *t)
{
	if (s->head.upgrade) {
		exchange_refuse(s, scope, t, ERROR_BAD_REQUEST, 501,
		    "upgrading the connection to another protocol is not "
		    "supported");
		return;
	}
	if (s->head.framing == HTTP_BODY_LENGTH &&
	    s->head.content_length > EXCHANGE_BODY_MAX) {
		exchange_refuse(s, scope, t, ERROR_REQUEST_TOO_LARGE, 413,
		    exchange_text(ERROR_REQUEST_TOO_LARGE));
		return;
	}
	exchange_ask(exchange_new(s, scope, t));
}

static void
exchange_ask(struct exchange *x)
{
	struct ask	*a;

	/* Answered at once, x may be gone already. */
	if ((a = lease_ask(x->scope, x->host, x->port, exchange_leased,
	    x)) != NULL)
		x->asking = a;
}

void
exchange_refuse(struct serve *s, struct scope *scope, const struct target *t,
    enum error_code code, int status, const char *text)
{
	struct exchange	*x;

	x = exchange_new(s, scope, t);
	x->refusal.code = code;
	x->refusal.status = status;
	x->refusal.text = text;
	exchange_ask(x);
}

void
exchange_turn_away(struct serve *s, struct scope *scope,
    const struct target *t, enum error_code code, int status,
    const char *text)
{
	struct exchange	*x;

	x = exchange_new(s, scope, t);
	x->refusal.code = code;
	x->refusal.status = status;
	x->refusal.text = text;
	exchange_refused(x, NULL);
}

static void
exchange_refused(struct exchange *x, const struct match *m)
{
	const struct refusal	*r = &x->refusal;

	exchange_say(x, m, r->code == ERROR_OVERLOADED ? DECISION_ERROR :
	    DECISION_BLOCKED, r->code, r->status, r->text);
}

void
exchange_malformed(struct serve *s, struct scope *scope,
    const struct target *t)
{
	enum http_error	 e = s->head.error;

	exchange_turn_away(s, scope, t, ERROR_BAD_REQUEST,
	    http_error_status(e), http_error_text(e));
}

static void
exchange_leased(struct lease *l, const struct denied *d, void *arg)
{
	struct exchange	*x = arg;

	x->asking = NULL;
	if (l == NULL) {
		exchange_denied(x, d);
		return;
	}
	exchange_decide(x, l);
	lease_release(l);
}

static void
exchange_denied(struct exchange *x, const struct denied *d)
{
	enum error_code	 code;

	code = d->status == 407 || d->status == 403 ? ERROR_REVOKED :
	    d->status == 503 ? ERROR_OVERLOADED : ERROR_INTERNAL;
	/* It would not get better on this connection. */
	if (code == ERROR_REVOKED)
		x->serve->keepalive = 0;
	exchange_say(x, NULL, code == ERROR_REVOKED ? DECISION_BLOCKED :
	    DECISION_ERROR, code, code == ERROR_REVOKED ? 403 : 503, d->text);
}

/* The head is looked at here for the last time. */
static void
exchange_decide(struct exchange *x, struct lease *l)
{
	const struct http_head	*h = &x->serve->head;
	struct match		 m;

	if (match_request(&m, l, HTTP_PTR(h, h->method_name),
	    h->method_name.len, x->target.path, x->target.pathlen,
	    x->tls) == -1)
		fatal("match");
	x->match = m;
	if (x->refusal.code != ERROR_NONE) {
		/* No service was asked; only how to record the path is. */
		m.slug = m.keys = "";
		exchange_refused(x, &m);
		return;
	}
	x->passthrough = m.decision == DECISION_PASSTHROUGH;
	if (m.error != ERROR_NONE) {
		exchange_reject(x, &m);
		return;
	}
	if (exchange_render(x) == -1) {
		exchange_say(x, &m, DECISION_ERROR, ERROR_INTERNAL, 502,
		    "a credential cannot be put into a header");
		return;
	}
	x->user.service = m.service;
	x->user.cut = exchange_cut;
	x->user.arg = x;
	lease_use(l, &x->user);
	exchange_begin(x, &m, m.decision, exchange_ready);
	match_clear(&x->match);
	serve_head_used(x->serve);
}

/* What the matcher refused. */
static void
exchange_reject(struct exchange *x, const struct match *m)
{
	char	 text[512], where[URL_AUTHORITY_MAX];

	if (header_host(where, sizeof(where), x->host, x->port, x->tls) == -1)
		where[0] = '\0';
	(void)snprintf(text, sizeof(text), "%s: %s, vault %s%s%s",
	    exchange_text(m->error), where, x->scope->vault_name,
	    *m->slug != '\0' ? ", service " : "", m->slug);
	exchange_say(x, m, m->decision, m->error, m->status, text);
}

static const char *
exchange_text(enum error_code code)
{
	switch (code) {
	case ERROR_NO_MATCH:
		return ("no service of the vault matches this host and path");
	case ERROR_METHOD_DENIED:
		return ("the service does not allow this method");
	case ERROR_PLAINTEXT_DENIED:
		return ("the service does not allow requests without TLS");
	case ERROR_SERVICE_DISABLED:
		return ("the service is disabled");
	case ERROR_CREDENTIAL_NOT_FOUND:
		return ("a credential that the service needs is missing");
	case ERROR_REQUEST_TOO_LARGE:
		return ("the request body is too large");
	case ERROR_REVOKED:
		return ("the right to this request has ended");
	case ERROR_SHUTDOWN:
		return ("the broker is shutting down");
	case ERROR_LOG_UNAVAILABLE:
		return ("the request log cannot be written");
	default:
		return ("internal error");
	}
}

/* The request line's target: what was matched, and the query as it came. */
static int
exchange_target(struct exchange *x)
{
	const struct http_head	*h = &x->serve->head;
	const struct match	*m = &x->match;
	char			*joined = NULL;
	const char		*target = m->path;
	size_t			 len = m->pathlen;
	int			 rc;

	if (x->target.querylen > 0) {
		len += x->target.querylen;
		if (m->path != x->target.path ||
		    x->target.query != m->path + m->pathlen) {
			if ((joined = malloc(len)) == NULL)
				fatal("request");
			memcpy(joined, m->path, m->pathlen);
			memcpy(joined + m->pathlen, x->target.query,
			    x->target.querylen);
			target = joined;
		}
	}
	rc = http_write_request(&x->request, HTTP_PTR(h, h->method_name),
	    h->method_name.len, target, len);
	free(joined);
	return (rc);
}

static int
exchange_render(struct exchange *x)
{
	const struct http_head	*h = &x->serve->head;
	char			 host[URL_AUTHORITY_MAX];

	if (header_host(host, sizeof(host), x->host, x->port, x->tls) == -1 ||
	    exchange_target(x) == -1 ||
	    header_request(&x->request, h, host, x->ingress,
	    x->match.rule) == -1 ||
	    http_write_announced(&x->request, h) == -1 ||
	    http_write_end(&x->request) == -1)
		return (-1);
	return (0);
}

/*
 * Everything that the record says of the request itself.  A head that could
 * not be parsed says nothing.  As long as the lease has not said how much of
 * the path may be recorded, none of it may.
 */
static void
exchange_begin(struct exchange *x, const struct match *m,
    enum decision decision, void (*ready)(struct logrec *, int, void *))
{
	const struct http_head	*h = &x->serve->head;
	struct msg_begin	 b;
	char			 method[HTTP_METHOD_MAX + 1] = "";
	char			 auth[65] = "", path[RECORD_PATH] = "";

	memset(&b, 0, sizeof(b));
	if (h->error == HTTP_E_NONE) {
		(void)snprintf(method, sizeof(method), "%.*s",
		    (int)h->method_name.len, HTTP_PTR(h, h->method_name));
		b.path_cut = record_path(path, x->target.path,
		    x->target.pathlen, m != NULL ? m->path_mode :
		    PATH_NONE);
		b.auth_scheme = header_auth(h, x->ingress, auth, sizeof(auth));
		(void)header_trace(h, b.trace_id);
	}
	memcpy(b.request_id, x->id, sizeof(b.request_id));
	b.scope = x->scope->id;
	b.conn = x->serve->number;
	b.ingress = x->ingress;
	b.protocol = PROTOCOL_HTTP11;
	b.decision = decision;
	b.method = method;
	b.host = x->host;
	b.port = x->port;
	b.path = path;
	b.service = m != NULL ? m->slug : "";
	b.keys = m != NULL ? m->keys : "";
	b.auth_header = auth;
	b.client = x->serve->client;
	x->end.decision = decision;
	x->begun = 1;
	logstream_begin(&x->rec, x->scope->vault, &b, ready, x);
}

/*
 * The record is in the kernel, or may be done without: from here on bytes may
 * leave for the upstream.
 */
static void
exchange_ready(struct logrec *rec, int how, void *arg)
{
	struct exchange	*x = arg;

	if (how == REFUSED) {
		x->end.decision = DECISION_ERROR;
		exchange_fail(x, ERROR_LOG_UNAVAILABLE, 503,
		    exchange_text(ERROR_LOG_UNAVAILABLE));
	} else
		relay_start(x);
}

/*
 * An answer of our own waits for its record as an upstream's would: the
 * client has none that a worker's death could take out of the log.  It stays
 * what it is if the log cannot be written.
 */
static void
exchange_say(struct exchange *x, const struct match *m, enum decision decision,
    enum error_code code, int status, const char *text)
{
	(void)strlcpy(x->text, text, sizeof(x->text));
	x->refusal.code = code;
	x->refusal.status = status;
	x->refusal.text = x->text;
	x->end.error_code = code;
	exchange_begin(x, m, decision, exchange_said);
}

static void
exchange_said(struct logrec *rec, int how, void *arg)
{
	struct exchange		*x = arg;
	const struct refusal	*r = &x->refusal;

	exchange_error(x, r->code, r->status, r->text);
}

/* keyd took the right away. */
static void
exchange_cut(struct lease_user *u, void *arg)
{
	exchange_fail(arg, ERROR_REVOKED, 403, exchange_text(ERROR_REVOKED));
}

void
exchange_fail(struct exchange *x, enum error_code code, int status,
    const char *text)
{
	struct serve	*s = x->serve;
	int		 reset;

	relay_free(x);
	exchange_known(x);
	/* What we refuse stays refused. */
	if (x->refusal.code != ERROR_NONE) {
		code = x->refusal.code;
		status = x->refusal.status;
		text = x->refusal.text;
	}
	if (!x->answered) {
		exchange_error(x, code, status, text);
		return;
	}
	/*
	 * What ends with the connection would look whole, and what may not
	 * be sent any more must not leave the buffer.
	 */
	reset = x->download.sink.framing == HTTP_BODY_EOF ||
	    code == ERROR_REVOKED;
	if (reset || code == ERROR_RESPONSE_TRUNCATED ||
	    code == ERROR_CLIENT_CLOSED)
		exchange_unsent(x);
	else if (code != ERROR_SHUTDOWN) {
		/* What came so far is for the client, as long as it stays. */
		x->end.error_code = code;
		s->keepalive = 0;
		serve_answered(s);
		return;
	}
	x->end.error_code = code;
	s->exchange = NULL;
	exchange_end(x);
	serve_cut(s, reset);
}

/* A request that ends before keyd has said anything of it is a record too. */
static void
exchange_known(struct exchange *x)
{
	if (!x->begun)
		exchange_begin(x, NULL, DECISION_ERROR, NULL);
}

/* An answer of our own, after BEGIN. */
static void
exchange_error(struct exchange *x, enum error_code code, int status,
    const char *text)
{
	struct serve	*s = x->serve;
	struct respond	 r;
	char		 hint[URL_AUTHORITY_MAX];
	ssize_t		 n;

	/* Nothing is to leave for the upstream behind this. */
	logstream_alone(&x->rec);
	memset(&r, 0, sizeof(r));
	r.status = status;
	r.code = error_name(code);
	r.text = text;
	r.id = x->id;
	r.head = x->method == HTTP_M_HEAD;
	if (status == 503)
		r.retry = 1;
	if (code == ERROR_NO_MATCH && header_host(hint, sizeof(hint), x->host,
	    x->port, x->tls) != -1)
		r.hint = hint;
	match_clear(&x->match);
	serve_head_used(s);
	lease_unuse(&x->user);
	if (s->head.error != HTTP_E_NONE || s->stopping || (!x->uploaded &&
	    (x->uploading || !serve_discard(s, &x->end.bytes_in))))
		s->keepalive = 0;
	r.close = !s->keepalive;
	r.keepalive = x->version == 10;
	x->end.status = status;
	x->end.error_code = code;
	if ((n = respond_error(conn_out(s->conn), &r)) == -1) {
		s->exchange = NULL;
		exchange_end(x);
		serve_cut(s, 1);
		return;
	}
	x->end.bytes_out = n;
	x->head_end = conn_queued(s->conn) - n;
	serve_answered(s);
}

void
exchange_answered(struct exchange *x)
{
	serve_answered(x->serve);
}

void
exchange_drained(struct exchange *x)
{
	exchange_end(x);
}

/*
 * The client has gone before its answer was complete.  What we refused
 * stays refused.
 */
void
exchange_client_gone(struct exchange *x)
{
	relay_free(x);
	exchange_known(x);
	exchange_unsent(x);
	if (x->end.error_code == ERROR_NONE)
		x->end.error_code = stopped ? ERROR_SHUTDOWN :
		    ERROR_CLIENT_CLOSED;
	exchange_end(x);
}

/*
 * What is in the output is not sent any more.  An answer of which the client
 * cannot have the whole head is none.
 */
static void
exchange_unsent(struct exchange *x)
{
	const struct conn	*c = x->serve->conn;

	x->unsent = conn_unsent(c);
	if (conn_sent(c) < x->head_end)
		x->end.status = 0;
}

/* The one END, and the end of x. */
static void
exchange_end(struct exchange *x)
{
	relay_free(x);
	x->end.bytes_in += x->upload.in;
	if (x->answered)
		x->end.bytes_out = x->download.out;
	/*
	 * The head is at the front, so what is left is of the body first;
	 * chunks' framing makes that rather too much than too little.
	 */
	if (x->unsent < x->end.bytes_out)
		x->end.bytes_out -= x->unsent;
	else if (x->unsent > 0)
		x->end.bytes_out = 0;
	x->end.latency = loop_mono() - x->start;
	logstream_end(&x->rec, &x->end);
	TAILQ_REMOVE(&running, x, entry);
	nrunning--;
	lease_cancel(x->asking);
	lease_unuse(&x->user);
	match_clear(&x->match);
	scope_release(x->scope);
	buf_clear(&x->request);
	free(x->fields);
	freezero(x, sizeof(*x));
}

/* What is in the output already is left to get out. */
void
exchange_stop(void)
{
	struct exchange	*next, *x;

	stopped = 1;
	TAILQ_FOREACH_SAFE(x, &running, entry, next) {
		if (x->serve->state != SERVE_DRAIN)
			exchange_fail(x, ERROR_SHUTDOWN, 503,
			    exchange_text(ERROR_SHUTDOWN));
	}
}

size_t
exchange_count(void)
{
	return (nrunning);
}

uint64_t
exchange_total(void)
{
	return (total);
}
