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
#include "filter.h"

/*
 * One real api between clients and a keyd and logd that are played here: who
 * is asked what, what is kept, and what becomes of answers.
 */

static const char	 token[] = "av_agt_0123456789abcdef";

static void	*memory_of(pid_t, size_t *);

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

static void
pages(void **state)
{
	struct api_world	 w;
	struct rec_view_credential v[2];
	struct msg_get		*g;
	struct answer		 a;
	int			 fd, i;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	http_ask(fd, "GET", "/v1/credentials?vault=ma%69n", token, NULL);
	memset(v, 0, sizeof(v));
	v[0].key = "A_ONE";
	v[1].key = "B_TWO";
	for (i = 0; i < 2; i++) {
		g = &play_recv(&w.api, &w.keyd, MSG_GET)->get;
		assert_int_equal(g->kind, VIEW_CREDENTIALS);
		assert_string_equal(g->vault, "main");
		assert_int_equal(g->cursor, i);
		keyd_objects(&w, g->id, i == 0 ? 1 : 0, &desc_view_credential,
		    &v[i], sizeof(v[i]), 1);
	}
	http_expect(fd, 200, &a);
	assert_string_equal(a.body, "{\"keys\":[\"A_ONE\",\"B_TWO\"],"
	    "\"credentials\":[{\"key\":\"A_ONE\",\"type\":\"static\"},"
	    "{\"key\":\"B_TWO\",\"type\":\"static\"}]}\n");
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* All that a process has in memory, from /proc; NULL if we may not. */
static void *
memory_of(pid_t pid, size_t *len)
{
	char			 path[64], line[512];
	unsigned long		 from, to;
	char			*all = NULL, *p;
	FILE			*maps, *mem;

	*len = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = fopen(path, "r");
	while (maps != NULL && mem != NULL &&
	    fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 ||
		    strstr(line, " rw") == NULL || to - from > (64UL << 20))
			continue;
		if ((p = realloc(all, *len + (to - from))) == NULL)
			break;
		all = p;
		if (fseeko(mem, from, SEEK_SET) == 0)
			*len += fread(all + *len, 1, to - from, mem);
	}
	if (maps != NULL)
		fclose(maps);
	if (mem != NULL)
		fclose(mem);
	return (all);
}

