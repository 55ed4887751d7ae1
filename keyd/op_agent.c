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
#include "op.h"
#include "service.h"

static int	check_name(struct op_ask *, const char *);
static struct agent	*managed(struct op_ask *, const char *);
static void	new_token(struct op_ask *, struct change *, uint64_t);
static int	check_vaults(struct op_ask *,
		    const struct rec_op_agent_create *);
static void	first_grants(struct op_ask *, struct change *,
		    const struct rec_op_agent_create *, uint64_t, char *,
		    size_t);
static void	delete_tokens(struct change *, const struct agent *);
static void	delete_grants(struct change *, const struct agent *);
static struct agent	*granted(struct op_ask *, const char *);
static void	result_role(struct change *, uint8_t, uint8_t);

static int
check_name(struct op_ask *ask, const char *name)
{
	if (!service_valid_slug(name))
		return (op_refuse(ask, 400, "invalid_name",
		    "An agent's name is 3 to 64 of a-z, 0-9 and single "
		    "hyphens inside"));
	if (state_agent_named(name) != NULL)
		return (op_refuse(ask, 409, "exists",
		    "An agent named \"%s\" exists already", name));
	return (0);
}

/* An agent that the caller may manage. */
static struct agent *
managed(struct op_ask *ask, const char *name)
{
	struct agent	*a = state_agent_named(name);
	struct refusal	 r;

	if (op_found(ask, a, "Agent") == -1)
		return (NULL);
	if (right_agent(&ask->who, a, &r) == -1) {
		(void)op_refuse(ask, r.status, r.code, "%s", r.text);
		return (NULL);
	}
	return (a);
}

/* The token's text is in the result alone; what is kept is its hash. */
static void
new_token(struct op_ask *ask, struct change *c, uint64_t agent)
{
	struct rec_obj_token	 o;
	struct rec_res_token	 res;
	char			 tok[TOKEN_SIZE];

	token_new(TOKEN_AGENT, tok);
	memset(&o, 0, sizeof(o));
	o.id = change_id(c);
	o.kind = TOKEN_AGENT;
	if (token_hash(tok, o.hash) == -1)
		fatalx("a new token is none");
	o.agent = agent;
	o.minter_type = ask->who.actor_type;
	o.minter = ask->who.actor;
	o.created_at = ask->now;
	change_put(c, OBJ_TOKEN, &o);
	memset(&res, 0, sizeof(res));
	res.token = tok;
	res.created_at = ask->now;
	change_result(c, &desc_res_token, &res);
	explicit_bzero(tok, sizeof(tok));
}

static int
check_vaults(struct op_ask *ask, const struct rec_op_agent_create *a)
{
	const struct rec_vaultrole	*r;
	const struct vault		*v;
	uint32_t			 i, k;

	for (i = 0; i < a->vaults_n; i++) {
		r = &a->vaults[i];
		if ((v = state_vault_named(r->vault)) == NULL)
			return (op_refuse(ask, 404, "vault_not_found",
			    "Vault \"%s\" not found", r->vault));
		if (r->role >= ROLE_MAX)
			return (op_refuse(ask, 400, "invalid_role",
			    "Invalid role for vault \"%s\"", r->vault));
		if (right_role(&ask->who, v) != ROLE_ADMIN)
			return (op_refuse(ask, 403, "forbidden",
			    "You must be an admin of vault \"%s\" to give "
			    "access to it", r->vault));
		if (v->ngrants >= STATE_GRANTS_MAX)
			return (op_refuse(ask, 409, "too_many",
			    "Vault \"%s\" has %d agents already", r->vault,
			    STATE_GRANTS_MAX));
		for (k = 0; k < i; k++) {
			if (strcmp(a->vaults[k].vault, r->vault) == 0)
				return (op_refuse(ask, 400,
				    "invalid_request",
				    "Vault \"%s\" comes twice", r->vault));
		}
	}
	return (0);
}

/* Those that a new agent gets; who reads the log wants to know which. */
static void
first_grants(struct op_ask *ask, struct change *c,
    const struct rec_op_agent_create *a, uint64_t agent, char *list,
    size_t size)
{
	struct rec_obj_grant	 g;
	char			 one[80];
	uint32_t		 i;

	memset(&g, 0, sizeof(g));
	for (i = 0; i < a->vaults_n; i++) {
		g.id = change_id(c);
		g.agent = agent;
		g.vault = state_vault_named(a->vaults[i].vault)->o.id;
		g.role = a->vaults[i].role == ROLE_NONE ? ROLE_PROXY :
		    a->vaults[i].role;
		g.created_at = ask->now;
		change_put(c, OBJ_GRANT, &g);
		(void)snprintf(one, sizeof(one), "%s:%s", a->vaults[i].vault,
		    role_name(g.role));
		change_list(list, size, one);
	}
}

