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

#include <stdlib.h>
#include <string.h>

#include "ca.h"
#include "caller.h"
#include "codes.h"
#include "log.h"
#include "login.h"
#include "op.h"
#include "service.h"
#include "settings.h"
#include "state.h"
#include "view.h"

#define PAGE_MAX	1024
#define PAGE_BYTES	(90 * 1024)

/*
 * A page that is being made.  The cursor counts the objects that were looked
 * at, in the order of the list; what changes between two pages may be seen
 * twice or not at all, as with any list that is read in pieces.
 */
struct page {
	const struct caller	*caller;
	struct vault		*vault;
	const char		*key;
	uint8_t			 kind;
	uint64_t		 skip;		/* the cursor that came */
	uint64_t		 seen;
	uint64_t		 cursor;	/* to go on from, 0: the end */
	size_t			 bytes;
	struct rec_object	*objects;
	uint32_t		 n;
	struct op_ask		 ask;		/* a refusal */
};

static int	add(struct page *, const void *);
static int	wanted(struct page *);
static void	page_free(struct page *);
static int	view_vaults(struct page *);
static int	view_vault(struct page *);
static int	view_agents(struct page *);
static int	view_agent(struct page *);
static int	add_agent(struct page *, const struct agent *);
static int	view_grants(struct page *);
static int	view_services(struct page *);
static int	view_service(struct page *);
static int	view_usage(struct page *);
static int	view_credentials(struct page *);
static int	view_sessions(struct page *);
static int	by_age(const void *, const void *);
static int	view_admin_vaults(struct page *);
static int	view_settings(struct page *);
static int	view_logins(struct page *);

static int	(*const views[VIEW_MAX])(struct page *) = {
	[VIEW_VAULTS] =		view_vaults,
	[VIEW_VAULT] =		view_vault,
	[VIEW_AGENTS] =		view_agents,
	[VIEW_AGENT] =		view_agent,
	[VIEW_GRANTS] =		view_grants,
	[VIEW_SERVICES] =	view_services,
	[VIEW_SERVICE] =	view_service,
	[VIEW_USAGE] =		view_usage,
	[VIEW_CREDENTIALS] =	view_credentials,
	[VIEW_SESSIONS] =	view_sessions,
	[VIEW_ADMIN_VAULTS] =	view_admin_vaults,
	[VIEW_SETTINGS] =	view_settings,
	[VIEW_LOGINS] =		view_logins
};

/* Whether the next object belongs to this page. */
static int
wanted(struct page *p)
{
	return (p->cursor == 0 && p->seen++ >= p->skip);
}

/* -1 when the page is full: the object is the first of the next one. */
static int
add(struct page *p, const void *rec)
{
	struct rec_object	*o;

	if (p->n == PAGE_MAX || p->bytes > PAGE_BYTES) {
		p->cursor = p->seen - 1;
		return (-1);
	}
	o = &p->objects[p->n];
	o->kind = p->kind;
	if (rec_to_blob(view_desc(p->kind), rec, &o->body) == -1)
		fatal("view");
	p->bytes += o->body.len + 8;
	p->n++;
	return (0);
}

static void
page_free(struct page *p)
{
	uint32_t	 i;

	for (i = 0; i < p->n; i++)
		msg_blob_free(&p->objects[i].body);
	free(p->objects);
	msg_blob_free(&p->ask.result);
}

void
view_request(struct link *l, struct msg *m)
{
	const struct msg_get	*g = &m->u.get;
	struct page		 p;
	struct refusal		 r = { 200, "", "" };
	struct msg_objects	 a;

	if (g->kind >= VIEW_MAX) {
		link_bad(l, "unknown view");
		return;
	}
	memset(&p, 0, sizeof(p));
	memset(&a, 0, sizeof(a));
	p.caller = caller_find(link_arg(l), g->caller);
	p.key = g->key;
	p.kind = g->kind;
	p.skip = g->cursor;
	if ((p.objects = calloc(PAGE_MAX, sizeof(*p.objects))) == NULL)
		fatal("view");
	if (caller_right(p.caller, RIGHT_VIEW, g->kind, g->vault, &p.vault,
	    &r) == 0 && views[g->kind](&p) == -1) {
		r.status = p.ask.status;
		r.code = p.ask.code;
		r.text = p.ask.text;
	}
	a.id = g->id;
	a.status = r.status;
	a.code = r.code;
	a.text = r.text;
	a.cursor = p.cursor;
	a.objects = p.objects;
	a.objects_n = p.n;
	keyd_send(l, MSG_OBJECTS, &a);
	page_free(&p);
}

