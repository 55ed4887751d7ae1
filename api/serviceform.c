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

#include "codes.h"
#include "log.h"
#include "serviceform.h"

/*
 * Fields of auth, and which types have them.  The record holds names of
 * credentials in key1 and key2, so a field that its type does not have must
 * be found here.
 */
enum { A_TOKEN, A_USERNAME, A_PASSWORD, A_KEY, A_HEADER, A_PREFIX, A_TEXTS };

static const char *const	texts[A_TEXTS] = {
	"token", "username", "password", "key", "header", "prefix"
};

static const unsigned int	allowed[AUTH_TYPE_MAX] = {
	[AUTH_PASSTHROUGH] =	0,
	[AUTH_BEARER] =		1U << A_TOKEN,
	[AUTH_BASIC] =		1U << A_USERNAME | 1U << A_PASSWORD,
	[AUTH_API_KEY] =	1U << A_KEY | 1U << A_HEADER | 1U << A_PREFIX,
	[AUTH_CUSTOM] =		0
};

struct auth {
	const char	*type;
	const char	*text[A_TEXTS];
	const json_t	*headers;
};

static int	take_methods(struct serviceform *, const json_t *, char *,
		    size_t);
static int	take_headers(struct serviceform *, const json_t *, char *,
		    size_t);
static int	take_auth(struct serviceform *, const json_t *, char *,
		    size_t);
static int	auth_fields(const struct auth *, int, char *, size_t);
static void	append(char **, size_t *, const char *, const char *,
		    const char *);
static json_t	*auth_json(const struct rec_obj_service *);
static json_t	*headers_json(const char *);
static json_t	*methods_json(const char *);
static void	put_set(json_t *, const char *, const char *);

/* Add to a string that grows: three pieces. */
static void
append(char **s, size_t *n, const char *a, const char *b, const char *c)
{
	const size_t	 more = strlen(a) + strlen(b) + strlen(c);
	char		*p;

	if ((p = realloc(*s, *n + more + 1)) == NULL)
		fatal("service");
	(void)snprintf(p + *n, more + 1, "%s%s%s", a, b, c);
	*s = p;
	*n += more;
}

static int
take_methods(struct serviceform *f, const json_t *list, char *why, size_t len)
{
	const char	*s;
	size_t		 i, n = 0;

	/* In the record that is every method, which nobody means by it. */
	if (list != NULL && json_array_size(list) == 0) {
		(void)snprintf(why, len, "methods is empty");
		return (-1);
	}
	for (i = 0; i < json_array_size(list); i++) {
		s = json_string_value(json_array_get(list, i));
		if (s == NULL || *s == '\0' || strchr(s, ',') != NULL) {
			(void)snprintf(why, len,
			    "methods[%zu] is not a method", i);
			return (-1);
		}
		append(&f->methods, &n, i > 0 ? "," : "", s, "");
	}
	f->o.methods = f->methods;
	return (0);
}

/* One line for each, so none may have a line end or, in its name, a colon. */
static int
take_headers(struct serviceform *f, const json_t *map, char *why, size_t len)
{
	const char	*name, *tpl;
	json_t		*v;
	size_t		 n = 0;

	/* The library's macro wants an object that could be changed. */
	json_object_foreach((json_t *)(uintptr_t)map, name, v) {
		if ((tpl = json_string_value(v)) == NULL) {
			(void)snprintf(why, len, "auth: the header \"%.64s\" "
			    "must be a string", name);
			return (-1);
		}
		if (*name == '\0' || strpbrk(name, ": \t\r\n") != NULL) {
			(void)snprintf(why, len, "auth: \"%.64s\" is not the "
			    "name of a header", name);
			return (-1);
		}
		if (strpbrk(tpl, "\r\n") != NULL) {
			(void)snprintf(why, len, "auth: the header \"%.64s\" "
			    "has a line end in it", name);
			return (-1);
		}
		append(&f->headers, &n, name, ": ", tpl);
		append(&f->headers, &n, "\n", "", "");
	}
	f->o.headers = f->headers;
	return (0);
}

static int
auth_fields(const struct auth *a, int type, char *why, size_t len)
{
	const char	*odd = NULL;
	int		 i;

	for (i = 0; i < A_TEXTS; i++) {
		if (a->text[i] != NULL && (allowed[type] & (1U << i)) == 0)
			odd = texts[i];
	}
	if (a->headers != NULL && type != AUTH_CUSTOM)
		odd = "headers";
	if (odd == NULL)
		return (0);
	(void)snprintf(why, len, "auth: unexpected field \"%s\" for type %s",
	    odd, auth_type_name(type));
	return (-1);
}

