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
#include <sys/socket.h>
#include <sys/time.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event.h>

#include "codes.h"
#include "ledger.h"
#include "log.h"
#include "loop.h"
#include "proc.h"

/*
 * A process for tests of the frame, in the place of any real one: it says on
 * every link each message that it may say there, counts what it hears, and,
 * as api local, passes words from its socket on to the parent and the answers
 * back.  A file NAME.do beside the program changes what it does:
 *
 *	crash		dies at START
 *	refuse		refuses every configuration
 *	catalogue	was built from another catalogue
 *	ready		claims another catalogue in READY
 *	slow		takes half a second to begin
 *	stuck		ignores SHUTDOWN
 *	babble		floods the text log
 *	liar		sends the parent what only others may send
 *	murder		asks for the death of keyd
 *	old		has a database that is not fresh
 *	beggar		asks for links again without end
 *	mute		answers no configuration
 *	quiet		says nothing to anybody but the parent
 */
#define PEERS_MAX	PROC_MAX

struct client {
	struct event	 ev;
	int		 fd;
	uint32_t	 id;
	struct client	*next;
};

static struct proc_child	 self;
static struct proc_peer		 peers[PEERS_MAX + 1];
static struct event		 accept_ev;
static struct client		*clients;
static uint32_t			 last_id;
static char			 todo[32];
static uint64_t			 heard[PROC_MAX];
static uint64_t			 opened, closings, pages, items;
static int			 changed, started, stopping;
static uint64_t			 activated, cancelled, listeners;
static char			 names[PROC_MAX][32];

static void	read_todo(const char *, const char *);
static void	make_peers(enum proc);
static void	news(void *);
static void	hear(struct link *, struct msg *);
static void	link_opened(struct link *);
static void	link_closed(struct link *);
static int	conf_item(struct msg *, char *, size_t);
static int	conf_end(char *, size_t);
static void	activate(void);
static void	cancel(void);
static void	lie(void);
static void	beg(void);
static int	conf_file(struct msg_file *, int *, char *, size_t);
static void	start(int);
static void	count(struct link *, void *);
static int	workers(void);
static void	stop(uint32_t);
static void	stats(void);
static void	file(struct msg_file *, int *);
static void	listener(const struct msg_listener *, int);
static void	listener_close(const struct msg_listener_close *);
static void	accepted(int, short, void *);
static void	command(int, short, void *);
static void	answer(uint32_t, const char *);
static void	parent_done(struct link *, struct msg *);
static void	status_rows(struct link *, struct msg *);
static void	instances(struct link *, struct msg *);

static void
read_todo(const char *prog, const char *name)
{
	char	 copy[PATH_MAX], path[PATH_MAX];
	FILE	*f;

	(void)snprintf(copy, sizeof(copy), "%s", prog);
	(void)snprintf(path, sizeof(path), "%s/%s.do", dirname(copy), name);
	if ((f = fopen(path, "r")) == NULL)
		return;
	if (fscanf(f, "%31s", todo) != 1)
		todo[0] = '\0';
	fclose(f);
}

/* A handler for each message that a peer may send us. */
static void
make_peers(enum proc me)
{
	struct link_handler	*h;
	const struct msg_desc	*d;
	uint32_t		 i, n;
	int			 p, at = 0;

	for (p = PROC_KEYD; p < PROC_MAX; p++) {
		if (!msg_linked(me, p))
			continue;
		if ((h = calloc(MSG_MAX + 1, sizeof(*h))) == NULL)
			err(1, NULL);
		for (i = 1, n = 0; i < MSG_MAX; i++) {
			d = msg_desc(i);
			if ((d->from & PROC_BIT(p)) && (d->to & PROC_BIT(me))) {
				h[n].type = i;
				h[n++].fn = hear;
			}
		}
		h[n].fn = NULL;
		peers[at].proc = p;
		peers[at].handlers = h;
		peers[at].opened = link_opened;
		peers[at++].closed = link_closed;
	}
}

/* The parent's answer to a status shows what we know by now. */
static void
news(void *arg)
{
	if (!changed || !started || proc_parent() == NULL)
		return;
	changed = 0;
	stats();
	stats_send(proc_parent());
}

static void
hear(struct link *l, struct msg *m)
{
	changed = 1;
	heard[link_peer(l)->proc]++;
}

/* Say everything once. */
static void
link_opened(struct link *l)
{
	const struct msg_desc	*d;
	union msg_any		 m;
	uint32_t		 i;

	opened++;
	changed = 1;
	if (strcmp(todo, "quiet") == 0)
		return;
	memset(&m, 0, sizeof(m));
	for (i = 1; i < MSG_MAX; i++) {
		d = msg_desc(i);
		if ((d->flags & M_FD) || !(d->from & PROC_BIT(self.proc)) ||
		    !(d->to & PROC_BIT(link_peer(l)->proc)))
			continue;
		if (link_send(l, i, &m, -1) == -1)
			fatal("%s", d->rec.name);
	}
}

