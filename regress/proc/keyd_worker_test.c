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

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "keyd_world.h"

/*
 * What workers and apis get, what becomes of it when something changes, and
 * what happens to those that do not behave.
 */

static struct world	 w;

static int	setup(void **);
static int	teardown(void **);
static uint64_t	scope_for(struct play *);
static struct msg_blob	new_spki(void);
static uint16_t	mint(uint64_t, const char *, const struct msg_blob *);
static uint32_t	disable(void);
static void	path(void **);
static void	scope_first(void **);
static void	foreign_scope(void **);
static void	mints(void **);
static void	stale(void **);
static void	cut(void **);
static void	credential_deleted(void **);
static void	vault_deleted(void **);
static void	grant_deleted(void **);
static void	slow_worker(void **);
static void	dead_worker(void **);
static void	expiry(void **);
static void	failures(void **);
static void	readers(void **);
static void	agent_caller(void **);
static void	views(void **);
static void	deaf_worker(void **);
static uint16_t	poll_logs(void);
static void	deaf_logd(void **);
static void	hostile(void **);

static int
setup(void **st)
{
	world_begin(&w);
	world_furnish(&w);
	return (0);
}

static int
teardown(void **st)
{
	world_stop(&w);
	world_free(&w);
	return (0);
}

static uint64_t
scope_for(struct play *p)
{
	uint64_t	 scope;

	scope = world_auth(&w, p, w.token, "main", NULL);
	assert_int_not_equal(scope, 0);
	play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	return (scope);
}

static struct msg_blob
new_spki(void)
{
	EVP_PKEY	*k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	struct msg_blob	 b;
	uint8_t		*p = NULL;

	assert_non_null(k);
	b.len = i2d_PUBKEY(k, &p);
	b.data = p;
	EVP_PKEY_free(k);
	return (b);
}

static uint16_t
mint(uint64_t scope, const char *host, const struct msg_blob *spki)
{
	struct msg_mint	 m;
	union msg_any	*u;

	memset(&m, 0, sizeof(m));
	m.id = 5;
	m.scope = scope;
	m.host = host;
	m.spki = *spki;
	play_send(&w.mitm, MSG_MINT, &m);
	u = play_recv(&w.keyd, &w.mitm, MSG_CERT);
	assert_int_equal(u->cert.id, 5);
	return (u->cert.status);
}

static uint32_t
disable(void)
{
	struct rec_op_service_enable	 op = { "api", 0 };

	return (world_admin(&w, OP_SERVICE_ENABLE, "main", &op));
}

static void
path(void **st)
{
	struct msg_rules	*r;
	uint64_t		 scope;

	scope = scope_for(&w.mitm);
	r = world_lease(&w, &w.mitm, scope, "API.test.", 443);
	assert_int_equal(r->status, 200);
	assert_int_equal(r->rules_n, 1);
	assert_string_equal(r->rules[0].slug, "api");
	assert_string_equal(r->rules[0].keys, "API_TOKEN");
	assert_int_equal(r->rules[0].inject_n, 1);
	assert_string_equal(r->rules[0].inject[0].name, "Authorization");
	assert_string_equal(r->rules[0].inject[0].value, "Bearer s3cret");
	assert_int_equal(r->unmatched, UNMATCHED_PASSTHROUGH);
	r = world_lease(&w, &w.mitm, scope, "other_host.test", 443);
	assert_int_equal(r->status, 200);
	assert_int_equal(r->rules_n, 0);
	r = world_lease(&w, &w.mitm, scope, "not a host", 443);
	assert_int_equal(r->status, 400);
}

/*
 * logd knows of a scope before the worker: when SCOPE is there, SCOPE_OPEN
 * has long been in the kernel.
 */
