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
 * The grammar of filters: what each way of writing one means, what is refused
 * and where, and that what is printed is read as the same.
 */

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "filter.h"
#include "instant.h"

#define NOW	INT64_C(1795593600123456)	/* 2026-11-25T08:00:00 */

static struct filter		 f, g;
static struct filter_error	 e;
static char			 text[FILTER_MAX + 1];

/* The canonical text of a text. */
static const char *
canon(const char *s)
{
	filter_init(&f);
	if (filter_parse(&f, s, NOW, &e) == -1)
		fail_msg("%s: %s", s, e.text);
	assert_true(filter_print(&f, text) == strlen(text));
	return (text);
}

static void
same(const struct filter *a, const struct filter *b)
{
	int	 i;

	assert_int_equal(a->nterms, b->nterms);
	assert_int_equal(a->nvalues, b->nvalues);
	assert_memory_equal(a->terms, b->terms, sizeof(a->terms));
	for (i = 0; i < a->nvalues; i++) {
		assert_true(a->values[i].lo == b->values[i].lo);
		assert_true(a->values[i].hi == b->values[i].hi);
		assert_string_equal(a->text + a->values[i].text,
		    b->text + b->values[i].text);
	}
}

static const struct {
	const char	*text;
	const char	*canon;		/* NULL: the same */
} good[] = {
	{ "", NULL },
	{ " \t\n", "" },
	{ "host:*.github.com status:5xx,404 !actor:bot min_ms:500", NULL },
	{ "  host:a.example\tpath:/x ", "host:a.example path:/x" },
	{ "actor:!bot", "!actor:bot" },
	{ "!actor:a,b,\"c d\"", NULL },
	{ "actor:\"a,b\",\"say \\\"x\\\"\",\"!\",\"\"", NULL },
	{ "actor:\"plain\"", "actor:plain" },
	{ "path:/a\\*b", NULL },
	{ "path:\"/a\\\\* b\"", NULL },
	{ "path:\"/a\\* b\"", "path:\"/a\\\\* b\"" },
	{ "path:/a%00b,/%ff", NULL },
	{ "path:/a:b!c", NULL },
	{ "service:\"\"", NULL },
	{ "host:[::1]:443", NULL },
	{ "method:get,POST", NULL },
	{ "status:0,7,42,404,999", NULL },
	{ "status:5XX,500-599,200-299,404-404",
	    "status:5xx,5xx,2xx,404" },
	{ "status:0-99,100-199,500-598", "status:0-99,1xx,500-598" },
	{ "status_bucket:2xx,3xx,4xx,5xx,err", NULL },
	{ "ingress:explicit,forward,mitm,\"\"", NULL },
	{ "kind:request,gap,event,audit", NULL },
	{ "decision:brokered,passthrough,blocked,error", NULL },
	{ "error_code:worker_lost,no_match", NULL },
	{ "!error_code:\"\"", NULL },
	{ "min_ms:0 !min_ms:1000000000000", NULL },
	{ "vault:default,17,0", NULL },
	{ "vault:007", "vault:7" },
	{ "request_id:0192A9C3-7f00-7abc-8def-0123456789AB",
	    "request_id:0192a9c3-7f00-7abc-8def-0123456789ab" },
	{ "request_id:0192a9c37f007abc8def0123456789ab",
	    "request_id:0192a9c3-7f00-7abc-8def-0123456789ab" },
	{ "since:15m", "since:2026-11-25T07:45:00.123456Z" },
	{ "until:2h", "until:2026-11-25T06:00:00.123456Z" },
	{ "since:3d !until:30s", "since:2026-11-22T08:00:00.123456Z"
	    " !until:2026-11-25T07:59:30.123456Z" },
	{ "since:2026-11-25T08:00:00Z", "since:2026-11-25T08:00:00.000000Z" },
	{ "since:2026-11-25t10:00:00.1234567+02:00",
	    "since:2026-11-25T08:00:00.123456Z" },
	{ "host:a host:b", NULL }
};

