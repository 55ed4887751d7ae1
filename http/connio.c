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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>
#include <tls.h>

#include "connvar.h"

/*
 * The bytes of a connection.  Events stay added while they are wanted
 * (EV_PERSIST), and ev_read is not deleted for a pause before it has fired
 * in vain, since most pauses are over within the turn.
 */

#define DISCARD_MAX	(1024 * 1024)	/* by conn_close() */

TAILQ_HEAD(connlist, conn);

static void	 connio_readable(int, short, void *);
static void	 connio_writable(int, short, void *);
static void	 connio_wake(int, short, void *);
static void	 connio_wakeup(void);
static void	 connio_work(struct conn *, int);
static void	 connio_writing(struct conn *, int);
static void	 connio_input(struct conn *);
static int	 connio_wants(const struct conn *);
static ssize_t	 connio_fill(struct conn *);
static void	 connio_eof(struct conn *);
static void	 connio_discard(struct conn *);
static ssize_t	 connio_write(struct conn *);
static void	 connio_broken(struct conn *);
static void	 connio_drained(struct conn *);
static void	 connio_feed(void);

static struct connlist	 dirty = TAILQ_HEAD_INITIALIZER(dirty);
static struct connlist	 kicked = TAILQ_HEAD_INITIALIZER(kicked);
static struct connlist	 starved = TAILQ_HEAD_INITIALIZER(starved);
static size_t		 ndirty;
static size_t		 nkicked;
static struct event	 ev_wake;
static int		 waking;
static int		 flushing;

void
connio_start(struct conn *c)
{
	event_set(&c->ev_read, c->fd, EV_READ | EV_PERSIST, connio_readable, c);
	event_set(&c->ev_write, c->fd, EV_WRITE | EV_PERSIST, connio_writable,
	    c);
}

/* Off all events and lists. */
void
connio_stop(struct conn *c)
{
	connio_reading(c, 0);
	connio_writing(c, 0);
	if (c->flags & CF_DIRTY) {
		TAILQ_REMOVE(&dirty, c, dirty);
		ndirty--;
	}
	if (c->flags & CF_KICKED) {
		TAILQ_REMOVE(&kicked, c, kicked);
		nkicked--;
	}
	if (c->flags & CF_STARVED)
		TAILQ_REMOVE(&starved, c, starved);
	c->flags &= ~(CF_DIRTY | CF_KICKED | CF_STARVED | CF_BLOCKED);
}

/* Should an event not be to be had, the timers are what ends the connection. */
void
connio_reading(struct conn *c, int on)
{
	if (on == ((c->flags & CF_READING) != 0))
		return;
	c->flags ^= CF_READING;
	if (!on)
		event_del(&c->ev_read);
	else if (event_add(&c->ev_read, NULL) == -1)
		c->flags ^= CF_READING;
}

static void
connio_writing(struct conn *c, int on)
{
	if (on == ((c->flags & CF_WRITING) != 0))
		return;
	c->flags ^= CF_WRITING;
	if (!on)
		event_del(&c->ev_write);
	else if (event_add(&c->ev_write, NULL) == -1)
		c->flags ^= CF_WRITING;
}

/* Go on with output when the socket takes more. */
void
connio_blocked(struct conn *c)
{
	c->flags |= CF_BLOCKED;
	connio_writing(c, 1);
}

void
connio_dirty(struct conn *c)
{
	if (c->flags & CF_DIRTY)
		return;
	c->flags |= CF_DIRTY;
	TAILQ_INSERT_TAIL(&dirty, c, dirty);
	ndirty++;
}

/* Go on with input in the next turn. */
void
connio_kick(struct conn *c)
{
	if (c->flags & CF_KICKED)
		return;
	c->flags |= CF_KICKED;
	TAILQ_INSERT_TAIL(&kicked, c, kicked);
	nkicked++;
	connio_wakeup();
}

void
connio_starve(struct conn *c)
{
	connio_reading(c, 0);
	if (c->flags & CF_STARVED)
		return;
	c->flags |= CF_STARVED;
	TAILQ_INSERT_TAIL(&starved, c, starved);
}

/* The event loop is not to sleep: there is work left. */
static void
connio_wakeup(void)
{
	struct timeval	 tv = { 0, 0 };

	if (waking)
		return;
	waking = 1;
	evtimer_set(&ev_wake, connio_wake, NULL);
	evtimer_add(&ev_wake, &tv);
}

