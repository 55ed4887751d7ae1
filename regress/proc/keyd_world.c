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
#include <unistd.h>

#include <cmocka.h>

#include "keyd_world.h"

#define PROGRAM	"keyd/keyd"

static void	snapshot(struct world *);
static uint64_t	object_id(const struct rec_object *);
static void	row_set(struct world *, const struct rec_object *);

void
world_new(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->keyfile = tmpfile();
	assert_non_null(w->keyfile);
}

void
world_free(struct world *w)
{
	uint32_t	 i;

	for (i = 0; i < w->nrows; i++)
		msg_blob_free(&w->rows[i].body);
	fclose(w->keyfile);
}

void
world_configure(struct world *w)
{
	struct msg_conf_start	 start = { 1 };
	struct msg_conf_end	 end = { 1 };
	struct msg_conf_activate activate = { 1 };
	struct msg_file		 file;
	int			 fd;

	memset(&file, 0, sizeof(file));
	file.kind = FILE_MASTER_KEY;
	file.name = "master.key";
	assert_int_not_equal(fd = dup(fileno(w->keyfile)), -1);
	play_send(&w->keyd.parent, MSG_CONF_START, &start);
	play_send_fd(&w->keyd.parent, MSG_FILE, &file, fd);
	play_send(&w->keyd.parent, MSG_CONF_END, &end);
	play_recv(&w->keyd, &w->keyd.parent, MSG_CONF_READY);
	play_send(&w->keyd.parent, MSG_CONF_ACTIVATE, &activate);
}

/* In two pages, so that a page that is not the last is seen too. */
static void
snapshot(struct world *w)
{
	struct msg_snapshot	 m;

	memset(&m, 0, sizeof(m));
	m.rev = w->rev;
	m.objects = w->rows;
	m.objects_n = w->nrows / 2;
	play_send(&w->logd, MSG_SNAPSHOT, &m);
	m.objects = w->rows + m.objects_n;
	m.objects_n = w->nrows - m.objects_n;
	m.last = 1;
	play_send(&w->logd, MSG_SNAPSHOT, &m);
}

void
world_start(struct world *w, int fresh)
{
	struct msg_start	 m;
	union msg_any		*u;

	play_start(&w->keyd, PROGRAM, PROC_KEYD);
	world_configure(w);
	play_link(&w->keyd, &w->logd, PROC_LOGD, 0, INSTANCE_LOGD);
	m.fresh = fresh;
	play_send(&w->keyd.parent, MSG_START, &m);
	u = play_recv(&w->keyd, &w->logd, MSG_SYNC);
	assert_int_equal(u->sync.load, 1);
	assert_int_equal(u->sync.scopes, 0);
	snapshot(w);
}

void
world_ready(struct world *w)
{
	struct msg_caller	 m;
	union msg_any		*u;

	u = play_recv(&w->keyd, &w->keyd.parent, MSG_READY);
	assert_int_equal(u->ready.catalogue, msg_catalogue_hash());
	play_link(&w->keyd, &w->mitm, PROC_MITM, 0, INSTANCE_MITM);
	play_link(&w->keyd, &w->proxy, PROC_PROXY, 0, INSTANCE_PROXY);
	play_link(&w->keyd, &w->api, PROC_API_LOCAL, 0, INSTANCE_API);
	memset(&m, 0, sizeof(m));
	m.uid = 1000;
	play_send(&w->api, MSG_CALLER, &m);
	u = play_recv(&w->keyd, &w->api, MSG_WHO);
	assert_int_equal(u->who.status, 200);
	assert_string_equal(u->who.actor, "local:1000");
	w->caller = u->who.caller;
}

void
world_begin(struct world *w)
{
	struct rec_op_none	 none = { 0 };

	world_new(w);
	world_start(w, 1);
	world_commits(w);
	world_ready(w);
	world_do(w, OP_INIT, "", &none, 201);
}

