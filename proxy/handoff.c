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

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include "buf.h"
#include "client.h"
#include "conn.h"
#include "cred.h"
#include "handoff.h"
#include "link.h"
#include "log.h"
#include "loop.h"

#define EARLY_MAX	65536		/* as in the catalogue */

struct handoff {
	TAILQ_ENTRY(handoff)	 entry;		/* of its mitm, or queued */
	struct client		*client;	/* NULL: cancelled */
	struct mitm		*mitm;		/* NULL: queued, or nowhere */
	int			 queued;
	uint64_t		 deadline;	/* monotonic, of a queued one */
	uint32_t		 id;
	unsigned int		 asked;		/* mitms so far */
	struct cred		 cred;
	char			 host[256];
	uint16_t		 port;
};

TAILQ_HEAD(handoffs, handoff);

struct mitm {
	TAILQ_ENTRY(mitm)	 entry;
	struct link		*link;
	struct handoffs		 waiting;	/* unacknowledged */
	unsigned int		 n;
};

static TAILQ_HEAD(, mitm)	 mitms = TAILQ_HEAD_INITIALIZER(mitms);
static unsigned int		 nmitms;
static uint32_t			 last_id;

/* While no mitm takes more, in the order in which they came. */
static struct handoffs		 queue = TAILQ_HEAD_INITIALIZER(queue);
static struct event		 timer;

static int	 handoff_send(struct handoff *);
static void	 handoff_queue(struct handoff *);
static void	 handoff_pump(void);
static void	 handoff_arm(void);
static void	 handoff_late(int, short, void *);
static void	 handoff_next(struct handoff *);
static void	 handoff_free(struct handoff *);
static void	 handoff_off(struct handoff *);
static struct handoff	*handoff_find(struct link *, uint32_t);
static struct mitm	*handoff_room(void);
static struct mitm	*handoff_turn(void);

struct handoff *
handoff_start(struct client *c, const struct cred *cred, const char *host,
    uint16_t port)
{
	struct handoff	*h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("tunnel");
	h->client = c;
	h->cred = *cred;
	(void)strlcpy(h->host, host, sizeof(h->host));
	h->port = port;
	if (handoff_send(h) == -1) {
		handoff_free(h);
		return (NULL);
	}
	return (h);
}

/* The answer to one that was sent still comes, and finds nobody. */
void
handoff_cancel(struct handoff *h)
{
	if (h == NULL)
		return;
	h->client = NULL;
	if (h->queued)
		handoff_free(h);
}

/* Off its mitm or the queue, which is not waited for any more. */
static void
handoff_off(struct handoff *h)
{
	if (h->queued) {
		TAILQ_REMOVE(&queue, h, entry);
		h->queued = 0;
	}
	if (h->mitm == NULL)
		return;
	TAILQ_REMOVE(&h->mitm->waiting, h, entry);
	h->mitm->n--;
	h->mitm = NULL;
}

static void
handoff_free(struct handoff *h)
{
	handoff_off(h);
	cred_clear(&h->cred);
	free(h);
}

static struct mitm *
handoff_room(void)
{
	struct mitm	*m;

	TAILQ_FOREACH(m, &mitms, entry) {
		if (m->n < HANDOFF_UNACKED)
			break;
	}
	return (m);
}

/* Whose turn it is, of those that have room. */
static struct mitm *
handoff_turn(void)
{
	struct mitm	*m;

	if ((m = handoff_room()) != NULL) {
		TAILQ_REMOVE(&mitms, m, entry);
		TAILQ_INSERT_TAIL(&mitms, m, entry);
	}
	return (m);
}

static int
handoff_send(struct handoff *h)
{
	struct serve		*s = &h->client->serve;
	struct buf		*in = conn_in(s->conn);
	struct msg_tunnel	 q;
	struct mitm		*m;
	size_t			 early;
	int			 fd;

	early = buf_len(in) - s->head.length;
	if (h->asked >= nmitms || early > EARLY_MAX)
		return (-1);
	if ((m = handoff_turn()) == NULL) {
		handoff_queue(h);
		return (0);
	}
	if ((fd = fcntl(conn_fd(s->conn), F_DUPFD_CLOEXEC, 0)) == -1) {
		log_warn("tunnel");
		return (-1);
	}
	h->id = ++last_id;
	h->asked++;
	memset(&q, 0, sizeof(q));
	q.id = h->id;
	q.minor = s->head.version == 11;
	q.client = s->client;
	q.token = h->cred.token;
	q.vault = h->cred.vault;
	q.host = h->host;
	q.port = h->port;
	q.early.data = buf_data(in) + s->head.length;
	q.early.len = early;
	if (link_send(m->link, MSG_TUNNEL, &q, fd) == -1) {
		log_warn("tunnel");
		return (-1);
	}
	h->mitm = m;
	TAILQ_INSERT_TAIL(&m->waiting, h, entry);
	m->n++;
	return (0);
}

