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
#include "keyd.h"
#include "log.h"
#include "reply.h"
#include "route.h"
#include "serviceform.h"

#define SERVICES_MAX	256

static void	list_one(struct request *, const void *);
static void	list_done(struct request *);
static void	usage_one(struct request *, const void *);
static void	usage_done(struct request *);
static void	put(struct request *, enum admin_op, ask_fn *);
static int	forms(struct request *, const json_t *,
		    struct serviceform *);
static void	upserted(struct request *, struct msg *);
static void	replaced(struct request *, struct msg *);
static void	cleared(struct request *, struct msg *);
static void	enabled(struct request *, struct msg *);
static void	deleted(struct request *, struct msg *);
static int	ambiguous(struct request *, struct msg *);
static int	one(struct request *, struct msg *, struct rec_res_services *);
static json_t	*name_and_host(const struct rec_view_usage *);

static void
list_one(struct request *req, const void *view)
{
	json_add(req->list, serviceform_json(view));
}

static void
list_done(struct request *req)
{
	json_t	*j = json_map();

	json_put(j, "services", json_incref(req->list));
	json_put_text(j, "vault", req->param[0]);
	reply_json(req, 200, j);
}

void
services_list(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	req->list = json_list();
	keyd_get(req, VIEW_SERVICES, req->param[0], "", list_one, list_done);
}

static json_t *
name_and_host(const struct rec_view_usage *u)
{
	json_t	*j = json_map();

	json_put_text(j, "name", u->name);
	json_put_text(j, "host", u->host);
	return (j);
}

static void
usage_one(struct request *req, const void *view)
{
	json_add(req->list, name_and_host(view));
}

static void
usage_done(struct request *req)
{
	json_t	*j = json_map();

	json_put(j, "services", json_incref(req->list));
	reply_json(req, 200, j);
}

void
services_usage(struct request *req)
{
	const char	*key = request_query(req, "key");

	if (request_no_fields(req) == -1)
		return;
	if (key == NULL || *key == '\0') {
		reply_invalid(req, "The parameter key is required");
		return;
	}
	req->list = json_list();
	keyd_get(req, VIEW_USAGE, req->param[0], key, usage_one, usage_done);
}

static int
forms(struct request *req, const json_t *list, struct serviceform *f)
{
	char	 why[300];
	size_t	 i;

	for (i = 0; i < json_array_size(list); i++) {
		if (serviceform_take(&f[i], json_array_get(list, i), why,
		    sizeof(why)) == -1) {
			reply_error(req, 400, "invalid_services",
			    "services[%zu]: %s", i, why);
			return (-1);
		}
	}
	return (0);
}

