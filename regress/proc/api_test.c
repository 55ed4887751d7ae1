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
#include <sys/resource.h>
#include <sys/socket.h>

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

#include "api_world.h"
#include "codes.h"

/*
 * One real api between clients and a keyd and logd that are played here: who
 * is asked what, what is kept, and what becomes of answers.
 */

static const char	 token[] = "av_agt_0123456789abcdef";

static void
public_without_keyd(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_open(&w);
	http_ask(fd, "GET", "/health", NULL, NULL);
	http_expect(fd, 200, &a);
	assert_string_equal(a.body, "{\"status\":\"ok\"}\n");
	assert_non_null(strstr(a.head, "X-Frame-Options: DENY\r\n"));
	http_free(&a);
	play_quiet(&w.api, &w.keyd, 50);
	http_ask(fd, "GET", "/v1/mitm/ca.pem", NULL, NULL);
	keyd_initialized(&w, 0);
	http_expect(fd, 200, &a);
	assert_string_equal(a.body, "PEM\n");
	assert_non_null(strstr(a.head, "X-MITM-Port: 14322\r\n"));
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
before_init(void **state)
{
	struct api_world	 w;
	struct msg_admin	*m;
	struct rec_view_vault	 v;
	struct answer		 a;
	uint32_t		 id;
	int			 fd;

	api_new(&w, PROC_API_LOCAL);
	fd = http_open(&w);
	/* Whoever asks: not even a bad token is looked at. */
	http_ask(fd, "GET", "/v1/vaults", "x", NULL);
	keyd_initialized(&w, 0);
	http_expect(fd, 503, &a);
	assert_non_null(strstr(a.body, "\"error\":\"not_initialized\""));
	http_free(&a);
	http_ask(fd, "POST", "/v1/brokerd/init", NULL, "{}");
	keyd_knows(&w, "", 200, 5);
	m = &play_recv(&w.api, &w.keyd, MSG_ADMIN)->admin;
	assert_int_equal(m->op, OP_INIT);
	assert_int_equal(m->caller, 5);
	id = m->id;
	memset(&v, 0, sizeof(v));
	v.uuid = "00000000-0000-0000-0000-000000000000";
	v.name = "default";
	v.created_at = 1700000000;
	keyd_done(&w, id, 201, &desc_view_vault, &v);
	http_expect(fd, 201, &a);
	assert_string_equal(a.body, "{\"created_at\":\"2023-11-14T22:13:20Z\""
	    ",\"id\":\"00000000-0000-0000-0000-000000000000\","
	    "\"name\":\"default\"}\n");
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* What only the local socket has is not there on TCP. */
static void
local_routes(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_open(&w);
	http_ask(fd, "POST", "/v1/brokerd/init", token, NULL);
	http_expect(fd, 404, &a);
	http_free(&a);
	http_ask(fd, "GET", "/v1/brokerd/status", token, NULL);
	http_expect(fd, 404, &a);
	http_free(&a);
	play_quiet(&w.api, &w.keyd, 50);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
callers_are_kept(void **state)
{
	struct api_world	 w;
	struct msg_revoke	 r;
	struct rec_id		 id = { 77 };
	struct answer		 a;
	union msg_any		*m;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	/* The same token: the handle goes with the question at once. */
	http_ask(fd, "GET", "/v1/vaults", token, NULL);
	m = play_recv(&w.api, &w.keyd, MSG_GET);
	assert_int_equal(m->get.caller, 77);
	keyd_objects(&w, m->get.id, 0, NULL, NULL, 0, 0);
	http_expect(fd, 200, &a);
	assert_string_equal(a.body, "{\"vaults\":[]}\n");
	http_free(&a);
	/* Another one: the old handle is let go. */
	http_ask(fd, "GET", "/v1/vaults", "av_agt_other", NULL);
	assert_int_equal(play_recv(&w.api, &w.keyd,
	    MSG_CALLER_END)->caller_end.caller, 77);
	keyd_knows(&w, "av_agt_other", 401, 0);
	http_expect(fd, 401, &a);
	assert_non_null(strstr(a.head, "WWW-Authenticate: Bearer\r\n"));
	http_free(&a);
	close(fd);

	fd = http_known(&w, token);
	memset(&r, 0, sizeof(r));
	r.id = 3;
	r.scopes = &id;
	r.scopes_n = 1;
	play_send(&w.keyd, MSG_REVOKE, &r);
	assert_int_equal(play_recv(&w.api, &w.keyd,
	    MSG_REVOKED)->revoked.id, 3);
	http_ask(fd, "GET", "/v1/vaults", token, NULL);
	keyd_knows(&w, token, 401, 0);
	http_expect(fd, 401, &a);
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* Its caller is known when the client has gone: keyd is told at once. */
static void
client_gone_early(void **state)
{
	struct api_world	 w;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	close(http_known(&w, token));
	assert_int_equal(play_recv(&w.api, &w.keyd,
	    MSG_CALLER_END)->caller_end.caller, 77);
	fd = http_open(&w);
	http_ask(fd, "GET", "/v1/vaults", token, NULL);
	assert_int_equal(play_peek(&w.api, &w.keyd, PLAY_MS), MSG_CALLER);
	/* With a reset, since nothing else is noticed meanwhile. */
	shutdown(fd, SHUT_RDWR);
	close(fd);
	keyd_knows(&w, token, 200, 78);
	/* The question that the request goes on with, or its end. */
	if (play_peek(&w.api, &w.keyd, PLAY_MS) == MSG_GET) {
		keyd_objects(&w, play_recv(&w.api, &w.keyd, MSG_GET)->get.id,
		    0, NULL, NULL, 0, 0);
	}
	assert_int_equal(play_recv(&w.api, &w.keyd,
	    MSG_CALLER_END)->caller_end.caller, 78);
	assert_int_equal(api_end(&w), 0);
}

/* It is not taken for no token, which would be more on the local socket. */
static void
malformed_authorization(void **state)
{
	static const char *const	 bad[] = {
		"Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer a b",
		"av_agt_0123", ""
	};
	struct api_world	 w;
	struct answer		 a;
	char			 req[256];
	size_t			 i;
	int			 fd;

	api_new(&w, PROC_API_LOCAL);
	fd = http_known(&w, NULL);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(req, sizeof(req), "GET /v1/vaults HTTP/1.1\r\n"
		    "Host: x\r\nAuthorization: %s\r\n\r\n", bad[i]);
		http_put(fd, req);
		http_expect(fd, 401, &a);
		http_free(&a);
	}
	http_put(fd, "GET /v1/vaults HTTP/1.1\r\nHost: x\r\n"
	    "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n");
	http_expect(fd, 400, &a);
	http_free(&a);
	play_quiet(&w.api, &w.keyd, 50);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
body_after_caller(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	close(http_known(&w, token));
	(void)play_recv(&w.api, &w.keyd, MSG_CALLER_END);
	fd = http_open(&w);
	http_put(fd, "POST /v1/vaults HTTP/1.1\r\nHost: x\r\n"
	    "Expect: 100-continue\r\nAuthorization: Bearer bad\r\n"
	    "Content-Length: 1000000\r\n\r\n");
	keyd_knows(&w, "bad", 401, 0);
	/* No 100 before it. */
	http_expect(fd, 401, &a);
	assert_non_null(strstr(a.head, "Connection: close\r\n"));
	http_free(&a);
	assert_true(http_closed(fd, 5000));
	close(fd);

	fd = http_open(&w);
	http_put(fd, "POST /v1/vaults HTTP/1.1\r\nHost: x\r\n"
	    "Expect: 100-continue\r\nAuthorization: Bearer good\r\n"
	    "Content-Length: 12\r\n\r\n");
	keyd_knows(&w, "good", 200, 9);
	http_expect(fd, 100, &a);
	http_free(&a);
	http_put(fd, "{\"name\":\"x\"}");
	keyd_done(&w, play_recv(&w.api, &w.keyd, MSG_ADMIN)->admin.id, 400,
	    NULL, NULL);
	http_expect(fd, 400, &a);
	assert_string_equal(a.body,
	    "{\"code\":\"refused\",\"error\":\"keyd says no\"}\n");
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
oversize_body(void **state)
{
	static char		 piece[65536];
	struct api_world	 w;
	struct answer		 a;
	char			 size[32];
	int			 fd, i;

	api_new(&w, PROC_API_LOCAL);
	close(http_known(&w, NULL));
	(void)play_recv(&w.api, &w.keyd, MSG_CALLER_END);
	fd = http_open(&w);
	http_put(fd, "POST /v1/vaults HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 1048577\r\n\r\n");
	http_expect(fd, 413, &a);
	http_free(&a);
	play_quiet(&w.api, &w.keyd, 50);
	close(fd);

	/* Exactly the limit is taken, and no JSON. */
	memset(piece, 'x', sizeof(piece));
	fd = http_open(&w);
	http_put(fd, "POST /v1/vaults HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 1048576\r\n\r\n");
	keyd_knows(&w, "", 200, 8);
	for (i = 0; i < 16; i++)
		http_write(fd, piece, sizeof(piece));
	http_expect(fd, 400, &a);
	http_free(&a);
	/* In chunks nobody knows before. */
	http_put(fd, "POST /v1/vaults HTTP/1.1\r\nHost: x\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	(void)snprintf(size, sizeof(size), "%zx\r\n", sizeof(piece));
	for (i = 0; i < 17; i++) {
		http_put(fd, size);
		http_write(fd, piece, sizeof(piece));
		http_put(fd, "\r\n");
	}
	http_expect(fd, 413, &a);
	assert_non_null(strstr(a.head, "Connection: close\r\n"));
	http_free(&a);
	assert_true(http_closed(fd, 5000));
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
bad_http(void **state)
{
	static const struct {
		const char	*bytes;
		int		 status;
	} bad[] = {
		{ "hello\r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\n\r\n", 505 },
		{ "GET /health HTTP/1.1\r\n\r\n", 400 },
		{ "GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400 },
		{ "GET /health HTTP/1.1\nHost: x\n\n", 400 },
		{ "GET  /health HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
		{ "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n", 400 },
		{ "GET /health HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400 },
		{ "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400 },
		{ "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 404 },
		{ "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
		{ "GET /v1/vaults/%zz/logs HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
		{ "GET /v1/vaults/%00/logs HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
		{ "GET /health?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
		{ "GET /health?a=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400 }
	};
	struct api_world	 w;
	struct answer		 a;
	size_t			 i;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = http_open(&w);
		http_put(fd, bad[i].bytes);
		shutdown(fd, SHUT_WR);
		http_expect(fd, bad[i].status, &a);
		http_free(&a);
		assert_true(http_closed(fd, 5000));
		close(fd);
	}
	/* Heads that never end are cut at the limits. */
	fd = http_open(&w);
	http_put(fd, "GET /");
	for (i = 0; i < 1000; i++)
		http_put(fd, "aaaaaaaaaaaaaaaaaaaa");
	http_expect(fd, 414, &a);
	http_free(&a);
	close(fd);
	play_quiet(&w.api, &w.keyd, 50);
	assert_int_equal(api_end(&w), 0);
}

static void
pipelining(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	int			 fd, i;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	for (i = 0; i < 30; i++)
		http_ask(fd, i % 3 == 1 ? "HEAD" : "GET", i % 3 == 2 ?
		    "/v1/vaults" : "/health", token, NULL);
	for (i = 0; i < 30; i++) {
		if (i % 3 == 2)
			keyd_objects(&w, play_recv(&w.api, &w.keyd,
			    MSG_GET)->get.id, 0, NULL, NULL, 0, 0);
		assert_int_equal(http_answer(fd, i % 3 == 1, &a), 0);
		assert_int_equal(a.status, 200);
		assert_int_equal(a.len, i % 3 == 1 ? 0 : i % 3 == 0 ? 16 :
		    14);
		assert_non_null(strstr(a.head, i % 3 == 2 ?
		    "Content-Length: 14" : "Content-Length: 16"));
		http_free(&a);
	}
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* Answers without bodies, to one who reads none of them. */
static void
unread_answers(void **state)
{
	static const char	 one[] =
	    "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n";
	struct api_world	 w;
	struct answer		 a;
	char			*all;
	int			 fd, i, n = 1500;

	api_new(&w, PROC_API_LOCAL);
	fd = http_open(&w);
	all = calloc(n, sizeof(one));
	assert_non_null(all);
	for (i = 0; i < n; i++)
		memcpy(all + i * (sizeof(one) - 1), one, sizeof(one) - 1);
	http_put(fd, all);
	free(all);
	usleep(300000);
	for (i = 0; i < n; i++) {
		assert_int_equal(http_answer(fd, 1, &a), 0);
		assert_int_equal(a.status, 200);
		http_free(&a);
	}
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* Whoever closes his direction still gets the answer. */
static void
half_closed(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_open(&w);
	http_ask(fd, "GET", "/v1/mitm/ca.pem", NULL, NULL);
	shutdown(fd, SHUT_WR);
	keyd_initialized(&w, 1);
	http_expect(fd, 200, &a);
	http_free(&a);
	assert_true(http_closed(fd, 5000));
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* An answer that is larger than all buffers, to one who reads slowly. */
static void
slow_reader(void **state)
{
	struct api_world	 w;
	struct rec_view_credential *v;
	char			 (*names)[16];
	struct answer		 a;
	struct msg_get		*g;
	char			 byte;
	int			 fd, i, page;

	api_new(&w, PROC_API_LOCAL);
	fd = http_known(&w, token);
	v = calloc(1000, sizeof(*v));
	names = calloc(1000, sizeof(*names));
	assert_true(v != NULL && names != NULL);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "K_%d", i);
		v[i].key = names[i];
	}
	http_ask(fd, "GET", "/v1/credentials", token, NULL);
	for (page = 0; page < 20; page++) {
		g = &play_recv(&w.api, &w.keyd, MSG_GET)->get;
		keyd_objects(&w, g->id, page == 19 ? 0 : page + 1,
		    &desc_view_credential, v, sizeof(*v), 1000);
	}
	for (i = 0; i < 100; i++) {
		assert_int_equal(recv(fd, &byte, 1, MSG_PEEK), 1);
		usleep(1000);
	}
	http_expect(fd, 200, &a);
	assert_true(a.len > 700 * 1000);
	assert_string_equal(a.body + a.len - 4, "}]}\n");
	http_free(&a);
	/* One who goes in the middle of it hurts nobody. */
	http_ask(fd, "GET", "/v1/credentials", token, NULL);
	g = &play_recv(&w.api, &w.keyd, MSG_GET)->get;
	keyd_objects(&w, g->id, 0, &desc_view_credential, v, sizeof(*v),
	    1000);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
	(void)play_recv(&w.api, &w.keyd, MSG_CALLER_END);
	free(v);
	free(names);
	assert_int_equal(api_end(&w), 0);
}

static void
shutting_down(void **state)
{
	struct api_world	 w;
	struct msg_shutdown	 s = { 3000 };
	struct answer		 a;
	int			 idle, busy;

	api_new(&w, PROC_API_TCP);
	idle = http_open(&w);
	busy = http_known(&w, token);
	http_ask(busy, "GET", "/v1/vaults", token, NULL);
	assert_int_equal(play_peek(&w.api, &w.keyd, PLAY_MS), MSG_GET);
	play_send(&w.api.parent, MSG_SHUTDOWN, &s);
	assert_true(http_closed(idle, 3000));
	close(w.lfd);
	assert_int_equal(http_try(&w), -1);
	keyd_objects(&w, play_recv(&w.api, &w.keyd, MSG_GET)->get.id, 0,
	    NULL, NULL, 0, 0);
	http_expect(busy, 200, &a);
	assert_non_null(strstr(a.head, "Connection: close\r\n"));
	http_free(&a);
	close(idle);
	close(busy);
	assert_int_equal(play_wait(&w.api), 0);
	play_close(&w.keyd);
	play_close(&w.logd);
	(void)rmdir(w.dir);
}

/* keyd is trusted more: one that answers what was not asked is not keyd. */
static void
wrong_answers(void **state)
{
	struct api_world	 w;
	struct msg_may_answer	 m;
	int			 fd, i;

	for (i = 0; i < 2; i++) {
		api_new(&w, PROC_API_TCP);
		fd = http_known(&w, token);
		http_ask(fd, "GET", "/v1/vaults", token, NULL);
		memset(&m, 0, sizeof(m));
		m.id = play_recv(&w.api, &w.keyd, MSG_GET)->get.id;
		m.status = 200;
		if (i == 0)
			play_send(&w.keyd, MSG_MAY_ANSWER, &m);
		else
			play_send_raw(&w.keyd, MSG_OBJECTS, "garbage", 7);
		assert_int_equal(play_wait(&w.api), 1);
		close(fd);
		play_close(&w.keyd);
		play_close(&w.logd);
		close(w.lfd);
		(void)rmdir(w.dir);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(public_without_keyd),
		cmocka_unit_test(before_init),
		cmocka_unit_test(local_routes),
		cmocka_unit_test(callers_are_kept),
		cmocka_unit_test(client_gone_early),
		cmocka_unit_test(malformed_authorization),
		cmocka_unit_test(body_after_caller),
		cmocka_unit_test(oversize_body),
		cmocka_unit_test(bad_http),
		cmocka_unit_test(pipelining),
		cmocka_unit_test(unread_answers),
		cmocka_unit_test(half_closed),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(shutting_down),
		cmocka_unit_test(wrong_answers)
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