static void
scope_first(void **st)
{
	union msg_any	*u;
	uint64_t	 scope, again;

	scope = world_auth(&w, &w.mitm, w.token, "", NULL);
	assert_int_equal(play_peek(&w.keyd, &w.logd, 0), MSG_SCOPE_OPEN);
	u = play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	assert_int_equal(u->scope_open.scope, scope);
	assert_int_equal(u->scope_open.kind, SCOPE_WRITE);
	assert_int_equal(u->scope_open.instance, INSTANCE_MITM);
	assert_int_equal(u->scope_open.actor_type, ACTOR_AGENT);
	assert_string_equal(u->scope_open.actor_name, "bot");
	/* One scope a worker, token and vault. */
	again = world_auth(&w, &w.mitm, w.token, "main", NULL);
	assert_int_equal(again, scope);
	assert_int_not_equal(world_auth(&w, &w.proxy, w.token, "", NULL),
	    scope);
	play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	play_quiet(&w.keyd, &w.logd, 50);
}

/* Another worker's number is worth nothing. */
static void
foreign_scope(void **st)
{
	struct msg_blob		 spki = new_spki();
	struct msg_rules	*r;
	uint64_t		 scope;

	scope = scope_for(&w.mitm);
	r = world_lease(&w, &w.proxy, scope, "api.test", 443);
	assert_int_equal(r->status, 403);
	assert_int_equal(r->rules_n, 0);
	scope = scope_for(&w.proxy);
	assert_int_equal(mint(scope, "api.test", &spki), 403);
	assert_int_equal(mint(12345, "api.test", &spki), 403);
	OPENSSL_free((void *)(uintptr_t)spki.data);
}

static void
mints(void **st)
{
	struct msg_blob	 spki = new_spki(), bad = { spki.data, 40 };
	uint64_t	 scope;
	int		 i, n = 0, limited = 0;

	scope = scope_for(&w.mitm);
	assert_int_equal(mint(scope, "api.test", &spki), 200);
	assert_int_equal(mint(scope, "127.0.0.1", &spki), 200);
	assert_int_equal(mint(scope, "api.test", &bad), 400);
	assert_int_equal(mint(scope, "a b", &spki), 400);
	/* 200 at once and 200 a second. */
	for (i = 0; i < 1000 && !limited; i++) {
		if (mint(scope, "api.test", &spki) == 429)
			limited = 1;
		else
			n++;
	}
	assert_true(limited);
	assert_true(n >= 190);
	OPENSSL_free((void *)(uintptr_t)spki.data);
}

/* An edit: committed first, then every holder takes a new lease. */
static void
stale(void **st)
{
	struct rec_kv			 kv = { "API_TOKEN", "n3w" };
	struct rec_op_credentials_set	 set = { &kv, 1 };
	struct msg_revoke		*r;
	uint64_t			 scope;
	uint32_t			 id;

	scope = scope_for(&w.mitm);
	id = world_admin(&w, OP_CREDENTIAL_SET, "main", &set);
	world_commits(&w);
	r = world_revoke(&w, &w.mitm, 0);
	assert_int_equal(r->mode, REVOKE_STALE);
	assert_int_equal(r->gone, 0);
	assert_int_equal(r->scopes[0].id, scope);
	play_quiet(&w.keyd, &w.api, 100);
	play_send(&w.mitm, MSG_REVOKED, &(struct msg_revoked){ r->id });
	world_done(&w, id, 200);
	assert_string_equal(world_lease(&w, &w.mitm, scope, "api.test",
	    443)->rules[0].inject[0].value, "Bearer n3w");
	/* The worker without a scope of that vault was not asked. */
	play_quiet(&w.keyd, &w.proxy, 50);
}

/* Disabling: cut what runs under it, before it is committed. */
static void
cut(void **st)
{
	struct msg_revoke	*r;
	struct msg_rules	*rules;
	uint64_t		 scope;
	uint32_t		 id;

	scope = scope_for(&w.mitm);
	id = disable();
	r = world_revoke(&w, &w.mitm, 1);
	assert_int_equal(r->mode, REVOKE_CUT);
	assert_int_equal(r->gone, 0);
	assert_int_not_equal(r->service, 0);
	r = world_revoke(&w, &w.mitm, 1);
	assert_int_equal(r->mode, REVOKE_STALE);
	rules = world_lease(&w, &w.mitm, scope, "api.test", 443);
	assert_int_equal(rules->rules[0].enabled, 0);
	assert_int_equal(rules->rules[0].inject_n, 0);
	world_commits(&w);
	world_done(&w, id, 200);
}

