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

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "db.h"
#include "insert.h"
#include "log.h"
#include "loop.h"
#include "record.h"
#include "rolltop.h"
#include "rollup.h"
#include "schema.h"

#define MINUTE	INT64_C(60000000)
#define COUNTED	"rollup_id"	/* in meta: the last id that was counted */

static struct db_sql	 sql_load = DB_SQL(
    "SELECT count, errors, bytes_in, bytes_out, latency FROM rollups WHERE"
    " vault = ? AND minute = ? AND class = ? AND decision = ?");
static struct db_sql	 sql_store = DB_SQL(
    "INSERT INTO rollups (vault, minute, class, decision, count, errors,"
    " bytes_in, bytes_out, latency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (vault, minute, class, decision) DO UPDATE SET"
    " count = excluded.count, errors = excluded.errors,"
    " bytes_in = excluded.bytes_in, bytes_out = excluded.bytes_out,"
    " latency = excluded.latency");
static struct db_sql	 sql_fill = DB_SQL(
    "SELECT l.vault, l.request_id, l.status, l.latency, l.bytes_in,"
    " l.bytes_out, l.flags, t.host, t.service, l.target FROM log l"
    " LEFT JOIN targets t ON t.id = l.target WHERE l.id >= ? AND l.id < ?"
    " AND l.flags & 15 = 0"
    " ORDER BY l.id");
static struct db_sql	 sql_next = DB_SQL(
    "SELECT vault FROM rollups WHERE vault >= ? ORDER BY vault LIMIT 1");
static struct db_sql	 sql_trim = DB_SQL(
    "DELETE FROM rollups WHERE (vault, minute, class, decision) IN (SELECT"
    " vault, minute, class, decision FROM rollups WHERE vault = ? AND"
    " minute < ? LIMIT ?)");
_Static_assert(KIND_REQUEST == 0, "sql_fill");

/* As they are in the database with this transaction. */
RB_HEAD(buckets, bucket);

static struct buckets	 buckets = RB_INITIALIZER(&buckets);
static unsigned int	 nbuckets;
static int64_t		 minute_now;	/* 0: to be asked for */
static unsigned int	 pending;	/* rows counted and not written */
static uint64_t		 next_write;	/* monotonic */
static int		 known;		/* memory has what is not written */

/* Where rows of a target were counted last: most are like one before. */
#define SEEN	512
static struct seen {
	int64_t		 target;
	struct bucket	*bucket;	/* NULL: nothing is known */
	struct rolltop	*host;		/* or NULL */
	struct rolltop	*service;
}	 seen[SEEN];

static int		 bucket_cmp(struct bucket *, struct bucket *);
static struct bucket	*bucket_find(const struct bucket *);
static int		 bucket_load(struct bucket *);
static int		 bucket_store(struct bucket *);
static int		 write_all(void);
static int		 seen_find(struct seen *, const struct bucket *,
			    const struct rollup_row *);
static void		 drop(void);
static int		 fill_row(sqlite3_stmt *);

RB_GENERATE_STATIC(buckets, bucket, node, bucket_cmp)

/* In the order of the table, so that one is written beside the other. */
static int
bucket_cmp(struct bucket *a, struct bucket *b)
{
	if (a->vault != b->vault)
		return (a->vault < b->vault ? -1 : 1);
	if (a->minute != b->minute)
		return (a->minute < b->minute ? -1 : 1);
	if (a->class != b->class)
		return (a->class < b->class ? -1 : 1);
	return (a->decision < b->decision ? -1 : a->decision > b->decision);
}

unsigned int
rollup_class(int64_t status)
{
	return (status < 0 || status >= 600 ? CLASS_UNKNOWN :
	    status / 100);
}

static int
bucket_load(struct bucket *b)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_load)) == NULL || db_bind(s, "iiii",
	    (int64_t)b->vault, b->minute, (int64_t)b->class,
	    (int64_t)b->decision) == -1)
		return (-1);
	if ((rc = db_step(s)) != 1)
		return (rc);
	b->rows = sqlite3_column_int64(s, 0);
	b->errors = sqlite3_column_int64(s, 1);
	b->bytes_in = sqlite3_column_int64(s, 2);
	b->bytes_out = sqlite3_column_int64(s, 3);
	hist_unpack(&b->latency, sqlite3_column_blob(s, 4),
	    sqlite3_column_bytes(s, 4));
	db_reset(s);
	return (0);
}

