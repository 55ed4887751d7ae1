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
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "fault.h"

#define SECTOR	512

/*
 * A VFS between SQLite and the system's own that fails as the control file
 * asks for.  What a write or a truncation destroys, and what it puts there, is
 * kept until the next sync of the file, so that a power failure can bring back
 * the one or leave the other.
 */
struct undo {
	TAILQ_ENTRY(undo)	 entry;
	sqlite3_int64		 off;
	sqlite3_int64		 size;		/* of the file before */
	int			 len;		/* of what was there */
	int			 added;		/* of what is; 0: cut at off */
	char			 data[];
};
TAILQ_HEAD(undos, undo);

struct file {
	sqlite3_file		 base;
	TAILQ_ENTRY(file)	 entry;
	struct undos		 undos;
	int			 listed;
	sqlite3_file		*real;		/* behind this structure */
};
static TAILQ_HEAD(, file)	 files = TAILQ_HEAD_INITIALIZER(files);

static sqlite3_vfs	 vfs;
static sqlite3_vfs	*system_vfs;
static struct fault	*fault;

static int	fault_open(sqlite3_vfs *, const char *, sqlite3_file *, int,
		    int *);
static int	fault_close(sqlite3_file *);
static int	fault_read(sqlite3_file *, void *, int, sqlite3_int64);
static int	fault_write(sqlite3_file *, const void *, int, sqlite3_int64);
static int	fault_truncate(sqlite3_file *, sqlite3_int64);
static int	fault_sync(sqlite3_file *, int);
static int	fault_size(sqlite3_file *, sqlite3_int64 *);
static int	fault_lock(sqlite3_file *, int);
static int	fault_unlock(sqlite3_file *, int);
static int	fault_reserved(sqlite3_file *, int *);
static int	fault_control(sqlite3_file *, int, void *);
static int	fault_sector(sqlite3_file *);
static int	fault_traits(sqlite3_file *);
static int	fault_now(uint32_t *);
static int	fault_failed(int);
static int	fault_step(int);
static int	fault_partly(struct file *, const void *, int,
		    sqlite3_int64);
static void	fault_power(void);
static uint32_t	fault_random(uint32_t);
static void	undo_keep(struct file *, sqlite3_int64, sqlite3_int64,
		    const void *);
static void	undo_clear(struct file *);
static void	undo_all(struct file *);
static void	undo_redo(struct file *, const struct undo *);

static const sqlite3_io_methods	 methods = {
	.iVersion = 1,
	.xClose = fault_close,
	.xRead = fault_read,
	.xWrite = fault_write,
	.xTruncate = fault_truncate,
	.xSync = fault_sync,
	.xFileSize = fault_size,
	.xLock = fault_lock,
	.xUnlock = fault_unlock,
	.xCheckReservedLock = fault_reserved,
	.xFileControl = fault_control,
	.xSectorSize = fault_sector,
	.xDeviceCharacteristics = fault_traits
};

/* Counts one down; 1 stays until somebody else takes it away. */
static int
fault_now(uint32_t *n)
{
	if (*n > 1) {
		(*n)--;
		return (0);
	}
	return (*n == 1);
}

static int
fault_failed(int rc)
{
	fault->failed++;
	return (rc);
}

/* Whether this write, sync or truncation fails, with which of its errors. */
static int
fault_step(int ioerr)
{
	static const int	 errors[FAULT_MAX] = {
		[FAULT_FULL] = SQLITE_FULL,
		[FAULT_SHORT] = SQLITE_FULL,
		[FAULT_BUSY] = SQLITE_BUSY,
		[FAULT_NOMEM] = SQLITE_IOERR_NOMEM
	};
	uint32_t		 how = fault->how;

	fault->steps++;
	if (fault_now(&fault->power))
		fault_power();
	if (!fault_now(&fault->at) || how >= FAULT_MAX)
		return (SQLITE_OK);
	if (how == FAULT_POWER)
		fault_power();
	if (fault->once)
		fault->at = 0;
	return (fault_failed(how == FAULT_IOERR || (how != FAULT_NOMEM &&
	    ioerr != SQLITE_IOERR_WRITE) ? ioerr : errors[how]));
}

