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

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "http.h"
#include "internal.h"

/*
 * The head parser: a state machine over the parts of a head.  Each part
 * scans on from h->scan in a tight loop, so that a head that is all there
 * costs one pass, and one that comes byte by byte costs no more.  Every
 * decision depends on a byte and its position only, never on n, which is why
 * the result is the same however the bytes are split.
 */

enum part {
	PART_START,
	PART_METHOD,
	PART_TARGET,
	PART_VERSION,
	PART_STATUS_VERSION,
	PART_STATUS,
	PART_REASON,
	PART_LINE,
	PART_NAME,
	PART_SPACE,
	PART_VALUE,
	PART_DONE
};

#define ONES	UINT64_C(0x0101010101010101)
#define HIGHS	UINT64_C(0x8080808080808080)

/* Mark the bytes of x that are below n (at most 128), or equal to n. */
#define ANY_BELOW(x, n)	(((x) - ONES * (n)) & ~(x) & HIGHS)
#define ANY_EQUAL(x, n)	ANY_BELOW((x) ^ (ONES * (n)), 1)

static void		 head_init(struct http_head *, enum http_type,
			    const struct http_limits *, struct http_field *);
static uint64_t		 load(const char *);
static size_t		 first_byte(uint64_t);
static size_t		 scan_name(const char *, size_t, size_t);
static size_t		 plain_field(struct http_head *, const char *, size_t,
			    size_t);
static void		 plain_fields(struct http_head *, const char *, size_t);
static size_t		 scan_target(const char *, size_t, size_t);
static size_t		 scan_value(const char *, size_t, size_t);
static enum http_rc	 fail(struct http_head *, enum http_error);
static enum http_rc	 more(struct http_head *, size_t);
static enum http_rc	 next(struct http_head *, size_t, enum part);
static enum http_rc	 line_end(struct http_head *, const char *, size_t,
			    size_t);
static enum http_rc	 parse_start(struct http_head *, const char *, size_t);
static enum http_rc	 parse_method(struct http_head *, const char *,
			    size_t);
static enum http_rc	 parse_target(struct http_head *, const char *,
			    size_t);
static enum http_rc	 parse_version(struct http_head *, const char *,
			    size_t);
static enum http_rc	 parse_status(struct http_head *, const char *,
			    size_t);
static enum http_rc	 parse_reason(struct http_head *, const char *,
			    size_t);
static enum http_rc	 parse_line(struct http_head *, const char *, size_t);
static enum http_rc	 parse_name(struct http_head *, const char *, size_t);
static enum http_rc	 name_error(struct http_head *, const char *, size_t);
static enum http_rc	 parse_space(struct http_head *, const char *, size_t);
static enum http_rc	 parse_value(struct http_head *, const char *, size_t);
static enum http_rc	 parse_part(struct http_head *, const char *, size_t);

const struct http_limits http_limits_default = {
	HTTP_LIMIT_LINE,
	HTTP_LIMIT_HEAD,
	HTTP_LIMIT_FIELDS
};

static void
head_init(struct http_head *h, enum http_type type,
    const struct http_limits *limits, struct http_field *fields)
{
	memset(h, 0, sizeof(*h));
	h->type = type;
	h->limits = limits;
	h->fields = fields;
}

void
http_head_request(struct http_head *h, const struct http_limits *limits,
    struct http_field *fields)
{
	head_init(h, HTTP_REQUEST, limits, fields);
	h->part = PART_START;
}

void
http_head_response(struct http_head *h, const struct http_limits *limits,
    struct http_field *fields, enum http_method method)
{
	head_init(h, HTTP_RESPONSE, limits, fields);
	h->method = method;
	h->part = PART_STATUS_VERSION;
}

void
http_head_trailers(struct http_head *h, const struct http_limits *limits,
    struct http_field *fields)
{
	head_init(h, HTTP_TRAILERS, limits, fields);
	h->version = 11;
	h->part = PART_LINE;
}

enum http_rc
http_parse(struct http_head *h, const char *buf, size_t n)
{
	enum http_rc	 rc;

	if (h->error != HTTP_E_NONE)
		return (HTTP_ERROR);
	/* Slices have 32 bits; the limits end any head long before. */
	if (n > UINT32_MAX)
		n = UINT32_MAX;
	h->base = buf;
	while (h->part != PART_DONE) {
		rc = parse_part(h, buf, n);
		if (rc != HTTP_DONE)
			return (rc);
	}
	return (HTTP_DONE);
}

