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

#include <fcntl.h>
#include <inttypes.h>
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
#include "codes.h"
#include "ledger.h"
#include "logd_peer.h"

/*
 * logd with the world around it: what its guarantees are worth while
 * processes are killed and the disk fails.
 */
#define LOGD		"logd/logd"
#define LOGD_FAULT	"regress/proc/logd_fault"

#define MITM0	0x2001
#define MITM1	0x2002
#define API	0x3001

static struct logd	 d;
static struct worker	 w, w2;
static struct end	 api;
static struct end	*none[] = { NULL };

static int
setup(void **state)
{
	peer_init(&d, LOGD);
	return (0);
}

static int
setup_fault(void **state)
{
	peer_init(&d, LOGD_FAULT);
	peer_faults(&d);
	return (0);
}

static int
teardown(void **state)
{
	if (w.end.fd > 0)
		worker_free(&w);
	if (w2.end.fd > 0)
		worker_free(&w2);
	if (api.fd > 0)
		end_close(&api);
	memset(&w, 0, sizeof(w));
	memset(&w2, 0, sizeof(w2));
	memset(&api, 0, sizeof(api));
	peer_free(&d);
	return (0);
}

/* logd with one worker, one vault and a scope for it. */
static void
start_one(void)
{
	struct end	*ends[] = { &w.end, NULL };

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 1);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_vault(&d, 1, 1, 0);
	worker_hello(&w);
}

/* After a kill: the same world around a new logd. */
static void
restart_one(void)
{
	struct end	*ends[] = { &w.end, NULL };

	worker_relink(&w);
	peer_start(&d, ends);
	keyd_sync(&d, 0, 1);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
}

/* Rows of a query, or -1; next and latest are in api.u. */
static int
ask(uint64_t scope, uint64_t before, int64_t after, uint32_t limit)
{
	struct msg_query	 m;
	int			 n = 0;

	memset(&m, 0, sizeof(m));
	m.id = 7;
	m.scope = scope;
	m.before = before;
	m.tail = after >= 0;
	m.after = after < 0 ? 0 : after;
	m.limit = limit;
	end_send(&api, MSG_QUERY, &m);
	while (end_recv(&api, PEER_MS) == MSG_ROWS)
		n += api.u.rows.rows_n;
	assert_int_equal(api.type, MSG_ROWS_END);
	assert_int_equal(api.u.rows_end.id, 7);
	return (api.u.rows_end.status == 200 ? n : -1);
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
	peer_start(&d, none);
	assert_int_equal(d.fresh, 0);
	keyd_sync(&d, 0, 0);
	assert_int_equal(d.keyd.u.snapshot.rev, 1);
	assert_int_equal(d.keyd.u.snapshot.objects_n, 0);
	assert_int_equal(peer_stop(&d), 0);
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

/* A stream with some requests open at any time. */
static void
generate(struct worker *g, uint64_t *open, int lag, int n)
{
	int	 i;

	for (i = 0; i < n; i++) {
		if (open[lag - 1] != 0)
			worker_end(g, open[lag - 1]);
		memmove(open + 1, open, (lag - 1) * sizeof(*open));
		open[0] = worker_begin(g);
	}
}

static void
finish(struct worker *g, uint64_t *open, int lag)
{
	int	 i;

	for (i = lag - 1; i >= 0; i--) {
		if (open[i] != 0)
			worker_end(g, open[i]);
	}
	worker_acks(g, g->next - 1, PEER_MS);
	worker_bye(g);
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
	struct ledger		*page;
	uint64_t		 b;
	int			 i;

	start_one();
	page = ledger_map(w.ledger, MITM0);
	assert_non_null(page);
	(void)worker_begin(&w);
	b = worker_begin(&w);
	worker_end(&w, b);
	worker_acks(&w, 3, PEER_MS);
	(void)worker_begin(&w);
	ledger_begin(page, 5);
	ledger_lost(page, 1);
	ledger_lost(page, 1);
	ledger_lost(page, 0);
	end_close(&w.end);
	peer_ledger(&d, MITM0, w.ledger);
	usleep(100000);
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
	    "WHERE event = 'worker_died' AND vault IS NULL AND count = 1 AND "
	    "detail LIKE '%\"committed\":4,\"used\":5%'"), 1);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND vault = 'v1'"), 2);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND vault IS NULL"), 1);
	/* The page comes again with the next logd, and is known. */
	peer_start(&d, none);
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 0, 0);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE kind = 'gap'"), 2);
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
	peer_start(&d, none);
	peer_ledger(&d, MITM0, w.ledger);
	keyd_sync(&d, 0, 0);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE error_code = 'worker_lost' AND vault = 'v1' AND "
	    "actor_name = 'robot' AND host = 'api.example.com' AND "
	    "path LIKE '%/1'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'worker_died'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM open_requests"),
	    0);
}

