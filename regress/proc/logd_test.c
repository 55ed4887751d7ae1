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
#include <sys/mman.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../logd/fault.h"
#include "../../logd/stream.h"
#include "codes.h"
#include "ledger.h"
#include "logd_world.h"

/*
 * What logd's guarantees are worth while processes are killed and the disk
 * fails.
 */

static struct end	 later;

/* With a process that is only started once keyd is ready. */
static void
start_later(void)
{
	struct end	*ends[] = { &later, NULL };

	end_pair(&later, PROC_API_LOCAL, 0, 0xa1);
	peer_start(&d, ends);
}

static void
stop_later(void)
{
	assert_int_equal(peer_stop(&d), 0);
	end_close(&later);
}

static void
test_start(void **state)
{
	peer_start(&d, none);
	assert_int_equal(d.fresh, 1);
	keyd_sync(&d, 1, 0);
	assert_int_equal(d.keyd.u.snapshot.rev, 0);
	keyd_vault(&d, 1, 1, 0);
	assert_int_equal(d.keyd.u.committed.ok, 1);
	assert_int_equal(peer_stop(&d), 0);
	start_later();
	assert_int_equal(d.fresh, 0);
	keyd_sync(&d, 0, 0);
	assert_int_equal(d.keyd.u.snapshot.rev, 1);
	assert_int_equal(d.keyd.u.snapshot.objects_n, 0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'log_started'"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'log_unclean'"), 0);
}

/* The whole control state comes back, in pieces that a link can carry. */
static void
test_snapshot(void **state)
{
	static uint8_t			 sealed[33000];
	struct rec_obj_credential	 c;
	struct rec_object		 o;
	struct msg_commit		 m;
	struct msg_sync			 s = { 0, 1, 0 };
	struct arena			 arena = { NULL };
	int				 i, pages = 0, seen = 0;
	uint32_t			 j;

	peer_start(&d, none);
	keyd_sync(&d, 1, 0);
	keyd_vault(&d, 1, 1, 0);
	memset(&c, 0, sizeof(c));
	memset(&m, 0, sizeof(m));
	memset(sealed, 7, sizeof(sealed));
	c.vault = 1;
	c.sealed.data = sealed;
	c.sealed.len = sizeof(sealed);
	m.objects = &o;
	m.objects_n = 1;
	o.kind = OBJ_CREDENTIAL;
	o.op = OBJECT_PUT;
	for (i = 1; i <= 20; i++) {
		c.id = i;
		c.name = "KEY";
		assert_int_equal(rec_to_blob(&desc_obj_credential, &c,
		    &o.body), 0);
		m.rev = i + 1;
		keyd_commit(&d, &m);
		assert_int_equal(d.keyd.u.committed.ok, 1);
		msg_blob_free(&o.body);
	}
	end_send(&d.keyd, MSG_SYNC, &s);
	do {
		end_want(&d.keyd, MSG_SNAPSHOT);
		pages++;
		for (j = 0; j < d.keyd.u.snapshot.objects_n; j++) {
			o = d.keyd.u.snapshot.objects[j];
			if (o.kind != OBJ_CREDENTIAL)
				continue;
			assert_int_equal(rec_from_blob(&o.body,
			    &desc_obj_credential, &c, &arena), 0);
			assert_int_equal(c.sealed.len, sizeof(sealed));
			assert_memory_equal(c.sealed.data, sealed,
			    sizeof(sealed));
			seen++;
		}
	} while (!d.keyd.u.snapshot.last);
	assert_int_equal(seen, 20);
	assert_true(pages > 5);
	assert_int_equal(d.keyd.u.snapshot.rev, 21);
	assert_int_equal(peer_stop(&d), 0);
}

