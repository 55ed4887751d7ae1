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


#ifndef CONN_H
#define CONN_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

/*
 * A full-duplex connection over a stream socket, plain or with TLS, driven by
 * libevent.  Both directions go on at once and fail on their own.
 *
 * Output is corked: conn_write() only adds to the output buffer, and
 * conns_flush(), which every process calls once at the end of each turn of
 * its event loop, writes all of it; so a head and its body leave in one
 * write, and the caller decides what happens before (the log link first).
 *
 * Input stops, and with it the peer, while the owner has paused it, while the
 * input buffer is full, and while the process is at its cap of memory
 * (buf.h); those who wait for memory go on in turn as it comes free.  Their
 * timers go on too, so that a peer that holds memory without getting on loses
 * it.
 *
 * Callbacks run from the event loop and from conns_flush(), never from within
 * a call that the owner makes (but conn_flush()).  Any of them may free this
 * connection or another one.
 */

struct buf;
struct conn;
struct tls;
struct tls_config;

enum conn_eof {
	CONN_EOF_CLEAN,		/* FIN, or with TLS a close_notify */
	CONN_EOF_TRUNCATED	/* with TLS no close_notify; after a reset */
};

enum conn_error {
	CONN_E_CONNECT,		/* no address answered */
	CONN_E_HANDSHAKE,
	CONN_E_READ,		/* a reset, or TLS broke */
	CONN_E_WRITE		/* see below */
};

enum conn_timer {
	CONN_T_CONNECT,
	CONN_T_HANDSHAKE,
	CONN_T_IDLE,
	CONN_T_DEADLINE
};

/*
 * What the owner is told.  Each may be NULL.
 *
 * ready	connected, or the TLS handshake is done.
 * read		bytes came into conn_in().  Take what can be used with
 *		buf_drain() and leave the rest; called again when more came.
 * write	output went from above the low-water mark to it or below.
 * eof		the peer sends no more.  What is in conn_in() stays; output
 *		still goes.  Never called while input is paused.
 * error	text is for the log and valid during the call.  After
 *		CONN_E_WRITE no more output goes and what was left of it is
 *		gone, but what the peer sent before can still be read, up to
 *		eof or another error; all others are final.
 * timeout	the timer is off afterwards.  After CONN_T_CONNECT and
 *		CONN_T_HANDSHAKE the connection is of no further use.
 *
 * After a final error only conn_free() makes sense.
 */
struct conn_ops {
	void	(*ready)(struct conn *, void *);
	void	(*read)(struct conn *, void *);
	void	(*write)(struct conn *, void *);
	void	(*eof)(struct conn *, enum conn_eof, void *);
	void	(*error)(struct conn *, enum conn_error, const char *, void *);
	void	(*timeout)(struct conn *, enum conn_timer, void *);
};

#define CONN_IN_MAX	(96 * 1024)	/* input: room for the longest head */
#define CONN_LOW	(16 * 1024)	/* output, see conn_full() */
#define CONN_HIGH	(64 * 1024)
#define CONN_OUT_MAX	(256 * 1024)

/* What a connection attempt is bound by, ms and addresses. */
#define CONN_DIAL_STAGGER	250
#define CONN_DIAL_TIMEOUT	10000
#define CONN_DIAL_MAX		16

/*
 * Take a connected stream socket, or with -1 none yet: conn_connect()
 * follows.  The descriptor becomes the connection's and non-blocking.
 * Reading starts with conn_resume().  NULL with errno when there is no
 * memory; the descriptor is then still the caller's.
 */
struct conn	*conn_new(int, const struct conn_ops *, void *);

/* Another owner: its callbacks get what happens from now on. */
void		 conn_owner(struct conn *, const struct conn_ops *, void *);

/*
 * Close at once, without a word to the peer.  No callback follows, for this
 * connection, also inside one.  NULL is allowed.
 */
void		 conn_free(struct conn *);

/* The same with a reset, so that the peer sees that it was cut. */
void		 conn_abort(struct conn *);

/*
 * Close as the peer wants to see it: write what is left, say so
 * (close_notify and FIN), discard what still comes until the peer has closed
 * too, so that no reset overtakes the last answer; then free.  All of it
 * within so many ms and 1 MiB of discarded input, else it is cut.  The owner
 * lets go of the connection with this call and gets no more callbacks.
 */
void		 conn_close(struct conn *, unsigned int);

/*
 * Connect to the first of n addresses that answers (RFC 8305): families take
 * turns, an attempt starts 250 ms after the one before or when that failed;
 * 10 s in all, at most 16 addresses.  Ends in ready, error (CONN_E_CONNECT,
 * the last reason) or timeout (CONN_T_CONNECT).  -1 with errno when there
 * is no memory or no address.  conn_dialled() is the index of the address
 * that answered, -1 for none.
 */
