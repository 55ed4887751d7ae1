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
 * CSV: columns in their order, quoting, and cells that would be formulas.
 */

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv.h"

static char	*line(const char *, char *(*)(const char *));
static char	*upper(const char *);
static void	 path_is(const char *, const char *);

/* The row of some JSON. */
static char *
line(const char *json, char *(*escape)(const char *))
{
	json_t	*row = json_loads(json, 0, NULL);
	FILE	*f;
	char	*s = NULL;
	size_t	 n;

	assert_non_null(row);
	assert_non_null(f = open_memstream(&s, &n));
	assert_int_equal(csv_row(f, row, escape), 0);
	assert_int_equal(fclose(f), 0);
	json_decref(row);
	return (s);
}

static char *
upper(const char *s)
{
	char	*t = strdup(s), *p;

	for (p = t; *p != '\0'; p++)
		*p = *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p;
	return (t);
}

/* How the seventh column shows a path, in JSON without its quotes. */
static void
path_is(const char *path, const char *cell)
{
	char	 json[256], want[256];
	char	*s;

	snprintf(json, sizeof(json), "{\"path\":\"%s\"}", path);
	snprintf(want, sizeof(want), ",,,,,,%s,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n",
	    cell);
	s = line(json, NULL);
	assert_string_equal(s, want);
	free(s);
}

static void
test_names(void **state)
{
	FILE	*f;
	char	*s = NULL;
	size_t	 n, i, commas = 0;

	assert_non_null(f = open_memstream(&s, &n));
	csv_names(f);
	assert_int_equal(fclose(f), 0);
	for (i = 0; i < n; i++)
		commas += s[i] == ',';
	assert_int_equal(commas, 34);
	assert_memory_equal(s, "id,created_at,kind,action,method,host,path,",
	    43);
	assert_string_equal(s + n - 7, "detail\n");
	free(s);
}

static void
test_types(void **state)
{
	char	*s;

	s = line("{\"id\":7,\"status\":null,\"latency_us\":-1,"
	    "\"credential_keys\":[\"A\",\"B\"],\"detail\":{\"a\":\"x\"},"
	    "\"unknown\":1}", NULL);
	assert_string_equal(s, "7,,,,,,,,,\"A,B\",,,,-1,,,,,,,,,,,,,,,,,,,,,"
	    "\"{\"\"a\"\":\"\"x\"\"}\"\n");
	free(s);
	s = line("{}", NULL);
	assert_string_equal(s, ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n");
	free(s);
}

static void
test_quotes(void **state)
{
	path_is("/plain path", "/plain path");
	path_is("/a,b", "\"/a,b\"");
	path_is("/a\\\"b", "\"/a\"\"b\"");
	path_is("/a\\nb", "\"/a\nb\"");
	path_is("/a\\rb", "\"/a\rb\"");
	path_is("\\\"", "\"\"\"\"");
}

static void
test_formulas(void **state)
{
	path_is("=1+1", "'=1+1");
	path_is("+1", "'+1");
	path_is("-1", "'-1");
	path_is("@SUM(A1)", "'@SUM(A1)");
	path_is("\\t=1", "'\t=1");
	path_is("\\r=1", "\"'\r=1\"");
	path_is("=HYPERLINK(\\\"x\\\",\\\"y\\\")",
	    "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
	path_is("/=1", "/=1");
	path_is("'=1", "'=1");
	path_is("", "");
}

static void
test_escape(void **state)
{
	char	*s;

	s = line("{\"id\":1,\"path\":\"/a\",\"credential_keys\":[\"k\"]}",
	    upper);
	assert_string_equal(s,
	    "1,,,,,,/A,,,K,,,,,,,,,,,,,,,,,,,,,,,,,\n");
	free(s);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_escape)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
