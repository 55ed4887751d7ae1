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

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "http.h"
#include "../unit/http_case.h"

/*
 * Writes the cases of regress/http as inputs of the harnesses: one file a
 * case in DIR/request or DIR/response, with the harness's first byte.
 */

#define SEED_MAX	4096	/* the fuzzer is not helped by long ones */

static int	 control(const struct http_input *);
static void	 seed(const char *, const struct http_case *, size_t);

static int
control(const struct http_input *in)
{
	int	 c;

	c = in->eof ? 2 : 0;
	if (in->type == HTTP_RESPONSE && in->method == HTTP_M_HEAD)
		c |= 1 << 2;
	if (in->type == HTTP_RESPONSE && in->method == HTTP_M_CONNECT)
		c |= 2 << 2;
	return (c);
}

static void
seed(const char *dir, const struct http_case *c, size_t n)
{
	char	 path[1024];
	FILE	*fp;

	(void)snprintf(path, sizeof(path), "%s/%s/case-%03zu", dir,
	    c->input.type == HTTP_REQUEST ? "request" : "response", n);
	if ((fp = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	putc(control(&c->input), fp);
	fwrite(c->input.data, 1, c->input.len, fp);
	if (fclose(fp) != 0)
		err(1, "%s", path);
}

int
main(int argc, char *argv[])
{
	struct http_case	*cases;
	size_t			 i, n;

	if (argc != 3)
		errx(1, "usage: http_seed CASES DIR");
	cases = http_case_load(argv[1], &n);
	for (i = 0; i < n; i++)
		if (cases[i].input.len <= SEED_MAX)
			seed(argv[2], &cases[i], i);
	return (0);
}
