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
#include <sys/queue.h>

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define WIDTH		80	/* of usage lines */
#define OPTS_MAX	24	/* options of a command */

static const struct command	*command_walk(const struct command *, int *,
		    char ***, struct args *, char *, size_t);
static const struct command	*command_find(const struct command *,
		    const char *, char *, size_t);
static int	 command_options(const struct command *, int, char **,
		    struct args *, char *, size_t);
static int	 command_check(const struct command *, struct args *, char *,
		    size_t);
static int	 build(const struct command *, char *, struct option *);
static const struct opt	*opt_find(const struct command *, int);
static const char	*opt_name(const struct opt *, char *, size_t);
static int	 add(struct args *, const struct opt *, const char *, char *,
		    size_t);
static void	 usage_command(FILE *, const struct args *);
static void	 usage_word(FILE *, int *, int, const char *);
static void	 usage_opt(FILE *, int *, int, const struct opt *);

/* Every command has it, so that -j can also stand behind the command. */
static const struct opt	opt_json = { 'j', "json", NULL, 0 };

const struct command *
command_parse(const struct command *tree, int argc, char **argv,
    struct args *args, char *why, size_t whysize)
{
	const struct command	*cmd;

	memset(args, 0, sizeof(*args));
	TAILQ_INIT(&args->given);
	cmd = command_walk(tree, &argc, &argv, args, why, whysize);
	if (cmd == NULL)
		return (NULL);
	if (command_options(cmd, argc, argv, args, why, whysize) == -1 ||
	    command_check(cmd, args, why, whysize) == -1)
		return (NULL);
	return (cmd);
}

/* Follow the words down to a command; argv[0] is then its name. */
static const struct command *
command_walk(const struct command *tree, int *argc, char ***argv,
    struct args *args, char *why, size_t whysize)
{
	const struct command	*cmd;
	char			 name[64];

	for (;;) {
		if (*argc < 1) {
			args_name(args, name, sizeof(name));
			snprintf(why, whysize, "%s%sa command is missing",
			    name, *name == '\0' ? "" : ": ");
			return (NULL);
		}
		cmd = command_find(tree, **argv, why, whysize);
		if (cmd == NULL || args->depth == COMMAND_DEPTH)
			return (NULL);
		args->path[args->depth++] = cmd;
		if (cmd->sub == NULL || (cmd->run != NULL &&
		    (*argc < 2 || (*argv)[1][0] == '-')))
			return (cmd);
		tree = cmd->sub;
		(*argc)--;
		(*argv)++;
	}
}

static const struct command *
command_find(const struct command *tree, const char *word, char *why,
    size_t whysize)
{
	const struct command	*cmd, *found = NULL;
	char			 list[128] = "";
	size_t			 n = strlen(word);
	int			 matches = 0;

	for (cmd = tree; cmd->name != NULL; cmd++) {
		if (n == 0 || strncmp(cmd->name, word, n) != 0)
			continue;
		if (cmd->name[n] == '\0')
			return (cmd);
		if (matches++ > 0)
			(void)strlcat(list, ", ", sizeof(list));
		(void)strlcat(list, cmd->name, sizeof(list));
		found = cmd;
	}
	if (matches == 1)
		return (found);
	if (matches == 0)
		snprintf(why, whysize, "there is no command \"%.40s\"", word);
	else
		snprintf(why, whysize, "\"%.40s\" can be %s", word, list);
	return (NULL);
}

static int
command_options(const struct command *cmd, int argc, char **argv,
    struct args *args, char *why, size_t whysize)
{
	struct option	 longs[OPTS_MAX + 2];
	char		 shorts[2 * OPTS_MAX + 8], name[64];
	const char	*what;
	int		 ch;