static void
connio_wake(int fd, short event, void *arg)
{
	struct conn	*c;
	size_t		 n;

	waking = 0;
	for (n = nkicked; n > 0 && (c = TAILQ_FIRST(&kicked)) != NULL; n--) {
		TAILQ_REMOVE(&kicked, c, kicked);
		nkicked--;
		c->flags &= ~CF_KICKED;
		conn_enter(c);
		connio_work(c, 0);
		conn_leave(c);
	}
	if (nkicked > 0)
		connio_wakeup();
}

void
conns_flush(void)
{
	struct conn	*c;
	size_t		 n;

	flushing = 1;
	for (n = ndirty; n > 0 && (c = TAILQ_FIRST(&dirty)) != NULL; n--)
		conn_flush(c);
	flushing = 0;
	connio_feed();
	/* Callbacks wrote more; the others have their turn first. */
	if (ndirty > 0)
		connio_wakeup();
	conns_turn();
}

/*
 * What an owner does in a callback from conns_flush() may be for those who
 * had their turn before it.
 */
void
connio_tell(void)
{
	if (flushing)
		connio_wakeup();
}

/* Those who wait for memory go on, the one that waits longest first. */
static void
connio_feed(void)
{
	struct conn	*c;
	size_t		 n;

	if (TAILQ_EMPTY(&starved))
		return;
	n = buf_account_room() / CONN_READ;
	for (; n > 0 && (c = TAILQ_FIRST(&starved)) != NULL; n--) {
		TAILQ_REMOVE(&starved, c, starved);
		c->flags &= ~CF_STARVED;
		connio_kick(c);
	}
}

/*
 * Input.
 */

static int
connio_wants(const struct conn *c)
{
	if (c->flags & (CF_SOCKEOF | CF_STARVED | CF_DEAD))
		return (0);
	if (c->state == CONN_HANDSHAKE || (c->flags & CF_CLOSING))
		return (1);
	if (c->state != CONN_OPEN)
		return (0);
	if (c->flags & CF_WRITEIN)
		return (1);
	return ((c->flags & (CF_PAUSED | CF_EOF)) == 0 &&
	    buf_room(&c->in) > 0);
}

static void
connio_readable(int fd, short event, void *arg)
{
	struct conn	*c = arg;

	if (!connio_wants(c)) {
		connio_reading(c, 0);
		return;
	}
	conn_enter(c);
	if (c->flags & CF_CLOSING)
		connio_discard(c);
	else {
		if (c->flags & CF_WRITEIN) {
			c->flags &= ~CF_WRITEIN;
			c->reads = CONN_READS;
			connio_output(c);
		}
		connio_work(c, CONN_READS);
	}
	conn_leave(c);
}

/* Handshake and input, as far as it goes with so many calls of read(2). */
static void
connio_work(struct conn *c, int reads)
{
	c->flags |= CF_BUSY;
	c->reads = reads;
	if (c->state == CONN_HANDSHAKE)
		conntls_handshake(c);
	if (c->state == CONN_OPEN && (c->flags & CF_CLOSING) == 0)
		connio_input(c);
	c->flags &= ~CF_BUSY;
}

/* Read and tell the owner, as long as that needs no waiting. */
static void
connio_input(struct conn *c)
{
	ssize_t	 n;

	do {
		if (c->flags & CF_PAUSED)
			return;
		n = 0;
		if ((c->flags & CF_EOF) == 0)
			n = connio_fill(c);
		if (n > 0) {
			conn_progress(c);
			conn_came(c, n);
		}
		if ((n > 0 || ((c->flags & CF_TELL) && buf_len(&c->in) > 0)) &&
		    c->ops != NULL && c->ops->read != NULL) {
			/* A pause that ended in the callback sets it again. */
			c->flags &= ~CF_TELL;
			c->ops->read(c, c->arg);
		} else
			c->flags &= ~CF_TELL;
		if (c->state != CONN_OPEN || (c->flags & CF_CLOSING))
			return;
		if (c->error != 0) {
			conn_fail(c, CONN_E_READ, conntls_error(c));
			return;
		}
	} while (n > 0 && (c->flags & CF_MORE) && buf_room(&c->in) > 0);
	if (c->flags & CF_EOF)
		connio_eof(c);
	else if (connio_wants(c))
		connio_reading(c, 1);
	else if ((c->flags & CF_PAUSED) == 0)
		connio_reading(c, 0);
}

