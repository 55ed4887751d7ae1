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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../keyd/change.h"
#include "../../keyd/op.h"
#include "../../keyd/seal.h"
#include "keyd_fix.h"

/*
 * Operations against a state: what is refused with which status, as in the
 * exchanges recorded with the reference, and what is written.
 */

static struct op_ask	 ask;
static struct change	 change;
static uint64_t		 rev = 100;

static int	setup(void **);
static int	teardown(void **);
static int	try(unsigned int, const char *, const void *);
static void	refused(unsigned int, const char *, const void *, int);
static void	done(unsigned int, const char *, const void *, int);
static void	as_agent(const char *);
static void	init(void **);
static void	vaults(void **);
static void	settings(void **);
static void	credentials(void **);
static void	credential_values(void **);
static void	credential_bounds(void **);
static void	services(void **);
static void	replace(void **);
static void	service_values(void **);
static void	refs(void **);
static void	agents(void **);
static void	agent_rights(void **);
static void	grants(void **);
static void	sessions(void **);
static void	labels(void **);
static void	merge(void **);
static void	order(void **);

static int
setup(void **st)
{
	struct msg_blob	 wrapped, check;
	FILE		*f = tmpfile();

	seal_init();
	assert_non_null(f);
	assert_int_equal(seal_keyfile_write(fileno(f)), SEAL_OK);
	fclose(f);
	assert_int_equal(seal_create(&wrapped, &check), 0);
	msg_blob_free(&wrapped);
	msg_blob_free(&check);
	state_init();
	fix_vault(1, "default");
	fix_vault(2, "main");
	memset(&ask, 0, sizeof(ask));
	right_local(&ask.who, 0);
	return (0);
}

static int
teardown(void **st)
{
	change_free(&change);
	msg_blob_free(&ask.result);
	state_free();
	seal_free();
	return (0);
}

/* Build, and apply what was built. */
static int
try(unsigned int op, const char *vault, const void *args)
{
	uint32_t	 i;

	change_free(&change);
	msg_blob_free(&ask.result);
	ask.status = 0;
	ask.now = FIX_WALL;
	ask.vault = vault == NULL ? 0 : state_vault_named(vault)->o.id;
	change_init(&change, ++rev);
	if (op_function(op)(&ask, args, &change) == -1)
		return (ask.status);
	assert_int_equal(change.failed, 0);
	assert_memory_equal(change.detail, "{\"", 2);
	change_sort(&change);
	for (i = 0; i < change.n; i++)
		assert_int_equal(state_apply(&change.objects[i], FIX_WALL,
		    FIX_MONO), 0);
	return (change.status);
}

static void
refused(unsigned int op, const char *vault, const void *args, int status)
{
	if (try(op, vault, args) != status || ask.status != status)
		fail_msg("%s: %d (%s), not %d", op_name(op), ask.status,
		    ask.text, status);
	assert_true(strlen(ask.text) > 0);
	assert_true(strlen(ask.code) > 0);
}

static void
done(unsigned int op, const char *vault, const void *args, int status)
{
	if (try(op, vault, args) != status || ask.status != 0)
		fail_msg("%s: %d (%s), not %d", op_name(op), ask.status,
		    ask.text, status);
}

static void
as_agent(const char *name)
{
	struct agent	*a = state_agent_named(name);

	memset(&ask.who, 0, sizeof(ask.who));
	ask.who.type = PRINCIPAL_AGENT;
	ask.who.actor_type = ACTOR_AGENT;
	ask.who.agent = a->o.id;
	(void)strlcpy(ask.who.actor, a->o.uuid, sizeof(ask.who.actor));
}

static void
init(void **st)
{
	struct rec_op_none	 none = { 0 };

	refused(OP_INIT, NULL, &none, 409);
	state_free();
	done(OP_INIT, NULL, &none, 201);
	assert_string_equal(state_vault_named("default")->o.uuid,
	    "00000000-0000-0000-0000-000000000000");
	assert_int_equal(state_vault_named("default")->o.id, 1);
	refused(OP_INIT, NULL, &none, 409);
}

