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

#ifndef POOL_H
#define POOL_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "msg.h"
#include "upstream.h"

/*
 * Idle connections to upstreams, by vault, host, port and TLS, so that no
 * vault ever sends over a connection of another one.  A connection on which
 * anything arrives, or that ends, while it is idle is closed: what comes
 * unasked belongs to no request.
 */
#define POOL_KEY	32	/* idle ones of the same kind */
#define POOL_VAULT	128	/* of a vault */
#define POOL_TOTAL	512

/*
 * An idle connection of that kind, the one that was used last, or NULL.  It
 * is not paused.  The event loop watches idle ones, and the kernel is asked
 * once more whether there is a byte or the end on it: a byte would be taken
 * for the answer to the next request, and that cannot be told later.
 */
struct upstream	*pool_get(uint64_t vault, const char *host, uint16_t port,
		    int tls);

/*
 * Keep one whose last response ended where it should; the pool closes it in
 * time, or at once when there are bytes or an end on it.
 */
void		 pool_put(struct upstream *);

/* How long they are kept, ms, from now on. */
void		 pool_conf(unsigned int idle);

/* Close n of them, those first that were used least lately. */
void		 pool_shrink(size_t n);

/* Close those that served a scope which this message takes something from. */
void		 pool_revoke(const struct msg_revoke *);

/* Close all. */
void		 pool_clear(void);
size_t		 pool_count(void);

/*
 * Descriptors: the number of connections of this process from which on the
 * pool gives one up for each that is opened.
 */
void		 pool_mark(size_t);
/* To be called before one is opened. */
void		 pool_room(void);

/* For pool.c and upstream.c: u is freed, forget it if it is idle. */
void		 pool_remove(struct upstream *);

#endif /* POOL_H */
