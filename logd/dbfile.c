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

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "dbfile.h"

#define WAL_HEADER	32
#define WAL_MAGIC	0x377f0682	/* the last bit: big endian sums */
#define FRAME_HEADER	24
#define PAGE_MAX_SIZE	65536

/* A log that is read from its start. */
struct wal {
	int		 fd;
	int		 big;		/* the sums' byte order */
	uint32_t	 page;
	uint32_t	 sum[2];	/* up to the last frame */
	uint8_t		 salt[8];
	uint8_t		 frame[FRAME_HEADER + PAGE_MAX_SIZE];
};

static int	dbfile_path(char *, const char *, const char *, char *,
		    size_t);
static int	dbfile_plain(const char *, off_t *, char *, size_t);
static uint32_t	get32(const uint8_t *);
static void	wal_sum(struct wal *, const uint8_t *, size_t);
static int	wal_head(struct wal *);
static int	wal_frame(struct wal *, uint32_t, int *);
static int	wal_scan(struct wal *, char *, size_t);

static int
dbfile_path(char *path, const char *dir, const char *end, char *why,
    size_t len)
{
	if ((size_t)snprintf(path, PATH_MAX, "%s/" DB_FILE "%s", dir, end) <
	    PATH_MAX)
		return (0);
	(void)snprintf(why, len, "%.64s...: %s", dir, strerror(ENAMETOOLONG));
	return (-1);
}

/* The size is -1 when there is no such file. */
static int
dbfile_plain(const char *path, off_t *size, char *why, size_t len)
{
	struct stat	 st;

	*size = -1;
	if (lstat(path, &st) == -1) {
		if (errno == ENOENT)
			return (0);
		(void)snprintf(why, len, "%s: %s", path, strerror(errno));
		return (-1);
	}
	if (!S_ISREG(st.st_mode))
		(void)snprintf(why, len, "%s is not a plain file: move it "
		    "away, or put the database back in its place", path);
	else if (st.st_uid != geteuid())
		(void)snprintf(why, len, "%s belongs to user %u: "
		    "chown %u %s", path, (unsigned int)st.st_uid,
		    (unsigned int)geteuid(), path);
	else if (st.st_mode & (S_IWGRP | S_IWOTH) ||
	    access(path, R_OK | W_OK) == -1)
		(void)snprintf(why, len, "%s has mode %04o: chmod 600 %s",
		    path, (unsigned int)st.st_mode & 07777, path);
	else {
		*size = st.st_size;
		return (0);
	}
	return (-1);
}

int
dbfile_check(const char *dir, char *why, size_t len)
{
	char	 path[PATH_MAX], wal[PATH_MAX];
	off_t	 size, wal_size;

	if (dbfile_path(path, dir, "", why, len) == -1 ||
	    dbfile_path(wal, dir, "-wal", why, len) == -1 ||
	    dbfile_plain(path, &size, why, len) == -1 ||
	    dbfile_plain(wal, &wal_size, why, len) == -1)
		return (-1);
	if (size > 0 || wal_size <= 0)
		return (0);
	(void)snprintf(why, len, "%s is %s, but its -wal file is not: put a "
	    "backup in its place and move the -wal file away", path,
	    size == -1 ? "missing" : "empty");
	return (-1);
}

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static void
wal_sum(struct wal *w, const uint8_t *p, size_t len)
{
	uint32_t	 word[2];
	size_t		 i, j;

	for (i = 0; i < len; i += 8) {
		for (j = 0; j < 2; j++) {
			word[j] = get32(p + i + j * 4);
			if (!w->big)
				word[j] = word[j] >> 24 |
				    (word[j] >> 8 & 0xff00) |
				    (word[j] & 0xff00) << 8 | word[j] << 24;
		}
		w->sum[0] += word[0] + w->sum[1];
		w->sum[1] += word[1] + w->sum[0];
	}
}

/* -1 for one that SQLite would not read. */
static int
wal_head(struct wal *w)
{
	const uint8_t	*p = w->frame;

	if (pread(w->fd, w->frame, WAL_HEADER, 0) != WAL_HEADER ||
	    (get32(p) & ~1U) != WAL_MAGIC)
		return (-1);
	w->big = get32(p) & 1;
	w->page = get32(p + 8);
	if (w->page < 512 || w->page > PAGE_MAX_SIZE ||
	    (w->page & (w->page - 1)) != 0)
		return (-1);
	memcpy(w->salt, p + 16, sizeof(w->salt));
	w->sum[0] = w->sum[1] = 0;
	wal_sum(w, p, WAL_HEADER - 8);
	return (w->sum[0] == get32(p + 24) && w->sum[1] == get32(p + 28) ? 0 :
	    -1);
}

/*
 * The next frame: 1 when it follows the last one, 0 when it does not, -1 at
 * the end of the file.
 */
static int
wal_frame(struct wal *w, uint32_t n, int *commit)
{
	const size_t	 len = FRAME_HEADER + w->page;
	const uint8_t	*p = w->frame;
	int		 good;

	if (pread(w->fd, w->frame, len, WAL_HEADER + (off_t)n * len) !=
	    (ssize_t)len)
		return (-1);
	*commit = get32(p + 4) != 0;
	wal_sum(w, p, 8);
	wal_sum(w, p + FRAME_HEADER, w->page);
	good = get32(p) != 0 &&
	    memcmp(p + 8, w->salt, sizeof(w->salt)) == 0 &&
	    w->sum[0] == get32(p + 16) && w->sum[1] == get32(p + 20);
	/* What follows is held to what is written here. */
	w->sum[0] = get32(p + 16);
	w->sum[1] = get32(p + 20);
	return (good);
}

/*
 * SQLite stops at the first frame that does not follow.  A transaction that
 * was given up leaves frames, but no end of one: where that comes later,
 * something was committed that would be gone.
 */
static int
wal_scan(struct wal *w, char *why, size_t len)
{
	uint32_t	 n, hole = 0;
	int		 rc, commit, broken = 0;

	if (wal_head(w) == -1) {
		(void)snprintf(why, len, "its header is damaged");
		return (-1);
	}
	for (n = 0; (rc = wal_frame(w, n, &commit)) != -1; n++) {
		if (rc == 0 && !broken) {
			broken = 1;
			hole = n;
		}
		if (rc == 1 && broken && commit) {
			(void)snprintf(why, len, "frame %u is damaged, and "
			    "changes behind it are whole", hole + 1);
			return (-1);
		}
	}
	return (0);
}

int
dbfile_wal(const char *dir, char *why, size_t len)
{
	struct wal	*w;
	struct stat	 st;
	char		 path[PATH_MAX];
	int		 rc = 0;

	if (dbfile_path(path, dir, "-wal", why, len) == -1)
		return (-1);
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		(void)snprintf(why, len, "%s: %s", path, strerror(errno));
		return (-1);
	}
	w->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (w->fd != -1 && fstat(w->fd, &st) == 0 && st.st_size > WAL_HEADER)
		rc = wal_scan(w, why, len);
	if (w->fd != -1)
		close(w->fd);
	free(w);
	return (rc);
}
