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
#include <sys/un.h>

#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>
#include <tls.h>

#include "buf.h"
#include "conn.h"
#include "pair.h"

/* How connections begin: early bytes, handshakes, addresses. */

static struct tls		*server_ctx;
static struct tls_config	*client_config;

static void
accept_tls(struct side *s, unsigned int ms)
{
	assert_int_equal(conn_accept_tls(s->c, server_ctx, ms), 0);
	conn_resume(s->c);
}

static void
connect_tls(struct side *s, struct tls_config *config, const char *name)
{
	assert_int_equal(conn_start_tls_client(s->c, config, name, 3000, NULL,
	    0), 0);
	conn_resume(s->c);
}

/* Bytes that were read with something else come first, in order. */
static void
unread(void **state)
{
	struct pair	 p;
	static uint8_t	 big[CONN_IN_MAX + 1];
	uint8_t		 early[1000];
	size_t		 i;

	for (i = 0; i < sizeof(early); i++)
		early[i] = pair_byte(i);
	pair_make(&p, 0);
	p.client.sent = p.client.tosend = sizeof(early);
	side_send(&p.client, 5000);
	conn_flush(p.client.c);
	assert_int_equal(conn_unread(p.server.c, early + 400, 600), 0);
	assert_int_equal(conn_unread(p.server.c, early, 400), 0);
	assert_int_equal(p.server.reads, 0);
	PAIR_UNTIL(p.server.got == 6000);
	conn_pause(p.server.c);
	assert_int_equal(conn_unread(p.server.c, early, 0), 0);
	assert_int_equal(conn_unread(p.server.c, big,
	    CONN_IN_MAX + 1), -1);
	pair_free(&p);
}

/* The start of the handshake came behind a CONNECT. */
static void
early_hello(void **state)
{
	struct pair	 p;
	uint8_t		 hello[16384];
	ssize_t		 n;
	int		 a, b;

	pair_fds(&a, &b, 0);
	side_init(&p.client, a);
	side_init(&p.server, b);
	connect_tls(&p.client, client_config, "localhost");
	conns_flush();
	n = recv(b, hello, sizeof(hello), MSG_DONTWAIT);
	assert_true(n > 100);
	assert_int_equal(conn_unread(p.server.c, hello, n), 0);
	accept_tls(&p.server, 3000);
	side_send(&p.client, 100);
	side_send(&p.server, 100);
	PAIR_UNTIL(p.server.got == 100 && p.client.got == 100);
	assert_string_equal(tls_conn_servername(conn_tls(p.server.c)),
	    "localhost");
	assert_string_equal(tls_conn_alpn_selected(conn_tls(p.client.c)),
	    "http/1.1");
	pair_free(&p);
}

/* What was written before TLS is in the clear, what follows is not. */
static void
plain_before(void **state)
{
	struct pair	 p;
	char		 answer[64];
	ssize_t		 n;
	int		 a, b;

	pair_fds(&a, &b, 0);
	side_init(&p.server, b);
	assert_int_equal(conn_write(p.server.c, "HTTP/1.1 200 OK\r\n\r\n", 19),
	    0);
	accept_tls(&p.server, 3000);
	side_send(&p.server, 300);
	pair_idle(40);
	n = recv(a, answer, sizeof(answer), MSG_DONTWAIT);
	assert_int_equal(n, 19);
	assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n\r\n", 19);
	side_init(&p.client, a);
	connect_tls(&p.client, client_config, "localhost");
	PAIR_UNTIL(p.client.got == 300);
	pair_free(&p);
}

/* Carry bytes between two sockets, at most so many at a time. */
static void
carry(int from, int to, size_t max)
{
	char	 piece[4096];
	ssize_t	 n;

	if (max > sizeof(piece))
		max = sizeof(piece);
	if ((n = recv(from, piece, max, MSG_DONTWAIT)) > 0)
		assert_int_equal(send(to, piece, n, 0), n);
}