/* The vaults that the caller has a role in; owners see that others exist. */
static int
view_vaults(struct page *p)
{
	const int		 all =
	    right_instance_role(&p->caller->who) == IROLE_OWNER;
	struct rec_view_vault	 view;
	struct vault		*v;
	enum vault_role		 role;

	RB_FOREACH(v, vaults_byname, &state.vaults_named) {
		role = right_role(&p->caller->who, v);
		if ((role == ROLE_NONE && !all) || !wanted(p))
			continue;
		op_view_vault(v, role, &view);
		if (add(p, &view) == -1)
			break;
	}
	return (0);
}

static int
view_vault(struct page *p)
{
	struct rec_view_vault	 view;

	op_view_vault(p->vault, right_role(&p->caller->who, p->vault),
	    &view);
	return (add(p, &view));
}

/* Every vault, those that were deleted too, for the log's sake. */
static int
view_admin_vaults(struct page *p)
{
	struct rec_view_vault	 view;
	struct vault		*v;

	RB_FOREACH(v, vaults_byid, &state.vaults) {
		if (!wanted(p))
			continue;
		op_view_vault(v, right_role(&p->caller->who, v), &view);
		if (add(p, &view) == -1)
			break;
	}
	return (0);
}

static int
view_settings(struct page *p)
{
	struct rec_view_settings	 view;

	settings_view(&view);
	return (wanted(p) ? add(p, &view) : 0);
}

static int
add_agent(struct page *p, const struct agent *a)
{
	struct rec_view_agent	 view;
	struct rec_vaultrole	 roles[STATE_GRANTS_MAX];
	const struct grant	*g;
	const struct token	*t;

	memset(&view, 0, sizeof(view));
	view.uuid = a->o.uuid;
	view.name = a->o.name;
	view.role = a->o.role;
	view.status = a->o.status;
	view.created_by = a->o.created_by;
	view.created_at = a->o.created_at;
	view.updated_at = a->o.updated_at;
	view.revoked_at = a->o.revoked_at;
	LIST_FOREACH(t, &a->tokens, agent_entry)
		view.active_tokens += t->o.kind == TOKEN_AGENT;
	LIST_FOREACH(g, &a->grants, agent_entry) {
		if (view.vaults_n == STATE_GRANTS_MAX)
			break;
		roles[view.vaults_n].vault = g->vault->o.name;
		roles[view.vaults_n].role = g->o.role;
		view.vaults_n++;
	}
	view.vaults = roles;
	return (add(p, &view));
}

static int
view_agents(struct page *p)
{
	struct agent	*a;

	RB_FOREACH(a, agents_byname, &state.agents_named) {
		if (wanted(p) && add_agent(p, a) == -1)
			break;
	}
	return (0);
}

static int
view_agent(struct page *p)
{
	struct agent	*a = state_agent_named(p->key);

	if (op_found(&p->ask, a, "Agent") == -1)
		return (-1);
	return (add_agent(p, a));
}

static int
view_grants(struct page *p)
{
	struct rec_view_grant	 view;
	struct agent		*a;
	const struct grant	*g;

	RB_FOREACH(a, agents_byname, &state.agents_named) {
		if ((g = state_grant(a, p->vault)) == NULL || !wanted(p))
			continue;
		memset(&view, 0, sizeof(view));
		view.uuid = a->o.uuid;
		view.agent = a->o.name;
		view.vault_role = g->o.role;
		view.status = a->o.status;
		view.created_at = g->o.created_at;
		if (add(p, &view) == -1)
			break;
	}
	return (0);
}

static int
view_services(struct page *p)
{
	const struct service	*s;

	TAILQ_FOREACH(s, &p->vault->services, entry) {
		if (wanted(p) && add(p, &s->o) == -1)
			break;
	}
	return (0);
}

