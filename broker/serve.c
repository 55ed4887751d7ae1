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
#include "exchange.h"
#include "log.h"
#include "respond.h"
#include "serve.h"
#include "settings.h"
#include "stream.h"

static void	 serve_read(struct conn *, void *);
static void	 serve_write(struct conn *, void *);
static void	 serve_eof(struct conn *, enum conn_eof, void *);
static void	 serve_error(struct conn *, enum conn_error, const char *,
		    void *);
static void	 serve_timeout(struct conn *, enum conn_timer, void *);
static void	 serve_idle(struct serve *);
static void	 serve_input(struct serve *);
static int	 serve_parse(struct serve *);
static void	 serve_begin(struct serve *);
static void	 serve_drained(struct serve *);
static void	 serve_lost(struct serve *);
static void	 serve_over(struct serve *);
static void	 serve_clear(struct serve *);

static const struct conn_ops	 ops = {
	.read = serve_read,
	.write = serve_write,
	.eof = serve_eof,
	.error = serve_error,
	.timeout = serve_timeout
};

void
serve_init(struct serve *s, struct conn *c, const struct serve_ops *sops,
    void *arg, const struct msg_addr *client, uint64_t number)
{
	memset(s, 0, sizeof(*s));
	s->conn = c;
	s->ops = sops;
	s->arg = arg;
	s->client = *client;
	s->number = number;
	conn_owner(c, &ops, s);
	conn_marks(c, CONN_LOW, CONN_HIGH, SERVE_OUT_MAX);
	serve_idle(s);
	conn_resume(c);
}

/* Wait for the next head. */
static void
serve_idle(struct serve *s)
{
	s->state = SERVE_HEAD;
	conn_timer(s->conn, CONN_T_IDLE, 0);
	conn_timer(s->conn, CONN_T_DEADLINE, SERVE_IDLE_MS);
}

static void
serve_read(struct conn *c, void *arg)
{
	struct serve	*s = arg;

	if (s->state == SERVE_HEAD)
		serve_input(s);
	else if (s->state == SERVE_EXCHANGE)
		exchange_client_read(s->exchange);
}

/*
 * Requests that are answered at once need no turn of the loop each, but a
 * callback may end everything: what is dead is told at the end.
 */
static void
serve_input(struct serve *s)
{
	s->busy++;
	while (s->state == SERVE_HEAD && !s->stopping &&
	    buf_len(conn_in(s->conn)) > 0) {
		if (!serve_parse(s))
			break;
	}
	if (--s->busy == 0 && s->dead)
		s->ops->gone(s, s->arg);
}

/* Storage for a head, under the limits that rule when it begins. */
static void
serve_begin(struct serve *s)
{
	s->limits = settings()->limits;
	s->fields = reallocarray(NULL, s->limits.fields, sizeof(*s->fields));
	if (s->fields == NULL)
		fatal("request");
	http_head_request(&s->head, &s->limits, s->fields);
	if (HTTP_HEAD_SIZE(&s->limits) > CONN_IN_MAX)
		conn_inmax(s->conn, HTTP_HEAD_SIZE(&s->limits));
}

/* Whether a whole head was there. */
static int
serve_parse(struct serve *s)
{
	struct buf	*in = conn_in(s->conn);
	enum http_rc	 rc;
	int		 fresh;

	if ((fresh = s->fields == NULL))
		serve_begin(s);
	rc = http_parse(&s->head, (char *)buf_data(in), buf_len(in));
	if (rc == HTTP_MORE) {
		if (fresh)
			conn_timer(s->conn, CONN_T_DEADLINE, SERVE_HEAD_MS);
		return (0);
	}
	conn_timer(s->conn, CONN_T_DEADLINE, 0);
	s->state = SERVE_OWNER;
	s->served++;
	if (rc == HTTP_ERROR) {
		s->keepalive = 0;
		s->ops->malformed(s, s->arg);
	} else {
		s->keepalive = s->head.keepalive;
		s->ops->request(s, s->arg);
	}
	/* The head must not move while somebody is asked about it. */
	if (s->conn != NULL && s->fields != NULL)
		conn_pause(s->conn);
	return (1);
}

static void
serve_clear(struct serve *s)
{
	free(s->fields);
	s->fields = NULL;
}

void
serve_head_used(struct serve *s)
{
	struct buf	*in = conn_in(s->conn);

	if (s->fields == NULL)
		return;
	if (s->head.error == HTTP_E_NONE)
		buf_drain(in, s->head.length);
	serve_clear(s);
	conn_resume(s->conn);
}

int
serve_discard(struct serve *s, uint64_t *n)
{
	struct body_source	 src;
	const uint8_t		*data;
	enum source_rc		 rc;
	size_t			 len;

	body_source_init(&src, s->conn, s->head.framing,
	    s->head.content_length, &s->limits);
	while ((rc = body_source_next(&src, &data, &len)) == SOURCE_DATA) {
		body_source_used(&src, len);
		*n += len;
	}
	body_source_free(&src);
	return (rc == SOURCE_DONE);
}

