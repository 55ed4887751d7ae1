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
#include "lease.h"
#include "log.h"
#include "op.h"
#include "seal.h"
#include "service.h"

/* The list of a vault's services as it is to be. */
struct plan {
	const struct vault		*vault;
	struct service_form		*forms;		/* what was sent */
	uint32_t			 nforms;
	const struct rec_obj_service	*all[2 * STATE_SERVICES_MAX];
	size_t				 n;
};

static int	plan_check(struct op_ask *, struct plan *,
		    const struct rec_op_services *, int);
static int	plan_finish(struct op_ask *, struct plan *);
static void	plan_put(struct op_ask *, struct plan *, struct change *,
		    int);
static void	plan_free(struct plan *);
static int	planned(const struct plan *, const char *);
static ssize_t	length(const char *, void *);
static int	check_values(struct op_ask *, const struct vault *,
		    const struct rec_obj_service *);
static void	result_count(struct change *, const struct plan *, size_t);
static void	result_service(struct op_ask *, struct change *,
		    const struct service *, uint32_t);
static uint64_t	last_position(const struct vault *);

/*
 * What was sent, in canonical form and with names.  Only an upsert lets a
 * service without a name take over that of the one it replaces.
 */
static int
plan_check(struct op_ask *ask, struct plan *p,
    const struct rec_op_services *a, int adopt)
{
	char		 why[400];
	uint32_t	 i;

	memset(p, 0, sizeof(*p));
	p->vault = op_vault(ask);
	if (a->services_n > STATE_SERVICES_MAX)
		return (op_refuse(ask, 400, "invalid_services",
		    "A vault holds at most %d services", STATE_SERVICES_MAX));
	p->forms = calloc(a->services_n + 1, sizeof(p->forms[0]));
	if (p->forms == NULL)
		fatal("services");
	for (i = 0; i < a->services_n; i++) {
		if (service_check(&a->services[i], &p->forms[i], why,
		    sizeof(why)) == -1)
			return (op_refuse(ask, 400, "invalid_services",
			    "Invalid services: service %u: %s", i, why));
		if (p->forms[i].name[0] == '\0' && (!adopt ||
		    service_adopt(&p->forms[i], p->vault) == -1))
			return (op_refuse(ask, 400, "invalid_services",
			    "Invalid services: service %u: name is required",
			    i));
		if (check_values(ask, p->vault, &p->forms[i].o) == -1)
			return (-1);
		p->all[p->n++] = &p->forms[i].o;
		p->nforms++;
	}
	return (0);
}

static void
plan_free(struct plan *p)
{
	free(p->forms);
}

static int
planned(const struct plan *p, const char *name)
{
	uint32_t	 i;

	for (i = 0; i < p->nforms; i++) {
		if (strcmp(p->forms[i].name, name) == 0)
			return (1);
	}
	return (0);
}

static int
plan_finish(struct op_ask *ask, struct plan *p)
{
	char	 why[400];

	if (service_list_check(p->all, p->n, why, sizeof(why)) == -1)
		return (op_refuse(ask, 400, "invalid_services",
		    "Invalid services: %s", why));
	if (lease_check(p->all, p->n, length, (void *)(uintptr_t)p->vault, why,
	    sizeof(why)) == -1)
		return (op_refuse(ask, 400, "too_large",
		    "Invalid services: %s", why));
	return (0);
}

static ssize_t
length(const char *key, void *arg)
{
	const struct vault		*v = arg;
	const struct credential		*c = state_credential(v, key);

	return (c == NULL ? -1 : (ssize_t)c->o.sealed.len - SEAL_OVERHEAD);
}

