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
#include <sys/socket.h>

#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "confparse.h"

/* Settings that were made, to refuse the second time. */
struct seen {
	SLIST_ENTRY(seen)	 entry;
	const char		*what;
	const char		*name;
	int			 line;
};

static SLIST_HEAD(, seen)	 seen = SLIST_HEAD_INITIALIZER(seen);

static void	 set_number(const char *, const char *, int, int, int *);
static void	 set_listener(struct conf *, enum listener_kind, const char *,
		    in_port_t);

/* Is this the first time? */
int
confset_once(const char *what)
{
	struct seen	*s;

	SLIST_FOREACH(s, &seen, entry) {
		if (strcmp(s->what, what) != 0)
			continue;
		parse_error("%s is set twice, first at %s:%d", what, s->name,
		    s->line);
		return (0);
	}
	s = confsrc_calloc(sizeof(*s));
	s->what = what;
	s->name = parse_where(&s->line);
	SLIST_INSERT_HEAD(&seen, s, entry);
	return (1);
}

void
confset_clean(void)
{
	struct seen	*s;

	while ((s = SLIST_FIRST(&seen)) != NULL) {
		SLIST_REMOVE_HEAD(&seen, entry);
		free(s);
	}
}

void
confset_number(const char *what, const char *text, int min, int max,
    int *res)
{
	if (confset_once(what))
		set_number(what, text, min, max, res);
}

static void
set_number(const char *what, const char *text, int min, int max, int *res)
{
	const char	*errstr;
	int		 n;

	n = strtonum(text, min, max, &errstr);
	/* strtonum() alone would take a sign and blanks. */
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		parse_error("%s: \"%s\" is not a number", what, text);
	else if (errstr != NULL)
		parse_error("%s: %s is out of range (%d to %d)", what, text,
		    min, max);
	else
		*res = n;
}

/* Both kinds at once. */
void
confset_workers(struct conf *conf, const char *text)
{
	if (!confset_once("workers proxy") || !confset_once("workers mitm"))
		return;
	set_number("workers", text, 1, CONF_WORKERS_MAX,
	    &conf->workers_proxy);
	conf->workers_mitm = conf->workers_proxy;
}

void
confset_rows(const char *what, const char *text, int64_t *res)
{
	int	 n = 0;

	confset_number(what, text, 0, CONF_ROWS_MAX, &n);
	*res = n;
}

void
confset_ms(const char *what, const char *text, int min, int max,
    int *res)
{
	const char	*errstr;
	char		 smin[CONF_FMT_LEN], smax[CONF_FMT_LEN];
	int64_t		 ms;

	if (!confset_once(what))
		return;
	if ((errstr = confval_duration(text, &ms)) != NULL) {
		parse_error("%s: \"%s\" %s", what, text, errstr);
		return;
	}
	if (ms < min || ms > max) {
		confval_fmt_duration(min, smin);
		confval_fmt_duration(max, smax);
		parse_error("%s: %s is out of range (%s to %s)", what, text,
		    smin, smax);
		return;
	}
	*res = ms;
}

/* How long to keep something: in seconds, 0 for ever. */
void
confset_age(const char *what, const char *text, int64_t *res)
{
	const char	*errstr;
	int64_t		 ms;

	if (!confset_once(what))
		return;
	if ((errstr = confval_duration(text, &ms)) != NULL)
		parse_error("%s: \"%s\" %s", what, text, errstr);
	else if (ms != 0 && (ms < 60000 || ms > CONF_HOURS_MAX * 3600000LL))
		parse_error("%s: %s is out of range (1m to %dd, or 0 for no "
		    "limit)", what, text, CONF_HOURS_MAX / 24);
	else if (ms % 1000 != 0)
		parse_error("%s: %s is not a whole number of seconds", what,
		    text);
	else
		*res = ms / 1000;
}

void
confset_size(const char *what, const char *text, int64_t min, int64_t max,
    int64_t *res)
{
	const char	*errstr;
	char		 smin[CONF_FMT_LEN], smax[CONF_FMT_LEN];
	int64_t		 n;

	if (!confset_once(what))
		return;
	if ((errstr = confval_size(text, &n)) != NULL) {
		parse_error("%s: \"%s\" %s", what, text, errstr);
		return;
	}
	if (n < min || n > max) {
		confval_fmt_size(min, smin);
		confval_fmt_size(max, smax);
		parse_error("%s: %s is out of range (%s to %s)", what, text,
		    smin, smax);
		return;
	}
	*res = n;
}

