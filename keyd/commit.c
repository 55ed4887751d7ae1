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

#include <inttypes.h>
#include <string.h>

#include "codes.h"
#include "commit.h"
#include "keyring.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "scope.h"

TAILQ_HEAD(jobs, job);

/* In their order; the head may be with logd. */
static struct jobs	 queue = TAILQ_HEAD_INITIALIZER(queue);
/* Durable, but a peer has not confirmed a revocation yet. */
static struct jobs	 finishing = TAILQ_HEAD_INITIALIZER(finishing);

static struct link	*logd;
static int		 loaded;	/* the state is there */
static int		 synced;	/* logd has answered SYNC */
static int		 failing;	/* see commit.h */
static uint64_t		 durable;	/* revision */
static uint64_t		 additions;	/* applied, since the start */
static uint64_t		 retry_at;
static unsigned int	 njobs;

static void	pump(void);
static int	prepare(struct job *);
static void	rebuild(struct job *);
static void	drop_gone(struct change *);
static int	send_commit(struct job *);
static void	became_durable(struct job *);
static void	was_refused(struct job *, const char *);
static void	fail_queue(void);
static void	settle(struct job *);
static void	drop(struct job *);

void
commit_opened(struct link *l)
{
	struct msg_sync	 m;

	logd = l;
	synced = 0;
	memset(&m, 0, sizeof(m));
	m.rev = durable;
	m.load = !loaded;
	m.scopes = scope_count();
	keyd_send(l, MSG_SYNC, &m);
	scope_repeat();
}

void
commit_closed(void)
{
	logd = NULL;
	synced = 0;
}

void
commit_loaded(uint64_t rev)
{
	loaded = 1;
	synced = 1;
	durable = rev;
	pump();
}

int
commit_is_loaded(void)
{
	return (loaded);
}

/*
 * After a restart of logd.  What was in doubt is sent again whether it was
 * committed or not: logd ignores a revision that it has.
 */
void
commit_snapshot(struct link *l, uint64_t rev)
{
	struct job	*j = TAILQ_FIRST(&queue);
	int		 doubt = j != NULL && j->state == JOB_SENT;

	if (synced) {
		link_bad(l, "unexpected SNAPSHOT");
		return;
	}
	if (rev != durable && !(doubt && rev == durable + 1))
		fatalx("the database is at revision %" PRIu64 ", but %" PRIu64
		    " was committed: it was replaced while brokerd ran", rev,
		    durable);
	synced = 1;
	if (doubt && send_commit(j) == -1)
		fatalx("revision %" PRIu64 " cannot be sent again", j->rev);
	pump();
}

const char *
commit_refusal(int takes)
{
	if (njobs >= COMMIT_QUEUE_MAX)
		return ("Too many changes are waiting to be stored");
	if (!takes && failing)
		return ("An earlier change could not be stored yet; nothing "
		    "is added before it is. See brokerctl status.");
	return (NULL);
}

int
commit_idle(void)
{
	return (TAILQ_EMPTY(&queue) && synced && !failing);
}

uint64_t
commit_rev(void)
{
	return (durable);
}

unsigned int
commit_not_durable(void)
{
	struct job	*j;
	unsigned int	 n = 0;

	TAILQ_FOREACH(j, &queue, entry)
		n += j->takes && j->failed;
	return (n);
}

void
commit_apply_first(struct job *j)
{
	j->seen = additions;
	job_apply(j, settle);
}

void
commit_submit(struct job *j)
{
	TAILQ_INSERT_TAIL(&queue, j, entry);
	njobs++;
	if (failing)
		j->failed = 1;
	settle(j);
	pump();
}

/* What an addition has removed meanwhile is not to be put back. */
static void
drop_gone(struct change *c)
{
	struct rec_object	*o;
	uint32_t		 i;

	for (i = 0; i < c->n; i++) {
		o = &c->objects[i];
		if (o->op != OBJECT_PUT)
			continue;
		if ((o->kind == OBJ_SERVICE &&
		    state_service(change_object_id(o)) == NULL) ||
		    (o->kind == OBJ_AGENT &&
		    state_agent(change_object_id(o)) == NULL))
			o->op = OBJECT_DELETE;
	}
}

/*
 * What was taken away may have come back with an addition that was with logd
 * at that time.  Look again, keep what was decided first, apply both.  That
 * there is nothing left to do is no refusal.
 */
static void
rebuild(struct job *j)
{
	struct change	 first = j->change;

	drop_gone(&first);
	j->ask.again = 1;
	if (job_build(j, durable + 1) == -1) {
		j->ask.status = 0;
		j->ask.code = "";
		j->ask.text[0] = '\0';
		msg_blob_free(&j->ask.result);
		j->change = first;
	} else {
		change_merge(&j->change, &first);
		msg_blob_free(&j->change.result);
		j->change.result = first.result;
		memset(&first.result, 0, sizeof(first.result));
		memcpy(j->change.detail, first.detail, sizeof(first.detail));
		j->change.status = first.status;
		change_free(&first);
	}
	change_sort(&j->change);
	commit_apply_first(j);
}

/* 0, or -1 when the job was refused and is gone. */
static int
prepare(struct job *j)
{
	if (j->takes) {
		if (j->seen != additions)
			rebuild(j);
		return (0);
	}
	if (job_build(j, durable + 1) == -1) {
		job_answer(j);
		drop(j);
		return (-1);
	}
	return (0);
}

