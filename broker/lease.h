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


#ifndef LEASE_H
#define LEASE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>

#include "codes.h"
#include "msg.h"

/*
 * The client of keyd in proxy and mitm: who a token is (scopes) and what may
 * be put on a request to a host (leases).  keyd never dies alone, so the end
 * of its link is fatal.
 *
 * What is asked is answered once, by the callback, unless it was cancelled.
 * When the answer is known already the callback runs before the asking
 * function returns, and that returns NULL; otherwise it returns a handle for
 * the cancelling function, which is good until the callback runs.
 */

struct ask;
struct lease;
struct lease_user;
struct scope_user;

TAILQ_HEAD(lease_users, lease_user);
TAILQ_HEAD(scope_users, scope_user);
TAILQ_HEAD(leases, lease);
TAILQ_HEAD(lease_asks, ask);

/*
 * A token in a vault, as keyd has authenticated it.  Read only; the members
 * from `refs' on are private.  expires is in seconds since the epoch, 0 for
 * never.
 */
struct scope {
	uint64_t		 id;
	uint64_t		 vault;
	char			 vault_name[65];
	int64_t			 expires;
	int			 gone;		/* ended: of no more use */

	unsigned int		 refs;		/* with those of leases */
	unsigned int		 nleases;
	struct scope_users	 users;
	struct leases		 leases;
	RB_ENTRY(scope)		 entry;
};

/* Why keyd said no; valid during the callback. */
struct denied {
	uint16_t		 status;	/* HTTP */
	const char		*code;		/* a machine word */
	const char		*text;		/* a sentence */
};

/*
 * The services of a host in one scope, immutable; the message's strings and
 * lists are its own copy, wiped when it is freed.  Members from `refs' on are
 * private.
 */
struct lease {
	struct scope		*scope;		/* holds a reference */
	char			 host[256];
	uint16_t		 port;
	struct msg_rules	 rules;		/* in order of precedence */

	unsigned int		 refs;
	int			 state;
	struct arena		 arena;
	struct msg_blob		 copy;
	struct lease_users	 users;
	struct lease_asks	 asks;
	TAILQ_ENTRY(lease)	 siblings;	/* of its scope */
	TAILQ_ENTRY(lease)	 lru;
	RB_ENTRY(lease)		 entry;
};

/*
 * Something that runs under a lease, a request as a rule.  service is the one
 * it runs under, 0 for none.  When that right ends, the user is taken off
 * and `cut' is called, once; it may free this user and anything else.
 */
struct lease_user {
	struct lease		*lease;		/* NULL: not in use */
	uint64_t		 service;
	void			(*cut)(struct lease_user *, void *);
	void			*arg;

	struct lease_users	*list;
	TAILQ_ENTRY(lease_user)	 entry;
};

/* Something that ends with its scope: a tunnel.  As above. */
struct scope_user {
	struct scope		*scope;
	void			(*gone)(struct scope_user *, void *);
	void			*arg;

	struct scope_users	*list;
	TAILQ_ENTRY(scope_user)	 entry;
};

/*
 * Scopes that one client connection has used, so that a connection that sends
 * its token with each request asks once.  Holds hashes of tokens, no token;
 * an entry lives no longer than its scope.  All zero is empty; auth_clear()
 * before it is freed.
 */
#define AUTH_CACHE	4

struct auth_entry {
	struct scope		*scope;
	uint8_t			 key[32];
};
struct auth_cache {
	struct auth_entry	 entries[AUTH_CACHE];
	unsigned int		 next;
};

/*
 * Ask who a token is.  hint is the vault that the client named, "" for none;
 * ingress is enum ingress; the cache may be NULL.  The callback gets a
 * reference to a scope, to be released by scope_release(), or NULL and why.
 */
struct ask	*auth_ask(struct auth_cache *, const char *token,
		    const char *hint, const struct msg_addr *client,
		    uint8_t ingress, void (*)(struct scope *,
		    const struct denied *, void *), void *);
void		 auth_cancel(struct ask *);	/* NULL is allowed */
void		 auth_clear(struct auth_cache *);

struct scope	*scope_hold(struct scope *);
void		 scope_release(struct scope *);		/* NULL is allowed */
/* Still good?  False when it has ended or expired. */
int		 scope_valid(const struct scope *);
/* The user must be off (zeroed, or scope_unuse()d); holds a reference. */
void		 scope_use(struct scope *, struct scope_user *);
void		 scope_unuse(struct scope_user *);	/* twice is allowed */

/*
 * Ask for the services of a host (canonical, url_host()) and port.  The
 * callback gets a reference to a lease, to be released by lease_release(), or
 * NULL and why.  Answers are kept until they expire, are revoked, or make
 * room for others (LEASE_CACHE of them, LEASE_BYTES together).
 */
#define LEASE_CACHE	1024
#define LEASE_BYTES	(8 * 1024 * 1024)
#define LEASE_ASKS	4096		/* unanswered; more are denied, 503 */

struct ask	*lease_ask(struct scope *, const char *host, uint16_t port,
		    void (*)(struct lease *, const struct denied *, void *),
		    void *);
void		 lease_cancel(struct ask *);	/* NULL is allowed */

struct lease	*lease_hold(struct lease *);
void		 lease_release(struct lease *);		/* NULL is allowed */
/*
 * Run under a lease: set service, cut and arg before.  Holds a reference
 * until lease_unuse() or the cut.
 */
void		 lease_use(struct lease *, struct lease_user *);
void		 lease_unuse(struct lease_user *);	/* twice is allowed */

/*
 * For the tables of links: LEASE_HANDLERS in the handlers of PROC_KEYD, and
 * lease_closed() as its closed function.
 */
#define LEASE_HANDLERS							\
	{ MSG_SCOPE, lease_msg_scope },					\
	{ MSG_DENIED, lease_msg_denied },				\
	{ MSG_RULES, lease_msg_rules },					\
	{ MSG_REVOKE, lease_msg_revoke }

struct link;
struct msg;
void		 lease_msg_scope(struct link *, struct msg *);
void		 lease_msg_denied(struct link *, struct msg *);
void		 lease_msg_rules(struct link *, struct msg *);
void		 lease_msg_revoke(struct link *, struct msg *);
void		 lease_closed(struct link *);

#endif /* LEASE_H */
