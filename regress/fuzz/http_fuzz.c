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
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "http.h"
#include "http_fuzz.h"

/*
 * What must hold for every message, good or bad; shared by the harnesses for
 * requests and responses.  http_outcome() itself checks that slices lie inside
 * their input and that no more is consumed than was given.
 */

#define FORWARD_SKIP	(HTTP_F_HOP | HTTP_F_PROXY | HTTP_F_FRAMING)
#define BYTEWISE_MAX	2048

static void	 must(int, const char *);
static size_t	 pick(const struct http_input *, size_t);
static void	 check_splits(const struct http_input *, const char *);
static void	 head_prepare(const struct http_input *, struct http_head *,
		    struct http_field *);
static void	 write_first(struct buf *, const struct http_head *);
static void	 check_rewrite(const struct http_input *,
		    const struct http_head *, const char *);
static void	 check_forward(const struct http_input *,
		    const struct http_head *);
static void	 check_body(const struct http_input *,
		    const struct http_head *);
static void	 encode(struct buf *, struct http_body *, const uint8_t *,
		    size_t, struct buf *);
static void	 check_path(const char *, size_t);
static void	 check_host(const char *, const struct url_authority *);

static void
must(int ok, const char *what)
{
	if (!ok) {
		warnx("impossible: %s", what);
		abort();
	}
}

void
http_fuzz(const struct http_input *in)
{
	struct http_field	*fields;
	struct http_head	 head;
	char			*whole;

	whole = http_outcome(in, 0, in->len + 1);
	check_splits(in, whole);
	fields = calloc(in->limits.fields + 1, sizeof(*fields));
	if (fields == NULL)
		err(1, NULL);
	head_prepare(in, &head, fields);
	if (http_parse(&head, in->data, in->len) == HTTP_DONE) {
		if (head.version == 11)
			check_rewrite(in, &head, whole);
		check_forward(in, &head);
		check_body(in, &head);
		check_path(HTTP_PTR(&head, head.path), head.path.len);
		check_host(head.base, &head.authority);
		check_host(head.base, &head.host);
	}
	check_path(in->data, in->len);
	free(fields);
	free(whole);
}

/* A number below n that the input itself decides. */
static size_t
pick(const struct http_input *in, size_t n)
{
	uint32_t	 h;
	size_t		 i;

	for (h = 2166136261, i = 0; i < in->len; i++)
		h = (h ^ (uint8_t)in->data[i]) * 16777619;
	return (n == 0 ? 0 : h % n);
}

static void
check_splits(const struct http_input *in, const char *whole)
{
	char	*text;

	if (in->len <= BYTEWISE_MAX) {
		text = http_outcome(in, 1, 1);
		must(strcmp(text, whole) == 0, "byte by byte it differs");
		free(text);
	}
	text = http_outcome(in, pick(in, in->len) + 1, in->len + 1);
	must(strcmp(text, whole) == 0, "split in two it differs");
	free(text);
	text = http_outcome(in, pick(in, 7) + 1, pick(in, 97) + 16);
	must(strcmp(text, whole) == 0, "in pieces it differs");
	free(text);
}

static void
head_prepare(const struct http_input *in, struct http_head *h,
    struct http_field *fields)
{
	if (in->type == HTTP_REQUEST)
		http_head_request(h, &in->limits, fields);
	else
		http_head_response(h, &in->limits, fields, in->method);
}

static void
write_first(struct buf *b, const struct http_head *h)
{
	int	 r;

	if (h->type == HTTP_REQUEST)
		r = http_write_request(b, HTTP_PTR(h, h->method_name),
		    h->method_name.len, HTTP_PTR(h, h->target),
		    h->target.len);
	else
		r = http_write_status(b, h->status, HTTP_PTR(h, h->reason),
		    h->reason.len);
	must(r == 0, "first line cannot be written");
}

