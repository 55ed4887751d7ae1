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

#define DEFAULT_UUID	"00000000-0000-0000-0000-000000000000"
#define UNCHANGED	255

static void	list_one(struct request *, const void *);
static void	list_done(struct request *);
static void	admin_one(struct request *, const void *);
static void	context_one(struct request *, const void *);
static void	settings_one(struct request *, const void *);
static void	one_done(struct request *);
static int	name_field(struct request *, const char **);
static void	deleted(struct request *, struct msg *);
static void	renamed(struct request *, struct msg *);
static void	set(struct request *, struct msg *);

static void
list_one(struct request *req, const void *view)
{
	const struct rec_view_vault	*v = view;
	json_t				*j = json_map();

	json_put_text(j, "id", v->uuid);
	json_put_text(j, "name", v->name);
	if (v->role != ROLE_NONE)
		json_put_text(j, "role", role_name(v->role));
	json_put_text(j, "membership",
	    v->role != ROLE_NONE ? "explicit" : "implicit");
	json_put_time(j, "created_at", v->created_at);
	json_put_number(j, "pending_proposals", 0);
	json_add(req->list, j);
}

/* keyd names those that were deleted too. */
static void
admin_one(struct request *req, const void *view)
{
	const struct rec_view_vault	*v = view;
	json_t				*j;

	if (v->deleted_at != 0)
		return;
	j = json_map();
	json_put_text(j, "id", v->uuid);
	json_put_text(j, "name", v->name);
	json_put_flag(j, "is_default", strcmp(v->uuid, DEFAULT_UUID) == 0);
	json_put_time(j, "created_at", v->created_at);
	json_add(req->list, j);
}

static void
list_done(struct request *req)
{
	json_sort(req->list, "name");
	reply_list(req, "vaults");
}

void
vaults_list(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	req->list = json_list();
	keyd_get(req, VIEW_VAULTS, "", "", list_one, list_done);
}

void
vaults_admin_list(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	req->list = json_list();
	keyd_get(req, VIEW_ADMIN_VAULTS, "", "", admin_one, list_done);
}

/* The answer is complete with the one object that there is. */
static void
one_done(struct request *req)
{
	if (req->out == NULL)
		reply_error(req, 404, "vault_not_found", "Vault not found");
	else
		reply_json(req, 200, json_incref(req->out));
}

static void
context_one(struct request *req, const void *view)
{
	const struct rec_view_vault	*v = view;

	if (req->out == NULL)
		req->out = json_map();
	json_put_text(req->out, "vault_name", v->name);
	json_put_text(req->out, "vault_role", role_name(v->role));
}

void
vaults_context(struct request *req)
{
	if (request_no_fields(req) == 0)
		keyd_get(req, VIEW_VAULT, req->param[0], "", context_one,
		    one_done);
}

static void
settings_one(struct request *req, const void *view)
{
	const struct rec_view_vault	*v = view;

	if (req->out == NULL)
		req->out = json_map();
	json_put_flag(req->out, "infisical_available", 0);
	json_put_text(req->out, "unmatched_host_policy",
	    unmatched_name(v->unmatched));
	json_put_text(req->out, "log_path", path_mode_name(v->path_mode));
}

void
vaults_settings(struct request *req)
{
	if (request_no_fields(req) == 0)
		keyd_get(req, VIEW_VAULT, req->param[0], "", settings_one,
		    one_done);
}

void
vaults_settings_set(struct request *req)
{
	const char			*policy = NULL, *path = NULL;
	const struct json_field		 fields[] = {
		{ "unmatched_host_policy", JSON_TEXT, &policy },
		{ "log_path", JSON_TEXT, &path },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_vault_settings	 args = { UNCHANGED, UNCHANGED };
	int				 n;

	if (request_fields(req, fields) == -1)
		return;
	if (policy != NULL) {
		n = *policy == '\0' ? UNMATCHED_PASSTHROUGH :
		    unmatched_by(policy);
		if (n == -1) {
			reply_invalid(req, "unmatched_host_policy is "
			    "\"passthrough\" or \"deny\", not \"%.64s\"",
			    policy);
			return;
		}
		args.unmatched = n;
	}
	if (path != NULL) {
		if ((n = path_mode_by(path)) == -1) {
			reply_invalid(req, "log_path is \"default\", "
			    "\"full\", \"prefix\" or \"none\", not "
			    "\"%.64s\"", path);
			return;
		}
		args.path_mode = n;
	}
	keyd_admin(req, OP_VAULT_SETTINGS, req->param[0], &args, set);
}

static void
set(struct request *req, struct msg *m)
{
	struct rec_view_vault	 v;
	json_t			*j;

	if (keyd_done(req, m, &desc_view_vault, &v) == -1)
		return;
	j = json_map();
	json_put_text(j, "unmatched_host_policy",
	    unmatched_name(v.unmatched));
	json_put_text(j, "log_path", path_mode_name(v.path_mode));
	reply_json(req, 200, j);
}

static int
name_field(struct request *req, const char **name)
{
	const struct json_field	 fields[] = {
		{ "name", JSON_TEXT, name },
		{ "credential_store", JSON_LATER, NULL },
		{ NULL, JSON_LATER, NULL }
	};

	*name = "";
	if (request_fields(req, fields) == -1)
		return (-1);
	if (**name != '\0')
		return (0);
	reply_invalid(req, "name is required");
	return (-1);
}

void
vaults_create(struct request *req)
{
	struct rec_op_name	 args;

	if (name_field(req, &args.name) == 0)
		keyd_admin(req, OP_VAULT_CREATE, "", &args, vaults_created);
}

void
vaults_created(struct request *req, struct msg *m)
{
	struct rec_view_vault	 v;
	json_t			*j;

	if (keyd_done(req, m, &desc_view_vault, &v) == -1)
		return;
	j = json_map();
	json_put_time(j, "created_at", v.created_at);
	json_put_text(j, "id", v.uuid);
	json_put_text(j, "name", v.name);
	reply_json(req, 201, j);
}

void
vaults_delete(struct request *req)
{
	struct rec_op_none	 none = { 0 };

	if (request_no_fields(req) == 0)
		keyd_admin(req, OP_VAULT_DELETE, req->param[0], &none,
		    deleted);
}

static void
deleted(struct request *req, struct msg *m)
{
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	j = json_map();
	json_put_flag(j, "deleted", 1);
	json_put_text(j, "name", req->param[0]);
	reply_json(req, 200, j);
}

void
vaults_rename(struct request *req)
{
	struct rec_op_name	 args;

	if (name_field(req, &args.name) == -1)
		return;
	(void)request_keep(&req->to, args.name);
	keyd_admin(req, OP_VAULT_RENAME, req->param[0], &args, renamed);
}

static void
renamed(struct request *req, struct msg *m)
{
	char	 text[256];
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	(void)snprintf(text, sizeof(text),
	    "vault renamed from \"%s\" to \"%s\"", req->param[0], req->to);
	j = json_map();
	json_put_text(j, "message", text);
	json_put_text(j, "new_name", req->to);
	json_put_text(j, "old_name", req->param[0]);
	reply_json(req, 200, j);
}