int
op_agent_create(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_agent_create	*a = args;
	struct rec_obj_agent			 o;
	char					 list[800] = "";
	char					 uuid[UUID_SIZE];

	if (check_name(ask, a->name) == -1)
		return (-1);
	if (a->role >= IROLE_MAX)
		return (op_refuse(ask, 400, "invalid_role",
		    "The role is owner, member or no-access"));
	if (a->role == IROLE_OWNER &&
	    right_instance_role(&ask->who) != IROLE_OWNER)
		return (op_refuse(ask, 403, "forbidden",
		    "Only owners can make an owner"));
	if (check_vaults(ask, a) == -1)
		return (-1);
	if (state.nagents >= STATE_AGENTS_MAX)
		return (op_refuse(ask, 409, "too_many",
		    "There are %d agents already", STATE_AGENTS_MAX));
	token_uuid(uuid);
	memset(&o, 0, sizeof(o));
	o.id = change_id(c);
	o.uuid = uuid;
	o.name = a->name;
	o.role = a->role;
	o.status = AGENT_ACTIVE;
	o.created_by = ask->who.actor;
	o.created_at = o.updated_at = ask->now;
	change_put(c, OBJ_AGENT, &o);
	first_grants(ask, c, a, o.id, list, sizeof(list));
	new_token(ask, c, o.id);
	change_detail(c, "{\"agent\":\"%s\",\"role\":\"%s\",\"count\":%u,"
	    "\"vaults\":[%s]}", a->name, instance_role_name(a->role),
	    a->vaults_n, list);
	c->status = 201;
	return (0);
}

static void
delete_tokens(struct change *c, const struct agent *a)
{
	const struct token	*t;

	LIST_FOREACH(t, &a->tokens, agent_entry)
		change_delete(c, OBJ_TOKEN, t->o.id);
}

static void
delete_grants(struct change *c, const struct agent *a)
{
	const struct grant	*g;

	LIST_FOREACH(g, &a->grants, agent_entry)
		change_delete(c, OBJ_GRANT, g->o.id);
}

/* Its tokens, what it minted and its grants go; a new token brings it back. */
int
op_agent_revoke(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	const struct agent		*agent;
	struct rec_obj_agent		 o;

	if ((agent = managed(ask, a->name)) == NULL)
		return (-1);
	o = agent->o;
	if (o.status == AGENT_REVOKED && !ask->again)
		return (op_refuse(ask, 409, "revoked",
		    "The agent is revoked already"));
	if (o.status != AGENT_REVOKED)
		o.revoked_at = o.updated_at = ask->now;
	o.status = AGENT_REVOKED;
	delete_tokens(c, agent);
	delete_grants(c, agent);
	change_put(c, OBJ_AGENT, &o);
	change_detail(c, "{\"agent\":\"%s\"}", o.name);
	return (0);
}

int
op_agent_delete(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	const struct agent		*agent;

	if ((agent = managed(ask, a->name)) == NULL)
		return (-1);
	delete_tokens(c, agent);
	delete_grants(c, agent);
	change_delete(c, OBJ_AGENT, agent->o.id);
	change_detail(c, "{\"agent\":\"%s\"}", agent->o.name);
	return (0);
}

int
op_agent_rotate(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	const struct agent		*agent;
	const struct token		*t;
	struct rec_obj_agent		 o;

	if ((agent = managed(ask, a->name)) == NULL)
		return (-1);
	LIST_FOREACH(t, &agent->tokens, agent_entry) {
		if (t->o.kind == TOKEN_AGENT)
			change_delete(c, OBJ_TOKEN, t->o.id);
	}
	o = agent->o;
	o.status = AGENT_ACTIVE;
	o.revoked_at = 0;
	o.updated_at = ask->now;
	change_put(c, OBJ_AGENT, &o);
	new_token(ask, c, o.id);
	change_detail(c, "{\"agent\":\"%s\"}", o.name);
	return (0);
}

int
op_agent_rename(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_rename	*a = args;
	const struct agent		*agent;
	struct rec_obj_agent		 o;

	if ((agent = managed(ask, a->name)) == NULL ||
	    check_name(ask, a->to) == -1)
		return (-1);
	o = agent->o;
	change_detail(c, "{\"agent\":\"%s\",\"to\":\"%s\"}", o.name, a->to);
	o.name = a->to;
	o.updated_at = ask->now;
	change_put(c, OBJ_AGENT, &o);
	return (0);
}