/*
 * A logd that starts neither reads a worker nor judges anybody before it has
 * keyd's scopes.
 */
static void
test_waits(void **state)
{
	struct end	*ends[] = { &w.end, NULL };
	uint64_t	 b;

	start_one();
	b = worker_begin(&w);
	worker_acks(&w, b, PEER_MS);
	peer_kill(&d);
	/* The scope of the new record has never been in the file. */
	w.scope = 5;
	worker_end(&w, b);
	(void)worker_begin(&w);
	worker_relink(&w);
	peer_start(&d, ends);
	end_quiet(&w.end, 150);
	keyd_sync(&d, 0, 2);
	end_quiet(&w.end, 100);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	end_quiet(&w.end, 100);
	keyd_scope(&d, 5, SCOPE_WRITE, MITM0, 1);
	worker_acks(&w, 3, PEER_MS);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'orphan_vault'"), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 0 AND vault = 1"), 2);
}

/*
 * keyd has put the scope into its link before the worker could use it: then
 * it counts, in whatever order the links are read.
 */
static void
test_scope_race(void **state)
{
	static uint8_t		 body[45000];
	struct rec_object	 o = { OBJ_CREDENTIAL, OBJECT_PUT, { body,
				    sizeof(body) } };
	struct msg_commit	 m;
	uint64_t		 scope;
	int			 i;

	/* A revision that is there already: nobody looks into it. */
	memset(&m, 0, sizeof(m));
	m.rev = 1;
	m.objects = &o;
	m.objects_n = 1;
	start_one();
	for (scope = 10; scope < 20; scope++) {
		assert_int_equal(kill(d.pid, SIGSTOP), 0);
		/* More than one read takes, before the scope. */
		for (i = 0; i < 3; i++)
			end_send(&d.keyd, MSG_COMMIT, &m);
		keyd_scope(&d, scope, SCOPE_WRITE, MITM0, 1);
		assert_int_equal(imsgbuf_queuelen(&d.keyd.ibuf), 0);
		w.scope = scope;
		(void)worker_begin(&w);
		assert_int_equal(kill(d.pid, SIGCONT), 0);
		worker_acks(&w, w.next - 1, PEER_MS);
	}
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'orphan_vault'"), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "vault = 1"), 10);
}

/* A scope is good for the instance that it was opened for and no other. */
static void
test_wrong_scope(void **state)
{
	struct end	*ends[] = { &w.end, &w2.end, &api, NULL };
	struct rec_gapcount lost = { 1, 5 };
	struct msg_gap	 gap = { 0, &lost, 1 };
	uint64_t	 b;

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	worker_init(&w2, PROC_MITM, 1, MITM1, 1);
	end_pair(&api, PROC_API_TCP, 0, API);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 3);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_scope(&d, 2, SCOPE_READ, API + 1, 1);
	keyd_scope(&d, 3, SCOPE_READ, API, 2);
	keyd_vault(&d, 1, 1, 0);
	keyd_vault(&d, 2, 2, 0);
	worker_hello(&w);
	worker_hello(&w2);
	b = worker_begin(&w2);
	worker_end(&w2, b);
	gap.seq = w2.next++;
	end_send(&w2.end, MSG_GAP, &gap);
	worker_acks(&w2, 3, PEER_MS);
	b = worker_begin(&w);
	worker_end(&w, b);
	worker_acks(&w, 2, PEER_MS);
	/* Nor for another api, another kind, or another vault. */
	assert_int_equal(ask(2, 0, -1, 0), -1);
	assert_int_equal(api.u.rows_end.status, 403);
	assert_int_equal(ask(1, 0, -1, 0), -1);
	assert_int_equal(ask(99, 0, -1, 0), -1);
	assert_int_equal(ask(3, 0, -1, 0), 0);
	end_close(&w.end);
	end_close(&w2.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "vault = 1"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'orphan_vault' AND vault IS NULL AND "
	    "host = 'api.example.com' AND status = 200 AND "
	    "detail LIKE '%\"scope\":1}'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE kind = 'gap' AND vault IS NULL AND count = 5"), 1);
}

