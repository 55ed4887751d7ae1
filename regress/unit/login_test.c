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

#include "../../keyd/auth.h"
#include "../../keyd/login.h"
#include "../../keyd/onetime.h"
#include "../../keyd/op.h"
#include "keyd_fix.h"

#define SECOND	1000000ULL	/* of monotonic time */
#define HOUR	3600

static struct op_ask	 ask;
static struct change	 change;
static uint64_t		 rev;

static int	setup(void **);
static int	teardown(void **);
static const struct onetime *
		link_of(const char *, int64_t, uint64_t);
static void	put(uint64_t, uint64_t, uint32_t, int64_t, int64_t);
static int	alive(uint64_t, int64_t, uint64_t);
static int	try(unsigned int, const char *);
static uint64_t	begin_as(const struct principal *);
static void	link_once(void **);
static void	link_clocks(void **);
static void	link_bound(void **);
static void	ends(void **);
static void	clocks(void **);
static void	idle(void **);
static void	stored(void **);
static void	hangs_on(void **);
static void	begins_by_link(void **);
static void	begins_by_token(void **);
static void	too_many(void **);
static void	own_only(void **);

/* Agents 11 and 12 with tokens 31 and 32, session 33 of vault 1. */
static int
setup(void **st)
{
	state_init();
	fix_vault(1, "main");
	fix_agent(11, "one", IROLE_NO_ACCESS, "local:0");
	fix_agent(12, "two", IROLE_NO_ACCESS, "local:0");
	fix_agent_token(31, fix_token_text(TOKEN_AGENT, '1'), 11);
	fix_agent_token(32, fix_token_text(TOKEN_AGENT, '2'), 12);
	fix_session(33, fix_token_text(TOKEN_SESSION, '3'), 1, 11,
	    FIX_WALL + HOUR);
	memset(&ask, 0, sizeof(ask));
	right_local(&ask.who, 1000);
	return (0);
}

static int
teardown(void **st)
{
	change_free(&change);
	msg_blob_free(&ask.result);
	onetime_free_all();
	state_free();
	return (0);
}

static const struct onetime *
link_of(const char *tok, int64_t wall, uint64_t mono)
{
	uint8_t	 hash[TOKEN_HASHLEN];

	assert_int_equal(token_hash(tok, hash), TOKEN_LINK);
	return (onetime_hashed(hash, wall, mono));
}

static void
put(uint64_t id, uint64_t token, uint32_t idle_time, int64_t used,
    int64_t expires)
{
	struct rec_obj_login	 o;
	char			 public_id[25];

	memset(&o, 0, sizeof(o));
	(void)snprintf(public_id, sizeof(public_id), "%020u",
	    (unsigned int)id);
	o.id = id;
	memcpy(o.hash, &id, sizeof(id));
	o.public_id = public_id;
	o.token = token;
	o.actor_type = token == 0 ? ACTOR_LOCAL : ACTOR_AGENT;
	o.actor = "local:1000";
	o.idle = idle_time;
	o.created_at = FIX_WALL - HOUR;
	o.used_at = used;
	o.expires_at = expires;
	assert_int_equal(fix_put(OBJ_LOGIN, &o), 0);
}

static int
alive(uint64_t id, int64_t wall, uint64_t mono)
{
	const struct login	*l = login_find(id);

	return (l != NULL && login_alive(l, wall, mono));
}

/* Build, and apply what was built: 0, or the status of the refusal. */
static int
try(unsigned int op, const char *name)
{
	struct rec_op_name	 args;
	uint32_t		 i;

	args.name = name;
	change_free(&change);
	msg_blob_free(&ask.result);
	ask.status = 0;
	ask.now = FIX_WALL;
	change_init(&change, ++rev);
	if (op_function(op)(&ask, &args, &change) == -1)
		return (ask.status);
	assert_int_equal(change.failed, 0);
	change_sort(&change);
	for (i = 0; i < change.n; i++)
		assert_int_equal(state_apply(&change.objects[i], FIX_WALL,
		    FIX_MONO), 0);
	return (0);
}

/* The id of the new login. */
static uint64_t
begin_as(const struct principal *who)
{
	ask.who = *who;
	assert_int_equal(try(OP_LOGIN_BEGIN, ""), 0);
	return (login_next(NULL)->o.id);
}