void
world_stop(struct world *w)
{
	play_close(&w->mitm);
	play_close(&w->proxy);
	play_close(&w->api);
	assert_int_equal(play_stop(&w->keyd), 0);
	/* The sandbox had nothing to refuse. */
	assert_int_equal(w->keyd.refused, 0);
	play_close(&w->logd);
}

static uint64_t
object_id(const struct rec_object *o)
{
	uint64_t	 id;

	assert_true(o->body.len >= sizeof(id));
	memcpy(&id, o->body.data, sizeof(id));
	return (id);
}

/* Rows stay in the order of their kinds, as logd sends them. */
static void
row_set(struct world *w, const struct rec_object *o)
{
	struct rec_object	 copy = *o;
	uint8_t			*p;
	uint32_t		 i;

	for (i = 0; i < w->nrows; i++) {
		if (w->rows[i].kind == o->kind &&
		    object_id(&w->rows[i]) == object_id(o)) {
			msg_blob_free(&w->rows[i].body);
			memmove(&w->rows[i], &w->rows[i + 1],
			    (--w->nrows - i) * sizeof(*o));
			break;
		}
	}
	if (o->op == OBJECT_DELETE)
		return;
	assert_true(w->nrows < WORLD_ROWS);
	p = malloc(o->body.len);
	assert_non_null(p);
	memcpy(p, o->body.data, o->body.len);
	copy.body.data = p;
	for (i = 0; i < w->nrows && w->rows[i].kind <= o->kind; i++)
		;
	memmove(&w->rows[i + 1], &w->rows[i],
	    (w->nrows++ - i) * sizeof(*o));
	w->rows[i] = copy;
}

struct rec_object *
world_row(struct world *w, enum object_kind kind, unsigned int n)
{
	uint32_t	 i;

	for (i = 0; i < w->nrows; i++) {
		if (w->rows[i].kind == kind && n-- == 0)
			return (&w->rows[i]);
	}
	return (NULL);
}

void
world_put(struct world *w, enum object_kind kind, const void *rec)
{
	struct rec_object	 o;

	memset(&o, 0, sizeof(o));
	o.kind = kind;
	assert_int_equal(rec_to_blob(object_desc(kind), rec, &o.body), 0);
	row_set(w, &o);
	msg_blob_free(&o.body);
}

struct msg_commit *
world_commit(struct world *w)
{
	union msg_any	*u;

	u = play_recv(&w->keyd, &w->logd, MSG_COMMIT);
	assert_int_equal(u->commit.rev, w->rev + 1);
	return (&u->commit);
}

void
world_apply(struct world *w, const struct msg_commit *m)
{
	uint32_t	 i;

	for (i = 0; i < m->objects_n; i++)
		row_set(w, &m->objects[i]);
	w->rev = m->rev;
}

void
world_committed(struct world *w, const struct msg_commit *m)
{
	struct msg_committed	 a;

	world_apply(w, m);
	memset(&a, 0, sizeof(a));
	a.rev = m->rev;
	a.ok = 1;
	play_send(&w->logd, MSG_COMMITTED, &a);
}

void
world_refused(struct world *w, const struct msg_commit *m)
{
	struct msg_committed	 a;

	memset(&a, 0, sizeof(a));
	a.rev = m->rev;
	a.why = "no space left";
	play_send(&w->logd, MSG_COMMITTED, &a);
}

void
world_commits(struct world *w)
{
	world_committed(w, world_commit(w));
}

uint32_t
world_admin(struct world *w, enum admin_op op, const char *vault,
    const void *args)
{
	struct msg_admin	 m;

	memset(&m, 0, sizeof(m));
	m.id = ++w->last_id;
	m.caller = w->caller;
	m.op = op;
	m.vault = vault;
	assert_int_equal(rec_to_blob(op_desc(op), args, &m.body), 0);
	play_send(&w->api, MSG_ADMIN, &m);
	msg_blob_free(&m.body);
	return (w->last_id);
}