/* Closed, it is answered when the file knows, and late records still count. */
static void
test_scope_close(void **state)
{
	struct msg_scope_close	 close_it = { 1 };

	start_one();
	assert_int_equal(kill(d.pid, SIGSTOP), 0);
	end_send(&d.keyd, MSG_SCOPE_CLOSE, &close_it);
	(void)worker_begin(&w);
	assert_int_equal(kill(d.pid, SIGCONT), 0);
	end_want(&d.keyd, MSG_SCOPE_CLOSED);
	assert_int_equal(d.keyd.u.scope_closed.scope, 1);
	peer_kill(&d);
	w.acked = 0;
	worker_relink(&w);
	(void)worker_begin(&w);
	{
		struct end	*ends[] = { &w.end, NULL };

		peer_start(&d, ends);
	}
	keyd_sync(&d, 0, 0);
	worker_acks(&w, 2, PEER_MS);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "vault = 1"), 2);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'orphan_vault'"), 0);
}

/* A vault without a row, and a vault that was deleted. */
static void
test_vaults(void **state)
{
	uint64_t	 b;

	start_one();
	keyd_scope(&d, 2, SCOPE_WRITE, MITM0, 77);
	keyd_vault(&d, 2, 1, 1234);
	b = worker_begin(&w);
	worker_end(&w, b);
	w.scope = 2;
	b = worker_begin(&w);
	worker_acks(&w, b, PEER_MS);
	worker_end(&w, b);
	worker_acks(&w, w.next - 1, PEER_MS);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "vault = 1"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'orphan_vault' AND vault IS NULL AND "
	    "detail LIKE '%77%' AND status = 200"), 1);
}

/* A row that the database refuses: its neighbours are committed. */
static void
test_bad_row(void **state)
{
	uint64_t	 b[20];
	int		 i;

	start_one();
	assert_int_equal(peer_stop(&d), 0);
	file_sql(&d, "CREATE TRIGGER no BEFORE INSERT ON log WHEN "
	    "NEW.seq = 14 BEGIN SELECT RAISE(ABORT, 'no'); END");
	restart_one();
	for (i = 0; i < 20; i++)
		b[i] = worker_begin(&w);
	for (i = 0; i < 20; i++)
		worker_end(&w, b[i]);
	worker_acks(&w, w.next - 1, PEER_MS);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 0"), 19);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "seq = 14"), 0);
	assert_int_equal(file_int(&d, "SELECT count FROM request_log WHERE "
	    "kind = 'gap' AND detail LIKE '%refused%'"), 1);
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
	peer_start(&d, none);
	keyd_sync(&d, 0, 0);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'log_unclean'"), 1);
	assert_true(file_int(&d, "SELECT max(id) FROM log") > head + 1000);
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

/* One who polls sees each row once and in order, whatever the burst. */
static void
test_tail(void **state)
{
	struct end	*ends[] = { &w.end, &api, NULL };
	uint64_t	 open[LAG] = { 0 }, cursor = 0;
	int		 i, n, total = 0;

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	end_pair(&api, PROC_API_LOCAL, 0, API);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 2);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_scope(&d, 2, SCOPE_READ, API, 1);
	keyd_vault(&d, 1, 1, 0);
	worker_hello(&w);
	for (i = 0; i < 40; i++) {
		generate(&w, open, LAG, arc4random_uniform(120));
		worker_acks(&w, 0, 0);
		n = ask(2, 0, cursor, 50);
		assert_true(n >= 0);
		assert_true(api.u.rows_end.latest_id >= cursor);
		cursor = api.u.rows_end.latest_id;
		total += n;
	}
	finish(&w, open, LAG);
	while ((n = ask(2, 0, cursor, 50)) > 0) {
		cursor = api.u.rows_end.latest_id;
		total += n;
	}
	for (n = 0, i = 1; i < (int)w.next; i++)
		n += w.sent[i].begin;
	assert_int_equal(total, n);
	assert_int_equal(ask(2, 0, cursor + 1, 50), -1);
	assert_int_equal(api.u.rows_end.status, 409);
}

