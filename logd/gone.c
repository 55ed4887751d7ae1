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

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "gone.h"
#include "vault.h"

#define ID_SIZE	10	/* of a number with seven bits a byte */

struct pending {
	uint64_t	 vault;
	int64_t		 id;
};

/* A row of the table: total is what had gone with the last of its ids. */
struct segment {
	int64_t		 row;
	int64_t		 last;
	uint64_t	 total;
	int		 ids;		/* it names them, and so many */
	size_t		 len;
	uint8_t		 data[GONE_SEGMENT * ID_SIZE];
};

static struct gone	 audit;
static struct pending	 pending[GONE_PENDING];
static int		 npending;
static int64_t		 newest;	/* of all that went */
static uint64_t		 total;		/* that went since the start */

static struct db_sql	 sql_load = DB_SQL(
    "SELECT vault, min(first), max(last), max(total) FROM gone"
    " GROUP BY vault");
static struct db_sql	 sql_last = DB_SQL(
    "SELECT id, last, total, n, ids FROM gone WHERE vault = ?"
    " ORDER BY first DESC LIMIT 1");
static struct db_sql	 sql_find = DB_SQL(
    "SELECT id, last, total, n, ids FROM gone WHERE vault = ? AND last > ?"
    " ORDER BY first LIMIT 1");
static struct db_sql	 sql_new = DB_SQL(
    "INSERT INTO gone (vault, first, last, total, n, ids)"
    " VALUES (?, ?, ?, ?, ?, ?)");
static struct db_sql	 sql_more = DB_SQL(
    "UPDATE gone SET last = ?, total = ?, n = ?, ids = ? WHERE id = ?");
static struct db_sql	 sql_count =
    DB_SQL("SELECT count(*) FROM gone WHERE vault = ?");
static struct db_sql	 sql_first = DB_SQL(
    "SELECT first FROM gone WHERE vault = ? ORDER BY first LIMIT 1");
static struct db_sql	 sql_drop = DB_SQL(
    "DELETE FROM gone WHERE vault = ? AND first = ?");
static struct db_sql	 sql_join = DB_SQL(
    "UPDATE gone SET first = ?, n = 0, ids = NULL WHERE id ="
    " (SELECT id FROM gone WHERE vault = ? ORDER BY first LIMIT 1)");
static struct db_sql	 sql_oldest = DB_SQL(
    "SELECT min(id) FROM log INDEXED BY log_vault WHERE vault = ?");
static struct db_sql	 sql_all_oldest = DB_SQL("SELECT min(id) FROM log");

static struct gone	*gone_find(uint64_t);
static int	pending_cmp(const void *, const void *);
static size_t	number_put(uint8_t *, uint64_t);
static uint64_t	number_get(const uint8_t **, const uint8_t *);
static int	segment_read(struct db_sql *, uint64_t, int64_t,
		    struct segment *);
static int	segment_add(struct segment *, int64_t);
static int	segment_above(const struct segment *, int64_t);
static int	segment_write(uint64_t, int64_t, const struct segment *);
static int	segment_new(uint64_t, int64_t, const struct segment *);
static int	gone_write(const struct pending *, int);
static int	gone_above(uint64_t, int64_t, int, int *,
		    struct gone_answer *);
static int	gone_all(int64_t, int, struct gone_answer *);

/* Of a vault whose own row is no more nobody asks. */
static struct gone *
gone_find(uint64_t vault)
{
	struct vault	*v;

	if (vault == GONE_AUDIT)
		return (&audit);
	return ((v = vault_find(vault)) == NULL ? NULL : &v->gone);
}

int
gone_load(void)
{
	sqlite3_stmt	*s;
	struct gone	*g;
	int		 rc;

	memset(&audit, 0, sizeof(audit));
	newest = 0;
	npending = 0;
	if ((s = db_prep(&sql_load)) == NULL)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		g = gone_find((uint64_t)sqlite3_column_int64(s, 0));
		if (g == NULL)
			continue;
		g->first = sqlite3_column_int64(s, 1);
		g->last = sqlite3_column_int64(s, 2);
		g->total = sqlite3_column_int64(s, 3);
		if (g->last > newest)
			newest = g->last;
	}
	return (rc);
}

