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

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "caller.h"
#include "client.h"
#include "keyd.h"
#include "log.h"
#include "reply.h"

/* Any view's record. */
union view {
	struct rec_view_vault		 vault;
	struct rec_view_agent		 agent;
	struct rec_view_grant		 grant;
	struct rec_view_session		 session;
	struct rec_view_credential	 credential;
	struct rec_view_usage		 usage;
	struct rec_view_login		 login;
	struct rec_view_settings	 settings;
	struct rec_obj_service		 service;
};

#define VAULT_NAME_MAX	64
#define BODY_MAX	120000		/* of ADMIN, as in the catalogue */

static struct arena	 arena;

static int	vault_fits(struct request *, const char *);
static void	get_page(struct request *);
static void	objects(struct request *, struct msg *);

/* A name that no vault can have is that of one that is not there. */
static int
vault_fits(struct request *req, const char *vault)
{
	if (strlen(vault) <= VAULT_NAME_MAX)
		return (1);
	reply_error(req, 404, "vault_not_found", "Vault not found");
	return (0);
}

int
keyd_refused(struct request *req, uint16_t status, const char *code,
    const char *text)
{
	if (status < 400)
		return (0);
	if (status == 401)
		caller_lost(req->client);
	reply_error(req, status, code, "%s", text);
	return (1);
}

int
keyd_done_refused(struct request *req, const struct msg *m)
{
	return (keyd_refused(req, m->u.done.status, m->u.done.code,
	    m->u.done.text));
}

void
keyd_admin(struct request *req, enum admin_op op, const char *vault,
    const void *args, ask_fn *fn)
{
	struct msg_admin	 m;

	if (!vault_fits(req, vault))
		return;
	memset(&m, 0, sizeof(m));
	if (rec_to_blob(op_desc(op), args, &m.body) == -1) {
		if (errno != EMSGSIZE)
			fatal("%s", op_name(op));
		reply_error(req, 400, "too_long", "A value in the request "
		    "is too long, or a list in it");
		return;
	}
	if (m.body.len > BODY_MAX)
		reply_error(req, 413, "too_large", "This is more than %d "
		    "bytes for one change: divide it", BODY_MAX);
	else {
		m.caller = req->client->who.handle;
		m.op = op;
		m.vault = vault;
		(void)ask(req, PROC_KEYD, MSG_ADMIN, &m, MSG_DONE, fn);
	}
	msg_blob_free(&m.body);
}

int
keyd_result(struct request *req, const struct msg_done *m,
    const struct rec_desc *desc, void *rec)
{
	arena_reset(&arena);
	if (rec_from_blob(&m->result, desc, rec, &arena) == 0)
		return (0);
	log_warnx("keyd: result is no %s", desc->name);
	reply_error(req, 500, "internal", "The change was made, but its "
	    "result cannot be read");
	return (-1);
}

int
keyd_done(struct request *req, const struct msg *m,
    const struct rec_desc *desc, void *rec)
{
	if (keyd_done_refused(req, m))
		return (-1);
	return (keyd_result(req, &m->u.done, desc, rec));
}

json_t *
keyd_names(const struct rec_res_count *res)
{
	json_t		*list = json_list();
	uint32_t	 i;

	for (i = 0; i < res->names_n; i++)
		json_add(list, json_word(res->names[i].name));
	return (list);
}

void
keyd_get(struct request *req, enum view_kind view, const char *vault,
    const char *key, void (*each)(struct request *, const void *),
    void (*done)(struct request *))
{
	if (!vault_fits(req, vault))
		return;
	(void)request_keep(&req->vault, vault);
	(void)request_keep(&req->name, key);
	req->view = view;
	req->cursor = 0;
	req->each = each;
	req->done = done;
	get_page(req);
}

static void
get_page(struct request *req)
{
	struct msg_get	 m;

	memset(&m, 0, sizeof(m));
	m.caller = req->client->who.handle;
	m.kind = req->view;
	m.vault = req->vault;
	m.key = req->name;
	m.cursor = req->cursor;
	(void)ask(req, PROC_KEYD, MSG_GET, &m, MSG_OBJECTS, objects);
}

static void
objects(struct request *req, struct msg *m)
{
	const struct msg_objects	*a = &m->u.objects;
	const struct rec_desc		*desc = view_desc(req->view);
	union view			 v;
	uint32_t			 i;

	if (keyd_refused(req, a->status, a->code, a->text))
		return;
	for (i = 0; i < a->objects_n; i++) {
		arena_reset(&arena);
		if (rec_from_blob(&a->objects[i].body, desc, &v, &arena) ==
		    -1) {
			log_warnx("keyd: object is no %s", desc->name);
			reply_error(req, 500, "internal",
			    "What keyd answered cannot be read");
			return;
		}
		req->each(req, &v);
	}
	req->cursor = a->cursor;
	if (req->cursor != 0)
		get_page(req);
	else
		req->done(req);
}

void
keyd_reveal(struct request *req, const char *vault, const char *key,
    const char *after, ask_fn *fn)
{
	struct msg_reveal	 m;

	if (!vault_fits(req, vault))
		return;
	memset(&m, 0, sizeof(m));
	m.caller = req->client->who.handle;
	m.vault = vault;
	m.key = key;
	m.after = after;
	(void)ask(req, PROC_KEYD, MSG_REVEAL, &m, MSG_SECRETS, fn);
}

void
keyd_may(struct request *req, enum may_action action, const char *vault,
    ask_fn *fn)
{
	struct msg_may	 m;

	if (!vault_fits(req, vault))
		return;
	memset(&m, 0, sizeof(m));
	m.caller = req->client->who.handle;
	m.action = action;
	m.vault = vault;
	(void)ask(req, PROC_KEYD, MSG_MAY, &m, MSG_MAY_ANSWER, fn);
}

void
keyd_ca(struct request *req, ask_fn *fn)
{
	struct msg_get_ca	 m;

	(void)ask(req, PROC_KEYD, MSG_GET_CA, &m, MSG_CA, fn);
}
