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

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "client.h"
#include "conn.h"
#include "export.h"
#include "log.h"
#include "reply.h"
#include "stream.h"

/* What every answer says to browsers. */
static const char *const	security[][2] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Content-Security-Policy", "default-src 'none'; "
	    "script-src 'self'; style-src 'self'; img-src 'self'; "
	    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'" }
};
#define NSECURITY	(sizeof(security) / sizeof(security[0]))

#define TYPE_JSON	"application/json"
#define TYPE_TEXT	"text/plain; charset=utf-8"
#define TYPE_PEM	"application/x-pem-file"
#define TYPE_METRICS	"text/plain; version=0.0.4; charset=utf-8"
#define TYPE_SSE	"text/event-stream"
#define TYPE_FILE	"application/vnd.sqlite3"

static void	head(struct request *, int, const char *, enum http_framing,
		    uint64_t, const char *const (*)[2], size_t);
static void	send_body(struct request *, char *, size_t);
static const char *date(void);

/* IMF-fixdate, RFC 9110 section 5.6.7; the locale is C. */
static const char *
date(void)
{
	static char	 buf[40];
	static time_t	 last;
	time_t		 now = time(NULL);
	struct tm	 tm;

	if (now != last && gmtime_r(&now, &tm) != NULL &&
	    strftime(buf, sizeof(buf), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		last = now;
	return (buf);
}

/* The output has room for a head: a request begins only if it is not full. */
static void
head(struct request *req, int status, const char *type,
    enum http_framing framing, uint64_t len, const char *const (*more)[2],
    size_t nmore)
{
	struct client	*c = req->client;
	struct buf	*out = conn_out(c->conn);
	const char	*text = http_status_text(status);
	size_t		 i;
	int		 bad;

	if (status >= 500)
		api.counters.answers_5xx++;
	else if (status >= 400)
		api.counters.answers_4xx++;
	bad = http_write_status(out, status, text, strlen(text));
	bad |= http_write_string(out, "Date", date());
	bad |= http_write_string(out, "Content-Type", type);
	bad |= http_write_framing(out, framing, len);
	for (i = 0; i < NSECURITY; i++)
		bad |= http_write_string(out, security[i][0], security[i][1]);
	bad |= http_write_string(out, "Cache-Control", "no-store");
	if (status == 401)
		bad |= http_write_string(out, "WWW-Authenticate", "Bearer");
	for (i = 0; i < nmore; i++)
		bad |= http_write_string(out, more[i][0], more[i][1]);
	if (!client_keeps(c))
		bad |= http_write_string(out, "Connection", "close");
	else if (c->head.version == 10)
		bad |= http_write_string(out, "Connection", "keep-alive");
	bad |= http_write_end(out);
	if (bad)
		fatal("answer");
}

/* The request goes before the client, which may go with its answer. */
static void
send_body(struct request *req, char *body, size_t len)
{
	struct client	*c = req->client;

	if (req->head_only) {
		json_text_free(body);
		body = NULL;
	}
	c->req = NULL;
	request_free(req);
	client_answer(c, body, len);
}

void
reply_json(struct request *req, int status, json_t *j)
{
	char	*text;
	size_t	 len;

	/* The head has left already: the end is all that can be said. */
	if (client_streams(req->client)) {
		json_decref(j);
		if (req->export != NULL)
			export_cut(req->export, "logd has gone or is late");
		else
			stream_end(req->reader);
		return;
	}
	text = json_text(j, &len);
	json_decref(j);
	head(req, status, TYPE_JSON, HTTP_BODY_LENGTH, len, NULL, 0);
	send_body(req, text, len);
}

void
reply_list(struct request *req, const char *name)
{
	json_t	*j = json_map();

	json_put(j, name, json_incref(req->list));
	reply_json(req, 200, j);
}

void
reply_cookie(struct request *req, int status, json_t *j, const char *cookie)
{
	const char	*more[1][2];
	char		*text;
	size_t		 len;

	more[0][0] = "Set-Cookie";
	more[0][1] = cookie;
	text = json_text(j, &len);
	json_decref(j);
	head(req, status, TYPE_JSON, HTTP_BODY_LENGTH, len,
	    (const char *const (*)[2])more, 1);
	send_body(req, text, len);
}

void
reply_error_json(struct request *req, int status, const char *code,
    const char *text, json_t *j)
{
	if (code != NULL && *code != '\0')
		json_put_text(j, "code", code);
	json_put_text(j, "error", text);
	reply_json(req, status, j);
}

void
reply_error(struct request *req, int status, const char *code,
    const char *fmt, ...)
{
	char	 text[1200];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply_error_json(req, status, code, text, json_map());
}

void
reply_too_large(struct request *req)
{
	reply_error(req, 413, "too_large", "The body is longer than %zu KiB",
	    req->body_max / 1024);
}

void
reply_invalid(struct request *req, const char *fmt, ...)
{
	char	 text[1200];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply_error_json(req, 400, "invalid_request", text, json_map());
}

void
reply_text(struct request *req, int status, const char *allow,
    const char *text)
{
	const char	*more[1][2];
	char		*body;
	size_t		 len = strlen(text);

	more[0][0] = "Allow";
	more[0][1] = allow;
	body = json_text_copy(text, len);
	head(req, status, TYPE_TEXT, HTTP_BODY_LENGTH, len,
	    (const char *const (*)[2])more, allow != NULL);
	send_body(req, body, len);
}

void
reply_pem(struct request *req, const void *pem, size_t len)
{
	const char	*more[2][2];
	char		 port[8];
	char		*body;

	(void)snprintf(port, sizeof(port), "%u", api.conf.proxy_port);
	more[0][0] = "Content-Disposition";
	more[0][1] = "attachment; filename=\"brokerd-ca.pem\"";
	more[1][0] = "X-MITM-Port";
	more[1][1] = port;
	body = json_text_copy(pem, len);
	head(req, 200, TYPE_PEM, HTTP_BODY_LENGTH, len,
	    (const char *const (*)[2])more, api.conf.proxy_port == 0 ? 1 : 2);
	send_body(req, body, len);
}

void
reply_page(struct request *req, const char *type, const void *data, size_t len)
{
	char	*body = json_text_copy(data, len);

	head(req, 200, type, HTTP_BODY_LENGTH, len, NULL, 0);
	send_body(req, body, len);
}

void
reply_metrics(struct request *req, const char *text, size_t len)
{
	head(req, 200, TYPE_METRICS, HTTP_BODY_LENGTH, len, NULL, 0);
	send_body(req, json_text_copy(text, len), len);
}

void
reply_file(struct request *req, int fd, uint64_t len)
{
	static const char *const	 more[1][2] = {
		{ "Content-Disposition", "attachment; "
		    "filename=\"brokerd.db\"" }
	};
	struct client			*c = req->client;

	head(req, 200, TYPE_FILE, HTTP_BODY_LENGTH, len, more, 1);
	c->req = NULL;
	request_free(req);
	client_answer_file(c, fd, len);
}

void
reply_busy(struct request *req, const char *seconds, const char *text)
{
	const char	*more[1][2];
	char		*body;
	json_t		*j = json_map();
	size_t		 len;

	more[0][0] = "Retry-After";
	more[0][1] = seconds;
	json_put_text(j, "code", "overloaded");
	json_put_text(j, "error", text);
	body = json_text(j, &len);
	json_decref(j);
	head(req, 503, TYPE_JSON, HTTP_BODY_LENGTH, len,
	    (const char *const (*)[2])more, 1);
	send_body(req, body, len);
}

void
reply_stream(struct request *req)
{
	struct client	*c = req->client;

	c->keepalive = 0;
	head(req, 200, TYPE_SSE, c->head.version == 10 ? HTTP_BODY_EOF :
	    HTTP_BODY_CHUNKED, 0, NULL, 0);
}

void
reply_export(struct request *req, const char *type, const char *name,
    uint64_t newest, const char *trimmed)
{
	const char	*more[3][2];
	char		 file[EXPORT_NAME + 32], id[24];

	(void)snprintf(file, sizeof(file), "attachment; filename=\"%s\"",
	    name);
	(void)snprintf(id, sizeof(id), "%" PRIu64, newest);
	more[0][0] = "Content-Disposition";
	more[0][1] = file;
	more[1][0] = "X-Latest-Id";
	more[1][1] = id;
	more[2][0] = "X-Trimmed";
	more[2][1] = trimmed;
	req->client->keepalive = 0;
	head(req, 200, type, HTTP_BODY_CHUNKED, 0,
	    (const char *const (*)[2])more, trimmed == NULL ? 2 : 3);
}
