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

#include <stdint.h>

#include "accept.h"
#include "client.h"
#include "handoff.h"
#include "log.h"
#include "proc.h"
#include "settings.h"
#include "tls_tickets.h"
#include "worker.h"

/*
 * proxy: accepts agents, hands their tunnels to mitm, and brokers what comes
 * without TLS.
 */

static void	init(int, char **);
static void	start(int);
static void	closing(uint32_t);
static void	stats(void);

static const struct link_handler keyd_handlers[] = {
	WORKER_KEYD,
	{ 0, NULL }
};

static const struct link_handler mitm_handlers[] = {
	{ MSG_TUNNEL_ACK, handoff_msg_ack },
	{ MSG_TUNNEL_BUSY, handoff_msg_busy },
	{ 0, NULL }
};

static const struct proc_peer peers[] = {
	{ PROC_KEYD, keyd_handlers, NULL, lease_closed },
	{ PROC_LOGD, worker_logd, logstream_opened, logstream_closed },
	{ PROC_RESOLVER, worker_resolver, NULL, resolve_closed },
	{ PROC_MITM, mitm_handlers, handoff_opened, handoff_closed },
	{ 0, NULL, NULL, NULL }
};

static const struct proc_child child = {
	.proc = PROC_PROXY,
	.promises = "stdio inet sendfd recvfd",
	.init = init,
	.conf_start = settings_start,
	.conf = settings_conf,
	.conf_file = settings_file,
	.conf_end = settings_end,
	.activate = settings_activate,
	.cancel = settings_cancel,
	.peers = peers,
	.file = worker_file,
	.listener = accept_listener,
	.listener_close = accept_close,
	.start = start,
	.shutdown = closing,
	.stats = stats
};

static void
init(int argc, char **argv)
{
	worker_init();
	accept_init();
}

static void
start(int fresh)
{
	accept_start();
	proc_ready(0);
}

static void
closing(uint32_t grace_ms)
{
	accept_stop();
	worker_stop(grace_ms, client_end);
	client_stop();
}

static void
stats(void)
{
	worker_stats();
	client_stats();
	accept_stats();
}

int
main(int argc, char **argv)
{
	if (tls_no_tickets() == -1)
		log_debug("session tickets stay on");
	proc_main(argc, argv, &child);
}
