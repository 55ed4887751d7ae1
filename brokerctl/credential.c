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

int
cmd_credential_list(struct ctl *ctl, struct args *args)
{
	static const struct column	columns[] = {
		{ "CREDENTIAL", 0 }, { "TYPE", 0 }, { NULL, 0 }
	};
	struct table	*t;
	json_t		*o;
	const json_t	*c;
	size_t		 i;

	o = call(ctl, "GET", call_path("/v1/credentials?vault=%s",
	    ctl_vault(args)), NULL);
	if (call_json(ctl, o))
		return (0);
	t = table_new(columns);
	json_array_foreach(json_object_get(o, "credentials"), i, c) {
		table_row(t);
		table_cell(t, COLOUR_NONE, get_string(c, "key"));
		table_cell(t, COLOUR_NONE, get_string(c, "type"));
	}
	ctl_print_table(ctl, t, "no credential");
	json_decref(o);
	return (0);
}

int
cmd_credential_set(struct ctl *ctl, struct args *args)
{
	const char	*key = args->argv[0];
	char		*value, prompt[128];
	json_t		*body, *o;

	snprintf(prompt, sizeof(prompt), "value of %.64s: ", key);
	value = secret_read(prompt);
	body = json_pack("{s:o, s:{s:o}}", "vault",
	    new_string(ctl_vault(args)), "credentials", key,
	    new_string(value));
	freezero(value, strlen(value));
	if (body == NULL)
		errx(1, "%s: no name of a credential", key);
	o = call(ctl, "POST", call_path("/v1/credentials"), body);
	return (call_done(ctl, o, "credential %s set in vault %s\n", key,
	    ctl_vault(args)));
}

/* The value, and a newline, which set takes off again. */
int
cmd_credential_get(struct ctl *ctl, struct args *args)
{
	const char	*value;
	char		*shown;
	json_t		*o;

	o = call(ctl, "GET",
	    call_path("/v1/credentials?vault=%s&reveal=true&key=%s",
	    ctl_vault(args), args->argv[0]), NULL);
	value = get_string(json_array_get(json_object_get(o, "credentials"),
	    0), "value");
	if (ctl->json)
		call_print(o);
	else if (ctl->tty) {
		shown = text_escape(value);
		printf("%s\n", shown);
		freezero(shown, strlen(shown));
	} else
		printf("%s\n", value);
	json_decref(o);
	return (0);
}

int
cmd_credential_delete(struct ctl *ctl, struct args *args)
{
	json_t	*body, *o;

	if ((body = json_pack("{s:o, s:[o]}", "vault",
	    new_string(ctl_vault(args)), "keys",
	    new_string(args->argv[0]))) == NULL)
		err(1, NULL);
	o = call(ctl, "DELETE", call_path("/v1/credentials"), body);
	return (call_done(ctl, o, "credential %s deleted from vault %s\n",
	    args->argv[0], ctl_vault(args)));
}