static void
link_once(void **st)
{
	const struct onetime	*o;
	char			 tok[TOKEN_SIZE], other[TOKEN_SIZE];
	uint64_t		 id;

	assert_int_equal(onetime_new("local:1000", 1, FIX_WALL, FIX_MONO,
	    tok), FIX_WALL + 60);
	(void)onetime_new("local:0", 0, FIX_WALL, FIX_MONO, other);
	assert_string_not_equal(tok, other);
	assert_non_null(o = link_of(tok, FIX_WALL, FIX_MONO));
	assert_string_equal(o->actor, "local:1000");
	assert_int_equal(o->vault, 1);
	id = o->id;
	assert_ptr_equal(onetime_find(id, FIX_WALL, FIX_MONO), o);
	onetime_spend(id);
	assert_null(link_of(tok, FIX_WALL, FIX_MONO));
	assert_null(onetime_find(id, FIX_WALL, FIX_MONO));
	assert_non_null(link_of(other, FIX_WALL, FIX_MONO));
	/* Another, and no place that is free has a number. */
	token_new(TOKEN_LINK, tok);
	assert_null(link_of(tok, FIX_WALL, FIX_MONO));
	assert_null(onetime_find(0, FIX_WALL, FIX_MONO));
}

static void
link_clocks(void **st)
{
	char	 tok[TOKEN_SIZE];

	(void)onetime_new("local:0", 0, FIX_WALL, FIX_MONO, tok);
	assert_non_null(link_of(tok, FIX_WALL + 59,
	    FIX_MONO + 60 * SECOND - 1));
	assert_null(link_of(tok, FIX_WALL + 60, FIX_MONO));
	assert_null(link_of(tok, FIX_WALL, FIX_MONO + 60 * SECOND));
	assert_null(link_of(tok, FIX_WALL - 1, FIX_MONO));
}

static void
link_bound(void **st)
{
	char		 tok[ONETIME_MAX + 1][TOKEN_SIZE];
	unsigned int	 i;

	for (i = 0; i <= ONETIME_MAX; i++)
		(void)onetime_new("local:0", 0, FIX_WALL, FIX_MONO + i,
		    tok[i]);
	assert_null(link_of(tok[0], FIX_WALL, FIX_MONO));
	for (i = 1; i <= ONETIME_MAX; i++)
		assert_non_null(link_of(tok[i], FIX_WALL, FIX_MONO));
}

static void
ends(void **st)
{
	const int64_t	 end = FIX_WALL + 2 * HOUR;

	put(41, 0, 30 * 86400, FIX_WALL, end);
	assert_true(alive(41, end - 1, FIX_MONO));
	assert_false(alive(41, end, FIX_MONO));
	assert_true(alive(41, FIX_WALL, FIX_MONO + 7200 * SECOND - 1));
	assert_false(alive(41, FIX_WALL, FIX_MONO + 7200 * SECOND));
	/* Use does not make it longer. */
	login_use(login_find(41), end - 1, FIX_MONO);
	assert_false(alive(41, end, FIX_MONO));
	/* One that was over when it was loaded. */
	put(42, 0, HOUR, FIX_WALL - HOUR, end);
	assert_false(alive(42, FIX_WALL, FIX_MONO));
	put(43, 0, HOUR, FIX_WALL, FIX_WALL);
	assert_false(alive(43, FIX_WALL, FIX_MONO));
}

/* Setting the wall clock back gives no more time than there was. */
static void
clocks(void **st)
{
	put(41, 0, HOUR, FIX_WALL + 10 * HOUR, FIX_WALL + 90 * HOUR);
	assert_true(alive(41, FIX_WALL, FIX_MONO + 3600 * SECOND - 1));
	assert_false(alive(41, FIX_WALL, FIX_MONO + 3600 * SECOND));
}

