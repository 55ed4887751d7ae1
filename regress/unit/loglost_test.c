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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>
#include <imsg.h>

#include "codes.h"
#include "link.h"
#include "log.h"
#include "logstream.h"
#include "loop.h"
#include "msg.h"

/*
 * The ledger between any two of its stores.  The worker is real, logd is
 * played, and after each store of the worker's both may be dead: whatever of
 * the stream logd had committed by then, rows, GAPs and what the ledger says
 * add up to the requests that there were.
 */
static void	 stored(uint64_t *, uint64_t);
#define __atomic_store_n(p, v, order)	stored((p), (v))
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "../../common/ledger.c"

#define INSTANCE	7
#define RECS		20000		/* of the stream */
#define REQUESTS	20000
#define VAULTS		100

/* What logd knows by a record of the stream. */
struct rec {
	uint32_t		 type;
	uint64_t		 vault;
	uint32_t		 n;
	struct rec_gapcount	 lost[LEDGER_VAULTS + 1];
};

struct request {
	struct logrec	 rec;
	uint64_t	 vault;
	int		 open;
};

static void	 check(void);
static void	 check_with(uint64_t);
static void	 peruse(void);
static void	 take(const uint8_t *, size_t);
static void	 silent(int, const char *);
static void	 stop(int, short, void *);
static void	 run(void);
static void	 ready(struct logrec *, int, void *);
static void	 begin(uint64_t, int);
static void	 end(void);
static void	 logd_start(void);
static void	 logd_kill(void);
static void	 logd_read(void);
static void	 logd_ack(void);
static void	 step(uint64_t);

static struct rec	 recs[RECS];
static struct request	 requests[REQUESTS];
static size_t		 nrequests, nopen;
static uint64_t		 told[VAULTS + 1], begun[VAULTS + 1];
static uint64_t		 last;		/* record in the kernel, or read */
static uint64_t		 seen;		/* read by logd */
static uint64_t		 committed;
static uint64_t		 acked;		/* as the worker knows */
static int		 fd;		/* of the ledger */
static int		 running;
static int		 many;		/* more vaults than have places */
static unsigned long	 checks, stores;
static struct link	*mine;
static int		 theirs = -1;
static struct event	 stop_timer;
static struct arena	 arena;
static uint8_t		 unread[2 * LOGSTREAM_BYTES];
static size_t		 nunread;

static const struct link_handler	 handlers[] = {
	LOGSTREAM_HANDLERS,
	{ 0, NULL }
};

static void
stored(uint64_t *p, uint64_t value)
{
	*(volatile uint64_t *)p = value;
	stores++;
	if (running)
		check();
}

/* Messages that are whole: what logd will know of them. */
static void
take(const uint8_t *p, size_t len)
{
	union msg_any	 u;
	struct msg_blob	 blob;
	struct rec	*r;
	uint64_t	 seq;
	uint32_t	 hdr[2];

	for (; len >= IMSG_HEADER_SIZE; p += hdr[1], len -= hdr[1]) {
		memcpy(hdr, p, sizeof(hdr));
		if (hdr[1] > len)
			break;
		if (hdr[0] == MSG_HELLO)
			continue;
		blob.data = (uint8_t *)(uintptr_t)p + IMSG_HEADER_SIZE;
		blob.len = hdr[1] - IMSG_HEADER_SIZE;
		arena_reset(&arena);
		assert_int_equal(rec_from_blob(&blob, &msg_desc(hdr[0])->rec,
		    &u, &arena), 0);
		seq = u.begin.seq;
		assert_true(seq < RECS);
		r = &recs[seq];
		assert_true(r->type == 0 || r->type == hdr[0]);
		r->type = hdr[0];
		if (r->type == MSG_BEGIN)
			r->vault = u.begin.scope;
		if (r->type == MSG_GAP) {
			r->n = u.gap.lost_n;
			memcpy(r->lost, u.gap.lost, r->n * sizeof(*r->lost));
		}
		if (seq > last)
			last = seq;
	}
}

/* The dead worker's link is read to the end, its last part is not a record. */
static void
peruse(void)
{
	ssize_t	 n;

	if (theirs == -1)
		return;
	n = recv(theirs, unread + nunread, sizeof(unread) - nunread,
	    MSG_PEEK | MSG_DONTWAIT);
	take(unread, nunread + (n == -1 ? 0 : n));
}

/* logd has the stream up to here. */
static void
check_with(uint64_t seq)
{
	static struct ledger		 page;
	static struct ledger_loss	 losses[LEDGER_LOSSES];
	uint64_t	 total[VAULTS + 1] = { 0 }, begins = 0, i;
	uint64_t	 all = 0, least = 0, most = 0;
	size_t		 n, j;

	for (i = 1; i <= seq; i++) {
		if (recs[i].type == MSG_BEGIN) {
			begins++;
			total[recs[i].vault]++;
		}
		for (j = 0; j < recs[i].n; j++)
			total[recs[i].lost[j].vault] += recs[i].lost[j].count;
	}
	assert_int_equal(ledger_read(fd, INSTANCE, &page), 0);
	n = ledger_losses(&page, seq, begins, losses);
	for (j = 0; j < n; j++) {
		assert_true(losses[j].vault <= VAULTS);
		total[losses[j].vault] += losses[j].unlogged +
		    losses[j].uncommitted;
	}
	for (i = 0; i <= VAULTS; i++) {
		all += total[i];
		least += told[i];
		most += begun[i];
		/* Of few vaults each has its own count. */
		if (!many && (total[i] < told[i] ||
		    total[i] > begun[i]))
			fail_msg("store %lu, vault %llu with %llu: %llu of "
			    "%llu..%llu", stores, (unsigned long long)i,
			    (unsigned long long)seq,
			    (unsigned long long)total[i],
			    (unsigned long long)told[i],
			    (unsigned long long)begun[i]);
	}
	if (all < least || all > most)
		fail_msg("store %lu with %llu: %llu of %llu..%llu", stores,
		    (unsigned long long)seq, (unsigned long long)all,
		    (unsigned long long)least, (unsigned long long)most);
	checks++;
}

