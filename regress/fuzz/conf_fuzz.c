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
 * brokerd.conf(5) from memory.  What parses must print to something that
 * parses to the same; the rest must only be refused in good order.
 */

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../brokerd/conf.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 unheard(const char *);
static char	*printed(const struct conf *, size_t *);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf	*again, *conf;
	char		*one, *two;
	size_t		 onelen, twolen;

	conf_set_report(unheard);
	setenv("HOME", "/home/nobody", 1);
	conf = parse_buffer((const char *)data, len, "input");
	if (conf == NULL)
		return (0);
	one = printed(conf, &onelen);
	conf_free(conf);
	if ((again = parse_buffer(one, onelen, "printed")) == NULL)
		abort();
	two = printed(again, &twolen);
	conf_free(again);
	if (onelen != twolen || memcmp(one, two, onelen) != 0)
		abort();
	free(one);
	free(two);
	return (0);
}

static void
unheard(const char *msg)
{
	if (strlen(msg) == 0)
		abort();
}

static char *
printed(const struct conf *conf, size_t *len)
{
	FILE	*fp;
	char	*buf;

	if ((fp = open_memstream(&buf, len)) == NULL)
		err(1, "open_memstream");
	print_conf(fp, conf);
	if (fclose(fp) != 0)
		err(1, "open_memstream");
	return (buf);
}
