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
#include "keyd.h"
#include "reply.h"
#include "route.h"

#define VAULTS_MAX	64

static json_t	*vault_roles(const struct rec_vaultrole *, uint32_t);
static void	list_one(struct request *, const void *);
static void	list_done(struct request *);
static void	get_one(struct request *, const void *);
static void	get_done(struct request *);
static int	vaults(struct request *, const json_t *,
		    struct rec_vaultrole *);
static int	vault(struct request *, const json_t *, size_t,
		    struct rec_vaultrole *);
static void	created(struct request *, struct msg *);
static void	revoked(struct request *, struct msg *);
static void	deleted(struct request *, struct msg *);
static void	did(struct request *, struct msg *, const char *);
static void	by_name(struct request *, enum admin_op, ask_fn *);
static void	rotated(struct request *, struct msg *);
static void	renamed(struct request *, struct msg *);
static void	changed(struct request *, struct msg *);

static json_t *
vault_roles(const struct rec_vaultrole *r, uint32_t n)
{
	json_t		*list = json_list(), *j;
	uint32_t	 i;

	for (i = 0; i < n; i++) {
		j = json_map();
		json_put_text(j, "vault_name", r[i].vault);
		json_put_text(j, "vault_role", role_name(r[i].role));
		json_add(list, j);
	}
	json_sort(list, "vault_name");
	return (list);
}

static void
list_one(struct request *req, const void *view)
{
	const struct rec_view_agent	*v = view;
	json_t				*j = json_map();

	json_put_text(j, "name", v->name);
	json_put_text(j, "role", instance_role_name(v->role));
	json_put_text(j, "status", agent_status_name(v->status));
	json_put(j, "vaults", vault_roles(v->vaults, v->vaults_n));
	json_put_time(j, "created_at", v->created_at);
	json_add(req->list, j);
}

static void
list_done(struct request *req)
{
	reply_list(req, "agents");
}

void
agents_list(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	req->list = json_list();
	keyd_get(req, VIEW_AGENTS, "", "", list_one, list_done);
}

static void
get_one(struct request *req, const void *view)
{
	const struct rec_view_agent	*v = view;
	json_t				*j;

	if (req->out != NULL)
		return;
	req->out = j = json_map();
	json_put_number(j, "active_tokens", v->active_tokens);
	json_put_time(j, "created_at", v->created_at);
	json_put_text(j, "created_by", v->created_by);
	json_put_text(j, "name", v->name);
	if (v->revoked_at != 0)
		json_put_time(j, "revoked_at", v->revoked_at);
	json_put_text(j, "role", instance_role_name(v->role));
	json_put_text(j, "status", agent_status_name(v->status));
	json_put_time(j, "updated_at", v->updated_at);
	json_put(j, "vaults", vault_roles(v->vaults, v->vaults_n));
}

static void
get_done(struct request *req)
{
	if (req->out == NULL)
		reply_error(req, 404, "not_found", "Agent not found");
	else
		reply_json(req, 200, json_incref(req->out));
}

void
agents_get(struct request *req)
{
	if (request_no_fields(req) == 0)
		keyd_get(req, VIEW_AGENT, "", req->param[0], get_one,
		    get_done);
}

static int
vault(struct request *req, const json_t *v, size_t i,
    struct rec_vaultrole *to)
{
	const char		*name = "", *role = "proxy";
	const struct json_field	 fields[] = {
		{ "vault_name", JSON_TEXT, &name },
		{ "vault_role", JSON_TEXT, &role },
		{ NULL, JSON_LATER, NULL }
	};
	char			 why[160];
	int			 n;

	if (!json_is_object(v)) {
		reply_invalid(req, "vaults[%zu] must be an object", i);
		return (-1);
	}
	if (json_take(v, fields, why, sizeof(why)) == -1) {
		reply_invalid(req, "vaults[%zu]: %s", i, why);
		return (-1);
	}
	if ((n = role_by(role)) <= ROLE_NONE) {
		reply_invalid(req, "vaults[%zu]: vault_role is proxy, member "
		    "or admin, not \"%.64s\"", i, role);
		return (-1);
	}
	to->vault = name;
	to->role = n;
	return (0);
}

static int
vaults(struct request *req, const json_t *list, struct rec_vaultrole *to)
{
	size_t	 i;

	if (json_array_size(list) > VAULTS_MAX) {
		reply_invalid(req, "More than %d vaults", VAULTS_MAX);
		return (-1);
	}
	for (i = 0; i < json_array_size(list); i++) {
		if (vault(req, json_array_get(list, i), i, &to[i]) == -1)
			return (-1);
	}
	return (i);
}

