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

#include <stdint.h>

#include "clock.h"
#include "codes.h"
#include "db.h"
#include "dict.h"
#include "gone.h"
#include "insert.h"
#include "log.h"
#include "loop.h"
#include "retain.h"
#include "rollup.h"
#include "streamdb.h"

#define SECOND		UINT64_C(1000000)
#define DAY		INT64_C(86400000000)
#define PAUSE		(3600 * SECOND)
#define RETRY		SECOND
#define TRIM		100

struct retain_counters	 retain_counters;

static struct retention		 configured = { 7 * 86400, 10000, 90 * 86400,
				    0, 0, 0 };
static struct retention		 conf = { 7 * 86400, 10000, 90 * 86400,
				    0, 0, 0 };	/* with the owner's */
static int64_t			 owner_seconds = RETENTION_NONE;
static int64_t			 owner_rows = RETENTION_NONE;
static struct vaults_over	 over = TAILQ_HEAD_INITIALIZER(over);
static uint64_t			 next_age;	/* monotonic, when to look */
static uint64_t			 blocked;	/* monotonic, until when */
static int64_t			 age_from;	/* nothing to go below it */
static int64_t			 audit_from;
static int			 failing;	/* and reported */

static uint64_t			 ngone;		/* in this transaction */

static struct db_sql	 sql_first = DB_SQL(
    "SELECT id FROM log INDEXED BY log_vault WHERE vault = ?"
    " ORDER BY id LIMIT ?");
static struct db_sql	 sql_vault = DB_SQL(
    "DELETE FROM log INDEXED BY log_vault WHERE vault = ? AND id <= ?");
static struct db_sql	 sql_instance_first = DB_SQL(
    "SELECT id FROM log INDEXED BY log_vault"
    " WHERE vault IS NULL AND flags & 15 <> 3 ORDER BY id LIMIT ?");
static struct db_sql	 sql_instance = DB_SQL(
    "DELETE FROM log INDEXED BY log_vault"
    " WHERE vault IS NULL AND flags & 15 <> 3 AND id <= ?");
static struct db_sql	 sql_oldest = DB_SQL(
    "SELECT min(id) FROM log INDEXED BY log_vault WHERE vault = ?");
static struct db_sql	 sql_instance_oldest = DB_SQL(
    "SELECT min(id) FROM log INDEXED BY log_vault WHERE vault IS NULL");
static struct db_sql	 sql_all_oldest = DB_SQL("SELECT min(id) FROM log");
static struct db_sql	 sql_cut = DB_SQL(
    "SELECT last_id FROM minutes WHERE minute < ?"
    " ORDER BY minute DESC LIMIT 1");
static struct db_sql	 sql_age = DB_SQL(
    "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id > ? AND"
    " id <= ? AND flags & 15 <> 3 ORDER BY id LIMIT ?) RETURNING id, vault");
static struct db_sql	 sql_audit = DB_SQL(
    "DELETE FROM log WHERE id IN (SELECT id FROM log INDEXED BY log_audit"
    " WHERE flags & 15 = 3 AND id > ? AND id <= ? ORDER BY id LIMIT ?)"
    " RETURNING id, vault");
static struct db_sql	 sql_minutes = DB_SQL(
    "DELETE FROM minutes WHERE minute IN (SELECT minute FROM minutes"
    " WHERE last_id < ? ORDER BY minute LIMIT ?)");

static struct db_sql	 sql_owner_seconds =
    DB_SQL("SELECT retain_seconds FROM settings");
static struct db_sql	 sql_owner_rows =
    DB_SQL("SELECT retain_rows FROM settings");

static int	retain_count(const struct vault *);
static void	retain_apply(void);
static void	retain_list(struct vault *);
static int	retain_rows(struct vault **, uint64_t);
static int	retain_vault(struct vault *, uint64_t);
static int	retain_delete(const struct vault *, int64_t);
static int	retain_trim(struct vault *);
static int	retain_age(uint64_t, int *);
static int	retain_cut(struct db_sql *, uint64_t, int64_t *, int);
static int	retain_rest(int *);
static void	retain_commit(struct vault *);
static void	retain_done(struct vault *);
static void	retain_failed(void);

void
retain_configure(const struct retention *c)
{
	configured = *c;
	retain_apply();
}

void
retain_owner(int64_t seconds, int64_t rows)
{
	owner_seconds = seconds;
	owner_rows = rows;
	retain_apply();
}

int
retain_load(void)
{
	int64_t	 seconds, rows;

	if (db_int(&sql_owner_seconds, RETENTION_NONE, &seconds, "") == -1 ||
	    db_int(&sql_owner_rows, RETENTION_NONE, &rows, "") == -1)
		return (-1);
	retain_owner(seconds, rows);
	return (0);
}