static const struct {
	const char	*text;
	size_t		 at;
	const char	*says;
} bad[] = {
	{ "hosts:a", 0, "there is no key \"hosts\"" },
	{ "host:a  nokey:b", 8, "there is no key \"nokey\"" },
	{ "!nokey:b", 1, "there is no key \"nokey\"" },
	{ "Host:a", 0, "there is no key \"Host\"" },
	{ ":a", 0, "there is no key \"\"" },
	{ "github", 0, "\"github\" is no term" },
	{ "host:a github", 7, "\"github\" is no term" },
	{ "host a:b", 0, "\"host\" is no term" },
	{ "!", 1, "is no term" },
	{ "!!host:a", 1, "there is no key \"!host\"" },
	{ "host:", 5, "host: a value is missing" },
	{ "host: a", 5, "host: a value is missing" },
	{ "host:a,", 7, "host: a value is missing" },
	{ "host:,a", 5, "host: a value is missing" },
	{ "host:!", 6, "host: a value is missing" },
	{ "!host:!a", 6, "a ! stands before the whole term" },
	{ "host:a,!b", 7, "a ! stands before the whole term" },
	{ "host:\"a", 5, "do not end" },
	{ "host:a\"b\"", 6, "quotes must be around" },
	{ "host:\"a\"b", 8, "after quotes" },
	{ "ingress:foo", 8, "ingress: \"foo\" is not known; there are "
	    "explicit, forward, mitm" },
	{ "kind:\"\"", 5, "kind: \"\" is not known" },
	{ "kind:request,Gap", 13, "kind: \"Gap\" is not known" },
	{ "decision:no", 9, "decision: \"no\" is not known" },
	{ "error_code:nope", 11, "error_code: \"nope\" is not known" },
	{ "status_bucket:1xx", 14, "status_bucket: \"1xx\" is not known; "
	    "there are 2xx, 3xx, 4xx, 5xx, err" },
	{ "status_bucket:ERR", 14, "\"ERR\" is not known" },
	{ "status:0xx", 7, "status: \"0xx\" is no status" },
	{ "status:1000", 7, "is no status" },
	{ "status:599-500", 7, "is no status" },
	{ "status:5x", 7, "is no status" },
	{ "status:-1", 7, "is no status" },
	{ "status:404,", 11, "a value is missing" },
	{ "status:404,abc", 11, "status: \"abc\" is no status" },
	{ "min_ms:1.5", 7, "min_ms: \"1.5\" is no number" },
	{ "min_ms:-1", 7, "is no number" },
	{ "min_ms:1000000000001", 7, "is no number" },
	{ "min_ms:99999999999999999999999", 7, "is no number" },
	{ "min_ms:1,2", 9, "min_ms takes one value" },
	{ "since:1h,2h", 9, "since takes one value" },
	{ "until:x", 6, "until: \"x\" is no time" },
	{ "since:5", 6, "is no time" },
	{ "since:5w", 6, "is no time" },
	{ "since:m", 6, "is no time" },
	{ "since:5mm", 6, "is no time" },
	{ "since:999999999999999d", 6, "is no time" },
	{ "since:2026-11-25", 6, "is no time" },
	{ "since:2026-02-29T00:00:00Z", 6, "is no time" },
	{ "since:2026-11-25T24:00:00Z", 6, "is no time" },
	{ "since:2026-11-25T08:00:00", 6, "is no time" },
	{ "since:2026-11-25T08:00:00Zx", 6, "is no time" },
	{ "since:2026-11-25T08:00:00.Z", 6, "is no time" },
	{ "since:0000-01-01T00:00:00+00:01", 6, "is no time" },
	{ "since:9999-12-31T23:59:59-00:01", 6, "is no time" },
	{ "request_id:12", 11, "request_id: \"12\" is no UUID" },
	{ "request_id:0192a9c37f007abc8def0123456789abc", 11, "is no UUID" },
	{ "request_id:g192a9c37f007abc8def0123456789ab", 11, "is no UUID" },
	{ "vault:\"\"", 6, "vault: a name or an id is missing" },
	{ "before:5", 0, "there is no key \"before\"" }
};

static void
test_good(void **state)
{
	const char	*want;
	size_t		 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		want = good[i].canon == NULL ? good[i].text : good[i].canon;
		assert_string_equal(canon(good[i].text), want);
		g = f;
		/* Whenever that is read. */
		filter_init(&f);
		assert_int_equal(filter_parse(&f, text, NOW + 5000000, &e),
		    0);
		same(&f, &g);
	}
}

static void
test_bad(void **state)
{
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		filter_init(&f);
		if (filter_parse(&f, bad[i].text, NOW, &e) == 0)
			fail_msg("taken: %s", bad[i].text);
		if (strstr(e.text, bad[i].says) == NULL)
			fail_msg("%s: %s", bad[i].text, e.text);
		if (e.at != bad[i].at)
			fail_msg("%s: at %zu", bad[i].text, e.at);
	}
}

