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
#include <sys/time.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include "admin.h"
#include "auth.h"
#include "ca.h"
#include "caller.h"
#include "codes.h"
#include "commit.h"
#include "keyd.h"
#include "keyring.h"
#include "log.h"
#include "login.h"
#include "loop.h"
#include "notice.h"
#include "onetime.h"
#include "proc.h"
#include "reveal.h"
#include "revoke.h"
#include "scope.h"
#include "seal.h"
#include "settings.h"
#include "state.h"
#include "view.h"
#include "worker.h"

#define TICK_MS		100	/* revocations are watched this closely */
#define TICKS_A_SECOND	(1000 / TICK_MS)

/* Messages that a peer may leave unread before it is not listened to. */
#define QUEUE_PAUSE	64
#define QUEUE_RESUME	16
/* And logd, before events are counted rather than sent. */
#define QUEUE_EVENTS	256

struct peers		 peers = LIST_HEAD_INITIALIZER(peers);
struct keyd_counters	 counters;

static struct link	*logd;
static struct event	 tick_ev;
static int		 started;
static int		 fresh;
static int		 serving;
static unsigned int	 skipped;	/* rows that belong to nothing */
static unsigned int	 ticks;

static void	init(int, char **);
static int	conf(struct msg *, char *, size_t);
static int	conf_file(struct msg_file *, int *, char *, size_t);
static void	start(int);
static void	stop(uint32_t);
static void	wipe(void);
static void	resume(void *);
static void	stats(void);
static void	tick(int, short, void *);
static int	ended(enum object_kind, uint64_t, const struct msg_blob *);
static void	expire(void);
static void	set_tick(void);
static void	load_done(uint64_t);
static void	logd_opened(struct link *);
static void	logd_closed(struct link *);
static void	logd_snapshot(struct link *, struct msg *);
static void	logd_committed(struct link *, struct msg *);
static void	logd_scope_closed(struct link *, struct msg *);
static void	logd_acked(struct link *, struct msg *);
static void	peer_opened(struct link *);
static void	peer_closed(struct link *);
static void	peer_revoked(struct link *, struct msg *);
static int	send_event(const struct msg_event *);

static const struct link_handler	logd_handlers[] = {
	{ MSG_SNAPSHOT,		logd_snapshot },
	{ MSG_COMMITTED,	logd_committed },
	{ MSG_SCOPE_CLOSED,	logd_scope_closed },
	{ MSG_ACK,		logd_acked },
	{ MSG_NONE,		NULL }
};

static const struct link_handler	worker_handlers[] = {
	{ MSG_AUTH,		worker_auth },
	{ MSG_LEASE,		worker_lease },
	{ MSG_MINT,		worker_mint },
	{ MSG_REVOKED,		peer_revoked },
	{ MSG_NONE,		NULL }
};

static const struct link_handler	api_handlers[] = {
	{ MSG_CALLER,		caller_request },
	{ MSG_CALLER_END,	caller_end },
	{ MSG_MAY,		caller_may },
	{ MSG_GET,		view_request },
	{ MSG_GET_CA,		view_ca },
	{ MSG_ADMIN,		admin_request },
	{ MSG_REVEAL,		reveal_request },
	{ MSG_REVOKED,		peer_revoked },
	{ MSG_NONE,		NULL }
};

static const struct proc_peer	links[] = {
	{ PROC_LOGD,		logd_handlers,	 logd_opened, logd_closed },
	{ PROC_MITM,		worker_handlers, peer_opened, peer_closed },
	{ PROC_PROXY,		worker_handlers, peer_opened, peer_closed },
	{ PROC_API_LOCAL,	api_handlers,	 peer_opened, peer_closed },
	{ PROC_API_TCP,		api_handlers,	 peer_opened, peer_closed },
	{ PROC_PARENT,		NULL,		 NULL,	      NULL }
};

static const struct proc_child	keyd = {
	.proc = PROC_KEYD,
	.promises = "stdio",
	.init = init,
	.conf = conf,
	.conf_file = conf_file,
	.activate = settings_activate,
	.peers = links,
	.start = start,
	.shutdown = stop,
	.stats = stats
};

int
main(int argc, char **argv)
{
	proc_main(argc, argv, &keyd);
}

static void
init(int argc, char **argv)
{
	seal_init();
	ca_init();
	state_init();
	notice_init(send_event);
	if (atexit(wipe) != 0)
		fatalx("atexit");
	evtimer_set(&tick_ev, tick, NULL);
	loop_hook(TURN_LINKS, resume, NULL);
}

static int
conf(struct msg *m, char *why, size_t len)
{
	if (m->type == MSG_CONF_LOG)
		settings_conf(&m->u.conf_log);
	return (0);
}