/* The head as written by us, with the same bytes behind it, is the same. */
static void
check_rewrite(const struct http_input *in, const struct http_head *h,
    const char *whole)
{
	struct http_input	 again;
	struct buf		 b;
	char			*text;
	size_t			 line;

	buf_init(&b, SIZE_MAX);
	write_first(&b, h);
	line = buf_len(&b);
	must(http_write_fields(&b, h, 0) == 0, "fields cannot be written");
	/* What came as "a:b" goes as "a: b" and may be too long now. */
	if (line - 2 > in->limits.line ||
	    buf_len(&b) - line > in->limits.head) {
		buf_clear(&b);
		return;
	}
	must(http_write_end(&b) == 0, "empty line cannot be written");
	must(buf_add(&b, in->data + h->length, in->len - h->length) == 0,
	    "no memory");
	again = *in;
	again.data = (char *)buf_data(&b);
	again.len = buf_len(&b);
	text = http_outcome(&again, 0, again.len);
	must(strcmp(text, whole) == 0, "written again it differs");
	free(text);
	buf_clear(&b);
}

/* As a proxy forwards it: the same framing, nothing left of this hop. */
static void
check_forward(const struct http_input *in, const struct http_head *h)
{
	struct http_field	*fields;
	struct http_limits	 limits;
	struct http_head	 out;
	struct buf		 b;
	unsigned int		 i;

	buf_init(&b, SIZE_MAX);
	write_first(&b, h);
	for (i = 0; i < h->nfields; i++)
		if ((h->fields[i].flags & FORWARD_SKIP) == 0 &&
		    h->fields[i].id != HTTP_HOST)
			must(http_write_field(&b,
			    HTTP_PTR(h, h->fields[i].name),
			    h->fields[i].name.len,
			    HTTP_PTR(h, h->fields[i].value),
			    h->fields[i].value.len) == 0,
			    "field cannot be written");
	must(http_write_string(&b, "Host", "upstream.example") == 0,
	    "Host cannot be written");
	must(http_write_framing(&b, h->framing, h->content_length) == 0,
	    "framing cannot be written");
	must(http_write_end(&b) == 0, "empty line cannot be written");
	limits = in->limits;
	limits.head += 256 + 3 * h->nfields;
	limits.line += 16;
	limits.fields += 2;
	if ((fields = calloc(limits.fields, sizeof(*fields))) == NULL)
		err(1, NULL);
	head_prepare(in, &out, fields);
	out.limits = &limits;
	/* HTTP/1.0 may have sent what HTTP/1.1 looks into. */
	if (http_parse(&out, (char *)buf_data(&b), buf_len(&b)) !=
	    HTTP_DONE)
		must(h->version == 10 && out.error == HTTP_E_EXPECT,
		    "what is forwarded is refused");
	else {
		must(out.length == buf_len(&b), "forwarded head has a rest");
		must(out.framing == h->framing, "framing changed");
		must(h->framing != HTTP_BODY_LENGTH ||
		    out.content_length == h->content_length,
		    "length changed");
		must((out.seen & (UINT64_C(1) << HTTP_CONNECTION)) == 0,
		    "Connection was forwarded");
	}
	free(fields);
	buf_clear(&b);
}

/* Decode the body, encode it chunked, decode that. */
static void
check_body(const struct http_input *in, const struct http_head *h)
{
	const struct http_head	*t, *t2;
	struct http_body	 body, copy;
	struct buf		 encoded, payload, second, none;

	buf_init(&payload, SIZE_MAX);
	buf_init(&encoded, SIZE_MAX);
	buf_init(&second, SIZE_MAX);
	buf_init(&none, 0);
	http_body_init(&body, h->framing, h->content_length, &in->limits);
	encode(&encoded, &body, (const uint8_t *)in->data + h->length,
	    in->len - h->length, &payload);
	if (body.state == HTTP_BODY_MORE && in->eof)
		http_body_eof(&body);
	if (body.state == HTTP_BODY_DONE) {
		t = http_body_trailers(&body);
		must(http_write_last_chunk(&encoded, t, 0) == 0,
		    "last chunk cannot be written");
		http_body_init(&copy, HTTP_BODY_CHUNKED, 0,
		    &http_limits_default);
		encode(NULL, &copy, buf_data(&encoded), buf_len(&encoded),
		    &second);
		must(copy.state == HTTP_BODY_DONE, "own chunks refused");
		must(buf_len(&second) == buf_len(&payload) &&
		    (buf_len(&second) == 0 || memcmp(buf_data(&second),
		    buf_data(&payload), buf_len(&second)) == 0),
		    "own chunks decode to something else");
		t2 = http_body_trailers(&copy);
		must((t == NULL ? 0 : t->nfields) ==
		    (t2 == NULL ? 0 : t2->nfields), "trailers lost");
		http_body_free(&copy);
	}
	http_body_free(&body);
	buf_clear(&encoded);
	buf_clear(&payload);
	buf_clear(&second);
}

