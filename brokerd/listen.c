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
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "brokerd.h"
#include "codes.h"

/*
 * Listening sockets.  They are bound when a configuration is read, so that
 * one that cannot be had is an error while nothing has changed yet, and take
 * connections only when everybody is there to serve them.
 */
struct listener {
	TAILQ_ENTRY(listener)	 entry;
	uint32_t		 id;
	enum proc		 proc;		/* who gets it */
	enum listener_kind	 kind;
	union {
		struct sockaddr		 sa;
		struct sockaddr_storage	 ss;
		struct sockaddr_un	 sun;
	}			 addr;
	socklen_t		 len;
	int			 fd;
	int			 armed;
	int			 wanted;	/* the newest conf has it */
	mode_t			 mode;		/* of the local socket */
	gid_t			 gid;		/* -1: leave it */
};

/* How long an address may still be in use by what was killed before us. */
#define BIND_TRIES	20
#define BIND_PAUSE_MS	100

static TAILQ_HEAD(, listener)	 listeners =
				    TAILQ_HEAD_INITIALIZER(listeners);
static uint32_t			 last_id;

static int	listen_local(const struct conf *, struct listener *, char *,
		    size_t);
static int	listen_may_group(gid_t);
static int	listen_want(const struct listener *, char *, size_t);
static int	listen_bind(struct listener *, char *, size_t);
static int	listen_bind_local(struct listener *);
static int	listen_bind_inet(struct listener *);
static int	listen_stale(const struct listener *);
static void	listen_tell(const struct listener *);
static void	listen_pass(const struct listener *, struct child *);
static void	listen_drop(struct listener *);
static int	listen_arm(struct listener *);
static void	listen_name(const struct listener *, char *, size_t);

int
listen_open(const struct conf *conf, char *why, size_t len)
{
	const struct conf_listener	*cl;
	struct listener			 l, *old;

	TAILQ_FOREACH(old, &listeners, entry)
		old->wanted = 0;
	if (listen_local(conf, &l, why, len) == -1 ||
	    listen_want(&l, why, len) == -1)
		goto fail;
	TAILQ_FOREACH(cl, &conf->listeners, entry) {
		memset(&l, 0, sizeof(l));
		l.proc = cl->kind == LISTENER_PROXY ? PROC_PROXY :
		    PROC_API_TCP;
		l.kind = cl->kind;
		l.addr.ss = cl->ss;
		l.len = cl->sslen;
		if (listen_want(&l, why, len) == -1)
			goto fail;
	}
	return (0);
 fail:
	listen_cancel();
	return (-1);
}

static int
listen_local(const struct conf *conf, struct listener *l, char *why,
    size_t len)
{
	memset(l, 0, sizeof(*l));
	l->proc = PROC_API_LOCAL;
	l->kind = LISTENER_API;
	l->mode = conf->socket_mode;
	l->gid = (gid_t)-1;
	l->len = sizeof(l->addr.sun);
	l->addr.sun.sun_family = AF_UNIX;
	if (strlcpy(l->addr.sun.sun_path, conf->socket,
	    sizeof(l->addr.sun.sun_path)) >= sizeof(l->addr.sun.sun_path)) {
		(void)snprintf(why, len, "socket %s: the name is too long",
		    conf->socket);
		return (-1);
	}
	if (conf->socket_group != NULL &&
	    conf_group(conf->socket_group, &l->gid) == -1) {
		(void)snprintf(why, len, "socket %s: no group \"%s\": make it "
		    "or name another with \"socket ... group\"", conf->socket,
		    conf->socket_group);
		return (-1);
	}
	if (l->gid != (gid_t)-1 && !listen_may_group(l->gid)) {
		(void)snprintf(why, len, "socket %s: only root may give it to "
		    "the group \"%s\": leave \"group\" out, or name one that "
		    "you are in", conf->socket, conf->socket_group);
		return (-1);
	}
	return (0);
}

/* What chown(2) will say, while the old configuration is still in force. */
static int
listen_may_group(gid_t gid)
{
	gid_t	*groups;
	int	 found = 0, i, n;

	if (brokerd.privileged || gid == getegid())
		return (1);
	if ((n = getgroups(0, NULL)) <= 0)
		return (0);
	if ((groups = calloc(n, sizeof(*groups))) == NULL)
		return (0);
	n = getgroups(n, groups);
	for (i = 0; i < n; i++)
		found |= groups[i] == gid;
	free(groups);
	return (found);
}

/* Keep the one that is open already, or open a new one. */
static int
listen_want(const struct listener *want, char *why, size_t len)
{
	struct listener	*l;

	TAILQ_FOREACH(l, &listeners, entry) {
		if (l->proc == want->proc && l->kind == want->kind &&
		    l->len == want->len &&
		    memcmp(&l->addr, &want->addr, l->len) == 0) {
			l->wanted = 1;
			l->mode = want->mode;
			l->gid = want->gid;
			return (0);
		}
	}
	if ((l = malloc(sizeof(*l))) == NULL)
		fatal("listener");
	*l = *want;
	l->id = ++last_id;
	l->wanted = 1;
	if (listen_bind(l, why, len) == -1) {
		free(l);
		return (-1);
	}
	TAILQ_INSERT_TAIL(&listeners, l, entry);
	return (0);
}