static void
idle(void **st)
{
	put(41, 0, HOUR, FIX_WALL, FIX_WALL + 90 * HOUR);
	assert_true(alive(41, FIX_WALL + HOUR - 1, FIX_MONO));
	assert_false(alive(41, FIX_WALL + HOUR, FIX_MONO));
	assert_false(alive(41, FIX_WALL, FIX_MONO + 3600 * SECOND));
	login_use(login_find(41), FIX_WALL + 1800, FIX_MONO + 1800 * SECOND);
	assert_true(alive(41, FIX_WALL + 5399, FIX_MONO));
	assert_false(alive(41, FIX_WALL + 5400, FIX_MONO));
	assert_true(alive(41, FIX_WALL, FIX_MONO + 5400 * SECOND - 1));
	assert_false(alive(41, FIX_WALL, FIX_MONO + 5400 * SECOND));
}

/* Use is stored a step at a time, and what is stored takes nothing back. */
static void
stored(void **st)
{
	const int64_t	 step = HOUR / LOGIN_STEPS;
	struct login	*l;

	put(41, 0, HOUR, FIX_WALL, FIX_WALL + 90 * HOUR);
	put(42, 0, HOUR, FIX_WALL, FIX_WALL + 90 * HOUR);
	assert_false(login_due());
	login_use(login_find(41), FIX_WALL + step - 1, FIX_MONO);
	assert_false(login_due());
	login_use(login_find(41), FIX_WALL + step, FIX_MONO + 9 * SECOND);
	assert_true(login_due());
	change_init(&change, ++rev);
	login_store(&change);
	assert_int_equal(change.n, 1);
	assert_int_equal(change_object_id(&change.objects[0]), 41);
	/* Whatever becomes of it, it is not tried again at once. */
	assert_false(login_due());
	login_use(login_find(41), FIX_WALL + 2 * step - 1,
	    FIX_MONO + 99 * SECOND);
	assert_int_equal(state_apply(&change.objects[0], FIX_WALL, FIX_MONO),
	    0);
	l = login_find(41);
	assert_int_equal(l->o.used_at, FIX_WALL + step);
	assert_int_equal(l->used, FIX_WALL + 2 * step - 1);
	assert_true(l->idle_end == FIX_MONO + (3600 + 99) * SECOND);
	assert_false(login_due());
	/* A clock that was set back is written down as well. */
	login_use(l, FIX_WALL - HOUR, FIX_MONO);
	assert_true(login_due());
}

static void
hangs_on(void **st)
{
	struct rec_obj_token	 t;
	struct principal	 who;

	put(41, 31, HOUR, FIX_WALL, FIX_WALL + 90 * HOUR);
	put(42, 33, 90 * HOUR, FIX_WALL, FIX_WALL + 90 * HOUR);
	put(43, 99, HOUR, FIX_WALL, FIX_WALL + 90 * HOUR);
	assert_true(alive(41, FIX_WALL, FIX_MONO));
	assert_true(alive(42, FIX_WALL, FIX_MONO));
	assert_false(alive(43, FIX_WALL, FIX_MONO));
	assert_false(alive(42, FIX_WALL + HOUR, FIX_MONO));
	right_login(&who, &login_find(41)->o, state_token(31));
	assert_int_equal(who.type, PRINCIPAL_AGENT);
	assert_string_equal(who.actor, "uuid-one");
	assert_string_equal(who.session, "00000000000000000041");
	assert_true(auth_good(&who, FIX_WALL, FIX_MONO));
	memset(&t, 0, sizeof(t));
	t.id = 31;
	t.public_id = t.label = t.minter = "";
	assert_int_equal(fix_delete(OBJ_TOKEN, &t), 0);
	assert_false(alive(41, FIX_WALL, FIX_MONO));
	assert_false(auth_good(&who, FIX_WALL, FIX_MONO));
	right_login(&who, &login_find(42)->o, state_token(33));
	assert_int_equal(who.type, PRINCIPAL_SESSION);
	assert_int_equal(who.vault, 1);
	assert_string_equal(who.session, "00000000000000000042");
}

