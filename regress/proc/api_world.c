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
#include <sys/un.h>

#include <netinet/in.h>
#include <arpa/inet.h>

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_world.h"
#include "codes.h"

#define ANSWER_MAX	(16 * 1024 * 1024)

static void	bind_from(int, int);
static void	keep_little(int, int);
static void	listen_local(struct api_world *);
static void	listen_tcp(struct api_world *);
static void	configure(struct api_world *);
static int	readable(int, int);
static ssize_t	read_head(int, char *);
static int	read_body(int, char *, size_t);

static void
listen_local(struct api_world *w)
{
	struct sockaddr_un	 sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)snprintf(w->path, sizeof(w->path), "%s/sock", w->dir);
	assert_true(strlcpy(sun.sun_path, w->path, sizeof(sun.sun_path)) <
	    sizeof(sun.sun_path));
	w->lfd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->lfd, (struct sockaddr *)&sun, sizeof(sun)),
	    0);
	assert_int_equal(listen(w->lfd, 128), 0);
}

static void
listen_tcp(struct api_world *w)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->lfd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->lfd, (struct sockaddr *)&sin, sizeof(sin)),
	    0);
	assert_int_equal(listen(w->lfd, 128), 0);
	assert_int_equal(getsockname(w->lfd, (struct sockaddr *)&sin, &len),
	    0);
	w->port = ntohs(sin.sin_port);
}

static void
configure(struct api_world *w)
{
	struct play		*p = &w->api.parent;
	struct msg_conf_start	 start = { 1 };
	struct msg_conf_end	 end = { 1 };
	struct msg_conf_activate act = { 1 };
	struct msg_conf_http	 http;

	memset(&http, 0, sizeof(http));
	http.request_line = 8192;
	http.headers = 50;
	http.header_bytes = 16384;
	http.proxy_port = 14322;
	http.av_addr = "http://127.0.0.1:14321";
	play_send(p, MSG_CONF_START, &start);
	play_send(p, MSG_CONF_HTTP, &http);
	play_send(p, MSG_CONF_END, &end);
	(void)play_recv(&w->api, p, MSG_CONF_READY);
	play_send(p, MSG_CONF_ACTIVATE, &act);
}

void
api_new(struct api_world *w, enum proc proc)
{
	api_new_from(w, API_PROG, proc);
}

void
api_new_from(struct api_world *w, const char *prog, enum proc proc)
{
	struct msg_listener	 l = { 1, LISTENER_API };
	struct msg_start	 s = { 0 };
	const char		*tmp = getenv("TMPDIR");

	memset(w, 0, sizeof(*w));
	(void)snprintf(w->dir, sizeof(w->dir), "%s/api.XXXXXXXX",
	    tmp == NULL || strlen(tmp) > 40 ? "/tmp" : tmp);
	assert_non_null(mkdtemp(w->dir));
	play_start(&w->api, prog, proc);
	configure(w);
	play_link(&w->api, &w->keyd, PROC_KEYD, 0, 10);
	play_link(&w->api, &w->logd, PROC_LOGD, 0, 20);
	if (proc == PROC_API_LOCAL)
		listen_local(w);
	else
		listen_tcp(w);
	play_send_fd(&w->api.parent, MSG_LISTENER, &l, dup(w->lfd));
	play_send(&w->api.parent, MSG_START, &s);
	(void)play_recv(&w->api, &w->api.parent, MSG_READY);
}

int
api_end(struct api_world *w)
{
	int	 rc;

	rc = play_stop(&w->api);
	play_close(&w->keyd);
	play_close(&w->logd);
	close(w->lfd);
	if (w->path[0] != '\0')
		(void)unlink(w->path);
	(void)rmdir(w->dir);
	return (rc);
}

/* Not every system has these addresses by itself. */
static void
bind_from(int fd, int last)
{
	struct sockaddr_in	 sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		skip();
}

/* The listener's buffer is that of whom it accepts. */
static void
keep_little(int lfd, int fd)
{
	const int	 len = 4096;

	assert_int_equal(setsockopt(lfd, SOL_SOCKET, SO_SNDBUF, &len,
	    sizeof(len)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &len,
	    sizeof(len)), 0);
}