static void
vaults(void **st)
{
	static const char	*bad[] = {
		"", "ab", "Alpha", "-alpha", "al--pha", "with space", "users"
	};
	char			 longer[66];
	struct rec_op_name	 name;
	struct rec_op_none	 none = { 0 };
	size_t			 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		name.name = bad[i];
		refused(OP_VAULT_CREATE, NULL, &name, 400);
		refused(OP_VAULT_RENAME, "main", &name, 400);
	}
	memset(longer, 'a', sizeof(longer));
	longer[65] = '\0';
	name.name = longer;
	refused(OP_VAULT_CREATE, NULL, &name, 400);
	longer[64] = '\0';
	done(OP_VAULT_CREATE, NULL, &name, 201);
	name.name = "alpha";
	done(OP_VAULT_CREATE, NULL, &name, 201);
	refused(OP_VAULT_CREATE, NULL, &name, 409);
	refused(OP_VAULT_RENAME, "default", &name, 400);
	name.name = "main";
	refused(OP_VAULT_RENAME, "alpha", &name, 409);
	name.name = "beta";
	done(OP_VAULT_RENAME, "alpha", &name, 200);
	refused(OP_VAULT_DELETE, "default", &none, 400);
	fix_service(40, state_vault_named("beta")->o.id, "api", "a.test", 0,
	    "");
	fix_credential(41, state_vault_named("beta")->o.id, "KEY", "v");
	done(OP_VAULT_DELETE, "beta", &none, 200);
	assert_int_equal(change.n, 3);
	assert_null(state_vault_named("beta"));
	assert_null(state_service(40));
	/* The name is free again, the number is not. */
	name.name = "beta";
	done(OP_VAULT_CREATE, NULL, &name, 201);
	assert_int_equal(state_vault_named("beta")->o.id, 5);
}

static void
settings(void **st)
{
	struct rec_op_vault_settings	 s = { 7, 255 };

	refused(OP_VAULT_SETTINGS, "main", &s, 400);
	s.unmatched = UNMATCHED_DENY;
	done(OP_VAULT_SETTINGS, "main", &s, 200);
	assert_int_equal(state_vault(2)->o.unmatched, UNMATCHED_DENY);
	s.unmatched = 255;
	s.path_mode = PATH_NONE;
	done(OP_VAULT_SETTINGS, "main", &s, 200);
	assert_int_equal(state_vault(2)->o.unmatched, UNMATCHED_DENY);
	assert_int_equal(state_vault(2)->o.path_mode, PATH_NONE);
	s.path_mode = PATH_MODE_MAX;
	refused(OP_VAULT_SETTINGS, "main", &s, 400);
}

static void
credentials(void **st)
{
	struct rec_kv				 kv[3] = {
		{ "ONE", "1" }, { "TWO", "" }, { "lower", "x" }
	};
	struct rec_op_credentials_set		 set = { kv, 3 };
	struct rec_name				 names[2] = {
		{ "ONE" }, { "NONE" }
	};
	struct rec_op_credentials_delete	 del = { names, 2 };
	struct rec_res_count			 res;
	struct arena				 arena = { NULL };
	uint64_t				 id;

	refused(OP_CREDENTIAL_SET, "main", &set, 400);
	assert_int_equal(state_vault(2)->ncredentials, 0);
	set.values_n = 0;
	refused(OP_CREDENTIAL_SET, "main", &set, 400);
	set.values_n = 2;
	done(OP_CREDENTIAL_SET, "main", &set, 200);
	assert_int_equal(rec_from_blob(&change.result, &desc_res_count, &res,
	    &arena), 0);
	assert_int_equal(res.count, 2);
	assert_int_equal(res.total, 2);
	assert_string_equal(res.names[1].name, "TWO");
	arena_free(&arena);
	/* Set again it stays the same row. */
	id = state_credential(state_vault(2), "ONE")->o.id;
	done(OP_CREDENTIAL_SET, "main", &set, 200);
	assert_int_equal(state_credential(state_vault(2), "ONE")->o.id, id);
	/* All or none. */
	refused(OP_CREDENTIAL_DELETE, "main", &del, 404);
	assert_int_equal(state_vault(2)->ncredentials, 2);
	del.keys_n = 0;
	refused(OP_CREDENTIAL_DELETE, "main", &del, 400);
	del.keys_n = 1;
	done(OP_CREDENTIAL_DELETE, "main", &del, 200);
	assert_int_equal(state_vault(2)->ncredentials, 1);
	kv[1].key = "ONE";
	refused(OP_CREDENTIAL_SET, "main", &set, 400);	/* comes twice */
}

