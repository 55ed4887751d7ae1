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
#include <sys/time.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include "log.h"
#include "proc.h"

#define WANTED_MS	200

/*
 * The two-phase configuration, seen from a child.  The parent is trusted
 * more than any child, so a message out of its order is fatal.
 */
static struct {
	enum { IDLE, OPEN, PENDING }	 state;
	uint32_t			 gen;
	int				 refused;
	char				 why[513];
} conf;

static const struct proc_child	*child;

static void	conf_start(struct link *, struct msg *);
static void	conf_item(struct link *, struct msg *);
static void	conf_end(struct link *, struct msg *);
static void	conf_activate(struct link *, struct msg *);
static void	conf_cancel(struct link *, struct msg *);
static void	conf_answer(struct link *);
static void	conf_file(struct msg *);
static void	peer(struct link *, struct msg *);
static void	file(struct link *, struct msg *);
static void	listener(struct link *, struct msg *);
static void	listener_close(struct link *, struct msg *);
static void	start(struct link *, struct msg *);
static void	stop(struct link *, struct msg *);
static void	setverbose(struct link *, struct msg *);
static void	wanted(enum proc, uint64_t);
static void	wanted_timer(int, short, void *);

#define HANDLERS	32	/* those of a process included */

static const struct link_handler common_handlers[] = {
	{ MSG_CONF_START,	conf_start },
	{ MSG_CONF_HTTP,	conf_item },
	{ MSG_CONF_UPSTREAM,	conf_item },
	{ MSG_CONF_NETWORK,	conf_item },
	{ MSG_CONF_LOG,		conf_item },
	{ MSG_CONF_END,		conf_end },
	{ MSG_CONF_ACTIVATE,	conf_activate },
	{ MSG_CONF_CANCEL,	conf_cancel },
	{ MSG_PEER,		peer },
	{ MSG_FILE,		file },
	{ MSG_LISTENER,		listener },
	{ MSG_LISTENER_CLOSE,	listener_close },
	{ MSG_START,		start },
	{ MSG_SHUTDOWN,		stop },
	{ MSG_SETVERBOSE,	setverbose },
	{ MSG_NONE,		NULL }
};

const struct link_handler *
procconf_handlers(const struct proc_child *c)
{
	static struct link_handler	 all[HANDLERS + 1];
	const struct link_handler	*h;
	size_t				 n = 0;
	const size_t			 ncommon =
	    sizeof(common_handlers) / sizeof(common_handlers[0]) - 1;

	child = c;
	if (c->parent_handlers == NULL)
		return (common_handlers);
	for (h = c->parent_handlers; h->fn != NULL; h++)
		n++;
	if (ncommon + n > HANDLERS)
		fatalx("%zu handlers for the parent's messages", n);
	memcpy(all, common_handlers, ncommon * sizeof(*all));
	memcpy(all + ncommon, c->parent_handlers, n * sizeof(*all));
	return (all);
}

static void
conf_start(struct link *l, struct msg *m)
{
	if (conf.state != IDLE)
		fatalx("configuration %u inside of %u", m->u.conf_start.gen,
		    conf.gen);
	conf.state = OPEN;
	conf.gen = m->u.conf_start.gen;
	conf.refused = 0;
	conf.why[0] = '\0';
	if (child->conf_start != NULL)
		child->conf_start();
}

static void
conf_item(struct link *l, struct msg *m)
{
	if (conf.state != OPEN)
		fatalx("%s outside of a configuration",
		    msg_desc(m->type)->rec.name);
	if (conf.refused || child->conf == NULL)
		return;
	if (child->conf(m, conf.why, sizeof(conf.why)) == -1)
		conf.refused = 1;
}

static void
conf_file(struct msg *m)
{
	if (conf.refused || child->conf_file == NULL)
		return;
	if (m->fd == -1) {
		(void)snprintf(conf.why, sizeof(conf.why),
		    "%.400s: out of descriptors", m->u.file.name);
		conf.refused = 1;
	} else if (child->conf_file(&m->u.file, &m->fd, conf.why,
	    sizeof(conf.why)) == -1)
		conf.refused = 1;
}

