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
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "dbfile.h"
#include "fault.h"
#include "keep.h"
#include "log.h"
#include "loop.h"

static struct {
	sqlite3			*h;
	SLIST_HEAD(, db_sql)	 stmts;
	enum db_error		 error;
	enum log_cause		 cause;
	char			 errstr[256];
	int			 dirfd;
	int			 full;		/* synchronous=FULL is set */
	int			 in_tx;
	int			 wal_pages;
	int			 checkpoint_failing;	/* and reported */
	uint64_t		 checkpoint_next;	/* not before */
} db = { .dirfd = -1 };

struct db_counters	 db_counters;

static int	db_fail(int);
static enum db_error	db_class(int);
static enum log_cause	db_cause_of(int);
static void	db_move(void);
static int	db_refuse(char *, size_t, const char *, int);
static int	db_harden(void);
static int	db_ours(const char *, char *, size_t);
static int	db_free(const char *, char *, size_t);
static int	db_whole(const char *, const char *, char *, size_t);
static int	db_pragma(const char *, int64_t *);
static int	db_vbind(sqlite3_stmt *, const char *, va_list);
static int	db_wal_hook(void *, sqlite3 *, const char *, int);

/*
 * Errors that no row is to blame for are tried again; so is what we do not
 * know, since to stop would lose more.
 */
static enum db_error
db_class(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return (DB_CONSTRAINT);
	default:
		return (DB_RETRY);
	}
}

static enum log_cause
db_cause_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return (CAUSE_FULL);
	case SQLITE_IOERR:
		return (rc == SQLITE_IOERR_NOMEM ? CAUSE_MEMORY : CAUSE_IO);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return (CAUSE_LOCKED);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return (CAUSE_DAMAGED);
	case SQLITE_NOMEM:
		return (CAUSE_MEMORY);
	default:
		return (CAUSE_OTHER);
	}
}

static int
db_fail(int rc)
{
	if ((rc & 0xff) == SQLITE_MISUSE)
		fatalx("database: a call that must not be made");
	db.error = db_class(rc);
	db.cause = db_cause_of(rc);
	(void)snprintf(db.errstr, sizeof(db.errstr), "%s",
	    db.h == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db.h));
	db_counters.errors++;
	return (-1);
}

enum db_error
db_error(void)
{
	return (db.error);
}

const char *
db_errstr(void)
{
	return (db.errstr);
}

enum log_cause
db_cause(void)
{
	return (db.cause);
}

sqlite3 *
db_handle(void)
{
	return (db.h);
}

static int
db_refuse(char *why, size_t len, const char *path, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		(void)snprintf(why, len, "%s is damaged (%s): " DB_REMEDY,
		    path, sqlite3_errmsg(db.h));
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		(void)snprintf(why, len, "%s is in use by another program: "
		    "stop that first", path);
		break;
	default:
		(void)snprintf(why, len, "%s: %s", path, db.h == NULL ?
		    sqlite3_errstr(rc) : sqlite3_errmsg(db.h));
		break;
	}
	return (-1);
}

/* Before the first byte of the file is believed.  Returns SQLite's code. */
static int
db_harden(void)
{
	static const struct {
		int	 what;
		int	 on;
	} config[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE,		 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA,	 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY,		 1 },
		{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,	 1 }
	};
	size_t	 i;
	int	 rc, was;

	(void)sqlite3_extended_result_codes(db.h, 1);
	for (i = 0; i < sizeof(config) / sizeof(config[0]); i++) {
		rc = sqlite3_db_config(db.h, config[i].what, config[i].on,
		    &was);
		if (rc != SQLITE_OK)
			return (rc);
	}
	return (sqlite3_exec(db.h, "PRAGMA locking_mode=EXCLUSIVE;"
	    "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
	    "PRAGMA mmap_size=0; PRAGMA cache_size=-16384", NULL, NULL,
	    NULL));
}

static int
db_pragma(const char *sql, int64_t *value)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((rc = sqlite3_prepare_v2(db.h, sql, -1, &s, NULL)) != SQLITE_OK)
		return (rc);
	if ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		*value = sqlite3_column_int64(s, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return (rc);
}

