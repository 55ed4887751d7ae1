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
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "filter.h"
#include "keyd.h"
#include "logq.h"
#include "loop.h"
#include "reply.h"
#include "route.h"

#define LIMIT_DEFAULT	50
#define LIMIT_MAX	200

static int	cursors(struct request *, struct logq *);
static int	refused(struct request *, const char *, size_t,
		    const struct filter_error *);
static void	ask_for(struct request *, enum may_action, const char *);
static void	may_read(struct request *, struct msg *);
static void	rows(struct request *, struct msg *);
static void	ended(struct request *, const struct msg_rows_end *);

int
logs_number(struct request *req, const char *name, const char *s,
    uint64_t min, uint64_t *to)
{
	size_t	 n;

	if (s == NULL)
		return (0);
	n = strlen(s);
	errno = 0;
	if (n > 0 && strspn(s, "0123456789") == n)
		*to = strtoull(s, NULL, 10);
	else
		errno = EINVAL;
	if (errno == 0 && *to <= INT64_MAX && *to >= min)
		return (1);
	reply_invalid(req, "%s must be a number of at least %" PRIu64
	    ", not \"%.64s\"", name, min, s);
	return (-1);
}

static int
cursors(struct request *req, struct logq *q)
{
	uint64_t	 limit = LIMIT_DEFAULT;
	int		 older, newer;

	memset(q, 0, sizeof(*q));
	if (logs_number(req, "limit", request_query(req, "limit"), 1,
	    &limit) == -1 ||
	    (older = logs_number(req, "before", request_query(req, "before"),
	    1, &q->before)) == -1 ||
	    (newer = logs_number(req, "after", request_query(req, "after"), 0,
	    &q->after)) == -1)
		return (-1);
	if (older && newer) {
		reply_invalid(req,
		    "before and after are mutually exclusive");
		return (-1);
	}
	q->tail = newer;
	q->limit = limit > LIMIT_MAX ? LIMIT_MAX : limit;
	return (0);
}

/* Which parameter, and where in it, for who shows it at its place. */
static int
refused(struct request *req, const char *parameter, size_t at,
    const struct filter_error *e)
{
	json_t	*j = json_map();

	json_put_text(j, "parameter", parameter);
	json_put_number(j, "at", at);
	reply_error_json(req, 400, "invalid_filter", e->text, j);
	return (-1);
}

int
logs_filter(struct request *req, int instance, struct filter *f)
{
	const int64_t		 now = loop_wall();
	struct filter_error	 e = { 0, "" };
	char			 text[FILTER_MAX + 1];
	const char		*key, *value;
	unsigned int		 i;

	filter_init(f);
	for (i = 0; i < req->nquery; i++) {
		key = req->query[i].key;
		value = req->query[i].value;
		if (strcmp(key, "q") == 0) {
			if (filter_parse(f, value, now, &e) == -1)
				return (refused(req, key, e.at, &e));
		} else if (filter_key(key) != -1 &&
		    filter_add(f, key, value, now, &e) == -1)
			return (refused(req, key, e.at, &e));
	}
	if (!instance && filter_has(f, FILTER_VAULT)) {
		(void)strlcpy(e.text, "vault: only /v1/admin/logs has rows "
		    "of several vaults", sizeof(e.text));
		return (refused(req, "vault", 0, &e));
	}
	(void)filter_print(f, text);
	(void)request_keep(&req->to, text);
	return (0);
}

static void
ask_for(struct request *req, enum may_action action, const char *vault)
{
	struct filter	 f;
	struct logq	 q;

	if (request_no_fields(req) == 0 && cursors(req, &q) == 0 &&
	    logs_filter(req, action == ACTION_INSTANCE_LOGS, &f) == 0)
		keyd_may(req, action, vault, may_read);
}

void
logs_vault(struct request *req)
{
	ask_for(req, ACTION_LOGS, req->param[0]);
}

void
logs_instance(struct request *req)
{
	ask_for(req, ACTION_INSTANCE_LOGS, "");
}

static void
may_read(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;
	struct logq			 q;

	if (keyd_refused(req, a->status, a->code, a->text) ||
	    cursors(req, &q) == -1)
		return;
	q.scope = a->scope;
	q.filter = req->to;
	req->flag = q.tail;
	req->list = json_list();
	logq_ask(req, &q, rows);
}

static void
rows(struct request *req, struct msg *m)
{
	uint32_t	 i;

	if (m->type == MSG_ROWS_END) {
		ended(req, &m->u.rows_end);
		return;
	}
	for (i = 0; i < m->u.rows.rows_n; i++) {
		if (json_array_size(req->list) == LIMIT_MAX) {
			reply_error(req, 500, "internal",
			    "logd answered with too many rows");
			return;
		}
		json_add(req->list, logq_row(&m->u.rows.rows[i]));
	}
}

void
logs_no_cursor(struct request *req, uint64_t head)
{
	json_t	*j = json_map();

	json_put_number(j, "latest_id", head);
	reply_error_json(req, 409, "cursor_invalid", "There is no "
	    "such row yet: latest_id is the newest", j);
}

int
logs_refused(struct request *req, const struct msg_rows_end *e)
{
	if (e->status < 400)
		return (0);
	if (e->status == 409)
		logs_no_cursor(req, e->latest_id);
	else
		reply_error_json(req, e->status, e->status == 400 ?
		    "invalid_filter" : NULL, e->text, json_map());
	return (1);
}

static void
ended(struct request *req, const struct msg_rows_end *e)
{
	json_t	*j;

	if (logs_refused(req, e))
		return;
	j = json_map();
	json_put_number(j, "latest_id", e->latest_id);
	json_put(j, "logs", json_incref(req->list));
	json_put(j, "next_cursor", e->next_cursor == 0 ? json_null() :
	    json_integer(e->next_cursor));
	if (e->partial)
		json_put_flag(j, "partial", 1);
	if (e->gone > 0)
		json_put(j, "trimmed", logq_trimmed(e));
	reply_json(req, 200, j);
}
