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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "caller.h"
#include "codes.h"
#include "log.h"
#include "login.h"
#include "loop.h"
#include "notice.h"
#include "onetime.h"
#include "scope.h"
#include "state.h"

RB_HEAD(callertree, caller);

static struct callertree	 tree = RB_INITIALIZER(&tree);

static int	cmp(struct caller *, struct caller *);
RB_PROTOTYPE_STATIC(callertree, caller, id_entry, cmp)
static int	refuse(struct refusal *, uint16_t, const char *,
		    const char *);
static void	failed(const struct msg_caller *, const struct refusal *);
static int	denied(const struct caller *, enum right_class, unsigned int,
		    const struct vault *, const struct refusal *);
static int	known(const struct msg_caller *, struct principal *);
static int	identify(const struct peer *, const struct msg_caller *,
		    struct principal *, struct refusal *);
static struct caller	*caller_new(struct peer *, const struct principal *,
			    const struct msg_addr *);

static int
cmp(struct caller *a, struct caller *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_STATIC(callertree, caller, id_entry, cmp)

static int
refuse(struct refusal *r, uint16_t status, const char *code, const char *text)
{
	r->status = status;
	r->code = code;
	r->text = text;
	return (-1);
}

static void
failed(const struct msg_caller *m, const struct refusal *r)
{
	char	 detail[AUTH_DETAIL];

	auth_detail(detail, "api", m->token, NULL, r);
	notice_add(EVENT_AUTH_FAILED, 0, &m->client, detail, loop_mono());
}

/*
 * Each kind of token counts in its own place: what a browser keeps in its
 * cookie is worth nothing elsewhere, and a link does nothing but begin a
 * login.
 */
static int
known(const struct msg_caller *m, struct principal *who)
{
	const int64_t		 wall = keyd_wall();
	const uint64_t		 mono = loop_mono();
	const struct onetime	*o = NULL;
	const struct token	*t;
	struct login		*l = NULL;
	uint8_t			 hash[TOKEN_HASHLEN];
	int			 kind = token_hash(m->token, hash);

	if (m->way == WAY_COOKIE) {
		if (kind == TOKEN_LOGIN)
			l = login_hashed(hash);
		if (l == NULL || !login_alive(l, wall, mono))
			return (0);
		login_use(l, wall, mono);
		right_login(who, &l->o, state_token(l->o.token));
		return (1);
	}
	if (m->way == WAY_EXCHANGE && kind == TOKEN_LINK &&
	    (o = onetime_hashed(hash, wall, mono)) != NULL) {
		right_link(who, o->id, o->actor);
		return (1);
	}
	if ((t = auth_token(m->token, wall, mono)) == NULL)
		return (0);
	right_token(who, t);
	return (1);
}

/*
 * Without a token only the local socket has an identity, and a token over
 * that socket stands for the lesser one that it is.
 */
static int
identify(const struct peer *p, const struct msg_caller *m,
    struct principal *who, struct refusal *r)
{
	const uint64_t	 mono = loop_mono();

	if (*m->token == '\0') {
		if (p->proc != PROC_API_LOCAL || m->way != WAY_BEARER)
			return (refuse(r, 401, "unauthorized",
			    "Authorization required"));
		right_local(who, m->uid);
		return (0);
	}
	if (!state_initialized())
		return (refuse(r, 503, "not_initialized",
		    "Not initialized: run brokerctl init"));
	if (auth_blocked(&m->client, mono / 1000000, r)) {
		counters.auth_blocked++;
		failed(m, r);
		return (-1);
	}
	if (!known(m, who)) {
		counters.auth_failed++;
		auth_failed(&m->client, mono / 1000000);
		(void)refuse(r, 401, "unauthorized",
		    "Invalid or expired token");
		failed(m, r);
		return (-1);
	}
	return (0);
}

static struct caller *
caller_new(struct peer *p, const struct principal *who,
    const struct msg_addr *client)
{
	struct caller	*c;

	if (p->ncallers == CALLER_PEER_MAX)
		return (NULL);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("caller");
	do
		c->id = token_number();
	while (RB_FIND(callertree, &tree, c) != NULL);
	c->peer = p;
	c->who = *who;
	c->client = *client;
	RB_INSERT(callertree, &tree, c);
	LIST_INSERT_HEAD(&p->callers, c, entry);
	p->ncallers++;
	return (c);
}

void
caller_request(struct link *l, struct msg *m)
{
	struct peer		*p = link_arg(l);
	struct principal	 who;
	struct refusal		 r = { 200, "", "" };
	struct msg_who		 a;
	struct caller		*c = NULL;
	const struct token	*t;
	const struct login	*login;

	if (m->u.caller.way > WAY_EXCHANGE) {
		link_bad(l, "unknown way of a token");
		return;
	}
	memset(&a, 0, sizeof(a));
	a.id = m->u.caller.id;
	if (identify(p, &m->u.caller, &who, &r) == 0 &&
	    (c = caller_new(p, &who, &m->u.caller.client)) == NULL)
		refuse(&r, 503, "overloaded", "Too many callers");
	a.status = r.status;
	a.text = r.text;
	if (c != NULL) {
		counters.auth_ok++;
		a.caller = c->id;
		a.actor_type = who.actor_type;
		a.actor = who.actor;
		a.name = who.name;
		a.role = right_instance_role(&who);
		a.session = who.session;
		if ((t = state_token(who.token)) != NULL) {
			a.expires_at = t->o.expires_at;
			if (t->vault != NULL)
				a.vault = t->vault->o.name;
		}
		if ((login = login_find(who.login)) != NULL) {
			a.idle = login->o.idle;
			a.expires_at = login->o.expires_at;
		}
	}
	keyd_send(l, MSG_WHO, &a);
}

struct caller *
caller_find(struct peer *p, uint64_t id)
{
	struct caller	 key, *c;

	key.id = id;
	c = RB_FIND(callertree, &tree, &key);
	return (c != NULL && c->peer == p ? c : NULL);
}

int
caller_valid(const struct caller *c)
{
	return (auth_good(&c->who, keyd_wall(), loop_mono()));
}

void
caller_renamed(void)
{
	struct caller	*c;

	RB_FOREACH(c, callertree, &tree)
		(void)right_renamed(&c->who);
}

void
caller_free(struct caller *c)
{
	scope_caller_gone(c->peer, c->id);
	RB_REMOVE(callertree, &tree, c);
	LIST_REMOVE(c, entry);
	c->peer->ncallers--;
	free(c);
}

void
caller_peer_gone(struct peer *p)
{
	struct caller	*c;

	while ((c = LIST_FIRST(&p->callers)) != NULL)
		caller_free(c);
}

void
caller_end(struct link *l, struct msg *m)
{
	struct caller	*c;

	/* One that was revoked meanwhile is gone already. */
	if ((c = caller_find(link_arg(l), m->u.caller_end.caller)) != NULL)
		caller_free(c);
}

/* What concerns the daemon itself goes before init, too. */
static int
is_early(enum right_class class, unsigned int number)
{
	if (class == RIGHT_MAY)
		return (number == ACTION_CONTROL || number == ACTION_METRICS);
	return (class == RIGHT_OP && (number == OP_INIT ||
	    number == OP_RELOAD || number == OP_VERBOSE ||
	    number == OP_BRIEF));
}

/*
 * Who tries what it may not do is recorded where it would be if it might: as
 * for audit rows that is the instance log.
 */
static int
denied(const struct caller *c, enum right_class class, unsigned int number,
    const struct vault *v, const struct refusal *r)
{
	const char	*what = "read";
	char		 detail[AUTH_DETAIL];

	if (class == RIGHT_OP)
		what = op_name(number);
	else if (class == RIGHT_REVEAL)
		what = "credential.reveal";
	(void)snprintf(detail, sizeof(detail), "{\"ingress\":\"api\","
	    "\"why\":\"%s\",\"action\":\"%s\",\"vault\":\"%s\","
	    "\"actor\":\"%s\",\"session\":\"%s\"}", r->code, what,
	    v == NULL ? "" : v->o.name, c->who.actor, c->who.session);
	notice_add(EVENT_VAULT_DENIED, 0, &c->client, detail, loop_mono());
	return (-1);
}

int
caller_right(const struct caller *c, enum right_class class,
    unsigned int number, const char *vault, struct vault **v,
    struct refusal *r)
{
	struct login	*l;

	*v = NULL;
	if (c == NULL || !caller_valid(c))
		return (refuse(r, 401, "unauthorized",
		    "Invalid or expired token"));
	if ((l = login_find(c->who.login)) != NULL)
		login_use(l, keyd_wall(), loop_mono());
	if (!state_initialized() && !is_early(class, number))
		return (refuse(r, 503, "not_initialized",
		    "Not initialized: run brokerctl init"));
	if (right_in_vault(class, number)) {
		if (*vault == '\0')
			return (refuse(r, 400, "vault_required",
			    "A vault is required"));
		if ((*v = state_vault_named(vault)) == NULL)
			return (refuse(r, 404, "vault_not_found",
			    "Vault not found"));
	}
	if (right_check(&c->who, class, number, *v, r) == 0)
		return (0);
	return (denied(c, class, number, *v, r));
}

void
caller_may(struct link *l, struct msg *m)
{
	struct peer		*p = link_arg(l);
	struct refusal		 r = { 200, "", "" };
	struct msg_may_answer	 a;
	struct caller		*c;
	struct vault		*v;
	struct scope		*s;

	memset(&a, 0, sizeof(a));
	a.id = m->u.may.id;
	c = caller_find(p, m->u.may.caller);
	if (caller_right(c, RIGHT_MAY, m->u.may.action, m->u.may.vault, &v,
	    &r) == 0) {
		a.vault = v == NULL ? 0 : v->o.id;
		if (m->u.may.action != ACTION_CONTROL &&
		    m->u.may.action != ACTION_METRICS) {
			s = scope_read(p, &c->who, c->id, a.vault, v == NULL);
			if (s == NULL || !scope_announced())
				refuse(&r, 503, "overloaded",
				    "Too many readers, or the log process "
				    "is behind");
			else
				a.scope = s->id;
		}
	}
	a.status = r.status;
	a.code = r.code;
	a.text = r.text;
	keyd_send(l, MSG_MAY_ANSWER, &a);
}
