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

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "buf.h"
#include "client.h"
#include "http.h"
#include "wire.h"

#define PIECE	(16 * 1024)	/* read at once */

struct client {
	const struct target	*target;
	struct tls_config	*config;
	struct wire		 wire;
	struct buf		 in;
	struct http_head	 head;
	struct http_field	 fields[HTTP_LIMIT_FIELDS];
	int			 sink;		/* for the body, or -1 */
	const struct client_stream *stream;	/* or NULL */
	char			 error[640];
};

static struct tls_config *client_config(const struct target *);
static int	client_try(struct client *, const char *, const char *,
		    const char *, struct answer *);
static int	client_request(struct client *, const char *, const char *,
		    const char *);
static int	client_head(struct client *, const char *, const char *,
		    size_t, struct buf *);
static int	client_head_stream(const struct client_stream *, struct buf *);
static int	client_answer(struct client *, const char *, struct answer *);
static int	client_read_head(struct client *, enum http_method);
static int	client_body(struct client *, struct answer *);
static void	client_watch(struct client *, const struct client_stream *);
static int	client_take(struct client *, struct answer *, const uint8_t *,
		    size_t);
static int	client_decode(struct client *, struct http_body *,
		    struct answer *);
static int	client_more(struct client *);
static int	client_fail(struct client *, const char *);
static int	answer_add(struct client *, struct answer *, const uint8_t *,
		    size_t);
static int	answer_write(struct client *, struct answer *,
		    const uint8_t *, size_t);
static void	answer_fields(const struct http_head *, struct answer *);
static int	field(const struct http_head *, const char *, char *, size_t);

struct client *
client_new(const struct target *target)
{
	struct client	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, NULL);
	c->target = target;
	c->sink = -1;
	wire_init(&c->wire);
	buf_init(&c->in, HTTP_HEAD_SIZE(&http_limits_default) + PIECE);
	if (target->tls)
		c->config = client_config(target);
	return (c);
}

static struct tls_config *
client_config(const struct target *target)
{
	struct tls_config	*config;
	const char		*file = target->cafile;

	if ((config = tls_config_new()) == NULL)
		errx(1, "TLS: out of memory");
	if (file == NULL)
		file = tls_default_ca_cert_file();
	if (tls_config_set_alpn(config, "http/1.1") == -1)
		errx(1, "TLS: %s", tls_config_error(config));
	if (tls_config_set_ca_file(config, file) == -1)
		errx(1, "%s: the certificate authorities cannot be read: %s",
		    file, tls_config_error(config));
	return (config);
}

int
client_call(struct client *c, const char *method, const char *path,
    const char *body, struct answer *answer)
{
	wire_deadline(&c->wire, CLIENT_TIMEOUT);
	return (client_try(c, method, path, body, answer));
}

int
client_download(struct client *c, const char *path, int fd,
    struct answer *answer)
{
	int	rv;

	wire_deadline(&c->wire, CLIENT_FILE);
	c->sink = fd;
	rv = client_try(c, "GET", path, NULL, answer);
	c->sink = -1;
	return (rv);
}

int
client_stream(struct client *c, const char *path,
    const struct client_stream *stream, struct answer *answer)
{
	int	rv;

	/* One that has been idle may be closed by now. */
	wire_close(&c->wire);
	buf_clear(&c->in);
	client_watch(c, stream);
	wire_deadline(&c->wire, CLIENT_TIMEOUT);
	rv = client_try(c, "GET", path, NULL, answer);
	client_watch(c, NULL);
	return (rv);
}

int
client_pause(struct client *c, const struct client_stream *stream, int ms)
{
	int	rv;

	wire_close(&c->wire);
	client_watch(c, stream);
	rv = wire_pause(&c->wire, ms);
	client_watch(c, NULL);
	return (rv);
}

static void
client_watch(struct client *c, const struct client_stream *stream)
{
	c->stream = stream;
	c->wire.stop = stream == NULL ? NULL : stream->stop;
	if (stream != NULL)
		c->wire.signals = stream->signals;
}

static int
client_try(struct client *c, const char *method, const char *path,
    const char *body, struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	if ((c->wire.fd == -1 &&
	    wire_connect(&c->wire, c->target, c->config) == -1) ||
	    client_request(c, method, path, body) == -1) {
		wire_close(&c->wire);
		return (-1);
	}
	if (client_answer(c, method, answer) == -1) {
		answer_free(answer);
		wire_close(&c->wire);
		return (-1);
	}
	return (0);
}

const char *
client_error(const struct client *c)
{
	return (*c->error != '\0' ? c->error : c->wire.error);
}

