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
#include <sys/time.h>

#include <netinet/in.h>

#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>
#include <tls.h>

#include "buf.h"
#include "pair.h"
#include "testcert.h"

static void	 side_ready(struct conn *, void *);
static void	 side_read(struct conn *, void *);
static void	 side_write(struct conn *, void *);
static void	 side_eof(struct conn *, enum conn_eof, void *);
static void	 side_error(struct conn *, enum conn_error, const char *,
		    void *);
static void	 side_timeout(struct conn *, enum conn_timer, void *);
static int	 side_freed(struct side *, int);
static void	 send_more(struct side *);

static const struct conn_ops	 side_ops = {
	side_ready, side_read, side_write, side_eof, side_error, side_timeout
};

uint8_t
pair_byte(size_t n)
{
	return ((n * 11 + n / 253) & 0xff);
}

uint64_t
pair_now(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
pair_tick(int fd, short event, void *arg)
{
}

/* One turn, of at most 20 ms. */
void
pair_turn(void)
{
	struct timeval	 tv = { 0, 20000 };
	struct event	 ev;

	evtimer_set(&ev, pair_tick, NULL);
	evtimer_add(&ev, &tv);
	(void)event_loop(EVLOOP_ONCE);
	evtimer_del(&ev);
	conns_flush();
}

void
pair_idle(unsigned int ms)
{
	uint64_t	 end;

	for (end = pair_now() + ms; pair_now() < end; )
		pair_turn();
}

static int
side_freed(struct side *s, int what)
{
	if (s->freeon != what)
		return (0);
	conn_free(s->c);
	s->c = NULL;
	return (1);
}

static void
side_ready(struct conn *c, void *arg)
{
	struct side	*s = arg;

	s->ready++;
	side_freed(s, FREE_READY);
}

static void
send_more(struct side *s)
{
	uint8_t	 piece[3000];
	size_t	 n, i;

	while (s->sent < s->tosend && !conn_full(s->c)) {
		n = s->tosend - s->sent;
		if (n > sizeof(piece))
			n = sizeof(piece);
		for (i = 0; i < n; i++)
			piece[i] = pair_byte(s->sent + i);
		if (conn_write(s->c, piece, n) == -1)
			break;
		s->sent += n;
	}
}

void
side_send(struct side *s, size_t n)
{
	s->tosend += n;
	send_more(s);
}

static void
side_read(struct conn *c, void *arg)
{
	struct side	*s = arg;
	struct buf	*in = conn_in(c);
	size_t		 i;

	s->reads++;
	if (s->onread != NULL)
		s->onread(s);
	if (side_freed(s, FREE_READ) || s->hold)
		return;
	if (s->echo) {
		if (conn_full(c)) {
			conn_pause(c);
			return;
		}
		s->echoed += buf_len(in);
		assert_int_equal(conn_write(c, buf_data(in), buf_len(in)), 0);
	} else {
		for (i = 0; i < buf_len(in); i++)
			assert_int_equal(buf_data(in)[i],
			    pair_byte(s->got + i));
		s->got += buf_len(in);
	}
	buf_drain(in, buf_len(in));
}

static void
side_write(struct conn *c, void *arg)
{
	struct side	*s = arg;

	s->writes++;
	if (side_freed(s, FREE_WRITE))
		return;
	send_more(s);
	if (s->echo)
		conn_resume(c);
}

static void
side_eof(struct conn *c, enum conn_eof how, void *arg)
{
	struct side	*s = arg;

	assert_int_equal(s->eof, 0);
	s->eof = how == CONN_EOF_CLEAN ? 1 : 2;
	side_freed(s, FREE_EOF);
}

static void
side_error(struct conn *c, enum conn_error e, const char *text, void *arg)
{
	struct side	*s = arg;

	s->error = 1 + e;
	(void)strlcpy(s->text, text, sizeof(s->text));
	side_freed(s, FREE_ERROR);
}

static void
side_timeout(struct conn *c, enum conn_timer t, void *arg)
{
	struct side	*s = arg;

	s->timeout = 1 + t;
	side_freed(s, FREE_TIMEOUT);
}

void
side_init(struct side *s, int fd)
{
	memset(s, 0, sizeof(*s));
	if ((s->c = conn_new(fd, &side_ops, s)) == NULL)
		err(1, "conn_new");
}

void
side_adopt(struct side *s)
{
	conn_owner(s->c, &side_ops, s);
}

void
pair_fds(int *a, int *b, int flags)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 l, size = 4096;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((l = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    (*a = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if ((flags & PAIR_SMALL) &&
	    (setsockopt(l, SOL_SOCKET, SO_RCVBUF, &size, len) == -1 ||
	    setsockopt(*a, SOL_SOCKET, SO_RCVBUF, &size, len) == -1 ||
	    setsockopt(l, SOL_SOCKET, SO_SNDBUF, &size, len) == -1 ||
	    setsockopt(*a, SOL_SOCKET, SO_SNDBUF, &size, len) == -1))
		err(1, "setsockopt");
	if (bind(l, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&sin, &len) == -1 ||
	    connect(*a, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    (*b = accept(l, NULL, NULL)) == -1)
		err(1, "loopback");
	close(l);
}

struct tls *
pair_server(void)
{
	struct testcert	 tc;
	struct tls	*tls;

	testcert_make(&tc, NULL, "localhost", 0, -60, 3600);
	tls = pair_server_with(&tc, NULL);
	testcert_free(&tc);
	return (tls);
}

struct tls *
pair_server_with(const struct testcert *tc, const struct testcert *more)
{
	struct tls_config	*config;
	struct tls		*tls;
	char			*cert, *key;

	cert = testcert_pem(tc, more);
	key = testcert_key_pem(tc);
	if ((config = conn_tls_config()) == NULL ||
	    tls_config_set_keypair_mem(config, (uint8_t *)cert, strlen(cert),
	    (uint8_t *)key, strlen(key)) == -1 ||
	    (tls = tls_server()) == NULL || tls_configure(tls, config) == -1)
		errx(1, "server context");
	tls_config_free(config);
	free(cert);
	free(key);
	return (tls);
}

struct tls_config *
pair_client(void)
{
	struct tls_config	*config;

	if ((config = conn_tls_config()) == NULL)
		errx(1, "client configuration");
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	return (config);
}

void
pair_make(struct pair *p, int flags)
{
	struct tls_config	*config;
	struct tls		*server;
	int			 a, b;

	pair_fds(&a, &b, flags);
	side_init(&p->client, a);
	side_init(&p->server, b);
	if (flags & PAIR_TLS) {
		server = pair_server();
		config = pair_client();
		assert_int_equal(conn_accept_tls(p->server.c, server, 5000),
		    0);
		assert_int_equal(conn_start_tls_client(p->client.c, config,
		    "localhost", 5000, NULL, 0), 0);
		PAIR_UNTIL(p->client.ready && p->server.ready);
		tls_config_free(config);
		tls_free(server);
	}
	conn_resume(p->client.c);
	conn_resume(p->server.c);
}

void
pair_free(struct pair *p)
{
	conn_free(p->client.c);
	conn_free(p->server.c);
	assert_int_equal(conns_count(), 0);
	assert_int_equal(buf_account_used(), 0);
}
