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

/* Statistics of the log as people see them: widths, locales, colours. */

#include <sys/types.h>

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../brokerctl/ctl.h"

#define STEPS	24

static json_t	*sums(int64_t, int64_t, int64_t, int64_t);
static json_t	*answer(const char *);
static char	*print(const json_t *, size_t, int);
static int	lines(const char *, size_t);

/* One of every class but the first, which has the rest. */
static json_t *
sums(int64_t count, int64_t bad, int64_t worse, int64_t lost)
{
	return (json_pack("{s:I,s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I},s:{s:I,s:I},"
	    "s:I,s:I,s:I,s:f,s:f,s:f,s:f}", "count", (json_int_t)count,
	    "by_status", "1xx", (json_int_t)0, "2xx",
	    (json_int_t)(count - bad - worse - lost), "3xx", (json_int_t)0,
	    "4xx", (json_int_t)bad, "5xx", (json_int_t)worse, "none",
	    (json_int_t)0, "unknown", (json_int_t)lost, "by_decision",
	    "brokered", (json_int_t)count, "blocked", (json_int_t)0,
	    "errors", (json_int_t)lost, "bytes_in", (json_int_t)1536,
	    "bytes_out", (json_int_t)count * 2048, "p50_ms", 0.448,
	    "p95_ms", 81.92, "p99_ms", 1310.72, "max_ms", 170000.0));
}

static json_t *
answer(const char *host)
{
	json_t		*buckets = json_array(), *o, *step;
	char		 start[32];
	int		 i;

	for (i = 0; i < STEPS; i++) {
		step = i == 3 ? sums(0, 0, 0, 0) : sums(i == 5 ? 1000 : i + 3,
		    i == 7, i == 5, i == 9);
		(void)snprintf(start, sizeof(start),
		    "2026-11-25T%02d:00:00Z", i);
		json_object_set_new(step, "start", json_string(start));
		json_array_append_new(buckets, step);
	}
	o = json_pack("{s:s,s:s,s:i,s:o,s:o,s:s,s:s,s:[{s:s,s:i},{s:s,s:i}],"
	    "s:i,s:[{s:s,s:i}],s:i}", "from", "2026-11-25T00:00:00Z", "to",
	    "2026-11-26T00:00:00Z", "step_seconds", 3600, "buckets", buckets,
	    "total", sums(1334, 1, 1, 1), "top_from", "2026-11-25T00:00:00Z",
	    "top_to", "2026-11-26T00:00:00Z", "top_hosts", "name",
	    "api.example.com", "count", 1000, "name", host, "count", 300,
	    "other_hosts", 34, "top_services", "name", "api", "count", 1000,
	    "other_services", 0);
	assert_non_null(o);
	return (o);
}

static char *
print(const json_t *o, size_t width, int colour)
{
	char	*text;
	size_t	 len;
	FILE	*f;

	assert_non_null(f = open_memstream(&text, &len));
	logs_stats(f, o, width, colour);
	assert_int_equal(fclose(f), 0);
	return (text);
}

/* How many there are; none is wider. */
static int
lines(const char *text, size_t width)
{
	char	 buf[4096];
	size_t	 n;
	int	 all = 0;

	for (; *text != '\0'; text += n + 1, all++) {
		n = strcspn(text, "\n");
		assert_true(n < sizeof(buf));
		memcpy(buf, text, n);
		buf[n] = '\0';
		if (text_width(buf) > width)
			fail_msg("%zu columns, not %zu: %s", text_width(buf),
			    width, buf);
	}
	return (all);
}

static void
test_widths(void **state)
{
	static const size_t	 widths[] = { 40, 80, 200 };
	json_t			*o = answer("a-host-with-a-name-that-is-longer"
				    "-than-the-narrowest-terminal.example");
	char			*text;
	size_t			 i;

	for (i = 0; i < 3; i++) {
		text = print(o, widths[i], 0);
		assert_in_range(lines(text, widths[i]), STEPS + 10,
		    STEPS + 24);
		/* The longest bar is as wide as the terminal. */
		assert_non_null(strstr(text, "05:00   1000  "));
		assert_int_equal(strcspn(strstr(text, "05:00"), "\n"),
		    widths[i]);
		assert_true((strstr(text, "P95") != NULL) ==
		    (widths[i] > 40));
		assert_null(strchr(text, '\033'));
		free(text);
	}
	/* Where there is no terminal lines of names are not cut. */
	text = print(o, 0, 0);
	assert_non_null(strstr(text, "narrowest-terminal.example"));
	free(text);
	json_decref(o);
}

