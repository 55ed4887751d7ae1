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


#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

#include "leasevar.h"
#include "link.h"
#include "log.h"
#include "loop.h"

enum lease_state {
	LEASE_ASKED,		/* in the tree, keyd has not answered */
	LEASE_CACHED,		/* in the tree and the LRU list */
	LEASE_DROPPED		/* kept by its users alone */
};

RB_HEAD(lease_tree, lease);

static struct lease_tree	 cache = RB_INITIALIZER(&cache);
static struct leases		 lru = TAILQ_HEAD_INITIALIZER(lru);
static struct lease_users	 cutting = TAILQ_HEAD_INITIALIZER(cutting);
static unsigned int		 ncached;
static size_t			 cached_bytes;

static int	lease_cmp(const struct lease *, const struct lease *);
static struct lease	*lease_new(struct scope *, const char *, uint16_t);
static struct lease	*lease_find(struct scope *, const char *, uint16_t);
static struct ask	*lease_wait(struct lease *, void (*)(struct lease *,
		    const struct denied *, void *), void *);
static int	lease_query(struct lease *);
static int	lease_copy(struct lease *, const struct msg_rules *);
static void	lease_keep(struct lease *);
static void	lease_drop(struct lease *);
static void	lease_answer(struct lease *, const struct denied *);
static void	lease_revoke(struct scope *, const struct msg_revoke *);
static void	lease_cut(struct lease *, uint64_t);

RB_PROTOTYPE_STATIC(lease_tree, lease, entry, lease_cmp)

static int
lease_cmp(const struct lease *a, const struct lease *b)
{
	if (a->scope->id != b->scope->id)
		return (a->scope->id < b->scope->id ? -1 : 1);
	if (a->port != b->port)
		return (a->port < b->port ? -1 : 1);
	return (strcmp(a->host, b->host));
}

RB_GENERATE_STATIC(lease_tree, lease, entry, lease_cmp)

static struct lease *
lease_new(struct scope *s, const char *host, uint16_t port)
{
	struct lease	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("lease");
	(void)strlcpy(l->host, host, sizeof(l->host));
	l->port = port;
	l->scope = scope_hold(s);
	l->state = LEASE_ASKED;
	l->refs = 1;
	TAILQ_INIT(&l->users);
	TAILQ_INIT(&l->asks);
	s->nleases++;
	TAILQ_INSERT_TAIL(&s->leases, l, siblings);
	RB_INSERT(lease_tree, &cache, l);
	return (l);
}

struct lease *
lease_hold(struct lease *l)
{
	l->refs++;
	return (l);
}

void
lease_release(struct lease *l)
{
	struct scope	*s;

	if (l == NULL || --l->refs > 0)
		return;
	s = l->scope;
	TAILQ_REMOVE(&s->leases, l, siblings);
	s->nleases--;
	arena_free(&l->arena);
	msg_blob_free(&l->copy);
	freezero(l, sizeof(*l));
	scope_release(s);
}

/* What is in the tree and may still be used. */
static struct lease *
lease_find(struct scope *s, const char *host, uint16_t port)
{
	struct lease	*l, key;

	memset(&key, 0, sizeof(key));
	key.scope = s;
	key.port = port;
	(void)strlcpy(key.host, host, sizeof(key.host));
	if ((l = RB_FIND(lease_tree, &cache, &key)) == NULL)
		return (NULL);
	if (l->state == LEASE_CACHED && l->rules.expires_at != 0 &&
	    loop_wall() / 1000000 >= l->rules.expires_at) {
		lease_drop(l);
		return (NULL);
	}
	return (l);
}

static struct ask *
lease_wait(struct lease *l, void (*cb)(struct lease *,
    const struct denied *, void *), void *arg)
{
	struct ask	*a;

	if ((a = ask_new(ASK_LEASE)) == NULL)
		return (NULL);
	a->lease_cb = cb;
	a->arg = arg;
	a->lease = l;
	TAILQ_INSERT_TAIL(&l->asks, a, waiter);
	return (a);
}

/* The question takes over the reference that the lease was made with. */
static int
lease_query(struct lease *l)
{
	struct msg_lease	 m;
	struct ask		*a;

	if ((a = ask_new(ASK_QUERY)) == NULL)
		return (-1);
	a->lease = l;
	memset(&m, 0, sizeof(m));
	m.id = a->id;
	m.scope = l->scope->id;
	m.host = l->host;
	m.port = l->port;
	if (ask_send(MSG_LEASE, &m) == -1) {
		ask_free(a);
		return (-1);
	}
	return (0);
}

struct ask *
lease_ask(struct scope *s, const char *host, uint16_t port,
    void (*cb)(struct lease *, const struct denied *, void *), void *arg)
{
	static const struct denied	 ended = { 407, "auth_failed",
	    "invalid or expired token" };
	static const struct denied	 busy = { 503, "overloaded",
	    "too many requests wait for an answer" };
	struct lease			*l;
	struct ask			*a;

	if (!scope_valid(s)) {
		cb(NULL, &ended, arg);
		return (NULL);
	}
	l = lease_find(s, host, port);
	if (l != NULL && l->state == LEASE_CACHED) {
		TAILQ_REMOVE(&lru, l, lru);
		TAILQ_INSERT_HEAD(&lru, l, lru);
		cb(lease_hold(l), NULL, arg);
		return (NULL);
	}
	if (l == NULL) {
		l = lease_new(s, host, port);
		if (lease_query(l) == -1) {
			lease_drop(l);
			cb(NULL, &busy, arg);
			return (NULL);
		}
	}
	if ((a = lease_wait(l, cb, arg)) == NULL)
		cb(NULL, &busy, arg);
	return (a);
}

