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

#include <string.h>

#include "codes.h"
#include "op.h"
#include "service.h"

#define DEFAULT_NAME	"default"
#define DEFAULT_UUID	"00000000-0000-0000-0000-000000000000"
#define UNCHANGED	255

static int	check_name(struct op_ask *, const char *);
static void	create(struct op_ask *, struct change *, const char *,
		    const char *);
static void	grant_creator(struct op_ask *, struct change *, uint64_t);

/* Names that are, or are to be, parts of paths of the API. */
static const char *const	reserved[] = { "users", "agents", "invites" };

static int
check_name(struct op_ask *ask, const char *name)
{
	size_t	 i;

	if (!service_valid_slug(name))
		return (op_refuse(ask, 400, "invalid_name",
		    "A vault's name is 3 to 64 of a-z, 0-9 and single hyphens "
		    "inside"));
	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return (op_refuse(ask, 400, "reserved_name",
			    "The name \"%s\" is reserved", name));
	}
	if (state_vault_named(name) != NULL)
		return (op_refuse(ask, 409, "exists",
		    "A vault named \"%s\" exists already", name));
	return (0);
}

void
op_view_vault(const struct vault *v, enum vault_role role,
    struct rec_view_vault *view)
{
	memset(view, 0, sizeof(*view));
	view->uuid = v->o.uuid;
	view->name = v->o.name;
	view->role = role;
	view->unmatched = v->o.unmatched;
	view->path_mode = v->o.path_mode;
	view->id = v->o.id;
	view->created_at = v->o.created_at;
	view->deleted_at = v->o.deleted_at;
}

/* An agent that makes a vault becomes its admin; local is that anyway. */
static void
grant_creator(struct op_ask *ask, struct change *c, uint64_t vault)
{
	struct rec_obj_grant	 g;

	if (ask->who.type != PRINCIPAL_AGENT)
		return;
	memset(&g, 0, sizeof(g));
	g.id = change_id(c);
	g.agent = ask->who.agent;
	g.vault = vault;
	g.role = ROLE_ADMIN;
	g.created_at = ask->now;
	change_put(c, OBJ_GRANT, &g);
}

static void
create(struct op_ask *ask, struct change *c, const char *name,
    const char *uuid)
{
	struct rec_obj_vault	 o;
	struct vault		 v;
	struct rec_view_vault	 view;

	memset(&o, 0, sizeof(o));
	o.id = state.vault_max + 1;
	o.uuid = uuid;
	o.name = name;
	o.unmatched = UNMATCHED_PASSTHROUGH;
	o.path_mode = PATH_DEFAULT;
	o.created_at = o.updated_at = ask->now;
	change_put(c, OBJ_VAULT, &o);
	grant_creator(ask, c, o.id);
	memset(&v, 0, sizeof(v));
	v.o = o;
	op_view_vault(&v, ROLE_ADMIN, &view);
	change_result(c, &desc_view_vault, &view);
	change_detail(c, "{\"vault\":\"%s\"}", name);
	c->status = 201;
}

int
op_init(struct op_ask *ask, const void *args, struct change *c)
{
	if (state_initialized())
		return (op_refuse(ask, 409, "initialized",
		    "Initialized already"));
	create(ask, c, DEFAULT_NAME, DEFAULT_UUID);
	return (0);
}

int
op_vault_create(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	const struct agent		*agent;
	char				 uuid[UUID_SIZE];

	if (check_name(ask, a->name) == -1)
		return (-1);
	if (state.nvaults >= STATE_VAULTS_MAX)
		return (op_refuse(ask, 409, "too_many",
		    "There are %d vaults already", STATE_VAULTS_MAX));
	agent = state_agent(ask->who.agent);
	if (agent != NULL && agent->ngrants >= STATE_GRANTS_MAX)
		return (op_refuse(ask, 409, "too_many",
		    "This agent has access to %d vaults already",
		    STATE_GRANTS_MAX));
	token_uuid(uuid);
	create(ask, c, a->name, uuid);
	return (0);
}

/* What is in it goes, the vault itself stays as a tombstone for its log. */
int
op_vault_delete(struct op_ask *ask, const void *args, struct change *c)
{
	struct vault			*v = op_vault(ask);
	const struct service		*s;
	const struct grant		*g;
	const struct token		*t;
	struct credential		*cr;
	struct rec_obj_vault		 o = v->o;

	if (strcmp(v->o.name, DEFAULT_NAME) == 0)
		return (op_refuse(ask, 400, "default_vault",
		    "The default vault cannot be deleted"));
	if (o.deleted_at == 0)
		o.deleted_at = o.updated_at = ask->now;
	TAILQ_FOREACH(s, &v->services, entry)
		change_delete(c, OBJ_SERVICE, s->o.id);
	RB_FOREACH(cr, credentials, &v->credentials)
		change_delete(c, OBJ_CREDENTIAL, cr->o.id);
	LIST_FOREACH(g, &v->grants, vault_entry)
		change_delete(c, OBJ_GRANT, g->o.id);
	LIST_FOREACH(t, &v->tokens, vault_entry)
		change_delete(c, OBJ_TOKEN, t->o.id);
	change_put(c, OBJ_VAULT, &o);
	change_detail(c, "{\"vault\":\"%s\"}", o.name);
	return (0);
}

int
op_vault_rename(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	struct rec_obj_vault		 o = op_vault(ask)->o;

	if (strcmp(o.name, DEFAULT_NAME) == 0)
		return (op_refuse(ask, 400, "default_vault",
		    "The default vault cannot be renamed"));
	if (check_name(ask, a->name) == -1)
		return (-1);
	change_detail(c, "{\"vault\":\"%s\",\"to\":\"%s\"}", o.name, a->name);
	o.name = a->name;
	o.updated_at = ask->now;
	change_put(c, OBJ_VAULT, &o);
	return (0);
}

int
op_vault_settings(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_vault_settings	*a = args;
	struct vault				 v;
	struct rec_view_vault			 view;

	if ((a->unmatched != UNCHANGED && a->unmatched >= UNMATCHED_MAX) ||
	    (a->path_mode != UNCHANGED && a->path_mode >= PATH_MODE_MAX))
		return (op_refuse(ask, 400, "invalid_value",
		    "There is no such setting"));
	memset(&v, 0, sizeof(v));
	v.o = op_vault(ask)->o;
	if (a->unmatched != UNCHANGED)
		v.o.unmatched = a->unmatched;
	if (a->path_mode != UNCHANGED)
		v.o.path_mode = a->path_mode;
	v.o.updated_at = ask->now;
	change_put(c, OBJ_VAULT, &v.o);
	op_view_vault(&v, right_role(&ask->who, op_vault(ask)), &view);
	change_result(c, &desc_view_vault, &view);
	change_detail(c, "{\"vault\":\"%s\",\"unmatched\":\"%s\","
	    "\"log_path\":\"%s\"}", v.o.name, unmatched_name(v.o.unmatched),
	    path_mode_name(v.o.path_mode));
	return (0);
}
