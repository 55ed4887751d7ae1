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
#include <sys/tree.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "log.h"
#include "rolltop.h"
#include "rollup.h"

static struct db_sql	 sql_load = DB_SQL(
    "SELECT name, count FROM tops WHERE vault = ? AND what = ? AND"
    " hour = ?");
static struct db_sql	 sql_store = DB_SQL(
    "INSERT INTO tops (vault, what, hour, name, count) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (vault, what, hour, name) DO UPDATE SET"
    " count = excluded.count");
static struct db_sql	 sql_next = DB_SQL(
    "SELECT vault FROM tops WHERE vault >= ? ORDER BY vault LIMIT 1");
static struct db_sql	 sql_trim = DB_SQL(
    "DELETE FROM tops WHERE (vault, what, hour, name) IN (SELECT vault, what,"
    " hour, name FROM tops WHERE vault = ? AND what = ? AND hour < ?"
    " LIMIT ?)");

struct rolltop {
	RB_ENTRY(rolltop)	 node;
	struct group	*group;
	uint64_t	 count;
	int		 dirty;
	const char	*name;
	char		*copy;
};
RB_HEAD(names, rolltop);

/* All names of an hour, or none of them, are in memory. */
struct group {
	RB_ENTRY(group)	 node;
	uint64_t	 vault;
	int64_t		 hour;
	int		 what;
	int		 dirty;
	unsigned int	 n;
	struct names	 names;
};
RB_HEAD(groups, group);

static struct groups	 groups = RB_INITIALIZER(&groups);
static unsigned int	 total;		/* names and groups */

static int		 name_cmp(struct rolltop *, struct rolltop *);
static int		 group_cmp(struct group *, struct group *);
static struct rolltop	*name_new(struct group *, const char *, uint64_t);
static struct rolltop	*name_find(struct group *, const char *);
static int		 group_load(struct group *);
static struct group	*group_find(uint64_t, int64_t, int);
static void		 group_free(struct group *);
static int		 group_write(struct group *);

RB_GENERATE_STATIC(names, rolltop, node, name_cmp)
RB_GENERATE_STATIC(groups, group, node, group_cmp)

static int
name_cmp(struct rolltop *a, struct rolltop *b)
{
	return (strcmp(a->name, b->name));
}

/* In the order of the table. */
static int
group_cmp(struct group *a, struct group *b)
{
	if (a->vault != b->vault)
		return (a->vault < b->vault ? -1 : 1);
	if (a->what != b->what)
		return (a->what < b->what ? -1 : 1);
	return (a->hour < b->hour ? -1 : a->hour > b->hour);
}

static struct rolltop *
name_new(struct group *g, const char *name, uint64_t count)
{
	struct rolltop	*n;

	if ((n = calloc(1, sizeof(*n))) == NULL ||
	    (n->copy = strdup(name)) == NULL)
		fatal("name_new");
	n->name = n->copy;
	n->group = g;
	n->count = count;
	RB_INSERT(names, &g->names, n);
	if (*name != '\0')
		g->n++;
	total++;
	return (n);
}

static struct rolltop *
name_find(struct group *g, const char *name)
{
	struct rolltop	 k, *n;

	k.name = name;
	if ((n = RB_FIND(names, &g->names, &k)) != NULL)
		return (n);
	if (g->n < ROLLTOP_MAX)
		return (name_new(g, name, 0));
	k.name = "";
	n = RB_FIND(names, &g->names, &k);
	return (n != NULL ? n : name_new(g, "", 0));
}

static int
group_load(struct group *g)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_load)) == NULL || db_bind(s, "iii",
	    (int64_t)g->vault, (int64_t)g->what, g->hour) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1)
		(void)name_new(g, db_text(s, 0), sqlite3_column_int64(s, 1));
	return (rc);
}

static void
group_free(struct group *g)
{
	struct rolltop	*n;

	while ((n = RB_ROOT(&g->names)) != NULL) {
		RB_REMOVE(names, &g->names, n);
		free(n->copy);
		free(n);
		total--;
	}
	free(g);
	total--;
}

