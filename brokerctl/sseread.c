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
#include <stdlib.h>
#include <string.h>

#include "sseread.h"

static int	sse_byte(struct sse *, uint8_t);
static int	sse_line(struct sse *);
static int	sse_field(struct sse *, const char *, const char *, size_t);
static int	sse_data(struct sse *, const char *, size_t);
static int	sse_id(struct sse *, const char *);
static int	sse_dispatch(struct sse *);
static int	sse_bad(struct sse *, const char *);

void
sse_init(struct sse *s, int (*take)(void *, const struct sse_event *),
    void *arg)
{
	memset(s, 0, sizeof(*s));
	s->take = take;
	s->arg = arg;
	if ((s->line = malloc(SSE_LINE + 1)) == NULL ||
	    (s->data = malloc(SSE_DATA + 1)) == NULL)
		err(1, NULL);
	sse_reset(s);
}

void
sse_reset(struct sse *s)
{
	s->linelen = s->datalen = 0;
	s->ndata = s->skip = 0;
	s->id = -1;
	*s->name = '\0';
	s->error = NULL;
}

void
sse_free(struct sse *s)
{
	free(s->line);
	free(s->data);
	memset(s, 0, sizeof(*s));
}

int
sse_feed(struct sse *s, const uint8_t *p, size_t n)
{
	size_t	i;
	int	rv;

	if (s->error != NULL)
		return (-1);
	for (i = 0; i < n; i++) {
		if ((rv = sse_byte(s, p[i])) != 0)
			return (rv);
	}
	return (0);
}

/* A line ends with CR LF, LF or CR. */
static int
sse_byte(struct sse *s, uint8_t c)
{
	int	skip = s->skip;

	s->skip = 0;
	if (c == '\n' && skip)
		return (0);
	if (c == '\n' || c == '\r') {
		s->skip = c == '\r';
		return (sse_line(s));
	}
	if (c == '\0')
		return (sse_bad(s, "a NUL in it"));
	if (s->linelen == SSE_LINE)
		return (sse_bad(s, "a line that is too long"));
	s->line[s->linelen++] = (char)c;
	return (0);
}

static int
sse_line(struct sse *s)
{
	char	*value;
	size_t	 length = s->linelen;

	s->linelen = 0;
	s->line[length] = '\0';
	if (length == 0)
		return (sse_dispatch(s));
	if (s->line[0] == ':')
		return (s->take(s->arg, NULL));
	if ((value = strchr(s->line, ':')) == NULL)
		return (sse_field(s, s->line, "", 0));
	*value++ = '\0';
	if (*value == ' ')
		value++;
	return (sse_field(s, s->line, value,
	    length - (size_t)(value - s->line)));
}

/* Fields of another name are for other readers. */
static int
sse_field(struct sse *s, const char *name, const char *value, size_t length)
{
	if (strcmp(name, "data") == 0)
		return (sse_data(s, value, length));
	if (strcmp(name, "id") == 0)
		return (sse_id(s, value));
	if (strcmp(name, "event") == 0 &&
	    strlcpy(s->name, value, sizeof(s->name)) >= sizeof(s->name))
		return (sse_bad(s, "the name of an event is too long"));
	return (0);
}

/* Several lines of data are one text, with newlines between them. */
static int
sse_data(struct sse *s, const char *value, size_t length)
{
	const size_t	nl = s->ndata > 0 ? 1 : 0;

	if (length + nl > SSE_DATA - s->datalen)
		return (sse_bad(s, "an event that is too long"));
	if (nl)
		s->data[s->datalen++] = '\n';
	memcpy(s->data + s->datalen, value, length);
	s->datalen += length;
	s->ndata = 1;
	return (0);
}

static int
sse_id(struct sse *s, const char *value)
{
	const char	*errstr;
	size_t		 n = strlen(value);

	if (n == 0 || strspn(value, "0123456789") != n)
		return (sse_bad(s, "an id that is no number"));
	s->id = strtonum(value, 0, INT64_MAX, &errstr);
	if (errstr != NULL)
		return (sse_bad(s, "an id that is no number"));
	return (0);
}

/* Without data there is no event, but the id counts. */
static int
sse_dispatch(struct sse *s)
{
	struct sse_event	e;
	int			rv = 0;

	s->data[s->datalen] = '\0';
	e.name = s->ndata == 0 ? "" : *s->name == '\0' ? "message" : s->name;
	e.id = s->id;
	e.data = s->data;
	e.length = s->datalen;
	if (s->ndata > 0 || s->id != -1)
		rv = s->take(s->arg, &e);
	s->datalen = 0;
	s->ndata = 0;
	s->id = -1;
	*s->name = '\0';
	return (rv);
}

static int
sse_bad(struct sse *s, const char *why)
{
	s->error = why;
	return (-1);
}
