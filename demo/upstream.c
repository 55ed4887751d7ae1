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
 * A small HTTPS server for the demonstration: it answers every request and
 * writes down what it was sent, one JSON object a line, so that one can see
 * which credential reached it.  It makes its certificate at start.
 *
 * A process a connection and blocking I/O: it serves a person who tries
 * brokerd out, never the network.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "buf.h"
#include "cert.h"
#include "http.h"

#define NAMES		"api.demo.localhost,localhost,127.0.0.1"
#define IDLE_SECONDS	60
#define PIECE		16384

static struct http_field	 fields[HTTP_LIMIT_FIELDS];
static struct buf		 in;
static int			 seen_fd;

static __dead void	 usage(void);
static struct tls	*make_server(const char *);
static int		 make_socket(const char *, int);
static void		 write_file(const char *, const char *, mode_t);
static void		 serve(struct tls *, struct tls *, int);
static int		 more(struct tls *);
static int		 request(struct tls *);
static int		 skip_body(struct tls *, struct http_head *);
static void		 note(const struct http_head *);
static void		 put_json(FILE *, const char *, size_t);
static int		 answer(struct tls *, const struct http_head *);
static int		 send_all(struct tls *, const void *, size_t);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: upstream [-p port] directory\n");
	exit(2);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	size_t	 len = strlen(text);
	int	 fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd == -1 || write(fd, text, len) != (ssize_t)len)
		err(1, "%s", path);
	close(fd);
}

static struct tls *
make_server(const char *dir)
{
	struct tls_config	*config;
	struct democert		 cert;
	struct tls		*ctx;
	char			 path[1024];

	democert_make(&cert, NAMES, 30);
	if (snprintf(path, sizeof(path), "%s/ca.pem", dir) >=
	    (int)sizeof(path))
		errx(1, "%s: the path is too long", dir);
	write_file(path, cert.ca, 0644);
	if ((config = tls_config_new()) == NULL ||
	    (ctx = tls_server()) == NULL)
		errx(1, "libtls: no memory");
	if (tls_config_set_keypair_mem(config, (uint8_t *)cert.cert,
	    strlen(cert.cert), (uint8_t *)cert.key, strlen(cert.key)) == -1 ||
	    tls_config_set_protocols(config, TLS_PROTOCOL_TLSv1_2 |
	    TLS_PROTOCOL_TLSv1_3) == -1 ||
	    tls_config_set_alpn(config, "http/1.1") == -1)
		errx(1, "libtls: %s", tls_config_error(config));
	if (tls_configure(ctx, config) == -1)
		errx(1, "libtls: %s", tls_error(ctx));
	tls_config_free(config);
	free(cert.ca);
	free(cert.cert);
	freezero(cert.key, strlen(cert.key));
	return (ctx);
}

/* Listens on loopback and says where in the directory's file `port'. */
static int
make_socket(const char *dir, int port)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	char			 path[1024], text[16];
	int			 s, on = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	if ((s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(s, (struct sockaddr *)&sin, len) == -1 ||
	    listen(s, 128) == -1 ||
	    getsockname(s, (struct sockaddr *)&sin, &len) == -1)
		err(1, "127.0.0.1 port %d", port);
	(void)snprintf(text, sizeof(text), "%u\n", ntohs(sin.sin_port));
	if (snprintf(path, sizeof(path), "%s/port", dir) >= (int)sizeof(path))
		errx(1, "%s: the path is too long", dir);
	write_file(path, text, 0644);
	return (s);
}

/* Reads what comes next; 0 at the end of the connection. */
static int
more(struct tls *tls)
{
	uint8_t	*p;
	ssize_t	 n;
	size_t	 room;

	if ((p = buf_reserve(&in, PIECE, &room)) == NULL)
		return (0);
	do
		n = tls_read(tls, p, room);
	while (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT);
	buf_commit(&in, n > 0 ? n : 0);
	return (n > 0);
}

static int
send_all(struct tls *tls, const void *data, size_t len)
{
	const uint8_t	*p = data;
	ssize_t		 n;

	while (len > 0) {
		n = tls_write(tls, p, len);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			continue;
		if (n <= 0)
			return (0);
		p += n;
		len -= n;
	}
	return (1);
}

static void
put_json(FILE *fp, const char *s, size_t len)
{
	size_t	 i;

	fputc('"', fp);
	for (i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			fputc('\\', fp);
		if ((unsigned char)s[i] < ' ' || (unsigned char)s[i] >= 0x7f)
			fprintf(fp, "\\u%04x", (unsigned char)s[i]);
		else
			fputc(s[i], fp);
	}
	fputc('"', fp);
}

