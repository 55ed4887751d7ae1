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
#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tls.h>

#include "conn.h"
#include "log.h"
#include "pool.h"
#include "resolve.h"
#include "settings.h"
#include "upstream.h"

static void	 upstream_resolved(const struct resolved *, void *);
static void	 upstream_dial(struct upstream *, const struct resolved *);
static void	 upstream_ready(struct conn *, void *);
static void	 upstream_error(struct conn *, enum conn_error, const char *,
		    void *);
static void	 upstream_timeout(struct conn *, enum conn_timer, void *);
static void	 upstream_fail(struct upstream *, enum error_code, int,
		    const char *);
static void	 upstream_addr(struct upstream *);

static const struct conn_ops	 dial_ops = {
	.ready = upstream_ready,
	.error = upstream_error,
	.timeout = upstream_timeout
};

static struct tls_config	*config;
static uint64_t			 dialled;

/* What libtls would verify, verify.c does, at a fraction of the cost. */
void
upstream_init(void)
{
	if ((config = conn_tls_config()) == NULL)
		fatalx("upstream: no TLS configuration");
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	tls_config_insecure_noverifytime(config);
}

uint64_t
upstream_dialled(void)
{
	return (dialled);
}

struct upstream *
upstream_open(uint64_t vault, const char *host, uint16_t port, int tls,
    void (*cb)(struct upstream *, const struct upstream_error *, void *),
    void *arg)
{
	struct upstream	*u;
	struct resolve	*r;

	if ((u = calloc(1, sizeof(*u))) == NULL ||
	    (u->conn = conn_new(-1, &dial_ops, u)) == NULL)
		fatal("upstream");
	u->vault = vault;
	(void)strlcpy(u->host, host, sizeof(u->host));
	u->port = port;
	u->tls = tls;
	u->cb = cb;
	u->arg = arg;
	pool_room();
	/* Answered at once, it has failed, and u is gone. */
	if ((r = resolve_ask(vault, host, port, upstream_resolved, u)) == NULL)
		return (NULL);
	u->dialling = r;
	return (u);
}

void
upstream_free(struct upstream *u)
{
	if (u == NULL)
		return;
	pool_remove(u);
	resolve_cancel(u->dialling);
	conn_free(u->conn);
	free(u->addrs);
	free(u);
}

static void
upstream_fail(struct upstream *u, enum error_code code, int status,
    const char *text)
{
	struct upstream_error	 e;

	e.code = code;
	e.status = status;
	e.text = text;
	e.addr = u->addr;
	u->cb(NULL, &e, u->arg);
	upstream_free(u);
}

static void
upstream_resolved(const struct resolved *a, void *arg)
{
	struct upstream	*u = arg;

	u->dialling = NULL;
	switch (a->result) {
	case RESOLVE_OK:
		upstream_dial(u, a);
		break;
	case RESOLVE_BLOCKED:
		upstream_fail(u, ERROR_ADDRESS_BLOCKED, 502, a->text);
		break;
	case RESOLVE_BUSY:
		upstream_fail(u, ERROR_OVERLOADED, 503, a->text);
		break;
	default:
		upstream_fail(u, ERROR_DNS, 502, a->text);
		break;
	}
}

static void
upstream_dial(struct upstream *u, const struct resolved *a)
{
	if ((u->addrs = calloc(a->n, sizeof(*u->addrs))) == NULL)
		fatal("upstream");
	memcpy(u->addrs, a->addrs, a->n * sizeof(*u->addrs));
	u->naddrs = a->n;
	if (conn_connect(u->conn, u->addrs, u->naddrs) == -1) {
		upstream_fail(u, ERROR_CONNECT, 502, strerror(errno));
		return;
	}
	dialled++;
	conn_timer(u->conn, CONN_T_CONNECT, settings()->dial);
}

/* Which of the addresses answered. */
static void
upstream_addr(struct upstream *u)
{
	const struct sockaddr_in6	*sin6;
	const struct sockaddr_in	*sin;
	const struct sockaddr_storage	*ss;
	int				 i;

	if ((i = conn_dialled(u->conn)) == -1 || (size_t)i >= u->naddrs)
		return;
	ss = &u->addrs[i];
	u->addr.port = u->port;
	if (ss->ss_family == AF_INET) {
		sin = (const struct sockaddr_in *)ss;
		u->addr.af = 4;
		memcpy(u->addr.ip, &sin->sin_addr, sizeof(sin->sin_addr));
	} else {
		sin6 = (const struct sockaddr_in6 *)ss;
		u->addr.af = 6;
		memcpy(u->addr.ip, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
	}
	free(u->addrs);
	u->addrs = NULL;
}

/* Connected; then, with TLS, the handshake is done, too. */
static void
upstream_ready(struct conn *c, void *arg)
{
	struct upstream	*u = arg;
	char		 text[VERIFY_TEXT];

	if (u->addr.af == 0)
		upstream_addr(u);
	if (u->tls && conn_tls(c) == NULL) {
		if (conn_start_tls_client(c, config, u->host,
		    settings()->handshake, text, sizeof(text)) == -1)
			upstream_fail(u, ERROR_TLS, 502, text);
		return;
	}
	if (u->tls && (settings()->roots == NULL ||
	    verify_tls(settings()->roots, u->host, conn_tls(c), text,
	    sizeof(text)) == -1)) {
		upstream_fail(u, ERROR_TLS, 502,
		    settings()->roots == NULL ? "no roots" : text);
		return;
	}
	u->cb(u, NULL, u->arg);
}

static void
upstream_error(struct conn *c, enum conn_error error, const char *text,
    void *arg)
{
	struct upstream	*u = arg;

	if (error == CONN_E_CONNECT)
		upstream_fail(u, ERROR_CONNECT, 502, text);
	else
		upstream_fail(u, ERROR_TLS, 502, text);
}

static void
upstream_timeout(struct conn *c, enum conn_timer timer, void *arg)
{
	struct upstream	*u = arg;

	upstream_fail(u, ERROR_UPSTREAM_TIMEOUT, 504,
	    timer == CONN_T_CONNECT ?
	    "the upstream did not answer the connection" :
	    "the upstream did not finish the TLS handshake");
}