void
lease_cancel(struct ask *a)
{
	if (a == NULL)
		return;
	TAILQ_REMOVE(&a->lease->asks, a, waiter);
	ask_free(a);
}

/*
 * A message's strings lie in its buffer, which goes away; so it is written
 * and read once more, into memory that the lease owns.
 */
static int
lease_copy(struct lease *l, const struct msg_rules *m)
{
	const struct rec_desc	*desc = &msg_desc(MSG_RULES)->rec;

	if (rec_to_blob(desc, m, &l->copy) == -1)
		return (-1);
	return (rec_from_blob(&l->copy, desc, &l->rules, &l->arena));
}

/* Into the cache, whose reference it is; the least used make room. */
static void
lease_keep(struct lease *l)
{
	l->state = LEASE_CACHED;
	TAILQ_INSERT_HEAD(&lru, l, lru);
	ncached++;
	cached_bytes += sizeof(*l) + l->copy.len;
	while (ncached > LEASE_CACHE ||
	    (cached_bytes > LEASE_BYTES && ncached > 1))
		lease_drop(TAILQ_LAST(&lru, leases));
}

/* Out of the tree, so that the next who asks gets a new one. */
static void
lease_drop(struct lease *l)
{
	if (l->state == LEASE_DROPPED)
		return;
	RB_REMOVE(lease_tree, &cache, l);
	if (l->state == LEASE_CACHED) {
		TAILQ_REMOVE(&lru, l, lru);
		ncached--;
		cached_bytes -= sizeof(*l) + l->copy.len;
	}
	l->state = LEASE_DROPPED;
	lease_release(l);
}

void
lease_forget(struct scope *s)
{
	struct lease	*l, *next;

	TAILQ_FOREACH_SAFE(l, &s->leases, siblings, next) {
		if (l->state == LEASE_CACHED)
			lease_drop(l);
	}
}

/* Callbacks may cancel others that wait, so each time the first is taken. */
static void
lease_answer(struct lease *l, const struct denied *d)
{
	struct ask	*a;

	while ((a = TAILQ_FIRST(&l->asks)) != NULL) {
		TAILQ_REMOVE(&l->asks, a, waiter);
		a->lease_cb(d == NULL ? lease_hold(l) : NULL, d, a->arg);
		ask_free(a);
	}
}

void
lease_msg_rules(struct link *link, struct msg *m)
{
	struct denied	 d;
	struct lease	*l;
	struct ask	*a;

	if ((a = ask_take(link, m->u.rules.id, ASK_QUERY)) == NULL)
		return;
	l = lease_hold(a->lease);
	ask_free(a);
	if (m->u.rules.status == 200) {
		if (lease_copy(l, &m->u.rules) == -1)
			fatal("lease");
		lease_keep(l);
		lease_answer(l, NULL);
	} else {
		d.status = m->u.rules.status;
		d.code = d.status == 407 ? "auth_failed" :
		    d.status == 403 ? "forbidden" : "internal";
		d.text = m->u.rules.text;
		lease_drop(l);
		lease_answer(l, &d);
	}
	/* The connection that it was for may be gone by now. */
	if (l->scope->refs == l->scope->nleases)
		lease_drop(l);
	lease_release(l);
}

void
lease_use(struct lease *l, struct lease_user *u)
{
	u->lease = lease_hold(l);
	u->list = &l->users;
	TAILQ_INSERT_TAIL(u->list, u, entry);
}

void
lease_unuse(struct lease_user *u)
{
	struct lease	*l = u->lease;

	if (l == NULL)
		return;
	TAILQ_REMOVE(u->list, u, entry);
	u->list = NULL;
	u->lease = NULL;
	lease_release(l);
}

/* Move those who run under the service (0: under anything) aside. */
static void
lease_cut(struct lease *l, uint64_t service)
{
	struct lease_user	*next, *u;

	TAILQ_FOREACH_SAFE(u, &l->users, entry, next) {
		if (service != 0 && u->service != service)
			continue;
		TAILQ_REMOVE(&l->users, u, entry);
		u->list = &cutting;
		TAILQ_INSERT_TAIL(&cutting, u, entry);
	}
}

/*
 * A lease that keyd has not answered yet stays: the link keeps its messages
 * in order, so that answer knows of this change.
 */
static void
lease_revoke(struct scope *s, const struct msg_revoke *m)
{
	struct lease	*l, *next;

	scope_hold(s);
	TAILQ_FOREACH_SAFE(l, &s->leases, siblings, next) {
		if (m->mode == REVOKE_CUT)
			lease_cut(l, m->service);
		if (l->state == LEASE_CACHED)
			lease_drop(l);
	}
	if (m->gone)
		scope_end(s);
	scope_release(s);
}

/*
 * All lists are in order before the first callback runs, since that may free
 * what it likes.  The answer is queued last and says that it is done.
 */
void
lease_msg_revoke(struct link *link, struct msg *m)
{
	struct lease_user	*u;
	struct msg_revoked	 done;

	scope_foreach(&m->u.revoke, lease_revoke);
	while ((u = TAILQ_FIRST(&cutting)) != NULL) {
		lease_unuse(u);
		u->cut(u, u->arg);
	}
	scope_tell_gone();
	done.id = m->u.revoke.id;
	(void)link_send(link, MSG_REVOKED, &done, -1);
}

void
lease_closed(struct link *l)
{
	fatalx("lost the link to keyd");
}