/* A line end is taken where no header carries the value. */
static void
credential_values(void **st)
{
	struct rec_kv			 kv = { "TOKEN", "a\nb" };
	struct rec_op_credentials_set	 set = { &kv, 1 };
	static char			 big[32770];

	done(OP_CREDENTIAL_SET, "main", &set, 200);
	fix_service(40, 2, "api", "api.test", 0, "");
	refused(OP_CREDENTIAL_SET, "main", &set, 400);
	assert_non_null(strstr(ask.text, "api"));
	kv.value = "tab\tand \303\244";
	done(OP_CREDENTIAL_SET, "main", &set, 200);
	memset(big, 'x', sizeof(big) - 1);
	kv.value = big;
	refused(OP_CREDENTIAL_SET, "main", &set, 413);
	big[32768] = '\0';
	done(OP_CREDENTIAL_SET, "main", &set, 200);
	/* Four services with it are more than a lease can hold. */
	fix_service(41, 2, "api-2", "api.test", 0, "/a");
	fix_service(42, 2, "api-3", "api.test", 0, "/b");
	refused(OP_CREDENTIAL_SET, "main", &set, 400);
	assert_non_null(strstr(ask.text, "api.test"));
}

static void
credential_bounds(void **st)
{
	struct rec_kv			 kv;
	struct rec_op_credentials_set	 set = { &kv, 1 };
	char				 key[16];
	int				 i;

	kv.key = key;
	kv.value = "v";
	for (i = 0; i < STATE_CREDENTIALS_MAX; i++) {
		(void)snprintf(key, sizeof(key), "K%d", i);
		done(OP_CREDENTIAL_SET, "main", &set, 200);
	}
	done(OP_CREDENTIAL_SET, "main", &set, 200);
	kv.key = "ONE_MORE";
	refused(OP_CREDENTIAL_SET, "main", &set, 409);
}

static void
services(void **st)
{
	struct rec_obj_service	 s[3];
	struct rec_op_services	 op = { s, 0 };
	struct rec_res_count	 res;
	struct arena		 arena = { NULL };
	uint64_t		 id;
	size_t			 i;

	for (i = 0; i < 3; i++) {
		fix_service_rec(&s[i]);
		s[i].auth_type = AUTH_BEARER;
		s[i].key1 = "TOKEN";
	}
	s[0].name = "one";
	s[0].host = "One.test/a/*";
	s[1].name = "two";
	s[1].host = "two.test";
	s[2].name = "";
	s[2].host = "one.test/a/*";
	refused(OP_SERVICE_UPSERT, "main", &op, 400);
	op.services_n = 3;
	/* Nameless, and nothing to take a name from. */
	refused(OP_SERVICE_UPSERT, "main", &op, 400);
	assert_non_null(strstr(ask.text, "service 2: name is required"));
	op.services_n = 2;
	done(OP_SERVICE_UPSERT, "main", &op, 200);
	assert_int_equal(rec_from_blob(&change.result, &desc_res_count, &res,
	    &arena), 0);
	assert_int_equal(res.total, 2);
	assert_string_equal(res.names[0].name, "one");
	arena_free(&arena);
	id = state_service_named(state_vault(2), "one")->o.id;
	/* Adopted, and in its old place. */
	s[2].key1 = "OTHER";
	op.services = &s[2];
	op.services_n = 1;
	done(OP_SERVICE_UPSERT, "main", &op, 200);
	assert_int_equal(state_vault(2)->nservices, 2);
	assert_string_equal(state_service(id)->o.key1, "OTHER");
	assert_ptr_equal(TAILQ_FIRST(&state_vault(2)->services),
	    state_service(id));
	/* Twice in one request. */
	s[1].name = s[0].name = "same";
	op.services = s;
	op.services_n = 2;
	refused(OP_SERVICE_UPSERT, "main", &op, 400);
	assert_int_equal(state_vault(2)->nservices, 2);
}