static void
test_request(void **state)
{
	struct end	*ends[] = { &w.end, &api, NULL };
	uint64_t	 b;

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	end_pair(&api, PROC_API_LOCAL, 0, API);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 2);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_scope(&d, 2, SCOPE_READ, API, 1);
	keyd_vault(&d, 1, 1, 0);
	worker_hello(&w);
	b = worker_begin(&w);
	worker_acks(&w, b, PEER_MS);
	assert_int_equal(ask(2, 0, -1, 0), 0);
	worker_end(&w, b);
	worker_acks(&w, 2, PEER_MS);
	assert_int_equal(ask(2, 0, -1, 0), 1);
	assert_int_equal(api.u.rows_end.next_cursor, 0);
	worker_bye(&w);
	end_close(&w.end);
	peer_ledger(&d, MITM0, w.ledger);
	peer_taken(&d, MITM0);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE kind = 'request' AND vault = 'v1' AND status = 200 AND "
	    "actor_name = 'robot' AND seq = 1 AND error_code = ''"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM open_requests"),
	    0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'worker_died'"), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM live_scopes"), 0);
}

#define ROUNDS	12
#define LAG	30

/* kill -9 logd as often as you like: each request has exactly one row. */
static void
test_kill(void **state)
{
	struct end	*ends[] = { &w.end, &w2.end, NULL };
	uint64_t	 open[LAG] = { 0 }, open2[LAG] = { 0 };
	int64_t		 total;
	int		 i, j;
	char		 sql[256];

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	worker_init(&w2, PROC_PROXY, 1, MITM1, 2);
	for (i = 0; i < ROUNDS; i++) {
		if (i == 0) {
			worker_hello(&w);
			worker_hello(&w2);
		} else {
			worker_relink(&w);
			worker_relink(&w2);
		}
		peer_start(&d, ends);
		keyd_sync(&d, i == 0, 2);
		keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
		keyd_scope(&d, 2, SCOPE_WRITE, MITM1, 2);
		if (i == 0) {
			keyd_vault(&d, 1, 1, 0);
			keyd_vault(&d, 2, 2, 0);
		}
		for (j = arc4random_uniform(20); j >= 0; j--) {
			generate(&w, open, LAG, 1 + arc4random_uniform(100));
			generate(&w2, open2, LAG, 1 + arc4random_uniform(30));
			worker_acks(&w, 0, 0);
			worker_acks(&w2, 0, 0);
			if (w.next - w.acked > 3000)
				worker_acks(&w, w.next - 2000, PEER_MS);
			if (w2.next - w2.acked > 3000)
				worker_acks(&w2, w2.next - 2000, PEER_MS);
			usleep(arc4random_uniform(8000));
		}
		if (i < ROUNDS - 1)
			peer_kill(&d);
	}
	finish(&w, open, LAG);
	finish(&w2, open2, LAG);
	end_close(&w.end);
	end_close(&w2.end);
	assert_int_equal(peer_stop(&d), 0);
	for (total = 0, i = 1; i < (int)w.next; i++)
		total += w.sent[i].begin;
	assert_true(total > 500);
	for (i = 1; i < (int)w2.next; i++)
		total += w2.sent[i].begin;
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 0"), total);
	assert_int_equal(file_int(&d, "SELECT count(DISTINCT path) FROM log "
	    "WHERE flags & 15 = 0 AND status = 200"), total);
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM log l JOIN "
	    "streams s ON s.id = l.stream WHERE l.path <> printf('/%%x/%%d',"
	    " s.instance, l.seq) OR l.bytes_out <> l.seq OR l.vault <> "
	    "CASE s.instance WHEN %d THEN 1 ELSE 2 END", MITM0);
	assert_int_equal(file_int(&d, sql), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM open_requests"),
	    0);
	/* Nobody believes that anything is missing. */
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 1"), 0);
}

