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
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "caller.h"
#include "client.h"
#include "codes.h"
#include "cookie.h"
#include "keyd.h"
#include "reply.h"
#include "route.h"

#define TOKEN_MAX_LEN	512	/* of CALLER, as in the catalogue */

/*
 * Who somebody is, and logins: a token is exchanged for a cookie, since a
 * browser's EventSource sends no Authorization.
 */

static const char *actor_word(const struct caller *);
static json_t	*actor(const struct caller *);
static void	exchange(struct request *);
static void	begun(struct request *, struct msg *);
static void	end(struct request *);
static void	ended(struct request *, struct msg *);
static void	signed_out(struct request *);
static json_t	*me(const struct caller *);
static void	me_vault(struct request *, const void *);
static void	me_done(struct request *);
static void	opened(struct request *, struct msg *);
static void	list_one(struct request *, const void *);
static void	list_done(struct request *);
static void	revoked(struct request *, struct msg *);

/* A minted session is nobody's account, whoever minted it. */
static const char *
actor_word(const struct caller *who)
{
	return (who->vault[0] != '\0' ? "session" :
	    actor_name(who->actor_type));
}

static json_t *
actor(const struct caller *who)
{
	json_t	*j = json_map();

	json_put_text(j, "type", actor_word(who));
	json_put_text(j, "name", who->name);
	return (j);
}

/*
 * Signing in and out.
 */

void
auth_exchange(struct request *req)
{
	const char			*token = "";
	const struct json_field		 fields[] = {
		{ "token", JSON_TEXT, &token },
		{ NULL, JSON_LATER, NULL }
	};

	if (request_fields(req, fields) == -1)
		return;
	if (*token == '\0' || strlen(token) > TOKEN_MAX_LEN) {
		reply_invalid(req, "token is required");
		return;
	}
	/* There may be an old cookie, or somebody else be signed in. */
	req->cookie = COOKIE_NONE;
	req->malformed = 0;
	(void)request_keep(&req->token, token);
	req->way = WAY_EXCHANGE;
	req->known = exchange;
	caller_find(req);
}

static void
exchange(struct request *req)
{
	struct rec_op_none	 none = { 0 };

	keyd_admin(req, OP_LOGIN_BEGIN, "", &none, begun);
}

static void
begun(struct request *req, struct msg *m)
{
	struct rec_res_login	 res;
	char			 cookie[COOKIE_SIZE];
	json_t			*j;

	if (keyd_done(req, m, &desc_res_login, &res) == -1)
		return;
	j = json_map();
	json_put(j, "actor", actor(&req->client->who));
	json_put_text(j, "session", res.public_id);
	json_put_time(j, "expires_at", res.expires_at);
	json_put_number(j, "idle_seconds", res.idle);
	if (res.vault[0] != '\0')
		json_put_text(j, "vault", res.vault);
	cookie_set(cookie, res.token, res.expires_at - res.created_at);
	/* What was exchanged is not who sends the next request. */
	caller_end(req->client);
	reply_cookie(req, 200, j, cookie);
	explicit_bzero(cookie, sizeof(cookie));
}

void
auth_logout(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	if (req->token != NULL && req->way == WAY_BEARER) {
		reply_invalid(req, "Only a login with a cookie can be signed "
		    "out; a token ends when it is revoked");
		return;
	}
	if (req->cookie == COOKIE_NONE) {
		signed_out(req);
		return;
	}
	req->known = end;
	req->unknown = signed_out;
	caller_find(req);
}

static void
end(struct request *req)
{
	struct rec_op_name	 args;

	args.name = "";
	keyd_admin(req, OP_LOGIN_END, "", &args, ended);
}

/* Another request may have been faster. */
static void
ended(struct request *req, struct msg *m)
{
	if (m->u.done.status == 401 || m->u.done.status == 404 ||
	    !keyd_done_refused(req, m))
		signed_out(req);
}

static void
signed_out(struct request *req)
{
	char	 cookie[COOKIE_SIZE];
	json_t	*j = json_map();

	json_put_text(j, "status", "ok");
	cookie_set(cookie, "", 0);
	reply_cookie(req, 200, j, cookie);
}

