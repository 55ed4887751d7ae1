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

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "caller.h"
#include "client.h"
#include "conn.h"
#include "export.h"
#include "listen.h"
#include "log.h"
#include "reply.h"
#include "request.h"
#include "stream.h"

TAILQ_HEAD(clients, client);

/* In the order in which they were accepted or last answered. */
static struct clients	 clients = TAILQ_HEAD_INITIALIZER(clients);
static unsigned int	 nclients;
static size_t		 held;

static void	client_free(struct client *);
static void	client_drop(struct client *);
static void	client_next(struct client *);
static void	client_feed(struct client *);
static void	client_feed_file(struct client *);
static void	client_let_go(struct client *);
static void	client_hold(struct client *);
static void	client_answered(struct client *, size_t);
static void	read_head(struct client *);
static void	read_body(struct client *);
static void	on_read(struct conn *, void *);
static void	on_write(struct conn *, void *);
static void	on_eof(struct conn *, enum conn_eof, void *);
static void	on_error(struct conn *, enum conn_error, const char *, void *);
static void	on_timeout(struct conn *, enum conn_timer, void *);

static const struct conn_ops	 ops = {
	.read = on_read,
	.write = on_write,
	.eof = on_eof,
	.error = on_error,
	.timeout = on_timeout
};

int
client_new(int fd, enum listener_kind kind, uint32_t uid,
    const struct msg_addr *addr)
{
	struct client	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		goto fail;
	c->limits = api.conf.limits;
	c->fields = calloc(c->limits.fields, sizeof(c->fields[0]));
	if (c->fields == NULL || (c->conn = conn_new(fd, &ops, c)) == NULL)
		goto fail;
	c->file = -1;
	c->kind = kind;
	c->uid = uid;
	c->addr = *addr;
	buf_init(&c->content, CLIENT_BODY_MAX);
	http_head_request(&c->head, &c->limits, c->fields);
	TAILQ_INSERT_TAIL(&clients, c, entry);
	nclients++;
	conn_timer(c->conn, CONN_T_DEADLINE, CLIENT_FIRST_MS);
	conn_resume(c->conn);
	return (0);
 fail:
	log_warn("client");
	close(fd);
	if (c != NULL)
		free(c->fields);
	free(c);
	return (-1);
}

/* All but the connection. */
static void
client_free(struct client *c)
{
	request_free(c->req);
	caller_end(c);
	http_body_free(&c->body);
	buf_clear(&c->content);
	client_let_go(c);
	if (c->file != -1)
		close(c->file);
	free(c->fields);
	TAILQ_REMOVE(&clients, c, entry);
	nclients--;
	freezero(c, sizeof(*c));
	listen_go_on();
}

/* At once, without a word. */
static void
client_drop(struct client *c)
{
	conn_free(c->conn);
	client_free(c);
}

unsigned int
client_count(void)
{
	return (nclients);
}

unsigned int
client_count_like(enum listener_kind kind, uint32_t uid,
    const struct msg_addr *addr)
{
	const size_t	 len = addr->af == 6 ? 8 : sizeof(addr->ip);
	struct client	*c;
	unsigned int	 n = 0;

	TAILQ_FOREACH(c, &clients, entry)
		n += c->kind == kind && c->uid == uid &&
		    c->addr.af == addr->af &&
		    memcmp(c->addr.ip, addr->ip, len) == 0;
	return (n);
}

/*
 * Being idle costs nothing, so that a few requests a second would do to hold
 * every place.  What is not written yet is an answer, and not dropped.
 */
int
client_make_room(void)
{
	struct client	*c;

	TAILQ_FOREACH(c, &clients, entry) {
		if (c->state == CLIENT_IDLE && c->served > 0 &&
		    buf_len(conn_out(c->conn)) == 0) {
			api.counters.idle_closed++;
			client_drop(c);
			return (1);
		}
	}
	return (0);
}

void
client_close_idle(void)
{
	struct client	*c, *next;

	TAILQ_FOREACH_SAFE(c, &clients, entry, next) {
		if (c->state == CLIENT_IDLE || c->state == CLIENT_HEAD) {
			conn_close(c->conn, CLIENT_LINGER_MS);
			client_free(c);
		}
	}
}

/* Ready for the next request. */
static void
client_next(struct client *c)
{
	http_body_free(&c->body);
	buf_clear(&c->content);
	http_head_request(&c->head, &c->limits, c->fields);
	c->state = CLIENT_IDLE;
	TAILQ_REMOVE(&clients, c, entry);
	TAILQ_INSERT_TAIL(&clients, c, entry);
	conn_timer(c->conn, CONN_T_DEADLINE, CLIENT_IDLE_MS);
	conn_resume(c->conn);
}

