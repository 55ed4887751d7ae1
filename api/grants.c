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

/* Which agents have which role in a vault. */

static void	list_one(struct request *, const void *);
static void	list_done(struct request *);
static int	role_of(struct request *, const char *);
static void	added(struct request *, struct msg *);
static void	changed(struct request *, struct msg *);
static void	deleted(struct request *, struct msg *);

static void
list_one(struct request *req, const void *view)
{
	const struct rec_view_grant	*v = view;
	json_t				*j = json_map();

	json_put_text(j, "name", v->agent);
	json_put_text(j, "agent_id", v->uuid);
	json_put_text(j, "vault_role", role_name(v->vault_role));
	json_put_text(j, "status", agent_status_name(v->status));
	json_add(req->list, j);
}

static void
list_done(struct request *req)
{
	reply_list(req, "agents");
}

void
grants_list(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	req->list = json_list();
	keyd_get(req, VIEW_GRANTS, req->param[0], "", list_one, list_done);
}

static int
role_of(struct request *req, const char *role)
{
	int	 n;

	if ((n = role_by(role)) > ROLE_NONE)
		return (n);
	reply_invalid(req, "role is proxy, member or admin, not \"%.64s\"",
	    role);
	return (-1);
}

void
grants_add(struct request *req)
{
	const char		*name = "", *role = "proxy";
	const struct json_field	 fields[] = {
		{ "name", JSON_TEXT, &name },
		{ "role", JSON_TEXT, &role },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_grant	 args;
	int			 n;

	if (request_fields(req, fields) == -1)
		return;
	if (*name == '\0') {
		reply_invalid(req, "name, an agent's, is required");
		return;
	}
	if ((n = role_of(req, role)) == -1)
		return;
	args.agent = name;
	args.role = n;
	args.mode = GRANT_ADD;
	(void)request_keep(&req->name, name);
	req->role = n;
	keyd_admin(req, OP_GRANT_SET, req->param[0], &args, added);
}

static void
added(struct request *req, struct msg *m)
{
	char	 text[256];
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	(void)snprintf(text, sizeof(text), "agent \"%s\" added to vault "
	    "\"%s\" with role \"%s\"", req->name, req->param[0],
	    role_name(req->role));
	j = json_map();
	json_put_text(j, "message", text);
	reply_json(req, 201, j);
}

void
grants_role(struct request *req)
{
	const char		*role = "";
	const struct json_field	 fields[] = {
		{ "role", JSON_TEXT, &role },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_grant	 args;
	int			 n;

	if (request_fields(req, fields) == -1 ||
	    (n = role_of(req, role)) == -1)
		return;
	args.agent = req->param[1];
	args.role = n;
	args.mode = GRANT_CHANGE;
	keyd_admin(req, OP_GRANT_SET, req->param[0], &args, changed);
}

static void
changed(struct request *req, struct msg *m)
{
	struct rec_res_role	 res;
	char			 text[256];
	json_t			*j;

	if (keyd_done(req, m, &desc_res_role, &res) == -1)
		return;
	(void)snprintf(text, sizeof(text), "agent \"%s\" role in vault "
	    "\"%s\" updated to \"%s\"", req->param[1], req->param[0],
	    role_name(res.new_role));
	j = json_map();
	json_put_text(j, "message", text);
	json_put_text(j, "new_role", role_name(res.new_role));
	json_put_text(j, "old_role", role_name(res.old_role));
	reply_json(req, 200, j);
}

void
grants_delete(struct request *req)
{
	struct rec_op_name	 args;

	if (request_no_fields(req) == -1)
		return;
	args.name = req->param[1];
	keyd_admin(req, OP_GRANT_DELETE, req->param[0], &args, deleted);
}

static void
deleted(struct request *req, struct msg *m)
{
	char	 text[256];
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	(void)snprintf(text, sizeof(text), "agent \"%s\" removed from vault "
	    "\"%s\"", req->param[1], req->param[0]);
	j = json_map();
	json_put_text(j, "message", text);
	reply_json(req, 200, j);
}