static void
credential_deleted(void **st)
{
	struct rec_name				 key = { "API_TOKEN" };
	struct rec_op_credentials_delete	 op = { &key, 1 };
	struct msg_revoke			*r;
	struct msg_rules			*rules;
	uint64_t				 scope;
	uint32_t				 id;

	scope = scope_for(&w.mitm);
	id = world_admin(&w, OP_CREDENTIAL_DELETE, "main", &op);
	r = world_revoke(&w, &w.mitm, 1);
	assert_int_equal(r->mode, REVOKE_CUT);
	assert_int_not_equal(r->service, 0);
	world_revoke(&w, &w.mitm, 1);
	world_commits(&w);
	world_done(&w, id, 200);
	rules = world_lease(&w, &w.mitm, scope, "api.test", 443);
	assert_string_equal(rules->rules[0].missing, "API_TOKEN");
	assert_null(world_row(&w, OBJ_CREDENTIAL, 0));
	key.name = "NONE";
	world_do(&w, OP_CREDENTIAL_DELETE, "main", &op, 404);
}

static void
vault_deleted(void **st)
{
	struct rec_op_none	 none = { 0 };
	struct rec_obj_vault	 v;
	struct msg_revoke	*r;
	uint64_t		 scope;
	uint16_t		 status;
	uint32_t		 id;

	world_do(&w, OP_VAULT_DELETE, "default", &none, 400);
	scope = scope_for(&w.mitm);
	id = world_admin(&w, OP_VAULT_DELETE, "main", &none);
	r = world_revoke(&w, &w.mitm, 1);
	assert_int_equal(r->gone, 1);
	assert_int_equal(r->scopes[0].id, scope);
	world_commits(&w);
	world_done(&w, id, 200);
	assert_int_equal(world_lease(&w, &w.mitm, scope, "api.test",
	    443)->status, 403);
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "main", &status),
	    0);
	assert_int_equal(status, 404);
	/* The tombstone stays, what was in it does not. */
	assert_int_equal(rec_from_blob(&world_row(&w, OBJ_VAULT, 1)->body,
	    &desc_obj_vault, &v, NULL), 0);
	assert_true(v.deleted_at != 0);
	assert_null(world_row(&w, OBJ_SERVICE, 0));
	assert_null(world_row(&w, OBJ_CREDENTIAL, 0));
	assert_null(world_row(&w, OBJ_GRANT, 0));
}

/* With the grant go the sessions that the agent minted. */
static void
grant_deleted(void **st)
{
	struct rec_op_grant		 role = { "bot", ROLE_MEMBER,
	    GRANT_CHANGE };
	struct rec_op_session_mint	 op = { 300, " label\n" };
	struct rec_op_name		 bot = { "bot" };
	struct msg_caller		 q;
	struct msg_done			*d;
	union msg_any			*u;
	uint64_t			 local = w.caller;
	uint16_t			 status;
	uint32_t			 id;

	id = world_admin(&w, OP_GRANT_SET, "main", &role);
	world_commits(&w);
	world_done(&w, id, 200);
	memset(&q, 0, sizeof(q));
	q.token = w.token;
	play_send(&w.api, MSG_CALLER, &q);
	u = play_recv(&w.keyd, &w.api, MSG_WHO);
	assert_string_equal(u->who.name, "bot");
	w.caller = u->who.caller;
	d = world_do(&w, OP_SESSION_MINT, "main", &op, 200);
	world_take_token(&w, d);
	w.caller = local;
	assert_memory_equal(w.token, "av_sess_", 8);
	scope_for(&w.mitm);
	id = world_admin(&w, OP_GRANT_DELETE, "main", &bot);
	assert_int_equal(world_revoke(&w, &w.mitm, 1)->gone, 1);
	world_commits(&w);
	world_done(&w, id, 200);
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 407);
}

