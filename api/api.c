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
#include <sys/time.h>

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include "api.h"
#include "ask.h"
#include "buf.h"
#include "caller.h"
#include "client.h"
#include "codes.h"
#include "conn.h"
#include "export.h"
#include "json.h"
#include "listen.h"
#include "live.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "stream.h"

/*
 * api: HTTP for operators and token holders.  It runs twice, as `api local'
 * on the local socket and as `api tcp' on the network, opens no database,
 * holds no key and decides no right.
 */

/* What all requests together may hold while they come in. */
#define INPUT_MAX	(64 * 1024 * 1024)
#define CLOSING_MS	50

struct api	 api;

static struct api_conf	 pending;
static struct event	 closing_ev;
static uint32_t		 closing_left;		/* ms */

static void	init(int, char **);
static void	conf_start(void);
static int	conf(struct msg *, char *, size_t);
static void	activate(void);
static void	listener(const struct msg_listener *, int);
static void	start(int);
static void	shutting_down(uint32_t);
static void	closing(int, short, void *);
static void	flush(void *);
static void	stats(void);

static const struct link_handler keyd_handlers[] = {
	{ MSG_WHO,		caller_who },
	{ MSG_MAY_ANSWER,	ask_answer },
	{ MSG_OBJECTS,		ask_answer },
	{ MSG_DONE,		ask_answer },
	{ MSG_SECRETS,		ask_answer },
	{ MSG_CA,		ask_answer },
	{ MSG_REVOKE,		caller_revoke },
	{ 0, NULL }
};

static const struct link_handler logd_handlers[] = {
	{ MSG_ROWS,		ask_part },
	{ MSG_ROWS_END,		ask_answer },
	{ MSG_VALUE_LIST,	ask_answer },
	{ MSG_CHARTED,		ask_answer },
	{ MSG_BACKUP_DONE,	backup_message },
	{ MSG_SUBSCRIBED,	stream_subscribed },
	{ MSG_LIVE,		live_rows },
	{ MSG_LAGGED,		live_lagged },
	{ 0, NULL }
};

static const struct link_handler parent_handlers[] = {
	{ MSG_STATUS_ROWS,	ask_answer },
	{ MSG_PARENT_DONE,	ask_answer },
	{ 0, NULL }
};

static const struct proc_peer peers[] = {
	{ PROC_KEYD, keyd_handlers, NULL, ask_peer_gone },
	{ PROC_LOGD, logd_handlers, NULL, stream_logd_gone },
	{ 0, NULL, NULL, NULL }
};

static struct proc_child child = {
	.init = init,
	.conf_start = conf_start,
	.conf = conf,
	.activate = activate,
	.peers = peers,
	.listener = listener,
	.listener_close = listen_close,
	.parent_handlers = parent_handlers,
	.start = start,
	.shutdown = shutting_down,
	.stats = stats
};

static void
init(int argc, char **argv)
{
	json_setup();
	caller_setup();
	ask_init();
	stream_setup();
	buf_account_cap(INPUT_MAX);
	loop_hook(TURN_NET, flush, NULL);
}

static void
conf_start(void)
{
	memset(&pending, 0, sizeof(pending));
	pending.limits = http_limits_default;
}

/* A head that no connection's buffer could hold is never complete. */
static int
conf(struct msg *m, char *why, size_t len)
{
	const struct msg_conf_http	*h = &m->u.conf_http;
	struct http_limits		*l = &pending.limits;

	if (m->type != MSG_CONF_HTTP)
		return (0);
	if (h->request_line < l->line)
		l->line = h->request_line;
	if (h->header_bytes < l->head)
		l->head = h->header_bytes;
	if (h->headers < l->fields)
		l->fields = h->headers;
	pending.proxy_port = h->proxy_port;
	(void)strlcpy(pending.av_addr, h->av_addr, sizeof(pending.av_addr));
	return (0);
}

/* Clients keep the limits that they began with. */
static void
activate(void)
{
	api.conf = pending;
}

static void
listener(const struct msg_listener *m, int fd)
{
	listen_add(m, fd);
}

static void
start(int fresh)
{
	proc_ready(0);
}

/* What is under way is answered, as far as there is time. */
static void
shutting_down(uint32_t grace)
{
	if (api.closing) {
		if (grace == 0)
			proc_exit();
		return;
	}
	api.closing = 1;
	closing_left = grace;
	listen_close_all();
	client_close_idle();
	stream_end_all();
	evtimer_set(&closing_ev, closing, NULL);
	closing(-1, 0, NULL);
}

static void
closing(int fd, short what, void *arg)
{
	const struct timeval	 tv = { 0, CLOSING_MS * 1000 };

	if ((client_count() == 0 && conns_closing() == 0) ||
	    closing_left < CLOSING_MS) {
		proc_exit();
		return;
	}
	closing_left -= CLOSING_MS;
	evtimer_add(&closing_ev, &tv);
}

static void
flush(void *arg)
{
	conns_flush();
}

static void
stats(void)
{
	const struct api_counters	*c = &api.counters;

	stats_add("clients", client_count());
	stats_add("clients_max", listen_places());
	stats_add("asks", ask_count());
	stats_add("input_bytes", buf_account_used());
	stats_add("accepted", c->accepted);
	stats_add("refused", c->refused);
	stats_add("accept_paused", c->accept_paused);
	stats_add("idle_closed", c->idle_closed);
	stats_add("requests", c->requests);
	stats_add("answers_4xx", c->answers_4xx);
	stats_add("answers_5xx", c->answers_5xx);
	stats_add("answers_cut", c->answers_cut);
	stats_add("answers_bytes", client_held());
	stats_add("bad_requests", c->bad_requests);
	stats_add("timeouts", c->timeouts);
	stats_add("asks_late", c->asks_late);
	stats_add("revoked", c->revoked);
	stats_add("streams", stream_count());
	stats_add("streams_refused", c->streams_refused);
	stats_add("streams_revoked", c->streams_revoked);
	stats_add("streams_lagged", c->streams_lagged);
	stats_add("exports", export_count());
	stats_add("exports_refused", c->exports_refused);
	stats_add("exports_cut", c->exports_cut);
}

int
main(int argc, char **argv)
{
	int	 proc = argc < 2 ? -1 : proc_byname(argv[argc - 1]);

	if (proc != PROC_API_LOCAL && proc != PROC_API_TCP)
		errx(1, "this program is started by brokerd(8)");
	api.proc = proc;
	child.proc = proc;
	child.promises = API_LOCAL() ? "stdio unix recvfd" :
	    "stdio inet recvfd";
	proc_main(argc, argv, &child);
}
