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


#ifndef REQUEST_H
#define REQUEST_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "codes.h"
#include "cookie.h"
#include "http.h"
#include "json.h"

/*
 * A request: from its head to its answer.
 *
 *	route, caller (keyd), body, handler, answer
 *
 * A handler either answers, by one of the reply functions, or asks another
 * process (ask.h) and goes on in a callback.  After an answer the request is
 * gone.  A client that goes takes its request with it.
 */

#define REQUEST_PARAMS	2
#define REQUEST_QUERY	40

struct ask;
struct client;
struct export;
struct reader;
struct route;

struct query {
	char	*key;
	char	*value;
};

struct request {
	struct client		*client;
	const struct route	*route;
	enum http_method	 method;
	int			 head_only;	/* HEAD */
	int			 bad;		/* query or Authorization */
	int			 expect;	/* 100-continue */
	int			 malformed;	/* Authorization is no token */
	enum cookie_found	 cookie;	/* without Authorization */
	enum cookie_origin	 origin;
	enum token_way		 way;		/* that the token came */
	uint64_t		 length;	/* of the body, if announced */
	size_t			 body_max;
	char			*path;
	char			*param[REQUEST_PARAMS];
	struct query		 query[REQUEST_QUERY];
	unsigned int		 nquery;
	char			*token;		/* NULL: none was sent */
	char			*last_id;	/* Last-Event-ID, or NULL */
	char			*accept;	/* or NULL */
	json_t			*body;		/* NULL: none was sent */
	struct ask		*ask;		/* what it waits for */
	struct reader		*reader;	/* of the log, or NULL */
	struct export		*export;	/* or NULL */

	/* In place of going on, and of a 401, when keyd was asked. */
	void			(*known)(struct request *);
	void			(*unknown)(struct request *);

	/* The handler's own. */
	char			*vault;
	char			*name;
	char			*to;
	json_t			*out;
	json_t			*list;
	size_t			 bytes;
	int			 flag;
	uint8_t			 role;
	unsigned int		 view;
	uint64_t		 cursor;
	void			(*each)(struct request *, const void *);
	void			(*done)(struct request *);
};

typedef void request_fn(struct request *);

/* An empty one, the client's; no memory is fatal. */
struct request	*request_new(struct client *);
void		 request_free(struct request *);

/* The client's head is complete: take what is needed of it. */
void		 request_take(struct request *, const struct http_head *);
void		 request_begin(struct request *);

/* keyd knows the caller, or there is no need; called by caller.c. */
void		 request_go_on(struct request *);

/* The body (n bytes, maybe none) has been read: parse it and run the
 * handler. */
void		 request_ready(struct request *, const void *, size_t);

/* A parameter of the query, or NULL. */
const char	*request_query(const struct request *, const char *);

/*
 * Keep a copy of a string in a field of the request: to be wiped and freed
 * with it.
 */
const char	*request_keep(char **, const char *);

/*
 * Take the body's fields: 0, or -1 when that was answered with 400.
 */
int		 request_fields(struct request *, const struct json_field *);
int		 request_no_fields(struct request *);

#endif /* REQUEST_H */