/* What a dead worker left open is told, with what its ledger says. */
static void
test_worker_dies(void **state)
{
	struct msg_scope_close	 close_it = { 1 };
	uint64_t		 b;
	int			 i;

	start_one();
	(void)worker_begin(&w);
	b = worker_begin(&w);
	worker_end(&w, b);
	worker_acks(&w, 3, PEER_MS);
	(void)worker_begin(&w);
	/* One that has not arrived, and some that were never written. */
	ledger_begin(w.page, 1);
	worker_lose(&w, 2);
	ledger_lost(w.page, 0, 0);
	end_close(&w.end);
	peer_ledger(&d, MITM0, w.ledger);
	peer_taken(&d, MITM0);
	/* Its scopes went with it; what keyd still says of them is answered. */
	for (i = 0; i < 2; i++) {
		end_send(&d.keyd, MSG_SCOPE_CLOSE, &close_it);
		end_want(&d.keyd, MSG_SCOPE_CLOSED);
		keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	}
	end_send(&d.keyd, MSG_SCOPE_CLOSE, &close_it);
	end_want(&d.keyd, MSG_SCOPE_CLOSED);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM live_scopes"), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE error_code = 'worker_lost' AND status IS NULL AND "
	    "vault = 'v1' AND seq IN (1, 4)"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE kind = 'request'"), 3);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'worker_died' AND vault IS NULL AND count IS NULL "
	    "AND detail LIKE '{\"process\":\"mitm\",%\"committed\":4,"
	    "\"begins\":3,\"used\":4,\"missing\":4}'"), 1);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND vault = 'v1' AND detail LIKE "
	    "'%\"unlogged\":2,\"uncommitted\":1}'"), 3);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND vault IS NULL"), 1);
	/* The ledger comes again with the next logd, and is known. */
	start_later();
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 0, 0);
	peer_taken(&d, MITM0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE kind = 'gap'"), 2);
}

/*
 * It dies before a logd has heard of it: all there is is its ledger, which
 * does not say what process it was of; and of its vaults nothing is known.
 */
static void
test_page_alone(void **state)
{
	struct ledger	*page;
	int		 fd, i;

	assert_int_not_equal(fd = ledger_create(MITM1), -1);
	assert_non_null(page = ledger_map(fd, MITM1));
	for (i = 0; i < 3; i++)
		ledger_begin(page, 1);
	ledger_lost(page, 0, 1);
	ledger_lost(page, 0, 9);
	start_later();
	peer_ledger(&d, MITM1, fd);
	close(fd);
	munmap(page, LEDGER_SIZE);
	keyd_sync(&d, 1, 0);
	peer_taken(&d, MITM1);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'worker_died' AND detail = '{\"committed\":0,"
	    "\"begins\":0,\"used\":3,\"missing\":5}'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log WHERE "
	    "kind = 'gap'"), 1);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND vault IS NULL AND detail LIKE "
	    "'%\"claimed\":{\"1\":4,\"9\":1}}'"), 5);
}

/*
 * Worker and logd die within one flush: what logd had not committed is
 * counted from the ledger, for each vault, once.
 */
static void
test_both_flush(void **state)
{
	struct ledger	*page;

	d.conf.flush_ms = 60000;
	start_one();
	keyd_scope(&d, 2, SCOPE_WRITE, MITM0, 2);
	keyd_vault(&d, 2, 2, 0);
	page = w.page;
	(void)worker_begin(&w);
	worker_end(&w, 1);
	keyd_vault(&d, 3, 3, 0);
	(void)worker_begin(&w);
	(void)worker_begin(&w);
	ledger_begin(page, 2);
	worker_lose(&w, 4);
	worker_gap(&w, 1);
	worker_lose(&w, 5);
	ledger_lost(page, w.bank, 2);
	usleep(200000);
	peer_kill(&d);
	end_close(&w.end);
	d.conf.flush_ms = 50;
	start_later();
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 0, 2);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_scope(&d, 2, SCOPE_WRITE, MITM0, 2);
	peer_taken(&d, MITM0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 0"), 0);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND vault = 'v1' AND detail LIKE "
	    "'%\"unlogged\":9,\"uncommitted\":3}'"), 12);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND vault = 'v2' AND detail LIKE "
	    "'%\"unlogged\":1,\"uncommitted\":1}'"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 1"), 2);
}

#define BOTH	15

/*
 * The worker and logd are dead; so many more logds die with the ledger in
 * their hands, at any moment.
 */
static void
both_die(int again)
{
	peer_kill(&d);
	end_close(&w.end);
	for (; again >= 0; again--) {
		end_close(&later);
		start_later();
		peer_ledger(&d, w.end.instance, w.ledger);
		keyd_sync(&d, 0, 1);
		keyd_scope(&d, 1, SCOPE_WRITE, w.end.instance, 1);
		if (again == 0)
			break;
		usleep(arc4random_uniform(120000));
		peer_kill(&d);
	}
	peer_taken(&d, w.end.instance);
}

