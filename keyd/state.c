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
#include <sys/queue.h>
#include <sys/tree.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "login.h"
#include "retention.h"
#include "state.h"

struct state	 state;

static int	state_cmp_vault_id(struct vault *, struct vault *);
static int	state_cmp_vault_name(struct vault *, struct vault *);
static int	state_cmp_agent_id(struct agent *, struct agent *);
static int	state_cmp_agent_name(struct agent *, struct agent *);
static int	state_cmp_token_id(struct token *, struct token *);
static int	state_cmp_token_hash(struct token *, struct token *);
static int	state_cmp_grant_id(struct grant *, struct grant *);
static int	state_cmp_service_id(struct service *, struct service *);
static int	state_cmp_credential_id(struct credential *,
		    struct credential *);
static int	state_cmp_credential_name(struct credential *,
		    struct credential *);
static int	body_take(const struct rec_object *, void *,
		    struct msg_blob *);
static int	put_keyring(const struct rec_object *);
static int	put_settings(const struct rec_object *);
static int	put_vault(const struct rec_object *);
static int	put_agent(const struct rec_object *);
static int	put_token(const struct rec_object *, int64_t, uint64_t);
static int	put_grant(const struct rec_object *);
static int	put_service(const struct rec_object *);
static int	put_credential(const struct rec_object *);
static int	delete_object(const struct rec_object *);
static void	vault_index(struct vault *);
static void	vault_empty(struct vault *);
static void	vault_free(struct vault *);
static void	agent_free(struct agent *);
static void	token_link(struct token *);
static void	token_unlink(struct token *);
static void	token_free(struct token *);
static void	grant_free(struct grant *);
static void	service_link(struct service *);
static void	service_free(struct service *);
static void	credential_free(struct credential *);

#define CMP(a, b)	((a) < (b) ? -1 : (a) > (b))
#define CMP_ID(fn, type)						\
static int								\
fn(struct type *a, struct type *b)					\
{									\
	return (CMP(a->o.id, b->o.id));					\
}
#define CMP_NAME(fn, type)						\
static int								\
fn(struct type *a, struct type *b)					\
{									\
	return (strcmp(a->o.name, b->o.name));				\
}

CMP_ID(state_cmp_vault_id, vault)
CMP_NAME(state_cmp_vault_name, vault)
CMP_ID(state_cmp_agent_id, agent)
CMP_NAME(state_cmp_agent_name, agent)
CMP_ID(state_cmp_token_id, token)
CMP_ID(state_cmp_grant_id, grant)
CMP_ID(state_cmp_service_id, service)
CMP_ID(state_cmp_credential_id, credential)
CMP_NAME(state_cmp_credential_name, credential)

/*
 * What is compared is SHA-256 of a secret: how long that takes tells nothing
 * that helps to find a token.
 */
static int
state_cmp_token_hash(struct token *a, struct token *b)
{
	return (memcmp(a->o.hash, b->o.hash, sizeof(a->o.hash)));
}

RB_GENERATE(vaults_byid, vault, id_entry, state_cmp_vault_id)
RB_GENERATE(vaults_byname, vault, name_entry, state_cmp_vault_name)
RB_GENERATE(agents_byid, agent, id_entry, state_cmp_agent_id)
RB_GENERATE(agents_byname, agent, name_entry, state_cmp_agent_name)
RB_GENERATE(tokens_byid, token, id_entry, state_cmp_token_id)
RB_GENERATE(tokens_byhash, token, hash_entry, state_cmp_token_hash)
RB_GENERATE(grants_byid, grant, id_entry, state_cmp_grant_id)
RB_GENERATE(services_byid, service, id_entry, state_cmp_service_id)
RB_GENERATE(credentials, credential, name_entry, state_cmp_credential_name)
RB_GENERATE(credentials_byid, credential, id_entry, state_cmp_credential_id)

void
state_init(void)
{
	memset(&state, 0, sizeof(state));
	RB_INIT(&state.vaults);
	RB_INIT(&state.vaults_named);
	RB_INIT(&state.agents);
	RB_INIT(&state.agents_named);
	RB_INIT(&state.tokens);
	RB_INIT(&state.tokens_hashed);
	RB_INIT(&state.grants);
	RB_INIT(&state.services);
	RB_INIT(&state.credentials);
	state.settings.id = 1;
	state.settings.retain_seconds = RETENTION_NONE;
	state.settings.retain_rows = RETENTION_NONE;
}

