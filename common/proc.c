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

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <event.h>

#include "log.h"
#include "loop.h"
#include "proc.h"
#include "sandbox.h"

static struct proc_opts		 opts;
static const struct proc_child	*child;
static struct link		*parent;
static struct event		 stats_ev;

static void	sink(int, const char *);
static void	send_log(int, const char *);
static void	bad_peer(const struct link_peer *, const char *);
static void	parent_gone(struct link *);
static void	open_parent(void);
static void	send_stats(void);
static void	stats_timer(int, short, void *);

__dead void
proc_main(int argc, char **argv, const struct proc_child *c)
{
	int	 used;

	child = c;
	used = procinit(argc, argv, c->proc, &opts);
	loop_init();
	open_parent();
	if (c->init != NULL)
		c->init(argc - used, argv + used);
	loop_run();
	link_drain_all(1000);
	exit(0);
}

static void
open_parent(void)
{
	struct link_peer	 who = { PROC_PARENT, 0, 0 };

	parent = link_new(PROC_FD, child->proc, &who, procconf_handlers(child),
	    parent_gone, NULL);
	log_sink(sink);
	link_on_bad(bad_peer);
	evtimer_set(&stats_ev, stats_timer, NULL);
}

static void
send_log(int priority, const char *line)
{
	struct msg_log	 m;

	m.priority = priority;
	m.text = line;
	(void)link_send(parent, MSG_LOG, &m, -1);
}

/*
 * The last words of a process are not held back, and leave at once since
 * there will be no end of this turn.
 */
static void
sink(int priority, const char *line)
{
	static struct log_bucket	 bucket;
	uint64_t			 held;
	char				 note[64];

	if (!log_allowed(&bucket, loop_mono(), &held) && priority != LOG_CRIT)
		return;
	if (held > 0) {
		(void)snprintf(note, sizeof(note),
		    "%" PRIu64 " lines were held back", held);
		send_log(LOG_WARNING, note);
	}
	send_log(priority, line);
	if (priority == LOG_CRIT)
		(void)link_drain_out(parent, 1000);
}

static void
bad_peer(const struct link_peer *peer, const char *why)
{
	proc_kill(peer->instance, why);
}

void
proc_kill(uint64_t instance, const char *why)
{
	struct msg_kill	 m;

	if (parent == NULL)
		return;
	m.instance = instance;
	m.why = why;
	if (link_send(parent, MSG_KILL, &m, -1) == -1)
		log_warn("KILL");
}

/* As if SHUTDOWN had come, with nobody left to wait for us. */
static void
parent_gone(struct link *l)
{
	log_sink(NULL);
	parent = NULL;
	evtimer_del(&stats_ev);
	child->shutdown(0);
}

static void
send_stats(void)
{
	if (child->stats != NULL)
		child->stats();
	stats_send(parent);
}

static void
stats_timer(int fd, short what, void *arg)
{
	struct timeval	 tv = { PROC_STATS_SECONDS, 0 };

	send_stats();
	evtimer_add(&stats_ev, &tv);
}

void
proc_stats(void)
{
	if (parent != NULL)
		send_stats();
}

void
proc_ready(int fresh)
{
	struct sandbox_status	 s;
	struct msg_ready	 m;

	if (parent == NULL)
		return;
	sandbox_status(&s);
	memset(&m, 0, sizeof(m));
	m.catalogue = msg_catalogue_hash();
	m.fresh = fresh;
	m.landlock_abi = s.abi;
	m.degraded = s.degraded;
	(void)link_send(parent, MSG_READY, &m, -1);
	stats_timer(-1, 0, NULL);
}

void
proc_exit(void)
{
	loop_exit();
}

struct link *
proc_parent(void)
{
	return (parent);
}

struct link *
proc_peer(enum proc proc)
{
	return (link_find(proc));
}

void
proc_foreach(enum proc proc, void (*fn)(struct link *, void *), void *arg)
{
	link_foreach(proc, fn, arg);
}

uint16_t
proc_index(void)
{
	return (opts.index);
}

uint64_t
proc_instance(void)
{
	return (opts.instance);
}

enum proc
proc_self(void)
{
	return (child->proc);
}
