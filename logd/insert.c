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
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "db.h"
#include "dict.h"
#include "insert.h"
#include "log.h"
#include "refuse.h"
#include "rollup.h"
#include "rowtab.h"
#include "served.h"
#include "schema.h"
#include "stream.h"
#include "vault.h"

static struct db_sql	 sql_row = DB_SQL("INSERT INTO log (" ROWTAB_COLUMNS
    ") SELECT " ROWTAB_COLUMNS " FROM rowtab");
/* SQLite gives these the ids after the last row's. */
static struct db_sql	 sql_next = DB_SQL("INSERT INTO log (" ROWTAB_MOST ", "
    ROWTAB_RARE ") SELECT " ROWTAB_MOST ", " ROWTAB_RARE " FROM rowtab");
static struct db_sql	 sql_plain = DB_SQL("INSERT INTO log (" ROWTAB_MOST
    ") SELECT " ROWTAB_MOST " FROM rowtab");
#define OPEN_COLUMNS							\
    "stream, seq, vault, scope, target, flags, request_id, conn, path,"	\
    " client, trace_id, detail"
static struct db_sql	 sql_open = DB_SQL("INSERT INTO open_requests ("
    OPEN_COLUMNS ") SELECT " OPEN_COLUMNS " FROM rowtab");
static struct db_sql	 sql_close = DB_SQL(
    "DELETE FROM open_requests WHERE stream = ? AND seq = ?");
static struct db_sql	 sql_minute = DB_SQL(
    "INSERT INTO minutes (minute, first_id, last_id) VALUES (?, ?, ?)"
    " ON CONFLICT (minute) DO UPDATE SET last_id = excluded.last_id");

struct insert_counters	 insert_counters;

/* Rows that wait for others to share a statement with. */
static struct rowtab_row	 slots[INSERT_ROWS];
static int		 nslots;
static struct rowtab_row	 opened[INSERT_ROWS];	/* not complete yet */
static int		 nopened;
static int64_t		 now;		/* of the statements under way */
static int64_t		 next_id = 1;
static int64_t		 first_id = 1;	/* of this transaction */
static int64_t		 tail;		/* its last row, 0: none yet */
static uint64_t		 rows;		/* in it */
static int		 singly;	/* one by one, to find a bad one */

static int	insert_refs(struct record *, int64_t, int64_t *);
static int	insert_flush(void);
static int	insert_opened(const struct rowtab_row *, int);
static int	insert_flush_open(void);
static int	insert_run(const struct rowtab_row *, int, int *);
static int	insert_several(const struct rowtab_row *, int);
static int	insert_counted(const struct rowtab_row *, int);
static int	insert_each(const struct rowtab_row *, int);
static int	insert_refused(struct record *);
static int	insert_count(const struct record *);

int
insert_init(int64_t next)
{
	next_id = first_id = next;
	tail = 0;
	nslots = nopened = 0;
	rollup_clear();
	served_undo();
	return (rowtab_init());
}

int64_t
insert_head(void)
{
	return (first_id - 1);
}

int64_t
insert_last(void)
{
	return (next_id - 1);
}

/*
 * The vault is looked at row by row, so that no row is inserted that the
 * foreign key would refuse together with all that share its statement.
 */
static int
insert_refs(struct record *r, int64_t id, int64_t *scope)
{
	if (vault_find(r->vault) == NULL) {
		record_orphan(r);
		insert_counters.orphans++;
	}
	*scope = 0;
	if (r->who != NULL && dict_who(r->who, id, scope) == -1)
		return (-1);
	if (r->flags & REC_OPEN)
		return (r->target.id == 0 ? 0 : dict_target_use(r, id));
	if (*r->host == '\0' && *r->method == '\0')
		return (0);
	return (dict_target(r, r->vault, id));
}

/*
 * The statement's fault, or the end of the transaction?  A row that is to
 * blame for that as well is left out when everything else is tried again.
 */
static int
insert_refused(struct record *r)
{
	if (db_error() != DB_CONSTRAINT)
		return (-1);
	if (db_lost()) {
		r->flags |= REC_BAD;
		return (-1);
	}
	refuse_record(r, db_errstr());
	return (0);
}

/* Only what is in the table by now is counted. */
static int
insert_count(const struct record *r)
{
	struct rollup_row	 row;
	struct vault		*v;

	rows++;
	served_add(r);
	if (r->kind != KIND_AUDIT && (v = vault_find(r->vault)) != NULL)
		vault_change(v, 1);
	if (r->kind != KIND_REQUEST)
		return (0);
	row.vault = r->vault;
	row.started = record_time(r->request_id);
	row.status = r->status;
	row.latency = r->latency;
	row.bytes_in = r->bytes_in;
	row.bytes_out = r->bytes_out;
	row.decision = r->decision;
	row.error = r->error_code != 0;
	row.target = r->target.id;
	row.host = r->host;
	row.service = r->service;
	return (rollup_add(&row));
}

static int
insert_counted(const struct rowtab_row *first, int n)
{
	int	 i;

	tail = first[n - 1].id;
	for (i = 0; i < n; i++) {
		if (insert_count(first[i].r) == -1)
			return (-1);
	}
	return (0);
}

