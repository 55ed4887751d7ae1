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

static json_t	*credential_keys(struct ctl *, const char *);
static void	 list_row(struct table *, const json_t *, const json_t *);
static const char *member_of_auth(const json_t *, const char *);
static char	*needed(const json_t *, const json_t *);
static void	 need(char **, const json_t *, const char *, size_t);
static void	 need_template(char **, const json_t *, const char *);
static void	 join(char **, const char *, const char *);
static int	 enable(struct ctl *, struct args *, int);

int
cmd_service_list(struct ctl *ctl, struct args *args)
{
	static const struct column	columns[] = {
		{ "SERVICE", 0 }, { "HOST", COL_CUT }, { "AUTH", 0 },
		{ "CREDENTIALS", COL_CUT }, { "METHODS", COL_CUT },
		{ "STATE", 0 }, { NULL, 0 }
	};
	const char	*vault = ctl_vault(args);
	struct table	*t;
	json_t		*keys, *o;
	const json_t	*s;
	size_t		 i;

	o = call(ctl, "GET", call_path("/v1/vaults/%s/services", vault),
	    NULL);
	if (call_json(ctl, o))
		return (0);
	keys = credential_keys(ctl, vault);
	t = table_new(columns);
	json_array_foreach(json_object_get(o, "services"), i, s)
		list_row(t, s, keys);
	ctl_print_table(ctl, t, "no service");
	json_decref(keys);
	json_decref(o);
	return (0);
}

/* The names that are set, as members of an object. */
static json_t *
credential_keys(struct ctl *ctl, const char *vault)
{
	json_t		*keys, *o;
	const json_t	*k;
	size_t		 i;

	o = call(ctl, "GET", call_path("/v1/credentials?vault=%s", vault),
	    NULL);
	if ((keys = json_object()) == NULL)
		err(1, NULL);
	json_array_foreach(json_object_get(o, "keys"), i, k) {
		if (json_is_string(k) && json_object_set_new(keys,
		    json_string_value(k), json_true()) == -1)
			err(1, NULL);
	}
	json_decref(o);
	return (keys);
}

static void
list_row(struct table *t, const json_t *s, const json_t *keys)
{
	const json_t	*m, *auth = json_object_get(s, "auth");
	char		*list = NULL;
	int		 disabled;
	size_t		 i;

	disabled = json_is_false(json_object_get(s, "enabled"));
	table_row(t);
	table_cell(t, COLOUR_NONE, get_string(s, "name"));
	table_cell(t, COLOUR_NONE, get_string(s, "host"));
	table_cell(t, COLOUR_NONE, get_string(auth, "type"));
	list = needed(auth, keys);
	table_cell(t, list != NULL && strchr(list, '(') != NULL ?
	    COLOUR_RED : COLOUR_NONE, list);
	free(list);
	list = NULL;
	json_array_foreach(json_object_get(s, "methods"), i, m) {
		if (json_is_string(m))
			join(&list, json_string_value(m), "");
	}
	table_cell(t, COLOUR_NONE, list == NULL ? "all" : list);
	free(list);
	table_cell(t, disabled ? COLOUR_YELLOW : COLOUR_NONE,
	    disabled ? "disabled" :
	    json_is_true(json_object_get(s, "allow_plaintext")) ?
	    "plaintext too" : "enabled");
}

static const char *
member_of_auth(const json_t *auth, const char *name)
{
	const char	*type = get_string(auth, "type");

	/* The names of headers are no credentials. */
	if (strcmp(type, "custom") == 0)
		return ("");
	return (get_string(auth, name));
}

/* The names of credentials that a service uses, or NULL for none. */
static char *
needed(const json_t *auth, const json_t *keys)
{
	static const char	*members[] = {
		"token", "username", "password", "key"
	};
	const char		*key, *name;
	const json_t		*template;
	char			*list = NULL;
	size_t			 i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		name = member_of_auth(auth, members[i]);
		if (*name != '\0')
			need(&list, keys, name, strlen(name));
	}
	json_object_foreach(json_object_get(auth, "headers"), key, template) {
		if (json_is_string(template))
			need_template(&list, keys,
			    json_string_value(template));
	}
	return (list);
}

static void
need(char **list, const json_t *keys, const char *name, size_t len)
{
	char	key[128];

	if (len >= sizeof(key))
		return;
	memcpy(key, name, len);
	key[len] = '\0';
	join(list, key,
	    json_object_get(keys, key) == NULL ? " (not set)" : "");
}

/* Each {{ KEY }} of a header's template. */
static void
need_template(char **list, const json_t *keys, const char *s)
{
	const char	*end;

	while ((s = strstr(s, "{{")) != NULL) {
		s += 2;
		s += strspn(s, " ");
		if ((end = strstr(s, "}}")) == NULL)
			return;
		need(list, keys, s, strcspn(s, " }"));
		s = end + 2;
	}
}

static void
join(char **list, const char *word, const char *suffix)
{
	char	*new;

	if (asprintf(&new, "%s%s%s%s", *list == NULL ? "" : *list,
	    *list == NULL ? "" : ",", word, suffix) == -1)
		err(1, NULL);
	free(*list);
	*list = new;
}

int
cmd_service_enable(struct ctl *ctl, struct args *args)
{
	return (enable(ctl, args, 1));
}

int
cmd_service_disable(struct ctl *ctl, struct args *args)
{
	return (enable(ctl, args, 0));
}

static int
enable(struct ctl *ctl, struct args *args, int on)
{
	json_t	*body, *o;

	if ((body = json_pack("{s:b}", "enabled", on)) == NULL)
		err(1, NULL);
	o = call(ctl, "PATCH", call_path("/v1/vaults/%s/services/%s",
	    ctl_vault(args), args->argv[0]), body);
	return (call_done(ctl, o, "service %s %s\n", args->argv[0],
	    on ? "enabled" : "disabled"));
}

int
cmd_service_delete(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "DELETE", call_path("/v1/vaults/%s/services/%s",
	    ctl_vault(args), args->argv[0]), NULL);
	return (call_done(ctl, o, "service %s deleted\n", args->argv[0]));
}
