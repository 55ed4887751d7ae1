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
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "ctl.h"

#define LABEL_MAX	100	/* of a session */

static json_t	*token(struct ctl *, const struct args *, struct runenv *);
static const char *own_token(void);
static void	 check_token(struct ctl *, const char *, const char *);
static json_t	*mint(struct ctl *, const struct args *, const char *);
static const char *run_label(const char *, char *, size_t);
static void	 warn_user(struct ctl *);
static int	 below_localhost(struct ctl *, const char *, const char *);
static void	 proxy_place(const struct ctl *, struct runenv *, unsigned int,
		    char **);
static void	 split_place(char *, struct runenv *);
static int	 execute(char **);

/*
 * The command gets a token, the proxy and the authorities, and nothing
 * else of what brokerctl knew.
 */
int
cmd_run(struct ctl *ctl, struct args *args)
{
	struct answer	 ca;
	struct runenv	 env;
	json_t		*session;
	char		*bundle, *place = NULL, *wgetrc;

	memset(&env, 0, sizeof(env));
	env.vault = ctl_vault(args);
	session = token(ctl, args, &env);
	call_raw(ctl, "GET", call_path("/v1/mitm/ca.pem"), &ca);
	proxy_place(ctl, &env, ca.proxy_port, &place);
	env.localhost = !below_localhost(ctl, env.token, env.vault);
	warn_user(ctl);
	env.bundle = bundle = bundle_write(ca.body, ca.length);
	env.wgetrc = wgetrc = bundle_wgetrc(bundle);
	runenv_set(&env);
	free(bundle);
	free(wgetrc);
	free(place);
	answer_free(&ca);
	json_decref(session);
	return (execute(args->argv));
}

/* The token that is there, or a session's, which env then refers to. */
static json_t *
token(struct ctl *ctl, const struct args *args, struct runenv *env)
{
	json_t	*session;

	env->addr = ctl->target.socket != NULL ? ctl_env("BROKERD_API") :
	    ctl->target.url;
	if ((env->token = own_token()) != NULL) {
		if (args_flag(args, 't') || args_flag(args, 'l'))
			errx(2, "run: -t and -l are for a new session, but "
			    "there is a token in the environment already");
		check_token(ctl, env->token, env->vault);
		return (NULL);
	}
	session = mint(ctl, args, env->vault);
	env->token = get_string(session, "token");
	if (*env->token == '\0')
		errx(1, "run: brokerd sent no token");
	if (*get_string(session, "av_addr") != '\0')
		env->addr = get_string(session, "av_addr");
	return (session);
}

static const char *
own_token(void)
{
	const char	*token = ctl_env("BROKERD_TOKEN");

	return (token != NULL ? token : ctl_env("AGENT_VAULT_TOKEN"));
}

/* Better to hear it now than from each request of the command. */
static void
check_token(struct ctl *ctl, const char *token, const char *vault)
{
	const char	*saved = ctl->target.token;

	ctl->target.token = token;
	json_decref(call(ctl, "GET", call_path("/v1/vaults/%s/context",
	    vault), NULL));
	ctl->target.token = saved;
}

static json_t *
mint(struct ctl *ctl, const struct args *args, const char *vault)
{
	const char	*label = args_value(args, 'l', NULL);
	char		 text[LABEL_MAX + 1];
	int64_t		 ttl = token_ttl(args);
	json_t		*body;

	if (label == NULL)
		label = run_label(args->argv[0], text, sizeof(text));
	if ((body = json_pack("{s:o, s:o}", "vault", new_string(vault),
	    "label", new_string(label))) == NULL)
		err(1, NULL);
	if (ttl > 0 && json_object_set_new(body, "ttl_seconds",
	    json_integer(ttl)) == -1)
		err(1, NULL);
	return (call(ctl, "POST", call_path("/v1/sessions"), body));
}

/* "run" and the command's name, whatever that is made of and however long. */
static const char *
run_label(const char *command, char *buf, size_t size)
{
	const char	*base = strrchr(command, '/');
	char		*p;

	snprintf(buf, size, "run %s", base == NULL ? command : base + 1);
	for (p = buf; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return (buf);
}

/* What runs as the daemon's user, or as root, can read all it holds. */
static void
warn_user(struct ctl *ctl)
{
	struct answer	 answer;
	json_t		*o;
	uid_t		 uid;

	if (ctl->target.socket == NULL ||
	    client_peer(ctl->client, &uid) == -1)
		return;
	if (geteuid() == 0) {
		warnx("run: the command runs as root, which can read "
		    "brokerd's keys; start it as another user");
		return;
	}
	if (uid != geteuid() || client_call(ctl->client, "GET",
	    "/v1/brokerd/status", NULL, &answer) == -1)
		return;
	o = json_loadb(answer.body, answer.length, 0, NULL);
	if (json_is_false(json_object_get(o, "privileged")))
		warnx("run: brokerd runs as the user of the command, which "
		    "can therefore read its keys");
	json_decref(o);
	answer_free(&answer);
}

/*
 * Does the vault have a service whose host ends in .localhost?  Programs
 * take "localhost" in NO_PROXY for every name below it, too, and would go
 * around the proxy.
 */
static int
below_localhost(struct ctl *ctl, const char *token, const char *vault)
{
	const char	*host, *saved = ctl->target.token;
	json_t		*o;
	const json_t	*s;
	int		 found = 0;
	size_t		 i, n;

	if (ctl->target.socket == NULL)
		ctl->target.token = token;
	o = call(ctl, "GET", call_path("/v1/vaults/%s/services", vault),
	    NULL);
	ctl->target.token = saved;
	json_array_foreach(json_object_get(o, "services"), i, s) {
		host = get_string(s, "host");
		n = strcspn(host, ":/");
		if (n >= 10 && strncasecmp(host + n - 10, ".localhost",
		    10) == 0)
			found = 1;
	}
	json_decref(o);
	return (found);
}

/* Where the proxy listens; what is said to the contrary wins. */
static void
proxy_place(const struct ctl *ctl, struct runenv *env, unsigned int port,
    char **copy)
{
	const char	*place = ctl_env("BROKERD_PROXY");

	env->port = port;
	env->host = ctl->target.socket != NULL ? "127.0.0.1" :
	    ctl->target.host;
	if (place != NULL) {
		if ((*copy = strdup(place)) == NULL)
			err(1, NULL);
		split_place(*copy, env);
	}
	if (env->port == 0)
		errx(1, "run: brokerd has no proxy; there is no \"listen "
		    "proxy\" in brokerd.conf(5)");
}

/* host:port or [address]:port */
static void
split_place(char *place, struct runenv *env)
{
	const char	*errstr = "missing";
	char		*colon = strrchr(place, ':');

	if (colon != NULL) {
		env->port = (unsigned int)strtonum(colon + 1, 1, 65535,
		    &errstr);
		*colon = '\0';
		if (*place == '[' && colon[-1] == ']') {
			colon[-1] = '\0';
			place++;
		}
	}
	if (errstr != NULL || *place == '\0')
		errx(1, "BROKERD_PROXY: not host:port");
	env->host = place;
}

/* Its status is the command's own from here on. */
static int
execute(char **argv)
{
	int	saved;

	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	saved = errno;
	warn("run: %s", argv[0]);
	return (saved == ENOENT ? 127 : 126);
}