static void
pump(void)
{
	struct job	*j;

	while (loaded && synced && (j = TAILQ_FIRST(&queue)) != NULL) {
		if (j->state == JOB_SENT ||
		    (j->state == JOB_RETRY && loop_mono() < retry_at))
			return;
		if (j->state == JOB_WAITING && prepare(j) == -1)
			continue;
		j->rev = durable + 1;
		if (send_commit(j) == 0) {
			j->state = JOB_SENT;
			return;
		}
		if (j->takes || j->kind == JOB_KEYRING)
			fatalx("revision %" PRIu64 " cannot be sent", j->rev);
		job_refuse(j, 413, "too_large",
		    "This is too much for one change");
		drop(j);
	}
}

static int
send_commit(struct job *j)
{
	struct msg_commit	 m;
	struct rec_audit	 audit;

	memset(&m, 0, sizeof(m));
	memset(&audit, 0, sizeof(audit));
	m.rev = j->rev;
	m.objects = j->change.objects;
	m.objects_n = j->change.n;
	if (j->kind == JOB_ADMIN || j->kind == JOB_REVEAL) {
		audit.actor_type = j->ask.who.actor_type;
		audit.actor = j->ask.who.actor;
		audit.actor_name = j->ask.who.name;
		audit.session = j->ask.who.session;
		audit.action = j->kind == JOB_ADMIN ? op_name(j->op) :
		    "credential.reveal";
		audit.detail = j->change.detail;
		audit.client = j->client;
		m.audit = &audit;
		m.audit_n = 1;
	}
	return (link_send(logd, MSG_COMMIT, &m, -1));
}

/* Whoever waits has been answered, or there is nobody. */
static void
drop(struct job *j)
{
	TAILQ_REMOVE(&queue, j, entry);
	njobs--;
	job_free(j);
	if (TAILQ_EMPTY(&queue))
		failing = 0;
}

/*
 * Answer when there is something to say and every peer has confirmed; free
 * what is done.
 */
static void
settle(struct job *j)
{
	if (j->waiting > 0)
		return;
	if (j->state == JOB_DURABLE || j->failed)
		job_answer(j);
	if (j->state == JOB_DURABLE) {
		TAILQ_REMOVE(&finishing, j, entry);
		njobs--;
		job_free(j);
	}
}

static void
became_durable(struct job *j)
{
	const int	 was_failing = failing;

	durable = j->rev;
	failing = 0;
	if (j->kind == JOB_ADMIN)
		counters.changes++;
	j->state = JOB_DURABLE;
	TAILQ_REMOVE(&queue, j, entry);
	TAILQ_INSERT_TAIL(&finishing, j, entry);
	if (was_failing) {
		log_info("changes are stored again");
		proc_stats();
	}
	if (j->kind == JOB_KEYRING)
		keyring_durable(&j->change);
	if (j->takes) {
		settle(j);
		return;
	}
	additions++;
	job_apply(j, settle);
}

static void
was_refused(struct job *j, const char *why)
{
	log_warnx("revision %" PRIu64 " could not be stored: %s", j->rev, why);
	if (j->kind == JOB_KEYRING)
		fatalx("the keyring could not be stored: %s", why);
	if (j->takes) {
		j->state = JOB_RETRY;
		retry_at = loop_mono() + COMMIT_RETRY_MS * 1000;
		fail_queue();
		return;
	}
	job_refuse(j, 503, "not_durable",
	    "This could not be stored, and nothing was changed; the text log "
	    "says why.");
	drop(j);
}

void
commit_committed(struct link *l, struct msg *m)
{
	struct job	*j = TAILQ_FIRST(&queue);

	/* The answer to something that was sent twice. */
	if (m->u.committed.rev <= durable && m->u.committed.ok)
		return;
	if (j == NULL || j->state != JOB_SENT ||
	    m->u.committed.rev != j->rev) {
		link_bad(l, "COMMITTED without a COMMIT");
		return;
	}
	if (m->u.committed.ok)
		became_durable(j);
	else if (l == logd)
		was_refused(j, m->u.committed.why);
	pump();
}

/*
 * Nothing gets through: tell who waits.  What takes away stays and is tried
 * again; what adds goes, but for one that is with logd, since nobody knows.
 */
static void
fail_queue(void)
{
	struct job	*j, *next;
	const int	 was_failing = failing;

	if (!failing)
		log_warnx("changes cannot be stored now; what was revoked is "
		    "in force until a restart");
	failing = 1;
	TAILQ_FOREACH_SAFE(j, &queue, entry, next) {
		if (j->kind == JOB_KEYRING)
			continue;
		if (j->takes) {
			j->failed = 1;
			settle(j);
		} else if (j->state == JOB_SENT)
			job_answer(j);
		else {
			job_refuse(j, 503, "not_durable",
			    "This could not be stored, and nothing was "
			    "changed.");
			drop(j);
		}
	}
	if (!was_failing)
		proc_stats();
}

void
commit_peer_gone(struct peer *p)
{
	struct job	*j;

	TAILQ_FOREACH(j, &queue, entry) {
		if (j->peer == p)
			j->peer = NULL;
	}
	TAILQ_FOREACH(j, &finishing, entry) {
		if (j->peer == p)
			j->peer = NULL;
	}
}

void
commit_tick(uint64_t mono)
{
	struct job	*j = TAILQ_FIRST(&queue);

	if (j != NULL && mono - j->since > COMMIT_WAIT_MS * 1000 &&
	    !j->answered)
		fail_queue();
	pump();
}