/* An empty file is ours to fill; any other says whose it is. */
static int
db_ours(const char *path, char *why, size_t len)
{
	int64_t	 id = 0, tables = 0;
	int	 rc;

	if ((rc = db_pragma("SELECT count(*) FROM sqlite_schema", &tables)) !=
	    SQLITE_OK || (rc = db_pragma("PRAGMA application_id", &id)) !=
	    SQLITE_OK)
		return (db_refuse(why, len, path, rc));
	if (id == DB_APPLICATION_ID || (id == 0 && tables == 0))
		return (0);
	(void)snprintf(why, len, "%s is not a database of brokerd's: move it "
	    "away, or name another state directory", path);
	return (-1);
}

/* One that somebody looks at with sqlite3(1), say, may be free soon. */
static int
db_free(const char *path, char *why, size_t len)
{
	uint64_t	 end = loop_mono() + DB_BUSY_MS * 1000;
	int64_t		 n;
	int		 rc, told = 0;

	while (1) {
		if ((rc = db_harden()) == SQLITE_OK)
			rc = db_pragma("SELECT count(*) FROM sqlite_schema",
			    &n);
		if ((rc & 0xff) != SQLITE_BUSY || loop_mono() >= end)
			break;
		if (!told)
			log_warnx("%s is in use by another program: waiting",
			    path);
		told = 1;
		(void)sqlite3_sleep(50);
	}
	return (rc == SQLITE_OK ? 0 : db_refuse(why, len, path, rc));
}

/*
 * A damaged log is the machine's failure or the disk's.  After the first what
 * is left of it is taken, and log_unclean says that something may be missing.
 * If the machine has not been restarted since the last write, it is the other.
 */
static int
db_whole(const char *dir, const char *path, char *why, size_t len)
{
	char	 wal[128];
	int64_t	 boot = 0;

	if (dbfile_wal(dir, wal, sizeof(wal)) == 0)
		return (0);
	if (db_pragma("SELECT value FROM meta WHERE key = 'boot'", &boot) !=
	    SQLITE_OK || llabs(boot - clock_boot()) > CLOCK_BOOT_SLACK) {
		log_warnx("%s-wal is not whole (%s): what came before is kept",
		    path, wal);
		return (0);
	}
	(void)snprintf(why, len, "%s-wal is damaged (%s): " DB_REMEDY ", or "
	    "move the -wal file alone away to go on without the last changes",
	    path, wal);
	return (-1);
}

