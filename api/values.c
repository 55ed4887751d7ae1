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

#include "codes.h"
#include "filter.h"
#include "keyd.h"
#include "logq.h"
#include "reply.h"
#include "route.h"

#define LIMIT_DEFAULT	50
#define LIMIT_MAX	200
#define PREFIX_MAX	256

/* Values that occur in a log, for completion. */

static int	key_of(struct request *, enum may_action);
static int	limit_of(struct request *);
static const char	*prefix_of(struct request *);
static void	ask_for(struct request *, enum may_action, const char *);
static void	may_read(struct request *, struct msg *);
static void	listed(struct request *, struct msg *);

static int
key_of(struct request *req, enum may_action action)
{
	const char	*s = request_query(req, "key");
	int		 key;

	if (s == NULL || (key = filter_key(s)) == -1 ||
	    (key == FILTER_VAULT && action == ACTION_LOGS)) {
		reply_invalid(req, s == NULL ? "The parameter \"key\" is "
		    "missing" : "There is no key \"%.64s\"", s);
		return (-1);
	}
	return (key);
}

static int
limit_of(struct request *req)
{
	const char	*errstr, *s = request_query(req, "limit");
	int		 n;

	if (s == NULL)
		return (LIMIT_DEFAULT);
	n = strtonum(s, 1, INT32_MAX, &errstr);
	if (errstr != NULL) {
		reply_invalid(req, "limit must be a number of at least 1, "
		    "not \"%.64s\"", s);
		return (-1);
	}
	return (n > LIMIT_MAX ? LIMIT_MAX : n);
}

static const char *
prefix_of(struct request *req)
{
	const char	*s = request_query(req, "prefix");

	if (s == NULL)
		return ("");
	if (strlen(s) <= PREFIX_MAX)
		return (s);
	reply_invalid(req, "prefix has at most %d bytes", PREFIX_MAX);
	return (NULL);
}

static void
ask_for(struct request *req, enum may_action action, const char *vault)
{
	int	 key;

	if (request_no_fields(req) == -1 || (key = key_of(req, action)) ==
	    -1 || limit_of(req) == -1 || prefix_of(req) == NULL)
		return;
	req->view = key;
	keyd_may(req, action, vault, may_read);
}

void
values_vault(struct request *req)
{
	ask_for(req, ACTION_LOGS, req->param[0]);
}

void
values_instance(struct request *req)
{
	ask_for(req, ACTION_INSTANCE_LOGS, "");
}

static void
may_read(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;

	if (keyd_refused(req, a->status, a->code, a->text))
		return;
	logq_values(req, a->scope, req->view, prefix_of(req), limit_of(req),
	    listed);
}

static void
listed(struct request *req, struct msg *m)
{
	const struct msg_value_list	*v = &m->u.value_list;
	json_t				*j = json_map(), *list;
	uint32_t			 i;

	if (v->status >= 400) {
		reply_error_json(req, v->status, v->status == 400 ?
		    "invalid_request" : NULL, v->text, j);
		return;
	}
	list = json_list();
	for (i = 0; i < v->values_n; i++)
		json_add(list, json_word(v->values[i].text));
	json_put_text(j, "key", filter_name(req->view));
	json_put(j, "values", list);
	json_put_flag(j, "more", v->more);
	reply_json(req, 200, j);
}
