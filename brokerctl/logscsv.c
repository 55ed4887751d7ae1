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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* CSV as in RFC 4180, but with lines that end as others do here. */

static const char *const	 columns[] = { "id", "created_at", "kind",
	"action", "method", "host", "path", "path_cut", "matched_service",
	"credential_keys", "decision", "status", "error_code", "latency_us",
	"ttfb_us", "bytes_in", "bytes_out", "ingress", "protocol",
	"actor_type", "actor_id", "actor_name", "session", "conn",
	"request_id", "vault_id", "client_addr", "upstream_addr", "trace_id",
	"auth_scheme", "auth_header", "instance", "seq", "count", "detail" };
#define NCOLUMNS	(sizeof(columns) / sizeof(columns[0]))

static void	cell(const struct ctl *, const char *);
static void	cell_list(const struct ctl *, const json_t *);
static void	cell_value(const struct ctl *, const json_t *);

/* On a terminal nothing is left that it would act on. */
static void
cell(const struct ctl *ctl, const char *s)
{
	char		*shown = NULL;
	const char	*p;

	if (ctl->tty)
		s = shown = text_escape(s);
	if (strpbrk(s, ",\"\r\n") == NULL)
		fputs(s, stdout);
	else {
		putchar('"');
		for (p = s; *p != '\0'; p++) {
			if (*p == '"')
				putchar('"');
			putchar(*p);
		}
		putchar('"');
	}
	free(shown);
}

static void
cell_list(const struct ctl *ctl, const json_t *list)
{
	const json_t	*v;
	char		*new, *text;
	size_t		 i;

	if ((text = strdup("")) == NULL)
		err(1, NULL);
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			continue;
		if (asprintf(&new, "%s%s%s", text, *text == '\0' ? "" : ",",
		    json_string_value(v)) == -1)
			err(1, NULL);
		free(text);
		text = new;
	}
	cell(ctl, text);
	free(text);
}

/* What is null or not there is empty. */
static void
cell_value(const struct ctl *ctl, const json_t *v)
{
	char	*text;

	if (v == NULL || json_is_null(v))
		return;
	if (json_is_string(v))
		cell(ctl, json_string_value(v));
	else if (json_is_array(v))
		cell_list(ctl, v);
	else {
		text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		if (text == NULL)
			err(1, NULL);
		cell(ctl, text);
		secret_dumped(text);
	}
}

void
logs_csv(const struct ctl *ctl, const json_t *rows)
{
	const json_t	*row;
	size_t		 c, i;

	for (c = 0; c < NCOLUMNS; c++)
		printf("%s%s", c == 0 ? "" : ",", columns[c]);
	putchar('\n');
	for (i = json_array_size(rows); i > 0; i--) {
		row = json_array_get(rows, i - 1);
		for (c = 0; c < NCOLUMNS; c++) {
			if (c > 0)
				putchar(',');
			cell_value(ctl, json_object_get(row, columns[c]));
		}
		putchar('\n');
	}
}