static void
link_closed(struct link *l)
{
	closings++;
	changed = 1;
	/* This one still counts. */
	if (stopping && workers() == 1)
		proc_exit();
}

/* "A CA file that does not parse". */
static int
conf_file(struct msg_file *m, int *fd, char *why, size_t len)
{
	char	 buf[16];

	if (m->kind != FILE_CA_EXTRA)
		return (0);
	if (read(*fd, buf, sizeof(buf)) < 10 ||
	    memcmp(buf, "-----BEGIN", 10) != 0) {
		(void)snprintf(why, len, "%s: no certificate", m->name);
		return (-1);
	}
	return (0);
}

static int
conf_item(struct msg *m, char *why, size_t len)
{
	items++;
	return (0);
}

static int
conf_end(char *why, size_t len)
{
	if (strcmp(todo, "mute") == 0 && activated > 0)
		for (;;)
			pause();
	if (strcmp(todo, "refuse") != 0)
		return (0);
	(void)snprintf(why, len, "I refuse");
	return (-1);
}

static void
activate(void)
{
	activated++;
	changed = 1;
}

static void
cancel(void)
{
	cancelled++;
	changed = 1;
}

static void
lie(void)
{
	struct msg_conf_start	 m = { 1 };

	(void)link_send(proc_parent(), MSG_CONF_START, &m, -1);
}

static void
beg(void)
{
	struct msg_peer_wanted	 m;
	int			 i;

	m.proc = PROC_KEYD;
	m.instance = link_peer(proc_peer(PROC_KEYD))->instance;
	for (i = 0; i < 1000; i++)
		(void)link_send(proc_parent(), MSG_PEER_WANTED, &m, -1);
}

static void
start(int fresh)
{
	struct msg_ready	 m;
	int			 i;

	if (strcmp(todo, "crash") == 0)
		fatalx("told to crash");
	if (strcmp(todo, "ready") == 0) {
		memset(&m, 0, sizeof(m));
		m.catalogue = msg_catalogue_hash() ^ 1;
		(void)link_send(proc_parent(), MSG_READY, &m, -1);
		return;
	}
	if (strcmp(todo, "liar") == 0)
		lie();
	if (strcmp(todo, "beggar") == 0)
		beg();
	if (strcmp(todo, "murder") == 0 && proc_peer(PROC_KEYD) != NULL)
		proc_kill(link_peer(proc_peer(PROC_KEYD))->instance,
		    "I want to");
	proc_ready(strcmp(todo, "old") != 0);
	started = 1;
	for (i = 0; strcmp(todo, "babble") == 0 && i < 10000; i++)
		log_info("line %d\nof a flood", i);
	log_info("started");
}

static void
count(struct link *l, void *arg)
{
	(*(int *)arg)++;
}

static int
workers(void)
{
	int	 n = 0;

	proc_foreach(PROC_PROXY, count, &n);
	proc_foreach(PROC_MITM, count, &n);
	return (n);
}

/* Like the real one, logd ends when the links of all workers have. */
static void
stop(uint32_t grace)
{
	log_info("shutdown, grace %u", grace);
	if (strcmp(todo, "stuck") == 0 && grace > 0)
		return;
	if (self.proc == PROC_LOGD && grace > 0 && workers() > 0)
		stopping = 1;
	else
		proc_exit();
}

static void
stats(void)
{
	int	 p;

	for (p = 0; p < PROC_MAX; p++) {
		if (heard[p] > 0)
			stats_add(names[p], heard[p]);
	}
	stats_add("links_opened", opened);
	stats_add("links_closed", closings);
	stats_add("ledger_pages", pages);
	stats_add("conf_items", items);
	stats_add("activated", activated);
	stats_add("cancelled", cancelled);
	stats_add("listeners", listeners);
}

/* A worker writes its page, logd reads those of the dead. */
static void
file(struct msg_file *m, int *fd)
{
	static struct ledger	 page;
	struct ledger		*mine;

	changed = 1;
	if (m->kind != FILE_LEDGER || *fd == -1)
		fatalx("unexpected file");
	if (self.proc == PROC_LOGD) {
		if (ledger_read(*fd, m->instance, &page) == -1)
			fatal("ledger");
		/* One that never ran has not written it. */
		if (page.begins == 0)
			return;
		if (page.begins != 1 || page.ring[0] != 42 ||
		    page.banks[1].vaults[0].lost != 2 ||
		    page.banks[1].vaults[0].vault != 7)
			fatalx("ledger: wrong page");
		pages++;
		return;
	}
	if ((mine = ledger_map(*fd, proc_instance())) == NULL)
		fatal("ledger");
	ledger_begin(mine, 42);
	ledger_lost(mine, 1, 7);
	ledger_lost(mine, 1, 7);
	pages++;
}

