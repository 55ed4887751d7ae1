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

#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include <event.h>

#include "brokerd.h"
#include "loop.h"

/*
 * The end in order: who takes requests first, then who answers about them,
 * then who records them, and last who decides.
 */
static const struct {
	uint32_t	 procs;
	uint32_t	 ms;
} steps[] = {
	{ M_WORKERS,					STOP_WORKERS_MS },
	{ M_API | PROC_BIT(PROC_RESOLVER),		STOP_OTHERS_MS },
	{ PROC_BIT(PROC_LOGD),				STOP_LOGD_MS },
	{ PROC_BIT(PROC_KEYD),				STOP_OTHERS_MS }
};
#define STEPS	(sizeof(steps) / sizeof(steps[0]))

/* What a process gets beyond its time, before it is killed. */
#define SLACK_MS	1000

static size_t		 step;
static struct event	 timer;

static void	stop_step(uint32_t);
static void	stop_forget(void);
static int	stop_left(void);
static void	stop_timeout(int, short, void *);

void
stop_begin(uint32_t grace)
{
	if (brokerd.stage == STAGE_STOP)
		return;
	log_info("stopping");
	textlog_stopping();
	brokerd.stage = STAGE_STOP;
	reload_abort("the daemon stops");
	stop_forget();
	listen_close_all();
	evtimer_set(&timer, stop_timeout, NULL);
	step = 0;
	stop_step(grace);
}

/*
 * Who is down will not come any more: the ends of links that waited for it
 * must close, or the others would wait for it too.
 */
static void
stop_forget(void)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->state == CHILD_DOWN && c->prepared)
			peers_drop(c);
	}
}

static int
stop_left(void)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->pid != 0 && (PROC_BIT(c->proc) & steps[step].procs))
			return (1);
	}
	return (0);
}

static void
stop_step(uint32_t grace)
{
	struct msg_shutdown	 m = { grace };
	struct timeval		 tv;
	struct child		*c;

	while (step < STEPS && !stop_left()) {
		if (++step < STEPS)
			m.grace_ms = steps[step].ms;
	}
	if (step == STEPS) {
		loop_exit();
		return;
	}
	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->link != NULL && (PROC_BIT(c->proc) & steps[step].procs))
			(void)link_send(c->link, MSG_SHUTDOWN, &m, -1);
	}
	tv.tv_sec = (m.grace_ms + SLACK_MS) / 1000;
	tv.tv_usec = (m.grace_ms + SLACK_MS) % 1000 * 1000;
	evtimer_add(&timer, &tv);
}

void
stop_died(struct child *c)
{
	if (stop_left())
		return;
	evtimer_del(&timer);
	if (++step < STEPS)
		stop_step(steps[step].ms);
	else
		loop_exit();
}

static void
stop_timeout(int fd, short what, void *arg)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->pid == 0 || (PROC_BIT(c->proc) & steps[step].procs) == 0)
			continue;
		log_warnx("%s: did not end in time", c->name);
		(void)kill(c->pid, SIGKILL);
	}
}