static int
client_request(struct client *c, const char *method, const char *path,
    const char *body)
{
	struct buf	head;
	size_t		length = body == NULL ? 0 : strlen(body);
	int		rv = -1;

	*c->error = '\0';
	buf_init(&head, HTTP_LIMIT_HEAD);
	if (client_head(c, method, path, length, &head) == -1) {
		client_fail(c, errno == EINVAL ?
		    "the token or a name has bytes that HTTP cannot carry" :
		    "the request is too long");
		errno = 0;
	} else if (wire_write(&c->wire, buf_data(&head),
	    buf_len(&head)) == 0)
		rv = wire_write(&c->wire, body, length);
	buf_clear(&head);
	return (rv);
}

static int
client_head(struct client *c, const char *method, const char *path,
    size_t length, struct buf *out)
{
	char	value[512];
	int	n, rv = -1;

	if (http_write_request(out, method, strlen(method), path,
	    strlen(path)) == -1 || http_write_string(out, "Host",
	    c->target->socket != NULL ? "localhost" :
	    c->target->authority) == -1 ||
	    http_write_string(out, "User-Agent", "brokerctl") == -1)
		return (-1);
	if (c->stream != NULL && client_head_stream(c->stream, out) == -1)
		return (-1);
	if (length > 0 && (http_write_string(out, "Content-Type",
	    "application/json") == -1 ||
	    http_write_framing(out, HTTP_BODY_LENGTH, length) == -1))
		return (-1);
	if (c->target->token != NULL) {
		n = snprintf(value, sizeof(value), "Bearer %s",
		    c->target->token);
		if (n < 0 || (size_t)n >= sizeof(value))
			errno = EMSGSIZE;
		else
			rv = http_write_string(out, "Authorization", value);
		explicit_bzero(value, sizeof(value));
		if (rv == -1)
			return (-1);
	}
	return (http_write_end(out));
}

static int
client_head_stream(const struct client_stream *stream, struct buf *out)
{
	char	id[32];

	if (http_write_string(out, "Accept", "text/event-stream") == -1)
		return (-1);
	if (stream->last == -1)
		return (0);
	snprintf(id, sizeof(id), "%" PRId64, stream->last);
	return (http_write_string(out, "Last-Event-ID", id));
}

/* The final answer; 1xx ones before it say nothing here. */
static int
client_answer(struct client *c, const char *method, struct answer *answer)
{
	enum http_method	m = http_method(method, strlen(method));

	do {
		if (client_read_head(c, m) == -1)
			return (-1);
		answer->status = c->head.status;
		answer_fields(&c->head, answer);
		if (answer->status == 101)
			return (client_fail(c, "the answer is not HTTP/1.1"));
		if (client_body(c, answer) == -1)
			return (-1);
	} while (answer->status < 200);
	if (!c->head.keepalive || buf_len(&c->in) > 0) {
		wire_close(&c->wire);
		buf_clear(&c->in);
	}
	return (0);
}

/* Leaves what is behind the head in the buffer. */
static int
client_read_head(struct client *c, enum http_method method)
{
	enum http_rc	rc;

	http_head_response(&c->head, &http_limits_default, c->fields, method);
	for (;;) {
		rc = HTTP_MORE;
		if (buf_len(&c->in) > 0)
			rc = http_parse(&c->head,
			    (const char *)buf_data(&c->in), buf_len(&c->in));
		if (rc == HTTP_DONE)
			return (0);
		if (rc == HTTP_ERROR)
			return (client_fail(c,
			    http_error_text(c->head.error)));
		switch (client_more(c)) {
		case -1:
			return (-1);
		case 0:
			return (client_fail(c, "it closed the connection "
			    "without an answer"));
		}
	}
}

static int
client_body(struct client *c, struct answer *answer)
{
	struct http_body	 body;
	int			 rv;

	http_body_init(&body, c->head.framing, c->head.content_length,
	    &http_limits_default);
	buf_drain(&c->in, c->head.length);
	rv = client_decode(c, &body, answer);
	http_body_free(&body);
	return (rv);
}

static int
client_decode(struct client *c, struct http_body *body,
    struct answer *answer)
{
	const uint8_t	*data;
	size_t		 n;
	ssize_t		 used;

	while (body->state == HTTP_BODY_MORE) {
		if (buf_len(&c->in) == 0) {
			switch (client_more(c)) {
			case -1:
				return (-1);
			case 0:
				(void)http_body_eof(body);
				continue;
			}
		}
		used = http_body_decode(body, buf_data(&c->in),
		    buf_len(&c->in), &data, &n);
		if (used == -1)
			break;
		if (client_take(c, answer, data, n) == -1)
			return (-1);
		if (c->stream != NULL && c->stream->stop != NULL &&
		    *c->stream->stop)
			return (client_fail(c, "stopped"));
		buf_drain(&c->in, (size_t)used);
	}
	if (body->state != HTTP_BODY_DONE)
		return (client_fail(c, http_error_text(body->error)));
	if ((c->sink != -1 || c->stream != NULL) && answer->status == 200)
		return (0);
	/* So that it is a string also when it is empty. */
	return (answer_add(c, answer, NULL, 0));
}

