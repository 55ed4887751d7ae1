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
#include <stdlib.h>
#include <time.h>

#include <event.h>

#include "log.h"
#include "loop.h"

#define LOOP_HOOKS	16

struct hook {
	enum turn_order	 order;
	void		(*fn)(void *);
	void		*arg;
};

static struct hook	 hooks[LOOP_HOOKS];
static int		 nhooks;
static int		 done;
static int		 again;

static void	turn_end(void);

void
loop_init(void)
{
	if (event_init() == NULL)
		fatalx("event_init failed");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fatal("signal");
}

void
loop_hook(enum turn_order order, void (*fn)(void *), void *arg)
{
	int	 i;

	if (nhooks == LOOP_HOOKS)
		fatalx("too many hooks of the event loop");
	for (i = nhooks++; i > 0 && hooks[i - 1].order > order; i--)
		hooks[i] = hooks[i - 1];
	hooks[i].order = order;
	hooks[i].fn = fn;
	hooks[i].arg = arg;
}

static void
turn_end(void)
{
	int	 i;

	for (i = 0; i < nhooks; i++)
		hooks[i].fn(hooks[i].arg);
}

void
loop_run(void)
{
	int	 flags, n;

	/* What was queued before must not wait for the first event. */
	again = 1;
	do {
		flags = EVLOOP_ONCE;
		if (again || done)
			flags |= EVLOOP_NONBLOCK;
		again = 0;
		if ((n = event_loop(flags)) == -1)
			fatal("event_loop");
		if (n == 1 && flags == EVLOOP_ONCE)
			fatalx("event loop: nothing to wait for");
		turn_end();
	} while (!done);
	done = 0;
}

void
loop_exit(void)
{
	done = 1;
}

void
loop_again(void)
{
	again = 1;
}

uint64_t
loop_mono(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

int64_t
loop_wall(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		fatal("clock_gettime");
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}