void
confset_size_int(const char *what, const char *text, int min, int max,
    int *res)
{
	int64_t	 n = *res;

	confset_size(what, text, min, max, &n);
	*res = n;
}

void
confset_path(const char *what, const char *text, char **res)
{
	const char	*errstr;

	if (!confset_once(what))
		return;
	if ((errstr = confval_path(text)) != NULL)
		parse_error("%s \"%s\" %s", what, text, errstr);
	else if ((*res = strdup(text)) == NULL)
		err(1, "%s", what);
}

void
confset_name(const char *what, const char *text, char **res)
{
	const char	*errstr;

	if (!confset_once(what))
		return;
	if ((errstr = confval_name(text)) != NULL)
		parse_error("%s \"%s\" %s", what, text, errstr);
	else if ((*res = strdup(text)) == NULL)
		err(1, "%s", what);
}

void
confset_mode(const char *text, mode_t *res)
{
	const char	*errstr;

	if (!confset_once("socket mode"))
		return;
	errstr = confval_mode(text, res);
	if (errstr != NULL)
		parse_error("socket mode: %s %s", text, errstr);
}

void
confset_listen(struct conf *conf, enum listener_kind kind, const char *addr,
    const char *porttext)
{
	const char	*errstr;
	in_port_t	 port;

	errstr = confval_port(porttext, &port);
	if (errstr != NULL) {
		parse_error("listen: port \"%s\" %s", porttext, errstr);
		return;
	}
	if (strcmp(addr, "*") != 0) {
		set_listener(conf, kind, addr, port);
		return;
	}
	set_listener(conf, kind, "0.0.0.0", port);
	set_listener(conf, kind, "::", port);
}

static void
set_listener(struct conf *conf, enum listener_kind kind, const char *addr,
    in_port_t port)
{
	struct conf_listener	 l;
	const char		*errstr;

	memset(&l, 0, sizeof(l));
	l.kind = kind;
	if ((errstr = confval_listen(addr, port, &l)) != NULL) {
		parse_error("listen: \"%s\" %s", addr, errstr);
		return;
	}
	if (conf_add_listener(conf, &l) == 0)
		return;
	if (errno == EEXIST)
		parse_error("listen: %s port %d is listened on twice", addr,
		    port);
	else if (errno == E2BIG)
		parse_error("listen: more than %d listeners",
		    CONF_LISTENERS_MAX);
	else
		err(1, "listen");
}

void
confset_allow(struct conf *conf, const char *text)
{
	struct conf_net	 net;
	const char	*errstr;

	if ((errstr = confval_net(text, &net)) != NULL) {
		parse_error("network allow: %s %s", text, errstr);
		return;
	}
	if (conf_add_net(conf, &net) == 0)
		return;
	if (errno == EEXIST)
		parse_error("network allow: %s is allowed twice", text);
	else if (errno == E2BIG)
		parse_error("network allow: more than %d networks",
		    CONF_NETS_MAX);
	else
		err(1, "network allow");
}

void
confset_ca(struct conf *conf, const char *text, int only)
{
	const char	*errstr;

	if ((errstr = confval_path(text)) != NULL) {
		parse_error("upstream ca \"%s\" %s", text, errstr);
		return;
	}
	/* Added to the system's roots and without them cannot both hold. */
	if (!TAILQ_EMPTY(&conf->upstream.cas) &&
	    conf->upstream.ca_only != only) {
		parse_error("upstream ca and upstream ca only exclude each "
		    "other");
		return;
	}
	conf->upstream.ca_only = only;
	if (conf_add_ca(conf, text) == 0)
		return;
	if (errno == EEXIST)
		parse_error("upstream ca: \"%s\" is named twice", text);
	else if (errno == E2BIG)
		parse_error("upstream ca: more than %d files", CONF_CAS_MAX);
	else
		err(1, "upstream ca");
}