/* The key file of the first configuration is the one that counts. */
static int
conf_file(struct msg_file *m, int *fd, char *why, size_t len)
{
	if (m->kind != FILE_MASTER_KEY || serving)
		return (0);
	keyring_file(*fd);
	*fd = -1;
	return (0);
}

static void
start(int is_fresh)
{
	started = 1;
	fresh = is_fresh;
	if (logd != NULL)
		commit_opened(logd);
	set_tick();
}

static void
stop(uint32_t grace_ms)
{
	if (commit_not_durable() > 0)
		log_warnx("%u changes that were in force are not stored and "
		    "will be undone by the next start", commit_not_durable());
	evtimer_del(&tick_ev);
	proc_exit();
}

static void
wipe(void)
{
	scope_free_all();
	state_free();
	seal_free();
	ca_free();
	auth_free();
	onetime_free_all();
}

struct link *
keyd_logd(void)
{
	return (logd);
}

int
keyd_serving(void)
{
	return (serving);
}

int64_t
keyd_wall(void)
{
	return (loop_wall() / 1000000);
}

void
keyd_send(struct link *l, enum msg_type type, const void *m)
{
	if (link_send(l, type, m, -1) == -1)
		fatal("%s for %s", msg_desc(type)->rec.name, link_name(l));
	keyd_sent(l);
}

void
keyd_sent(struct link *l)
{
	struct peer	*p = link_arg(l);

	if (p == NULL || p->paused || link_queued(l) < QUEUE_PAUSE)
		return;
	/* It may be the burst of one turn. */
	link_flush(l);
	if (link_queued(l) < QUEUE_PAUSE)
		return;
	p->paused = 1;
	counters.peers_paused++;
	link_pause(l);
}

/* At the end of a turn, when all links have been written to. */
static void
resume(void *arg)
{
	struct peer	*p;

	LIST_FOREACH(p, &peers, entry) {
		if (!p->paused || link_queued(p->link) > QUEUE_RESUME)
			continue;
		p->paused = 0;
		link_resume(p->link);
	}
}

/*
 * logd.
 */

static void
logd_opened(struct link *l)
{
	logd = l;
	if (!started)
		return;
	/* A load that was cut short begins again. */
	if (!commit_is_loaded()) {
		state_free();
		skipped = 0;
	}
	commit_opened(l);
}

static void
logd_closed(struct link *l)
{
	if (l != logd)
		return;
	logd = NULL;
	notice_gone();
	commit_closed();
}

static void
logd_snapshot(struct link *l, struct msg *m)
{
	const struct rec_object	*o;
	uint32_t		 i;

	if (l != logd)
		return;
	if (!started || commit_is_loaded()) {
		if (m->u.snapshot.objects_n > 0 || !m->u.snapshot.last)
			link_bad(l, "unexpected SNAPSHOT");
		else
			commit_snapshot(l, m->u.snapshot.rev);
		notice_synced(m->u.snapshot.events);
		return;
	}
	for (i = 0; i < m->u.snapshot.objects_n; i++) {
		o = &m->u.snapshot.objects[i];
		if (state_apply(o, keyd_wall(), loop_mono()) == 0)
			continue;
		if (errno != ENOENT)
			fatal("the database holds an object (%s) that cannot "
			    "be read", object_name(o->kind));
		skipped++;
	}
	if (m->u.snapshot.last) {
		notice_synced(m->u.snapshot.events);
		load_done(m->u.snapshot.rev);
	}
}

/* Everything is here: open the keyring, or make one for a fresh database. */
static void
load_done(uint64_t rev)
{
	if (skipped > 0)
		log_warnx("%u rows of the control state belong to nothing "
		    "that is there and are left alone", skipped);
	if (state.keyring.id != 0) {
		keyring_open();
		serving = 1;
		commit_loaded(rev);
		proc_ready(0);
		return;
	}
	if (!fresh || rev != 0)
		fatalx("the database has no keyring although it is not new: "
		    "restore it from a backup, or move the state directory "
		    "away to begin anew");
	commit_loaded(rev);
	commit_submit(job_new(JOB_KEYRING, NULL, 0));
}

static void
logd_committed(struct link *l, struct msg *m)
{
	commit_committed(l, m);
	if (!serving && state.keyring.id != 0) {
		serving = 1;
		proc_ready(0);
	}
}

static void
logd_scope_closed(struct link *l, struct msg *m)
{
	scope_closed(m->u.scope_closed.scope);
}

static void
logd_acked(struct link *l, struct msg *m)
{
	if (l == logd && notice_acked(m->u.ack.seq) == -1)
		link_bad(l, "ACK without an EVENT");
}