void
gone_add(uint64_t vault, int64_t id)
{
	if (npending == GONE_PENDING)
		abort();
	pending[npending].vault = vault;
	pending[npending++].id = id;
}

static int
pending_cmp(const void *a, const void *b)
{
	const struct pending	*x = a, *y = b;

	if (x->vault != y->vault)
		return (x->vault < y->vault ? -1 : 1);
	return (x->id < y->id ? -1 : x->id > y->id);
}

/* Seven bits a byte, the last without the eighth. */
static size_t
number_put(uint8_t *p, uint64_t v)
{
	size_t	 n = 0;

	for (; v > 127; v >>= 7)
		p[n++] = 128 | (v & 127);
	p[n++] = v;
	return (n);
}

static uint64_t
number_get(const uint8_t **p, const uint8_t *end)
{
	uint64_t	 v = 0;
	int		 shift = 0;

	while (*p < end && shift < 64) {
		v |= (uint64_t)(**p & 127) << shift;
		shift += 7;
		if ((*(*p)++ & 128) == 0)
			break;
	}
	return (v);
}

/* 1, 0 if there is none, or -1. */
static int
segment_read(struct db_sql *sql, uint64_t vault, int64_t after,
    struct segment *g)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(sql)) == NULL || db_bind(s, after == -1 ? "i" :
	    "ii", (int64_t)vault, after) == -1)
		return (-1);
	if ((rc = db_step(s)) != 1)
		return (rc);
	g->row = sqlite3_column_int64(s, 0);
	g->last = sqlite3_column_int64(s, 1);
	g->total = sqlite3_column_int64(s, 2);
	g->ids = sqlite3_column_int(s, 3);
	g->len = sqlite3_column_bytes(s, 4);
	if (g->ids < 0 || g->ids > GONE_SEGMENT ||
	    g->len > (size_t)g->ids * ID_SIZE)
		g->ids = g->len = 0;
	if (g->len > 0)
		memcpy(g->data, sqlite3_column_blob(s, 4), g->len);
	db_reset(s);
	return (1);
}

/* How far from the one before it, the first from 0.  0 when it is full. */
static int
segment_add(struct segment *g, int64_t id)
{
	if (g->ids == GONE_SEGMENT)
		return (0);
	g->len += number_put(g->data + g->len, id - (g->ids == 0 ? 0 :
	    g->last));
	g->ids++;
	g->last = id;
	g->total++;
	return (1);
}

static int
segment_above(const struct segment *g, int64_t after)
{
	const uint8_t	*p = g->data, *end = p + g->len;
	int64_t		 id = 0;
	int		 n = 0;

	while (p < end) {
		id += number_get(&p, end);
		n += id > after;
	}
	return (n);
}

/* One more of a vault: the oldest lend it theirs when it has enough. */
static int
segment_new(uint64_t vault, int64_t first, const struct segment *g)
{
	int64_t	 n, oldest;

	if (db_run(&sql_new, "iiiiib", (int64_t)vault, first, g->last,
	    (int64_t)g->total, (int64_t)g->ids, g->data, g->len) == -1 ||
	    db_int(&sql_count, 0, &n, "i", (int64_t)vault) == -1)
		return (-1);
	if (n <= GONE_SEGMENTS)
		return (0);
	if (db_int(&sql_first, 0, &oldest, "i", (int64_t)vault) == -1 ||
	    db_run(&sql_drop, "ii", (int64_t)vault, oldest) == -1)
		return (-1);
	return (db_run(&sql_join, "ii", oldest, (int64_t)vault));
}

static int
segment_write(uint64_t vault, int64_t first, const struct segment *g)
{
	if (g->row == 0)
		return (segment_new(vault, first, g));
	return (db_run(&sql_more, "iiibi", g->last, (int64_t)g->total,
	    (int64_t)g->ids, g->data, g->len, g->row));
}

