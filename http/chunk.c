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

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "http.h"
#include "internal.h"

/*
 * The incremental body decoder, RFC 9112 section 7.1.  Payload is handed out
 * where it lies; only a trailer section is copied, since its fields must
 * outlive the caller's buffer.
 */

enum part {
	PART_SIZE,
	PART_EXT,
	PART_SIZE_LF,
	PART_DATA,
	PART_DATA_CR,
	PART_DATA_LF,
	PART_LAST,
	PART_LAST_LF,
	PART_TRAILER
};

#define SIZE_DIGITS	16

/*
 * Extensions mean nothing here, but each byte of one is work: they may not
 * outweigh the payload by more than this.
 */
#define EXT_SURPLUS	(16 * 1024)

struct http_trailer {
	struct http_head	 head;
	struct http_field	*fields;
	struct buf		 buf;
};

static int	 body_fail(struct http_body *, enum http_error);
static ssize_t	 body_data(struct http_body *, const uint8_t *, size_t,
		    const uint8_t **, size_t *);
static int	 chunk_size(struct http_body *, uint8_t);
static int	 chunk_size_end(struct http_body *);
static int	 chunk_ext(struct http_body *, uint8_t);
static int	 chunk_byte(struct http_body *, uint8_t);
static int	 expect_byte(struct http_body *, uint8_t, uint8_t, int,
		    enum http_error);
static struct http_trailer *trailer_new(const struct http_limits *);
static ssize_t	 trailer_feed(struct http_body *, const uint8_t *, size_t);

void
http_body_init(struct http_body *b, enum http_framing framing,
    uint64_t length, const struct http_limits *limits)
{
	memset(b, 0, sizeof(*b));
	b->framing = framing;
	b->limits = limits;
	b->part = framing == HTTP_BODY_CHUNKED ? PART_SIZE : PART_DATA;
	if (framing == HTTP_BODY_LENGTH)
		b->left = length;
	if (framing == HTTP_BODY_NONE ||
	    (framing == HTTP_BODY_LENGTH && length == 0))
		b->state = HTTP_BODY_DONE;
}

void
http_body_free(struct http_body *b)
{
	struct http_trailer	*t;

	if ((t = b->trailer) == NULL)
		return;
	buf_clear(&t->buf);
	free(t->fields);
	free(t);
	b->trailer = NULL;
}

const struct http_head *
http_body_trailers(const struct http_body *b)
{
	if (b->state != HTTP_BODY_DONE || b->trailer == NULL)
		return (NULL);
	return (&b->trailer->head);
}

enum http_body_state
http_body_eof(struct http_body *b)
{
	if (b->state != HTTP_BODY_MORE)
		return (b->state);
	if (b->framing == HTTP_BODY_EOF)
		b->state = HTTP_BODY_DONE;
	else
		body_fail(b, HTTP_E_TRUNCATED);
	return (b->state);
}

static int
body_fail(struct http_body *b, enum http_error error)
{
	b->state = HTTP_BODY_ERROR;
	b->error = error;
	return (-1);
}

ssize_t
http_body_decode(struct http_body *b, const uint8_t *in, size_t n,
    const uint8_t **data, size_t *datalen)
{
	ssize_t	 used;
	size_t	 i;

	*data = NULL;
	*datalen = 0;
	if (b->state == HTTP_BODY_ERROR)
		return (-1);
	for (i = 0; i < n && b->state == HTTP_BODY_MORE; ) {
		if (b->part == PART_DATA) {
			i += body_data(b, in + i, n - i, data, datalen);
			break;
		}
		if (b->part == PART_TRAILER) {
			used = trailer_feed(b, in + i, n - i);
			if (used == -1)
				return (-1);
			i += used;
		} else if (chunk_byte(b, in[i]) == -1)
			return (-1);
		else if (b->part != PART_TRAILER)
			i++;
	}
	return (i);
}

/* Payload, as much as this piece has; also where it ends. */
static ssize_t
body_data(struct http_body *b, const uint8_t *in, size_t n,
    const uint8_t **data, size_t *datalen)
{
	if (b->framing != HTTP_BODY_EOF) {
		if (n > b->left)
			n = b->left;
		b->left -= n;
		if (b->left == 0 && b->framing == HTTP_BODY_LENGTH)
			b->state = HTTP_BODY_DONE;
		else if (b->left == 0)
			b->part = PART_DATA_CR;
	}
	b->received += n;
	*data = in;
	*datalen = n;
	return (n);
}

