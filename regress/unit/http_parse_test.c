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

#include "http.h"
#include "http_case.h"
#include "http_outcome.h"

/*
 * Runs the corpus in regress/http.  Each case is fed whole, byte by byte and
 * split at every position; all must come to the same outcome.
 */

#define SPLITS_MAX	1024	/* longer inputs are split at fewer places */

static int	 has_line(const char *, const char *, int);
static void	 same_outcome(const struct http_input *, const char *, size_t,
		    size_t);
static void	 test_case(void **);

/* Is there a line that is s, or begins with s? */
static int
has_line(const char *text, const char *s, int prefix)
{
	const char	*p;
	size_t		 n;

	n = strlen(s);
	for (p = text; *p != '\0'; p = strchr(p, '\n') + 1)
		if (strncmp(p, s, n) == 0 && (prefix || p[n] == '\n'))
			return (1);
	return (0);
}

static void
same_outcome(const struct http_input *in, const char *whole, size_t first,
    size_t step)
{
	char	*text;

	text = http_outcome(in, first, step);
	if (strcmp(text, whole) != 0)
		fail_msg("split at %zu, then every %zu:\n%s--- whole:\n%s",
		    first, step, text, whole);
	free(text);
}

static void
test_case(void **state)
{
	const struct http_case	*c;
	char			*whole;
	size_t			 i, step;
	int			 refused;

	c = *state;
	assert_true(c->input.len > 0);
	assert_true(c->nwant > 0);
	whole = http_outcome(&c->input, 0, c->input.len);
	refused = 0;
	for (i = 0; i < c->nwant; i++) {
		if (!has_line(whole, c->want[i], 0))
			fail_msg("expected \"%s\" in\n%s", c->want[i], whole);
		if (strncmp(c->want[i], "refused ", 8) == 0)
			refused = 1;
	}
	if (has_line(whole, "refused ", 1) != refused)
		fail_msg("refused, or not, unlike what is expected:\n%s",
		    whole);
	for (i = 0; i < c->nrefuse; i++)
		if (has_line(whole, c->refuse[i], 1))
			fail_msg("unexpected \"%s\" in\n%s", c->refuse[i],
			    whole);
	same_outcome(&c->input, whole, 1, 1);
	step = c->input.len / SPLITS_MAX + 1;
	for (i = 1; i < c->input.len; i += step)
		same_outcome(&c->input, whole, i, c->input.len);
	free(whole);
}

int
main(void)
{
	struct CMUnitTest	*tests;
	struct http_case	*cases;
	const char		*top;
	char			 dir[1024];
	size_t			 i, n;
	int			 failed;

	if ((top = getenv("TOP")) == NULL)
		top = ".";
	(void)snprintf(dir, sizeof(dir), "%s/regress/http", top);
	cases = http_case_load(dir, &n);
	if ((tests = calloc(n, sizeof(*tests))) == NULL)
		return (1);
	for (i = 0; i < n; i++) {
		tests[i].name = cases[i].name;
		tests[i].test_func = test_case;
		tests[i].initial_state = &cases[i];
	}
	failed = _cmocka_run_group_tests("http_parse", tests, n, NULL, NULL);
	free(tests);
	return (failed);
}
