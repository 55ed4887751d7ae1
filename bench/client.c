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


/*
 * A client of the load generator: it connects, asks a proxy for a tunnel if
 * there is one, makes the handshake, and sends one request after the other.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http.h"
#include "load.h"

#define RETRY_USEC	10000	/* after an error, so that none spins */

enum client_state {
	CLIENT_CONNECT,
	CLIENT_TUNNEL,
	CLIENT_HANDSHAKE,
	CLIENT_RESPONSE
};

struct client {
	const struct load	*load;
	enum client_state	 state;
	struct event		 ev;
	short			 wants;		/* what ev is added for */
	int			 fd;
	SSL			*ssl;
	long long		 begun;
	struct http_head	 head;
	struct http_field	 fields[HTTP_LIMIT_FIELDS];
	size_t			 len;
	char			 buf[16384];	/* a whole response */
};

static void	 client_wait(struct client *, short);
static void	 client_close(struct client *);
static void	 client_error(struct client *, const char *);
static void	 client_later(struct client *);
static void	 client_next(struct client *);
static void	 client_idle(struct client *, long long);
static void	 client_due(int, short, void *);
static void	 client_begin(struct client *);
static void	 client_connect(struct client *);
static void	 client_retry(int, short, void *);
static void	 client_event(int, short, void *);
static void	 client_connected(struct client *);
static void	 client_tunnel(struct client *);
static void	 client_tls(struct client *);
static void	 client_handshake(struct client *);
static void	 client_request(struct client *);
static void	 client_response(struct client *);
static int	 client_parse(struct client *);
static void	 client_blocked(struct client *, int, const char *);

/* Waits for these events, and for the same as before at no cost. */
static void
client_wait(struct client *c, short wants)
{
	if (c->wants == wants)
		return;
	if (c->wants != 0)
		event_del(&c->ev);
	event_set(&c->ev, c->fd, wants | EV_PERSIST, client_event, c);
	if (event_add(&c->ev, NULL) == -1)
		err(1, "event_add");
	c->wants = wants;
}

static void
client_close(struct client *c)
{
	if (c->fd == -1)
		return;
	if (c->wants != 0)
		event_del(&c->ev);
	c->wants = 0;
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->fd = -1;
}

static void
client_error(struct client *c, const char *what)
{
	const char	*why;
	unsigned long	 code;
	int		 error = errno;

	why = (code = ERR_get_error()) != 0 ? ERR_error_string(code, NULL) :
	    error != 0 ? strerror(error) : "the connection was closed";
	load_error("%s: %s", what, why);
	client_later(c);
}

/* Goes on with another request, on a connection of its own, in a moment. */
static void
client_later(struct client *c)
{
	struct timeval	 tv = { 0, RETRY_USEC };

	client_close(c);
	event_set(&c->ev, -1, 0, client_retry, c);
	if (event_add(&c->ev, &tv) == -1)
		err(1, "event_add");
}

static void
client_retry(int fd, short what, void *arg)
{
	client_next(arg);
}

/* Begins the next request, on this connection or on a new one. */
static void
client_next(struct client *c)
{
	long long	 wait;

	if (c->load->fresh && c->ssl != NULL) {
		SSL_shutdown(c->ssl);
		client_close(c);
	}
	if (!load_next()) {
		if (c->ssl != NULL)
			SSL_shutdown(c->ssl);
		client_close(c);
		free(c);
		load_gone();
		return;
	}
	c->begun = load_slot();
	if ((wait = c->begun - load_now()) > 0)
		client_idle(c, wait);
	else
		client_begin(c);
}

/* Its turn has not come: so many microseconds. */
static void
client_idle(struct client *c, long long usec)
{
	struct timeval	 tv = { usec / 1000000, usec % 1000000 };

	if (c->wants != 0)
		event_del(&c->ev);
	c->wants = 0;
	event_set(&c->ev, -1, 0, client_due, c);
	if (event_add(&c->ev, &tv) == -1)
		err(1, "event_add");
}

/* That we are late by the clock's grain is not the proxy's doing. */
static void
client_due(int fd, short what, void *arg)
{
	struct client	*c = arg;

	c->begun = load_now();
	client_begin(c);
}

static void
client_begin(struct client *c)
{
	if (c->fd == -1)
		client_connect(c);
	else
		client_request(c);
}

static void
client_connect(struct client *c)
{
	int	 on = 1;

	c->fd = socket(c->load->ss.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		err(1, "socket");
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on)) == -1)
		err(1, "TCP_NODELAY");
	c->state = CLIENT_CONNECT;
	if (connect(c->fd, (const struct sockaddr *)&c->load->ss,
	    c->load->sslen) == -1 && errno != EINPROGRESS)
		client_error(c, "connect");
	else
		client_wait(c, EV_WRITE);
}