static void
listen_name(const struct listener *l, char *name, size_t len)
{
	char	 host[NI_MAXHOST], port[NI_MAXSERV];

	if (l->addr.sa.sa_family == AF_UNIX)
		(void)strlcpy(name, l->addr.sun.sun_path, len);
	else if (getnameinfo(&l->addr.sa, l->len, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(name, len, "%s port %s", host, port);
	else
		(void)strlcpy(name, "an address", len);
}

/*
 * Processes of a daemon that was killed go away by themselves within moments,
 * and keep their addresses for as long; only at our own start is there
 * nothing else to do in the meantime.
 */
static int
listen_bind(struct listener *l, char *why, size_t len)
{
	const struct timespec	 pause = { 0, BIND_PAUSE_MS * 1000000L };
	char			 name[NI_MAXHOST + 40];
	int			 tries, error = -1;

	l->fd = socket(l->addr.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	for (tries = 0; l->fd != -1 && tries < BIND_TRIES; tries++) {
		if (l->addr.sa.sa_family == AF_UNIX)
			error = listen_bind_local(l);
		else
			error = listen_bind_inet(l);
		if (error == 0)
			return (0);
		if (errno != EADDRINUSE || brokerd.stage != STAGE_INIT)
			break;
		(void)nanosleep(&pause, NULL);
	}
	listen_name(l, name, sizeof(name));
	(void)snprintf(why, len, "cannot listen on %s: %s", name,
	    errno == EADDRINUSE && l->addr.sa.sa_family == AF_UNIX ?
	    "a process is answering there" : strerror(errno));
	if (l->fd != -1)
		close(l->fd);
	return (-1);
}

static int
listen_bind_inet(struct listener *l)
{
	int	 on = 1;

	if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == -1)
		return (-1);
	if (l->addr.sa.sa_family == AF_INET6 && setsockopt(l->fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) == -1)
		return (-1);
	return (bind(l->fd, &l->addr.sa, l->len));
}

/*
 * A socket file that nobody answers at was left by a daemon that was killed.
 * Anything else of that name stays: EADDRINUSE.
 */
static int
listen_stale(const struct listener *l)
{
	const char	*path = l->addr.sun.sun_path;
	struct stat	 st;
	int		 fd, n;

	if (lstat(path, &st) == -1)
		return (errno == ENOENT ? 0 : -1);
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return (-1);
	n = connect(fd, &l->addr.sa, l->len);
	if (n == -1 && errno == ECONNREFUSED) {
		close(fd);
		return (unlink(path));
	}
	close(fd);
	errno = EADDRINUSE;
	return (-1);
}

/* Nobody can connect before listen(2), and by then the mode is right. */
static int
listen_bind_local(struct listener *l)
{
	mode_t	 old;
	int	 n;

	if (listen_stale(l) == -1)
		return (-1);
	old = umask(0177);
	n = bind(l->fd, &l->addr.sa, l->len);
	(void)umask(old);
	return (n);
}

void
listen_cancel(void)
{
	struct listener	*l, *next;

	TAILQ_FOREACH_SAFE(l, &listeners, entry, next) {
		if (!l->armed)
			listen_drop(l);
		else
			l->wanted = 1;
	}
}

static void
listen_drop(struct listener *l)
{
	if (l->addr.sa.sa_family == AF_UNIX &&
	    unlink(l->addr.sun.sun_path) == -1 && errno != ENOENT)
		log_warn("%s: unlink", l->addr.sun.sun_path);
	close(l->fd);
	TAILQ_REMOVE(&listeners, l, entry);
	free(l);
}

/* A failure ends the daemon, and with it the list of listeners. */
static int
listen_arm(struct listener *l)
{
	char	 name[NI_MAXHOST + 40];

	listen_name(l, name, sizeof(name));
	if (l->addr.sa.sa_family == AF_UNIX &&
	    (chown(name, (uid_t)-1, l->gid) == -1 ||
	    chmod(name, l->mode) == -1)) {
		brokerd_fail("%s: %s", name, strerror(errno));
		return (-1);
	}
	if (l->armed)
		return (0);
	if (listen(l->fd, SOMAXCONN) == -1) {
		brokerd_fail("cannot listen on %s: %s", name, strerror(errno));
		return (-1);
	}
	l->armed = 1;
	log_info("listening on %s", name);
	return (0);
}

void
listen_activate(void)
{
	struct listener	*l, *next;
	int		 was;

	TAILQ_FOREACH_SAFE(l, &listeners, entry, next) {
		if (!l->wanted) {
			listen_tell(l);
			listen_drop(l);
			continue;
		}
		was = l->armed;
		if (listen_arm(l) == -1)
			return;
		if (!was)
			listen_tell(l);
	}
}

/* Pass it to those it is for, or have them close it. */
static void
listen_tell(const struct listener *l)
{
	struct msg_listener_close	 m = { l->id };
	struct child			*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->proc != l->proc || c->state != CHILD_READY ||
		    c->link == NULL)
			continue;
		if (l->wanted)
			listen_pass(l, c);
		else
			(void)link_send(c->link, MSG_LISTENER_CLOSE, &m, -1);
	}
}

static void
listen_pass(const struct listener *l, struct child *c)
{
	struct msg_listener	 m;
	int			 fd;

	if ((fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0)) == -1)
		fatal("listener");
	m.id = l->id;
	m.kind = l->kind;
	(void)link_send(c->link, MSG_LISTENER, &m, fd);
}

void
listen_send(struct child *c)
{
	struct listener	*l;

	TAILQ_FOREACH(l, &listeners, entry) {
		if (l->proc == c->proc && l->armed)
			listen_pass(l, c);
	}
}

void
listen_again(struct child *c, uint64_t id)
{
	struct listener	*l;

	TAILQ_FOREACH(l, &listeners, entry) {
		if (l->id == id && l->proc == c->proc && l->armed)
			listen_pass(l, c);
	}
}

void
listen_close_all(void)
{
	struct listener	*l;

	while ((l = TAILQ_FIRST(&listeners)) != NULL)
		listen_drop(l);
}
