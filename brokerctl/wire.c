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

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "client.h"
#include "wire.h"

static int	wire_local(struct wire *, const char *);
static int	wire_remote(struct wire *, const struct target *);
static int	wire_open(struct wire *, int, const struct sockaddr *,
		    socklen_t);
static int	wire_tls(struct wire *, const struct target *,
		    struct tls_config *);
static int	wire_wait(struct wire *, short);
static int	wire_poll(struct wire *, struct pollfd *);
static int	wire_left(const struct wire *);
static int	wire_tls_wait(struct wire *, ssize_t);
static int	wire_fail(struct wire *, const char *);

void
wire_init(struct wire *w)
{
	memset(w, 0, sizeof(*w));
	w->fd = -1;
}

void
wire_deadline(struct wire *w, int seconds)
{
	clock_gettime(CLOCK_MONOTONIC, &w->deadline);
	w->deadline.tv_sec += seconds;
}

int
wire_connect(struct wire *w, const struct target *target,
    struct tls_config *config)
{
	int	rv;

	if (target->socket != NULL)
		rv = wire_local(w, target->socket);
	else
		rv = wire_remote(w, target);
	if (rv == 0 && target->tls)
		rv = wire_tls(w, target, config);
	if (rv == -1)
		wire_close(w);
	return (rv);
}

static int
wire_local(struct wire *w, const char *path)
{
	struct sockaddr_un	 sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (wire_fail(w, "connect"));
	}
	return (wire_open(w, AF_UNIX, (struct sockaddr *)&sun, sizeof(sun)));
}

/* The first address that answers. */
static int
wire_remote(struct wire *w, const struct target *target)
{
	struct addrinfo	 hints, *list, *ai;
	int		 error, rv = -1;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICSERV;
	if ((error = getaddrinfo(target->host, target->port, &hints,
	    &list)) != 0) {
		snprintf(w->error, sizeof(w->error), "%s: %s", target->host,
		    gai_strerror(error));
		errno = 0;
		return (-1);
	}
	for (ai = list; ai != NULL && rv == -1; ai = ai->ai_next)
		rv = wire_open(w, ai->ai_family, ai->ai_addr, ai->ai_addrlen);
	error = errno;
	freeaddrinfo(list);
	errno = error;
	return (rv);
}

static int
wire_open(struct wire *w, int family, const struct sockaddr *sa,
    socklen_t len)
{
	int		error, fd;
	socklen_t	n = sizeof(error);

	wire_close(w);
	if ((fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0)) == -1)
		return (wire_fail(w, "socket"));
	w->fd = fd;
	if (connect(fd, sa, len) == 0)
		return (0);
	/* A local socket whose queue is full says EAGAIN: nobody takes it. */
	if (errno != EINPROGRESS)
		return (wire_fail(w, "connect"));
	if (wire_wait(w, POLLOUT) == -1)
		return (-1);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		return (wire_fail(w, "getsockopt"));
	if (error != 0) {
		errno = error;
		return (wire_fail(w, "connect"));
	}
	return (0);
}

static int
wire_tls(struct wire *w, const struct target *target,
    struct tls_config *config)
{
	int	n;

	if ((w->tls = tls_client()) == NULL) {
		errno = ENOMEM;
		return (wire_fail(w, "TLS"));
	}
	if (tls_configure(w->tls, config) == -1 ||
	    tls_connect_socket(w->tls, w->fd, target->host) == -1)
		return (wire_tls_wait(w, -1));
	while ((n = tls_handshake(w->tls)) != 0) {
		if (wire_tls_wait(w, n) == -1)
			return (-1);
	}
	return (0);
}

ssize_t
wire_read(struct wire *w, void *buf, size_t size)
{
	ssize_t	n;

	for (;;) {
		if (w->tls != NULL) {
			if ((n = tls_read(w->tls, buf, size)) >= 0)
				return (n);
			if (wire_tls_wait(w, n) == -1)
				return (-1);
			continue;
		}
		if ((n = read(w->fd, buf, size)) >= 0)
			return (n);
		if (errno != EAGAIN && errno != EINTR)
			return (wire_fail(w, "read"));
		if (wire_wait(w, POLLIN) == -1)
			return (-1);
	}
}