static void
read_head(struct client *c)
{
	struct buf	*in = conn_in(c->conn);
	enum http_rc	 rc;

	if (c->state == CLIENT_IDLE) {
		c->state = CLIENT_HEAD;
		if (c->served > 0)
			conn_timer(c->conn, CONN_T_DEADLINE, CLIENT_HEAD_MS);
	}
	rc = http_parse(&c->head, (const char *)buf_data(in), buf_len(in));
	if (rc == HTTP_MORE)
		return;
	conn_pause(c->conn);
	conn_timer(c->conn, CONN_T_DEADLINE, 0);
	c->state = CLIENT_WORK;
	c->served++;
	c->req = request_new(c);
	if (rc == HTTP_ERROR) {
		api.counters.bad_requests++;
		c->keepalive = 0;
		reply_error(c->req, http_error_status(c->head.error),
		    "bad_request", "Bad request: %s",
		    http_error_text(c->head.error));
		return;
	}
	api.counters.requests++;
	c->keepalive = c->head.keepalive && !api.closing;
	http_body_init(&c->body, c->head.framing, c->head.content_length,
	    &c->limits);
	request_take(c->req, &c->head);
	buf_drain(in, c->head.length);
	request_begin(c->req);
}

void
client_read_body(struct client *c)
{
	static const char	 go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (c->body.state == HTTP_BODY_DONE) {
		request_ready(c->req, NULL, 0);
		return;
	}
	if (c->req->expect)
		(void)conn_write(c->conn, go_on, sizeof(go_on) - 1);
	c->state = CLIENT_BODY;
	conn_timer(c->conn, CONN_T_DEADLINE, CLIENT_BODY_MS);
	conn_resume(c->conn);
}

int
client_keeps(const struct client *c)
{
	return (c->keepalive && !api.closing &&
	    c->body.state == HTTP_BODY_DONE);
}

static void
read_body(struct client *c)
{
	struct buf	*in = conn_in(c->conn);
	const uint8_t	*data;
	size_t		 len;
	ssize_t		 n;

	while (buf_len(in) > 0 && c->body.state == HTTP_BODY_MORE) {
		n = http_body_decode(&c->body, buf_data(in), buf_len(in),
		    &data, &len);
		if (n == -1)
			break;
		if (len > 0 && (buf_len(&c->content) + len >
		    c->req->body_max || buf_add(&c->content, data, len) ==
		    -1)) {
			conn_pause(c->conn);
			reply_too_large(c->req);
			return;
		}
		buf_drain(in, n);
	}
	if (c->body.state == HTTP_BODY_MORE)
		return;
	conn_pause(c->conn);
	conn_timer(c->conn, CONN_T_DEADLINE, 0);
	c->state = CLIENT_WORK;
	if (c->body.state == HTTP_BODY_ERROR) {
		api.counters.bad_requests++;
		reply_error(c->req, http_error_status(c->body.error),
		    "bad_request", "Bad request: %s",
		    http_error_text(c->body.error));
		return;
	}
	request_ready(c->req, buf_data(&c->content), buf_len(&c->content));
}

static void
on_read(struct conn *conn, void *arg)
{
	struct client	*c = arg;

	switch (c->state) {
	case CLIENT_IDLE:
	case CLIENT_HEAD:
		if (buf_len(conn_in(conn)) > 0)
			read_head(c);
		break;
	case CLIENT_BODY:
		read_body(c);
		break;
	case CLIENT_STREAM:
		/* It would keep who does not read from being idle. */
		if (buf_len(conn_in(conn)) > 0)
			client_drop(c);
		break;
	case CLIENT_WORK:
	case CLIENT_ANSWER:
		/* The next request waits. */
		conn_pause(conn);
		break;
	}
}

size_t
client_held(void)
{
	return (held);
}

static void
client_let_go(struct client *c)
{
	if (c->out == NULL)
		return;
	held -= c->outlen;
	json_text_free(c->out);
	c->out = NULL;
}

/* The clients are in the order in which their answers began. */
static void
client_hold(struct client *c)
{
	struct client	*o, *next;

	if (c->out == NULL)
		return;
	TAILQ_REMOVE(&clients, c, entry);
	TAILQ_INSERT_TAIL(&clients, c, entry);
	held += c->outlen;
	for (o = TAILQ_FIRST(&clients); o != c && held > CLIENT_HELD_MAX;
	    o = next) {
		next = TAILQ_NEXT(o, entry);
		if (o->out == NULL)
			continue;
		api.counters.answers_cut++;
		client_drop(o);
	}
}

void
client_watch(struct client *c)
{
	if (c->state == CLIENT_WORK)
		conn_resume(c->conn);
}

void
client_answer(struct client *c, char *body, size_t len)
{
	c->keepalive = client_keeps(c);
	conn_pause(c->conn);
	c->state = CLIENT_ANSWER;
	c->out = body;
	c->outlen = body == NULL ? 0 : len;
	c->outoff = 0;
	conn_timer(c->conn, CONN_T_DEADLINE, CLIENT_ANSWER_MS);
	client_hold(c);
	client_feed(c);
}

