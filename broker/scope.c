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

RB_HEAD(scopes, scope);

static struct scopes		 scopes = RB_INITIALIZER(&scopes);
static struct scope_users	 going = TAILQ_HEAD_INITIALIZER(going);

static int	scope_cmp(const struct scope *, const struct scope *);

RB_PROTOTYPE_STATIC(scopes, scope, entry, scope_cmp)

static int
scope_cmp(const struct scope *a, const struct scope *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_STATIC(scopes, scope, entry, scope_cmp)

/*
 * keyd has one scope for a token and a vault in this process, whichever
 * connection asks, and names it again each time.
 */
struct scope *
scope_from(const struct msg_scope *m)
{
	struct scope	*s, key;

	key.id = m->scope;
	if ((s = RB_FIND(scopes, &scopes, &key)) != NULL) {
		s->expires = m->expires_at;
		return (scope_hold(s));
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("scope");
	s->id = m->scope;
	s->vault = m->vault;
	s->expires = m->expires_at;
	if (strlcpy(s->vault_name, m->vault_name, sizeof(s->vault_name)) >=
	    sizeof(s->vault_name))
		fatalx("scope: name of the vault too long");
	TAILQ_INIT(&s->users);
	TAILQ_INIT(&s->leases);
	s->refs = 1;
	RB_INSERT(scopes, &scopes, s);
	return (s);
}

struct scope *
scope_hold(struct scope *s)
{
	s->refs++;
	return (s);
}

/*
 * Leases hold their scope; when no connection does any more, what they hold
 * of secrets goes too.
 */
void
scope_release(struct scope *s)
{
	if (s == NULL || (--s->refs > 0 && s->refs != s->nleases))
		return;
	if (s->refs > 0) {
		s->refs++;
		lease_forget(s);
		if (--s->refs > 0)
			return;
	}
	if (!s->gone)
		RB_REMOVE(scopes, &scopes, s);
	freezero(s, sizeof(*s));
}

int
scope_valid(const struct scope *s)
{
	if (s->gone)
		return (0);
	return (s->expires == 0 || loop_wall() / 1000000 < s->expires);
}

void
scope_use(struct scope *s, struct scope_user *u)
{
	u->scope = scope_hold(s);
	u->list = &s->users;
	TAILQ_INSERT_TAIL(u->list, u, entry);
}

void
scope_unuse(struct scope_user *u)
{
	struct scope	*s = u->scope;

	if (s == NULL)
		return;
	TAILQ_REMOVE(u->list, u, entry);
	u->list = NULL;
	u->scope = NULL;
	scope_release(s);
}

void
scope_foreach(const struct msg_revoke *m,
    void (*fn)(struct scope *, const struct msg_revoke *))
{
	struct scope	*next, *s, key;
	uint32_t	 i;

	if (m->scopes_n == 0) {
		RB_FOREACH_SAFE(s, scopes, &scopes, next) {
			fn(s, m);
		}
		return;
	}
	for (i = 0; i < m->scopes_n; i++) {
		key.id = m->scopes[i].id;
		if ((s = RB_FIND(scopes, &scopes, &key)) != NULL)
			fn(s, m);
	}
}

void
scope_end(struct scope *s)
{
	struct scope_user	*u;

	if (s->gone)
		return;
	s->gone = 1;
	RB_REMOVE(scopes, &scopes, s);
	while ((u = TAILQ_FIRST(&s->users)) != NULL) {
		TAILQ_REMOVE(&s->users, u, entry);
		u->list = &going;
		TAILQ_INSERT_TAIL(&going, u, entry);
	}
}

/*
 * Each is taken off before it is told, so that it may free itself and others
 * on the list.
 */
void
scope_tell_gone(void)
{
	struct scope_user	*u;

	while ((u = TAILQ_FIRST(&going)) != NULL) {
		scope_unuse(u);
		u->gone(u, u->arg);
	}
}
