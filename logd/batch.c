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

#include <inttypes.h>
#include <stdint.h>

#include <event.h>

#include "batch.h"
#include "clock.h"
#include "db.h"
#include "dict.h"
#include "insert.h"
#include "keydev.h"
#include "live.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "recover.h"
#include "refuse.h"
#include "retain.h"
#include "schema.h"
#include "scope.h"
#include "streamdb.h"
#include "vault.h"

#define RESERVE_SECONDS	1

struct batch_counters	 batch_counters;

static struct batch_conf	 conf = { 50, 1000, 64 * 1024 * 1024, 0 };
static struct records		 queue = TAILQ_HEAD_INITIALIZER(queue);
static unsigned int		 length;
static struct event		 timer;
static int			 armed;		/* the timer runs */
static int			 due;		/* it has run out */
static int			 strict;
static int			 stuck;
static uint64_t			 stuck_at;	/* monotonic */
static int			 told;		/* that it is stuck */
static uint64_t			 tell_next;	/* monotonic, not before */
static uint64_t			 reserve_next;	/* monotonic, when to look */

static void	batch_timer(int, short, void *);
static void	batch_arm(uint32_t);
static void	batch_turn(void *);
static int	batch_reserve(void);
static int	batch_write(void);
static int	batch_save(void);
static void	batch_done(void);
static void	batch_undo(void);
static void	batch_failed(enum log_cause, const char *);
static void	batch_works(void);
static void	batch_clock(void);

void
batch_init(void)
{
	evtimer_set(&timer, batch_timer, NULL);
	loop_hook(TURN_WORK, batch_turn, NULL);
}

void
batch_configure(const struct batch_conf *c)
{
	conf = *c;
	reserve_next = 0;
}

const struct batch_conf *
batch_config(void)
{
	return (&conf);
}

unsigned int
batch_length(void)
{
	return (length);
}

int
batch_stuck(void)
{
	return (stuck);
}

static void
batch_arm(uint32_t ms)
{
	struct timeval	 tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(&timer, &tv);
	armed = 1;
}

static void
batch_timer(int fd, short what, void *arg)
{
	armed = 0;
	due = 1;
}

void
batch_touch(void)
{
	if (!armed && !due)
		batch_arm(conf.flush_ms);
}

void
batch_strict(void)
{
	strict = 1;
}

void
batch_add(struct record *r)
{
	if (r->flags & REC_QUEUED) {
		TAILQ_REMOVE(&queue, r, entry);
		length--;
	}
	r->flags |= REC_QUEUED;
	TAILQ_INSERT_TAIL(&queue, r, entry);
	length++;
	batch_touch();
}

/* While the database fails only the timer makes us try again. */
static void
batch_turn(void *arg)
{
	if (db_handle() == NULL || !recover_begun())
		return;
	if (due || (!stuck && (strict || length >= conf.rows)))
		(void)batch_flush(strict);
	retain_turn();
}

/*
 * What administration may still need of a disk that is nearly full.  Asked
 * once a second; not to know is no reason to stop.
 */
static int
batch_reserve(void)
{
	static int	 enough;
	uint64_t	 now = loop_mono();
	int64_t		 room;

	if (now < reserve_next)
		return (enough ? 0 : -1);
	reserve_next = now + RESERVE_SECONDS * 1000000;
	room = db_room();
	enough = room == -1 || (uint64_t)room >= conf.reserve;
	return (enough ? 0 : -1);
}

/* A step of the clock is told, and moves the mark of the machine's start. */
static void
batch_clock(void)
{
	char	 detail[64];
	int64_t	 step;

	if ((step = clock_step()) == 0)
		return;
	log_warnx("the clock was moved by %lld ms", (long long)step / 1000);
	(void)snprintf(detail, sizeof(detail), "{\"step_ms\":%lld}",
	    (long long)step / 1000);
	batch_add(record_event(EVENT_CLOCK_STEP, 0, NULL, NULL, detail, 0));
	retain_clock(step);
}

static int
batch_save(void)
{
	if (streamdb_save() == -1 || scope_save() == -1 ||
	    recover_save() == -1 || keydev_save() == -1)
		return (-1);
	return (schema_set("boot", clock_boot()));
}

