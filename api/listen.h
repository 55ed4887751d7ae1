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


#ifndef LISTEN_H
#define LISTEN_H

#include "proc.h"

/*
 * Listening sockets, from the parent.
 *
 * At most LISTEN_MAX connections, or as many as there are descriptors for,
 * with those that are just being closed; then the one that has been idle for
 * longest makes room, and without an idle one nothing is accepted until one
 * has gone.  The last LISTEN_KEPT places are for who has none yet, a user on
 * the local socket or an address elsewhere (and on a listener of metrics
 * anew): others are closed, on TCP only if no idle one can make room.  Without
 * a descriptor accepting rests for LISTEN_PAUSE_MS.
 */
#define LISTEN_MAX	1000
#define LISTEN_KEPT	16
#define LISTEN_SPARE	32	/* descriptors for links and the like */
#define LISTEN_PAUSE_MS	500
#define LISTEN_BATCH	16	/* accepted in a turn */

void	 listen_add(const struct msg_listener *, int fd);
void	 listen_close(const struct msg_listener_close *);
void	 listen_close_all(void);

/* How many clients there may be. */
unsigned int	 listen_places(void);

/* A client has gone: there may be a place again. */
void	 listen_go_on(void);

#endif /* LISTEN_H */