static void
put(struct request *req, enum admin_op op, ask_fn *fn)
{
	const json_t		*list = NULL;
	const struct json_field	 fields[] = {
		{ "services", JSON_LIST, &list },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_obj_service	 all[SERVICES_MAX];
	struct rec_op_services	 args;
	struct serviceform	*f;
	size_t			 i, n;

	if (request_fields(req, fields) == -1)
		return;
	n = json_array_size(list);
	if (list == NULL || n > SERVICES_MAX) {
		reply_invalid(req, "services, a list of at most %d, is "
		    "required", SERVICES_MAX);
		return;
	}
	if ((f = calloc(n + 1, sizeof(*f))) == NULL)
		fatal("services");
	if (forms(req, list, f) == 0) {
		for (i = 0; i < n; i++)
			all[i] = f[i].o;
		args.services = all;
		args.services_n = n;
		keyd_admin(req, op, req->param[0], &args, fn);
	}
	for (i = 0; i < n; i++)
		serviceform_free(&f[i]);
	free(f);
}

void
services_upsert(struct request *req)
{
	put(req, OP_SERVICE_UPSERT, upserted);
}

static void
upserted(struct request *req, struct msg *m)
{
	struct rec_res_count	 res;
	json_t			*j;

	if (keyd_done(req, m, &desc_res_count, &res) == -1)
		return;
	j = json_map();
	json_put_number(j, "services_count", res.total);
	json_put(j, "upserted", keyd_names(&res));
	json_put_text(j, "vault", req->param[0]);
	reply_json(req, 200, j);
}

void
services_replace(struct request *req)
{
	put(req, OP_SERVICE_REPLACE, replaced);
}

static void
replaced(struct request *req, struct msg *m)
{
	struct rec_res_count	 res;
	json_t			*j;

	if (keyd_done(req, m, &desc_res_count, &res) == -1)
		return;
	j = json_map();
	json_put_number(j, "services_count", res.total);
	json_put_text(j, "vault", req->param[0]);
	reply_json(req, 200, j);
}

void
services_clear(struct request *req)
{
	struct rec_op_none	 none = { 0 };

	if (request_no_fields(req) == 0)
		keyd_admin(req, OP_SERVICE_CLEAR, req->param[0], &none,
		    cleared);
}

static void
cleared(struct request *req, struct msg *m)
{
	json_t	*j;

	if (keyd_done_refused(req, m))
		return;
	j = json_map();
	json_put_flag(j, "cleared", 1);
	json_put_text(j, "vault", req->param[0]);
	reply_json(req, 200, j);
}

/* A host that means several services: which ones. */
static int
ambiguous(struct request *req, struct msg *m)
{
	const struct msg_done	*d = &m->u.done;
	struct rec_res_services	 res;
	json_t			*j, *list;
	uint32_t		 i;

	if (d->status != 409 || d->result.len == 0)
		return (keyd_done_refused(req, m));
	if (keyd_result(req, d, &desc_res_services, &res) == -1)
		return (1);
	j = json_map();
	list = json_list();
	for (i = 0; i < res.services_n; i++)
		json_add(list, name_and_host(&res.services[i]));
	json_put(j, "candidates", list);
	reply_error_json(req, 409, d->code, d->text, j);
	return (1);
}

/* The one service that was meant; -1 when the request was answered. */
static int
one(struct request *req, struct msg *m, struct rec_res_services *res)
{
	if (ambiguous(req, m) ||
	    keyd_result(req, &m->u.done, &desc_res_services, res) == -1)
		return (-1);
	if (res->services_n == 1)
		return (0);
	reply_error(req, 500, "internal", "The change was made, but its "
	    "result cannot be read");
	return (-1);
}

void
services_enable(struct request *req)
{
	int				 on = -1;
	const struct json_field		 fields[] = {
		{ "enabled", JSON_FLAG, &on },
		{ NULL, JSON_LATER, NULL }
	};
	struct rec_op_service_enable	 args;

	if (request_fields(req, fields) == -1)
		return;
	if (on == -1) {
		reply_invalid(req, "enabled is required");
		return;
	}
	req->flag = on;
	args.ref = req->param[1];
	args.enabled = on;
	keyd_admin(req, OP_SERVICE_ENABLE, req->param[0], &args, enabled);
}

static void
enabled(struct request *req, struct msg *m)
{
	struct rec_res_services	 res;
	json_t			*j;

	if (one(req, m, &res) == -1)
		return;
	j = json_map();
	json_put_flag(j, "enabled", req->flag);
	json_put_text(j, "host", res.services[0].host);
	json_put_text(j, "name", res.services[0].name);
	json_put_text(j, "vault", req->param[0]);
	reply_json(req, 200, j);
}

void
services_delete(struct request *req)
{
	struct rec_op_service_ref	 args;

	if (request_no_fields(req) == -1)
		return;
	args.ref = req->param[1];
	keyd_admin(req, OP_SERVICE_DELETE, req->param[0], &args, deleted);
}

static void
deleted(struct request *req, struct msg *m)
{
	struct rec_res_services	 res;
	json_t			*j;

	if (one(req, m, &res) == -1)
		return;
	j = json_map();
	json_put_text(j, "removed", res.services[0].name);
	json_put_text(j, "removed_host", res.services[0].host);
	json_put_number(j, "services_count", res.total);
	json_put_text(j, "vault", req->param[0]);
	reply_json(req, 200, j);
}
