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
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "brokerd.h"
#include "config.h"

/*
 * The state directory belongs to whoever starts the daemon; the database has
 * a directory in it that belongs to logd's user.
 */
static int	state_check(const char *, char *, size_t);
static int	state_dir_of(const char *, const char *, char *, size_t);
static int	state_empty(char *, size_t);
static int	state_db_open(char *, size_t);
static int	state_dir_sync(const char *, char *, size_t);
static int	state_key_new(const char *, char *, size_t);
static int	state_key_check(const char *, int, off_t *, char *, size_t);

/* How long a logd may go on that has lost its parent: tenths of a second. */
#define DB_LOCK_TRIES	150

static int	 lock = -1;
static int	 db = -1;
static char	 dbdir[PATH_MAX];
static char	 empty[PATH_MAX];

static int
state_check(const char *dir, char *why, size_t len)
{
	mode_t		 bad = brokerd.privileged ? 022 : 077;
	struct stat	 st;

	if (fstat(lock, &st) == -1) {
		(void)snprintf(why, len, "state directory %s: %s", dir,
		    strerror(errno));
		return (-1);
	}
	if (st.st_uid != geteuid() || (st.st_mode & bad) != 0) {
		(void)snprintf(why, len, "state directory %s: must belong to "
		    "user %u and not be open to others: chown %u %s; "
		    "chmod %s %s", dir, geteuid(), geteuid(), dir,
		    brokerd.privileged ? "755" : "700", dir);
		return (-1);
	}
	return (0);
}

/* The directory of a file that is going to be made must be there. */
static int
state_dir_of(const char *path, const char *mode, char *why, size_t len)
{
	struct stat	 st;
	char		 copy[PATH_MAX], *dir;

	(void)strlcpy(copy, path, sizeof(copy));
	dir = dirname(copy);
	if (stat(dir, &st) == 0)
		return (0);
	(void)snprintf(why, len, "directory %s: %s; make it: "
	    "install -d -m %s %s", dir, strerror(errno), mode, dir);
	return (-1);
}

/*
 * The root directory of processes that need none.  Without an installed one
 * the state directory has its own.
 */
static int
state_empty(char *why, size_t len)
{
	struct stat	 st;

	(void)strlcpy(empty, BROKERD_EMPTY, sizeof(empty));
	if (stat(empty, &st) == -1 && errno == ENOENT) {
		(void)snprintf(empty, sizeof(empty), "%s/empty",
		    brokerd.conf->state);
		if (mkdir(empty, 0555) == -1 && errno != EEXIST) {
			(void)snprintf(why, len, "%s: %s", empty,
			    strerror(errno));
			return (-1);
		}
	}
	if (lstat(empty, &st) == -1 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != 0 || (st.st_mode & 022) != 0) {
		(void)snprintf(why, len, "%s: must be a directory of root's "
		    "that nobody else may write: install -d -m 555 %s", empty,
		    empty);
		return (-1);
	}
	return (0);
}

const char *
state_chroot(void)
{
	return (empty);
}

int
state_open(char *why, size_t len)
{
	const char	*dir = brokerd.conf->state;

	lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock == -1) {
		(void)snprintf(why, len, "state directory %s: %s; make it: "
		    "install -d -m %s %s", dir, strerror(errno),
		    brokerd.privileged ? "755" : "700", dir);
		return (-1);
	}
	if (flock(lock, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			(void)snprintf(why, len, "state directory %s: another "
			    "brokerd is running with it", dir);
		else
			(void)snprintf(why, len, "state directory %s: flock: "
			    "%s", dir, strerror(errno));
		return (-1);
	}
	if (state_check(dir, why, len) == -1 ||
	    state_dir_of(brokerd.conf->socket, "755", why, len) == -1 ||
	    state_dir_of(brokerd.conf->master_key, "700", why, len) == -1)
		return (-1);
	if (brokerd.privileged && state_empty(why, len) == -1)
		return (-1);
	return (state_db_open(why, len));
}

