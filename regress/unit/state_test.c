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

#include <errno.h>

#include "../../keyd/seal.h"
#include "../../keyd/token.h"
#include "keyd_fix.h"

static int	setup(void **);
static int	teardown(void **);
static void	names(void **);
static void	tombstones(void **);
static void	orphans(void **);
static void	replace(void **);
static void	removal(void **);
static void	order(void **);
static void	expiry(void **);
static void	garbage(void **);

static int
setup(void **st)
{
	state_init();
	fix_vault(1, "default");
	fix_vault(2, "main");
	fix_agent(10, "agent-one", IROLE_MEMBER, "local:0");
	fix_grant(20, 10, 1, ROLE_PROXY);
	fix_grant(21, 10, 2, ROLE_ADMIN);
	fix_agent_token(30, fix_token_text(TOKEN_AGENT, '1'), 10);
	fix_session(31, fix_token_text(TOKEN_SESSION, '2'), 2, 10,
	    FIX_WALL + 600);
	fix_session(32, fix_token_text(TOKEN_SESSION, '3'), 2, 0, 0);
	fix_service(40, 2, "api", "api.test", 0, "");
	return (0);
}

static int
teardown(void **st)
{
	state_free();
	assert_int_equal(state.nvaults, 0);
	assert_int_equal(state.nagents, 0);
	assert_int_equal(state.sealed, 0);
	assert_true(RB_EMPTY(&state.tokens) && RB_EMPTY(&state.grants) &&
	    RB_EMPTY(&state.services));
	return (0);
}

static void
names(void **st)
{
	struct rec_obj_vault	 v;
	struct rec_obj_agent	 a;
	struct rec_obj_service	 s;

	assert_ptr_equal(state_vault_named("main"), state_vault(2));
	assert_null(state_vault_named("Main"));
	assert_ptr_equal(state_agent_named("agent-one"), state_agent(10));
	assert_null(state_agent_named("agent"));

	/* A name belongs to one. */
	memset(&v, 0, sizeof(v));
	v.id = 3;
	v.name = "main";
	assert_int_equal(fix_put(OBJ_VAULT, &v), -1);
	assert_int_equal(errno, EEXIST);
	assert_null(state_vault(3));
	memset(&a, 0, sizeof(a));
	a.id = 11;
	a.name = "agent-one";
	assert_int_equal(fix_put(OBJ_AGENT, &a), -1);
	assert_int_equal(errno, EEXIST);
	fix_service_rec(&s);
	s.id = 41;
	s.vault = 2;
	s.name = "api";
	assert_int_equal(fix_put(OBJ_SERVICE, &s), -1);
	assert_int_equal(errno, EEXIST);
	s.vault = 1;
	assert_int_equal(fix_put(OBJ_SERVICE, &s), 0);

	/* Renamed, it is found by the new name only. */
	fix_vault(2, "second");
	assert_null(state_vault_named("main"));
	assert_ptr_equal(state_vault_named("second"), state_vault(2));
	assert_int_equal(state.nvaults, 2);
	assert_int_equal(state_vault(2)->nservices, 1);
}

static void
tombstones(void **st)
{
	assert_true(state_initialized());
	fix_vault_gone(2, "main");
	assert_null(state_vault_named("main"));
	assert_non_null(state_vault(2));
	assert_int_equal(state.nvaults, 1);
	/* With it go its services, grants, sessions. */
	assert_null(state_service(40));
	assert_null(state_token(31));
	assert_null(state_token(32));
	assert_int_equal(state_agent(10)->ngrants, 1);
	assert_int_equal(state_agent(10)->nsessions, 0);
	assert_non_null(state_token(30));
	/* Its name is free, its number is not. */
	fix_vault(3, "main");
	assert_int_equal(state.vault_max, 3);
	fix_vault_gone(9, "never-seen");
	assert_int_equal(state.vault_max, 9);
	assert_int_equal(state.nvaults, 2);
}

