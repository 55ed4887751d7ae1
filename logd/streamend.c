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
#include <sys/tree.h>

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include "batch.h"
#include "codes.h"
#include "log.h"
#include "proc.h"
#include "scope.h"
#include "streamdb.h"
#include "streamend.h"

#define CLAIMS	8	/* vaults named that cannot be verified */

static int	stopping;

static void	streamend_timer(int, short, void *);
static void	streamend_died(struct stream *, const struct ledger *,
		    uint64_t);
static void	streamend_settle(struct stream *, const struct ledger *,
		    enum stream_end);
static void	streamend_gap(struct stream *, uint64_t, uint64_t, uint64_t,
		    const char *);
static uint64_t	streamend_gaps(struct stream *, const struct ledger *);
static int	verified(uint64_t, const uint64_t *, size_t);

void
streamend_init(struct stream *st)
{
	evtimer_set(&st->timer, streamend_timer, st);
}

void
streamend_eof(struct stream *st)
{
	struct timeval	 tv = { STREAM_LEDGER_MS / 1000,
			    STREAM_LEDGER_MS % 1000 * 1000 };
	struct record	*r;

	st->eof = 1;
	while ((r = RB_MIN(open_requests, &st->open)) != NULL) {
		record_lost(r);
		stream_forget(r);
		batch_add(r);
	}
	if (st->ended != STREAM_LIVES)
		return;
	if (st->tell)
		streamend_settle(st, st->page, STREAM_SETTLED);
	else if (stopping)
		streamend_settle(st, NULL, STREAM_ENDED);
	else
		evtimer_add(&st->timer, &tv);
}

static void
streamend_timer(int fd, short what, void *arg)
{
	streamend_settle(arg, NULL, STREAM_ENDED);
}

/* It explains; what is missing is counted by the gap rows alone. */
static void
streamend_died(struct stream *st, const struct ledger *page, uint64_t missing)
{
	struct record	*r;
	char		 who[64] = "", used[80] = "", detail[256];

	/* Of one that we know by its ledger alone we know no name. */
	if (st->proc != PROC_PARENT)
		(void)snprintf(who, sizeof(who), "\"process\":\"%s\","
		    "\"index\":%u,", proc_name(st->proc), st->index);
	if (page != NULL)
		(void)snprintf(used, sizeof(used), ",\"used\":%" PRIu64
		    ",\"missing\":%" PRIu64, page->begins, missing);
	(void)snprintf(detail, sizeof(detail), "{%s\"committed\":%" PRIu64
	    ",\"begins\":%" PRIu64 "%s}", who, st->seen, st->begins, used);
	r = record_event(EVENT_WORKER_DIED, 0, NULL, NULL, detail, 0);
	r->stream = st;
	r->seq = st->seen;
	batch_add(r);
}

static void
streamend_gap(struct stream *st, uint64_t vault, uint64_t unlogged,
    uint64_t uncommitted, const char *claims)
{
	struct record	*r;
	char		 detail[512];

	if (unlogged + uncommitted == 0)
		return;
	(void)snprintf(detail, sizeof(detail), "{\"lost\":\"with worker\","
	    "\"unlogged\":%" PRIu64 ",\"uncommitted\":%" PRIu64 "%s%s%s}",
	    unlogged, uncommitted, *claims == '\0' ? "" : ",\"claimed\":{",
	    claims, *claims == '\0' ? "" : "}");
	r = record_gap(vault, unlogged + uncommitted, detail);
	r->stream = st;
	r->seq = st->seen;
	batch_add(r);
}

static int
verified(uint64_t vault, const uint64_t *vaults, size_t n)
{
	size_t	 low = 0, mid;

	while (n > low) {
		mid = low + (n - low) / 2;
		if (vaults[mid] == vault)
			return (1);
		if (vaults[mid] < vault)
			low = mid + 1;
		else
			n = mid;
	}
	return (0);
}

/*
 * A vault for which the worker has no scope that we know of is only claimed:
 * that is counted in the instance log, and named in the detail, since scopes
 * of the last moment may have died with keyd and us.
 */
static uint64_t
streamend_gaps(struct stream *st, const struct ledger *page)
{
	static struct ledger_loss	 losses[LEDGER_LOSSES];
	struct ledger_loss		*l, none = { 0, 0, 0 };
	uint64_t			*vaults, total = 0;
	size_t				 i, n, nvaults, claims = 0, len = 0;
	char				 claimed[320] = "";

	nvaults = scope_vaults(st->instance, &vaults);
	n = ledger_losses(page, st->seen, st->begins, losses);
	for (i = 0; i < n; i++) {
		l = &losses[i];
		total += l->unlogged + l->uncommitted;
		if (l->vault != 0 && verified(l->vault, vaults, nvaults)) {
			streamend_gap(st, l->vault, l->unlogged,
			    l->uncommitted, "");
			continue;
		}
		none.unlogged += l->unlogged;
		none.uncommitted += l->uncommitted;
		if (l->vault != 0 && claims++ < CLAIMS)
			len += snprintf(claimed + len, sizeof(claimed) - len,
			    "%s\"%" PRIu64 "\":%" PRIu64, len == 0 ? "" : ",",
			    l->vault, l->unlogged + l->uncommitted);
	}
	free(vaults);
	streamend_gap(st, 0, none.unlogged, none.uncommitted, claimed);
	return (total);
}

/*
 * A ledger that comes later than we could wait adds its gaps then; the scopes
 * that say which vaults are the worker's stay until it came.
 */
static void
streamend_settle(struct stream *st, const struct ledger *page,
    enum stream_end how)
{
	uint64_t	 missing = 0;
	int		 died;

	evtimer_del(&st->timer);
	if (st->ended == STREAM_SETTLED)
		return;
	died = st->ended == STREAM_LIVES && !st->bye;
	st->ended = how;
	if (page != NULL)
		missing = streamend_gaps(st, page);
	if (died)
		streamend_died(st, page, missing);
	if (how == STREAM_SETTLED)
		scope_ended(st->instance);
	stream_touch(st);
}

/* Of a worker that never said HELLO there may be a ledger all the same. */
void
streamend_ledger(uint64_t instance, int fd)
{
	static struct ledger	 page;
	struct stream		*st = stream_find(instance);
	int			 bad, last;

	if ((bad = ledger_read(fd, instance, &page) == -1)) {
		/* One that is none does not get better. */
		last = errno == EINVAL;
		log_warn("ledger of %016" PRIx64, instance);
		if (!last)
			return;
	}
	if (st == NULL) {
		st = stream_new(instance, PROC_PARENT, 0);
		st->eof = 1;
	}
	st->tell = 1;
	if (st->eof)
		streamend_settle(st, bad ? NULL : &page, STREAM_SETTLED);
	else if (st->page == NULL && !bad) {
		if ((st->page = malloc(sizeof(page))) == NULL)
			fatal("ledger");
		*st->page = page;
	}
	if (!st->dirty)
		streamend_saved(st);
}

void
streamend_saved(struct stream *st)
{
	struct msg_ledger_taken	 m = { st->instance };
	struct link		*parent;

	if (!st->tell || st->ended != STREAM_SETTLED)
		return;
	st->tell = 0;
	if ((parent = proc_parent()) != NULL)
		(void)link_send(parent, MSG_LEDGER_TAKEN, &m, -1);
}

void
streamend_stop(void)
{
	struct stream	*st;

	stopping = 1;
	RB_FOREACH(st, streams, &streams) {
		if (st->eof && st->ended == STREAM_LIVES)
			streamend_settle(st, NULL, STREAM_ENDED);
	}
}
