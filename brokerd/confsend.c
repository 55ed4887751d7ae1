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
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "codes.h"
#include "config.h"

/*
 * The configuration as messages: each process gets what the catalogue lets it
 * have, and open files instead of names.
 */
static int	wants(const struct child *, enum msg_type);
static int	send_item(struct child *, enum msg_type, const void *);
static int	send_http(struct child *, const struct conf *);
static int	send_upstream(struct child *, const struct conf *);
static int	send_network(struct child *, const struct conf *);
static int	send_log(struct child *, const struct conf *);
static int	send_file(struct child *, int, const char *, int);
static int	send_path(struct child *, int, const char *, char *, size_t);
static int	send_cas(struct child *, const struct conf *, char *, size_t);
static int	send_places(struct child *, char *, size_t);
static const struct conf_listener	*first_of(const struct conf *,
		    enum listener_kind);
static unsigned int	port_of(const struct conf_listener *);
static void	url_of(const struct conf_listener *, char *, size_t);

int
confsend(struct child *c, const struct conf *conf, uint32_t gen, int first,
    char *why, size_t len)
{
	struct msg_conf_start	 start = { gen };
	struct msg_conf_end	 end = { gen };
	struct msg_conf_cancel	 cancel = { gen };

	(void)link_send(c->link, MSG_CONF_START, &start, -1);
	if (send_http(c, conf) == -1 || send_upstream(c, conf) == -1 ||
	    send_network(c, conf) == -1 || send_log(c, conf) == -1) {
		(void)snprintf(why, len, "%s: configuration: %s", c->name,
		    strerror(errno));
		goto cancel;
	}
	if (send_cas(c, conf, why, len) == -1)
		goto cancel;
	if (first && send_places(c, why, len) == -1)
		goto cancel;
	(void)link_send(c->link, MSG_CONF_END, &end, -1);
	return (0);
 cancel:
	(void)link_send(c->link, MSG_CONF_CANCEL, &cancel, -1);
	return (-1);
}

static int
wants(const struct child *c, enum msg_type type)
{
	return ((msg_desc(type)->to & PROC_BIT(c->proc)) != 0);
}

static int
send_item(struct child *c, enum msg_type type, const void *m)
{
	if (!wants(c, type))
		return (0);
	return (link_send(c->link, type, m, -1));
}

static const struct conf_listener *
first_of(const struct conf *conf, enum listener_kind kind)
{
	const struct conf_listener	*l;

	TAILQ_FOREACH(l, &conf->listeners, entry) {
		if (l->kind == kind)
			return (l);
	}
	return (NULL);
}

static unsigned int
port_of(const struct conf_listener *l)
{
	const struct sockaddr	*sa = (const struct sockaddr *)&l->ss;

	if (sa->sa_family == AF_INET6)
		return (ntohs(((const struct sockaddr_in6 *)sa)->sin6_port));
	return (ntohs(((const struct sockaddr_in *)sa)->sin_port));
}

/* Where a client on this machine finds the API. */
static void
url_of(const struct conf_listener *l, char *url, size_t len)
{
	const struct sockaddr	*sa = (const struct sockaddr *)&l->ss;
	char			 host[NI_MAXHOST];

	if (getnameinfo(sa, l->sslen, host, sizeof(host), NULL, 0,
	    NI_NUMERICHOST) != 0)
		(void)strlcpy(host, "127.0.0.1", sizeof(host));
	if (strcmp(host, "0.0.0.0") == 0)
		(void)strlcpy(host, "127.0.0.1", sizeof(host));
	else if (strcmp(host, "::") == 0)
		(void)strlcpy(host, "::1", sizeof(host));
	(void)snprintf(url, len, sa->sa_family == AF_INET6 ?
	    "http://[%.200s]:%u" : "http://%.200s:%u", host, port_of(l));
}

static int
send_http(struct child *c, const struct conf *conf)
{
	const struct conf_listener	*proxy, *api;
	struct msg_conf_http		 m;
	char				 url[256] = "";

	memset(&m, 0, sizeof(m));
	m.request_line = conf->http.line_max;
	m.headers = conf->http.headers_max;
	m.header_bytes = conf->http.header_size;
	if ((proxy = first_of(conf, LISTENER_PROXY)) != NULL)
		m.proxy_port = port_of(proxy);
	if ((api = first_of(conf, LISTENER_API)) != NULL)
		url_of(api, url, sizeof(url));
	m.av_addr = url;
	return (send_item(c, MSG_CONF_HTTP, &m));
}

