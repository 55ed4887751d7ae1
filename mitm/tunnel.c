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

#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tls.h>

#include "buf.h"
#include "codes.h"
#include "conn.h"
#include "exchange.h"
#include "hello.h"
#include "leaf.h"
#include "lease.h"
#include "link.h"
#include "log.h"
#include "logstream.h"
#include "proc.h"
#include "respond.h"
#include "serve.h"
#include "tunnel.h"
#include "url.h"
#include "worker.h"

#define CHALLENGE	"Basic realm=\"brokerd\""

enum tunnel_state {
	TUNNEL_AUTH,		/* keyd is asked who it is */
	TUNNEL_LEAF,		/* and for the leaf */
	TUNNEL_HELLO,		/* 200 is out, the ClientHello is read */
	TUNNEL_TLS,		/* libtls shakes hands */
	TUNNEL_SERVE
};

struct tunnel {
	TAILQ_ENTRY(tunnel)	 entry;
	enum tunnel_state	 state;
	struct conn		*conn;		/* NULL: serve has it */
	struct serve		 serve;
	struct scope_user	 user;
	struct ask		*asking;
	struct leaf_wait	 wait;
	struct leaf		*leaf;
	struct msg_addr		 client;
	uint64_t		 number;
	char			 host[256];	/* canonical */
	uint16_t		 port;
};

static struct tunnel	*tunnel_new(const struct msg_tunnel *, int);
static void	 tunnel_free(struct tunnel *);
static void	 tunnel_scope(struct scope *, const struct denied *, void *);
static void	 tunnel_refuse(struct tunnel *, int, const char *,
		    const char *);
static void	 tunnel_leaf(struct leaf *, const char *, void *);
static void	 tunnel_read(struct conn *, void *);
static int	 tunnel_named(const struct tunnel *, const char *);
static void	 tunnel_alert(struct tunnel *);
static void	 tunnel_ready(struct conn *, void *);
static void	 tunnel_eof(struct conn *, enum conn_eof, void *);
static void	 tunnel_error(struct conn *, enum conn_error, const char *,
		    void *);
static void	 tunnel_timeout(struct conn *, enum conn_timer, void *);
static void	 tunnel_event(struct tunnel *, enum event_code, const char *);
static void	 tunnel_gone(struct scope_user *, void *);
static void	 tunnel_request(struct serve *, void *);
static void	 tunnel_malformed(struct serve *, void *);
static void	 tunnel_over(struct serve *, void *);
static void	 tunnel_target(const struct tunnel *, struct target *);
static int	 tunnel_here(const struct tunnel *, const struct http_head *,
		    const struct url_authority *);

static const struct conn_ops	 ops = {
	.ready = tunnel_ready,
	.read = tunnel_read,
	.eof = tunnel_eof,
	.error = tunnel_error,
	.timeout = tunnel_timeout
};

static const struct serve_ops	 serve_ops = {
	.request = tunnel_request,
	.malformed = tunnel_malformed,
	.gone = tunnel_over
};

static TAILQ_HEAD(, tunnel)	 tunnels = TAILQ_HEAD_INITIALIZER(tunnels);
static unsigned int		 count;
static uint64_t			 taken, busy, failed;

/* NULL when the host is none, or with errno when there is no memory. */
static struct tunnel *
tunnel_new(const struct msg_tunnel *q, int fd)
{
	struct tunnel	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		fatal("tunnel");
	t->port = q->port;
	t->client = q->client;
	errno = EINVAL;
	if (url_host(t->host, sizeof(t->host), q->host,
	    strlen(q->host)) == URL_NONE || q->port == 0 ||
	    (t->conn = conn_new(fd, &ops, t)) == NULL) {
		free(t);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&tunnels, t, entry);
	count++;
	t->number = worker_conn(++taken);
	return (t);
}

/*
 * proxy has looked at the host and made it canonical, but is believed in
 * nothing.
 */
