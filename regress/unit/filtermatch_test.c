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
 * The evaluator: each key against rows, and wildcards against a matcher that
 * tries everything.
 */

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "codes.h"
#include "filter.h"
#include "wildcard.h"

#define NOW	INT64_C(1795593600000000)
#define MINUTE	INT64_C(60000000)

static struct rec_row	 row;

static void
reset(void)
{
	static const uint8_t	 id[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
				    12, 13, 14, 15, 16 };

	memset(&row, 0, sizeof(row));
	row.id = 1;
	row.kind = KIND_REQUEST;
	row.action = "";
	memcpy(row.request_id, id, sizeof(id));
	row.vault = 3;
	row.actor = "0a1b";
	row.actor_name = "bot";
	row.session = "";
	row.ingress = INGRESS_MITM;
	row.method = "GET";
	row.host = "api.github.com";
	row.port = 443;
	row.path = "/repos/x%00y";
	row.service = "github";
	row.keys = "";
	row.decision = DECISION_BROKERED;
	row.status = 200;
	row.started = NOW - 10 * MINUTE;
	row.latency = 1500999;
	row.auth_header = row.detail = "";
}

static int
match(const char *s)
{
	struct filter		 f;
	struct filter_error	 e;

	filter_init(&f);
	if (filter_parse(&f, s, NOW, &e) == -1)
		fail_msg("%s: %s", s, e.text);
	return (filter_match(&f, &row));
}

static void
yes(const char *s)
{
	if (!match(s))
		fail_msg("does not match: %s", s);
}

static void
no(const char *s)
{
	if (match(s))
		fail_msg("matches: %s", s);
}

static void
test_target(void **state)
{
	reset();
	yes("");
	yes("host:api.github.com");
	yes("host:API.GitHub.com");
	yes("host:*.github.com");
	yes("host:*");
	yes("host:api.github.com:443");
	yes("host:*:443");
	no("host:*:80");
	no("host:github.com");
	no("host:api.github.com:44");
	no("!host:*.github.com");
	yes("!host:*.gitlab.com");
	yes("host:a,b,api.*");
	no("!host:a,b,api.*");
	yes("method:get");
	yes("method:POST,GET");
	no("method:POST");
	yes("service:github");
	no("service:git*");
	no("service:GitHub");
	no("service:\"\"");
	yes("!service:\"\"");
	row.host = "2001:db8::1";
	yes("host:2001:db8::1");
	yes("host:[2001:db8::1]:443");
	row.host = "";
	row.port = 0;
	yes("host:\"\"");
	no("host:?*");
}

static void
test_actor(void **state)
{
	reset();
	yes("actor:bot");
	yes("actor:0a1b");
	no("actor:b*");
	no("actor:Bot");
	no("!actor:bot");
	no("actor:\"\"");
	row.actor_name = "";
	no("actor:bot");
	no("actor:\"\"");
	row.actor = "";
	yes("actor:\"\"");
	yes("!actor:bot");
}

static void
test_status(void **state)
{
	reset();
	yes("status:200");
	yes("status:404,2xx");
	yes("status:199-200");
	no("status:201-299");
	no("status:4xx");
	yes("status_bucket:2xx");
	no("status_bucket:err");
	row.error_code = ERROR_UPSTREAM_TRUNCATED;
	yes("status_bucket:err");
	yes("status_bucket:2xx");
	yes("error_code:upstream_truncated");
	no("error_code:\"\"");
	row.error_code = ERROR_NONE;
	yes("error_code:\"\"");
	row.status = 404;
	yes("status_bucket:err");
	yes("status_bucket:4xx");
	no("status_bucket:5xx,3xx,2xx");
	no("!status_bucket:err");
	row.status = 101;
	no("status_bucket:2xx,3xx,4xx,5xx,err");
	yes("status:1xx");
	row.status = 0;
	yes("status:0");
	no("status:1xx");
	/* Nobody knows. */
	row.status = -1;
	no("status:0-999");
	yes("!status:0-999");
	no("status_bucket:2xx,3xx,4xx,5xx,err");
}