/* A worker that does not confirm is killed; its end is its answer. */
static void
slow_worker(void **st)
{
	union msg_any	*u;
	uint32_t	 id;

	scope_for(&w.mitm);
	id = disable();
	world_revoke(&w, &w.mitm, 0);
	world_commits(&w);
	play_quiet(&w.keyd, &w.keyd.parent, 700);
	u = play_recv(&w.keyd, &w.keyd.parent, MSG_KILL);
	assert_int_equal(u->kill.instance, INSTANCE_MITM);
	play_quiet(&w.keyd, &w.api, 200);
	play_close(&w.mitm);
	world_done(&w, id, 200);
}

static void
dead_worker(void **st)
{
	uint32_t	 id;

	scope_for(&w.mitm);
	play_close(&w.mitm);
	id = disable();
	world_commits(&w);
	world_done(&w, id, 200);
}

/*
 * A session that ends while its tunnel lives.  It is too short to be minted,
 * so it comes with the database.
 */
static void
expiry(void **st)
{
	struct rec_obj_token	 t;
	struct rec_object	*row;
	struct msg_commit	*m;
	struct msg_revoke	*r;
	char			 token[128];
	uint64_t		 scope;
	uint16_t		 status;

	(void)strlcpy(token, w.token, sizeof(token));
	world_stop(&w);
	row = world_row(&w, OBJ_TOKEN, 0);
	assert_int_equal(rec_from_blob(&row->body, &desc_obj_token, &t,
	    NULL), 0);
	t.expires_at = time(NULL) + 2;
	world_put(&w, OBJ_TOKEN, &t);
	world_start(&w, 0);
	world_ready(&w);
	scope = world_auth(&w, &w.mitm, token, "", NULL);
	assert_int_not_equal(scope, 0);
	play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	r = world_revoke(&w, &w.mitm, 1);
	assert_true(time(NULL) >= t.expires_at);
	assert_int_equal(r->gone, 1);
	assert_int_equal(r->scopes[0].id, scope);
	/* Its row is deleted without anybody asking. */
	m = world_commit(&w);
	assert_int_equal(m->objects_n, 1);
	assert_int_equal(m->objects[0].op, OBJECT_DELETE);
	assert_int_equal(m->audit_n, 0);
	world_committed(&w, m);
	assert_null(world_row(&w, OBJ_TOKEN, 0));
	assert_int_equal(world_auth(&w, &w.mitm, token, "", &status), 0);
	assert_int_equal(status, 407);
}

/* Each failure is recorded, by keyd itself; fifty of them close the door. */
static void
failures(void **st)
{
	union msg_any	*u;
	uint64_t	 count = 0;
	uint16_t	 status;
	int		 i;

	assert_int_equal(world_auth(&w, &w.mitm, w.token, "nowhere",
	    &status), 0);
	assert_int_equal(status, 404);
	u = play_recv(&w.keyd, &w.logd, MSG_EVENT);
	assert_int_equal(u->event.code, EVENT_VAULT_NOT_FOUND);
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "default",
	    &status), 0);
	assert_int_equal(status, 403);
	u = play_recv(&w.keyd, &w.logd, MSG_EVENT);
	assert_int_equal(u->event.code, EVENT_VAULT_DENIED);
	assert_int_equal(u->event.vault, 1);
	for (i = 0; i < 50; i++) {
		assert_int_equal(world_auth(&w, i % 2 ? &w.mitm : &w.proxy,
		    "av_agt_no", "", &status), 0);
		assert_int_equal(status, 407);
	}
	while (count < 50) {
		u = play_recv(&w.keyd, &w.logd, MSG_EVENT);
		assert_int_equal(u->event.code, EVENT_AUTH_FAILED);
		assert_int_equal(u->event.client.af, 4);
		count += u->event.count;
	}
	assert_int_equal(count, 50);
	/* Even a good token has to wait now. */
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 429);
}

