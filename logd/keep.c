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

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "keep.h"
#include "writeback.h"

#define WAL_HEADER	32
#define FRAME_HEADER	24

/*
 * Writes that follow each other in the file and that no sync has covered.  A
 * commit writes each of its pages, and before it a header, so that they go to
 * the file together: nobody looks for them there before its last.
 */
#define CHUNK	(120 * 1024)	/* less than malloc(3) gives pages of its own */
#define BLOCK	4096		/* of a disk */

struct kept {
	STAILQ_ENTRY(kept)	 entry;
	sqlite3_int64		 off;
	int			 len;
	int			 written;	/* of it, to the file */
	int			 room;
	char			 data[];
};
STAILQ_HEAD(chunks, kept);

struct file {
	sqlite3_file		 base;
	sqlite3_file		*real;		/* behind this structure */
};

struct keep_counters	 keep_counters;

/* There is one connection, and it has one log. */
static struct chunks		 kept = STAILQ_HEAD_INITIALIZER(kept);
static struct chunks		 unused = STAILQ_HEAD_INITIALIZER(unused);
static unsigned int		 nunused;	/* at most KEEP_MAX / CHUNK */
static size_t			 size;		/* of what is kept */
static int			 lost;		/* it may not be in the file */
static struct file		*wal;
static int			 wal_fd = -1;	/* of ours, -1: none */
static sqlite3_int64		 ahead;		/* is under way to the disk */

/* The open transaction: where it has written, and whether to its end. */
static sqlite3_int64		 low, high;
static int			 last;		/* its last frame's header is */
static int			 ended;		/* and so is the frame */

static sqlite3_vfs	 vfs;
static sqlite3_vfs	*lower;

static int	keep_open(sqlite3_vfs *, const char *, sqlite3_file *, int,
		    int *);
static int	keep_close(sqlite3_file *);
static int	keep_read(sqlite3_file *, void *, int, sqlite3_int64);
static int	keep_write(sqlite3_file *, const void *, int, sqlite3_int64);
static int	keep_truncate(sqlite3_file *, sqlite3_int64);
static int	keep_sync(sqlite3_file *, int);
static int	keep_size(sqlite3_file *, sqlite3_int64 *);
static int	keep_lock(sqlite3_file *, int);
static int	keep_unlock(sqlite3_file *, int);
static int	keep_reserved(sqlite3_file *, int *);
static int	keep_control(sqlite3_file *, int, void *);
static int	keep_sector(sqlite3_file *);
static int	keep_traits(sqlite3_file *);
static sqlite3_file	*below(sqlite3_file *);
static int	keep_out(void);
static void	keep_ahead(sqlite3_int64);
static void	keep_drop(void);
static int	keep_chunk(sqlite3_int64, int);
static int	keep_add(const void *, int, sqlite3_int64, int);
static void	keep_forget(void);
static int	keep_again(void);
static void	keep_end(const unsigned char *, int);
static int	keep_strike(int);
static int	keep_header(const void *, int);
static int	keep_begin(const void *, int);

static const sqlite3_io_methods	 methods = {
	.iVersion = 1,
	.xClose = keep_close,
	.xRead = keep_read,
	.xWrite = keep_write,
	.xTruncate = keep_truncate,
	.xSync = keep_sync,
	.xFileSize = keep_size,
	.xLock = keep_lock,
	.xUnlock = keep_unlock,
	.xCheckReservedLock = keep_reserved,
	.xFileControl = keep_control,
	.xSectorSize = keep_sector,
	.xDeviceCharacteristics = keep_traits
};

static sqlite3_file *
below(sqlite3_file *file)
{
	return (((struct file *)file)->real);
}

/*
 * What has not gone to the file is at the end, and goes there.  If it cannot,
 * it is no more: its transaction is over, and others write at its place.
 */
static int
keep_out(void)
{
	struct kept	*k = STAILQ_LAST(&kept, kept, entry);
	int		 rc;

	if (k == NULL || k->written == k->len)
		return (SQLITE_OK);
	rc = wal->real->pMethods->xWrite(wal->real, k->data + k->written,
	    k->len - k->written, k->off + k->written);
	if (rc == SQLITE_OK) {
		k->written = k->len;
		keep_ahead(k->off + k->len);
	} else
		keep_drop();
	return (rc);
}

/*
 * A checkpoint begins with a sync of the whole log.  Under load the disk has
 * most of it by then; what comes slowly is left to the kernel, and so is a
 * block that is not full yet.
 */
static void
keep_ahead(sqlite3_int64 end)
{
	end -= end % BLOCK;
	if (end - ahead < CHUNK)
		return;
	if (wal_fd != -1)
		writeback(wal_fd, ahead, end - ahead);
	ahead = end;
}

static void
keep_drop(void)
{
	struct kept	*k = STAILQ_LAST(&kept, kept, entry);

	if (k == NULL)
		return;
	size -= k->len - k->written;
	k->len = k->written;
}