static int
send_event(const struct msg_event *m)
{
	if (logd == NULL || link_queued(logd) > QUEUE_EVENTS)
		return (-1);
	keyd_send(logd, MSG_EVENT, m);
	return (0);
}

/*
 * Workers and apis.
 */

static void
peer_opened(struct link *l)
{
	struct peer	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("peer");
	p->link = l;
	p->proc = link_peer(l)->proc;
	p->instance = link_peer(l)->instance;
	p->mints = WORKER_MINTS;
	p->minted = loop_mono();
	LIST_INIT(&p->scopes);
	LIST_INIT(&p->callers);
	LIST_INSERT_HEAD(&peers, p, entry);
	link_setarg(l, p);
}

static void
peer_closed(struct link *l)
{
	struct peer	*p = link_arg(l);

	LIST_REMOVE(p, entry);
	caller_peer_gone(p);
	scope_peer_gone(p);
	commit_peer_gone(p);
	revoke_peer_gone(p);
	free(p);
	notice_flush();
}

static void
peer_revoked(struct link *l, struct msg *m)
{
	if (revoke_acked(link_arg(l), m->u.revoked.id) == -1)
		link_bad(l, "REVOKED without a REVOKE");
}

/*
 * Time.
 */

static void
set_tick(void)
{
	struct timeval	 tv = { 0, TICK_MS * 1000 };

	if (evtimer_add(&tick_ev, &tv) == -1)
		fatalx("evtimer_add failed");
}

static void
tick(int fd, short what, void *arg)
{
	const uint64_t	 mono = loop_mono();

	set_tick();
	revoke_tick(mono);
	commit_tick(mono);
	if (++ticks % TICKS_A_SECOND != 0)
		return;
	notice_tick(mono);
	scope_tick(mono);
	if (serving)
		expire();
}

/* Delete one here now; 1, or 0 if there are too many for the next sweep. */
static int
ended(enum object_kind kind, uint64_t id, const struct msg_blob *body)
{
	struct rec_object	 o;

	if (job_sweep_add(kind, id) == -1)
		return (0);
	memset(&o, 0, sizeof(o));
	o.kind = kind;
	o.op = OBJECT_DELETE;
	o.body = *body;
	(void)state_apply(&o, 0, 0);
	return (1);
}

/*
 * Tokens and logins that have ended go now, with what runs on them; their
 * rows follow when logd has nothing else to do.
 */
static void
expire(void)
{
	const int64_t		 wall = keyd_wall();
	const uint64_t		 mono = loop_mono();
	struct token		*t, *tnext;
	struct login		*l, *lnext;
	struct revocation	*r;
	int			 any = 0;

	RB_FOREACH_SAFE(t, tokens_byid, &state.tokens, tnext) {
		if (!state_token_expired(t, wall, mono))
			continue;
		any = 1;
		counters.tokens_expired += ended(OBJ_TOKEN, t->o.id,
		    &t->body);
	}
	for (l = login_next(NULL); l != NULL; l = lnext) {
		lnext = login_next(l);
		if (login_alive(l, wall, mono))
			continue;
		any = 1;
		counters.logins_ended += ended(OBJ_LOGIN, l->o.id, &l->body);
	}
	if (any) {
		r = revoke_begin(NULL, NULL);
		revoke_sweep(r);
		revoke_end(r);
	}
	if (job_sweep_wanted() && commit_idle())
		commit_submit(job_new(JOB_SWEEP, NULL, 0));
}

static void
stats(void)
{
	stats_add("auth_ok", counters.auth_ok);
	stats_add("auth_failed", counters.auth_failed);
	stats_add("auth_denied", counters.auth_denied);
	stats_add("auth_blocked", counters.auth_blocked);
	stats_add("auth_addresses", auth_addrs());
	stats_add("scopes", scope_count());
	stats_add("leases", counters.leases);
	stats_add("leases_failed", counters.leases_failed);
	stats_add("mints", counters.mints);
	stats_add("mints_limited", counters.mints_limited);
	stats_add("changes", counters.changes);
	stats_add("changes_refused", counters.changes_refused);
	stats_add("changes_not_durable", commit_not_durable());
	stats_add("reveals", counters.reveals);
	stats_add("revocations", counters.revocations);
	stats_add("peers_killed", counters.peers_killed);
	stats_add("peers_paused", counters.peers_paused);
	stats_add("tokens_expired", counters.tokens_expired);
	stats_add("logins", login_total());
	stats_add("logins_ended", counters.logins_ended);
	stats_add("revision", commit_rev());
}
