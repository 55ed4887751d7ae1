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
#include <string.h>

#include "api.h"
#include "codes.h"
#include "json.h"
#include "keyd.h"
#include "reply.h"
#include "retention.h"
#include "route.h"

#define HOUR	3600

/* Settings of the instance: so far, how long the request log is kept. */

static json_t	*hours(int64_t);
static json_t	*settings(const struct rec_view_settings *);
static void	one(struct request *, const void *);
static void	done(struct request *);
static int	take_age(struct request *, json_t *, int64_t *);
static int	take_rows(struct request *, json_t *, int64_t *);
static int	take(struct request *, json_t *, struct rec_op_settings *);
static void	set(struct request *, struct msg *);

/* A whole number where it is one; null where nothing is set. */
static json_t *
hours(int64_t seconds)
{
	if (seconds == RETENTION_NONE)
		return (json_null());
	return (seconds % HOUR == 0 ? json_integer(seconds / HOUR) :
	    json_real((double)seconds / HOUR));
}

static json_t *
settings(const struct rec_view_settings *v)
{
	json_t	*j = json_map(), *r = json_map(), *from = json_map();
	json_t	*owner = json_map();

	json_put(r, "max_age_hours", hours(v->retain_seconds));
	json_put_number(r, "max_rows_per_vault", v->retain_rows);
	json_put(r, "max_audit_age_hours", hours(v->audit_seconds));
	json_put_flag(r, "locked", v->locked);
	json_put_text(from, "max_age_hours",
	    value_source_name(v->seconds_from));
	json_put_text(from, "max_rows_per_vault",
	    value_source_name(v->rows_from));
	json_put(r, "source", from);
	json_put(owner, "max_age_hours", hours(v->owner_seconds));
	json_put(owner, "max_rows_per_vault",
	    v->owner_rows == RETENTION_NONE ? json_null() :
	    json_integer(v->owner_rows));
	json_put(r, "owner", owner);
	json_put(j, "logs_retention", r);
	return (j);
}

static void
one(struct request *req, const void *view)
{
	if (req->out == NULL)
		req->out = settings(view);
}

static void
done(struct request *req)
{
	if (req->out == NULL)
		reply_error(req, 500, "internal", "keyd has no settings");
	else
		reply_json(req, 200, json_incref(req->out));
}

void
settings_get(struct request *req)
{
	if (request_no_fields(req) == 0)
		keyd_get(req, VIEW_SETTINGS, "", "", one, done);
}

static int
take_age(struct request *req, json_t *value, int64_t *to)
{
	double	 seconds;

	if (json_is_null(value)) {
		*to = RETENTION_NONE;
		return (0);
	}
	seconds = json_number_value(value) * HOUR;
	if (!json_is_number(value) || !(seconds >= 0) ||
	    seconds > RETENTION_SECONDS_MAX ||
	    (seconds > 0 && seconds < 60)) {
		reply_invalid(req, "max_age_hours must be a number of hours "
		    "from one minute to %lld, 0 for no limit, or null",
		    (long long)RETENTION_SECONDS_MAX / HOUR);
		return (-1);
	}
	*to = (int64_t)(seconds + 0.5);
	return (0);
}

static int
take_rows(struct request *req, json_t *value, int64_t *to)
{
	if (json_is_null(value)) {
		*to = RETENTION_NONE;
		return (0);
	}
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > RETENTION_ROWS_MAX) {
		reply_invalid(req, "max_rows_per_vault must be a whole "
		    "number to %lld, 0 for no limit, or null",
		    (long long)RETENTION_ROWS_MAX);
		return (-1);
	}
	*to = json_integer_value(value);
	return (0);
}

static int
take(struct request *req, json_t *retention, struct rec_op_settings *args)
{
	const char	*name;
	json_t		*value;
	int		 rc = 0;

	json_object_foreach(retention, name, value) {
		if (strcmp(name, "max_age_hours") == 0)
			rc = take_age(req, value, &args->retain_seconds);
		else if (strcmp(name, "max_rows_per_vault") == 0)
			rc = take_rows(req, value, &args->retain_rows);
		else {
			reply_invalid(req, "logs_retention has no field "
			    "\"%.64s\" that can be set", name);
			rc = -1;
		}
		if (rc == -1)
			return (-1);
	}
	return (0);
}

void
settings_set(struct request *req)
{
	json_t				*retention = NULL;
	const struct json_field		 fields[] = {
		{ "logs_retention", JSON_MAP, &retention },
		{ "allowed_email_domains", JSON_LATER, NULL },
		{ "invite_only", JSON_LATER, NULL },
		{ "rate_limit", JSON_LATER, NULL },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_settings		 args = { RETENTION_AS_IS,
					    RETENTION_AS_IS };

	if (request_fields(req, fields) == -1)
		return;
	if (retention == NULL) {
		reply_invalid(req, "logs_retention is required");
		return;
	}
	if (take(req, retention, &args) == 0)
		keyd_admin(req, OP_SETTINGS, "", &args, set);
}

static void
set(struct request *req, struct msg *m)
{
	struct rec_view_settings	 v;

	if (keyd_done(req, m, &desc_view_settings, &v) == 0)
		reply_json(req, 200, settings(&v));
}