void
tunnel_msg(struct link *l, struct msg *m)
{
	const struct msg_tunnel	*q = &m->u.tunnel;
	struct msg_tunnel_ack	 ack = { q->id };
	struct msg_tunnel_busy	 no = { q->id };
	struct tunnel		*t = NULL;
	struct ask		*a;

	if (m->fd != -1 && !worker_stopping() && worker_admits(count) &&
	    (t = tunnel_new(q, m->fd)) == NULL && errno == EINVAL) {
		link_bad(l, "tunnel to what is no host");
		return;
	}
	if (t == NULL) {
		busy++;
		(void)link_send(l, MSG_TUNNEL_BUSY, &no, -1);
		return;
	}
	m->fd = -1;
	(void)link_send(l, MSG_TUNNEL_ACK, &ack, -1);
	if (q->early.len > 0 &&
	    conn_unread(t->conn, q->early.data, q->early.len) == -1) {
		tunnel_free(t);
		return;
	}
	conn_timer(t->conn, CONN_T_DEADLINE, TUNNEL_SETUP_MS);
	/* Answered at once, t may be gone already. */
	if ((a = auth_ask(NULL, q->token, q->vault, &q->client, INGRESS_MITM,
	    tunnel_scope, t)) != NULL)
		t->asking = a;
}

static void
tunnel_free(struct tunnel *t)
{
	conn_free(t->conn);
	auth_cancel(t->asking);
	leaf_cancel(&t->wait);
	leaf_release(t->leaf);
	scope_unuse(&t->user);
	TAILQ_REMOVE(&tunnels, t, entry);
	count--;
	free(t);
}

static void
tunnel_scope(struct scope *s, const struct denied *d, void *arg)
{
	struct tunnel	*t = arg;

	t->asking = NULL;
	if (s == NULL) {
		tunnel_refuse(t, d->status, d->code, d->text);
		return;
	}
	t->user.gone = tunnel_gone;
	t->user.arg = t;
	scope_use(s, &t->user);
	t->state = TUNNEL_LEAF;
	t->wait.scope = s->id;
	t->wait.cb = tunnel_leaf;
	t->wait.arg = t;
	scope_release(s);
	leaf_get(&t->wait, t->host);
}

/* A CONNECT that is not granted. */
static void
tunnel_refuse(struct tunnel *t, int status, const char *code, const char *text)
{
	struct respond	 r;

	memset(&r, 0, sizeof(r));
	r.status = status;
	r.code = code;
	r.text = text;
	r.close = 1;
	if (status == 407)
		r.challenge = CHALLENGE;
	if (status == 429 || status == 503)
		r.retry = status == 503 ? 1 : 60;
	if (respond_error(conn_out(t->conn), &r) != -1) {
		conn_close(t->conn, TUNNEL_LINGER_MS);
		t->conn = NULL;
	}
	tunnel_free(t);
}

static void
tunnel_leaf(struct leaf *l, const char *why, void *arg)
{
	static const char	 ok[] =
	    "HTTP/1.1 200 Connection Established\r\n\r\n";
	struct tunnel		*t = arg;

	if (l == NULL) {
		log_warnx("no certificate for %s: %s", t->host, why);
		tunnel_refuse(t, 503, "internal",
		    "there is no certificate for this host");
		return;
	}
	t->leaf = l;
	if (conn_write(t->conn, ok, sizeof(ok) - 1) == -1) {
		tunnel_free(t);
		return;
	}
	t->state = TUNNEL_HELLO;
	conn_resume(t->conn);
}

/*
 * The ClientHello comes in any number of pieces.  Its name is judged before
 * libtls sees it, so that the refusal can be an alert.
 */