static void
test_row(void **state)
{
	reset();
	yes("path:/repos/*");
	yes("path:*%00*");
	no("path:/REPOS/*");
	no("path:/repos");
	yes("kind:request");
	no("kind:gap,event,audit");
	yes("ingress:mitm");
	no("ingress:explicit");
	yes("decision:brokered");
	no("decision:blocked,error");
	yes("min_ms:1500");
	no("min_ms:1501");
	yes("!min_ms:1501");
	row.latency = -1;
	no("min_ms:0");
	yes("!min_ms:0");
	yes("since:10m");
	no("since:9m");
	yes("until:9m");
	no("until:10m");
	yes("since:11m until:9m !since:5m");
	yes("vault:3");
	no("vault:4,0");
	no("!vault:3");
	no("vault:name");
	yes("request_id:01020304-0506-0708-090a-0b0c0d0e0f10");
	no("request_id:01020304-0506-0708-090a-0b0c0d0e0f11");
	no("request_id:01020304-0506-0709-090a-0b0c0d0e0f10");
	yes("host:api* method:GET actor:bot status:2xx path:/r*");
	no("host:api* method:GET actor:bot status:2xx path:/s*");
	no("host:api* host:b*");
	row.vault = 0;
	yes("vault:0");
}

/* Everything is tried. */
static int
naive(const char *g, const char *t)
{
	if (*g == '*')
		return (naive(g + 1, t) || (*t != '\0' && naive(g, t + 1)));
	if (*g == '?')
		return (*t != '\0' && naive(g + 1, t + 1));
	if (*g == '\\' && g[1] != '\0')
		g++;
	if (*g == '\0')
		return (*t == '\0');
	return (*g == *t && naive(g + 1, t + 1));
}

static size_t
word(char *s, const char *letters, size_t code)
{
	const size_t	 n = strlen(letters) + 1;
	size_t		 len = 0;

	/* Digits in base n, of which 0 is no letter. */
	for (; code > 0; code /= n) {
		if (code % n == 0)
			return (0);
		s[len++] = letters[code % n - 1];
	}
	s[len] = '\0';
	return (1);
}

static void
test_wildcards(void **state)
{
	char	 g[16], t[16];
	size_t	 i, k, hits = 0;

	for (i = 0; i < 6 * 6 * 6 * 6 * 6; i++) {
		if (!word(g, "ab*?\\", i))
			continue;
		for (k = 0; k < 5 * 5 * 5 * 5 * 5; k++) {
			if (!word(t, "ab*\\", k))
				continue;
			if (wildcard_match(g, t, 0) != naive(g, t))
				fail_msg("glob %s, text %s", g, t);
			hits += naive(g, t);
		}
	}
	assert_true(hits > 10000);
	assert_true(wildcard_match("A*z", "axyZ", 1));
	assert_false(wildcard_match("A*z", "axyZ", 0));
	assert_true(wildcard_match("\xc3*", "\xc3\xa4", 1));
	assert_true(wildcard_equal("aB", "Ab"));
	assert_false(wildcard_equal("aB", "Abc"));
	assert_false(wildcard_equal("aBc", "Ab"));
}

/* Many stars and a text that almost matches: product of the lengths. */
static void
test_cost(void **state)
{
	char		 g[FILTER_GLOB + 1], t[2049];
	struct timespec	 a, b;
	int		 i;

	for (i = 0; i < FILTER_GLOB - 1; i++)
		g[i] = i % 2 == 0 ? '*' : 'a';
	g[i] = 'b';
	g[i + 1] = '\0';
	memset(t, 'a', sizeof(t) - 1);
	t[sizeof(t) - 1] = '\0';
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (i = 0; i < 100; i++)
		assert_false(wildcard_match(g, t, 1));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	/* Some milliseconds each would be 100 times what it takes. */
	assert_true(b.tv_sec - a.tv_sec < 5);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_actor),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_cost)
	};

	return (cmocka_run_group_tests_name("filtermatch", tests, NULL,
	    NULL));
}