static void
replace(void **st)
{
	struct rec_obj_service	 s[2];
	struct rec_op_services	 op = { s, 2 };
	struct rec_op_none	 none = { 0 };

	fix_service(40, 2, "gone", "gone.test", 0, "");
	fix_service(41, 2, "kept", "kept.test", 0, "");
	fix_service_rec(&s[0]);
	fix_service_rec(&s[1]);
	s[0].name = "kept";
	s[0].host = "kept.test";
	s[1].name = "";
	s[1].host = "gone.test";
	/* PUT takes no names over. */
	refused(OP_SERVICE_REPLACE, "main", &op, 400);
	s[1].name = "new-one";
	done(OP_SERVICE_REPLACE, "main", &op, 200);
	assert_null(state_service(40));
	assert_non_null(state_service(41));
	assert_int_equal(state_vault(2)->nservices, 2);
	assert_string_equal(TAILQ_FIRST(&state_vault(2)->services)->o.name,
	    "kept");
	op.services_n = 0;
	done(OP_SERVICE_REPLACE, "main", &op, 200);
	assert_int_equal(state_vault(2)->nservices, 0);
	fix_service(42, 2, "again", "gone.test", 0, "");
	done(OP_SERVICE_CLEAR, "main", &none, 200);
	assert_int_equal(state_vault(2)->nservices, 0);
}

static void
service_values(void **st)
{
	struct rec_obj_service	 s;
	struct rec_op_services	 op = { &s, 1 };

	fix_credential(30, 2, "CRLF", "a\r\nb");
	fix_service_rec(&s);
	s.name = "api";
	s.host = "api.test";
	s.auth_type = AUTH_BEARER;
	s.key1 = "CRLF";
	refused(OP_SERVICE_UPSERT, "main", &op, 400);
	assert_non_null(strstr(ask.text, "CRLF"));
	s.auth_type = AUTH_BASIC;
	done(OP_SERVICE_UPSERT, "main", &op, 200);
}

static void
refs(void **st)
{
	struct rec_op_service_enable	 en = { "nope", 0 };
	struct rec_op_service_ref	 ref = { "basic.test" };
	struct rec_res_services		 res;
	struct arena			 arena = { NULL };

	fix_service(40, 2, "basic", "basic.test", 0, "");
	fix_service(41, 2, "basic-user", "basic.test", 8443, "/user/*");
	fix_service(42, 2, "down", "down.test", 0, "/x");
	fix_service(43, 2, "wild", "*.wild.test", 0, "");
	refused(OP_SERVICE_ENABLE, "main", &en, 404);
	en.ref = "down.test/x";		/* a name or a bare host only */
	refused(OP_SERVICE_ENABLE, "main", &en, 404);
	en.ref = "down.test";
	done(OP_SERVICE_ENABLE, "main", &en, 200);
	assert_int_equal(state_service(42)->o.enabled, 0);
	en.ref = "*.wild.test";
	done(OP_SERVICE_ENABLE, "main", &en, 200);
	en.enabled = 2;
	refused(OP_SERVICE_ENABLE, "main", &en, 400);
	refused(OP_SERVICE_DELETE, "main", &ref, 409);
	assert_int_equal(rec_from_blob(&ask.result, &desc_res_services, &res,
	    &arena), 0);
	assert_int_equal(res.services_n, 2);
	assert_string_equal(res.services[1].host, "basic.test:8443/user/*");
	ref.ref = "basic-user";
	done(OP_SERVICE_DELETE, "main", &ref, 200);
	assert_int_equal(rec_from_blob(&change.result, &desc_res_services,
	    &res, &arena), 0);
	assert_int_equal(res.total, 3);
	assert_string_equal(res.services[0].name, "basic-user");
	refused(OP_SERVICE_DELETE, "main", &ref, 404);
	arena_free(&arena);
	assert_true(op_takes_away(OP_SERVICE_DELETE, &ref));
	en.enabled = 1;
	assert_false(op_takes_away(OP_SERVICE_ENABLE, &en));
	en.enabled = 0;
	assert_true(op_takes_away(OP_SERVICE_ENABLE, &en));
}

