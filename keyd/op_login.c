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

#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "log.h"
#include "login.h"
#include "loop.h"
#include "onetime.h"
#include "op.h"

/* By a link or a token, one login. */
struct begin {
	uint32_t	 idle;
	int64_t		 ttl;
	const char	*vault;			/* where to begin */
	char		 by[TOKEN_PUBLICLEN + 32];	/* for the audit row */
};

static int	by_link(struct op_ask *, struct begin *);
static int	by_token(struct op_ask *, struct begin *);
static int	make_room(struct op_ask *, struct change *);
static const struct login *own(const struct op_ask *, const char *);

int
op_login_link(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	const struct vault		*v = NULL;
	struct rec_res_token		 res;
	char				 tok[TOKEN_SIZE];

	if (a->name[0] != '\0' && (v = state_vault_named(a->name)) == NULL)
		return (op_refuse(ask, 404, "vault_not_found",
		    "Vault not found"));
	memset(&res, 0, sizeof(res));
	res.created_at = ask->now;
	res.expires_at = onetime_new(ask->who.actor, v == NULL ? 0 :
	    v->o.id, ask->now, loop_mono(), tok);
	res.token = tok;
	change_result(c, &desc_res_token, &res);
	explicit_bzero(tok, sizeof(tok));
	change_detail(c, "{\"vault\":\"%s\"}", v == NULL ? "" : v->o.name);
	return (0);
}

/* Whether the login can be stored or not, the link has been used. */
static int
by_link(struct op_ask *ask, struct begin *b)
{
	const struct onetime	*o;
	const struct vault	*v;

	o = onetime_find(ask->who.link, ask->now, loop_mono());
	if (o == NULL)
		return (op_refuse(ask, 401, "unauthorized",
		    "Invalid or expired token"));
	v = state_vault(o->vault);
	b->vault = v != NULL && v->named ? v->o.name : "";
	b->idle = LOGIN_LINK_IDLE;
	b->ttl = LOGIN_LINK_TTL;
	(void)strlcpy(b->by, "link", sizeof(b->by));
	onetime_spend(o->id);
	return (0);
}

/* A minted session is for one vault, so the page begins there. */
static int
by_token(struct op_ask *ask, struct begin *b)
{
	const struct token	*t = state_token(ask->who.token);

	if (t == NULL)
		return (op_refuse(ask, 401, "unauthorized",
		    "Invalid or expired token"));
	b->vault = t->vault != NULL ? t->vault->o.name : "";
	b->idle = LOGIN_IDLE;
	b->ttl = LOGIN_TTL;
	if (t->o.expires_at != 0 && t->o.expires_at - ask->now < b->ttl)
		b->ttl = t->o.expires_at - ask->now;
	(void)snprintf(b->by, sizeof(b->by), "%s%s%s",
	    t->vault != NULL ? "session" : "token",
	    t->o.public_id[0] == '\0' ? "" : " ", t->o.public_id);
	return (0);
}

/* Who has too many loses the one that was not used for the longest time. */
static int
make_room(struct op_ask *ask, struct change *c)
{
	const struct login	*oldest;

	if (login_count(ask->who.token, &oldest) >= LOGIN_EACH_MAX)
		change_delete(c, OBJ_LOGIN, oldest->o.id);
	else if (login_total() >= LOGIN_MAX)
		return (op_refuse(ask, 409, "too_many", "There are %d "
		    "logins already: sign some out", LOGIN_MAX));
	return (0);
}

int
op_login_begin(struct op_ask *ask, const void *args, struct change *c)
{
	struct begin		 b;
	struct rec_obj_login	 o;
	struct rec_res_login	 res;
	char			 tok[TOKEN_SIZE], id[TOKEN_PUBLICLEN + 1];

	memset(&b, 0, sizeof(b));
	if ((ask->who.type == PRINCIPAL_LINK ? by_link(ask, &b) :
	    by_token(ask, &b)) == -1 || make_room(ask, c) == -1)
		return (-1);
	token_new(TOKEN_LOGIN, tok);
	token_public_id(id);
	memset(&o, 0, sizeof(o));
	o.id = change_id(c);
	if (token_hash(tok, o.hash) != TOKEN_LOGIN)
		fatalx("a new token is none");
	o.public_id = id;
	o.token = ask->who.token;
	o.actor_type = ask->who.actor_type;
	o.actor = ask->who.actor;
	o.idle = b.idle;
	o.created_at = o.used_at = ask->now;
	o.expires_at = ask->now + b.ttl;
	change_put(c, OBJ_LOGIN, &o);
	memset(&res, 0, sizeof(res));
	res.token = tok;
	res.public_id = id;
	res.vault = b.vault;
	res.idle = o.idle;
	res.created_at = o.created_at;
	res.expires_at = o.expires_at;
	change_result(c, &desc_res_login, &res);
	explicit_bzero(tok, sizeof(tok));
	/* The row says which login it was, as do those of what it does. */
	(void)strlcpy(ask->who.session, id, sizeof(ask->who.session));
	change_detail(c, "{\"by\":\"%s\"}", b.by);
	return (0);
}

/* The caller's by its public id, or the one that it is itself. */
static const struct login *
own(const struct op_ask *ask, const char *id)
{
	const struct login	*l = NULL;

	if (id[0] == '\0')
		return (login_find(ask->who.login));
	while ((l = login_next(l)) != NULL) {
		if (l->o.token == ask->who.token &&
		    strcmp(l->o.public_id, id) == 0)
			break;
	}
	return (l);
}

int
op_login_end(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	const struct login		*l = own(ask, a->name);

	if (l == NULL)
		return (op_found(ask, NULL, "Session"));
	change_delete(c, OBJ_LOGIN, l->o.id);
	change_detail(c, "{\"session\":\"%s\"}", l->o.public_id);
	return (0);
}