int
wire_write(struct wire *w, const void *buf, size_t size)
{
	const char	*p = buf;
	ssize_t		 n;

	while (size > 0) {
		if (w->tls != NULL) {
			if ((n = tls_write(w->tls, p, size)) < 0) {
				if (wire_tls_wait(w, n) == -1)
					return (-1);
				continue;
			}
		} else if ((n = write(w->fd, p, size)) == -1) {
			if (errno != EAGAIN && errno != EINTR)
				return (wire_fail(w, "write"));
			if (wire_wait(w, POLLOUT) == -1)
				return (-1);
			continue;
		}
		p += n;
		size -= (size_t)n;
	}
	return (0);
}

/* No close_notify: what was asked for has been read, or has failed. */
void
wire_close(struct wire *w)
{
	int	saved = errno;

	tls_free(w->tls);
	w->tls = NULL;
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	errno = saved;
}

static int
wire_wait(struct wire *w, short events)
{
	struct pollfd	pfd;
	int		n;

	for (;;) {
		pfd.fd = w->fd;
		pfd.events = events;
		n = wire_poll(w, &pfd);
		if (n > 0)
			return (0);
		if (n == 0) {
			errno = ETIMEDOUT;
			return (wire_fail(w, "wait"));
		}
		if (errno != EINTR)
			return (wire_fail(w, "poll"));
		if (w->stop != NULL && *w->stop) {
			errno = ECANCELED;
			return (wire_fail(w, "wait"));
		}
	}
}

/* The signals can come at any time, but are seen while it waits. */
static int
wire_poll(struct wire *w, struct pollfd *pfd)
{
	struct timespec	ts;
	sigset_t	old;
	int		left = wire_left(w), n = -1, saved = EINTR;

	if (w->stop == NULL)
		return (poll(pfd, 1, left));
	ts.tv_sec = left / 1000;
	ts.tv_nsec = left % 1000 * 1000000L;
	sigprocmask(SIG_BLOCK, &w->signals, &old);
	if (!*w->stop) {
		n = ppoll(pfd, 1, &ts, &old);
		saved = errno;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return (n);
}

int
wire_pause(struct wire *w, int ms)
{
	struct timespec	now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	w->deadline.tv_sec = now.tv_sec + ms / 1000;
	w->deadline.tv_nsec = now.tv_nsec + ms % 1000 * 1000000L;
	if (w->deadline.tv_nsec >= 1000000000L) {
		w->deadline.tv_sec++;
		w->deadline.tv_nsec -= 1000000000L;
	}
	/* Nothing is connected, so poll(2) only lets time pass. */
	(void)wire_wait(w, 0);
	return (errno == ECANCELED ? -1 : 0);
}

/* Until the deadline, in ms. */
static int
wire_left(const struct wire *w)
{
	struct timespec	now;
	int64_t		left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (int64_t)(w->deadline.tv_sec - now.tv_sec) * 1000 +
	    (w->deadline.tv_nsec - now.tv_nsec) / 1000000;
	return (left > 0 ? (int)left : 0);
}

/* What a function of libtls returned: wait for what it wants, or fail. */
static int
wire_tls_wait(struct wire *w, ssize_t n)
{
	const char	*why;

	if (n == TLS_WANT_POLLIN)
		return (wire_wait(w, POLLIN));
	if (n == TLS_WANT_POLLOUT)
		return (wire_wait(w, POLLOUT));
	why = tls_error(w->tls);
	snprintf(w->error, sizeof(w->error), "TLS: %s",
	    why != NULL ? why : "failed");
	errno = 0;
	return (-1);
}

static int
wire_fail(struct wire *w, const char *what)
{
	int	saved = errno;

	snprintf(w->error, sizeof(w->error), "%s: %s", what,
	    strerror(saved));
	errno = saved;
	return (-1);
}
