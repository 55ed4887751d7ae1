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
#include <string.h>

#include <cmocka.h>

#include "../../proxy/cred.h"
#include "http.h"

/*
 * Credentials of clients, in all forms that they can have and some that they
 * cannot.
 */

static struct http_field	 fields[HTTP_LIMIT_FIELDS];
static struct http_head		 head;
static char			 text[8192];

static void
parse(const char *lines)
{
	(void)snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", lines);
	http_head_request(&head, &http_limits_default, fields);
	assert_int_equal(http_parse(&head, text, strlen(text)), HTTP_DONE);
}

static void
takes(const char *line, const char *token, const char *vault)
{
	struct cred	 c;

	parse(line);
	if (cred_proxy(&head, &c) == -1)
		fail_msg("refused: %s", line);
	assert_string_equal(c.token, token);
	assert_string_equal(c.vault, vault);
	cred_clear(&c);
	assert_string_equal(c.token, "");
}

static void
refuses(const char *line)
{
	struct cred	 c;

	parse(line);
	if (cred_proxy(&head, &c) != -1)
		fail_msg("taken: %s", line);
}

static void
proxy_forms(void **state)
{
	takes("Proxy-Authorization: Bearer tok\r\n", "tok", "");
	takes("proxy-authorization: BEARER   tok\r\n", "tok", "");
	takes("Proxy-Authorization: Basic dG9r\r\n", "tok", "");
	takes("Proxy-Authorization: Basic dG9rOg==\r\n", "tok", "");
	takes("Proxy-Authorization: Basic dG9rOg\r\n", "tok", "");
	takes("Proxy-Authorization: basic dG9rOm1haW4=\r\n", "tok", "main");
	/* The first colon splits. */
	takes("Proxy-Authorization: Basic dG9rOmE6Yg==\r\n", "tok", "a:b");
	takes("Proxy-Authorization: Basic dG9rMQ==\r\n", "tok1", "");
}

static void
proxy_refused(void **state)
{
	refuses("");
	refuses("Authorization: Bearer tok\r\n");
	refuses("Proxy-Authorization: Bearer\r\n");
	refuses("Proxy-Authorization: Bearer \r\n");
	refuses("Proxy-Authorization: Bearer a b\r\n");
	refuses("Proxy-Authorization: Bearertok\r\n");
	refuses("Proxy-Authorization: Digest tok\r\n");
	refuses("Proxy-Authorization: Basic\r\n");
	refuses("Proxy-Authorization: Basic =\r\n");
	refuses("Proxy-Authorization: Basic ====\r\n");
	refuses("Proxy-Authorization: Basic dG9r!\r\n");
	refuses("Proxy-Authorization: Basic dG=r\r\n");
	refuses("Proxy-Authorization: Basic d\r\n");
	refuses("Proxy-Authorization: Basic Og==\r\n");		/* : */
	refuses("Proxy-Authorization: Basic OnA=\r\n");		/* :p */
	refuses("Proxy-Authorization: Basic dG8AaA==\r\n");	/* to\0h */
	refuses("Proxy-Authorization: Basic dG9rOgA=\r\n");	/* tok:\0 */
	/* Two are one too many, even if they are the same. */
	refuses("Proxy-Authorization: Bearer tok\r\n"
	    "Proxy-Authorization: Bearer tok\r\n");
}

static void
bounds(void **state)
{
	char	 line[2048], token[CRED_TOKEN + 2];

	memset(token, 't', sizeof(token));
	token[CRED_TOKEN] = '\0';
	(void)snprintf(line, sizeof(line),
	    "Proxy-Authorization: Bearer %s\r\n", token);
	takes(line, token, "");
	token[CRED_TOKEN] = 't';
	token[CRED_TOKEN + 1] = '\0';
	(void)snprintf(line, sizeof(line),
	    "Proxy-Authorization: Bearer %s\r\n", token);
	refuses(line);
	/* A name of 65 bytes, and far too much of anything. */
	refuses("Proxy-Authorization: Basic "
	    "dG9rOnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2"
	    "dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2" "\r\n");
	memset(line, 'A', sizeof(line));
	memcpy(line, "Proxy-Authorization: Basic ", 27);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	refuses(line);
}

static void
explicit_forms(void **state)
{
	struct cred	 c;

	parse("Authorization: Bearer tok\r\n");
	assert_int_equal(cred_explicit(&head, &c), 0);
	assert_string_equal(c.token, "tok");
	assert_string_equal(c.vault, "");
	parse("Authorization: Bearer tok\r\nX-Vault: main\r\n");
	assert_int_equal(cred_explicit(&head, &c), 0);
	assert_string_equal(c.vault, "main");
	parse("Authorization: Basic dG9r\r\n");
	assert_int_equal(cred_explicit(&head, &c), -1);
	parse("Proxy-Authorization: Bearer tok\r\n");
	assert_int_equal(cred_explicit(&head, &c), -1);
	parse("Authorization: Bearer tok\r\nX-Vault: a\r\nX-Vault: a\r\n");
	assert_int_equal(cred_explicit(&head, &c), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(proxy_forms),
		cmocka_unit_test(proxy_refused),
		cmocka_unit_test(bounds),
		cmocka_unit_test(explicit_forms)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
