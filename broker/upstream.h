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

#ifndef UPSTREAM_H
#define UPSTREAM_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <stdint.h>

#include "codes.h"
#include "msg.h"

/*
 * A connection to an upstream: look up the name, dial one of the addresses
 * that policy allowed, with TLS shake hands and verify the chain; no byte of
 * a request before that.
 */

struct conn;
struct resolve;

TAILQ_HEAD(upstreams, upstream);

struct pool_key;
struct upstream_error;

/*
 * host is canonical and without brackets.  Members from `dialling' on are
 * private to upstream.c and pool.c.
 */
struct upstream {
	struct conn		*conn;
	uint64_t		 vault;
	char			 host[256];
	uint16_t		 port;
	int			 tls;
	uint64_t		 scope;		/* that it served last */
	struct msg_addr		 addr;		/* the peer's; af 0: none */
	int			 reused;	/* it has served before */

	struct resolve		*dialling;
	struct sockaddr_storage	*addrs;
	size_t			 naddrs;
	void			(*cb)(struct upstream *,
				    const struct upstream_error *, void *);
	void			*arg;
	struct pool_key		*key;
	TAILQ_ENTRY(upstream)	 siblings;
	TAILQ_ENTRY(upstream)	 lru;
};

/* Why there is none; text is a sentence, valid during the callback. */
struct upstream_error {
	enum error_code		 code;
	int			 status;	/* HTTP, for the agent */
	const char		*text;
	struct msg_addr		 addr;		/* that answered; af 0: none */
};

/*
 * Open one.  The callback gets it, connected and paused, with its conn to be
 * given an owner by conn_owner(); or NULL and why.  It runs once: from
 * within this call, which then returns NULL, or later, unless upstream_free()
 * comes before.
 */
struct upstream	*upstream_open(uint64_t vault, const char *host, uint16_t port,
		    int tls, void (*)(struct upstream *,
		    const struct upstream_error *, void *), void *);

/* Close at once, in whatever state.  NULL is allowed. */
void		 upstream_free(struct upstream *);

/*
 * Once, before the sandbox closes: the TLS configuration.  Fatal without
 * memory.
 */
void		 upstream_init(void);

/* How many were dialled since the start, for STATS. */
uint64_t	 upstream_dialled(void);

#endif /* UPSTREAM_H */