static void
agents(void **st)
{
	struct rec_vaultrole		 roles[2] = {
		{ "main", ROLE_NONE }, { "default", ROLE_ADMIN }
	};
	struct rec_op_agent_create	 a = { "Bad Name", 0, roles, 2 };
	struct rec_op_name		 name = { "one" };
	struct rec_op_rename		 to = { "one", "X" };
	struct rec_op_agent_role	 role = { "one", 9 };
	struct rec_res_token		 tok;
	const struct agent		*agent;
	uint8_t				 old[32];

	refused(OP_AGENT_CREATE, NULL, &a, 400);
	a.name = "one";
	roles[1].vault = "nope";
	refused(OP_AGENT_CREATE, NULL, &a, 404);
	roles[1].vault = "main";
	refused(OP_AGENT_CREATE, NULL, &a, 400);
	roles[1].vault = "default";
	roles[1].role = 9;
	refused(OP_AGENT_CREATE, NULL, &a, 400);
	roles[1].role = ROLE_ADMIN;
	a.role = 9;
	refused(OP_AGENT_CREATE, NULL, &a, 400);
	a.role = IROLE_MEMBER;
	done(OP_AGENT_CREATE, NULL, &a, 201);
	refused(OP_AGENT_CREATE, NULL, &a, 409);
	agent = state_agent_named("one");
	assert_int_equal(agent->ngrants, 2);
	assert_int_equal(state_grant(agent, state_vault(2))->o.role,
	    ROLE_PROXY);
	memcpy(old, LIST_FIRST(&agent->tokens)->o.hash, sizeof(old));

	done(OP_AGENT_ROTATE, NULL, &name, 200);
	assert_int_equal(rec_from_blob(&change.result, &desc_res_token, &tok,
	    NULL), 0);
	assert_memory_equal(tok.token, "av_agt_", 7);
	assert_null(state_token_hashed(old));
	assert_null(LIST_NEXT(LIST_FIRST(&agent->tokens), agent_entry));
	refused(OP_AGENT_RENAME, NULL, &to, 400);
	to.to = "one";
	refused(OP_AGENT_RENAME, NULL, &to, 409);
	refused(OP_AGENT_ROLE, NULL, &role, 400);
	role.role = IROLE_NO_ACCESS;
	done(OP_AGENT_ROLE, NULL, &role, 200);
	assert_int_equal(agent->o.role, IROLE_NO_ACCESS);

	done(OP_AGENT_REVOKE, NULL, &name, 200);
	assert_int_equal(agent->o.status, AGENT_REVOKED);
	assert_int_equal(agent->ngrants, 0);
	assert_true(LIST_EMPTY(&agent->tokens));
	refused(OP_AGENT_REVOKE, NULL, &name, 409);
	/* A rotation brings it back, without its grants. */
	done(OP_AGENT_ROTATE, NULL, &name, 200);
	assert_int_equal(agent->o.status, AGENT_ACTIVE);
	done(OP_AGENT_DELETE, NULL, &name, 200);
	refused(OP_AGENT_DELETE, NULL, &name, 404);
	assert_true(RB_EMPTY(&state.tokens));
}

