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
#include <sys/stat.h>
#include <sys/time.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include "backup.h"
#include "batch.h"
#include "codes.h"
#include "control.h"
#include "db.h"
#include "dict.h"
#include "insert.h"
#include "keep.h"
#include "keydev.h"
#include "live.h"
#include "log.h"
#include "loop.h"
#include "pace.h"
#include "proc.h"
#include "queryjob.h"
#include "recover.h"
#include "refuse.h"
#include "retain.h"
#include "scope.h"
#include "served.h"
#include "stream.h"

/*
 * logd: owns the database, alone.  It sees no secret that is not sealed, and
 * once the file is open it has no file system.
 */

#define STOP_MS		10	/* between two looks at what is left */
#define STOP_LEAST_MS	1000	/* for workers that end with us */

static char			 dir[PATH_MAX];
static struct batch_conf	 next_batch;
static struct retention		 next_retain;
static struct event		 stop_ev;
static uint64_t			 stop_at;
static int			 stop_last;	/* look at keyd once more */
static int			 later;	/* linked to what starts after keyd */

static void	init(int, char **);
static int	conf(struct msg *, char *, size_t);
static int	conf_file(struct msg_file *, int *, char *, size_t);
static void	activate(void);
static void	file(struct msg_file *, int *);
static void	start(int);
static void	closing(uint32_t);
static void	stop_timer(int, short, void *);
static void	stats(void);
static void	instances(struct link *, struct msg *);
static void	sync_message(struct link *, struct msg *);
static void	scope_opened(struct link *, struct msg *);
static void	scope_closed(struct link *, struct msg *);
static void	cancel(struct link *, struct msg *);
static void	asker_opened(struct link *);
static void	asker_resume(struct link *, void *);
static void	api_opened(struct link *);
static void	worker_opened(struct link *);
static void	later_opened(void);
static void	api_closed(struct link *);

static const struct link_handler parent_handlers[] = {
	{ MSG_INSTANCES,	instances },
	{ MSG_NONE,		NULL }
};
static const struct link_handler keyd_handlers[] = {
	{ MSG_SYNC,		sync_message },
	{ MSG_COMMIT,		control_message },
	{ MSG_SCOPE_OPEN,	scope_opened },
	{ MSG_SCOPE_CLOSE,	scope_closed },
	{ MSG_EVENT,		keydev_message },
	{ MSG_NONE,		NULL }
};
static const struct link_handler api_handlers[] = {
	{ MSG_QUERY,		queryjob_query },
	{ MSG_VALUES,		queryjob_values },
	{ MSG_CHART,		queryjob_chart },
	{ MSG_QUERY_CANCEL,	cancel },
	{ MSG_BACKUP,		backup_request },
	{ MSG_SUBSCRIBE,	live_subscribe },
	{ MSG_UNSUBSCRIBE,	live_unsubscribe },
	{ MSG_NONE,		NULL }
};

static const struct proc_peer peers[] = {
	{ PROC_KEYD,		keyd_handlers,		asker_opened,	NULL },
	{ PROC_PROXY,		stream_handlers,	worker_opened,
	    stream_closed },
	{ PROC_MITM,		stream_handlers,	worker_opened,
	    stream_closed },
	{ PROC_API_LOCAL,	api_handlers,		api_opened,
	    api_closed },
	{ PROC_API_TCP,		api_handlers,		api_opened,
	    api_closed },
	{ 0, NULL, NULL, NULL }
};

static const struct proc_child child = {
	.proc = PROC_LOGD,
	.init = init,
	.conf = conf,
	.conf_file = conf_file,
	.activate = activate,
	.peers = peers,
	.file = file,
	.start = start,
	.shutdown = closing,
	.stats = stats,
	.parent_handlers = parent_handlers
};

static void
init(int argc, char **argv)
{
	umask(077);
	pace_init();
	batch_init();
	queryjob_init();
	live_init();
	served_init();
	backup_init();
	evtimer_set(&stop_ev, stop_timer, NULL);
}

static int
conf(struct msg *m, char *why, size_t len)
{
	const struct msg_conf_log	*c = &m->u.conf_log;

	if (m->type != MSG_CONF_LOG)
		return (0);
	next_batch.flush_ms = c->flush_ms;
	next_batch.rows = c->batch == 0 ? 1 : c->batch;
	next_batch.reserve = c->reserve;
	next_batch.strict = c->strict;
	retention_conf(&next_retain, c);
	return (0);
}

static int
conf_file(struct msg_file *m, int *fd, char *why, size_t len)
{
	if (m->kind != FILE_STATE_DIR)
		return (0);
	if (strlcpy(dir, m->name, sizeof(dir)) >= sizeof(dir)) {
		(void)snprintf(why, len, "name of the database's directory: "
		    "too long");
		return (-1);
	}
	/* It carries the lock that keeps another logd away while we live. */
	*fd = -1;
	return (0);
}

static void
activate(void)
{
	batch_configure(&next_batch);
	retain_configure(&next_retain);
}

static void
file(struct msg_file *m, int *fd)
{
	if (m->kind == FILE_BACKUP)
		backup_file(*fd, m->name);
	else if (m->kind == FILE_LEDGER && *fd != -1)
		recover_ledger(m->instance, *fd);
	else
		return;
	*fd = -1;
}

