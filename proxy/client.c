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
#include <sys/socket.h>

#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accept.h"
#include "client.h"
#include "codes.h"
#include "conn.h"
#include "handoff.h"
#include "log.h"
#include "url.h"
#include "worker.h"

#define REALM		"Basic realm=\"brokerd\""
#define PREFIX		"/proxy/"

static void	 client_request(struct serve *, void *);
static void	 client_malformed(struct serve *, void *);
static void	 client_over(struct serve *, void *);
static void	 client_free(struct client *);
static void	 client_connect(struct client *);
static void	 client_forward(struct client *);
static void	 client_explicit(struct client *);
static int	 client_explicit_target(struct client *);
static void	 client_auth(struct client *, struct cred *);
static void	 client_scope(struct scope *, const struct denied *, void *);
static void	 client_unknown(struct client *);
static void	 client_bad(struct client *, const char *);
static void	 client_no_host(struct client *, struct cred *, const char *);
static void	 client_addr(const struct sockaddr_storage *,
		    struct msg_addr *);

static const struct serve_ops	 ops = {
	.request = client_request,
	.malformed = client_malformed,
	.gone = client_over
};

/* In the order in which they came or last sent a request. */
static TAILQ_HEAD(clientlist, client)	 clients =
    TAILQ_HEAD_INITIALIZER(clients);
static unsigned int		 count;
static uint64_t			 accepted, handed, idle_closed, refused;

