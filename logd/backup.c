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

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "backup.h"
#include "backupfile.h"
#include "batch.h"
#include "codes.h"
#include "db.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "scope.h"

#define FULL_TEXT	"The disk has no room for a copy of the database"

static struct db_sql	 sql_pages = DB_SQL("PRAGMA page_count");
static struct db_sql	 sql_page = DB_SQL("PRAGMA page_size");

static struct link	*asker;		/* NULL: there is no backup */
static uint32_t		 ask_id;
static int		 copy_fd = -1;	/* -1: the parent has not answered */
static sqlite3		*copy;
static sqlite3_backup	*steps;
static uint64_t		 told;		/* monotonic, when api was told */
static unsigned int	 asked;		/* files that the parent owes us */

static void	backup_turn(void *);
static void	backup_step(void);
static void	backup_done(void);
static int	backup_mark(void);
static int	backup_room(int64_t);
static void	backup_failed(uint16_t, const char *);
static void	backup_end(void);
static void	answer(struct link *, uint32_t, uint16_t, const char *,
		    uint64_t, int);

void
backup_init(void)
{
	loop_hook(TURN_WORK, backup_turn, NULL);
}

/* The descriptor is taken over. */
static void
answer(struct link *l, uint32_t id, uint16_t status, const char *text,
    uint64_t size, int fd)
{
	struct msg_backup_done	 m;

	m.id = id;
	m.status = status;
	m.text = text;
	m.size = size;
	if (link_send(l, MSG_BACKUP_DONE, &m, fd) == -1)
		fatal("backup");
}

/* Whether so many pages leave what administration may still need. */
static int
backup_room(int64_t pages)
{
	int64_t	 size, room;

	if (db_int(&sql_page, 0, &size, "") == -1)
		return (-1);
	room = db_disk();
	if (room == -1)
		return (0);
	return (room < pages * size + (int64_t)batch_config()->reserve ? -1 :
	    0);
}

void
backup_request(struct link *l, struct msg *m)
{
	const struct msg_backup	*ask = &m->u.backup;
	struct msg_file_wanted	 want = { FILE_BACKUP };
	struct link		*parent = proc_parent();
	struct scope		*s;
	int64_t			 pages;

	s = scope_asked(l, ask->scope);
	if (s == NULL || !s->all)
		answer(l, ask->id, 403, "The scope is not for a backup", 0,
		    -1);
	else if (asker != NULL)
		answer(l, ask->id, 409, "Another backup is being made", 0,
		    -1);
	else if (db_int(&sql_pages, 0, &pages, "") == -1 ||
	    backup_room(pages) == -1)
		answer(l, ask->id, 507, FULL_TEXT, 0, -1);
	else if (parent == NULL ||
	    link_send(parent, MSG_FILE_WANTED, &want, -1) == -1)
		answer(l, ask->id, 503, "The daemon is being stopped", 0, -1);
	else {
		asker = l;
		ask_id = ask->id;
		told = loop_mono();
		asked++;
	}
}

/*
 * A file that was asked for by a backup that has been given up meanwhile is
 * as good as another.
 */
void
backup_file(int fd, const char *why)
{
	if (asked == 0) {
		if (fd != -1)
			close(fd);
		return;
	}
	asked--;
	if (asker == NULL || copy_fd != -1) {
		if (fd != -1)
			close(fd);
		return;
	}
	if (fd == -1) {
		log_warnx("backup: no file for it: %s", why);
		backup_failed(507, "There is no file for the backup; see the "
		    "text log");
		return;
	}
	copy_fd = fd;
	if (backupfile_open(fd, &copy) != SQLITE_OK || (steps =
	    sqlite3_backup_init(copy, "main", db_handle(), "main")) == NULL)
		backup_failed(503, "The backup cannot be made now");
}

static void
backup_turn(void *arg)
{
	const uint64_t	 start = loop_mono();

	if (steps == NULL)
		return;
	if (start - told > BACKUP_TELL_MS * UINT64_C(1000)) {
		answer(asker, ask_id, 102, "", 0, -1);
		told = start;
	}
	do
		backup_step();
	while (steps != NULL && loop_mono() - start < BACKUP_US);
	if (steps == NULL)
		return;
	if (backup_room(sqlite3_backup_remaining(steps)) == -1)
		backup_failed(507, FULL_TEXT);
	else
		loop_again();
}

static void
backup_step(void)
{
	const int	 rc = sqlite3_backup_step(steps, BACKUP_PAGES);

	switch (rc) {
	case SQLITE_OK:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		break;
	case SQLITE_DONE:
		backup_done();
		break;
	default:
		log_warnx("backup: %s", sqlite3_errstr(rc));
		backup_failed(rc == SQLITE_FULL ? 507 : 503,
		    rc == SQLITE_FULL ? FULL_TEXT :
		    "The backup failed; see the text log");
		break;
	}
}

/* Nothing of the machine's start or stop is true of a copy. */
static int
backup_mark(void)
{
	int	 rc;

	if (backupfile_plain(copy_fd) == -1)
		return (-1);
	if (backupfile_open(copy_fd, &copy) != SQLITE_OK)
		return (-1);
	rc = sqlite3_exec(copy, "UPDATE meta SET value = 0"
	    " WHERE key IN ('clean', 'boot')", NULL, NULL, NULL);
	if (sqlite3_close(copy) != SQLITE_OK)
		rc = SQLITE_ERROR;
	copy = NULL;
	return (rc == SQLITE_OK ? 0 : -1);
}

static void
backup_done(void)
{
	struct stat	 st;
	int		 fd, rc;

	rc = sqlite3_backup_finish(steps);
	steps = NULL;
	if (sqlite3_close(copy) != SQLITE_OK)
		rc = SQLITE_ERROR;
	copy = NULL;
	if (rc != SQLITE_OK || backup_mark() == -1 ||
	    fstat(copy_fd, &st) == -1) {
		log_warnx("backup: the copy could not be finished");
		backup_failed(503, "The backup failed; see the text log");
		return;
	}
	fd = copy_fd;
	copy_fd = -1;
	log_info("backup: a copy of %lld bytes", (long long)st.st_size);
	answer(asker, ask_id, 200, "", st.st_size, fd);
	asker = NULL;
}

static void
backup_failed(uint16_t status, const char *text)
{
	answer(asker, ask_id, status, text, 0, -1);
	backup_end();
}

static void
backup_end(void)
{
	if (steps != NULL)
		(void)sqlite3_backup_finish(steps);
	steps = NULL;
	sqlite3_close(copy);
	copy = NULL;
	if (copy_fd != -1)
		close(copy_fd);
	copy_fd = -1;
	asker = NULL;
}

void
backup_cancel(const struct link *l, uint32_t id)
{
	if (asker == l && ask_id == id)
		backup_end();
}

void
backup_stop(void)
{
	if (asker != NULL)
		backup_failed(503, "The daemon is being stopped");
}

void
backup_closed(const struct link *l)
{
	if (asker == l)
		backup_end();
}
