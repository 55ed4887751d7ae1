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

#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>

#include <cmocka.h>

#include "codes.h"
#include "log.h"
#include "logstream_fix.h"
#include "loop.h"
#include "window.h"

/*
 * The log stream: what leaves when, what is sent again, and who waits.
 */

static void	 late_begin(void *);
static void	 case_order(void);
static void	 case_ack(void);
static void	 case_ack_bad(void);
static void	 case_resend(void);
static void	 case_dies_unread(void);
static void	 case_hold(void);
static void	 case_end_held(void);
static void	 case_full(void);
static void	 case_full_shortly(void);
static void	 case_strict(void);
static void	 case_late(void);
static void	 case_too_long(void);
static void	 case_events(void);
static void	 case_events_whose(void);
static void	 case_alone(void);
static void	 case_bye(void);
static void	 case_bye_full(void);
static void	 case_bye_window(void);
static void	 case_ring(void);
static void	 test_ack_bad(void **);

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

	fix_setup();
	fix_start(0);
	fix_peek = 1;
	for (i = 0; i < 3; i++)
		fix_begin(&told[i], 1);
	fix_run(0);
	for (i = 0; i < 3; i++)
		CHECK(told[i].calls == 1 && told[i].how == LOGGED);
	fix_hello(1);
	for (i = 0; i < 3; i++) {
		CHECK(fix_get(&u) == MSG_BEGIN);
		CHECK(u.begin.seq == (uint64_t)i + 1);
		CHECK(u.begin.conn == (uint64_t)i);
		CHECK(u.begin.scope == 101 && !u.begin.strict);
		CHECK(strcmp(u.begin.path, "/v1/users/7") == 0);
		CHECK(strcmp(u.begin.keys, "EXAMPLE_KEY") == 0);
		CHECK(u.begin.request_id[15] == 0xab);
	}
	CHECK(fix_get(&u) == MSG_NONE);
	t0 = loop_mono();
	fix_end(&told[1]);
	fix_end(&told[0]);
	fix_run(0);
	/* Unless the machine slept here for as long as an END may wait. */
	type = fix_get(&u);
	CHECK(type == MSG_NONE || loop_mono() - t0 > LOGSTREAM_END * 1000);
	if (type == MSG_NONE) {
		fix_run(20);
		type = fix_get(&u);
	}
	CHECK(loop_mono() - t0 < 200000);
	CHECK(type == MSG_END);
	CHECK(u.end.seq == 4 && u.end.begin == 2 && u.end.bytes_out == 1);
	CHECK(u.end.status == 200 && u.end.upstream.af == 6);
	CHECK(fix_get(&u) == MSG_END);
	CHECK(u.end.seq == 5 && u.end.begin == 1);
	CHECK(told[0].calls == 1);
	/* An END and a BEGIN of one turn leave in one write. */
	fix_end(&told[2]);
	fix_begin(&told[3], 1);
	fix_run(0);
	CHECK(fix_peeked(&last) == 1 && last == 7);
	CHECK(fix_get(&u) == MSG_END && u.end.seq == 6);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == 7);
	CHECK(fix_page->begins == 4);
}

static void
case_ack(void)
{
	int	 i;

	fix_setup();
	fix_start(0);
	for (i = 0; i < 10; i++)
		fix_begin(&told[i], 1);
	fix_run(0);
	CHECK(fix_used() == 20);
	fix_ack(4);
	CHECK(fix_used() == 16);
	fix_ack(3);
	CHECK(fix_used() == 16);
	for (i = 0; i < 10; i++)
		fix_end(&told[i]);
	CHECK(fix_used() == 16);
	fix_run(10);
	fix_ack(20);
	CHECK(fix_used() == 0);
}

/* What was never sent cannot be committed: logd and we do not agree. */
static void
case_ack_bad(void)
{
	fix_setup();
	fix_start(0);
	fix_begin(&told[0], 1);
	fix_run(0);
	fix_ack(2);
}

