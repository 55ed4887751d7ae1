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

#include "auth.h"
#include "codes.h"
#include "log.h"
#include "loop.h"
#include "scope.h"
#include "state.h"

RB_HEAD(scopetree, scope);

static struct scopetree		 tree = RB_INITIALIZER(&tree);
static TAILQ_HEAD(, scope)	 ended = TAILQ_HEAD_INITIALIZER(ended);
static uint32_t			 count;

static int	cmp(struct scope *, struct scope *);
RB_PROTOTYPE_STATIC(scopetree, scope, id_entry, cmp)
static struct scope	*find(uint64_t);
static struct scope	*scope_new(struct peer *, enum scope_kind,
			    const struct principal *, uint64_t);
static void		 announce(const struct scope *);
static void		 scope_close(struct scope *);
static void		 scope_free(struct scope *);

static int
cmp(struct scope *a, struct scope *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_STATIC(scopetree, scope, id_entry, cmp)

static struct scope *
find(uint64_t id)
{
	struct scope	 key;

	key.id = id;
	return (RB_FIND(scopetree, &tree, &key));
}

static void
announce(const struct scope *s)
{
	struct msg_scope_open	 m;

	if (keyd_logd() == NULL)
		return;
	memset(&m, 0, sizeof(m));
	m.scope = s->id;
	m.kind = s->kind;
	m.instance = s->instance;
	m.vault = s->vault;
	m.all = s->all;
	m.actor_type = s->who.actor_type;
	m.actor = s->who.actor;
	m.actor_name = s->who.name;
	m.session = s->who.session;
	keyd_send(keyd_logd(), MSG_SCOPE_OPEN, &m);
}

static struct scope *
scope_new(struct peer *p, enum scope_kind kind, const struct principal *who,
    uint64_t vault)
{
	struct scope	*s;

	if (count == SCOPE_MAX || p->nscopes == SCOPE_PEER_MAX) {
		log_warnx("%s: too many scopes", link_name(p->link));
		return (NULL);
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("scope");
	do
		s->id = token_number();
	while (find(s->id) != NULL);
	s->kind = kind;
	s->peer = p;
	s->instance = p->instance;
	s->who = *who;
	s->vault = vault;
	RB_INSERT(scopetree, &tree, s);
	LIST_INSERT_HEAD(&p->scopes, s, peer_entry);
	p->nscopes++;
	count++;
	return (s);
}

struct scope *
scope_write(struct peer *p, const struct principal *who, uint64_t vault)
{
	struct scope	*s;

	LIST_FOREACH(s, &p->scopes, peer_entry) {
		if (s->kind == SCOPE_WRITE && s->who.token == who->token &&
		    s->vault == vault)
			return (s);
	}
	if ((s = scope_new(p, SCOPE_WRITE, who, vault)) != NULL)
		announce(s);
	return (s);
}

struct scope *
scope_read(struct peer *p, const struct principal *who, uint64_t caller,
    uint64_t vault, int all)
{
	struct scope	*s;

	LIST_FOREACH(s, &p->scopes, peer_entry) {
		if (s->kind == SCOPE_READ && s->caller == caller &&
		    s->vault == vault && s->all == all)
			return (s);
	}
	/* What logd does not even hear of would only pile up here. */
	if (!scope_announced() ||
	    (s = scope_new(p, SCOPE_READ, who, vault)) == NULL)
		return (NULL);
	s->caller = caller;
	s->all = all;
	announce(s);
	return (s);
}

/* Without a link all of them go with the next SYNC. */
int
scope_announced(void)
{
	if (keyd_logd() == NULL)
		return (1);
	link_flush(keyd_logd());
	return (link_queued(keyd_logd()) == 0);
}

struct scope *
scope_find(struct peer *p, uint64_t id)
{
	struct scope	*s = find(id);

	return (s != NULL && s->peer == p && s->state == SCOPE_LIVE ? s :
	    NULL);
}

int
scope_valid(const struct scope *s)
{
	const struct vault	*v = NULL;
	struct refusal		 r;

	if (!auth_good(&s->who, keyd_wall(), loop_mono()))
		return (0);
	if (s->vault != 0 && ((v = state_vault(s->vault)) == NULL ||
	    !v->named))
		return (0);
	if (s->kind == SCOPE_WRITE)
		return (right_check(&s->who, RIGHT_PROXY, 0, v, &r) == 0);
	return (right_check(&s->who, RIGHT_MAY, s->all ?
	    ACTION_INSTANCE_LOGS : ACTION_LOGS, v, &r) == 0);
}

void
scope_renamed(void)
{
	struct scope	*s;

	RB_FOREACH(s, scopetree, &tree) {
		if (right_renamed(&s->who) && s->state == SCOPE_LIVE &&
		    s->kind == SCOPE_WRITE)
			announce(s);
	}
}

/*
 * What a worker has logged may be on its way still, a reader has nothing that
 * could be: its right ends with its scope.
 */
void
scope_end(struct scope *s)
{
	if (s->state != SCOPE_LIVE)
		return;
	s->state = SCOPE_ENDED;
	s->ended_at = loop_mono();
	TAILQ_INSERT_TAIL(&ended, s, ended_entry);
	if (s->peer != NULL) {
		LIST_REMOVE(s, peer_entry);
		s->peer->nscopes--;
		s->peer = NULL;
	}
	if (s->kind == SCOPE_READ && keyd_logd() != NULL)
		scope_close(s);
}

void
scope_peer_gone(struct peer *p)
{
	struct scope	*s;

	while ((s = LIST_FIRST(&p->scopes)) != NULL)
		scope_end(s);
}

void
scope_caller_gone(struct peer *p, uint64_t caller)
{
	struct scope	*s, *next;

	LIST_FOREACH_SAFE(s, &p->scopes, peer_entry, next) {
		if (s->kind == SCOPE_READ && s->caller == caller)
			scope_end(s);
	}
}

static void
scope_close(struct scope *s)
{
	struct msg_scope_close	 m;

	s->state = SCOPE_CLOSING;
	m.scope = s->id;
	keyd_send(keyd_logd(), MSG_SCOPE_CLOSE, &m);
}

/*
 * A worker's last records may still be on their way when its scope ends, so
 * logd keeps it for a while.
 */
void
scope_tick(uint64_t mono)
{
	struct scope	*s;

	if (keyd_logd() == NULL)
		return;
	TAILQ_FOREACH(s, &ended, ended_entry) {
		if (mono - s->ended_at < (uint64_t)SCOPE_LINGER * 1000000)
			break;
		if (s->state == SCOPE_ENDED)
			scope_close(s);
	}
}

static void
scope_free(struct scope *s)
{
	if (s->state != SCOPE_LIVE)
		TAILQ_REMOVE(&ended, s, ended_entry);
	else if (s->peer != NULL) {
		LIST_REMOVE(s, peer_entry);
		s->peer->nscopes--;
	}
	RB_REMOVE(scopetree, &tree, s);
	count--;
	free(s);
}

void
scope_closed(uint64_t id)
{
	struct scope	*s = find(id);

	if (s != NULL && s->state == SCOPE_CLOSING)
		scope_free(s);
}

uint32_t
scope_count(void)
{
	return (count);
}

void
scope_repeat(void)
{
	struct scope	*s;

	RB_FOREACH(s, scopetree, &tree)
		announce(s);
	TAILQ_FOREACH(s, &ended, ended_entry) {
		if (s->state == SCOPE_CLOSING || s->kind == SCOPE_READ)
			scope_close(s);
	}
}

void
scope_free_all(void)
{
	struct scope	*s;

	while ((s = RB_MIN(scopetree, &tree)) != NULL)
		scope_free(s);
}
