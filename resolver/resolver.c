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

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dns.h"
#include "log.h"
#include "lookup.h"
#include "policy.h"
#include "proc.h"

/*
 * The resolver: names to addresses, and the policy on them.  It sees host
 * names and nothing else of a request.
 */

#define RESOLV_CONF	"/etc/resolv.conf"

static struct policy	 pending;

static void	init(int, char **);
static void	conf_start(void);
static int	conf(struct msg *, char *, size_t);
static void	activate(void);
static void	start(int);
static void	closing(uint32_t);
static void	resolve(struct link *, struct msg *);

static const struct link_handler worker_handlers[] = {
	{ MSG_RESOLVE, resolve },
	{ 0, NULL }
};

static const struct proc_peer peers[] = {
	{ PROC_PROXY, worker_handlers, NULL, lookup_forget },
	{ PROC_MITM, worker_handlers, NULL, lookup_forget },
	{ 0, NULL, NULL, NULL }
};

static const struct proc_child child = {
	.proc = PROC_RESOLVER,
	.init = init,
	.conf_start = conf_start,
	.conf = conf,
	.activate = activate,
	.peers = peers,
	.start = start,
	.shutdown = closing,
	.stats = lookup_stats
};

static void
init(int argc, char **argv)
{
	lookup_init();
}

static void
conf_start(void)
{
	memset(&pending, 0, sizeof(pending));
}

static int
conf(struct msg *m, char *why, size_t len)
{
	const struct msg_conf_network	*net;
	uint32_t			 i;

	if (m->type != MSG_CONF_NETWORK)
		return (0);
	net = &m->u.conf_network;
	for (i = 0; i < net->allow_n; i++) {
		if (policy_add(&pending, &net->allow[i]) == -1) {
			(void)snprintf(why, len,
			    "network allow: more than %d ranges", POLICY_MAX);
			return (-1);
		}
	}
	return (0);
}

static void
activate(void)
{
	lookup_policy(&pending);
}

/*
 * The directories, not the files: both are usually replaced by a rename, and
 * what was unveiled would then be the file that is gone.
 */
static void
start(int fresh)
{
	if (dns_init(RESOLV_CONF, NULL) == -1)
		fatalx("name resolution cannot be set up");
	if (unveil("/etc", "r") == -1 || unveil("/run", "r") == -1 ||
	    unveil(NULL, NULL) == -1)
		fatal("unveil");
	if (pledge("stdio rpath inet dns", NULL) == -1)
		fatal("pledge");
	proc_ready(0);
}

static void
closing(uint32_t grace)
{
	proc_exit();
}

static void
resolve(struct link *link, struct msg *m)
{
	lookup_ask(link, &m->u.resolve);
}

int
main(int argc, char **argv)
{
	proc_main(argc, argv, &child);
}
