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
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "http.h"
#include "internal.h"

/*
 * Messages on their way out.  Whatever the caller hands in, no CR, LF, NUL or
 * stray space of it can become syntax.
 */

static int	 put_string(struct buf *, const char *);
static int	 valid_target(const char *, size_t);
static int	 write_line(struct buf *, const struct http_head *,
		    const struct http_field *);

static const struct {
	int		 status;
	const char	*text;
} texts[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 102, "Processing" },
	{ 103, "Early Hints" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 208, "Already Reported" },
	{ 226, "IM Used" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 305, "Use Proxy" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 506, "Variant Also Negotiates" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
	{ 511, "Network Authentication Required" }
};

const char *
http_status_text(int status)
{
	size_t	 high, low, mid;

	low = 0;
	high = sizeof(texts) / sizeof(texts[0]);
	while (low < high) {
		mid = low + (high - low) / 2;
		if (texts[mid].status == status)
			return (texts[mid].text);
		if (texts[mid].status < status)
			low = mid + 1;
		else
			high = mid;
	}
	return ("Unknown");
}

static int
put_string(struct buf *b, const char *s)
{
	return (buf_add(b, s, strlen(s)));
}

static int
valid_target(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if ((HTTP_CLASS(s[i]) & CLASS_TARGET) == 0)
			return (0);
	return (n > 0);
}

int
http_write_request(struct buf *b, const char *method, size_t methodlen,
    const char *target, size_t targetlen)
{
	if (!http_valid_name(method, methodlen) ||
	    !valid_target(target, targetlen)) {
		errno = EINVAL;
		return (-1);
	}
	if (buf_add(b, method, methodlen) == -1 || buf_add(b, " ", 1) == -1 ||
	    buf_add(b, target, targetlen) == -1 ||
	    put_string(b, " HTTP/1.1\r\n") == -1)
		return (-1);
	return (0);
}

int
http_write_status(struct buf *b, int status, const char *reason, size_t n)
{
	char	 line[32];

	if (status < 100 || status > 999 || !http_valid_value(reason, n)) {
		errno = EINVAL;
		return (-1);
	}
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	if (put_string(b, line) == -1 || buf_add(b, reason, n) == -1 ||
	    buf_add(b, "\r\n", 2) == -1)
		return (-1);
	return (0);
}

int
http_write_field(struct buf *b, const char *name, size_t namelen,
    const char *value, size_t valuelen)
{
	if (!http_valid_name(name, namelen) ||
	    !http_valid_value(value, valuelen)) {
		errno = EINVAL;
		return (-1);
	}
	if (buf_add(b, name, namelen) == -1 || buf_add(b, ": ", 2) == -1 ||
	    buf_add(b, value, valuelen) == -1 || buf_add(b, "\r\n", 2) == -1)
		return (-1);
	return (0);
}

int
http_write_string(struct buf *b, const char *name, const char *value)
{
	return (http_write_field(b, name, strlen(name), value,
	    strlen(value)));
}

/*
 * A field that the parser has checked.  Most come as they go: one colon, one
 * space, nothing behind the value; those are copied in one piece.
 */
static int
write_line(struct buf *b, const struct http_head *h,
    const struct http_field *f)
{
	const char	*end, *name, *value;

	name = HTTP_PTR(h, f->name);
	value = HTTP_PTR(h, f->value);
	end = value + f->value.len;
	if (value == name + f->name.len + 2 && value[-1] == ' ' &&
	    *end == '\r')
		return (buf_add(b, name, end + 2 - name));
	if (buf_add(b, name, f->name.len) == -1 || buf_add(b, ": ", 2) == -1 ||
	    buf_add(b, value, f->value.len) == -1 ||
	    buf_add(b, "\r\n", 2) == -1)
		return (-1);
	return (0);
}

int
http_write_fields(struct buf *b, const struct http_head *h, int skip)
{
	const struct http_field	*f;

	for (f = h->fields; f < h->fields + h->nfields; f++)
		if ((f->flags & skip) == 0 && write_line(b, h, f) == -1)
			return (-1);
	return (0);
}

int
http_write_framing(struct buf *b, enum http_framing framing, uint64_t length)
{
	char	 line[48];

	switch (framing) {
	case HTTP_BODY_LENGTH:
		(void)snprintf(line, sizeof(line), "Content-Length: %llu\r\n",
		    (unsigned long long)length);
		return (put_string(b, line));
	case HTTP_BODY_CHUNKED:
		return (put_string(b, "Transfer-Encoding: chunked\r\n"));
	default:
		return (0);
	}
}

int
http_write_announced(struct buf *b, const struct http_head *h)
{
	if (h->type == HTTP_RESPONSE && h->framing == HTTP_BODY_NONE &&
	    h->has_length && h->status / 100 != 1 && h->status != 204 &&
	    (h->method == HTTP_M_HEAD || h->status == 304))
		return (http_write_framing(b, HTTP_BODY_LENGTH,
		    h->content_length));
	return (http_write_framing(b, h->framing, h->content_length));
}

int
http_write_end(struct buf *b)
{
	return (buf_add(b, "\r\n", 2));
}

int
http_write_chunk(struct buf *b, uint64_t n)
{
	char	 line[HTTP_CHUNK_HEAD + 1];

	/* A chunk of nothing would be the last one. */
	if (n == 0) {
		errno = EINVAL;
		return (-1);
	}
	(void)snprintf(line, sizeof(line), "%llx\r\n", (unsigned long long)n);
	return (put_string(b, line));
}

int
http_write_chunk_end(struct buf *b)
{
	return (buf_add(b, "\r\n", 2));
}

int
http_write_last_chunk(struct buf *b, const struct http_head *trailers,
    int skip)
{
	if (put_string(b, "0\r\n") == -1)
		return (-1);
	if (trailers != NULL && http_write_fields(b, trailers, skip) == -1)
		return (-1);
	return (http_write_end(b));
}
