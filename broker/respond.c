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
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "http.h"
#include "record.h"
#include "respond.h"

#define BODY_MAX	(16 * 1024)

static int	 put(struct buf *, const char *);
static int	 put_json(struct buf *, const char *);
static int	 put_pair(struct buf *, const char *, const char *);
static int	 respond_body(struct buf *, const struct respond *);
static int	 respond_head(struct buf *, const struct respond *, size_t);

static int
put(struct buf *b, const char *s)
{
	return (buf_add(b, s, strlen(s)));
}

/*
 * A JSON string.  Bytes that are not ASCII are nobody's UTF-8 for certain, so
 * they go as a replacement.
 */
static int
put_json(struct buf *b, const char *s)
{
	char	 esc[8];

	if (put(b, "\"") == -1)
		return (-1);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			(void)snprintf(esc, sizeof(esc), "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			(void)snprintf(esc, sizeof(esc), "\\u%04x",
			    (unsigned char)*s);
		else if ((unsigned char)*s > 0x7f)
			(void)snprintf(esc, sizeof(esc), "\\ufffd");
		else
			(void)snprintf(esc, sizeof(esc), "%c", *s);
		if (put(b, esc) == -1)
			return (-1);
	}
	return (put(b, "\""));
}

static int
put_pair(struct buf *b, const char *name, const char *value)
{
	if (put_json(b, name) == -1 || put(b, ":") == -1)
		return (-1);
	return (put_json(b, value));
}

static int
respond_body(struct buf *b, const struct respond *r)
{
	char	 id[RECORD_ID_TEXT];

	if (put(b, "{") == -1 || put_pair(b, "error", r->code) == -1 ||
	    put(b, ",") == -1 || put_pair(b, "message", r->text) == -1)
		return (-1);
	if (r->id != NULL) {
		record_id_text(id, r->id);
		if (put(b, ",") == -1 ||
		    put_pair(b, "request_id", id) == -1)
			return (-1);
	}
	if (r->hint != NULL) {
		if (put(b, ",\"proposal_hint\":{") == -1 ||
		    put_pair(b, "host", r->hint) == -1 ||
		    put(b, ",\"endpoint\":\"POST /v1/proposals\","
		    "\"supported_auth_types\":[\"bearer\",\"basic\","
		    "\"api-key\",\"custom\",\"passthrough\"]}") == -1)
			return (-1);
	}
	return (put(b, "}\n"));
}

static int
respond_head(struct buf *b, const struct respond *r, size_t len)
{
	const char	*reason = http_status_text(r->status);
	char		 id[RECORD_ID_TEXT], num[16];

	if (http_write_status(b, r->status, reason, strlen(reason)) == -1 ||
	    http_write_string(b, "Content-Type", "application/json") == -1 ||
	    http_write_framing(b, HTTP_BODY_LENGTH, len) == -1 ||
	    http_write_string(b, "X-Broker-Proxy-Error", "true") == -1 ||
	    http_write_string(b, "X-Agent-Vault-Proxy-Error", "true") == -1)
		return (-1);
	if (r->id != NULL) {
		record_id_text(id, r->id);
		if (http_write_string(b, "X-Request-Id", id) == -1)
			return (-1);
	}
	if (r->challenge != NULL && http_write_string(b, r->status == 401 ?
	    "WWW-Authenticate" : "Proxy-Authenticate", r->challenge) == -1)
		return (-1);
	if (r->retry > 0) {
		(void)snprintf(num, sizeof(num), "%u", r->retry);
		if (http_write_string(b, "Retry-After", num) == -1)
			return (-1);
	}
	if (r->close && http_write_string(b, "Connection", "close") == -1)
		return (-1);
	if (!r->close && r->keepalive &&
	    http_write_string(b, "Connection", "keep-alive") == -1)
		return (-1);
	return (http_write_end(b));
}

ssize_t
respond_error(struct buf *b, const struct respond *r)
{
	struct buf	 body;
	ssize_t		 n = -1;

	buf_init(&body, BODY_MAX);
	if (respond_body(&body, r) == 0 &&
	    respond_head(b, r, buf_len(&body)) == 0) {
		n = r->head ? 0 : (ssize_t)buf_len(&body);
		if (buf_add(b, buf_data(&body), n) == -1)
			n = -1;
	}
	buf_clear(&body);
	return (n);
}
