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

#ifndef HANDOFF_H
#define HANDOFF_H

#include <sys/types.h>

#include <stdint.h>

/*
 * Tunnels on their way to a mitm: all of them in turn; the next one when one
 * is busy or dies before it has said that it has the tunnel.  Until then a
 * descriptor of the connection stays here.  While none can take more on its
 * way, they wait, in their order.
 */

#define HANDOFF_UNACKED	64		/* on a link */
#define HANDOFF_WAIT_MS	5000		/* for a place among them */

struct client;
struct cred;
struct handoff;
struct link;
struct msg;

/*
 * Hand a client's connection over, with what is in its input behind the
 * head.  Ends in client_handed() or client_busy(), never from within this
 * call.  NULL when there is nobody who could take it now.
 */
struct handoff	*handoff_start(struct client *, const struct cred *,
		    const char *host, uint16_t port);
void		 handoff_cancel(struct handoff *);	/* NULL is allowed */

void		 handoff_msg_ack(struct link *, struct msg *);
void		 handoff_msg_busy(struct link *, struct msg *);
void		 handoff_opened(struct link *);
void		 handoff_closed(struct link *);

#endif /* HANDOFF_H */
