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

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "exchangevar.h"
#include "header.h"
#include "log.h"
#include "loop.h"
#include "pool.h"
#include "serve.h"
#include "settings.h"

/*
 * The bytes of an exchange: its request to an upstream, the response to the
 * client, each piece as it comes.
 */

static void	 relay_opened(struct upstream *, const struct upstream_error *,
		    void *);
static void	 relay_send(struct exchange *, struct upstream *);
static void	 relay_upload(struct exchange *);
static void	 relay_uploaded(struct exchange *);
static void	 relay_upload_end(struct pump *, enum pump_end, void *);
static int	 relay_idempotent(const struct exchange *);
static void	 relay_read(struct conn *, void *);
static void	 relay_write(struct conn *, void *);
static void	 relay_eof(struct conn *, enum conn_eof, void *);
static void	 relay_error(struct conn *, enum conn_error, const char *,
		    void *);
static void	 relay_timeout(struct conn *, enum conn_timer, void *);
static void	 relay_lost(struct exchange *);
static int	 relay_parse(struct exchange *);
static void	 relay_unwritten(struct exchange *);
static int	 relay_interim(struct exchange *);
static int	 relay_respond(struct exchange *);
static enum http_framing	 relay_framing(struct exchange *);
static int	 relay_head(struct exchange *, enum http_framing);
static void	 relay_download_end(struct pump *, enum pump_end, void *);
static void	 relay_done(struct exchange *);

static const struct conn_ops	 ops = {
	.read = relay_read,
	.write = relay_write,
	.eof = relay_eof,
	.error = relay_error,
	.timeout = relay_timeout
};

void
relay_start(struct exchange *x)
{
	struct upstream	*u;

	u = pool_get(x->scope->vault, x->host, x->port, x->tls);
	if (u != NULL) {
		relay_send(x, u);
		return;
	}
	/* When it fails at once, x is gone behind this. */
	if ((u = upstream_open(x->scope->vault, x->host, x->port, x->tls,
	    relay_opened, x)) != NULL)
		x->opening = u;
}

static void
relay_opened(struct upstream *u, const struct upstream_error *e, void *arg)
{
	struct exchange	*x = arg;

	x->opening = NULL;
	if (u != NULL) {
		relay_send(x, u);
		return;
	}
	x->end.upstream = e->addr;
	x->end.decision = e->code == ERROR_ADDRESS_BLOCKED ?
	    DECISION_BLOCKED : DECISION_ERROR;
	exchange_fail(x, e->code, e->status, e->text);
}

/* RFC 9110 section 9.2.2. */
static int
relay_idempotent(const struct exchange *x)
{
	switch (x->method) {
	case HTTP_M_GET:
	case HTTP_M_HEAD:
	case HTTP_M_PUT:
	case HTTP_M_DELETE:
	case HTTP_M_OPTIONS:
	case HTTP_M_TRACE:
		return (1);
	default:
		return (0);
	}
}

/* The head is kept until the answer comes, in case it must be sent again. */
static void
relay_send(struct exchange *x, struct upstream *u)
{
	x->up = u;
	x->end.upstream = u->addr;
	u->scope = x->scope->id;
	x->tries++;
	conn_owner(u->conn, &ops, x);
	conn_marks(u->conn, CONN_LOW, CONN_HIGH, SERVE_OUT_MAX);
	if (conn_write(u->conn, buf_data(&x->request),
	    buf_len(&x->request)) == -1) {
		relay_lost(x);
		return;
	}
	conn_timer(u->conn, CONN_T_IDLE, EXCHANGE_IDLE_MS);
	conn_resume(u->conn);
	relay_upload(x);
}

static void
relay_upload(struct exchange *x)
{
	struct serve	*s = x->serve;

	if (x->framing == HTTP_BODY_NONE ||
	    (x->framing == HTTP_BODY_LENGTH && x->length == 0)) {
		relay_uploaded(x);
		return;
	}
	conn_timer(s->conn, CONN_T_IDLE, SERVE_BODY_MS);
	x->uploading = 1;
	if (x->upload.end == NULL) {
		body_source_init(&x->upload.source, s->conn, x->framing,
		    x->length, &s->limits);
		pump_init(&x->upload, relay_upload_end, x);
	}
	body_sink_init(&x->upload.sink, x->up->conn, x->framing, x->length,
	    HTTP_F_HOP | HTTP_F_PROXY);
	pump_run(&x->upload);
}

/* The request is out: now the upstream has so long to begin its answer. */
static void
relay_uploaded(struct exchange *x)
{
	x->uploaded = 1;
	conn_timer(x->serve->conn, CONN_T_IDLE, SERVE_STALL_MS);
	if (!x->answered)
		conn_timer(x->up->conn, CONN_T_DEADLINE, settings()->head);
}

static void
relay_upload_end(struct pump *p, enum pump_end end, void *arg)
{
	struct exchange	*x = arg;

	switch (end) {
	case PUMP_DONE:
		relay_uploaded(x);
		break;
	case PUMP_MALFORMED:
		exchange_fail(x, ERROR_REQUEST_READ, 400,
		    http_error_text(p->source.body.error));
		break;
	case PUMP_SINK:
		/* It may have answered before it closed. */
		x->broken = 1;
		break;
	default:
		exchange_fail(x, ERROR_INTERNAL, 502,
		    "the request body cannot be forwarded");
		break;
	}
}