/* The same for the same seed. */
static uint32_t
fault_random(uint32_t n)
{
	uint32_t	 x = fault->seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	fault->seed = x;
	return (x % n);
}

static void
undo_clear(struct file *f)
{
	struct undo	*u;

	while ((u = TAILQ_FIRST(&f->undos)) != NULL) {
		TAILQ_REMOVE(&f->undos, u, entry);
		free(u);
	}
}

/* The bytes from off to end that are there now, and those that come. */
static void
undo_keep(struct file *f, sqlite3_int64 off, sqlite3_int64 end,
    const void *buf)
{
	struct undo	*u;
	sqlite3_int64	 size = 0, n = buf == NULL ? 0 : end - off;

	if (f->real->pMethods->xFileSize(f->real, &size) != SQLITE_OK)
		abort();
	if (end > size)
		end = size;
	if (off > end && buf == NULL)
		off = end;
	if (end < off)
		end = off;
	if ((u = calloc(1, sizeof(*u) + (end - off) + n)) == NULL)
		abort();
	u->off = off;
	u->len = end - off;
	u->added = n;
	u->size = size;
	if (u->len > 0 && f->real->pMethods->xRead(f->real, u->data, u->len,
	    off) != SQLITE_OK)
		abort();
	if (n > 0)
		memcpy(u->data + u->len, buf, n);
	TAILQ_INSERT_HEAD(&f->undos, u, entry);
}

/* What of it had reached the disk: nothing, all, or some of its sectors. */
static void
undo_redo(struct file *f, const struct undo *u)
{
	const char	*p = u->data + u->len;
	int		 i, n, torn = 0;

	switch (fault_random(3)) {
	case 0:
		return;
	case 1:
		torn = 1;
		break;
	}
	if (u->added == 0) {
		(void)f->real->pMethods->xTruncate(f->real, u->off);
		return;
	}
	for (i = 0; i < u->added; i += n) {
		n = SECTOR - (u->off + i) % SECTOR;
		if (n > u->added - i)
			n = u->added - i;
		if (torn && fault_random(2) == 0)
			continue;
		if (f->real->pMethods->xWrite(f->real, p + i, n,
		    u->off + i) != SQLITE_OK)
			abort();
	}
}

static void
undo_all(struct file *f)
{
	struct undo	*u;

	TAILQ_FOREACH(u, &f->undos, entry) {
		if (u->len > 0 && f->real->pMethods->xWrite(f->real, u->data,
		    u->len, u->off) != SQLITE_OK)
			abort();
		if (f->real->pMethods->xTruncate(f->real, u->size) !=
		    SQLITE_OK)
			abort();
	}
	if (fault->seed == 0)
		return;
	TAILQ_FOREACH_REVERSE(u, &f->undos, undos, entry)
		undo_redo(f, u);
}

static void
fault_power(void)
{
	struct file	*f;

	TAILQ_FOREACH(f, &files, entry)
		undo_all(f);
	_exit(9);
}

static int
fault_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags,
    int *out)
{
	struct file	*f = (struct file *)file;
	int		 rc;

	memset(f, 0, sizeof(*f));
	TAILQ_INIT(&f->undos);
	f->real = (sqlite3_file *)(f + 1);
	rc = system_vfs->xOpen(system_vfs, name, f->real, flags, out);
	if (f->real->pMethods == NULL)
		return (rc);
	f->base.pMethods = &methods;
	TAILQ_INSERT_TAIL(&files, f, entry);
	f->listed = 1;
	return (rc);
}

static int
fault_close(sqlite3_file *file)
{
	struct file	*f = (struct file *)file;

	undo_clear(f);
	if (f->listed)
		TAILQ_REMOVE(&files, f, entry);
	f->listed = 0;
	return (f->real->pMethods->xClose(f->real));
}

static int
fault_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 off)
{
	struct file	*f = (struct file *)file;
	unsigned char	*p = buf;
	int		 rc;

	if (fault_now(&fault->read))
		return (fault_failed(SQLITE_IOERR_READ));
	rc = f->real->pMethods->xRead(f->real, buf, n, off);
	if (n >= SECTOR && fault_now(&fault->flip)) {
		(void)fault_failed(0);
		p[n / 2] ^= 0x10;
		p[3] ^= 0xff;
		p[0] ^= 0x80;
	}
	return (rc);
}

