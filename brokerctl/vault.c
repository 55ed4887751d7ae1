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

static int	setting(const char *, const char *, const char **,
		    const char **);

int
cmd_vault_list(struct ctl *ctl, struct args *args)
{
	static const struct column	columns[] = {
		{ "VAULT", 0 }, { "ROLE", 0 }, { "CREATED", 0 },
		{ "ID", 0 }, { NULL, 0 }
	};
	struct table	*t;
	json_t		*o;
	const json_t	*v;
	const char	*role;
	char		 when[WHEN_SIZE];
	size_t		 i;

	o = call(ctl, "GET", call_path("/v1/vaults"), NULL);
	if (call_json(ctl, o))
		return (0);
	t = table_new(columns);
	json_array_foreach(json_object_get(o, "vaults"), i, v) {
		role = get_string(v, "role");
		table_row(t);
		table_cell(t, COLOUR_NONE, get_string(v, "name"));
		table_cell(t, COLOUR_NONE, *role == '\0' ? NULL : role);
		table_cell(t, COLOUR_NONE, when_text(ctl,
		    get_string(v, "created_at"), when));
		table_cell(t, COLOUR_DIM, get_string(v, "id"));
	}
	ctl_print_table(ctl, t, "no vault");
	json_decref(o);
	return (0);
}

int
cmd_vault_add(struct ctl *ctl, struct args *args)
{
	json_t	*body, *o;

	if ((body = json_pack("{s:o}", "name", new_string(args->argv[0]))) ==
	    NULL)
		err(1, NULL);
	o = call(ctl, "POST", call_path("/v1/vaults"), body);
	return (call_done(ctl, o, "vault %s added\n", args->argv[0]));
}

int
cmd_vault_delete(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "DELETE", call_path("/v1/vaults/%s", args->argv[0]),
	    NULL);
	if (ctl->json)
		call_print(o);
	else
		printf("vault %s deleted; its log stays\n", args->argv[0]);
	json_decref(o);
	return (0);
}

int
cmd_vault_rename(struct ctl *ctl, struct args *args)
{
	json_t	*body, *o;

	if ((body = json_pack("{s:o}", "name", new_string(args->argv[1]))) ==
	    NULL)
		err(1, NULL);
	o = call(ctl, "POST", call_path("/v1/vaults/%s/rename",
	    args->argv[0]), body);
	return (call_done(ctl, o, "vault %s is now %s\n", args->argv[0],
	    args->argv[1]));
}

int
cmd_vault_set(struct ctl *ctl, struct args *args)
{
	const char	*field, *value;
	json_t		*body, *o;

	if (setting(args->argv[0], args->argv[1], &field, &value) == -1) {
		warnx("vault set: %s %s is no setting", args->argv[0],
		    args->argv[1]);
		fprintf(stderr, "vault set unmatched pass | deny\n"
		    "vault set log-path default | full | prefix | none\n");
		return (2);
	}
	if ((body = json_pack("{s:s}", field, value)) == NULL)
		err(1, NULL);
	o = call(ctl, "PATCH", call_path("/v1/vaults/%s/settings",
	    ctl_vault(args)), body);
	return (call_done(ctl, o, "vault %s: %s is %s\n", ctl_vault(args),
	    args->argv[0], args->argv[1]));
}

/* The words of the command line and those of the API. */
static int
setting(const char *name, const char *word, const char **field,
    const char **value)
{
	static const struct {
		const char	*name, *word, *field, *value;
	} settings[] = {
		{ "unmatched", "pass", "unmatched_host_policy",
		    "passthrough" },
		{ "unmatched", "deny", "unmatched_host_policy", "deny" },
		{ "log-path", "default", "log_path", "default" },
		{ "log-path", "full", "log_path", "full" },
		{ "log-path", "prefix", "log_path", "prefix" },
		{ "log-path", "none", "log_path", "none" }
	};
	size_t	i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(settings[i].name, name) == 0 &&
		    strcmp(settings[i].word, word) == 0) {
			*field = settings[i].field;
			*value = settings[i].value;
			return (0);
		}
	}
	return (-1);
}
