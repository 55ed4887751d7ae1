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

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event.h>
#include <tls.h>

#include "connvar.h"

static int	 conn_attach(struct conn *, int);
static void	 conn_dialled_fd(int, int, void *);
static void	 conn_timeout(int, short, void *);
static int	 conn_expired(struct conn *, enum conn_timer);
static void	 conn_arm(struct conn *);
static void	 conn_disarm(struct conn *);
static int	 conn_waits(const struct conn *);
static uint64_t	 conn_now(void);

static size_t	 descriptors;
static size_t	 closing;

/* Of this turn, ms; 0: not looked at yet. */
static uint64_t	 turn_now;

struct conn *
conn_new(int fd, const struct conn_ops *ops, void *arg)
{
	struct conn	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->fd = c->dialled = -1;
	c->flags = CF_PAUSED;
	c->low = CONN_LOW;
	c->high = CONN_HIGH;
	buf_init(&c->raw, CONN_IN_MAX);
	buf_init(&c->in, CONN_IN_MAX);
	buf_init(&c->out, CONN_OUT_MAX);
	evtimer_set(&c->ev_timer, conn_timeout, c);
	conn_owner(c, ops, arg);
	if (fd == -1)
		return (c);
	if (conn_attach(c, fd) == -1) {
		free(c);
		return (NULL);
	}
	conn_descriptor(1);
	c->state = CONN_OPEN;
	return (c);
}

