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
#include <sys/queue.h>
#include <sys/tree.h>

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "batch.h"
#include "codes.h"
#include "db.h"
#include "log.h"
#include "proc.h"
#include "scope.h"
#include "stream.h"

RB_HEAD(scopes, scope);

static struct scopes		 scopes = RB_INITIALIZER(&scopes);
static struct scopes_closed	 dirty = TAILQ_HEAD_INITIALIZER(dirty);
static struct scopes_closed	 closed = TAILQ_HEAD_INITIALIZER(closed);
static uint64_t			 sync_no;

static struct db_sql	 sql_load = DB_SQL(
    "SELECT instance, scope, vault, actor_type, actor, actor_name, session,"
    " closed FROM live_scopes");
static struct db_sql	 sql_save = DB_SQL(
    "INSERT OR REPLACE INTO live_scopes (instance, scope, vault, actor_type,"
    " actor, actor_name, session, closed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
static struct db_sql	 sql_delete = DB_SQL(
    "DELETE FROM live_scopes WHERE instance = ? AND scope = ?");

static int	scope_cmp(struct scope *, struct scope *);
static struct scope	*scope_find(uint64_t, uint64_t);
static struct scope	*scope_new(uint64_t, uint64_t);
static void	scope_touch(struct scope *);
static void	scope_free(struct scope *);
static void	scope_drop(struct scope *);
static void	scope_shut(struct scope *);
static void	scope_tell(uint64_t);
static int	vault_cmp(const void *, const void *);

RB_GENERATE_STATIC(scopes, scope, node, scope_cmp)

/* By id first: keyd closes by that alone. */
static int
scope_cmp(struct scope *a, struct scope *b)
{
	if (a->id != b->id)
		return (a->id < b->id ? -1 : 1);
	return (a->instance < b->instance ? -1 : a->instance > b->instance);
}

static struct scope *
scope_find(uint64_t id, uint64_t instance)
{
	struct scope	 key;

	key.id = id;
	key.instance = instance;
	return (RB_FIND(scopes, &scopes, &key));
}

static struct scope *
scope_new(uint64_t id, uint64_t instance)
{
	struct scope	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("scope");
	s->id = id;
	s->instance = instance;
	RB_INSERT(scopes, &scopes, s);
	return (s);
}

static void
scope_free(struct scope *s)
{
	if (s->dirty)
		TAILQ_REMOVE(&dirty, s, dirty_entry);
	if (s->closed)
		TAILQ_REMOVE(&closed, s, closed_entry);
	RB_REMOVE(scopes, &scopes, s);
	who_unref(s->who);
	free(s);
}

static void
scope_touch(struct scope *s)
{
	if (s->dirty)
		return;
	s->dirty = 1;
	TAILQ_INSERT_TAIL(&dirty, s, dirty_entry);
	batch_touch();
}

static void
scope_drop(struct scope *s)
{
	s->gone = 1;
	scope_touch(s);
}

static void
scope_tell(uint64_t id)
{
	struct msg_scope_closed	 m = { id };
	struct link		*keyd = proc_peer(PROC_KEYD);

	if (keyd != NULL)
		(void)link_send(keyd, MSG_SCOPE_CLOSED, &m, -1);
}

int
scope_load(void)
{
	sqlite3_stmt	*st;
	struct scope	*s;
	int		 rc;

	if ((st = db_prep(&sql_load)) == NULL)
		return (-1);
	while ((rc = db_step(st)) == 1) {
		s = scope_new(sqlite3_column_int64(st, 1),
		    sqlite3_column_int64(st, 0));
		s->kind = SCOPE_WRITE;
		s->who = who_new(sqlite3_column_int64(st, 2),
		    sqlite3_column_int(st, 3), db_text(st, 4), db_text(st, 5),
		    db_text(st, 6));
		s->mark = stream_committed(s->instance);
		if (sqlite3_column_int(st, 7)) {
			s->closed = s->told = 1;
			TAILQ_INSERT_TAIL(&closed, s, closed_entry);
		}
	}
	return (rc);
}

void
scope_unload(void)
{
	struct scope	*s;

	while ((s = RB_MIN(scopes, &scopes)) != NULL)
		scope_free(s);
}

/* keyd repeats what is open after a restart of ours, so it may be there. */
void
scope_open(const struct msg_scope_open *m)
{
	struct scope	*s;

	if ((s = scope_find(m->scope, m->instance)) == NULL)
		s = scope_new(m->scope, m->instance);
	if (s->closed)
		TAILQ_REMOVE(&closed, s, closed_entry);
	who_unref(s->who);
	s->who = who_new(m->vault, m->actor_type, m->actor, m->actor_name,
	    m->session);
	s->kind = m->kind;
	s->all = m->all;
	s->closed = s->told = s->gone = 0;
	s->sync = sync_no;
	if (s->kind == SCOPE_WRITE)
		scope_touch(s);
}

static void
scope_shut(struct scope *s)
{
	s->closed = 1;
	s->gone = stream_over(s->instance);
	s->mark = stream_committed(s->instance);
	TAILQ_INSERT_TAIL(&closed, s, closed_entry);
	scope_touch(s);
}

/* keyd forgets it at SCOPE_CLOSED, so that waits until it is in the file. */
void
scope_close(uint64_t id)
{
	struct scope	*s, key;

	key.id = id;
	key.instance = 0;
	for (s = RB_NFIND(scopes, &scopes, &key); s != NULL && s->id == id;
	    s = RB_NEXT(scopes, &scopes, s)) {
		if (s->closed || s->gone)
			continue;
		if (s->kind == SCOPE_WRITE) {
			scope_shut(s);
			return;
		}
		scope_free(s);
		break;
	}
	scope_tell(id);
}

void
scope_sync(void)
{
	sync_no++;
}

void
scope_synced(void)
{
	struct scope	*s, *next;

	RB_FOREACH_SAFE(s, scopes, &scopes, next) {
		if (s->sync == sync_no || s->closed || s->gone)
			continue;
		if (s->kind == SCOPE_WRITE) {
			scope_shut(s);
			s->told = 1;
		} else
			scope_free(s);
	}
}

struct scope *
scope_writer(uint64_t id, uint64_t instance)
{
	struct scope	*s = scope_find(id, instance);

	return (s != NULL && s->kind == SCOPE_WRITE && !s->gone ? s : NULL);
}

struct scope *
scope_reader(uint64_t id, uint64_t instance)
{
	struct scope	*s = scope_find(id, instance);

	return (s != NULL && s->kind == SCOPE_READ ? s : NULL);
}

/*
 * keyd puts it into the kernel before api hears of it, but the two links are
 * read in any order.
 */
struct scope *
scope_asked(const struct link *l, uint64_t id)
{
	const uint64_t	 instance = link_peer(l)->instance;
	struct scope	*s;
	struct link	*keyd;

	if ((s = scope_reader(id, instance)) != NULL)
		return (s);
	if ((keyd = proc_peer(PROC_KEYD)) != NULL)
		(void)link_drain_in(keyd, INT_MAX);
	return (scope_reader(id, instance));
}

int
scope_has(uint64_t instance, uint64_t vault)
{
	struct scope	*s;

	RB_FOREACH(s, scopes, &scopes) {
		if (s->instance == instance && s->kind == SCOPE_WRITE &&
		    s->who->vault == vault)
			return (1);
	}
	return (0);
}

static int
vault_cmp(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

size_t
scope_vaults(uint64_t instance, uint64_t **vaults)
{
	struct scope	*s;
	size_t		 n = 0, max = 0;

	*vaults = NULL;
	RB_FOREACH(s, scopes, &scopes) {
		if (s->instance != instance || s->kind != SCOPE_WRITE)
			continue;
		if (n == max) {
			max = max == 0 ? 64 : 2 * max;
			*vaults = reallocarray(*vaults, max, sizeof(**vaults));
			if (*vaults == NULL)
				fatal("scopes");
		}
		(*vaults)[n++] = s->who->vault;
	}
	if (n > 0)
		qsort(*vaults, n, sizeof(**vaults), vault_cmp);
	return (n);
}

/*
 * A record that names a scope was sent before the worker learnt of its end,
 * so it is at most a window behind what was committed then.
 */
void
scope_passed(uint64_t instance, uint64_t committed)
{
	struct scope	*s;

	TAILQ_FOREACH(s, &closed, closed_entry) {
		if (s->instance == instance && s->told && !s->gone &&
		    committed > s->mark + SCOPE_WINDOW)
			scope_drop(s);
	}
}

void
scope_ended(uint64_t instance)
{
	struct scope	*s, *next;

	RB_FOREACH_SAFE(s, scopes, &scopes, next) {
		if (s->instance != instance)
			continue;
		if (s->kind == SCOPE_WRITE)
			scope_drop(s);
		else
			scope_free(s);
	}
}

int
scope_dirty(void)
{
	return (!TAILQ_EMPTY(&dirty));
}

int
scope_save(void)
{
	struct scope	*s;
	int		 rc;

	TAILQ_FOREACH(s, &dirty, dirty_entry) {
		if (s->gone)
			rc = db_run(&sql_delete, "ii", (int64_t)s->instance,
			    (int64_t)s->id);
		else
			rc = db_run(&sql_save, "iiiittti",
			    (int64_t)s->instance, (int64_t)s->id,
			    (int64_t)s->who->vault,
			    (int64_t)s->who->actor_type, s->who->actor,
			    s->who->actor_name, s->who->session,
			    (int64_t)s->closed);
		if (rc == -1)
			return (-1);
	}
	return (0);
}

void
scope_saved(void)
{
	struct scope	*s;

	while ((s = TAILQ_FIRST(&dirty)) != NULL) {
		TAILQ_REMOVE(&dirty, s, dirty_entry);
		s->dirty = 0;
		if (s->closed && !s->told)
			scope_tell(s->id);
		s->told = s->closed;
		if (s->gone)
			scope_free(s);
	}
}