static int
keep_chunk(sqlite3_int64 off, int room)
{
	struct kept	*k;
	int		 rc;

	if ((rc = keep_out()) != SQLITE_OK)
		return (rc);
	if (room == CHUNK && (k = STAILQ_FIRST(&unused)) != NULL) {
		STAILQ_REMOVE_HEAD(&unused, entry);
		nunused--;
	} else if ((k = malloc(sizeof(*k) + room)) == NULL)
		return (SQLITE_IOERR_NOMEM);
	k->off = off;
	k->len = k->written = 0;
	k->room = room;
	size += sizeof(*k);
	STAILQ_INSERT_TAIL(&kept, k, entry);
	return (SQLITE_OK);
}

/*
 * Others follow what is at the end of a transaction.  Nothing follows what is
 * written over: headers alone, when checksums change or frames are struck out.
 */
static int
keep_add(const void *buf, int n, sqlite3_int64 off, int end)
{
	struct kept	*k = STAILQ_LAST(&kept, kept, entry);
	int		 rc;

	if (n > CHUNK)
		return (SQLITE_IOERR_WRITE);
	if (k == NULL || off != k->off + k->len || n > k->room - k->len) {
		if ((rc = keep_chunk(off, end ? CHUNK : n)) != SQLITE_OK)
			return (rc);
		k = STAILQ_LAST(&kept, kept, entry);
	}
	memcpy(k->data + k->len, buf, n);
	k->len += n;
	size += n;
	return (SQLITE_OK);
}

static void
keep_forget(void)
{
	struct kept	*k;

	while ((k = STAILQ_FIRST(&kept)) != NULL) {
		STAILQ_REMOVE_HEAD(&kept, entry);
		if (k->room == CHUNK && nunused < KEEP_MAX / CHUNK) {
			STAILQ_INSERT_HEAD(&unused, k, entry);
			nunused++;
		} else
			free(k);
	}
	size = 0;
	lost = 0;
}

/* Before anything is read that may be stale, or synced that is not there. */
static int
keep_again(void)
{
	struct kept	*k;
	int		 rc;

	if (!lost)
		return (keep_out());
	STAILQ_FOREACH(k, &kept, entry) {
		rc = wal->real->pMethods->xWrite(wal->real, k->data, k->len,
		    k->off);
		if (rc != SQLITE_OK)
			return (rc);
		k->written = k->len;
	}
	lost = 0;
	return (SQLITE_OK);
}

/* All but the log is the lower VFS's business alone. */
static int
keep_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags,
    int *out)
{
	struct file	*f = (struct file *)file;
	int		 rc;

	if ((flags & SQLITE_OPEN_WAL) == 0)
		return (lower->xOpen(lower, name, file, flags, out));
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	rc = lower->xOpen(lower, name, f->real, flags, out);
	if (f->real->pMethods == NULL)
		return (rc);
	f->base.pMethods = &methods;
	keep_forget();
	keep_commit();
	wal = f;
	wal_fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	ahead = 0;
	return (rc);
}

static int
keep_close(sqlite3_file *file)
{
	sqlite3_file	*real = below(file);

	(void)keep_out();
	keep_forget();
	keep_commit();
	wal = NULL;
	if (wal_fd != -1)
		close(wal_fd);
	wal_fd = -1;
	return (real->pMethods->xClose(real));
}

static int
keep_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 off)
{
	sqlite3_file	*real = below(file);

	if (keep_again() != SQLITE_OK)
		return (SQLITE_IOERR_READ);
	return (real->pMethods->xRead(real, buf, n, off));
}

/*
 * The log begins anew: what its frames hold is in the database.  Half a header
 * would look like a log that was damaged, so the old one is put back.
 */
static int
keep_header(const void *buf, int n)
{
	sqlite3_file	*real = wal->real;
	char		 old[WAL_HEADER];
	int		 rc, had;

	had = real->pMethods->xRead(real, old, sizeof(old), 0) == SQLITE_OK;
	rc = real->pMethods->xWrite(real, buf, n, 0);
	if (rc != SQLITE_OK && had)
		(void)real->pMethods->xWrite(real, old, sizeof(old), 0);
	return (rc);
}

/* The frame that commits has the database's size in its header. */
static void
keep_end(const unsigned char *buf, int n)
{
	if (n == FRAME_HEADER)
		last = (buf[4] | buf[5] | buf[6] | buf[7]) != 0;
	else if (last)
		ended = 1;
}

static int
keep_begin(const void *buf, int n)
{
	struct kept	*k;
	int		 rc;

	if ((rc = keep_out()) != SQLITE_OK ||
	    (rc = keep_header(buf, n)) != SQLITE_OK ||
	    (rc = keep_chunk(0, CHUNK)) != SQLITE_OK ||
	    (rc = keep_add(buf, n, 0, 1)) != SQLITE_OK)
		return (rc);
	k = STAILQ_LAST(&kept, kept, entry);
	k->written = k->len;
	ahead = 0;
	return (SQLITE_OK);
}