/* All of one vault. */
static int
gone_write(const struct pending *p, int n)
{
	struct segment	 g;
	int64_t		 first = 0;
	int		 i, rc;

	if ((rc = segment_read(&sql_last, p->vault, -1, &g)) == -1)
		return (-1);
	if (rc == 0)
		memset(&g, 0, offsetof(struct segment, data));
	/* Ids that are not named cannot be gone on with. */
	if (rc == 0 || g.ids == 0)
		g.ids = GONE_SEGMENT;
	for (i = 0; i < n; i++) {
		if (segment_add(&g, p[i].id))
			continue;
		if (i > 0 && segment_write(p->vault, first, &g) == -1)
			return (-1);
		g.row = g.ids = g.len = 0;
		first = p[i].id;
		(void)segment_add(&g, first);
	}
	return (segment_write(p->vault, first, &g));
}

int
gone_save(void)
{
	int	 i, n;

	if (npending == 0)
		return (0);
	qsort(pending, npending, sizeof(pending[0]), pending_cmp);
	for (i = 0; i < npending; i += n) {
		for (n = 1; i + n < npending &&
		    pending[i + n].vault == pending[i].vault; n++)
			continue;
		if (gone_write(&pending[i], n) == -1)
			return (-1);
	}
	return (0);
}

void
gone_saved(void)
{
	struct gone	*g;
	int		 i;

	total += npending;
	for (i = 0; i < npending; i++) {
		if ((g = gone_find(pending[i].vault)) == NULL)
			continue;
		if (g->first == 0)
			g->first = pending[i].id;
		g->last = pending[i].id;
		g->total++;
		if (g->last > newest)
			newest = g->last;
	}
	npending = 0;
}

void
gone_undo(void)
{
	npending = 0;
}

uint64_t
gone_count(uint64_t vault, int all)
{
	const struct gone	*g;

	if (all)
		return (total);
	return ((g = gone_find(vault)) == NULL ? 0 : g->total);
}

/*
 * Add what went of one vault with a higher id; looks are what may be read.
 * Where that is not known it is the most that it may be, or the least.
 */
static int
gone_above(uint64_t vault, int64_t after, int most, int *looks,
    struct gone_answer *a)
{
	const struct gone	*g = gone_find(vault);
	struct segment		 seg = { 0 };
	int			 rc;

	if (g == NULL || after >= g->last)
		return (0);
	if (after < g->first) {
		a->rows += g->total;
		return (0);
	}
	if ((*looks)-- <= 0) {
		a->rows += most ? g->total : 0;
		a->exact = 0;
		return (0);
	}
	if ((rc = segment_read(&sql_find, vault, after, &seg)) == -1)
		return (-1);
	if (rc == 1 && seg.ids > 0)
		a->rows += g->total - seg.total + segment_above(&seg, after);
	else {
		a->rows += most || rc == 0 ? g->total : g->total - seg.total;
		a->exact = 0;
	}
	return (0);
}

static int
gone_all(int64_t after, int most, struct gone_answer *a)
{
	struct vault	*v;
	int		 looks = GONE_LOOKS;

	if (after >= newest)
		return (0);
	for (v = vault_next(NULL); v != NULL; v = vault_next(v)) {
		if (gone_above(v->id, after, most, &looks, a) == -1)
			return (-1);
	}
	return (gone_above(GONE_AUDIT, after, most, &looks, a));
}

int
gone_between(uint64_t vault, int all, int64_t after, int64_t upto,
    struct gone_answer *a)
{
	struct gone_answer	 rest = { 0, 1, 0 };
	int			 looks = GONE_LOOKS;

	a->rows = 0;
	a->exact = 1;
	a->oldest = 0;
	if ((all ? gone_all(after, 1, a) :
	    gone_above(vault, after, 1, &looks, a)) == -1 || (all ?
	    gone_all(upto, 0, &rest) : gone_above(vault, upto, 0, &looks,
	    &rest)) == -1)
		return (-1);
	a->rows -= rest.rows < a->rows ? rest.rows : a->rows;
	a->exact &= rest.exact;
	if (a->rows == 0)
		return (0);
	if (all)
		return (db_int(&sql_all_oldest, 0, &a->oldest, ""));
	return (db_int(&sql_oldest, 0, &a->oldest, "i", (int64_t)vault));
}
