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
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"
#include "process.h"

static uint64_t	number(int, const char *, int, uint64_t);
static void	options(int, char **, struct proc_opts *, uint64_t *);
static void	check_link(void);
static void	drop(const struct proc_opts *);
static void	ignore(int);

static uint64_t
number(int opt, const char *s, int base, uint64_t max)
{
	unsigned long long	 n;
	char			*end;

	errno = 0;
	n = strtoull(s, &end, base);
	if (*s == '\0' || *s == '-' || *end != '\0' || errno != 0 || n > max)
		errx(1, "-%c: bad number: %s", opt, s);
	return (n);
}

static void
options(int argc, char **argv, struct proc_opts *o, uint64_t *catalogue)
{
	int	 ch;

	while ((ch = getopt(argc, argv, "+c:dg:H:i:n:u:v")) != -1) {
		switch (ch) {
		case 'c':
			o->chroot = optarg;
			break;
		case 'd':
			/* The parent's; it shows that we belong to one. */
			break;
		case 'g':
			o->gid = number(ch, optarg, 10, UINT32_MAX - 1);
			break;
		case 'H':
			*catalogue = number(ch, optarg, 16, UINT64_MAX);
			break;
		case 'i':
			o->instance = number(ch, optarg, 16, UINT64_MAX);
			break;
		case 'n':
			o->index = number(ch, optarg, 10, UINT16_MAX);
			break;
		case 'u':
			o->uid = number(ch, optarg, 10, UINT32_MAX - 1);
			break;
		case 'v':
			o->verbose = 1;
			break;
		default:
			errx(1, "this program is started by brokerd(8)");
		}
	}
	if (optind == argc || o->instance == 0)
		errx(1, "this program is started by brokerd(8)");
}

/* Descriptor 3 is a local socket, and no other came along. */
static void
check_link(void)
{
	struct sockaddr_un	 sun;
	socklen_t		 len = sizeof(sun);

	memset(&sun, 0, sizeof(sun));
	if (getsockname(PROC_FD, (struct sockaddr *)&sun, &len) == -1 ||
	    sun.sun_family != AF_UNIX)
		errx(1, "this program is started by brokerd(8)");
	closefrom(PROC_FD + 1);
}

static void
drop(const struct proc_opts *o)
{
	if (o->chroot != NULL) {
		if (chroot(o->chroot) == -1)
			err(1, "chroot: %s", o->chroot);
		if (chdir("/") == -1)
			err(1, "chdir");
	}
	if (o->uid != 0) {
		if (setgroups(1, &o->gid) == -1 ||
		    setresgid(o->gid, o->gid, o->gid) == -1 ||
		    setresuid(o->uid, o->uid, o->uid) == -1)
			err(1, "cannot become user %u, group %u", o->uid,
			    o->gid);
	}
	if (process_undumpable() == -1)
		err(1, "cannot forbid core dumps");
}

static void
ignore(int sig)
{
	if (signal(sig, SIG_IGN) == SIG_ERR)
		err(1, "signal");
}

/*
 * Signals that a terminal or a service manager sends to the whole group of
 * processes are for the parent, which stops the others in their order.
 */
int
procinit(int argc, char **argv, enum proc proc, struct proc_opts *o)
{
	uint64_t	 catalogue = 0;

	process_title(argc, argv);
	memset(o, 0, sizeof(*o));
	options(argc, argv, o, &catalogue);
	log_init(proc_name(proc), o->verbose);
	if (catalogue != msg_catalogue_hash())
		_exit(PROC_EXIT_CATALOGUE);
	if (strcmp(argv[argc - 1], proc_name(proc)) != 0)
		errx(1, "%s: not the name of this program", argv[argc - 1]);
	check_link();
	drop(o);
	ignore(SIGHUP);
	ignore(SIGINT);
	ignore(SIGTERM);
	ignore(SIGUSR1);
	ignore(SIGUSR2);
	if (PROC_BIT(proc) & M_WORKERS)
		setproctitle("%s %u", proc_name(proc), o->index);
	else
		setproctitle("%s", proc_name(proc));
	return (optind);
}
