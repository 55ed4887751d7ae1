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

#include <event.h>

#include "batch.h"
#include "log.h"
#include "loop.h"
#include "pace.h"
#include "proc.h"

static struct event	 tick;
static int		 records;	/* since the last look */
static int		 paused;
static struct link	*links[PACE_LINKS];	/* of this turn */
static int		 nlinks;
static int		 turn;		/* which of them was read last */

static void	pace_turn(void *);
static void	pace_tick(int, short, void *);
static void	pace_pause(struct link *, void *);
static void	pace_resume(struct link *, void *);
static void	pace_list(struct link *, void *);
static int	pace_drain(void);
static void	pace_workers(void (*)(struct link *, void *));
static int	pace_full(void);

void
pace_init(void)
{
	evtimer_set(&tick, pace_tick, NULL);
	loop_hook(TURN_WORK, pace_turn, NULL);
}

void
pace_record(void)
{
	records++;
}

int
pace_paused(void)
{
	return (paused);
}

static void
pace_workers(void (*fn)(struct link *, void *))
{
	proc_foreach(PROC_PROXY, fn, NULL);
	proc_foreach(PROC_MITM, fn, NULL);
}

static void
pace_pause(struct link *l, void *arg)
{
	link_pause(l);
}

static void
pace_resume(struct link *l, void *arg)
{
	link_resume(l);
}

static void
pace_list(struct link *l, void *arg)
{
	if (nlinks < PACE_LINKS)
		links[nlinks++] = l;
}

/*
 * A slice of each in turn, beginning behind the one that had the last: who
 * sends little is read as soon as everybody else has had one.  Returns how
 * many had something.
 */
static int
pace_drain(void)
{
	int	 i, slice, had = 0;

	slice = batch_config()->rows / nlinks;
	if (slice > PACE_SLICE)
		slice = PACE_SLICE;
	for (i = 0; i < nlinks && !pace_full(); i++) {
		turn = (turn + 1) % nlinks;
		had += link_drain_in(links[turn], slice < 1 ? 1 : slice) > 0;
	}
	return (had);
}

/* As much as one batch takes, or more than a database that fails can have. */
static int
pace_full(void)
{
	return (batch_length() >= (batch_stuck() ? BATCH_QUEUE :
	    batch_config()->rows));
}

/*
 * What was read in this turn decides how the next is read: after one that
 * brought records everything that is there is taken, up to a batch, and the
 * links rest, unless so much came that a rest would only hold them up.  Runs
 * before the batch's own hook.
 */
static void
pace_turn(void *arg)
{
	struct timeval	 tv = { 0, PACE_MS * 1000 };

	if (paused || records == 0)
		return;
	if (batch_config()->strict && !batch_stuck()) {
		records = 0;
		return;
	}
	/* Of one that is closed meanwhile no more is seen. */
	do {
		nlinks = 0;
		pace_workers(pace_list);
	} while (nlinks > 0 && !pace_full() && pace_drain() > 0);
	if (pace_full())
		tv.tv_usec = batch_stuck() ? BATCH_RETRY_MS * 1000 : 0;
	else if (records >= PACE_BUSY)
		tv.tv_usec = 0;
	records = 0;
	paused = 1;
	pace_workers(pace_pause);
	evtimer_add(&tick, &tv);
}

/* The loop itself sees which links have something, or have ended. */
static void
pace_tick(int fd, short what, void *arg)
{
	paused = 0;
	pace_workers(pace_resume);
}
