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

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "caller.h"
#include "codes.h"
#include "job.h"
#include "keyring.h"
#include "log.h"
#include "login.h"
#include "loop.h"
#include "reveal.h"
#include "revoke.h"
#include "scope.h"
#include "service.h"

#define SWEEP_MAX	256
#define CUTS_MAX	16	/* services; more are cut all together */

/* What a change cuts and makes stale, found before it is applied. */
struct effect {
	uint64_t	 stale;			/* vault, or 0 */
	uint64_t	 cut[CUTS_MAX];
	unsigned int	 ncuts;
	int		 cut_all;
};

/* The end of one revocation of a job. */
struct pending {
	struct job	*job;
	void		(*done)(struct job *);
};

/* What has ended and is to be deleted. */
static struct {
	enum object_kind	 kind;
	uint64_t		 id;
}			 sweep[SWEEP_MAX];
static unsigned int	 nsweep;

static int	build_admin(struct job *);
static int	build_sweep(struct job *);
static void	effect_of(const struct rec_object *, struct effect *);
static void	effect_cut(struct effect *, const struct service *);
static void	effect_credential(struct effect *, const struct credential *);
static void	confirmed(void *, int);
static void	not_durable(struct job *);

struct job *
job_new(enum job_kind kind, struct peer *p, uint32_t id)
{
	struct job	*j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		fatal("job");
	j->kind = kind;
	j->peer = p;
	j->id = id;
	j->since = loop_mono();
	j->ask.code = "";
	return (j);
}

void
job_free(struct job *j)
{
	change_free(&j->change);
	msg_blob_free(&j->body);
	msg_blob_free(&j->ask.result);
	arena_free(&j->arena);
	freezero(j, sizeof(*j));
}

/*
 * The right is looked at again: it may have gone while the job waited.
 */
static int
build_admin(struct job *j)
{
	const struct vault	*v = NULL;
	struct refusal		 r;

	if (!j->ask.again && !auth_good(&j->ask.who, j->ask.now,
	    loop_mono()))
		return (op_refuse(&j->ask, 401, "unauthorized",
		    "Invalid or expired token"));
	if (j->ask.vault != 0) {
		v = op_vault(&j->ask);
		if (v == NULL || (!v->named && !j->ask.again))
			return (op_refuse(&j->ask, 404, "vault_not_found",
			    "Vault not found"));
	}
	if (!j->ask.again && right_check(&j->ask.who, RIGHT_OP, j->op, v,
	    &r) == -1)
		return (op_refuse(&j->ask, r.status, r.code, "%s", r.text));
	return (op_function(j->op)(&j->ask, &j->args, &j->change));
}

static int
build_sweep(struct job *j)
{
	unsigned int	 i;

	for (i = 0; i < nsweep; i++)
		change_delete(&j->change, sweep[i].kind, sweep[i].id);
	nsweep = 0;
	login_store(&j->change);
	return (0);
}

int
job_sweep_add(enum object_kind kind, uint64_t id)
{
	if (nsweep == SWEEP_MAX)
		return (-1);
	sweep[nsweep].kind = kind;
	sweep[nsweep++].id = id;
	return (0);
}

int
job_sweep_wanted(void)
{
	return (nsweep > 0 || login_due());
}

int
job_build(struct job *j, uint64_t rev)
{
	int	 rc = -1;

	change_init(&j->change, rev);
	j->ask.now = keyd_wall();
	switch (j->kind) {
	case JOB_ADMIN:
		rc = build_admin(j);
		break;
	case JOB_REVEAL:
		rc = reveal_build(j);
		break;
	case JOB_SWEEP:
		rc = build_sweep(j);
		break;
	case JOB_KEYRING:
		rc = keyring_build(&j->change, j->ask.now);
		break;
	}
	if (rc == 0 && j->change.failed)
		rc = op_refuse(&j->ask, 413, "too_large",
		    "This is too much for one change");
	if (rc == -1)
		change_free(&j->change);
	else
		change_sort(&j->change);
	return (rc);
}

static void
effect_cut(struct effect *e, const struct service *s)
{
	unsigned int	 i;

	for (i = 0; i < e->ncuts; i++) {
		if (e->cut[i] == s->o.id)
			return;
	}
	if (e->ncuts == CUTS_MAX)
		e->cut_all = 1;
	else
		e->cut[e->ncuts++] = s->o.id;
}

/* A credential that goes takes what runs with it along. */
static void
effect_credential(struct effect *e, const struct credential *c)
{
	const struct service	*s;

	TAILQ_FOREACH(s, &c->vault->services, entry) {
		if (service_uses(&s->o, c->o.name))
			effect_cut(e, s);
	}
}

/*
 * Vaults, tokens, grants and agents need no effect of their own: what they
 * take away is found by revoke_sweep().
 */
