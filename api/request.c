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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "ask.h"
#include "caller.h"
#include "client.h"
#include "export.h"
#include "filter.h"
#include "keyd.h"
#include "log.h"
#include "reply.h"
#include "request.h"
#include "route.h"
#include "stream.h"

static char	*copy(const char *, size_t);
static int	 take_token(struct request *, const struct http_head *);
static void	 take_cookie(struct request *, const struct http_head *);
static int	 take_query(struct request *, const char *, size_t);
static int	 check_query(struct request *);
static size_t	 body_max(struct request *);
static int	 check_origin(struct request *);
static void	 find_caller(struct request *);
static void	 not_found(struct request *, const char *);
static void	 initialized(struct request *, struct msg *);
static void	 wipe(char *);

struct request *
request_new(struct client *c)
{
	struct request	*req;

	if ((req = calloc(1, sizeof(*req))) == NULL)
		fatal("request");
	req->client = c;
	return (req);
}

static void
wipe(char *s)
{
	if (s != NULL)
		freezero(s, strlen(s) + 1);
}

void
request_free(struct request *req)
{
	unsigned int	 i;

	if (req == NULL)
		return;
	if (req->ask != NULL)
		ask_forget(req->ask);
	if (req->reader != NULL)
		stream_free(req->reader);
	if (req->export != NULL)
		export_free(req->export);
	for (i = 0; i < REQUEST_PARAMS; i++)
		wipe(req->param[i]);
	for (i = 0; i < req->nquery; i++) {
		wipe(req->query[i].key);
		wipe(req->query[i].value);
	}
	wipe(req->path);
	wipe(req->token);
	wipe(req->last_id);
	wipe(req->accept);
	wipe(req->vault);
	wipe(req->name);
	wipe(req->to);
	json_decref(req->body);
	json_decref(req->out);
	json_decref(req->list);
	freezero(req, sizeof(*req));
}

const char *
request_keep(char **field, const char *s)
{
	wipe(*field);
	if ((*field = strdup(s)) == NULL)
		fatal("request");
	return (*field);
}

static char *
copy(const char *s, size_t n)
{
	char	*p;

	if ((p = malloc(n + 1)) == NULL)
		fatal("request");
	memcpy(p, s, n);
	p[n] = '\0';
	return (p);
}

/*
 * Authorization: Bearer TOKEN.  Anything else in it is not taken for no
 * token, since that would be more than a bad one on the local socket.
 */
static int
take_token(struct request *req, const struct http_head *h)
{
	const struct http_field	*f;
	const char		*s;
	size_t			 n;

	if ((f = http_head_next(h, HTTP_AUTHORIZATION, NULL)) == NULL)
		return (0);
	if (http_head_next(h, HTTP_AUTHORIZATION, f) != NULL)
		return (-1);
	s = HTTP_PTR(h, f->value);
	n = f->value.len;
	if (n < 7 || strncasecmp(s, "Bearer ", 7) != 0) {
		req->malformed = 1;
		return (0);
	}
	for (s += 7, n -= 7; n > 0 && *s == ' '; s++, n--)
		;
	if (n == 0 || n > 512 || memchr(s, ' ', n) != NULL)
		req->malformed = 1;
	else
		req->token = copy(s, n);
	return (0);
}

/* Where there is Authorization, a cookie is not even looked at. */
static void
take_cookie(struct request *req, const struct http_head *h)
{
	struct http_slice	 value;

	req->origin = cookie_origin(h);
	if (req->token != NULL || req->malformed)
		return;
	req->cookie = cookie_find(h, &value);
	if (req->cookie != COOKIE_NONE)
		req->way = WAY_COOKIE;
	if (req->cookie == COOKIE_OK)
		req->token = copy(HTTP_PTR(h, value), value.len);
}

static int
take_query(struct request *req, const char *s, size_t n)
{
	const char	*end, *eq;
	struct query	*q;
	size_t		 len;

	while (n > 0) {
		end = memchr(s, '&', n);
		len = end == NULL ? n : (size_t)(end - s);
		if (len > 0) {
			if (req->nquery == REQUEST_QUERY)
				return (-1);
			q = &req->query[req->nquery++];
			eq = memchr(s, '=', len);
			q->key = route_decode(s, eq == NULL ? len :
			    (size_t)(eq - s), 1);
			q->value = eq == NULL ? route_decode("", 0, 1) :
			    route_decode(eq + 1, s + len - eq - 1, 1);
			if (q->key == NULL || q->value == NULL)
				return (-1);
		}
		len += end != NULL;
		s += len;
		n -= len;
	}
	return (0);
}

/* Unknown parameters are refused, and those that come twice. */
static int
check_query(struct request *req)
{
	const char	*key;
	unsigned int	 i, k;

	for (i = 0; i < req->nquery; i++) {
		key = req->query[i].key;
		if ((req->route->flags & ROUTE_FILTER) &&
		    filter_key(key) != -1)
			continue;
		if (!route_word(req->route->query, key)) {
			reply_invalid(req, "Unknown parameter \"%.64s\"",
			    key);
			return (-1);
		}
		for (k = 0; k < i; k++) {
			if (strcmp(req->query[k].key, key) == 0) {
				reply_invalid(req, "The parameter \"%.64s\" "
				    "comes twice", key);
				return (-1);
			}
		}
	}
	return (0);
}

