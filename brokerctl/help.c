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

static void	help_tree(const struct command *, const char *);
static void	help_command(const struct command *, const char *);
static void	help_option(json_t *, const struct opt *);

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

	if (args->argc == 0 && ctl->json) {
		help_tree(commands, "");
		return (0);
	}
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

/* For programs: a line for each command that can be run. */
static void
help_tree(const struct command *tree, const char *above)
{
	const struct command	*cmd;
	char			 name[64];

	for (cmd = tree; cmd->name != NULL; cmd++) {
		snprintf(name, sizeof(name), "%s%s%s", above,
		    *above == '\0' ? "" : " ", cmd->name);
		if (cmd->run != NULL)
			help_command(cmd, name);
		if (cmd->sub != NULL)
			help_tree(cmd->sub, name);
	}
}

static void
help_command(const struct command *cmd, const char *name)
{
	static const struct opt	 json = { 'j', "json", NULL, 0 };
	const struct opt	*o;
	json_t			*list, *line;

	if ((list = json_array()) == NULL)
		err(1, NULL);
	for (o = cmd->opts; o != NULL && o->letter != 0; o++)
		help_option(list, o);
	if ((cmd->flags & CMD_REST) == 0)
		help_option(list, &json);
	line = json_pack("{s:s,s:s?,s:s,s:o}", "command", name, "operands",
	    cmd->operands, "help", cmd->help, "options", list);
	if (line == NULL)
		err(1, NULL);
	if (json_dumpf(line, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	json_decref(line);
}

static void
help_option(json_t *list, const struct opt *o)
{
	char	 letter[2] = "";
	json_t	*option;

	if (o->letter < OPT_LONG)
		letter[0] = (char)o->letter;
	option = json_pack("{s:s?,s:s?,s:s?,s:b}", "short",
	    *letter == '\0' ? NULL : letter, "long", o->name, "value", o->arg,
	    "many", o->flags & OPT_MANY);
	if (option == NULL || json_array_append_new(list, option) == -1)
		err(1, NULL);
}
