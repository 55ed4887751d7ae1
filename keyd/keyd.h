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

#ifndef KEYD_H
#define KEYD_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

#include "link.h"
#include "right.h"

/*
 * What the parts of the process share: the peers and their links.
 */

struct scope;
struct caller;

LIST_HEAD(scopes, scope);
LIST_HEAD(callers, caller);

/* A worker or an api; the argument of its link. */
struct peer {
	struct link		*link;
	enum proc		 proc;
	uint64_t		 instance;
	struct scopes		 scopes;
	struct callers		 callers;
	unsigned int		 nscopes;
	unsigned int		 ncallers;
	int			 paused;	/* does not read */
	unsigned int		 mints;		/* left in the bucket */
	uint64_t		 minted;	/* when it was filled, us */
	LIST_ENTRY(peer)	 entry;
};
LIST_HEAD(peers, peer);

extern struct peers	 peers;

/* The link to logd, or NULL while there is none. */
struct link	*keyd_logd(void);

/* Everything is loaded and can be served. */
int		 keyd_serving(void);

/* Now: seconds of the wall clock. */
int64_t		 keyd_wall(void);

/*
 * Send; a message that cannot be encoded is a mistake here, and fatal.  After
 * link_send() by itself, keyd_sent() must follow: a peer that does not read
 * its answers is asked for no more questions.
 */
void		 keyd_send(struct link *, enum msg_type, const void *);
void		 keyd_sent(struct link *);

/* Counters for STATS. */
struct keyd_counters {
	uint64_t	 auth_ok;
	uint64_t	 auth_failed;
	uint64_t	 auth_denied;
	uint64_t	 auth_blocked;
	uint64_t	 leases;
	uint64_t	 leases_failed;
	uint64_t	 mints;
	uint64_t	 mints_limited;
	uint64_t	 changes;
	uint64_t	 changes_refused;
	uint64_t	 reveals;
	uint64_t	 revocations;
	uint64_t	 peers_killed;
	uint64_t	 peers_paused;
	uint64_t	 tokens_expired;
	uint64_t	 logins_ended;
};
extern struct keyd_counters	 counters;

#endif /* KEYD_H */
