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
#include <sys/time.h>

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ctl.h"
#include "filter.h"

#define PAGE		200	/* the most that one answer has */
#define COUNT_DEFAULT	50

/* One run of questions. */
struct ask {
	struct ctl	*ctl;
	const struct args *args;
	char		*path;		/* with the filter */
	json_t		*rows;
	int64_t		 wanted;
	int64_t		 cursor;
};

static const struct {
	int		 letter;
	const char	*option;
	enum filter_key	 key;
} filters[] = {
	{ LOGS_ACTOR,		"actor",	FILTER_ACTOR },
	{ LOGS_DECISION,	"decision",	FILTER_DECISION },
	{ LOGS_HOST,		"host",		FILTER_HOST },
	{ LOGS_ID,		"id",		FILTER_REQUEST_ID },
	{ LOGS_KIND,		"kind",		FILTER_KIND },
	{ LOGS_METHOD,		"method",	FILTER_METHOD },
	{ LOGS_MIN_MS,		"min-ms",	FILTER_MIN_MS },
	{ LOGS_PATH,		"path",		FILTER_PATH },
	{ LOGS_SERVICE,		"service",	FILTER_SERVICE },
	{ LOGS_SINCE,		"since",	FILTER_SINCE },
	{ LOGS_STATUS,		"status",	FILTER_STATUS },
	{ LOGS_UNTIL,		"until",	FILTER_UNTIL },
	{ 'v',			"vault",	FILTER_VAULT }
};
#define NFILTERS	(sizeof(filters) / sizeof(filters[0]))

static int64_t	 number(const struct args *, int, const char *, int64_t,
		    int64_t, int64_t);
static void	 take_filters(const struct args *, char *);
static json_t	*page(struct ask *, const char *, int64_t);
static size_t	 add(struct ask *, json_t *);
static void	 newest(struct ask *);
static void	 newer(struct ask *, int64_t);
static void	 turn_around(struct ask *);

static int64_t
number(const struct args *args, int letter, const char *name, int64_t min,
    int64_t max, int64_t none)
{
	const char	*errstr, *s = args_value(args, letter, NULL);
	int64_t		 value;

	if (s == NULL)
		return (none);
	value = strtonum(s, min, max, &errstr);
	if (errstr != NULL)
		errx(2, "logs: %s %s: %s; %" PRId64 " to %" PRId64, name, s,
		    errstr, min, max);
	return (value);
}

/*
 * What is wrong with an option is said before anybody is asked.  Only among
 * the rows of all vaults is the vault something to filter by.
 */
static void
take_filters(const struct args *args, char *text)
{
	const struct arg	*a;
	struct filter		 f;
	struct filter_error	 e;
	struct timeval		 tv;
	size_t			 i;

	gettimeofday(&tv, NULL);
	filter_init(&f);
	for (i = 0; i < NFILTERS; i++) {
		if (filters[i].letter == 'v' &&
		    !args_flag(args, LOGS_INSTANCE))
			continue;
		for (a = args_next(args, filters[i].letter, NULL); a != NULL;
		    a = args_next(args, filters[i].letter, a)) {
			if (*a->value == '\0')
				errx(2, "logs: --%s: a value is missing",
				    filters[i].option);
			if (filter_add(&f, filter_name(filters[i].key),
			    a->value, (int64_t)tv.tv_sec * 1000000 +
			    tv.tv_usec, &e) == -1)
				errx(2, "logs: --%s %s: %s",
				    filters[i].option, a->value, e.text);
		}
	}
	(void)filter_print(&f, text);
}

char *
logs_path(const struct args *args, const char *below)
{
	char	 filter[FILTER_MAX + 1];
	char	*log, *path, *where;

	take_filters(args, filter);
	log = args_flag(args, LOGS_INSTANCE) ? call_path("/v1/admin/logs") :
	    call_path("/v1/vaults/%s/logs", ctl_vault(args));
	where = call_path(*filter == '\0' ? "%s" : "?q=%s", filter);
	if (asprintf(&path, "%s%s%s", log, below, where) == -1)
		err(1, NULL);
	free(log);
	free(where);
	return (path);
}

int64_t
logs_after(const struct args *args)
{
	return (number(args, LOGS_AFTER, "--after-cursor", 0, INT64_MAX, -1));
}

