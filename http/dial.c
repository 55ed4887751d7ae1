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
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include "connvar.h"

/*
 * Happy eyeballs, RFC 8305 sections 4 and 5: attempts that overlap, the
 * first that connects wins.  The caller bounds the whole.
 */

struct attempt {
	struct dial	*dial;
	struct event	 ev;
	int		 fd;		/* -1: none, or over */
	int		 index;		/* of the caller's list */
};

struct dial {
	void			(*done)(int, int, void *);
	void			*arg;
	struct event		 timer;
	struct sockaddr_storage	 addrs[CONN_DIAL_MAX];
	struct attempt		 attempts[CONN_DIAL_MAX];
	size_t			 n;
	size_t			 next;
	size_t			 pending;
	int			 error;		/* errno of the last failure */
};

static void	 dial_order(struct dial *);
static socklen_t dial_len(const struct sockaddr_storage *);
static int	 dial_attempt(struct dial *, struct attempt *);
static void	 dial_next(struct dial *);
static void	 dial_timer(int, short, void *);
static void	 dial_event(int, short, void *);
static void	 dial_drop(struct attempt *);

struct dial *
dial_start(const struct sockaddr_storage *addrs, size_t n,
    void (*done)(int, int, void *), void *arg)
{
	struct dial	*d;
	size_t		 i;

	if (n == 0) {
		errno = EADDRNOTAVAIL;
		return (NULL);
	}
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	d->done = done;
	d->arg = arg;
	d->n = n < CONN_DIAL_MAX ? n : CONN_DIAL_MAX;
	memcpy(d->addrs, addrs, d->n * sizeof(*addrs));
	for (i = 0; i < d->n; i++) {
		d->attempts[i].dial = d;
		d->attempts[i].fd = -1;
	}
	dial_order(d);
	evtimer_set(&d->timer, dial_timer, d);
	dial_next(d);
	return (d);
}

void
dial_cancel(struct dial *d)
{
	size_t	 i;

	for (i = 0; i < d->next; i++)
		dial_drop(&d->attempts[i]);
	evtimer_del(&d->timer);
	free(d);
}

/* The families take turns, beginning with the first address's. */
static void
dial_order(struct dial *d)
{
	size_t		 i, k;
	int		 used[CONN_DIAL_MAX], family;

	memset(used, 0, sizeof(used));
	family = d->addrs[0].ss_family;
	for (k = 0; k < d->n; k++) {
		for (i = 0; i < d->n; i++) {
			if (!used[i] &&
			    (d->addrs[i].ss_family == family) == (k % 2 == 0))
				break;
		}
		if (i == d->n) {
			for (i = 0; used[i]; )
				i++;
		}
		used[i] = 1;
		d->attempts[k].index = i;
	}
}

static socklen_t
dial_len(const struct sockaddr_storage *ss)
{
	switch (ss->ss_family) {
	case AF_INET:
		return (sizeof(struct sockaddr_in));
	case AF_INET6:
		return (sizeof(struct sockaddr_in6));
	default:
		return (sizeof(struct sockaddr_un));
	}
}

/* Start one attempt: 0, or -1 with errno in d->error. */
static int
dial_attempt(struct dial *d, struct attempt *a)
{
	const struct sockaddr_storage	*ss;

	ss = &d->addrs[a->index];
	a->fd = socket(ss->ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd == -1) {
		d->error = errno;
		return (-1);
	}
	conn_descriptor(1);
	event_set(&a->ev, a->fd, EV_WRITE, dial_event, a);
	if ((connect(a->fd, (const struct sockaddr *)ss,
	    dial_len(ss)) == -1 && errno != EINPROGRESS) ||
	    event_add(&a->ev, NULL) == -1) {
		d->error = errno;
		dial_drop(a);
		return (-1);
	}
	d->pending++;
	return (0);
}

/*
 * Start the next attempt that does not fail at once, and the clock for the
 * one after it.  When all have failed the timer tells the caller, who is not
 * to be called from within dial_start().
 */
static void
dial_next(struct dial *d)
{
	struct timeval	 tv;

	while (d->next < d->n)
		if (dial_attempt(d, &d->attempts[d->next++]) == 0)
			break;
	if (d->next == d->n && d->pending > 0) {
		evtimer_del(&d->timer);
		return;
	}
	tv.tv_sec = 0;
	tv.tv_usec = d->pending > 0 ? CONN_DIAL_STAGGER * 1000 : 0;
	evtimer_add(&d->timer, &tv);
}

static void
dial_timer(int fd, short event, void *arg)
{
	struct dial	*d = arg;

	if (d->pending == 0 && d->next == d->n)
		d->done(-1, d->error, d->arg);
	else
		dial_next(d);
}

static void
dial_event(int fd, short event, void *arg)
{
	struct attempt	*a = arg;
	struct dial	*d = a->dial;
	socklen_t	 len;
	int		 error;

	d->pending--;
	len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0) {
		a->fd = -1;
		conn_descriptor(-1);
		d->done(fd, a->index, d->arg);
		return;
	}
	d->error = error;
	dial_drop(a);
	dial_next(d);
}

static void
dial_drop(struct attempt *a)
{
	if (a->fd == -1)
		return;
	event_del(&a->ev);
	close(a->fd);
	a->fd = -1;
	conn_descriptor(-1);
}
