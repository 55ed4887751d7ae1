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

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "ctl.h"

/* Settings of the instance, by the names that brokerd's -o has. */

static const struct column	columns[] = {
	{ "SETTING", 0 },
	{ "VALUE", COL_RIGHT },
	{ "FROM", 0 },
	{ NULL, 0 }
};

static const struct {
	const char	*name;
	const char	*field;
} settings[] = {
	{ "logs.max_age_hours", "max_age_hours" },
	{ "logs.max_rows_per_vault", "max_rows_per_vault" }
};
#define NSETTINGS	(sizeof(settings) / sizeof(settings[0]))

static void	show(const struct ctl *, const json_t *);
static int	take(json_t *, const char *);

static void
show(const struct ctl *ctl, const json_t *o)
{
	const json_t	*r = json_object_get(o, "logs_retention");
	const json_t	*from = json_object_get(r, "source");
	struct table	*t;
	char		 value[64];
	double		 n;
	size_t		 i;

	if (ctl->json) {
		call_print(o);
		return;
	}
	t = table_new(columns);
	for (i = 0; i < NSETTINGS; i++) {
		n = json_number_value(json_object_get(r, settings[i].field));
		(void)snprintf(value, sizeof(value), "%.10g", n);
		table_row(t);
		table_cell(t, COLOUR_NONE, settings[i].name);
		table_cell(t, COLOUR_NONE, n == 0 ? "no limit" : value);
		table_cell(t, COLOUR_NONE, get_string(from,
		    settings[i].field));
	}
	ctl_print_table(ctl, t, "");
	if (json_is_true(json_object_get(r, "locked")) && ctl->tty)
		printf("The configuration has locked them.\n");
}

int
cmd_settings_get(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "GET", call_path("/v1/admin/settings"), NULL);
	show(ctl, o);
	json_decref(o);
	return (0);
}

/* name=value into the body; "default" leaves it to the configuration. */
static int
take(json_t *body, const char *pair)
{
	const char	*eq = strchr(pair, '=');
	json_t		*value;
	size_t		 i;

	for (i = 0; eq != NULL && i < NSETTINGS; i++) {
		if (strlen(settings[i].name) != (size_t)(eq - pair) ||
		    strncmp(settings[i].name, pair, eq - pair) != 0)
			continue;
		value = strcmp(eq + 1, "default") == 0 ? json_null() :
		    json_loads(eq + 1, JSON_DECODE_ANY, NULL);
		if (value == NULL || (!json_is_null(value) &&
		    !json_is_number(value))) {
			json_decref(value);
			return (-1);
		}
		return (json_object_set_new(body, settings[i].field, value));
	}
	return (-1);
}

int
cmd_settings_set(struct ctl *ctl, struct args *args)
{
	json_t	*body, *o;
	int	 i;

	if ((body = json_object()) == NULL)
		err(1, NULL);
	for (i = 0; i < args->argc; i++) {
		if (take(body, args->argv[i]) == 0)
			continue;
		warnx("settings set: \"%s\" is no setting", args->argv[i]);
		fprintf(stderr, "settings set logs.max_age_hours=hours\n"
		    "settings set logs.max_rows_per_vault=number\n"
		    "0 is no limit, default what brokerd.conf(5) says\n");
		json_decref(body);
		return (2);
	}
	if ((o = json_pack("{s:o}", "logs_retention", body)) == NULL)
		err(1, NULL);
	o = call(ctl, "PUT", call_path("/v1/admin/settings"), o);
	show(ctl, o);
	json_decref(o);
	return (0);
}