/*
 * As much as the connection takes; the rest, and the next request, when it
 * has written some.
 */
static void
client_feed(struct client *c)
{
	size_t	 n;

	for (;;) {
		if (conn_full(c->conn))
			return;
		if ((n = c->outlen - c->outoff) == 0)
			break;
		if (n > CONN_LOW)
			n = CONN_LOW;
		if (conn_write(c->conn, c->out + c->outoff, n) == -1) {
			client_drop(c);
			return;
		}
		c->outoff += n;
	}
	client_let_go(c);
	client_answered(c, c->outlen);
}

/* What is left of it is in the connection's output. */
static void
client_answered(struct client *c, size_t len)
{
	if (c->keepalive) {
		client_next(c);
		return;
	}
	conn_close(c->conn, len > CONN_LOW ? CLIENT_ANSWER_MS :
	    CLIENT_LINGER_MS);
	client_free(c);
}

void
client_answer_file(struct client *c, int fd, uint64_t len)
{
	c->keepalive = client_keeps(c);
	conn_pause(c->conn);
	c->state = CLIENT_ANSWER;
	c->file = fd;
	c->filelen = len;
	c->fileoff = 0;
	client_feed_file(c);
}

/* A file that is shorter than was announced ends in the middle. */
static void
client_feed_file(struct client *c)
{
	static uint8_t	 piece[CONN_LOW];
	uint64_t	 left;
	ssize_t		 n;

	conn_timer(c->conn, CONN_T_DEADLINE, CLIENT_ANSWER_MS);
	while ((left = c->filelen - c->fileoff) > 0) {
		if (conn_full(c->conn))
			return;
		n = pread(c->file, piece, left < sizeof(piece) ? left :
		    sizeof(piece), c->fileoff);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 || conn_write(c->conn, piece, n) == -1) {
			log_warnx("backup: the client does not get it all");
			client_drop(c);
			return;
		}
		c->fileoff += n;
	}
	close(c->file);
	c->file = -1;
	client_answered(c, CONN_LOW + 1);
}

void
client_stream(struct client *c, unsigned int ms)
{
	c->state = CLIENT_STREAM;
	conn_timer(c->conn, CONN_T_IDLE, ms);
	conn_resume(c->conn);
}

int
client_stream_write(struct client *c, const void *data, size_t len)
{
	struct buf	*out = conn_out(c->conn);
	const int	 chunked = c->head.version != 10;

	if ((chunked && http_write_chunk(out, len) == -1) ||
	    conn_write(c->conn, data, len) == -1 ||
	    (chunked && http_write_chunk_end(out) == -1)) {
		client_drop(c);
		return (-1);
	}
	return (0);
}

void
client_stream_end(struct client *c)
{
	const size_t	 left = buf_len(conn_out(c->conn));

	if (c->head.version != 10)
		(void)http_write_last_chunk(conn_out(c->conn), NULL, 0);
	/* Behind what is left here much may wait in the kernel's buffers. */
	client_answered(c, c->req->export != NULL ? CONN_LOW + 1 : left);
}

int
client_streams(const struct client *c)
{
	return (c->state == CLIENT_STREAM);
}

void
client_cut(struct client *c)
{
	client_drop(c);
}

static void
on_write(struct conn *conn, void *arg)
{
	struct client	*c = arg;

	if (c->state == CLIENT_STREAM) {
		if (c->req->export != NULL)
			export_feed(c->req->export);
		else
			stream_feed(c->req->reader);
		return;
	}
	if (c->state != CLIENT_ANSWER)
		return;
	if (c->file != -1)
		client_feed_file(c);
	else
		client_feed(c);
}

/* It asks no more, but may still be reading the last answer. */
static void
on_eof(struct conn *conn, enum conn_eof how, void *arg)
{
	struct client	*c = arg;

	if (c->state != CLIENT_IDLE || how != CONN_EOF_CLEAN) {
		client_drop(c);
		return;
	}
	conn_close(conn, CLIENT_ANSWER_MS);
	client_free(c);
}

static void
on_error(struct conn *conn, enum conn_error e, const char *text, void *arg)
{
	client_drop(arg);
}

static void
on_timeout(struct conn *conn, enum conn_timer t, void *arg)
{
	struct client	*c = arg;

	api.counters.timeouts++;
	switch (c->state) {
	case CLIENT_HEAD:
		c->req = request_new(c);
		/* FALLTHROUGH */
	case CLIENT_BODY:
		conn_pause(conn);
		c->keepalive = 0;
		reply_error(c->req, 408, "timeout",
		    "The request did not come in time");
		break;
	case CLIENT_IDLE:
	case CLIENT_WORK:
	case CLIENT_ANSWER:
		client_drop(c);
		break;
	case CLIENT_STREAM:
		if (c->req != NULL && c->req->export != NULL)
			export_cut(c->req->export, "its client takes nothing");
		else
			client_drop(c);
		break;
	}
}
