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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "keyd_world.h"

/*
 * Logins in a real keyd: what is stored of them, what is taken from a
 * database, and what a token is worth that comes another way.
 */

#define HOUR	3600

static struct world	 w;
static char		 login_token[128];

static int	setup(void **);
static int	teardown(void **);
static struct msg_who	*caller(enum token_way, const char *);
static uint16_t	status_of(enum token_way, const char *);
static void	failed(void);
static void	take_login(const struct msg_done *);
static void	new_link(char [128]);
static void	login(enum token_way, const char *);
static void	again_with(int64_t, int64_t, uint64_t);
static void	deleted(void);
static void	ways(void **);
static void	link_raced(void **);
static void	link_refused(void **);
static void	signed_out(void **);
static void	idle_over(void **);
static void	over(void **);
static void	ends_in_use(void **);
static void	orphan(void **);
static void	use_stored(void **);
static void	failures(void **);

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

static struct msg_who *
caller(enum token_way way, const char *token)
{
	struct msg_caller	 q;

	memset(&q, 0, sizeof(q));
	q.way = way;
	q.token = token;
	q.client.af = 4;
	q.client.ip[0] = 192;
	play_send(&w.api, MSG_CALLER, &q);
	return (&play_recv(&w.keyd, &w.api, MSG_WHO)->who);
}

static uint16_t
status_of(enum token_way way, const char *token)
{
	return (caller(way, token)->status);
}

/* The record of what was refused. */
static void
failed(void)
{
	assert_int_equal(play_recv(&w.keyd, &w.logd, MSG_EVENT)->event.code,
	    EVENT_AUTH_FAILED);
}

static void
take_login(const struct msg_done *d)
{
	struct rec_res_login	 res;

	assert_int_equal(rec_from_blob(&d->result, &desc_res_login, &res,
	    NULL), 0);
	(void)strlcpy(login_token, res.token, sizeof(login_token));
}

static void
new_link(char tok[128])
{
	struct rec_op_name	 none = { "" };
	struct msg_done		*d;
	char			 other[128];

	(void)strlcpy(other, w.token, sizeof(other));
	d = world_do(&w, OP_LOGIN_LINK, "", &none, 200);
	world_take_token(&w, d);
	memcpy(tok, w.token, sizeof(other));
	memcpy(w.token, other, sizeof(other));
}

/* Exchange a token for a login. */
static void
login(enum token_way way, const char *token)
{
	struct rec_op_none	 none = { 0 };
	const uint64_t		 local = w.caller;
	struct msg_who		*who;

	who = caller(way, token);
	assert_int_equal(who->status, 200);
	w.caller = who->caller;
	take_login(world_do(&w, OP_LOGIN_BEGIN, "", &none, 200));
	w.caller = local;
}

/* A login by the agent's token, then another keyd with it changed. */
static void
again_with(int64_t used, int64_t expires, uint64_t token)
{
	struct rec_obj_login	 o;
	struct rec_object	*row;

	login(WAY_EXCHANGE, w.token);
	world_stop(&w);
	assert_non_null(row = world_row(&w, OBJ_LOGIN, 0));
	assert_int_equal(rec_from_blob(&row->body, &desc_obj_login, &o,
	    NULL), 0);
	o.used_at += used;
	o.expires_at += expires;
	if (token != 0)
		o.token = token;
	world_put(&w, OBJ_LOGIN, &o);
	world_start(&w, 0);
	world_ready(&w);
}

/*
 * Without anybody asking, and without an audit row; what was refused meanwhile
 * is told before or after that.
 */
static void
deleted(void)
{
	const int		 first = play_peek(&w.keyd, &w.logd,
				    PLAY_MS) == MSG_EVENT;
	struct msg_commit	*m;

	if (first)
		failed();
	m = world_commit(&w);
	assert_int_equal(m->objects_n, 1);
	assert_int_equal(m->objects[0].kind, OBJ_LOGIN);
	assert_int_equal(m->objects[0].op, OBJECT_DELETE);
	assert_int_equal(m->audit_n, 0);
	world_committed(&w, m);
	assert_null(world_row(&w, OBJ_LOGIN, 0));
	if (!first)
		failed();
}

static void
ways(void **st)
{
	struct msg_who	*who;
	char		 tok[128];
	uint16_t	 status;

	login(WAY_EXCHANGE, w.token);
	who = caller(WAY_COOKIE, login_token);
	assert_int_equal(who->status, 200);
	assert_string_equal(who->name, "bot");
	assert_int_equal(who->idle, 30 * 86400);
	assert_int_equal(strlen(who->session), 20);
	new_link(tok);
	assert_int_equal(status_of(WAY_BEARER, login_token), 401);
	failed();
	assert_int_equal(status_of(WAY_EXCHANGE, login_token), 401);
	failed();
	assert_int_equal(status_of(WAY_COOKIE, w.token), 401);
	failed();
	assert_int_equal(status_of(WAY_COOKIE, tok), 401);
	failed();
	assert_int_equal(status_of(WAY_BEARER, tok), 401);
	failed();
	/* None at all is the local socket's only where it should be. */
	assert_int_equal(status_of(WAY_COOKIE, ""), 401);
	assert_int_equal(status_of(WAY_EXCHANGE, ""), 401);
	assert_int_equal(world_auth(&w, &w.mitm, login_token, "", &status),
	    0);
	assert_int_equal(status, 407);
	failed();
	login(WAY_EXCHANGE, tok);
	assert_string_equal(caller(WAY_COOKIE, login_token)->name,
	    "local:1000");
}