static int
batch_write(void)
{
	struct record	*r;

	if (streamdb_insert() == -1)
		return (-1);
	TAILQ_FOREACH(r, &queue, entry) {
		if (r->flags & REC_ENDED) {
			if (insert_row(r) == -1)
				return (-1);
		} else if (insert_open(r) == -1)
			return (-1);
	}
	if (insert_finish() == -1 || batch_save() == -1)
		return (-1);
	return (db_commit());
}

/*
 * Not an error of a row, or one that row by row did not help against: then
 * everything stays as it was and is tried again.
 */
static void
batch_undo(void)
{
	struct record	*r;

	db_rollback();
	insert_undo();
	dict_clear();
	streamdb_undo();
	TAILQ_FOREACH(r, &queue, entry) {
		r->flags &= ~(REC_DROPPED | REC_NEWOPEN);
		r->target.last = 0;
		if ((r->flags & REC_OPEN) == 0)
			r->target.id = 0;
	}
}

/*
 * A disk that stays full, or comes and goes, does not fill the text log too;
 * the counters have it in any case, at once.
 */
static void
batch_failed(enum log_cause cause, const char *why)
{
	const int	 news = !stuck || batch_counters.cause != cause;
	const uint64_t	 now = loop_mono();

	if (!stuck) {
		stuck_at = now;
		batch_counters.since = clock_now() / 1000000;
	}
	stuck = 1;
	batch_counters.cause = cause;
	batch_counters.failures++;
	batch_arm(BATCH_RETRY_MS);
	if (now >= tell_next) {
		log_warnx("request log: cannot write, %u records wait: %s",
		    length, why);
		told = 1;
		tell_next = now + BATCH_TELL * UINT64_C(1000000);
	}
	if (news)
		proc_stats();
}

static void
batch_works(void)
{
	const uint64_t	 now = loop_mono();

	if (!stuck)
		return;
	stuck = 0;
	batch_counters.cause = batch_counters.since = 0;
	if (told) {
		log_info("request log: writing again after %" PRIu64 " s",
		    (now - stuck_at) / 1000000);
		tell_next = now + BATCH_CALM * UINT64_C(1000000);
	}
	told = 0;
	proc_stats();
}

static void
batch_done(void)
{
	struct record	*r;

	streamdb_saved();
	scope_saved();
	recover_saved();
	keydev_saved();
	while ((r = TAILQ_FIRST(&queue)) != NULL) {
		TAILQ_REMOVE(&queue, r, entry);
		length--;
		r->flags &= ~REC_QUEUED;
		if (r->flags & REC_NEWOPEN) {
			r->flags &= ~REC_NEWOPEN;
			r->flags |= REC_OPEN;
			live_open(r);
			continue;
		}
		if ((r->flags & (REC_ENDED | REC_DROPPED)) == 0)
			continue;
		stream_forget(r);
		record_free(r);
	}
	vault_saved(retain_changed);
	/* It may queue a gap. */
	insert_committed();
	batch_counters.flushes++;
}

int
batch_flush(int full)
{
	due = strict = 0;
	evtimer_del(&timer);
	armed = 0;
	batch_clock();
	if (TAILQ_EMPTY(&queue) && !streamdb_dirty() && !scope_dirty())
		return (0);
	if (batch_reserve() == -1) {
		batch_failed(CAUSE_RESERVE,
		    "less than `log reserve' is left on the disk");
		/* While there is room for it; changes then need no more. */
		db_reclaim();
		return (-1);
	}
	if (db_begin(full) == -1 || batch_write() == -1) {
		batch_undo();
		batch_failed(db_cause(), db_errstr());
		if (db_cause() == CAUSE_FULL)
			db_reclaim();
		return (-1);
	}
	batch_works();
	batch_done();
	db_checkpoint();
	return (0);
}

void
batch_unload(void)
{
	struct record	*r;

	while ((r = TAILQ_FIRST(&queue)) != NULL) {
		TAILQ_REMOVE(&queue, r, entry);
		r->flags &= ~REC_QUEUED;
		stream_forget(r);
		record_free(r);
	}
	length = 0;
	evtimer_del(&timer);
	armed = due = strict = stuck = told = 0;
	tell_next = 0;
	batch_counters.cause = batch_counters.since = 0;
	refuse_unload();
}
