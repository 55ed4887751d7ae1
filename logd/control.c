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
#include <sys/time.h>

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include "batch.h"
#include "codes.h"
#include "control.h"
#include "db.h"
#include "dict.h"
#include "insert.h"
#include "keydev.h"
#include "log.h"
#include "proc.h"
#include "recover.h"
#include "retain.h"
#include "schema.h"
#include "vault.h"

#define SQL_MAX		2048
#define AUDIT_MAX	4
#define FIELDS_MAX	32
#define PAGE_OBJECTS	1024

/* The statements of a kind, made of its description. */
static struct statements {
	char		 put_text[SQL_MAX];
	char		 delete_text[128];
	char		 list_text[SQL_MAX];
	struct db_sql	 put;
	struct db_sql	 delete;
	struct db_sql	 list;
	int		 made;
} statements[OBJ_MAX];

/* A page of a SNAPSHOT. */
static struct {
	struct rec_object	 objects[PAGE_OBJECTS];
	uint32_t		 n;
	size_t			 size;
} page;

static uint64_t	 rev;

/* A change that failed and may yet be found committed; keyd waits. */
static struct {
	uint64_t	 rev;		/* 0: there is none */
	char		 why[257];
	struct event	 timer;
} doubt;

static struct statements	*control_sql(unsigned int);
static size_t	control_columns(char *, size_t, const struct rec_desc *,
		    const char *);
static int	control_bind(sqlite3_stmt *, const struct rec_desc *,
		    const void *);
static int	control_put(const struct rec_object *, const void *);
static int	control_delete(const struct rec_object *, const void *);
static int	control_object(const struct rec_object *);
static int	control_write(const struct msg_commit *, struct record **);
static void	control_settings(const struct rec_object *);
static void	control_applied(const struct msg_commit *);
static int	control_check(const struct msg_commit *, char *, size_t);
static void	control_read(sqlite3_stmt *, const struct rec_desc *, void *);
static void	control_snapshot(struct link *);
static void	control_answer(struct link *, uint64_t, int, const char *);
static void	control_doubt(int, short, void *);
static void	page_add(struct link *, unsigned int, struct msg_blob *);
static void	page_send(struct link *, int);

int
control_load(void)
{
	int64_t	 n;

	if (schema_get("rev", 0, &n) == -1)
		return (-1);
	rev = n;
	return (0);
}

uint64_t
control_rev(void)
{
	return (rev);
}

/* "a, b, c", each with something behind it. */
static size_t
control_columns(char *sql, size_t len, const struct rec_desc *desc,
    const char *fmt)
{
	const struct msg_field	*f;
	size_t			 n = 0;

	for (f = desc->fields(); f->name != NULL && n < len; f++) {
		n += snprintf(sql + n, len - n, "%s%s", f->off == 0 ? "" :
		    ", ", strcmp(fmt, "?") == 0 ? "?" : f->name);
		if (*fmt == '=' && n < len)
			n += snprintf(sql + n, len - n, " = excluded.%s",
			    f->name);
	}
	return (n);
}

static struct statements *
control_sql(unsigned int kind)
{
	const struct rec_desc	*desc = object_desc(kind);
	const char		*table = object_name(kind);
	struct statements	*s = &statements[kind];
	size_t			 n;

	if (s->made)
		return (s);
	n = snprintf(s->put_text, SQL_MAX, "INSERT INTO %s (", table);
	n += control_columns(s->put_text + n, SQL_MAX - n, desc, "");
	n += snprintf(s->put_text + n, SQL_MAX - n, ") VALUES (");
	n += control_columns(s->put_text + n, SQL_MAX - n, desc, "?");
	n += snprintf(s->put_text + n, SQL_MAX - n,
	    ") ON CONFLICT (id) DO UPDATE SET ");
	(void)control_columns(s->put_text + n, SQL_MAX - n, desc, "=");
	(void)snprintf(s->delete_text, sizeof(s->delete_text),
	    "DELETE FROM %s WHERE id = ?", table);
	n = snprintf(s->list_text, SQL_MAX, "SELECT ");
	n += control_columns(s->list_text + n, SQL_MAX - n, desc, "");
	(void)snprintf(s->list_text + n, SQL_MAX - n,
	    " FROM %s ORDER BY id", table);
	s->put.text = s->put_text;
	s->delete.text = s->delete_text;
	s->list.text = s->list_text;
	s->made = 1;
	return (s);
}