/* A credential that no header can carry is not put into one. */
static int
check_values(struct op_ask *ask, const struct vault *v,
    const struct rec_obj_service *o)
{
	char			 keys[SERVICE_HEADERS_MAX]
				    [SERVICE_KEY_MAX + 1];
	struct seal_place	 place = { "credentials", v->o.id, NULL };
	const struct credential	*c;
	char			*value;
	size_t			 i, n, size;
	ssize_t			 len;
	int			 safe;

	n = service_keys(o, keys, SERVICE_HEADERS_MAX);
	for (i = 0; i < n; i++) {
		if (!lease_raw(o, keys[i]) ||
		    (c = state_credential(v, keys[i])) == NULL)
			continue;
		size = c->o.sealed.len;
		if ((value = malloc(size + 1)) == NULL)
			fatal("credential");
		place.name = c->o.name;
		len = seal_get(&place, &c->o.sealed, value, size);
		safe = len == -1 || service_header_safe(value, len);
		freezero(value, size + 1);
		if (!safe)
			return (op_refuse(ask, 400, "invalid_services",
			    "Invalid services: credential %s holds a line end "
			    "or a control character, which no header can "
			    "carry", keys[i]));
	}
	return (0);
}

static uint64_t
last_position(const struct vault *v)
{
	const struct service	*s = TAILQ_LAST(&v->services, services);

	return (s == NULL ? 0 : s->o.position);
}

/* A service that is there keeps its number and, unless all are replaced, its
 * place. */
static void
plan_put(struct op_ask *ask, struct plan *p, struct change *c, int replace)
{
	struct rec_obj_service	*o;
	const struct service	*old;
	uint64_t		 position = last_position(p->vault);
	uint32_t		 i;

	for (i = 0; i < p->nforms; i++) {
		o = &p->forms[i].o;
		old = state_service_named(p->vault, o->name);
		o->vault = p->vault->o.id;
		o->id = old != NULL ? old->o.id : change_id(c);
		o->created_at = old != NULL ? old->o.created_at : ask->now;
		o->updated_at = ask->now;
		if (replace)
			o->position = i + 1;
		else if (old != NULL)
			o->position = old->o.position;
		else
			o->position = ++position;
		change_put(c, OBJ_SERVICE, o);
	}
}

static void
result_count(struct change *c, const struct plan *p, size_t total)
{
	struct rec_name		 names[STATE_SERVICES_MAX];
	struct rec_res_count	 res;
	char			 list[900] = "";
	uint32_t		 i;

	for (i = 0; i < p->nforms; i++) {
		names[i].name = p->forms[i].name;
		change_list(list, sizeof(list), p->forms[i].name);
	}
	memset(&res, 0, sizeof(res));
	res.count = p->nforms;
	res.total = total;
	res.names = names;
	res.names_n = p->nforms;
	change_result(c, &desc_res_count, &res);
	change_detail(c, "{\"vault\":\"%s\",\"count\":%u,\"services\":[%s]}",
	    p->vault->o.name, p->nforms, list);
}

int
op_service_upsert(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_services	*a = args;
	const struct service		*s;
	struct plan			 p;
	int				 rc = -1;

	if (a->services_n == 0)
		return (op_refuse(ask, 400, "invalid_services",
		    "At least one service is required"));
	if (plan_check(ask, &p, a, 1) == -1)
		goto done;
	TAILQ_FOREACH(s, &p.vault->services, entry) {
		if (!planned(&p, s->o.name))
			p.all[p.n++] = &s->o;
	}
	if (plan_finish(ask, &p) == -1)
		goto done;
	plan_put(ask, &p, c, 0);
	result_count(c, &p, p.n);
	rc = 0;
 done:
	plan_free(&p);
	return (rc);
}

int
op_service_replace(struct op_ask *ask, const void *args, struct change *c)
{
	const struct service	*s;
	struct plan		 p;
	int			 rc = -1;

	if (plan_check(ask, &p, args, 0) == -1 || plan_finish(ask, &p) == -1)
		goto done;
	TAILQ_FOREACH(s, &p.vault->services, entry) {
		if (!planned(&p, s->o.name))
			change_delete(c, OBJ_SERVICE, s->o.id);
	}
	plan_put(ask, &p, c, 1);
	result_count(c, &p, p.n);
	rc = 0;
 done:
	plan_free(&p);
	return (rc);
}

