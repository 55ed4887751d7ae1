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
#include <unistd.h>

#include "command.h"
#include "ctl.h"

/* All rows that match, as they come: for a file, or another program. */
int
cmd_logs_export(struct ctl *ctl, struct args *args)
{
	const char	*o = args_value(args, 'o', "json");
	const int64_t	 after = logs_after(args);
	char		*log, *path, from[64] = "";

	if (strcmp(o, "json") != 0 && strcmp(o, "csv") != 0)
		errx(2, "logs export: -o %s: json or csv", o);
	if (ctl->json)
		o = "json";
	if (isatty(STDOUT_FILENO))
		errx(1, "an export is not for a terminal: write it into a "
		    "file, or pipe it into another program");
	if (after != -1)
		snprintf(from, sizeof(from), "&after=%" PRId64, after);
	log = logs_path(args, "/export");
	if (asprintf(&path, "%s%cformat=%s%s", log,
	    strchr(log, '?') == NULL ? '?' : '&',
	    strcmp(o, "csv") == 0 ? "csv" : "jsonl", from) == -1)
		err(1, NULL);
	free(log);
	(void)call_download(ctl, path, STDOUT_FILENO);
	return (0);
}
