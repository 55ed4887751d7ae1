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

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

static int	 opt_age(struct conf *, const char *, const char *);
static int	 opt_rows(struct conf *, const char *, const char *);
static int	 opt_user(const char *, struct conf_id *);
static enum value_source	 opt_source(const char *);
static int	 opt_number(const char *, unsigned int *);

static const struct {
	const char	*key;
	const char	*env;
	int		(*set)(struct conf *, const char *, const char *);
} opts[] = {
	{ "logs.max_age_hours", "BROKERD_LOGS_MAX_AGE_HOURS", opt_age },
	{ "logs.max_rows_per_vault", "BROKERD_LOGS_MAX_ROWS_PER_VAULT",
	    opt_rows }
};

#define NOPTS	(sizeof(opts) / sizeof(opts[0]))
#define ENV_LOCK	"BROKERD_LOGS_RETENTION_LOCK"

/*
 * An invalid value is an error and not "as if it were not set": that would
 * quietly keep the log for another time than was asked for.
 */
int
conf_environ(struct conf *conf)
{
	const char	*value;
	size_t		 i;
	int		 rv = 0;

	for (i = 0; i < NOPTS; i++)
		if ((value = getenv(opts[i].env)) != NULL &&
		    opts[i].set(conf, opts[i].env, value) == -1)
			rv = -1;
	if ((value = getenv(ENV_LOCK)) == NULL)
		return (rv);
	if (strcmp(value, "true") == 0)
		conf->log.force_lock = 1;
	else if (strcmp(value, "false") != 0) {
		conf_report("%s: \"%s\" is neither true nor false", ENV_LOCK,
		    value);
		rv = -1;
	}
	return (rv);
}

int
conf_option(struct conf *conf, const char *option)
{
	const char	*eq;
	size_t		 i, len;

	if ((eq = strchr(option, '=')) == NULL) {
		conf_report("-o %s: not of the form key=value", option);
		return (-1);
	}
	len = eq - option;
	for (i = 0; i < NOPTS; i++)
		if (strlen(opts[i].key) == len &&
		    strncmp(opts[i].key, option, len) == 0)
			return (opts[i].set(conf, opts[i].key, eq + 1));
	conf_report("-o %.*s: no such option", (int)len, option);
	return (-1);
}

/* Variables of the environment are in capitals. */
static enum value_source
opt_source(const char *what)
{
	return (strncmp(what, "BROKERD_", 8) == 0 ? SOURCE_ENVIRONMENT :
	    SOURCE_OPTION);
}

static int
opt_age(struct conf *conf, const char *what, const char *value)
{
	const char	*errstr;

	errstr = confval_hours(value, &conf->log.force_age);
	if (errstr == NULL) {
		conf->log.force_age_from = opt_source(what);
		return (0);
	}
	conf_report("%s: \"%s\" %s", what, value, errstr);
	return (-1);
}

static int
opt_rows(struct conf *conf, const char *what, const char *value)
{
	const char	*errstr;
	int64_t		 rows;

	rows = strtonum(value, 0, CONF_ROWS_MAX, &errstr);
	if (errstr == NULL) {
		conf->log.force_rows = rows;
		conf->log.force_rows_from = opt_source(what);
		return (0);
	}
	conf_report("%s: \"%s\" is not a number of rows (0 to %lld)", what,
	    value, CONF_ROWS_MAX);
	return (-1);
}

static int
opt_number(const char *name, unsigned int *id)
{
	const char	*errstr;

	*id = strtonum(name, 0, INT_MAX, &errstr);
	return (errstr == NULL ? 0 : -1);
}

int
conf_ids(const struct conf *conf, struct conf_id ids[CONF_IDS])
{
	int	 i, j;

	if (opt_user(conf->user, &ids[CONF_ID_WORKER]) == -1 ||
	    opt_user(conf->user_keyd, &ids[CONF_ID_KEYD]) == -1 ||
	    opt_user(conf->user_logd, &ids[CONF_ID_LOGD]) == -1)
		return (-1);
	/* Two names, or a name and a number, can still be one user. */
	for (i = 0; i < CONF_IDS; i++) {
		if (ids[i].uid == 0) {
			conf_report("user: no process but the parent may run "
			    "as root");
			return (-1);
		}
		for (j = 0; j < i; j++) {
			if (ids[j].uid != ids[i].uid)
				continue;
			conf_report("user: the workers, keyd and logd need "
			    "three different users");
			return (-1);
		}
	}
	return (0);
}

static int
opt_user(const char *name, struct conf_id *id)
{
	struct passwd	*pw;
	unsigned int	 n;

	/* A name of digits only is a name first, as for chown(8). */
	if ((pw = getpwnam(name)) == NULL && opt_number(name, &n) == 0 &&
	    (pw = getpwuid(n)) == NULL) {
		id->uid = n;
		id->gid = n;
		return (0);
	}
	if (pw == NULL) {
		conf_report("user \"%s\" does not exist: create it, or name "
		    "another one or a number with \"user\" in brokerd.conf",
		    name);
		return (-1);
	}
	id->uid = pw->pw_uid;
	id->gid = pw->pw_gid;
	return (0);
}

int
conf_group(const char *name, gid_t *gid)
{
	struct group	*gr;
	unsigned int	 id;

	if ((gr = getgrnam(name)) != NULL)
		*gid = gr->gr_gid;
	else if (opt_number(name, &id) == 0)
		*gid = id;
	else {
		conf_report("group \"%s\" does not exist: create it, or name "
		    "another one or a number with \"socket\" in brokerd.conf",
		    name);
		return (-1);
	}
	return (0);
}
