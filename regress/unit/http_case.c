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
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "http_case.h"

static void	 load_file(const char *);
static void	 load_line(char *);
static void	 begin(const char *);
static void	 add_bytes(char *, long);
static void	 add_line(char ***, size_t *, const char *);
static void	 set_limit(const char *);
static size_t	 unescape(char *);
static void	 bad(const char *);

static struct http_case	*cases;
static size_t		 ncases;
static const char	*file;
static unsigned int	 lineno;

struct http_case *
http_case_load(const char *dir, size_t *n)
{
	char	 pattern[1024];
	glob_t	 g;
	size_t	 i;

	(void)snprintf(pattern, sizeof(pattern), "%s/*.case", dir);
	if (glob(pattern, 0, NULL, &g) != 0)
		errx(1, "%s: no cases", pattern);
	for (i = 0; i < g.gl_pathc; i++)
		load_file(g.gl_pathv[i]);
	globfree(&g);
	for (i = 0; i < ncases; i++)
		cases[i].input.data = cases[i].bytes;
	*n = ncases;
	return (cases);
}

static void
bad(const char *what)
{
	errx(1, "%s:%u: %s", file, lineno, what);
}

static void
load_file(const char *path)
{
	char	*line;
	FILE	*fp;
	size_t	 size;
	ssize_t	 len;

	if ((fp = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	file = path;
	lineno = 0;
	line = NULL;
	size = 0;
	while ((len = getline(&line, &size, fp)) != -1) {
		lineno++;
		while (len > 0 && (line[len - 1] == '\n' ||
		    line[len - 1] == '\r'))
			line[--len] = '\0';
		if (len > 0 && line[0] != '#')
			load_line(line);
	}
	free(line);
	fclose(fp);
}

static void
load_line(char *s)
{
	struct http_case	*c;
	char			*end;
	long			 n;

	if (strncmp(s, "case ", 5) == 0) {
		begin(s + 5);
		return;
	}
	if (ncases == 0)
		bad("no case yet");
	c = &cases[ncases - 1];
	if (strncmp(s, "in ", 3) == 0)
		add_bytes(s + 3, 1);
	else if (strncmp(s, "repeat ", 7) == 0) {
		n = strtol(s + 7, &end, 10);
		if (n < 1 || n > 100000 || *end != ' ')
			bad("bad count");
		add_bytes(end + 1, n);
	} else if (strncmp(s, "response ", 9) == 0) {
		c->input.type = HTTP_RESPONSE;
		c->input.method = http_method(s + 9, strlen(s + 9));
	} else if (strncmp(s, "limit ", 6) == 0)
		set_limit(s + 6);
	else if (strcmp(s, "eof") == 0)
		c->input.eof = 1;
	else if (strncmp(s, "not ", 4) == 0)
		add_line(&c->refuse, &c->nrefuse, s + 4);
	else
		add_line(&c->want, &c->nwant, s);
}

static void
begin(const char *text)
{
	struct http_case	*c;
	const char		*base;

	cases = reallocarray(cases, ncases + 1, sizeof(*cases));
	if (cases == NULL)
		err(1, NULL);
	c = &cases[ncases++];
	memset(c, 0, sizeof(*c));
	c->input.type = HTTP_REQUEST;
	c->input.limits = http_limits_default;
	base = strrchr(file, '/');
	(void)snprintf(c->name, sizeof(c->name), "%s: %s",
	    base == NULL ? file : base + 1, text);
}

static void
set_limit(const char *s)
{
	struct http_limits	*l;
	size_t			 n;
	char			 what[16];

	l = &cases[ncases - 1].input.limits;
	if (sscanf(s, "%15s %zu", what, &n) != 2)
		bad("bad limit");
	if (strcmp(what, "line") == 0)
		l->line = n;
	else if (strcmp(what, "head") == 0)
		l->head = n;
	else if (strcmp(what, "fields") == 0)
		l->fields = n;
	else
		bad("unknown limit");
}

static void
add_bytes(char *s, long count)
{
	struct http_case	*c;
	size_t			 n;

	c = &cases[ncases - 1];
	n = strlen(s);
	if (n < 2 || s[0] != '"' || s[n - 1] != '"')
		bad("no string");
	s[n - 1] = '\0';
	n = unescape(++s);
	for (; count > 0; count--) {
		c->bytes = realloc(c->bytes, c->input.len + n + 1);
		if (c->bytes == NULL)
			err(1, NULL);
		memcpy(c->bytes + c->input.len, s, n);
		c->input.len += n;
	}
}

/* C escapes, in place; the number of bytes. */
static size_t
unescape(char *s)
{
	static const char	 from[] = "rnt0\\\"", to[] = "\r\n\t\0\\\"";
	const char		*p;
	char			*d, *start, hex[3];

	for (d = start = s; *s != '\0'; s++) {
		if (*s != '\\') {
			*d++ = *s;
			continue;
		}
		s++;
		if (*s == 'x' && s[1] != '\0' && s[2] != '\0') {
			hex[0] = s[1];
			hex[1] = s[2];
			hex[2] = '\0';
			*d++ = strtol(hex, NULL, 16);
			s += 2;
		} else if (*s != '\0' && (p = strchr(from, *s)) != NULL)
			*d++ = to[p - from];
		else
			bad("bad escape");
	}
	return (d - start);
}

static void
add_line(char ***list, size_t *n, const char *s)
{
	*list = reallocarray(*list, *n + 1, sizeof(**list));
	if (*list == NULL || ((*list)[*n] = strdup(s)) == NULL)
		err(1, NULL);
	(*n)++;
}
