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

#include "right.h"
#include "state.h"

#define ANYONE		0xff	/* instance role: any agent */
#define NOBODY		0xfe	/* instance role: no agent */
#define EVERYONE	0xfd	/* minted sessions too */
#define TOKENS		0xfc	/* who has a token, or a link, in hand */

/*
 * What the local principal may: at its socket, and by a login in a browser.
 * A browser sends the cookie of a host to every port of it, so that whoever
 * is let listen there, an agent say, may come to have it.  So a login by
 * a link only reads, and values of credentials are not for it.
 */
#define SOCKET		0x1
#define LOGIN		0x2
#define BOTH		(SOCKET | LOGIN)

/*
 * vault: the least role in the vault; ROLE_NONE if the action is not about
 * one.  instance: the least instance role; with a vault role beside it,
 * either suffices.  local: whether the local principal may.  A minted
 * session counts as ROLE_PROXY in its vault and nothing else.
 */
static const struct right {
	uint8_t		 class;
	uint8_t		 number;
	uint8_t		 vault;
	uint8_t		 instance;
	uint8_t		 local;
} rights[] = {
	{ RIGHT_PROXY, 0,		ROLE_PROXY,  NOBODY,       0 },
	{ RIGHT_REVEAL, 0,		ROLE_MEMBER, NOBODY,       SOCKET },

	{ RIGHT_OP, OP_INIT,		ROLE_NONE,   NOBODY,       SOCKET },
	{ RIGHT_OP, OP_VAULT_CREATE,	ROLE_NONE,   IROLE_MEMBER, SOCKET },
	{ RIGHT_OP, OP_VAULT_DELETE,	ROLE_ADMIN,  IROLE_OWNER,  SOCKET },
	{ RIGHT_OP, OP_VAULT_RENAME,	ROLE_ADMIN,  IROLE_OWNER,  SOCKET },
	{ RIGHT_OP, OP_VAULT_SETTINGS,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_CREDENTIAL_SET,	ROLE_MEMBER, NOBODY,       SOCKET },
	{ RIGHT_OP, OP_CREDENTIAL_DELETE,ROLE_MEMBER, NOBODY,       SOCKET },
	{ RIGHT_OP, OP_SERVICE_UPSERT,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_SERVICE_REPLACE,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_SERVICE_CLEAR,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_SERVICE_DELETE,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_SERVICE_ENABLE,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_AGENT_CREATE,	ROLE_NONE,   IROLE_MEMBER, SOCKET },
	{ RIGHT_OP, OP_AGENT_REVOKE,	ROLE_NONE,   IROLE_MEMBER, SOCKET },
	{ RIGHT_OP, OP_AGENT_DELETE,	ROLE_NONE,   IROLE_MEMBER, SOCKET },
	{ RIGHT_OP, OP_AGENT_ROTATE,	ROLE_NONE,   IROLE_MEMBER, SOCKET },
	{ RIGHT_OP, OP_AGENT_RENAME,	ROLE_NONE,   IROLE_MEMBER, SOCKET },
	{ RIGHT_OP, OP_AGENT_ROLE,	ROLE_NONE,   IROLE_OWNER,  SOCKET },
	{ RIGHT_OP, OP_GRANT_SET,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_GRANT_DELETE,	ROLE_ADMIN,  NOBODY,       SOCKET },
	{ RIGHT_OP, OP_SESSION_MINT,	ROLE_MEMBER, NOBODY,       SOCKET },
	{ RIGHT_OP, OP_SESSION_REVOKE,	ROLE_MEMBER, NOBODY,       SOCKET },
	{ RIGHT_OP, OP_RELOAD,		ROLE_NONE,   NOBODY,       SOCKET },
	{ RIGHT_OP, OP_VERBOSE,		ROLE_NONE,   NOBODY,       SOCKET },
	{ RIGHT_OP, OP_BRIEF,		ROLE_NONE,   NOBODY,       SOCKET },
	{ RIGHT_OP, OP_BACKUP,		ROLE_NONE,   IROLE_OWNER,  SOCKET },
	{ RIGHT_OP, OP_SETTINGS,	ROLE_NONE,   IROLE_OWNER,  SOCKET },

	{ RIGHT_OP, OP_LOGIN_LINK,	ROLE_NONE,   NOBODY,       SOCKET },
	{ RIGHT_OP, OP_LOGIN_BEGIN,	ROLE_NONE,   TOKENS,       0 },
	{ RIGHT_OP, OP_LOGIN_END,	ROLE_NONE,   EVERYONE,     BOTH },

	{ RIGHT_MAY, ACTION_LOGS,	ROLE_MEMBER, NOBODY,       BOTH },
	{ RIGHT_MAY, ACTION_INSTANCE_LOGS,ROLE_NONE,   IROLE_OWNER,  BOTH },
	{ RIGHT_MAY, ACTION_CONTROL,	ROLE_NONE,   NOBODY,       SOCKET },
	{ RIGHT_MAY, ACTION_METRICS,	ROLE_NONE,   IROLE_OWNER,  BOTH },

	{ RIGHT_VIEW, VIEW_VAULTS,	ROLE_NONE,   ANYONE,       BOTH },
	{ RIGHT_VIEW, VIEW_VAULT,	ROLE_PROXY,  NOBODY,       BOTH },
	{ RIGHT_VIEW, VIEW_AGENTS,	ROLE_NONE,   IROLE_MEMBER, BOTH },
	{ RIGHT_VIEW, VIEW_AGENT,	ROLE_NONE,   IROLE_MEMBER, BOTH },
	{ RIGHT_VIEW, VIEW_GRANTS,	ROLE_PROXY,  NOBODY,       BOTH },
	{ RIGHT_VIEW, VIEW_SERVICES,	ROLE_PROXY,  NOBODY,       BOTH },
	{ RIGHT_VIEW, VIEW_SERVICE,	ROLE_PROXY,  NOBODY,       BOTH },
	{ RIGHT_VIEW, VIEW_USAGE,	ROLE_PROXY,  NOBODY,       BOTH },
	{ RIGHT_VIEW, VIEW_CREDENTIALS,	ROLE_PROXY,  NOBODY,       BOTH },
	{ RIGHT_VIEW, VIEW_SESSIONS,	ROLE_MEMBER, NOBODY,       BOTH },
	{ RIGHT_VIEW, VIEW_ADMIN_VAULTS,ROLE_NONE,   IROLE_OWNER,  BOTH },
	{ RIGHT_VIEW, VIEW_SETTINGS,	ROLE_NONE,   IROLE_OWNER,  BOTH },
	{ RIGHT_VIEW, VIEW_LOGINS,	ROLE_NONE,   EVERYONE,     BOTH }
};
#define NRIGHTS		(sizeof(rights) / sizeof(rights[0]))