void
logs_trimmed(const json_t *o)
{
	const int64_t	gone = get_int(o, "gone");

	warnx("logs: %s%" PRId64 " row%s behind the cursor %s gone: retention "
	    "deleted %s before %s could be shown",
	    json_is_false(json_object_get(o, "exact")) ? "up to " : "", gone,
	    gone == 1 ? "" : "s", gone == 1 ? "is" : "are",
	    gone == 1 ? "it" : "them", gone == 1 ? "it" : "they");
}

/* One answer; cursor is "" or the name of a parameter for id. */
static json_t *
page(struct ask *q, const char *cursor, int64_t id)
{
	const int64_t	 left = q->wanted -
			    (int64_t)json_array_size(q->rows);
	char		 limit[32], from[64] = "";
	char		*path;

	snprintf(limit, sizeof(limit), "%" PRId64, left > PAGE ? PAGE : left);
	if (*cursor != '\0')
		snprintf(from, sizeof(from), "&%s=%" PRId64, cursor, id);
	if (asprintf(&path, "%s%climit=%s%s", q->path,
	    strchr(q->path, '?') == NULL ? '?' : '&', limit, from) == -1)
		err(1, NULL);
	return (call(q->ctl, "GET", path, NULL));
}

/* How many rows an answer had. */
static size_t
add(struct ask *q, json_t *o)
{
	const json_t	*logs = json_object_get(o, "logs");
	const size_t	 had = json_array_size(q->rows);
	size_t		 i, n = json_array_size(logs);

	if (!json_is_array(logs))
		errx(1, "logs: the answer has no list of rows");
	/* A tail goes the other way: the oldest of a page comes first. */
	for (i = 0; i < n; i++) {
		if (json_array_append(q->rows, json_array_get(logs,
		    args_value(q->args, LOGS_AFTER, NULL) == NULL ? i :
		    n - 1 - i)) == -1)
			err(1, NULL);
	}
	return (json_array_size(q->rows) - had);
}

static void
newest(struct ask *q)
{
	json_t		*o;
	const json_t	*next;
	int64_t		 before = 0;

	while ((int64_t)json_array_size(q->rows) < q->wanted) {
		o = page(q, before == 0 ? "" : "before", before);
		(void)add(q, o);
		if (before == 0)
			q->cursor = get_int(o, "latest_id");
		next = json_object_get(o, "next_cursor");
		/* Downwards, or it would never end. */
		if (!json_is_integer(next) || (before != 0 &&
		    json_integer_value(next) >= before)) {
			json_decref(o);
			break;
		}
		before = json_integer_value(next);
		json_decref(o);
	}
}

/* Until there is nothing newer, or as many as are wanted. */
static void
newer(struct ask *q, int64_t after)
{
	json_t	*o;
	size_t	 n;
	int64_t	 latest;
	int	 partial;

	q->cursor = after;
	while ((int64_t)json_array_size(q->rows) < q->wanted) {
		o = page(q, "after", q->cursor);
		n = add(q, o);
		if (json_is_object(json_object_get(o, "trimmed")))
			logs_trimmed(json_object_get(o, "trimmed"));
		latest = get_int(o, "latest_id");
		partial = json_is_true(json_object_get(o, "partial"));
		json_decref(o);
		if (latest <= q->cursor)
			break;
		q->cursor = latest;
		if (n < PAGE && !partial)
			break;
	}
	turn_around(q);
}

static void
turn_around(struct ask *q)
{
	json_t	*rows = json_array();
	size_t	 i;

	if (rows == NULL)
		err(1, NULL);
	for (i = json_array_size(q->rows); i > 0; i--) {
		if (json_array_append(rows, json_array_get(q->rows,
		    i - 1)) == -1)
			err(1, NULL);
	}
	json_decref(q->rows);
	q->rows = rows;
}

json_t *
logs_fetch(struct ctl *ctl, const struct args *args, int64_t *cursor)
{
	struct ask	 q;
	int64_t		 after;

	after = logs_after(args);
	q.ctl = ctl;
	q.args = args;
	q.cursor = 0;
	q.wanted = number(args, 'n', "-n", 1, LOGS_MAX, after == -1 ?
	    COUNT_DEFAULT : LOGS_MAX);
	q.path = logs_path(args, "");
	if ((q.rows = json_array()) == NULL)
		err(1, NULL);
	if (after == -1)
		newest(&q);
	else
		newer(&q, after);
	free(q.path);
	*cursor = q.cursor;
	return (q.rows);
}