const struct retention *
retain_config(void)
{
	return (&conf);
}

static void
retain_apply(void)
{
	conf = configured;
	retention_owner(&conf, owner_seconds, owner_rows);
	next_age = 0;
	age_from = audit_from = 0;
	retain_start();
}

static void
retain_list(struct vault *v)
{
	if (v->over)
		return;
	v->over = 1;
	TAILQ_INSERT_TAIL(&over, v, over_entry);
}

void
retain_changed(struct vault *v)
{
	if (conf.rows != 0 && v->rows > (uint64_t)conf.rows)
		retain_list(v);
}

void
retain_start(void)
{
	struct vault	*v;

	for (v = vault_next(NULL); v != NULL; v = vault_next(v))
		retain_changed(v);
}

void
retain_unload(void)
{
	struct vault	*v;

	while ((v = TAILQ_FIRST(&over)) != NULL) {
		TAILQ_REMOVE(&over, v, over_entry);
		v->over = 0;
	}
	age_from = audit_from = 0;
	next_age = blocked = 0;
}

/* The hour is for somebody to notice before everything is deleted. */
void
retain_clock(int64_t step)
{
	if (step > DAY) {
		next_age = loop_mono() + PAUSE;
		log_warnx("request log: nothing is deleted by age for an "
		    "hour, since the clock leapt forward");
	}
}

/*
 * What goes must have been counted.  The newest rows stay: as long as a cap
 * keeps more of them than have not been written, nothing is due.
 */
static int
retain_count(const struct vault *v)
{
	const unsigned int	 n = rollup_pending();

	if (n == 0 || (v != NULL && n <= conf.rows))
		return (0);
	return (rollup_write(insert_head()));
}

/*
 * The oldest n rows of a vault, which are remembered.  They are one range of
 * its index, which is cheaper to delete than rows that a list names.
 */
static int
retain_delete(const struct vault *v, int64_t n)
{
	struct db_sql	*first = v->id == 0 ? &sql_instance_first : &sql_first;
	sqlite3_stmt	*s;
	int64_t		 id = 0;
	int		 rc;

	if ((s = db_prep(first)) == NULL || (v->id == 0 ?
	    db_bind(s, "i", n) : db_bind(s, "ii", (int64_t)v->id, n)) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		id = sqlite3_column_int64(s, 0);
		gone_add(v->id, id);
	}
	if (rc == -1)
		return (-1);
	if (v->id == 0)
		return (db_run(&sql_instance, "i", id));
	return (db_run(&sql_vault, "ii", (int64_t)v->id, id));
}

/* Bring one vault down to its cap, as far as the turn allows. */
static int
retain_vault(struct vault *v, uint64_t end)
{
	uint64_t	 n, rows;

	while (conf.rows != 0 && ngone < RETAIN_ROWS && loop_mono() < end) {
		rows = v->rows + v->change;
		if (rows <= (uint64_t)conf.rows)
			break;
		n = rows - conf.rows;
		if (n > RETAIN_CHUNK)
			n = RETAIN_CHUNK;
		if (retain_delete(v, n) == -1)
			return (-1);
		/* Fewer rows than we counted: there is nothing to do. */
		if ((n = sqlite3_changes(db_handle())) == 0)
			n = rows - conf.rows;
		vault_change(v, -(int64_t)n);
		ngone += n;
	}
	return (retain_trim(v));
}

/* One vault after the other; last is the one that was looked at last. */
static int
retain_rows(struct vault **last, uint64_t end)
{
	struct vault	*v;

	for (v = TAILQ_FIRST(&over); v != NULL; v = TAILQ_NEXT(v, over_entry)) {
		if (retain_vault(v, end) == -1)
			return (-1);
		*last = v;
		if (ngone >= RETAIN_ROWS || loop_mono() >= end)
			break;
	}
	return (0);
}

/*
 * To look for entries costs all of the vault's, and most turns find none:
 * those that come later have bounds beyond what is written now.
 */
static int
retain_trim(struct vault *v)
{
	const int64_t	 none = insert_head() + 1;
	int64_t		 oldest;
	int		 n;

	if ((v->id == 0 ? db_int(&sql_instance_oldest, none, &oldest, "") :
	    db_int(&sql_oldest, none, &oldest, "i", (int64_t)v->id)) == -1)
		return (-1);
	if (oldest <= v->trim)
		return (0);
	if ((n = dict_trim(v->id, oldest, TRIM)) == -1 ||
	    dict_least(v->id, none, &v->trim) == -1)
		return (-1);
	/* What an open request uses stays: look again after some rows more. */
	if (n == 0 && v->trim < oldest)
		v->trim = oldest + DICT_STEP;
	return (0);
}

