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
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "match.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void	 test_glob(void **);
static void	 test_glob_linear(void **);
static struct lease	 lease_of(struct rec_rule *, uint32_t, uint8_t);
static void	 ask(struct match *, const struct lease *, const char *, const
		    char *, int);
static void	 expect_path(const struct match *, const char *);
static void	 test_precedence(void **);
static void	 test_methods(void **);
static void	 test_refusals(void **);
static void	 test_paths(void **);
static void	 test_path_mode(void **);

static void
test_glob(void **state)
{
	static const struct {
		const char	*pattern, *text;
		int		 match;
	} cases[] = {
		{ "", "", 1 }, { "", "/", 0 }, { "/", "/", 1 },
		{ "/a", "/a", 1 }, { "/a", "/ab", 0 }, { "/ab", "/a", 0 },
		{ "*", "", 1 }, { "*", "/a/b/c", 1 },
		{ "/a/*", "/a/", 1 }, { "/a/*", "/a", 0 },
		{ "/a/*", "/a/b/c", 1 }, { "/a/*", "/b/a/", 0 },
		{ "*/end", "/a/end", 1 }, { "*/end", "/a/end/", 0 },
		{ "/a*b", "/ab", 1 }, { "/a*b", "/a/b", 1 },
		{ "/a*b", "/abc", 0 }, { "/ab*b", "/ab", 0 },
		{ "/a*bc*d", "/axbcyd", 1 }, { "/a*bc*d", "/abd", 0 },
		{ "/a**d", "/ad", 1 }, { "/a*aa*a", "/aaaa", 1 },
		{ "/a*aa*a", "/aaa", 0 }, { "/x*ab*ab", "/xab", 0 },
		{ "/x*ab*ab", "/xabab", 1 }, { "/[a]?", "/[a]?", 1 },
		{ "/[a]", "/a", 0 }, { "/A", "/a", 0 },
	};
	size_t	 i;

	for (i = 0; i < N(cases); i++) {
		if (match_glob(cases[i].pattern, cases[i].text,
		    strlen(cases[i].text)) != cases[i].match)
			fail_msg("%s against %s", cases[i].pattern,
			    cases[i].text);
	}
	/* The text has no NUL. */
	assert_int_equal(match_glob("/a", "/ab", 2), 1);
}

