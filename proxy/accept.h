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

#ifndef ACCEPT_H
#define ACCEPT_H

#include <sys/types.h>

#include "msg.h"

/*
 * The listening sockets, which all proxies share.  When this process has as
 * many connections as it may, an idle one makes room; while there is none,
 * nothing is accepted.  When descriptors have run out accepting stops for a
 * moment; one is kept in reserve for that, so that a client that cannot be
 * served is closed and does not wait.
 */

#define ACCEPT_PAUSE_MS	250

void	 accept_init(void);
/* The listener() and listener_close() of struct proc_child. */
void	 accept_listener(const struct msg_listener *, int);
void	 accept_close(const struct msg_listener_close *);
/* Begin. */
void	 accept_start(void);
/* A connection has ended: go on if there was no room. */
void	 accept_room(void);
/* No more, for good. */
void	 accept_stop(void);
void	 accept_stats(void);

#endif /* ACCEPT_H */
