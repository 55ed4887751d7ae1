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
#include "loop.h"
#include "queryscan.h"
#include "record.h"
#include "schema.h"

/*
 * Columns are taken apart for each row that is looked at, and a slice is
 * mostly that: no more of them than the filter needs.
 */
#define ENTRIES	"SELECT id, vault, scope, target"
#define FIELDS	ENTRIES ", flags, status, request_id, latency"
#define UP	"id > ? AND id <= ? ORDER BY id LIMIT ?"
#define DOWN	"id < ? AND id >= ? ORDER BY id DESC LIMIT ?"
#define BOTH(columns, where)						\
    { DB_SQL(columns " FROM log " where DOWN),				\
    DB_SQL(columns " FROM log " where UP) }
#define WIDTHS(where)							\
    { BOTH(ENTRIES, where), BOTH(FIELDS, where),			\
    BOTH(FIELDS ", path", where) }

static struct db_sql	 sql_slice[SOURCE_KINDS][3][2] = {
	[SOURCE_ALL] =		WIDTHS("WHERE "),
	[SOURCE_VAULT] =	WIDTHS("INDEXED BY log_vault WHERE vault IS ?"
				    " AND "),
	[SOURCE_CLASS] =	WIDTHS("INDEXED BY log_class WHERE vault IS ?"
				    " AND status / 100 IS ?"
				    " AND status / 100 IS NOT 2 AND "),
	[SOURCE_ERROR] =	WIDTHS("INDEXED BY log_error WHERE vault IS ?"
				    " AND flags & 16711680 <> 0 AND "),
	[SOURCE_AUDIT] =	WIDTHS("INDEXED BY log_audit WHERE"
				    " flags & 15 = 3 AND "),
	[SOURCE_LATE] =		WIDTHS("INDEXED BY log_late WHERE"
				    " flags & 4294967296 <> 0 AND ")
};

static void	source_span(const struct source *, int, int64_t *, int64_t *);
static int	source_bind(const struct scan *, const struct source *,
		    sqlite3_stmt *, int64_t);
static int	source_slice(struct scan *, struct source *);
static int	matches(const struct scan *, sqlite3_stmt *);
static int	matches_row(const struct scan *, sqlite3_stmt *, uint64_t);
static int	matches_entry(const struct idset *, sqlite3_stmt *, int);

void
spans_add(struct spans *s, int64_t lo, int64_t hi)
{
	struct span	*last = s->n > 0 ? &s->span[s->n - 1] : NULL;

	if (lo > hi)
		return;
	/* With too many of them the last one takes in the rest. */
	if (last != NULL && (lo <= last->hi + 1 || s->n == SCAN_SPANS)) {
		if (hi > last->hi)
			last->hi = hi;
		return;
	}
	if (s->span == NULL || s->n == s->size) {
		s->size = s->size == 0 ? 4 : 2 * s->size;
		s->span = reallocarray(s->span, s->size, sizeof(*s->span));
		if (s->span == NULL)
			fatal("query");
	}
	s->span[s->n].lo = lo;
	s->span[s->n++].hi = hi;
}

void
spans_cut(struct spans *a, const struct spans *b)
{
	struct spans	 old = *a;
	struct span	*x, *y;
	int		 i = 0, k = 0;

	memset(a, 0, sizeof(*a));
	while (i < old.n && k < b->n) {
		x = &old.span[i];
		y = &b->span[k];
		spans_add(a, x->lo > y->lo ? x->lo : y->lo,
		    x->hi < y->hi ? x->hi : y->hi);
		if (x->hi < y->hi)
			i++;
		else
			k++;
	}
	spans_free(&old);
}

void
spans_free(struct spans *s)
{
	free(s->span);
	memset(s, 0, sizeof(*s));
}

void
idset_add(struct idset *s, int64_t id)
{
	if (s->n == s->size) {
		s->size = s->size == 0 ? 64 : 2 * s->size;
		s->ids = reallocarray(s->ids, s->size, sizeof(*s->ids));
		if (s->ids == NULL)
			fatal("query");
	}
	s->ids[s->n++] = id;
}

int
idset_has(const struct idset *s, int64_t id)
{
	size_t	 lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->ids[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo < s->n && s->ids[lo] == id);
}

int
scan_source(struct scan *sc, enum source_kind kind, int64_t vault,
    int64_t class, const struct spans *spans)
{
	struct source	*s;
	int64_t		 lo, hi;

	if (sc->nsources == SCAN_SOURCES)
		return (-1);
	s = &sc->sources[sc->nsources++];
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->vault = vault;
	s->class = class;
	s->spans = spans;
	if (spans->n == 0) {
		s->done = 1;
		return (0);
	}
	source_span(s, sc->up, &lo, &hi);
	s->at = lo - 1;
	s->hits = reallocarray(NULL, sc->want, sizeof(*s->hits));
	if (s->hits == NULL)
		fatal("query");
	return (0);
}

/* The span it is in, as positions. */
static void
source_span(const struct source *s, int up, int64_t *lo, int64_t *hi)
{
	const struct span	*x;

	x = &s->spans->span[up ? s->span : s->spans->n - 1 - s->span];
	*lo = up ? x->lo : -x->hi;
	*hi = up ? x->hi : -x->lo;
}