/*
 * "rpath" is for fstatfs(2) on the directory's descriptor, "flock" for
 * fcntl(2) locks; no path can be reached any more.
 */
static void
start(int fresh)
{
	char	 why[1024];

	if (*dir == '\0')
		fatalx("no directory for the database");
	if (recover_open(dir, why, sizeof(why)) == -1)
		fatalx("%s", why);
	if (unveil(NULL, NULL) == -1)
		fatal("unveil");
	if (pledge("stdio rpath flock recvfd", NULL) == -1)
		fatal("pledge");
	proc_foreach(PROC_KEYD, asker_resume, NULL);
	proc_foreach(PROC_API_LOCAL, asker_resume, NULL);
	proc_foreach(PROC_API_TCP, asker_resume, NULL);
	if (later)
		recover_begin();
	proc_ready(control_rev() == 0);
}

/* A link may come before the database is open, when we were restarted. */
static void
asker_opened(struct link *l)
{
	if (db_handle() == NULL)
		link_pause(l);
}

/* These processes are started once keyd is ready. */
static void
later_opened(void)
{
	later = 1;
	if (db_handle() != NULL)
		recover_begin();
}

static void
api_opened(struct link *l)
{
	later_opened();
	asker_opened(l);
}

static void
worker_opened(struct link *l)
{
	later_opened();
	stream_opened(l);
}

static void
asker_resume(struct link *l, void *arg)
{
	link_resume(l);
}

/*
 * Workers have ended before us, or end with us: what they said is read to
 * the end of their links.
 */
static void
closing(uint32_t grace)
{
	struct timeval	 now = { 0, 0 };

	if (stop_at != 0)
		return;
	if (grace < STOP_LEAST_MS)
		grace = STOP_LEAST_MS;
	stop_at = loop_mono() + (uint64_t)grace * 1000;
	evtimer_add(&stop_ev, &now);
}

static void
stop_timer(int fd, short what, void *arg)
{
	struct timeval	 tv = { 0, STOP_MS * 1000 };
	struct link	*keyd = proc_peer(PROC_KEYD);

	if (stream_links() > 0 && loop_mono() < stop_at) {
		evtimer_add(&stop_ev, &tv);
		return;
	}
	/* keyd counts until it sees that they are gone. */
	if (keyd != NULL && !stop_last) {
		stop_last = 1;
		evtimer_add(&stop_ev, &tv);
		return;
	}
	if (keyd != NULL)
		(void)link_drain_in(keyd, INT_MAX);
	backup_stop();
	if (db_handle() != NULL)
		recover_close();
	proc_exit();
}

static void
stats(void)
{
	int64_t	 n;

	stats_add("rows", insert_counters.rows);
	stats_add("rows_refused", refuse_count);
	stats_add("rows_deleted", retain_counters.rows);
	stats_add("orphans", insert_counters.orphans +
	    stream_counters.orphans);
	stats_add("records", stream_counters.records);
	stats_add("records_repeated", stream_counters.repeated);
	stats_add("records_waiting", batch_length());
	stats_add("requests_open", stream_counters.open);
	stats_add("ends_without_begin", stream_counters.lost);
	stats_add("flushes", batch_counters.flushes);
	stats_add("flushes_failed", batch_counters.failures);
	stats_add("flushes_fail_now", batch_stuck());
	stats_add("flushes_fail_cause", batch_counters.cause);
	stats_add("flushes_fail_since", batch_counters.since);
	stats_add("database_commits", db_counters.commits);
	stats_add("database_checkpoints", db_counters.checkpoints);
	stats_add("database_checkpoints_failed",
	    db_counters.checkpoints_failed);
	stats_add("database_errors", db_counters.errors);
	stats_add("database_syncs_failed", keep_counters.failed);
	stats_add("targets_cached", dict_counters.cached);
	stats_add("targets_missed", dict_counters.misses);
	stats_add("queries_now", queryjob_count());
	stats_add("revision", control_rev());
	if (db_handle() != NULL) {
		if ((n = db_size()) != -1)
			stats_add("database_bytes", n);
		if ((n = db_disk()) != -1)
			stats_add("disk_free_bytes", n);
	}
	served_stats();
}

static void
instances(struct link *l, struct msg *m)
{
	recover_instances(&m->u.instances);
}

static void
sync_message(struct link *l, struct msg *m)
{
	control_sync(l, m);
	recover_sync(m->u.sync.scopes);
}

static void
scope_opened(struct link *l, struct msg *m)
{
	if (m->u.scope_open.kind > SCOPE_READ ||
	    m->u.scope_open.actor_type >= ACTOR_MAX) {
		link_bad(l, "SCOPE_OPEN: number out of range");
		return;
	}
	scope_open(&m->u.scope_open);
	recover_scope();
}

static void
scope_closed(struct link *l, struct msg *m)
{
	scope_close(m->u.scope_close.scope);
}

/* Whatever it was that api asked. */
static void
cancel(struct link *l, struct msg *m)
{
	queryjob_cancel(l, m);
	backup_cancel(l, m->u.query_cancel.id);
}

/* keyd closes the read scopes of an api that died by itself. */
static void
api_closed(struct link *l)
{
	queryjob_closed(l);
	live_closed(l);
	backup_closed(l);
	scope_ended(link_peer(l)->instance);
}

int
main(int argc, char **argv)
{
	proc_main(argc, argv, &child);
}