void
exchange_client_read(struct exchange *x)
{
	if (x->up == NULL || x->uploaded || x->broken)
		return;
	if (x->upload.in > EXCHANGE_BODY_MAX) {
		exchange_fail(x, ERROR_REQUEST_TOO_LARGE, 413,
		    "the request body is too large");
		return;
	}
	pump_run(&x->upload);
}

void
exchange_client_write(struct exchange *x)
{
	if (x->answered)
		pump_run(&x->download);
}

/* For so long not a byte from or to the client. */
void
exchange_client_idle(struct exchange *x)
{
	struct conn	*c = x->serve->conn;

	if (buf_len(conn_out(c)) > 0) {
		exchange_fail(x, ERROR_RESPONSE_TRUNCATED, 0,
		    "the client does not read");
	} else if (x->up != NULL && !x->uploaded && !x->upload.held &&
	    !x->broken) {
		exchange_fail(x, ERROR_REQUEST_READ, 408,
		    "the request body did not come");
	} else
		conn_timer(c, CONN_T_IDLE, SERVE_STALL_MS);
}

static void
relay_read(struct conn *c, void *arg)
{
	struct exchange	*x = arg;

	if (x->end.ttfb == -1)
		x->end.ttfb = loop_mono() - x->start;
	while (!x->answered) {
		if (!relay_parse(x))
			return;
	}
	pump_run(&x->download);
}

static void
relay_write(struct conn *c, void *arg)
{
	struct exchange	*x = arg;

	if (!x->uploaded && !x->broken)
		pump_run(&x->upload);
}

static void
relay_eof(struct conn *c, enum conn_eof how, void *arg)
{
	struct exchange	*x = arg;

	if (x->answered)
		pump_eof(&x->download, how);
	else
		relay_lost(x);
}

static void
relay_error(struct conn *c, enum conn_error error, const char *text, void *arg)
{
	struct exchange	*x = arg;

	if (error == CONN_E_WRITE) {
		x->broken = 1;
		return;
	}
	if (x->answered)
		pump_eof(&x->download, CONN_EOF_TRUNCATED);
	else
		relay_lost(x);
}

static void
relay_timeout(struct conn *c, enum conn_timer timer, void *arg)
{
	struct exchange	*x = arg;

	if (timer == CONN_T_IDLE && !x->answered && !x->uploaded &&
	    buf_len(conn_out(c)) == 0) {
		/* It is the client that we wait for. */
		conn_timer(c, CONN_T_IDLE, EXCHANGE_IDLE_MS);
		return;
	}
	exchange_fail(x, ERROR_UPSTREAM_TIMEOUT, 504,
	    x->answered ? "the upstream sent nothing for too long" :
	    "the upstream did not answer in time");
}

/*
 * The connection ended before an answer began.  One that was idle before may
 * have ended for that reason alone: if nothing but the head was sent, and if
 * sending it twice does no harm, a fresh one is tried, once.
 */
static void
relay_lost(struct exchange *x)
{
	struct upstream	*u = x->up;

	if (u->reused && x->tries == 1 && x->end.ttfb == -1 &&
	    x->upload.in == 0 && relay_idempotent(x)) {
		upstream_free(u);
		x->up = NULL;
		x->broken = 0;
		x->uploaded = 0;
		if ((u = upstream_open(x->scope->vault, x->host, x->port,
		    x->tls, relay_opened, x)) != NULL)
			x->opening = u;
		return;
	}
	exchange_fail(x, ERROR_UPSTREAM, 502,
	    "the upstream closed the connection without an answer");
}

/* A whole head was there and was dealt with; 0 also when x is gone. */
static int
relay_parse(struct exchange *x)
{
	struct buf	*in = conn_in(x->up->conn);
	enum http_rc	 rc;

	if (buf_len(in) == 0)
		return (0);
	if (x->fields == NULL) {
		x->limits = settings()->limits;
		x->fields = reallocarray(NULL, x->limits.fields,
		    sizeof(*x->fields));
		if (x->fields == NULL)
			fatal("response");
		http_head_response(&x->head, &x->limits, x->fields, x->method);
		if (HTTP_HEAD_SIZE(&x->limits) > CONN_IN_MAX)
			conn_inmax(x->up->conn, HTTP_HEAD_SIZE(&x->limits));
	}
	rc = http_parse(&x->head, (char *)buf_data(in), buf_len(in));
	if (rc == HTTP_MORE)
		return (0);
	if (rc == HTTP_ERROR) {
		exchange_fail(x, ERROR_UPSTREAM, 502,
		    http_error_text(x->head.error));
		return (0);
	}
	if (x->head.status / 100 == 1)
		return (relay_interim(x));
	return (relay_respond(x));
}

/*
 * A part of a head may be in the output, and another one behind it would
 * mean something else: nothing is to follow.
 */