/* For an ambiguous reference the candidates come with the 409. */
static int
view_service(struct page *p)
{
	const struct service	*s;
	char			 host[SERVICE_HOST_MAX + 1];

	if ((s = op_service_find(&p->ask, p->vault, p->key)) != NULL)
		return (add(p, &s->o));
	if (p->ask.status != 409 || service_host(p->key, strlen(p->key), 1,
	    host, sizeof(host)) == -1)
		return (-1);
	TAILQ_FOREACH(s, &p->vault->services, entry) {
		if (strcmp(s->o.host, host) == 0 && add(p, &s->o) == -1)
			break;
	}
	return (-1);
}

static int
view_usage(struct page *p)
{
	struct rec_view_usage	 view;
	const struct service	*s;
	char			 host[SERVICE_JOINED_SIZE];

	TAILQ_FOREACH(s, &p->vault->services, entry) {
		if (!service_uses(&s->o, p->key) || !wanted(p))
			continue;
		service_join(&s->o, host, sizeof(host));
		view.name = s->o.name;
		view.host = host;
		if (add(p, &view) == -1)
			break;
	}
	return (0);
}

static int
view_credentials(struct page *p)
{
	struct rec_view_credential	 view;
	struct credential		*c;

	RB_FOREACH(c, credentials, &p->vault->credentials) {
		if (!wanted(p))
			continue;
		view.key = c->o.name;
		view.created_at = c->o.created_at;
		view.updated_at = c->o.updated_at;
		if (add(p, &view) == -1)
			break;
	}
	return (0);
}

static int
by_age(const void *x, const void *y)
{
	const struct token	*a = *(const struct token *const *)x;
	const struct token	*b = *(const struct token *const *)y;

	return (a->o.id > b->o.id ? -1 : a->o.id < b->o.id);
}

/* The youngest first. */
static int
view_sessions(struct page *p)
{
	const struct token	*list[STATE_SESSIONS_MAX] = { NULL }, *t;
	struct rec_view_session	 view;
	size_t			 i, n = 0;

	LIST_FOREACH(t, &p->vault->tokens, vault_entry) {
		if (n < STATE_SESSIONS_MAX)
			list[n++] = t;
	}
	qsort(list, n, sizeof(list[0]), by_age);
	for (i = 0; i < n; i++) {
		t = list[i];
		if (!wanted(p))
			continue;
		memset(&view, 0, sizeof(view));
		view.public_id = t->o.public_id;
		view.label = t->o.label;
		view.created_by = t->o.minter;
		view.created_name = t->agent != NULL ? t->agent->o.name :
		    t->o.minter;
		view.minter_type = t->o.minter_type;
		view.role = t->o.role;
		view.created_at = t->o.created_at;
		view.expires_at = t->o.expires_at;
		if (add(p, &view) == -1)
			break;
	}
	return (0);
}

/* The caller's own: those that hang on the same token, or on none. */
static int
view_logins(struct page *p)
{
	const struct principal	*who = &p->caller->who;
	const struct login	*l = NULL;
	struct rec_view_login	 view;

	while ((l = login_next(l)) != NULL) {
		if (l->o.token != who->token || !wanted(p))
			continue;
		memset(&view, 0, sizeof(view));
		view.public_id = l->o.public_id;
		view.actor = l->o.actor;
		view.current = l->o.id == who->login;
		view.idle = l->o.idle;
		view.created_at = l->o.created_at;
		view.used_at = l->used;
		view.expires_at = l->o.expires_at;
		if (add(p, &view) == -1)
			break;
	}
	return (0);
}

void
view_ca(struct link *l, struct msg *m)
{
	char		 pem[4096];
	struct msg_ca	 a;
	int		 len;

	memset(&a, 0, sizeof(a));
	a.id = m->u.get_ca.id;
	a.initialized = state_initialized();
	if ((len = ca_pem(pem, sizeof(pem))) == -1)
		a.status = 503;
	else {
		a.status = 200;
		a.pem.data = (const uint8_t *)pem;
		a.pem.len = len;
	}
	keyd_send(l, MSG_CA, &a);
}
