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
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backupfile.h"

#define VFS_NAME	"backup"
#define VERSIONS	18	/* offset in the header, File Format 1.3 */

struct file {
	sqlite3_file	 base;
	int		 fd;
};

static sqlite3_vfs	 vfs;
static int		 the_fd = -1;

static int	file_close(sqlite3_file *);
static int	file_read(sqlite3_file *, void *, int, sqlite3_int64);
static int	file_write(sqlite3_file *, const void *, int, sqlite3_int64);
static int	file_truncate(sqlite3_file *, sqlite3_int64);
static int	file_sync(sqlite3_file *, int);
static int	file_size(sqlite3_file *, sqlite3_int64 *);
static int	file_lock(sqlite3_file *, int);
static int	file_reserved(sqlite3_file *, int *);
static int	file_control(sqlite3_file *, int, void *);
static int	file_sector(sqlite3_file *);
static int	file_traits(sqlite3_file *);
static int	vfs_open(sqlite3_vfs *, const char *, sqlite3_file *, int,
		    int *);
static int	vfs_delete(sqlite3_vfs *, const char *, int);
static int	vfs_access(sqlite3_vfs *, const char *, int, int *);
static int	vfs_path(sqlite3_vfs *, const char *, int, char *);
static int	vfs_make(void);

static const sqlite3_io_methods	 methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits
};

static int
fd_of(sqlite3_file *f)
{
	return (((struct file *)f)->fd);
}

/* The descriptor is not ours. */
static int
file_close(sqlite3_file *f)
{
	return (SQLITE_OK);
}

static int
file_read(sqlite3_file *f, void *buf, int len, sqlite3_int64 off)
{
	char	*p = buf;
	ssize_t	 n;

	while (len > 0) {
		n = pread(fd_of(f), p, len, off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (SQLITE_IOERR_READ);
		if (n == 0) {
			memset(p, 0, len);
			return (SQLITE_IOERR_SHORT_READ);
		}
		p += n;
		off += n;
		len -= n;
	}
	return (SQLITE_OK);
}

static int
file_write(sqlite3_file *f, const void *buf, int len, sqlite3_int64 off)
{
	const char	*p = buf;
	ssize_t		 n;

	while (len > 0) {
		n = pwrite(fd_of(f), p, len, off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (errno == ENOSPC || errno == EDQUOT ?
			    SQLITE_FULL : SQLITE_IOERR_WRITE);
		p += n;
		off += n;
		len -= n;
	}
	return (SQLITE_OK);
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return (ftruncate(fd_of(f), size) == -1 ? SQLITE_IOERR_TRUNCATE :
	    SQLITE_OK);
}

/* It is gone with the processes that have it, synced or not. */
static int
file_sync(sqlite3_file *f, int flags)
{
	return (SQLITE_OK);
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct stat	 st;

	if (fstat(fd_of(f), &st) == -1)
		return (SQLITE_IOERR_FSTAT);
	*size = st.st_size;
	return (SQLITE_OK);
}

/* Nobody else can open it. */
static int
file_lock(sqlite3_file *f, int level)
{
	return (SQLITE_OK);
}

static int
file_reserved(sqlite3_file *f, int *reserved)
{
	*reserved = 0;
	return (SQLITE_OK);
}

static int
file_control(sqlite3_file *f, int op, void *arg)
{
	return (SQLITE_NOTFOUND);
}

static int
file_sector(sqlite3_file *f)
{
	return (0);
}

static int
file_traits(sqlite3_file *f)
{
	return (0);
}

static int
vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags,
    int *out)
{
	struct file	*f = (struct file *)file;

	file->pMethods = NULL;
	if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || the_fd == -1)
		return (SQLITE_CANTOPEN);
	f->fd = the_fd;
	f->base.pMethods = &methods;
	if (out != NULL)
		*out = flags;
	return (SQLITE_OK);
}

static int
vfs_delete(sqlite3_vfs *v, const char *name, int sync)
{
	return (SQLITE_OK);
}

static int
vfs_access(sqlite3_vfs *v, const char *name, int flags, int *there)
{
	*there = 0;
	return (SQLITE_OK);
}

static int
vfs_path(sqlite3_vfs *v, const char *name, int len, char *out)
{
	return (strlcpy(out, name, len) >= (size_t)len ? SQLITE_CANTOPEN :
	    SQLITE_OK);
}

/* Randomness, the clock and errors are those of the system's. */
static int
vfs_make(void)
{
	sqlite3_vfs	*lower;

	if (vfs.zName != NULL)
		return (SQLITE_OK);
	if ((lower = sqlite3_vfs_find(NULL)) == NULL)
		return (SQLITE_ERROR);
	vfs = *lower;
	vfs.zName = VFS_NAME;
	vfs.pNext = NULL;
	vfs.szOsFile = sizeof(struct file);
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.xAccess = vfs_access;
	vfs.xFullPathname = vfs_path;
	return (sqlite3_vfs_register(&vfs, 0));
}

int
backupfile_open(int fd, sqlite3 **to)
{
	int	 rc;

	*to = NULL;
	the_fd = fd;
	if ((rc = vfs_make()) == SQLITE_OK)
		rc = sqlite3_open_v2("copy", to, SQLITE_OPEN_READWRITE |
		    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, VFS_NAME);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*to, "PRAGMA journal_mode=OFF;"
		    "PRAGMA synchronous=OFF; PRAGMA cache_size=-512;"
		    "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		sqlite3_close(*to);
		*to = NULL;
	}
	return (rc);
}

int
backupfile_plain(int fd)
{
	static const char	 legacy[] = { 1, 1 };
	ssize_t			 n;

	n = pwrite(fd, legacy, sizeof(legacy), VERSIONS);
	if (n == sizeof(legacy))
		return (0);
	if (n != -1)
		errno = EIO;
	return (-1);
}