/* The same at any moment: rows and gaps add up to what there was. */
static void
test_both_random(void **state)
{
	struct end	*ends[] = { &w.end, NULL };
	uint64_t	 open[LAG];
	int64_t		 total = 0;
	int		 i, j, n;

	start_later();
	keyd_sync(&d, 1, 0);
	keyd_vault(&d, 1, 1, 0);
	for (i = 0; i < BOTH; i++) {
		peer_kill(&d);
		if (i > 0)
			worker_free(&w);
		worker_init(&w, PROC_MITM, 0, 100 + i, 1);
		peer_start(&d, ends);
		keyd_sync(&d, 0, 1);
		keyd_scope(&d, 1, SCOPE_WRITE, 100 + i, 1);
		worker_hello(&w);
		memset(open, 0, sizeof(open));
		for (j = arc4random_uniform(12); j >= 0; j--) {
			n = 1 + arc4random_uniform(60);
			generate(&w, open, LAG, n);
			total += n;
			n = arc4random_uniform(5);
			worker_lose(&w, n);
			total += n;
			worker_acks(&w, 0, 0);
			if (n > 0 && w.acked >= w.gap) {
				worker_gap(&w, 1);
				n = arc4random_uniform(5);
				worker_lose(&w, n);
				total += n;
			}
			usleep(arc4random_uniform(10000));
		}
		both_die(i % 3);
	}
	stop_later();
	(void)printf("# %lld requests: %lld rows, %lld counted\n",
	    (long long)total, (long long)file_int(&d, "SELECT count(*) FROM "
	    "log WHERE flags & 15 = 0"), (long long)file_int(&d,
	    "SELECT sum(count) FROM log WHERE flags & 15 = 1"));
	assert_int_equal(file_int(&d, "SELECT sum(CASE flags & 15 WHEN 0 THEN "
	    "1 WHEN 1 THEN count END) FROM log WHERE vault = 1"), total);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 1 AND vault IS NULL"), 0);
}

/* logd dies with the ledger in its hands: the next one gets it again. */
static void
test_ledger_again(void **state)
{
	d.conf.flush_ms = 60000;
	start_one();
	keyd_vault(&d, 2, 2, 0);
	(void)worker_begin(&w);
	worker_lose(&w, 2);
	end_close(&w.end);
	peer_ledger(&d, MITM0, w.ledger);
	usleep(200000);
	peer_kill(&d);
	d.conf.flush_ms = 50;
	start_later();
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 0, 1);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	peer_taken(&d, MITM0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT sum(count) FROM log WHERE "
	    "flags & 15 = 1 AND vault = 1"), 3);
}

