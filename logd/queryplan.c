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

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "db.h"
#include "log.h"
#include "queryplan.h"
#include "querytime.h"
#include "vault.h"

/* Classes of statuses, 0 to 9, and those that are not known. */
#define CLASSES		11
#define CLASS_USUAL	2		/* has no index */
#define CLASS_NONE	10
#define CLASS_ALL	((1U << CLASSES) - 1)
#define CLASS_ERR	0x3f0U		/* 4xx and above */

static struct db_sql	 sql_vaults = DB_SQL(
    "SELECT id FROM vaults WHERE name = ? ORDER BY id");
static struct db_sql	 sql_targets = DB_SQL(
    "SELECT id, vault, first_id, last_id, method, host, port, service"
    " FROM targets WHERE id > ? ORDER BY id LIMIT ?");
static struct db_sql	 sql_actors = DB_SQL(
    "SELECT id, vault, first_id, last_id, actor, actor_name FROM scopes"
    " WHERE id > ? ORDER BY id LIMIT ?");

/* What the terms of a filter leave to look at. */
struct narrow {
	unsigned int	 classes;
	int		 errors;	/* rows with an error_code as well */
	int		 coded;		/* none but those */
	int		 audit;		/* audit rows only */
};

static int	span_cmp(const void *, const void *);
static void	plan_use(struct plan *, int64_t, int64_t);
static void	plan_cut(struct plan *, struct scan *);
static int	target_matches(const struct scan *, sqlite3_stmt *);
static int	actor_matches(const struct scan *, sqlite3_stmt *);
static int	plan_entries(struct plan *, struct scan *, struct db_sql *,
		    struct idset *, int (*)(const struct scan *,
		    sqlite3_stmt *));
static int	plan_targets(struct plan *, struct scan *);
static int	plan_actors(struct plan *, struct scan *);
static void	narrow_status(const struct filter *,
		    const struct filter_term *, struct narrow *);
static void	narrow(const struct filter *, struct narrow *);
static int	is_most(uint64_t);
static int	add_vault(struct scan *, const struct narrow *, uint64_t,
		    const struct spans *);
static const struct filter_term	*vault_term(const struct filter *);
static int	add_all(struct scan *, const struct narrow *,
		    const struct spans *);
static int	plan_sources(struct scan *);

size_t
plan_vaults(const char *name, uint64_t *ids, size_t max, void *arg)
{
	sqlite3_stmt	*s;
	size_t		 n = 0;

	if ((s = db_prep(&sql_vaults)) == NULL ||
	    db_bind(s, "t", name) == -1)
		return (0);
	while (n < max && db_step(s) == 1)
		ids[n++] = sqlite3_column_int64(s, 0);
	if (n == max)
		db_reset(s);
	return (n);
}

void
plan_init(struct plan *p, struct scan *sc, int64_t lo, int64_t hi)
{
	memset(p, 0, sizeof(*p));
	spans_add(&sc->spans, lo, hi);
	sc->fields = filter_has_row(sc->filter);
	sc->path = filter_has_path(sc->filter);
	sc->targets.any = !filter_has_target(sc->filter);
	sc->actors.any = !filter_has_actor(sc->filter);
}

void
plan_free(struct plan *p)
{
	free(p->uses);
	memset(p, 0, sizeof(*p));
}

static int
span_cmp(const void *a, const void *b)
{
	const struct span	*x = a, *y = b;

	return (x->lo < y->lo ? -1 : x->lo > y->lo);
}

static void
plan_use(struct plan *p, int64_t first, int64_t last)
{
	if (p->n == p->size) {
		p->size = p->size == 0 ? 64 : 2 * p->size;
		p->uses = reallocarray(p->uses, p->size, sizeof(*p->uses));
		if (p->uses == NULL)
			fatal("query");
	}
	p->uses[p->n].lo = first;
	p->uses[p->n++].hi = last;
}

