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
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "process.h"

extern char	**environ;

#ifdef __linux__

void
process_title(int argc, char **argv)
{
	setproctitle_init(argc, argv, environ);
}

static int
shm_open_anon(size_t size)
{
	int	 fd, saved;

	fd = memfd_create("brokerd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return (-1);
	/* A reader must never be killed because a writer made it smaller. */
	if (ftruncate(fd, size) == -1 || fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

static int
no_ptrace(void)
{
	return (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

const char *
process_shm_dir(void)
{
	return (NULL);
}

#else

void
process_title(int argc, char **argv)
{
}

static int
shm_open_anon(size_t size)
{
	char	 path[] = "/tmp/brokerd.XXXXXXXXXX";
	int	 fd, saved;

	if ((fd = shm_mkstemp(path)) == -1)
		return (-1);
	if (shm_unlink(path) == -1 || ftruncate(fd, size) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

static int
no_ptrace(void)
{
	return (0);
}

const char *
process_shm_dir(void)
{
	return ("/tmp");
}

#endif

int
process_undumpable(void)
{
	struct rlimit	 none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return (-1);
	return (no_ptrace());
}

int
process_shm(size_t size)
{
	return (shm_open_anon(size));
}
