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

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ctl.h"

#define PAGE		200	/* the most that one answer has */
#define COUNT_DEFAULT	50
#define COUNT_MAX	100000
#define OPT_INSTANCE	OPT_LONG	/* as in tree.c */

enum format { SHORT, WIDE, JSON };

static enum format	format(const struct ctl *, const struct args *);
static int64_t	 count(const struct args *);
static json_t	*fetch(struct ctl *, const struct args *, int64_t);
static char	*page_path(const struct args *, int64_t, int64_t);
static void	 print_json(const json_t *);
static void	 print_rows(const struct ctl *, const json_t *, int);

/* The newest rows, the oldest of them first, as one reads a log. */
int
cmd_logs(struct ctl *ctl, struct args *args)
{
	enum format	 f = format(ctl, args);
	json_t		*rows;

	rows = fetch(ctl, args, count(args));
	if (f == JSON)
		print_json(rows);
	else
		print_rows(ctl, rows, f == WIDE);
	json_decref(rows);
	return (0);
}

static enum format
format(const struct ctl *ctl, const struct args *args)
{
	const char	*o = args_value(args, 'o', "short");

	if (ctl->json || strcmp(o, "json") == 0)
		return (JSON);
	if (strcmp(o, "wide") == 0)
		return (WIDE);
	if (strcmp(o, "short") != 0)
		errx(2, "logs: -o %s: short, wide or json", o);
	return (SHORT);
}

static int64_t
count(const struct args *args)
{
	const char	*errstr, *n = args_value(args, 'n', NULL);
	int64_t		 value;

	if (n == NULL)
		return (COUNT_DEFAULT);
	value = strtonum(n, 1, COUNT_MAX, &errstr);
	if (errstr != NULL)
		errx(2, "logs: -n %s: %s; 1 to %d", n, errstr, COUNT_MAX);
	return (value);
}

/* Newest first, as the pages come. */
static json_t *
fetch(struct ctl *ctl, const struct args *args, int64_t wanted)
{
	json_t		*o, *rows;
	const json_t	*next;
	int64_t		 before = 0, left;

	if ((rows = json_array()) == NULL)
		err(1, NULL);
	while ((left = wanted - (int64_t)json_array_size(rows)) > 0) {
		o = call(ctl, "GET", page_path(args, left > PAGE ? PAGE :
		    left, before), NULL);
		if (json_array_extend(rows, json_object_get(o, "logs")) ==
		    -1)
			errx(1, "logs: the answer has no list of rows");
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
	return (rows);
}

static char *
page_path(const struct args *args, int64_t limit, int64_t before)
{
	char	n[32], id[32];

	snprintf(n, sizeof(n), "%" PRId64, limit);
	snprintf(id, sizeof(id), "%" PRId64, before);
	if (args_flag(args, OPT_INSTANCE))
		return (before == 0 ?
		    call_path("/v1/admin/logs?limit=%s", n) :
		    call_path("/v1/admin/logs?limit=%s&before=%s", n, id));
	return (before == 0 ?
	    call_path("/v1/vaults/%s/logs?limit=%s", ctl_vault(args), n) :
	    call_path("/v1/vaults/%s/logs?limit=%s&before=%s",
	    ctl_vault(args), n, id));
}

static void
print_json(const json_t *rows)
{
	size_t	i;

	for (i = json_array_size(rows); i > 0; i--) {
		if (json_dumpf(json_array_get(rows, i - 1), stdout,
		    JSON_COMPACT) == -1)
			return;
		putchar('\n');
	}
}

static void
print_rows(const struct ctl *ctl, const json_t *rows, int wide)
{
	struct table	*t = table_new(wide ? logs_wide : logs_short);
	size_t		 i;

	for (i = json_array_size(rows); i > 0; i--) {
		if (wide)
			logs_row_wide(ctl, t, json_array_get(rows, i - 1));
		else
			logs_row_short(ctl, t, json_array_get(rows, i - 1));
	}
	ctl_print_table(ctl, t, "no request yet");
}