static void
conf_end(struct link *l, struct msg *m)
{
	if (conf.state != OPEN || m->u.conf_end.gen != conf.gen)
		fatalx("end of a configuration that did not start");
	if (!conf.refused && child->conf_end != NULL &&
	    child->conf_end(conf.why, sizeof(conf.why)) == -1)
		conf.refused = 1;
	conf.state = PENDING;
	conf_answer(l);
}

static void
conf_answer(struct link *l)
{
	struct msg_conf_ready	 ready;
	struct msg_conf_refused	 refused;

	if (!conf.refused) {
		ready.gen = conf.gen;
		(void)link_send(l, MSG_CONF_READY, &ready, -1);
		return;
	}
	refused.gen = conf.gen;
	refused.why = conf.why;
	if (link_send(l, MSG_CONF_REFUSED, &refused, -1) == -1)
		fatal("configuration %u", conf.gen);
}

static void
conf_activate(struct link *l, struct msg *m)
{
	if (conf.state != PENDING || conf.refused ||
	    m->u.conf_activate.gen != conf.gen)
		fatalx("no configuration %u to activate",
		    m->u.conf_activate.gen);
	conf.state = IDLE;
	if (child->activate != NULL)
		child->activate();
}

static void
conf_cancel(struct link *l, struct msg *m)
{
	if (conf.state == IDLE || m->u.conf_cancel.gen != conf.gen)
		fatalx("no configuration %u to cancel",
		    m->u.conf_cancel.gen);
	conf.state = IDLE;
	if (child->cancel != NULL)
		child->cancel();
}

/*
 * Asked for again a little later: the shortage that lost the descriptor must
 * have a chance to pass.
 */
static void
wanted(enum proc proc, uint64_t instance)
{
	struct msg_peer_wanted	*m;
	struct timeval		 tv = { 0, WANTED_MS * 1000 };

	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("lost descriptor");
	m->proc = proc;
	m->instance = instance;
	if (event_once(-1, EV_TIMEOUT, wanted_timer, m, &tv) == -1)
		fatalx("lost descriptor: event_once failed");
}

static void
wanted_timer(int fd, short what, void *arg)
{
	struct msg_peer_wanted	*m = arg;

	if (proc_parent() != NULL)
		(void)link_send(proc_parent(), MSG_PEER_WANTED, m, -1);
	free(m);
}

static void
peer(struct link *l, struct msg *m)
{
	const struct proc_peer	*p;
	struct link_peer	 who;
	struct link		*new;

	for (p = child->peers; p != NULL && p->handlers != NULL; p++) {
		if (p->proc == m->u.peer.proc)
			break;
	}
	if (p == NULL || p->handlers == NULL)
		fatalx("link to %s: no such link", proc_name(m->u.peer.proc));
	if (m->fd == -1) {
		wanted(m->u.peer.proc, m->u.peer.instance);
		return;
	}
	who.proc = p->proc;
	who.index = m->u.peer.index;
	who.instance = m->u.peer.instance;
	new = link_new(m->fd, child->proc, &who, p->handlers, p->closed, NULL);
	m->fd = -1;
	if (p->opened != NULL)
		p->opened(new);
}

static void
file(struct link *l, struct msg *m)
{
	if (conf.state == OPEN)
		conf_file(m);
	else if (child->file != NULL)
		child->file(&m->u.file, &m->fd);
}

static void
listener(struct link *l, struct msg *m)
{
	if (m->fd == -1) {
		wanted(PROC_PARENT, m->u.listener.id);
		return;
	}
	if (child->listener == NULL)
		return;
	child->listener(&m->u.listener, m->fd);
	m->fd = -1;
}

static void
listener_close(struct link *l, struct msg *m)
{
	if (child->listener_close != NULL)
		child->listener_close(&m->u.listener_close);
}

static void
start(struct link *l, struct msg *m)
{
	if (child->promises != NULL && pledge(child->promises, NULL) == -1)
		fatal("pledge");
	child->start(m->u.start.fresh);
}

static void
stop(struct link *l, struct msg *m)
{
	child->shutdown(m->u.shutdown.grace_ms);
}

static void
setverbose(struct link *l, struct msg *m)
{
	log_setverbose(m->u.setverbose.verbose);
}
