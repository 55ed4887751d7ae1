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

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>
#include <tls.h>

#include "connvar.h"

/*
 * TLS over a connection's socket.  libtls reads through conntls_read_cb()
 * from a buffer of ours that one read(2) fills, instead of asking the kernel
 * for the header and the body of each record.  libtls may say that it needs
 * more input although the buffer holds some, after a message that carries
 * no data; so every loop here goes on until the buffer is empty.
 */

#define TLS_RECORD	(16 * 1024)	/* payload of one record */

static ssize_t	 conntls_read_cb(struct tls *, void *, size_t, void *);
static ssize_t	 conntls_write_cb(struct tls *, const void *, size_t, void *);
static int	 conntls_begin(struct conn *, unsigned int);
static int	 conntls_plain(struct conn *);
static uint64_t	 conntls_consumed(const struct conn *);
static int	 conntls_shake(struct conn *);

struct tls_config *
conn_tls_config(void)
{
	struct tls_config	*config;

	if ((config = tls_config_new()) == NULL)
		return (NULL);
	if (tls_config_set_protocols(config,
	    TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3) == -1 ||
	    tls_config_set_alpn(config, "http/1.1") == -1) {
		tls_config_free(config);
		return (NULL);
	}
	return (config);
}

int
conn_accept_tls(struct conn *c, struct tls *server, unsigned int ms)
{
	if (tls_accept_cbs(server, &c->tls, conntls_read_cb, conntls_write_cb,
	    c) == -1) {
		c->tls = NULL;
		return (-1);
	}
	return (conntls_begin(c, ms));
}

int
conn_start_tls_client(struct conn *c, struct tls_config *config,
    const char *name, unsigned int ms, char *text, size_t size)
{
	struct tls	*tls;

	if ((tls = tls_client()) == NULL) {
		if (text != NULL)
			(void)strlcpy(text, strerror(ENOMEM), size);
		return (-1);
	}
	if (tls_configure(tls, config) == -1 || tls_connect_cbs(tls,
	    conntls_read_cb, conntls_write_cb, c, name) == -1) {
		if (text != NULL)
			(void)strlcpy(text, tls_error(tls), size);
		tls_free(tls);
		return (-1);
	}
	c->tls = tls;
	return (conntls_begin(c, ms));
}

/* Nothing leaves before the turn's end. */
static int
conntls_begin(struct conn *c, unsigned int ms)
{
	if (buf_len(&c->in) > 0)
		(void)buf_move(&c->raw, &c->in);
	c->plain = buf_len(&c->out);
	c->state = CONN_HANDSHAKE;
	c->flags &= ~CF_TELL;
	c->reads = 0;
	conn_timer(c, CONN_T_HANDSHAKE, ms);
	connio_reading(c, 0);
	connio_dirty(c);
	return (0);
}

/*
 * A count that changes with each byte that libtls takes.  When it wants input
 * although there is some, it must be called again, but not for ever.
 */
static uint64_t
conntls_consumed(const struct conn *c)
{
	return (c->stats.in - buf_len(&c->raw));
}

/* What was written before TLS leaves before it: 1 done, 0 not yet, or -1. */
static int
conntls_plain(struct conn *c)
{
	ssize_t	 n;

	while (c->plain > 0) {
		n = connio_send(c, buf_data(&c->out), c->plain);
		if (n == -1 && c->error != 0)
			return (-1);
		if (n == -1) {
			connio_blocked(c);
			return (0);
		}
		buf_drain(&c->out, n);
		c->plain -= n;
	}
	return (1);
}

/*
 * tls_handshake(3) as far as it goes.  A close_notify amid it makes libtls
 * say 0, too; but once it is done libtls refuses to do it again.
 */
static int
conntls_shake(struct conn *c)
{
	uint64_t	 before;
	int		 rc;

	do {
		before = conntls_consumed(c);
		rc = tls_handshake(c->tls);
	} while (rc == TLS_WANT_POLLIN && buf_len(&c->raw) > 0 &&
	    conntls_consumed(c) != before);
	if (rc == 0 && tls_handshake(c->tls) != -1)
		return (-1);
	return (rc);
}

void
conntls_handshake(struct conn *c)
{
	int	 rc;

	if ((rc = conntls_plain(c)) == 0)
		return;
	if (rc == 1)
		rc = conntls_shake(c);
	switch (rc) {
	case TLS_WANT_POLLOUT:
		connio_blocked(c);
		/* FALLTHROUGH */
	case TLS_WANT_POLLIN:
		if ((c->flags & CF_STARVED) == 0)
			connio_reading(c, 1);
		break;
	case 0:
		conn_timer(c, CONN_T_HANDSHAKE, 0);
		conn_ready(c);
		break;
	default:
		conn_timer(c, CONN_T_HANDSHAKE, 0);
		conn_fail(c, CONN_E_HANDSHAKE, conntls_error(c));
		break;
	}
}