/* Every record of an object starts with its id. */
static int
control_bind(sqlite3_stmt *s, const struct rec_desc *desc, const void *obj)
{
	const struct msg_field	*f;
	const struct msg_blob	*blob;
	const uint8_t		*p;
	int			 c = 0, rc = SQLITE_OK;

	for (f = desc->fields(); f->name != NULL && rc == SQLITE_OK; f++) {
		p = (const uint8_t *)obj + f->off;
		c++;
		switch (f->type) {
		case F_U8:
			rc = sqlite3_bind_int64(s, c, *p);
			break;
		case F_U16:
			rc = sqlite3_bind_int64(s, c, *(const uint16_t *)p);
			break;
		case F_U32:
			rc = sqlite3_bind_int64(s, c, *(const uint32_t *)p);
			break;
		case F_U64:
		case F_I64:
			rc = sqlite3_bind_int64(s, c, *(const int64_t *)p);
			break;
		case F_STR:
		case F_SECRET:
			rc = sqlite3_bind_text(s, c,
			    *(const char *const *)p, -1, SQLITE_STATIC);
			break;
		case F_FIX:
			rc = sqlite3_bind_blob(s, c, p, f->max, SQLITE_STATIC);
			break;
		case F_BLOB:
			blob = (const struct msg_blob *)p;
			rc = sqlite3_bind_blob(s, c, blob->len == 0 ?
			    (const void *)"" : blob->data, blob->len,
			    SQLITE_STATIC);
			break;
		default:
			fatalx("object %s: field %s", desc->name, f->name);
		}
	}
	return (rc == SQLITE_OK ? 0 : -1);
}

static int
control_put(const struct rec_object *o, const void *obj)
{
	sqlite3_stmt	*s;

	if ((s = db_prep(&control_sql(o->kind)->put)) == NULL ||
	    control_bind(s, object_desc(o->kind), obj) == -1)
		return (-1);
	return (db_step(s));
}

static int
control_delete(const struct rec_object *o, const void *obj)
{
	int64_t	 id = *(const int64_t *)obj;

	return (db_run(&control_sql(o->kind)->delete, "i", id));
}

static int
control_object(const struct rec_object *o)
{
	union {
		struct rec_obj_keyring		 keyring;
		struct rec_obj_vault		 vault;
		struct rec_obj_agent		 agent;
		struct rec_obj_token		 token;
		struct rec_obj_grant		 grant;
		struct rec_obj_service		 service;
		struct rec_obj_credential	 credential;
		struct rec_obj_settings		 settings;
		struct rec_obj_login		 login;
	}		 obj;
	struct arena	 arena = { NULL };
	int		 rc;

	if (rec_from_blob(&o->body, object_desc(o->kind), &obj, &arena) == -1)
		return (-1);
	rc = o->op == OBJECT_DELETE ? control_delete(o, &obj) :
	    control_put(o, &obj);
	arena_free(&arena);
	explicit_bzero(&obj, sizeof(obj));
	return (rc);
}

/* Before anything is written: whether it can be understood at all. */
static int
control_check(const struct msg_commit *m, char *why, size_t len)
{
	const struct rec_object	*o;
	uint32_t		 i;

	if (m->rev != rev + 1) {
		(void)snprintf(why, len, "revision %" PRIu64 " does not "
		    "follow %" PRIu64, m->rev, rev);
		return (-1);
	}
	for (i = 0; i < m->objects_n; i++) {
		o = &m->objects[i];
		if (o->kind >= OBJ_MAX || o->op > OBJECT_DELETE) {
			(void)snprintf(why, len, "object of unknown kind");
			return (-1);
		}
	}
	return (0);
}