static void
case_resend(void)
{
	union msg_any	 u;
	uint64_t	 i;

	fix_setup();
	fix_start(0);
	for (i = 0; i < 5; i++)
		fix_begin(&told[i], 1);
	fix_run(0);
	fix_ack(2);
	fix_end(&told[0]);
	fix_kill();
	fix_run(10);
	fix_end(&told[4]);
	fix_begin(&told[5], 1);
	fix_run(0);
	CHECK(told[5].calls == 0);
	fix_start(0);
	fix_run(0);
	CHECK(told[5].how == LOGGED);
	fix_hello(3);
	for (i = 3; i <= 5; i++) {
		CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == i);
		CHECK(u.begin.conn == i - 1);
	}
	CHECK(fix_get(&u) == MSG_END && u.end.seq == 6 && u.end.begin == 1);
	CHECK(fix_get(&u) == MSG_END && u.end.seq == 7 && u.end.begin == 5);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == 8);
	/* A successor that comes before the end of the one before it. */
	close(fix_theirs);
	imsgbuf_clear(&fix_imsgbuf);
	fix_start(0);
	fix_run(10);
	fix_hello(3);
	for (i = 0; fix_get(&u) != MSG_NONE; i++)
		;
	CHECK(i == 6);
	CHECK(told[5].calls == 1);
	fix_ack(8);
	CHECK(fix_used() == 4);
	/* It may know of more than we do: that is not sent again. */
	fix_end(&told[1]);
	fix_run(10);
	CHECK(fix_get(&u) == MSG_END && u.end.seq == 9);
	fix_kill();
	fix_run(10);
	fix_start(0);
	fix_ack(9);
	fix_hello(9);
	CHECK(fix_get(&u) == MSG_NONE);
	fix_begin(&told[6], 1);
	fix_run(0);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == 10);
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

	fix_setup();
	fix_start(0);
	for (i = 0; i < 4; i++)
		fix_begin(&told[i], 1);
	fix_run(0);
	CHECK(rec_to_blob(&msg_desc(MSG_ACK)->rec, &m, &blob) == 0);
	CHECK(imsg_compose(&fix_imsgbuf, MSG_ACK, 0, 0, -1, blob.data,
	    blob.len) == 1);
	CHECK(imsgbuf_flush(&fix_imsgbuf) == 0);
	msg_blob_free(&blob);
	fix_kill();
	/* This turn writes before it reads. */
	link_pause(fix_link);
	fix_begin(&told[4], 1);
	fix_run(0);
	CHECK(told[4].calls == 0);
	CHECK(link_fd(fix_link) != -1);
	CHECK(fix_used() == 8);
	link_resume(fix_link);
	fix_run(10);
	CHECK(fix_used() == 5);
	fix_start(0);
	fix_run(0);
	fix_hello(4);
	CHECK(told[4].how == LOGGED);
}

static void
case_hold(void)
{
	union msg_any	 u;
	uint64_t	 t0;

	fix_setup();
	t0 = loop_mono();
	fix_begin(&told[0], 7);
	fix_begin(&told[1], 8);
	fix_begin(&told[2], 7);
	fix_run(200);
	CHECK(told[0].calls == 0);
	CHECK(fix_lost(7) == 0);
	fix_run(150);
	CHECK(told[0].calls == 1 && told[0].how == UNLOGGED);
	CHECK(told[1].calls == 1 && told[1].how == UNLOGGED);
	CHECK(told[0].when - t0 >= 250000 && told[0].when - t0 < 330000);
	CHECK(fix_lost(7) == 2 && fix_lost(8) == 1);
	CHECK(fix_used() == 0);
	fix_end(&told[0]);
	/* One that waits when logd comes back is logged, behind the gap. */
	fix_begin(&told[3], 7);
	fix_run(100);
	CHECK(told[3].calls == 0);
	fix_start(0);
	fix_run(0);
	CHECK(told[3].how == LOGGED);
	fix_hello(1);
	CHECK(fix_get(&u) == MSG_GAP && u.gap.seq == 1 && u.gap.lost_n == 2);
	CHECK(u.gap.lost[0].vault == 7 && u.gap.lost[0].count == 2);
	CHECK(u.gap.lost[1].vault == 8 && u.gap.lost[1].count == 1);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == 2 &&
	    u.begin.conn == 3);
	CHECK(fix_get(&u) == MSG_NONE);
	/* logd has read it now, so the ledger need not count. */
	CHECK(fix_lost(7) == 0 && fix_lost(8) == 0 && fix_lost(0) == 0);
	CHECK(fix_page->banks[0].gap_seq == 1 &&
	    fix_page->banks[1].gap_seq == 0);
	CHECK(fix_page->begins == 1 && fix_page->ring[0] == 7);
}

