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
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "loop.h"
#include "proc.h"

#define ARGS_MAX	20

struct args {
	char	 uid[16];
	char	 gid[16];
	char	 instance[20];
	char	 index[8];
	char	 hash[20];
	char	*argv[ARGS_MAX];
};

static void	start_add(enum proc, int);
static void	start_args(struct child *, struct args *, char *);
static void	start_exec(struct child *, int) __dead;
static char	**start_environ(void);
static void	start_run(struct child *);
static const char	*start_chroot(const struct child *);

static void
start_add(enum proc proc, int count)
{
	struct child	*c;
	int		 i;

	for (i = 0; i < count; i++) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			fatal("processes");
		c->proc = proc;
		c->index = i;
		c->ledger = -1;
		TAILQ_INIT(&c->ends);
		if (PROC_BIT(proc) & M_WORKERS)
			(void)snprintf(c->name, sizeof(c->name), "%s %d",
			    proc_name(proc), i);
		else
			(void)snprintf(c->name, sizeof(c->name), "%s",
			    proc_name(proc));
		TAILQ_INSERT_TAIL(&brokerd.children, c, entry);
	}
}

/* In the order of the start. */
void
start_init(void)
{
	TAILQ_INIT(&brokerd.children);
	start_add(PROC_LOGD, 1);
	start_add(PROC_KEYD, 1);
	start_add(PROC_RESOLVER, 1);
	start_add(PROC_MITM, brokerd.conf->workers_mitm);
	start_add(PROC_PROXY, brokerd.conf->workers_proxy);
	start_add(PROC_API_LOCAL, 1);
	start_add(PROC_API_TCP, 1);
}

struct child *
start_find(enum proc proc, uint64_t instance)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if ((proc == PROC_MAX || c->proc == proc) &&
		    c->instance == instance)
			return (c);
	}
	return (NULL);
}

struct child *
start_first(enum proc proc)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->proc == proc)
			return (c);
	}
	return (NULL);
}

int
start_all_ready(void)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->state != CHILD_READY)
			return (0);
	}
	return (1);
}

const struct conf_id *
start_id(enum proc proc)
{
	switch (proc) {
	case PROC_KEYD:
		return (&brokerd.ids[CONF_ID_KEYD]);
	case PROC_LOGD:
		return (&brokerd.ids[CONF_ID_LOGD]);
	default:
		return (&brokerd.ids[CONF_ID_WORKER]);
	}
}

/*
 * Installed programs lie side by side; in a build tree each is in a directory
 * of its name.  Both apis are one program.
 */
void
start_path(const struct child *c, char *path, size_t len)
{
	struct stat	 st;
	const char	*name;

	name = (PROC_BIT(c->proc) & M_API) ? "api" : proc_name(c->proc);
	(void)snprintf(path, len, "%s/%s", brokerd.libexec, name);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		(void)snprintf(path, len, "%s/%s/%s", brokerd.libexec, name,
		    name);
}

/* The resolver reads resolv.conf(5) and hosts(5) whenever they change. */
static const char *
start_chroot(const struct child *c)
{
	switch (c->proc) {
	case PROC_RESOLVER:
		return (NULL);
	case PROC_LOGD:
		return (state_db_path());
	default:
		return (state_chroot());
	}
}

static void
start_args(struct child *c, struct args *a, char *path)
{
	const struct conf_id	*id = start_id(c->proc);
	const char		*dir;
	int			 n = 0;

	(void)snprintf(a->uid, sizeof(a->uid), "%u", id->uid);
	(void)snprintf(a->gid, sizeof(a->gid), "%u", id->gid);
	(void)snprintf(a->instance, sizeof(a->instance), "%016" PRIx64,
	    c->instance);
	(void)snprintf(a->index, sizeof(a->index), "%u", c->index);
	(void)snprintf(a->hash, sizeof(a->hash), "%016" PRIx64,
	    msg_catalogue_hash());
	a->argv[n++] = path;
	if (brokerd.debug)
		a->argv[n++] = "-d";
	if (log_getverbose())
		a->argv[n++] = "-v";
	if (brokerd.privileged) {
		a->argv[n++] = "-u";
		a->argv[n++] = a->uid;
		a->argv[n++] = "-g";
		a->argv[n++] = a->gid;
		if ((dir = start_chroot(c)) != NULL) {
			a->argv[n++] = "-c";
			a->argv[n++] = (char *)(uintptr_t)dir;
		}
	}
	a->argv[n++] = "-i";
	a->argv[n++] = a->instance;
	a->argv[n++] = "-n";
	a->argv[n++] = a->index;
	a->argv[n++] = "-H";
	a->argv[n++] = a->hash;
	a->argv[n++] = (char *)(uintptr_t)proc_name(c->proc);
	a->argv[n] = NULL;
}

/*
 * The environment may hold secrets of whoever started us; no process needs
 * more of it than what allocators and sanitizers read.
 */