/* Rows are where a matching entry was in use, nowhere else. */
static void
plan_cut(struct plan *p, struct scan *sc)
{
	struct spans	 uses;
	size_t		 i;

	memset(&uses, 0, sizeof(uses));
	if (p->n > 0)
		qsort(p->uses, p->n, sizeof(*p->uses), span_cmp);
	for (i = 0; i < p->n; i++)
		spans_add(&uses, p->uses[i].lo, p->uses[i].hi);
	spans_cut(&sc->spans, &uses);
	spans_free(&uses);
	p->n = 0;
}

static int
target_matches(const struct scan *sc, sqlite3_stmt *st)
{
	struct filter_target	 t;

	t.method = db_text(st, 4);
	t.host = db_text(st, 5);
	t.port = sqlite3_column_int(st, 6);
	t.service = db_text(st, 7);
	return (filter_target(sc->filter, &t));
}

static int
actor_matches(const struct scan *sc, sqlite3_stmt *st)
{
	return (filter_actor(sc->filter, db_text(st, 4), db_text(st, 5)));
}

/* A slice of a dictionary; 1 when there is more of it. */
static int
plan_entries(struct plan *p, struct scan *sc, struct db_sql *sql,
    struct idset *set, int (*fn)(const struct scan *, sqlite3_stmt *))
{
	const int64_t	 rows = PLAN_ROWS;
	sqlite3_stmt	*st;
	int		 n = 0, rc;

	if ((st = db_prep(sql)) == NULL ||
	    db_bind(st, "ii", p->entry, rows) == -1)
		return (-1);
	for (; (rc = db_step(st)) == 1; n++) {
		p->entry = sqlite3_column_int64(st, 0);
		if ((!sc->all && (uint64_t)sqlite3_column_int64(st, 1) !=
		    sc->vault) || !fn(sc, st))
			continue;
		idset_add(set, p->entry);
		plan_use(p, sqlite3_column_int64(st, 2),
		    sqlite3_column_int64(st, 3));
	}
	if (rc == -1)
		return (-1);
	if (n == rows)
		return (1);
	if (!set->none)
		plan_cut(p, sc);
	p->n = 0;
	p->entry = 0;
	return (0);
}

static int
plan_targets(struct plan *p, struct scan *sc)
{
	const struct filter_target	 none = { "", "", 0, "" };

	if (sc->targets.any)
		return (0);
	sc->targets.none = filter_target(sc->filter, &none);
	return (plan_entries(p, sc, &sql_targets, &sc->targets,
	    target_matches));
}

static int
plan_actors(struct plan *p, struct scan *sc)
{
	if (sc->actors.any)
		return (0);
	sc->actors.none = filter_actor(sc->filter, "", "");
	return (plan_entries(p, sc, &sql_actors, &sc->actors,
	    actor_matches));
}

static void
narrow_status(const struct filter *f, const struct filter_term *t,
    struct narrow *w)
{
	const struct filter_value	*v;
	unsigned int			 mask = 0;
	int64_t				 c;
	int				 i, errors = 0;

	for (i = 0; i < t->n; i++) {
		v = &f->values[t->first + i];
		if (t->key == FILTER_STATUS) {
			for (c = v->lo / 100; c <= v->hi / 100; c++)
				mask |= 1U << c;
		} else if (v->lo == BUCKET_ERR) {
			mask |= CLASS_ERR;
			errors = 1;
		} else
			mask |= 1U << (v->lo + 2);
	}
	/* A row of any class that the other terms allow may have a code. */
	w->classes &= mask;
	w->errors |= errors;
}

static void
narrow(const struct filter *f, struct narrow *w)
{
	const struct filter_term	*t;
	int				 i, k, none;

	memset(w, 0, sizeof(*w));
	w->classes = CLASS_ALL;
	for (i = 0; i < f->nterms; i++) {
		t = &f->terms[i];
		for (k = 0, none = t->negated; k < t->n; k++) {
			none |= f->values[t->first + k].lo == 0 &&
			    t->key == FILTER_ERROR_CODE;
			none |= f->values[t->first + k].lo != KIND_AUDIT &&
			    t->key == FILTER_KIND;
		}
		if (none)
			continue;
		if (t->key == FILTER_STATUS || t->key == FILTER_STATUS_BUCKET)
			narrow_status(f, t, w);
		else if (t->key == FILTER_ERROR_CODE)
			w->coded = 1;
		else if (t->key == FILTER_KIND)
			w->audit = 1;
	}
}

