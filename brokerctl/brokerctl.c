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
#include <sys/ioctl.h>

#include <err.h>
#include <errno.h>
#include <locale.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "config.h"
#include "ctl.h"

static void	options(struct ctl *, int, char **, char **, const char **);
static void	reach(struct ctl *, const struct command *, const char *,
		    const char *);
static void	terminal(struct ctl *);
static void	confine(const struct ctl *, const struct command *,
		    const struct args *);
static void	unveil_dir(const char *);
static void	unveil_path(const char *, const char *);
static int	finish(int);
static int	nobody_reads(void);

/* Secrets pass here, so it is ours to wipe. */
static char	output[64 * 1024];

int
main(int argc, char **argv)
{
	const struct command	*cmd;
	const char		*to = NULL;
	struct args		 args;
	struct ctl		 ctl;
	char			*socket = NULL, why[256];
	int			 rv;

	memset(&ctl, 0, sizeof(ctl));
	setlocale(LC_CTYPE, "");
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	/* A daemon that closes is an error like another, not our end. */
	signal(SIGPIPE, SIG_IGN);
	secret_json();
	options(&ctl, argc, argv, &socket, &to);
	argc -= optind;
	argv += optind;
	cmd = command_parse(commands, argc, argv, &args, why, sizeof(why));
	if (cmd == NULL) {
		warnx("%s", why);
		if (args.depth == 0)
			help_usage(stderr);
		else
			command_usage(stderr, commands, &args);
		return (2);
	}
	args_name(&args, ctl.name, sizeof(ctl.name));
	ctl.json |= args_flag(&args, 'j');
	terminal(&ctl);
	if ((cmd->flags & CMD_OFFLINE) == 0)
		reach(&ctl, cmd, socket, to);
	confine(&ctl, cmd, &args);
	rv = cmd->run(&ctl, &args);
	if (ctl.client != NULL)
		client_free(ctl.client);
	args_free(&args);
	return (finish(rv));
}

/* Those in front of the command; optind is then its place. */
static void
options(struct ctl *ctl, int argc, char **argv, char **socket,
    const char **to)
{
	int	ch;

	/* glibc's getopt(3) reads on behind operands unless told not to. */
	while ((ch = getopt(argc, argv, "+C:hjs:u:V")) != -1) {
		switch (ch) {
		case 'C':
			ctl->target.cafile = optarg;
			break;
		case 'h':
			help_usage(stdout);
			exit(finish(0));
		case 'j':
			ctl->json = 1;
			break;
		case 's':
			*socket = optarg;
			break;
		case 'u':
			*to = optarg;
			break;
		case 'V':
			printf("brokerctl %s\n", BROKERD_VERSION);
			exit(finish(0));
		default:
			help_usage(stderr);
			exit(2);
		}
	}
	if (*socket != NULL && *to != NULL) {
		warnx("-s and -u exclude each other");
		help_usage(stderr);
		exit(2);
	}
}

/* Settle where the daemon is; nothing is sent yet. */
static void
reach(struct ctl *ctl, const struct command *cmd, const char *socket,
    const char *to)
{
	if (to != NULL)
		target_url(&ctl->target, to);
	else
		target_socket(&ctl->target, socket);
	if (ctl->target.socket == NULL && (cmd->flags & CMD_LOCAL))
		errx(1, "%s: only on the local socket, not with -u",
		    ctl->name);
	ctl->client = client_new(&ctl->target);
}

static void
terminal(struct ctl *ctl)
{
	const char	*term = getenv("TERM");
	struct winsize	 ws;

	ctl->tty = isatty(STDOUT_FILENO);
	if (!ctl->tty)
		return;
	ctl->colour = ctl_env("NO_COLOR") == NULL && term != NULL &&
	    strcmp(term, "dumb") != 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		ctl->width = ws.ws_col;
}

/*
 * Nothing but the daemon, and what the command says that it reads.  What
 * is executed would inherit it where a sandbox goes over exec.
 */
static void
confine(const struct ctl *ctl, const struct command *cmd,
    const struct args *args)
{
	const char	*file = args_value(args, 'f', NULL);
	char		 promises[64] = "stdio";

	if (cmd->flags & CMD_EXEC)
		return;
	tzset();
	if (ctl->target.socket != NULL)
		unveil_path(ctl->target.socket, "rw");
	if ((cmd->flags & CMD_SECRET) && isatty(STDIN_FILENO))
		unveil_path("/dev/tty", "rw");
	if ((cmd->flags & CMD_FILE) && strcmp(file, "-") != 0)
		unveil_path(file, "r");
	(void)strlcat(promises, ctl->target.socket != NULL ? " unix" :
	    " inet dns", sizeof(promises));
	if (cmd->flags & CMD_WRITE)
		unveil_dir(args->argv[0]);
	if (cmd->flags & (CMD_SECRET | CMD_FILE | CMD_WRITE))
		(void)strlcat(promises, " rpath", sizeof(promises));
	if (cmd->flags & CMD_WRITE)
		(void)strlcat(promises, " wpath cpath", sizeof(promises));
	if (cmd->flags & CMD_SECRET)
		(void)strlcat(promises, " wpath tty", sizeof(promises));
	if (pledge(promises, NULL) == -1)
		err(1, "pledge");
}

/* "-" is the standard output. */
static void
unveil_dir(const char *file)
{
	char	*copy;

	if (strcmp(file, "-") == 0)
		return;
	if ((copy = strdup(file)) == NULL)
		err(1, NULL);
	unveil_path(dirname(copy), "rwc");
	free(copy);
}

static void
unveil_path(const char *path, const char *permissions)
{
	if (unveil(path, permissions) == -1 && errno != ENOENT)
		err(1, "%s: unveil", path);
}

/*
 * What was printed has to have got there.  If nobody reads it any more, end
 * as everybody else in the pipeline does.
 */
static int
finish(int rv)
{
	int	failed;

	failed = fflush(stdout) == EOF || ferror(stdout);
	explicit_bzero(output, sizeof(output));
	if (failed && (errno == EPIPE || nobody_reads())) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	if (failed)
		err(1, "stdout");
	return (rv);
}

/* The error may be from a write long before. */
static int
nobody_reads(void)
{
	struct pollfd	pfd;

	pfd.fd = STDOUT_FILENO;
	pfd.events = POLLOUT;
	return (poll(&pfd, 1, 0) == 1 &&
	    (pfd.revents & (POLLERR | POLLHUP)) != 0);
}