int
state_lock(int fd, int max)
{
	const struct timespec	 pause = { 0, 100000000 };
	int			 tries;

	for (tries = 0; tries < max; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return (0);
		if (errno != EWOULDBLOCK)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return (-1);
}

static int
state_db_open(char *why, size_t len)
{
	const struct conf_id	*id = start_id(PROC_LOGD);

	if ((size_t)snprintf(dbdir, sizeof(dbdir), "%s/db",
	    brokerd.conf->state) >= sizeof(dbdir)) {
		errno = ENAMETOOLONG;
		goto fail;
	}
	if (mkdir(dbdir, 0700) == -1 && errno != EEXIST)
		goto fail;
	db = open(dbdir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/*
	 * The lock is shared by all copies of the descriptor, logd's too: a
	 * logd that outlives its parent keeps the next one away.
	 */
	if (db == -1 || state_lock(db, DB_LOCK_TRIES) == -1)
		goto fail;
	if (brokerd.privileged && fchown(db, id->uid, id->gid) == -1)
		goto fail;
	return (0);
 fail:
	(void)snprintf(why, len, "%s: %s", dbdir, errno == EWOULDBLOCK ?
	    "the logd of a killed brokerd has not ended" : strerror(errno));
	return (-1);
}

const char *
state_db_path(void)
{
	return (dbdir);
}

int
state_db(char *why, size_t len)
{
	int	 fd;

	if ((fd = fcntl(db, F_DUPFD_CLOEXEC, 0)) == -1)
		(void)snprintf(why, len, "%s: %s", dbdir, strerror(errno));
	return (fd);
}

static int
state_dir_sync(const char *path, char *why, size_t len)
{
	char	 copy[PATH_MAX];
	int	 fd;

	(void)strlcpy(copy, path, sizeof(copy));
	if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1 || fsync(fd) == -1) {
		(void)snprintf(why, len, "directory of %s: %s", path,
		    strerror(errno));
		if (fd != -1)
			close(fd);
		return (-1);
	}
	close(fd);
	return (0);
}

/* Made only when there is nothing yet that another key could have sealed. */
static int
state_key_new(const char *path, char *why, size_t len)
{
	int	 fd;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1) {
		(void)snprintf(why, len, "master key %s: cannot be made: %s",
		    path, strerror(errno));
		return (-1);
	}
	if (state_dir_sync(path, why, len) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

static int
state_key_check(const char *path, int fd, off_t *size, char *why, size_t len)
{
	struct stat	 st;

	if (fstat(fd, &st) == -1) {
		(void)snprintf(why, len, "master key %s: %s", path,
		    strerror(errno));
		return (-1);
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0) {
		(void)snprintf(why, len, "master key %s: must be a file of "
		    "user %u that nobody else may read: chown %u %s; "
		    "chmod 600 %s", path, geteuid(), geteuid(), path, path);
		return (-1);
	}
	*size = st.st_size;
	return (0);
}

int
state_key(char *why, size_t len)
{
	const char	*path = brokerd.conf->master_key;
	off_t		 size;
	int		 fd;

	fd = open(path, (brokerd.fresh ? O_RDWR : O_RDONLY) | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT && brokerd.fresh)
		return (state_key_new(path, why, len));
	if (fd == -1 && errno != ENOENT) {
		(void)snprintf(why, len, "master key %s: %s", path,
		    strerror(errno));
		return (-1);
	}
	if (fd != -1 && state_key_check(path, fd, &size, why, len) == -1) {
		close(fd);
		return (-1);
	}
	if (fd != -1 && (size > 0 || brokerd.fresh))
		return (fd);
	(void)snprintf(why, len, "master key %s is %s, but the database in "
	    "%s/db was made with one: put it back from a copy, or, to begin "
	    "anew without what is stored, move the database away", path,
	    fd == -1 ? "missing" : "empty", brokerd.conf->state);
	if (fd != -1)
		close(fd);
	return (-1);
}