/* As connio_fill(). */
ssize_t
conntls_fill(struct conn *c)
{
	uint8_t		*p;
	size_t		 room, total;
	uint64_t	 before;
	ssize_t		 n;

	for (total = 0; total < CONN_READ && buf_room(&c->in) > 0; ) {
		if ((p = buf_reserve(&c->in, TLS_RECORD, &room)) == NULL) {
			c->flags |= CF_MORE;
			if (errno == ENOBUFS)
				connio_starve(c);
			else
				c->error = errno;
			return (total);
		}
		before = conntls_consumed(c);
		n = tls_read(c->tls, p, room);
		buf_commit(&c->in, n > 0 ? n : 0);
		if (n > 0) {
			total += n;
			continue;
		}
		if (n == TLS_WANT_POLLIN && buf_len(&c->raw) > 0 &&
		    conntls_consumed(c) != before)
			continue;
		if (n == TLS_WANT_POLLOUT) {
			c->flags |= CF_READOUT;
			connio_blocked(c);
		} else if (n == 0 || (c->flags & CF_SOCKEOF)) {
			c->flags |= CF_EOF;
			if (c->flags & (CF_SOCKEOF | CF_BROKEN))
				c->flags |= CF_TRUNCATED;
		} else if (n == -1 && c->error == 0)
			c->error = EPROTO;
		return (total);
	}
	c->flags |= CF_MORE;
	return (total);
}

/* As connio_write(); one record at most. */
ssize_t
conntls_write(struct conn *c)
{
	size_t	 len;
	ssize_t	 n;

	if (c->flags & CF_BLOCKED)
		return (0);
	/* What could not be written must be tried with the same length. */
	len = c->retry;
	if (len == 0) {
		len = buf_len(&c->out);
		if (len > TLS_RECORD)
			len = TLS_RECORD;
	}
	n = tls_write(c->tls, buf_data(&c->out), len);
	c->retry = 0;
	switch (n) {
	case TLS_WANT_POLLOUT:
		c->retry = len;
		connio_blocked(c);
		return (0);
	case TLS_WANT_POLLIN:
		c->retry = len;
		c->flags |= CF_WRITEIN;
		connio_reading(c, 1);
		return (0);
	case -1:
	case 0:
		/* 0: an error after the peer's close_notify. */
		if (c->error == 0)
			c->error = EPROTO;
		return (-1);
	default:
		return (n);
	}
}

int
conntls_shutdown(struct conn *c)
{
	if (tls_close(c->tls) == TLS_WANT_POLLOUT) {
		connio_blocked(c);
		return (0);
	}
	c->error = 0;
	return (1);
}

const char *
conntls_error(const struct conn *c)
{
	const char	*text;

	if (c->error != 0 && c->error != EPROTO)
		return (strerror(c->error));
	if (c->flags & CF_SOCKEOF)
		return ("the peer closed the connection");
	if (c->tls == NULL || (text = tls_error(c->tls)) == NULL)
		return ("unknown error");
	return (text);
}

static ssize_t
conntls_read_cb(struct tls *tls, void *p, size_t size, void *arg)
{
	struct conn	*c = arg;
	uint8_t		*room;
	size_t		 n;
	ssize_t		 got;

	if (buf_len(&c->raw) == 0) {
		if (c->flags & CF_SOCKEOF)
			return (0);
		if (c->reads == 0)
			return (TLS_WANT_POLLIN);
		if ((room = buf_reserve(&c->raw, CONN_READ, &n)) == NULL) {
			if (errno == ENOBUFS) {
				connio_starve(c);
				return (TLS_WANT_POLLIN);
			}
			c->error = errno;
			return (-1);
		}
		got = connio_recv(c, room, n);
		buf_commit(&c->raw, got > 0 ? got : 0);
		if (got == -1)
			return (c->error == 0 ? TLS_WANT_POLLIN : -1);
		if (got == 0)
			return (0);
	}
	n = buf_len(&c->raw);
	if (n > size)
		n = size;
	memcpy(p, buf_data(&c->raw), n);
	buf_drain(&c->raw, n);
	return (n);
}

static ssize_t
conntls_write_cb(struct tls *tls, const void *p, size_t size, void *arg)
{
	struct conn	*c = arg;
	ssize_t		 n;

	n = connio_send(c, p, size);
	if (n == -1 && c->error == 0)
		return (TLS_WANT_POLLOUT);
	return (n);
}
