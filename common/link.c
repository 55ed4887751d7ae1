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
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>
#include <imsg.h>

#include "link.h"
#include "log.h"
#include "loop.h"

struct link {
	TAILQ_ENTRY(link)		 entry;
	struct imsgbuf			 ibuf;
	struct event			 rev;
	struct event			 wev;
	int				 fd;
	int				 flags;
	int				 error;		/* of the last read */
	enum proc			 self;
	struct link_peer		 peer;
	const struct link_handler	*handlers;
	void				(*closed)(struct link *);
	void				*arg;
	struct arena			 arena;
	char				 name[32];
};
TAILQ_HEAD(links, link);

#define L_BUSY		0x01	/* a handler of it runs */
#define L_PAUSED	0x02
#define L_LEFT		0x04	/* messages may be left in the imsgbuf */
#define L_ENDED		0x08	/* reading is over, see error */
#define L_DEAF		0x10	/* the peer cannot be written to any more */
#define L_CLOSED	0x20
#define L_LOG		0x40	/* the log link of a worker */

struct link_counters	 link_counters;

static struct links	 links = TAILQ_HEAD_INITIALIZER(links);
static struct links	 closed = TAILQ_HEAD_INITIALIZER(closed);
static int		 hooked;
static void		(*on_bad)(const struct link_peer *, const char *);

static void	link_setup(struct link *);
static void	link_readable(int, short, void *);
static void	link_writable(int, short, void *);
static int	link_dispatch(struct link *, int);
static void	link_ended(struct link *);
static int	link_check(struct link *, const struct msg_desc *, int);
static const struct link_handler	*link_handler(struct link *, uint32_t);
static int	link_fdpass(enum proc, enum proc);
static int	link_write(struct link *);
static void	link_turn(void *);

/* Whether any message between the two carries a descriptor. */
static int
link_fdpass(enum proc a, enum proc b)
{
	const struct msg_desc	*d;
	uint32_t		 i, both = PROC_BIT(a) | PROC_BIT(b);

	for (i = 1; i < MSG_MAX; i++) {
		d = msg_desc(i);
		if ((d->flags & M_FD) && (d->from & both) && (d->to & both))
			return (1);
	}
	return (0);
}

