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
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "conf.h"
#include "log.h"

static int	backupfile_make(void);

/* Beside the database, so that it is that disk whose room it takes. */
static int
backupfile_make(void)
{
	char	 path[PATH_MAX];
	int	 fd, saved;

	if ((size_t)snprintf(path, sizeof(path), "%s/backup.XXXXXXXXXX",
	    brokerd.conf->state) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if ((fd = mkostemp(path, O_CLOEXEC)) == -1)
		return (-1);
	if (unlink(path) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

void
backupfile_give(struct link *l)
{
	struct msg_file	 m;
	int		 fd;

	memset(&m, 0, sizeof(m));
	m.kind = FILE_BACKUP;
	m.name = "";
	if ((fd = backupfile_make()) == -1) {
		m.name = strerror(errno);
		log_warn("%s: a file for a backup", brokerd.conf->state);
	}
	(void)link_send(l, MSG_FILE, &m, fd);
}