int
http_try(struct api_world *w)
{
	struct sockaddr_un	 sun;
	struct sockaddr_in	 sin;
	struct timeval		 tv = { PLAY_MS / 1000, 0 };
	int			 fd, rc;

	if (w->port == 0) {
		memset(&sun, 0, sizeof(sun));
		sun.sun_family = AF_UNIX;
		(void)strlcpy(sun.sun_path, w->path, sizeof(sun.sun_path));
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	} else {
		memset(&sin, 0, sizeof(sin));
		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sin.sin_port = htons(w->port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (w->from != 0)
			bind_from(fd, w->from);
		if (w->small)
			keep_little(w->lfd, fd);
		rc = connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	}
	if (rc == -1) {
		close(fd);
		return (-1);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	return (fd);
}

int
http_open(struct api_world *w)
{
	int	 fd;

	fd = http_try(w);
	assert_int_not_equal(fd, -1);
	return (fd);
}

/* A server that has closed is seen by reading. */
void
http_write(int fd, const void *data, size_t len)
{
	const char	*p = data;
	ssize_t		 n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return;
		p += n;
		len -= n;
	}
}

void
http_put(int fd, const char *s)
{
	http_write(fd, s, strlen(s));
}

static int
readable(int fd, int ms)
{
	struct pollfd	 pfd = { fd, POLLIN, 0 };

	return (poll(&pfd, 1, ms) == 1);
}

/* Byte by byte: what follows it is another answer's.  Its length, or -1. */
static ssize_t
read_head(int fd, char *all)
{
	size_t	 n = 0;

	do {
		assert_true(n < ANSWER_MAX - 1);
		if (!readable(fd, 4 * PLAY_MS))
			fail_msg("no answer");
		if (read(fd, all + n, 1) != 1)
			return (-1);
		all[++n] = '\0';
	} while (n < 4 || strcmp(all + n - 4, "\r\n\r\n") != 0);
	return (n);
}

static int
read_body(int fd, char *to, size_t len)
{
	size_t	 n;
	ssize_t	 got;

	for (n = 0; n < len; n += got) {
		if (!readable(fd, 4 * PLAY_MS))
			fail_msg("the answer does not go on");
		if ((got = read(fd, to + n, len - n)) <= 0)
			return (-1);
	}
	to[len] = '\0';
	return (0);
}

int
http_answer(int fd, int head_only, struct answer *a)
{
	ssize_t	 n;
	char	*cl;

	memset(a, 0, sizeof(*a));
	a->all = a->head = malloc(ANSWER_MAX);
	assert_non_null(a->all);
	if ((n = read_head(fd, a->all)) == -1) {
		http_free(a);
		return (-1);
	}
	assert_int_equal(sscanf(a->all, "HTTP/1.1 %d", &a->status), 1);
	cl = strstr(a->all, "Content-Length: ");
	if (cl != NULL && !head_only)
		a->len = strtoul(cl + 16, NULL, 10);
	assert_true(a->len < (size_t)(ANSWER_MAX - n));
	/* The head's end stays behind it, and the body is a string too. */
	a->body = a->all + n;
	if (read_body(fd, a->body, a->len) == -1) {
		http_free(a);
		return (-1);
	}
	return (0);
}

void
http_free(struct answer *a)
{
	free(a->all);
	memset(a, 0, sizeof(*a));
}

int
http_closed(int fd, int ms)
{
	char	 buf[4096];

	while (readable(fd, ms)) {
		if (read(fd, buf, sizeof(buf)) <= 0)
			return (1);
	}
	return (0);
}

void
http_ask(int fd, const char *method, const char *path, const char *token,
    const char *body)
{
	char	 head[1024];

	(void)snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: x\r\n"
	    "%s%s%sContent-Length: %zu\r\n\r\n", method, path,
	    token == NULL ? "" : "Authorization: Bearer ",
	    token == NULL ? "" : token, token == NULL ? "" : "\r\n",
	    body == NULL ? (size_t)0 : strlen(body));
	http_put(fd, head);
	if (body != NULL)
		http_put(fd, body);
}

void
http_expect(int fd, int status, struct answer *a)
{
	if (http_answer(fd, 0, a) == -1)
		fail_msg("closed, but %d was to come", status);
	if (a->status != status)
		fail_msg("%d was to come, but: %s", status, a->all);
}