/* What makes backtracking matchers slow: many stars, nearly a match. */
static void
test_glob_linear(void **state)
{
	char		 pattern[256], text[16384];
	clock_t		 start = clock();
	size_t		 i;

	for (i = 0; i + 2 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[i] = 'b';
	pattern[i + 1] = '\0';
	memset(text, 'a', sizeof(text));
	for (i = 0; i < 100; i++)
		assert_int_equal(match_glob(pattern, text, sizeof(text)), 0);
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

static struct lease
lease_of(struct rec_rule *rules, uint32_t n, uint8_t unmatched)
{
	struct lease	 l;
	uint32_t	 i;

	memset(&l, 0, sizeof(l));
	l.rules.rules = rules;
	l.rules.rules_n = n;
	l.rules.unmatched = unmatched;
	for (i = 0; i < n; i++) {
		if (rules[i].path == NULL)
			rules[i].path = "";
		if (rules[i].methods == NULL)
			rules[i].methods = "";
		if (rules[i].missing == NULL)
			rules[i].missing = "";
		if (rules[i].keys == NULL)
			rules[i].keys = "KEY";
		rules[i].service = i + 1;
	}
	return (l);
}

static void
ask(struct match *m, const struct lease *l, const char *method,
    const char *path, int tls)
{
	match_clear(m);
	assert_int_equal(match_request(m, l, method, strlen(method), path,
	    strlen(path), tls), 0);
}

static void
expect_path(const struct match *m, const char *path)
{
	assert_int_equal(m->pathlen, strlen(path));
	assert_memory_equal(m->path, path, m->pathlen);
}

static void
test_precedence(void **state)
{
	struct rec_rule	 rules[] = {
		{ .slug = "one", .path = "/v1/*", .enabled = 1 },
		{ .slug = "two", .path = "/v1/users", .enabled = 1 },
		{ .slug = "any", .enabled = 1, .passthrough = 1 },
	};
	struct lease	 l = lease_of(rules, N(rules), UNMATCHED_DENY);
	struct match	 m = { 0 };

	ask(&m, &l, "GET", "/v1/users", 1);
	assert_string_equal(m.slug, "one");
	assert_int_equal(m.decision, DECISION_BROKERED);
	assert_int_equal(m.service, 1);
	assert_string_equal(m.keys, "KEY");
	assert_int_equal(m.status, 0);
	ask(&m, &l, "GET", "/v2", 1);
	assert_string_equal(m.slug, "any");
	assert_int_equal(m.decision, DECISION_PASSTHROUGH);
	assert_int_equal(m.error, ERROR_NONE);
	match_clear(&m);
}

static void
test_methods(void **state)
{
	struct rec_header	 in = { "Authorization", "Bearer v" };
	struct rec_rule	 rules[] = {
		{ .slug = "read", .path = "/a", .methods = "GET,HEAD",
		    .enabled = 1 },
		{ .slug = "write", .path = "/a", .methods = "POST",
		    .enabled = 1, .plaintext = 1 },
	};
	struct lease	 l = lease_of(rules, N(rules), UNMATCHED_PASSTHROUGH);
	struct match	 m = { 0 };

	ask(&m, &l, "HEAD", "/a", 1);
	assert_string_equal(m.slug, "read");
	ask(&m, &l, "POST", "/a", 1);
	assert_string_equal(m.slug, "write");
	/* Not by a part of a name, not in another case. */
	ask(&m, &l, "HEA", "/a", 1);
	assert_int_equal(m.error, ERROR_METHOD_DENIED);
	ask(&m, &l, "get", "/a", 1);
	assert_int_equal(m.error, ERROR_METHOD_DENIED);
	ask(&m, &l, "DELETE", "/a", 1);
	assert_int_equal(m.decision, DECISION_BLOCKED);
	assert_int_equal(m.error, ERROR_METHOD_DENIED);
	assert_int_equal(m.status, 403);
	assert_string_equal(m.slug, "read");
	assert_string_equal(m.keys, "");
	ask(&m, &l, "GET", "/a", 0);
	assert_int_equal(m.decision, DECISION_BLOCKED);
	assert_int_equal(m.error, ERROR_PLAINTEXT_DENIED);
	ask(&m, &l, "POST", "/a", 0);
	assert_int_equal(m.decision, DECISION_BROKERED);
	/* TRACE would bring back what is injected, if it were listed or not. */
	rules[0].inject = &in;
	rules[0].inject_n = 1;
	rules[0].methods = "";
	ask(&m, &l, "GET", "/a", 1);
	assert_int_equal(m.decision, DECISION_BROKERED);
	ask(&m, &l, "TRACE", "/a", 1);
	assert_int_equal(m.decision, DECISION_BLOCKED);
	assert_int_equal(m.error, ERROR_METHOD_DENIED);
	rules[0].methods = "GET,TRACE";
	ask(&m, &l, "TRACE", "/a", 1);
	assert_int_equal(m.error, ERROR_METHOD_DENIED);
	rules[0].inject_n = 0;
	ask(&m, &l, "TRACE", "/a", 1);
	assert_int_equal(m.error, ERROR_NONE);
	/* No service covers the path: that is no near miss. */
	ask(&m, &l, "DELETE", "/b", 0);
	assert_int_equal(m.decision, DECISION_PASSTHROUGH);
	assert_null(m.rule);
	match_clear(&m);
}

static void
test_refusals(void **state)
{
	struct rec_rule	 rules[] = {
		{ .slug = "off", .path = "/off" },
		{ .slug = "lacks", .path = "/lacks", .enabled = 1,
		    .missing = "TOKEN" },
		{ .slug = "both", .path = "/both", .missing = "TOKEN" },
		{ .slug = "later", .path = "/*", .methods = "PUT",
		    .enabled = 1 },
	};
	struct lease	 l = lease_of(rules, N(rules), UNMATCHED_DENY);
	struct match	 m = { 0 };

	ask(&m, &l, "GET", "/off", 1);
	assert_int_equal(m.decision, DECISION_BLOCKED);
	assert_int_equal(m.error, ERROR_SERVICE_DISABLED);
	assert_string_equal(m.slug, "off");
	ask(&m, &l, "GET", "/lacks", 1);
	assert_int_equal(m.decision, DECISION_ERROR);
	assert_int_equal(m.error, ERROR_CREDENTIAL_NOT_FOUND);
	assert_int_equal(m.status, 502);
	ask(&m, &l, "GET", "/both", 1);
	assert_int_equal(m.error, ERROR_SERVICE_DISABLED);
	ask(&m, &l, "GET", "/other", 1);
	assert_int_equal(m.error, ERROR_METHOD_DENIED);
	l.rules.rules_n = 3;
	ask(&m, &l, "GET", "/other", 1);
	assert_int_equal(m.decision, DECISION_BLOCKED);
	assert_int_equal(m.error, ERROR_NO_MATCH);
	assert_int_equal(m.status, 403);
	l.rules.unmatched = UNMATCHED_PASSTHROUGH;
	ask(&m, &l, "GET", "/other", 1);
	assert_int_equal(m.decision, DECISION_PASSTHROUGH);
	match_clear(&m);
}

static void
test_paths(void **state)
{
	static const char *const	 never[] = {
		"/api/%2fadmin", "/api/%2Fadmin", "/api\\x", "/api/%5c",
		"/api/%252e%252e/x", "/api/..;a/x", "/api/%00", "/api/%zz",
		"*", "api/x",
	};
	struct rec_rule	 rules[] = {
		{ .slug = "api", .path = "/api/*", .enabled = 1 },
	};
	struct lease	 l = lease_of(rules, N(rules), UNMATCHED_DENY);
	struct match	 m = { 0 };
	size_t		 i;

	ask(&m, &l, "GET", "/x/../%61pi/b%7e", 1);
	assert_int_equal(m.decision, DECISION_BROKERED);
	expect_path(&m, "/api/b~");
	/* The literal text matches, the meaning does not. */
	ask(&m, &l, "GET", "/api/../admin", 1);
	assert_int_equal(m.error, ERROR_NO_MATCH);
	ask(&m, &l, "GET", "/api/%2e%2e/admin", 1);
	assert_int_equal(m.error, ERROR_NO_MATCH);
	for (i = 0; i < N(never); i++) {
		ask(&m, &l, "GET", never[i], 1);
		if (m.error != ERROR_NO_MATCH)
			fail_msg("%s", never[i]);
	}
	/* A service for the whole host takes and forwards what was sent. */
	rules[0].path = "";
	ask(&m, &l, "GET", "/a/../%2f", 1);
	assert_int_equal(m.decision, DECISION_BROKERED);
	expect_path(&m, "/a/../%2f");
	ask(&m, &l, "OPTIONS", "*", 1);
	assert_int_equal(m.decision, DECISION_BROKERED);
	expect_path(&m, "*");
	ask(&m, &l, "GET", "", 1);
	expect_path(&m, "/");
	rules[0].path = "/";
	ask(&m, &l, "GET", "", 1);
	assert_int_equal(m.decision, DECISION_BROKERED);
	expect_path(&m, "/");
	match_clear(&m);
}

static void
test_path_mode(void **state)
{
	struct rec_rule	 rules[] = {
		{ .slug = "own", .path = "/own", .enabled = 1,
		    .path_mode = PATH_NONE },
		{ .slug = "vault", .path = "/vault", .enabled = 1 },
	};
	struct lease	 l = lease_of(rules, N(rules), UNMATCHED_DENY);
	struct match	 m = { 0 };

	l.rules.path_mode = PATH_PREFIX;
	ask(&m, &l, "GET", "/own", 1);
	assert_int_equal(m.path_mode, PATH_NONE);
	ask(&m, &l, "GET", "/vault", 1);
	assert_int_equal(m.path_mode, PATH_PREFIX);
	ask(&m, &l, "GET", "/none", 1);
	assert_int_equal(m.path_mode, PATH_PREFIX);
	match_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_glob_linear),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_path_mode),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
