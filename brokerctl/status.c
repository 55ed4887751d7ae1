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
#include <time.h>

#include "command.h"
#include "ctl.h"

static void	print_head(const struct ctl *, const json_t *);
static void	print_note(const struct ctl *, const char *, const char *);
static void	print_log(const struct ctl *, const json_t *);
static json_int_t	counter(const json_t *, const char *, const char *);
static void	print_storage(const struct ctl *, const json_t *);
static void	print_processes(const struct ctl *, const json_t *);

int
cmd_status(struct ctl *ctl, struct args *args)
{
	json_t	*o, *public;

	o = call(ctl, "GET", call_path("/v1/brokerd/status"), NULL);
	public = call(ctl, "GET", call_path("/v1/status"), NULL);
	if (json_object_set(o, "initialized",
	    json_object_get(public, "initialized")) == -1)
		json_object_del(o, "initialized");
	if (ctl->json)
		call_print(o);
	else {
		print_head(ctl, o);
		print_storage(ctl, json_object_get(o, "processes"));
		print_processes(ctl, json_object_get(o, "processes"));
	}
	json_decref(public);
	json_decref(o);
	return (0);
}

static void
print_head(const struct ctl *ctl, const json_t *o)
{
	char	*version = text_escape(get_string(o, "version"));
	char	*sandbox = text_escape(get_string(o, "sandbox"));

	printf("brokerd %s, %s, sandbox %s, configuration %lld\n", version,
	    json_is_true(json_object_get(o, "privileged")) ?
	    "users of its own" : "one ordinary user", sandbox,
	    (long long)get_int(o, "generation"));
	free(version);
	free(sandbox);
	print_note(ctl, "sandbox degraded", get_string(o, "degraded"));
	print_note(ctl, "notice", get_string(o, "notice"));
	if (!json_is_true(json_object_get(o, "privileged")))
		print_note(ctl, "not privileged", "what runs as the same "
		    "user can read its keys and its memory");
	if (json_is_false(json_object_get(o, "initialized")))
		print_note(ctl, "not initialized", "run: brokerctl init");
}

static void
print_note(const struct ctl *ctl, const char *what, const char *text)
{
	char	*shown;

	if (*text == '\0')
		return;
	shown = text_escape(text);
	printf("%s%s%s: %s\n", ctl->colour ? "\033[33m" : "", what,
	    ctl->colour ? "\033[0m" : "", shown);
	free(shown);
}

/* A counter of the first process of that name. */
static json_int_t
counter(const json_t *list, const char *name, const char *which)
{
	const json_t	*p;
	size_t		 i;

	json_array_foreach(list, i, p) {
		if (strcmp(get_string(p, "name"), name) == 0)
			return (json_integer_value(json_object_get(
			    json_object_get(p, "counters"), which)));
	}
	return (0);
}

/* What is in force, or has happened, and is not on the disk. */
static void
print_storage(const struct ctl *ctl, const json_t *list)
{
	json_int_t	 n;
	char		 text[160];

	if ((n = counter(list, "keyd", "changes_not_durable")) > 0) {
		(void)snprintf(text, sizeof(text), "%lld in force that could "
		    "not be stored yet: a restart of brokerd before that "
		    "would undo %s", (long long)n, n == 1 ? "it" : "them");
		print_note(ctl, "changes not durable", text);
	}
	if (counter(list, "logd", "flushes_fail_now") > 0)
		print_log(ctl, list);
	if ((n = counter(list, "logd", "rows_refused")) > 0) {
		(void)snprintf(text, sizeof(text), "%lld %s refused by the "
		    "database and missing; the text log says why",
		    (long long)n, n == 1 ? "record was" : "records were");
		print_note(ctl, "request log", text);
	}
}

/* Since when, why, and what waits: the causes are those of logd/db.h. */
static void
print_log(const struct ctl *ctl, const json_t *list)
{
	static const char *const	 causes[] = {
		"", "less than log reserve is left on the disk",
		"the disk is full", "the disk fails",
		"the database is in use by another program",
		"the database is damaged", "memory is short"
	};
	json_int_t	 cause, since, now = time(NULL);
	char		 text[256], span[WHEN_SIZE];

	cause = counter(list, "logd", "flushes_fail_cause");
	since = counter(list, "logd", "flushes_fail_since");
	(void)snprintf(text, sizeof(text), "cannot be written now, for %s: "
	    "%s; %lld records wait, and what is lost will be counted",
	    when_span(now > since ? now - since : 0, span), cause > 0 &&
	    cause < (json_int_t)(sizeof(causes) / sizeof(causes[0])) ?
	    causes[cause] : "the text log says why",
	    (long long)counter(list, "logd", "records_waiting"));
	print_note(ctl, "request log", text);
}

static void
print_processes(const struct ctl *ctl, const json_t *list)
{
	static const struct column	columns[] = {
		{ "PROCESS", 0 }, { "PID", COL_RIGHT }, { "STATE", 0 },
		{ "UPTIME", COL_RIGHT }, { "RESTARTS", COL_RIGHT },
		{ "INSTANCE", 0 }, { NULL, 0 }
	};
	struct table	*t = table_new(columns);
	const json_t	*p;
	const char	*state;
	char		 span[WHEN_SIZE];
	size_t		 i;

	json_array_foreach(list, i, p) {
		state = get_string(p, "state");
		table_row(t);
		table_cellf(t, COLOUR_NONE, "%s %lld", get_string(p, "name"),
		    (long long)get_int(p, "index"));
		table_cellf(t, COLOUR_NONE, "%lld",
		    (long long)get_int(p, "pid"));
		table_cell(t, strcmp(state, "ready") == 0 ? COLOUR_GREEN :
		    COLOUR_YELLOW, state);
		table_cell(t, COLOUR_NONE,
		    when_span(get_int(p, "uptime"), span));
		table_cellf(t, COLOUR_NONE, "%lld",
		    (long long)get_int(p, "restarts"));
		table_cell(t, COLOUR_DIM, get_string(p, "instance"));
	}
	ctl_print_table(ctl, t, "no processes");
}