static int
control_write(const struct msg_commit *m, struct record **audit)
{
	uint32_t	 i;

	if (db_begin(1) == -1)
		return (-1);
	for (i = 0; i < m->objects_n; i++) {
		errno = 0;
		if (control_object(&m->objects[i]) == -1)
			return (-1);
	}
	for (i = 0; i < m->audit_n; i++) {
		if (insert_row(audit[i]) == -1)
			return (-1);
	}
	if (insert_finish() == -1 || schema_set("rev", m->rev) == -1 ||
	    recover_save() == -1)
		return (-1);
	for (i = 0; i < m->audit_n; i++) {
		if (audit[i]->flags & REC_DROPPED)
			return (-1);
	}
	return (db_commit());
}

static void
control_settings(const struct rec_object *o)
{
	struct rec_obj_settings	 s;

	if (rec_from_blob(&o->body, &desc_obj_settings, &s, NULL) == 0)
		retain_owner(s.retain_seconds, s.retain_rows);
}

static void
control_applied(const struct msg_commit *m)
{
	const struct rec_object	*o;
	uint32_t		 i;
	uint64_t		 id;

	for (i = 0; i < m->objects_n; i++) {
		o = &m->objects[i];
		if (o->kind == OBJ_SETTINGS)
			control_settings(o);
		if (o->kind != OBJ_VAULT || o->body.len < sizeof(id))
			continue;
		memcpy(&id, o->body.data, sizeof(id));
		if (o->op == OBJECT_DELETE)
			vault_remove(id);
		else
			vault_add(id);
	}
}

int
control_commit(const struct msg_commit *m, char *why, size_t len)
{
	struct record	*audit[AUDIT_MAX];
	uint32_t	 i;
	int		 rc;

	if (m->rev <= rev)
		return (0);
	if (control_check(m, why, len) == -1)
		return (-1);
	for (i = 0; i < m->audit_n; i++)
		audit[i] = record_audit(&m->audit[i]);
	if ((rc = control_write(m, audit)) == -1) {
		(void)snprintf(why, len, "%s", errno == EBADMSG ?
		    "object that cannot be read" : db_errstr());
		db_rollback();
		insert_undo();
		dict_clear();
		if (db_cause() == CAUSE_FULL)
			db_reclaim();
	} else {
		rev = m->rev;
		insert_committed();
		recover_saved();
		control_applied(m);
		recover_begin();
		db_checkpoint();
	}
	for (i = 0; i < m->audit_n; i++)
		record_free(audit[i]);
	return (rc);
}

static void
control_answer(struct link *l, uint64_t n, int ok, const char *why)
{
	struct msg_committed	 m = { n, ok, why };

	if (!ok)
		log_warnx("change %" PRIu64 " of the control state is not "
		    "durable: %s", n, why);
	(void)link_send(l, MSG_COMMITTED, &m, -1);
}

/*
 * "Not stored" must stay true when we are killed now.  Until it does, keyd has
 * no answer, as from a logd that hangs, and takes what the next logd has.
 */
static void
control_doubt(int fd, short what, void *arg)
{
	struct timeval	 tv = { 0, BATCH_RETRY_MS * 1000 };
	struct link	*keyd = proc_peer(PROC_KEYD);

	if (doubt.rev == 0)
		return;
	if (db_doubt()) {
		evtimer_add(&doubt.timer, &tv);
		return;
	}
	if (keyd != NULL)
		control_answer(keyd, doubt.rev, 0, doubt.why);
	doubt.rev = 0;
}

