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

#include "command.h"
#include "ctl.h"

static void	 cell_what(struct table *, const json_t *);
static void	 cell_target(struct table *, const json_t *);
static void	 cell_status(struct table *, const json_t *);
static void	 cell_latency(struct table *, const json_t *);
static void	 cell_actor(struct table *, const json_t *);
static void	 cell_keys(struct table *, const json_t *);
static void	 cell(struct table *, const json_t *, const char *);
static void	 cell_request(struct table *, const json_t *, const char *);
static const char *kind(const json_t *);
static int	 is_request(const json_t *);
static char	*detail(json_t *);

const struct column	logs_short[] = {
	{ "TIME", 0 },
	{ "METHOD", COL_CUT },
	{ "TARGET", COL_CUT | COL_LEAST(40) },
	{ "STATUS", COL_RIGHT },
	{ "LATENCY", COL_RIGHT | COL_DROP | COL_LEAST(8) },
	{ "SERVICE", COL_CUT | COL_DROP | COL_LEAST(12) },
	{ "ACTOR", COL_CUT | COL_DROP | COL_LEAST(12) },
	{ "ERROR", COL_DROP },
	{ NULL, 0 }
};

const struct column	logs_wide[] = {
	{ "ID", COL_RIGHT | COL_LEAST(8) },
	{ "TIME", COL_LEAST(27) },
	{ "METHOD", COL_LEAST(7) },
	{ "TARGET", COL_LEAST(40) },
	{ "STATUS", COL_RIGHT },
	{ "LATENCY", COL_RIGHT | COL_LEAST(8) },
	{ "DECISION", COL_LEAST(11) },
	{ "SERVICE", COL_LEAST(12) },
	{ "CREDENTIALS", COL_LEAST(12) },
	{ "ACTOR", COL_LEAST(12) },
	{ "SESSION", 0 },
	{ "INGRESS", COL_LEAST(8) },
	{ "CLIENT", COL_LEAST(15) },
	{ "BYTES IN", COL_RIGHT },
	{ "BYTES OUT", COL_RIGHT },
	{ "ERROR", 0 }, { NULL, 0 }
};

void
logs_row_short(const struct ctl *ctl, struct table *t, const json_t *row)
{
	char	when[WHEN_SIZE];

	table_row(t);
	table_cell(t, COLOUR_DIM, when_text(ctl,
	    get_string(row, "created_at"), when));
	cell_what(t, row);
	cell_target(t, row);
	cell_status(t, row);
	cell_latency(t, row);
	cell(t, row, "matched_service");
	cell_actor(t, row);
	cell(t, row, "error_code");
}

void
logs_row_wide(const struct ctl *ctl, struct table *t, const json_t *row)
{
	table_row(t);
	table_cellf(t, COLOUR_DIM, "%lld", (long long)get_int(row, "id"));
	table_cell(t, COLOUR_DIM, get_string(row, "created_at"));
	cell_what(t, row);
	cell_target(t, row);
	cell_status(t, row);
	cell_latency(t, row);
	cell(t, row, "decision");
	cell(t, row, "matched_service");
	cell_keys(t, row);
	cell_actor(t, row);
	cell(t, row, "session");
	cell(t, row, "ingress");
	cell(t, row, "client_addr");
	cell_request(t, row, "bytes_in");
	cell_request(t, row, "bytes_out");
	cell(t, row, "error_code");
}

static const char *
kind(const json_t *row)
{
	const char	*k = get_string(row, "kind");

	return (*k == '\0' ? "request" : k);
}

static int
is_request(const json_t *row)
{
	return (strcmp(kind(row), "request") == 0);
}

/* The method; for rows that are no requests what they are. */
static void
cell_what(struct table *t, const json_t *row)
{
	if (is_request(row))
		table_cell(t, COLOUR_NONE, get_string(row, "method"));
	else
		table_cell(t, COLOUR_YELLOW, kind(row));
}

