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

#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "codes.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "revoke.h"
#include "scope.h"

/* One REVOKE that was sent and is not acknowledged. */
struct wait {
	uint64_t		 id;
	struct peer		*peer;
	struct revocation	*of;
	uint64_t		 sent;		/* monotonic us */
	int			 killed;
	TAILQ_ENTRY(wait)	 entry;		/* oldest first */
};

struct revocation {
	void		(*done)(void *, int);
	void		*arg;
	unsigned int	 waiting;
	int		 open;			/* revoke_end() is to come */
	int		 late;
};

static TAILQ_HEAD(, wait)	 waits = TAILQ_HEAD_INITIALIZER(waits);
static uint64_t			 last_id;

static void	tell(struct revocation *, struct peer *, int, int, uint64_t,
		    const struct rec_id *, uint32_t);
static void	wait_over(struct wait *, int);
static void	finish(struct revocation *);
static void	to_vault(struct revocation *, uint64_t, int, uint64_t);
static void	sweep_peer(struct revocation *, struct peer *);

struct revocation *
revoke_begin(void (*done)(void *, int), void *arg)
{
	struct revocation	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatal("revocation");
	r->done = done;
	r->arg = arg;
	r->open = 1;
	counters.revocations++;
	return (r);
}

void
revoke_end(struct revocation *r)
{
	r->open = 0;
	finish(r);
}

static void
finish(struct revocation *r)
{
	if (r->open || r->waiting > 0)
		return;
	if (r->done != NULL)
		r->done(r->arg, r->late);
	free(r);
}

static void
tell(struct revocation *r, struct peer *p, int mode, int gone,
    uint64_t service, const struct rec_id *ids, uint32_t n)
{
	struct msg_revoke	 m;
	struct wait		*w;

	if (n == 0)
		return;
	if ((w = calloc(1, sizeof(*w))) == NULL)
		fatal("revocation");
	w->id = ++last_id;
	w->peer = p;
	w->of = r;
	w->sent = loop_mono();
	TAILQ_INSERT_TAIL(&waits, w, entry);
	r->waiting++;
	memset(&m, 0, sizeof(m));
	m.id = w->id;
	m.mode = mode;
	m.gone = gone;
	m.service = service;
	m.scopes = ids;
	m.scopes_n = n;
	keyd_send(p->link, MSG_REVOKE, &m);
}

/* The scopes of a vault, worker by worker. */
static void
to_vault(struct revocation *r, uint64_t vault, int mode, uint64_t service)
{
	static struct rec_id	 ids[SCOPE_PEER_MAX];
	struct peer		*p;
	struct scope		*s;
	uint32_t		 n;

	LIST_FOREACH(p, &peers, entry) {
		n = 0;
		LIST_FOREACH(s, &p->scopes, peer_entry) {
			if (s->kind == SCOPE_WRITE && s->vault == vault)
				ids[n++].id = s->id;
		}
		tell(r, p, mode, 0, service, ids, n);
	}
}

void
revoke_stale(struct revocation *r, uint64_t vault)
{
	to_vault(r, vault, REVOKE_STALE, 0);
}

void
revoke_cut(struct revocation *r, uint64_t vault, uint64_t service)
{
	to_vault(r, vault, REVOKE_CUT, service);
}

/* Scopes and callers have numbers from one range, so one list holds both. */
static void
sweep_peer(struct revocation *r, struct peer *p)
{
	static struct rec_id	 ids[SCOPE_PEER_MAX];
	struct scope		*s, *snext;
	struct caller		*c, *cnext;
	uint32_t		 n = 0;

	LIST_FOREACH_SAFE(s, &p->scopes, peer_entry, snext) {
		if (scope_valid(s))
			continue;
		ids[n++].id = s->id;
		scope_end(s);
	}
	tell(r, p, REVOKE_CUT, 1, 0, ids, n);
	n = 0;
	LIST_FOREACH_SAFE(c, &p->callers, entry, cnext) {
		if (caller_valid(c))
			continue;
		ids[n++].id = c->id;
		caller_free(c);
	}
	tell(r, p, REVOKE_CUT, 1, 0, ids, n);
}

void
revoke_sweep(struct revocation *r)
{
	struct peer	*p;

	LIST_FOREACH(p, &peers, entry)
		sweep_peer(r, p);
}

static void
wait_over(struct wait *w, int late)
{
	struct revocation	*r = w->of;

	TAILQ_REMOVE(&waits, w, entry);
	free(w);
	r->waiting--;
	r->late |= late;
	finish(r);
}

int
revoke_acked(struct peer *p, uint64_t id)
{
	struct wait	*w;

	TAILQ_FOREACH(w, &waits, entry) {
		if (w->id == id && w->peer == p) {
			wait_over(w, 0);
			return (0);
		}
	}
	return (-1);
}

/* Its end does what it was asked for. */
void
revoke_peer_gone(struct peer *p)
{
	struct wait	*w;

 again:
	TAILQ_FOREACH(w, &waits, entry) {
		if (w->peer == p) {
			/* What is called may change the queue. */
			wait_over(w, 0);
			goto again;
		}
	}
}

void
revoke_tick(uint64_t mono)
{
	struct wait	*w;

 again:
	TAILQ_FOREACH(w, &waits, entry) {
		if (mono - w->sent < REVOKE_WAIT_MS * 1000)
			break;
		if (!w->killed) {
			w->killed = 1;
			counters.peers_killed++;
			log_warnx("%s does not acknowledge a revocation",
			    link_name(w->peer->link));
			proc_kill(w->peer->instance,
			    "a revocation was not acknowledged");
		}
		if (mono - w->sent >= REVOKE_LATE_MS * 1000) {
			wait_over(w, 1);
			goto again;
		}
	}
}
