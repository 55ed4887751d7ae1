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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include "api.h"
#include "client.h"
#include "conn.h"
#include "listen.h"
#include "log.h"

struct listener {
	TAILQ_ENTRY(listener)	 entry;
	struct event		 ev;
	uint32_t		 id;
	enum listener_kind	 kind;
	int			 fd;
	int			 armed;
};

static TAILQ_HEAD(, listener)	 listeners = TAILQ_HEAD_INITIALIZER(listeners);
static struct event		 pause_ev;
static int			 resting;

static void	arm(void);
static void	disarm(void);
static void	rest(void);
static void	rested(int, short, void *);
static void	readable(int, short, void *);
static int	accept_one(const struct listener *);
static int	has_place(enum listener_kind, uid_t, const struct msg_addr *);
static void	address(const struct sockaddr_storage *, struct msg_addr *);

unsigned int
listen_places(void)
{
	static unsigned int	 n;
	struct rlimit		 rl;

	if (n != 0)
		return (n);
	n = LISTEN_MAX;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    rl.rlim_cur < LISTEN_MAX + LISTEN_SPARE)
		n = rl.rlim_cur > LISTEN_SPARE + LISTEN_KEPT ?
		    rl.rlim_cur - LISTEN_SPARE : LISTEN_KEPT;
	return (n);
}

void
listen_add(const struct msg_listener *m, int fd)
{
	struct listener	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("listener");
	l->id = m->id;
	l->kind = m->kind;
	l->fd = fd;
	event_set(&l->ev, fd, EV_READ | EV_PERSIST, readable, l);
	TAILQ_INSERT_TAIL(&listeners, l, entry);
	arm();
}

void
listen_close(const struct msg_listener_close *m)
{
	struct listener	*l;

	TAILQ_FOREACH(l, &listeners, entry) {
		if (l->id == m->id)
			break;
	}
	if (l == NULL)
		return;
	if (l->armed)
		event_del(&l->ev);
	close(l->fd);
	TAILQ_REMOVE(&listeners, l, entry);
	free(l);
}

void
listen_close_all(void)
{
	struct msg_listener_close	 m;
	struct listener			*l;

	while ((l = TAILQ_FIRST(&listeners)) != NULL) {
		m.id = l->id;
		listen_close(&m);
	}
}

static void
arm(void)
{
	struct listener	*l;

	if (resting || client_count() >= listen_places())
		return;
	TAILQ_FOREACH(l, &listeners, entry) {
		if (!l->armed && event_add(&l->ev, NULL) == -1)
			fatal("listener");
		l->armed = 1;
	}
}

static void
disarm(void)
{
	struct listener	*l;

	api.counters.accept_paused++;
	TAILQ_FOREACH(l, &listeners, entry) {
		if (l->armed)
			event_del(&l->ev);
		l->armed = 0;
	}
}

void
listen_go_on(void)
{
	arm();
}

/* To be tried again later. */
static void
rest(void)
{
	struct timeval	 tv = { 0, LISTEN_PAUSE_MS * 1000 };

	resting = 1;
	disarm();
	evtimer_set(&pause_ev, rested, NULL);
	evtimer_add(&pause_ev, &tv);
}

static void
rested(int fd, short what, void *arg)
{
	resting = 0;
	arm();
}

static void
readable(int fd, short what, void *arg)
{
	const struct listener	*l = arg;
	int	 i;

	for (i = 0; i < LISTEN_BATCH; i++) {
		if (client_count() >= listen_places()) {
			/* Of the first only it is known that it is there. */
			if (i > 0)
				return;
			if (!client_make_room()) {
				disarm();
				return;
			}
		}
		/* Nobody tells when one has been closed at last. */
		if (client_count() + conns_closing() >= listen_places()) {
			rest();
			return;
		}
		if (accept_one(l) == -1)
			return;
	}
}

/* -1: no more for now. */
static int
accept_one(const struct listener *l)
{
	struct sockaddr_storage	 ss;
	struct msg_addr		 addr;
	socklen_t		 len = sizeof(ss);
	uid_t			 uid = 0;
	gid_t			 gid;
	int			 fd;

	memset(&ss, 0, sizeof(ss));
	fd = accept4(l->fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			log_warn("accept");
			rest();
			return (-1);
		}
		return (errno == ECONNABORTED || errno == EINTR ? 0 : -1);
	}
	api.counters.accepted++;
	address(&ss, &addr);
	if (API_LOCAL() && getpeereid(fd, &uid, &gid) == -1) {
		log_warn("user of a local client");
		close(fd);
		return (0);
	}
	if (!has_place(l->kind, uid, &addr)) {
		api.counters.refused++;
		close(fd);
		return (0);
	}
	return (client_new(fd, l->kind, uid, &addr));
}

/*
 * The last places are for who has none.  The peer's user number is what the
 * kernel says it is.
 */
static int
has_place(enum listener_kind kind, uid_t uid, const struct msg_addr *addr)
{
	return (client_count() + LISTEN_KEPT < listen_places() ||
	    client_count_like(kind, uid, addr) == 0 ||
	    (!API_LOCAL() && client_make_room()));
}

static void
address(const struct sockaddr_storage *ss, struct msg_addr *a)
{
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;

	memset(a, 0, sizeof(*a));
	if (ss->ss_family == AF_INET) {
		memcpy(&in, ss, sizeof(in));
		a->af = 4;
		a->port = ntohs(in.sin_port);
		memcpy(a->ip, &in.sin_addr, 4);
	} else if (ss->ss_family == AF_INET6) {
		memcpy(&in6, ss, sizeof(in6));
		a->af = 6;
		a->port = ntohs(in6.sin6_port);
		memcpy(a->ip, &in6.sin6_addr, 16);
	}
}
