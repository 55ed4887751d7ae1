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
#include <sys/wait.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "loop.h"
#include "proc.h"

/*
 * A death before READY, or within RESTART_QUICK of it, is a quick one; the
 * start after it waits as long as the table says, and the last of
 * RESTART_QUICK_MAX in a row ends the daemon.  A process that had run is
 * started at once, however often it is killed.
 */
#define RESTART_QUICK		2000000		/* microseconds */
#define RESTART_QUICK_MAX	5

static const int	 delays_ms[] = { 0, 0, 200, 1000, 5000 };

static void	restart_died(struct child *, int);
static void	restart_report(struct child *, pid_t, int);
static void	restart_last_words(struct child *);
static void	restart_schedule(struct child *);
static void	restart_timer(int, short, void *);

void
restart_reap(void)
{
	struct child	*c;
	pid_t		 pid;
	int		 status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		TAILQ_FOREACH(c, &brokerd.children, entry) {
			if (c->pid == pid)
				break;
		}
		if (c != NULL)
			restart_died(c, status);
	}
	if (pid == -1 && errno != ECHILD)
		fatal("waitpid");
}

static void
restart_report(struct child *c, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_warnx("%s: process %d ended by signal %d (%s)", c->name,
		    pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0 || brokerd.stage != STAGE_STOP)
		log_warnx("%s: process %d exited with status %d", c->name,
		    pid, WEXITSTATUS(status));
}

/*
 * Its last words are still to be read: the reason of its death may be among
 * them.
 */
static void
restart_last_words(struct child *c)
{
	if (c->link != NULL)
		(void)link_drain_in(c->link, 10000);
	if (c->link != NULL)
		link_close(c->link);
	c->link = NULL;
}

static void
restart_died(struct child *c, int status)
{
	enum child_state	 was;
	pid_t			 pid = c->pid;
	char			 why[64];

	/* The number may be another process's by now. */
	c->pid = 0;
	restart_last_words(c);
	restart_report(c, pid, status);
	was = c->state;
	c->state = CHILD_DOWN;
	/* What waits for a process that never had it is good for the next. */
	if (was != CHILD_CONF || brokerd.stage == STAGE_STOP)
		peers_drop(c);
	if (brokerd.stage == STAGE_STOP) {
		stop_died(c);
		return;
	}
	c->vote = VOTE_NONE;
	(void)snprintf(why, sizeof(why), "%s died over it", c->name);
	reload_abort(why);
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROC_EXIT_CATALOGUE)
		brokerd_fail("%s: new version installed, restart brokerd",
		    c->name);
	else if (c->proc == PROC_KEYD)
		brokerd_fail("keyd has died: the daemon stops, since nobody "
		    "else may decide or hold keys");
	else
		restart_schedule(c);
}

static void
restart_schedule(struct child *c)
{
	struct timeval	 tv;

	if (c->ready != 0 && loop_mono() - c->ready >= RESTART_QUICK)
		c->quick = 0;
	else if (++c->quick >= RESTART_QUICK_MAX) {
		brokerd_fail("%s: died %d times in a row right after its "
		    "start: giving up", c->name, c->quick);
		return;
	}
	c->restarts++;
	if (!c->prepared)
		peers_prepare(c);
	if (delays_ms[c->quick] == 0) {
		restart_now(c);
		return;
	}
	log_warnx("%s: next start in %d ms", c->name, delays_ms[c->quick]);
	tv.tv_sec = delays_ms[c->quick] / 1000;
	tv.tv_usec = delays_ms[c->quick] % 1000 * 1000;
	evtimer_set(&c->timer, restart_timer, c);
	evtimer_add(&c->timer, &tv);
	c->waiting = 1;
}

static void
restart_timer(int fd, short what, void *arg)
{
	struct child	*c = arg;

	c->waiting = 0;
	restart_now(c);
}

/*
 * While a new configuration is being agreed on nobody starts: it would get
 * one that may be out of date at once.  reload.c calls again.
 */
void
restart_now(struct child *c)
{
	if (brokerd.stage == STAGE_STOP || c->state != CHILD_DOWN ||
	    reload_running())
		return;
	start_child(c);
}