/*
 * One statement by age.  Returns how many rows it deleted.
 */
static int
retain_cut(struct db_sql *sql, uint64_t seconds, int64_t *from, int audit)
{
	struct vault	*v;
	sqlite3_stmt	*s;
	uint64_t	 vault;
	int64_t		 cut, id;
	int		 rc, n = 0;

	if (seconds == 0)
		return (0);
	if (db_int(&sql_cut, 0, &cut, "i", (clock_now() / (int64_t)SECOND -
	    (int64_t)seconds) / 60) == -1)
		return (-1);
	if (cut <= *from)
		return (0);
	if ((s = db_prep(sql)) == NULL || db_bind(s, "iii", *from, cut,
	    (int64_t)RETAIN_CHUNK) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		id = sqlite3_column_int64(s, 0);
		if (id > *from)
			*from = id;
		vault = audit ? GONE_AUDIT :
		    (uint64_t)sqlite3_column_int64(s, 1);
		gone_add(vault, id);
		if (!audit && (v = vault_find(vault)) != NULL)
			vault_change(v, -1);
		n++;
	}
	if (rc == 0 && n < RETAIN_CHUNK)
		*from = cut;
	ngone += n;
	return (rc == -1 ? -1 : n);
}

static int
retain_age(uint64_t end, int *done)
{
	int	 a, b;

	*done = 0;
	while (ngone + 2 * RETAIN_CHUNK <= RETAIN_ROWS && loop_mono() < end) {
		if ((a = retain_cut(&sql_age, conf.seconds, &age_from,
		    0)) == -1 || (b = retain_cut(&sql_audit,
		    conf.audit_seconds, &audit_from, 1)) == -1)
			return (-1);
		if (a + b == 0)
			return (retain_rest(done));
	}
	return (0);
}

static int
retain_rest(int *done)
{
	int64_t	 oldest;
	int	 n;

	if (db_int(&sql_all_oldest, insert_head() + 1, &oldest, "") == -1 ||
	    db_run(&sql_minutes, "ii", oldest, (int64_t)RETAIN_ROWS) == -1)
		return (-1);
	if ((n = rollup_trim(RETAIN_ROWS)) == -1)
		return (-1);
	*done = n < RETAIN_ROWS;
	return (streamdb_trim(oldest));
}

/* A vault that has lost rows by age may have entries to trim. */
static void
retain_commit(struct vault *last)
{
	retain_counters.rows += ngone;
	gone_saved();
	vault_saved(last == NULL ? retain_list : retain_changed);
	if (last != NULL)
		retain_done(last);
}

/* Of those up to here, who needs more stands behind the others. */
static void
retain_done(struct vault *last)
{
	struct vault	*v;

	do {
		v = TAILQ_FIRST(&over);
		TAILQ_REMOVE(&over, v, over_entry);
		v->over = 0;
		retain_changed(v);
	} while (v != last);
}

/* Nothing was deleted, and what is remembered of dictionaries may be wrong. */
static void
retain_failed(void)
{
	const int	 full = db_cause() == CAUSE_FULL;
	struct vault	*v;

	db_rollback();
	gone_undo();
	vault_undo();
	TAILQ_FOREACH(v, &over, over_entry)
		v->trim = 0;
	dict_clear();
	rollup_clear();
	age_from = audit_from = 0;
	if (!failing)
		log_warnx("request log: cannot delete old rows: %s",
		    db_errstr());
	failing = 1;
	if (full)
		db_reclaim();
	blocked = loop_mono() + RETRY;
}

void
retain_turn(void)
{
	struct vault	*last = NULL;
	uint64_t	 now = loop_mono();
	int		 rc, done = 0;

	if (now < blocked || (TAILQ_EMPTY(&over) && now < next_age))
		return;
	if (db_behind()) {
		blocked = now + RETRY;
		return;
	}
	ngone = 0;
	if ((rc = db_begin(0)) == 0)
		rc = retain_count(TAILQ_FIRST(&over));
	if (rc == 0)
		rc = TAILQ_EMPTY(&over) ? retain_age(now + RETAIN_US, &done) :
		    retain_rows(&last, now + RETAIN_US);
	if (rc == -1 || gone_save() == -1 || vault_save() == -1 ||
	    db_commit() == -1) {
		retain_failed();
		return;
	}
	failing = 0;
	retain_commit(last);
	if (done)
		next_age = now + RETAIN_SECONDS * SECOND;
	db_checkpoint();
	if (!TAILQ_EMPTY(&over) || (!done && now >= next_age))
		loop_again();
}