/* Two who were both let in with one link: one of them gets a login. */
static void
link_raced(void **st)
{
	struct rec_op_none	 none = { 0 };
	char			 tok[128];
	uint64_t		 one, two;

	new_link(tok);
	one = caller(WAY_EXCHANGE, tok)->caller;
	two = caller(WAY_EXCHANGE, tok)->caller;
	assert_int_not_equal(two, 0);
	w.caller = two;
	take_login(world_do(&w, OP_LOGIN_BEGIN, "", &none, 200));
	w.caller = one;
	(void)world_done(&w, world_admin(&w, OP_LOGIN_BEGIN, "", &none), 401);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 200);
	assert_null(world_row(&w, OBJ_LOGIN, 1));
}

/* What cannot be stored is no login, and the link is used up. */
static void
link_refused(void **st)
{
	struct rec_op_none	 none = { 0 };
	char			 tok[128];
	uint32_t		 id;

	new_link(tok);
	w.caller = caller(WAY_EXCHANGE, tok)->caller;
	id = world_admin(&w, OP_LOGIN_BEGIN, "", &none);
	world_refused(&w, world_commit(&w));
	(void)world_done(&w, id, 503);
	assert_int_equal(status_of(WAY_EXCHANGE, tok), 401);
	failed();
}

/* In force before it is stored, and said to who holds it. */
static void
signed_out(void **st)
{
	struct rec_op_name	 own = { "" };
	struct msg_commit	*m;
	union msg_any		*u;
	struct msg_revoked	 a;
	uint64_t		 it;
	uint32_t		 id;

	login(WAY_EXCHANGE, w.token);
	it = w.caller = caller(WAY_COOKIE, login_token)->caller;
	id = world_admin(&w, OP_LOGIN_END, "", &own);
	u = play_recv(&w.keyd, &w.api, MSG_REVOKE);
	assert_int_equal(u->revoke.scopes_n, 1);
	assert_true(u->revoke.scopes[0].id == it);
	assert_int_equal(u->revoke.gone, 1);
	a.id = u->revoke.id;
	play_send(&w.api, MSG_REVOKED, &a);
	m = world_commit(&w);
	assert_int_equal(m->audit_n, 1);
	assert_string_equal(m->audit[0].action, "login.end");
	assert_string_equal(m->audit[0].actor_name, "bot");
	assert_int_equal(strlen(m->audit[0].session), 20);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 401);
	world_committed(&w, m);
	(void)world_done(&w, id, 200);
	assert_null(world_row(&w, OBJ_LOGIN, 0));
	failed();
}

static void
idle_over(void **st)
{
	again_with(-30 * 86400, 0, 0);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 401);
	deleted();
}

static void
over(void **st)
{
	again_with(0, -365 * 86400, 0);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 401);
	deleted();
}

/* Who holds it, maybe in a stream, is told in that second. */
static void
ends_in_use(void **st)
{
	struct msg_revoked	 a;
	union msg_any		*u;
	uint64_t		 it;

	again_with(0, -365 * 86400 + 3, 0);
	it = caller(WAY_COOKIE, login_token)->caller;
	assert_int_not_equal(it, 0);
	u = play_recv(&w.keyd, &w.api, MSG_REVOKE);
	assert_int_equal(u->revoke.gone, 1);
	assert_int_equal(u->revoke.scopes_n, 1);
	assert_true(u->revoke.scopes[0].id == it);
	a.id = u->revoke.id;
	play_send(&w.api, MSG_REVOKED, &a);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 401);
	deleted();
}

/* Its token went while there was nobody to see it. */
static void
orphan(void **st)
{
	again_with(0, 0, 4711);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 401);
	deleted();
}

/* A use that is worth it is written down, once. */
static void
use_stored(void **st)
{
	struct rec_obj_login	 o;
	struct msg_commit	*m;

	again_with(-29 * 86400, 0, 0);
	play_quiet(&w.keyd, &w.logd, 1200);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 200);
	m = world_commit(&w);
	assert_int_equal(m->objects_n, 1);
	assert_int_equal(m->objects[0].kind, OBJ_LOGIN);
	assert_int_equal(m->objects[0].op, OBJECT_PUT);
	assert_int_equal(m->audit_n, 0);
	assert_int_equal(rec_from_blob(&m->objects[0].body, &desc_obj_login,
	    &o, NULL), 0);
	assert_true(o.used_at > time(NULL) - HOUR);
	world_committed(&w, m);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 200);
	play_quiet(&w.keyd, &w.logd, 1200);
}

/* Guesses are counted like any others, and close the same door. */
static void
failures(void **st)
{
	char		 guess[128], tok[128];
	uint64_t	 count = 0;
	int		 i;

	new_link(tok);
	for (i = 0; i < 50; i++) {
		(void)snprintf(guess, sizeof(guess), "av_open_%064d", i);
		assert_int_equal(status_of(WAY_EXCHANGE, guess), 401);
	}
	while (count < 50) {
		const struct msg_event	*e = &play_recv(&w.keyd, &w.logd,
		    MSG_EVENT)->event;

		assert_int_equal(e->code, EVENT_AUTH_FAILED);
		assert_non_null(strstr(e->detail, "\"av_open_\""));
		count += e->count;
	}
	assert_int_equal(count, 50);
	assert_int_equal(status_of(WAY_EXCHANGE, tok), 429);
	assert_int_equal(status_of(WAY_COOKIE, login_token), 429);
}

int
main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		T(ways),
		T(link_raced),
		T(link_refused),
		T(signed_out),
		T(idle_over),
		T(over),
		T(ends_in_use),
		T(orphan),
		T(use_stored),
		T(failures)
	};
#undef T

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
