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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../api/json.h"

static char	 why[200];

static int	take(const char *, const struct json_field *);
static void	is_text(json_t *, const char *);

static int
take(const char *text, const struct json_field *fields)
{
	json_t	*j;
	int	 rc;

	j = json_parse(text, strlen(text), why, sizeof(why));
	assert_non_null(j);
	rc = json_take(j, fields, why, sizeof(why));
	json_decref(j);
	return (rc);
}

/* The value, which is taken over, is written like that. */
static void
is_text(json_t *j, const char *want)
{
	size_t	 n;
	char	*s;

	s = json_text(j, &n);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(s, want, n);
	json_text_free(s);
	json_decref(j);
}

static void
parse(void **state)
{
	static const char *const	 bad[] = {
		"", " ", "{", "{}}", "{} {}", "{}x", "[]", "1", "\"x\"",
		"null", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{'a':1}",
		"{\"a\":1,\"a\":2}", "{\"b\":{\"a\":1,\"a\":1}}",
		"{\"a\":\"\\u0000\"}", "{\"\\u0000\":1}", "{\"a\":\"\n\"}",
		"{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\\ud800\"}", "{\"a\":01}", "{\"a\":+1}",
		"{\"a\":99999999999999999999}", "{\"a\":nan}",
		"{\"a\":tru}", "{\"a\":1} // x"
	};
	static const char		 odd[] =
	    " {\"a\":[true,null,-1.5e3,\"\xc3\xa4\"]} xx";
	json_t				*j;
	size_t				 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		j = json_parse(bad[i], strlen(bad[i]), why, sizeof(why));
		if (j != NULL)
			fail_msg("taken: %s", bad[i]);
		assert_true(strlen(why) > 10);
	}
	/* Nothing of a secret comes back. */
	assert_null(json_parse("{\"s\":s3cret}", 12, why, sizeof(why)));
	assert_null(strstr(why, "s3cret"));
	assert_null(json_parse("{\"s3cret\":1,\"s3cret\":1}", 23, why,
	    sizeof(why)));
	assert_null(strstr(why, "s3cret"));
	/* A NUL behind it is text behind it; no more than n is looked at. */
	assert_null(json_parse("{}\0", 3, why, sizeof(why)));
	j = json_parse(odd, strlen(odd) - 2, why, sizeof(why));
	assert_non_null(j);
	json_decref(j);
}

static void
deep(void **state)
{
	static char	 text[100000];
	size_t		 i;

	text[0] = '{';
	memcpy(text + 1, "\"a\":", 4);
	for (i = 5; i < sizeof(text) - 1; i++)
		text[i] = '[';
	assert_null(json_parse(text, sizeof(text) - 1, why, sizeof(why)));
}

static void
fields(void **state)
{
	const char			*text = "as it was";
	const json_t			*list = NULL, *map = NULL;
	int64_t				 number = -1;
	int				 flag = -1;
	const struct json_field		 all[] = {
		{ "text", JSON_TEXT, &text },
		{ "flag", JSON_FLAG, &flag },
		{ "number", JSON_NUMBER, &number },
		{ "list", JSON_LIST, &list },
		{ "map", JSON_MAP, &map },
		{ "later", JSON_LATER, NULL },
		{ NULL, JSON_LATER, NULL }
	};
	static const char *const	 bad[][2] = {
		{ "{\"text\":1}", "\"text\" must be a string" },
		{ "{\"text\":null}", "\"text\" must be a string" },
		{ "{\"flag\":\"true\"}", "\"flag\" must be true or false" },
		{ "{\"flag\":1}", "\"flag\" must be true or false" },
		{ "{\"number\":1.5}", "\"number\" must be a whole number" },
		{ "{\"number\":\"1\"}", "\"number\" must be a whole number" },
		{ "{\"list\":{}}", "\"list\" must be a list" },
		{ "{\"map\":[]}", "\"map\" must be an object" },
		{ "{\"later\":1}",
		    "\"later\" belongs to a feature that is not built yet" },
		{ "{\"Text\":\"x\"}", "unknown field \"Text\"" },
		{ "{\"\":1}", "unknown field \"\"" }
	};
	static const char		 good[] = "{\"text\":\"x\","
	    "\"flag\":false,\"number\":-7,\"list\":[1,2],"
	    "\"map\":{\"a\":1}}";
	size_t				 i;
	json_t				*j;

	assert_int_equal(take("{}", all), 0);
	assert_int_equal(json_take(NULL, all, why, sizeof(why)), 0);
	assert_string_equal(text, "as it was");
	assert_int_equal(flag, -1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(take(bad[i][0], all), -1);
		assert_string_equal(why, bad[i][1]);
	}
	j = json_parse(good, strlen(good), why, sizeof(why));
	assert_non_null(j);
	assert_int_equal(json_take(j, all, why, sizeof(why)), 0);
	assert_string_equal(text, "x");
	assert_int_equal(flag, 0);
	assert_int_equal(number, -7);
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(json_object_size(map), 1);
	json_decref(j);
}

static void
write(void **state)
{
	json_t	*j = json_map(), *list = json_list();

	json_put_text(j, "b", "\xc3\xa4\"\n");
	json_put_text(j, "a", "cut \xc3");
	json_put_text(j, "none", NULL);
	json_put_number(j, "n", -1);
	json_put_flag(j, "f", 1);
	json_put_time(j, "t", 1700000000);
	json_put_time(j, "t0", 0);
	json_put_instant(j, "i", 1700000000000005);
	json_put_instant(j, "i0", -1);
	json_add(list, json_word("x"));
	json_put(j, "l", list);
	is_text(j, "{\"b\":\"\xc3\xa4\\\"\\n\",\"a\":\"cut ?\","
	    "\"none\":\"\",\"n\":-1,\"f\":true,"
	    "\"t\":\"2023-11-14T22:13:20Z\",\"t0\":\"1970-01-01T00:00:00Z\","
	    "\"i\":\"2023-11-14T22:13:20.000005Z\","
	    "\"i0\":\"1969-12-31T23:59:59.999999Z\",\"l\":[\"x\"]}\n");
	is_text(json_map(), "{}\n");
}

static void
sort(void **state)
{
	static const char *const	 names[] = { "c", "a", "d", "b", "a" };
	json_t				*list = json_list(), *j;
	size_t				 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		j = json_map();
		json_put_text(j, "k", names[i]);
		json_put_number(j, "n", i);
		json_add(list, j);
	}
	json_sort(list, "k");
	is_text(list, "[{\"k\":\"a\",\"n\":1},{\"k\":\"a\",\"n\":4},"
	    "{\"k\":\"b\",\"n\":3},{\"k\":\"c\",\"n\":0},"
	    "{\"k\":\"d\",\"n\":2}]\n");
	list = json_list();
	json_sort(list, "k");
	is_text(list, "[]\n");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(deep),
		cmocka_unit_test(fields),
		cmocka_unit_test(write),
		cmocka_unit_test(sort)
	};

	json_setup();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
