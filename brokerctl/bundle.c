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

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "config.h"
#include "ctl.h"

#define BUNDLE_MAX	(4 * 1024 * 1024)
#define NAME_BYTES	8	/* of the hash that is the file's name */

static int	 bundle_read(const char *, struct buf *);
static char	*bundle_store(const char *, const char *, struct buf *);
static char	*bundle_directory(void);
static int	 bundle_private(const char *);
static char	*bundle_path(const char *, const char *, const char *,
		    const struct buf *);
static int	 bundle_same(const char *, const struct buf *);
static void	 bundle_create(const char *, const char *, struct buf *);

char *
bundle_write(const char *pem, size_t n)
{
	struct buf	 content;
	char		*path;

	buf_init(&content, BUNDLE_MAX);
	if (bundle_read(BROKERD_CA_BUNDLE, &content) == -1)
		warn("run: %s: the command will know brokerd's authority "
		    "only", BROKERD_CA_BUNDLE);
	if (buf_add(&content, "\n", 1) == -1 ||
	    buf_add(&content, pem, n) == -1)
		err(1, "run: the certificates");
	path = bundle_store("ca", ".pem", &content);
	buf_clear(&content);
	return (path);
}

char *
bundle_wgetrc(const char *bundle)
{
	struct buf	 content;
	const char	*home, *own = ctl_env("WGETRC");
	char		*file = NULL, *line, *path;

	buf_init(&content, BUNDLE_MAX);
	if (own == NULL && (home = ctl_env("HOME")) != NULL) {
		if (asprintf(&file, "%s/.wgetrc", home) == -1)
			err(1, NULL);
		own = file;
	}
	if (own != NULL && bundle_read(own, &content) == -1 &&
	    errno != ENOENT)
		warn("run: %s", own);
	if (asprintf(&line, "\nca_certificate = %s\n", bundle) == -1)
		err(1, NULL);
	if (buf_add(&content, line, strlen(line)) == -1)
		err(1, "run: wgetrc");
	path = bundle_store("wgetrc", "", &content);
	buf_clear(&content);
	free(line);
	free(file);
	return (path);
}

/*
 * Nobody is left to remove a file once the command has taken this process
 * over, so it is named after its content and the next run finds it.
 */
static char *
bundle_store(const char *prefix, const char *suffix, struct buf *content)
{
	char	*dir, *path;

	dir = bundle_directory();
	path = bundle_path(dir, prefix, suffix, content);
	if (!bundle_same(path, content))
		bundle_create(dir, path, content);
	free(dir);
	return (path);
}

static int
bundle_read(const char *file, struct buf *b)
{
	uint8_t	*p;
	size_t	 room;
	ssize_t	 n = 1;
	int	 fd;

	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	while (n > 0) {
		if ((p = buf_reserve(b, 64 * 1024, &room)) == NULL)
			n = -1;
		else {
			n = read(fd, p, room);
			buf_commit(b, n > 0 ? (size_t)n : 0);
		}
	}
	close(fd);
	return (n == -1 ? -1 : 0);
}

/*
 * A directory of ours below TMPDIR.  Somebody else may have made the one that
 * would be found again; then this run has one of its own.
 */
static char *
bundle_directory(void)
{
	const char	*tmp = ctl_env("TMPDIR");
	char		*dir;

	if (tmp == NULL || *tmp != '/')
		tmp = "/tmp";
	if (asprintf(&dir, "%s/brokerctl-%lu", tmp,
	    (unsigned long)geteuid()) == -1)
		err(1, NULL);
	if ((mkdir(dir, 0700) == 0 || errno == EEXIST) &&
	    bundle_private(dir))
		return (dir);
	free(dir);
	if (asprintf(&dir, "%s/brokerctl.XXXXXXXXXX", tmp) == -1)
		err(1, NULL);
	if (mkdtemp(dir) == NULL)
		err(1, "run: %s", dir);
	return (dir);
}

static int
bundle_private(const char *dir)
{
	struct stat	st;

	return (lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 077) == 0);
}

static char *
bundle_path(const char *dir, const char *prefix, const char *suffix,
    const struct buf *content)
{
	unsigned char	 hash[crypto_generichash_BYTES];
	char		*path, hex[2 * NAME_BYTES + 1];

	if (sodium_init() == -1 || crypto_generichash(hash, sizeof(hash),
	    buf_data(content), buf_len(content), NULL, 0) == -1)
		errx(1, "run: libsodium does not work");
	sodium_bin2hex(hex, sizeof(hex), hash, NAME_BYTES);
	if (asprintf(&path, "%s/%s-%s%s", dir, prefix, hex, suffix) == -1)
		err(1, NULL);
	return (path);
}

/* Is it there, unchanged?  It is then as new, for what clears old files. */
static int
bundle_same(const char *path, const struct buf *content)
{
	struct buf	found;
	int		same = 0;

	buf_init(&found, BUNDLE_MAX);
	if (bundle_read(path, &found) == 0 &&
	    buf_len(&found) == buf_len(content) &&
	    memcmp(buf_data(&found), buf_data(content),
	    buf_len(content)) == 0)
		same = utimensat(AT_FDCWD, path, NULL, 0) == 0;
	buf_clear(&found);
	return (same);
}

/* Under its name it is complete, whoever looks and whenever. */
static void
bundle_create(const char *dir, const char *path, struct buf *content)
{
	char	*tmp;
	ssize_t	 n;
	int	 fd;

	if (asprintf(&tmp, "%s/new.XXXXXXXXXX", dir) == -1)
		err(1, NULL);
	if ((fd = mkstemp(tmp)) == -1)
		err(1, "run: %s", tmp);
	while (buf_len(content) > 0) {
		n = write(fd, buf_data(content), buf_len(content));
		if (n == -1) {
			warn("run: %s", tmp);
			(void)unlink(tmp);
			exit(1);
		}
		buf_drain(content, (size_t)n);
	}
	close(fd);
	if (rename(tmp, path) == -1)
		err(1, "run: %s", path);
	free(tmp);
}
