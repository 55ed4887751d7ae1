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
 * The order of changes: what is in force when, and what logd's silence, its
 * refusal and its death mean.
 */

static struct world	 w;

static const struct rec_op_name	 bot = { "bot" };

static int	setup(void **);
static int	teardown(void **);
static void	restart_logd(int, uint32_t);
static void	adds_wait(void **);
static void	takes_at_once(void **);
static void	not_durable(void **);
static void	restart_undoes(void **);
static void	addition_refused(void **);
static void	silent_logd(void **);
static void	logd_killed_committed(void **);
static void	logd_killed_before(void **);
static void	logd_killed_take(void **);
static void	database_replaced(void **);
static void	comes_back(void **);
static void	one_order(void **);
static void	queue_bound(void **);
static void	recorded(void **);
static void	reveal(void **);

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

/* A new logd, whose database is at w.rev. */
static void
restart_logd(int close, uint32_t scopes)
{
	struct msg_snapshot	 m;
	union msg_any		*u;

	if (close)
		play_close(&w.logd);
	play_link(&w.keyd, &w.logd, PROC_LOGD, 0, INSTANCE_LOGD + 1);
	u = play_recv(&w.keyd, &w.logd, MSG_SYNC);
	assert_int_equal(u->sync.load, 0);
	assert_int_equal(u->sync.scopes, scopes);
	for (; scopes > 0; scopes--)
		play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	memset(&m, 0, sizeof(m));
	m.rev = w.rev;
	m.last = 1;
	play_send(&w.logd, MSG_SNAPSHOT, &m);
}

/* Nothing that is added counts before it is durable. */
static void
adds_wait(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	struct msg_commit	*m;
	struct msg_get		 get;
	union msg_any		*u;
	uint32_t		 id;

	id = world_admin(&w, OP_VAULT_CREATE, "", &name);
	m = world_commit(&w);
	memset(&get, 0, sizeof(get));
	get.caller = w.caller;
	get.kind = VIEW_VAULT;
	get.vault = "alpha";
	play_send(&w.api, MSG_GET, &get);
	u = play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	assert_int_equal(u->objects.status, 404);
	world_committed(&w, m);
	world_done(&w, id, 201);
	play_send(&w.api, MSG_GET, &get);
	u = play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	assert_int_equal(u->objects.status, 200);
	assert_int_equal(u->objects.objects_n, 1);
}

/*
 * What is taken away is cut first; DONE waits for logd and for the worker,
 * whichever is later.
 */
static void
takes_at_once(void **st)
{
	struct msg_revoke	*r;
	struct msg_revoked	 ack;
	uint64_t		 scope;
	uint16_t		 status;
	uint32_t		 id;

	scope = world_auth(&w, &w.mitm, w.token, "", NULL);
	assert_int_not_equal(scope, 0);
	play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	id = world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	r = world_revoke(&w, &w.mitm, 0);
	assert_int_equal(r->mode, REVOKE_CUT);
	assert_int_equal(r->gone, 1);
	assert_int_equal(r->scopes_n, 1);
	assert_int_equal(r->scopes[0].id, scope);
	ack.id = r->id;
	/* Not committed yet, and dead already. */
	assert_int_equal(world_auth(&w, &w.proxy, w.token, "", &status), 0);
	assert_int_equal(status, 407);
	world_commits(&w);
	play_recv(&w.keyd, &w.logd, MSG_EVENT);
	play_quiet(&w.keyd, &w.api, 100);
	play_send(&w.mitm, MSG_REVOKED, &ack);
	world_done(&w, id, 200);
}

/*
 * A full disk does not block a revocation: it is in force, the client is
 * told that it is not durable, it is tried again, and until then nothing is
 * added.
 */
static void
not_durable(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	struct msg_done		*d;
	uint16_t		 status;
	uint32_t		 id;

	id = world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	world_refused(&w, world_commit(&w));
	d = world_done(&w, id, 503);
	assert_string_equal(d->code, "not_durable");
	assert_non_null(strstr(d->text, "restart"));
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 407);
	play_recv(&w.keyd, &w.logd, MSG_EVENT);
	/* Additions are refused at once, without a COMMIT. */
	world_do(&w, OP_VAULT_CREATE, "", &name, 503);
	/* What takes away is applied and waits behind. */
	id = world_admin(&w, OP_AGENT_DELETE, "", &bot);
	world_done(&w, id, 503);
	/* Tried again each second, until it works. */
	world_refused(&w, world_commit(&w));
	world_commits(&w);
	world_commits(&w);
	play_quiet(&w.keyd, &w.api, 50);
	assert_null(world_row(&w, OBJ_AGENT, 0));
	assert_null(world_row(&w, OBJ_TOKEN, 0));
	/* And all is well again. */
	world_do(&w, OP_VAULT_CREATE, "", &name, 201);
}