static int
bucket_store(struct bucket *b)
{
	uint8_t	 packed[HIST_PACKED];
	size_t	 len;

	/* An empty one is a blob too: the first byte is never looked at. */
	len = hist_pack(&b->latency, packed);
	if (db_run(&sql_store, "iiiiiiiib", (int64_t)b->vault, b->minute,
	    (int64_t)b->class, (int64_t)b->decision, (int64_t)b->rows,
	    (int64_t)b->errors, (int64_t)b->bytes_in, (int64_t)b->bytes_out,
	    packed, len) == -1)
		return (-1);
	b->dirty = 0;
	return (0);
}

static struct bucket *
bucket_find(const struct bucket *key)
{
	struct bucket	 k = { .vault = key->vault, .minute = key->minute,
			    .class = key->class, .decision = key->decision };
	struct bucket	*b;

	if ((b = RB_FIND(buckets, &buckets, &k)) != NULL)
		return (b);
	if ((b = malloc(sizeof(*b))) == NULL)
		fatal("malloc");
	*b = k;
	if (bucket_load(b) == -1) {
		free(b);
		return (NULL);
	}
	RB_INSERT(buckets, &buckets, b);
	nbuckets++;
	return (b);
}

struct bucket *
rollup_from(uint64_t vault, int64_t minute)
{
	struct bucket	 k;

	k.vault = vault;
	k.minute = minute;
	k.class = k.decision = 0;
	return (RB_NFIND(buckets, &buckets, &k));
}

struct bucket *
rollup_next(struct bucket *b)
{
	return (RB_NEXT(buckets, &buckets, b));
}

int
rollup_has(uint64_t vault, int64_t minute, unsigned int class,
    unsigned int decision)
{
	struct bucket	 k;

	k.vault = vault;
	k.minute = minute;
	k.class = class;
	k.decision = decision;
	return (RB_FIND(buckets, &buckets, &k) != NULL);
}

static int
seen_find(struct seen *x, const struct bucket *key, const struct rollup_row *r)
{
	const int64_t	 hour = key->minute / 60;

	if (nbuckets >= ROLLUP_CACHE || rolltop_full()) {
		if (write_all() == -1)
			return (-1);
		drop();
		/* So that what they cover is written with them. */
		next_write = 0;
	}
	memset(x, 0, sizeof(*x));
	if (*r->host != '\0' && (x->host = rolltop_find(r->vault, hour,
	    ROLLTOP_HOST, r->host)) == NULL)
		return (-1);
	if (*r->service != '\0' && (x->service = rolltop_find(r->vault, hour,
	    ROLLTOP_SERVICE, r->service)) == NULL)
		return (-1);
	x->target = r->target;
	x->bucket = bucket_find(key);
	return (x->bucket == NULL ? -1 : 0);
}

int
rollup_add(const struct rollup_row *r)
{
	struct seen	*x = &seen[r->target % SEEN];
	struct bucket	*b, k;

	if (minute_now == 0)
		minute_now = clock_now() / MINUTE;
	k.minute = r->started / MINUTE;
	if (k.minute > minute_now + 1)
		k.minute = minute_now;
	if (k.minute < minute_now - ROLLUP_DAYS * 1440)
		return (0);
	k.vault = r->vault;
	k.class = rollup_class(r->status);
	k.decision = r->decision & 7;
	if ((r->target == 0 || x->target != r->target || x->bucket == NULL ||
	    bucket_cmp(x->bucket, &k) != 0) && seen_find(x, &k, r) == -1)
		return (-1);
	b = x->bucket;
	pending++;
	b->dirty = 1;
	b->rows++;
	b->errors += r->error != 0;
	b->bytes_in += r->bytes_in;
	b->bytes_out += r->bytes_out;
	if (r->latency >= 0)
		b->latency.n[hist_bucket(r->latency)]++;
	if (x->host != NULL)
		rolltop_count(x->host);
	if (x->service != NULL)
		rolltop_count(x->service);
	return (0);
}

/* Not yet with an id: for when memory is full. */
static int
write_all(void)
{
	struct bucket	*b;

	RB_FOREACH(b, buckets, &buckets) {
		if (b->dirty && bucket_store(b) == -1)
			return (-1);
	}
	return (rolltop_write());
}