static int
source_bind(const struct scan *sc, const struct source *s, sqlite3_stmt *st,
    int64_t end)
{
	const int64_t	 from = sc->up ? s->at : -s->at;
	const int64_t	 to = sc->up ? end : -end;
	const int64_t	 rows = SCAN_ROWS;
	int		 rc = SQLITE_OK;

	switch (s->kind) {
	case SOURCE_VAULT:
	case SOURCE_ERROR:
		return (db_bind(st, "ziii", s->vault, from, to, rows));
	case SOURCE_CLASS:
		if (db_bind(st, "ziiii", s->vault, s->class, from, to,
		    rows) == -1)
			return (-1);
		if (s->class == -1)
			rc = sqlite3_bind_null(st, 2);
		return (rc == SQLITE_OK ? 0 : -1);
	default:
		return (db_bind(st, "iii", from, to, rows));
	}
}

static int
matches_entry(const struct idset *set, sqlite3_stmt *st, int column)
{
	if (set->any)
		return (1);
	if (sqlite3_column_type(st, column) == SQLITE_NULL)
		return (set->none);
	return (idset_has(set, sqlite3_column_int64(st, column)));
}

static int
matches_row(const struct scan *sc, sqlite3_stmt *st, uint64_t vault)
{
	static const uint8_t	 none[16];
	const int64_t		 flags = sqlite3_column_int64(st, 4);
	struct filter_row	 r;

	r.vault = vault;
	r.kind = FLAGS_KIND(flags);
	r.ingress = FLAGS_INGRESS(flags);
	r.decision = FLAGS_DECISION(flags);
	r.error_code = FLAGS_ERROR(flags);
	r.status = sqlite3_column_type(st, 5) == SQLITE_NULL ? -1 :
	    sqlite3_column_int64(st, 5);
	r.request_id = sqlite3_column_bytes(st, 6) == (int)sizeof(none) ?
	    sqlite3_column_blob(st, 6) : none;
	r.started = record_time(r.request_id);
	r.latency = sqlite3_column_type(st, 7) == SQLITE_NULL ? -1 :
	    sqlite3_column_int64(st, 7);
	/* An audit row has its action there. */
	r.path = sc->path && r.kind != KIND_AUDIT ? db_text(st, 8) : "";
	return (filter_row(sc->filter, &r));
}

static int
matches(const struct scan *sc, sqlite3_stmt *st)
{
	const uint64_t	 vault = sqlite3_column_int64(st, 1);

	if (!sc->all && vault != sc->vault)
		return (0);
	return (matches_entry(&sc->targets, st, 3) &&
	    matches_entry(&sc->actors, st, 2) &&
	    (!sc->fields || matches_row(sc, st, vault)));
}

/* Up to the end of a span, or to what a slice may take. */
static int
source_slice(struct scan *sc, struct source *s)
{
	const uint64_t	 until = loop_mono() + SCAN_US;
	sqlite3_stmt	*st;
	int64_t		 lo, hi;
	int		 n = 0, rc;

	source_span(s, sc->up, &lo, &hi);
	if ((st = db_prep(&sql_slice[s->kind][sc->fields +
	    sc->path][sc->up])) == NULL ||
	    source_bind(sc, s, st, hi) == -1)
		return (-1);
	s->first = s->n = 0;
	while ((rc = db_step(st)) == 1) {
		n++;
		s->at = sc->up ? sqlite3_column_int64(st, 0) :
		    -sqlite3_column_int64(st, 0);
		if (matches(sc, st))
			s->hits[s->n++] = s->at;
		if (s->n == sc->want || n == SCAN_ROWS ||
		    (n % 64 == 0 && loop_mono() > until)) {
			db_reset(st);
			break;
		}
	}
	sc->rows += n;
	if (rc == 0) {
		s->at = hi;
		if (++s->span == s->spans->n)
			s->done = 1;
		else {
			source_span(s, sc->up, &lo, &hi);
			s->at = lo - 1;
		}
	}
	return (rc == -1 ? -1 : 0);
}

int
scan_next(struct scan *sc, int64_t *id)
{
	struct source	*s;
	int64_t		 best = INT64_MAX;
	int		 i;

	for (i = 0; i < sc->nsources; i++) {
		s = &sc->sources[i];
		if (s->first < s->n && s->hits[s->first] < best)
			best = s->hits[s->first];
	}
	for (i = 0; i < sc->nsources; i++) {
		s = &sc->sources[i];
		if (s->first == s->n && !s->done && s->at < best)
			return (2);
	}
	if (best == INT64_MAX)
		return (0);
	for (i = 0; i < sc->nsources; i++) {
		s = &sc->sources[i];
		if (s->first < s->n && s->hits[s->first] == best)
			s->first++;
	}
	*id = sc->up ? best : -best;
	return (1);
}

/* The source that is furthest behind. */
int
scan_work(struct scan *sc)
{
	struct source	*s, *least = NULL;
	int		 i;

	for (i = 0; i < sc->nsources; i++) {
		s = &sc->sources[i];
		if (s->first == s->n && !s->done &&
		    (least == NULL || s->at < least->at))
			least = s;
	}
	return (least == NULL ? 0 : source_slice(sc, least));
}

int64_t
scan_frontier(const struct scan *sc, int64_t from)
{
	const struct source	*s;
	int64_t			 least = INT64_MAX;
	int			 i;

	for (i = 0; i < sc->nsources; i++) {
		s = &sc->sources[i];
		if (s->first == s->n && !s->done && s->at < least)
			least = s->at;
	}
	if (least == INT64_MAX)
		return (from);
	return (sc->up ? least : -least);
}

void
scan_free(struct scan *sc)
{
	int	 i;

	for (i = 0; i < sc->nsources; i++)
		free(sc->sources[i].hits);
	sc->nsources = 0;
	free(sc->targets.ids);
	free(sc->actors.ids);
	memset(&sc->targets, 0, sizeof(sc->targets));
	memset(&sc->actors, 0, sizeof(sc->actors));
	spans_free(&sc->spans);
	spans_free(&sc->late);
}