static void
result_role(struct change *c, uint8_t from, uint8_t to)
{
	struct rec_res_role	 res;

	res.old_role = from;
	res.new_role = to;
	change_result(c, &desc_res_role, &res);
}

int
op_agent_role(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_agent_role	*a = args;
	const struct agent		*agent;
	struct rec_obj_agent		 o;

	if (a->role >= IROLE_MAX)
		return (op_refuse(ask, 400, "invalid_role",
		    "The role is owner, member or no-access"));
	if ((agent = managed(ask, a->name)) == NULL)
		return (-1);
	o = agent->o;
	o.role = a->role;
	o.updated_at = ask->now;
	change_put(c, OBJ_AGENT, &o);
	result_role(c, agent->o.role, a->role);
	change_detail(c, "{\"agent\":\"%s\",\"from\":\"%s\",\"to\":\"%s\"}",
	    o.name, instance_role_name(agent->o.role),
	    instance_role_name(a->role));
	return (0);
}

/* An agent whose access to the vault is to change. */
static struct agent *
granted(struct op_ask *ask, const char *name)
{
	struct agent	*a = state_agent_named(name);

	if (a == NULL)
		(void)op_refuse(ask, 404, "not_found",
		    "Agent \"%.64s\" not found", name);
	return (a);
}

int
op_grant_set(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_grant	*a = args;
	const struct vault		*v = op_vault(ask);
	const struct agent		*agent;
	const struct grant		*old;
	struct rec_obj_grant		 o;

	if (a->role == ROLE_NONE || a->role >= ROLE_MAX ||
	    a->mode > GRANT_CHANGE)
		return (op_refuse(ask, 400, "invalid_role",
		    "The role is proxy, member or admin"));
	if ((agent = granted(ask, a->agent)) == NULL)
		return (-1);
	if (agent->o.status != AGENT_ACTIVE)
		return (op_refuse(ask, 409, "revoked",
		    "The agent is revoked"));
	old = state_grant(agent, v);
	if (old != NULL && a->mode == GRANT_ADD)
		return (op_refuse(ask, 409, "exists", "Agent \"%s\" has "
		    "access to vault \"%s\" already", agent->o.name,
		    v->o.name));
	if (old == NULL && a->mode == GRANT_CHANGE)
		return (op_refuse(ask, 404, "not_found", "Agent \"%s\" has "
		    "no access to vault \"%s\"", agent->o.name, v->o.name));
	if (old == NULL && (agent->ngrants >= STATE_GRANTS_MAX ||
	    v->ngrants >= STATE_GRANTS_MAX))
		return (op_refuse(ask, 409, "too_many", "An agent has access "
		    "to at most %d vaults, and a vault that many agents",
		    STATE_GRANTS_MAX));
	memset(&o, 0, sizeof(o));
	o.id = old != NULL ? old->o.id : change_id(c);
	o.agent = agent->o.id;
	o.vault = v->o.id;
	o.role = a->role;
	o.created_at = old != NULL ? old->o.created_at : ask->now;
	change_put(c, OBJ_GRANT, &o);
	result_role(c, old != NULL ? old->o.role : ROLE_NONE, a->role);
	change_detail(c, "{\"vault\":\"%s\",\"agent\":\"%s\","
	    "\"role\":\"%s\"}", v->o.name, agent->o.name,
	    role_name(a->role));
	c->status = old != NULL ? 200 : 201;
	return (0);
}

/* What the agent minted for the vault ends with its grant. */
int
op_grant_delete(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	const struct vault		*v = op_vault(ask);
	const struct agent		*agent;
	const struct grant		*g;
	const struct token		*t;

	if ((agent = granted(ask, a->name)) == NULL)
		return (-1);
	if ((g = state_grant(agent, v)) != NULL)
		change_delete(c, OBJ_GRANT, g->o.id);
	else if (!ask->again)
		return (op_refuse(ask, 404, "not_found", "Agent \"%s\" has "
		    "no access to vault \"%s\"", agent->o.name, v->o.name));
	LIST_FOREACH(t, &agent->tokens, agent_entry) {
		if (t->vault == v)
			change_delete(c, OBJ_TOKEN, t->o.id);
	}
	change_detail(c, "{\"vault\":\"%s\",\"agent\":\"%s\"}", v->o.name,
	    agent->o.name);
	return (0);
}
