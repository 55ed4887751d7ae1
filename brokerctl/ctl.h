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

#ifndef CTL_H
#define CTL_H

#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <jansson.h>

#include "client.h"
#include "table.h"

struct args;

/* One run of brokerctl. */
struct ctl {
	struct target	 target;
	struct client	*client;
	char		 name[64];	/* of the command, for messages */
	int		 json;		/* -j */
	int		 tty;		/* stdout is a terminal */
	int		 live;		/* lines are there for longer */
	int		 colour;
	size_t		 width;		/* of the terminal, or 0 */
};

/*
 * call.c: requests that end the program when they fail, with a sentence that
 * says what to do.
 */

/*
 * A path in which each %s is percent-encoded; everything else is taken as it
 * is, and there is nothing but %s.  Must be freed.
 */
char	*call_path(const char *, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

/*
 * method, path (is freed), body (reference is taken; NULL: none).  The JSON
 * object of the answer, whose reference is the caller's.  call_try() leaves
 * answers with the named status to the caller too; *status says what came.
 */
json_t	*call(struct ctl *, const char *, char *, json_t *);
json_t	*call_try(struct ctl *, const char *, char *, json_t *, int, int *);

/* What is wrong with a status that is not 2xx; does not return. */
void	 call_refused(const struct ctl *, const struct answer *) __dead;
/* Why there was no answer; does not return. */
void	 call_unreachable(const struct ctl *) __dead;
/* An answer that is no JSON. */
void	 call_raw(struct ctl *, const char *, char *, struct answer *);

/*
 * A file, written to the descriptor; returns its length.  Exits with 1, and
 * says so, also when it ends before its end.
 */
uint64_t call_download(struct ctl *, char *, int);

/* The whole object for -j. */
void	 call_print(const json_t *);
/* The same if -j asks for it: 1, and the object is freed. */
int	 call_json(const struct ctl *, json_t *);
/*
 * The end of a command: the object for -j, else this line, whose arguments may
 * point into it.  It is freed; 0, for the command to return.
 */
int	 call_done(const struct ctl *, json_t *, const char *, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

/* Members of what the daemon sent; never NULL. */
const char	*get_string(const json_t *, const char *);
int64_t		 get_int(const json_t *, const char *);

/* A JSON string that the caller owns; exits if it is not UTF-8. */
json_t	*new_string(const char *);

/* -v, BROKERD_VAULT, AGENT_VAULT_VAULT, or "default". */
const char	*ctl_vault(const struct args *);
/* An environment variable, or NULL if it is not set or empty. */
const char	*ctl_env(const char *);

void	 ctl_print_table(const struct ctl *, struct table *, const char *);

/*
 * when.c
 */

/* RFC 3339 in UTC; 0, or -1 if it is not. */
int	 when_parse(const char *, time_t *);
/*
 * For people: how long ago, or how long yet to go, on a terminal; there with
 * live as 11-25 08:00:00; as it is elsewhere.  "-" for the empty string.  buf
 * has WHEN_SIZE bytes.
 */
const char	*when_text(const struct ctl *, const char *, char *);
/* Seconds as 42s, 17m, 5h, 12d. */
const char	*when_span(int64_t, char *);
/* A whole number and s, m, h or d: seconds, or -1. */
int64_t	 when_duration(const char *);

#define WHEN_SIZE	64

/*
 * secret.c
 */

/* Have jansson wipe what it frees. */
void	 secret_json(void);
/* Wipe and free what json_dumps(3) made. */
void	 secret_dumped(char *);

#define SECRET_MAX	(32 * 1024)

/*
 * A value from the terminal without echo, if stdin is one, or from stdin
 * up to its end, less exactly one newline.  Exits if it is longer than
 * SECRET_MAX or cannot be sent.  The string is freed with freezero(3) and has
 * the length of strlen(3).
 */
char	*secret_read(const char *);

/*
 * What each command does; the exit status.
 */
int	 cmd_backup(struct ctl *, struct args *);	/* backup.c */
int	 cmd_init(struct ctl *, struct args *);		/* daemon.c */
int	 cmd_reload(struct ctl *, struct args *);
int	 cmd_open(struct ctl *, struct args *);
int	 cmd_log_verbose(struct ctl *, struct args *);
int	 cmd_log_brief(struct ctl *, struct args *);
int	 cmd_ca(struct ctl *, struct args *);
int	 cmd_settings_get(struct ctl *, struct args *);	/* settings.c */
int	 cmd_settings_set(struct ctl *, struct args *);
int	 cmd_status(struct ctl *, struct args *);	/* status.c */
int	 cmd_vault_list(struct ctl *, struct args *);	/* vault.c */
int	 cmd_vault_add(struct ctl *, struct args *);
int	 cmd_vault_delete(struct ctl *, struct args *);
int	 cmd_vault_rename(struct ctl *, struct args *);
int	 cmd_vault_set(struct ctl *, struct args *);
int	 cmd_credential_list(struct ctl *, struct args *); /* credential.c */
int	 cmd_credential_set(struct ctl *, struct args *);
int	 cmd_credential_get(struct ctl *, struct args *);
int	 cmd_credential_delete(struct ctl *, struct args *);
int	 cmd_service_list(struct ctl *, struct args *);	/* service.c */
int	 cmd_service_enable(struct ctl *, struct args *);
int	 cmd_service_disable(struct ctl *, struct args *);
int	 cmd_service_delete(struct ctl *, struct args *);
int	 cmd_service_add(struct ctl *, struct args *);	/* serviceadd.c */
int	 cmd_service_set(struct ctl *, struct args *);
int	 cmd_agent_list(struct ctl *, struct args *);	/* agent.c */
int	 cmd_agent_add(struct ctl *, struct args *);
int	 cmd_agent_rotate(struct ctl *, struct args *);
int	 cmd_agent_revoke(struct ctl *, struct args *);
int	 cmd_agent_delete(struct ctl *, struct args *);
int	 cmd_agent_grant(struct ctl *, struct args *);
int	 cmd_agent_ungrant(struct ctl *, struct args *);
int	 cmd_token_mint(struct ctl *, struct args *);	/* token.c */
int	 cmd_token_list(struct ctl *, struct args *);
int	 cmd_token_revoke(struct ctl *, struct args *);
int	 cmd_logs(struct ctl *, struct args *);		/* logs.c */
int	 cmd_logs_export(struct ctl *, struct args *);	/* logsexport.c */
int	 cmd_logs_stats(struct ctl *, struct args *);	/* logsstats.c */
int	 cmd_run(struct ctl *, struct args *);		/* run.c */
int	 cmd_help(struct ctl *, struct args *);		/* help.c */

/* help.c: the usage line and all commands. */
void	 help_usage(FILE *);

/*
 * target.c: the socket that is named, or that of BROKERD_SOCKET, or the
 * daemon's default; or http[s]://host[:port], with the token of BROKERD_TOKEN.
 * target_url() exits with 2 if it is something else.
 */
void	 target_socket(struct target *, const char *);
void	 target_url(struct target *, const char *);

/* token.c: seconds of -t, or 0 without; exits with 2 if it is none. */
int64_t	 token_ttl(const struct args *);
/* Print a token: alone if it is for a program, else with what it is. */
void	 token_print(const struct ctl *, const struct args *, const char *,
	    const char *);

/*
 * logsquery.c: what of the log is wanted.
 */
#define LOGS_MAX	100000	/* rows */

/*
 * The rows that the options ask for, the newest first; *cursor is the row up
 * to which there is nothing more to see.  Exits with 2 if an option's value
 * is not valid.
 */
json_t	*logs_fetch(struct ctl *, const struct args *, int64_t *cursor);

/*
 * The path of the log that the options name, or of what is below it, with the
 * filter they make as its query, if there is one; to be freed.
 */
char	*logs_path(const struct args *, const char *below);
/* Say what retention has taken: an answer's "trimmed". */
void	 logs_trimmed(const json_t *);
/* --after-cursor, or -1. */
int64_t	 logs_after(const struct args *);

/*
 * logsout.c: rows in one of the forms of -o, the oldest first.  With live they
 * come one by one, and columns keep their place.  logs_out_flush() prints what
 * there is: 0, or -1 if stdout does not take it.  logs_out_open() exits with 2
 * if there is no such form.
 */
struct logs_out;
struct logs_out	*logs_out_open(const struct ctl *, const struct args *);
void	 logs_out_row(struct logs_out *, const json_t *);
int	 logs_out_flush(struct logs_out *);
void	 logs_out_close(struct logs_out *);

/*
 * logsfollow.c: print rows newer than cursor, for ever; the cursor then and a
 * signal's number, or 0 if stdout takes no more.  Exits with 1 when the daemon
 * refuses.  must: an answer has to come at once, the first time.
 */
int	 logs_follow(struct ctl *, const struct args *, struct logs_out *,
	    int64_t *cursor, int must);

/* logsrow.c: put one row of the log into a table. */
extern const struct column	logs_short[], logs_wide[];
void	 logs_row_short(const struct ctl *, struct table *, const json_t *);
void	 logs_row_wide(const struct ctl *, struct table *, const json_t *);

/*
 * An answer of logs/stats for people: logsstats.c all of it, logschart.c a
 * line for each step.  width is the terminal's number of columns; marks are
 * letters, and blocks where the locale has them.
 */
void	 logs_stats(FILE *, const json_t *, size_t width, int colour);
void	 logs_chart(FILE *, const json_t *, size_t width, int colour);
/* Milliseconds: 0.4 ms, 12 ms, 1.2 s, 3.4 m; "-" for null. */
#define LOGS_SPAN	24
const char	*logs_span(const json_t *, char [LOGS_SPAN]);

/*
 * runenv.c, bundle.c
 */

/* What a command that is run gets to know. */
struct runenv {
	const char	*token;
	const char	*vault;
	const char	*host;		/* of the proxy */
	unsigned int	 port;
	const char	*addr;		/* of the API, or NULL */
	const char	*bundle;	/* file of authorities */
	const char	*wgetrc;
	int		 localhost;	/* may be named in NO_PROXY */
};

/* Change the environment of this process; exits without memory. */
void	 runenv_set(const struct runenv *);

/*
 * A file with the system's authorities and this one, private to the user,
 * the same for the same content.  Its path must be freed; exits if there can
 * be none.
 */
char	*bundle_write(const char *, size_t);

/*
 * Likewise a configuration for wget(1), which takes authorities from nowhere
 * else: the user's own, and one line for the bundle.
 */
char	*bundle_wgetrc(const char *);

#endif /* CTL_H */
