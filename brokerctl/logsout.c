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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "csv.h"
#include "ctl.h"

enum form { SHORT, WIDE, JSON, CSV };

struct logs_out {
	const struct ctl	*ctl;
	enum form		 form;
	struct table		*table;		/* of short and wide */
};

static enum form	form(const struct ctl *, const struct args *);
static void	 put_json(const struct ctl *, const json_t *);

struct logs_out *
logs_out_open(const struct ctl *ctl, const struct args *args)
{
	struct logs_out	*o;

	if ((o = calloc(1, sizeof(*o))) == NULL)
		err(1, NULL);
	o->ctl = ctl;
	o->form = form(ctl, args);
	if (o->form == SHORT || o->form == WIDE)
		o->table = table_new(o->form == WIDE ? logs_wide : logs_short);
	if (o->form == CSV)
		csv_names(stdout);
	return (o);
}

static enum form
form(const struct ctl *ctl, const struct args *args)
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

/* On a terminal nothing is left that it would act on, in any form. */
void
logs_out_row(struct logs_out *o, const json_t *row)
{
	switch (o->form) {
	case JSON:
		put_json(o->ctl, row);
		break;
	case CSV:
		if (csv_row(stdout, row, o->ctl->tty ? text_escape :
		    NULL) == -1 && !ferror(stdout))
			err(1, NULL);
		break;
	case WIDE:
		logs_row_wide(o->ctl, o->table, row);
		break;
	case SHORT:
		logs_row_short(o->ctl, o->table, row);
		break;
	}
}

/* A stream of rows takes what stdout says from logs_out_flush(). */
static void
put_json(const struct ctl *ctl, const json_t *row)
{
	(void)json_dumpf(row, stdout, JSON_COMPACT |
	    (ctl->tty ? JSON_ENSURE_ASCII : 0));
	putchar('\n');
}

int
logs_out_flush(struct logs_out *o)
{
	const struct ctl	*ctl = o->ctl;

	if (o->table != NULL && ctl->live)
		table_flush(stdout, o->table, ctl->width, ctl->colour);
	else if (o->table != NULL) {
		ctl_print_table(ctl, o->table, "no request yet");
		o->table = NULL;
	}
	return (fflush(stdout) == EOF || ferror(stdout) ? -1 : 0);
}

void
logs_out_close(struct logs_out *o)
{
	if (o->table != NULL)
		table_free(o->table);
	free(o);
}