static void
agent_rights(void **st)
{
	struct rec_vaultrole		 grant = { "main", ROLE_PROXY };
	struct rec_op_agent_create	 a = { "child", IROLE_OWNER, NULL, 0 };
	struct rec_op_name		 name = { "other" }, vault = { "own" };

	fix_agent(10, "member", IROLE_MEMBER, "local:0");
	fix_agent(11, "other", IROLE_NO_ACCESS, "local:0");
	as_agent("member");
	refused(OP_AGENT_CREATE, NULL, &a, 403);
	a.role = IROLE_MEMBER;
	a.vaults = &grant;
	a.vaults_n = 1;
	refused(OP_AGENT_CREATE, NULL, &a, 403);
	a.vaults_n = 0;
	done(OP_AGENT_CREATE, NULL, &a, 201);
	refused(OP_AGENT_ROTATE, NULL, &name, 403);
	name.name = "child";
	done(OP_AGENT_ROTATE, NULL, &name, 200);
	/* Who makes a vault is its admin. */
	done(OP_VAULT_CREATE, NULL, &vault, 201);
	assert_int_equal(right_role(&ask.who, state_vault_named("own")),
	    ROLE_ADMIN);
}

static void
grants(void **st)
{
	struct rec_op_grant	 g = { "nope", ROLE_PROXY, GRANT_ADD };
	struct rec_op_name	 name = { "one" };
	struct rec_obj_agent	 o;

	fix_agent(10, "one", IROLE_NO_ACCESS, "");
	refused(OP_GRANT_SET, "main", &g, 404);
	g.agent = "one";
	g.role = ROLE_NONE;
	refused(OP_GRANT_SET, "main", &g, 400);
	g.role = ROLE_MAX;
	refused(OP_GRANT_SET, "main", &g, 400);
	g.role = ROLE_ADMIN;
	g.mode = GRANT_CHANGE;
	refused(OP_GRANT_SET, "main", &g, 404);
	g.mode = GRANT_ADD;
	done(OP_GRANT_SET, "main", &g, 201);
	refused(OP_GRANT_SET, "main", &g, 409);
	g.mode = GRANT_CHANGE;
	g.role = ROLE_MEMBER;
	done(OP_GRANT_SET, "main", &g, 200);
	assert_int_equal(state_agent(10)->ngrants, 1);
	fix_session(31, fix_token_text(TOKEN_SESSION, '1'), 2, 10, 0);
	fix_session(32, fix_token_text(TOKEN_SESSION, '2'), 1, 10, 0);
	fix_session(33, fix_token_text(TOKEN_SESSION, '3'), 2, 0, 0);
	done(OP_GRANT_DELETE, "main", &name, 200);
	assert_null(state_token(31));
	assert_non_null(state_token(32));
	assert_non_null(state_token(33));
	refused(OP_GRANT_DELETE, "main", &name, 404);
	o = state_agent(10)->o;
	o.status = AGENT_REVOKED;
	assert_int_equal(fix_put(OBJ_AGENT, &o), 0);
	g.mode = GRANT_ADD;
	refused(OP_GRANT_SET, "main", &g, 409);
}

static void
sessions(void **st)
{
	struct rec_op_session_mint	 m = { 299, "" };
	struct rec_op_name		 name = { "none" };
	struct rec_res_token		 res;
	char				 id[32];
	int				 i;

	refused(OP_SESSION_MINT, "main", &m, 400);
	m.ttl = 604801;
	refused(OP_SESSION_MINT, "main", &m, 400);
	m.ttl = 0;
	done(OP_SESSION_MINT, "main", &m, 200);
	assert_int_equal(rec_from_blob(&change.result, &desc_res_token, &res,
	    NULL), 0);
	assert_int_equal(res.expires_at, FIX_WALL + 86400);
	(void)strlcpy(id, res.public_id, sizeof(id));
	name.name = id;
	refused(OP_SESSION_REVOKE, "default", &name, 404);
	done(OP_SESSION_REVOKE, "main", &name, 200);
	refused(OP_SESSION_REVOKE, "main", &name, 404);
	m.ttl = 300;
	for (i = 0; i < STATE_SESSIONS_MAX; i++)
		done(OP_SESSION_MINT, "main", &m, 200);
	refused(OP_SESSION_MINT, "main", &m, 409);
	done(OP_SESSION_MINT, "default", &m, 200);
}