/* Decode n bytes into payload, and each piece as a chunk into out. */
static void
encode(struct buf *out, struct http_body *b, const uint8_t *in, size_t n,
    struct buf *payload)
{
	const uint8_t	*data;
	size_t		 datalen;
	ssize_t		 used;

	for (; n > 0 && b->state == HTTP_BODY_MORE; in += used, n -= used) {
		used = http_body_decode(b, in, n, &data, &datalen);
		if (used == -1)
			return;
		must(used > 0 && (size_t)used <= n, "no progress");
		if (datalen == 0)
			continue;
		must(buf_add(payload, data, datalen) == 0, "no memory");
		if (out != NULL)
			must(http_write_chunk(out, datalen) == 0 &&
			    buf_add(out, data, datalen) == 0 &&
			    http_write_chunk_end(out) == 0, "no memory");
	}
}

static void
check_path(const char *s, size_t n)
{
	char	*once, *twice;
	ssize_t	 len, len2;
	size_t	 i;
	int	 cut, flags, flags2;

	n = url_path_len(s, n);
	once = malloc(n + 2);
	twice = malloc(3 * n + 2);
	if (once == NULL || twice == NULL)
		err(1, NULL);
	len = url_path(once, n + 2, s, n, &flags);
	must((len == -1) == (n > 0 && s[0] != '/'), "path refused");
	if (len != -1) {
		must(len > 0 && (size_t)len <= n + 1 && once[0] == '/' &&
		    once[len] == '\0', "path not in its bounds");
		must(memmem(once, len, "/../", 4) == NULL &&
		    memmem(once, len, "/./", 3) == NULL,
		    "dot segment left");
		len2 = url_path(twice, 3 * n + 2, once, len, &flags2);
		if ((flags & URL_BAD_ESCAPE) == 0)
			must(len2 == len && memcmp(once, twice, len) == 0 &&
			    (flags2 & URL_CHANGED) == 0 &&
			    (flags2 & ~flags & URL_AMBIGUOUS) == 0,
			    "normal path is not normal");
	}
	len = url_log_path(twice, 3 * n + 1, s, n, &cut);
	must(!cut, "log path cut though there is room");
	for (i = 0; i < (size_t)len; i++)
		must(twice[i] > 0x20 && twice[i] < 0x7f && twice[i] != '?',
		    "log path not printable");
	free(once);
	free(twice);
}

static void
check_host(const char *base, const struct url_authority *a)
{
	struct url_authority	 again;
	char			 host[URL_HOST_MAX], text[URL_AUTHORITY_MAX];
	char			 twice[URL_HOST_MAX];
	int			 n;

	if (a->kind == URL_NONE)
		return;
	must((int)url_host(host, sizeof(host), base + a->off, a->len) ==
	    a->kind, "host has another kind");
	must((int)url_host(twice, sizeof(twice), host, strlen(host)) ==
	    a->kind && strcmp(host, twice) == 0, "host is not canonical");
	n = url_format(text, sizeof(text), host, a->kind, a->port);
	must(n > 0 && url_authority(text, n, 0, &again) == 0 &&
	    again.port == a->port && again.kind == a->kind,
	    "authority changed");
}
