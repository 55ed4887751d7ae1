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

enum format { SHORT, WIDE, JSON, CSV };

static enum format	format(const struct ctl *, const struct args *);
static void	 print_json(const json_t *);
static void	 print_rows(const struct ctl *, const json_t *, int);

/* The newest rows, the oldest of them first, as one reads a log. */
int
cmd_logs(struct ctl *ctl, struct args *args)
{
	enum format	 f = format(ctl, args);
	int64_t		 cursor;
	json_t		*rows;

	rows = logs_fetch(ctl, args, &cursor);
	if (f == JSON)
		print_json(rows);
	else if (f == CSV)
		logs_csv(ctl, rows);
	else
		print_rows(ctl, rows, f == WIDE);
	json_decref(rows);
	if (args_flag(args, LOGS_SHOW))
		fprintf(stderr, "-- cursor: %" PRId64 "\n", cursor);
	return (0);
}

static enum format
format(const struct ctl *ctl, const struct args *args)
{
	const char	*o = args_value(args, 'o', "short");

	if (ctl->json || strcmp(o, "json") == 0)
		return (JSON);
	if (strcmp(o, "csv") == 0)
		return (CSV);
	if (strcmp(o, "wide") == 0)
		return (WIDE);
	if (strcmp(o, "short") != 0)
		errx(2, "logs: -o %s: short, wide, json or csv", o);
	return (SHORT);
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