static void
effect_of(const struct rec_object *o, struct effect *e)
{
	struct rec_obj_service		 so;
	struct rec_obj_credential	 co;
	struct rec_obj_vault		 vo;
	const struct service		*s;
	const struct credential		*c;
	struct credential		 key;

	switch (o->kind) {
	case OBJ_SERVICE:
		if (rec_from_blob(&o->body, &desc_obj_service, &so,
		    NULL) == -1)
			break;
		s = state_service(so.id);
		if (s != NULL)
			e->stale = s->vault->o.id;
		else if (o->op == OBJECT_PUT)
			e->stale = so.vault;
		if (s != NULL && (o->op == OBJECT_DELETE ||
		    (s->o.enabled && !so.enabled)))
			effect_cut(e, s);
		break;
	case OBJ_CREDENTIAL:
		if (rec_from_blob(&o->body, &desc_obj_credential, &co,
		    NULL) == -1)
			break;
		key.o.id = co.id;
		c = RB_FIND(credentials_byid, &state.credentials, &key);
		e->stale = c != NULL ? c->vault->o.id : co.vault;
		if (c != NULL && o->op == OBJECT_DELETE)
			effect_credential(e, c);
		break;
	case OBJ_VAULT:
		if (rec_from_blob(&o->body, &desc_obj_vault, &vo,
		    NULL) == 0 && vo.deleted_at == 0)
			e->stale = vo.id;
		break;
	}
}

static void
confirmed(void *arg, int late)
{
	struct pending	*p = arg;
	struct job	*j = p->job;
	void		(*done)(struct job *) = p->done;

	free(p);
	j->waiting--;
	j->late |= late;
	done(j);
}

void
job_apply(struct job *j, void (*done)(struct job *))
{
	struct effect		 e;
	struct pending		*p;
	struct revocation	*r;
	uint32_t		 i;
	int			 renamed = 0;

	memset(&e, 0, sizeof(e));
	for (i = 0; i < j->change.n; i++)
		effect_of(&j->change.objects[i], &e);
	for (i = 0; i < j->change.n; i++) {
		/* ENOENT: what it belongs to went while it was committed. */
		if (state_apply(&j->change.objects[i], keyd_wall(),
		    loop_mono()) == -1 && errno != ENOENT)
			fatal("revision %llu does not fit the state",
			    (unsigned long long)j->rev);
		renamed |= j->change.objects[i].kind == OBJ_AGENT;
	}
	if (renamed) {
		scope_renamed();
		caller_renamed();
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("job");
	p->job = j;
	p->done = done;
	j->waiting++;
	r = revoke_begin(confirmed, p);
	revoke_sweep(r);
	if (e.stale != 0 && e.cut_all)
		revoke_cut(r, e.stale, 0);
	for (i = 0; e.stale != 0 && !e.cut_all && i < e.ncuts; i++)
		revoke_cut(r, e.stale, e.cut[i]);
	if (e.stale != 0)
		revoke_stale(r, e.stale);
	revoke_end(r);
}

void
job_refuse(struct job *j, uint16_t status, const char *code, const char *text)
{
	(void)op_refuse(&j->ask, status, code, "%s", text);
	job_answer(j);
}

static void
not_durable(struct job *j)
{
	if (j->takes)
		(void)op_refuse(&j->ask, 503, "not_durable",
		    "This is in force, but could not be stored yet: a restart "
		    "of brokerd before that succeeds would undo it. It is "
		    "tried again until it does; see brokerctl status.");
	else
		(void)op_refuse(&j->ask, 503, "not_durable",
		    "This could not be stored in time; whether it was will "
		    "show when the log process is back.");
}

void
job_answer(struct job *j)
{
	struct msg_done	 m;

	if (j->answered)
		return;
	j->answered = 1;
	if (j->ask.status == 0 && j->state != JOB_DURABLE)
		not_durable(j);
	else if (j->ask.status == 0 && j->late)
		(void)op_refuse(&j->ask, 503, "not_in_force",
		    "This is stored, but a process that must obey it has not "
		    "confirmed it.");
	if (j->ask.status != 0)
		counters.changes_refused++;
	if (j->peer == NULL)
		return;
	if (j->kind == JOB_REVEAL) {
		reveal_answer(j);
		return;
	}
	memset(&m, 0, sizeof(m));
	m.id = j->id;
	m.status = j->ask.status != 0 ? j->ask.status : j->change.status;
	m.code = j->ask.code;
	m.text = j->ask.text;
	m.result = j->ask.status != 0 ? j->ask.result : j->change.result;
	keyd_send(j->peer->link, MSG_DONE, &m);
	/* A token's text has left; it is not kept until the job ends. */
	msg_blob_free(&j->change.result);
}