/* An exchange that ends while it is held: both records, no `ready'. */
static void
case_end_held(void)
{
	union msg_any	 u;

	fix_setup();
	fix_begin(&told[0], 1);
	fix_begin(&told[1], 1);
	fix_run(0);
	fix_end(&told[0]);
	memset(&told[0].rec, 0xff, sizeof(told[0].rec));
	fix_start(0);
	fix_run(100);
	CHECK(told[0].calls == 0 && told[1].calls == 1);
	fix_hello(1);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.conn == 0);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.conn == 1);
	CHECK(fix_get(&u) == MSG_END && u.end.begin == 1 &&
	    u.end.status == 200);
	/* And if it is not to be logged, it counts. */
	fix_kill();
	fix_run(10);
	fix_begin(&told[2], 3);
	fix_run(0);
	fix_end(&told[2]);
	fix_run(300);
	CHECK(told[2].calls == 0 && fix_lost(3) == 1);
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

	fix_setup();
	fix_start(4608);
	for (i = 0; i < 200; i++)
		fix_begin(&told[i], 5);
	fix_run(100);
	for (i = 0; i < 200; i++)
		logged += told[i].how == LOGGED;
	CHECK(logged > 0 && logged < 200);
	CHECK(fix_peeked(&last) == logged);
	fix_run(300);
	for (i = 0; i < 200; i++) {
		CHECK(told[i].calls == 1);
		unlogged += told[i].how == UNLOGGED;
	}
	CHECK(logged + unlogged == 200);
	/* Of one at most the kernel has a part: it is not given up. */
	CHECK(fix_lost(5) == (uint64_t)unlogged ||
	    fix_lost(5) == (uint64_t)unlogged - 1);
	fix_hello(1);
	for (i = 0; i < 5; i++) {
		while ((type = fix_get(&u)) != MSG_NONE) {
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
		fix_run(20);
	}
	CHECK(begins + gap == 200);
	CHECK(begins - logged <= 1);
	CHECK(fix_lost(5) == 0);
	for (i = 0; i < 200; i++)
		fix_end(&told[i]);
	fix_run(20);
	while ((type = fix_get(&u)) != MSG_NONE) {
		CHECK(type == MSG_END && u.end.seq == seq++);
		fix_run(5);
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

	fix_setup();
	fix_start(4608);
	for (i = 0; i < 200; i++)
		fix_begin(&told[i], 5);
	fix_run(0);
	fix_hello(1);
	for (i = 0; i < 100 && conn < 200; i++) {
		while (fix_get(&u) == MSG_BEGIN)
			CHECK(u.begin.conn == conn++);
		fix_run(1);
	}
	CHECK(conn == 200);
	for (i = 0; i < 200; i++)
		CHECK(told[i].how == LOGGED);
	CHECK(fix_lost(5) == 0);
}

static void
case_strict(void)
{
	union msg_any	 u;
	uint64_t	 t0;

	fix_setup();
	logstream_conf(1);
	fix_start(0);
	fix_begin(&told[0], 1);
	fix_begin(&told[1], 1);
	fix_run(50);
	fix_hello(1);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.strict);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.strict);
	CHECK(told[0].calls == 0);
	fix_ack(1);
	CHECK(told[0].how == LOGGED && told[1].calls == 0);
	/* It may end while it waits. */
	fix_begin(&told[2], 1);
	fix_run(0);
	fix_end(&told[2]);
	t0 = loop_mono();
	fix_run(1800);
	CHECK(told[1].calls == 0);
	/* One whose BEGIN never left waits as long. */
	fix_kill();
	fix_begin(&told[3], 2);
	fix_run(300);
	CHECK(told[1].how == REFUSED);
	CHECK(told[1].when - t0 > 1800000 && told[1].when - t0 < 2200000);
	CHECK(told[3].calls == 0);
	CHECK(fix_lost(1) == 0);
	fix_run(1900);
	CHECK(told[3].how == REFUSED && fix_lost(2) == 1);
	CHECK(told[2].calls == 0);
	/* What was refused still has its END. */
	fix_end(&told[1]);
	fix_start(0);
	fix_run(20);
	fix_hello(2);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == 2);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == 3);
	CHECK(fix_get(&u) == MSG_END && u.end.begin == 3);
	CHECK(fix_get(&u) == MSG_END && u.end.begin == 2);
	CHECK(fix_get(&u) == MSG_GAP);
}

/* A BEGIN that comes behind the write of its turn waits for no event. */
static void
late_begin(void *arg)
{
	static int	 once;

	if (once++ == 0)
		fix_begin(&told[0], 1);
}