	if (build(cmd, shorts, longs) == -1) {
		snprintf(why, whysize, "%s: too many options", cmd->name);
		return (-1);
	}
	args_name(args, name, sizeof(name));
	opterr = 0;
	optind = 0;		/* the one value that starts both libcs anew */
	while ((ch = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (ch == '?' || ch == ':') {
			what = ch == '?' ? "there is no option" :
			    "an argument is missing after";
			if (optopt > 0 && optopt < OPT_LONG)
				snprintf(why, whysize, "%s: %s -%c", name,
				    what, optopt);
			else
				snprintf(why, whysize, "%s: %s %.40s", name,
				    what, argv[optind - 1]);
			return (-1);
		}
		if (add(args, opt_find(cmd, ch), optarg, why, whysize) == -1)
			return (-1);
	}
	args->argc = argc - optind;
	args->argv = argv + optind;
	return (0);
}

/* The strings that getopt_long(3) wants; shorts has room for OPTS_MAX. */
static int
build(const struct command *cmd, char *shorts, struct option *longs)
{
	const struct opt	*o;
	size_t			 n = 0, s = 0;

	if (cmd->flags & CMD_REST)
		shorts[s++] = '+';
	shorts[s++] = ':';
	memset(longs, 0, (OPTS_MAX + 2) * sizeof(*longs));
	for (o = cmd->opts; o != NULL && o->letter != 0; o++) {
		if (n == OPTS_MAX)
			return (-1);
		if (o->letter < OPT_LONG) {
			shorts[s++] = o->letter;
			if (o->arg != NULL)
				shorts[s++] = ':';
		}
		if (o->name == NULL)
			continue;
		longs[n].name = o->name;
		longs[n].has_arg = o->arg != NULL ? required_argument :
		    no_argument;
		longs[n++].val = o->letter;
	}
	if ((cmd->flags & CMD_REST) == 0) {
		shorts[s++] = 'j';
		longs[n].name = opt_json.name;
		longs[n].val = 'j';
	}
	shorts[s] = '\0';
	return (0);
}

static const struct opt *
opt_find(const struct command *cmd, int letter)
{
	const struct opt	*o;

	for (o = cmd->opts; o != NULL && o->letter != 0; o++) {
		if (o->letter == letter)
			return (o);
	}
	return (&opt_json);
}

static const char *
opt_name(const struct opt *o, char *buf, size_t size)
{
	if (o->letter < OPT_LONG)
		snprintf(buf, size, "-%c", o->letter);
	else
		snprintf(buf, size, "--%s", o->name);
	return (buf);
}

static int
add(struct args *args, const struct opt *o, const char *value, char *why,
    size_t whysize)
{
	struct arg	*arg;
	char		 name[64], opt[64];

	if ((o->flags & OPT_MANY) == 0 && o->arg != NULL &&
	    args_flag(args, o->letter)) {
		snprintf(why, whysize, "%s: %s is given twice",
		    args_name(args, name, sizeof(name)),
		    opt_name(o, opt, sizeof(opt)));
		return (-1);
	}
	if ((arg = calloc(1, sizeof(*arg))) == NULL)
		err(1, NULL);
	arg->letter = o->letter;
	arg->value = value;
	TAILQ_INSERT_TAIL(&args->given, arg, entry);
	return (0);
}

/* Operands by number, options that must be there. */
static int
command_check(const struct command *cmd, struct args *args, char *why,
    size_t whysize)
{
	const struct opt	*o;
	char			 name[64], opt[64];

	args_name(args, name, sizeof(name));
	for (o = cmd->opts; o != NULL && o->letter != 0; o++) {
		if ((o->flags & OPT_NEED) && !args_flag(args, o->letter)) {
			snprintf(why, whysize, "%s: %s %s is missing", name,
			    opt_name(o, opt, sizeof(opt)), o->arg);
			return (-1);
		}
	}
	if (args->argc < cmd->min) {
		snprintf(why, whysize, "%s: too few arguments", name);
		return (-1);
	}
	if (args->argc > cmd->max && (cmd->flags & CMD_REST) == 0) {
		snprintf(why, whysize, "%s: too many arguments", name);
		return (-1);
	}
	return (0);
}

void
args_free(struct args *args)
{
	struct arg	*arg;

	while ((arg = TAILQ_FIRST(&args->given)) != NULL) {
		TAILQ_REMOVE(&args->given, arg, entry);
		free(arg);
	}
}

const struct arg *
args_next(const struct args *args, int letter, const struct arg *prev)
{
	const struct arg	*arg;

	arg = prev == NULL ? TAILQ_FIRST(&args->given) :
	    TAILQ_NEXT(prev, entry);
	while (arg != NULL && arg->letter != letter)
		arg = TAILQ_NEXT(arg, entry);
	return (arg);
}

int
args_flag(const struct args *args, int letter)
{
	return (args_next(args, letter, NULL) != NULL);
}

const char *
args_value(const struct args *args, int letter, const char *otherwise)
{
	const struct arg	*arg;

	arg = args_next(args, letter, NULL);
	return (arg == NULL ? otherwise : arg->value);
}

const char *
args_name(const struct args *args, char *buf, size_t size)
{
	int	i;

	*buf = '\0';
	for (i = 0; i < args->depth; i++) {
		if (i > 0)
			(void)strlcat(buf, " ", size);
		(void)strlcat(buf, args->path[i]->name, size);
	}
	return (buf);
}

void
command_usage(FILE *f, const struct command *tree, const struct args *args)
{
	const struct command	*cmd;
	struct args		 one = *args;
	int			 width = 0;

	if (args->depth > 0) {
		cmd = args->path[args->depth - 1];
		if (cmd->run != NULL)
			usage_command(f, args);
		if (cmd->sub == NULL)
			return;
		tree = cmd->sub;
	}
	if (args->depth == COMMAND_DEPTH)
		return;
	for (cmd = tree; cmd->name != NULL; cmd++) {
		if (width < (int)strlen(cmd->name))
			width = (int)strlen(cmd->name);
	}
	for (cmd = tree; cmd->name != NULL; cmd++) {
		one.path[args->depth] = cmd;
		one.depth = args->depth + 1;
		if (args->depth > 0 && cmd->sub == NULL)
			usage_command(f, &one);
		else
			fprintf(f, "  %-*s  %s\n", width, cmd->name,
			    cmd->help);
	}
}

/* usage: brokerctl service add [-ad] [-k key] name host */
static void
usage_command(FILE *f, const struct args *args)
{
	const struct command	*cmd = args->path[args->depth - 1];
	const struct opt	*o;
	char			 name[64], flags[OPTS_MAX + 4] = "[-";
	size_t			 n = 2;
	int			 col, indent;

	col = fprintf(f, "usage: brokerctl %s",
	    args_name(args, name, sizeof(name)));
	indent = col + 1;
	for (o = cmd->opts; o != NULL && o->letter != 0; o++) {
		if (o->arg == NULL && o->letter < OPT_LONG && n < OPTS_MAX)
			flags[n++] = o->letter;
	}
	if ((cmd->flags & CMD_REST) == 0)
		flags[n++] = 'j';
	if (n > 2) {
		(void)strlcpy(flags + n, "]", sizeof(flags) - n);
		usage_word(f, &col, indent, flags);
	}
	for (o = cmd->opts; o != NULL && o->letter != 0; o++)
		usage_opt(f, &col, indent, o);
	if (cmd->operands != NULL)
		usage_word(f, &col, indent, cmd->operands);
	fputc('\n', f);
}

static void
usage_opt(FILE *f, int *col, int indent, const struct opt *o)
{
	char	opt[64], word[128];
	int	need = o->flags & OPT_NEED;

	if (o->arg == NULL && o->letter < OPT_LONG)
		return;
	snprintf(word, sizeof(word), "%s%s%s%s%s%s", need ? "" : "[",
	    opt_name(o, opt, sizeof(opt)), o->arg != NULL ? " " : "",
	    o->arg != NULL ? o->arg : "", need ? "" : "]",
	    o->flags & OPT_MANY ? " ..." : "");
	usage_word(f, col, indent, word);
}

static void
usage_word(FILE *f, int *col, int indent, const char *word)
{
	if (*col + 1 + (int)strlen(word) > WIDTH - 1) {
		fprintf(f, "\n%*s", indent, "");
		*col = indent;
	} else {
		fputc(' ', f);
		(*col)++;
	}
	*col += fprintf(f, "%s", word);
}