static void
labels(void **st)
{
	struct rec_op_session_mint	 m = { 300, "  ci\n job  " };
	char				 text[402];
	int				 i;

	done(OP_SESSION_MINT, "main", &m, 200);
	assert_string_equal(LIST_FIRST(&state_vault(2)->tokens)->o.label,
	    "ci job");
	memset(text, 'x', sizeof(text));
	text[100] = '\0';
	m.label = text;
	done(OP_SESSION_MINT, "main", &m, 200);
	text[100] = 'x';
	text[101] = '\0';
	refused(OP_SESSION_MINT, "main", &m, 400);
	/* A hundred characters of three bytes each are a hundred. */
	for (i = 0; i < 100; i++)
		memcpy(text + 3 * i, "\342\202\254", 3);
	text[300] = '\0';
	done(OP_SESSION_MINT, "main", &m, 200);
}

/* The later word on an object counts; the rest stays. */
static void
merge(void **st)
{
	struct rec_obj_agent	 a;
	struct change		 first, second;

	memset(&a, 0, sizeof(a));
	change_init(&first, 1);
	change_init(&second, 2);
	a.id = 7;
	a.name = "old";
	change_put(&first, OBJ_AGENT, &a);
	a.name = "newer";
	change_put(&first, OBJ_AGENT, &a);
	assert_int_equal(first.n, 1);
	change_delete(&first, OBJ_TOKEN, 7);
	change_delete(&second, OBJ_AGENT, 7);
	change_merge(&second, &first);
	assert_int_equal(second.n, 2);
	assert_int_equal(second.objects[0].kind, OBJ_AGENT);
	assert_int_equal(second.objects[0].op, OBJECT_DELETE);
	assert_int_equal(change_object_id(&second.objects[1]), 7);
	change_free(&first);
	change_free(&second);
}

static void
order(void **st)
{
	static const struct {
		uint8_t	 op, kind;
	} want[] = {
		{ OBJECT_DELETE, OBJ_CREDENTIAL },
		{ OBJECT_DELETE, OBJ_GRANT },
		{ OBJECT_DELETE, OBJ_TOKEN },
		{ OBJECT_DELETE, OBJ_AGENT },
		{ OBJECT_PUT, OBJ_AGENT },
		{ OBJECT_PUT, OBJ_GRANT }
	};
	struct rec_obj_agent	 a;
	struct rec_obj_grant	 g;
	struct change		 c;
	uint32_t		 i;

	memset(&a, 0, sizeof(a));
	memset(&g, 0, sizeof(g));
	change_init(&c, 9);
	g.id = change_id(&c);
	a.id = change_id(&c);
	assert_int_equal(g.id, 9 << CHANGE_ID_SHIFT);
	assert_int_equal(a.id, g.id + 1);
	change_put(&c, OBJ_GRANT, &g);
	change_delete(&c, OBJ_AGENT, 3);
	change_put(&c, OBJ_AGENT, &a);
	change_delete(&c, OBJ_TOKEN, 3);
	change_delete(&c, OBJ_CREDENTIAL, 3);
	change_delete(&c, OBJ_GRANT, 3);
	change_sort(&c);
	assert_int_equal(c.n, 6);
	for (i = 0; i < c.n; i++) {
		assert_int_equal(c.objects[i].op, want[i].op);
		assert_int_equal(c.objects[i].kind, want[i].kind);
	}
	change_free(&c);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(init, setup, teardown),
		cmocka_unit_test_setup_teardown(vaults, setup, teardown),
		cmocka_unit_test_setup_teardown(settings, setup, teardown),
		cmocka_unit_test_setup_teardown(credentials, setup, teardown),
		cmocka_unit_test_setup_teardown(credential_values, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(credential_bounds, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(services, setup, teardown),
		cmocka_unit_test_setup_teardown(replace, setup, teardown),
		cmocka_unit_test_setup_teardown(service_values, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(refs, setup, teardown),
		cmocka_unit_test_setup_teardown(agents, setup, teardown),
		cmocka_unit_test_setup_teardown(agent_rights, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(grants, setup, teardown),
		cmocka_unit_test_setup_teardown(sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(labels, setup, teardown),
		cmocka_unit_test(merge),
		cmocka_unit_test(order)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