static void
tunnel_read(struct conn *c, void *arg)
{
	struct tunnel	*t = arg;
	char		 name[HELLO_NAME];

	if (t->state != TUNNEL_HELLO)
		return;
	switch (hello_parse(buf_data(conn_in(c)), buf_len(conn_in(c)), name)) {
	case HELLO_MORE:
		return;
	case HELLO_BAD:
		tunnel_event(t, EVENT_TLS_CLIENT, "no ClientHello");
		failed++;
		conn_close(t->conn, TUNNEL_LINGER_MS);
		t->conn = NULL;
		tunnel_free(t);
		return;
	case HELLO_DONE:
		break;
	}
	if (!tunnel_named(t, name)) {
		tunnel_event(t, EVENT_SNI_MISMATCH, name);
		tunnel_alert(t);
		return;
	}
	t->state = TUNNEL_TLS;
	if (conn_accept_tls(c, leaf_context(t->leaf), TUNNEL_SETUP_MS) == -1) {
		log_warnx("tunnel: %s", tls_error(leaf_context(t->leaf)));
		tunnel_free(t);
	}
}

/* The name, if there is one, must be the host of the CONNECT. */
static int
tunnel_named(const struct tunnel *t, const char *name)
{
	char	 host[URL_HOST_MAX];

	if (*name == '\0')
		return (1);
	return (url_host(host, sizeof(host), name, strlen(name)) !=
	    URL_NONE && strcmp(host, t->host) == 0);
}

/* unrecognized_name, RFC 6066 section 3, as a fatal alert. */
static void
tunnel_alert(struct tunnel *t)
{
	static const uint8_t	 alert[] = { 21, 3, 3, 0, 2, 2, 112 };

	failed++;
	if (conn_write(t->conn, alert, sizeof(alert)) != -1) {
		conn_close(t->conn, TUNNEL_LINGER_MS);
		t->conn = NULL;
	}
	tunnel_free(t);
}

static void
tunnel_ready(struct conn *c, void *arg)
{
	struct tunnel	*t = arg;
	const char	*name;

	if ((name = tls_conn_servername(conn_tls(c))) != NULL &&
	    !tunnel_named(t, name)) {
		tunnel_event(t, EVENT_SNI_MISMATCH, name);
		failed++;
		tunnel_free(t);
		return;
	}
	leaf_release(t->leaf);
	t->leaf = NULL;
	t->state = TUNNEL_SERVE;
	t->conn = NULL;
	serve_init(&t->serve, c, &serve_ops, t, &t->client, t->number);
}

/* A client that leaves before the handshake; no event for who only knocks. */
static void
tunnel_eof(struct conn *c, enum conn_eof how, void *arg)
{
	struct tunnel	*t = arg;

	if (buf_len(conn_in(c)) > 0)
		tunnel_event(t, EVENT_TLS_CLIENT, "ended in the ClientHello");
	failed++;
	tunnel_free(t);
}

/* It has got an alert, which is to arrive. */
static void
tunnel_error(struct conn *c, enum conn_error error, const char *text,
    void *arg)
{
	struct tunnel	*t = arg;

	failed++;
	if (error == CONN_E_HANDSHAKE) {
		tunnel_event(t, EVENT_TLS_CLIENT, text);
		conn_close(t->conn, TUNNEL_LINGER_MS);
		t->conn = NULL;
	}
	tunnel_free(t);
}

static void
tunnel_timeout(struct conn *c, enum conn_timer timer, void *arg)
{
	struct tunnel	*t = arg;

	failed++;
	if (t->state == TUNNEL_HELLO || t->state == TUNNEL_TLS)
		tunnel_event(t, EVENT_TLS_CLIENT, "no handshake in time");
	tunnel_free(t);
}

static void
tunnel_event(struct tunnel *t, enum event_code code, const char *detail)
{
	struct msg_event	 m;
	char			 json[512], safe[256];
	size_t			 i;

	/* A detail is a JSON object; what is odd in the text is left out. */
	(void)strlcpy(safe, detail, sizeof(safe));
	for (i = 0; safe[i] != '\0'; i++) {
		if (safe[i] < ' ' || safe[i] > '~' || safe[i] == '"' ||
		    safe[i] == '\\')
			safe[i] = '?';
	}
	(void)snprintf(json, sizeof(json), "{\"%s\":\"%s\",\"port\":%u}",
	    code == EVENT_SNI_MISMATCH ? "sni" : "reason", safe, t->port);
	memset(&m, 0, sizeof(m));
	m.code = code;
	m.scope = t->user.scope != NULL ? t->user.scope->id : 0;
	m.vault = t->user.scope != NULL ? t->user.scope->vault : 0;
	m.count = 1;
	m.host = t->host;
	m.detail = json;
	m.client = t->client;
	logstream_event(&m);
}