/* As many as there are clients, at most. */
static void
handoff_queue(struct handoff *h)
{
	h->queued = 1;
	h->deadline = loop_mono() + HANDOFF_WAIT_MS * 1000;
	TAILQ_INSERT_TAIL(&queue, h, entry);
	if (TAILQ_FIRST(&queue) == h)
		handoff_arm();
}

static void
handoff_arm(void)
{
	const struct handoff	*h = TAILQ_FIRST(&queue);
	const uint64_t		 now = loop_mono();
	struct timeval		 tv = { 0, 0 };
	static int		 made;

	if (h->deadline > now) {
		tv.tv_sec = (h->deadline - now) / 1000000;
		tv.tv_usec = (h->deadline - now) % 1000000;
	}
	if (!made)
		evtimer_set(&timer, handoff_late, NULL);
	made = 1;
	evtimer_add(&timer, &tv);
}

static void
handoff_late(int fd, short what, void *arg)
{
	struct handoff	*h;
	struct client	*c;

	while ((h = TAILQ_FIRST(&queue)) != NULL &&
	    h->deadline <= loop_mono()) {
		c = h->client;
		handoff_free(h);
		client_busy(c);
	}
	if (h != NULL)
		handoff_arm();
}

/* A mitm has answered or is new, or one has gone. */
static void
handoff_pump(void)
{
	struct handoff	*h;
	struct client	*c;

	while ((h = TAILQ_FIRST(&queue)) != NULL && (nmitms == 0 ||
	    handoff_room())) {
		handoff_off(h);
		if (handoff_send(h) == 0)
			continue;
		c = h->client;
		handoff_free(h);
		client_busy(c);
	}
}

/* One that was cancelled is nobody's concern any more. */
static void
handoff_next(struct handoff *h)
{
	struct client	*c = h->client;

	handoff_off(h);
	if (c != NULL && handoff_send(h) == 0)
		return;
	handoff_free(h);
	if (c != NULL)
		client_busy(c);
}

static struct handoff *
handoff_find(struct link *l, uint32_t id)
{
	struct mitm	*m = link_arg(l);
	struct handoff	*h;

	TAILQ_FOREACH(h, &m->waiting, entry) {
		if (h->id == id)
			return (h);
	}
	link_bad(l, "answer to no tunnel");
	return (NULL);
}

void
handoff_msg_ack(struct link *l, struct msg *m)
{
	struct handoff	*h;
	struct client	*c;

	if ((h = handoff_find(l, m->u.tunnel_ack.id)) == NULL)
		return;
	c = h->client;
	handoff_free(h);
	if (c != NULL)
		client_handed(c);
	handoff_pump();
}

void
handoff_msg_busy(struct link *l, struct msg *m)
{
	struct handoff	*h;

	if ((h = handoff_find(l, m->u.tunnel_busy.id)) == NULL)
		return;
	handoff_next(h);
	handoff_pump();
}

void
handoff_opened(struct link *l)
{
	struct mitm	*m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("mitm");
	m->link = l;
	TAILQ_INIT(&m->waiting);
	TAILQ_INSERT_HEAD(&mitms, m, entry);
	nmitms++;
	link_setarg(l, m);
	handoff_pump();
}

/* What it had not acknowledged goes to the next one, in its order. */
void
handoff_closed(struct link *l)
{
	struct mitm	*m = link_arg(l);
	struct handoff	*h;

	TAILQ_REMOVE(&mitms, m, entry);
	nmitms--;
	while ((h = TAILQ_FIRST(&m->waiting)) != NULL) {
		if (h->asked > 0)
			h->asked--;
		handoff_next(h);
	}
	free(m);
	handoff_pump();
}