static struct group *
group_find(uint64_t vault, int64_t hour, int what)
{
	struct group	 k, *g;

	k.vault = vault;
	k.hour = hour;
	k.what = what;
	if ((g = RB_FIND(groups, &groups, &k)) != NULL)
		return (g);
	if ((g = calloc(1, sizeof(*g))) == NULL)
		fatal("calloc");
	total++;
	g->vault = vault;
	g->hour = hour;
	g->what = what;
	RB_INIT(&g->names);
	if (group_load(g) == -1) {
		group_free(g);
		return (NULL);
	}
	RB_INSERT(groups, &groups, g);
	return (g);
}

struct rolltop *
rolltop_find(uint64_t vault, int64_t hour, enum rolltop_what what,
    const char *name)
{
	struct group	*g;

	g = group_find(vault, hour, what);
	return (g == NULL ? NULL : name_find(g, name));
}

void
rolltop_count(struct rolltop *n)
{
	n->count++;
	n->dirty = n->group->dirty = 1;
}

int
rolltop_full(void)
{
	return (total >= ROLLTOP_CACHE);
}

static int
group_write(struct group *g)
{
	struct rolltop	*n;

	RB_FOREACH(n, names, &g->names) {
		if (!n->dirty)
			continue;
		if (db_run(&sql_store, "iiiti", (int64_t)g->vault,
		    (int64_t)g->what, g->hour, n->name,
		    (int64_t)n->count) == -1)
			return (-1);
		n->dirty = 0;
	}
	g->dirty = 0;
	return (0);
}

int
rolltop_write(void)
{
	struct group	*g;

	RB_FOREACH(g, groups, &groups) {
		if (g->dirty && group_write(g) == -1)
			return (-1);
	}
	return (0);
}

void
rolltop_clear(void)
{
	struct group	*g;

	while ((g = RB_ROOT(&groups)) != NULL) {
		RB_REMOVE(groups, &groups, g);
		group_free(g);
	}
}

int
rolltop_trim(int64_t hour, int max)
{
	int64_t	 vault = -1;
	int	 n = 0, what;

	while (n < max) {
		if (db_int(&sql_next, -1, &vault, "i", vault + 1) == -1)
			return (-1);
		if (vault == -1)
			break;
		for (what = ROLLTOP_HOST; what <= ROLLTOP_SERVICE &&
		    n < max; what++) {
			if (db_run(&sql_trim, "iiii", vault, (int64_t)what,
			    hour, (int64_t)(max - n)) == -1)
				return (-1);
			n += sqlite3_changes(db_handle());
		}
	}
	return (n);
}

int
rolltop_has(uint64_t vault, enum rolltop_what what, int64_t hour)
{
	struct group	 k;

	k.vault = vault;
	k.hour = hour;
	k.what = what;
	return (RB_FIND(groups, &groups, &k) != NULL);
}

void
rolltop_each(uint64_t vault, enum rolltop_what what, int64_t from, int64_t to,
    void (*fn)(void *, const char *, uint64_t), void *arg)
{
	struct group	 k, *g;
	struct rolltop	*n;

	k.vault = vault;
	k.hour = from;
	k.what = what;
	for (g = RB_NFIND(groups, &groups, &k); g != NULL &&
	    g->vault == vault && g->what == (int)what && g->hour < to;
	    g = RB_NEXT(groups, &groups, g)) {
		RB_FOREACH(n, names, &g->names)
			fn(arg, n->name, n->count);
	}
}

int64_t
rolltop_vault(uint64_t vault)
{
	struct group	 k, *g;

	k.vault = vault;
	k.what = ROLLTOP_HOST;
	k.hour = INT64_MIN;
	g = RB_NFIND(groups, &groups, &k);
	return (g == NULL ? -1 : (int64_t)g->vault);
}