static const struct right	*find(enum right_class, unsigned int);
static int	refuse(struct refusal *, const char *);
static int	local_check(const struct principal *, const struct right *,
		    struct refusal *);
static int	instance_suffices(const struct principal *,
		    const struct right *);
static const char *need_role(enum vault_role);
static const char *need_instance_role(unsigned int);

static const struct right *
find(enum right_class class, unsigned int number)
{
	size_t	 i;

	for (i = 0; i < NRIGHTS; i++) {
		if (rights[i].class == class && rights[i].number == number)
			return (&rights[i]);
	}
	return (NULL);
}

static int
refuse(struct refusal *r, const char *text)
{
	r->status = 403;
	r->code = "forbidden";
	r->text = text;
	return (-1);
}

enum vault_role
right_role(const struct principal *p, const struct vault *v)
{
	const struct agent	*a;
	const struct grant	*g;

	switch (p->type) {
	case PRINCIPAL_LOCAL:
		return (ROLE_ADMIN);
	case PRINCIPAL_SESSION:
		return (p->vault == v->o.id ? ROLE_PROXY : ROLE_NONE);
	case PRINCIPAL_AGENT:
		if ((a = state_agent(p->agent)) == NULL ||
		    a->o.status != AGENT_ACTIVE ||
		    (g = state_grant(a, v)) == NULL)
			return (ROLE_NONE);
		return (g->o.role);
	case PRINCIPAL_LINK:
	case PRINCIPAL_MAX:
		break;
	}
	return (ROLE_NONE);
}

enum instance_role
right_instance_role(const struct principal *p)
{
	const struct agent	*a;

	if (p->type == PRINCIPAL_LOCAL)
		return (IROLE_OWNER);
	if (p->type != PRINCIPAL_AGENT ||
	    (a = state_agent(p->agent)) == NULL ||
	    a->o.status != AGENT_ACTIVE)
		return (IROLE_NO_ACCESS);
	return (a->o.role);
}

static int
local_check(const struct principal *p, const struct right *want,
    struct refusal *r)
{
	if (want->local & (p->login == 0 ? SOCKET : LOGIN))
		return (0);
	if (p->login != 0)
		return (refuse(r, "A page that was opened by a link only "
		    "reads: use brokerctl for this"));
	return (refuse(r, "The local socket may not do this"));
}

static int
instance_suffices(const struct principal *p, const struct right *r)
{
	if (r->instance == EVERYONE)
		return (1);
	if (r->instance == TOKENS)
		return (p->login == 0);
	if (p->type != PRINCIPAL_AGENT || r->instance == NOBODY)
		return (0);
	if (r->instance == ANYONE)
		return (1);
	return (right_instance_role(p) >= r->instance);
}