static void
client_event(int fd, short what, void *arg)
{
	struct client	*c = arg;

	errno = 0;
	ERR_clear_error();
	switch (c->state) {
	case CLIENT_CONNECT:
		client_connected(c);
		break;
	case CLIENT_TUNNEL:
		client_tunnel(c);
		break;
	case CLIENT_HANDSHAKE:
		client_handshake(c);
		break;
	case CLIENT_RESPONSE:
		client_response(c);
		break;
	}
}

/* A CONNECT head is far shorter than the socket's buffer. */
static void
client_connected(struct client *c)
{
	ssize_t		 n;
	int		 error;
	socklen_t	 len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	    (errno = error) != 0) {
		client_error(c, "connect");
		return;
	}
	if (c->load->connect == NULL) {
		client_tls(c);
		return;
	}
	n = send(c->fd, c->load->connect, strlen(c->load->connect),
	    MSG_NOSIGNAL);
	if (n != (ssize_t)strlen(c->load->connect)) {
		client_error(c, "CONNECT");
		return;
	}
	c->len = 0;
	http_head_response(&c->head, &http_limits_default, c->fields,
	    HTTP_M_CONNECT);
	c->state = CLIENT_TUNNEL;
	client_wait(c, EV_READ);
}

static void
client_tunnel(struct client *c)
{
	ssize_t	 n;

	n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_error(c, "CONNECT");
		return;
	}
	c->len += n;
	switch (http_parse(&c->head, c->buf, c->len)) {
	case HTTP_MORE:
		return;
	case HTTP_ERROR:
		client_error(c, "CONNECT: not a response");
		return;
	case HTTP_DONE:
		break;
	}
	if (c->head.status == 200 && c->head.length == c->len) {
		client_tls(c);
		return;
	}
	load_error("CONNECT: status %d, %zu bytes behind it", c->head.status,
	    c->len - c->head.length);
	client_later(c);
}

static void
client_tls(struct client *c)
{
	if ((c->ssl = SSL_new(c->load->ctx)) == NULL ||
	    !SSL_set_fd(c->ssl, c->fd) ||
	    !SSL_set1_host(c->ssl, c->load->host) ||
	    !SSL_set_tlsext_host_name(c->ssl, c->load->host))
		errx(1, "libssl: %s", ERR_error_string(ERR_get_error(), NULL));
	SSL_set_connect_state(c->ssl);
	c->state = CLIENT_HANDSHAKE;
	client_handshake(c);
}

static void
client_handshake(struct client *c)
{
	int	 rv;

	if ((rv = SSL_do_handshake(c->ssl)) == 1)
		client_request(c);
	else
		client_blocked(c, rv, "handshake");
}

/* What SSL_* waits for, or why it failed. */
static void
client_blocked(struct client *c, int rv, const char *what)
{
	switch (SSL_get_error(c->ssl, rv)) {
	case SSL_ERROR_WANT_READ:
		client_wait(c, EV_READ);
		break;
	case SSL_ERROR_WANT_WRITE:
		client_wait(c, EV_WRITE);
		break;
	default:
		client_error(c, what);
		break;
	}
}

/* A request is one small TLS record; the socket's buffer is empty. */
static void
client_request(struct client *c)
{
	int	 len = strlen(c->load->request);

	if (SSL_write(c->ssl, c->load->request, len) != len) {
		client_error(c, "request");
		return;
	}
	c->len = 0;
	http_head_response(&c->head, &http_limits_default, c->fields,
	    HTTP_M_GET);
	c->state = CLIENT_RESPONSE;
	client_wait(c, EV_READ);
}

static void
client_response(struct client *c)
{
	int	 n, rv;

	do {
		n = SSL_read(c->ssl, c->buf + c->len,
		    sizeof(c->buf) - c->len);
		if (n <= 0) {
			client_blocked(c, n, "response");
			return;
		}
		c->len += n;
		if ((rv = client_parse(c)) == -1)
			return;
	} while (rv == 0);
	load_done(load_now() - c->begun, c->head.status);
	if (!c->head.keepalive)
		client_close(c);
	client_next(c);
}

/* 1 when the response is whole, 0 when there is more to come, -1 if never. */
static int
client_parse(struct client *c)
{
	if (c->head.length == 0) {
		switch (http_parse(&c->head, c->buf, c->len)) {
		case HTTP_MORE:
			return (0);
		case HTTP_ERROR:
			client_error(c, "response: it does not parse");
			return (-1);
		case HTTP_DONE:
			break;
		}
	}
	if (c->head.framing != HTTP_BODY_LENGTH ||
	    c->head.content_length > sizeof(c->buf) - c->head.length) {
		client_error(c, "response: no length, or over 16 KiB");
		return (-1);
	}
	return (c->len >= c->head.length + c->head.content_length);
}

void
client_start(const struct load *load)
{
	struct client	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, NULL);
	c->load = load;
	c->fd = -1;
	client_next(c);
}