static int
keep_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 off)
{
	const int	 was = ended, end = low == high || off == high;
	int		 rc;

	if (lost && (rc = keep_again()) != SQLITE_OK)
		return (rc);
	if (size + n > KEEP_MAX &&
	    (rc = keep_sync(file, SQLITE_SYNC_NORMAL)) != SQLITE_OK)
		return (rc);
	if (low == high)
		low = high = off;
	if (off < low)
		low = off;
	if (off + n > high)
		high = off + n;
	rc = off == 0 ? keep_begin(buf, n) :
	    keep_add(buf, n, off, end);
	if (rc != SQLITE_OK)
		return (rc);
	keep_end(buf, n);
	if (ended && (rc = keep_out()) != SQLITE_OK)
		ended = was;
	return (rc);
}

static int
keep_truncate(sqlite3_file *file, sqlite3_int64 n)
{
	sqlite3_file	*real = below(file);
	int		 rc;

	if ((rc = keep_sync(file, SQLITE_SYNC_NORMAL)) != SQLITE_OK)
		return (rc);
	return (real->pMethods->xTruncate(real, n));
}

static int
keep_sync(sqlite3_file *file, int flags)
{
	sqlite3_file	*real = below(file);
	int		 rc;

	if ((rc = keep_again()) != SQLITE_OK)
		return (rc);
	if ((rc = real->pMethods->xSync(real, flags)) == SQLITE_OK) {
		keep_forget();
		return (rc);
	}
	keep_counters.failed++;
	lost = 1;
	(void)keep_again();
	return (rc);
}

static int
keep_size(sqlite3_file *file, sqlite3_int64 *n)
{
	sqlite3_file	*real = below(file);
	int		 rc;

	if ((rc = keep_again()) != SQLITE_OK)
		return (rc);
	return (real->pMethods->xFileSize(real, n));
}

static int
keep_lock(sqlite3_file *file, int level)
{
	return (below(file)->pMethods->xLock(below(file), level));
}

static int
keep_unlock(sqlite3_file *file, int level)
{
	return (below(file)->pMethods->xUnlock(below(file), level));
}

static int
keep_reserved(sqlite3_file *file, int *out)
{
	return (below(file)->pMethods->xCheckReservedLock(below(file), out));
}

static int
keep_control(sqlite3_file *file, int op, void *arg)
{
	return (below(file)->pMethods->xFileControl(below(file), op, arg));
}

static int
keep_sector(sqlite3_file *file)
{
	return (below(file)->pMethods->xSectorSize(below(file)));
}

static int
keep_traits(sqlite3_file *file)
{
	return (below(file)->pMethods->xDeviceCharacteristics(below(file)));
}

const char *
keep_vfs(const char *name)
{
	if (vfs.zName != NULL)
		(void)sqlite3_vfs_unregister(&vfs);
	if ((lower = sqlite3_vfs_find(name)) == NULL)
		return (NULL);
	vfs = *lower;
	vfs.zName = "keep";
	vfs.pNext = NULL;
	vfs.szOsFile = sizeof(struct file) + lower->szOsFile;
	vfs.xOpen = keep_open;
	return (sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL);
}

void
keep_commit(void)
{
	low = high = 0;
	last = ended = 0;
}

/* A frame without its header, and with it all that follow, is none. */
static int
keep_strike(int page)
{
	static const char	 nothing[FRAME_HEADER];
	const sqlite3_int64	 frame = FRAME_HEADER + page;
	sqlite3_int64		 off, first, end = high;

	/* The last has the commit: wherever this ends, nothing counts. */
	first = low < WAL_HEADER ? 0 : (low - WAL_HEADER) / frame;
	first = WAL_HEADER + first * frame;
	off = first;
	if (end > first)
		off += (end - first - 1) / frame * frame;
	else
		off -= frame;
	for (; off >= first; off -= frame) {
		if (keep_write(&wal->base, nothing, FRAME_HEADER, off) !=
		    SQLITE_OK)
			return (-1);
	}
	return (keep_sync(&wal->base, SQLITE_SYNC_NORMAL) == SQLITE_OK ? 0 :
	    -1);
}

int
keep_cancel(void)
{
	unsigned char	 head[WAL_HEADER];
	int		 page, rc;

	if (wal == NULL || !ended) {
		keep_drop();
		keep_commit();
		return (0);
	}
	rc = keep_read(&wal->base, head, sizeof(head), 0);
	/* Shorter than its header: there is no frame. */
	if (rc == SQLITE_IOERR_SHORT_READ) {
		keep_commit();
		return (0);
	}
	if (rc != SQLITE_OK)
		return (-1);
	page = head[8] << 24 | head[9] << 16 | head[10] << 8 | head[11];
	if (page < 512 || page > 65536 || keep_strike(page) == -1)
		return (-1);
	keep_commit();
	return (0);
}
