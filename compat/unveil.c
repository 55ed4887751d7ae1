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

#include <sys/prctl.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "promise.h"

/* More paths than anybody lists; fixed, since an end is needed anyway. */
#define UNVEIL_MAX	64

static int	unveil_open(const char *, const char *);
static int	unveil_fill(int, uint32_t);
static int	unveil_places(int, const char *const *, const char *,
		    uint32_t);
static void	unveil_drop(void);

static struct {
	int	fd;			/* O_PATH */
	char	letters[5];
} paths[UNVEIL_MAX];

static size_t	npaths;
static int	called;			/* unveil() was: the rest is hidden */
static int	locked;
static uint32_t	lockedfor;		/* promises of the last layer */

/* What a program needs to be loaded, and what libc reads for a promise. */
static const char *const	loader[] = {
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
	"/etc/ld.so.cache", "/etc/ld.so.preload", NULL
};
static const char *const	dns[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
	"/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
	"/etc/protocols", NULL
};
static const char *const	getpw[] = {
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", NULL
};

int
unveil(const char *path, const char *letters)
{
	int	fd;

	if (locked) {
		errno = EPERM;
		return (-1);
	}
	if (path == NULL && letters == NULL) {
		called = 1;
		/* What is not promised yet must not bring its files. */
		return (unveil_lock(PROMISE_ALL &
		    ~(PROMISE_DNS | PROMISE_GETPW)));
	}
	if (path == NULL || letters == NULL || strlen(letters) > 4 ||
	    letters[strspn(letters, "rwxc")] != '\0') {
		errno = EINVAL;
		return (-1);
	}
	if (npaths == UNVEIL_MAX) {
		errno = E2BIG;
		return (-1);
	}
	called = 1;
	if ((fd = unveil_open(path, letters)) == -1)
		return (-1);
	if (fd == -2)
		return (0);
	paths[npaths].fd = fd;
	strlcpy(paths[npaths].letters, letters, sizeof(paths[npaths].letters));
	npaths++;
	return (0);
}

/*
 * A missing file grants nothing, and its name cannot be kept for later; where
 * it is to be created that would be a surprise, so it is an error there.
 * Returns the descriptor, -1, or -2 for nothing.
 */
static int
unveil_open(const char *path, const char *letters)
{
	int	fd;

	if ((fd = open(path, O_PATH | O_CLOEXEC)) != -1)
		return (fd);
	if (errno == ENOENT && strchr(letters, 'c') == NULL)
		return (-2);
	return (-1);
}

/*
 * A first layer holds what was unveiled, a later one only narrows the kinds
 * of access everywhere.
 */
int
unveil_lock(uint32_t promises)
{
	int	ruleset;

	promises &= ~PROMISE_UNVEIL;
	if (locked && promises == lockedfor)
		return (0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return (-1);
	if ((ruleset = landlock_open(promises)) == -1)
		return (-1);
	if (ruleset != -2) {
		if (unveil_fill(ruleset, promises) == -1) {
			close(ruleset);
			return (-1);
		}
		if (landlock_close(ruleset) == -1)
			return (-1);
	}
	unveil_drop();
	locked = 1;
	lockedfor = promises;
	return (0);
}

static int
unveil_fill(int ruleset, uint32_t promises)
{
	static const char *const	root[] = { "/", NULL };
	size_t				i;
	int				exec = 0;

	if ((promises & PROMISE_DNS) && unveil_places(ruleset, dns, "r",
	    promises | PROMISE_RPATH) == -1)
		return (-1);
	if ((promises & PROMISE_GETPW) && unveil_places(ruleset, getpw, "r",
	    promises | PROMISE_RPATH) == -1)
		return (-1);
	/* Opening may be forbidden by now, when nothing of it is left. */
	if ((promises & PROMISE_FILES) == 0)
		return (0);
	if (locked || !called)
		return (unveil_places(ruleset, root, "rwcx", promises));
	for (i = 0; i < npaths; i++) {
		if (landlock_path(ruleset, paths[i].fd, paths[i].letters,
		    promises) == -1)
			return (-1);
		if (strchr(paths[i].letters, 'x') != NULL)
			exec = 1;
	}
	if (exec && unveil_places(ruleset, loader, "rx", promises) == -1)
		return (-1);
	return (0);
}

/* Adds those places of a list that exist. */
static int
unveil_places(int ruleset, const char *const *list, const char *letters,
    uint32_t promises)
{
	int	fd, rc;

	for (; *list != NULL; list++) {
		if ((fd = open(*list, O_PATH | O_CLOEXEC)) == -1) {
			if (errno == ENOENT || errno == ENOTDIR)
				continue;
			return (-1);
		}
		rc = landlock_path(ruleset, fd, letters, promises);
		close(fd);
		if (rc == -1)
			return (-1);
	}
	return (0);
}

static void
unveil_drop(void)
{
	while (npaths > 0)
		close(paths[--npaths].fd);
}