static int
client_take(struct client *c, struct answer *answer, const uint8_t *data,
    size_t n)
{
	if (answer->status != 200)
		return (answer_add(c, answer, data, n));
	if (c->sink != -1)
		return (answer_write(c, answer, data, n));
	if (c->stream == NULL)
		return (answer_add(c, answer, data, n));
	if (n > 0 && c->stream->take(c->stream->arg, data, n) != 0)
		return (client_fail(c, "not wanted"));
	/* What passed while our own output waited is not the daemon's. */
	wire_deadline(&c->wire, CLIENT_STREAM);
	return (0);
}

/* More bytes into the buffer: how many, 0 at the end, or -1. */
static int
client_more(struct client *c)
{
	uint8_t	*p;
	size_t	 room;
	ssize_t	 n;

	if ((p = buf_reserve(&c->in, PIECE, &room)) == NULL)
		return (client_fail(c, strerror(errno)));
	n = wire_read(&c->wire, p, room);
	buf_commit(&c->in, n > 0 ? (size_t)n : 0);
	return ((int)n);
}

static int
client_fail(struct client *c, const char *why)
{
	snprintf(c->error, sizeof(c->error), "%s", why);
	errno = 0;
	return (-1);
}

static int
answer_add(struct client *c, struct answer *answer, const uint8_t *data,
    size_t n)
{
	char	*body;
	size_t	 size = answer->size;

	if (n > CLIENT_ANSWER - answer->length)
		return (client_fail(c, "the answer is too long"));
	if (size < answer->length + n + 1) {
		while (size < answer->length + n + 1)
			size = size == 0 ? PIECE : size * 2;
		if ((body = recallocarray(answer->body, answer->size, size,
		    1)) == NULL)
			return (client_fail(c, strerror(errno)));
		answer->body = body;
		answer->size = size;
	}
	if (n > 0)
		memcpy(answer->body + answer->length, data, n);
	answer->length += n;
	answer->body[answer->length] = '\0';
	return (0);
}

static int
answer_write(struct client *c, struct answer *answer, const uint8_t *data,
    size_t n)
{
	ssize_t	 w;

	answer->length += n;
	while (n > 0) {
		if ((w = write(c->sink, data, n)) == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return (client_fail(c, strerror(errno)));
		data += w;
		n -= w;
	}
	/* Whoever reads it may have been slow. */
	wire_deadline(&c->wire, CLIENT_TIMEOUT);
	return (0);
}

static int
field(const struct http_head *h, const char *name, char *to, size_t size)
{
	const struct http_field	*f;
	size_t			 i;

	if ((f = http_head_find(h, name, NULL)) == NULL ||
	    f->value.len >= size)
		return (-1);
	memcpy(to, HTTP_PTR(h, f->value), f->value.len);
	to[f->value.len] = '\0';
	for (i = 0; i < f->value.len; i++) {
		if (to[i] < ' ' || to[i] > '~')
			to[i] = '?';
	}
	return (0);
}

static void
answer_fields(const struct http_head *h, struct answer *answer)
{
	char	 digits[8];

	if (field(h, "x-mitm-port", digits, sizeof(digits)) == 0)
		answer->proxy_port = (unsigned int)strtonum(digits, 1, 65535,
		    NULL);
	if (field(h, "retry-after", digits, sizeof(digits)) == 0)
		answer->retry_after = (int)strtonum(digits, 0, INT_MAX, NULL);
	if (field(h, "content-type", answer->type,
	    sizeof(answer->type)) == -1)
		*answer->type = '\0';
	answer->type[strcspn(answer->type, "; \t")] = '\0';
	if (field(h, "x-trimmed", answer->trimmed,
	    sizeof(answer->trimmed)) == -1)
		*answer->trimmed = '\0';
}

void
answer_free(struct answer *answer)
{
	freezero(answer->body, answer->size);
	answer->body = NULL;
	answer->length = answer->size = 0;
}

int
client_peer(const struct client *c, uid_t *uid)
{
	gid_t	gid;

	if (c->target->socket == NULL || c->wire.fd == -1)
		return (-1);
	return (getpeereid(c->wire.fd, uid, &gid));
}

void
client_free(struct client *c)
{
	wire_close(&c->wire);
	buf_clear(&c->in);
	tls_config_free(c->config);
	free(c);
}