void
agents_create(struct request *req)
{
	const char			*name = "", *role = "no-access";
	const json_t			*list = NULL;
	const struct json_field		 fields[] = {
		{ "name", JSON_TEXT, &name },
		{ "role", JSON_TEXT, &role },
		{ "vaults", JSON_LIST, &list },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_vaultrole		 to[VAULTS_MAX];
	struct rec_op_agent_create	 args;
	int				 n, irole;

	if (request_fields(req, fields) == -1)
		return;
	if (*name == '\0') {
		reply_invalid(req, "name is required");
		return;
	}
	if ((irole = instance_role_by(role)) == -1) {
		reply_invalid(req, "role is owner, member or no-access, not "
		    "\"%.64s\"", role);
		return;
	}
	if ((n = vaults(req, list, to)) == -1)
		return;
	args.name = name;
	args.role = irole;
	args.vaults = to;
	args.vaults_n = n;
	(void)request_keep(&req->name, name);
	req->role = irole;
	req->list = vault_roles(to, n);
	keyd_admin(req, OP_AGENT_CREATE, "", &args, created);
}

static void
created(struct request *req, struct msg *m)
{
	struct rec_res_token	 res;
	json_t			*j;

	if (keyd_done(req, m, &desc_res_token, &res) == -1)
		return;
	j = json_map();
	json_put_text(j, "av_agent_token", res.token);
	json_put_time(j, "created_at", res.created_at);
	json_put_text(j, "name", req->name);
	json_put_text(j, "role", instance_role_name(req->role));
	json_put(j, "vaults", json_incref(req->list));
	reply_json(req, 201, j);
}

static void
by_name(struct request *req, enum admin_op op, ask_fn *fn)
{
	struct rec_op_name	 args;

	if (request_no_fields(req) == -1)
		return;
	args.name = req->param[0];
	keyd_admin(req, op, "", &args, fn);
}

static void
did(struct request *req, struct msg *m, const char *what)
{
	char	 text[128];
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	(void)snprintf(text, sizeof(text), "agent \"%s\" %s", req->param[0],
	    what);
	j = json_map();
	json_put_text(j, "message", text);
	reply_json(req, 200, j);
}

void
agents_revoke(struct request *req)
{
	by_name(req, OP_AGENT_REVOKE, revoked);
}

static void
revoked(struct request *req, struct msg *m)
{
	did(req, m, "revoked");
}

void
agents_delete(struct request *req)
{
	by_name(req, OP_AGENT_DELETE, deleted);
}

static void
deleted(struct request *req, struct msg *m)
{
	did(req, m, "deleted");
}

void
agents_rotate(struct request *req)
{
	by_name(req, OP_AGENT_ROTATE, rotated);
}

static void
rotated(struct request *req, struct msg *m)
{
	struct rec_res_token	 res;
	json_t			*j;

	if (keyd_done(req, m, &desc_res_token, &res) == -1)
		return;
	j = json_map();
	json_put_text(j, "av_agent_token", res.token);
	json_put_text(j, "name", req->param[0]);
	json_put_time(j, "rotated_at", res.created_at);
	reply_json(req, 200, j);
}

void
agents_rename(struct request *req)
{
	struct rec_op_rename	 args = { req->param[0], "" };
	const struct json_field	 fields[] = {
		{ "name", JSON_TEXT, &args.to },
		{ NULL, JSON_LATER, NULL }
	};

	if (request_fields(req, fields) == -1)
		return;
	if (*args.to == '\0') {
		reply_invalid(req, "name is required");
		return;
	}
	(void)request_keep(&req->to, args.to);
	keyd_admin(req, OP_AGENT_RENAME, "", &args, renamed);
}

static void
renamed(struct request *req, struct msg *m)
{
	char	 text[256];
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	(void)snprintf(text, sizeof(text),
	    "agent renamed from \"%s\" to \"%s\"", req->param[0], req->to);
	j = json_map();
	json_put_text(j, "message", text);
	json_put_text(j, "new_name", req->to);
	json_put_text(j, "old_name", req->param[0]);
	reply_json(req, 200, j);
}

void
agents_role(struct request *req)
{
	const char		*role = "";
	const struct json_field	 fields[] = {
		{ "role", JSON_TEXT, &role },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_agent_role args;
	int			 n;

	if (request_fields(req, fields) == -1)
		return;
	if ((n = instance_role_by(role)) == -1) {
		reply_invalid(req, "role is owner, member or no-access, not "
		    "\"%.64s\"", role);
		return;
	}
	args.name = req->param[0];
	args.role = n;
	keyd_admin(req, OP_AGENT_ROLE, "", &args, changed);
}

static void
changed(struct request *req, struct msg *m)
{
	struct rec_res_role	 res;
	json_t			*j;

	if (keyd_done(req, m, &desc_res_role, &res) == -1)
		return;
	j = json_map();
	json_put_text(j, "agent", req->param[0]);
	json_put_text(j, "new_role", instance_role_name(res.new_role));
	json_put_text(j, "old_role", instance_role_name(res.old_role));
	reply_json(req, 200, j);
}
