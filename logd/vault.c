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

#include <stdint.h>
#include <stdlib.h>

#include "db.h"
#include "log.h"
#include "vault.h"

RB_HEAD(vaults, vault);

TAILQ_HEAD(vaults_changed, vault);

static struct vaults	 vaults = RB_INITIALIZER(&vaults);
static struct vaults_changed	 changed = TAILQ_HEAD_INITIALIZER(changed);

static struct db_sql	 sql_vaults = DB_SQL("SELECT id FROM vaults");
static struct db_sql	 sql_counts = DB_SQL("SELECT vault, rows FROM counts");
static struct db_sql	 sql_save = DB_SQL(
    "INSERT INTO counts (vault, rows) VALUES (?, ?)"
    " ON CONFLICT (vault) DO UPDATE SET rows = excluded.rows");

static int	vault_cmp(struct vault *, struct vault *);
static int	vault_count(void);

RB_GENERATE_STATIC(vaults, vault, node, vault_cmp)

static int
vault_cmp(struct vault *a, struct vault *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

struct vault *
vault_find(uint64_t id)
{
	struct vault	 key;

	key.id = id;
	return (RB_FIND(vaults, &vaults, &key));
}

struct vault *
vault_next(struct vault *v)
{
	return (v == NULL ? RB_MIN(vaults, &vaults) :
	    RB_NEXT(vaults, &vaults, v));
}

void
vault_add(uint64_t id)
{
	struct vault	*v;

	if (vault_find(id) != NULL)
		return;
	if ((v = calloc(1, sizeof(*v))) == NULL)
		fatal("vault");
	v->id = id;
	RB_INSERT(vaults, &vaults, v);
}

/* Its rows have gone before, or the database would not have let it go. */
void
vault_remove(uint64_t id)
{
	struct vault	*v;

	if (id == 0 || (v = vault_find(id)) == NULL || v->over)
		return;
	RB_REMOVE(vaults, &vaults, v);
	free(v);
}

static int
vault_count(void)
{
	struct vault	*v;
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_counts)) == NULL)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		v = vault_find(sqlite3_column_int64(s, 0));
		if (v != NULL)
			v->rows = sqlite3_column_int64(s, 1);
	}
	return (rc);
}

void
vault_change(struct vault *v, int64_t rows)
{
	v->change += rows;
	if (v->changed)
		return;
	v->changed = 1;
	TAILQ_INSERT_TAIL(&changed, v, changed_entry);
}

/* Of rows that somebody else deleted too many may be counted, never less. */
int
vault_save(void)
{
	struct vault	*v;

	TAILQ_FOREACH(v, &changed, changed_entry) {
		if (v->change < 0 && v->rows < (uint64_t)-v->change)
			v->change = -(int64_t)v->rows;
		if (db_run(&sql_save, "ii", (int64_t)v->id,
		    (int64_t)v->rows + v->change) == -1)
			return (-1);
	}
	return (0);
}

void
vault_saved(void (*fn)(struct vault *))
{
	struct vault	*v;

	while ((v = TAILQ_FIRST(&changed)) != NULL) {
		TAILQ_REMOVE(&changed, v, changed_entry);
		v->rows += v->change;
		v->change = v->changed = 0;
		fn(v);
	}
}

void
vault_undo(void)
{
	struct vault	*v;

	while ((v = TAILQ_FIRST(&changed)) != NULL) {
		TAILQ_REMOVE(&changed, v, changed_entry);
		v->change = v->changed = 0;
	}
}

int
vault_load(void)
{
	sqlite3_stmt	*s;
	int		 rc;

	vault_add(0);
	if ((s = db_prep(&sql_vaults)) == NULL)
		return (-1);
	while ((rc = db_step(s)) == 1)
		vault_add(sqlite3_column_int64(s, 0));
	return (rc == -1 || vault_count() == -1 ? -1 : gone_load());
}

void
vault_unload(void)
{
	struct vault	*v;

	vault_undo();
	while ((v = RB_MIN(vaults, &vaults)) != NULL) {
		RB_REMOVE(vaults, &vaults, v);
		free(v);
	}
}
