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

static void	add(const struct rollup_chart *, sqlite3_stmt *);
static int	read_vault(struct rollup_chart *, int *);

static void
add(const struct rollup_chart *c, sqlite3_stmt *s)
{
	struct rollup_sum	*sum;
	const int64_t		 minute = sqlite3_column_int64(s, 0);
	const uint64_t		 rows = sqlite3_column_int64(s, 3);

	sum = &c->sums[(minute - c->from) / c->step];
	sum->rows += rows;
	sum->class[sqlite3_column_int(s, 1) % ROLLUP_CLASSES] += rows;
	sum->decision[sqlite3_column_int(s, 2) & 7] += rows;
	sum->errors += sqlite3_column_int64(s, 4);
	sum->bytes_in += sqlite3_column_int64(s, 5);
	sum->bytes_out += sqlite3_column_int64(s, 6);
	hist_unpack(&sum->latency, sqlite3_column_blob(s, 7),
	    sqlite3_column_bytes(s, 7));
}

/*
 * A minute has at most ROLLUP_CLASSES * 8 buckets: they are read together,
 * so that at_minute is enough to go on from.
 */
static int
read_vault(struct rollup_chart *c, int *left)
{
	sqlite3_stmt	*s;
	int64_t		 minute;
	int		 rc;

	if ((s = db_prep(&sql_read)) == NULL || db_bind(s, "iiii",
	    c->at_vault, c->at_minute, c->to,
	    (int64_t)*left + ROLLUP_CLASSES * 8) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		minute = sqlite3_column_int64(s, 0);
		if (*left <= 0 && minute != c->at_minute) {
			c->at_minute = minute;
			db_reset(s);
			return (0);
		}
		c->at_minute = minute;
		add(c, s);
		--*left;
	}
	return (rc == 0 ? 1 : -1);
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
		if (c->vault == ROLLUP_ALL && db_int(&sql_vault, -1,
		    &c->at_vault, "i", c->at_vault) == -1)
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