static void
handshake_in_pieces(struct tls_config *config, size_t piece)
{
	struct pair	 p;
	uint64_t	 end;
	int		 c[2], s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, c) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1)
		err(1, "socketpair");
	side_init(&p.client, c[0]);
	side_init(&p.server, s[0]);
	accept_tls(&p.server, 8000);
	connect_tls(&p.client, config, "localhost");
	side_send(&p.client, 3000);
	side_send(&p.server, 3000);
	end = pair_now() + 5000;
	while (pair_now() < end &&
	    (p.client.got < 3000 || p.server.got < 3000)) {
		carry(c[1], s[1], piece);
		carry(s[1], c[1], piece);
		(void)event_loop(EVLOOP_NONBLOCK);
		conns_flush();
	}
	assert_int_equal(p.client.got, 3000);
	assert_int_equal(p.server.got, 3000);
	close(c[1]);
	close(s[1]);
	pair_free(&p);
}

static void
byte_by_byte(void **state)
{
	handshake_in_pieces(client_config, 1);
}

/* A ClientHello of more than 16 KiB, by a long list of protocols. */
static void
large_hello(void **state)
{
	struct tls_config	*config;
	char			*alpn;
	size_t			 i, n;

	if ((alpn = calloc(1, 20000)) == NULL)
		err(1, NULL);
	for (i = n = 0; i < 75; i++)
		n += snprintf(alpn + n, 20000 - n, "%0240zu,", i);
	(void)snprintf(alpn + n, 20000 - n, "http/1.1");
	config = pair_client();
	assert_int_equal(tls_config_set_alpn(config, alpn), 0);
	handshake_in_pieces(config, 1400);
	handshake_in_pieces(config, 4096);
	tls_config_free(config);
	free(alpn);
}

/* What is not TLS gets an alert, and the alert arrives. */
static void
garbage(void **state)
{
	struct pair	 p;
	uint8_t		 answer[64];
	ssize_t		 n;
	int		 a, b;

	pair_fds(&a, &b, 0);
	side_init(&p.server, b);
	accept_tls(&p.server, 3000);
	assert_int_equal(send(a, "\026\003\001\000\005hello", 10, 0), 10);
	PAIR_UNTIL(p.server.error);
	assert_int_equal(p.server.error, 1 + CONN_E_HANDSHAKE);
	assert_true(p.server.text[0] != '\0');
	conn_close(p.server.c, 1000);
	pair_idle(40);
	assert_int_equal(conns_closing(), 1);
	n = recv(a, answer, sizeof(answer), MSG_DONTWAIT);
	assert_true(n >= 7);
	assert_int_equal(answer[0], 0x15);
	assert_int_equal(recv(a, answer, sizeof(answer), MSG_DONTWAIT), 0);
	close(a);
	PAIR_UNTIL(conns_closing() == 0);
	assert_int_equal(conns_count(), 0);
}

/* A close_notify is no way through a handshake. */
static void
alert_for_hello(void **state)
{
	static const uint8_t	 alert[] = { 0x15, 3, 3, 0, 2, 1, 0 };
	struct side		 s;
	int			 a, b, server;

	for (server = 0; server < 2; server++) {
		pair_fds(&a, &b, 0);
		side_init(&s, b);
		if (server)
			accept_tls(&s, 3000);
		else
			connect_tls(&s, client_config, "localhost");
		assert_int_equal(send(a, alert, sizeof(alert), 0), 7);
		PAIR_UNTIL(s.error || s.ready);
		assert_int_equal(s.error, 1 + CONN_E_HANDSHAKE);
		assert_int_equal(s.ready, 0);
		conn_free(s.c);
		close(a);
	}
}

static void
end_for_hello(void **state)
{
	struct side	 s;
	int		 a, b;

	pair_fds(&a, &b, 0);
	side_init(&s, b);
	accept_tls(&s, 3000);
	assert_int_equal(send(a, "\026\003\001", 3, 0), 3);
	close(a);
	PAIR_UNTIL(s.error);
	assert_int_equal(s.error, 1 + CONN_E_HANDSHAKE);
	assert_string_equal(s.text, "the peer closed the connection");
	conn_free(s.c);
}

static void
slow_hello(void **state)
{
	struct side	 s;
	uint64_t	 start;
	int		 a, b;

	pair_fds(&a, &b, 0);
	side_init(&s, b);
	start = pair_now();
	accept_tls(&s, 120);
	while (!s.timeout && pair_now() < start + 1000) {
		assert_int_equal(send(a, "\026\003\001\077\377", 1, 0), 1);
		pair_idle(25);
		if (s.error)
			break;
	}
	assert_int_equal(s.timeout, 1 + CONN_T_HANDSHAKE);
	assert_true(pair_now() - start < 500);
	conn_free(s.c);
	close(a);
}