static void
client_addr(const struct sockaddr_storage *ss, struct msg_addr *a)
{
	const struct sockaddr_in6	*sin6;
	const struct sockaddr_in	*sin;

	memset(a, 0, sizeof(*a));
	if (ss->ss_family == AF_INET) {
		sin = (const struct sockaddr_in *)ss;
		a->af = 4;
		a->port = ntohs(sin->sin_port);
		memcpy(a->ip, &sin->sin_addr, sizeof(sin->sin_addr));
	} else if (ss->ss_family == AF_INET6) {
		sin6 = (const struct sockaddr_in6 *)ss;
		a->af = 6;
		a->port = ntohs(sin6->sin6_port);
		memcpy(a->ip, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
	}
}

void
client_new(int fd, const struct sockaddr_storage *ss)
{
	struct msg_addr	 a;
	struct client	*c;
	struct conn	*conn;

	if ((conn = conn_new(fd, NULL, NULL)) == NULL) {
		log_warn("client");
		close(fd);
		return;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("client");
	TAILQ_INSERT_TAIL(&clients, c, entry);
	count++;
	accepted++;
	client_addr(ss, &a);
	serve_init(&c->serve, conn, &ops, c, &a,
	    worker_conn(accepted));
}

static void
client_free(struct client *c)
{
	auth_cancel(c->asking);
	handoff_cancel(c->handoff);
	TAILQ_REMOVE(&clients, c, entry);
	count--;
	free(c);
	accept_room();
}

static void
client_over(struct serve *s, void *arg)
{
	client_free(arg);
}

/*
 * Who has never sent a request goes first, and without a farewell: it need
 * not be anybody who may.  The newest has had no time to say anything.
 */
int
client_make_room(void)
{
	struct client	*c, *idle = NULL;

	TAILQ_FOREACH(c, &clients, entry) {
		if (c == TAILQ_LAST(&clients, clientlist) ||
		    !serve_waits(&c->serve))
			continue;
		if (idle == NULL || c->serve.served == 0)
			idle = c;
		if (c->serve.served == 0)
			break;
	}
	if (idle == NULL)
		return (0);
	idle_closed++;
	if (idle->serve.served == 0 || conns_closing() >= CLIENT_CLOSING)
		serve_abort(&idle->serve);
	else
		serve_stop(&idle->serve);
	return (1);
}

static void
client_malformed(struct serve *s, void *arg)
{
	refused++;
	serve_answer(s, http_error_status(s->head.error), "bad_request",
	    http_error_text(s->head.error), NULL, 0);
}

static void
client_bad(struct client *c, const char *text)
{
	refused++;
	serve_answer(&c->serve, 400, "bad_request", text, NULL, 0);
}

/* It is refused whoever sent it; that is asked so that it has its record. */
static void
client_no_host(struct client *c, struct cred *cred, const char *text)
{
	c->status = 400;
	c->text = text;
	client_auth(c, cred);
}

/* No credential that one could ask keyd about. */
static void
client_unknown(struct client *c)
{
	refused++;
	if (c->target.ingress == INGRESS_EXPLICIT)
		serve_answer(&c->serve, 401, "auth_required",
		    "Authorization: Bearer with a token is required",
		    "Bearer", 0);
	else
		serve_answer(&c->serve, 407, "auth_required",
		    "Proxy-Authorization with a token is required", REALM, 0);
}

static void
client_request(struct serve *s, void *arg)
{
	const struct http_head	*h = &s->head;
	struct client		*c = arg;

	TAILQ_REMOVE(&clients, c, entry);
	TAILQ_INSERT_TAIL(&clients, c, entry);
	memset(&c->target, 0, sizeof(c->target));
	c->target.host = c->target.path = c->target.query = "";
	c->status = 0;
	if (h->form == HTTP_FORM_AUTHORITY)
		client_connect(c);
	else if (h->form == HTTP_FORM_ABSOLUTE)
		client_forward(c);
	else if (h->form == HTTP_FORM_ORIGIN &&
	    h->path.len >= sizeof(PREFIX) - 1 &&
	    memcmp(HTTP_PTR(h, h->path), PREFIX, sizeof(PREFIX) - 1) == 0)
		client_explicit(c);
	else
		client_bad(c, "this is a proxy: use CONNECT, "
		    "http://host/path or /proxy/host/path");
}

static void
client_connect(struct client *c)
{
	const struct http_head	*h = &c->serve.head;
	struct cred		 cred;

	c->target.ingress = INGRESS_MITM;
	c->target.tls = 1;
	if (cred_proxy(h, &cred) == -1) {
		client_unknown(c);
		return;
	}
	if (url_host(c->host, sizeof(c->host), h->base + h->authority.off,
	    h->authority.len) == URL_NONE) {
		client_no_host(c, &cred, "CONNECT to what is no host");
		return;
	}
	c->target.host = c->host;
	c->target.port = h->authority.port;
	c->handoff = handoff_start(c, &cred, c->host, h->authority.port);
	cred_clear(&cred);
	if (c->handoff == NULL)
		client_busy(c);
}

/* Where the head begins is where the input does, and mitm reads on there. */
void
client_handed(struct client *c)
{
	c->handoff = NULL;
	handed++;
	conn_free(serve_release(&c->serve));
	client_free(c);
}

void
client_busy(struct client *c)
{
	struct cred	 cred;

	c->handoff = NULL;
	c->status = 503;
	c->text = "no more tunnels can be served now";
	/* It was there when the tunnel was asked for. */
	if (cred_proxy(&c->serve.head, &cred) == -1)
		client_unknown(c);
	else
		client_auth(c, &cred);
}

static void
client_forward(struct client *c)
{
	const struct http_head	*h = &c->serve.head;
	struct target		*t = &c->target;
	struct cred		 cred;

	t->ingress = INGRESS_FORWARD;
	if (cred_proxy(h, &cred) == -1) {
		client_unknown(c);
		return;
	}
	if (url_host(c->host, sizeof(c->host), h->base + h->authority.off,
	    h->authority.len) == URL_NONE) {
		client_no_host(c, &cred, "the request is for what is no host");
		return;
	}
	t->host = c->host;
	t->port = h->authority.port != 0 ? h->authority.port : 80;
	t->path = HTTP_PTR(h, h->path);
	t->pathlen = h->path.len;
	t->query = HTTP_PTR(h, h->query);
	t->querylen = h->query.len;
	client_auth(c, &cred);
}

/* /proxy/host[:port]/path?query, without the path for "/". */
static int
client_explicit_target(struct client *c)
{
	const struct http_head	*h = &c->serve.head;
	struct target		*t = &c->target;
	struct url_authority	 a;
	const char		*s;
	size_t			 n, len;

	s = HTTP_PTR(h, h->path) + sizeof(PREFIX) - 1;
	n = h->path.len - (sizeof(PREFIX) - 1);
	for (len = 0; len < n && s[len] != '/'; len++)
		;
	if (url_authority(s, len, 0, &a) == -1 || url_host(c->host,
	    sizeof(c->host), s + a.off, a.len) == URL_NONE)
		return (-1);
	t->host = c->host;
	t->port = a.port != 0 ? a.port : 443;
	t->tls = 1;
	t->path = s + len;
	t->pathlen = n - len;
	t->query = HTTP_PTR(h, h->query);
	t->querylen = h->query.len;
	return (0);
}

static void
client_explicit(struct client *c)
{
	struct cred	 cred;

	c->target.ingress = INGRESS_EXPLICIT;
	if (cred_explicit(&c->serve.head, &cred) == -1)
		client_unknown(c);
	else if (client_explicit_target(c) == -1)
		client_no_host(c, &cred, "what follows /proxy/ is no host");
	else
		client_auth(c, &cred);
}

/* A connection that sends the same token again is known. */
static void
client_auth(struct client *c, struct cred *cred)
{
	struct ask	*a;

	/* Answered at once, c may be gone already. */
	a = auth_ask(&c->serve.auth, cred->token, cred->vault,
	    &c->serve.client, c->target.ingress, client_scope, c);
	cred_clear(cred);
	if (a != NULL)
		c->asking = a;
}

static void
client_scope(struct scope *s, const struct denied *d, void *arg)
{
	struct client	*c = arg;

	c->asking = NULL;
	if (s != NULL) {
		if (c->status != 0) {
			refused++;
			exchange_turn_away(&c->serve, s, &c->target,
			    c->status == 503 ? ERROR_OVERLOADED :
			    ERROR_BAD_REQUEST, c->status, c->text);
		} else
			exchange_start(&c->serve, s, &c->target);
		scope_release(s);
		return;
	}
	refused++;
	if (d->status == 407 && c->target.ingress == INGRESS_EXPLICIT)
		serve_answer(&c->serve, 401, d->code, d->text, "Bearer", 0);
	else
		serve_answer(&c->serve, d->status, d->code, d->text,
		    d->status == 407 ? REALM : NULL,
		    d->status == 429 ? 60 : d->status == 503 ? 1 : 0);
}

void
client_stop(void)
{
	struct client	*c, *next;

	TAILQ_FOREACH_SAFE(c, &clients, entry, next)
		serve_stop(&c->serve);
}

void
client_end(void)
{
	struct client	*c, *next;

	TAILQ_FOREACH_SAFE(c, &clients, entry, next)
		serve_abort(&c->serve);
}

unsigned int
client_count(void)
{
	return (count);
}

void
client_stats(void)
{
	stats_add("clients", count);
	stats_add("clients_accepted", accepted);
	stats_add("clients_refused", refused);
	stats_add("clients_idle_closed", idle_closed);
	stats_add("tunnels_handed", handed);
}