/* What is written is written whole at the end of a turn: Nagle only delays. */
static int
conn_attach(struct conn *c, int fd)
{
	int	 flags, on = 1;

	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return (-1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->fd = fd;
	connio_start(c);
	return (0);
}

void
conn_owner(struct conn *c, const struct conn_ops *ops, void *arg)
{
	c->ops = ops;
	c->arg = arg;
}

void
conn_enter(struct conn *c)
{
	c->depth++;
}

void
conn_leave(struct conn *c)
{
	if (--c->depth == 0 && (c->flags & CF_DEAD))
		free(c);
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	connio_stop(c);
	conn_disarm(c);
	if (c->dial != NULL)
		dial_cancel(c->dial);
	tls_free(c->tls);
	if (c->fd != -1) {
		close(c->fd);
		conn_descriptor(-1);
	}
	buf_clear(&c->raw);
	buf_clear(&c->in);
	buf_clear(&c->out);
	if (c->flags & CF_CLOSING)
		closing--;
	c->dial = NULL;
	c->tls = NULL;
	c->fd = -1;
	c->state = CONN_FAILED;
	c->flags = CF_DEAD;
	if (c->depth == 0)
		free(c);
}

void
conn_abort(struct conn *c)
{
	struct linger	 l = { 1, 0 };

	if (c->fd != -1)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	conn_free(c);
}

void
conn_close(struct conn *c, unsigned int ms)
{
	if (c->state == CONN_FAILED && c->tls != NULL && c->error == 0) {
		/* The alert is out; it is to arrive. */
		tls_free(c->tls);
		c->tls = NULL;
		buf_clear(&c->out);
		c->state = CONN_OPEN;
	}
	if (c->state != CONN_OPEN || (c->flags & CF_BROKEN) ||
	    (c->flags & (CF_SOCKEOF | CF_SHUTDONE)) ==
	    (CF_SOCKEOF | CF_SHUTDONE)) {
		conn_free(c);
		return;
	}
	conn_owner(c, NULL, NULL);
	closing++;
	connio_stop(c);
	c->flags |= CF_CLOSING;
	memset(c->expire, 0, sizeof(c->expire));
	buf_clear(&c->in);
	buf_clear(&c->raw);
	conn_shutdown(c);
	if (c->flags & CF_SHUTDONE)
		(void)shutdown(c->fd, SHUT_WR);
	if ((c->flags & CF_SOCKEOF) == 0)
		connio_reading(c, 1);
	conn_timer(c, CONN_T_DEADLINE, ms > 0 ? ms : 1);
}

void
conn_descriptor(int n)
{
	descriptors += n;
}

size_t
conns_count(void)
{
	return (descriptors);
}

size_t
conns_closing(void)
{
	return (closing);
}

/*
 * Connecting.
 */

int
conn_connect(struct conn *c, const struct sockaddr_storage *addrs, size_t n)
{
	c->dial = dial_start(addrs, n, conn_dialled_fd, c);
	if (c->dial == NULL)
		return (-1);
	c->state = CONN_DIALLING;
	conn_timer(c, CONN_T_CONNECT, CONN_DIAL_TIMEOUT);
	return (0);
}

static void
conn_dialled_fd(int fd, int n, void *arg)
{
	struct conn	*c = arg;

	dial_cancel(c->dial);
	c->dial = NULL;
	conn_timer(c, CONN_T_CONNECT, 0);
	conn_enter(c);
	if (fd == -1)
		conn_fail(c, CONN_E_CONNECT, strerror(n));
	else if (conn_attach(c, fd) == -1) {
		close(fd);
		conn_fail(c, CONN_E_CONNECT, strerror(errno));
	} else {
		conn_descriptor(1);
		c->dialled = n;
		conn_ready(c);
	}
	conn_leave(c);
}

int
conn_dialled(const struct conn *c)
{
	return (c->dialled);
}

void
conn_ready(struct conn *c)
{
	c->state = CONN_OPEN;
	conn_progress(c);
	connio_tell();
	if (c->ops != NULL && c->ops->ready != NULL)
		c->ops->ready(c, c->arg);
	if (c->state != CONN_OPEN)
		return;
	if (buf_len(&c->out) > 0 || (c->flags & CF_SHUT))
		connio_dirty(c);
	if ((c->flags & (CF_PAUSED | CF_CLOSING)) == 0)
		conn_resume(c);
}

void
conn_fail(struct conn *c, enum conn_error error, const char *text)
{
	char	 copy[256];

	/* It may lie in what the owner frees. */
	(void)strlcpy(copy, text, sizeof(copy));
	c->state = CONN_FAILED;
	connio_stop(c);
	c->unsent += buf_len(&c->out);
	buf_clear(&c->out);
	memset(c->expire, 0, sizeof(c->expire));
	conn_disarm(c);
	connio_tell();
	if (c->flags & CF_CLOSING)
		conn_free(c);
	else if (c->ops != NULL && c->ops->error != NULL)
		c->ops->error(c, error, copy, c->arg);
}

/*
 * Timers.  There is one event for all of a connection's; it is moved only
 * when it must come earlier, and looks again when it comes too early.
 */

static uint64_t
conn_now(void)
{
	struct timespec	 ts;

	if (turn_now == 0) {
		(void)clock_gettime(CLOCK_MONOTONIC, &ts);
		turn_now = (uint64_t)ts.tv_sec * 1000 +
		    ts.tv_nsec / 1000000 + 1;
	}
	return (turn_now);
}

void
conns_turn(void)
{
	turn_now = 0;
}

void
conn_progress(struct conn *c)
{
	c->last = conn_now();
}

void
conn_came(struct conn *c, size_t n)
{
	struct timespec	 ts;
	uint64_t	 front = c->came + n - buf_len(&c->in);
	unsigned int	 i;

	c->came += n;
	for (i = 0; i < c->nmarks && c->marks[i].end <= front; i++)
		;
	c->nmarks -= i;
	memmove(c->marks, c->marks + i, c->nmarks * sizeof(c->marks[0]));
	/* Without a place it counts as having come with what came last. */
	if (c->nmarks == CONN_MARKS) {
		c->marks[CONN_MARKS - 1].end = c->came;
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	c->marks[c->nmarks].end = c->came;
	c->marks[c->nmarks++].when = (uint64_t)ts.tv_sec * 1000000 +
	    ts.tv_nsec / 1000;
}

void
conn_timer(struct conn *c, enum conn_timer timer, unsigned int ms)
{
	c->expire[timer] = ms > 0 ? conn_now() + ms : 0;
	if (timer == CONN_T_IDLE) {
		c->idle = ms;
		conn_progress(c);
	}
	if (ms > 0)
		conn_arm(c);
}

static void
conn_arm(struct conn *c)
{
	struct timeval	 tv;
	uint64_t	 first, wait;
	int		 i;

	for (i = first = 0; i <= CONN_T_DEADLINE; i++) {
		if (c->expire[i] != 0 && (first == 0 || c->expire[i] < first))
			first = c->expire[i];
	}
	if (first == 0 || ((c->flags & CF_TIMING) && c->armed <= first))
		return;
	wait = first > conn_now() ? first - conn_now() : 0;
	tv.tv_sec = wait / 1000;
	tv.tv_usec = wait % 1000 * 1000;
	evtimer_add(&c->ev_timer, &tv);
	c->armed = first;
	c->flags |= CF_TIMING;
}

static void
conn_disarm(struct conn *c)
{
	if (c->flags & CF_TIMING)
		evtimer_del(&c->ev_timer);
	c->flags &= ~CF_TIMING;
}

/* Is there anything that the peer would have to do? */
static int
conn_waits(const struct conn *c)
{
	return ((c->flags & CF_PAUSED) == 0 || buf_len(&c->out) > 0);
}

static int
conn_expired(struct conn *c, enum conn_timer timer)
{
	if (c->expire[timer] == 0)
		return (0);
	if (timer == CONN_T_IDLE) {
		if (!conn_waits(c))
			conn_progress(c);
		c->expire[timer] = c->last + c->idle;
	}
	if (c->expire[timer] > conn_now())
		return (0);
	c->expire[timer] = 0;
	return (1);
}

static void
conn_timeout(int fd, short event, void *arg)
{
	struct conn	*c = arg;
	int		 i;

	turn_now = 0;
	c->flags &= ~CF_TIMING;
	conn_enter(c);
	for (i = 0; i <= CONN_T_DEADLINE; i++) {
		if (!conn_expired(c, i))
			continue;
		if (c->flags & CF_CLOSING) {
			conn_abort(c);
			break;
		}
		if (i == CONN_T_CONNECT || i == CONN_T_HANDSHAKE) {
			c->state = CONN_FAILED;
			connio_stop(c);
		}
		if (c->ops != NULL && c->ops->timeout != NULL)
			c->ops->timeout(c, i, c->arg);
		if (c->flags & CF_DEAD)
			break;
	}
	if ((c->flags & CF_DEAD) == 0)
		conn_arm(c);
	conn_leave(c);
}

/*
 * Small questions.
 */

struct tls *
conn_tls(const struct conn *c)
{
	return (c->tls);
}

int
conn_fd(const struct conn *c)
{
	return (c->fd);
}

struct buf *
conn_in(struct conn *c)
{
	return (&c->in);
}

int
conn_ended(const struct conn *c)
{
	return ((c->flags & CF_EOF) != 0);
}

uint64_t
conn_arrived(const struct conn *c, size_t n)
{
	uint64_t	 end = c->came - buf_len(&c->in) + n;
	unsigned int	 i;

	for (i = 0; i < c->nmarks; i++) {
		if (c->marks[i].end >= end)
			return (c->marks[i].when);
	}
	return (0);
}

size_t
conn_unsent(const struct conn *c)
{
	return (buf_len(&c->out) + c->unsent);
}

uint64_t
conn_queued(const struct conn *c)
{
	return (c->sent + buf_len(&c->out));
}

uint64_t
conn_sent(const struct conn *c)
{
	return (c->sent);
}

int
conn_full(const struct conn *c)
{
	return (buf_len(&c->out) >= c->high);
}

void
conn_marks(struct conn *c, size_t low, size_t high, size_t max)
{
	c->low = low;
	c->high = high;
	buf_setmax(&c->out, max);
}

void
conn_inmax(struct conn *c, size_t max)
{
	buf_setmax(&c->in, max);
}

void
conn_stats(const struct conn *c, struct conn_stats *st)
{
	*st = c->stats;
}