static void
cell_target(struct table *t, const json_t *row)
{
	const char	*cut = get_string(row, "path_cut");
	char		*text;

	if (is_request(row)) {
		table_cellf(t, COLOUR_NONE, "%s%s%s",
		    get_string(row, "host"), get_string(row, "path"),
		    *cut == '\0' ? "" : "...");
		return;
	}
	if (strcmp(kind(row), "gap") == 0) {
		table_cellf(t, COLOUR_RED, "%lld requests are missing here",
		    (long long)get_int(row, "count"));
		return;
	}
	text = detail(json_object_get(row, "detail"));
	table_cellf(t, COLOUR_NONE, "%s%s%s", get_string(row, "action"),
	    *text == '\0' ? "" : " ", text);
	free(text);
}

/* The members of an object as "name=value name=value". */
static char *
detail(json_t *o)
{
	const char	*key;
	const json_t	*value;
	char		*list, *new, *text;

	if ((list = strdup("")) == NULL)
		err(1, NULL);
	json_object_foreach(o, key, value) {
		if (json_is_string(value)) {
			if (asprintf(&new, "%s%s%s=%s", list,
			    *list == '\0' ? "" : " ", key,
			    json_string_value(value)) == -1)
				err(1, NULL);
		} else {
			text = json_dumps(value,
			    JSON_COMPACT | JSON_ENCODE_ANY);
			if (text == NULL || asprintf(&new, "%s%s%s=%s", list,
			    *list == '\0' ? "" : " ", key, text) == -1)
				err(1, NULL);
			secret_dumped(text);
		}
		free(list);
		list = new;
	}
	return (list);
}

static void
cell_status(struct table *t, const json_t *row)
{
	const json_t	*status = json_object_get(row, "status");
	long long	 n = (long long)json_integer_value(status);

	if (!is_request(row))
		table_cell(t, COLOUR_NONE, "");
	else if (!json_is_integer(status))
		table_cell(t, COLOUR_RED, "?");
	else if (n == 0)
		table_cell(t, COLOUR_RED, "none");
	else
		table_cellf(t, n >= 500 ? COLOUR_RED : n >= 400 ?
		    COLOUR_YELLOW : n >= 300 ? COLOUR_NONE : COLOUR_GREEN,
		    "%lld", n);
}

static void
cell_latency(struct table *t, const json_t *row)
{
	if (is_request(row))
		table_cellf(t, COLOUR_NONE, "%lld ms",
		    (long long)get_int(row, "latency_ms"));
	else
		table_cell(t, COLOUR_NONE, "");
}

static void
cell_actor(struct table *t, const json_t *row)
{
	const char	*name = get_string(row, "actor_name");

	if (*name == '\0')
		name = get_string(row, "actor_id");
	table_cell(t, COLOUR_NONE, *name == '\0' ? NULL : name);
}

static void
cell_keys(struct table *t, const json_t *row)
{
	const json_t	*key;
	char		*list = NULL, *new;
	size_t		 i;

	json_array_foreach(json_object_get(row, "credential_keys"), i, key) {
		if (!json_is_string(key))
			continue;
		if (asprintf(&new, "%s%s%s", list == NULL ? "" : list,
		    list == NULL ? "" : ",", json_string_value(key)) == -1)
			err(1, NULL);
		free(list);
		list = new;
	}
	table_cell(t, COLOUR_NONE, list);
	free(list);
}

static void
cell(struct table *t, const json_t *row, const char *name)
{
	const char	*text = get_string(row, name);

	if (*text == '\0')
		table_cell(t, COLOUR_NONE, NULL);
	else
		table_cell(t, strcmp(name, "error_code") == 0 ? COLOUR_RED :
		    COLOUR_NONE, text);
}

static void
cell_request(struct table *t, const json_t *row, const char *name)
{
	if (is_request(row))
		table_cellf(t, COLOUR_NONE, "%lld",
		    (long long)get_int(row, name));
	else
		table_cell(t, COLOUR_NONE, "");
}
