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

#include <arpa/inet.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "codes.h"
#include "logq.h"

#define ADDR_SIZE	64

static void	format_id(char *, const uint8_t *, int);
static void	format_addr(char *, const struct msg_addr *);
static void	format_host(char *, size_t, const struct rec_row *);
static json_t	*key_names(const char *);
static json_t	*detail(const char *);
static void	put_first(json_t *, const struct rec_row *);
static void	put_request(json_t *, const struct rec_row *);
static void	put_rest(json_t *, const struct rec_row *);

void
logq_ask(struct request *req, const struct logq *q, ask_fn *fn)
{
	struct msg_query	 m;

	memset(&m, 0, sizeof(m));
	m.scope = q->scope;
	m.before = q->before;
	m.after = q->after;
	m.tail = q->tail;
	m.limit = q->limit;
	m.filter = q->filter;
	if (ask(req, PROC_LOGD, MSG_QUERY, &m, MSG_ROWS_END, fn) == 0)
		client_watch(req->client);
}

void
logq_tail(struct request *req, uint64_t scope, uint64_t after, uint32_t limit,
    const char *filter, ask_fn *fn)
{
	struct logq	 q;

	memset(&q, 0, sizeof(q));
	q.scope = scope;
	q.after = after;
	q.tail = 1;
	q.limit = limit;
	q.filter = filter;
	logq_ask(req, &q, fn);
}

void
logq_values(struct request *req, uint64_t scope, enum filter_key key,
    const char *prefix, uint32_t limit, ask_fn *fn)
{
	struct msg_values	 m;

	memset(&m, 0, sizeof(m));
	m.scope = scope;
	m.key = key;
	m.prefix = prefix;
	m.limit = limit;
	(void)ask(req, PROC_LOGD, MSG_VALUES, &m, MSG_VALUE_LIST, fn);
}

/* As a UUID, or without its dashes; an id of zeros is none. */
static void
format_id(char *to, const uint8_t *id, int dashes)
{
	static const uint8_t	 none[16];
	int			 i;

	*to = '\0';
	if (memcmp(id, none, sizeof(none)) == 0)
		return;
	for (i = 0; i < 16; i++) {
		if (dashes && (i == 4 || i == 6 || i == 8 || i == 10))
			*to++ = '-';
		(void)snprintf(to, 3, "%02x", id[i]);
		to += 2;
	}
}

static void
format_addr(char *to, const struct msg_addr *a)
{
	char	 ip[INET6_ADDRSTRLEN];

	*to = '\0';
	if (a->af == 0 || inet_ntop(a->af == 4 ? AF_INET : AF_INET6, a->ip,
	    ip, sizeof(ip)) == NULL)
		return;
	(void)snprintf(to, ADDR_SIZE, a->af == 4 ? "%s:%u" : "[%s]:%u", ip,
	    a->port);
}

static void
format_host(char *to, size_t len, const struct rec_row *r)
{
	const int	 v6 = strchr(r->host, ':') != NULL;

	if (r->port == 0 || r->host[0] == '\0')
		(void)snprintf(to, len, "%s", r->host);
	else
		(void)snprintf(to, len, v6 ? "[%s]:%u" : "%s:%u", r->host,
		    r->port);
}

static json_t *
key_names(const char *s)
{
	json_t	*list = json_list();
	char	 name[65];
	size_t	 n;

	while (*s != '\0') {
		n = strcspn(s, ",");
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, s);
		json_add(list, json_word(name));
		s += n + (s[n] == ',');
	}
	return (list);
}

/* An object, unless it was cut. */
static json_t *
detail(const char *s)
{
	json_t	*j;

	if (*s == '\0')
		return (json_null());
	if ((j = json_loads(s, 0, NULL)) == NULL)
		j = json_word(s);
	return (j);
}

/* Those that every client of this wire knows, in its order. */
static void
put_first(json_t *j, const struct rec_row *r)
{
	char	 host[300];

	format_host(host, sizeof(host), r);
	json_put_number(j, "id", r->id);
	json_put_text(j, "ingress", ingress_name(r->ingress));
	json_put_text(j, "method", r->method);
	json_put_text(j, "host", host);
	json_put_text(j, "path", r->path);
	json_put_text(j, "matched_service", r->service);
	json_put(j, "credential_keys", key_names(r->keys));
	json_put(j, "status", r->status == -1 ? json_null() :
	    json_integer(r->status));
	json_put_number(j, "latency_ms", r->latency / 1000);
	json_put_text(j, "error_code", error_name(r->error_code));
	json_put_text(j, "actor_type", actor_name(r->actor_type));
	json_put_text(j, "actor_id", r->actor);
	if (r->actor_name[0] != '\0')
		json_put_text(j, "actor_name", r->actor_name);
	json_put_instant(j, "created_at", r->started);
}

static void
put_request(json_t *j, const struct rec_row *r)
{
	char	 id[40];

	json_put_text(j, "kind", kind_name(r->kind));
	json_put_text(j, "action", r->action);
	json_put_text(j, "decision", decision_name(r->decision));
	format_id(id, r->request_id, 1);
	json_put_text(j, "request_id", id);
	json_put(j, "vault_id", r->vault == 0 ? json_null() :
	    json_integer(r->vault));
	json_put_text(j, "session", r->session);
	json_put_number(j, "conn", r->conn);
	json_put_text(j, "path_cut", r->path_cut & PATHF_NONE ? "none" :
	    r->path_cut & PATHF_PREFIX ? "prefix" :
	    r->path_cut & PATHF_CUT ? "cut" : "");
	json_put_text(j, "protocol", protocol_name(r->protocol));
	json_put_number(j, "latency_us", r->latency);
	json_put(j, "ttfb_us", r->ttfb == -1 ? json_null() :
	    json_integer(r->ttfb));
	json_put_number(j, "bytes_in", r->bytes_in);
	json_put_number(j, "bytes_out", r->bytes_out);
}

static void
put_rest(json_t *j, const struct rec_row *r)
{
	char	 addr[ADDR_SIZE], id[40], instance[17];

	format_addr(addr, &r->client);
	json_put_text(j, "client_addr", addr);
	format_addr(addr, &r->upstream);
	json_put_text(j, "upstream_addr", addr);
	format_id(id, r->trace_id, 0);
	json_put_text(j, "trace_id", id);
	json_put_text(j, "auth_scheme", scheme_name(r->auth_scheme));
	json_put_text(j, "auth_header", r->auth_header);
	(void)snprintf(instance, sizeof(instance), "%016" PRIx64,
	    r->instance);
	json_put_text(j, "instance", instance);
	json_put_number(j, "seq", r->seq);
	json_put_number(j, "count", r->count);
	json_put(j, "detail", detail(r->detail));
}

json_t *
logq_trimmed(const struct msg_rows_end *e)
{
	json_t	*j = json_map();

	json_put(j, "oldest_id", e->oldest_id == 0 ? json_null() :
	    json_integer(e->oldest_id));
	json_put_number(j, "gone", e->gone);
	json_put_flag(j, "exact", e->gone_exact);
	return (j);
}

json_t *
logq_row(const struct rec_row *r)
{
	json_t	*j = json_map();

	put_first(j, r);
	put_request(j, r);
	put_rest(j, r);
	return (j);
}
