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

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "ctl.h"

/*
 * The database as a file, with the rights of who asks for it.  It gets its
 * name when it is whole and on the disk.
 */

static char	 part[PATH_MAX];	/* the name until then, or "" */

static void	interrupted(int);
static void	part_remove(void);
static int	part_make(const char *);
static void	part_name(const char *, int);
static void	sync_dir(const char *);
static void	report(const struct ctl *, const char *, uint64_t);

static void
part_remove(void)
{
	if (*part != '\0')
		(void)unlink(part);
}

/* unlink(2) and raise(3) are safe here. */
static void
interrupted(int sig)
{
	part_remove();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Who has a signal ignored, as nohup(1) does, goes on. */
static int
part_make(const char *file)
{
	static const int	 signals[] = { SIGHUP, SIGINT, SIGTERM };
	size_t			 i;
	int			 fd;

	if ((size_t)snprintf(part, sizeof(part), "%s.XXXXXXXXXX", file) >=
	    sizeof(part))
		errx(1, "%s: %s", file, strerror(ENAMETOOLONG));
	if ((fd = mkostemp(part, O_CLOEXEC)) == -1) {
		*part = '\0';
		err(1, "%s", file);
	}
	atexit(part_remove);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signal(signals[i], SIG_IGN) != SIG_IGN)
			signal(signals[i], interrupted);
	}
	return (fd);
}

/* What is there already is kept, unless it is to be replaced. */
static void
part_name(const char *file, int replace)
{
	if (replace ? rename(part, file) == -1 : link(part, file) == -1)
		err(1, "%s", file);
	if (!replace)
		part_remove();
	*part = '\0';
}

static void
sync_dir(const char *file)
{
	char	*copy;
	int	 fd;

	if ((copy = strdup(file)) == NULL)
		err(1, NULL);
	if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY)) == -1 ||
	    (fsync(fd) == -1 && errno != EINVAL))
		warn("%s: its directory", file);
	if (fd != -1)
		close(fd);
	free(copy);
}

static void
report(const struct ctl *ctl, const char *file, uint64_t bytes)
{
	json_t	*o;

	if (ctl->json) {
		o = json_pack("{s:o, s:I}", "file", new_string(file), "bytes",
		    (json_int_t)bytes);
		if (o == NULL)
			err(1, NULL);
		call_print(o);
		json_decref(o);
	} else if (ctl->tty)
		printf("%s: %llu bytes\n", file, (unsigned long long)bytes);
}

int
cmd_backup(struct ctl *ctl, struct args *args)
{
	const char	*file = args->argv[0];
	uint64_t	 bytes;
	int		 fd;

	if (strcmp(file, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			errx(1, "a backup is not for a terminal: name a file, "
			    "or pipe it into another program");
		(void)call_download(ctl, call_path("/v1/admin/backup"),
		    STDOUT_FILENO);
		return (0);
	}
	if (!args_flag(args, 'f') && access(file, F_OK) == 0)
		errx(1, "%s is there already; -f replaces it", file);
	fd = part_make(file);
	bytes = call_download(ctl, call_path("/v1/admin/backup"), fd);
	if (fsync(fd) == -1 || close(fd) == -1)
		err(1, "%s", file);
	part_name(file, args_flag(args, 'f'));
	sync_dir(file);
	report(ctl, file, bytes);
	return (0);
}