static int
take_auth(struct serviceform *f, const json_t *map, char *why, size_t len)
{
	struct auth		 a = { NULL, { NULL }, NULL };
	const struct json_field	 fields[] = {
		{ "type", JSON_TEXT, &a.type },
		{ "token", JSON_TEXT, &a.text[A_TOKEN] },
		{ "username", JSON_TEXT, &a.text[A_USERNAME] },
		{ "password", JSON_TEXT, &a.text[A_PASSWORD] },
		{ "key", JSON_TEXT, &a.text[A_KEY] },
		{ "header", JSON_TEXT, &a.text[A_HEADER] },
		{ "prefix", JSON_TEXT, &a.text[A_PREFIX] },
		{ "headers", JSON_MAP, &a.headers },
		{ NULL, JSON_LATER, NULL }
	};
	char			 inner[160];
	int			 type;

	if (json_take(map, fields, inner, sizeof(inner)) == -1) {
		(void)snprintf(why, len, "auth: %s", inner);
		return (-1);
	}
	if (a.type == NULL || (type = auth_type_by(a.type)) == -1) {
		(void)snprintf(why, len, "auth: type must be bearer, basic, "
		    "api-key, custom or passthrough");
		return (-1);
	}
	if (auth_fields(&a, type, why, len) == -1)
		return (-1);
	f->o.auth_type = type;
	f->o.key1 = type == AUTH_BEARER ? a.text[A_TOKEN] :
	    type == AUTH_BASIC ? a.text[A_USERNAME] : a.text[A_KEY];
	f->o.key2 = a.text[A_PASSWORD];
	f->o.header = a.text[A_HEADER];
	f->o.prefix = a.text[A_PREFIX];
	return (take_headers(f, a.headers, why, len));
}

int
serviceform_take(struct serviceform *f, const json_t *j, char *why,
    size_t len)
{
	const json_t		*auth = NULL, *methods = NULL;
	const char		*path_mode = "default";
	int			 enabled = 1, plaintext = 0, n;
	const struct json_field	 fields[] = {
		{ "name", JSON_TEXT, &f->o.name },
		{ "host", JSON_TEXT, &f->o.host },
		{ "path", JSON_TEXT, &f->o.path },
		{ "enabled", JSON_FLAG, &enabled },
		{ "auth", JSON_MAP, &auth },
		{ "methods", JSON_LIST, &methods },
		{ "allow_plaintext", JSON_FLAG, &plaintext },
		{ "log_path", JSON_TEXT, &path_mode },
		{ "substitutions", JSON_LATER, NULL },
		{ NULL, JSON_LATER, NULL }
	};

	if (!json_is_object(j)) {
		(void)snprintf(why, len, "must be an object");
		return (-1);
	}
	if (json_take(j, fields, why, len) == -1)
		return (-1);
	if ((n = path_mode_by(path_mode)) == -1) {
		(void)snprintf(why, len, "log_path must be default, full, "
		    "prefix or none");
		return (-1);
	}
	f->o.enabled = enabled;
	f->o.plaintext = plaintext;
	f->o.path_mode = n;
	if (take_methods(f, methods, why, len) == -1)
		return (-1);
	return (take_auth(f, auth, why, len));
}

void
serviceform_free(struct serviceform *f)
{
	free(f->methods);
	free(f->headers);
}

static void
put_set(json_t *j, const char *key, const char *s)
{
	if (*s != '\0')
		json_put_text(j, key, s);
}

static json_t *
headers_json(const char *s)
{
	json_t	*j = json_map();
	char	*copy, *line, *next, *value;

	if ((copy = strdup(s)) == NULL)
		fatal("service");
	for (line = copy; *line != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next == '\n')
			*next++ = '\0';
		if ((value = strchr(line, ':')) == NULL)
			continue;
		*value++ = '\0';
		json_put_text(j, line, value + (*value == ' '));
	}
	free(copy);
	return (j);
}

static json_t *
auth_json(const struct rec_obj_service *o)
{
	json_t	*j = json_map();

	json_put_text(j, "type", auth_type_name(o->auth_type));
	switch (o->auth_type) {
	case AUTH_BEARER:
		json_put_text(j, "token", o->key1);
		break;
	case AUTH_BASIC:
		json_put_text(j, "username", o->key1);
		put_set(j, "password", o->key2);
		break;
	case AUTH_API_KEY:
		json_put_text(j, "key", o->key1);
		put_set(j, "header", o->header);
		put_set(j, "prefix", o->prefix);
		break;
	case AUTH_CUSTOM:
		json_put(j, "headers", headers_json(o->headers));
		break;
	}
	return (j);
}

static json_t *
methods_json(const char *s)
{
	json_t	*list = json_list();
	char	 method[64];
	size_t	 n;

	while (*s != '\0') {
		n = strcspn(s, ",");
		(void)snprintf(method, sizeof(method), "%.*s", (int)n, s);
		json_add(list, json_word(method));
		s += n + (s[n] == ',');
	}
	return (list);
}

json_t *
serviceform_json(const struct rec_obj_service *o)
{
	json_t		*j = json_map();
	const char	*open, *close;
	char		 port[8] = "", host[600];

	/* An IPv6 address is kept without its brackets. */
	open = strchr(o->host, ':') != NULL ? "[" : "";
	close = *open == '\0' ? "" : "]";
	if (o->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", o->port);
	(void)snprintf(host, sizeof(host), "%s%s%s%s%s", open, o->host, close,
	    port, o->path);
	json_put_text(j, "name", o->name);
	json_put_text(j, "host", host);
	if (!o->enabled)
		json_put_flag(j, "enabled", 0);
	json_put(j, "auth", auth_json(o));
	if (o->methods[0] != '\0')
		json_put(j, "methods", methods_json(o->methods));
	if (o->plaintext)
		json_put_flag(j, "allow_plaintext", 1);
	if (o->path_mode != PATH_DEFAULT)
		json_put_text(j, "log_path", path_mode_name(o->path_mode));
	return (j);
}
