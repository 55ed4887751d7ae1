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

#include "api_world.h"
#include "codes.h"
#include "filter.h"

/*
 * One real api between clients and a keyd and logd that are played here: what
 * is asked of the request log, and what becomes of who waits for it.
 */

#define PART		LOGD_ROWS	/* rows in a message */
#define EXPORTED	200	/* on a page */

static const char	 token[] = "av_agt_0123456789abcdef";

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

/* What is asked of logd, and empty steps that it leaves out. */
static void
stats(void **state)
{
	static const char	 zero[] = "\"start\":\"2026-01-01T02:00:00Z\","
				    "\"count\":0,";
	struct api_world	 w;
	struct msg_may_answer	 yes;
	struct msg_chart	*c;
	struct rec_sums		 total, step;
	struct rec_top		 top = { "a.example", 3 };
	struct msg_charted	 m;
	struct answer		 a;
	int			 fd;

	api_new(&w, PROC_API_TCP);
	fd = http_known(&w, token);
	memset(&yes, 0, sizeof(yes));
	yes.status = 200;
	yes.scope = 77;
	http_ask(fd, "GET", "/v1/admin/logs/stats?since=2026-01-01T01:10:00Z"
	    "&until=2026-01-01T03:50:00Z&step=1h&vault=a,b", token, NULL);
	yes.id = play_recv(&w.api, &w.keyd, MSG_MAY)->may.id;
	play_send(&w.keyd, MSG_MAY_ANSWER, &yes);
	c = &play_recv(&w.api, &w.logd, MSG_CHART)->chart;
	assert_int_equal(c->scope, 77);
	assert_string_equal(c->vaults, "a,b");
	assert_int_equal(c->from, 29453820);
	assert_int_equal(c->to - c->from, 180);
	assert_int_equal(c->step, 60);
	memset(&m, 0, sizeof(m));
	memset(&total, 0, sizeof(total));
	total.rows = total.class2 = total.brokered = 3;
	total.p50 = total.p95 = 1152;
	total.p99 = total.longest = -1;
	step = total;
	step.step = 2;
	m.id = c->id;
	m.status = 200;
	m.to = c->to;
	m.total = &total;
	m.total_n = 1;
	m.steps = &step;
	m.steps_n = 1;
	m.hosts = &top;
	m.hosts_n = 1;
	play_send(&w.logd, MSG_CHARTED, &m);
	http_expect(fd, 200, &a);
	assert_non_null(strstr(a.body, zero));
	assert_non_null(strstr(a.body, "{\"start\":\"2026-01-01T03:00:00Z\","
	    "\"count\":3,\"by_status\":{\"1xx\":0,\"2xx\":3,"));
	assert_non_null(strstr(a.body, "\"p50_ms\":1.152,\"p95_ms\":1.152,"
	    "\"p99_ms\":null,\"max_ms\":null}],\"total\":{\"count\":3,"));
	assert_non_null(strstr(a.body, "\"top_hosts\":[{\"name\":"
	    "\"a.example\",\"count\":3}],\"other_hosts\":0,"));
	http_free(&a);
	/* An answer without its sum is none. */
	http_ask(fd, "GET", "/v1/vaults/main/logs/stats", token, NULL);
	yes.id = play_recv(&w.api, &w.keyd, MSG_MAY)->may.id;
	play_send(&w.keyd, MSG_MAY_ANSWER, &yes);
	m.id = play_recv(&w.api, &w.logd, MSG_CHART)->chart.id;
	m.total_n = 0;
	play_send(&w.logd, MSG_CHARTED, &m);
	http_expect(fd, 500, &a);
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

/* What comes within so many ms, or until the end with -1. */
static size_t
read_some(int fd, char *to, size_t room, int ms)
{
	struct pollfd	 pfd = { fd, POLLIN, 0 };
	size_t		 have = 0;
	ssize_t		 n;

	while (have < room && poll(&pfd, 1, ms) == 1) {
		n = read(fd, to + have, room - have);
		assert_int_not_equal(n, -1);
		if (n == 0)
			break;
		have += n;
	}
	return (have);
}

/* The parts of a page are the newest first; a client that reads meanwhile. */
static void
export_rows(struct api_world *w, size_t len)
{
	struct msg_may_answer	 yes;
	struct msg_query	*q;
	uint64_t		 id, next = 1;
	uint32_t		 asked;
	size_t			 n = 0, size = 4 * 1024 * 1024;
	char			*all, *s;
	int			 fd;

	assert_non_null(all = malloc(size));
	fd = http_known(w, token);
	memset(&yes, 0, sizeof(yes));
	yes.status = 200;
	yes.scope = 1;
	http_ask(fd, "GET", "/v1/admin/logs/export", token, NULL);
	yes.id = play_recv(&w->api, &w->keyd, MSG_MAY)->may.id;
	play_send(&w->keyd, MSG_MAY_ANSWER, &yes);
	logd_rows_end(w, play_recv(&w->api, &w->logd, MSG_QUERY)->query.id,
	    2 * EXPORTED);
	asked = play_recv(&w->api, &w->logd, MSG_QUERY)->query.id;
	for (id = EXPORTED; id > 0; id -= PART)
		logd_rows(w, asked, id, PART, len);
	logd_rows_end(w, asked, EXPORTED);
	/* The next page is asked for while the end of this one waits. */
	while (play_peek(&w->api, &w->logd, 2) != MSG_QUERY)
		n += read_some(fd, all + n, 8192, PLAY_MS);
	q = &play_recv(&w->api, &w->logd, MSG_QUERY)->query;
	assert_int_equal(q->after, EXPORTED);
	asked = q->id;
	logd_rows(w, asked, 2 * EXPORTED, PART, len);
	usleep(100000);		/* it has arrived, and the output is full */
	n += read_some(fd, all + n, size - n - 1, 200);
	for (id = 2 * EXPORTED - PART; id > EXPORTED; id -= PART)
		logd_rows(w, asked, id, PART, len);
	logd_rows_end(w, asked, 2 * EXPORTED);
	n += read_some(fd, all + n, size - n - 1, PLAY_MS);
	all[n] = '\0';
	for (s = all; (s = strstr(s, "{\"id\":")) != NULL; next++)
		assert_int_equal(strtoull(s += 6, NULL, 10), next);
	assert_int_equal(next, 2 * EXPORTED + 1);
	assert_string_equal(all + n - 5, "0\r\n\r\n");
	free(all);
	close(fd);
	(void)play_recv(&w->api, &w->keyd, MSG_CALLER_END);
}

/* How much of a page waits when the next is asked for depends on its size. */
static void
export_in_parts(void **state)
{
	struct api_world	 w;
	size_t			 len;

	api_new(&w, PROC_API_LOCAL);
	for (len = 1000; len < 2048; len += 100)
		export_rows(&w, len);
	assert_int_equal(api_end(&w), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(log_rows),
		cmocka_unit_test(export_in_parts),
		cmocka_unit_test(reader_leaves),
		cmocka_unit_test(values_list),
		cmocka_unit_test(stats),
		cmocka_unit_test(logd_dies)
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