static void
connio_eof(struct conn *c)
{
	connio_reading(c, 0);
	if (c->flags & (CF_EOFTOLD | CF_PAUSED))
		return;
	c->flags |= CF_EOFTOLD;
	if (c->ops != NULL && c->ops->eof != NULL)
		c->ops->eof(c, (c->flags & CF_TRUNCATED) ?
		    CONN_EOF_TRUNCATED : CONN_EOF_CLEAN, c->arg);
}

/*
 * Bring bytes into c->in, one read(2)'s worth: their number, 0 for none now.
 * CF_MORE then says that it pays to call again.  CF_EOF and c->error say what
 * else happened.
 */
static ssize_t
connio_fill(struct conn *c)
{
	uint8_t	*p;
	size_t	 room;
	ssize_t	 n;

	c->flags &= ~CF_MORE;
	if (c->tls != NULL)
		return (conntls_fill(c));
	if (c->reads == 0 || buf_room(&c->in) == 0)
		return (0);
	if ((p = buf_reserve(&c->in, CONN_READ, &room)) == NULL) {
		if (errno == ENOBUFS)
			connio_starve(c);
		else
			c->error = errno;
		return (0);
	}
	n = connio_recv(c, p, room);
	buf_commit(&c->in, n > 0 ? n : 0);
	if (n == 0) {
		c->flags |= CF_EOF;
		if (c->flags & CF_BROKEN)
			c->flags |= CF_TRUNCATED;
	}
	if (n == (ssize_t)room && c->reads > 0)
		c->flags |= CF_MORE;
	return (n > 0 ? n : 0);
}

/*
 * One read(2).  A short one was the last for now: EAGAIN need not be asked
 * for.  -1 with c->error 0 is "not now".
 */
ssize_t
connio_recv(struct conn *c, void *p, size_t size)
{
	ssize_t	 n;

	c->stats.reads++;
	c->reads--;
	if ((n = read(c->fd, p, size)) == -1) {
		c->reads = 0;
		if (errno != EAGAIN && errno != EINTR && c->error == 0)
			c->error = errno;
		return (-1);
	}
	c->stats.in += n;
	if (n == 0)
		c->flags |= CF_SOCKEOF;
	if ((size_t)n < size)
		c->reads = 0;
	return (n);
}

/*
 * After conn_close() all that is wanted of the peer is its end.  What comes
 * need not be decrypted for that.
 */
static void
connio_discard(struct conn *c)
{
	static uint8_t	 waste[CONN_READ];
	ssize_t		 n;

	n = connio_recv(c, waste, sizeof(waste));
	if (n > 0 && (c->discarded += n) > DISCARD_MAX)
		conn_abort(c);
	else if (n == -1 && c->error != 0)
		conn_free(c);
	else if (n == 0) {
		connio_reading(c, 0);
		if (c->flags & CF_SHUTDONE)
			conn_free(c);
	}
}

void
conn_pause(struct conn *c)
{
	c->flags |= CF_PAUSED;
}

/*
 * In a callback of its own input nothing needs to be set going, since that
 * looks again; only what lies there is told once more after a pause.
 */
void
conn_resume(struct conn *c)
{
	int	 busy, paused;

	busy = c->flags & CF_BUSY;
	if ((paused = c->flags & CF_PAUSED) != 0)
		conn_progress(c);
	c->flags &= ~CF_PAUSED;
	if (c->state != CONN_OPEN || (c->flags & CF_CLOSING))
		return;
	if (buf_len(&c->in) > 0 && (paused || !busy))
		c->flags |= CF_TELL;
	if ((c->flags & CF_TELL) || (!busy && ((c->flags & CF_MORE) ||
	    buf_len(&c->raw) > 0 ||
	    (c->flags & (CF_EOF | CF_EOFTOLD)) == CF_EOF)))
		connio_kick(c);
	if (connio_wants(c))
		connio_reading(c, 1);
}

int
conn_unread(struct conn *c, const void *data, size_t n)
{
	struct buf	 b;

	buf_init(&b, CONN_IN_MAX);
	if (buf_add(&b, data, n) == -1 ||
	    buf_add(&b, buf_data(&c->in), buf_len(&c->in)) == -1) {
		buf_clear(&b);
		return (-1);
	}
	buf_clear(&c->in);
	(void)buf_move(&c->in, &b);
	conn_came(c, n);
	if ((c->flags & CF_PAUSED) == 0)
		conn_resume(c);
	return (0);
}

/*
 * Output.
 */