static void
case_late(void)
{
	struct timeval	 tv = { 0, 50000 };
	struct event	 ev;
	union msg_any	 u;
	uint64_t	 last;
	int		 there = 0;

	fix_setup();
	fix_start(0);
	fix_run(0);
	fix_hello(1);
	loop_hook(TURN_NET, late_begin, NULL);
	evtimer_set(&ev, fix_look, &there);
	evtimer_add(&ev, &tv);
	fix_run(100);
	CHECK(there);
	CHECK(fix_peeked(&last) == 1);
	CHECK(told[0].how == LOGGED);
	CHECK(fix_get(&u) == MSG_BEGIN);
}

static void
case_too_long(void)
{
	struct msg_begin	 m;
	static char		 text[3000];

	fix_setup();
	fix_start(0);
	memset(&m, 0, sizeof(m));
	memset(text, 'a', sizeof(text) - 1);
	m.path = text;
	log_sink(NULL);
	told[0].how = -1;
	logstream_begin(&told[0].rec, 4, &m, fix_ready, &told[0]);
	CHECK(told[0].calls == 0);
	fix_run(0);
	CHECK(told[0].how == UNLOGGED && fix_lost(4) == 1);
	fix_end(&told[0]);
	CHECK(fix_used() == 1);
}

static void
case_events(void)
{
	union msg_any		 u;
	struct msg_event	 m;
	uint64_t		 count = 0;
	uint32_t		 type;
	int			 i, n = 0;

	fix_setup();
	fix_start(0);
	memset(&m, 0, sizeof(m));
	m.code = EVENT_SNI_MISMATCH;
	m.host = "api.example";
	for (i = 0; i < 1000; i++)
		logstream_event(&m);
	m.code = EVENT_TLS_CLIENT;
	logstream_event(&m);
	fix_run(20);
	fix_hello(1);
	while ((type = fix_get(&u)) == MSG_EVENT) {
		if (u.event.code == EVENT_TLS_CLIENT)
			continue;
		CHECK(strcmp(u.event.host, "api.example") == 0);
		count += u.event.count;
		n++;
	}
	CHECK(type == MSG_NONE);
	CHECK(n == LOG_BURST && count == LOG_BURST);
	fix_run(1100);
	CHECK(fix_get(&u) == MSG_EVENT && u.event.code == EVENT_SNI_MISMATCH);
	CHECK(u.event.count == 1000 - LOG_BURST);
	CHECK(fix_get(&u) == MSG_NONE);
}

/*
 * What one had too many of is not laid at the door of who comes next: they
 * are told by themselves, of whom they were if that is one.
 */
static void
case_events_whose(void)
{
	union msg_any		 u;
	struct msg_event	 m;
	uint64_t		 many = 0, none = 0;
	int			 i;

	fix_setup();
	fix_start(0);
	memset(&m, 0, sizeof(m));
	m.code = EVENT_SNI_MISMATCH;
	m.scope = 101;
	m.vault = 1;
	m.host = "many.example";
	for (i = 0; i < LOG_BURST + 50; i++)
		logstream_event(&m);
	fix_run(200);
	m.scope = 102;
	m.vault = 2;
	m.host = "once.example";
	logstream_event(&m);
	fix_run(1100);
	fix_hello(1);
	while (fix_get(&u) == MSG_EVENT) {
		if (u.event.scope == 102)
			CHECK(u.event.count == 1);
		else
			CHECK(u.event.scope == 101 && u.event.vault == 1);
		if (u.event.scope == 101)
			many += u.event.count;
		if (*u.event.host == '\0')
			none += u.event.count;
	}
	CHECK(many == LOG_BURST + 50 && none == 50);
	/* Of both, and nobody can say how many of which. */
	m.code = EVENT_TLS_CLIENT;
	for (i = 0; i < LOG_BURST + 4; i++) {
		m.scope = 101 + i % 2;
		m.vault = 1 + i % 2;
		logstream_event(&m);
	}
	fix_run(1100);
	for (i = 0; i < LOG_BURST; i++)
		CHECK(fix_get(&u) == MSG_EVENT && u.event.count == 1 &&
		    u.event.scope == 101 + (uint64_t)i % 2);
	CHECK(fix_get(&u) == MSG_EVENT && u.event.count == 4);
	CHECK(u.event.scope == 0 && u.event.vault == 0);
	CHECK(fix_get(&u) == MSG_NONE);
}