/* It comes later than logd waits: the vaults are still known. */
static void
test_ledger_late(void **state)
{
	start_one();
	(void)worker_begin(&w);
	worker_acks(&w, 1, PEER_MS);
	worker_lose(&w, 2);
	end_close(&w.end);
	(void)poll(NULL, 0, STREAM_LEDGER_MS + 300);
	peer_kill(&d);
	start_later();
	keyd_sync(&d, 0, 0);
	usleep(100000);
	peer_ledger(&d, MITM0, w.ledger);
	peer_taken(&d, MITM0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'worker_died'"), 1);
	assert_int_equal(file_int(&d, "SELECT count FROM log WHERE "
	    "flags & 15 = 1 AND vault = 1"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM live_scopes"), 0);
}

/* A worker that was taken over writes what it likes over its ledger. */
static void
test_ledger_hostile(void **state)
{
	start_one();
	(void)worker_begin(&w);
	worker_acks(&w, 1, PEER_MS);
	memset(&w.page->begins, 0xff, LEDGER_SIZE - 16);
	w.page->banks[0].gap_seq = w.page->banks[1].gap_seq = 0;
	end_close(&w.end);
	peer_ledger(&d, MITM0, w.ledger);
	peer_taken(&d, MITM0);
	/* And over what says that it is one. */
	worker_init(&w2, PROC_PROXY, 1, MITM1, 2);
	w2.page->magic = 0;
	peer_ledger(&d, MITM1, w2.ledger);
	peer_taken(&d, MITM1);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 1"), 1);
	assert_int_equal(file_int(&d, "SELECT count FROM log WHERE "
	    "flags & 15 = 1 AND vault IS NULL"), 3LL * LEDGER_COUNT_MAX +
	    LEDGER_WINDOW);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'worker_died'"), 2);
}

/* It dies while there is no logd: what is in its link still counts. */
static void
test_dead_link(void **state)
{
	struct end	*ends[] = { &w.end, NULL };
	uint64_t	 b;

	start_one();
	b = worker_begin(&w);
	(void)worker_begin(&w);
	worker_acks(&w, 2, PEER_MS);
	peer_kill(&d);
	worker_relink(&w);
	worker_end(&w, b);
	(void)worker_begin(&w);
	shutdown(w.end.fd, SHUT_RDWR);
	close(w.end.fd);
	w.end.dead = 1;
	peer_start(&d, ends);
	usleep(50000);
	keyd_sync(&d, 0, 1);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	peer_ledger(&d, MITM0, w.ledger);
	usleep(100000);
	assert_int_equal(peer_stop(&d), 0);
	w.end.fd = open("/dev/null", O_RDONLY);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "status = 200 AND seq = 1"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE error_code = 'worker_lost' AND seq IN (2, 4)"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 0"), 3);
}

/* Both die: what was open is resolved from the file. */
static void
test_both_die(void **state)
{
	start_one();
	(void)worker_begin(&w);
	worker_acks(&w, 1, PEER_MS);
	peer_kill(&d);
	end_close(&w.end);
	start_later();
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 0, 0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE error_code = 'worker_lost' AND vault = 'v1' AND "
	    "actor_name = 'robot' AND host = 'api.example.com' AND "
	    "path LIKE '%/1'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'worker_died'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM open_requests"),
	    0);
}

/* COMMITTED got lost with logd: the same again changes nothing. */
static void
test_commit_again(void **state)
{
	struct end	*ends[] = { NULL };

	peer_start(&d, ends);
	keyd_sync(&d, 1, 0);
	keyd_vault(&d, 1, 1, 0);
	peer_kill(&d);
	peer_start(&d, ends);
	keyd_sync(&d, 0, 0);
	assert_int_equal(d.keyd.u.snapshot.rev, 1);
	keyd_vault(&d, 1, 1, 0);
	assert_int_equal(d.keyd.u.committed.ok, 1);
	keyd_vault(&d, 3, 3, 0);
	assert_int_equal(d.keyd.u.committed.ok, 0);
	keyd_vault(&d, 2, 2, 0);
	assert_int_equal(d.keyd.u.committed.ok, 1);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM vaults"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 3"), 2);
}

/* No room for a change: it says so, and takes it later. */
static void
test_commit_full(void **state)
{
	peer_start(&d, none);
	keyd_sync(&d, 1, 0);
	keyd_vault(&d, 1, 1, 0);
	d.fault->full = 1;
	keyd_vault(&d, 2, 2, 0);
	assert_int_equal(d.keyd.u.committed.ok, 0);
	assert_non_null(strstr(d.keyd.u.committed.why, "full"));
	d.fault->full = 0;
	keyd_vault(&d, 2, 2, 0);
	assert_int_equal(d.keyd.u.committed.ok, 1);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM vaults"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 3"), 2);
}

/* No room for rows: nothing is acknowledged, nothing is lost. */
static void
test_log_full(void **state)
{
	uint64_t	 open[LAG] = { 0 };

	start_one();
	generate(&w, open, LAG, 100);
	worker_acks(&w, w.next - 1, PEER_MS);
	d.fault->full = 1;
	generate(&w, open, LAG, 500);
	usleep(600000);
	worker_acks(&w, 0, 0);
	assert_true(w.acked < w.next - 900);
	d.fault->full = 0;
	d.fault->ioerr = 1;
	usleep(300000);
	worker_acks(&w, 0, 0);
	assert_true(w.acked < w.next - 900);
	d.fault->ioerr = 0;
	finish(&w, open, LAG);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 0"), 600);
	assert_int_equal(file_int(&d, "SELECT count(DISTINCT path) FROM log "
	    "WHERE flags & 15 = 0"), 600);
}