void
serve_answer(struct serve *s, int status, const char *code, const char *text,
    const char *challenge, unsigned int retry)
{
	struct respond	 r;
	uint64_t	 n = 0;
	int		 legal = s->head.error == HTTP_E_NONE;

	memset(&r, 0, sizeof(r));
	r.status = status;
	r.code = code;
	r.text = text;
	r.challenge = challenge;
	r.retry = retry;
	r.head = legal && s->head.method == HTTP_M_HEAD;
	serve_head_used(s);
	if (!legal || s->stopping || !serve_discard(s, &n))
		s->keepalive = 0;
	r.close = !s->keepalive;
	r.keepalive = s->head.version == 10;
	if (respond_error(conn_out(s->conn), &r) == -1)
		serve_cut(s, 1);
	else
		serve_answered(s);
}

/*
 * An answer counts as given when the kernel has taken the last byte of it;
 * with a low-water mark of 0 the write callback says when.
 */
void
serve_answered(struct serve *s)
{
	s->state = SERVE_DRAIN;
	conn_timer(s->conn, CONN_T_IDLE, SERVE_STALL_MS);
	if (buf_len(conn_out(s->conn)) == 0)
		serve_drained(s);
	else
		conn_marks(s->conn, 0, CONN_HIGH, SERVE_OUT_MAX);
}

static void
serve_write(struct conn *c, void *arg)
{
	struct serve	*s = arg;

	if (s->state == SERVE_EXCHANGE)
		exchange_client_write(s->exchange);
	else if (s->state == SERVE_DRAIN && buf_len(conn_out(c)) == 0) {
		conn_marks(c, CONN_LOW, CONN_HIGH, SERVE_OUT_MAX);
		serve_drained(s);
	}
}

static void
serve_drained(struct serve *s)
{
	struct exchange	*x;

	if ((x = s->exchange) != NULL) {
		s->exchange = NULL;
		exchange_drained(x);
	}
	if (!s->keepalive || s->stopping || conn_ended(s->conn)) {
		conn_close(s->conn, SERVE_LINGER_MS);
		s->conn = NULL;
		serve_over(s);
		return;
	}
	serve_idle(s);
	if (buf_len(conn_in(s->conn)) > 0)
		serve_input(s);
}

/* The client is gone, whatever it was waiting for. */
static void
serve_lost(struct serve *s)
{
	struct exchange	*x;

	if ((x = s->exchange) != NULL) {
		s->exchange = NULL;
		exchange_client_gone(x);
	}
	serve_over(s);
}

static void
serve_eof(struct conn *c, enum conn_eof how, void *arg)
{
	struct serve	*s = arg;

	switch (s->state) {
	case SERVE_EXCHANGE:
		serve_lost(s);
		break;
	case SERVE_DRAIN:
		s->keepalive = 0;
		break;
	default:
		if (how == CONN_EOF_CLEAN) {
			conn_close(c, SERVE_LINGER_MS);
			s->conn = NULL;
		}
		serve_lost(s);
		break;
	}
}

static void
serve_error(struct conn *c, enum conn_error error, const char *text, void *arg)
{
	serve_lost(arg);
}

/*
 * The idle timer also runs while neither side has anything to say; then it is
 * wound up again.
 */
static void
serve_timeout(struct conn *c, enum conn_timer timer, void *arg)
{
	struct serve	*s = arg;

	if (timer == CONN_T_DEADLINE || s->state == SERVE_DRAIN)
		serve_lost(s);
	else if (s->state == SERVE_EXCHANGE)
		exchange_client_idle(s->exchange);
}

void
serve_cut(struct serve *s, int reset)
{
	struct exchange	*x;

	/* It may have to look at the head once more. */
	if ((x = s->exchange) != NULL) {
		s->exchange = NULL;
		exchange_client_gone(x);
	}
	if (reset)
		conn_abort(s->conn);
	else
		conn_close(s->conn, SERVE_LINGER_MS);
	s->conn = NULL;
	serve_over(s);
}

int
serve_waits(const struct serve *s)
{
	return (s->state == SERVE_HEAD && s->fields == NULL);
}

void
serve_abort(struct serve *s)
{
	if (s->state != SERVE_OVER)
		serve_cut(s, 1);
}

void
serve_stop(struct serve *s)
{
	s->stopping = 1;
	if (s->state == SERVE_HEAD)
		serve_cut(s, 0);
}

struct conn *
serve_release(struct serve *s)
{
	struct conn	*c = s->conn;

	conn_pause(c);
	conn_owner(c, NULL, NULL);
	conn_timer(c, CONN_T_IDLE, 0);
	conn_timer(c, CONN_T_DEADLINE, 0);
	serve_clear(s);
	auth_clear(&s->auth);
	s->conn = NULL;
	s->state = SERVE_OVER;
	return (c);
}

static void
serve_over(struct serve *s)
{
	conn_free(s->conn);
	s->conn = NULL;
	serve_clear(s);
	auth_clear(&s->auth);
	s->state = SERVE_OVER;
	if (s->busy)
		s->dead = 1;
	else
		s->ops->gone(s, s->arg);
}
