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

#ifndef SERVE_H
#define SERVE_H

#include <sys/types.h>

#include <stdint.h>

#include "conn.h"
#include "http.h"
#include "lease.h"
#include "msg.h"

/*
 * The server's side of HTTP on one client connection: head after head is
 * read within limits and time, its owner decides what becomes of it, and when
 * the answer has left the next one is looked at.  One request is served at a
 * time; what a client pipelines waits in the connection's input.
 */

struct exchange;
struct serve;

/*
 * request	a head lies in head, whole and legal.  The owner, now or
 *		later, calls exchange_start() or exchange_refuse(), or
 *		serve_answer(), or takes the connection by serve_release().
 *		Until then the input is paused and the head stays.
 * malformed	head.error says why; the owner calls exchange_malformed() or
 *		serve_answer().
 * gone		it is over and the connection is closed; the owner may free
 *		what it lives in.  Not from within request and malformed, but
 *		any other call here, and those that begin an exchange, may
 *		end in it.
 */
struct serve_ops {
	void	(*request)(struct serve *, void *);
	void	(*malformed)(struct serve *, void *);
	void	(*gone)(struct serve *, void *);
};

enum serve_state {
	SERVE_HEAD,		/* waits for a head, or has a part of it */
	SERVE_OWNER,		/* the owner's turn */
	SERVE_EXCHANGE,		/* an exchange runs */
	SERVE_DRAIN,		/* the answer is in the output */
	SERVE_OVER
};

/* Lives in its owner; members are for reading. */
struct serve {
	struct conn		*conn;
	const struct serve_ops	*ops;
	void			*arg;
	struct msg_addr		 client;
	uint64_t		 number;	/* of the connection */
	struct auth_cache	 auth;
	struct http_head	 head;
	struct http_limits	 limits;	/* of this head */
	struct http_field	*fields;
	struct exchange		*exchange;
	enum serve_state	 state;
	uint64_t		 served;	/* requests, also bad ones */
	int			 keepalive;	/* it goes on after this one */
	int			 stopping;
	int			 busy;
	int			 dead;
};

#define SERVE_HEAD_MS	(10 * 1000)	/* a head, from its first byte */
#define SERVE_IDLE_MS	(120 * 1000)	/* between requests */
#define SERVE_STALL_MS	(10 * 60 * 1000) /* output that nobody reads */
#define SERVE_BODY_MS	(120 * 1000)	/* a body that does not come */
#define SERVE_LINGER_MS	(2 * 1000)	/* after the last answer */
#define SERVE_OUT_MAX	(512 * 1024)	/* output: the longest head fits */

/*
 * Start on a connected socket or a finished handshake.  What is in the input
 * already counts.
 */
void	 serve_init(struct serve *, struct conn *, const struct serve_ops *,
	    void *, const struct msg_addr *, uint64_t number);

/*
 * Give up the connection, without a callback: the caller's it is from now on,
 * paused, with the bytes of the head still at the front of its input.
 */
struct conn	*serve_release(struct serve *);

/* Is it between two requests, with nothing of the next one here? */
int	 serve_waits(const struct serve *);

/* Close at once, whatever runs. */
void	 serve_abort(struct serve *);

/*
 * Close when what runs is answered, or now if nothing does; with what was
 * written and a proper end.
 */
void	 serve_stop(struct serve *);

/*
 * An answer of the owner's own, without an exchange: `code' and `text' as in
 * respond.h, challenge NULL for none.  The connection goes on if the head
 * was legal, the client wants it, and the request's body, if any, has come
 * already.
 */
void	 serve_answer(struct serve *, int status, const char *code,
	    const char *text, const char *challenge, unsigned int retry);

/*
 * For exchange.c.
 */

/* The head is not needed any more: off the input. */
void	 serve_head_used(struct serve *);
/*
 * Throw away the body of a request that nobody wants, as far as it has come;
 * how many bytes that were is added to *n.  False when it is not all of it,
 * so that the connection must end.
 */
int	 serve_discard(struct serve *, uint64_t *n);
/* The answer is in the output, all of it; exchange_drained() follows. */
void	 serve_answered(struct serve *);
/* The answer cannot be finished: end so that the client sees it is cut. */
void	 serve_cut(struct serve *, int reset);

#endif /* SERVE_H */
