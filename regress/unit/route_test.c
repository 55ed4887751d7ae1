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

#include "../../api/api.h"
#include "../../api/route.h"

struct api	 api;		/* that of api.c, without its main() */

static void	finds(enum http_method, const char *, request_fn *,
		    const char *, const char *);
static void	lacks(enum http_method, const char *, const char *);

static void
finds(enum http_method method, const char *path, request_fn *fn,
    const char *p0, const char *p1)
{
	const struct route	*r;
	char			*param[REQUEST_PARAMS] = { NULL };
	char			 allow[ROUTE_ALLOW_SIZE];

	r = route_find(method, path, param, allow);
	assert_non_null(r);
	assert_ptr_equal(r->fn, fn);
	if (p0 == NULL)
		assert_null(param[0]);
	else
		assert_string_equal(param[0], p0);
	if (p1 == NULL)
		assert_null(param[1]);
	else
		assert_string_equal(param[1], p1);
	free(param[0]);
	free(param[1]);
}

static void
lacks(enum http_method method, const char *path, const char *want)
{
	char	*param[REQUEST_PARAMS] = { NULL };
	char	 allow[ROUTE_ALLOW_SIZE];

	if (route_find(method, path, param, allow) != NULL)
		fail_msg("there is a route: %s", path);
	assert_string_equal(allow, want);
	free(param[0]);
	free(param[1]);
}

static void
decode(void **state)
{
	static const struct {
		const char	*in;
		int		 plus;
		const char	*out;
	} cases[] = {
		{ "", 0, "" },
		{ "abc", 0, "abc" },
		{ "a%2Fb%2fc", 0, "a/b/c" },
		{ "a+b", 0, "a+b" },
		{ "a+b", 1, "a b" },
		{ "%2B", 1, "+" },
		{ "%C3%A4", 0, "\xc3\xa4" },
		{ "%25", 0, "%" },
		{ "%00", 0, NULL },
		{ "%", 0, NULL },
		{ "%1", 0, NULL },
		{ "a%zz", 0, NULL },
		{ "%-1", 0, NULL }
	};
	char	*s;
	size_t	 i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = route_decode(cases[i].in, strlen(cases[i].in),
		    cases[i].plus);
		if (cases[i].out == NULL)
			assert_null(s);
		else {
			assert_non_null(s);
			assert_string_equal(s, cases[i].out);
		}
		free(s);
	}
	assert_null(route_decode("a\0b", 3, 0));
}

static void
words(void **state)
{
	assert_true(route_word("limit before after", "limit"));
	assert_true(route_word("limit before after", "before"));
	assert_true(route_word("limit before after", "after"));
	assert_false(route_word("limit before after", "lim"));
	assert_false(route_word("limit before after", "fore"));
	assert_false(route_word("limit before after", "limit before"));
	assert_false(route_word("limit", ""));
	assert_false(route_word(NULL, "limit"));
}

static void
found(void **state)
{
	api.proc = PROC_API_TCP;
	finds(HTTP_M_GET, "/health", status_health, NULL, NULL);
	finds(HTTP_M_HEAD, "/health", status_health, NULL, NULL);
	finds(HTTP_M_DELETE, "/v1/vaults/m%61in", vaults_delete, "main", NULL);
	finds(HTTP_M_PATCH, "/v1/vaults/a/services/*.x.y%2Fz%2F*",
	    services_enable, "a", "*.x.y/z/*");
	finds(HTTP_M_GET, "/v1/vaults/a/services/credential-usage",
	    services_usage, "a", NULL);
	/* A service may be called like that. */
	finds(HTTP_M_DELETE, "/v1/vaults/a/services/credential-usage",
	    services_delete, "a", "credential-usage");
	finds(HTTP_M_POST, "/v1/vaults/a/agents/b/role", grants_role, "a",
	    "b");
	finds(HTTP_M_POST, "/v1/agents/b/role", agents_role, "b", NULL);
	finds(HTTP_M_GET, "/v1/vaults/rename/logs", logs_vault, "rename",
	    NULL);
}

static void
not_found(void **state)
{
	api.proc = PROC_API_TCP;
	lacks(HTTP_M_GET, "", "");
	lacks(HTTP_M_GET, "/page", "");
	lacks(HTTP_M_GET, "/page/", "");
	lacks(HTTP_M_POST, "/", "GET, HEAD");
	lacks(HTTP_M_GET, "/healthy", "");
	lacks(HTTP_M_GET, "/health/", "");
	lacks(HTTP_M_GET, "//health", "");
	lacks(HTTP_M_GET, "/v1/vaults/", "");
	lacks(HTTP_M_GET, "/v1/vaults//settings", "");
	lacks(HTTP_M_GET, "/v1/vaults/a/b/settings", "");
	lacks(HTTP_M_GET, "/V1/vaults", "");
	lacks(HTTP_M_GET, "/v1/vaults/%00/settings", "");
	lacks(HTTP_M_GET, "/v1/vaults/%/settings", "");
	lacks(HTTP_M_OPTIONS, "/v1/vaults", "GET, HEAD, POST");
	lacks(HTTP_M_OTHER, "/v1/vaults", "GET, HEAD, POST");
	lacks(HTTP_M_DELETE, "/health", "GET, HEAD");
	lacks(HTTP_M_PATCH, "/v1/vaults/a/services",
	    "DELETE, GET, HEAD, POST, PUT");
	lacks(HTTP_M_GET, "/v1/vaults/a/services/b", "DELETE, PATCH");
	lacks(HTTP_M_POST, "/v1/vaults/a/services/credential-usage",
	    "DELETE, GET, HEAD, PATCH");
}

static void
local(void **state)
{
	api.proc = PROC_API_TCP;
	lacks(HTTP_M_POST, "/v1/brokerd/init", "");
	lacks(HTTP_M_GET, "/v1/brokerd/status", "");
	lacks(HTTP_M_GET, "/v1/brokerd/reload", "");
	api.proc = PROC_API_LOCAL;
	finds(HTTP_M_POST, "/v1/brokerd/init", status_init, NULL, NULL);
	finds(HTTP_M_GET, "/v1/brokerd/status", status_processes, NULL,
	    NULL);
	lacks(HTTP_M_GET, "/v1/brokerd/reload", "POST");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(words),
		cmocka_unit_test(found),
		cmocka_unit_test(not_found),
		cmocka_unit_test(local)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
