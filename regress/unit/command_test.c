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

/* The command tree: abbreviations, options, usage lines. */

#include <sys/types.h>
#include <sys/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../brokerctl/command.h"
#include "../../brokerctl/ctl.h"

#define WORDS_MAX	24

static struct args	 args;
static char		 why[256];
static char		*words[WORDS_MAX];

static const struct command	*parse(const struct command *, const char *);
static void	 refused(const char *, const char *);
static void	 walk(const struct command *, const char *);
static void	 check_usage(const char *);
static void	 names(void **);
static void	 abbreviations(void **);
static void	 not_commands(void **);
static void	 options(void **);
static void	 order(void **);
static void	 bad_options(void **);
static void	 operands(void **);
static void	 rest(void **);
static void	 quickstart(void **);
static void	 usage_lines(void **);

/* Parse the words of a line; quotes are not known. */
static const struct command *
parse(const struct command *tree, const char *line)
{
	static char	 copy[256];
	char		*rest, *word;
	int		 n = 0;

	(void)strlcpy(copy, line, sizeof(copy));
	for (rest = copy; (word = strsep(&rest, " ")) != NULL;) {
		if (*word != '\0' && n < WORDS_MAX - 1)
			words[n++] = word;
	}
	words[n] = NULL;
	*why = '\0';
	return (command_parse(tree, n, words, &args, why, sizeof(why)));
}

static void
refused(const char *line, const char *sentence)
{
	assert_null(parse(commands, line));
	assert_string_equal(why, sentence);
	args_free(&args);
}

/* Each command is found by its whole name, and by no other's. */
static void
walk(const struct command *tree, const char *prefix)
{
	const struct command	*cmd;
	char			 line[128], name[64];

	for (cmd = tree; cmd->name != NULL; cmd++) {
		snprintf(line, sizeof(line), "%s%s", prefix, cmd->name);
		(void)parse(commands, line);
		assert_string_equal(args_name(&args, name, sizeof(name)),
		    line);
		assert_ptr_equal(args.path[args.depth - 1], cmd);
		assert_non_null(cmd->help);
		assert_true(cmd->sub != NULL || cmd->run != NULL);
		assert_true(cmd->sub == NULL || cmd->max == 0);
		args_free(&args);
		if (cmd->sub != NULL) {
			(void)strlcat(line, " ", sizeof(line));
			walk(cmd->sub, line);
		}
	}
}

static void
names(void **state)
{
	walk(commands, "");
}

/* One that is a group as well runs itself unless a word follows. */
static void
both(void **state)
{
	const struct command	*cmd;

	assert_non_null(cmd = parse(commands, "logs"));
	assert_ptr_equal(cmd->run, cmd_logs);
	args_free(&args);
	assert_ptr_equal(parse(commands, "logs -n 3"), cmd);
	args_free(&args);
	assert_ptr_equal(parse(commands, "logs stats -v x")->run,
	    cmd_logs_stats);
	assert_string_equal(args_value(&args, 'v', ""), "x");
	args_free(&args);
	refused("logs nothing", "there is no command \"nothing\"");
	refused("logs -n 3 stats", "logs: too many arguments");
}

static void
abbreviations(void **state)
{
	char	name[64];

	assert_non_null(parse(commands, "st"));
	assert_string_equal(args_name(&args, name, sizeof(name)), "status");
	assert_non_null(parse(commands, "v l"));
	assert_string_equal(args_name(&args, name, sizeof(name)),
	    "vault list");
	assert_non_null(parse(commands, "cr s KEY"));
	assert_string_equal(args_name(&args, name, sizeof(name)),
	    "credential set");
	/* Exact, though it begins another. */
	assert_non_null(parse(commands, "log v"));
	assert_string_equal(args_name(&args, name, sizeof(name)),
	    "log verbose");
	assert_non_null(parse(commands, "logs"));
	assert_string_equal(args_name(&args, name, sizeof(name)), "logs");
}

static void
not_commands(void **state)
{
	refused("", "a command is missing");
	refused("vault", "vault: a command is missing");
	refused("lo", "\"lo\" can be log, logs");
	refused("agent x y", "there is no command \"x\"");
	refused("agent r x", "\"r\" can be revoke, rotate");
	refused("statuses", "there is no command \"statuses\"");
	refused("-", "there is no command \"-\"");
}

static void
options(void **state)
{
	const struct arg	*arg;

	assert_non_null(parse(commands, "service add -t custom -H A:1 -H B:2 "
	    "-d --vault main --path /v1/* -m GET,POST n h"));
	assert_string_equal(args_value(&args, 't', NULL), "custom");
	assert_string_equal(args_value(&args, 'v', "default"), "main");
	assert_string_equal(args_value(&args, OPT_LONG, NULL), "/v1/*");
	assert_string_equal(args_value(&args, 'm', NULL), "GET,POST");
	assert_true(args_flag(&args, 'd'));
	assert_false(args_flag(&args, 'a'));
	assert_null(args_value(&args, 'k', NULL));
	assert_string_equal(args_value(&args, 'k', "else"), "else");
	arg = args_next(&args, 'H', NULL);
	assert_string_equal(arg->value, "A:1");
	arg = args_next(&args, 'H', arg);
	assert_string_equal(arg->value, "B:2");
	assert_null(args_next(&args, 'H', arg));
	assert_int_equal(args.argc, 2);
	assert_string_equal(args.argv[0], "n");
	args_free(&args);
	assert_non_null(parse(commands, "logs --instance -n5 --output=wide"));
	assert_true(args_flag(&args, OPT_LONG));
	assert_string_equal(args_value(&args, 'n', NULL), "5");
	assert_string_equal(args_value(&args, 'o', NULL), "wide");
	args_free(&args);
}

