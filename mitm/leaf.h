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

#ifndef LEAF_H
#define LEAF_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

/*
 * Certificates for the hosts of tunnels: one key of this worker's own, and
 * for each host a leaf that keyd signs, in a configured server context that is
 * kept.
 */

#define LEAF_CACHE	256		/* contexts */
#define LEAF_RENEW	(5 * 60)	/* seconds before the end: a new one */

struct leaf;
struct tls;

/* Somebody who waits for one; lives in its owner. */
struct leaf_wait {
	struct leaf	*leaf;		/* NULL: waits for nothing */
	uint64_t	 scope;		/* on whose word it is asked for */
	void		(*cb)(struct leaf *, const char *, void *);
	void		*arg;
	TAILQ_ENTRY(leaf_wait) entry;
};

/* Once, before the sandbox closes: makes the key.  Fatal when it cannot. */
void		 leaf_init(void);

/*
 * Get the leaf for a host (canonical).  scope, cb and arg are set before.  The
 * callback gets a reference, or NULL and why; from within this call when it
 * is there already.
 */
void		 leaf_get(struct leaf_wait *, const char *host);
void		 leaf_cancel(struct leaf_wait *);
struct tls	*leaf_context(struct leaf *);
void		 leaf_release(struct leaf *);	/* NULL is allowed */

unsigned int	 leaf_count(void);
uint64_t	 leaf_minted(void);

struct link;
struct msg;
void		 leaf_msg_cert(struct link *, struct msg *);

#endif /* LEAF_H */