static void
test_bars(void **state)
{
	json_t	*o = answer("b.example");
	char	*text = print(o, 80, 0), *p;

	/* One of a thousand is seen, and 998 do not hide it. */
	assert_non_null(p = strstr(text, "05:00   1000   0.4 ms    82 ms  #"));
	assert_int_equal(p[strcspn(p, "\n") - 1], '5');
	assert_non_null(strstr(text, "07:00     10   0.4 ms    82 ms  #4\n"));
	assert_non_null(strstr(text, "09:00     12   0.4 ms    82 ms  #x\n"));
	/* A step without requests is there. */
	assert_non_null(strstr(text, "\n03:00      0\n"));
	assert_non_null(strstr(text, "\n# 2xx  4 4xx  5 5xx  x no status\n"));
	free(text);
	json_decref(o);
}

static void
test_summary(void **state)
{
	json_t	*o = answer("b.example");
	char	*text = print(o, 80, 0);

	assert_non_null(strstr(text, "Requests  1334  from "
	    "2026-11-25T00:00:00Z  to 2026-11-26T00:00:00Z\n"));
	assert_non_null(strstr(text, "Status    2xx 1331  4xx 1  5xx 1  "
	    "unknown 1\n"));
	assert_non_null(strstr(text, "Decision  brokered 1334\n"));
	assert_non_null(strstr(text, "Latency   p50 0.4 ms  p95 82 ms  "
	    "p99 1.3 s  max 170 s\n"));
	assert_non_null(strstr(text, "Bytes     in 1.5 kB  out 2.7 MB\n"));
	assert_non_null(strstr(text,
	    "HOST             COUNT  SHARE\n"
	    "api.example.com   1000    75%\n"
	    "b.example          300    22%\n"
	    "others              34     3%\n"));
	assert_non_null(strstr(text,
	    "SERVICE  COUNT  SHARE\n"
	    "api       1000   100%\n"));
	assert_null(strstr(text, "Names"));
	free(text);
	json_object_set_new(o, "top_from",
	    json_string("2026-11-25T12:00:00Z"));
	text = print(o, 40, 0);
	assert_non_null(strstr(text, "Names     from 2026-11-25T12:00:00Z\n"
	    "          to 2026-11-26T00:00:00Z\n"));
	free(text);
	json_decref(o);
}

static void
test_colours(void **state)
{
	json_t	*o = answer("b.example");
	char	*plain = print(o, 80, 0), *text = print(o, 80, 1), *p, *q;

	assert_non_null(strstr(text, "\033[32m#\033[0m\033[33m4\033[0m\n"));
	/* They are all that differs. */
	for (p = q = text; *p != '\0'; p++) {
		if (*p == '\033')
			p += strcspn(p, "m");
		else
			*q++ = *p;
	}
	*q = '\0';
	assert_string_equal(text, plain);
	free(text);
	free(plain);
	json_decref(o);
}

static void
test_utf8(void **state)
{
	static const size_t	 widths[] = { 40, 80, 200 };
	json_t			*o = answer("b\303\274cher.example");
	char			*text;
	size_t			 i;

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		skip();
	for (i = 0; i < 3; i++) {
		text = print(o, widths[i], 0);
		(void)lines(text, widths[i]);
		assert_non_null(strstr(text, "\342\226\210" "5\n"));
		assert_non_null(strstr(text, "b\303\274cher.example"));
		assert_null(strchr(text, '#'));
		free(text);
	}
	assert_non_null(setlocale(LC_CTYPE, "C"));
	text = print(o, 80, 0);
	assert_non_null(strstr(text, "b\\303\\274cher.example"));
	for (i = 0; text[i] != '\0'; i++)
		assert_true((unsigned char)text[i] < 0x80);
	free(text);
	json_decref(o);
}

static void
test_empty(void **state)
{
	json_t	*o = json_pack("{s:s,s:s,s:{s:i}}", "from",
		    "2026-11-25T00:00:00Z", "to", "2026\0331-11", "total",
		    "count", 0);
	char	*text = print(o, 40, 1);

	assert_string_equal(text, "Requests  0  "
	    "from 2026-11-25T00:00:00Z\n          to 2026\\0331-11\n");
	free(text);
	json_decref(o);
}

/* Days and minutes have times of their own. */
static void
test_times(void **state)
{
	json_t	*o = answer("b.example");
	char	*text;

	json_object_set_new(o, "step_seconds", json_integer(86400));
	text = print(o, 40, 0);
	assert_non_null(strstr(text, "\nUTC         COUNT\n2026-11-25  "));
	(void)lines(text, 40);
	free(text);
	json_object_set_new(o, "step_seconds", json_integer(6 * 3600));
	text = print(o, 40, 0);
	assert_non_null(strstr(text, "\nUTC          COUNT\n11-25 00:00  "));
	(void)lines(text, 40);
	free(text);
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_times)
	};

	return (cmocka_run_group_tests_name("logsstats", tests, NULL, NULL));
}
