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

#include <stdint.h>
#include <string.h>

#include "api.h"
#include "codes.h"
#include "keyd.h"
#include "reply.h"
#include "route.h"

/* Minted sessions: tokens for one vault that end by themselves. */

static void	minted(struct request *, struct msg *);
static const char *vault_param(struct request *);
static void	list_one(struct request *, const void *);
static void	list_done(struct request *);
static void	revoked(struct request *, struct msg *);

void
sessions_mint(struct request *req)
{
	const char			*vault = "", *role = "proxy";
	const char			*label = "";
	int64_t				 ttl = INT64_MIN;
	const struct json_field		 fields[] = {
		{ "vault", JSON_TEXT, &vault },
		{ "vault_role", JSON_TEXT, &role },
		{ "ttl_seconds", JSON_NUMBER, &ttl },
		{ "label", JSON_TEXT, &label },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_session_mint	 args;

	if (request_fields(req, fields) == -1)
		return;
	if (strcmp(role, "proxy") != 0) {
		reply_invalid(req, "vault_role can only be proxy, not "
		    "\"%.64s\"", role);
		return;
	}
	/* keyd takes 0 for a default; here it is a number like others. */
	if (ttl != INT64_MIN && (ttl < 1 || ttl > UINT32_MAX)) {
		reply_invalid(req,
		    "ttl_seconds must be between 300 and 604800");
		return;
	}
	args.ttl = ttl == INT64_MIN ? 0 : ttl;
	args.label = label;
	keyd_admin(req, OP_SESSION_MINT, vault, &args, minted);
}

static void
minted(struct request *req, struct msg *m)
{
	struct rec_res_token	 res;
	json_t			*j;

	if (keyd_done(req, m, &desc_res_token, &res) == -1)
		return;
	j = json_map();
	json_put_text(j, "token", res.token);
	json_put_time(j, "expires_at", res.expires_at);
	if (api.conf.av_addr[0] != '\0')
		json_put_text(j, "av_addr", api.conf.av_addr);
	reply_json(req, 200, j);
}

/* Without one keyd says that it is required. */
static const char *
vault_param(struct request *req)
{
	const char	*s = request_query(req, "vault");

	return (s == NULL ? "" : s);
}

static void
list_one(struct request *req, const void *view)
{
	const struct rec_view_session	*v = view;
	json_t				*j = json_map(), *by = json_map();

	json_put_text(j, "id", v->public_id);
	if (v->label[0] != '\0')
		json_put_text(j, "label", v->label);
	json_put_text(j, "vault_role", role_name(v->role));
	json_put_text(by, "id", v->created_by);
	json_put_text(by, "type", actor_name(v->minter_type));
	json_put_text(by, "display_name", v->created_name);
	json_put(j, "created_by", by);
	json_put_time(j, "created_at", v->created_at);
	json_put_time(j, "expires_at", v->expires_at);
	json_add(req->list, j);
}

static void
list_done(struct request *req)
{
	reply_list(req, "sessions");
}

void
sessions_list(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	req->list = json_list();
	keyd_get(req, VIEW_SESSIONS, vault_param(req), "", list_one,
	    list_done);
}

void
sessions_revoke(struct request *req)
{
	struct rec_op_name	 args;

	if (request_no_fields(req) == -1)
		return;
	args.name = req->param[0];
	keyd_admin(req, OP_SESSION_REVOKE, vault_param(req), &args, revoked);
}

static void
revoked(struct request *req, struct msg *m)
{
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	j = json_map();
	json_put_text(j, "status", "revoked");
	reply_json(req, 200, j);
}