static void
listener(const struct msg_listener *m, int fd)
{
	listeners++;
	changed = 1;
	if (self.proc != PROC_API_LOCAL) {
		close(fd);
		return;
	}
	event_set(&accept_ev, fd, EV_READ | EV_PERSIST, accepted, NULL);
	event_add(&accept_ev, NULL);
}

static void
listener_close(const struct msg_listener_close *m)
{
	listeners--;
	changed = 1;
}

static void
accepted(int fd, short what, void *arg)
{
	struct client	*c;
	int		 s;

	if ((s = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) == -1)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("client");
	c->fd = s;
	c->id = ++last_id;
	c->next = clients;
	clients = c;
	event_set(&c->ev, s, EV_READ, command, c);
	event_add(&c->ev, NULL);
}

static void
command(int fd, short what, void *arg)
{
	struct client		*c = arg;
	struct msg_reload	 reload = { c->id };
	struct msg_status	 status = { c->id };
	struct msg_verbose	 verbose = { c->id, 1 };
	char			 word[32] = "";

	if (read(fd, word, sizeof(word) - 1) <= 0)
		return;
	if (strncmp(word, "reload", 6) == 0)
		(void)link_send(proc_parent(), MSG_RELOAD, &reload, -1);
	else if (strncmp(word, "verbose", 7) == 0)
		(void)link_send(proc_parent(), MSG_VERBOSE, &verbose, -1);
	else
		(void)link_send(proc_parent(), MSG_STATUS, &status, -1);
}

static void
answer(uint32_t id, const char *text)
{
	struct client	*c;

	for (c = clients; c != NULL && c->id != id; c = c->next)
		;
	if (c == NULL || c->fd == -1)
		return;
	if (write(c->fd, text, strlen(text)) == -1)
		log_warn("client");
	close(c->fd);
	c->fd = -1;
}

static void
parent_done(struct link *l, struct msg *m)
{
	char	 text[1100];

	(void)snprintf(text, sizeof(text), "%s %s\n",
	    m->u.parent_done.ok ? "ok" : "failed", m->u.parent_done.text);
	answer(m->u.parent_done.id, text);
}

static void
status_rows(struct link *l, struct msg *m)
{
	const struct msg_status_rows	*s = &m->u.status_rows;
	const struct rec_procstat	*p;
	static char			 text[128 * 1024];
	size_t				 used;
	uint32_t			 i;

	used = snprintf(text, sizeof(text), "generation=%u privileged=%u "
	    "notice=%s\n", s->generation, s->privileged, s->notice);
	for (i = 0; i < s->procs_n; i++) {
		p = &s->procs[i];
		used += snprintf(text + used, sizeof(text) - used,
		    "%s.%u pid=%u restarts=%u state=%s "
		    "instance=%016" PRIx64 " %s\n", proc_name(p->proc),
		    p->index, p->pid, p->restarts, p->state, p->instance,
		    p->counters);
	}
	answer(s->id, text);
}

static void
instances(struct link *l, struct msg *m)
{
	items += m->u.instances.living_n;
}

static const struct link_handler api_handlers[] = {
	{ MSG_PARENT_DONE,	parent_done },
	{ MSG_STATUS_ROWS,	status_rows },
	{ MSG_NONE,		NULL }
};

static const struct link_handler logd_handlers[] = {
	{ MSG_INSTANCES,	instances },
	{ MSG_NONE,		NULL }
};

int
main(int argc, char **argv)
{
	const struct timespec	 half = { 0, 500000000 };
	const char		*name = argv[argc - 1];
	char			*p;
	int			 i, proc;

	if ((proc = proc_byname(name)) < PROC_KEYD)
		errx(1, "no name");
	read_todo(argv[0], name);
	for (i = 0; i < PROC_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "from_%s",
		    proc_name(i));
		while ((p = strchr(names[i], '-')) != NULL)
			*p = '_';
	}
	if (strcmp(todo, "catalogue") == 0) {
		for (i = 1; i < argc - 1; i++) {
			if (strcmp(argv[i], "-H") == 0)
				argv[i + 1][0] ^= 1;
		}
	}
	if (strcmp(todo, "slow") == 0)
		(void)nanosleep(&half, NULL);
	make_peers(proc);
	loop_hook(TURN_WORK, news, NULL);
	self.proc = proc;
	self.promises = proc == PROC_API_LOCAL ? "stdio unix recvfd" :
	    "stdio sendfd recvfd";
	self.conf = conf_item;
	self.conf_file = conf_file;
	self.conf_end = conf_end;
	self.activate = activate;
	self.cancel = cancel;
	self.peers = peers;
	self.file = file;
	self.listener = listener;
	self.listener_close = listener_close;
	self.start = start;
	self.shutdown = stop;
	self.stats = stats;
	if (proc == PROC_API_LOCAL)
		self.parent_handlers = api_handlers;
	else if (proc == PROC_LOGD)
		self.parent_handlers = logd_handlers;
	proc_main(argc, argv, &self);
}
