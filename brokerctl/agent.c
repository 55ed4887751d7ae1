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

static void	list_row(const struct ctl *, struct table *, const json_t *);
int
cmd_agent_list(struct ctl *ctl, struct args *args)
{
	static const struct column	columns[] = {
		{ "AGENT", 0 }, { "STATUS", 0 }, { "VAULTS", COL_CUT },
		{ "INSTANCE ROLE", 0 }, { "CREATED", 0 }, { NULL, 0 }
	};
	struct table	*t;
	json_t		*o;
	const json_t	*a;
	size_t		 i;

	o = call(ctl, "GET", call_path("/v1/agents"), NULL);
	if (call_json(ctl, o))
		return (0);
	t = table_new(columns);
	json_array_foreach(json_object_get(o, "agents"), i, a)
		list_row(ctl, t, a);
	ctl_print_table(ctl, t, "no agent");
	json_decref(o);
	return (0);
}

static void
list_row(const struct ctl *ctl, struct table *t, const json_t *a)
{
	const char	*status = get_string(a, "status");
	const json_t	*v;
	char		*list = NULL, *new, when[WHEN_SIZE];
	size_t		 i;

	json_array_foreach(json_object_get(a, "vaults"), i, v) {
		if (asprintf(&new, "%s%s%s:%s", list == NULL ? "" : list,
		    list == NULL ? "" : ",", get_string(v, "vault_name"),
		    get_string(v, "vault_role")) == -1)
			err(1, NULL);
		free(list);
		list = new;
	}
	table_row(t);
	table_cell(t, COLOUR_NONE, get_string(a, "name"));
	table_cell(t, strcmp(status, "active") == 0 ? COLOUR_NONE :
	    COLOUR_YELLOW, status);
	table_cell(t, COLOUR_NONE, list);
	table_cell(t, COLOUR_NONE, get_string(a, "role"));
	table_cell(t, COLOUR_NONE, when_text(ctl,
	    get_string(a, "created_at"), when));
	free(list);
}

int
cmd_agent_add(struct ctl *ctl, struct args *args)
{
	const char	*irole = args_value(args, 'i', NULL);
	json_t		*body, *o;

	if ((body = json_pack("{s:o, s:[{s:o, s:o}]}", "name",
	    new_string(args->argv[0]), "vaults", "vault_name",
	    new_string(ctl_vault(args)), "vault_role",
	    new_string(args_value(args, 'r', "proxy")))) == NULL)
		err(1, NULL);
	if (irole != NULL &&
	    json_object_set_new(body, "role", new_string(irole)) == -1)
		err(1, NULL);
	o = call(ctl, "POST", call_path("/v1/agents"), body);
	if (ctl->json)
		call_print(o);
	else
		token_print(ctl, args, get_string(o, "av_agent_token"),
		    "the agent's token, shown this once");
	json_decref(o);
	return (0);
}

int
cmd_agent_rotate(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "POST", call_path("/v1/agents/%s/rotate",
	    args->argv[0]), NULL);
	if (ctl->json)
		call_print(o);
	else
		token_print(ctl, args, get_string(o, "av_agent_token"),
		    "the agent's new token, shown this once; "
		    "the old one has ended");
	json_decref(o);
	return (0);
}

int
cmd_agent_revoke(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "DELETE", call_path("/v1/agents/%s", args->argv[0]),
	    NULL);
	return (call_done(ctl, o, "agent %s is revoked: its tokens and "
	    "sessions have ended\n", args->argv[0]));
}

int
cmd_agent_delete(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "POST", call_path("/v1/agents/%s/delete",
	    args->argv[0]), NULL);
	return (call_done(ctl, o, "agent %s is deleted\n", args->argv[0]));
}

/* A role in a vault, whether the agent had one there before or not. */
int
cmd_agent_grant(struct ctl *ctl, struct args *args)
{
	const char	*vault = ctl_vault(args);
	const char	*role = args_value(args, 'r', "proxy");
	json_t		*body, *o;
	int		 status;

	if ((body = json_pack("{s:o, s:o}", "name",
	    new_string(args->argv[0]), "role", new_string(role))) == NULL)
		err(1, NULL);
	o = call_try(ctl, "POST", call_path("/v1/vaults/%s/agents", vault),
	    body, 409, &status);
	if (status == 409) {
		json_decref(o);
		if ((body = json_pack("{s:o}", "role",
		    new_string(role))) == NULL)
			err(1, NULL);
		o = call(ctl, "POST",
		    call_path("/v1/vaults/%s/agents/%s/role", vault,
		    args->argv[0]), body);
	}
	return (call_done(ctl, o, "agent %s is %s in vault %s now\n",
	    args->argv[0], role, vault));
}

int
cmd_agent_ungrant(struct ctl *ctl, struct args *args)
{
	const char	*vault = ctl_vault(args);
	json_t		*o;

	o = call(ctl, "DELETE", call_path("/v1/vaults/%s/agents/%s", vault,
	    args->argv[0]), NULL);
	return (call_done(ctl, o, "agent %s has no role in vault %s any "
	    "more\n", args->argv[0], vault));
}