void
rollup_forget(void)
{
	memset(seen, 0, sizeof(seen));
}

int
rollup_start(int64_t first)
{
	int64_t	 id;

	minute_now = 0;
	if (known)
		return (0);
	if (schema_get(COUNTED, 0, &id) == -1 ||
	    rollup_fill(id + 1, first) == -1)
		return (-1);
	known = 1;
	return (0);
}

int
rollup_write(int64_t id)
{
	if (!known && rollup_start(id + 1) == -1)
		return (-1);
	if (write_all() == -1 || schema_set(COUNTED, id) == -1)
		return (-1);
	pending = 0;
	next_write = loop_mono() + ROLLUP_SECONDS * UINT64_C(1000000);
	return (0);
}

int
rollup_sync(void)
{
	if (rollup_pending() == 0)
		return (0);
	if (db_begin(0) == 0) {
		if (rollup_write(insert_head()) == 0 && db_commit() == 0)
			return (0);
		db_rollback();
	}
	rollup_clear();
	return (-1);
}

int
rollup_recall(void)
{
	if (known)
		return (0);
	if (db_begin(0) == 0) {
		if (rollup_start(insert_head() + 1) == 0 && db_commit() == 0)
			return (0);
		db_rollback();
	}
	rollup_clear();
	return (-1);
}

int
rollup_finish(int64_t id)
{
	if (pending < ROLLUP_ROWS && loop_mono() < next_write)
		return (0);
	return (rollup_write(id));
}

unsigned int
rollup_pending(void)
{
	return (known ? pending : UINT_MAX);
}

void
rollup_clear(void)
{
	drop();
	known = 0;
	pending = 0;
}

static void
drop(void)
{
	struct bucket	*b;

	while ((b = RB_ROOT(&buckets)) != NULL) {
		RB_REMOVE(buckets, &buckets, b);
		free(b);
	}
	nbuckets = 0;
	rollup_forget();
	rolltop_clear();
}

static int
fill_row(sqlite3_stmt *s)
{
	struct rollup_row	 r;
	const uint8_t		*id = sqlite3_column_blob(s, 1);
	const int64_t		 flags = sqlite3_column_int64(s, 6);

	if (sqlite3_column_bytes(s, 1) != 16)
		return (0);
	r.vault = sqlite3_column_int64(s, 0);
	r.started = record_time(id);
	r.status = sqlite3_column_type(s, 2) == SQLITE_NULL ? -1 :
	    sqlite3_column_int64(s, 2);
	r.latency = sqlite3_column_type(s, 3) == SQLITE_NULL ? -1 :
	    sqlite3_column_int64(s, 3);
	r.bytes_in = sqlite3_column_int64(s, 4);
	r.bytes_out = sqlite3_column_int64(s, 5);
	r.decision = FLAGS_DECISION(flags);
	r.error = FLAGS_ERROR(flags) != 0;
	r.target = sqlite3_column_int64(s, 9);
	r.host = db_text(s, 7);
	r.service = db_text(s, 8);
	return (rollup_add(&r));
}

int
rollup_fill(int64_t from, int64_t to)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_fill)) == NULL ||
	    db_bind(s, "ii", from, to) == -1)
		return (-1);
	while ((rc = db_step(s)) == 1) {
		if (fill_row(s) == -1) {
			db_reset(s);
			rc = -1;
			break;
		}
	}
	return (rc);
}

int
rollup_trim(int max)
{
	const int64_t	 minute = clock_now() / MINUTE - ROLLUP_DAYS * 1440;
	int64_t		 vault = -1;
	int		 n = 0, rc;

	while (n < max) {
		if (db_int(&sql_next, -1, &vault, "i", vault + 1) == -1)
			return (-1);
		if (vault == -1)
			break;
		if (db_run(&sql_trim, "iii", vault, minute,
		    (int64_t)(max - n)) == -1)
			return (-1);
		n += sqlite3_changes(db_handle());
	}
	/* A clock that goes back must not bring back what memory still has. */
	if (n > 0 && pending == 0)
		drop();
	if (n >= max)
		return (n);
	if ((rc = rolltop_trim(minute / 60, max - n)) == -1)
		return (-1);
	return (n + rc);
}
