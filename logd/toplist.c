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
#include "rollup.h"
#include "toplist.h"

static struct db_sql	 sql_vault = DB_SQL(
    "SELECT vault FROM tops WHERE vault >= ? ORDER BY vault LIMIT 1");
static struct db_sql	 sql_read = DB_SQL(
    "SELECT hour, name, count FROM tops WHERE vault = ? AND what = ? AND"
    " hour >= ? AND hour < ? ORDER BY hour LIMIT ?");

struct topname {
	RB_ENTRY(topname)	 node;
	uint64_t		 count;
	const char		*name;
	char			*copy;
};

static int	name_cmp(struct topname *, struct topname *);
static void	add(void *, const char *, uint64_t);
static int	read_vault(struct toplist *, int *);
static int	next_vault(struct toplist *);

RB_GENERATE_STATIC(topnames, topname, node, name_cmp)

static int
name_cmp(struct topname *a, struct topname *b)
{
	return (strcmp(a->name, b->name));
}

static void
add(void *arg, const char *name, uint64_t count)
{
	struct toplist	*l = arg;
	struct topname	 k, *n;

	l->total += count;
	if (*name == '\0')
		return;
	k.name = name;
	if ((n = RB_FIND(topnames, &l->names, &k)) == NULL) {
		if (l->n == TOPLIST_NAMES)
			return;
		if ((n = calloc(1, sizeof(*n))) == NULL ||
		    (n->copy = strdup(name)) == NULL)
			fatal("names");
		n->name = n->copy;
		RB_INSERT(topnames, &l->names, n);
		l->n++;
	}
	n->count += count;
}

/* An hour has at most ROLLTOP_MAX names and that of the others. */
static int
read_vault(struct toplist *l, int *left)
{
	const int64_t	 from = l->at_hour;
	sqlite3_stmt	*s;
	int64_t		 hour = from;
	int		 rc, memory = 0;

	if ((s = db_prep(&sql_read)) == NULL || db_bind(s, "iiiii",
	    l->at_vault, (int64_t)l->what, from, l->to,
	    (int64_t)*left + ROLLTOP_MAX + 1) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		hour = sqlite3_column_int64(s, 0);
		if (*left <= 0 && hour != l->at_hour)
			break;
		if (hour == from || hour != l->at_hour)
			memory = rolltop_has(l->at_vault, l->what, hour);
		l->at_hour = hour;
		if (!memory)
			add(l, db_text(s, 1), sqlite3_column_int64(s, 2));
		--*left;
	}
	if (rc == -1)
		return (-1);
	if (rc == 1) {
		l->at_hour = hour;
		db_reset(s);
	}
	rolltop_each(l->at_vault, l->what, from, rc == 1 ? hour : l->to, add,
	    l);
	return (rc == 0);
}

/* The first from at_vault on that has a name; -1: none. */
static int
next_vault(struct toplist *l)
{
	const int64_t	 at = l->at_vault;
	int64_t		 memory;

	if (db_int(&sql_vault, -1, &l->at_vault, "i", at) == -1)
		return (-1);
	memory = rolltop_vault(at);
	if (memory != -1 && (l->at_vault == -1 || memory < l->at_vault))
		l->at_vault = memory;
	if (l->at_vault != at)
		l->at_hour = l->from;
	return (0);
}

int
toplist_read(struct toplist *l)
{
	int	 rc, left = TOPLIST_SLICE;

	if (l->vault != ROLLUP_ALL)
		l->at_vault = l->vault;
	for (;;) {
		if (l->vault == ROLLUP_ALL && next_vault(l) == -1)
			return (-1);
		if (l->at_vault == -1)
			return (1);
		if ((rc = read_vault(l, &left)) != 1)
			return (rc);
		if (l->vault != ROLLUP_ALL)
			return (1);
		l->at_vault++;
		l->at_hour = l->from;
		if (--left <= 0)
			return (0);
	}
}

unsigned int
toplist_best(struct toplist *l, struct topbest best[TOPLIST_BEST],
    unsigned int max, uint64_t *others)
{
	struct topname	*n;
	unsigned int	 i, used = 0;

	if (max > TOPLIST_BEST)
		max = TOPLIST_BEST;
	/* In the order of names: of equal counts the first stays in front. */
	RB_FOREACH(n, topnames, &l->names) {
		for (i = 0; i < used && n->count <= best[i].count; i++)
			;
		if (i == max)
			continue;
		if (used < max)
			used++;
		memmove(&best[i + 1], &best[i],
		    (used - 1 - i) * sizeof(*best));
		best[i].name = n->name;
		best[i].count = n->count;
	}
	*others = l->total;
	for (i = 0; i < used; i++)
		*others -= best[i].count;
	return (used);
}

void
toplist_free(struct toplist *l)
{
	struct topname	*n;

	while ((n = RB_ROOT(&l->names)) != NULL) {
		RB_REMOVE(topnames, &l->names, n);
		free(n->copy);
		free(n);
	}
	l->n = 0;
	l->total = 0;
}
