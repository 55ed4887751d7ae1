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

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../logd/stream.h"
#include "codes.h"
#include "logd_world.h"

/*
 * Who may say what to logd and who may read it, and what of it harms nobody
 * else.
 */

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

/*
 * A worker that was taken over may put any byte into any text: there is a row,
 * which is printable, and its neighbour is as it was.
 */
static void
test_any_byte(void **state)
{
	struct msg_begin	 m;
	struct msg_event	 e;
	char			 odd[] = "a?bcdefghijk?";
	uint64_t		 b;
	int			 c;

	start_one();
	memset(&m, 0, sizeof(m));
	memset(&e, 0, sizeof(e));
	m.scope = e.scope = 1;
	m.ingress = INGRESS_MITM;
	m.decision = DECISION_BROKERED;
	m.protocol = PROTOCOL_HTTP11;
	m.method = m.host = m.path = m.service = m.keys = m.auth_header =
	    odd;
	e.code = EVENT_TLS_CLIENT;
	e.host = e.detail = odd;
	for (c = 1; c < 256; c++) {
		odd[1] = odd[12] = c;
		m.seq = b = w.next++;
		m.request_id[0] = c;
		end_send(&w.end, MSG_BEGIN, &m);
		ledger_begin(w.page, w.scope);
		worker_end(&w, b);
		e.seq = w.next++;
		end_send(&w.end, MSG_EVENT, &e);
	}
	b = worker_begin(&w);
	worker_end(&w, b);
	worker_acks(&w, w.next - 1, PEER_MS);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "vault = 1 AND flags & 15 = 0"), 256);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "vault = 1 AND flags & 15 = 2"), 255);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log l "
	    "LEFT JOIN targets t ON t.id = l.target WHERE l.path || t.method "
	    "|| t.host || t.service || t.keys || t.auth_header || "
	    "ifnull(l.detail, '') GLOB '*[^ -~]*'"), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "path = 'a~bcdefghijk~'"), 1);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "path = 'a?bcdefghijk?'"), 255 - 94);
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
	if (what >= 6) {
		struct msg_hello	 h = { 1, 0 };

		h.next += what == 6 ? STREAM_JUMP + 1 : what == 7 ? 9 : 0;
		h.begins = what == 7 ? 10 : 0;
		end_send(&w.end, MSG_HELLO, &h);
		w.next = h.next;
	} else if (what != 0)
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
	} else if (what == 5) {
		struct msg_event	 e;

		memset(&e, 0, sizeof(e));
		e.seq = 1;
		e.code = EVENT_LOG_UNCLEAN;
		end_send(&w.end, MSG_EVENT, &e);
	} else if (what == 8) {
		struct rec_gapcount	 lost = { 2, 1 };
		struct msg_gap		 g = { 1, &lost, 1 };

		end_send(&w.end, MSG_GAP, &g);
		g.seq = 2;
		end_send(&w.end, MSG_GAP, &g);
	} else if (what != 6 && what != 7)
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

/* That the log was lost is not a worker's to say. */
static void
test_not_its_event(void **state)
{
	hostile(5);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'log_unclean'"), 0);
}

/* No file can have lost so many records under it, nor more BEGINs. */
static void
test_hello_far(void **state)
{
	hostile(6);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 1"), 0);
}

static void
test_hello_begins(void **state)
{
	hostile(7);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 1"), 0);
}

/* Each may become 65 rows, and one is on its way at a time. */
static void
test_gaps(void **state)
{
	d.conf.flush_ms = 1000;
	hostile(8);
}

/* What the file lost under a living worker is counted, in requests. */
static void
test_hello_lost(void **state)
{
	uint64_t	 b;
	int		 i;

	start_one();
	for (i = 0; i < 5; i++) {
		b = worker_begin(&w);
		worker_end(&w, b);
	}
	(void)worker_begin(&w);
	worker_acks(&w, 11, PEER_MS);
	peer_kill(&d);
	file_sql(&d, "DELETE FROM open_requests");
	file_sql(&d, "DELETE FROM log WHERE seq > 4");
	file_sql(&d, "UPDATE streams SET last_seq = 4, begins = 2");
	(void)worker_begin(&w);
	restart_one();
	worker_acks(&w, 12, PEER_MS);
	end_close(&w.end);
	peer_ledger(&d, MITM0, w.ledger);
	peer_taken(&d, MITM0);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 0"), 3);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM log WHERE "
	    "flags & 15 = 1"), 1);
	assert_int_equal(file_int(&d, "SELECT count FROM log WHERE "
	    "flags & 15 = 1 AND vault IS NULL AND detail = "
	    "'{\"lost\":\"committed\"}'"), 4);
}

