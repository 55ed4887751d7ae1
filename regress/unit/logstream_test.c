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
 * The log stream against a logd that this test plays, over a real link.
 * Each case runs in a process of its own, since a process has one stream.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>
#include <imsg.h>

#include <cmocka.h>

#include "codes.h"
#include "ledger.h"
#include "link.h"
#include "log.h"
#include "logstream.h"
#include "loop.h"
#include "msg.h"
#include "window.h"

#define INSTANCE	0x1122334455667788ULL
#define RECS		6000

#define CHECK(x)							\
	do {								\
		if (!(x))						\
			errx(2, "line %d: %s", __LINE__, #x);		\
	} while (0)

/* What a record was told, and when. */
struct told {
	struct logrec	 rec;
	int		 calls;
	int		 how;
	uint64_t	 when;
};

static void	 stop(int, short, void *);
static void	 run(int);
static void	 setup(void);
static void	 logd_start(int);
static void	 logd_kill(void);
static uint32_t	 get(union msg_any *);
static void	 ack(uint64_t);
static int	 peeked(uint64_t *);
static void	 ready(struct logrec *, int, void *);
static void	 begin(struct told *, uint64_t);
static void	 end(struct told *);
static void	 hello(uint64_t);
static uint64_t	 lost_of(uint64_t);
static uint64_t	 used(void);
static void	 case_order(void);
static void	 case_ack(void);
static void	 case_ack_bad(void);
static void	 case_resend(void);
static void	 case_dies_unread(void);
static void	 case_hold(void);
static void	 case_end_held(void);
static void	 case_full(void);
static void	 case_full_shortly(void);
static int	 fill(int, uint64_t, int);
static void	 case_window(void);
static void	 case_gaps(void);
static void	 drain(void);
static void	 case_quarter(void);
static void	 case_flood(void);
static void	 look(int, short, void *);
static void	 case_quarter_open(void);
static void	 case_strict(void);
static void	 case_lost_vaults(void);
static void	 late_begin(void *);
static void	 case_late(void);
static void	 case_held_bound(void);
static void	 case_too_long(void);
static void	 case_events(void);
static void	 case_bye(void);
static void	 case_bye_full(void);
static void	 case_bye_window(void);
static void	 case_ring(void);
static int	 in_child(void (*)(void));
static void	 test_ack_bad(void **);

static struct told	 told[RECS];
static struct ledger	*page;
static struct link	*mine;		/* the worker's end */
static int		 theirs = -1;	/* logd's */
static struct imsgbuf	 imsgbuf;	/* over that */
static struct event	 stop_timer;
static struct arena	 arena;
static int		 peek;		/* look when `ready' is called */
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
static void
run(int ms)
{
	struct timeval	 tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(&stop_timer, &tv);
	loop_run();
}

static void
setup(void)
{
	int	 fd;

	loop_init();
	evtimer_set(&stop_timer, stop, NULL);
	logstream_init();
	if ((fd = ledger_create(INSTANCE)) == -1)
		err(2, "ledger_create");
	CHECK(logstream_ledger(fd, INSTANCE + 1) == -1);
	CHECK(logstream_ledger(fd, INSTANCE) == 0);
	if ((page = ledger_map(fd, INSTANCE)) == NULL)
		err(2, "ledger_map");
	close(fd);
}

/* A logd starts; room is what the kernel holds of its link, 0: as it is. */
static void
logd_start(int room)
{
	static const struct link_peer	 peer = { PROC_LOGD, 0, 1 };
	int				 fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		err(2, "socketpair");
	if (room != 0 && setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room,
	    sizeof(room)) == -1)
		err(2, "setsockopt");
	theirs = fds[1];
	if (imsgbuf_init(&imsgbuf, theirs) == -1)
		err(2, "imsgbuf_init");
	mine = link_new(fds[0], PROC_MITM, &peer, handlers, logstream_closed,
	    NULL);
	logstream_opened(mine);
}

/* It is killed. */
static void
logd_kill(void)
{
	imsgbuf_clear(&imsgbuf);
	close(theirs);
	theirs = -1;
}