const char *
request_query(const struct request *req, const char *key)
{
	unsigned int	 i;

	for (i = 0; i < req->nquery; i++) {
		if (strcmp(req->query[i].key, key) == 0)
			return (req->query[i].value);
	}
	return (NULL);
}

static void
not_found(struct request *req, const char *allow)
{
	if (*allow == '\0')
		reply_text(req, 404, NULL, "404 no such route\n");
	else
		reply_text(req, 405, allow, "405 method not allowed\n");
}

void
request_take(struct request *req, const struct http_head *h)
{
	const size_t		 skip = h->query.len > 0;	/* the '?' */
	const struct http_field	*f;

	req->method = h->method;
	req->head_only = h->method == HTTP_M_HEAD;
	req->expect = h->expect;
	req->length = h->framing == HTTP_BODY_LENGTH ? h->content_length : 0;
	req->bad = take_token(req, h) == -1 || take_query(req,
	    HTTP_PTR(h, h->query) + skip, h->query.len - skip) == -1;
	take_cookie(req, h);
	f = http_head_find(h, "last-event-id", NULL);
	if (f != NULL)
		req->last_id = copy(HTTP_PTR(h, f->value), f->value.len);
	if ((f = http_head_find(h, "accept", NULL)) != NULL)
		req->accept = copy(HTTP_PTR(h, f->value), f->value.len);
	if (h->form != HTTP_FORM_ORIGIN && h->form != HTTP_FORM_ABSOLUTE)
		req->path = copy("", 0);
	else if (h->path.len == 0)
		req->path = copy("/", 1);
	else
		req->path = copy(HTTP_PTR(h, h->path), h->path.len);
}

/* Before anybody knows who it is there is not much to say. */
static size_t
body_max(struct request *req)
{
	req->body_max = req->client->kind == LISTENER_METRICS ||
	    (req->route->flags & (ROUTE_PUBLIC | ROUTE_SIGNIN)) ?
	    CLIENT_BODY_ANYONE : CLIENT_BODY_MAX;
	return (req->body_max);
}

void
request_begin(struct request *req)
{
	char	 allow[ROUTE_ALLOW_SIZE];

	req->route = route_find(req->method, req->path, req->param, allow);
	if (req->route == NULL)
		not_found(req, allow);
	else if (req->client->kind == LISTENER_METRICS &&
	    (req->route->flags & ROUTE_METRICS) == 0)
		not_found(req, "");
	else if (req->bad)
		reply_invalid(req, "The query or the Authorization field is "
		    "not valid");
	else if (req->length > body_max(req))
		reply_too_large(req);
	else if ((req->route->flags & ROUTE_PUBLIC) ||
	    req->client->kind == LISTENER_METRICS)
		request_go_on(req);
	else if (check_origin(req) == -1)
		return;
	else if (!api.initialized && !(req->route->flags & ROUTE_EARLY))
		keyd_ca(req, initialized);
	else
		find_caller(req);
}

/*
 * A browser adds the cookie to what any page makes it send, so what changes
 * something must come from our own.  Nor may another page sign somebody in
 * here, for which no cookie is needed.
 */
static int
check_origin(struct request *req)
{
	if (req->method == HTTP_M_GET || req->method == HTTP_M_HEAD ||
	    req->origin == ORIGIN_SAME || (req->origin == ORIGIN_NONE &&
	    req->cookie == COOKIE_NONE) || (req->cookie == COOKIE_NONE &&
	    (req->route->flags & ROUTE_SIGNIN) == 0))
		return (0);
	reply_error(req, 403, "origin", "A request with a cookie that changes "
	    "something needs an Origin field with the address it is sent to");
	return (-1);
}

static void
find_caller(struct request *req)
{
	if (req->route->flags & ROUTE_SIGNIN)
		request_go_on(req);
	else
		caller_find(req);
}

/* Whoever asks, before init there is nothing to be had. */
static void
initialized(struct request *req, struct msg *m)
{
	json_t	*j;

	if (!m->u.ca.initialized) {
		j = json_map();
		json_put_text(j, "error", "not_initialized");
		json_put_text(j, "message", "There is no vault yet. Run "
		    "'brokerctl init' on the machine of the daemon.");
		reply_json(req, 503, j);
		return;
	}
	api.initialized = 1;
	find_caller(req);
}

void
request_go_on(struct request *req)
{
	if (check_query(req) == 0)
		client_read_body(req->client);
}

void
request_ready(struct request *req, const void *data, size_t n)
{
	char	 why[128];

	if (n > 0) {
		req->body = json_parse(data, n, why, sizeof(why));
		if (req->body == NULL) {
			reply_invalid(req, "%s", why);
			return;
		}
	}
	req->route->fn(req);
}

int
request_fields(struct request *req, const struct json_field *fields)
{
	char	 why[160];

	if (json_take(req->body, fields, why, sizeof(why)) == 0)
		return (0);
	reply_invalid(req, "Invalid request: %s", why);
	return (-1);
}

int
request_no_fields(struct request *req)
{
	static const struct json_field	 none[] = {
		{ NULL, JSON_LATER, NULL }
	};

	return (request_fields(req, none));
}