/* One byte of framing.  PART_TRAILER is entered without consuming it. */
static int
chunk_byte(struct http_body *b, uint8_t c)
{
	switch (b->part) {
	case PART_SIZE:
		return (chunk_size(b, c));
	case PART_EXT:
		return (chunk_ext(b, c));
	case PART_SIZE_LF:
		if (c != '\n')
			return (body_fail(b, HTTP_E_BARE_CR));
		return (chunk_size_end(b));
	case PART_DATA_CR:
		return (expect_byte(b, c, '\r', PART_DATA_LF,
		    HTTP_E_CHUNK_END));
	case PART_DATA_LF:
		return (expect_byte(b, c, '\n', PART_SIZE, HTTP_E_CHUNK_END));
	case PART_LAST:
		b->part = c == '\r' ? PART_LAST_LF : PART_TRAILER;
		return (0);
	default:
		if (c != '\n')
			return (body_fail(b, HTTP_E_BARE_CR));
		b->state = HTTP_BODY_DONE;
		return (0);
	}
}

static int
expect_byte(struct http_body *b, uint8_t c, uint8_t want, int part,
    enum http_error error)
{
	if (c != want)
		return (body_fail(b, error));
	b->part = part;
	return (0);
}

/* Hexadecimal digits, at most 16 of them, then ";" or CR and nothing else. */
static int
chunk_size(struct http_body *b, uint8_t c)
{
	if ((HTTP_CLASS(c) & CLASS_HEX) != 0) {
		if (b->digits++ == SIZE_DIGITS)
			return (body_fail(b, HTTP_E_CHUNK_SIZE));
		b->left = b->left << 4 | ((c & 0x0f) + (c >> 6) * 9);
		return (0);
	}
	if (b->digits == 0 || b->left > INT64_MAX)
		return (body_fail(b, HTTP_E_CHUNK_SIZE));
	switch (c) {
	case '\r':
		b->part = PART_SIZE_LF;
		return (0);
	case ';':
		b->part = PART_EXT;
		b->extlen = 0;
		return (0);
	case '\n':
		return (body_fail(b, HTTP_E_BARE_LF));
	default:
		return (body_fail(b, HTTP_E_CHUNK_SIZE));
	}
}

static int
chunk_ext(struct http_body *b, uint8_t c)
{
	if (c == '\r') {
		b->part = PART_SIZE_LF;
		return (0);
	}
	if (c == '\n')
		return (body_fail(b, HTTP_E_BARE_LF));
	if ((HTTP_CLASS(c) & CLASS_VALUE) == 0 ||
	    ++b->extlen > HTTP_CHUNK_EXT_MAX ||
	    ++b->exttotal > b->received + EXT_SURPLUS)
		return (body_fail(b, HTTP_E_CHUNK_EXT));
	return (0);
}

static int
chunk_size_end(struct http_body *b)
{
	b->digits = 0;
	b->part = b->left == 0 ? PART_LAST : PART_DATA;
	return (0);
}

static struct http_trailer *
trailer_new(const struct http_limits *limits)
{
	struct http_trailer	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->fields = calloc(limits->fields, sizeof(*t->fields));
	if (t->fields == NULL && limits->fields != 0) {
		free(t);
		return (NULL);
	}
	buf_init(&t->buf, HTTP_HEAD_SIZE(limits));
	http_head_trailers(&t->head, limits, t->fields);
	return (t);
}

/*
 * Add to the trailer section, one line at a time: it ends with a line, so
 * nothing of what lies behind it is ever taken.  The parser's own limits
 * refuse it before the buffer is full; if they did not, a full buffer must
 * not make the caller spin.
 */
static ssize_t
trailer_feed(struct http_body *b, const uint8_t *in, size_t n)
{
	struct http_trailer	*t;
	const uint8_t		*lf;

	if (b->trailer == NULL &&
	    (b->trailer = trailer_new(b->limits)) == NULL)
		return (body_fail(b, HTTP_E_MEMORY));
	t = b->trailer;
	if ((lf = memchr(in, '\n', n)) != NULL)
		n = lf - in + 1;
	if (n > buf_room(&t->buf))
		n = buf_room(&t->buf);
	if (n == 0)
		return (body_fail(b, HTTP_E_HEAD_LONG));
	if (buf_add(&t->buf, in, n) == -1)
		return (body_fail(b, HTTP_E_MEMORY));
	switch (http_parse(&t->head, (const char *)buf_data(&t->buf),
	    buf_len(&t->buf))) {
	case HTTP_ERROR:
		return (body_fail(b, t->head.error));
	case HTTP_DONE:
		b->state = HTTP_BODY_DONE;
		return (n);
	default:
		return (n);
	}
}
