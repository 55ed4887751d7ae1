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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_world.h"
#include "codes.h"

/*
 * One real api between clients and a keyd that is played here: what is
 * asked of the control state, page by page, and that nothing secret stays.
 */

static const char	 token[] = "av_agt_0123456789abcdef";

static void	*memory_of(pid_t, size_t *);

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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test(values_are_wiped),
		cmocka_unit_test(services),
		cmocka_unit_test(refused_by_name)
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
