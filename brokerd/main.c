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
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include "brokerd.h"
#include "config.h"
#include "loop.h"
#include "process.h"
#include "sandbox.h"

struct brokerd	 brokerd;

static struct event	 sigchld, sighup, sigint, sigterm;

static void	usage(void) __dead;
static void	version(void) __dead;
static void	options(int, char **, int *, int *);
static void	check_libexec(void);
static void	open_all(void);
static void	raise_limit(void);
static void	signals(void);
static void	signalled(int, short, void *);
static void	check_sandbox(void);
static void	confine(void);
static void	confine_dir_of(const char *);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: brokerd [-dnVv] [-D macro=value] [-f file] "
	    "[-L directory] [-o key=value]\n");
	exit(2);
}

static __dead void
version(void)
{
	struct sandbox_status	 s;

	sandbox_status(&s);
	printf("brokerd %s\nsandbox: %s\n", BROKERD_VERSION, s.name);
	if (s.degraded[0] != '\0')
		printf("degraded: %s\n", s.degraded);
	exit(0);
}

static void
options(int argc, char **argv, int *check, int *verbose)
{
	int	 ch;

	while ((ch = getopt(argc, argv, "D:df:L:no:Vv")) != -1) {
		switch (ch) {
		case 'D':
			if (cmdline_symset(optarg) == -1)
				errx(1, "-D %s: not a macro=value", optarg);
			break;
		case 'd':
			brokerd.debug = 1;
			break;
		case 'f':
			brokerd.conffile = optarg;
			break;
		case 'L':
			brokerd.libexec = optarg;
			break;
		case 'n':
			*check = 1;
			break;
		case 'o':
			brokerd.options = reallocarray(brokerd.options,
			    brokerd.noptions + 1, sizeof(*brokerd.options));
			if (brokerd.options == NULL)
				err(1, NULL);
			brokerd.options[brokerd.noptions++] = optarg;
			break;
		case 'V':
			version();
		case 'v':
			*verbose = 1;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
}

/*
 * The daemon changes to the root directory, so both names must be absolute.
 * As root, outside of debugging, only installed programs are run.
 */
static void
check_libexec(void)
{
	static char	 path[PATH_MAX], conf[PATH_MAX];

	if (brokerd.conffile == NULL)
		brokerd.conffile = BROKERD_CONF;
	else if (realpath(brokerd.conffile, conf) != NULL)
		brokerd.conffile = conf;
	if (brokerd.libexec == NULL) {
		brokerd.libexec = BROKERD_LIBEXECDIR;
		return;
	}
	if (brokerd.privileged && !brokerd.debug)
		errx(1, "-L wants -d when started as root");
	if (realpath(brokerd.libexec, path) == NULL)
		err(1, "%s", brokerd.libexec);
	brokerd.libexec = path;
}

struct conf *
brokerd_parse(void)
{
	struct conf	*conf;
	size_t		 i;
	int		 rv;

	if ((conf = parse_config(brokerd.conffile)) == NULL)
		return (NULL);
	rv = conf_environ(conf);
	/* All that is wrong is said at once. */
	for (i = 0; i < brokerd.noptions; i++) {
		if (conf_option(conf, brokerd.options[i]) == -1)
			rv = -1;
	}
	if (rv == 0)
		return (conf);
	conf_free(conf);
	return (NULL);
}

/* Everything that can be wrong about this machine, while saying so is easy. */
static void
open_all(void)
{
	struct child	*c;
	char		 path[PATH_MAX], why[1024];

	if (brokerd.privileged &&
	    conf_ids(brokerd.conf, brokerd.ids) == -1)
		exit(1);
	if (state_open(why, sizeof(why)) == -1 ||
	    ledgers_open(why, sizeof(why)) == -1 ||
	    listen_open(brokerd.conf, why, sizeof(why)) == -1)
		errx(1, "%s", why);
	TAILQ_FOREACH(c, &brokerd.children, entry) {
		start_path(c, path, sizeof(path));
		if (access(path, X_OK) == -1)
			err(1, "%s", path);
	}
}

/* Children inherit it. */
static void
raise_limit(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "getrlimit");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		warn("cannot raise the limit of open files");
}

static void
signalled(int sig, short what, void *arg)
{
	switch (sig) {
	case SIGCHLD:
		restart_reap();
		break;
	case SIGHUP:
		reload_request(NULL, 0);
		break;
	default:
		stop_begin(STOP_WORKERS_MS);
		break;
	}
}

static void
signals(void)
{
	signal_set(&sigchld, SIGCHLD, signalled, NULL);
	signal_set(&sighup, SIGHUP, signalled, NULL);
	signal_set(&sigint, SIGINT, signalled, NULL);
	signal_set(&sigterm, SIGTERM, signalled, NULL);
	if (signal_add(&sigchld, NULL) == -1 ||
	    signal_add(&sighup, NULL) == -1 ||
	    signal_add(&sigint, NULL) == -1 ||
	    signal_add(&sigterm, NULL) == -1)
		fatalx("signals");
	if (signal(SIGUSR1, SIG_IGN) == SIG_ERR ||
	    signal(SIGUSR2, SIG_IGN) == SIG_ERR)
		fatal("signal");
}

static void
confine_dir_of(const char *path)
{
	char	 copy[PATH_MAX];

	(void)strlcpy(copy, path, sizeof(copy));
	if (unveil(dirname(copy), "rwc") == -1)
		fatal("unveil: %s", path);
}

static void
check_sandbox(void)
{
	struct sandbox_status	 s;

	sandbox_status(&s);
	if (s.degraded[0] == '\0')
		return;
	if (brokerd.conf->sandbox_required && !s.required)
		fatalx("\"sandbox required\" is set, but: %s", s.degraded);
	log_warnx("the sandbox is degraded: %s", s.degraded);
}

/*
 * A reload may name any file, so all can be read; few can be written.  The
 * promises are what the children need too: where filters are inherited they
 * narrow them for themselves.  Without "unveil" among them the list is final,
 * and Linux puts it into force.
 */
static void
confine(void)
{
	if (unveil("/", "rx") == -1 || unveil("/dev/null", "rw") == -1)
		fatal("unveil");
	if (unveil(brokerd.conf->state, "rwc") == -1)
		fatal("unveil: %s", brokerd.conf->state);
	if (process_shm_dir() != NULL &&
	    unveil(process_shm_dir(), "rwc") == -1)
		fatal("unveil: %s", process_shm_dir());
	confine_dir_of(brokerd.conf->socket);
	confine_dir_of(brokerd.conf->master_key);
	if (unveil(NULL, NULL) == -1)
		fatal("unveil");
	if (pledge("stdio rpath wpath cpath fattr chown flock unix inet dns "
	    "sendfd recvfd proc exec id getpw", NULL) == -1)
		fatal("pledge");
}

void
brokerd_fail(const char *fmt, ...)
{
	char	 why[1100];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	log_warnx("%s", why);
	brokerd.failed = 1;
	stop_begin(0);
}

int
main(int argc, char **argv)
{
	int	 check = 0, verbose = 0;

	options(argc, argv, &check, &verbose);
	brokerd.privileged = geteuid() == 0;
	check_libexec();
	if ((brokerd.conf = brokerd_parse()) == NULL)
		exit(1);
	if (check) {
		if (verbose)
			print_conf(stdout, brokerd.conf);
		else
			fprintf(stderr, "configuration OK\n");
		exit(0);
	}
	log_init("brokerd", verbose);
	raise_limit();
	start_init();
	open_all();
	if (!brokerd.debug)
		textlog_daemon();
	textlog_open();
	loop_init();
	signals();
	check_sandbox();
	confine();
	link_on_bad(dispatch_bad);
	brokerd.gen = 1;
	brokerd.started = loop_mono();
	status_start();
	start_next();
	loop_run();
	listen_close_all();
	log_info("stopped");
	return (brokerd.failed);
}
