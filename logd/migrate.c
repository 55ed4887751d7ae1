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

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "log.h"
#include "loop.h"
#include "migrate.h"

static struct db_sql	 sql_version = DB_SQL("PRAGMA user_version");
static struct db_sql	 sql_tables =
    DB_SQL("SELECT count(*) FROM sqlite_schema");
static struct db_sql	 sql_record = DB_SQL(
    "INSERT INTO migrations (id, name, applied_at) VALUES (?, ?, ?)");
static struct db_sql	 sql_copy = DB_SQL("VACUUM INTO ?");

static int	migrate_copy(const char *, int, char *, size_t);
static int	migrate_one(const struct migration *, int);
static int	migrate_first(void);

/*
 * The copy gets its name when it is whole, so that one that is there already
 * is from an earlier attempt and is kept.
 */
static int
migrate_copy(const char *dir, int next, char *why, size_t len)
{
	char	 tmp[PATH_MAX], path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/" DB_FILE "-before-%d",
	    dir, next) >= sizeof(path) || (size_t)snprintf(tmp, sizeof(tmp),
	    "%s/" DB_FILE "-copy", dir) >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		goto fail;
	}
	if (access(path, F_OK) == 0)
		return (0);
	if (unlink(tmp) == -1 && errno != ENOENT)
		goto fail;
	if (db_run(&sql_copy, "t", tmp) == -1) {
		(void)snprintf(why, len, "%s: the copy before the migration "
		    "failed: %s", tmp, db_errstr());
		return (-1);
	}
	if (rename(tmp, path) == -1)
		goto fail;
	log_info("database: copied to %s before its migration", path);
	return (0);
 fail:
	(void)snprintf(why, len, "%s: copy before the migration: %s", dir,
	    strerror(errno));
	return (-1);
}

/* What every database of ours has, whatever its version. */
static int
migrate_first(void)
{
	char	 sql[64];

	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id=%d",
	    DB_APPLICATION_ID);
	if (db_exec(sql) == -1)
		return (-1);
	return (db_exec("CREATE TABLE migrations (id INTEGER PRIMARY KEY, "
	    "name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"));
}

static int
migrate_one(const struct migration *m, int number)
{
	char	 sql[64];

	if (db_begin(1) == -1)
		return (-1);
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", number);
	if ((number == 1 && migrate_first() == -1) || m->fn() == -1 ||
	    db_run(&sql_record, "iti", (int64_t)number, m->name,
	    loop_wall() / 1000000) == -1 || db_exec(sql) == -1) {
		db_rollback();
		return (-1);
	}
	return (db_commit());
}

int
migrate_run(const char *dir, const struct migration *m, int n, char *why,
    size_t len)
{
	int64_t	 version, tables;
	int	 i;

	if (db_int(&sql_version, 0, &version, "") == -1 ||
	    db_int(&sql_tables, 0, &tables, "") == -1) {
		(void)snprintf(why, len, "database: %s", db_errstr());
		return (-1);
	}
	if (version < 0 || version > n) {
		(void)snprintf(why, len, "%s/" DB_FILE " was made by a newer "
		    "brokerd (schema %lld, this one knows %d): install that "
		    "again", dir, (long long)version, n);
		return (-1);
	}
	if (version < n && tables > 0 &&
	    migrate_copy(dir, version + 1, why, len) == -1)
		return (-1);
	for (i = version; i < n; i++) {
		if (migrate_one(&m[i], i + 1) == -1) {
			(void)snprintf(why, len, "%s/" DB_FILE ": migration "
			    "%d (%s): %s; nothing was changed by it", dir,
			    i + 1, m[i].name, db_errstr());
			return (-1);
		}
		log_debug("database: migration %d: %s", i + 1, m[i].name);
	}
	return (0);
}
