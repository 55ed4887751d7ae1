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

static json_t	*service(const struct args *);
static json_t	*auth(const struct args *);
static void	 auth_fields(const struct args *, json_t *,
		    const char *const *);
static json_t	*headers(const struct args *);
static json_t	*methods(const char *);
static void	 put(json_t *, const char *, json_t *);
static void	 wrong(const char *, const char *) __dead;

#define OPT_PATH	OPT_LONG	/* as in tree.c */

int
cmd_service_add(struct ctl *ctl, struct args *args)
{
	json_t	*body, *o;

	if ((body = json_pack("{s:[o]}", "services", service(args))) == NULL)
		err(1, NULL);
	o = call(ctl, "POST", call_path("/v1/vaults/%s/services",
	    ctl_vault(args)), body);
	return (call_done(ctl, o, "service %s is in vault %s\n", args->argv[0],
	    ctl_vault(args)));
}

static json_t *
service(const struct args *args)
{
	const char	*value;
	json_t		*o;

	if ((o = json_pack("{s:o, s:o, s:o}", "name",
	    new_string(args->argv[0]), "host", new_string(args->argv[1]),
	    "auth", auth(args))) == NULL)
		err(1, NULL);
	if ((value = args_value(args, OPT_PATH, NULL)) != NULL)
		put(o, "path", new_string(value));
	if (args_flag(args, 'd'))
		put(o, "enabled", json_false());
	if (args_flag(args, 'a'))
		put(o, "allow_plaintext", json_true());
	if ((value = args_value(args, 'm', NULL)) != NULL)
		put(o, "methods", methods(value));
	return (o);
}

/*
 * The options of each type, as pairs of a letter and a member; one in upper
 * case may be missing.  What belongs to another type is refused here, since
 * the letters mean nothing to the daemon.
 */
static json_t *
auth(const struct args *args)
{
	static const struct {
		const char	*type;
		const char	*need, *may;
		const char	*fields[7];
	} types[] = {
		{ "bearer", "k", "", { "k", "token" } },
		{ "basic", "k", "p", { "k", "username", "p", "password" } },
		{ "api-key", "k", "HP", { "k", "key", "H", "header", "P",
		    "prefix" } },
		{ "custom", "H", "", { NULL } },
		{ "passthrough", "", "", { NULL } }
	};
	const char	*p, *type = args_value(args, 't', "");
	json_t		*o;
	size_t		 i;

	for (i = 0; i < 5; i++) {
		if (strcmp(types[i].type, type) == 0)
			break;
	}
	if (i == 5)
		wrong(type, "no type of authentication: bearer, basic, "
		    "api-key, custom or passthrough");
	for (p = "kpHP"; *p != '\0'; p++) {
		if (strchr(types[i].need, *p) != NULL) {
			if (!args_flag(args, *p))
				wrong(type, *p == 'k' ?
				    "needs -k" : "needs -H");
		} else if (strchr(types[i].may, *p) == NULL &&
		    args_flag(args, *p))
			wrong(type, "has no use for one of -k, -p, -H and -P");
	}
	if ((o = json_pack("{s:s}", "type", type)) == NULL)
		err(1, NULL);
	if (strcmp(type, "custom") == 0)
		put(o, "headers", headers(args));
	else
		auth_fields(args, o, types[i].fields);
	return (o);
}

static void
auth_fields(const struct args *args, json_t *o, const char *const *fields)
{
	const char	*value;

	for (; fields[0] != NULL; fields += 2) {
		if ((value = args_value(args, fields[0][0], NULL)) == NULL)
			continue;
		if (fields[0][0] == 'H' && args_next(args, 'H',
		    args_next(args, 'H', NULL)) != NULL)
			wrong("api-key", "takes one header");
		put(o, fields[1], new_string(value));
	}
}

/* Each -H is "Name: template". */
static json_t *
headers(const struct args *args)
{
	const struct arg	*arg = NULL;
	const char		*colon, *value;
	char			*name;
	json_t			*o;

	if ((o = json_object()) == NULL)
		err(1, NULL);
	while ((arg = args_next(args, 'H', arg)) != NULL) {
		if ((colon = strchr(arg->value, ':')) == NULL ||
		    colon == arg->value)
			wrong("custom", "wants -H 'Name: template'");
		if ((name = strndup(arg->value,
		    (size_t)(colon - arg->value))) == NULL)
			err(1, NULL);
		value = colon + 1 + strspn(colon + 1, " \t");
		if (json_object_get(o, name) != NULL)
			wrong("custom", "has the same header twice");
		put(o, name, new_string(value));
		free(name);
	}
	return (o);
}

static json_t *
methods(const char *list)
{
	char	*copy, *rest, *word;
	json_t	*o;

	if ((o = json_array()) == NULL || (copy = rest = strdup(list)) == NULL)
		err(1, NULL);
	while ((word = strsep(&rest, ",")) != NULL) {
		if (json_array_append_new(o, new_string(word)) == -1)
			err(1, NULL);
	}
	free(copy);
	return (o);
}

static void
put(json_t *o, const char *name, json_t *value)
{
	if (json_object_set_new(o, name, value) == -1)
		errx(1, "service add: \"%s\" cannot be sent", name);
}

static void
wrong(const char *type, const char *why)
{
	errx(2, "service add: %s%s%s", type, *type == '\0' ? "-t: " : ": ",
	    why);
}

/* A file as the list shows it with -j, or just its array of services. */
int
cmd_service_set(struct ctl *ctl, struct args *args)
{
	const char	*file = args_value(args, 'f', NULL);
	json_error_t	 why;
	json_t		*body, *list, *o;

	o = strcmp(file, "-") == 0 ?
	    json_loadf(stdin, JSON_REJECT_DUPLICATES, &why) :
	    json_load_file(file, JSON_REJECT_DUPLICATES, &why);
	if (o == NULL)
		errx(1, "service set: %s: line %d: %s", file, why.line,
		    why.text);
	list = json_is_array(o) ? o : json_object_get(o, "services");
	if (!json_is_array(list))
		errx(1, "service set: %s: neither a list nor an object with "
		    "a list \"services\"", file);
	if ((body = json_pack("{s:O}", "services", list)) == NULL)
		err(1, NULL);
	json_decref(o);
	o = call(ctl, "PUT", call_path("/v1/vaults/%s/services",
	    ctl_vault(args)), body);
	return (call_done(ctl, o, "vault %s has %lld services now\n",
	    ctl_vault(args), (long long)get_int(o, "services_count")));
}
