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
cmd_token_mint(struct ctl *ctl, struct args *args)
{
	const char	*label = args_value(args, 'l', NULL);
	int64_t		 ttl = token_ttl(args);
	json_t		*body, *o;
	char		 what[128], when[WHEN_SIZE];

	if ((body = json_pack("{s:o}", "vault",
	    new_string(ctl_vault(args)))) == NULL)
		err(1, NULL);
	if ((ttl > 0 && json_object_set_new(body, "ttl_seconds",
	    json_integer(ttl)) == -1) || (label != NULL &&
	    json_object_set_new(body, "label", new_string(label)) == -1))
		err(1, NULL);
	o = call(ctl, "POST", call_path("/v1/sessions"), body);
	if (ctl->json)
		call_print(o);
	else {
		snprintf(what, sizeof(what),
		    "a session's token, shown this once; it ends %s",
		    when_text(ctl, get_string(o, "expires_at"), when));
		token_print(ctl, args, get_string(o, "token"), what);
	}
	json_decref(o);
	return (0);
}

int
cmd_token_list(struct ctl *ctl, struct args *args)
{
	static const struct column	columns[] = {
		{ "ID", 0 }, { "ROLE", 0 }, { "BY", 0 }, { "CREATED", 0 },
		{ "ENDS", 0 }, { "LABEL", COL_CUT }, { NULL, 0 }
	};
	struct table	*t;
	json_t		*o;
	const json_t	*s;
	char		 when[WHEN_SIZE];
	size_t		 i;

	o = call(ctl, "GET", call_path("/v1/sessions?vault=%s",
	    ctl_vault(args)), NULL);
	if (call_json(ctl, o))
		return (0);
	t = table_new(columns);
	json_array_foreach(json_object_get(o, "sessions"), i, s) {
		table_row(t);
		table_cell(t, COLOUR_NONE, get_string(s, "id"));
		table_cell(t, COLOUR_NONE, get_string(s, "vault_role"));
		table_cell(t, COLOUR_NONE, get_string(json_object_get(s,
		    "created_by"), "display_name"));
		table_cell(t, COLOUR_NONE, when_text(ctl,
		    get_string(s, "created_at"), when));
		table_cell(t, COLOUR_NONE, when_text(ctl,
		    get_string(s, "expires_at"), when));
		table_cell(t, COLOUR_NONE, get_string(s, "label"));
	}
	ctl_print_table(ctl, t, "no session");
	json_decref(o);
	return (0);
}

int
cmd_token_revoke(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "DELETE", call_path("/v1/sessions/%s?vault=%s",
	    args->argv[0], ctl_vault(args)), NULL);
	return (call_done(ctl, o, "session %s is revoked\n", args->argv[0]));
}

int64_t
token_ttl(const struct args *args)
{
	const char	*ttl = args_value(args, 't', NULL);
	int64_t		 seconds;

	if (ttl == NULL)
		return (0);
	if ((seconds = when_duration(ttl)) <= 0)
		errx(2, "-t %s: not a whole number with s, m, h or d", ttl);
	return (seconds);
}

void
token_print(const struct ctl *ctl, const struct args *args,
    const char *token, const char *what)
{
	char	*shown;

	if (*token == '\0')
		errx(1, "%s: brokerd sent no token", ctl->name);
	shown = text_escape(token);
	printf("%s\n", shown);
	freezero(shown, strlen(shown));
	if (ctl->tty && !args_flag(args, 'q')) {
		fflush(stdout);
		fprintf(stderr, "(%s)\n", what);
	}
}