/* One that has its answer already: both records, and no `ready'. */
static void
case_alone(void)
{
	union msg_any	 u;

	fix_setup();
	fix_begin(&told[0], 1);
	fix_begin(&told[1], 1);
	fix_run(0);
	logstream_alone(&told[0].rec);
	fix_start(0);
	fix_run(100);
	CHECK(told[0].calls == 0 && told[1].calls == 1);
	fix_end(&told[0]);
	fix_run(100);
	fix_hello(1);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.conn == 0);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.conn == 1);
	CHECK(fix_get(&u) == MSG_END && u.end.begin == 1);
	/* Nor when it goes unlogged. */
	fix_kill();
	fix_run(10);
	fix_begin(&told[2], 3);
	logstream_alone(&told[2].rec);
	fix_run(300);
	CHECK(told[2].calls == 0 && fix_lost(3) == 1);
}

static void
case_bye(void)
{
	union msg_any	 u;
	int		 i;

	fix_setup();
	fix_start(0);
	for (i = 0; i < 3; i++)
		fix_begin(&told[i], 1);
	fix_run(0);
	fix_end(&told[0]);
	fix_end(&told[1]);
	/* Not while a request is open; the ENDs leave. */
	CHECK(logstream_bye(100) == -1);
	fix_hello(1);
	for (i = 0; i < 3; i++)
		CHECK(fix_get(&u) == MSG_BEGIN);
	CHECK(fix_get(&u) == MSG_END);
	CHECK(fix_get(&u) == MSG_END);
	CHECK(fix_get(&u) == MSG_NONE);
	fix_end(&told[2]);
	fix_begin(&told[3], 1);
	fix_end(&told[3]);
	CHECK(logstream_bye(100) == 0);
	CHECK(fix_get(&u) == MSG_END && u.end.seq == 6);
	CHECK(fix_get(&u) == MSG_BEGIN && u.begin.seq == 7);
	CHECK(fix_get(&u) == MSG_END && u.end.seq == 8);
	CHECK(fix_get(&u) == MSG_BYE && u.bye.seq == 9);
}

/* A logd that does not read gets no BYE, and does not stop us. */
static void
case_bye_full(void)
{
	uint64_t	 t0;
	int		 i;

	fix_setup();
	fix_start(4608);
	for (i = 0; i < 200; i++) {
		fix_begin(&told[i], 5);
		fix_end(&told[i]);
	}
	fix_run(0);
	t0 = loop_mono();
	CHECK(logstream_bye(100) == -1);
	CHECK(loop_mono() - t0 < 300000);
	CHECK(fix_lost(5) > 100);
}

/* BYE has its place when nothing else has. */
static void
case_bye_window(void)
{
	union msg_any	 u;
	uint32_t	 last = MSG_NONE, type;
	int		 i, n = 0;

	fix_setup();
	fix_start(0);
	fix_run(0);
	for (i = 1; i <= 4; i++)
		n += fix_fill(n, i, 1) + 1;
	CHECK(logstream_bye(100) == 0);
	while ((type = fix_get(&u)) != MSG_NONE)
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

	fix_setup();
	fix_start(0);
	fix_run(0);
	fix_hello(1);
	for (i = 0; i < 400; i++) {
		for (j = 0; j < 16; j++) {
			memset(&m, 0, sizeof(m));
			len = (i * 131 + j * 17) % sizeof(path);
			memset(path, 'a' + (i + j) % 26, len);
			path[len] = '\0';
			m.path = path;
			logstream_begin(&told[j].rec, j + 1, &m, NULL, NULL);
		}
		fix_run(0);
		for (j = 0; j < 16; j++)
			fix_end(&told[j]);
		for (j = 0; (type = fix_get(&u)) != MSG_NONE; seq++) {
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
		fix_ack(seq - 1);
	}
	CHECK(fix_used() == 16);
}

CASE(order)
CASE(ack)
CASE(resend)
CASE(dies_unread)
CASE(hold)
CASE(end_held)
CASE(full)
CASE(full_shortly)
CASE(strict)
CASE(late)
CASE(too_long)
CASE(events)
CASE(events_whose)
CASE(alone)
CASE(bye)
CASE(bye_full)
CASE(bye_window)
CASE(ring)

/* fatal() exits with 1, a failed check with 2. */
static void
test_ack_bad(void **state)
{
	assert_int_equal(fix_child(case_ack_bad), 1);
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
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_whose),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_bye),
		cmocka_unit_test(test_bye_full),
		cmocka_unit_test(test_bye_window),
		cmocka_unit_test(test_ring),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
