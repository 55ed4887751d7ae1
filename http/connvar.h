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


#ifndef CONNVAR_H
#define CONNVAR_H

#include <sys/queue.h>

#include <event.h>

#include "buf.h"
#include "conn.h"

/*
 * What conn.c (life and timers), connio.c (bytes), conntls.c (TLS) and
 * dial.c (connecting) share with one another only.
 */

#define CONN_READ	(16 * 1024)	/* what one read(2) asks for */
#define CONN_READS	4		/* full ones in a row */

enum conn_state {
	CONN_NEW,
	CONN_DIALLING,
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_FAILED
};

#define CF_DEAD		0x0001	/* freed, but callbacks run */
#define CF_CLOSING	0x0002	/* conn_close(): nobody listens any more */
#define CF_PAUSED	0x0004
#define CF_DIRTY	0x0008	/* in the list of those with output */
#define CF_KICKED	0x0010	/* in the list of those with input to go on */
#define CF_STARVED	0x0020	/* in the list of those who wait for memory */
#define CF_TELL		0x0040	/* call read for what is there */
#define CF_EOF		0x0080	/* the peer has ended */
#define CF_EOFTOLD	0x0100
#define CF_TRUNCATED	0x0200
#define CF_SHUT		0x0400	/* close our direction after the output */
#define CF_SHUTDONE	0x0800
#define CF_BROKEN	0x1000	/* output failed */
#define CF_READING	0x2000	/* ev_read is added */
#define CF_WRITING	0x4000	/* ev_write is added */
#define CF_MORE		0x8000	/* TLS may hold input */
#define CF_READOUT	0x10000	/* TLS reading waits for POLLOUT */
#define CF_WRITEIN	0x20000	/* TLS writing waits for POLLIN */
#define CF_SOCKEOF	0x40000	/* the socket gave 0 */
#define CF_TIMING	0x80000	/* ev_timer is added */
#define CF_BLOCKED	0x100000 /* the socket takes no more for now */
#define CF_BUSY		0x200000 /* its input is being looked at */

struct dial;

struct conn {
	const struct conn_ops	*ops;
	void			*arg;
	int			 fd;
	enum conn_state		 state;
	int			 flags;
	int			 depth;		/* of callbacks that run */
	int			 dialled;
	int			 reads;		/* read(2) calls allowed now */
	int			 error;		/* errno of the socket */

	struct buf		 raw;		/* read ahead, encrypted */
	struct buf		 in;
	struct buf		 out;
	size_t			 low;
	size_t			 high;
	size_t			 plain;		/* output that precedes TLS */
	size_t			 retry;		/* tls_write(3) of so many */
	size_t			 discarded;

	struct tls		*tls;
	struct dial		*dial;
	struct event		 ev_read;
	struct event		 ev_write;
	struct event		 ev_timer;

	/* Milliseconds of the monotonic clock; 0 is off. */
	uint64_t		 expire[CONN_T_DEADLINE + 1];
	uint64_t		 armed;
	uint64_t		 last;		/* when a byte came or went */
	uint64_t		 came;		/* bytes of input so far */
	struct {
		uint64_t	 end;		/* of `came', */
		uint64_t	 when;		/* and when that was, us */
	} marks[CONN_MARKS];
	unsigned int		 nmarks;
	size_t			 unsent;	/* output that was given up */
	uint64_t		 sent;		/* output that was taken */
	unsigned int		 idle;

	struct conn_stats	 stats;
	TAILQ_ENTRY(conn)	 dirty;
	TAILQ_ENTRY(conn)	 kicked;
	TAILQ_ENTRY(conn)	 starved;
};

/*
 * conn.c.  Between conn_enter() and conn_leave() a connection may be freed
 * but its memory stays; CF_DEAD says so.
 */
void	 conn_enter(struct conn *);
void	 conn_leave(struct conn *);
/* A final error: events are off, the owner is told. */
void	 conn_fail(struct conn *, enum conn_error, const char *);
/* Connected, or the handshake is done. */
void	 conn_ready(struct conn *);
/* Descriptors that are open because of connections. */
void	 conn_descriptor(int);
/* The turn is over: look at the clock anew. */
void	 conns_turn(void);
/* Progress, for the idle timer. */
void	 conn_progress(struct conn *);
/* So much input was read: now is when it arrived. */
void	 conn_came(struct conn *, size_t);

/*
 * connio.c
 */
void	 connio_start(struct conn *);
void	 connio_stop(struct conn *);
void	 connio_dirty(struct conn *);
void	 connio_kick(struct conn *);
void	 connio_starve(struct conn *);
void	 connio_reading(struct conn *, int);
void	 connio_blocked(struct conn *);
void	 connio_output(struct conn *);
/* A callback is due: let the loop come round once more. */
void	 connio_tell(void);
/* read(2) and send(2) with their bookkeeping: -1 with errno in c->error. */
ssize_t	 connio_recv(struct conn *, void *, size_t);
ssize_t	 connio_send(struct conn *, const void *, size_t);

/*
 * conntls.c.  conntls_fill() and conntls_write() return as connio.c's own
 * for plain connections.
 */
void	 conntls_handshake(struct conn *);
ssize_t	 conntls_fill(struct conn *);
ssize_t	 conntls_write(struct conn *);
/* Send close_notify: 1 sent or given up, 0 not yet. */
int	 conntls_shutdown(struct conn *);
const char *conntls_error(const struct conn *);

/*
 * dial.c: the callback gets a connected descriptor and the index of its
 * address, or -1 and the errno of the last attempt, from the event loop.
 * dial_cancel() may be called in it and otherwise; it frees.
 */
struct dial	*dial_start(const struct sockaddr_storage *, size_t,
		    void (*)(int, int, void *), void *);
void		 dial_cancel(struct dial *);

#endif /* CONNVAR_H */
