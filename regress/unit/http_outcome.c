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

#include "http.h"
#include "http_outcome.h"

struct run {
	const struct http_input	*in;
	struct http_head	 head;
	struct http_body	 body;
	struct http_field	*fields;
	char			*piece;		/* what the parser sees */
	size_t			 head_done;
	size_t			 used;		/* of the input */
	char			*payload;
	size_t			 payloadlen;
};

static void	 must(int, const char *);
static void	 slice_check(const struct http_head *, struct http_slice,
		    size_t);
static void	 head_check(const struct http_head *);
static void	 feed(struct run *, size_t);
static void	 feed_head(struct run *, size_t);
static void	 feed_body(struct run *, size_t);
static void	 print_slice(FILE *, const char *, const struct http_head *,
		    struct http_slice);
static void	 print_authority(FILE *, const char *, const struct http_head *,
		    const struct url_authority *);
static void	 print_refused(FILE *, enum http_error);
static void	 print_request(FILE *, const struct http_head *);
static void	 print_fields(FILE *, const char *, const struct http_head *);
static void	 print_head(FILE *, const struct http_head *);
static void	 print_body(FILE *, struct run *);

static const char *const forms[] = {
	"none", "origin", "absolute", "authority", "asterisk"
};
static const char *const kinds[] = { "none", "name", "ipv4", "ipv6" };
static const char *const framings[] = { "none", "length", "chunked", "eof" };

static void
must(int ok, const char *what)
{
	if (!ok) {
		warnx("impossible: %s", what);
		abort();
	}
}

static void
slice_check(const struct http_head *h, struct http_slice s, size_t n)
{
	must(s.off <= n && s.len <= n - s.off, "slice outside the head");
}

/* All slices inside the head, and no byte in them that would be syntax. */
static void
head_check(const struct http_head *h)
{
	const struct http_field	*f;
	struct http_slice	 s;

	must(h->nfields <= h->limits->fields, "more fields than allowed");
	slice_check(h, h->method_name, h->length);
	slice_check(h, h->target, h->length);
	slice_check(h, h->path, h->length);
	slice_check(h, h->query, h->length);
	slice_check(h, h->reason, h->length);
	s.off = h->authority.off;
	s.len = h->authority.len;
	slice_check(h, s, h->length);
	s.off = h->host.off;
	s.len = h->host.len;
	slice_check(h, s, h->length);
	for (f = h->fields; f < h->fields + h->nfields; f++) {
		slice_check(h, f->name, h->length);
		slice_check(h, f->value, h->length);
		must(http_valid_name(HTTP_PTR(h, f->name), f->name.len),
		    "bad name let through");
		must(http_valid_value(HTTP_PTR(h, f->value), f->value.len),
		    "bad value let through");
	}
}

char *
http_outcome(const struct http_input *in, size_t first, size_t step)
{
	struct run	 r;
	FILE		*fp;
	char		*text;
	size_t		 avail, len;

	memset(&r, 0, sizeof(r));
	r.in = in;
	r.fields = calloc(in->limits.fields + 1, sizeof(*r.fields));
	r.payload = malloc(in->len + 1);
	fp = open_memstream(&text, &len);
	if (r.fields == NULL || r.payload == NULL || fp == NULL)
		err(1, NULL);
	if (in->type == HTTP_REQUEST)
		http_head_request(&r.head, &in->limits, r.fields);
	else
		http_head_response(&r.head, &in->limits, r.fields, in->method);
	for (avail = first == 0 ? step : first; avail < in->len; avail += step)
		feed(&r, avail);
	feed(&r, in->len);
	if (r.head.error != HTTP_E_NONE)
		print_refused(fp, r.head.error);
	else if (r.head_done == 0)
		fprintf(fp, "end more\n");
	else {
		print_head(fp, &r.head);
		print_body(fp, &r);
	}
	fclose(fp);
	http_body_free(&r.body);
	free(r.fields);
	free(r.payload);
	free(r.piece);
	return (text);
}

/* avail bytes of the input have arrived. */
static void
feed(struct run *r, size_t avail)
{
	if (r->head.error != HTTP_E_NONE)
		return;
	if (r->head_done == 0)
		feed_head(r, avail);
	if (r->head_done != 0)
		feed_body(r, avail);
}

static void
feed_head(struct run *r, size_t avail)
{
	char	*old;

	old = r->piece;
	if ((r->piece = malloc(avail)) == NULL && avail != 0)
		err(1, NULL);
	if (avail != 0)
		memcpy(r->piece, r->in->data, avail);
	free(old);
	if (http_parse(&r->head, r->piece, avail) != HTTP_DONE)
		return;
	must(r->head.length > 0 && r->head.length <= avail,
	    "head longer than its input");
	must(r->head.length <= HTTP_HEAD_SIZE(&r->in->limits),
	    "head larger than HTTP_HEAD_SIZE");
	head_check(&r->head);
	r->head_done = r->used = r->head.length;
	http_body_init(&r->body, r->head.framing, r->head.content_length,
	    &r->in->limits);
}