/* Pages of values; and after the answer nothing of them is left here. */
static void
values_are_wiped(void **state)
{
	static const char	 value[] = "correct-horse-battery-staple-91";
	struct api_world	 w;
	struct rec_kv		 kv;
	struct rec_name		 name = { "A_ONE" };
	struct rec_res_count	 res;
	struct msg_secrets	 s;
	struct msg_reveal	*r;
	struct msg_admin	*m;
	struct answer		 a;
	char			 body[128];
	void			*mem;
	size_t			 len;
	int			 fd, i;

	api_new(&w, PROC_API_LOCAL);
	fd = http_known(&w, token);
	(void)snprintf(body, sizeof(body),
	    "{\"vault\":\"main\",\"credentials\":{\"A_ONE\":\"%s\"}}", value);
	http_ask(fd, "POST", "/v1/credentials", token, body);
	m = &play_recv(&w.api, &w.keyd, MSG_ADMIN)->admin;
	assert_int_equal(m->op, OP_CREDENTIAL_SET);
	assert_string_equal(m->vault, "main");
	memset(&res, 0, sizeof(res));
	res.count = res.total = 1;
	res.names = &name;
	res.names_n = 1;
	keyd_done(&w, m->id, 200, &desc_res_count, &res);
	http_expect(fd, 200, &a);
	assert_string_equal(a.body, "{\"set\":[\"A_ONE\"]}\n");
	http_free(&a);

	http_ask(fd, "GET", "/v1/credentials?reveal=true", token, NULL);
	memset(&s, 0, sizeof(s));
	for (i = 0; i < 2; i++) {
		r = &play_recv(&w.api, &w.keyd, MSG_REVEAL)->reveal;
		assert_string_equal(r->vault, "default");
		assert_string_equal(r->key, "");
		assert_string_equal(r->after, i == 0 ? "" : "A_ONE");
		kv.key = i == 0 ? "A_ONE" : "B_TWO";
		kv.value = i == 0 ? value : "";
		s.id = r->id;
		s.status = 200;
		s.more = i == 0;
		s.values = &kv;
		s.values_n = 1;
		play_send(&w.keyd, MSG_SECRETS, &s);
	}
	http_expect(fd, 200, &a);
	assert_non_null(strstr(a.body, value));
	assert_non_null(strstr(a.body,
	    "{\"key\":\"B_TWO\",\"type\":\"static\"}]"));
	http_free(&a);
	/* One more request, so that all of the turn before is over. */
	http_ask(fd, "GET", "/health", token, NULL);
	http_expect(fd, 200, &a);
	http_free(&a);
	if ((mem = memory_of(w.api.pid, &len)) != NULL && len > 0) {
		assert_null(memmem(mem, len, value, sizeof(value) - 1));
		assert_non_null(memmem(mem, len, "127.0.0.1:14321", 15));
	}
	free(mem);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
services(void **state)
{
	static const char	 body[] = "{\"services\":[{\"name\":\"api\","
	    "\"host\":\"a.example.com:8443/v1/*\",\"enabled\":false,"
	    "\"auth\":{\"type\":\"custom\",\"headers\":{\"X-A\":\"{{ K }}\","
	    "\"X-B\":\"b\"}},\"methods\":[\"GET\",\"PUT\"],"
	    "\"allow_plaintext\":true,\"log_path\":\"none\"}]}";
	struct api_world	 w;
	struct rec_op_services	 op;
	const struct rec_obj_service *o;
	struct rec_res_count	 res;
	struct rec_name		 name = { "api" };
	struct arena		 arena = { NULL };
	struct msg_admin	*m;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	http_ask(fd, "POST", "/v1/vaults/main/services", token, body);
	m = &play_recv(&w.api, &w.keyd, MSG_ADMIN)->admin;
	assert_int_equal(m->op, OP_SERVICE_UPSERT);
	assert_int_equal(rec_from_blob(&m->body, &desc_op_services, &op,
	    &arena), 0);
	assert_int_equal(op.services_n, 1);
	o = &op.services[0];
	assert_string_equal(o->name, "api");
	assert_string_equal(o->host, "a.example.com:8443/v1/*");
	assert_int_equal(o->enabled, 0);
	assert_int_equal(o->auth_type, AUTH_CUSTOM);
	assert_string_equal(o->headers, "X-A: {{ K }}\nX-B: b\n");
	assert_string_equal(o->methods, "GET,PUT");
	assert_int_equal(o->plaintext, 1);
	assert_int_equal(o->path_mode, PATH_NONE);
	arena_free(&arena);
	memset(&res, 0, sizeof(res));
	res.count = 1;
	res.total = 4;
	res.names = &name;
	res.names_n = 1;
	keyd_done(&w, m->id, 200, &desc_res_count, &res);
	http_expect(fd, 200, &a);
	assert_string_equal(a.body, "{\"services_count\":4,"
	    "\"upserted\":[\"api\"],\"vault\":\"main\"}\n");
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* Refused here, and named; keyd is not bothered. */
static void
refused_by_name(void **state)
{
	static const struct {
		const char	*method, *path, *body, *name;
	} bad[] = {
		{ "POST", "/v1/vaults", "{\"name\":\"abc\",\"color\":1}",
		    "\\\"color\\\"" },
		{ "POST", "/v1/vaults", "{\"name\":\"a\",\"name\":\"b\"}",
		    "twice" },
		{ "POST", "/v1/vaults", "{\"name\":\"a\\u0000b\"}", "JSON" },
		{ "POST", "/v1/vaults", "{\"name\":\"abc\"} x", "JSON" },
		{ "POST", "/v1/vaults", "[1]", "object" },
		{ "POST", "/v1/vaults", "{\"name\":null}", "string" },
		{ "POST", "/v1/vaults",
		    "{\"name\":\"abc\",\"credential_store\":{}}",
		    "not built yet" },
		{ "POST", "/v1/agents/x/rotate", "{\"x\":1}", "\\\"x\\\"" },
		{ "PUT", "/v1/vaults/main/services", "{\"services\":[{"
		    "\"name\":\"abc\",\"host\":\"a.b\",\"auth\":{\"type\":"
		    "\"bearer\",\"token\":\"T\"},\"substitutions\":[]}]}",
		    "substitutions" },
		{ "POST", "/v1/vaults/main/services", "{\"services\":[{"
		    "\"name\":\"abc\",\"host\":\"a.b\",\"auth\":{\"type\":"
		    "\"bearer\",\"token\":\"T\",\"key\":\"K\"}}]}",
		    "\\\"key\\\"" },
		{ "POST", "/v1/vaults/main/services", "{\"services\":[{"
		    "\"name\":\"abc\",\"host\":\"a.b\",\"auth\":{\"type\":"
		    "\"custom\",\"headers\":{\"X-A\":\"a\\nX-B: b\"}}}]}",
		    "line end" },
		{ "POST", "/v1/vaults/main/services", "{\"services\":[{"
		    "\"name\":\"abc\",\"host\":\"a.b\",\"auth\":{\"type\":"
		    "\"passthrough\"},\"methods\":[]}]}",
		    "methods is empty" },
		{ "POST", "/v1/sessions",
		    "{\"vault\":\"main\",\"vault_role\":\"admin\"}",
		    "vault_role" },
		{ "POST", "/v1/sessions",
		    "{\"vault\":\"main\",\"ttl_seconds\":0}", "ttl_seconds" },
		{ "GET", "/v1/vaults/main/logs?status_bucket=6xx", NULL,
		    "{\"parameter\":\"status_bucket\",\"at\":0,"
		    "\"code\":\"invalid_filter\"" },
		{ "GET", "/v1/vaults/main/logs?q=host:a+status:x", NULL,
		    "{\"parameter\":\"q\",\"at\":14," },
		{ "GET", "/v1/vaults/main/logs?path=%ff%2c%22", NULL,
		    "{\"parameter\":\"path\",\"at\":2," },
		{ "GET", "/v1/vaults/main/logs?path=%00", NULL, "query" },
		{ "GET", "/v1/vaults/main/logs?vault=other", NULL,
		    "only /v1/admin/logs" },
		{ "GET", "/v1/vaults/main/logs?q=a:b&q=c:d", NULL, "a" },
		{ "GET", "/v1/vaults/main/logs/values?key=colour", NULL,
		    "colour" },
		{ "GET", "/v1/vaults/main/logs/values", NULL, "missing" },
		{ "GET", "/v1/vaults/main/logs/values?key=vault", NULL,
		    "vault" },
		{ "GET", "/v1/vaults/main/logs?colour=red", NULL, "colour" },
		{ "GET", "/v1/vaults/main/logs?limit=1&limit=2", NULL,
		    "twice" },
		{ "GET", "/v1/vaults/main/logs?before=1&after=2", NULL,
		    "exclusive" }
	};
	struct api_world	 w;
	struct answer		 a;
	size_t			 i;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		http_ask(fd, bad[i].method, bad[i].path, token, bad[i].body);
		http_expect(fd, 400, &a);
		if (strstr(a.body, bad[i].name) == NULL)
			fail_msg("%s is not named: %s", bad[i].name, a.body);
		http_free(&a);
	}
	play_quiet(&w.api, &w.keyd, 50);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
log_rows(void **state)
{
	static const char	 want[] = "{\"latest_id\":9,\"logs\":[{"
	    "\"id\":9,\"ingress\":\"mitm\",\"method\":\"GET\","
	    "\"host\":\"a.example.com:443\",\"path\":\"/x\","
	    "\"matched_service\":\"api\",\"credential_keys\":[\"A\",\"B\"],"
	    "\"status\":null,\"latency_ms\":1,\"error_code\":\"\","
	    "\"actor_type\":\"agent\",\"actor_id\":\"77\","
	    "\"created_at\":\"2023-11-14T22:13:20.000005Z\","
	    "\"kind\":\"request\",\"action\":\"\",";
	struct api_world	 w;
	struct msg_may		*may;
	struct msg_may_answer	 yes;
	struct msg_query	*q;
	struct rec_row		 row;
	struct msg_rows		 rows;
	struct msg_rows_end	 end;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	http_ask(fd, "GET", "/v1/vaults/main/logs?after=0&limit=999"
	    "&host=!*.example.org&q=status:4xx+!service:%22%22&path=/a+b",
	    token, NULL);
	may = &play_recv(&w.api, &w.keyd, MSG_MAY)->may;
	assert_int_equal(may->action, ACTION_LOGS);
	assert_string_equal(may->vault, "main");
	memset(&yes, 0, sizeof(yes));
	yes.id = may->id;
	yes.status = 200;
	yes.scope = 1234;
	play_send(&w.keyd, MSG_MAY_ANSWER, &yes);
	q = &play_recv(&w.api, &w.logd, MSG_QUERY)->query;
	assert_int_equal(q->scope, 1234);
	assert_int_equal(q->tail, 1);
	assert_int_equal(q->after, 0);
	assert_int_equal(q->limit, 200);
	assert_string_equal(q->filter, "!host:*.example.org status:4xx "
	    "!service:\"\" path:\"/a b\"");
	memset(&row, 0, sizeof(row));
	row.id = 9;
	row.ingress = INGRESS_MITM;
	row.method = "GET";
	row.host = "a.example.com";
	row.port = 443;
	row.path = "/x";
	row.service = "api";
	row.keys = "A,B";
	row.status = -1;
	row.latency = 1999;
	row.actor_type = ACTOR_AGENT;
	row.actor = "77";
	row.started = 1700000000000005;
	memset(&rows, 0, sizeof(rows));
	rows.id = q->id;
	rows.rows = &row;
	rows.rows_n = 1;
	memset(&end, 0, sizeof(end));
	end.id = q->id;
	end.status = 200;
	end.latest_id = 9;
	play_send(&w.logd, MSG_ROWS, &rows);
	play_send(&w.logd, MSG_ROWS, &rows);
	play_send(&w.logd, MSG_ROWS_END, &end);
	http_expect(fd, 200, &a);
	if (strncmp(a.body, want, strlen(want)) != 0)
		fail_msg("%s", a.body);
	assert_non_null(strstr(a.body, "}],\"next_cursor\":null}\n"));
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* One who does not wait for the answer frees logd from looking for it. */
static void
reader_leaves(void **state)
{
	struct api_world	 w;
	struct msg_may_answer	 yes;
	uint32_t		 id;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	memset(&yes, 0, sizeof(yes));
	yes.status = 200;
	yes.scope = 1;
	http_ask(fd, "GET", "/v1/admin/logs?vault=main", token, NULL);
	yes.id = play_recv(&w.api, &w.keyd, MSG_MAY)->may.id;
	play_send(&w.keyd, MSG_MAY_ANSWER, &yes);
	id = play_recv(&w.api, &w.logd, MSG_QUERY)->query.id;
	close(fd);
	assert_int_equal(play_recv(&w.api, &w.logd,
	    MSG_QUERY_CANCEL)->query_cancel.id, id);
	assert_int_equal(api_end(&w), 0);
}

static void
values_list(void **state)
{
	struct api_world	 w;
	struct msg_may_answer	 yes;
	struct msg_values	*v;
	struct rec_value	 list[2] = { { "a.example" }, { "b" } };
	struct msg_value_list	 m;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	memset(&yes, 0, sizeof(yes));
	yes.status = 200;
	yes.scope = 77;
	http_ask(fd, "GET", "/v1/vaults/main/logs/values?key=host&prefix=A."
	    "&limit=2", token, NULL);
	yes.id = play_recv(&w.api, &w.keyd, MSG_MAY)->may.id;
	play_send(&w.keyd, MSG_MAY_ANSWER, &yes);
	v = &play_recv(&w.api, &w.logd, MSG_VALUES)->values;
	assert_int_equal(v->scope, 77);
	assert_int_equal(v->key, FILTER_HOST);
	assert_string_equal(v->prefix, "A.");
	assert_int_equal(v->limit, 2);
	memset(&m, 0, sizeof(m));
	m.id = v->id;
	m.status = 200;
	m.more = 1;
	m.values = list;
	m.values_n = 2;
	play_send(&w.logd, MSG_VALUE_LIST, &m);
	http_expect(fd, 200, &a);
	assert_string_equal(a.body, "{\"key\":\"host\",\"values\":"
	    "[\"a.example\",\"b\"],\"more\":true}\n");
	http_free(&a);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

static void
logd_dies(void **state)
{
	struct api_world	 w;
	struct msg_may_answer	 yes;
	struct msg_rows_end	 end;
	struct answer		 a;
	int			 fd, i;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	memset(&yes, 0, sizeof(yes));
	yes.status = 200;
	yes.scope = 1;
	memset(&end, 0, sizeof(end));
	end.status = 409;
	end.latest_id = 7;
	/* While it is asked, before it is there again, and then. */
	for (i = 0; i < 3; i++) {
		if (i == 2)
			play_link(&w.api, &w.logd, PROC_LOGD, 0, 21);
		http_ask(fd, "GET", "/v1/admin/logs?before=8", token, NULL);
		yes.id = play_recv(&w.api, &w.keyd, MSG_MAY)->may.id;
		play_send(&w.keyd, MSG_MAY_ANSWER, &yes);
		if (i == 0) {
			(void)play_recv(&w.api, &w.logd, MSG_QUERY);
			play_close(&w.logd);
		} else if (i == 2) {
			end.id = play_recv(&w.api, &w.logd,
			    MSG_QUERY)->query.id;
			play_send(&w.logd, MSG_ROWS_END, &end);
		}
		http_expect(fd, i == 2 ? 409 : 503, &a);
		assert_non_null(strstr(a.body, i == 2 ? "cursor_invalid" :
		    "unavailable"));
		http_free(&a);
	}
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
		cmocka_unit_test(pages),
		cmocka_unit_test(values_are_wiped),
		cmocka_unit_test(services),
		cmocka_unit_test(refused_by_name),
		cmocka_unit_test(log_rows),
		cmocka_unit_test(reader_leaves),
		cmocka_unit_test(values_list),
		cmocka_unit_test(logd_dies),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(shutting_down),
		cmocka_unit_test(wrong_answers)
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
