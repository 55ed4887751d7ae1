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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "ctl.h"

static int	follow(struct ctl *, struct args *);
static void	show_cursor(const struct args *, int64_t);

/* The newest rows, the oldest of them first, as one reads a log. */
int
cmd_logs(struct ctl *ctl, struct args *args)
{
	struct logs_out	*out;
	int64_t		 cursor;
	json_t		*rows;
	size_t		 i;
	int		 shown;

	if (args_flag(args, 'f'))
		return (follow(ctl, args));
	rows = logs_fetch(ctl, args, &cursor);
	out = logs_out_open(ctl, args);
	for (i = json_array_size(rows); i > 0; i--)
		logs_out_row(out, json_array_get(rows, i - 1));
	shown = logs_out_flush(out) == 0;
	json_decref(rows);
	logs_out_close(out);
	/* Who goes on from it must have got what is before it. */
	if (shown)
		show_cursor(args, cursor);
	return (0);
}

/*
 * What there is already: rows from a cursor on come with the stream, but the
 * newest ones have to be asked for.
 */
static int
follow(struct ctl *ctl, struct args *args)
{
	struct logs_out	*out;
	int64_t		 cursor = logs_after(args);
	json_t		*rows = NULL;
	size_t		 i;
	int		 must = cursor != -1, shown, sig = 0;

	if (must && args_flag(args, 'n'))
		errx(2, "logs: with -f, -n and --after-cursor exclude each "
		    "other");
	ctl->live = 1;
	if (!must)
		rows = logs_fetch(ctl, args, &cursor);
	out = logs_out_open(ctl, args);
	for (i = json_array_size(rows); i > 0; i--)
		logs_out_row(out, json_array_get(rows, i - 1));
	json_decref(rows);
	if ((shown = logs_out_flush(out) == 0))
		sig = logs_follow(ctl, args, out, &cursor, must);
	logs_out_close(out);
	if (shown)
		show_cursor(args, cursor);
	if (sig != 0) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	return (0);
}

static void
show_cursor(const struct args *args, int64_t cursor)
{
	if (args_flag(args, LOGS_SHOW))
		fprintf(stderr, "-- cursor: %" PRId64 "\n", cursor);
}