/*
 * An api that asks and asks: it gets its answers, or a refusal, and rows are
 * committed meanwhile.
 */
static void
test_flood(void **state)
{
	struct end	*ends[] = { &w.end, &api, NULL };
	struct msg_query m;
	uint64_t	 open[LAG] = { 0 };
	int		 i, answers = 0, refused = 0;

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	end_pair(&api, PROC_API_TCP, 0, API);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 2);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_scope(&d, 2, SCOPE_READ, API, 1);
	keyd_vault(&d, 1, 1, 0);
	worker_hello(&w);
	generate(&w, open, LAG, 500);
	worker_acks(&w, w.next - 1, PEER_MS);
	memset(&m, 0, sizeof(m));
	m.scope = 2;
	m.limit = 200;
	for (i = 0; i < 2000; i++)
		end_send(&api, MSG_QUERY, &m);
	generate(&w, open, LAG, 100);
	worker_acks(&w, w.next - 1, PEER_MS);
	while (answers < 2000) {
		assert_true(end_recv(&api, PEER_MS) > 0);
		if (api.type != MSG_ROWS_END)
			continue;
		answers++;
		refused += api.u.rows_end.status == 503;
	}
	assert_true(refused < 2000);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
}

/* A worker that does not keep to the stream is reported and cut off. */
static void
hostile(int what)
{
	struct end	*ends[] = { &w.end, &w2.end, NULL };
	uint64_t	 b;

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	worker_init(&w2, PROC_MITM, 1, MITM1, 2);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 2);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_scope(&d, 2, SCOPE_WRITE, MITM1, 1);
	keyd_vault(&d, 1, 1, 0);
	worker_hello(&w2);
	if (what != 0)
		worker_hello(&w);
	if (what == 1)
		w.next = 2;
	if (what == 2)
		worker_hello(&w);
	if (what == 3) {
		struct msg_end	 e;

		memset(&e, 0, sizeof(e));
		e.seq = 1;
		e.error_code = 255;
		end_send(&w.end, MSG_END, &e);
	} else if (what == 4) {
		struct msg_query	 q;

		memset(&q, 0, sizeof(q));
		end_send(&w.end, MSG_QUERY, &q);
	} else
		(void)worker_begin(&w);
	assert_int_equal(peer_parent(&d, MSG_KILL, PEER_MS), 0);
	assert_true(d.parent.u.kill.instance == MITM0);
	while (end_recv(&w.end, PEER_MS) > 0)
		continue;
	b = worker_begin(&w2);
	worker_end(&w2, b);
	worker_acks(&w2, 2, PEER_MS);
	end_close(&w2.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "vault = 1"), 1);
}

static void
test_no_hello(void **state)
{
	hostile(0);
}

static void
test_sequence(void **state)
{
	hostile(1);
}

static void
test_two_hellos(void **state)
{
	hostile(2);
}

static void
test_numbers(void **state)
{
	hostile(3);
}

static void
test_not_its_message(void **state)
{
	hostile(4);
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
#define TEST(f)		cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FAULT(f)	cmocka_unit_test_setup_teardown(f, setup_fault, \
			    teardown)
		TEST(test_start),
		TEST(test_snapshot),
		TEST(test_request),
		TEST(test_kill),
		TEST(test_worker_dies),
		TEST(test_dead_link),
		TEST(test_both_die),
		TEST(test_waits),
		TEST(test_scope_race),
		TEST(test_wrong_scope),
		TEST(test_scope_close),
		TEST(test_vaults),
		TEST(test_bad_row),
		TEST(test_commit_again),
		FAULT(test_commit_full),
		FAULT(test_log_full),
		FAULT(test_power),
		FAULT(test_strict),
		TEST(test_tail),
		TEST(test_flood),
		TEST(test_no_hello),
		TEST(test_sequence),
		TEST(test_two_hellos),
		TEST(test_numbers),
		TEST(test_not_its_message),
		TEST(test_stop)
	};

	return (cmocka_run_group_tests_name("logd", tests, NULL, NULL));
}