/* What the 503 says: a restart before it is durable undoes it. */
static void
restart_undoes(void **st)
{
	uint16_t	 status;
	uint32_t	 id;

	id = world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	world_refused(&w, world_commit(&w));
	world_done(&w, id, 503);
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	world_stop(&w);
	assert_non_null(strstr(w.keyd.log, "undone by the next start"));
	world_start(&w, 0);
	world_ready(&w);
	assert_int_not_equal(world_auth(&w, &w.mitm, w.token, "", NULL), 0);
}

/* What cannot be added has not happened, and does not stand in the way. */
static void
addition_refused(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	struct msg_done		*d;
	uint32_t		 id;

	id = world_admin(&w, OP_VAULT_CREATE, "", &name);
	world_refused(&w, world_commit(&w));
	d = world_done(&w, id, 503);
	assert_string_equal(d->code, "not_durable");
	play_quiet(&w.keyd, &w.logd, 1300);
	world_do(&w, OP_VAULT_CREATE, "", &name, 201);
}

/* logd lives but says nothing: who waits is told after five seconds. */
static void
silent_logd(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	struct msg_commit	*m;
	uint32_t		 add, take;

	add = world_admin(&w, OP_VAULT_CREATE, "", &name);
	m = world_commit(&w);
	take = world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	play_quiet(&w.keyd, &w.api, 4000);
	world_done(&w, add, 503);
	world_done(&w, take, 503);
	world_committed(&w, m);
	world_commits(&w);
	/* It was stored after all. */
	world_do(&w, OP_VAULT_CREATE, "", &name, 409);
}

/* Killed after it had committed: the same revision comes again, once. */
static void
logd_killed_committed(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	struct msg_commit	*m;
	struct msg_committed	 ok = { 0 };
	union msg_any		*u;
	uint32_t		 id;

	id = world_admin(&w, OP_VAULT_CREATE, "", &name);
	m = world_commit(&w);
	world_apply(&w, m);
	restart_logd(1, 0);
	u = play_recv(&w.keyd, &w.logd, MSG_COMMIT);
	assert_int_equal(u->commit.rev, w.rev);
	ok.rev = w.rev;
	ok.ok = 1;
	play_send(&w.logd, MSG_COMMITTED, &ok);
	world_done(&w, id, 201);
	world_do(&w, OP_VAULT_CREATE, "", &name, 409);
}

/* Killed before: the revision is sent again and committed then. */
static void
logd_killed_before(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	uint32_t		 id;

	assert_int_not_equal(world_auth(&w, &w.mitm, w.token, "", NULL), 0);
	play_recv(&w.keyd, &w.logd, MSG_SCOPE_OPEN);
	id = world_admin(&w, OP_VAULT_CREATE, "", &name);
	(void)world_commit(&w);
	play_close(&w.logd);
	play_quiet(&w.keyd, &w.api, 100);
	/* With SYNC come the scopes that are open. */
	restart_logd(0, 1);
	world_commits(&w);
	world_done(&w, id, 201);
}

static void
logd_killed_take(void **st)
{
	uint32_t	 id, id2;
	uint16_t	 status;

	play_close(&w.logd);
	id = world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	/* With nobody to store it, it is in force all the same. */
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 407);
	id2 = world_admin(&w, OP_AGENT_DELETE, "", &bot);
	restart_logd(0, 0);
	world_commits(&w);
	world_done(&w, id, 200);
	world_commits(&w);
	world_done(&w, id2, 200);
}

static void
database_replaced(void **st)
{
	w.rev--;
	play_close(&w.logd);
	restart_logd(0, 0);
	assert_int_equal(play_wait(&w.keyd), 1);
	assert_non_null(strstr(w.keyd.log, "was replaced while"));
	play_close(&w.mitm);
	play_close(&w.proxy);
	play_close(&w.api);
	play_close(&w.logd);
	world_free(&w);
	setup(NULL);
}

/*
 * A rotation is with logd when the agent is revoked: the new token must not
 * outlive that, neither here nor in the database.
 */
static void
comes_back(void **st)
{
	struct msg_commit	*m;
	struct msg_done		*d;
	uint16_t		 status;
	uint32_t		 rotate, revoke;

	rotate = world_admin(&w, OP_AGENT_ROTATE, "", &bot);
	m = world_commit(&w);
	revoke = world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 407);
	world_committed(&w, m);
	d = world_done(&w, rotate, 200);
	world_take_token(&w, d);
	play_recv(&w.keyd, &w.logd, MSG_EVENT);
	m = world_commit(&w);
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 407);
	world_committed(&w, m);
	world_done(&w, revoke, 200);
	assert_null(world_row(&w, OBJ_TOKEN, 0));
	assert_null(world_row(&w, OBJ_GRANT, 0));
	assert_non_null(world_row(&w, OBJ_AGENT, 0));
}