static void
begins_by_link(void **st)
{
	struct rec_res_token	 link;
	struct rec_res_login	 res;
	struct principal	 who, local = ask.who;
	const struct onetime	*o;
	const struct login	*l;

	assert_int_equal(try(OP_LOGIN_LINK, "none"), 404);
	assert_int_equal(try(OP_LOGIN_LINK, "main"), 0);
	assert_int_equal(change.n, 0);
	assert_int_equal(rec_from_blob(&change.result, &desc_res_token,
	    &link, NULL), 0);
	/* Operations take the time of the process itself for their end. */
	o = link_of(link.token, FIX_WALL, 0);
	assert_non_null(o);
	right_link(&who, o->id, o->actor);
	l = login_find(begin_as(&who));
	assert_int_equal(rec_from_blob(&change.result, &desc_res_login,
	    &res, NULL), 0);
	assert_memory_equal(res.token, "av_web_", 7);
	assert_string_equal(res.vault, "main");
	assert_int_equal(res.idle, 12 * HOUR);
	assert_int_equal(l->o.expires_at, FIX_WALL + 24 * HOUR);
	assert_int_equal(l->o.token, 0);
	assert_string_equal(l->o.actor, local.actor);
	/* The audit row names it. */
	assert_string_equal(ask.who.session, l->o.public_id);
	assert_string_equal(change.detail, "{\"by\":\"link\"}");
	assert_int_equal(try(OP_LOGIN_BEGIN, ""), 401);
	assert_int_equal(login_total(), 1);
}

static void
begins_by_token(void **st)
{
	struct principal	 who;
	const struct login	*l;

	right_token(&who, state_token(31));
	l = login_find(begin_as(&who));
	assert_int_equal(l->o.token, 31);
	assert_int_equal(l->o.idle, 30 * 86400);
	assert_int_equal(l->o.expires_at, FIX_WALL + 365 * 86400);
	right_token(&who, state_token(33));
	l = login_find(begin_as(&who));
	assert_int_equal(l->o.expires_at, FIX_WALL + HOUR);
	assert_string_equal(change.detail,
	    "{\"by\":\"session 00000000000000000033\"}");
	who.token = 99;
	ask.who = who;
	assert_int_equal(try(OP_LOGIN_BEGIN, ""), 401);
}

static void
too_many(void **st)
{
	struct principal	 who;
	uint64_t		 id;
	const struct login	*l;

	for (id = 100; id < 100 + LOGIN_EACH_MAX; id++)
		put(id, 31, HOUR, FIX_WALL - (id == 107), FIX_WALL + HOUR);
	right_token(&who, state_token(31));
	(void)begin_as(&who);
	assert_null(login_find(107));
	assert_int_equal(login_count(31, &l), LOGIN_EACH_MAX);
	for (id = 1000; login_total() < LOGIN_MAX; id++)
		put(id, 32, HOUR, FIX_WALL, FIX_WALL + HOUR);
	right_token(&who, state_token(33));
	ask.who = who;
	assert_int_equal(try(OP_LOGIN_BEGIN, ""), 409);
	right_token(&who, state_token(31));
	(void)begin_as(&who);
	assert_int_equal(login_total(), LOGIN_MAX);
}

static void
own_only(void **st)
{
	struct principal	 who;
	const struct login	*l;
	uint64_t		 one, two, other;

	right_token(&who, state_token(32));
	other = begin_as(&who);
	right_token(&who, state_token(31));
	one = begin_as(&who);
	two = begin_as(&who);
	right_login(&ask.who, &login_find(one)->o, state_token(31));
	l = login_find(other);
	assert_int_equal(try(OP_LOGIN_END, l->o.public_id), 404);
	assert_int_equal(try(OP_LOGIN_END, "none"), 404);
	assert_int_equal(try(OP_LOGIN_END, login_find(two)->o.public_id), 0);
	assert_null(login_find(two));
	assert_int_equal(try(OP_LOGIN_END, ""), 0);
	assert_null(login_find(one));
	assert_int_equal(try(OP_LOGIN_END, ""), 404);
	/* The socket's are those that hang on no token. */
	right_local(&ask.who, 0);
	assert_int_equal(try(OP_LOGIN_END, ""), 404);
	assert_int_equal(try(OP_LOGIN_END, l->o.public_id), 404);
	put(41, 0, HOUR, FIX_WALL, FIX_WALL + HOUR);
	assert_int_equal(try(OP_LOGIN_END, "00000000000000000041"), 0);
	assert_non_null(login_find(other));
}

int
main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		T(link_once),
		T(link_clocks),
		T(link_bound),
		T(ends),
		T(clocks),
		T(idle),
		T(stored),
		T(hangs_on),
		T(begins_by_link),
		T(begins_by_token),
		T(too_many),
		T(own_only)
	};
#undef T

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
