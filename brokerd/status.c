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

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "config.h"
#include "loop.h"

#define COUNTERS_MAX	4096

/*
 * Counters come each 5 seconds.  A process that says nothing for longer is
 * told, and left alone: it may wait for a slow disk, or somebody stopped it,
 * and to kill it would lose what it holds.
 */
#define SILENT_US	12000000
#define SILENT_TICK	2		/* seconds between two looks */

static struct event	 tick;

static int	status_name(const char *);
static void	status_tick(int, short, void *);
static void	status_heard(struct child *);
static void	status_row(struct rec_procstat *, const struct child *);
static void	status_degraded(char *, size_t);

static int
status_name(const char *name)
{
	const unsigned char	*p = (const unsigned char *)name;

	if (*p == '\0')
		return (0);
	for (; *p != '\0'; p++) {
		if (!islower(*p) && !isdigit(*p) && *p != '_')
			return (0);
	}
	return (1);
}

void
status_start(void)
{
	evtimer_set(&tick, status_tick, NULL);
	status_tick(-1, 0, NULL);
}

static void
status_tick(int fd, short what, void *arg)
{
	const struct timeval	 tv = { SILENT_TICK, 0 };
	struct child		*c;
	uint64_t		 now = loop_mono();

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->state != CHILD_READY || c->silent ||
		    now - c->heard < SILENT_US)
			continue;
		c->silent = 1;
		log_warnx("%s: process %d has said nothing for %llu seconds: "
		    "it is stopped, or waits for a disk", c->name, c->pid,
		    (unsigned long long)(now - c->heard) / 1000000);
	}
	evtimer_add(&tick, &tv);
}

static void
status_heard(struct child *c)
{
	uint64_t	 now = loop_mono();

	if (c->silent)
		log_info("%s: process %d is heard again, after %llu seconds",
		    c->name, c->pid,
		    (unsigned long long)(now - c->heard) / 1000000);
	c->silent = 0;
	c->heard = now;
}

void
status_stats(struct child *c, const struct msg_stats *m)
{
	char		 buf[COUNTERS_MAX + 1], *copy;
	size_t		 used = 0;
	uint32_t	 i;
	int		 n;

	status_heard(c);
	buf[0] = '\0';
	for (i = 0; i < m->counters_n; i++) {
		if (!status_name(m->counters[i].name)) {
			link_bad(c->link, "name of a counter");
			return;
		}
		n = snprintf(buf + used, sizeof(buf) - used, "%s%s=%" PRIu64,
		    used == 0 ? "" : " ", m->counters[i].name,
		    m->counters[i].value);
		if (n < 0 || (size_t)n >= sizeof(buf) - used) {
			buf[used] = '\0';
			break;
		}
		used += n;
	}
	if ((copy = strdup(buf)) == NULL)
		fatal("counters");
	free(c->counters);
	c->counters = copy;
}

static void
status_row(struct rec_procstat *row, const struct child *c)
{
	static const char *const	 states[] = {
		[CHILD_DOWN] =	"down",
		[CHILD_CONF] =	"starting",
		[CHILD_START] =	"starting",
		[CHILD_READY] =	"ready"
	};

	memset(row, 0, sizeof(*row));
	row->proc = c->proc;
	row->index = c->index;
	row->instance = c->instance;
	row->pid = c->pid;
	row->uptime = c->pid == 0 ? 0 : (loop_mono() - c->started) / 1000000;
	row->restarts = c->restarts;
	row->state = c->silent ? "silent" : states[c->state];
	row->counters = c->counters;
}

/* What any of them runs without; they run on one kernel, so once is enough. */
static void
status_degraded(char *buf, size_t len)
{
	struct child	*c;

	buf[0] = '\0';
	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->degraded[0] != '\0') {
			(void)snprintf(buf, len, "%s", c->degraded);
			return;
		}
	}
}

void
status_send(struct child *c, uint32_t id)
{
	static struct rec_procstat	 rows[CONF_WORKERS_MAX * 2 + 8];
	struct msg_status_rows		 m;
	struct child			*o;
	char				 degraded[257];
	uint32_t			 i;

	memset(&m, 0, sizeof(m));
	status_degraded(degraded, sizeof(degraded));
	m.id = id;
	m.version = BROKERD_VERSION;
	m.sandbox = BROKERD_SANDBOX;
	m.degraded = degraded;
	m.privileged = brokerd.privileged;
	m.generation = brokerd.gen;
	m.notice = brokerd.notice;
	m.procs = rows;
	memset(&rows[0], 0, sizeof(rows[0]));
	rows[0].proc = PROC_PARENT;
	rows[0].pid = getpid();
	rows[0].uptime = (loop_mono() - brokerd.started) / 1000000;
	rows[0].state = "ready";
	m.procs_n = 1;
	TAILQ_FOREACH(o, &brokerd.children, entry)
		status_row(&rows[m.procs_n++], o);
	if (link_send(c->link, MSG_STATUS_ROWS, &m, -1) == 0)
		return;
	/* Too many workers for one message: the rows matter more. */
	for (i = 0; i < m.procs_n; i++)
		rows[i].counters = NULL;
	if (link_send(c->link, MSG_STATUS_ROWS, &m, -1) == -1)
		log_warn("status");
}

void
status_done(struct child *c, uint32_t id, int ok, const char *text)
{
	struct msg_parent_done	 m;

	if (c->link == NULL)
		return;
	m.id = id;
	m.ok = ok;
	m.text = text;
	if (link_send(c->link, MSG_PARENT_DONE, &m, -1) == -1)
		log_warn("answer to %s", c->name);
}

void
status_verbose(struct child *c, const struct msg_verbose *v)
{
	struct msg_setverbose	 m;
	struct child		*o;

	m.verbose = v->verbose != 0;
	log_setverbose(m.verbose);
	TAILQ_FOREACH(o, &brokerd.children, entry) {
		if (o->link != NULL)
			(void)link_send(o->link, MSG_SETVERBOSE, &m, -1);
	}
	log_info("text log is %s now", m.verbose ? "verbose" : "brief");
	status_done(c, v->id, 1, m.verbose ? "verbose" : "brief");
}