/* As pwrite(2) does on a disk that is nearly full. */
static int
fault_partly(struct file *f, const void *buf, int n, sqlite3_int64 off)
{
	int	 half = n / 2;

	if (half > 0) {
		undo_keep(f, off, off + half, buf);
		(void)f->real->pMethods->xWrite(f->real, buf, half, off);
	}
	return (SQLITE_FULL);
}

static int
fault_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 off)
{
	struct file	*f = (struct file *)file;
	int		 rc;

	fault->writes++;
	if ((rc = fault_step(SQLITE_IOERR_WRITE)) != SQLITE_OK)
		return (fault->how == FAULT_SHORT ? fault_partly(f, buf, n,
		    off) : rc);
	if (fault_now(&fault->full))
		return (fault_failed(SQLITE_FULL));
	if (fault_now(&fault->ioerr))
		return (fault_failed(SQLITE_IOERR_WRITE));
	undo_keep(f, off, off + n, buf);
	return (f->real->pMethods->xWrite(f->real, buf, n, off));
}

static int
fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct file	*f = (struct file *)file;
	int		 rc;

	if ((rc = fault_step(SQLITE_IOERR_TRUNCATE)) != SQLITE_OK)
		return (rc);
	undo_keep(f, size, INT64_MAX, NULL);
	return (f->real->pMethods->xTruncate(f->real, size));
}

/* After one that drops, the next one has nothing to sync and succeeds. */
static int
fault_sync(sqlite3_file *file, int flags)
{
	struct file	*f = (struct file *)file;
	int		 rc;

	fault->syncs++;
	rc = fault_step(SQLITE_IOERR_FSYNC);
	if (rc == SQLITE_OK && fault->fsync)
		rc = fault_failed(SQLITE_IOERR_FSYNC);
	if (rc != SQLITE_OK) {
		if (fault->drop) {
			undo_all(f);
			undo_clear(f);
		}
		return (rc);
	}
	if (!fault->quick)
		rc = f->real->pMethods->xSync(f->real, flags);
	if (rc == SQLITE_OK)
		undo_clear(f);
	return (rc);
}

static int
fault_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct file	*f = (struct file *)file;

	return (f->real->pMethods->xFileSize(f->real, size));
}

static int
fault_lock(sqlite3_file *file, int level)
{
	struct file	*f = (struct file *)file;

	if (fault_now(&fault->busy))
		return (fault_failed(SQLITE_BUSY));
	return (f->real->pMethods->xLock(f->real, level));
}

static int
fault_unlock(sqlite3_file *file, int level)
{
	struct file	*f = (struct file *)file;

	return (f->real->pMethods->xUnlock(f->real, level));
}

static int
fault_reserved(sqlite3_file *file, int *out)
{
	struct file	*f = (struct file *)file;

	return (f->real->pMethods->xCheckReservedLock(f->real, out));
}

static int
fault_control(sqlite3_file *file, int op, void *arg)
{
	struct file	*f = (struct file *)file;

	return (f->real->pMethods->xFileControl(f->real, op, arg));
}

static int
fault_sector(sqlite3_file *file)
{
	struct file	*f = (struct file *)file;

	return (f->real->pMethods->xSectorSize(f->real));
}

static int
fault_traits(sqlite3_file *file)
{
	struct file	*f = (struct file *)file;

	return (f->real->pMethods->xDeviceCharacteristics(f->real));
}

const char *
fault_vfs(const char *dir)
{
	char	 path[PATH_MAX];
	void	*p;
	int	 fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/" FAULT_FILE, dir) >=
	    sizeof(path) || (fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return (NULL);
	p = mmap(NULL, sizeof(*fault), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	close(fd);
	if (p == MAP_FAILED || ((struct fault *)p)->magic != FAULT_MAGIC)
		return (NULL);
	fault = p;
	if (system_vfs != NULL)
		return (vfs.zName);
	system_vfs = sqlite3_vfs_find(NULL);
	vfs = *system_vfs;
	vfs.zName = "fault";
	vfs.pNext = NULL;
	vfs.szOsFile = sizeof(struct file) + system_vfs->szOsFile;
	vfs.xOpen = fault_open;
	return (sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL);
}