/* With all that it may have committed; of many, with some. */
static void
check(void)
{
	uint64_t	 seq, by;

	peruse();
	by = 1 + (last - committed) / 8;
	for (seq = committed; seq < last; seq += by)
		check_with(seq);
	check_with(last);
}

static void
silent(int priority, const char *text)
{
}

static void
stop(int sig, short what, void *arg)
{
	loop_exit();
}

static void
run(void)
{
	struct timeval	 tv = { 0, 0 };

	evtimer_add(&stop_timer, &tv);
	loop_run();
}

static void
ready(struct logrec *rec, int how, void *arg)
{
	struct request	*r = arg;

	told[r->vault]++;
}

static void
begin(uint64_t vault, int lost)
{
	static char		 text[3000];
	struct msg_begin	 m;
	struct request		*r = &requests[nrequests++];

	assert_true(nrequests < REQUESTS);
	memset(&m, 0, sizeof(m));
	m.scope = vault;
	m.method = "GET";
	m.host = "api.example";
	/* What cannot be encoded is lost at once. */
	memset(text, 'a', sizeof(text) - 1);
	m.path = lost ? text : "/";
	r->vault = vault;
	r->open = 1;
	begun[vault]++;
	logstream_begin(&r->rec, vault, &m, ready, r);
}

/* An old one ends. */
static void
end(void)
{
	struct msg_end	 m;

	if (nopen == nrequests)
		return;
	memset(&m, 0, sizeof(m));
	logstream_end(&requests[nopen++].rec, &m);
}

static void
logd_start(void)
{
	static const struct link_peer	 peer = { PROC_LOGD, 0, 1 };
	int				 fds[2], room = 4608;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room,
	    sizeof(room)), 0);
	theirs = fds[1];
	nunread = 0;
	mine = link_new(fds[0], PROC_MITM, &peer, handlers, logstream_closed,
	    NULL);
	logstream_opened(mine);
}

/* With it goes what it had read and not committed. */
static void
logd_kill(void)
{
	close(theirs);
	theirs = -1;
	committed += arc4random_uniform(1 + seen - committed);
	last = seen = committed;
	run();
}

static void
logd_read(void)
{
	uint64_t	 seq;
	uint32_t	 hdr[2];
	size_t		 off;
	ssize_t		 n;

	n = recv(theirs, unread + nunread, arc4random_uniform(3000),
	    MSG_DONTWAIT);
	nunread += n == -1 ? 0 : n;
	take(unread, nunread);
	for (off = 0; nunread - off >= IMSG_HEADER_SIZE; off += hdr[1]) {
		memcpy(hdr, unread + off, sizeof(hdr));
		if (hdr[1] > nunread - off)
			break;
		memcpy(&seq, unread + off + IMSG_HEADER_SIZE, sizeof(seq));
		if (hdr[0] != MSG_HELLO && seq > seen)
			seen = seq;
	}
	nunread -= off;
	memmove(unread, unread + off, nunread);
}

static void
logd_ack(void)
{
	struct msg_ack	 m;
	struct imsgbuf	 ibuf;
	struct msg_blob	 blob;

	if (seen <= acked)
		return;
	m.seq = acked + 1 + arc4random_uniform(seen - acked);
	assert_int_equal(imsgbuf_init(&ibuf, theirs), 0);
	assert_int_equal(rec_to_blob(&msg_desc(MSG_ACK)->rec, &m, &blob), 0);
	assert_int_equal(imsg_compose(&ibuf, MSG_ACK, 0, 0, -1, blob.data,
	    blob.len), 1);
	assert_int_equal(imsgbuf_flush(&ibuf), 0);
	imsgbuf_clear(&ibuf);
	msg_blob_free(&blob);
	acked = m.seq;
	if (committed < acked)
		committed = acked;
	run();
}

static void
step(uint64_t vaults)
{
	int	 i;

	switch (arc4random_uniform(theirs == -1 ? 5 : 12)) {
	case 0:
		begin(1 + arc4random_uniform(vaults), 0);
		begin(1 + arc4random_uniform(vaults), 0);
		break;
	case 1:
	case 2:
		for (i = arc4random_uniform(4); i >= 0; i--)
			begin(1 + arc4random_uniform(vaults), 1);
		break;
	case 3:
		end();
		break;
	case 4:
		if (theirs == -1)
			logd_start();
		else if (arc4random_uniform(4) == 0)
			logd_kill();
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		logd_read();
		break;
	default:
		logd_ack();
		break;
	}
	run();
	check();
}

static void
test_prefixes(void **state)
{
	int	 i;

	loop_init();
	log_sink(silent);
	evtimer_set(&stop_timer, stop, NULL);
	logstream_init();
	assert_int_not_equal(fd = ledger_create(INSTANCE), -1);
	assert_int_equal(logstream_ledger(fd, INSTANCE), 0);
	running = 1;
	for (i = 0; i < 1500; i++)
		step(5);
	many = 1;
	for (i = 0; i < 1500; i++)
		step(i % 100 < 50 ? VAULTS : 2);
	assert_true(stores > 1000 && acked > 200);
	(void)printf("# %zu requests, %lu stores, %lu deaths\n", nrequests,
	    stores, checks);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_prefixes)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
