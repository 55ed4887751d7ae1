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


#ifndef LEASEVAR_H
#define LEASEVAR_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>

#include "lease.h"

/*
 * What the files behind lease.h share.
 */

enum ask_kind {
	ASK_AUTH,		/* AUTH was sent */
	ASK_QUERY,		/* LEASE was sent, on behalf of its askers */
	ASK_LEASE		/* one of those */
};

struct ask {
	RB_ENTRY(ask)		 entry;		/* AUTH, QUERY: by id */
	TAILQ_ENTRY(ask)	 waiter;	/* LEASE: of its lease */
	enum ask_kind		 kind;
	uint32_t		 id;
	void			(*scope_cb)(struct scope *,
				    const struct denied *, void *);
	void			(*lease_cb)(struct lease *,
				    const struct denied *, void *);
	void			*arg;
	struct lease		*lease;
	struct auth_cache	*cache;
	uint8_t			 key[32];
};

/*
 * ask.c: what waits for an answer.  ask_new() gives NULL when LEASE_ASKS are
 * there already; ask_take() takes the one with this id and kind out, or ends
 * keyd's link, which is fatal, and returns NULL.
 */
struct ask	*ask_new(enum ask_kind);
struct ask	*ask_take(struct link *, uint32_t id, enum ask_kind);
void		 ask_free(struct ask *);

/* Send to keyd: 0, or -1 when a field is over its cap. */
int		 ask_send(enum msg_type, const void *);

/* lease.c: drop the cached leases of a scope that nobody else holds. */
void		 lease_forget(struct scope *);

/* scope.c: the scope of a SCOPE message, with a reference. */
struct scope	*scope_from(const struct msg_scope *);
/* Find those that a REVOKE means; fn may end or free the scope. */
void		 scope_foreach(const struct msg_revoke *,
		    void (*)(struct scope *, const struct msg_revoke *));
/* The scope has ended: its users are told by scope_tell_gone(). */
void		 scope_end(struct scope *);
void		 scope_tell_gone(void);

#endif /* LEASEVAR_H */
