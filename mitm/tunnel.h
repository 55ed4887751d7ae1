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

#ifndef TUNNEL_H
#define TUNNEL_H

#include <sys/types.h>

#include <stdint.h>

/*
 * Tunnels: what a client that said CONNECT gets.  mitm authenticates it,
 * answers, shakes hands with a leaf for the host it named, and serves the HTTP
 * in it.
 */

#define TUNNEL_SETUP_MS		(10 * 1000)	/* up to the handshake's end */
#define TUNNEL_LINGER_MS	(2 * 1000)	/* after a refusal */

struct link;
struct msg;

/* TUNNEL from proxy: answered TUNNEL_ACK or TUNNEL_BUSY at once. */
void	 tunnel_msg(struct link *, struct msg *);

/* No new ones; close each when what runs in it has been answered. */
void	 tunnel_stop(void);
/* Close all that are left. */
void	 tunnel_end(void);

void	 tunnel_stats(void);

#endif /* TUNNEL_H */