static void
relay_unwritten(struct exchange *x)
{
	x->answered = 1;
	x->download.sink.framing = HTTP_BODY_EOF;
	exchange_fail(x, ERROR_INTERNAL, 0, "");
}

/*
 * An interim response goes on to who understands it.  A 101 would be the
 * answer to an Upgrade that was never sent.
 */
static int
relay_interim(struct exchange *x)
{
	struct buf	*out = conn_out(x->serve->conn);

	if (x->head.status == 101 || ++x->interim > EXCHANGE_INTERIM) {
		exchange_fail(x, ERROR_UPSTREAM, 502,
		    "the upstream sent interim responses out of turn");
		return (0);
	}
	if (x->version == 11 && (http_write_status(out, x->head.status,
	    HTTP_PTR(&x->head, x->head.reason), x->head.reason.len) == -1 ||
	    header_response(out, &x->head, x->passthrough) == -1 ||
	    http_write_end(out) == -1)) {
		relay_unwritten(x);
		return (0);
	}
	buf_drain(conn_in(x->up->conn), x->head.length);
	http_head_response(&x->head, &x->limits, x->fields, x->method);
	return (1);
}

/*
 * How the body goes to the client.  One that ends with the connection is sent
 * in chunks, so that its end can be told from a cut, to all who know chunks.
 */
static enum http_framing
relay_framing(struct exchange *x)
{
	switch (x->head.framing) {
	case HTTP_BODY_CHUNKED:
	case HTTP_BODY_EOF:
		if (x->version == 11)
			return (HTTP_BODY_CHUNKED);
		x->serve->keepalive = 0;
		return (HTTP_BODY_EOF);
	default:
		return (x->head.framing);
	}
}

static int
relay_head(struct exchange *x, enum http_framing framing)
{
	const struct http_head	*h = &x->head;
	const struct serve	*s = x->serve;
	struct buf		*out = conn_out(s->conn);

	if (http_write_status(out, h->status, HTTP_PTR(h, h->reason),
	    h->reason.len) == -1 ||
	    header_response(out, h, x->passthrough) == -1)
		return (-1);
	if ((framing == h->framing ? http_write_announced(out, h) :
	    http_write_framing(out, framing, 0)) == -1)
		return (-1);
	if (!s->keepalive &&
	    http_write_string(out, "Connection", "close") == -1)
		return (-1);
	if (s->keepalive && x->version == 10 &&
	    http_write_string(out, "Connection", "keep-alive") == -1)
		return (-1);
	return (http_write_end(out));
}

/* A final head: it goes out, and the body follows.  0 when x is gone. */
static int
relay_respond(struct exchange *x)
{
	struct conn		*c = x->up->conn;
	struct serve		*s = x->serve;
	enum http_framing	 framing = relay_framing(x);

	/* The rest of the body may never come, or is not wanted. */
	if (!x->uploaded || s->stopping)
		s->keepalive = 0;
	if (relay_head(x, framing) == -1) {
		relay_unwritten(x);
		return (0);
	}
	x->answered = 1;
	x->head_end = conn_queued(s->conn);
	x->end.status = x->head.status;
	x->reusable = x->head.keepalive && x->head.framing != HTTP_BODY_EOF;
	conn_timer(c, CONN_T_DEADLINE, 0);
	buf_clear(&x->request);
	body_source_init(&x->download.source, c, x->head.framing,
	    x->head.content_length, &x->limits);
	body_sink_init(&x->download.sink, s->conn, framing,
	    x->head.content_length, HTTP_F_HOP | HTTP_F_PROXY);
	pump_init(&x->download, relay_download_end, x);
	buf_drain(conn_in(c), x->head.length);
	free(x->fields);
	x->fields = NULL;
	return (1);
}

static void
relay_download_end(struct pump *p, enum pump_end end, void *arg)
{
	struct exchange	*x = arg;

	switch (end) {
	case PUMP_DONE:
		relay_done(x);
		break;
	case PUMP_TRUNCATED:
		exchange_fail(x, ERROR_UPSTREAM_TRUNCATED, 502, "");
		break;
	case PUMP_MALFORMED:
		exchange_fail(x, ERROR_UPSTREAM, 502, "");
		break;
	case PUMP_SINK:
		/* The error callback is on its way. */
		exchange_fail(x, ERROR_CLIENT_CLOSED, 0, "");
		break;
	default:
		exchange_fail(x, ERROR_INTERNAL, 502, "");
		break;
	}
}

/* The answer is complete; whoever is next may have the connection. */
static void
relay_done(struct exchange *x)
{
	struct upstream	*u = x->up;

	pump_free(&x->download);
	if (!x->uploaded)
		x->reusable = 0;
	if (x->reusable && !x->broken) {
		x->up = NULL;
		pool_put(u);
	}
	relay_free(x);
	exchange_answered(x);
}

void
relay_free(struct exchange *x)
{
	pump_free(&x->upload);
	pump_free(&x->download);
	upstream_free(x->opening);
	upstream_free(x->up);
	x->opening = x->up = NULL;
}