/* Options behind operands; -j everywhere; "--" ends them. */
static void
order(void **state)
{
	assert_non_null(parse(commands, "service add n h -t bearer -k K -j"));
	assert_string_equal(args_value(&args, 'k', NULL), "K");
	assert_true(args_flag(&args, 'j'));
	assert_int_equal(args.argc, 2);
	assert_string_equal(args.argv[1], "h");
	args_free(&args);
	assert_non_null(parse(commands, "vault delete -- -j"));
	assert_false(args_flag(&args, 'j'));
	assert_string_equal(args.argv[0], "-j");
	args_free(&args);
	assert_non_null(parse(commands, "status --json"));
	assert_true(args_flag(&args, 'j'));
	args_free(&args);
}

static void
bad_options(void **state)
{
	refused("status -z", "status: there is no option -z");
	refused("status --zoo", "status: there is no option --zoo");
	refused("logs -n", "logs: an argument is missing after -n");
	refused("logs --lines", "logs: an argument is missing after -n");
	refused("service add --path",
	    "service add: an argument is missing after --path");
	refused("logs -n 1 -n 2", "logs: -n is given twice");
	refused("service add -k K n h", "service add: -t type is missing");
	refused("service add -t a --path b --path c n h",
	    "service add: --path is given twice");
}

static void
operands(void **state)
{
	refused("vault rename a", "vault rename: too few arguments");
	refused("vault rename a b c", "vault rename: too many arguments");
	refused("status now", "status: too many arguments");
	refused("run", "run: too few arguments");
}

/* Of a command to run no option is ours. */
static void
rest(void **state)
{
	assert_non_null(parse(commands, "run -v main ls -l -v -j"));
	assert_string_equal(args_value(&args, 'v', NULL), "main");
	assert_int_equal(args.argc, 4);
	assert_string_equal(args.argv[0], "ls");
	assert_string_equal(args.argv[3], "-j");
	args_free(&args);
	assert_non_null(parse(commands, "run -- -odd -t"));
	assert_int_equal(args.argc, 2);
	assert_string_equal(args.argv[0], "-odd");
	args_free(&args);
	refused("run -j ls", "run: there is no option -j");
}

/* The forms that scripts rely on. */
static void
quickstart(void **state)
{
	static const char	*lines[] = {
		"init", "status", "ca", "reload",
		"credential set -v default KEY",
		"service add -v default -t bearer -k KEY name host:1",
		"service add -t basic -k U -p P name host",
		"service add -t api-key -k K -H X-Key -P x name host",
		"service add -t custom -H A:b -H C:d name host",
		"service add -t passthrough -m GET,POST -d -a name host",
		"agent add -q -v default -r proxy name",
		"agent rotate -q name",
		"token mint -v default -t 5m -l label",
		"logs -n 1 -v default -o json",
	};
	size_t	i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (parse(commands, lines[i]) == NULL)
			fail_msg("%s: %s", lines[i], why);
		args_free(&args);
	}
}

static void
check_usage(const char *line)
{
	char	*p, *text;
	size_t	 col = 0, size;
	FILE	*f;

	(void)parse(commands, line);
	assert_non_null(f = open_memstream(&text, &size));
	command_usage(f, commands, &args);
	fclose(f);
	for (p = text; *p != '\0'; p++) {
		col = *p == '\n' ? 0 : col + 1;
		assert_true(col < 80);
	}
	assert_true(size > 0 && text[size - 1] == '\n');
	free(text);
	args_free(&args);
}

static void
usage_lines(void **state)
{
	static const char	expected[] =
	    "usage: brokerctl agent grant [-j] [-r role] [-v vault] name\n";
	char			*text;
	size_t			 size;
	FILE			*f;

	check_usage("");
	check_usage("service");
	check_usage("service add");
	check_usage("logs");
	(void)parse(commands, "ag g");
	assert_non_null(f = open_memstream(&text, &size));
	command_usage(f, commands, &args);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
	args_free(&args);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(both),
		cmocka_unit_test(abbreviations),
		cmocka_unit_test(not_commands),
		cmocka_unit_test(options),
		cmocka_unit_test(order),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(operands),
		cmocka_unit_test(rest),
		cmocka_unit_test(quickstart),
		cmocka_unit_test(usage_lines),
	};

	return (cmocka_run_group_tests_name("command", tests, NULL, NULL));
}