/* The next message, or MSG_NONE; it is good until the next call. */
static uint32_t
get(union msg_any *u)
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
	while (imsgbuf_get(&imsgbuf, &imsg) != 1) {
		if (recv(theirs, &c, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
			return (MSG_NONE);
		CHECK(imsgbuf_read(&imsgbuf) == 1);
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

static void
ack(uint64_t seq)
{
	struct msg_ack	 m = { seq };
	struct msg_blob	 blob;

	CHECK(rec_to_blob(&msg_desc(MSG_ACK)->rec, &m, &blob) == 0);
	CHECK(imsg_compose(&imsgbuf, MSG_ACK, 0, 0, -1, blob.data,
	    blob.len) == 1);
	CHECK(imsgbuf_flush(&imsgbuf) == 0);
	msg_blob_free(&blob);
	run(0);
}

/*
 * The BEGINs that are whole in the kernel, unread: how many, and the number
 * of the last.  A message starts with its type and length.
 */
static int
peeked(uint64_t *last)
{
	static uint8_t	 buf[2 * LOGSTREAM_BYTES];
	uint32_t	 hdr[2];
	ssize_t		 len, off;
	int		 n = 0;

	len = recv(theirs, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
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

static void
ready(struct logrec *rec, int how, void *arg)
{
	struct told	*t = arg;
	uint64_t	 last = 0;

	CHECK(rec == &t->rec);
	t->calls++;
	t->how = how;
	t->when = loop_mono();
	if (!peek)
		return;
	CHECK(how == LOGGED);
	CHECK(peeked(&last) > 0 && last >= rec->seq);
	CHECK(page->begins >= (uint64_t)(t - told) + 1);
}

static void
begin(struct told *t, uint64_t vault)
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
	logstream_begin(&t->rec, vault, &m, ready, t);
	CHECK(t->calls == 0);
}

static void
end(struct told *t)
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

static void
hello(uint64_t next)
{
	union msg_any	 u;

	CHECK(get(&u) == MSG_HELLO);
	CHECK(u.hello.next == next);
}

/* What the ledger says is not told yet by a GAP that logd has read. */
static uint64_t
lost_of(uint64_t vault)
{
	static struct ledger_loss	 losses[LEDGER_LOSSES];
	size_t				 i, n;

	n = ledger_losses(page, sent_gap, page->begins, losses);
	for (i = 0; i < n; i++) {
		if (losses[i].vault == vault)
			return (losses[i].unlogged);
	}
	return (0);
}

/* How many records are in the window. */
static uint64_t
used(void)
{
	struct logstream_stats	 st;

	logstream_stats(&st);
	return (st.records);
}

/*
 * BEGINs of one turn leave together and in order, before `ready' is called;
 * ENDs by themselves after a moment.
 */
static void
case_order(void)
{
	union msg_any	 u;
	uint64_t	 t0, last;
	uint32_t	 type;
	int		 i;

	setup();
	logd_start(0);
	peek = 1;
	for (i = 0; i < 3; i++)
		begin(&told[i], 1);
	run(0);
	for (i = 0; i < 3; i++)
		CHECK(told[i].calls == 1 && told[i].how == LOGGED);
	hello(1);
	for (i = 0; i < 3; i++) {
		CHECK(get(&u) == MSG_BEGIN);
		CHECK(u.begin.seq == (uint64_t)i + 1);
		CHECK(u.begin.conn == (uint64_t)i);
		CHECK(u.begin.scope == 101 && !u.begin.strict);
		CHECK(strcmp(u.begin.path, "/v1/users/7") == 0);
		CHECK(strcmp(u.begin.keys, "EXAMPLE_KEY") == 0);
		CHECK(u.begin.request_id[15] == 0xab);
	}
	CHECK(get(&u) == MSG_NONE);
	t0 = loop_mono();
	end(&told[1]);
	end(&told[0]);
	run(0);
	/* Unless the machine slept here for as long as an END may wait. */
	type = get(&u);
	CHECK(type == MSG_NONE || loop_mono() - t0 > LOGSTREAM_END * 1000);
	if (type == MSG_NONE) {
		run(20);
		type = get(&u);
	}
	CHECK(loop_mono() - t0 < 200000);
	CHECK(type == MSG_END);
	CHECK(u.end.seq == 4 && u.end.begin == 2 && u.end.bytes_out == 1);
	CHECK(u.end.status == 200 && u.end.upstream.af == 6);
	CHECK(get(&u) == MSG_END);
	CHECK(u.end.seq == 5 && u.end.begin == 1);
	CHECK(told[0].calls == 1);
	/* An END and a BEGIN of one turn leave in one write. */
	end(&told[2]);
	begin(&told[3], 1);
	run(0);
	CHECK(peeked(&last) == 1 && last == 7);
	CHECK(get(&u) == MSG_END && u.end.seq == 6);
	CHECK(get(&u) == MSG_BEGIN && u.begin.seq == 7);
	CHECK(page->begins == 4);
}

static void
case_ack(void)
{
	int	 i;

	setup();
	logd_start(0);
	for (i = 0; i < 10; i++)
		begin(&told[i], 1);
	run(0);
	CHECK(used() == 20);
	ack(4);
	CHECK(used() == 16);
	ack(3);
	CHECK(used() == 16);
	for (i = 0; i < 10; i++)
		end(&told[i]);
	CHECK(used() == 16);
	run(10);
	ack(20);
	CHECK(used() == 0);
}

/* What was never sent cannot be committed: logd and we do not agree. */
static void
case_ack_bad(void)
{
	setup();
	logd_start(0);
	begin(&told[0], 1);
	run(0);
	ack(2);
}

static void
case_resend(void)
{
	union msg_any	 u;
	uint64_t	 i;

	setup();
	logd_start(0);
	for (i = 0; i < 5; i++)
		begin(&told[i], 1);
	run(0);
	ack(2);
	end(&told[0]);
	logd_kill();
	run(10);
	end(&told[4]);
	begin(&told[5], 1);
	run(0);
	CHECK(told[5].calls == 0);
	logd_start(0);
	run(0);
	CHECK(told[5].how == LOGGED);
	hello(3);
	for (i = 3; i <= 5; i++) {
		CHECK(get(&u) == MSG_BEGIN && u.begin.seq == i);
		CHECK(u.begin.conn == i - 1);
	}
	CHECK(get(&u) == MSG_END && u.end.seq == 6 && u.end.begin == 1);
	CHECK(get(&u) == MSG_END && u.end.seq == 7 && u.end.begin == 5);
	CHECK(get(&u) == MSG_BEGIN && u.begin.seq == 8);
	/* A successor that comes before the end of the one before it. */
	close(theirs);
	imsgbuf_clear(&imsgbuf);
	logd_start(0);
	run(10);
	hello(3);
	for (i = 0; get(&u) != MSG_NONE; i++)
		;
	CHECK(i == 6);
	CHECK(told[5].calls == 1);
	ack(8);
	CHECK(used() == 4);
	/* It may know of more than we do: that is not sent again. */
	end(&told[1]);
	run(10);
	CHECK(get(&u) == MSG_END && u.end.seq == 9);
	logd_kill();
	run(10);
	logd_start(0);
	ack(9);
	hello(9);
	CHECK(get(&u) == MSG_NONE);
	begin(&told[6], 1);
	run(0);
	CHECK(get(&u) == MSG_BEGIN && u.begin.seq == 10);
}

/*
 * A logd that was killed left an ACK behind, and what we sent unread: the
 * write that fails must not cost us what can still be read.
 */
static void
case_dies_unread(void)
{
	struct msg_ack	 m = { 3 };
	struct msg_blob	 blob;
	int		 i;

	setup();
	logd_start(0);
	for (i = 0; i < 4; i++)
		begin(&told[i], 1);
	run(0);
	CHECK(rec_to_blob(&msg_desc(MSG_ACK)->rec, &m, &blob) == 0);
	CHECK(imsg_compose(&imsgbuf, MSG_ACK, 0, 0, -1, blob.data,
	    blob.len) == 1);
	CHECK(imsgbuf_flush(&imsgbuf) == 0);
	msg_blob_free(&blob);
	logd_kill();
	/* This turn writes before it reads. */
	link_pause(mine);
	begin(&told[4], 1);
	run(0);
	CHECK(told[4].calls == 0);
	CHECK(link_fd(mine) != -1);
	CHECK(used() == 8);
	link_resume(mine);
	run(10);
	CHECK(used() == 5);
	logd_start(0);
	run(0);
	hello(4);
	CHECK(told[4].how == LOGGED);
}

static void
case_hold(void)
{
	union msg_any	 u;
	uint64_t	 t0;

	setup();
	t0 = loop_mono();
	begin(&told[0], 7);
	begin(&told[1], 8);
	begin(&told[2], 7);
	run(200);
	CHECK(told[0].calls == 0);
	CHECK(lost_of(7) == 0);
	run(150);
	CHECK(told[0].calls == 1 && told[0].how == UNLOGGED);
	CHECK(told[1].calls == 1 && told[1].how == UNLOGGED);
	CHECK(told[0].when - t0 >= 250000 && told[0].when - t0 < 330000);
	CHECK(lost_of(7) == 2 && lost_of(8) == 1);
	CHECK(used() == 0);
	end(&told[0]);
	/* One that waits when logd comes back is logged, behind the gap. */
	begin(&told[3], 7);
	run(100);
	CHECK(told[3].calls == 0);
	logd_start(0);
	run(0);
	CHECK(told[3].how == LOGGED);
	hello(1);
	CHECK(get(&u) == MSG_GAP && u.gap.seq == 1 && u.gap.lost_n == 2);
	CHECK(u.gap.lost[0].vault == 7 && u.gap.lost[0].count == 2);
	CHECK(u.gap.lost[1].vault == 8 && u.gap.lost[1].count == 1);
	CHECK(get(&u) == MSG_BEGIN && u.begin.seq == 2 && u.begin.conn == 3);
	CHECK(get(&u) == MSG_NONE);
	/* logd has read it now, so the ledger need not count. */
	CHECK(lost_of(7) == 0 && lost_of(8) == 0 && lost_of(0) == 0);
	CHECK(page->banks[0].gap_seq == 1 && page->banks[1].gap_seq == 0);
	CHECK(page->begins == 1 && page->ring[0] == 7);
}

/* An exchange that ends while it is held: both records, no `ready'. */
static void
case_end_held(void)
{
	union msg_any	 u;

	setup();
	begin(&told[0], 1);
	begin(&told[1], 1);
	run(0);
	end(&told[0]);
	memset(&told[0].rec, 0xff, sizeof(told[0].rec));
	logd_start(0);
	run(100);
	CHECK(told[0].calls == 0 && told[1].calls == 1);
	hello(1);
	CHECK(get(&u) == MSG_BEGIN && u.begin.conn == 0);
	CHECK(get(&u) == MSG_BEGIN && u.begin.conn == 1);
	CHECK(get(&u) == MSG_END && u.end.begin == 1 && u.end.status == 200);
	/* And if it is not to be logged, it counts. */
	logd_kill();
	run(10);
	begin(&told[2], 3);
	run(0);
	end(&told[2]);
	run(300);
	CHECK(told[2].calls == 0 && lost_of(3) == 1);
}

/*
 * A link that is full: nobody goes on before his BEGIN is whole in the
 * kernel or his time is over; what was given up never appears.
 */
static void
case_full(void)
{
	union msg_any	 u;
	uint64_t	 gap = 0, seq = 1;
	int		 begins = 0, i, logged = 0, seen = 0, unlogged = 0;
	uint64_t	 last;
	uint32_t	 type;

	setup();
	logd_start(4608);
	for (i = 0; i < 200; i++)
		begin(&told[i], 5);
	run(100);
	for (i = 0; i < 200; i++)
		logged += told[i].how == LOGGED;
	CHECK(logged > 0 && logged < 200);
	CHECK(peeked(&last) == logged);
	run(300);
	for (i = 0; i < 200; i++) {
		CHECK(told[i].calls == 1);
		unlogged += told[i].how == UNLOGGED;
	}
	CHECK(logged + unlogged == 200);
	/* Of one at most the kernel has a part: it is not given up. */
	CHECK(lost_of(5) == (uint64_t)unlogged ||
	    lost_of(5) == (uint64_t)unlogged - 1);
	hello(1);
	for (i = 0; i < 5; i++) {
		while ((type = get(&u)) != MSG_NONE) {
			if (type == MSG_BEGIN) {
				CHECK(u.begin.seq == seq++);
				CHECK(u.begin.conn == (uint64_t)seen);
				seen = u.begin.conn + 1;
				begins++;
			} else {
				CHECK(type == MSG_GAP && u.gap.seq == seq++);
				CHECK(u.gap.lost_n == 1);
				gap += u.gap.lost[0].count;
			}
		}
		run(20);
	}
	CHECK(begins + gap == 200);
	CHECK(begins - logged <= 1);
	CHECK(lost_of(5) == 0);
	for (i = 0; i < 200; i++)
		end(&told[i]);
	run(20);
	while ((type = get(&u)) != MSG_NONE) {
		CHECK(type == MSG_END && u.end.seq == seq++);
		run(5);
		begins--;
	}
	CHECK(begins == 0);
}

/* A link that is full for less than the hold loses nothing. */
static void
case_full_shortly(void)
{
	union msg_any	 u;
	uint64_t	 conn = 0;
	int		 i;

	setup();
	logd_start(4608);
	for (i = 0; i < 200; i++)
		begin(&told[i], 5);
	run(0);
	hello(1);
	for (i = 0; i < 100 && conn < 200; i++) {
		while (get(&u) == MSG_BEGIN)
			CHECK(u.begin.conn == conn++);
		run(1);
	}
	CHECK(conn == 200);
	for (i = 0; i < 200; i++)
		CHECK(told[i].how == LOGGED);
	CHECK(lost_of(5) == 0);
}

static void
drain(void)
{
	union msg_any	 u;

	while (get(&u) != MSG_NONE)
		;
}

/* Requests until one has no place; returns how many had one. */
static int
fill(int from, uint64_t vault, int with_end)
{
	union msg_any	 u;
	int		 i;

	for (i = from; i < RECS; i++) {
		begin(&told[i], vault);
		run(0);
		if (told[i].calls == 0)
			run(300);
		if (told[i].how != LOGGED)
			break;
		if (with_end)
			end(&told[i]);
		while (get(&u) != MSG_NONE)
			;
	}
	CHECK(i < RECS);
	return (i - from);
}

static void
case_window(void)
{
	union msg_any	 u;
	uint64_t	 t0;
	uint32_t	 type;
	int		 i, n;

	setup();
	logd_start(0);
	run(0);
	/* Four vaults: none of them comes to a quarter before the end. */
	n = 0;
	for (i = 1; i <= 4; i++)
		n += fill(n, i, 1) + 1;
	CHECK(used() > LOGSTREAM_RECORDS - 8 && used() < LOGSTREAM_RECORDS);
	CHECK(told[n - 1].how == UNLOGGED && lost_of(4) == 1);
	/* Nothing moves: who comes now is not held up. */
	run(100);
	t0 = loop_mono();
	begin(&told[n], 9);
	run(0);
	CHECK(told[n].how == UNLOGGED && told[n].when - t0 < 100000);
	CHECK(lost_of(9) == 1);
	/* logd commits: the next has a place; a GAP is on its way still. */
	while (get(&u) != MSG_NONE)
		;
	ack(100);
	begin(&told[n + 1], 9);
	run(0);
	CHECK(told[n + 1].how == LOGGED);
	do
		type = get(&u);
	while (type == MSG_END);
	CHECK(type == MSG_BEGIN && u.begin.conn == (uint64_t)n + 1);
	CHECK(lost_of(9) == 1);
	/* While it commits at all, a record is held until there is room. */
	while (told[n + 1].how == LOGGED) {
		begin(&told[n + 1], 10);
		run(0);
		if (told[n + 1].calls == 0)
			break;
	}
	run(50);
	CHECK(told[n + 1].calls == 0);
	ack(200);
	CHECK(told[n + 1].how == LOGGED);
	/* It commits that GAP: what was lost since is told in one. */
	ack(LOGSTREAM_RECORDS / 2 + 8);
	do
		type = get(&u);
	while (type == MSG_END || type == MSG_BEGIN);
	CHECK(type == MSG_GAP && u.gap.lost_n >= 2);
	CHECK(lost_of(9) == 0);
}

/*
 * A vault that has its quarter and goes on losing takes no place of others by
 * telling of it.
 */
static void
case_gaps(void)
{
	union msg_any	 u;
	uint64_t	 before, seq;
	int		 a, i, n = 0;

	setup();
	logd_start(0);
	run(0);
	a = fill(0, 1, 1);
	run(20);
	while (get(&u) != MSG_NONE)
		;
	before = used();
	for (i = 0; i < 50; i++) {
		begin(&told[a + 1 + i], 1);
		run(0);
		CHECK(told[a + 1 + i].how == UNLOGGED);
	}
	CHECK(used() == before);
	CHECK(lost_of(1) == 50);
	while (get(&u) != MSG_NONE)
		;
	/* It is acknowledged: what was lost since is told at once, together. */
	seq = window_next() - 1;
	ack(seq);
	while (get(&u) == MSG_GAP) {
		n++;
		CHECK(u.gap.lost_n == 1 && u.gap.lost[0].count == 50);
	}
	CHECK(n == 1);
	CHECK(lost_of(1) == 0);
}

/*
 * With open requests half of the window is anybody's; beyond that a vault has
 * a quarter, and the others their place.
 */
static void
case_quarter(void)
{
	uint64_t	 seq;
	int		 a, b, i;

	setup();
	logd_start(0);
	run(0);
	for (a = 0; a < RECS; a++) {
		begin(&told[a], 1);
		run(0);
		if (told[a].how != LOGGED)
			break;
		ack(window_next() - 1);
		drain();
	}
	CHECK(a < RECS && told[a].how == UNLOGGED);
	CHECK(a >= LOGSTREAM_RECORDS / 2 - 4 && a <= LOGSTREAM_RECORDS / 2);
	seq = window_next();
	b = fill(a + 1, 2, 1);
	CHECK(b * 2 >= LOGSTREAM_RECORDS / 4 - 4 &&
	    b * 2 <= LOGSTREAM_RECORDS / 4);
	CHECK(window_next() - seq <= LOGSTREAM_RECORDS / 4 + 2);
	i = a + b + 2;
	begin(&told[i], 3);
	run(0);
	CHECK(told[i].how == LOGGED);
}

/*
 * A vault that floods has a quarter of the window unacknowledged at most, and
 * half of those that are held; so another one's BEGIN is logged, and what
 * logd commits before it is about a batch.
 */
static void
case_flood(void)
{
	union msg_any	 u;
	uint64_t	 before;
	int		 i, n, there;

	setup();
	for (n = 0; n < 5000; n++)
		begin(&told[n], 1);
	CHECK(lost_of(1) == 5000 - LOGSTREAM_RECORDS / 2);
	for (i = 0; i < 50; i++)
		begin(&told[n + i], 2);
	CHECK(lost_of(2) == 0);
	/* A link that takes little, and a logd that reads it slowly. */
	logd_start(4608);
	before = 0;
	for (there = 0; there < 50;) {
		run(0);
		while (get(&u) != MSG_NONE) {
			if (u.begin.scope != 102)
				before++;
			else
				there++;
		}
		CHECK(before < 200);
	}
	for (i = 0; i < 50; i++)
		CHECK(told[n + i].how == LOGGED);
	/* One that comes later is behind what is on its way. */
	logd_kill();
	run(0);
	logd_start(0);
	run(0);
	begin(&told[n + i], 2);
	run(0);
	CHECK(told[n + i].how == LOGGED);
	CHECK(window_next() - window_first() <= LOGSTREAM_RECORDS / 4 + 60);
}

/* Is anything there for logd? */
static void
look(int fd, short what, void *arg)
{
	char	 c;

	*(int *)arg = recv(theirs, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/*
 * With open requests only, waiting does not help, so nobody waits; and the
 * GAP leaves without another event.
 */
static void
case_quarter_open(void)
{
	struct timeval	 tv = { 0, 50000 };
	struct event	 ev;
	union msg_any	 u;
	uint64_t	 acked, t0;
	int		 a, b, there = 0;

	setup();
	logd_start(0);
	run(0);
	a = fill(0, 1, 0);
	/* Its BEGINs, and the GAP, which follows by itself. */
	acked = a + 1;
	ack(acked);
	CHECK(used() == (uint64_t)a);
	b = fill(a + 1, 2, 0);
	a += 1 + b;
	CHECK(used() > LOGSTREAM_RECORDS / 4);
	acked += b + 1;
	ack(acked);
	while (used() < LOGSTREAM_RECORDS / 2) {
		a++;
		begin(&told[a], a + 1000);
		run(0);
	}
	/* Others get on. */
	ack(acked + 1);
	while (get(&u) != MSG_NONE)
		;
	begin(&told[a + 1], 1);
	t0 = loop_mono();
	evtimer_set(&ev, look, &there);
	evtimer_add(&ev, &tv);
	run(100);
	CHECK(told[a + 1].how == UNLOGGED);
	CHECK(told[a + 1].when - t0 < 200000);
	CHECK(there);
	CHECK(get(&u) == MSG_GAP);
}

static void
case_strict(void)
{
	union msg_any	 u;
	uint64_t	 t0;

	setup();
	logstream_conf(1);
	logd_start(0);
	begin(&told[0], 1);
	begin(&told[1], 1);
	run(50);
	hello(1);
	CHECK(get(&u) == MSG_BEGIN && u.begin.strict);
	CHECK(get(&u) == MSG_BEGIN && u.begin.strict);
	CHECK(told[0].calls == 0);
	ack(1);
	CHECK(told[0].how == LOGGED && told[1].calls == 0);
	/* It may end while it waits. */
	begin(&told[2], 1);
	run(0);
	end(&told[2]);
	t0 = loop_mono();
	run(1800);
	CHECK(told[1].calls == 0);
	/* One whose BEGIN never left waits as long. */
	logd_kill();
	begin(&told[3], 2);
	run(300);
	CHECK(told[1].how == REFUSED);
	CHECK(told[1].when - t0 > 1800000 && told[1].when - t0 < 2200000);
	CHECK(told[3].calls == 0);
	CHECK(lost_of(1) == 0);
	run(1900);
	CHECK(told[3].how == REFUSED && lost_of(2) == 1);
	CHECK(told[2].calls == 0);
	/* What was refused still has its END. */
	end(&told[1]);
	logd_start(0);
	run(20);
	hello(2);
	CHECK(get(&u) == MSG_BEGIN && u.begin.seq == 2);
	CHECK(get(&u) == MSG_BEGIN && u.begin.seq == 3);
	CHECK(get(&u) == MSG_END && u.end.begin == 3);
	CHECK(get(&u) == MSG_END && u.end.begin == 2);
	CHECK(get(&u) == MSG_GAP);
}

/* 64 vaults are counted by themselves, the others together. */
static void
case_lost_vaults(void)
{
	union msg_any	 u;
	uint32_t	 i;

	setup();
	for (i = 0; i < 70; i++) {
		begin(&told[2 * i], i + 1);
		begin(&told[2 * i + 1], i + 1);
	}
	run(300);
	CHECK(lost_of(0) == 12);
	for (i = 0; i < 64; i++)
		CHECK(lost_of(i + 1) == 2);
	logd_start(0);
	run(0);
	hello(1);
	CHECK(get(&u) == MSG_GAP && u.gap.lost_n == 65);
	for (i = 0; i < 64; i++) {
		CHECK(u.gap.lost[i].vault == i + 1);
		CHECK(u.gap.lost[i].count == 2);
	}
	CHECK(u.gap.lost[64].vault == 0 && u.gap.lost[64].count == 12);
	CHECK(lost_of(0) == 0 && lost_of(64) == 0);
}

/* A BEGIN that comes behind the write of its turn waits for no event. */
static void
late_begin(void *arg)
{
	static int	 once;

	if (once++ == 0)
		begin(&told[0], 1);
}

static void
case_late(void)
{
	struct timeval	 tv = { 0, 50000 };
	struct event	 ev;
	union msg_any	 u;
	uint64_t	 last;
	int		 there = 0;

	setup();
	logd_start(0);
	run(0);
	hello(1);
	loop_hook(TURN_NET, late_begin, NULL);
	evtimer_set(&ev, look, &there);
	evtimer_add(&ev, &tv);
	run(100);
	CHECK(there);
	CHECK(peeked(&last) == 1);
	CHECK(told[0].how == LOGGED);
	CHECK(get(&u) == MSG_BEGIN);
}

/* No more are held than the window has places. */
static void
case_held_bound(void)
{
	uint64_t	 t0 = loop_mono();
	int		 i;

	setup();
	for (i = 0; i < LOGSTREAM_RECORDS + 2; i++) {
		begin(&told[i], 1 + i / (LOGSTREAM_RECORDS / 4));
		end(&told[i]);
	}
	CHECK(lost_of(1) == 0 && lost_of(4) == 0 && lost_of(5) == 2);
	begin(&told[i], 1);
	run(0);
	CHECK(told[i].how == UNLOGGED && loop_mono() - t0 < 200000);
	run(300);
	CHECK(lost_of(1) == LOGSTREAM_RECORDS / 4 + 1);
}

static void
case_too_long(void)
{
	struct msg_begin	 m;
	static char		 text[3000];

	setup();
	logd_start(0);
	memset(&m, 0, sizeof(m));
	memset(text, 'a', sizeof(text) - 1);
	m.path = text;
	log_sink(NULL);
	told[0].how = -1;
	logstream_begin(&told[0].rec, 4, &m, ready, &told[0]);
	CHECK(told[0].calls == 0);
	run(0);
	CHECK(told[0].how == UNLOGGED && lost_of(4) == 1);
	end(&told[0]);
	CHECK(used() == 1);
}

static void
case_events(void)
{
	union msg_any		 u;
	struct msg_event	 m;
	uint64_t		 count = 0;
	uint32_t		 type;
	int			 i, n = 0;

	setup();
	logd_start(0);
	memset(&m, 0, sizeof(m));
	m.code = EVENT_SNI_MISMATCH;
	m.host = "api.example";
	for (i = 0; i < 1000; i++)
		logstream_event(&m);
	m.code = EVENT_TLS_CLIENT;
	logstream_event(&m);
	run(20);
	hello(1);
	while ((type = get(&u)) == MSG_EVENT) {
		if (u.event.code == EVENT_TLS_CLIENT)
			continue;
		CHECK(strcmp(u.event.host, "api.example") == 0);
		count += u.event.count;
		n++;
	}
	CHECK(type == MSG_NONE);
	CHECK(n == LOG_BURST && count == LOG_BURST);
	run(1100);
	CHECK(get(&u) == MSG_EVENT && u.event.code == EVENT_SNI_MISMATCH);
	CHECK(u.event.count == 1000 - LOG_BURST);
	CHECK(get(&u) == MSG_NONE);
}

static void
case_bye(void)
{
	union msg_any	 u;
	int		 i;

	setup();
	logd_start(0);
	for (i = 0; i < 3; i++)
		begin(&told[i], 1);
	run(0);
	end(&told[0]);
	end(&told[1]);
	/* Not while a request is open; the ENDs leave. */
	CHECK(logstream_bye(100) == -1);
	hello(1);
	for (i = 0; i < 3; i++)
		CHECK(get(&u) == MSG_BEGIN);
	CHECK(get(&u) == MSG_END);
	CHECK(get(&u) == MSG_END);
	CHECK(get(&u) == MSG_NONE);
	end(&told[2]);
	begin(&told[3], 1);
	end(&told[3]);
	CHECK(logstream_bye(100) == 0);
	CHECK(get(&u) == MSG_END && u.end.seq == 6);
	CHECK(get(&u) == MSG_BEGIN && u.begin.seq == 7);
	CHECK(get(&u) == MSG_END && u.end.seq == 8);
	CHECK(get(&u) == MSG_BYE && u.bye.seq == 9);
}

/* A logd that does not read gets no BYE, and does not stop us. */
static void
case_bye_full(void)
{
	uint64_t	 t0;
	int		 i;

	setup();
	logd_start(4608);
	for (i = 0; i < 200; i++) {
		begin(&told[i], 5);
		end(&told[i]);
	}
	run(0);
	t0 = loop_mono();
	CHECK(logstream_bye(100) == -1);
	CHECK(loop_mono() - t0 < 300000);
	CHECK(lost_of(5) > 100);
}

/* BYE has its place when nothing else has. */
static void
case_bye_window(void)
{
	union msg_any	 u;
	uint32_t	 last = MSG_NONE, type;
	int		 i, n = 0;

	setup();
	logd_start(0);
	run(0);
	for (i = 1; i <= 4; i++)
		n += fill(n, i, 1) + 1;
	CHECK(logstream_bye(100) == 0);
	while ((type = get(&u)) != MSG_NONE)
		last = type;
	CHECK(last == MSG_BYE);
}

/* Many times around the ring, with records of all lengths. */
static void
case_ring(void)
{
	static char		 path[2049];
	struct msg_begin	 m;
	union msg_any		 u;
	uint64_t		 seq = 1;
	uint32_t		 type;
	size_t			 len;
	int			 i, j;

	setup();
	logd_start(0);
	run(0);
	hello(1);
	for (i = 0; i < 400; i++) {
		for (j = 0; j < 16; j++) {
			memset(&m, 0, sizeof(m));
			len = (i * 131 + j * 17) % sizeof(path);
			memset(path, 'a' + (i + j) % 26, len);
			path[len] = '\0';
			m.path = path;
			logstream_begin(&told[j].rec, j + 1, &m, NULL, NULL);
		}
		run(0);
		for (j = 0; j < 16; j++)
			end(&told[j]);
		for (j = 0; (type = get(&u)) != MSG_NONE; seq++) {
			if (type == MSG_END) {
				CHECK(u.end.seq == seq);
				continue;
			}
			CHECK(type == MSG_BEGIN && u.begin.seq == seq);
			len = (i * 131 + j * 17) % sizeof(path);
			CHECK(strlen(u.begin.path) == len);
			CHECK(strspn(u.begin.path, (char [2]){ 'a' +
			    (i + j) % 26, '\0' }) == len);
			j++;
		}
		CHECK(j == 16);
		ack(seq - 1);
	}
	CHECK(used() == 16);
}

static int
in_child(void (*fn)(void))
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

#define CASE(name)							\
static void								\
test_##name(void **state)						\
{									\
	assert_int_equal(in_child(case_##name), 0);			\
}

CASE(order)
CASE(ack)
CASE(resend)
CASE(dies_unread)
CASE(hold)
CASE(end_held)
CASE(full)
CASE(full_shortly)
CASE(window)
CASE(gaps)
CASE(quarter)
CASE(flood)
CASE(quarter_open)
CASE(strict)
CASE(lost_vaults)
CASE(late)
CASE(held_bound)
CASE(too_long)
CASE(events)
CASE(bye)
CASE(bye_full)
CASE(bye_window)
CASE(ring)

/* fatal() exits with 1, a failed check with 2. */
static void
test_ack_bad(void **state)
{
	assert_int_equal(in_child(case_ack_bad), 1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_ack),
		cmocka_unit_test(test_ack_bad),
		cmocka_unit_test(test_resend),
		cmocka_unit_test(test_dies_unread),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_end_held),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_full_shortly),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_quarter),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_quarter_open),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_lost_vaults),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_held_bound),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_bye),
		cmocka_unit_test(test_bye_full),
		cmocka_unit_test(test_bye_window),
		cmocka_unit_test(test_ring),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
