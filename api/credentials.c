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

#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "keyd.h"
#include "log.h"
#include "reply.h"
#include "route.h"

#define VALUE_MAX	(32 * 1024)
#define VALUES_MAX	64		/* set at once */
#define KEYS_MAX	256		/* deleted at once */
#define REVEAL_MAX	(8 * 1024 * 1024)	/* bytes at once */

static const char *vault_of(const char *);
static void	add(struct request *, const char *, const char *);
static void	list_one(struct request *, const void *);
static void	list_done(struct request *);
static void	revealed(struct request *, struct msg *);
static int	values(struct request *, const json_t *, struct rec_kv *);
static void	was_set(struct request *, struct msg *);
static int	keys(struct request *, const json_t *, struct rec_name *);
static void	deleted(struct request *, struct msg *);
static void	names(struct request *, struct msg *, const char *);

static const char *
vault_of(const char *name)
{
	return (name == NULL || *name == '\0' ? "default" : name);
}

/* list: the names; out: the objects. */
static void
add(struct request *req, const char *key, const char *value)
{
	json_t	*j = json_map();

	json_add(req->list, json_word(key));
	json_put_text(j, "key", key);
	json_put_text(j, "type", "static");
	if (value != NULL && *value != '\0')
		json_put_text(j, "value", value);
	json_add(req->out, j);
}

static void
list_one(struct request *req, const void *view)
{
	const struct rec_view_credential	*v = view;

	add(req, v->key, NULL);
}

static void
list_done(struct request *req)
{
	json_t	*j = json_map();

	json_put(j, "keys", json_incref(req->list));
	if (json_array_size(req->out) > 0)
		json_put(j, "credentials", json_incref(req->out));
	reply_json(req, 200, j);
}

void
credentials_list(struct request *req)
{
	const char	*reveal = request_query(req, "reveal");
	const char	*key = request_query(req, "key");
	const char	*vault = vault_of(request_query(req, "vault"));

	if (request_no_fields(req) == -1)
		return;
	if (reveal != NULL && strcmp(reveal, "true") != 0 &&
	    strcmp(reveal, "false") != 0) {
		reply_invalid(req, "reveal is true or false, not \"%.64s\"",
		    reveal);
		return;
	}
	req->flag = reveal != NULL && strcmp(reveal, "true") == 0;
	if (key != NULL && (!req->flag || *key == '\0')) {
		reply_invalid(req, req->flag ? "key is empty" :
		    "key needs reveal=true");
		return;
	}
	req->list = json_list();
	req->out = json_list();
	if (!req->flag) {
		keyd_get(req, VIEW_CREDENTIALS, vault, "", list_one,
		    list_done);
		return;
	}
	(void)request_keep(&req->vault, vault);
	(void)request_keep(&req->name, key == NULL ? "" : key);
	keyd_reveal(req, vault, req->name, "", revealed);
}

/* One page of values; the next one follows the last name. */
static void
revealed(struct request *req, struct msg *m)
{
	const struct msg_secrets	*s = &m->u.secrets;
	uint32_t			 i;

	if (keyd_refused(req, s->status, s->code, s->text))
		return;
	for (i = 0; i < s->values_n; i++) {
		req->bytes += strlen(s->values[i].value);
		add(req, s->values[i].key, s->values[i].value);
	}
	if (req->bytes > REVEAL_MAX)
		reply_error(req, 413, "too_large", "All values together are "
		    "more than %d MiB: ask for them with key",
		    REVEAL_MAX / (1024 * 1024));
	else if (s->more && s->values_n > 0)
		keyd_reveal(req, req->vault, req->name,
		    s->values[s->values_n - 1].key, revealed);
	else
		list_done(req);
}

static int
values(struct request *req, const json_t *map, struct rec_kv *kv)
{
	const char	*key;
	json_t		*v;
	size_t		 n = 0;

	/* The library's macro wants an object that could be changed. */
	json_object_foreach((json_t *)(uintptr_t)map, key, v) {
		if (n == VALUES_MAX) {
			reply_invalid(req, "More than %d credentials at once",
			    VALUES_MAX);
			return (-1);
		}
		if (!json_is_string(v)) {
			reply_invalid(req, "The value of \"%.64s\" must be a "
			    "string", key);
			return (-1);
		}
		if (json_string_length(v) > VALUE_MAX) {
			reply_error(req, 413, "too_large", "The value of "
			    "\"%.64s\" is longer than 32 KiB", key);
			return (-1);
		}
		kv[n].key = key;
		kv[n++].value = json_string_value(v);
	}
	return (n);
}

void
credentials_set(struct request *req)
{
	const char			*vault = NULL;
	const json_t			*map = NULL;
	const struct json_field		 fields[] = {
		{ "vault", JSON_TEXT, &vault },
		{ "credentials", JSON_MAP, &map },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_kv			 kv[VALUES_MAX];
	struct rec_op_credentials_set	 args;
	int				 n;

	if (request_fields(req, fields) == -1)
		return;
	if (map == NULL || json_object_size(map) == 0) {
		reply_invalid(req, "credentials, an object of names and "
		    "values, is required");
		return;
	}
	if ((n = values(req, map, kv)) == -1)
		return;
	args.values = kv;
	args.values_n = n;
	keyd_admin(req, OP_CREDENTIAL_SET, vault_of(vault), &args, was_set);
}

static void
names(struct request *req, struct msg *m, const char *what)
{
	struct rec_res_count	 res;
	json_t			*j;

	if (keyd_done(req, m, &desc_res_count, &res) == -1)
		return;
	j = json_map();
	json_put(j, what, keyd_names(&res));
	reply_json(req, 200, j);
}

static void
was_set(struct request *req, struct msg *m)
{
	names(req, m, "set");
}

static int
keys(struct request *req, const json_t *list, struct rec_name *to)
{
	const json_t	*v;
	size_t		 i;

	if (json_array_size(list) == 0 || json_array_size(list) > KEYS_MAX) {
		reply_invalid(req, "keys, a list of 1 to %d names, is "
		    "required", KEYS_MAX);
		return (-1);
	}
	for (i = 0; i < json_array_size(list); i++) {
		v = json_array_get(list, i);
		if (!json_is_string(v)) {
			reply_invalid(req, "keys[%zu] must be a string", i);
			return (-1);
		}
		to[i].name = json_string_value(v);
	}
	return (i);
}

void
credentials_delete(struct request *req)
{
	const char			*vault = NULL;
	const json_t			*list = NULL;
	const struct json_field		 fields[] = {
		{ "vault", JSON_TEXT, &vault },
		{ "keys", JSON_LIST, &list },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_name			 to[KEYS_MAX];
	struct rec_op_credentials_delete args;
	int				 n;

	if (request_fields(req, fields) == -1 ||
	    (n = keys(req, list, to)) == -1)
		return;
	args.keys = to;
	args.keys_n = n;
	keyd_admin(req, OP_CREDENTIAL_DELETE, vault_of(vault), &args,
	    deleted);
}

static void
deleted(struct request *req, struct msg *m)
{
	names(req, m, "deleted");
}