/* The token, the grant or the vault is no more. */
static void
tunnel_gone(struct scope_user *u, void *arg)
{
	struct tunnel	*t = arg;

	if (t->state == TUNNEL_SERVE)
		serve_stop(&t->serve);
	else
		tunnel_free(t);
}

static void
tunnel_target(const struct tunnel *t, struct target *g)
{
	memset(g, 0, sizeof(*g));
	g->host = t->host;
	g->port = t->port;
	g->tls = 1;
	g->ingress = INGRESS_MITM;
	g->path = "";
	g->query = "";
}

/* Does what a request names lead to where its tunnel does? */
static int
tunnel_here(const struct tunnel *t, const struct http_head *h,
    const struct url_authority *a)
{
	char	 host[URL_HOST_MAX];

	if (a->kind == URL_NONE)
		return (1);
	if (url_host(host, sizeof(host), h->base + a->off, a->len) ==
	    URL_NONE || strcmp(host, t->host) != 0)
		return (0);
	return (a->port == 0 || a->port == t->port);
}

static void
tunnel_request(struct serve *s, void *arg)
{
	const struct http_head	*h = &s->head;
	struct tunnel		*t = arg;
	struct target		 g;

	tunnel_target(t, &g);
	g.path = HTTP_PTR(h, h->path);
	g.pathlen = h->path.len;
	g.query = HTTP_PTR(h, h->query);
	g.querylen = h->query.len;
	if (h->form == HTTP_FORM_ASTERISK) {
		g.path = "*";
		g.pathlen = 1;
		g.querylen = 0;
	}
	if (t->user.scope == NULL)
		serve_answer(s, 403, "revoked",
		    "the right to this tunnel has ended", NULL, 0);
	else if (h->method == HTTP_M_CONNECT)
		exchange_refuse(s, t->user.scope, &g, ERROR_BAD_REQUEST, 400,
		    "CONNECT inside of a tunnel");
	else if (!tunnel_here(t, h, &h->host) || (h->form ==
	    HTTP_FORM_ABSOLUTE && !tunnel_here(t, h, &h->authority)))
		exchange_refuse(s, t->user.scope, &g, ERROR_MISDIRECTED, 421,
		    "the request names another host than its tunnel");
	else
		exchange_start(s, t->user.scope, &g);
}

static void
tunnel_malformed(struct serve *s, void *arg)
{
	struct tunnel	*t = arg;
	struct target	 g;

	tunnel_target(t, &g);
	if (t->user.scope == NULL)
		serve_abort(s);
	else
		exchange_malformed(s, t->user.scope, &g);
}

static void
tunnel_over(struct serve *s, void *arg)
{
	tunnel_free(arg);
}

void
tunnel_stop(void)
{
	struct tunnel	*next, *t;

	TAILQ_FOREACH_SAFE(t, &tunnels, entry, next) {
		if (t->state == TUNNEL_SERVE)
			serve_stop(&t->serve);
		else
			tunnel_free(t);
	}
}

void
tunnel_end(void)
{
	struct tunnel	*next, *t;

	TAILQ_FOREACH_SAFE(t, &tunnels, entry, next) {
		if (t->state == TUNNEL_SERVE)
			serve_abort(&t->serve);
		else
			tunnel_free(t);
	}
}

void
tunnel_stats(void)
{
	stats_add("tunnels", count);
	stats_add("tunnels_taken", taken);
	stats_add("tunnels_busy", busy);
	stats_add("tunnels_failed", failed);
	stats_add("leaves", leaf_count());
	stats_add("leaves_minted", leaf_minted());
}
