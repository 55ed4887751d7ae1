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

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "stream.h"

#define CHUNK_FRAME	(HTTP_CHUNK_HEAD + 2)

static int	 sink_error(void);

void
body_source_init(struct body_source *s, struct conn *conn,
    enum http_framing framing, uint64_t length,
    const struct http_limits *limits)
{
	memset(s, 0, sizeof(*s));
	s->conn = conn;
	http_body_init(&s->body, framing, length, limits);
}

void
body_source_free(struct body_source *s)
{
	http_body_free(&s->body);
}

void
body_source_eof(struct body_source *s, enum conn_eof how)
{
	s->ended = 1 + how;
}

enum source_rc
body_source_next(struct body_source *s, const uint8_t **data, size_t *n)
{
	struct buf	*in;
	ssize_t		 used;

	in = conn_in(s->conn);
	while (s->piece == 0 && s->body.state == HTTP_BODY_MORE &&
	    buf_len(in) > 0) {
		used = http_body_decode(&s->body, buf_data(in), buf_len(in),
		    data, n);
		if (used == -1)
			break;
		s->piece = *n;
		buf_drain(in, used - s->piece);
	}
	if (s->piece > 0) {
		*data = buf_data(in);
		*n = s->piece;
		return (SOURCE_DATA);
	}
	/* An unclean end completes nothing, not even what ends with it. */
	if (s->body.state == HTTP_BODY_MORE && s->ended == 0)
		return (SOURCE_MORE);
	if (s->body.state == HTTP_BODY_MORE &&
	    (s->ended == 1 + CONN_EOF_TRUNCATED ||
	    http_body_eof(&s->body) == HTTP_BODY_ERROR))
		return (SOURCE_TRUNCATED);
	return (s->body.state == HTTP_BODY_DONE ? SOURCE_DONE :
	    SOURCE_MALFORMED);
}

void
body_source_used(struct body_source *s, size_t n)
{
	s->piece -= n;
	buf_drain(conn_in(s->conn), n);
}

void
body_sink_init(struct body_sink *s, struct conn *conn,
    enum http_framing framing, uint64_t length, int skip)
{
	s->conn = conn;
	s->framing = framing;
	s->left = length;
	s->skip = skip;
}

int
body_sink_full(const struct body_sink *s)
{
	return (s->conn != NULL && conn_full(s->conn));
}

/* A connection whose output is closed takes nothing, not even a chunk. */
static int
sink_error(void)
{
	if (errno == EMSGSIZE)
		errno = ENOMEM;
	return (-1);
}

ssize_t
body_sink_put(struct body_sink *s, const uint8_t *data, size_t n)
{
	struct buf	*out;
	size_t		 room;

	if (s->framing == HTTP_BODY_LENGTH && n > s->left) {
		errno = EMSGSIZE;
		return (-1);
	}
	if (s->conn == NULL || s->framing == HTTP_BODY_NONE)
		return (n);
	/* Nothing added, but it says whether output is closed. */
	if (conn_write(s->conn, NULL, 0) == -1)
		return (sink_error());
	out = conn_out(s->conn);
	room = buf_room(out);
	if (conn_full(s->conn) || room <= CHUNK_FRAME)
		return (0);
	if (n > room - CHUNK_FRAME)
		n = room - CHUNK_FRAME;
	if (s->framing == HTTP_BODY_CHUNKED) {
		if (http_write_chunk(out, n) == -1 ||
		    buf_add(out, data, n) == -1 ||
		    http_write_chunk_end(out) == -1)
			return (sink_error());
	} else if (buf_add(out, data, n) == -1)
		return (sink_error());
	if (s->framing == HTTP_BODY_LENGTH)
		s->left -= n;
	return (n);
}

int
body_sink_end(struct body_sink *s, const struct http_head *trailers)
{
	if (s->framing == HTTP_BODY_LENGTH && s->left > 0) {
		errno = EMSGSIZE;
		return (-1);
	}
	if (s->conn == NULL || s->framing != HTTP_BODY_CHUNKED)
		return (0);
	if (conn_write(s->conn, NULL, 0) == -1 ||
	    http_write_last_chunk(conn_out(s->conn), trailers,
	    s->skip) == -1)
		return (sink_error());
	return (0);
}