static void
link_setup(struct link *l)
{
	int	 flags;

	if ((flags = fcntl(l->fd, F_GETFL)) == -1 ||
	    fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(l->fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("link to %s: fcntl", l->name);
	if (imsgbuf_init(&l->ibuf, l->fd) == -1)
		fatal("link to %s", l->name);
	if (link_fdpass(l->self, l->peer.proc))
		imsgbuf_allow_fdpass(&l->ibuf);
	if (msg_link_big(l->self, l->peer.proc) &&
	    imsgbuf_set_maxsize(&l->ibuf, MSG_MAXSIZE - IMSG_HEADER_SIZE) == -1)
		fatal("link to %s", l->name);
	event_set(&l->rev, l->fd, EV_READ | EV_PERSIST, link_readable, l);
	event_set(&l->wev, l->fd, EV_WRITE, link_writable, l);
	if (event_add(&l->rev, NULL) == -1)
		fatalx("link to %s: event_add failed", l->name);
}

struct link *
link_new(int fd, enum proc self, const struct link_peer *peer,
    const struct link_handler *handlers, void (*fn)(struct link *), void *arg)
{
	struct link	*l;

	if (!hooked) {
		loop_hook(TURN_LOG, link_turn, &links);
		loop_hook(TURN_LINKS, link_turn, NULL);
		hooked = 1;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("link to %s", proc_name(peer->proc));
	l->fd = fd;
	l->self = self;
	l->peer = *peer;
	l->handlers = handlers;
	l->closed = fn;
	l->arg = arg;
	if ((PROC_BIT(self) & M_WORKERS) && peer->proc == PROC_LOGD)
		l->flags |= L_LOG;
	if (PROC_BIT(peer->proc) & M_WORKERS)
		(void)snprintf(l->name, sizeof(l->name), "%s %u",
		    proc_name(peer->proc), peer->index);
	else
		(void)snprintf(l->name, sizeof(l->name), "%s",
		    proc_name(peer->proc));
	link_setup(l);
	TAILQ_INSERT_HEAD(&links, l, entry);
	return (l);
}

/*
 * One read a call, so that a peer that never stops talking cannot keep this
 * process from its other events; what is left makes the descriptor readable
 * again.
 */
static void
link_readable(int fd, short what, void *arg)
{
	struct link	*l = arg;
	int		 n;

	if ((l->flags & (L_LEFT | L_ENDED)) == 0) {
		if ((n = imsgbuf_read(&l->ibuf)) != 1) {
			l->error = n == 0 ? 0 : errno;
			l->flags |= L_ENDED;
		}
	}
	(void)link_dispatch(l, INT_MAX);
	if ((l->flags & (L_ENDED | L_LEFT | L_CLOSED)) == L_ENDED)
		link_ended(l);
}

static int
link_dispatch(struct link *l, int max)
{
	struct imsg	 imsg;
	struct ibuf	 data;
	int		 n, got = 0;

	l->flags |= L_BUSY | L_LEFT;
	for (n = 0; n < max; n++) {
		if (l->flags & (L_PAUSED | L_CLOSED))
			break;
		if ((got = imsgbuf_get(&l->ibuf, &imsg)) != 1)
			break;
		if (imsg_get_ibuf(&imsg, &data) == -1)
			ibuf_from_buffer(&data, NULL, 0);
		link_input(l, imsg_get_type(&imsg), ibuf_data(&data),
		    ibuf_size(&data), imsg_get_fd(&imsg));
		imsg_free(&imsg);
		got = 0;
	}
	l->flags &= ~L_BUSY;
	if (got == -1 && (l->flags & L_CLOSED) == 0)
		link_bad(l, "short header");
	if (n < max && (l->flags & L_PAUSED) == 0)
		l->flags &= ~L_LEFT;
	return (n);
}

/*
 * ECONNRESET says that the peer died with messages of ours unread: an end
 * like any other.  ERANGE and EINVAL come from a header that cannot be true.
 */
static void
link_ended(struct link *l)
{
	switch (l->error) {
	case 0:
	case ECONNRESET:
		break;
	case ERANGE:
	case EINVAL:
	case EBADMSG:
	case EMSGSIZE:
		link_bad(l, "bad message length");
		return;
	case ENOMEM:
		fatalx("link to %s: %s", l->name, strerror(l->error));
	default:
		log_warnx("link to %s: read: %s", l->name,
		    strerror(l->error));
		break;
	}
	if (l->closed != NULL)
		l->closed(l);
	link_close(l);
}

static const struct link_handler *
link_handler(struct link *l, uint32_t type)
{
	const struct link_handler	*h;

	for (h = l->handlers; h->fn != NULL; h++) {
		if (h->type == type)
			return (h);
	}
	return (NULL);
}

/* Whether the peer may send this at all. */
static int
link_check(struct link *l, const struct msg_desc *d, int fd)
{
	if (d == NULL) {
		link_bad(l, "unknown message");
		return (-1);
	}
	if ((d->from & PROC_BIT(l->peer.proc)) == 0 ||
	    (d->to & PROC_BIT(l->self)) == 0) {
		link_bad(l, "message of somebody else");
		return (-1);
	}
	if (fd != -1 && (d->flags & M_FD) == 0) {
		link_bad(l, "descriptor where there is none");
		return (-1);
	}
	return (0);
}

void
link_input(struct link *l, uint32_t type, const void *data, size_t len, int fd)
{
	const struct msg_desc		*d = msg_desc(type);
	const struct link_handler	*h;
	struct msg_blob			 blob;
	struct msg			 m;

	m.type = type;
	m.fd = fd;
	blob.data = data;
	blob.len = len;
	link_counters.received++;
	if (link_check(l, d, fd) == -1)
		goto done;
	/* The largest message is forty times as large as most. */
	memset(&m.u, 0, d->rec.size);
	if ((h = link_handler(l, type)) == NULL) {
		link_bad(l, "unexpected message");
		goto done;
	}
	if ((d->flags & M_BIG) == 0 && len > MAX_IMSGSIZE - IMSG_HEADER_SIZE) {
		link_bad(l, "message too large");
		goto done;
	}
	if (rec_from_blob(&blob, &d->rec, &m.u, &l->arena) == -1) {
		if (errno == ENOMEM)
			fatal("message from %s", l->name);
		link_bad(l, d->rec.name);
		goto done;
	}
	if ((d->flags & M_FD) && fd == -1)
		link_counters.lost_fds++;
	h->fn(l, &m);
 done:
	if (m.fd != -1)
		close(m.fd);
	arena_reset(&l->arena);
}

int
link_send(struct link *l, enum msg_type type, const void *m, int fd)
{
	const struct msg_desc	*d = msg_desc(type);
	struct ibuf		*buf;

	if (l->flags & (L_DEAF | L_CLOSED)) {
		if (fd != -1)
			close(fd);
		return (0);
	}
	if ((buf = imsg_create(&l->ibuf, type, 0, 0, 0)) == NULL)
		fatal("message for %s", l->name);
	if ((d->flags & M_BIG) == 0)
		(void)imsg_set_maxsize(buf, MAX_IMSGSIZE - IMSG_HEADER_SIZE);
	ibuf_fd_set(buf, fd);
	if (rec_encode(buf, &d->rec, m) == -1) {
		if (errno == ENOMEM)
			fatal("message for %s", l->name);
		if (errno == ERANGE)
			errno = EMSGSIZE;
		ibuf_free(buf);
		return (-1);
	}
	imsg_close(&l->ibuf, buf);
	link_counters.sent++;
	return (0);
}

uint32_t
link_queued(struct link *l)
{
	if (l->flags & (L_DEAF | L_CLOSED))
		return (0);
	return (imsgbuf_queuelen(&l->ibuf));
}

/*
 * Write as long as the kernel takes whole messages.  Returns -1 when the
 * peer is gone: what it sent may still be waiting to be read.
 */
static int
link_write(struct link *l)
{
	uint32_t	 before;

	while ((before = link_queued(l)) > 0) {
		if (imsgbuf_write(&l->ibuf) == -1) {
			link_counters.write_errors++;
			l->flags |= L_DEAF;
			event_del(&l->wev);
			return (-1);
		}
		if (link_queued(l) == before)
			break;
	}
	return (0);
}

void
link_flush(struct link *l)
{
	if (link_queued(l) == 0 || link_write(l) == -1)
		return;
	if (link_queued(l) > 0 && event_add(&l->wev, NULL) == -1)
		fatalx("link to %s: event_add failed", l->name);
}

static void
link_writable(int fd, short what, void *arg)
{
	link_flush(arg);
}

int
link_drain_out(struct link *l, int ms)
{
	struct pollfd	 pfd;
	uint64_t	 now, end = loop_mono() + (uint64_t)ms * 1000;

	while (link_write(l) == 0 && link_queued(l) > 0) {
		if ((now = loop_mono()) >= end)
			return (-1);
		pfd.fd = l->fd;
		pfd.events = POLLOUT;
		if (poll(&pfd, 1, (end - now) / 1000 + 1) == -1 &&
		    errno != EINTR)
			return (-1);
	}
	return (l->flags & (L_DEAF | L_CLOSED) ? -1 : 0);
}

void
link_drain_all(int ms)
{
	struct link	*l;
	uint64_t	 now, end = loop_mono() + (uint64_t)ms * 1000;

	TAILQ_FOREACH(l, &links, entry) {
		now = loop_mono();
		(void)link_drain_out(l, now < end ? (end - now) / 1000 : 0);
	}
}

/*
 * An end that is found here is left for the loop, so that the caller's link
 * does not close under its hands.
 */
int
link_drain_in(struct link *l, int max)
{
	struct pollfd	 pfd;
	int		 n, total = 0;

	if (l->flags & (L_BUSY | L_CLOSED | L_PAUSED))
		return (0);
	for (;;) {
		total += link_dispatch(l, max - total);
		if (total == max || (l->flags & (L_ENDED | L_CLOSED |
		    L_PAUSED)))
			break;
		pfd.fd = l->fd;
		pfd.events = POLLIN;
		if (poll(&pfd, 1, 0) != 1)
			break;
		if ((n = imsgbuf_read(&l->ibuf)) != 1) {
			l->error = n == 0 ? 0 : errno;
			l->flags |= L_ENDED;
		}
	}
	if ((l->flags & (L_LEFT | L_ENDED)) &&
	    (l->flags & (L_CLOSED | L_PAUSED)) == 0)
		event_active(&l->rev, EV_READ, 1);
	return (total);
}

void
link_pause(struct link *l)
{
	if (l->flags & (L_PAUSED | L_CLOSED))
		return;
	l->flags |= L_PAUSED;
	event_del(&l->rev);
}

void
link_resume(struct link *l)
{
	if ((l->flags & L_PAUSED) == 0 || (l->flags & L_CLOSED))
		return;
	l->flags &= ~L_PAUSED;
	if (event_add(&l->rev, NULL) == -1)
		fatalx("link to %s: event_add failed", l->name);
	if (l->flags & (L_LEFT | L_ENDED))
		event_active(&l->rev, EV_READ, 1);
}

void
link_close(struct link *l)
{
	if (l->flags & L_CLOSED)
		return;
	l->flags |= L_CLOSED;
	event_del(&l->rev);
	event_del(&l->wev);
	imsgbuf_clear(&l->ibuf);
	close(l->fd);
	l->fd = -1;
	TAILQ_REMOVE(&links, l, entry);
	TAILQ_INSERT_TAIL(&closed, l, entry);
}

void
link_bad(struct link *l, const char *why)
{
	if (l->flags & L_CLOSED)
		return;
	link_counters.malformed++;
	if (proc_trust(l->peer.proc) > proc_trust(l->self))
		fatalx("malformed message from %s: %s", l->name, why);
	log_warnx("malformed message from %s: %s", l->name, why);
	if (on_bad != NULL)
		on_bad(&l->peer, why);
	if (l->closed != NULL)
		l->closed(l);
	link_close(l);
}

/*
 * At the end of a turn: log links first (arg is not NULL), then the others,
 * then what was closed is freed.
 */
static void
link_turn(void *arg)
{
	struct link	*l;
	int		 log = arg != NULL ? L_LOG : 0;

	TAILQ_FOREACH(l, &links, entry) {
		if ((l->flags & L_LOG) == log)
			link_flush(l);
	}
	if (log)
		return;
	while ((l = TAILQ_FIRST(&closed)) != NULL) {
		TAILQ_REMOVE(&closed, l, entry);
		arena_free(&l->arena);
		freezero(l, sizeof(*l));
	}
}

struct link *
link_find(enum proc proc)
{
	struct link	*l;

	TAILQ_FOREACH(l, &links, entry) {
		if (l->peer.proc == proc)
			return (l);
	}
	return (NULL);
}

/*
 * Since fn may close any link, which moves it to the other list, the walk
 * starts over links that are remembered by number.
 */
void
link_foreach(enum proc proc, void (*fn)(struct link *, void *), void *arg)
{
	struct link	*l, **all;
	size_t		 i, n = 0;

	TAILQ_FOREACH(l, &links, entry)
		n++;
	if (n == 0)
		return;
	if ((all = calloc(n, sizeof(*all))) == NULL)
		fatal("links");
	n = 0;
	TAILQ_FOREACH(l, &links, entry) {
		if (l->peer.proc == proc)
			all[n++] = l;
	}
	for (i = 0; i < n; i++) {
		if ((all[i]->flags & L_CLOSED) == 0)
			fn(all[i], arg);
	}
	free(all);
}

int
link_fd(const struct link *l)
{
	return (l->fd);
}

const struct link_peer *
link_peer(const struct link *l)
{
	return (&l->peer);
}

const char *
link_name(const struct link *l)
{
	return (l->name);
}

void *
link_arg(const struct link *l)
{
	return (l->arg);
}

void
link_setarg(struct link *l, void *arg)
{
	l->arg = arg;
}

void
link_on_bad(void (*fn)(const struct link_peer *, const char *))
{
	on_bad = fn;
}