/* Most rows are this vault's: then its index only costs. */
static int
is_most(uint64_t vault)
{
	struct vault	*v;
	uint64_t	 all = 0, rows = 0;

	for (v = vault_next(NULL); v != NULL; v = vault_next(v)) {
		all += v->rows;
		if (v->id == vault)
			rows = v->rows;
	}
	return (rows > all / 2);
}

static int
add_vault(struct scan *sc, const struct narrow *w, uint64_t vault,
    const struct spans *spans)
{
	int	 c;

	if (w->coded)
		return (scan_source(sc, SOURCE_ERROR, vault, 0, spans));
	if (w->classes & 1U << CLASS_USUAL)
		return (scan_source(sc, is_most(vault) ? SOURCE_ALL :
		    SOURCE_VAULT, vault, 0, spans));
	for (c = 0; c < CLASSES; c++) {
		if ((w->classes & 1U << c) && scan_source(sc, SOURCE_CLASS,
		    vault, c == CLASS_NONE ? -1 : c, spans) == -1)
			return (-1);
	}
	return (w->errors ? scan_source(sc, SOURCE_ERROR, vault, 0, spans) :
	    0);
}

static const struct filter_term *
vault_term(const struct filter *f)
{
	int	 i;

	for (i = 0; i < f->nterms; i++) {
		if (f->terms[i].key == FILTER_VAULT && !f->terms[i].negated)
			return (&f->terms[i]);
	}
	return (NULL);
}

/*
 * Of all vaults: those that the filter names, or each one when there are few
 * and that helps; else row by row.
 */
static int
add_all(struct scan *sc, const struct narrow *w, const struct spans *spans)
{
	const struct filter_term	*t = vault_term(sc->filter);
	const int			 had = sc->nsources;
	struct vault			*v;
	int				 i, rc = 0;

	if (t != NULL) {
		for (i = 0; i < t->n && rc == 0; i++)
			rc = add_vault(sc, w,
			    sc->filter->values[t->first + i].lo, spans);
	} else if (w->coded || (w->classes & 1U << CLASS_USUAL) == 0) {
		for (v = vault_next(NULL); v != NULL && rc == 0;
		    v = vault_next(v))
			rc = add_vault(sc, w, v->id, spans);
	} else
		rc = -1;
	if (rc == 0)
		return (0);
	while (sc->nsources > had)
		free(sc->sources[--sc->nsources].hits);
	return (scan_source(sc, SOURCE_ALL, 0, 0, spans));
}

static int
plan_sources(struct scan *sc)
{
	struct narrow	 w;

	if (querytime_cut(sc->filter, &sc->spans, &sc->late) == -1)
		return (-1);
	narrow(sc->filter, &w);
	/* First, while there is room for sure: the others can do with one. */
	if (sc->late.n > 0)
		(void)scan_source(sc, SOURCE_LATE, 0, 0, &sc->late);
	if (w.audit)
		(void)scan_source(sc, SOURCE_AUDIT, 0, 0, &sc->spans);
	else if (sc->all)
		(void)add_all(sc, &w, &sc->spans);
	else
		(void)add_vault(sc, &w, sc->vault, &sc->spans);
	return (0);
}

int
plan_work(struct plan *p, struct scan *sc)
{
	int	 rc;

	switch (p->phase) {
	case PLAN_TARGETS:
		rc = plan_targets(p, sc);
		break;
	case PLAN_ACTORS:
		rc = plan_actors(p, sc);
		break;
	case PLAN_SOURCES:
		rc = plan_sources(sc);
		break;
	default:
		return (0);
	}
	if (rc == 0)
		p->phase++;
	return (rc == -1 ? -1 : p->phase != PLAN_DONE);
}