int
db_open(const char *dir, char *why, size_t len)
{
	char	 path[PATH_MAX];
	int	 rc;

	if ((size_t)snprintf(path, sizeof(path), "%s/" DB_FILE, dir) >=
	    sizeof(path)) {
		(void)snprintf(why, len, "%.64s...: %s", dir,
		    strerror(ENAMETOOLONG));
		return (-1);
	}
	/* One thread, and nobody asks for statistics: a tenth of the CPU. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	db.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (db.dirfd == -1) {
		(void)snprintf(why, len, "%s: %s", dir, strerror(errno));
		return (-1);
	}
	if (dbfile_check(dir, why, len) == -1) {
		db_close();
		return (-1);
	}
	rc = sqlite3_open_v2(path, &db.h, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
	    keep_vfs(fault_vfs(dir)));
	if (rc != SQLITE_OK)
		(void)db_refuse(why, len, path, rc);
	else if (db_free(path, why, len) == 0 &&
	    db_ours(path, why, len) == 0 &&
	    db_whole(dir, path, why, len) == 0) {
		sqlite3_wal_hook(db.h, db_wal_hook, NULL);
		db.full = -1;
		return (0);
	}
	db_close();
	return (-1);
}

/*
 * WAL in exclusive mode needs no shared memory and no further file to be
 * opened: after this the process can do without the file system.
 */
int
db_settle(void)
{
	int64_t	 n = 0;
	int	 rc;

	if (db_exec("PRAGMA journal_mode=WAL") == -1 ||
	    db_exec("PRAGMA synchronous=FULL") == -1)
		return (-1);
	db.full = 1;
	rc = db_pragma("SELECT count(*) FROM sqlite_schema", &n);
	return (rc == SQLITE_OK ? 0 : db_fail(rc));
}

void
db_trust(void)
{
	int	 was;

	(void)sqlite3_db_config(db.h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
	    &was);
}

void
db_close(void)
{
	struct db_sql	*s;

	while ((s = SLIST_FIRST(&db.stmts)) != NULL) {
		SLIST_REMOVE_HEAD(&db.stmts, entry);
		sqlite3_finalize(s->stmt);
		s->stmt = NULL;
	}
	if (db.h != NULL && sqlite3_close(db.h) != SQLITE_OK)
		log_warnx("database: statements left at its close");
	db.h = NULL;
	if (db.dirfd != -1)
		close(db.dirfd);
	db.dirfd = -1;
	db.in_tx = 0;
	db.wal_pages = 0;
	db.checkpoint_failing = 0;
	db.checkpoint_next = 0;
}

sqlite3_stmt *
db_prep(struct db_sql *s)
{
	int	 rc;

	if (s->stmt != NULL)
		return (s->stmt);
	rc = sqlite3_prepare_v3(db.h, s->text, -1, SQLITE_PREPARE_PERSISTENT,
	    &s->stmt, NULL);
	if (rc != SQLITE_OK) {
		(void)db_fail(rc);
		return (NULL);
	}
	SLIST_INSERT_HEAD(&db.stmts, s, entry);
	return (s->stmt);
}

static int
db_vbind(sqlite3_stmt *s, const char *types, va_list ap)
{
	const char	*text;
	const void	*data;
	int64_t		 i;
	size_t		 size;
	int		 rc = SQLITE_OK, n = 1;

	for (; *types != '\0' && rc == SQLITE_OK; types++, n++) {
		switch (*types) {
		case 'i':
		case 'z':
			i = va_arg(ap, int64_t);
			rc = *types == 'z' && i == 0 ?
			    sqlite3_bind_null(s, n) :
			    sqlite3_bind_int64(s, n, i);
			break;
		case 't':
		case 'e':
			text = va_arg(ap, const char *);
			rc = *types == 'e' && *text == '\0' ?
			    sqlite3_bind_null(s, n) :
			    sqlite3_bind_text(s, n, text, -1, SQLITE_STATIC);
			break;
		case 'b':
			data = va_arg(ap, const void *);
			size = va_arg(ap, size_t);
			rc = size == 0 ? sqlite3_bind_null(s, n) :
			    sqlite3_bind_blob64(s, n, data, size,
			    SQLITE_STATIC);
			break;
		default:
			fatalx("database: bind '%c'", *types);
		}
	}
	return (rc == SQLITE_OK ? 0 : db_fail(rc));
}

int
db_bind(sqlite3_stmt *s, const char *types, ...)
{
	va_list	 ap;
	int	 rc;

	va_start(ap, types);
	rc = db_vbind(s, types, ap);
	va_end(ap);
	return (rc);
}

int
db_step(sqlite3_stmt *s)
{
	int	 rc;

	if ((rc = sqlite3_step(s)) == SQLITE_ROW)
		return (1);
	if (rc == SQLITE_DONE) {
		(void)sqlite3_reset(s);
		return (0);
	}
	(void)db_fail(rc);
	(void)sqlite3_reset(s);
	return (-1);
}

void
db_reset(sqlite3_stmt *s)
{
	(void)sqlite3_reset(s);
}

int
db_run(struct db_sql *sql, const char *types, ...)
{
	sqlite3_stmt	*s;
	va_list		 ap;
	int		 rc;

	if ((s = db_prep(sql)) == NULL)
		return (-1);
	va_start(ap, types);
	rc = db_vbind(s, types, ap);
	va_end(ap);
	if (rc == -1)
		return (-1);
	while ((rc = db_step(s)) == 1)
		continue;
	return (rc);
}

int
db_int(struct db_sql *sql, int64_t none, int64_t *value, const char *types,
    ...)
{
	sqlite3_stmt	*s;
	va_list		 ap;
	int		 rc;

	if ((s = db_prep(sql)) == NULL)
		return (-1);
	va_start(ap, types);
	rc = db_vbind(s, types, ap);
	va_end(ap);
	if (rc == -1 || (rc = db_step(s)) == -1)
		return (-1);
	*value = none;
	if (rc == 1) {
		if (sqlite3_column_type(s, 0) != SQLITE_NULL)
			*value = sqlite3_column_int64(s, 0);
		db_reset(s);
	}
	return (0);
}

int
db_exec(const char *sql)
{
	int	 rc;

	rc = sqlite3_exec(db.h, sql, NULL, NULL, NULL);
	return (rc == SQLITE_OK ? 0 : db_fail(rc));
}

const char *
db_text(sqlite3_stmt *s, int column)
{
	const unsigned char	*p = sqlite3_column_text(s, column);

	return (p == NULL ? "" : (const char *)p);
}

/* Nothing is added to a log whose end is not what it should be. */
int
db_begin(int full)
{
	if (keep_cancel() == -1) {
		(void)db_fail(SQLITE_IOERR);
		(void)strlcpy(db.errstr, "what failed before cannot be "
		    "struck out of the -wal file", sizeof(db.errstr));
		return (-1);
	}
	if (full != db.full) {
		if (db_exec(full ? "PRAGMA synchronous=FULL" :
		    "PRAGMA synchronous=NORMAL") == -1)
			return (-1);
		db.full = full;
	}
	if (db_exec("BEGIN IMMEDIATE") == -1)
		return (-1);
	db.in_tx = 1;
	return (0);
}

/* A commit that fails may leave its transaction open. */
int
db_commit(void)
{
	if (db_lost() || db_exec("COMMIT") == -1) {
		db_rollback();
		return (-1);
	}
	db.in_tx = 0;
	db_counters.commits++;
	return (0);
}

void
db_rollback(void)
{
	if (!sqlite3_get_autocommit(db.h) &&
	    sqlite3_exec(db.h, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		log_warnx("database: rollback: %s", sqlite3_errmsg(db.h));
	db.in_tx = 0;
	(void)keep_cancel();
}

int
db_doubt(void)
{
	return (keep_cancel() == -1);
}

/*
 * On some errors SQLite itself rolls everything back; what came after would
 * then be committed row by row.
 */
int
db_lost(void)
{
	return (db.in_tx && sqlite3_get_autocommit(db.h));
}

static int
db_wal_hook(void *arg, sqlite3 *h, const char *name, int pages)
{
	db.wal_pages = pages;
	keep_commit();
	return (SQLITE_OK);
}

/* What a disk that fails has to say is said once. */
static void
db_move(void)
{
	int	 rc, left = 0, done = 0;

	rc = sqlite3_wal_checkpoint_v2(db.h, NULL, SQLITE_CHECKPOINT_PASSIVE,
	    &left, &done);
	if (rc != SQLITE_OK) {
		(void)db_fail(rc);
		if (!db.checkpoint_failing)
			log_warnx("database: checkpoint: %s", db.errstr);
		db.checkpoint_failing = 1;
		db_counters.checkpoints_failed++;
		db.checkpoint_next = loop_mono() +
		    DB_CHECKPOINT_RETRY * UINT64_C(1000000);
		return;
	}
	db.checkpoint_failing = 0;
	db.wal_pages = left - done;
	db_counters.checkpoints++;
}

void
db_checkpoint(void)
{
	if (db.wal_pages >= DB_CHECKPOINT_PAGES &&
	    loop_mono() >= db.checkpoint_next)
		db_move();
}

int
db_behind(void)
{
	db_checkpoint();
	return (db.wal_pages >= DB_CHECKPOINT_PAGES);
}

void
db_reclaim(void)
{
	if (db.wal_pages > 0 && loop_mono() >= db.checkpoint_next)
		db_move();
}

int64_t
db_size(void)
{
	int64_t	 pages = 0, size = 0;

	if (db_pragma("PRAGMA page_count", &pages) != SQLITE_OK ||
	    db_pragma("PRAGMA page_size", &size) != SQLITE_OK)
		return (-1);
	return (pages * size);
}

int64_t
db_disk(void)
{
	struct statvfs	 vfs;
	int64_t		 disk, size = 0;

	if (fstatvfs(db.dirfd, &vfs) == -1 ||
	    db_pragma("PRAGMA page_size", &size) != SQLITE_OK)
		return (-1);
	/* What the log holds has to be written once more, to the database. */
	disk = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize -
	    db.wal_pages * size;
	return (disk < 0 ? 0 : disk);
}

int64_t
db_room(void)
{
	int64_t	 disk, unused = 0, size = 0;

	if ((disk = db_disk()) == -1 ||
	    db_pragma("PRAGMA freelist_count", &unused) != SQLITE_OK ||
	    db_pragma("PRAGMA page_size", &size) != SQLITE_OK)
		return (-1);
	return (disk + unused * size);
}