static char **
start_environ(void)
{
	static const char *const	 kept[] = { "ASAN_OPTIONS=",
	    "LSAN_OPTIONS=", "LLVM_PROFILE_FILE=", "MALLOC_OPTIONS=", "TZ=",
	    "UBSAN_OPTIONS=" };
	static char			*env[8];
	extern char			**environ;
	size_t				 i, n = 0;
	char				**e;

	for (e = environ; *e != NULL; e++) {
		for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
			if (strncmp(*e, kept[i], strlen(kept[i])) == 0 &&
			    n < sizeof(env) / sizeof(env[0]) - 1)
				env[n++] = *e;
		}
	}
	env[n] = NULL;
	return (env);
}

static __dead void
start_exec(struct child *c, int fd)
{
	struct args	 args;
	char		 path[PATH_MAX];

	start_path(c, path, sizeof(path));
	start_args(c, &args, path);
	if (fd == PROC_FD) {
		if (fcntl(fd, F_SETFD, 0) == -1)
			fatal("fcntl");
	} else if (dup2(fd, PROC_FD) == -1)
		fatal("dup2");
	execve(path, args.argv, start_environ());
	fatal("%s", path);
}

static void
start_run(struct child *c)
{
	struct link_peer	 who;
	char			 path[PATH_MAX];
	int			 fds[2];

	/* Afterwards nobody could hear the reason. */
	start_path(c, path, sizeof(path));
	if (access(path, X_OK) == -1)
		log_warn("%s", path);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fds) == -1)
		fatal("socketpair");
	switch (c->pid = fork()) {
	case -1:
		fatal("fork");
	case 0:
		/* What is logged now must not go into the parent's links. */
		log_sink(NULL);
		start_exec(c, fds[1]);
	}
	close(fds[1]);
	who.proc = c->proc;
	who.index = c->index;
	who.instance = c->instance;
	c->link = link_new(fds[0], PROC_PARENT, &who, dispatch_handlers,
	    dispatch_closed, c);
	c->state = CHILD_CONF;
	c->started = loop_mono();
	c->ready = 0;
	c->silent = 0;
	c->asked = 0;
	log_debug("%s: process %d", c->name, c->pid);
}

void
start_child(struct child *c)
{
	char	 why[512];

	if (brokerd.stage == STAGE_STOP)
		return;
	if (!c->prepared)
		peers_prepare(c);
	start_run(c);
	if (confsend(c, brokerd.conf, brokerd.gen, 1, why, sizeof(why)) == -1)
		start_refused(c, why);
}

/*
 * At the daemon's start there is somebody to mend it; later it is a death
 * like others, since a file may come back while the start is tried again.
 */
void
start_refused(struct child *c, const char *why)
{
	if (brokerd.stage != STAGE_RUNNING) {
		brokerd_fail("%s: configuration refused: %s", c->name, why);
		return;
	}
	log_warnx("%s: configuration refused: %s", c->name, why);
	if (c->pid != 0)
		(void)kill(c->pid, SIGKILL);
}

void
start_links(struct child *c)
{
	struct msg_conf_activate	 act = { brokerd.gen };
	struct msg_start		 start = { brokerd.fresh };

	c->state = CHILD_START;
	(void)link_send(c->link, MSG_CONF_ACTIVATE, &act, -1);
	peers_send(c);
	(void)link_send(c->link, MSG_START, &start, -1);
}

void
start_ready(struct child *c, const struct msg_ready *m)
{
	if (c->state != CHILD_START) {
		link_bad(c->link, "READY out of order");
		return;
	}
	if (m->catalogue != msg_catalogue_hash()) {
		brokerd_fail("%s: new version installed, restart brokerd",
		    c->name);
		return;
	}
	c->state = CHILD_READY;
	c->ready = c->heard = loop_mono();
	c->landlock_abi = m->landlock_abi;
	(void)strlcpy(c->degraded, m->degraded, sizeof(c->degraded));
	log_debug("%s: ready", c->name);
	if (brokerd.stage == STAGE_RUNNING)
		listen_send(c);
	else if (brokerd.stage == STAGE_LOGD && c->proc == PROC_LOGD)
		brokerd.fresh = m->fresh;
	start_next();
	reload_next();
}

void
start_next(void)
{
	struct child	*c;

	if (brokerd.stage == STAGE_INIT) {
		brokerd.stage = STAGE_LOGD;
		start_child(start_first(PROC_LOGD));
	} else if (brokerd.stage == STAGE_LOGD &&
	    start_first(PROC_LOGD)->state == CHILD_READY) {
		brokerd.stage = STAGE_KEYD;
		start_child(start_first(PROC_KEYD));
	} else if (brokerd.stage == STAGE_KEYD &&
	    start_first(PROC_KEYD)->state == CHILD_READY) {
		brokerd.stage = STAGE_REST;
		TAILQ_FOREACH(c, &brokerd.children, entry) {
			if (!c->prepared)
				start_child(c);
		}
	} else if (brokerd.stage == STAGE_REST && start_all_ready()) {
		brokerd.stage = STAGE_RUNNING;
		listen_activate();
		if (brokerd.stage != STAGE_RUNNING)
			return;
		textlog_detach();
		log_info("ready");
	}
}