/* Both ways of writing a filter give the same one, all of it. */
static void
test_ways(void **state)
{
	static const struct {
		const char	*key;
		const char	*list;
		const char	*text;
	} ways[] = {
		{ "host", "*.github.com", "host:*.github.com" },
		{ "actor", "!bot", "!actor:bot" },
		{ "actor", "a b,c", "actor:\"a b\",c" },
		{ "actor", "\"a,b\",c\td", "actor:\"a,b\",\"c\td\"" },
		{ "status", "5xx,404", "status:5xx,404" },
		{ "since", "2h", "since:2h" },
		{ "service", "\"\"", "service:\"\"" },
		{ "service", "", "" },
		{ "vault", "x,3", "vault:x,3" }
	};
	size_t	 i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		(void)canon(ways[i].text);
		filter_init(&g);
		if (filter_add(&g, ways[i].key, ways[i].list, NOW, &e) == -1)
			fail_msg("%s: %s", ways[i].list, e.text);
		assert_memory_equal(&f, &g, sizeof(f));
	}
	filter_init(&g);
	assert_int_equal(filter_add(&g, "nokey", "", NOW, &e), -1);
	assert_int_equal(filter_add(&g, "status", "404,x", NOW, &e), -1);
	assert_int_equal(e.at, 4);
	assert_int_equal(filter_add(&g, "host", "!!a", NOW, &e), -1);
	assert_int_equal(e.at, 1);
}

static void
fill(char *buf, size_t size, const char *unit)
{
	size_t	 n = strlen(buf), len = strlen(unit);

	for (; n + len < size; n += len)
		memcpy(buf + n, unit, len + 1);
}

static void
refused(const char *s, const char *says)
{
	filter_init(&f);
	assert_int_equal(filter_parse(&f, s, NOW, &e), -1);
	if (strstr(e.text, says) == NULL)
		fail_msg("%s", e.text);
}

/* What is not known to be short is refused, whatever it grows to. */
static void
test_bounds(void **state)
{
	static char	 buf[8192];
	int		 i;

	(void)strlcpy(buf, "actor:", sizeof(buf));
	fill(buf, FILTER_MAX + 1, "a");
	assert_int_equal(strlen(canon(buf)), FILTER_MAX);
	fill(buf, FILTER_MAX + 2, "a");
	refused(buf, "the filter is longer than 2048 bytes");
	fill(buf, sizeof(buf), "a");
	refused(buf, "the filter is longer than 2048 bytes");
	(void)strlcpy(buf, "actor:\"", sizeof(buf));
	fill(buf, sizeof(buf) - 2, "\\");
	(void)strlcat(buf, "\"", sizeof(buf));
	refused(buf, "the filter is longer than 2048 bytes");

	(void)strlcpy(buf, "path:", sizeof(buf));
	fill(buf, FILTER_GLOB + sizeof("path:"), "*");
	(void)canon(buf);
	(void)strlcat(buf, "*", sizeof(buf));
	refused(buf, "path: the pattern is longer than 256 bytes");

	*buf = '\0';
	for (i = 0; i < FILTER_TERMS; i++)
		(void)strlcat(buf, "min_ms:1 ", sizeof(buf));
	(void)canon(buf);
	(void)strlcat(buf, "min_ms:1 ", sizeof(buf));
	refused(buf, "more than 32 terms");

	(void)strlcpy(buf, "status:1", sizeof(buf));
	for (i = 1; i < FILTER_VALUES; i++)
		(void)strlcat(buf, ",1", sizeof(buf));
	(void)canon(buf);
	(void)strlcat(buf, ",1", sizeof(buf));
	refused(buf, "more than 128 values");

	/* Short to write, long to print. */
	*buf = '\0';
	for (i = 0; i < FILTER_TERMS; i++)
		(void)strlcat(buf, "status:5xx,5xx,5xx ", sizeof(buf));
	(void)canon(buf);
	*buf = '\0';
	for (i = 0; i < 40; i++)
		(void)strlcat(buf, i == 0 ? "request_id:" : ",",
		    sizeof(buf)),
		(void)strlcat(buf, "0192a9c37f007abc8def0123456789ab",
		    sizeof(buf));
	(void)canon(buf);
	for (i = 0; i < 20; i++)
		(void)strlcat(buf, ",0192a9c37f007abc8def0123456789ab",
		    sizeof(buf));
	assert_true(strlen(buf) < FILTER_MAX);
	refused(buf, "the filter is longer than 2048 bytes");
}