int
op_service_clear(struct op_ask *ask, const void *args, struct change *c)
{
	const struct vault	*v = op_vault(ask);
	const struct service	*s;
	struct rec_res_count	 res;

	TAILQ_FOREACH(s, &v->services, entry)
		change_delete(c, OBJ_SERVICE, s->o.id);
	memset(&res, 0, sizeof(res));
	res.count = c->n;
	change_result(c, &desc_res_count, &res);
	change_detail(c, "{\"vault\":\"%s\",\"count\":%u}", v->o.name, c->n);
	return (0);
}

struct service *
op_service_find(struct op_ask *ask, const struct vault *v, const char *ref)
{
	static char		 hosts[64][SERVICE_JOINED_SIZE];
	struct rec_view_usage	 list[64];
	struct rec_res_services	 res;
	struct service		*s, *found = NULL;
	char			 host[SERVICE_HOST_MAX + 1] = "";
	uint32_t		 n = 0;

	if ((s = state_service_named(v, ref)) != NULL)
		return (s);
	if (service_host(ref, strlen(ref), 1, host, sizeof(host)) == -1)
		host[0] = '\0';
	TAILQ_FOREACH(s, &v->services, entry) {
		if (strcmp(s->o.host, host) != 0 || n == 64)
			continue;
		found = s;
		service_join(&s->o, hosts[n], sizeof(hosts[n]));
		list[n].name = s->o.name;
		list[n].host = hosts[n];
		n++;
	}
	if (n == 0)
		(void)op_refuse(ask, 404, "not_found",
		    "Service not found for \"%.200s\"", ref);
	if (n < 2)
		return (found);
	memset(&res, 0, sizeof(res));
	res.total = v->nservices;
	res.services = list;
	res.services_n = n;
	if (rec_to_blob(&desc_res_services, &res, &ask->result) == -1)
		fatal("candidates");
	(void)op_refuse(ask, 409, "ambiguous", "Several services match host "
	    "\"%.200s\": try again with a service's name", ref);
	return (NULL);
}

static void
result_service(struct op_ask *ask, struct change *c, const struct service *s,
    uint32_t total)
{
	char			 host[SERVICE_JOINED_SIZE];
	struct rec_view_usage	 one;
	struct rec_res_services	 res;

	service_join(&s->o, host, sizeof(host));
	one.name = s->o.name;
	one.host = host;
	memset(&res, 0, sizeof(res));
	res.total = total;
	res.services = &one;
	res.services_n = 1;
	change_result(c, &desc_res_services, &res);
}

int
op_service_delete(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_service_ref	*a = args;
	const struct vault		*v = op_vault(ask);
	const struct service		*s;

	if ((s = op_service_find(ask, v, a->ref)) == NULL)
		return (-1);
	change_delete(c, OBJ_SERVICE, s->o.id);
	result_service(ask, c, s, v->nservices - 1);
	change_detail(c, "{\"vault\":\"%s\",\"service\":\"%s\"}", v->o.name,
	    s->o.name);
	return (0);
}

int
op_service_enable(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_service_enable	*a = args;
	const struct vault			*v = op_vault(ask);
	const struct service			*s;
	struct rec_obj_service			 o;

	if (a->enabled > 1)
		return (op_refuse(ask, 400, "invalid_value",
		    "enabled is true or false"));
	if ((s = op_service_find(ask, v, a->ref)) == NULL)
		return (-1);
	o = s->o;
	o.enabled = a->enabled;
	o.updated_at = ask->now;
	change_put(c, OBJ_SERVICE, &o);
	result_service(ask, c, s, v->nservices);
	change_detail(c, "{\"vault\":\"%s\",\"service\":\"%s\","
	    "\"enabled\":%s}", v->o.name, o.name,
	    o.enabled ? "true" : "false");
	return (0);
}
