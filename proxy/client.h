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

#ifndef CLIENT_H
#define CLIENT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <stdint.h>

#include "cred.h"
#include "exchange.h"
#include "lease.h"
#include "serve.h"

/*
 * Connections from agents: CONNECT is handed over to a mitm, requests in
 * absolute form and /proxy/host/path are served here.
 */

struct handoff;

struct client {
	TAILQ_ENTRY(client)	 entry;
	struct serve		 serve;
	struct ask		*asking;
	struct target		 target;	/* while keyd is asked */
	char			 host[256];
	int			 status;	/* known already: 0, 400, 503 */
	const char		*text;		/* with it */
	struct handoff		*handoff;
};

/*
 * A new connection; the descriptor is taken over in any case.
 */
void		 client_new(int, const struct sockaddr_storage *);

/*
 * Close the one that has been idle for longest, but not the newest.  1 if
 * there was one.
 */
#define CLIENT_CLOSING	32	/* with more that linger: no farewell */
int		 client_make_room(void);

/* The handoff's end: a mitm has the connection, or there is none for it. */
void		 client_handed(struct client *);
void		 client_busy(struct client *);

/* Close each when its request has been answered; close all that are left. */
void		 client_stop(void);
void		 client_end(void);

unsigned int	 client_count(void);
void		 client_stats(void);

#endif /* CLIENT_H */