static void
readers(void **st)
{
	struct msg_may		 m;
	struct msg_caller_end	 end;
	union msg_any		*u;
	uint64_t		 scope, all;

	memset(&m, 0, sizeof(m));
	m.caller = w.caller;
	m.action = ACTION_LOGS;
	m.vault = "main";
	play_send(&w.api, MSG_MAY, &m);
	u = play_recv(&w.keyd, &w.api, MSG_MAY_ANSWER);
	assert_int_equal(u->may_answer.status, 200);
	scope = u->may_answer.scope;
	u = play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	assert_int_equal(u->scope_open.scope, scope);
	assert_int_equal(u->scope_open.kind, SCOPE_READ);
	assert_int_equal(u->scope_open.instance, INSTANCE_API);
	assert_int_equal(u->scope_open.vault, 2);
	assert_int_equal(u->scope_open.all, 0);
	m.action = ACTION_INSTANCE_LOGS;
	play_send(&w.api, MSG_MAY, &m);
	u = play_recv(&w.keyd, &w.api, MSG_MAY_ANSWER);
	assert_int_equal(u->may_answer.status, 200);
	u = play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	assert_int_equal(u->scope_open.all, 1);
	assert_int_equal(u->scope_open.vault, 0);
	all = u->scope_open.scope;
	m.vault = "nowhere";
	m.action = ACTION_LOGS;
	play_send(&w.api, MSG_MAY, &m);
	u = play_recv(&w.keyd, &w.api, MSG_MAY_ANSWER);
	assert_int_equal(u->may_answer.status, 404);
	m.vault = "";
	play_send(&w.api, MSG_MAY, &m);
	u = play_recv(&w.keyd, &w.api, MSG_MAY_ANSWER);
	assert_int_equal(u->may_answer.status, 400);
	/* A caller that has ended may nothing, and logd hears of it. */
	end.caller = w.caller;
	play_send(&w.api, MSG_CALLER_END, &end);
	u = play_recv(&w.keyd, &w.logd, MSG_SCOPE_CLOSE);
	assert_true(u->scope_close.scope == all);
	u = play_recv(&w.keyd, &w.logd, MSG_SCOPE_CLOSE);
	assert_true(u->scope_close.scope == scope);
	m.vault = "main";
	play_send(&w.api, MSG_MAY, &m);
	u = play_recv(&w.keyd, &w.api, MSG_MAY_ANSWER);
	assert_int_equal(u->may_answer.status, 401);
}

/* One read of the log by a client that comes and goes: the status. */
static uint16_t
poll_logs(void)
{
	struct msg_caller	 q;
	struct msg_caller_end	 end;
	struct msg_may		 m;
	uint16_t		 status;

	memset(&q, 0, sizeof(q));
	play_send(&w.api, MSG_CALLER, &q);
	memset(&m, 0, sizeof(m));
	end.caller = m.caller =
	    play_recv(&w.keyd, &w.api, MSG_WHO)->who.caller;
	m.action = ACTION_LOGS;
	m.vault = "main";
	play_send(&w.api, MSG_MAY, &m);
	status = play_recv(&w.keyd, &w.api,
	    MSG_MAY_ANSWER)->may_answer.status;
	play_send(&w.api, MSG_CALLER_END, &end);
	return (status);
}

/* While logd does not read, readers are refused and leave nothing behind. */
static void
deaf_logd(void **st)
{
	int	 i, ok = 0, refused = 0, opened = 0;

	for (i = 0; i < 5000 && refused < 100; i++) {
		if (poll_logs() == 200)
			ok++;
		else
			refused++;
	}
	assert_int_equal(refused, 100);
	/* The last of them found the link full by its own SCOPE_OPEN. */
	for (i = 0; i < ok; i++) {
		play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
		play_recv(&w.keyd, &w.logd, MSG_SCOPE_CLOSE);
	}
	while (play_peek(&w.keyd, &w.logd, 300) != 0) {
		play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
		play_recv(&w.keyd, &w.logd, MSG_SCOPE_CLOSE);
		opened++;
	}
	assert_true(opened <= 1);
	assert_int_equal(poll_logs(), 200);
}

/*
 * An agent at the api: what it may, and that its streams are cut when it is
 * revoked.
 */
