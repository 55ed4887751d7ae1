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
#include <sys/time.h>
#include <sys/wait.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>
#include <imsg.h>

#include "codes.h"
#include "link.h"
#include "log.h"
#include "logstream_fix.h"
#include "loop.h"

static void	 stop(int, short, void *);

struct told		 told[RECS];
struct ledger		*fix_page;
int			 fix_peek;
int			 fix_theirs = -1;
struct link		*fix_link;
struct imsgbuf		 fix_imsgbuf;

static struct event	 stop_timer;
static struct arena	 arena;
static uint64_t		 sent_gap;	/* the last that logd has read */

static const struct link_handler	 handlers[] = {
	LOGSTREAM_HANDLERS,
	{ 0, NULL }
};

static void
stop(int fd, short what, void *arg)
{
	loop_exit();
}

/* The worker lives for so long, and at least one turn. */
void
fix_run(int ms)
{
	struct timeval	 tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(&stop_timer, &tv);
	loop_run();
}

void
fix_setup(void)
{
	int	 fd;

	loop_init();
	evtimer_set(&stop_timer, stop, NULL);
	logstream_init();
	if ((fd = ledger_create(INSTANCE)) == -1)
		err(2, "ledger_create");
	CHECK(logstream_ledger(fd, INSTANCE + 1) == -1);
	CHECK(logstream_ledger(fd, INSTANCE) == 0);
	if ((fix_page = ledger_map(fd, INSTANCE)) == NULL)
		err(2, "ledger_map");
	close(fd);
}

/* A logd starts; room is what the kernel holds of its link, 0: as it is. */
void
fix_start(int room)
{
	static const struct link_peer	 peer = { PROC_LOGD, 0, 1 };
	int				 fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		err(2, "socketpair");
	if (room != 0 && setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room,
	    sizeof(room)) == -1)
		err(2, "setsockopt");
	fix_theirs = fds[1];
	if (imsgbuf_init(&fix_imsgbuf, fix_theirs) == -1)
		err(2, "imsgbuf_init");
	fix_link = link_new(fds[0], PROC_MITM, &peer, handlers,
	    logstream_closed, NULL);
	logstream_opened(fix_link);
}

/* It is killed. */
void
fix_kill(void)
{
	imsgbuf_clear(&fix_imsgbuf);
	close(fix_theirs);
	fix_theirs = -1;
}

