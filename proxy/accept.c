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
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <event.h>

#include "accept.h"
#include "client.h"
#include "log.h"
#include "proc.h"
#include "worker.h"

struct listener {
	TAILQ_ENTRY(listener)	 entry;
	struct event		 ev;
	uint32_t		 id;
	int			 fd;
	int			 on;
};

static TAILQ_HEAD(, listener)	 listeners = TAILQ_HEAD_INITIALIZER(listeners);
static struct event		 pause_ev;
static int			 reserve = -1;
static int			 started, full, paused;
static uint64_t			 pauses, dropped;

static void	 accept_ready(int, short, void *);
static void	 accept_pause(void);
static void	 accept_short(struct listener *);
static void	 accept_again(int, short, void *);
static void	 accept_arm(void);
static void	 accept_free(struct listener *);

void
accept_init(void)
{
	if ((reserve = dup(PROC_FD)) == -1)
		fatal("reserve descriptor");
	evtimer_set(&pause_ev, accept_again, NULL);
}

void
accept_listener(const struct msg_listener *m, int fd)
{
	struct listener	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("listener");
	l->id = m->id;
	l->fd = fd;
	event_set(&l->ev, fd, EV_READ | EV_PERSIST, accept_ready, l);
	TAILQ_INSERT_TAIL(&listeners, l, entry);
	accept_arm();
}

static void
accept_free(struct listener *l)
{
	if (l->on)
		event_del(&l->ev);
	TAILQ_REMOVE(&listeners, l, entry);
	close(l->fd);
	free(l);
}

void
accept_close(const struct msg_listener_close *m)
{
	struct listener	*l, *next;

	TAILQ_FOREACH_SAFE(l, &listeners, entry, next) {
		if (l->id == m->id)
			accept_free(l);
	}
}

void
accept_start(void)
{
	started = 1;
	accept_arm();
}

void
accept_stop(void)
{
	struct listener	*l;

	started = 0;
	evtimer_del(&pause_ev);
	while ((l = TAILQ_FIRST(&listeners)) != NULL)
		accept_free(l);
}

/* Each listens, or does not, as things are now. */
static void
accept_arm(void)
{
	struct listener	*l;
	int		 on = started && !full && !paused;

	TAILQ_FOREACH(l, &listeners, entry) {
		if (l->on == on)
			continue;
		l->on = on;
		if (on)
			event_add(&l->ev, NULL);
		else
			event_del(&l->ev);
	}
}

/*
 * One at a time: the other proxies are awake, too, and one more may be
 * theirs.
 */
static void
accept_ready(int fd, short what, void *arg)
{
	struct sockaddr_storage	 ss;
	struct listener		*l = arg;
	socklen_t		 len = sizeof(ss);
	int			 s;

	s = accept4(fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (s != -1) {
		client_new(s, &ss);
		if (!worker_admits(client_count()) && !client_make_room()) {
			full = 1;
			accept_pause();
		}
		return;
	}
	if (errno == EMFILE || errno == ENFILE)
		accept_short(l);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		log_warn("accept");
}

/* Look again in a moment. */
static void
accept_pause(void)
{
	struct timeval	 tv = { 0, ACCEPT_PAUSE_MS * 1000 };

	pauses++;
	evtimer_add(&pause_ev, &tv);
	accept_arm();
}

/* Close who waits with the descriptor that is kept for it, then rest. */
static void
accept_short(struct listener *l)
{
	int		 s;

	if (reserve != -1) {
		close(reserve);
		if ((s = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC)) != -1) {
			close(s);
			dropped++;
		}
		reserve = fcntl(PROC_FD, F_DUPFD_CLOEXEC, 0);
	}
	if (!paused)
		log_warnx("out of descriptors: a connection was closed");
	paused = 1;
	accept_pause();
}

static void
accept_again(int fd, short what, void *arg)
{
	if (reserve == -1)
		reserve = fcntl(PROC_FD, F_DUPFD_CLOEXEC, 0);
	paused = 0;
	if (full && (worker_admits(client_count() + 1) || client_make_room()))
		full = 0;
	if (full)
		accept_pause();
	else
		accept_arm();
}

void
accept_room(void)
{
	if (!full || !worker_admits(client_count() + 1))
		return;
	full = 0;
	accept_arm();
}

void
accept_stats(void)
{
	stats_add("accept_pauses", pauses);
	stats_add("accept_dropped", dropped);
}