static void
agent_caller(void **st)
{
	struct rec_op_name	 bot = { "bot" }, vault = { "mine" };
	struct rec_op_grant	 role = { "bot", ROLE_MEMBER, GRANT_CHANGE };
	struct msg_caller	 q;
	struct msg_may		 m;
	struct msg_revoke	*r;
	union msg_any		*u;
	uint64_t		 local = w.caller, caller, scope;
	uint32_t		 id, n;

	memset(&q, 0, sizeof(q));
	q.token = "av_agt_nonsense";
	play_send(&w.api, MSG_CALLER, &q);
	assert_int_equal(play_recv(&w.keyd, &w.api, MSG_WHO)->who.status,
	    401);
	play_recv(&w.keyd, &w.logd, MSG_EVENT);
	q.token = w.token;
	play_send(&w.api, MSG_CALLER, &q);
	u = play_recv(&w.keyd, &w.api, MSG_WHO);
	assert_int_equal(u->who.status, 200);
	assert_int_equal(u->who.actor_type, ACTOR_AGENT);
	caller = w.caller = u->who.caller;
	world_do(&w, OP_VAULT_CREATE, "", &vault, 403);
	u = play_recv(&w.keyd, &w.logd, MSG_EVENT);
	assert_int_equal(u->event.code, EVENT_VAULT_DENIED);
	assert_int_equal(u->event.vault, 0);
	assert_non_null(strstr(u->event.detail, op_name(OP_VAULT_CREATE)));
	memset(&m, 0, sizeof(m));
	m.caller = caller;
	m.vault = "main";
	play_send(&w.api, MSG_MAY, &m);
	u = play_recv(&w.keyd, &w.api, MSG_MAY_ANSWER);
	assert_int_equal(u->may_answer.status, 403);
	u = play_recv(&w.keyd, &w.logd, MSG_EVENT);
	assert_int_equal(u->event.code, EVENT_VAULT_DENIED);
	assert_int_equal(u->event.vault, 0);
	assert_non_null(strstr(u->event.detail, "\"vault\":\"main\""));
	w.caller = local;
	world_do(&w, OP_GRANT_SET, "main", &role, 200);
	play_send(&w.api, MSG_MAY, &m);
	u = play_recv(&w.keyd, &w.api, MSG_MAY_ANSWER);
	assert_int_equal(u->may_answer.status, 200);
	scope = u->may_answer.scope;
	play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	id = world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	for (n = 0; n < 2; n++) {
		r = world_revoke(&w, &w.api, 1);
		assert_int_equal(r->gone, 1);
		assert_int_equal(r->scopes_n, 1);
		assert_true(r->scopes[0].id == caller ||
		    r->scopes[0].id == scope);
	}
	/* And nothing more is read with what it had. */
	u = play_recv(&w.keyd, &w.logd, MSG_SCOPE_CLOSE);
	assert_true(u->scope_close.scope == scope);
	world_commits(&w);
	world_done(&w, id, 200);
}

static void
views(void **st)
{
	struct rec_op_name	 name;
	struct msg_get		 g;
	union msg_any		*u;
	struct rec_view_agent	 a;
	struct rec_view_vault	 v;
	struct arena		 arena = { NULL };
	char			 text[16];
	uint32_t		 i;

	memset(&g, 0, sizeof(g));
	g.caller = w.caller;
	g.kind = VIEW_AGENT;
	g.key = "bot";
	play_send(&w.api, MSG_GET, &g);
	u = play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	assert_int_equal(u->objects.objects_n, 1);
	assert_int_equal(rec_from_blob(&u->objects.objects[0].body,
	    &desc_view_agent, &a, &arena), 0);
	assert_string_equal(a.created_by, "local:1000");
	assert_int_equal(a.active_tokens, 1);
	assert_int_equal(a.vaults_n, 1);
	assert_string_equal(a.vaults[0].vault, "main");
	arena_free(&arena);
	g.key = "nobody";
	play_send(&w.api, MSG_GET, &g);
	u = play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	assert_int_equal(u->objects.status, 404);

	name.name = text;
	for (i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text), "vault-%u", i);
		world_do(&w, OP_VAULT_CREATE, "", &name, 201);
	}
	g.kind = VIEW_VAULTS;
	play_send(&w.api, MSG_GET, &g);
	u = play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	assert_int_equal(u->objects.objects_n, 5);
	assert_int_equal(u->objects.cursor, 0);
	assert_int_equal(rec_from_blob(&u->objects.objects[0].body,
	    &desc_view_vault, &v, NULL), 0);
	assert_string_equal(v.name, "default");
	assert_int_equal(v.role, ROLE_ADMIN);
	/* From a cursor on. */
	g.cursor = 4;
	play_send(&w.api, MSG_GET, &g);
	u = play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	assert_int_equal(u->objects.objects_n, 1);
	assert_int_equal(rec_from_blob(&u->objects.objects[0].body,
	    &desc_view_vault, &v, NULL), 0);
	assert_string_equal(v.name, "vault-2");
}