/* The next message, or MSG_NONE; it is good until the next call. */
uint32_t
fix_get(union msg_any *u)
{
	static struct imsg	 imsg;
	static int		 have;
	struct msg_blob		 blob;
	struct ibuf		 data;
	uint32_t		 type;
	char			 c;

	if (have)
		imsg_free(&imsg);
	have = 0;
	while (imsgbuf_get(&fix_imsgbuf, &imsg) != 1) {
		if (recv(fix_theirs, &c, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
			return (MSG_NONE);
		CHECK(imsgbuf_read(&fix_imsgbuf) == 1);
	}
	have = 1;
	type = imsg_get_type(&imsg);
	CHECK(msg_desc(type) != NULL);
	CHECK(imsg_get_ibuf(&imsg, &data) == 0);
	blob.data = ibuf_data(&data);
	blob.len = ibuf_size(&data);
	arena_reset(&arena);
	CHECK(rec_from_blob(&blob, &msg_desc(type)->rec, u, &arena) == 0);
	if (type == MSG_GAP)
		sent_gap = u->gap.seq;
	return (type);
}

void
fix_ack(uint64_t seq)
{
	struct msg_ack	 m = { seq };
	struct msg_blob	 blob;

	CHECK(rec_to_blob(&msg_desc(MSG_ACK)->rec, &m, &blob) == 0);
	CHECK(imsg_compose(&fix_imsgbuf, MSG_ACK, 0, 0, -1, blob.data,
	    blob.len) == 1);
	CHECK(imsgbuf_flush(&fix_imsgbuf) == 0);
	msg_blob_free(&blob);
	fix_run(0);
}

/*
 * The BEGINs that are whole in the kernel, unread: how many, and the number
 * of the last.  A message starts with its type and length.
 */
int
fix_peeked(uint64_t *last)
{
	static uint8_t	 buf[2 * LOGSTREAM_BYTES];
	uint32_t	 hdr[2];
	ssize_t		 len, off;
	int		 n = 0;

	len = recv(fix_theirs, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	for (off = 0; len - off >= (ssize_t)IMSG_HEADER_SIZE; off += hdr[1]) {
		memcpy(hdr, buf + off, sizeof(hdr));
		if (hdr[1] > (size_t)(len - off))
			break;
		if (hdr[0] != MSG_BEGIN)
			continue;
		n++;
		memcpy(last, buf + off + IMSG_HEADER_SIZE, sizeof(*last));
	}
	return (n);
}

void
fix_ready(struct logrec *rec, int how, void *arg)
{
	struct told	*t = arg;
	uint64_t	 last = 0;

	CHECK(rec == &t->rec);
	t->calls++;
	t->how = how;
	t->when = loop_mono();
	if (!fix_peek)
		return;
	CHECK(how == LOGGED);
	CHECK(fix_peeked(&last) > 0 && last >= rec->seq);
	CHECK(fix_page->begins >= (uint64_t)(t - told) + 1);
}

void
fix_begin(struct told *t, uint64_t vault)
{
	struct msg_begin	 m;

	memset(&m, 0, sizeof(m));
	memset(m.request_id, 0xab, sizeof(m.request_id));
	m.scope = vault + 100;
	m.conn = t - told;
	m.ingress = INGRESS_MITM;
	m.protocol = PROTOCOL_HTTP11;
	m.decision = DECISION_BROKERED;
	m.method = "GET";
	m.host = "api.example";
	m.port = 443;
	m.path = "/v1/users/7";
	m.service = "example";
	m.keys = "EXAMPLE_KEY";
	m.client.af = 4;
	memset(t, 0, sizeof(*t));
	t->how = -1;
	logstream_begin(&t->rec, vault, &m, fix_ready, t);
	CHECK(t->calls == 0);
}

void
fix_end(struct told *t)
{
	struct msg_end	 m;

	memset(&m, 0, sizeof(m));
	m.decision = DECISION_BROKERED;
	m.status = 200;
	m.latency = 1234;
	m.bytes_out = t - told;
	m.upstream.af = 6;
	logstream_end(&t->rec, &m);
}

void
fix_hello(uint64_t next)
{
	union msg_any	 u;

	CHECK(fix_get(&u) == MSG_HELLO);
	CHECK(u.hello.next == next);
}

/* What the ledger says is not told yet by a GAP that logd has read. */
uint64_t
fix_lost(uint64_t vault)
{
	static struct ledger_loss	 losses[LEDGER_LOSSES];
	size_t				 i, n;

	n = ledger_losses(fix_page, sent_gap, fix_page->begins, losses);
	for (i = 0; i < n; i++) {
		if (losses[i].vault == vault)
			return (losses[i].unlogged);
	}
	return (0);
}

/* How many records are in the window. */
uint64_t
fix_used(void)
{
	struct logstream_stats	 st;

	logstream_stats(&st);
	return (st.records);
}

void
fix_drain(void)
{
	union msg_any	 u;

	while (fix_get(&u) != MSG_NONE)
		;
}

/* Requests until one has no place; returns how many had one. */
int
fix_fill(int from, uint64_t vault, int with_end)
{
	union msg_any	 u;
	int		 i;

	for (i = from; i < RECS; i++) {
		fix_begin(&told[i], vault);
		fix_run(0);
		if (told[i].calls == 0)
			fix_run(300);
		if (told[i].how != LOGGED)
			break;
		if (with_end)
			fix_end(&told[i]);
		while (fix_get(&u) != MSG_NONE)
			;
	}
	CHECK(i < RECS);
	return (i - from);
}

/* Is anything there for logd? */
void
fix_look(int fd, short what, void *arg)
{
	char	 c;

	*(int *)arg = recv(fix_theirs, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

int
fix_child(void (*fn)(void))
{
	pid_t	 pid;
	int	 status;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		alarm(30);
		fn();
		exit(0);
	}
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}
