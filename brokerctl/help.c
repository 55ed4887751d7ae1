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
#include <string.h>

#include "command.h"
#include "ctl.h"

void
help_usage(FILE *f)
{
	struct args	none;

	fprintf(f, "usage: brokerctl [-jV] [-C file] [-s socket | -u url] "
	    "command [argument ...]\n");
	memset(&none, 0, sizeof(none));
	command_usage(f, commands, &none);
}

int
cmd_help(struct ctl *ctl, struct args *args)
{
	const struct command	*cmd;
	struct args		 wanted;
	char			 why[256];

	if (args->argc == 0) {
		help_usage(stdout);
		return (0);
	}
	/* Options may well be missing: the way to the command is enough. */
	cmd = command_parse(commands, args->argc, args->argv, &wanted, why,
	    sizeof(why));
	if (cmd == NULL && wanted.depth == 0)
		errx(2, "%s", why);
	command_usage(stdout, commands, &wanted);
	args_free(&wanted);
	return (0);
}