void
state_free(void)
{
	struct vault	*v;
	struct agent	*a;

	while ((v = RB_MIN(vaults_byid, &state.vaults)) != NULL)
		vault_free(v);
	while ((a = RB_MIN(agents_byid, &state.agents)) != NULL)
		agent_free(a);
	login_free_all();
	msg_blob_free(&state.keyring_body);
	state_init();
}

/* Copy an object's body and decode the copy, so that it owns its strings. */
static int
body_take(const struct rec_object *obj, void *rec, struct msg_blob *body)
{
	uint8_t	*p;

	if ((p = malloc(obj->body.len + 1)) == NULL)
		return (-1);
	if (obj->body.len > 0)
		memcpy(p, obj->body.data, obj->body.len);
	body->data = p;
	body->len = obj->body.len;
	if (rec_from_blob(body, object_desc(obj->kind), rec, NULL) == -1) {
		msg_blob_free(body);
		errno = EBADMSG;
		return (-1);
	}
	return (0);
}

int
state_apply(const struct rec_object *obj, int64_t wall, uint64_t mono)
{
	if (obj->op == OBJECT_DELETE)
		return (delete_object(obj));
	if (obj->op != OBJECT_PUT)
		goto bad;
	switch (obj->kind) {
	case OBJ_KEYRING:
		return (put_keyring(obj));
	case OBJ_VAULT:
		return (put_vault(obj));
	case OBJ_AGENT:
		return (put_agent(obj));
	case OBJ_TOKEN:
		return (put_token(obj, wall, mono));
	case OBJ_GRANT:
		return (put_grant(obj));
	case OBJ_SERVICE:
		return (put_service(obj));
	case OBJ_CREDENTIAL:
		return (put_credential(obj));
	case OBJ_SETTINGS:
		return (put_settings(obj));
	case OBJ_LOGIN:
		return (login_put(obj, wall, mono));
	}
 bad:
	errno = EBADMSG;
	return (-1);
}