/* Several at once: one COMMIT at a time, in the order of the requests. */
static void
one_order(void **st)
{
	struct rec_op_name	 name;
	struct rec_obj_vault	 v;
	struct msg_commit	*m;
	struct msg_committed	 ok = { 0 };
	char			 text[16];
	uint32_t		 ids[20];
	int			 i;

	name.name = text;
	for (i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "vault-%02d", i);
		ids[i] = world_admin(&w, OP_VAULT_CREATE, "", &name);
	}
	ok.ok = 1;
	for (i = 0; i < 20; i++) {
		m = world_commit(&w);
		assert_int_equal(rec_from_blob(&m->objects[0].body,
		    &desc_obj_vault, &v, NULL), 0);
		(void)snprintf(text, sizeof(text), "vault-%02d", i);
		assert_string_equal(v.name, text);
		ok.rev = w.rev = m->rev;
		if (i == 0)
			play_quiet(&w.keyd, &w.logd, 50);
		play_send(&w.logd, MSG_COMMITTED, &ok);
	}
	for (i = 0; i < 20; i++)
		world_done(&w, ids[i], 201);
	/* The same name twice: the second finds the first. */
	name.name = "twice";
	ids[0] = world_admin(&w, OP_VAULT_CREATE, "", &name);
	ids[1] = world_admin(&w, OP_VAULT_CREATE, "", &name);
	world_commits(&w);
	world_done(&w, ids[0], 201);
	world_done(&w, ids[1], 409);
}

/* 256 wait; the next is told so. */
static void
queue_bound(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	uint32_t		 first, id = 0;
	int			 i;

	first = world_admin(&w, OP_VAULT_CREATE, "", &name);
	(void)world_commit(&w);
	for (i = 0; i < 256; i++)
		id = world_admin(&w, OP_VAULT_CREATE, "", &name);
	world_done(&w, id, 503);
	/* The others wait for the first, and then find its vault. */
	play_quiet(&w.keyd, &w.api, 100);
	play_close(&w.logd);
	restart_logd(0, 0);
	world_commits(&w);
	world_done(&w, first, 201);
	for (i = 1; i < 256; i++)
		world_done(&w, first + i, 409);
}

static void
recorded(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	struct rec_kv		 kv = { "OTHER", "hush-hush" };
	struct rec_op_credentials_set	set = { &kv, 1 };
	struct msg_commit	*m;
	uint32_t		 id, i;

	id = world_admin(&w, OP_VAULT_CREATE, "", &name);
	m = world_commit(&w);
	assert_int_equal(m->audit_n, 1);
	assert_int_equal(m->audit[0].actor_type, ACTOR_LOCAL);
	assert_string_equal(m->audit[0].actor, "local:1000");
	assert_string_equal(m->audit[0].action, "vault.create");
	assert_string_equal(m->audit[0].detail, "{\"vault\":\"alpha\"}");
	world_committed(&w, m);
	world_done(&w, id, 201);
	id = world_admin(&w, OP_CREDENTIAL_SET, "alpha", &set);
	m = world_commit(&w);
	assert_string_equal(m->audit[0].detail,
	    "{\"vault\":\"alpha\",\"count\":1,\"keys\":[\"OTHER\"]}");
	for (i = 0; i < m->objects_n; i++)
		assert_null(memmem(m->objects[i].body.data,
		    m->objects[i].body.len, "hush", 4));
	world_committed(&w, m);
	world_done(&w, id, 200);
}

/* A value leaves when the record of it is durable, not before. */
static void
reveal(void **st)
{
	struct msg_reveal	 q;
	struct msg_commit	*m;
	union msg_any		*u;

	memset(&q, 0, sizeof(q));
	q.id = 77;
	q.caller = w.caller;
	q.vault = "main";
	play_send(&w.api, MSG_REVEAL, &q);
	m = world_commit(&w);
	assert_int_equal(m->objects_n, 0);
	assert_string_equal(m->audit[0].action, "credential.reveal");
	play_quiet(&w.keyd, &w.api, 100);
	world_committed(&w, m);
	u = play_recv(&w.keyd, &w.api, MSG_SECRETS);
	assert_int_equal(u->secrets.status, 200);
	assert_int_equal(u->secrets.values_n, 1);
	assert_string_equal(u->secrets.values[0].key, "API_TOKEN");
	assert_string_equal(u->secrets.values[0].value, "s3cret");
	assert_int_equal(u->secrets.more, 0);
	q.key = "NONE";
	play_send(&w.api, MSG_REVEAL, &q);
	u = play_recv(&w.keyd, &w.api, MSG_SECRETS);
	assert_int_equal(u->secrets.status, 404);
	/* Not recorded, not given. */
	q.key = "API_TOKEN";
	play_send(&w.api, MSG_REVEAL, &q);
	world_refused(&w, world_commit(&w));
	u = play_recv(&w.keyd, &w.api, MSG_SECRETS);
	assert_int_equal(u->secrets.status, 503);
	assert_int_equal(u->secrets.values_n, 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(adds_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_at_once, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(not_durable, setup, teardown),
		cmocka_unit_test_setup_teardown(restart_undoes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(addition_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(silent_logd, setup, teardown),
		cmocka_unit_test_setup_teardown(logd_killed_committed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(logd_killed_before, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(logd_killed_take, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(database_replaced, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(one_order, setup, teardown),
		cmocka_unit_test_setup_teardown(queue_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(recorded, setup, teardown),
		cmocka_unit_test_setup_teardown(reveal, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
