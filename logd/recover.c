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

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "clock.h"
#include "codes.h"
#include "control.h"
#include "db.h"
#include "dict.h"
#include "insert.h"
#include "keydev.h"
#include "log.h"
#include "recover.h"
#include "retain.h"
#include "schema.h"
#include "scope.h"
#include "streamdb.h"
#include "streamend.h"
#include "vault.h"

/* A ledger page that came before we can judge. */
struct page {
	TAILQ_ENTRY(page)	 entry;
	uint64_t		 instance;
	int			 fd;
};
static TAILQ_HEAD(, page)	 pages = TAILQ_HEAD_INITIALIZER(pages);

static struct rec_instance	*living;
static uint32_t			 nliving;
static int			 listed;	/* INSTANCES came */
static int			 synced;	/* SYNC came */
static uint32_t			 scopes;	/* still to come */
static int			 started;
static int			 unclean;	/* the last stop */
static int			 skipped;	/* ids, since then */
static int			 begun;
static int			 marked;	/* by recover_save() */

static struct db_sql	 sql_head = DB_SQL("SELECT max(id) FROM log");
static struct db_sql	 sql_minute =
    DB_SQL("SELECT max(minute) FROM minutes");

static void	recover_clean(void);
static int	recover_load(void);
static int	recover_ids(void);
static void	recover_started(void);
static void	recover_unclean(void);
static void	recover_go(void);

/*
 * An id that a reader may have seen must not come again.  Only a failure of
 * the machine loses committed rows: then its start is another one than when
 * they were written, and the ids are left that may have been given away.
 */
static int
recover_ids(void)
{
	int64_t	 next, head, clean, boot, minute;

	if (schema_get("next_id", 1, &next) == -1 ||
	    schema_get("clean", 1, &clean) == -1 ||
	    schema_get("boot", clock_boot(), &boot) == -1 ||
	    db_int(&sql_head, 0, &head, "") == -1 ||
	    db_int(&sql_minute, 0, &minute, "") == -1)
		return (-1);
	if (next <= head)
		next = head + 1;
	unclean = !clean && llabs(boot - clock_boot()) > CLOCK_BOOT_SLACK;
	if (unclean)
		next += skipped = boot == 0 ? RECOVER_SKIP_COPY :
		    RECOVER_SKIP;
	if (insert_init(next) == -1)
		return (-1);
	clock_atleast(minute * 60000000);
	return (0);
}

int
recover_save(void)
{
	if (marked)
		return (0);
	if (schema_set("clean", 0) == -1)
		return (-1);
	return (schema_set("boot", clock_boot()));
}

void
recover_saved(void)
{
	marked = 1;
}

void
recover_begin(void)
{
	if (begun)
		return;
	begun = 1;
	recover_started();
	recover_go();
}

int
recover_begun(void)
{
	return (begun);
}

static void
recover_unclean(void)
{
	char	 detail[64];

	(void)snprintf(detail, sizeof(detail), "{\"skipped\":%d}", skipped);
	batch_add(record_event(EVENT_LOG_UNCLEAN, 0, NULL, NULL, detail, 0));
}

static void
recover_started(void)
{
	if (unclean) {
		log_warnx("request log: the machine was not stopped cleanly; "
		    "the last rows may be missing");
		recover_unclean();
	}
	batch_add(record_event(EVENT_LOG_STARTED, 0, NULL, NULL, NULL, 0));
}

void
recover_lost(void)
{
	if (unclean)
		return;
	unclean = 1;
	log_warnx("request log: the disk has lost rows that it had taken");
	skipped = RECOVER_SKIP;
	insert_skip(skipped);
	recover_unclean();
}

static int
recover_load(void)
{
	if (control_load() == -1 || vault_load() == -1 ||
	    streamdb_load() == -1 || scope_load() == -1 ||
	    keydev_load() == -1 || recover_ids() == -1)
		return (-1);
	return (retain_load());
}

int
recover_open(const char *dir, char *why, size_t len)
{
	begun = marked = 0;
	if (db_open(dir, why, len) == -1)
		return (-1);
	if (schema_open(dir, why, len) == -1) {
		db_close();
		return (-1);
	}
	if (recover_load() == -1) {
		(void)snprintf(why, len, "%s/" DB_FILE ": %s", dir,
		    db_errstr());
		db_close();
		return (-1);
	}
	db_trust();
	return (0);
}

/* What could not be written leaves no clean mark behind. */
static void
recover_clean(void)
{
	if (batch_flush(1) == -1)
		log_warnx("request log: %u records are lost", batch_length());
	else if (db_begin(1) == -1 || schema_set("clean", 1) == -1 ||
	    db_commit() == -1) {
		log_warnx("database: %s", db_errstr());
		db_rollback();
	}
}

void
recover_close(void)
{
	streamend_stop();
	if (begun || marked)
		recover_clean();
	batch_unload();
	retain_unload();
	scope_unload();
	streamdb_unload();
	vault_unload();
	dict_clear();
	db_close();
}

void
recover_instances(const struct msg_instances *m)
{
	free(living);
	living = NULL;
	if ((nliving = m->living_n) > 0) {
		living = reallocarray(NULL, nliving, sizeof(*living));
		if (living == NULL)
			fatal("instances");
		memcpy(living, m->living, nliving * sizeof(*living));
	}
	listed = 1;
	recover_go();
}

void
recover_sync(uint32_t n)
{
	scope_sync();
	scopes = n;
	synced = 1;
	if (scopes == 0)
		scope_synced();
	recover_go();
}

void
recover_scope(void)
{
	if (scopes == 0 || --scopes > 0)
		return;
	scope_synced();
	recover_go();
}

void
recover_ledger(uint64_t instance, int fd)
{
	struct page	*p;

	if (started) {
		streamend_ledger(instance, fd);
		close(fd);
		return;
	}
	if ((p = malloc(sizeof(*p))) == NULL)
		fatal("ledger");
	p->instance = instance;
	p->fd = fd;
	TAILQ_INSERT_TAIL(&pages, p, entry);
}

/* Pages first: a stream that is over waits for nothing then. */
static void
recover_go(void)
{
	struct page	*p;

	if (!begun || !listed || !synced || scopes > 0)
		return;
	stream_living(living, nliving);
	if (!started)
		stream_start();
	started = 1;
	while ((p = TAILQ_FIRST(&pages)) != NULL) {
		TAILQ_REMOVE(&pages, p, entry);
		streamend_ledger(p->instance, p->fd);
		close(p->fd);
		free(p);
	}
}
