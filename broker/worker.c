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
#include <sys/resource.h>
#include <sys/time.h>

#include <stdint.h>

#include <event.h>

#include "buf.h"
#include "codes.h"
#include "conn.h"
#include "exchange.h"
#include "log.h"
#include "loop.h"
#include "pool.h"
#include "settings.h"
#include "upstream.h"
#include "worker.h"

const struct link_handler	worker_logd[] = {
	LOGSTREAM_HANDLERS,
	{ 0, NULL }
};

const struct link_handler	worker_resolver[] = {
	RESOLVE_HANDLERS,
	{ 0, NULL }
};

static size_t		 descriptors;
static struct event	 stop_ev;
static void		(*stop_end)(void);
static enum { WORKER_RUNS, WORKER_STOPS, WORKER_ENDS } stopping;

static void	 worker_flush(void *);
static void	 worker_grace(int, short, void *);
static void	 worker_finish(void);

void
worker_init(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("getrlimit");
	if (rl.rlim_cur < 4 * WORKER_RESERVE)
		fatalx("%llu descriptors are too few: raise the limit",
		    (unsigned long long)rl.rlim_cur);
	descriptors = rl.rlim_cur - WORKER_RESERVE;
	if (rl.rlim_cur == RLIM_INFINITY || descriptors > INT32_MAX)
		descriptors = INT32_MAX;
	pool_mark(descriptors);
	buf_account_cap(WORKER_MEMORY);
	upstream_init();
	logstream_init();
	loop_hook(TURN_NET, worker_flush, NULL);
}

/* What was queued for the network leaves behind the log. */
static void
worker_flush(void *arg)
{
	conns_flush();
	if (stopping == WORKER_STOPS && exchange_count() == 0)
		worker_finish();
}

size_t
worker_descriptors(void)
{
	return (descriptors);
}

int
worker_admits(size_t clients)
{
	while (clients + pool_count() >= descriptors / 2) {
		if (pool_count() == 0)
			return (0);
		pool_shrink(1);
	}
	return (1);
}

void
worker_file(struct msg_file *m, int *fd)
{
	if (m->kind != FILE_LEDGER)
		return;
	if (*fd == -1)
		fatalx("the ledger page did not arrive: out of descriptors");
	if (logstream_ledger(*fd, m->instance) == -1)
		fatal("ledger page");
}

void
worker_stats(void)
{
	struct logstream_stats	 ls;

	logstream_stats(&ls);
	stats_add("requests", exchange_total());
	stats_add("running", exchange_count());
	stats_add("descriptors", conns_count());
	stats_add("descriptors_max", descriptors);
	stats_add("upstreams_dialled", upstream_dialled());
	stats_add("upstreams_idle", pool_count());
	stats_add("buffers", buf_account_used());
	stats_add("log_begun", ls.begun);
	stats_add("log_unlogged", ls.unlogged);
	stats_add("log_refused", ls.refused);
	stats_add("log_resent", ls.resent);
	stats_add("log_window", ls.records);
}

/* What the message takes from a scope, its idle connections lose as well. */
void
worker_msg_revoke(struct link *l, struct msg *m)
{
	pool_revoke(&m->u.revoke);
	lease_msg_revoke(l, m);
}

void
worker_stop(uint32_t grace_ms, void (*end)(void))
{
	struct timeval	 tv;

	if (stopping == WORKER_ENDS)
		return;
	grace_ms -= grace_ms < 2 * WORKER_STOP_MS ? grace_ms / 2 :
	    WORKER_STOP_MS;
	tv.tv_sec = grace_ms / 1000;
	tv.tv_usec = grace_ms % 1000 * 1000;
	if (stopping == WORKER_RUNS)
		evtimer_set(&stop_ev, worker_grace, NULL);
	stopping = WORKER_STOPS;
	stop_end = end;
	evtimer_add(&stop_ev, &tv);
}

int
worker_stopping(void)
{
	return (stopping != WORKER_RUNS);
}

/* Time is over: what runs is cut, and told so as far as it can be. */
static void
worker_grace(int fd, short what, void *arg)
{
	exchange_stop();
	worker_finish();
}

static void
worker_finish(void)
{
	stopping = WORKER_ENDS;
	evtimer_del(&stop_ev);
	conns_flush();
	stop_end();
	if (logstream_bye(WORKER_STOP_MS) == -1)
		log_warnx("not every record reached logd");
	proc_exit();
}

uint64_t
worker_conn(uint64_t n)
{
	return (n << 7 | (proc_self() == PROC_MITM ? 64 : 0) |
	    (proc_index() & 63));
}