static inline enum http_rc
parse_part(struct http_head *h, const char *buf, size_t n)
{
	switch (h->part) {
	case PART_LINE:
		plain_fields(h, buf, n);
		return (parse_line(h, buf, n));
	case PART_NAME:
		return (parse_name(h, buf, n));
	case PART_SPACE:
		return (parse_space(h, buf, n));
	case PART_VALUE:
		return (parse_value(h, buf, n));
	case PART_START:
		return (parse_start(h, buf, n));
	case PART_METHOD:
		return (parse_method(h, buf, n));
	case PART_TARGET:
		return (parse_target(h, buf, n));
	case PART_VERSION:
	case PART_STATUS_VERSION:
		return (parse_version(h, buf, n));
	case PART_STATUS:
		return (parse_status(h, buf, n));
	default:
		return (parse_reason(h, buf, n));
	}
}

static enum http_rc
fail(struct http_head *h, enum http_error error)
{
	h->error = error;
	return (HTTP_ERROR);
}

static inline enum http_rc
more(struct http_head *h, size_t at)
{
	h->scan = at;
	return (HTTP_MORE);
}

static inline enum http_rc
next(struct http_head *h, size_t at, enum part part)
{
	h->scan = h->mark = at;
	h->part = part;
	return (HTTP_DONE);
}

/* Eight bytes, the first of them the lowest on every machine. */
static inline uint64_t
load(const char *p)
{
	uint64_t	 x;

	memcpy(&x, p, sizeof(x));
	return (le64toh(x));
}

/* Which of the eight is the first that has its high bit in mask. */
static inline size_t
first_byte(uint64_t mask)
{
	return (__builtin_ctzll(mask) / 8);
}

/*
 * The first byte at or after i, but before end, that no value may hold.
 * Of the bytes that ANY_BELOW() marks, the first is always right.
 */
static inline size_t
scan_value(const char *buf, size_t i, size_t end)
{
	uint64_t	 mask, x;

	while (end - i >= sizeof(x)) {
		x = load(buf + i);
		mask = ANY_BELOW(x, 0x20) | ANY_EQUAL(x, 0x7f);
		if (mask == 0) {
			i += sizeof(x);
			continue;
		}
		i += first_byte(mask);
		if (buf[i] != '\t')
			return (i);
		i++;
	}
	while (i < end && (HTTP_CLASS(buf[i]) & CLASS_VALUE) != 0)
		i++;
	return (i);
}

static inline size_t
scan_target(const char *buf, size_t i, size_t end)
{
	uint64_t	 mask, x;

	while (end - i >= sizeof(x)) {
		x = load(buf + i);
		mask = ANY_BELOW(x, 0x21) | ANY_EQUAL(x, 0x7f) |
		    ANY_EQUAL(x, '#') | (x & HIGHS);
		if (mask != 0)
			return (i + first_byte(mask));
		i += sizeof(x);
	}
	while (i < end && (HTTP_CLASS(buf[i]) & CLASS_TARGET) != 0)
		i++;
	return (i);
}

/* The colon behind the name at i, or end. */
static inline size_t
scan_name(const char *buf, size_t i, size_t end)
{
	while (i < end && (HTTP_CLASS(buf[i]) & CLASS_TOKEN) != 0)
		i++;
	return (i < end && buf[i] == ':' ? i : end);
}

/*
 * A plain field line that is all there: name, colon, at most one space, value
 * without white space around it, CRLF.  That is what nearly all are, and it
 * spares the way through the parts.  Returns where the next line begins, or 0
 * with nothing changed: then the parts see to it, and to what is wrong.
 */
static inline size_t
plain_field(struct http_head *h, const char *buf, size_t mark, size_t end)
{
	struct http_field	*f;
	size_t			 colon, i, value;

	colon = scan_name(buf, mark, end);
	if (colon == mark || end - colon < 4 ||
	    h->nfields == h->limits->fields)
		return (0);
	value = colon + (buf[colon + 1] == ' ' ? 2 : 1);
	if (buf[value] == ' ' || buf[value] == '\t')
		return (0);
	i = scan_value(buf, value, end);
	if (end - i < 2 || buf[i] != '\r' || buf[i + 1] != '\n' ||
	    buf[i - 1] == ' ' || buf[i - 1] == '\t')
		return (0);
	f = &h->fields[h->nfields++];
	f->name.off = mark;
	f->name.len = colon - mark;
	f->value.off = value;
	f->value.len = i - value;
	f->id = http_id(buf + mark, colon - mark);
	f->flags = http_id_flags(f->id, buf + mark, colon - mark);
	h->seen |= HTTP_BIT(f->id);
	return (i + 2);
}

static void
plain_fields(struct http_head *h, const char *buf, size_t n)
{
	size_t	 end, i;

	end = h->start + h->limits->head;
	if (end > n)
		end = n;
	for (i = h->scan; i < end && (i = plain_field(h, buf, i, end)) != 0; )
		h->scan = i;
}