struct msg_done *
world_done(struct world *w, uint32_t id, uint16_t status)
{
	union msg_any	*u;

	u = play_recv(&w->keyd, &w->api, MSG_DONE);
	assert_int_equal(u->done.id, id);
	if (u->done.status != status)
		fail_msg("status %u (%s: %s), %u was to come",
		    u->done.status, u->done.code, u->done.text, status);
	return (&u->done);
}

struct msg_done *
world_do(struct world *w, enum admin_op op, const char *vault,
    const void *args, uint16_t status)
{
	uint32_t	 id;

	id = world_admin(w, op, vault, args);
	if (status < 300 && !w->real)
		world_commits(w);
	return (world_done(w, id, status));
}

void
world_take_token(struct world *w, const struct msg_done *m)
{
	struct rec_res_token	 res;

	assert_int_equal(rec_from_blob(&m->result, &desc_res_token, &res,
	    NULL), 0);
	assert_true(strlcpy(w->token, res.token, sizeof(w->token)) <
	    sizeof(w->token));
}

uint64_t
world_auth(struct world *w, struct play *p, const char *token,
    const char *vault, uint16_t *status)
{
	struct msg_auth	 m;
	union msg_any	*u;

	memset(&m, 0, sizeof(m));
	m.id = ++w->last_id;
	m.token = token;
	m.vault = vault;
	m.client.af = 4;
	m.client.ip[0] = 192;
	m.client.ip[2] = 2;
	m.client.ip[3] = 1;
	m.ingress = INGRESS_MITM;
	play_send(p, MSG_AUTH, &m);
	if (play_peek(&w->keyd, p, PLAY_MS) == MSG_DENIED) {
		u = play_recv(&w->keyd, p, MSG_DENIED);
		assert_int_equal(u->denied.id, m.id);
		if (status != NULL)
			*status = u->denied.status;
		return (0);
	}
	u = play_recv(&w->keyd, p, MSG_SCOPE);
	assert_int_equal(u->scope.id, m.id);
	return (u->scope.scope);
}

struct msg_revoke *
world_revoke(struct world *w, struct play *p, int ack)
{
	struct msg_revoked	 m;
	union msg_any		*u;

	u = play_recv(&w->keyd, p, MSG_REVOKE);
	m.id = u->revoke.id;
	if (ack)
		play_send(p, MSG_REVOKED, &m);
	return (&u->revoke);
}

struct msg_rules *
world_lease(struct world *w, struct play *p, uint64_t scope, const char *host,
    uint16_t port)
{
	struct msg_lease	 m;
	union msg_any		*u;

	memset(&m, 0, sizeof(m));
	m.id = ++w->last_id;
	m.scope = scope;
	m.host = host;
	m.port = port;
	play_send(p, MSG_LEASE, &m);
	u = play_recv(&w->keyd, p, MSG_RULES);
	assert_int_equal(u->rules.id, m.id);
	return (&u->rules);
}

void
world_furnish(struct world *w)
{
	struct rec_op_name		 vault = { "main" };
	struct rec_kv			 kv = { "API_TOKEN", "s3cret" };
	struct rec_op_credentials_set	 set = { &kv, 1 };
	struct rec_obj_service		 s;
	struct rec_op_services		 services = { &s, 1 };
	struct rec_vaultrole		 role = { "main", ROLE_PROXY };
	struct rec_op_agent_create	 agent;

	world_do(w, OP_VAULT_CREATE, "", &vault, 201);
	world_do(w, OP_CREDENTIAL_SET, "main", &set, 200);
	memset(&s, 0, sizeof(s));
	s.name = "api";
	s.host = "api.test";
	s.enabled = 1;
	s.auth_type = AUTH_BEARER;
	s.key1 = "API_TOKEN";
	s.path = s.methods = s.key2 = s.header = s.prefix = s.headers = "";
	world_do(w, OP_SERVICE_UPSERT, "main", &services, 200);
	memset(&agent, 0, sizeof(agent));
	agent.name = "bot";
	agent.vaults = &role;
	agent.vaults_n = 1;
	world_take_token(w, world_do(w, OP_AGENT_CREATE, "", &agent, 201));
}