static int
put_settings(const struct rec_object *obj)
{
	struct rec_obj_settings	 o;

	if (rec_from_blob(&obj->body, &desc_obj_settings, &o, NULL) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	state.settings = o;
	return (0);
}

static int
put_keyring(const struct rec_object *obj)
{
	struct rec_obj_keyring	 o;
	struct msg_blob		 body;

	if (body_take(obj, &o, &body) == -1)
		return (-1);
	msg_blob_free(&state.keyring_body);
	state.keyring = o;
	state.keyring_body = body;
	return (0);
}

/* By name only the living are found; a tombstone gives its name free. */
static void
vault_index(struct vault *v)
{
	v->named = v->o.deleted_at == 0;
	if (!v->named)
		return;
	RB_INSERT(vaults_byname, &state.vaults_named, v);
	state.nvaults++;
}

static int
put_vault(const struct rec_object *obj)
{
	struct rec_obj_vault	 o;
	struct msg_blob		 body;
	struct vault		*v, *other;

	if (body_take(obj, &o, &body) == -1)
		return (-1);
	v = state_vault(o.id);
	other = o.deleted_at == 0 ? state_vault_named(o.name) : NULL;
	if (other != NULL && other != v) {
		msg_blob_free(&body);
		errno = EEXIST;
		return (-1);
	}
	if (v != NULL) {
		if (v->named) {
			RB_REMOVE(vaults_byname, &state.vaults_named, v);
			state.nvaults--;
		}
		msg_blob_free(&v->body);
	} else if ((v = calloc(1, sizeof(*v))) == NULL) {
		msg_blob_free(&body);
		return (-1);
	} else {
		TAILQ_INIT(&v->services);
		RB_INIT(&v->credentials);
		LIST_INIT(&v->grants);
		LIST_INIT(&v->tokens);
		v->o.id = o.id;
		RB_INSERT(vaults_byid, &state.vaults, v);
	}
	v->o = o;
	v->body = body;
	vault_index(v);
	if (o.id > state.vault_max)
		state.vault_max = o.id;
	if (!v->named)
		vault_empty(v);
	return (0);
}

static int
put_agent(const struct rec_object *obj)
{
	struct rec_obj_agent	 o;
	struct msg_blob		 body;
	struct agent		*a, *other;

	if (body_take(obj, &o, &body) == -1)
		return (-1);
	a = state_agent(o.id);
	other = state_agent_named(o.name);
	if (other != NULL && other != a) {
		msg_blob_free(&body);
		errno = EEXIST;
		return (-1);
	}
	if (a != NULL) {
		RB_REMOVE(agents_byname, &state.agents_named, a);
		msg_blob_free(&a->body);
	} else if ((a = calloc(1, sizeof(*a))) == NULL) {
		msg_blob_free(&body);
		return (-1);
	} else {
		LIST_INIT(&a->grants);
		LIST_INIT(&a->tokens);
		a->o.id = o.id;
		RB_INSERT(agents_byid, &state.agents, a);
		state.nagents++;
	}
	a->o = o;
	a->body = body;
	RB_INSERT(agents_byname, &state.agents_named, a);
	return (0);
}

static void
token_link(struct token *t)
{
	RB_INSERT(tokens_byid, &state.tokens, t);
	RB_INSERT(tokens_byhash, &state.tokens_hashed, t);
	if (t->vault != NULL) {
		LIST_INSERT_HEAD(&t->vault->tokens, t, vault_entry);
		t->vault->ntokens++;
	}
	if (t->agent != NULL) {
		LIST_INSERT_HEAD(&t->agent->tokens, t, agent_entry);
		if (t->o.kind == TOKEN_SESSION)
			t->agent->nsessions++;
	}
}

static void
token_unlink(struct token *t)
{
	RB_REMOVE(tokens_byid, &state.tokens, t);
	RB_REMOVE(tokens_byhash, &state.tokens_hashed, t);
	if (t->vault != NULL) {
		LIST_REMOVE(t, vault_entry);
		t->vault->ntokens--;
	}
	if (t->agent != NULL) {
		LIST_REMOVE(t, agent_entry);
		if (t->o.kind == TOKEN_SESSION)
			t->agent->nsessions--;
	}
}

static int
put_token(const struct rec_object *obj, int64_t wall, uint64_t mono)
{
	struct token	*t, *old, *other;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (-1);
	if (body_take(obj, &t->o, &t->body) == -1) {
		free(t);
		return (-1);
	}
	t->vault = t->o.vault == 0 ? NULL : state_vault(t->o.vault);
	t->agent = t->o.agent == 0 ? NULL : state_agent(t->o.agent);
	errno = 0;
	if ((t->o.vault != 0 && (t->vault == NULL || !t->vault->named)) ||
	    (t->o.agent != 0 && t->agent == NULL) ||
	    (t->o.kind == TOKEN_AGENT && t->agent == NULL) ||
	    (t->o.kind == TOKEN_SESSION && t->vault == NULL))
		errno = ENOENT;
	old = state_token(t->o.id);
	other = state_token_hashed(t->o.hash);
	if (other != NULL && other != old)
		errno = EEXIST;
	if (errno != 0) {
		msg_blob_free(&t->body);
		free(t);
		return (-1);
	}
	/* However the wall clock is set later, it ends by this one. */
	if (old != NULL && old->o.expires_at == t->o.expires_at)
		t->deadline = old->deadline;
	else if (t->o.expires_at > wall)
		t->deadline = mono +
		    (uint64_t)(t->o.expires_at - wall) * 1000000;
	else if (t->o.expires_at != 0)
		t->deadline = mono;
	if (old != NULL)
		token_free(old);
	token_link(t);
	return (0);
}

static int
put_grant(const struct rec_object *obj)
{
	struct grant	*g, *old;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		return (-1);
	if (body_take(obj, &g->o, &g->body) == -1) {
		free(g);
		return (-1);
	}
	g->vault = state_vault(g->o.vault);
	g->agent = state_agent(g->o.agent);
	old = NULL;
	errno = 0;
	if (g->vault == NULL || !g->vault->named || g->agent == NULL)
		errno = ENOENT;
	else if ((old = state_grant(g->agent, g->vault)) != NULL &&
	    old->o.id != g->o.id)
		errno = EEXIST;
	if (errno != 0) {
		msg_blob_free(&g->body);
		free(g);
		return (-1);
	}
	if (old != NULL)
		grant_free(old);
	RB_INSERT(grants_byid, &state.grants, g);
	LIST_INSERT_HEAD(&g->vault->grants, g, vault_entry);
	LIST_INSERT_HEAD(&g->agent->grants, g, agent_entry);
	g->vault->ngrants++;
	g->agent->ngrants++;
	return (0);
}

/* Most are added at the end, so the place is looked for from there. */
static void
service_link(struct service *s)
{
	struct service	*p;

	TAILQ_FOREACH_REVERSE(p, &s->vault->services, services, entry) {
		if (p->o.position < s->o.position ||
		    (p->o.position == s->o.position && p->o.id < s->o.id))
			break;
	}
	if (p == NULL)
		TAILQ_INSERT_HEAD(&s->vault->services, s, entry);
	else
		TAILQ_INSERT_AFTER(&s->vault->services, p, s, entry);
	RB_INSERT(services_byid, &state.services, s);
	s->vault->nservices++;
}

static int
put_service(const struct rec_object *obj)
{
	struct service	*s, *old, *other;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (-1);
	if (body_take(obj, &s->o, &s->body) == -1) {
		free(s);
		return (-1);
	}
	s->vault = state_vault(s->o.vault);
	old = state_service(s->o.id);
	errno = 0;
	if (s->vault == NULL || !s->vault->named ||
	    (old != NULL && old->vault != s->vault))
		errno = ENOENT;
	else if ((other = state_service_named(s->vault, s->o.name)) != NULL &&
	    other != old)
		errno = EEXIST;
	if (errno != 0) {
		msg_blob_free(&s->body);
		free(s);
		return (-1);
	}
	if (old != NULL)
		service_free(old);
	service_link(s);
	return (0);
}

static int
put_credential(const struct rec_object *obj)
{
	struct credential	*c, *old;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (-1);
	if (body_take(obj, &c->o, &c->body) == -1) {
		free(c);
		return (-1);
	}
	c->vault = state_vault(c->o.vault);
	old = NULL;
	errno = 0;
	if (c->vault == NULL || !c->vault->named)
		errno = ENOENT;
	else if ((old = state_credential(c->vault, c->o.name)) != NULL &&
	    old->o.id != c->o.id)
		errno = EEXIST;
	if (errno != 0) {
		msg_blob_free(&c->body);
		free(c);
		return (-1);
	}
	if (old != NULL)
		credential_free(old);
	RB_INSERT(credentials, &c->vault->credentials, c);
	RB_INSERT(credentials_byid, &state.credentials, c);
	c->vault->ncredentials++;
	state.sealed += c->o.sealed.len;
	return (0);
}

/*
 * Of a deletion's body only the id counts.  A vault is never deleted but
 * becomes a tombstone, and there is one keyring.
 */
static int
delete_object(const struct rec_object *obj)
{
	union {
		struct rec_obj_agent		 agent;
		struct rec_obj_token		 token;
		struct rec_obj_grant		 grant;
		struct rec_obj_service		 service;
		struct rec_obj_credential	 credential;
	} key;
	struct agent		*a;
	struct token		*t;
	struct grant		*g, gkey;
	struct service		*s;
	struct credential	*c, ckey;

	if (obj->kind == OBJ_LOGIN)
		return (login_delete(obj));
	if (obj->kind == OBJ_KEYRING || obj->kind == OBJ_VAULT ||
	    obj->kind == OBJ_SETTINGS || object_desc(obj->kind) == NULL ||
	    rec_from_blob(&obj->body, object_desc(obj->kind), &key,
	    NULL) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	switch (obj->kind) {
	case OBJ_AGENT:
		if ((a = state_agent(key.agent.id)) != NULL)
			agent_free(a);
		break;
	case OBJ_TOKEN:
		if ((t = state_token(key.token.id)) != NULL)
			token_free(t);
		break;
	case OBJ_GRANT:
		gkey.o.id = key.grant.id;
		if ((g = RB_FIND(grants_byid, &state.grants, &gkey)) != NULL)
			grant_free(g);
		break;
	case OBJ_SERVICE:
		if ((s = state_service(key.service.id)) != NULL)
			service_free(s);
		break;
	case OBJ_CREDENTIAL:
		ckey.o.id = key.credential.id;
		c = RB_FIND(credentials_byid, &state.credentials, &ckey);
		if (c != NULL)
			credential_free(c);
		break;
	}
	return (0);
}

static void
vault_empty(struct vault *v)
{
	struct service		*s;
	struct credential	*c;
	struct grant		*g;
	struct token		*t;

	while ((s = TAILQ_FIRST(&v->services)) != NULL)
		service_free(s);
	while ((c = RB_MIN(credentials, &v->credentials)) != NULL)
		credential_free(c);
	while ((g = LIST_FIRST(&v->grants)) != NULL)
		grant_free(g);
	while ((t = LIST_FIRST(&v->tokens)) != NULL)
		token_free(t);
}

static void
vault_free(struct vault *v)
{
	vault_empty(v);
	RB_REMOVE(vaults_byid, &state.vaults, v);
	if (v->named) {
		RB_REMOVE(vaults_byname, &state.vaults_named, v);
		state.nvaults--;
	}
	msg_blob_free(&v->body);
	free(v);
}

static void
agent_free(struct agent *a)
{
	struct grant	*g;
	struct token	*t;

	while ((g = LIST_FIRST(&a->grants)) != NULL)
		grant_free(g);
	while ((t = LIST_FIRST(&a->tokens)) != NULL)
		token_free(t);
	RB_REMOVE(agents_byid, &state.agents, a);
	RB_REMOVE(agents_byname, &state.agents_named, a);
	state.nagents--;
	msg_blob_free(&a->body);
	free(a);
}

static void
token_free(struct token *t)
{
	token_unlink(t);
	msg_blob_free(&t->body);
	freezero(t, sizeof(*t));
}

static void
grant_free(struct grant *g)
{
	RB_REMOVE(grants_byid, &state.grants, g);
	LIST_REMOVE(g, vault_entry);
	LIST_REMOVE(g, agent_entry);
	g->vault->ngrants--;
	g->agent->ngrants--;
	msg_blob_free(&g->body);
	free(g);
}

static void
service_free(struct service *s)
{
	TAILQ_REMOVE(&s->vault->services, s, entry);
	RB_REMOVE(services_byid, &state.services, s);
	s->vault->nservices--;
	msg_blob_free(&s->body);
	free(s);
}

static void
credential_free(struct credential *c)
{
	RB_REMOVE(credentials, &c->vault->credentials, c);
	RB_REMOVE(credentials_byid, &state.credentials, c);
	c->vault->ncredentials--;
	state.sealed -= c->o.sealed.len;
	msg_blob_free(&c->body);
	free(c);
}

int
state_initialized(void)
{
	return (!RB_EMPTY(&state.vaults));
}

struct vault *
state_vault(uint64_t id)
{
	struct vault	 key;

	key.o.id = id;
	return (RB_FIND(vaults_byid, &state.vaults, &key));
}

struct vault *
state_vault_named(const char *name)
{
	struct vault	 key;

	key.o.name = name;
	return (RB_FIND(vaults_byname, &state.vaults_named, &key));
}

struct agent *
state_agent(uint64_t id)
{
	struct agent	 key;

	key.o.id = id;
	return (RB_FIND(agents_byid, &state.agents, &key));
}

struct agent *
state_agent_named(const char *name)
{
	struct agent	 key;

	key.o.name = name;
	return (RB_FIND(agents_byname, &state.agents_named, &key));
}

struct token *
state_token(uint64_t id)
{
	struct token	 key;

	key.o.id = id;
	return (RB_FIND(tokens_byid, &state.tokens, &key));
}

struct token *
state_token_hashed(const uint8_t *hash)
{
	struct token	 key;

	memcpy(key.o.hash, hash, sizeof(key.o.hash));
	return (RB_FIND(tokens_byhash, &state.tokens_hashed, &key));
}

struct token *
state_session_public(struct vault *v, const char *public_id)
{
	struct token	*t;

	LIST_FOREACH(t, &v->tokens, vault_entry) {
		if (strcmp(t->o.public_id, public_id) == 0)
			return (t);
	}
	return (NULL);
}

struct grant *
state_grant(const struct agent *a, const struct vault *v)
{
	struct grant	*g;

	LIST_FOREACH(g, &a->grants, agent_entry) {
		if (g->vault == v)
			return (g);
	}
	return (NULL);
}

struct service *
state_service(uint64_t id)
{
	struct service	 key;

	key.o.id = id;
	return (RB_FIND(services_byid, &state.services, &key));
}

struct service *
state_service_named(const struct vault *v, const char *name)
{
	struct service	*s;

	TAILQ_FOREACH(s, &v->services, entry) {
		if (strcmp(s->o.name, name) == 0)
			return (s);
	}
	return (NULL);
}

struct credential *
state_credential(const struct vault *v, const char *name)
{
	struct credential	 key;

	key.o.name = name;
	return (RB_FIND(credentials, (struct credentials *)(uintptr_t)
	    &v->credentials, &key));
}

int
state_token_expired(const struct token *t, int64_t wall, uint64_t mono)
{
	return (t->o.expires_at != 0 &&
	    (wall >= t->o.expires_at || mono >= t->deadline));
}