int
conn_write(struct conn *c, const void *data, size_t n)
{
	if ((c->flags & (CF_SHUT | CF_BROKEN)) || c->state == CONN_FAILED) {
		errno = EPIPE;
		return (-1);
	}
	if (buf_add(&c->out, data, n) == -1)
		return (-1);
	connio_dirty(c);
	return (0);
}

struct buf *
conn_out(struct conn *c)
{
	connio_dirty(c);
	return (&c->out);
}

void
conn_shutdown(struct conn *c)
{
	c->flags |= CF_SHUT;
	connio_dirty(c);
}

void
conn_flush(struct conn *c)
{
	if (c->flags & CF_DIRTY) {
		TAILQ_REMOVE(&dirty, c, dirty);
		ndirty--;
		c->flags &= ~CF_DIRTY;
	}
	conn_enter(c);
	if (c->state == CONN_HANDSHAKE && (c->flags & CF_READING) == 0)
		conntls_handshake(c);
	else if (c->state == CONN_OPEN && (c->flags & CF_BLOCKED) == 0)
		connio_output(c);
	conn_leave(c);
}

static void
connio_writable(int fd, short event, void *arg)
{
	struct conn	*c = arg;

	conn_enter(c);
	c->flags &= ~CF_BLOCKED;
	if (c->state == CONN_OPEN)
		connio_output(c);
	if (c->state == CONN_HANDSHAKE || (c->flags & CF_READOUT)) {
		c->flags &= ~CF_READOUT;
		connio_work(c, CONN_READS);
	}
	if ((c->flags & (CF_BLOCKED | CF_DEAD)) == 0)
		connio_writing(c, 0);
	conn_leave(c);
}

/* Write until all is out or the socket takes no more. */
void
connio_output(struct conn *c)
{
	size_t	 before;
	ssize_t	 n;

	if (c->flags & (CF_BROKEN | CF_SHUTDONE)) {
		c->unsent += buf_len(&c->out);
		buf_clear(&c->out);
		return;
	}
	before = buf_len(&c->out);
	while (buf_len(&c->out) > 0) {
		n = c->tls != NULL ? conntls_write(c) : connio_write(c);
		if (n == -1) {
			connio_broken(c);
			return;
		}
		if (n == 0)
			break;
		buf_drain(&c->out, n);
		c->sent += n;
	}
	if (buf_len(&c->out) < before)
		conn_progress(c);
	if (buf_len(&c->out) == 0 && (c->flags & CF_SHUT))
		connio_drained(c);
	else if (before > c->low && buf_len(&c->out) <= c->low &&
	    c->ops != NULL && c->ops->write != NULL) {
		connio_tell();
		c->ops->write(c, c->arg);
	}
}

/* Bytes written; 0 when the socket is full; -1 with c->error. */
static ssize_t
connio_write(struct conn *c)
{
	size_t	 len;
	ssize_t	 n;

	if (c->flags & CF_BLOCKED)
		return (0);
	len = buf_len(&c->out);
	n = connio_send(c, buf_data(&c->out), len);
	if (n < (ssize_t)len && c->error == 0)
		connio_blocked(c);
	return (n == -1 && c->error == 0 ? 0 : n);
}

ssize_t
connio_send(struct conn *c, const void *p, size_t len)
{
	ssize_t	 n;

	c->stats.writes++;
	if ((n = send(c->fd, p, len, MSG_NOSIGNAL)) == -1) {
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS &&
		    c->error == 0)
			c->error = errno;
		return (-1);
	}
	c->stats.out += n;
	return (n);
}

/*
 * What the peer sent before it went may be the reason why: input goes on,
 * and its own error or end is told later.
 */
static void
connio_broken(struct conn *c)
{
	char	 text[256];

	(void)strlcpy(text, conntls_error(c), sizeof(text));
	c->error = 0;
	c->flags |= CF_BROKEN;
	c->unsent += buf_len(&c->out);
	buf_clear(&c->out);
	connio_writing(c, 0);
	connio_tell();
	if (c->flags & CF_CLOSING)
		conn_free(c);
	else if (c->ops != NULL && c->ops->error != NULL)
		c->ops->error(c, CONN_E_WRITE, text, c->arg);
}

/* Everything is out, and nothing is to follow. */
static void
connio_drained(struct conn *c)
{
	if (c->tls != NULL && !conntls_shutdown(c))
		return;
	if (c->tls == NULL || (c->flags & CF_CLOSING))
		(void)shutdown(c->fd, SHUT_WR);
	c->flags |= CF_SHUTDONE;
	if ((c->flags & CF_CLOSING) && (c->flags & CF_SOCKEOF))
		conn_free(c);
}
