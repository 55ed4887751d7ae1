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

#include "db.h"
#include "rollup.h"

static struct db_sql	 sql_vault = DB_SQL(
    "SELECT vault FROM rollups WHERE vault >= ? ORDER BY vault LIMIT 1");
static struct db_sql	 sql_read = DB_SQL(
    "SELECT minute, class, decision, count, errors, bytes_in, bytes_out,"
    " latency FROM rollups WHERE vault = ? AND minute >= ? AND minute < ?"
    " ORDER BY minute LIMIT ?");

static void	add(const struct rollup_chart *, const struct bucket *);
static void	add_memory(const struct rollup_chart *, int64_t, int64_t);
static void	read_row(const struct rollup_chart *, sqlite3_stmt *,
		    int64_t);
static int	read_vault(struct rollup_chart *, int *);
static int	next_vault(struct rollup_chart *);

static void
add(const struct rollup_chart *c, const struct bucket *b)
{
	struct rollup_sum	*sum = &c->sums[(b->minute - c->from) /
				    c->step];

	sum->rows += b->rows;
	sum->class[b->class % CLASS_MAX] += b->rows;
	sum->decision[b->decision & 7] += b->rows;
	sum->errors += b->errors;
	sum->bytes_in += b->bytes_in;
	sum->bytes_out += b->bytes_out;
}

/* Buckets that take the place of what was written of them. */
static void
add_memory(const struct rollup_chart *c, int64_t from, int64_t to)
{
	struct rollup_sum	*sum;
	struct bucket		*b;
	unsigned int		 i;

	for (b = rollup_from(c->at_vault, from); b != NULL &&
	    b->vault == (uint64_t)c->at_vault && b->minute < to;
	    b = rollup_next(b)) {
		add(c, b);
		sum = &c->sums[(b->minute - c->from) / c->step];
		for (i = 0; i < HIST_BUCKETS; i++)
			sum->latency.n[i] += b->latency.n[i];
	}
}

/* Memory has nothing of the vault before `memory'. */
static void
read_row(const struct rollup_chart *c, sqlite3_stmt *s, int64_t memory)
{
	struct bucket	 b;

	b.minute = sqlite3_column_int64(s, 0);
	b.class = sqlite3_column_int(s, 1);
	b.decision = sqlite3_column_int(s, 2);
	if (b.minute >= memory && rollup_has(c->at_vault, b.minute, b.class,
	    b.decision))
		return;
	b.rows = sqlite3_column_int64(s, 3);
	b.errors = sqlite3_column_int64(s, 4);
	b.bytes_in = sqlite3_column_int64(s, 5);
	b.bytes_out = sqlite3_column_int64(s, 6);
	add(c, &b);
	hist_unpack(&c->sums[(b.minute - c->from) / c->step].latency,
	    sqlite3_column_blob(s, 7), sqlite3_column_bytes(s, 7));
}

/*
 * A minute has at most CLASS_MAX * 8 buckets: they are read together,
 * so that at_minute is enough to go on from.
 */
static int
read_vault(struct rollup_chart *c, int *left)
{
	const int64_t		 from = c->at_minute;
	const struct bucket	*first = rollup_from(c->at_vault, from);
	sqlite3_stmt		*s;
	int64_t			 minute, memory;
	int			 rc;

	memory = first != NULL && first->vault == (uint64_t)c->at_vault ?
	    first->minute : INT64_MAX;
	if ((s = db_prep(&sql_read)) == NULL || db_bind(s, "iiii",
	    c->at_vault, from, c->to,
	    (int64_t)*left + CLASS_MAX * 8) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		minute = sqlite3_column_int64(s, 0);
		if (*left <= 0 && minute != c->at_minute) {
			c->at_minute = minute;
			db_reset(s);
			add_memory(c, from, minute);
			return (0);
		}
		c->at_minute = minute;
		read_row(c, s, memory);
		--*left;
	}
	if (rc == -1)
		return (-1);
	add_memory(c, from, c->to);
	return (1);
}

/* The first from at_vault on that has a bucket; -1: none. */
static int
next_vault(struct rollup_chart *c)
{
	const struct bucket	*b;
	const int64_t		 at = c->at_vault;

	if (db_int(&sql_vault, -1, &c->at_vault, "i", at) == -1)
		return (-1);
	b = rollup_from(at, 0);
	if (b != NULL && (c->at_vault == -1 ||
	    b->vault < (uint64_t)c->at_vault))
		c->at_vault = b->vault;
	if (c->at_vault != at)
		c->at_minute = c->from;
	return (0);
}

int
rollup_read(struct rollup_chart *c)
{
	int	 rc, left = ROLLUP_SLICE;

	if (c->vault != ROLLUP_ALL)
		c->at_vault = c->vault;
	if (c->at_minute == 0)
		c->at_minute = c->from;
	for (;;) {
		if (c->vault == ROLLUP_ALL && next_vault(c) == -1)
			return (-1);
		if (c->at_vault == -1)
			return (1);
		if ((rc = read_vault(c, &left)) != 1)
			return (rc);
		if (c->vault != ROLLUP_ALL)
			return (1);
		c->at_vault++;
		c->at_minute = c->from;
		if (--left <= 0)
			return (0);
	}
}