static void
free_when_ready(void **state)
{
	struct pair	 p;
	int		 a, b;

	pair_fds(&a, &b, 0);
	side_init(&p.client, a);
	side_init(&p.server, b);
	p.client.freeon = p.server.freeon = FREE_READY;
	accept_tls(&p.server, 3000);
	connect_tls(&p.client, client_config, "localhost");
	PAIR_UNTIL(p.client.c == NULL && p.server.c == NULL);
	assert_int_equal(conns_count(), 0);
}

/* A socket on loopback and its address; backlog -1: nobody listens. */
static int
listener(struct sockaddr_storage *ss, int family, int backlog)
{
	struct sockaddr_in	*sin = (struct sockaddr_in *)ss;
	struct sockaddr_in6	*sin6 = (struct sockaddr_in6 *)ss;
	socklen_t		 len;
	int			 fd;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = family;
	if (family == AF_INET) {
		len = sizeof(*sin);
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		len = sizeof(*sin6);
		sin6->sin6_addr = in6addr_loopback;
	}
	if ((fd = socket(family, SOCK_STREAM, 0)) == -1)
		return (-1);
	if (bind(fd, (struct sockaddr *)ss, len) == -1) {
		close(fd);
		return (-1);
	}
	if (getsockname(fd, (struct sockaddr *)ss, &len) == -1 ||
	    (backlog >= 0 && listen(fd, backlog) == -1))
		err(1, "listener");
	return (fd);
}

/* An address that never answers: its backlog is full. */
static void
black_hole(struct sockaddr_storage *ss, int fds[4])
{
	int	 i;

	fds[0] = listener(ss, AF_INET, 0);
	for (i = 1; i < 4; i++) {
		if ((fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK,
		    0)) == -1)
			err(1, "socket");
		(void)connect(fds[i], (struct sockaddr *)ss,
		    sizeof(struct sockaddr_in));
	}
}

static void
black_hole_close(int fds[4])
{
	int	 i;

	for (i = 0; i < 4; i++)
		close(fds[i]);
}

static void
dial_first(void **state)
{
	struct sockaddr_storage	 ss[2];
	struct side		 s;
	int			 fds[2];

	fds[0] = listener(&ss[0], AF_INET, 5);
	fds[1] = listener(&ss[1], AF_INET, 5);
	side_init(&s, -1);
	assert_int_equal(conn_connect(s.c, ss, 2), 0);
	assert_int_equal(s.ready, 0);
	PAIR_UNTIL(s.ready);
	assert_int_equal(conn_dialled(s.c), 0);
	assert_int_equal(conns_count(), 1);
	conn_free(s.c);
	assert_int_equal(conns_count(), 0);
	close(fds[0]);
	close(fds[1]);
}

static void
dial_past_dead(void **state)
{
	struct sockaddr_storage	 ss[3];
	struct side		 s;
	uint64_t		 start;
	int			 hole[4], dead, fd;

	black_hole(&ss[0], hole);
	dead = listener(&ss[1], AF_INET, -1);
	fd = listener(&ss[2], AF_INET, 5);
	side_init(&s, -1);
	/* Written before there is anybody to write to. */
	assert_int_equal(conn_write(s.c, "hello", 5), 0);
	conn_resume(s.c);
	start = pair_now();
	assert_int_equal(conn_connect(s.c, ss, 3), 0);
	PAIR_UNTIL(s.ready);
	assert_int_equal(conn_dialled(s.c), 2);
	/* The refused one costs no wait of its own. */
	assert_true(pair_now() - start >= 240);
	assert_true(pair_now() - start < 480);
	assert_int_equal(conns_count(), 1);
	conn_free(s.c);
	black_hole_close(hole);
	close(dead);
	close(fd);
}

