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
#include <errno.h>
#include <readpassphrase.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static void	*secret_malloc(size_t);
static void	 secret_free(void *);
static size_t	 secret_stdin(char *, size_t);

/* In front of what jansson gets: how much there is to wipe. */
union header {
	size_t		 size;
	max_align_t	 align;
};

void
secret_json(void)
{
	json_set_alloc_funcs(secret_malloc, secret_free);
}

static void *
secret_malloc(size_t size)
{
	union header	*h;

	if (size > SIZE_MAX - sizeof(*h) ||
	    (h = malloc(sizeof(*h) + size)) == NULL)
		return (NULL);
	h->size = size;
	return (h + 1);
}

static void
secret_free(void *p)
{
	union header	*h = p;

	if (h == NULL)
		return;
	h--;
	freezero(h, sizeof(*h) + h->size);
}

void
secret_dumped(char *text)
{
	secret_free(text);
}

char *
secret_read(const char *prompt)
{
	char	*buf;
	size_t	 n;

	/* A newline that is taken off, one byte too many, and a NUL. */
	if ((buf = calloc(1, SECRET_MAX + 3)) == NULL)
		err(1, NULL);
	if (isatty(STDIN_FILENO)) {
		if (readpassphrase(prompt, buf, SECRET_MAX + 2,
		    RPP_REQUIRE_TTY) == NULL)
			err(1, "the terminal");
		n = strlen(buf);
	} else {
		n = secret_stdin(buf, SECRET_MAX + 2);
		if (n > 0 && buf[n - 1] == '\n')
			buf[--n] = '\0';
	}
	if (n > SECRET_MAX)
		errx(1, "the value has more than %d bytes", SECRET_MAX);
	if (memchr(buf, '\0', n) != NULL)
		errx(1, "the value has a NUL byte in it");
	return (buf);
}

/* Unbuffered, so that no copy stays behind. */
static size_t
secret_stdin(char *buf, size_t size)
{
	size_t	n = 0;
	ssize_t	r;

	while (n < size) {
		r = read(STDIN_FILENO, buf + n, size - n);
		if (r == 0)
			break;
		if (r == -1 && errno != EINTR)
			err(1, "stdin");
		if (r > 0)
			n += (size_t)r;
	}
	return (n);
}
