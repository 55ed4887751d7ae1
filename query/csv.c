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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

static const char *const	 columns[] = { "id", "created_at", "kind",
	"action", "method", "host", "path", "path_cut", "matched_service",
	"credential_keys", "decision", "status", "error_code", "latency_us",
	"ttfb_us", "bytes_in", "bytes_out", "ingress", "protocol",
	"actor_type", "actor_id", "actor_name", "session", "conn",
	"request_id", "vault_id", "client_addr", "upstream_addr", "trace_id",
	"auth_scheme", "auth_header", "instance", "seq", "count", "detail" };
#define NCOLUMNS	(sizeof(columns) / sizeof(columns[0]))

static int	cell(FILE *, const char *, char *(*)(const char *));
static int	cell_list(FILE *, const json_t *, char *(*)(const char *));
static int	cell_value(FILE *, const json_t *, char *(*)(const char *));

static int
cell(FILE *f, const char *s, char *(*escape)(const char *))
{
	const char	*formula = strchr("=+-@\t\r", *s) != NULL &&
			    *s != '\0' ? "'" : "";
	char		*shown = NULL;
	const char	*p;

	if (escape != NULL && (s = shown = escape(s)) == NULL)
		return (-1);
	if (strpbrk(s, ",\"\r\n") == NULL)
		fprintf(f, "%s%s", formula, s);
	else {
		fprintf(f, "\"%s", formula);
		for (p = s; *p != '\0'; p++) {
			if (*p == '"')
				putc('"', f);
			putc(*p, f);
		}
		putc('"', f);
	}
	free(shown);
	return (0);
}

static int
cell_list(FILE *f, const json_t *list, char *(*escape)(const char *))
{
	const json_t	*v;
	const char	*word;
	char		*text;
	size_t		 i, n = 1;
	int		 rc;

	json_array_foreach(list, i, v)
		n += json_string_length(v) + 1;
	if ((text = calloc(1, n)) == NULL)
		return (-1);
	json_array_foreach(list, i, v) {
		if ((word = json_string_value(v)) == NULL)
			continue;
		if (*text != '\0')
			(void)strlcat(text, ",", n);
		(void)strlcat(text, word, n);
	}
	rc = cell(f, text, escape);
	free(text);
	return (rc);
}

static int
cell_value(FILE *f, const json_t *v, char *(*escape)(const char *))
{
	char	*text;
	size_t	 n;
	int	 rc;

	if (v == NULL || json_is_null(v))
		return (0);
	if (json_is_integer(v))
		return (fprintf(f, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(v)) < 0 ? -1 : 0);
	if (json_is_string(v))
		return (cell(f, json_string_value(v), escape));
	if (json_is_array(v))
		return (cell_list(f, v, escape));
	n = json_dumpb(v, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
	if (n == 0 || (text = calloc(1, n + 1)) == NULL)
		return (-1);
	(void)json_dumpb(v, text, n, JSON_COMPACT | JSON_ENCODE_ANY);
	rc = cell(f, text, escape);
	freezero(text, n + 1);
	return (rc);
}

void
csv_names(FILE *f)
{
	size_t	 c;

	for (c = 0; c < NCOLUMNS; c++)
		fprintf(f, "%s%s", c == 0 ? "" : ",", columns[c]);
	putc('\n', f);
}

int
csv_row(FILE *f, const json_t *row, char *(*escape)(const char *))
{
	size_t	 c;

	for (c = 0; c < NCOLUMNS; c++) {
		if (c > 0)
			putc(',', f);
		if (cell_value(f, json_object_get(row, columns[c]),
		    escape) == -1)
			return (-1);
	}
	putc('\n', f);
	return (0);
}
