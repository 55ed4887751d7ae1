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

#include "codes.h"
#include "../../api/serviceform.h"

#define HEAD	"{\"name\":\"api\",\"host\":\"a.example.com\","

static void	same(const char *, const char *);
static void	refused(const char *, const char *);

/* Through the record, as keyd would give it back. */
static void
same(const char *in, const char *out)
{
	struct serviceform	 f;
	struct rec_obj_service	 o;
	struct msg_blob		 blob;
	struct arena		 arena = { NULL };
	char			 why[200];
	json_t			*j, *back;
	size_t			 n;
	char			*s;

	memset(&f, 0, sizeof(f));
	j = json_parse(in, strlen(in), why, sizeof(why));
	assert_non_null(j);
	if (serviceform_take(&f, j, why, sizeof(why)) == -1)
		fail_msg("%s: %s", in, why);
	assert_int_equal(rec_to_blob(&desc_obj_service, &f.o, &blob), 0);
	assert_int_equal(rec_from_blob(&blob, &desc_obj_service, &o, &arena),
	    0);
	back = serviceform_json(&o);
	s = json_text(back, &n);
	s[n - 1] = '\0';
	assert_string_equal(s, out);
	json_text_free(s);
	json_decref(back);
	json_decref(j);
	arena_free(&arena);
	msg_blob_free(&blob);
	serviceform_free(&f);
}

static void
refused(const char *in, const char *want)
{
	struct serviceform	 f;
	char			 why[200] = "";
	json_t			*j;

	memset(&f, 0, sizeof(f));
	j = json_loads(in, JSON_DECODE_ANY, NULL);
	assert_non_null(j);
	assert_int_equal(serviceform_take(&f, j, why, sizeof(why)), -1);
	if (strstr(why, want) == NULL)
		fail_msg("%s: %s", in, why);
	json_decref(j);
	serviceform_free(&f);
}

static void
round_trip(void **state)
{
	static const char *const	 cases[] = {
		HEAD "\"auth\":{\"type\":\"bearer\",\"token\":\"T\"}}",
		HEAD "\"enabled\":false,\"auth\":{\"type\":\"passthrough\"}}",
		HEAD "\"auth\":{\"type\":\"basic\",\"username\":\"U\"}}",
		HEAD "\"auth\":{\"type\":\"basic\",\"username\":\"U\","
		    "\"password\":\"P\"}}",
		HEAD "\"auth\":{\"type\":\"api-key\",\"key\":\"K\"}}",
		HEAD "\"auth\":{\"type\":\"api-key\",\"key\":\"K\","
		    "\"header\":\"X-Key\",\"prefix\":\"Key \"}}",
		HEAD "\"auth\":{\"type\":\"custom\",\"headers\":{"
		    "\"X-B\":\"a: {{ B }}\",\"X-A\":\"  x\",\"X-C\":\"\"}}}",
		HEAD "\"auth\":{\"type\":\"bearer\",\"token\":\"T\"},"
		    "\"methods\":[\"GET\",\"POST\"],\"allow_plaintext\":true,"
		    "\"log_path\":\"prefix\"}"
	};
	size_t	 i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		same(cases[i], cases[i]);
	/* Defaults are left out, and the path is joined. */
	same("{\"name\":\"api\",\"host\":\"a.b\",\"path\":\"/x/*\","
	    "\"enabled\":true,\"allow_plaintext\":false,"
	    "\"log_path\":\"default\",\"auth\":{\"type\":\"passthrough\"}}",
	    "{\"name\":\"api\",\"host\":\"a.b/x/*\","
	    "\"auth\":{\"type\":\"passthrough\"}}");
}

static void
joined(void **state)
{
	struct rec_obj_service	 o;
	json_t			*j;

	memset(&o, 0, sizeof(o));
	o.name = "api";
	o.host = "2001:db8::1";
	o.port = 8443;
	o.path = "/x";
	o.enabled = 1;
	o.methods = o.key1 = o.key2 = o.header = o.prefix = o.headers = "";
	j = serviceform_json(&o);
	assert_string_equal(json_string_value(json_object_get(j, "host")),
	    "[2001:db8::1]:8443/x");
	json_decref(j);
}

static void
bad(void **state)
{
	refused("[]", "must be an object");
	refused("{\"port\":1}", "\"port\"");
	refused("{\"description\":\"x\"}", "\"description\"");
	refused("{\"substitutions\":[]}", "not built yet");
	refused(HEAD "\"auth\":null}", "\"auth\" must be an object");
	refused("{\"name\":\"api\"}", "auth: type");
	refused(HEAD "\"auth\":{\"type\":\"digest\"}}", "auth: type");
	refused(HEAD "\"auth\":{\"type\":\"bearer\",\"extra\":1}}",
	    "auth: unknown field \"extra\"");
	refused(HEAD "\"auth\":{\"type\":\"bearer\",\"key\":\"K\"}}",
	    "unexpected field \"key\" for type bearer");
	refused(HEAD "\"auth\":{\"type\":\"passthrough\",\"token\":\"\"}}",
	    "unexpected field \"token\"");
	refused(HEAD "\"auth\":{\"type\":\"api-key\",\"headers\":{}}}",
	    "unexpected field \"headers\"");
	refused(HEAD "\"auth\":{\"type\":\"custom\",\"headers\":"
	    "{\"A: b\":\"x\"}}}", "not the name of a header");
	refused(HEAD "\"auth\":{\"type\":\"custom\",\"headers\":"
	    "{\"\":\"x\"}}}", "not the name of a header");
	refused(HEAD "\"auth\":{\"type\":\"custom\",\"headers\":"
	    "{\"A\":\"x\\r\\nB: y\"}}}", "line end");
	refused(HEAD "\"auth\":{\"type\":\"custom\",\"headers\":"
	    "{\"A\":1}}}", "must be a string");
	refused(HEAD "\"methods\":[\"GET,POST\"]}", "methods[0]");
	refused(HEAD "\"methods\":[\"GET\",1]}", "methods[1]");
	refused(HEAD "\"methods\":[\"\"]}", "methods[0]");
	refused(HEAD "\"methods\":[]}", "methods is empty");
	refused(HEAD "\"log_path\":\"some\"}", "log_path");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(joined),
		cmocka_unit_test(bad)
	};

	json_setup();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
