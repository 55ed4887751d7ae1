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

#include <string.h>

#include "codes.h"
#include "op.h"
#include "retention.h"
#include "settings.h"
#include "state.h"

static struct retention	 conf, next;

static int	in_range(int64_t, int64_t);
static void	settings_view_of(const struct rec_obj_settings *,
		    struct rec_view_settings *);

void
settings_conf(const struct msg_conf_log *m)
{
	retention_conf(&next, m);
}

void
settings_activate(void)
{
	conf = next;
}

/* The view if that were the owner's object. */
static void
settings_view_of(const struct rec_obj_settings *o, struct rec_view_settings *v)
{
	struct retention	 r = conf;

	retention_owner(&r, o->retain_seconds, o->retain_rows);
	v->retain_seconds = r.seconds;
	v->seconds_from = r.seconds_from;
	v->retain_rows = r.rows;
	v->rows_from = r.rows_from;
	v->audit_seconds = r.audit_seconds;
	v->owner_seconds = o->retain_seconds;
	v->owner_rows = o->retain_rows;
	v->locked = r.locked;
}

void
settings_view(struct rec_view_settings *v)
{
	settings_view_of(&state.settings, v);
}

static int
in_range(int64_t value, int64_t max)
{
	return (value >= RETENTION_AS_IS && value <= max);
}

int
op_settings(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_settings	*a = args;
	struct rec_obj_settings		 o = state.settings;
	struct rec_view_settings	 view;

	if (!in_range(a->retain_seconds, RETENTION_SECONDS_MAX) ||
	    !in_range(a->retain_rows, RETENTION_ROWS_MAX))
		return (op_refuse(ask, 400, "invalid_value",
		    "A retention is at most ten years and %lld rows",
		    (long long)RETENTION_ROWS_MAX));
	if (conf.locked)
		return (op_refuse(ask, 409, "locked", "The retention of the "
		    "log is locked by the configuration"));
	if (a->retain_seconds != RETENTION_AS_IS)
		o.retain_seconds = a->retain_seconds;
	if (a->retain_rows != RETENTION_AS_IS)
		o.retain_rows = a->retain_rows;
	o.updated_at = ask->now;
	change_put(c, OBJ_SETTINGS, &o);
	settings_view_of(&o, &view);
	change_result(c, &desc_view_settings, &view);
	change_detail(c, "{\"retain_seconds\":%lld,\"retain_rows\":%lld}",
	    (long long)o.retain_seconds, (long long)o.retain_rows);
	return (0);
}
