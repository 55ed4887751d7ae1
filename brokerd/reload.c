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
#include <sys/time.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include "brokerd.h"
#include "loop.h"

/*
 * Reload: the new configuration is parsed, its listeners are opened, and
 * everybody is asked; only when all have said yes does it become the
 * configuration anywhere.  Until then any no leaves everything as it was.
 */
#define REQUESTS_MAX	16

struct request {
	TAILQ_ENTRY(request)	 entry;
	uint64_t		 instance;	/* of api local, 0: SIGHUP */
	uint32_t		 id;
};

static TAILQ_HEAD(, request)	 requests = TAILQ_HEAD_INITIALIZER(requests);
static int			 nrequests;

static struct {
	int		 running;
	struct conf	*conf;
	uint32_t	 gen;
	struct event	 timer;
	char		 notice[513];	/* what needs a restart */
	char		 first[513];	/* error of the parser */
}				 pending;
static uint32_t			 last_gen;

static void	reload_begin(void);
static int	reload_parse(char *, size_t);
static int	reload_ask(char *, size_t);
static void	reload_report(const char *);
static void	reload_cancel(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));
static void	reload_activate(void);
static void	reload_end(int, const char *);
static void	reload_timeout(int, short, void *);

void
reload_request(struct child *c, uint32_t id)
{
	struct request	*r;

	if (nrequests == REQUESTS_MAX) {
		if (c != NULL)
			status_done(c, id, 0, "too many reloads are waiting");
		return;
	}
	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatal("reload");
	r->instance = c == NULL ? 0 : c->instance;
	r->id = id;
	TAILQ_INSERT_TAIL(&requests, r, entry);
	nrequests++;
	reload_next();
}

int
reload_running(void)
{
	return (pending.running);
}

void
reload_next(void)
{
	if (!pending.running && nrequests > 0 &&
	    brokerd.stage == STAGE_RUNNING && start_all_ready())
		reload_begin();
}

/* The first error is the answer to who asked, all go to the text log. */
static void
reload_report(const char *line)
{
	log_warnx("%s", line);
	if (pending.first[0] == '\0')
		(void)strlcpy(pending.first, line, sizeof(pending.first));
}

static int
reload_parse(char *why, size_t len)
{
	const char	*names[CONF_RESTART_MAX];
	int		 i, n;

	pending.first[0] = '\0';
	pending.notice[0] = '\0';
	conf_set_report(reload_report);
	pending.conf = brokerd_parse();
	if (pending.conf == NULL) {
		(void)strlcpy(why, pending.first, len);
		return (-1);
	}
	n = conf_diff_restart(brokerd.conf, pending.conf, names);
	for (i = 0; i < n; i++) {
		(void)strlcat(pending.notice, i == 0 ? "needs restart: " :
		    ", ", sizeof(pending.notice));
		(void)strlcat(pending.notice, names[i],
		    sizeof(pending.notice));
	}
	if (conf_keep_restart(pending.conf, brokerd.conf) == -1)
		fatal("reload");
	return (listen_open(pending.conf, why, len));
}

static int
reload_ask(char *why, size_t len)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (confsend(c, pending.conf, pending.gen, 0, why,
		    len) == -1)
			return (-1);
		c->vote = VOTE_WAIT;
	}
	return (0);
}

static void
reload_begin(void)
{
	struct timeval	 tv = { RELOAD_MS / 1000, 0 };
	char		 why[512];

	pending.running = 1;
	if (last_gen < brokerd.gen)
		last_gen = brokerd.gen;
	pending.gen = ++last_gen;
	evtimer_set(&pending.timer, reload_timeout, NULL);
	if (reload_parse(why, sizeof(why)) == -1 ||
	    reload_ask(why, sizeof(why)) == -1) {
		reload_cancel("%s", why);
		return;
	}
	evtimer_add(&pending.timer, &tv);
}

/* Answers to what was cancelled meanwhile come late and mean nothing. */
void
reload_vote(struct child *c, uint32_t gen, const char *why)
{
	struct child	*o;

	if (!pending.running || gen != pending.gen || c->vote != VOTE_WAIT)
		return;
	if (why != NULL) {
		c->vote = VOTE_YES;
		reload_cancel("%s: %s", c->name, why);
		return;
	}
	c->vote = VOTE_YES;
	TAILQ_FOREACH(o, &brokerd.children, entry) {
		if (o->vote == VOTE_WAIT)
			return;
	}
	reload_activate();
}

void
reload_abort(const char *why)
{
	if (pending.running)
		reload_cancel("%s", why);
}

static void
reload_timeout(int fd, short what, void *arg)
{
	struct child	*c;

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->vote == VOTE_WAIT)
			break;
	}
	reload_cancel("%s did not answer", c == NULL ? "nobody" : c->name);
}

static void
reload_cancel(const char *fmt, ...)
{
	struct msg_conf_cancel	 m = { pending.gen };
	struct child		*c;
	char			 why[600], text[800];
	va_list			 ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->vote != VOTE_NONE && c->link != NULL)
			(void)link_send(c->link, MSG_CONF_CANCEL, &m, -1);
	}
	if (pending.conf != NULL) {
		listen_cancel();
		conf_free(pending.conf);
	}
	(void)snprintf(text, sizeof(text), "the old configuration stays: %s",
	    why);
	reload_end(0, text);
}

static void
reload_activate(void)
{
	struct msg_conf_activate	 m = { pending.gen };
	struct child			*c;
	char				 text[600];

	TAILQ_FOREACH(c, &brokerd.children, entry) {
		if (c->link != NULL)
			(void)link_send(c->link, MSG_CONF_ACTIVATE, &m, -1);
	}
	conf_free(brokerd.conf);
	brokerd.conf = pending.conf;
	brokerd.gen = pending.gen;
	(void)strlcpy(brokerd.notice, pending.notice, sizeof(brokerd.notice));
	listen_activate();
	(void)snprintf(text, sizeof(text), "configuration reloaded%s%s",
	    pending.notice[0] == '\0' ? "" : "; ", pending.notice);
	reload_end(1, text);
}

static void
reload_end(int ok, const char *text)
{
	struct request	*r = TAILQ_FIRST(&requests);
	struct child	*c;

	if (ok)
		log_info("%s", text);
	else
		log_warnx("reload: %s", text);
	evtimer_del(&pending.timer);
	pending.running = 0;
	pending.conf = NULL;
	TAILQ_REMOVE(&requests, r, entry);
	nrequests--;
	c = start_first(PROC_API_LOCAL);
	if (r->instance != 0 && c->instance == r->instance && c->link != NULL)
		status_done(c, r->id, ok, text);
	free(r);
	TAILQ_FOREACH(c, &brokerd.children, entry) {
		c->vote = VOTE_NONE;
		if (c->state == CHILD_DOWN && !c->waiting)
			restart_now(c);
	}
	reload_next();
}