/* Every text of up to six characters that matter, after a key. */
static void
test_exhaustive(void **state)
{
	static const char	 c[] = "a\"\\!, *:";
	const size_t		 n = sizeof(c) - 1;
	char			 s[16];
	size_t			 len, i, k, code, all, taken = 0;

	for (len = 0, all = 1; len <= 6; len++, all *= n) {
		for (i = 0; i < all; i++) {
			(void)strlcpy(s, "path:", sizeof(s));
			for (k = 0, code = i; k < len; k++, code /= n)
				s[5 + k] = c[code % n];
			s[5 + len] = '\0';
			filter_init(&f);
			if (filter_parse(&f, s, NOW, &e) == -1) {
				if (e.at > strlen(s) || *e.text == '\0')
					fail_msg("%s: at %zu", s, e.at);
				continue;
			}
			taken++;
			(void)filter_print(&f, text);
			filter_init(&g);
			if (filter_parse(&g, text, 0, &e) == -1)
				fail_msg("%s: %s: %s", s, text, e.text);
			same(&f, &g);
		}
	}
	assert_true(taken > 10000);
}

static size_t
ids_of(const char *name, uint64_t *ids, size_t max, void *arg)
{
	assert_ptr_equal(arg, &f);
	if (strcmp(name, "one") == 0) {
		ids[0] = 1;
		return (1);
	}
	if (strcmp(name, "twice") == 0) {
		ids[0] = 2;
		ids[1] = 5;
		return (2);
	}
	return (0);
}

static void
test_resolve(void **state)
{
	(void)canon("host:a vault:one,twice,9 !vault:twice path:/x");
	assert_int_equal(filter_resolve(&f, ids_of, &f, &e), 0);
	(void)filter_print(&f, text);
	assert_string_equal(text, "host:a vault:1,2,5,9 !vault:2,5 path:/x");
	(void)canon("vault:one,nobody");
	assert_int_equal(filter_resolve(&f, ids_of, &f, &e), -1);
	assert_string_equal(e.text,
	    "vault: there is and was no vault \"nobody\"");
}

static void
test_has(void **state)
{
	int64_t	 since, until;

	(void)canon("host:a");
	assert_true(filter_has(&f, FILTER_HOST));
	assert_false(filter_has(&f, FILTER_VAULT));
	assert_true(filter_has_target(&f));
	assert_false(filter_has_actor(&f));
	assert_false(filter_has_path(&f));
	filter_span(&f, &since, &until);
	assert_true(since == INT64_MIN && until == INT64_MAX);
	(void)canon("since:2h since:1h until:10m !until:30m !since:5m");
	filter_span(&f, &since, &until);
	assert_true(since == NOW - INT64_C(1800) * 1000000);
	assert_true(until == NOW - INT64_C(600) * 1000000);
	(void)canon("!path:/x actor:a");
	assert_true(filter_has_path(&f) && filter_has_actor(&f));
	assert_int_equal(filter_key("status_bucket"), FILTER_STATUS_BUCKET);
	assert_int_equal(filter_key("after"), -1);
}

/* The calendar, day by day, against libc. */
static void
test_instants(void **state)
{
	char		 buf[INSTANT_SIZE], want[96];
	struct tm	 tm;
	time_t		 t;
	int64_t		 us;

	for (t = -(time_t)62167219200; t < (time_t)253402300800;
	    t += 86400 * 13 + 4711) {
		assert_non_null(gmtime_r(&t, &tm));
		(void)snprintf(want, sizeof(want),
		    "%04d-%02d-%02dT%02d:%02d:%02d.000042Z",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		    tm.tm_hour, tm.tm_min, tm.tm_sec);
		instant_print((int64_t)t * 1000000 + 42, buf);
		assert_string_equal(buf, want);
		assert_int_equal(instant_parse(buf, 0, &us), 0);
		assert_true(us == (int64_t)t * 1000000 + 42);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_exhaustive),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_has),
		cmocka_unit_test(test_instants)
	};

	return (cmocka_run_group_tests_name("filter", tests, NULL, NULL));
}