void
keyd_initialized(struct api_world *w, int yes)
{
	struct msg_ca	 ca;

	memset(&ca, 0, sizeof(ca));
	ca.id = play_recv(&w->api, &w->keyd, MSG_GET_CA)->get_ca.id;
	ca.status = 200;
	ca.initialized = yes;
	ca.pem.data = (const uint8_t *)"PEM\n";
	ca.pem.len = 4;
	play_send(&w->keyd, MSG_CA, &ca);
}

void
keyd_knows(struct api_world *w, const char *token, int status,
    uint64_t caller)
{
	struct msg_caller	*q;
	struct msg_who		 a;

	q = &play_recv(&w->api, &w->keyd, MSG_CALLER)->caller;
	if (token != NULL)
		assert_string_equal(q->token, token);
	if (w->port == 0) {
		assert_int_equal(q->uid, getuid());
		assert_int_equal(q->client.af, 0);
	} else
		assert_int_equal(q->client.af, 4);
	memset(&a, 0, sizeof(a));
	a.id = q->id;
	a.status = status;
	a.text = status == 200 ? "" : "no such token";
	a.caller = caller;
	a.actor_type = q->token[0] == '\0' ? ACTOR_LOCAL : ACTOR_AGENT;
	a.actor = "local:0";
	a.name = "somebody";
	a.role = IROLE_OWNER;
	play_send(&w->keyd, MSG_WHO, &a);
}

void
keyd_done(struct api_world *w, uint32_t id, int status,
    const struct rec_desc *desc, const void *rec)
{
	struct msg_done	 d;

	memset(&d, 0, sizeof(d));
	d.id = id;
	d.status = status;
	d.code = status >= 400 ? "refused" : "";
	d.text = status >= 400 ? "keyd says no" : "";
	if (desc != NULL)
		assert_int_equal(rec_to_blob(desc, rec, &d.result), 0);
	play_send(&w->keyd, MSG_DONE, &d);
	if (desc != NULL)
		msg_blob_free(&d.result);
}

void
keyd_objects(struct api_world *w, uint32_t id, uint64_t cursor,
    const struct rec_desc *desc, const void *recs, size_t size, uint32_t n)
{
	struct rec_object	*o;
	struct msg_objects	 m;
	uint32_t		 i;

	o = calloc(n + 1, sizeof(*o));
	assert_non_null(o);
	for (i = 0; i < n; i++)
		assert_int_equal(rec_to_blob(desc,
		    (const char *)recs + i * size, &o[i].body), 0);
	memset(&m, 0, sizeof(m));
	m.id = id;
	m.status = 200;
	m.cursor = cursor;
	m.objects = o;
	m.objects_n = n;
	play_send(&w->keyd, MSG_OBJECTS, &m);
	for (i = 0; i < n; i++)
		msg_blob_free(&o[i].body);
	free(o);
}

int
http_known(struct api_world *w, const char *token)
{
	struct answer	 a;
	int		 fd;

	fd = http_open(w);
	http_ask(fd, "GET", "/v1/auth/me", token, NULL);
	if (play_peek(&w->api, &w->keyd, PLAY_MS) == MSG_GET_CA)
		keyd_initialized(w, 1);
	keyd_knows(w, token == NULL ? "" : token, 200, 77);
	http_expect(fd, 200, &a);
	http_free(&a);
	return (fd);
}

void
logd_rows(struct api_world *w, uint32_t id, uint64_t newest, int n, size_t len)
{
	static char		 path[LOGD_PATH];
	static struct rec_row	 row[LOGD_ROWS];
	struct msg_rows		 m = { id, row, n };
	int			 i;

	assert_true(n <= LOGD_ROWS && len < sizeof(path));
	memset(path, 'p', len);
	path[len] = '\0';
	memset(row, 0, sizeof(row));
	for (i = 0; i < n; i++) {
		row[i].id = newest - i;
		row[i].path = path;
	}
	play_send(&w->logd, MSG_ROWS, &m);
}

void
logd_rows_end(struct api_world *w, uint32_t id, uint64_t latest)
{
	struct msg_rows_end	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.status = 200;
	m.latest_id = latest;
	play_send(&w->logd, MSG_ROWS_END, &m);
}