/*
 * A worker that asks and asks and does not read: it is not listened to, the
 * others are, and when it reads, every question has its answer.
 */
static void
deaf_worker(void **st)
{
	static char			 big[30001];
	struct rec_kv			 kv = { "API_TOKEN", big };
	struct rec_op_credentials_set	 set = { &kv, 1 };
	struct msg_lease		 m;
	struct msg_get			 g;
	struct pollfd			 pfd;
	union msg_any			*u;
	uint32_t			 sent = 0, i;

	memset(big, 'v', sizeof(big) - 1);
	world_do(&w, OP_CREDENTIAL_SET, "main", &set, 200);
	memset(&m, 0, sizeof(m));
	m.scope = scope_for(&w.mitm);
	m.host = "api.test";
	m.port = 443;
	pfd.fd = w.mitm.fd;
	pfd.events = POLLOUT;
	while (sent < 20000 && poll(&pfd, 1, 500) == 1) {
		m.id = ++sent;
		play_send(&w.mitm, MSG_LEASE, &m);
	}
	assert_true(sent < 20000);
	memset(&g, 0, sizeof(g));
	g.caller = w.caller;
	g.kind = VIEW_VAULTS;
	play_send(&w.api, MSG_GET, &g);
	play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	for (i = 1; i <= sent; i++) {
		u = play_recv(&w.keyd, &w.mitm, MSG_RULES);
		assert_int_equal(u->rules.id, i);
		assert_int_equal(u->rules.status, 200);
	}
}

/* Who sends what it may not, or nonsense, is killed; keyd goes on. */
static void
hostile(void **st)
{
	struct msg_revoked	 r = { 99 };
	struct msg_admin	 m;
	union msg_any		*u;

	play_send_raw(&w.mitm, MSG_ADMIN, "x", 1);
	u = play_recv(&w.keyd, &w.keyd.parent, MSG_KILL);
	assert_int_equal(u->kill.instance, INSTANCE_MITM);
	play_eof(&w.keyd, &w.mitm);
	play_send(&w.proxy, MSG_REVOKED, &r);
	u = play_recv(&w.keyd, &w.keyd.parent, MSG_KILL);
	assert_int_equal(u->kill.instance, INSTANCE_PROXY);
	memset(&m, 0, sizeof(m));
	m.caller = w.caller;
	m.op = OP_VAULT_CREATE;
	m.body.data = (const uint8_t *)"\377\377";
	m.body.len = 2;
	play_send(&w.api, MSG_ADMIN, &m);
	u = play_recv(&w.keyd, &w.keyd.parent, MSG_KILL);
	assert_int_equal(u->kill.instance, INSTANCE_API);
	play_close(&w.mitm);
	play_close(&w.proxy);
	play_close(&w.api);
	play_link(&w.keyd, &w.mitm, PROC_MITM, 1, INSTANCE_MITM + 1);
	scope_for(&w.mitm);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(path, setup, teardown),
		cmocka_unit_test_setup_teardown(scope_first, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_scope, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(mints, setup, teardown),
		cmocka_unit_test_setup_teardown(stale, setup, teardown),
		cmocka_unit_test_setup_teardown(cut, setup, teardown),
		cmocka_unit_test_setup_teardown(credential_deleted, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(vault_deleted, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(grant_deleted, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(slow_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(failures, setup, teardown),
		cmocka_unit_test_setup_teardown(readers, setup, teardown),
		cmocka_unit_test_setup_teardown(agent_caller, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(views, setup, teardown),
		cmocka_unit_test_setup_teardown(deaf_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(deaf_logd, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