static void
orphans(void **st)
{
	struct rec_obj_grant		 g;
	struct rec_obj_token		 t;
	struct rec_obj_service		 s;
	struct rec_obj_credential	 c;

	memset(&g, 0, sizeof(g));
	g.id = 22;
	g.agent = 99;
	g.vault = 1;
	assert_int_equal(fix_put(OBJ_GRANT, &g), -1);
	assert_int_equal(errno, ENOENT);
	fix_vault_gone(2, "main");
	g.agent = 10;
	g.vault = 2;
	assert_int_equal(fix_put(OBJ_GRANT, &g), -1);
	assert_int_equal(errno, ENOENT);

	memset(&t, 0, sizeof(t));
	t.id = 33;
	t.kind = TOKEN_AGENT;
	assert_int_equal(fix_put(OBJ_TOKEN, &t), -1);
	t.kind = TOKEN_SESSION;
	assert_int_equal(fix_put(OBJ_TOKEN, &t), -1);
	t.vault = 2;
	assert_int_equal(fix_put(OBJ_TOKEN, &t), -1);
	fix_service_rec(&s);
	s.id = 42;
	s.vault = 77;
	assert_int_equal(fix_put(OBJ_SERVICE, &s), -1);
	memset(&c, 0, sizeof(c));
	c.id = 50;
	c.vault = 2;
	c.name = "KEY";
	assert_int_equal(fix_put(OBJ_CREDENTIAL, &c), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(state.sealed, 0);
}

/* What is put again stays one object. */
static void
replace(void **st)
{
	struct rec_obj_credential	 c;
	struct vault			*v = state_vault(2);

	fix_grant(21, 10, 2, ROLE_MEMBER);
	assert_int_equal(state_agent(10)->ngrants, 2);
	assert_int_equal(state_grant(state_agent(10), v)->o.role, ROLE_MEMBER);
	memset(&c, 0, sizeof(c));
	c.id = 50;
	c.vault = 2;
	c.name = "KEY";
	c.sealed.data = (const uint8_t *)"0123456789";
	c.sealed.len = 10;
	assert_int_equal(fix_put(OBJ_CREDENTIAL, &c), 0);
	c.sealed.len = 4;
	assert_int_equal(fix_put(OBJ_CREDENTIAL, &c), 0);
	assert_int_equal(state.sealed, 4);
	assert_int_equal(v->ncredentials, 1);
	/* Another id with the name is another object. */
	c.id = 51;
	assert_int_equal(fix_put(OBJ_CREDENTIAL, &c), -1);
	assert_int_equal(errno, EEXIST);
	fix_service(40, 2, "renamed", "b.test", 0, "");
	assert_int_equal(v->nservices, 1);
	assert_null(state_service_named(v, "api"));
	fix_session(31, fix_token_text(TOKEN_SESSION, '4'), 2, 10, 0);
	assert_int_equal(v->ntokens, 2);
	assert_int_equal(state_agent(10)->nsessions, 1);
}

static void
removal(void **st)
{
	struct rec_obj_agent		 a;
	struct rec_obj_token		 t;
	struct rec_obj_grant		 g;
	struct rec_obj_credential	 c;
	struct rec_obj_vault		 v;

	memset(&g, 0, sizeof(g));
	g.id = 20;
	assert_int_equal(fix_delete(OBJ_GRANT, &g), 0);
	assert_int_equal(fix_delete(OBJ_GRANT, &g), 0);
	assert_null(state_grant(state_agent(10), state_vault(1)));
	assert_int_equal(state_vault(1)->ngrants, 0);
	memset(&t, 0, sizeof(t));
	t.id = 32;
	assert_int_equal(fix_delete(OBJ_TOKEN, &t), 0);
	assert_int_equal(state_vault(2)->ntokens, 1);
	/* An agent takes its tokens, grants and what it minted along. */
	memset(&a, 0, sizeof(a));
	a.id = 10;
	assert_int_equal(fix_delete(OBJ_AGENT, &a), 0);
	assert_true(RB_EMPTY(&state.tokens));
	assert_true(RB_EMPTY(&state.grants));
	assert_int_equal(state_vault(2)->ntokens, 0);
	memset(&c, 0, sizeof(c));
	c.id = 999;
	assert_int_equal(fix_delete(OBJ_CREDENTIAL, &c), 0);
	/* A vault is never deleted. */
	memset(&v, 0, sizeof(v));
	v.id = 2;
	assert_int_equal(fix_delete(OBJ_VAULT, &v), -1);
}

static void
order(void **st)
{
	struct rec_obj_service	 o;
	struct service		*s;
	uint64_t		 at[] = { 7, 3, 9, 1 }, last = 0;
	char			 name[16];
	size_t			 i;

	for (i = 0; i < 4; i++) {
		fix_service_rec(&o);
		(void)snprintf(name, sizeof(name), "svc-%zu", i);
		o.id = 60 + i;
		o.vault = 1;
		o.position = at[i];
		o.name = name;
		assert_int_equal(fix_put(OBJ_SERVICE, &o), 0);
	}
	TAILQ_FOREACH(s, &state_vault(1)->services, entry) {
		assert_true(s->o.position > last);
		last = s->o.position;
	}
	assert_int_equal(last, 9);
}

static void
expiry(void **st)
{
	struct token	*t = state_token(31), *forever = state_token(30);
	const int64_t	 end = FIX_WALL + 600;
	const uint64_t	 mono = FIX_MONO + 600 * 1000000ULL;

	assert_false(state_token_expired(t, end - 1, mono - 1));
	/* The wall clock, the monotonic clock: whichever comes first. */
	assert_true(state_token_expired(t, end, FIX_MONO));
	assert_true(state_token_expired(t, FIX_WALL - 86400, mono));
	assert_false(state_token_expired(forever, end * 2, mono * 2));
	/* Putting it again does not begin the time anew. */
	fix_session(31, fix_token_text(TOKEN_SESSION, '2'), 2, 10, end);
	assert_true(state_token_expired(state_token(31), 0, mono));
	/* One that is over already. */
	fix_session(35, fix_token_text(TOKEN_SESSION, '5'), 2, 10,
	    FIX_WALL - 1);
	assert_true(state_token_expired(state_token(35), 0, FIX_MONO));
}

static void
garbage(void **st)
{
	struct rec_object	 o;

	memset(&o, 0, sizeof(o));
	o.kind = OBJ_VAULT;
	o.body.data = (const uint8_t *)"\1\2\3";
	o.body.len = 3;
	assert_int_equal(state_apply(&o, 0, 0), -1);
	assert_int_equal(errno, EBADMSG);
	o.kind = OBJ_MAX;
	assert_int_equal(state_apply(&o, 0, 0), -1);
	o.kind = OBJ_TOKEN;
	o.op = 7;
	assert_int_equal(state_apply(&o, 0, 0), -1);
	o.op = OBJECT_DELETE;
	assert_int_equal(state_apply(&o, 0, 0), -1);
	o.kind = OBJ_MAX;
	assert_int_equal(state_apply(&o, 0, 0), -1);
	assert_int_equal(state.nvaults, 2);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(tombstones, setup, teardown),
		cmocka_unit_test_setup_teardown(orphans, setup, teardown),
		cmocka_unit_test_setup_teardown(replace, setup, teardown),
		cmocka_unit_test_setup_teardown(removal, setup, teardown),
		cmocka_unit_test_setup_teardown(order, setup, teardown),
		cmocka_unit_test_setup_teardown(expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage, setup, teardown)
	};

	seal_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