int		 conn_connect(struct conn *, const struct sockaddr_storage *,
		    size_t);
int		 conn_dialled(const struct conn *);

/*
 * Go on with TLS, within so many ms, as a server with the configured context,
 * which must outlive the handshake, or as a client with the configuration
 * and the name for SNI and verification.  What is in conn_in() is the start
 * of the peer's handshake.  What was written before this call goes out first,
 * in the clear; what is written after it waits for the end of the handshake.
 * Ends in ready, error (CONN_E_HANDSHAKE) or timeout
 * (CONN_T_HANDSHAKE); -1 with nothing changed when the context cannot be
 * made, and the reason in text (of size n; may be NULL).
 */
int		 conn_accept_tls(struct conn *, struct tls *, unsigned int);
int		 conn_start_tls_client(struct conn *, struct tls_config *,
		    const char *, unsigned int, char *, size_t);

/*
 * A configuration with what both ends need set: TLS 1.2 or newer, ALPN
 * http/1.1.  NULL when there is no memory.
 */
struct tls_config *conn_tls_config(void);

/* For tls_conn_servername(3) and the like; NULL without TLS. */
struct tls	*conn_tls(const struct conn *);
int		 conn_fd(const struct conn *);

/*
 * Input.  A connection starts paused.  Whoever drains conn_in() elsewhere
 * than in the read callback calls conn_resume() then, which also makes the
 * read callback come for what is there already.  The read callback is never
 * called while paused.
 */
struct buf	*conn_in(struct conn *);
void		 conn_pause(struct conn *);
void		 conn_resume(struct conn *);

/*
 * Another bound for conn_in(), where longer heads than by default are let in:
 * one that is full brings nothing more.
 */
void		 conn_inmax(struct conn *, size_t);

/*
 * Give bytes back: they are read before anything else.  For what was received
 * together with something that was not HTTP of this connection.  -1 if they
 * do not fit.
 */
int		 conn_unread(struct conn *, const void *, size_t);

/*
 * When the first n bytes of conn_in() had been read: monotonic us, 0 if they
 * have not.  Of what came in more than CONN_MARKS reads the last ones count as
 * one.
 */
#define CONN_MARKS	4
uint64_t	 conn_arrived(const struct conn *, size_t n);

/* Has the peer closed its direction, cleanly or not? */
int		 conn_ended(const struct conn *);

/*
 * Output.  conn_write() returns 0, or -1 with nothing added: the hard bound
 * of CONN_OUT_MAX (errno EMSGSIZE) or ENOMEM, or the direction is closed
 * (EPIPE).  conn_full() says that the high-water mark is reached: whoever
 * feeds it stops until the write callback.  conn_out() is the buffer itself,
 * for writers like those of http.h, and counts as having been written to.
 */
int		 conn_write(struct conn *, const void *, size_t);
struct buf	*conn_out(struct conn *);
int		 conn_full(const struct conn *);
/* Bytes of output that the kernel has not taken, or never will. */
size_t		 conn_unsent(const struct conn *);
/*
 * Bytes of output that the kernel has taken so far; and that with what lies in
 * conn_out(), which is where it has to come for all of that to be out.
 */
uint64_t	 conn_sent(const struct conn *);
uint64_t	 conn_queued(const struct conn *);
/* Low and high-water marks, and the hard bound; bytes. */
void		 conn_marks(struct conn *, size_t, size_t, size_t);

/*
 * Half-close: after what was written, FIN, or with TLS close_notify.  Reading
 * goes on.
 */
void		 conn_shutdown(struct conn *);

/* Write what is there now, out of turn.  Callbacks may come from inside. */
void		 conn_flush(struct conn *);

/* At the end of each turn: all output, then input that can go on. */
void		 conns_flush(void);

/*
 * Timers, ms; 0 turns one off.  CONN_T_IDLE runs out when for so long not a
 * byte came or went; it stands still while there is nothing to wait for
 * from the peer, which is while input is paused and no output is left.
 * CONN_T_DEADLINE runs out so long from now, whatever happens.  A timer
 * costs nothing when it is set anew for each message.
 */
void		 conn_timer(struct conn *, enum conn_timer, unsigned int);

/* Connections with a descriptor, and those that conn_close() still holds. */
size_t		 conns_count(void);
size_t		 conns_closing(void);

/*
 * Bytes that came from and went to the peer's socket, and how many read(2)
 * and write(2) calls that took.
 */
struct conn_stats {
	uint64_t	 in;
	uint64_t	 out;
	uint64_t	 reads;
	uint64_t	 writes;
};
void		 conn_stats(const struct conn *, struct conn_stats *);

#endif /* CONN_H */