/* A link for who is at the local socket. */
void
auth_link(struct request *req)
{
	const char			*vault = "";
	const struct json_field		 fields[] = {
		{ "vault", JSON_TEXT, &vault },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_name		 args;

	if (request_fields(req, fields) == -1)
		return;
	if (api.conf.av_addr[0] == '\0') {
		reply_error(req, 409, "no_listener", "There is no listener "
		    "for the page: in brokerd.conf put \"listen api on "
		    "127.0.0.1 port 14321\" in the place of \"listen api "
		    "none\", and reload");
		return;
	}
	args.name = vault;
	keyd_admin(req, OP_LOGIN_LINK, "", &args, opened);
}

static void
opened(struct request *req, struct msg *m)
{
	struct rec_res_token	 res;
	char			 url[sizeof(api.conf.av_addr) + 160];
	json_t			*j;

	if (keyd_done(req, m, &desc_res_token, &res) == -1)
		return;
	(void)snprintf(url, sizeof(url), "%s/#open=%s", api.conf.av_addr,
	    res.token);
	j = json_map();
	json_put_text(j, "url", url);
	json_put_time(j, "expires_at", res.expires_at);
	json_put_number(j, "ttl_seconds", res.expires_at - res.created_at);
	explicit_bzero(url, sizeof(url));
	reply_json(req, 200, j);
}

/*
 * Who one is.
 */

static json_t *
me(const struct caller *who)
{
	const char	*type = actor_word(who);
	json_t		*j = json_map();

	if (who->actor_type == ACTOR_AGENT)
		json_put_text(j, "agent_name", who->name);
	json_put_flag(j, "is_owner", who->role == IROLE_OWNER);
	if (who->actor_type != ACTOR_AGENT)
		json_put_text(j, "name", who->name);
	json_put_text(j, "role", instance_role_name(who->role));
	json_put_text(j, "type", type);
	return (j);
}

void
auth_me(struct request *req)
{
	const struct caller	*who = &req->client->who;
	json_t			*s;

	if (request_no_fields(req) == -1)
		return;
	/* Revoked while its body was on its way. */
	if (who->handle == 0) {
		reply_error(req, 401, "unauthorized",
		    "Invalid or expired token");
		return;
	}
	if (who->idle == 0 && who->session[0] != '\0') {
		reply_error(req, 401, "unauthorized", "A minted session has "
		    "no account");
		return;
	}
	req->out = me(who);
	if (who->idle == 0) {
		reply_json(req, 200, json_incref(req->out));
		return;
	}
	s = json_map();
	json_put_text(s, "id", who->session);
	json_put_time(s, "expires_at", who->expires_at);
	json_put_number(s, "idle_seconds", who->idle);
	json_put(req->out, "session", s);
	req->list = json_list();
	if (who->vault[0] != '\0') {
		s = json_map();
		json_put_text(s, "name", who->vault);
		json_put_text(s, "role", role_name(ROLE_PROXY));
		json_add(req->list, s);
		me_done(req);
	} else
		keyd_get(req, VIEW_VAULTS, "", "", me_vault, me_done);
}

/* Those that an owner only knows to exist are not for this. */
static void
me_vault(struct request *req, const void *view)
{
	const struct rec_view_vault	*v = view;
	json_t				*j;

	if (v->role == ROLE_NONE)
		return;
	j = json_map();
	json_put_text(j, "id", v->uuid);
	json_put_number(j, "vault_id", v->id);
	json_put_text(j, "name", v->name);
	json_put_text(j, "role", role_name(v->role));
	json_add(req->list, j);
}

static void
me_done(struct request *req)
{
	json_put(req->out, "vaults", json_incref(req->list));
	reply_json(req, 200, json_incref(req->out));
}

/*
 * The caller's logins: those by the same token, or by links.
 */

static void
list_one(struct request *req, const void *view)
{
	const struct rec_view_login	*v = view;
	json_t				*j = json_map();

	json_put_text(j, "id", v->public_id);
	json_put_text(j, "actor", v->actor);
	json_put_time(j, "created_at", v->created_at);
	json_put_time(j, "last_used_at", v->used_at);
	json_put_time(j, "expires_at", v->expires_at);
	json_put_number(j, "idle_seconds", v->idle);
	json_put_flag(j, "current", v->current);
	json_add(req->list, j);
}

static void
list_done(struct request *req)
{
	reply_list(req, "sessions");
}

void
auth_sessions(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	req->list = json_list();
	keyd_get(req, VIEW_LOGINS, "", "", list_one, list_done);
}

void
auth_revoke(struct request *req)
{
	struct rec_op_name	 args;

	if (request_no_fields(req) == -1)
		return;
	req->flag = req->client->who.idle != 0 &&
	    strcmp(req->param[0], req->client->who.session) == 0;
	args.name = req->param[0];
	keyd_admin(req, OP_LOGIN_END, "", &args, revoked);
}

static void
revoked(struct request *req, struct msg *m)
{
	char	 cookie[COOKIE_SIZE];
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	j = json_map();
	json_put_text(j, "status", "revoked");
	json_put_flag(j, "current", req->flag);
	if (!req->flag) {
		reply_json(req, 200, j);
		return;
	}
	cookie_set(cookie, "", 0);
	reply_cookie(req, 200, j, cookie);
}