/*
 * buf[i] ends a first line.  The CR is looked at again when its LF was not
 * there yet: that spares a part of its own.
 */
static enum http_rc
line_end(struct http_head *h, const char *buf, size_t n, size_t i)
{
	if (buf[i] == '\n')
		return (fail(h, HTTP_E_BARE_LF));
	if (i - h->start > h->limits->line)
		return (fail(h, HTTP_E_LINE_LONG));
	if (i + 1 == n)
		return (more(h, i));
	if (buf[i + 1] != '\n')
		return (fail(h, HTTP_E_BARE_CR));
	h->start = i + 2;
	return (next(h, i + 2, PART_LINE));
}

/* One empty line before a request is what some clients send after a POST. */
static enum http_rc
parse_start(struct http_head *h, const char *buf, size_t n)
{
	if (n == 0)
		return (HTTP_MORE);
	if (buf[0] != '\r')
		return (next(h, 0, PART_METHOD));
	if (n == 1)
		return (HTTP_MORE);
	if (buf[1] != '\n')
		return (fail(h, HTTP_E_BARE_CR));
	if (n == 2)
		return (HTTP_MORE);
	if (buf[2] == '\r')
		return (fail(h, HTTP_E_EMPTY_LINE));
	h->start = 2;
	return (next(h, 2, PART_METHOD));
}

static enum http_rc
parse_method(struct http_head *h, const char *buf, size_t n)
{
	size_t	 end, i;

	end = h->mark + HTTP_METHOD_MAX;
	if (end > n)
		end = n;
	for (i = h->scan; i < end; i++)
		if ((HTTP_CLASS(buf[i]) & CLASS_TOKEN) == 0)
			break;
	if (i == n)
		return (more(h, i));
	if (buf[i] == '\n')
		return (fail(h, HTTP_E_BARE_LF));
	if (buf[i] != ' ' || i == h->mark)
		return (fail(h, HTTP_E_METHOD));
	h->method_name.off = h->mark;
	h->method_name.len = i - h->mark;
	h->method = http_method(buf + h->mark, i - h->mark);
	return (next(h, i + 1, PART_TARGET));
}

static enum http_rc
parse_target(struct http_head *h, const char *buf, size_t n)
{
	size_t	 end, i, limit;

	limit = h->start + h->limits->line;
	end = n < limit ? n : limit;
	i = h->scan < end ? scan_target(buf, h->scan, end) : h->scan;
	if (i == n)
		return (more(h, i));
	if (i >= limit)
		return (fail(h, HTTP_E_LINE_LONG));
	if (buf[i] != ' ')
		return (fail(h, buf[i] == '\r' || buf[i] == '\n' ?
		    HTTP_E_VERSION_09 : HTTP_E_TARGET_CHAR));
	if (i == h->mark)
		return (fail(h, HTTP_E_TARGET));
	h->target.off = h->mark;
	h->target.len = i - h->mark;
	if (http_target(h) == -1)
		return (HTTP_ERROR);
	return (next(h, i + 1, PART_VERSION));
}

/* HTTP/1.0 or HTTP/1.1, of a request or at the start of a response. */
static enum http_rc
parse_version(struct http_head *h, const char *buf, size_t n)
{
	static const char	 name[] = "HTTP/";
	size_t			 i, k;

	for (i = h->scan; i < n && i - h->mark < 8; i++) {
		k = i - h->mark;
		if (k < 5 ? buf[i] == name[k] :
		    k == 6 ? buf[i] == '.' : buf[i] >= '0' && buf[i] <= '9')
			continue;
		return (fail(h, HTTP_E_VERSION));
	}
	if (i == n)
		return (more(h, i));
	if (buf[h->mark + 5] != '1' || buf[h->mark + 7] > '1')
		return (fail(h, HTTP_E_VERSION_UNSUPPORTED));
	h->version = 10 + (buf[h->mark + 7] - '0');
	if (h->part == PART_STATUS_VERSION) {
		if (buf[i] != ' ')
			return (fail(h, HTTP_E_VERSION));
		return (next(h, i + 1, PART_STATUS));
	}
	if (buf[i] != '\r' && buf[i] != '\n')
		return (fail(h, HTTP_E_VERSION));
	return (line_end(h, buf, n, i));
}

static enum http_rc
parse_status(struct http_head *h, const char *buf, size_t n)
{
	size_t	 i;

	for (i = h->scan; i < n && i - h->mark < 3; i++) {
		if (buf[i] < (i == h->mark ? '1' : '0') || buf[i] > '9')
			return (fail(h, HTTP_E_STATUS));
		h->status = h->status * 10 + (buf[i] - '0');
	}
	if (i == n)
		return (more(h, i));
	if (buf[i] == '\r' || buf[i] == '\n')
		return (next(h, i, PART_REASON));
	if (buf[i] != ' ')
		return (fail(h, HTTP_E_STATUS));
	return (next(h, i + 1, PART_REASON));
}