static void
feed_body(struct run *r, size_t avail)
{
	const uint8_t	*data;
	uint8_t		*copy;
	ssize_t		 used;
	size_t		 n, datalen;

	while ((n = avail - r->used) > 0 && r->body.state == HTTP_BODY_MORE) {
		if ((copy = malloc(n)) == NULL)
			err(1, NULL);
		memcpy(copy, r->in->data + r->used, n);
		used = http_body_decode(&r->body, copy, n, &data, &datalen);
		must(used == -1 ? r->body.state == HTTP_BODY_ERROR :
		    used > 0 && (size_t)used <= n, "impossible consumption");
		if (used > 0 && datalen > 0) {
			must(data >= copy && datalen <= (size_t)used &&
			    data + datalen <= copy + used,
			    "payload outside its input");
			memcpy(r->payload + r->payloadlen, data, datalen);
			r->payloadlen += datalen;
		}
		free(copy);
		if (used > 0)
			r->used += used;
	}
}

void
http_outcome_escape(FILE *fp, const char *s, size_t n)
{
	unsigned char	 c;

	for (; n > 0; n--) {
		c = *s++;
		if (c == '\r')
			fputs("\\r", fp);
		else if (c == '\n')
			fputs("\\n", fp);
		else if (c == '\t')
			fputs("\\t", fp);
		else if (c == '\\')
			fputs("\\\\", fp);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(fp, "\\x%02x", c);
		else
			putc(c, fp);
	}
}

static void
print_slice(FILE *fp, const char *what, const struct http_head *h,
    struct http_slice s)
{
	fprintf(fp, "%s ", what);
	http_outcome_escape(fp, HTTP_PTR(h, s), s.len);
	putc('\n', fp);
}

static void
print_authority(FILE *fp, const char *what, const struct http_head *h,
    const struct url_authority *a)
{
	if (a->kind != URL_NONE)
		fprintf(fp, "%s %.*s %u %s\n", what, (int)a->len,
		    h->base + a->off, a->port, kinds[a->kind]);
}

static void
print_refused(FILE *fp, enum http_error error)
{
	fprintf(fp, "refused %d %s\n", http_error_status(error),
	    http_error_text(error));
}

static void
print_request(FILE *fp, const struct http_head *h)
{
	print_slice(fp, "method", h, h->method_name);
	print_slice(fp, "target", h, h->target);
	fprintf(fp, "form %s\n", forms[h->form]);
	if (h->form == HTTP_FORM_ORIGIN || h->form == HTTP_FORM_ABSOLUTE) {
		print_slice(fp, "path", h, h->path);
		print_slice(fp, "query", h, h->query);
	}
	print_authority(fp, "authority", h, &h->authority);
	print_authority(fp, "host", h, &h->host);
}

static void
print_fields(FILE *fp, const char *what, const struct http_head *h)
{
	const struct http_field	*f;

	for (f = h->fields; f < h->fields + h->nfields; f++) {
		fprintf(fp, "%s%s%s%s ", what,
		    f->flags & HTTP_F_HOP ? "-hop" : "",
		    f->flags & HTTP_F_PROXY ? "-proxy" : "",
		    f->flags & HTTP_F_FRAMING ? "-framing" : "");
		http_outcome_escape(fp, HTTP_PTR(h, f->name), f->name.len);
		fputs(": ", fp);
		http_outcome_escape(fp, HTTP_PTR(h, f->value), f->value.len);
		putc('\n', fp);
	}
}

static void
print_head(FILE *fp, const struct http_head *h)
{
	if (h->type == HTTP_REQUEST)
		print_request(fp, h);
	else {
		fprintf(fp, "status %d\n", h->status);
		print_slice(fp, "reason", h, h->reason);
	}
	fprintf(fp, "version %d.%d\n", h->version / 10, h->version % 10);
	print_fields(fp, "field", h);
	fprintf(fp, "framing %s\n", framings[h->framing]);
	if (h->has_length)
		fprintf(fp, "length %llu\n",
		    (unsigned long long)h->content_length);
	fprintf(fp, "keepalive %s\n", h->keepalive ? "yes" : "no");
	if (h->expect)
		fprintf(fp, "expect\n");
	if (h->upgrade)
		fprintf(fp, "upgrade\n");
}

static void
print_body(FILE *fp, struct run *r)
{
	static const char *const	 states[] = {
		"more", "complete", "error"
	};
	const struct http_head		*t;

	if (r->in->eof)
		(void)http_body_eof(&r->body);
	must(r->body.received == r->payloadlen, "payload miscounted");
	fputs("body ", fp);
	http_outcome_escape(fp, r->payload, r->payloadlen);
	putc('\n', fp);
	fprintf(fp, "end %s\n", states[r->body.state]);
	if (r->body.state == HTTP_BODY_ERROR) {
		print_refused(fp, r->body.error);
		return;
	}
	if ((t = http_body_trailers(&r->body)) != NULL) {
		head_check(t);
		print_fields(fp, "trailer", t);
	}
	if (r->body.state == HTTP_BODY_DONE) {
		fputs("left ", fp);
		http_outcome_escape(fp, r->in->data + r->used,
		    r->in->len - r->used);
		putc('\n', fp);
	}
}
