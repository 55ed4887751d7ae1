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
#include <sys/socket.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "codes.h"

/*
 * Links between children.  Both ends of a link are made before the process at
 * the second one exists: a survivor gets its end at once and may use it, what
 * it sends waits in the kernel, and the other end waits here.
 */
static void	peers_buffer(int);
static void	peers_pair(struct child *, struct child *);
static void	peers_give(struct child *, const struct child *, int);
static void	peers_peer(struct child *, const struct link_peer *, int, int);
static void	peers_ends(struct child *);
static void	peers_gone(struct child *, const struct child *);
static void	peers_instances(struct child *);
static void	peers_ledger(struct child *);

void
peers_prepare(struct child *c)
{
	struct child	*o;

	do {
		arc4random_buf(&c->instance, sizeof(c->instance));
	} while (c->instance == 0 || start_find(PROC_MAX, c->instance) != c);
	if ((PROC_BIT(c->proc) & M_WORKERS) &&
	    (c->ledger = ledgers_create(c->instance)) == -1)
		fatal("%s: ledger page", c->name);
	TAILQ_FOREACH(o, &brokerd.children, entry) {
		if (o != c && o->prepared && msg_linked(c->proc, o->proc))
			peers_pair(c, o);
	}
	c->prepared = 1;
}

/*
 * What a worker writes for logd waits in the kernel while logd is in a long
 * commit: as much as its window holds, where the system gives so much.
 */
static void
peers_buffer(int fd)
{
	int	 size = LOG_BUFFER;

	while (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ==
	    -1 && size > LOG_BUFFER / 64)
		size /= 2;
}

static void
peers_pair(struct child *a, struct child *b)
{
	int	 fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fds) == -1)
		fatal("socketpair");
	if (b->proc == PROC_LOGD && (PROC_BIT(a->proc) & M_WORKERS))
		peers_buffer(fds[0]);
	if (a->proc == PROC_LOGD && (PROC_BIT(b->proc) & M_WORKERS))
		peers_buffer(fds[1]);
	peers_give(b, a, fds[1]);
	peers_give(a, b, fds[0]);
}

/* Give `to' its end of the link with `peer', now or when it has started. */
static void
peers_give(struct child *to, const struct child *peer, int fd)
{
	struct link_end		*e;
	struct link_peer	 who;

	who.proc = peer->proc;
	who.index = peer->index;
	who.instance = peer->instance;
	if (to->state >= CHILD_START && to->link != NULL) {
		peers_peer(to, &who, 0, fd);
		return;
	}
	if ((e = calloc(1, sizeof(*e))) == NULL)
		fatal("%s: links", to->name);
	e->peer = who;
	e->fd = fd;
	TAILQ_INSERT_TAIL(&to->ends, e, entry);
}

static void
peers_peer(struct child *to, const struct link_peer *who, int dead, int fd)
{
	struct msg_peer	 m;

	m.proc = who->proc;
	m.index = who->index;
	m.instance = who->instance;
	m.dead = dead;
	(void)link_send(to->link, MSG_PEER, &m, fd);
}

static void
peers_ends(struct child *c)
{
	struct link_end	*e;

	while ((e = TAILQ_FIRST(&c->ends)) != NULL) {
		TAILQ_REMOVE(&c->ends, e, entry);
		if (c->link != NULL)
			peers_peer(c, &e->peer, e->dead, e->fd);
		else
			close(e->fd);
		free(e);
	}
}

/*
 * The end of a dead process's link that another one has not got yet is of no
 * use, but for logd: what a worker has logged counts though it is dead.
 */
static void
peers_gone(struct child *c, const struct child *dead)
{
	struct link_end	*e, *next;

	TAILQ_FOREACH_SAFE(e, &c->ends, entry, next) {
		if (e->peer.instance != dead->instance)
			continue;
		if (c->proc == PROC_LOGD &&
		    (PROC_BIT(dead->proc) & M_WORKERS)) {
			e->dead = 1;
			continue;
		}
		TAILQ_REMOVE(&c->ends, e, entry);
		close(e->fd);
		free(e);
	}
}

void
peers_drop(struct child *c)
{
	struct child	*o;

	c->prepared = 0;
	peers_ends(c);
	TAILQ_FOREACH(o, &brokerd.children, entry)
		peers_gone(o, c);
	if (c->ledger != -1)
		ledgers_add(c->instance, c->ledger);
	c->ledger = -1;
}

/* logd must know who lives before it judges what the others left open. */
static void
peers_instances(struct child *logd)
{
	static struct rec_instance	 living[CONF_WORKERS_MAX * 2 + 8];
	struct msg_instances		 m;
	struct child			*c;

	m.living = living;
	m.living_n = 0;
	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (!c->prepared)
			continue;
		living[m.living_n].proc = c->proc;
		living[m.living_n].index = c->index;
		living[m.living_n++].instance = c->instance;
	}
	if (link_send(logd->link, MSG_INSTANCES, &m, -1) == -1)
		fatal("instances");
	ledgers_send(logd);
}

static void
peers_ledger(struct child *c)
{
	struct msg_file	 m;
	int		 fd;

	if ((fd = fcntl(c->ledger, F_DUPFD_CLOEXEC, 0)) == -1)
		fatal("%s: ledger page", c->name);
	memset(&m, 0, sizeof(m));
	m.kind = FILE_LEDGER;
	m.instance = c->instance;
	(void)link_send(c->link, MSG_FILE, &m, fd);
}

void
peers_send(struct child *c)
{
	if (c->ledger != -1)
		peers_ledger(c);
	if (c->proc == PROC_LOGD)
		peers_instances(c);
	peers_ends(c);
}

void
peers_again(struct child *c, enum proc proc, uint64_t instance)
{
	struct child	*o;

	if ((o = start_find(proc, instance)) == NULL || !o->prepared)
		return;
	if (!msg_linked(c->proc, o->proc)) {
		link_bad(c->link, "PEER_WANTED of a process without a link");
		return;
	}
	peers_pair(c, o);
}