/* One write a line, so that connections do not mix theirs. */
static void
note(const struct http_head *h)
{
	char		*text = NULL;
	size_t		 len = 0;
	unsigned int	 i;
	FILE		*fp;

	if ((fp = open_memstream(&text, &len)) == NULL)
		err(1, "a note");
	fputs("{\"method\":", fp);
	put_json(fp, HTTP_PTR(h, h->method_name), h->method_name.len);
	fputs(",\"target\":", fp);
	put_json(fp, HTTP_PTR(h, h->target), h->target.len);
	fputs(",\"headers\":[", fp);
	for (i = 0; i < h->nfields; i++) {
		fputs(i > 0 ? ",[" : "[", fp);
		put_json(fp, HTTP_PTR(h, h->fields[i].name),
		    h->fields[i].name.len);
		fputc(',', fp);
		put_json(fp, HTTP_PTR(h, h->fields[i].value),
		    h->fields[i].value.len);
		fputc(']', fp);
	}
	fputs("]}\n", fp);
	if (fclose(fp) != 0 || write(seen_fd, text, len) != (ssize_t)len)
		err(1, "seen");
	free(text);
}

static int
answer(struct tls *tls, const struct http_head *h)
{
	static const char	 body[] = "{\"hello\":\"from the upstream\"}\n";
	struct buf		 out;
	int			 ok;

	buf_init(&out, PIECE);
	ok = http_write_status(&out, 200, "OK", 2) == 0 &&
	    http_write_string(&out, "Content-Type", "application/json") == 0 &&
	    http_write_framing(&out, HTTP_BODY_LENGTH, sizeof(body) - 1) == 0;
	if (ok && !h->keepalive)
		ok = http_write_string(&out, "Connection", "close") == 0;
	ok = ok && http_write_end(&out) == 0;
	if (ok && h->method != HTTP_M_HEAD)
		ok = buf_add(&out, body, sizeof(body) - 1) == 0;
	ok = ok && send_all(tls, buf_data(&out), buf_len(&out));
	buf_clear(&out);
	return (ok);
}

static int
skip_body(struct tls *tls, struct http_head *h)
{
	struct http_body	 body;
	const uint8_t		*data;
	size_t			 len;
	ssize_t			 n;
	int			 ok;

	if (h->expect && !send_all(tls, "HTTP/1.1 100 Continue\r\n\r\n", 25))
		return (0);
	http_body_init(&body, h->framing, h->content_length, h->limits);
	while (body.state == HTTP_BODY_MORE) {
		n = http_body_decode(&body, buf_data(&in), buf_len(&in), &data,
		    &len);
		if (n == -1 || (n == 0 && !more(tls)))
			break;
		buf_drain(&in, n > 0 ? n : 0);
	}
	ok = body.state == HTTP_BODY_DONE;
	http_body_free(&body);
	return (ok);
}

/* Serves one request; 0 when the connection should end. */
static int
request(struct tls *tls)
{
	struct http_head	 h;
	enum http_rc		 rc;
	int			 ok;

	http_head_request(&h, &http_limits_default, fields);
	for (;;) {
		rc = buf_len(&in) == 0 ? HTTP_MORE :
		    http_parse(&h, (char *)buf_data(&in), buf_len(&in));
		if (rc == HTTP_DONE)
			break;
		if (rc == HTTP_ERROR || !more(tls))
			return (0);
	}
	note(&h);
	/* The head's bytes go before the body is read over them. */
	h.fields = NULL;
	h.nfields = 0;
	buf_drain(&in, h.length);
	ok = skip_body(tls, &h) && answer(tls, &h);
	return (ok && h.keepalive);
}

static void
serve(struct tls *server, struct tls *tls, int fd)
{
	int	 on = 1;

	alarm(IDLE_SECONDS);
	/* Session tickets in front of a small answer would delay it. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		warn("TCP_NODELAY");
	if (tls_accept_socket(server, &tls, fd) == -1)
		errx(1, "libtls: %s", tls_error(server));
	buf_init(&in, HTTP_HEAD_SIZE(&http_limits_default) + PIECE);
	while (request(tls))
		alarm(IDLE_SECONDS);
	tls_close(tls);
	tls_free(tls);
}

int
main(int argc, char **argv)
{
	struct tls	*server;
	const char	*errstr = NULL;
	char		 path[1024];
	int		 ch, fd, port = 0, s;

	while ((ch = getopt(argc, argv, "p:")) != -1) {
		switch (ch) {
		case 'p':
			port = strtonum(optarg, 0, 65535, &errstr);
			if (errstr != NULL)
				errx(2, "port %s is %s", optarg, errstr);
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 1)
		usage();
	if (snprintf(path, sizeof(path), "%s/seen", argv[optind]) >=
	    (int)sizeof(path))
		errx(1, "%s: the path is too long", argv[optind]);
	seen_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (seen_fd == -1)
		err(1, "%s", path);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	server = make_server(argv[optind]);
	s = make_socket(argv[optind], port);
	for (;;) {
		if ((fd = accept(s, NULL, NULL)) == -1) {
			if (errno != EINTR && errno != ECONNABORTED)
				err(1, "accept");
			continue;
		}
		if (fork() == 0) {
			/* The port is free when the parent has gone. */
			close(s);
			serve(server, NULL, fd);
			_exit(0);
		}
		close(fd);
	}
}