static enum http_rc
parse_reason(struct http_head *h, const char *buf, size_t n)
{
	size_t	 end, i, limit;

	limit = h->start + h->limits->line;
	end = n < limit ? n : limit;
	i = h->scan < end ? scan_value(buf, h->scan, end) : h->scan;
	if (i == n)
		return (more(h, i));
	if (buf[i] != '\r' && buf[i] != '\n')
		return (fail(h, i >= limit ? HTTP_E_LINE_LONG :
		    HTTP_E_REASON));
	h->reason.off = h->mark;
	h->reason.len = i - h->mark;
	return (line_end(h, buf, n, i));
}

/* At the start of a field line, or of the empty one that ends the head. */
static inline enum http_rc
parse_line(struct http_head *h, const char *buf, size_t n)
{
	size_t	 i;

	i = h->scan;
	if (i == n)
		return (HTTP_MORE);
	if (buf[i] == '\r') {
		if (i + 1 == n)
			return (HTTP_MORE);
		if (buf[i + 1] != '\n')
			return (fail(h, HTTP_E_BARE_CR));
		h->length = i + 2;
		if (http_frame(h) == -1)
			return (HTTP_ERROR);
		return (next(h, i + 2, PART_DONE));
	}
	if (buf[i] == ' ' || buf[i] == '\t')
		return (fail(h, HTTP_E_FOLD));
	if (h->nfields == h->limits->fields)
		return (fail(h, HTTP_E_FIELDS));
	return (next(h, i, PART_NAME));
}

static enum http_rc
parse_name(struct http_head *h, const char *buf, size_t n)
{
	struct http_field	*f;
	size_t			 end, i, limit;

	limit = h->start + h->limits->head;
	end = n < limit ? n : limit;
	for (i = h->scan; i < end; i++)
		if ((HTTP_CLASS(buf[i]) & CLASS_TOKEN) == 0)
			break;
	if (i == n)
		return (more(h, i));
	if (i >= limit)
		return (fail(h, HTTP_E_HEAD_LONG));
	if (buf[i] != ':' || i == h->mark)
		return (name_error(h, buf, i));
	f = &h->fields[h->nfields];
	f->name.off = h->mark;
	f->name.len = i - h->mark;
	f->id = http_id(buf + h->mark, f->name.len);
	f->flags = http_id_flags(f->id, buf + h->mark, f->name.len);
	return (next(h, i + 1, PART_SPACE));
}

static enum http_rc
name_error(struct http_head *h, const char *buf, size_t i)
{
	switch (buf[i]) {
	case ':':
		return (fail(h, HTTP_E_NAME_EMPTY));
	case ' ':
	case '\t':
		return (fail(h, HTTP_E_NAME_SPACE));
	case '\r':
		return (fail(h, HTTP_E_COLON));
	case '\n':
		return (fail(h, HTTP_E_BARE_LF));
	default:
		return (fail(h, HTTP_E_NAME_CHAR));
	}
}

static inline enum http_rc
parse_space(struct http_head *h, const char *buf, size_t n)
{
	size_t	 end, i, limit;

	limit = h->start + h->limits->head;
	end = n < limit ? n : limit;
	for (i = h->scan; i < end && (buf[i] == ' ' || buf[i] == '\t'); i++)
		;
	if (i == n)
		return (more(h, i));
	return (next(h, i, PART_VALUE));
}

static inline enum http_rc
parse_value(struct http_head *h, const char *buf, size_t n)
{
	struct http_field	*f;
	size_t			 end, i, limit;

	limit = h->start + h->limits->head;
	end = n < limit ? n : limit;
	i = h->scan < end ? scan_value(buf, h->scan, end) : h->scan;
	if (i == n)
		return (more(h, i));
	if (i >= limit)
		return (fail(h, HTTP_E_HEAD_LONG));
	if (buf[i] != '\r')
		return (fail(h, buf[i] == '\n' ? HTTP_E_BARE_LF :
		    HTTP_E_VALUE_CHAR));
	if (i + 1 == limit)
		return (fail(h, HTTP_E_HEAD_LONG));
	if (i + 1 == n)
		return (more(h, i));
	if (buf[i + 1] != '\n')
		return (fail(h, HTTP_E_BARE_CR));
	f = &h->fields[h->nfields++];
	f->value.off = h->mark;
	h->seen |= HTTP_BIT(f->id);
	end = i;
	while (end > h->mark && (buf[end - 1] == ' ' || buf[end - 1] == '\t'))
		end--;
	f->value.len = end - h->mark;
	return (next(h, i + 2, PART_LINE));
}
