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

#ifndef COMMAND_H
#define COMMAND_H

#include <sys/queue.h>

#include <stdio.h>

struct ctl;

/*
 * The command tree: groups of commands and commands, each with its options,
 * from which parsing and the usage lines follow.
 */

/*
 * An option: a letter, or a number from 256 on for one that has a long name
 * only; arg names its argument, NULL for a flag.  The last one of a list has
 * the letter 0.
 */
struct opt {
	int		 letter;
	const char	*name;		/* long name, or NULL */
	const char	*arg;
	int		 flags;		/* OPT_* */
};

#define OPT_MANY	0x01	/* can be given several times */
#define OPT_NEED	0x02	/* must be given */
#define OPT_LONG	256	/* the first letter that is none */

struct args;

/*
 * A group has sub, a command run(), which returns the exit status; one with
 * both is a command of its own when no word follows, and takes no operands.
 */
struct command {
	const char		*name;
	const char		*operands;	/* for the usage line */
	int			 min;		/* number of operands */
	int			 max;
	const struct opt	*opts;		/* NULL: none */
	int			 flags;		/* CMD_* */
	const struct command	*sub;
	int			(*run)(struct ctl *, struct args *);
	const char		*help;
};

#define CMD_REST	0x01	/* operands to the end, options and all */
#define CMD_EXEC	0x02	/* executes another program */
#define CMD_SECRET	0x04	/* may ask on the terminal for a value */
#define CMD_FILE	0x08	/* reads the file of -f */
#define CMD_OFFLINE	0x10	/* needs no daemon */
#define CMD_LOCAL	0x20	/* on the local socket only */
#define CMD_WRITE	0x40	/* makes the file that its operand names */

struct arg {
	TAILQ_ENTRY(arg)	 entry;
	int			 letter;
	const char		*value;
};

#define COMMAND_DEPTH	3

/* What was on the command line. */
struct args {
	TAILQ_HEAD(, arg)	 given;
	const struct command	*path[COMMAND_DEPTH];
	int			 depth;		/* elements of path */
	int			 argc;		/* operands */
	char			**argv;
};

/*
 * Read argv, which starts with the first word of a command, against a tree
 * (the last element has no name).  Names can be cut as long as they are
 * unambiguous; a name that fits exactly always wins.  Every command but those
 * with CMD_REST takes -j, and options also behind operands.
 * NULL and a sentence in the buffer when it does not fit; args->path is then
 * how far it got.  args refers to argv and is released by args_free().
 */
const struct command *command_parse(const struct command *, int, char **,
		    struct args *, char *, size_t);
void		 args_free(struct args *);

/* The next value of an option after prev (NULL: the first), or NULL. */
const struct arg *args_next(const struct args *, int, const struct arg *);
int		 args_flag(const struct args *, int);
/* The value of an option, or what else holds. */
const char	*args_value(const struct args *, int, const char *);
/* "service add"; never longer than 63 characters. */
const char	*args_name(const struct args *, char *, size_t);

/*
 * The usage line of the command that path leads to, or of all commands of a
 * group, at most 80 columns wide.
 */
void		 command_usage(FILE *, const struct command *,
		    const struct args *);

/* Long options of logs. */
enum {
	LOGS_INSTANCE = OPT_LONG,
	LOGS_AFTER,
	LOGS_SHOW,
	LOGS_ACTOR,
	LOGS_DECISION,
	LOGS_HOST,
	LOGS_ID,
	LOGS_KIND,
	LOGS_METHOD,
	LOGS_MIN_MS,
	LOGS_PATH,
	LOGS_SERVICE,
	LOGS_SINCE,
	LOGS_STATUS,
	LOGS_STEP,
	LOGS_UNTIL
};

/* tree.c: the commands of brokerctl. */
extern const struct command	commands[];

#endif /* COMMAND_H */