static int
send_upstream(struct child *c, const struct conf *conf)
{
	struct msg_conf_upstream	 m;

	memset(&m, 0, sizeof(m));
	m.dial_ms = conf->upstream.dial_ms;
	m.handshake_ms = conf->upstream.handshake_ms;
	m.head_ms = conf->upstream.head_ms;
	m.idle_ms = conf->upstream.idle_ms;
	m.ca_only = conf->upstream.ca_only;
	return (send_item(c, MSG_CONF_UPSTREAM, &m));
}

static int
send_network(struct child *c, const struct conf *conf)
{
	static struct rec_cidr	 allow[CONF_NETS_MAX];
	const struct conf_net	*net;
	struct msg_conf_network	 m;
	struct rec_cidr		*r;

	memset(allow, 0, sizeof(allow));
	m.allow = allow;
	m.allow_n = 0;
	TAILQ_FOREACH(net, &conf->nets, entry) {
		if (m.allow_n == CONF_NETS_MAX)
			break;
		r = &allow[m.allow_n++];
		r->net.af = net->family == AF_INET6 ? 6 : 4;
		memcpy(r->net.ip, net->addr, r->net.af == 6 ? 16 : 4);
		r->bits = net->prefixlen;
	}
	return (send_item(c, MSG_CONF_NETWORK, &m));
}

static int
send_log(struct child *c, const struct conf *conf)
{
	const struct conf_log	*log = &conf->log;
	struct msg_conf_log	 m;

	memset(&m, 0, sizeof(m));
	m.strict = log->strict;
	m.flush_ms = log->flush_ms;
	m.batch = log->batch;
	m.retain_seconds = log->retain_age;
	m.seconds_from = log->age_from;
	m.retain_rows = log->retain_rows;
	m.rows_from = log->rows_from;
	m.locked = log->lock || log->force_lock;
	if (log->force_age != CONF_NOT_FORCED) {
		m.retain_seconds = log->force_age;
		m.seconds_from = log->force_age_from;
	}
	if (log->force_rows != CONF_NOT_FORCED) {
		m.retain_rows = log->force_rows;
		m.rows_from = log->force_rows_from;
	}
	m.retain_audit_seconds = log->retain_audit;
	m.reserve = log->reserve;
	m.path_mode = log->path;
	return (send_item(c, MSG_CONF_LOG, &m));
}

static int
send_file(struct child *c, int kind, const char *name, int fd)
{
	struct msg_file	 m;

	memset(&m, 0, sizeof(m));
	m.kind = kind;
	m.name = name;
	return (link_send(c->link, MSG_FILE, &m, fd));
}

static int
send_path(struct child *c, int kind, const char *path, char *why, size_t len)
{
	int	 fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1 ||
	    send_file(c, kind, path, fd) == -1) {
		(void)snprintf(why, len, "%s: %s", path, strerror(errno));
		return (-1);
	}
	return (0);
}

static int
send_cas(struct child *c, const struct conf *conf, char *why, size_t len)
{
	const struct conf_ca	*ca;

	if ((PROC_BIT(c->proc) & M_WORKERS) == 0)
		return (0);
	if (!conf->upstream.ca_only && send_path(c, FILE_CA_BUNDLE,
	    BROKERD_CA_BUNDLE, why, len) == -1)
		return (-1);
	TAILQ_FOREACH(ca, &conf->upstream.cas, entry) {
		if (send_path(c, FILE_CA_EXTRA, ca->path, why, len) == -1)
			return (-1);
	}
	return (0);
}

/*
 * What has a place of its own and comes once: the key for keyd, for logd the
 * directory of the database, named as logd sees it.
 */
static int
send_places(struct child *c, char *why, size_t len)
{
	int	 fd;

	switch (c->proc) {
	case PROC_KEYD:
		if ((fd = state_key(why, len)) == -1)
			return (-1);
		return (send_file(c, FILE_MASTER_KEY,
		    brokerd.conf->master_key, fd));
	case PROC_LOGD:
		if ((fd = state_db(why, len)) == -1)
			return (-1);
		return (send_file(c, FILE_STATE_DIR,
		    brokerd.privileged ? "/" : state_db_path(), fd));
	default:
		return (0);
	}
}
