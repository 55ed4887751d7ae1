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
#include "lease.h"
#include "op.h"
#include "seal.h"
#include "service.h"

#define VALUE_MAX	(32 * 1024)

/* The values that are being set, for the sizes that services render to. */
struct setting {
	const struct vault			*vault;
	const struct rec_op_credentials_set	*args;
};

static ssize_t	length(const char *, void *);
static int	check_value(struct op_ask *, const struct rec_kv *,
		    const struct vault *);
static int	check_rendered(struct op_ask *, struct setting *);
static void	put(struct op_ask *, struct change *, const struct vault *,
		    const struct rec_kv *);
static void	detail(struct change *, const struct vault *,
		    const struct rec_name *, uint32_t);

static ssize_t
length(const char *key, void *arg)
{
	const struct setting		*s = arg;
	const struct credential		*c;
	uint32_t			 i;

	for (i = 0; i < s->args->values_n; i++) {
		if (strcmp(s->args->values[i].key, key) == 0)
			return (strlen(s->args->values[i].value));
	}
	c = state_credential(s->vault, key);
	return (c == NULL ? -1 : (ssize_t)c->o.sealed.len - SEAL_OVERHEAD);
}

/*
 * A value with a line end or another control character is taken only where
 * no service would put it into a header as it is.
 */
static int
check_value(struct op_ask *ask, const struct rec_kv *kv,
    const struct vault *v)
{
	const struct service	*s;

	if (!service_valid_key(kv->key, strlen(kv->key)))
		return (op_refuse(ask, 400, "invalid_key",
		    "The credential's name \"%.64s\" is not like STRIPE_KEY: "
		    "A-Z, 0-9 and _, at most 64", kv->key));
	if (strlen(kv->value) > VALUE_MAX)
		return (op_refuse(ask, 413, "too_large",
		    "The value of %s is longer than 32 KiB", kv->key));
	if (service_header_safe(kv->value, strlen(kv->value)))
		return (0);
	TAILQ_FOREACH(s, &v->services, entry) {
		if (lease_raw(&s->o, kv->key))
			return (op_refuse(ask, 400, "invalid_value",
			    "The value of %s holds a line end or a control "
			    "character, and service %s would put it into a "
			    "header", kv->key, s->o.name));
	}
	return (0);
}

static int
check_rendered(struct op_ask *ask, struct setting *set)
{
	const struct rec_obj_service	*all[STATE_SERVICES_MAX];
	const struct service		*s;
	char				 why[400];
	size_t				 n = 0;

	TAILQ_FOREACH(s, &set->vault->services, entry)
		all[n++] = &s->o;
	if (lease_check(all, n, length, set, why, sizeof(why)) == -1)
		return (op_refuse(ask, 400, "too_large", "With that, %s",
		    why));
	return (0);
}

static void
put(struct op_ask *ask, struct change *c, const struct vault *v,
    const struct rec_kv *kv)
{
	const struct credential		*old = state_credential(v, kv->key);
	struct seal_place		 place = {
		"credentials", v->o.id, kv->key
	};
	struct rec_obj_credential	 o;

	memset(&o, 0, sizeof(o));
	o.id = old != NULL ? old->o.id : change_id(c);
	o.vault = v->o.id;
	o.name = kv->key;
	o.created_at = old != NULL ? old->o.created_at : ask->now;
	o.updated_at = ask->now;
	if (seal_put(&place, kv->value, strlen(kv->value), &o.sealed) == -1) {
		c->failed = 1;
		return;
	}
	change_put(c, OBJ_CREDENTIAL, &o);
	msg_blob_free(&o.sealed);
}

/* As many names as fit a row. */
static void
detail(struct change *c, const struct vault *v, const struct rec_name *names,
    uint32_t n)
{
	char		 list[900] = "";
	uint32_t	 i;

	for (i = 0; i < n; i++)
		change_list(list, sizeof(list), names[i].name);
	change_detail(c, "{\"vault\":\"%s\",\"count\":%u,\"keys\":[%s]}",
	    v->o.name, n, list);
}

int
op_credential_set(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_credentials_set	*a = args;
	struct vault				*v = op_vault(ask);
	struct setting				 set = { v, a };
	struct rec_res_count			 res;
	struct rec_name				 names[64];
	size_t					 bytes = 0;
	uint32_t				 i, k, added = 0;

	if (a->values_n == 0 || a->values_n > 64)
		return (op_refuse(ask, 400, "invalid_request",
		    "Between 1 and 64 credentials are required"));
	for (i = 0; i < a->values_n; i++) {
		if (check_value(ask, &a->values[i], v) == -1)
			return (-1);
		for (k = 0; k < i; k++) {
			if (strcmp(names[k].name, a->values[i].key) == 0)
				return (op_refuse(ask, 400,
				    "invalid_request", "%s comes twice",
				    names[k].name));
		}
		names[i].name = a->values[i].key;
		bytes += strlen(a->values[i].value) + SEAL_OVERHEAD;
		added += state_credential(v, a->values[i].key) == NULL;
	}
	if (v->ncredentials + added > STATE_CREDENTIALS_MAX ||
	    state.sealed + bytes > STATE_SEALED_MAX)
		return (op_refuse(ask, 409, "too_many",
		    "The vault would hold more than %d credentials, or all "
		    "together more than %d MiB", STATE_CREDENTIALS_MAX,
		    STATE_SEALED_MAX / (1024 * 1024)));
	if (check_rendered(ask, &set) == -1)
		return (-1);
	for (i = 0; i < a->values_n; i++)
		put(ask, c, v, &a->values[i]);
	memset(&res, 0, sizeof(res));
	res.count = a->values_n;
	res.total = v->ncredentials + added;
	res.names = names;
	res.names_n = a->values_n;
	change_result(c, &desc_res_count, &res);
	detail(c, v, names, a->values_n);
	return (0);
}

/* All of them or none. */
int
op_credential_delete(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_credentials_delete	*a = args;
	struct vault				*v = op_vault(ask);
	const struct credential			*cr;
	struct rec_res_count			 res;
	uint32_t				 i;

	if (a->keys_n == 0)
		return (op_refuse(ask, 400, "invalid_request",
		    "A list of keys is required"));
	for (i = 0; i < a->keys_n; i++) {
		cr = state_credential(v, a->keys[i].name);
		if (cr != NULL)
			change_delete(c, OBJ_CREDENTIAL, cr->o.id);
		else if (!ask->again)
			return (op_refuse(ask, 404, "not_found",
			    "Credential \"%.64s\" not found",
			    a->keys[i].name));
	}
	if (ask->again)
		return (0);
	memset(&res, 0, sizeof(res));
	res.count = c->n;
	res.total = v->ncredentials - c->n;
	res.names = a->keys;
	res.names_n = a->keys_n;
	change_result(c, &desc_res_count, &res);
	detail(c, v, a->keys, a->keys_n);
	return (0);
}
