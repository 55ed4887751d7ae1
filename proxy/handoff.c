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

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

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
	TAILQ_ENTRY(handoff)	 entry;		/* of its mitm */
	struct client		*client;	/* NULL: cancelled */
	struct mitm		*mitm;
	uint32_t		 id;
	unsigned int		 asked;		/* mitms so far */
	struct cred		 cred;
	char			 host[256];
	uint16_t		 port;
};

struct mitm {
	TAILQ_ENTRY(mitm)	 entry;
	struct link		*link;
	TAILQ_HEAD(, handoff)	 waiting;	/* unacknowledged */
	unsigned int		 n;
};

static TAILQ_HEAD(, mitm)	 mitms = TAILQ_HEAD_INITIALIZER(mitms);
static unsigned int		 nmitms;
static uint32_t			 last_id;

static int	 handoff_send(struct handoff *);
static void	 handoff_next(struct handoff *);
static void	 handoff_free(struct handoff *);
static void	 handoff_off(struct handoff *);
static struct handoff	*handoff_find(struct link *, uint32_t);
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

/* The answer still comes, and finds nobody. */
void
handoff_cancel(struct handoff *h)
{
	if (h != NULL)
		h->client = NULL;
}

/* Off its mitm, which is not waited for any more. */
static void
handoff_off(struct handoff *h)
{
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

/* Whose turn it is, of those that have room. */
static struct mitm *
handoff_turn(void)
{
	struct mitm	*m;

	TAILQ_FOREACH(m, &mitms, entry) {
		if (m->n < HANDOFF_UNACKED)
			break;
	}
	if (m != NULL) {
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
	if (h->asked >= nmitms || early > EARLY_MAX ||
	    (m = handoff_turn()) == NULL)
		return (-1);
	if ((fd = fcntl(conn_fd(s->conn), F_DUPFD_CLOEXEC, 0)) == -1) {
		log_warn("tunnel");
		return (-1);
	}
	h->id = ++last_id;
	h->asked++;
	memset(&q, 0, sizeof(q));
	q.id = h->id;
	q.conn = s->number;
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
}

void
handoff_msg_busy(struct link *l, struct msg *m)
{
	struct handoff	*h;

	if ((h = handoff_find(l, m->u.tunnel_busy.id)) != NULL)
		handoff_next(h);
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
}