void
control_message(struct link *l, struct msg *m)
{
	char	 why[257] = "";
	int	 ok;

	ok = control_commit(&m->u.commit, why, sizeof(why)) == 0;
	if (ok || !db_doubt()) {
		control_answer(l, m->u.commit.rev, ok, why);
		return;
	}
	log_warnx("change %" PRIu64 " of the control state may be stored or "
	    "not: %s", m->u.commit.rev, why);
	doubt.rev = m->u.commit.rev;
	(void)strlcpy(doubt.why, why, sizeof(doubt.why));
	evtimer_set(&doubt.timer, control_doubt, NULL);
	control_doubt(-1, 0, NULL);
}

static void
page_send(struct link *l, int last)
{
	struct msg_snapshot	 m;
	uint32_t		 i;

	m.rev = rev;
	m.events = keydev_committed();
	m.last = last;
	m.objects = page.objects;
	m.objects_n = page.n;
	if (link_send(l, MSG_SNAPSHOT, &m, -1) == -1)
		fatal("snapshot");
	for (i = 0; i < page.n; i++)
		msg_blob_free(&page.objects[i].body);
	page.n = 0;
	page.size = 0;
}

static void
page_add(struct link *l, unsigned int kind, struct msg_blob *body)
{
	if (page.n == PAGE_OBJECTS || page.size + body->len > CONTROL_PAGE)
		page_send(l, 0);
	page.objects[page.n].kind = kind;
	page.objects[page.n].op = OBJECT_PUT;
	page.objects[page.n++].body = *body;
	page.size += body->len + 16;
}

/* The columns, back into a structure. */
static void
control_read(sqlite3_stmt *s, const struct rec_desc *desc, void *obj)
{
	const struct msg_field	*f;
	struct msg_blob		*blob;
	const char		*text;
	uint8_t			*p;
	int64_t			 n;
	int			 c = 0;

	for (f = desc->fields(); f->name != NULL; f++, c++) {
		p = (uint8_t *)obj + f->off;
		n = sqlite3_column_int64(s, c);
		switch (f->type) {
		case F_U8:
			*p = n;
			break;
		case F_U16:
			*(uint16_t *)p = n;
			break;
		case F_U32:
			*(uint32_t *)p = n;
			break;
		case F_STR:
		case F_SECRET:
			text = db_text(s, c);
			memcpy(p, &text, sizeof(text));
			break;
		case F_FIX:
			memset(p, 0, f->max);
			if (sqlite3_column_bytes(s, c) == (int)f->max)
				memcpy(p, sqlite3_column_blob(s, c), f->max);
			break;
		case F_BLOB:
			blob = (struct msg_blob *)p;
			blob->data = sqlite3_column_blob(s, c);
			blob->len = sqlite3_column_bytes(s, c);
			break;
		default:
			*(int64_t *)p = n;
			break;
		}
	}
}

/*
 * All objects, a kind after the other in the order of their numbers: vaults
 * and agents come before what refers to them.
 */
static void
control_snapshot(struct link *l)
{
	union {
		uint8_t	 space[1024];
		int64_t	 align;
	}			 obj;
	const struct rec_desc	*desc;
	struct msg_blob		 body;
	sqlite3_stmt		*s;
	unsigned int		 kind;
	int			 rc;

	for (kind = 0; kind < OBJ_MAX; kind++) {
		desc = object_desc(kind);
		if (desc->size > sizeof(obj))
			fatalx("object %s: too large", desc->name);
		if ((s = db_prep(&control_sql(kind)->list)) == NULL)
			fatalx("control state: %s", db_errstr());
		while ((rc = db_step(s)) == 1) {
			control_read(s, desc, &obj);
			if (rec_to_blob(desc, &obj, &body) == -1)
				fatal("control state: %s", desc->name);
			page_add(l, kind, &body);
		}
		if (rc == -1)
			fatalx("control state: %s", db_errstr());
	}
}

void
control_sync(struct link *l, struct msg *m)
{
	if (m->u.sync.load)
		control_snapshot(l);
	page_send(l, 1);
}