static const char *
need_role(enum vault_role role)
{
	switch (role) {
	case ROLE_ADMIN:
		return ("Vault role admin is needed for this");
	case ROLE_MEMBER:
		return ("Vault role member or admin is needed for this");
	default:
		return ("No access to this vault");
	}
}

static const char *
need_instance_role(unsigned int role)
{
	switch (role) {
	case IROLE_OWNER:
		return ("Instance role owner is needed for this");
	case TOKENS:
		return ("A login cannot begin another one");
	case NOBODY:
		return ("Only the local socket may do this");
	default:
		return ("Instance role member or owner is needed for this");
	}
}

int
right_check(const struct principal *p, enum right_class class,
    unsigned int number, const struct vault *v, struct refusal *r)
{
	const struct right	*want;
	enum vault_role		 role;

	if ((want = find(class, number)) == NULL)
		return (refuse(r, "There is no such action"));
	if (p->type == PRINCIPAL_LOCAL)
		return (local_check(p, want, r));
	if (p->type == PRINCIPAL_LINK && want->instance != TOKENS)
		return (refuse(r, "A link is for signing in only"));
	if (instance_suffices(p, want))
		return (0);
	if (want->vault == ROLE_NONE)
		return (refuse(r, p->type == PRINCIPAL_SESSION &&
		    want->instance != TOKENS ?
		    "A minted session is for its vault only" :
		    need_instance_role(want->instance)));
	role = v == NULL ? ROLE_NONE : right_role(p, v);
	if (role >= want->vault)
		return (0);
	if (role == ROLE_NONE)
		return (refuse(r, "No access to this vault"));
	return (refuse(r, need_role(want->vault)));
}

int
right_agent(const struct principal *p, const struct agent *a,
    struct refusal *r)
{
	if (right_instance_role(p) == IROLE_OWNER)
		return (0);
	if (a->o.role == IROLE_OWNER)
		return (refuse(r, "Only owners may change an owner"));
	if (strcmp(a->o.created_by, p->actor) != 0)
		return (refuse(r,
		    "Only an owner or the agent's creator may do this"));
	return (0);
}

int
right_in_vault(enum right_class class, unsigned int number)
{
	const struct right	*want = find(class, number);

	return (want != NULL && want->vault != ROLE_NONE);
}

void
right_local(struct principal *p, uint32_t uid)
{
	memset(p, 0, sizeof(*p));
	p->type = PRINCIPAL_LOCAL;
	p->actor_type = ACTOR_LOCAL;
	(void)snprintf(p->actor, sizeof(p->actor), "local:%u", uid);
	memcpy(p->name, p->actor, sizeof(p->name));
}

/*
 * What a session does is recorded as done by who minted it, and with the
 * session's public id.
 */
void
right_token(struct principal *p, const struct token *t)
{
	const char	*actor = t->o.minter, *name = t->o.minter;

	memset(p, 0, sizeof(*p));
	p->token = t->o.id;
	p->actor_type = t->o.minter_type;
	if (t->agent != NULL) {
		p->actor_type = ACTOR_AGENT;
		actor = t->agent->o.uuid;
		name = t->agent->o.name;
	}
	if (t->o.kind == TOKEN_AGENT) {
		p->type = PRINCIPAL_AGENT;
		p->agent = t->o.agent;
	} else {
		p->type = PRINCIPAL_SESSION;
		p->vault = t->o.vault;
		(void)strlcpy(p->session, t->o.public_id, sizeof(p->session));
	}
	(void)strlcpy(p->actor, actor, sizeof(p->actor));
	(void)strlcpy(p->name, name, sizeof(p->name));
}

int
right_renamed(struct principal *p)
{
	const struct token	*t = state_token(p->token);

	if (t == NULL || t->agent == NULL ||
	    strcmp(p->name, t->agent->o.name) == 0)
		return (0);
	(void)strlcpy(p->name, t->agent->o.name, sizeof(p->name));
	return (1);
}

/* What is done with a login is recorded with the login's public id. */
void
right_login(struct principal *p, const struct rec_obj_login *l,
    const struct token *t)
{
	if (t != NULL)
		right_token(p, t);
	else {
		memset(p, 0, sizeof(*p));
		p->type = PRINCIPAL_LOCAL;
		p->actor_type = ACTOR_LOCAL;
		(void)strlcpy(p->actor, l->actor, sizeof(p->actor));
		(void)strlcpy(p->name, l->actor, sizeof(p->name));
	}
	p->login = l->id;
	(void)strlcpy(p->session, l->public_id, sizeof(p->session));
}

void
right_link(struct principal *p, uint64_t link, const char *actor)
{
	memset(p, 0, sizeof(*p));
	p->type = PRINCIPAL_LINK;
	p->link = link;
	p->actor_type = ACTOR_LOCAL;
	(void)strlcpy(p->actor, actor, sizeof(p->actor));
	(void)strlcpy(p->name, actor, sizeof(p->name));
}