/* Power fails: no id that a reader may have seen comes again, none is torn. */
static void
test_power(void **state)
{
	uint64_t	 open[LAG] = { 0 };
	int64_t		 head;

	start_one();
	generate(&w, open, LAG, 300);
	worker_acks(&w, w.next - 1, PEER_MS);
	d.fault->power = 1;
	generate(&w, open, LAG, 100);
	(void)peer_parent(&d, MSG_NONE, PEER_MS);
	peer_kill(&d);
	d.fault->power = 0;
	end_close(&w.end);
	file_sql(&d, "UPDATE meta SET value = value - 1000 WHERE "
	    "key = 'boot'");
	head = file_int(&d, "SELECT max(id) FROM log");
	assert_int_equal(file_int(&d, "SELECT count(*) FROM vaults"), 1);
	start_later();
	keyd_sync(&d, 0, 0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'log_unclean'"), 1);
	assert_true(file_int(&d, "SELECT max(id) FROM log") > head + 1000);
}

/* A keyd that cannot open what is sealed ends before anybody else starts. */
static void
test_no_key(void **state)
{
	static const char	*count = "SELECT count(*) FROM log";
	int64_t			 rows;

	start_one();
	(void)worker_begin(&w);
	worker_acks(&w, 1, PEER_MS);
	peer_kill(&d);
	end_close(&w.end);
	file_sql(&d, "UPDATE meta SET value = value - 1000 WHERE "
	    "key = 'boot'");
	rows = file_int(&d, count);
	peer_start(&d, none);
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 1, 0);
	usleep(200000);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, count), rows);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM open_requests"),
	    1);
	/* And that it was unclean is not forgotten by it. */
	start_later();
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 1, 0);
	stop_later();
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'log_unclean'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE error_code = 'worker_lost'"), 1);
}

/* Strict: on the platter before the flush would be due. */
static void
test_strict(void **state)
{
	struct msg_begin	 b;
	uint32_t		 syncs;
	int			 i;

	d.conf.flush_ms = 3000;
	d.conf.strict = 1;
	start_one();
	memset(&b, 0, sizeof(b));
	b.scope = 1;
	b.method = "GET";
	b.host = "a.example";
	b.path = "/";
	b.strict = 1;
	for (i = 1; i <= 20; i++) {
		syncs = d.fault->syncs;
		b.seq = w.next++;
		end_send(&w.end, MSG_BEGIN, &b);
		worker_acks(&w, b.seq, 1000);
		assert_true(d.fault->syncs > syncs);
	}
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
}

/* What is in the links when the end comes is written. */
static void
test_stop(void **state)
{
	uint64_t	 open[LAG] = { 0 };
	int		 i;

	start_one();
	assert_int_equal(kill(d.pid, SIGSTOP), 0);
	generate(&w, open, LAG, 60);
	for (i = LAG - 1; i >= 0; i--)
		worker_end(&w, open[i]);
	worker_bye(&w);
	shutdown(w.end.fd, SHUT_WR);
	{
		struct msg_shutdown	 m = { 1000 };

		end_send(&d.parent, MSG_SHUTDOWN, &m);
	}
	assert_int_equal(kill(d.pid, SIGCONT), 0);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "status = 200"), 60);
	assert_int_equal(file_int(&d, "SELECT value FROM meta WHERE "
	    "key = 'clean'"), 1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_start),
		TEST(test_snapshot),
		TEST(test_request),
		TEST(test_kill),
		TEST(test_worker_dies),
		TEST(test_page_alone),
		TEST(test_both_flush),
		TEST(test_both_random),
		TEST(test_ledger_again),
		TEST(test_ledger_late),
		TEST(test_ledger_hostile),
		TEST(test_dead_link),
		TEST(test_both_die),
		TEST(test_no_key),
		TEST(test_commit_again),
		FAULT(test_commit_full),
		FAULT(test_log_full),
		FAULT(test_power),
		FAULT(test_strict),
		TEST(test_stop)
	};

	return (cmocka_run_group_tests_name("logd", tests, NULL, NULL));
}
