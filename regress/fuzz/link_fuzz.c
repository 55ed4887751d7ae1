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

/*
 * Any message from any peer to any process: the first byte says from whom, the
 * second to whom, two more are the type, the rest is the body.  It must be
 * handled or the peer be called bad; what a more trusted peer said wrong would
 * be fatal, so peers here are always the less trusted ones.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "log.h"
#include "loop.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 handle(struct link *, struct msg *);
static void	 unheard(int, const char *);
static void	 turn(void *);

static struct link_handler	 all[MSG_MAX];

/* What was decoded must be good to encode, and small enough to send. */
static void
handle(struct link *l, struct msg *m)
{
	const struct rec_desc	*d = &msg_desc(m->type)->rec;
	struct msg_blob		 blob;

	if (rec_to_blob(d, &m->u, &blob) == -1)
		abort();
	msg_blob_free(&blob);
}

static void
unheard(int priority, const char *line)
{
	if (!log_printable(line))
		abort();
}

static void
turn(void *arg)
{
	loop_exit();
}

static void
setup(void)
{
	uint32_t	 i;

	loop_init();
	loop_hook(TURN_WORK, turn, NULL);
	log_sink(unheard);
	for (i = 1; i < MSG_MAX; i++) {
		all[i - 1].type = i;
		all[i - 1].fn = handle;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int		 ready;
	struct link_peer	 peer = { PROC_PARENT, 0, 1 };
	struct link		*l;
	enum proc		 self;
	int			 fds[2];

	if (!ready)
		setup();
	ready = 1;
	if (len < 4)
		return (0);
	peer.proc = data[0] % PROC_MAX;
	self = data[1] % PROC_MAX;
	if (!msg_linked(self, peer.proc) ||
	    proc_trust(peer.proc) > proc_trust(self))
		return (0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		err(1, "socketpair");
	l = link_new(fds[0], self, &peer, all, NULL, NULL);
	link_input(l, data[2] | data[3] << 8, data + 4, len - 4, -1);
	link_close(l);
	close(fds[1]);
	/* The end of a turn frees it. */
	loop_run();
	return (0);
}
