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

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "brokerd.h"
#include "loop.h"

/*
 * What children say on descriptor 3.  None of them is believed about another:
 * a message that a child had no business to send gets it killed.
 */
static void	conf_ready(struct link *, struct msg *);
static void	conf_refused(struct link *, struct msg *);
static void	peer_wanted(struct link *, struct msg *);
static void	ready(struct link *, struct msg *);
static void	killing(struct link *, struct msg *);
static void	logging(struct link *, struct msg *);
static void	stats(struct link *, struct msg *);
static void	ledger_taken(struct link *, struct msg *);
static void	file_wanted(struct link *, struct msg *);
static int	unread(struct link *);
static void	reload(struct link *, struct msg *);
static void	verbose(struct link *, struct msg *);
static void	status(struct link *, struct msg *);

const struct link_handler	dispatch_handlers[] = {
	{ MSG_CONF_READY,	conf_ready },
	{ MSG_CONF_REFUSED,	conf_refused },
	{ MSG_PEER_WANTED,	peer_wanted },
	{ MSG_READY,		ready },
	{ MSG_KILL,		killing },
	{ MSG_LOG,		logging },
	{ MSG_STATS,		stats },
	{ MSG_LEDGER_TAKEN,	ledger_taken },
	{ MSG_FILE_WANTED,	file_wanted },
	{ MSG_RELOAD,		reload },
	{ MSG_VERBOSE,		verbose },
	{ MSG_STATUS,		status },
	{ MSG_NONE,		NULL }
};

/* A process that has no link to us is of no use, whatever it still does. */
void
dispatch_closed(struct link *l)
{
	struct child	*c = link_arg(l);

	c->link = NULL;
	if (c->pid != 0 && brokerd.stage != STAGE_STOP)
		(void)kill(c->pid, SIGKILL);
}

void
dispatch_bad(const struct link_peer *peer, const char *why)
{
	struct child	*c;

	c = start_find(peer->proc, peer->instance);
	if (c != NULL && c->pid != 0)
		(void)kill(c->pid, SIGKILL);
}

static void
conf_ready(struct link *l, struct msg *m)
{
	struct child	*c = link_arg(l);

	if (c->state == CHILD_CONF && m->u.conf_ready.gen == brokerd.gen) {
		/* One that has been told to end gets nothing more. */
		if (brokerd.stage != STAGE_STOP)
			start_links(c);
	} else if (c->state == CHILD_READY)
		reload_vote(c, m->u.conf_ready.gen, NULL);
	else
		link_bad(l, "CONF_READY out of order");
}

static void
conf_refused(struct link *l, struct msg *m)
{
	struct child	*c = link_arg(l);

	if (c->state == CHILD_CONF)
		start_refused(c, m->u.conf_refused.why);
	else if (c->state == CHILD_READY)
		reload_vote(c, m->u.conf_refused.gen, m->u.conf_refused.why);
	else
		link_bad(l, "CONF_REFUSED out of order");
}

static void
peer_wanted(struct link *l, struct msg *m)
{
	struct child	*c = link_arg(l);

	if (++c->asked > ASKED_MAX)
		link_bad(l, "too many lost descriptors");
	else if (m->u.peer_wanted.proc == PROC_PARENT)
		listen_again(c, m->u.peer_wanted.instance);
	else
		peers_again(c, m->u.peer_wanted.proc,
		    m->u.peer_wanted.instance);
}

static void
ready(struct link *l, struct msg *m)
{
	start_ready(link_arg(l), &m->u.ready);
}

/*
 * A process may have one killed that it is linked to and that is trusted
 * less.  One that has died in the meantime is no error.
 */
static void
killing(struct link *l, struct msg *m)
{
	struct child	*c = link_arg(l), *victim;

	victim = start_find(PROC_MAX, m->u.kill.instance);
	if (victim == NULL || victim->pid == 0)
		return;
	if (!msg_linked(c->proc, victim->proc) ||
	    proc_trust(victim->proc) >= proc_trust(c->proc)) {
		link_bad(l, "KILL of a process that it may not kill");
		return;
	}
	log_warnx("%s is killed for %s: %s", victim->name, c->name,
	    m->u.kill.why);
	(void)kill(victim->pid, SIGKILL);
}

/*
 * The bound is the child's own too; it holds here for one that is not itself
 * any more.
 */
static void
logging(struct link *l, struct msg *m)
{
	struct child	*c = link_arg(l);
	uint64_t	 held;

	if (m->u.log.priority > LOG_DEBUG || !log_printable(m->u.log.text)) {
		link_bad(l, "line of the text log");
		return;
	}
	if (!log_allowed(&c->bucket, loop_mono(), &held))
		return;
	if (held > 0)
		log_warnx("%s: %" PRIu64 " lines were dropped", c->name, held);
	log_relay(m->u.log.priority, c->name, m->u.log.text);
}

static void
stats(struct link *l, struct msg *m)
{
	status_stats(link_arg(l), &m->u.stats);
}

static void
ledger_taken(struct link *l, struct msg *m)
{
	ledgers_taken(m->u.ledger_taken.instance);
}

/* What is asked for is answered, so answers pile up where nobody reads. */
static int
unread(struct link *l)
{
	if (link_queued(l) <= UNREAD_MAX)
		return (0);
	link_bad(l, "asks without reading the answers");
	return (1);
}

static void
file_wanted(struct link *l, struct msg *m)
{
	if (unread(l))
		return;
	if (m->u.file_wanted.kind == FILE_BACKUP)
		backupfile_give(l);
	else
		link_bad(l, "FILE_WANTED: number out of range");
}

static void
reload(struct link *l, struct msg *m)
{
	if (!unread(l))
		reload_request(link_arg(l), m->u.reload.id);
}

static void
verbose(struct link *l, struct msg *m)
{
	if (!unread(l))
		status_verbose(link_arg(l), &m->u.verbose);
}

static void
status(struct link *l, struct msg *m)
{
	if (!unread(l))
		status_send(link_arg(l), m->u.status.id);
}