/* The other family is tried before the second address of the first. */
static void
dial_families(void **state)
{
	struct sockaddr_storage	 ss[3];
	struct side		 s;
	uint64_t		 start;
	int			 hole[4], fd;

	if ((fd = listener(&ss[2], AF_INET6, 5)) == -1)
		skip();
	black_hole(&ss[0], hole);
	ss[1] = ss[0];
	side_init(&s, -1);
	start = pair_now();
	assert_int_equal(conn_connect(s.c, ss, 3), 0);
	PAIR_UNTIL(s.ready);
	assert_int_equal(conn_dialled(s.c), 2);
	assert_true(pair_now() - start < 480);
	conn_free(s.c);
	black_hole_close(hole);
	close(fd);
}

static void
dial_refused(void **state)
{
	struct sockaddr_storage	 ss[2];
	struct side		 s;
	int			 dead;

	dead = listener(&ss[0], AF_INET, -1);
	ss[1] = ss[0];
	side_init(&s, -1);
	assert_int_equal(conn_connect(s.c, ss, 2), 0);
	PAIR_UNTIL(s.error);
	assert_int_equal(s.error, 1 + CONN_E_CONNECT);
	assert_string_equal(s.text, strerror(ECONNREFUSED));
	conn_free(s.c);
	side_init(&s, -1);
	assert_int_equal(conn_connect(s.c, ss, 0), -1);
	conn_free(s.c);
	close(dead);
}

static void
dial_bounded(void **state)
{
	struct sockaddr_storage	 ss[20];
	struct side		 s;
	int			 hole[4], i;

	black_hole(&ss[0], hole);
	for (i = 1; i < 20; i++)
		ss[i] = ss[0];
	side_init(&s, -1);
	assert_int_equal(conn_connect(s.c, ss, 20), 0);
	conn_timer(s.c, CONN_T_CONNECT, 600);
	pair_idle(550);
	assert_int_equal(conns_count(), 3);
	PAIR_UNTIL(s.timeout);
	assert_int_equal(s.timeout, 1 + CONN_T_CONNECT);
	conn_free(s.c);
	assert_int_equal(conns_count(), 0);
	/* Given up in the middle. */
	side_init(&s, -1);
	assert_int_equal(conn_connect(s.c, ss, 20), 0);
	pair_idle(20);
	conn_free(s.c);
	assert_int_equal(conns_count(), 0);
	black_hole_close(hole);
}

static void
dial_unix(void **state)
{
	struct sockaddr_storage	 ss;
	struct sockaddr_un	*sun = (struct sockaddr_un *)&ss;
	struct side		 s;
	char			 dir[] = "/tmp/connXXXXXXXX";
	int			 fd;

	if (mkdtemp(dir) == NULL)
		err(1, "mkdtemp");
	memset(&ss, 0, sizeof(ss));
	sun->sun_family = AF_UNIX;
	(void)snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/s", dir);
	side_init(&s, -1);
	assert_int_equal(conn_connect(s.c, &ss, 1), 0);
	PAIR_UNTIL(s.error);
	assert_string_equal(s.text, strerror(ENOENT));
	conn_free(s.c);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)sun, sizeof(*sun)) == -1 ||
	    listen(fd, 5) == -1)
		err(1, "listen");
	side_init(&s, -1);
	assert_int_equal(conn_connect(s.c, &ss, 1), 0);
	PAIR_UNTIL(s.ready);
	conn_free(s.c);
	close(fd);
	(void)unlink(sun->sun_path);
	(void)rmdir(dir);
}

static int
setup(void **state)
{
	event_init();
	(void)signal(SIGPIPE, SIG_IGN);
	server_ctx = pair_server();
	client_config = pair_client();
	return (0);
}

static int
teardown(void **state)
{
	tls_free(server_ctx);
	tls_config_free(client_config);
	return (0);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(unread),
		cmocka_unit_test(early_hello),
		cmocka_unit_test(plain_before),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(large_hello),
		cmocka_unit_test(garbage),
		cmocka_unit_test(alert_for_hello),
		cmocka_unit_test(end_for_hello),
		cmocka_unit_test(slow_hello),
		cmocka_unit_test(free_when_ready),
		cmocka_unit_test(dial_first),
		cmocka_unit_test(dial_past_dead),
		cmocka_unit_test(dial_families),
		cmocka_unit_test(dial_refused),
		cmocka_unit_test(dial_bounded),
		cmocka_unit_test(dial_unix),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return (cmocka_run_group_tests(tests, setup, teardown));
}