/* One by one: to find the row that is to blame. */
static int
insert_each(const struct rowtab_row *first, int n)
{
	int	 i;

	for (i = 0; i < n; i++) {
		rowtab_set(&first[i], 1, now);
		if (db_run(&sql_row, "") == 0) {
			if (insert_counted(&first[i], 1) == -1)
				return (-1);
		} else if (insert_refused(first[i].r) == -1)
			return (-1);
	}
	return (0);
}

/*
 * Rows that follow the last one of this transaction need not say where they
 * go: to look for the place of each costs more than to append it.  How many
 * there are of them; else the first alone, so that the next ones follow.
 */
static int
insert_run(const struct rowtab_row *first, int n, int *plain)
{
	int	 i;

	*plain = 1;
	for (i = 0; i < n && first[i].id == tail + 1 + i; i++)
		*plain &= rowtab_plain(first[i].r);
	return (i);
}

static int
insert_several(const struct rowtab_row *first, int n)
{
	int	 plain, m = insert_run(first, n, &plain);

	if (m == 0)
		return (insert_each(first, 1) == -1 ? -1 : 1);
	rowtab_set(first, m, now);
	if (db_run(plain ? &sql_plain : &sql_next, "") == 0) {
		if (sqlite3_last_insert_rowid(db_handle()) !=
		    first[m - 1].id) {
			log_warnx("request log: a row got another id");
			singly = 1;
			return (-1);
		}
		return (insert_counted(first, m) == -1 ? -1 : m);
	}
	if (db_error() != DB_CONSTRAINT)
		return (-1);
	if (db_lost()) {
		singly = 1;
		return (-1);
	}
	return (insert_each(first, m) == -1 ? -1 : m);
}

static int
insert_flush(void)
{
	int	 n, i = 0;

	if (nslots == 0)
		return (0);
	now = clock_now();
	if (singly && insert_each(slots, i = nslots) == -1)
		return (-1);
	for (; i < nslots; i += n) {
		if ((n = insert_several(slots + i, nslots - i)) == -1)
			return (-1);
	}
	nslots = 0;
	return (0);
}

int
insert_row(struct record *r)
{
	struct rowtab_row	*slot = &slots[nslots];

	if ((r->flags & REC_OPEN) && db_run(&sql_close, "ii",
	    stream_id(r->stream), (int64_t)r->seq) == -1)
		return (-1);
	if (r->flags & REC_BAD) {
		refuse_record(r, NULL);
		return (0);
	}
	slot->r = r;
	if (next_id == first_id && rollup_start(first_id) == -1)
		return (-1);
	slot->id = next_id++;
	if (insert_refs(r, slot->id, &slot->scope) == -1)
		return (insert_refused(r));
	return (++nslots == INSERT_ROWS ? insert_flush() : 0);
}

static int
insert_opened(const struct rowtab_row *first, int n)
{
	int	 i;

	rowtab_set(first, n, now);
	if (db_run(&sql_open, "") == 0) {
		for (i = 0; i < n; i++)
			first[i].r->flags |= REC_NEWOPEN;
		return (0);
	}
	if (n == 1)
		return (insert_refused(first->r));
	if (db_error() != DB_CONSTRAINT)
		return (-1);
	if (db_lost()) {
		singly = 1;
		return (-1);
	}
	for (i = 0; i < n; i++) {
		if (insert_opened(&first[i], 1) == -1)
			return (-1);
	}
	return (0);
}

static int
insert_flush_open(void)
{
	const int	 step = singly ? 1 : INSERT_ROWS;
	int		 i, n;

	now = clock_now();
	for (i = 0; i < nopened; i += n) {
		n = nopened - i < step ? nopened - i : step;
		if (insert_opened(opened + i, n) == -1)
			return (-1);
	}
	nopened = 0;
	return (0);
}

int
insert_open(struct record *r)
{
	struct rowtab_row	*slot = &opened[nopened];

	if (r->flags & REC_BAD) {
		refuse_record(r, NULL);
		return (0);
	}
	slot->r = r;
	slot->id = 0;
	if (insert_refs(r, next_id, &slot->scope) == -1)
		return (insert_refused(r));
	return (++nopened == INSERT_ROWS ? insert_flush_open() : 0);
}

int
insert_finish(void)
{
	if (insert_flush() == -1 || insert_flush_open() == -1 ||
	    rollup_finish(next_id - 1) == -1 || vault_save() == -1)
		return (-1);
	if (next_id == first_id)
		return (0);
	if (db_run(&sql_minute, "iii", clock_now() / 60000000, first_id,
	    next_id - 1) == -1 || schema_set("next_id", next_id) == -1)
		return (-1);
	return (0);
}

void
insert_skip(int64_t n)
{
	next_id += n;
	first_id = next_id;
}

void
insert_undo(void)
{
	next_id = first_id;
	tail = 0;
	nslots = nopened = 0;
	rows = 0;
	rollup_clear();
	served_undo();
	vault_undo();
	refuse_undo();
}

void
insert_committed(void)
{
	insert_counters.rows += rows;
	served_committed();
	rows = 0;
	singly = 0;
	first_id = next_id;
	tail = 0;
	refuse_committed();
}