/* A worker's window bounds what it has open, and so does logd. */
static void
test_open(void **state)
{
	static char		 path[2049], keys[1101];
	struct msg_begin	 b;
	int			 i;

	start_one();
	memset(path, 'p', sizeof(path) - 1);
	memset(keys, 'k', sizeof(keys) - 1);
	memset(&b, 0, sizeof(b));
	b.scope = 1;
	b.method = "GET";
	b.host = "api.example.com";
	b.path = path;
	b.keys = keys;
	for (i = 1; i <= STREAM_OPEN; i++) {
		b.seq = i;
		end_send(&w.end, MSG_BEGIN, &b);
		if (i % 256 == 0)
			worker_acks(&w, i, PEER_MS);
	}
	b.seq = i;
	end_send(&w.end, MSG_BEGIN, &b);
	assert_int_equal(peer_parent(&d, MSG_KILL, PEER_MS), 0);
	assert_true(d.parent.u.kill.instance == MITM0);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log WHERE "
	    "error_code = 'worker_lost'"), STREAM_OPEN);
}

/* What a worker does not read piles up here only for so long. */
static void
test_unread(void **state)
{
	struct msg_event	 e;
	int			 i;

	d.conf.batch = 1;
	start_one();
	memset(&e, 0, sizeof(e));
	e.code = EVENT_TLS_CLIENT;
	e.count = 1;
	do {
		for (i = 0; i < 8; i++) {
			e.seq = w.next++;
			end_send(&w.end, MSG_EVENT, &e);
		}
		assert_true(w.next < 100000);
	} while (peer_parent(&d, MSG_KILL, 1) == -1);
	assert_true(d.parent.u.kill.instance == MITM0);
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
}

/* keyd's records, up to this one. */
static void
send_events(uint64_t to)
{
	struct msg_event	 e;

	memset(&e, 0, sizeof(e));
	e.code = EVENT_AUTH_FAILED;
	e.detail = "{}";
	for (e.seq = 1; e.seq <= to; e.seq++) {
		e.count = e.seq;
		end_send(&d.keyd, MSG_EVENT, &e);
	}
}

/* Each of keyd's records has one row, whatever is sent again. */
static void
test_keyd_events(void **state)
{
	uint64_t	 committed = 0;
	int		 i;

	for (i = 0; i < 4; i++) {
		if (i == 0)
			start_one();
		else
			restart_one();
		assert_true(d.keyd.u.snapshot.events >= committed);
		committed = d.keyd.u.snapshot.events;
		/* Everything once more, as if no ACK had ever come. */
		send_events(10 * (i + 1));
		while (i % 2 == 0 && committed < 10 * (uint64_t)(i + 1)) {
			end_want(&d.keyd, MSG_ACK);
			committed = d.keyd.u.ack.seq;
		}
		if (i < 3)
			peer_kill(&d);
	}
	end_close(&w.end);
	assert_int_equal(peer_stop(&d), 0);
	assert_int_equal(file_int(&d, "SELECT count(*) FROM request_log "
	    "WHERE event = 'auth_failed'"), 40);
	assert_int_equal(file_int(&d, "SELECT sum(count) FROM request_log "
	    "WHERE event = 'auth_failed'"), 820);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_waits),
		TEST(test_scope_race),
		TEST(test_wrong_scope),
		TEST(test_scope_close),
		TEST(test_vaults),
		TEST(test_any_byte),
		TEST(test_bad_row),
		TEST(test_tail),
		TEST(test_flood),
		TEST(test_no_hello),
		TEST(test_sequence),
		TEST(test_two_hellos),
		TEST(test_numbers),
		TEST(test_not_its_message),
		TEST(test_not_its_event),
		TEST(test_hello_far),
		TEST(test_hello_begins),
		TEST(test_gaps),
		TEST(test_hello_lost),
		TEST(test_open),
		TEST(test_unread),
		TEST(test_keyd_events)
	};

	return (cmocka_run_group_tests_name("logd_link", tests, NULL, NULL));
}
