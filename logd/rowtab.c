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
#include <string.h>

#include "db.h"
#include "rowtab.h"
#include "schema.h"
#include "stream.h"

#define LATE	INT64_C(60000000)	/* microseconds, see querytime.h */

/* Columns of the table log, in the order of ROWTAB_COLUMNS. */
enum {
	C_ID, C_VAULT, C_SCOPE, C_TARGET, C_FLAGS, C_STATUS, C_REQUEST_ID,
	C_STREAM, C_SEQ, C_CONN, C_LATENCY, C_TTFB, C_BYTES_IN, C_BYTES_OUT,
	C_PATH, C_CLIENT, C_UPSTREAM, C_TRACE_ID, C_COUNT, C_DETAIL
};

struct cursor {
	sqlite3_vtab_cursor	 base;
	int			 at;
};

static const struct rowtab_row	*rows;
static int			 nrows;
static int64_t			 now;

static int	rowtab_connect(sqlite3 *, void *, int, const char *const *,
		    sqlite3_vtab **, char **);
static int	rowtab_best(sqlite3_vtab *, sqlite3_index_info *);
static int	rowtab_disconnect(sqlite3_vtab *);
static int	rowtab_open(sqlite3_vtab *, sqlite3_vtab_cursor **);
static int	rowtab_close(sqlite3_vtab_cursor *);
static int	rowtab_filter(sqlite3_vtab_cursor *, int, const char *, int,
		    sqlite3_value **);
static int	rowtab_next(sqlite3_vtab_cursor *);
static int	rowtab_eof(sqlite3_vtab_cursor *);
static int	rowtab_column(sqlite3_vtab_cursor *, sqlite3_context *, int);
static int	rowtab_rowid(sqlite3_vtab_cursor *, sqlite3_int64 *);
static void	integer(sqlite3_context *, int, int64_t);
static void	text(sqlite3_context *, const char *);
static void	bytes(sqlite3_context *, const uint8_t *, size_t);
static void	identity(sqlite3_context *, const struct rowtab_row *, int);
static int64_t	flags(const struct record *);

/* No xCreate: it exists on this connection only, and nothing is stored. */
static const sqlite3_module	 module = {
	.xConnect =	rowtab_connect,
	.xBestIndex =	rowtab_best,
	.xDisconnect =	rowtab_disconnect,
	.xOpen =	rowtab_open,
	.xClose =	rowtab_close,
	.xFilter =	rowtab_filter,
	.xNext =	rowtab_next,
	.xEof =		rowtab_eof,
	.xColumn =	rowtab_column,
	.xRowid =	rowtab_rowid
};

int
rowtab_init(void)
{
	int	 rc;

	rc = sqlite3_create_module(db_handle(), "rowtab", &module, NULL);
	return (rc == SQLITE_OK ? 0 : -1);
}

void
rowtab_set(const struct rowtab_row *first, int n, int64_t us)
{
	rows = first;
	nrows = n;
	now = us;
}

int
rowtab_plain(const struct record *r)
{
	size_t	 len;

	(void)rowtab_trace(r, &len);
	return (len == 0 && r->count == 0 && *r->detail == '\0');
}

int64_t
rowtab_flags(const struct record *r)
{
	return (schema_flags(r->kind, r->ingress, r->decision, r->protocol,
	    r->path_cut, r->error_code, r->event));
}

const uint8_t *
rowtab_trace(const struct record *r, size_t *len)
{
	static const uint8_t	 none[sizeof(r->trace_id)];

	*len = memcmp(r->trace_id, none, sizeof(none)) == 0 ? 0 :
	    sizeof(none);
	return (r->trace_id);
}

static int
rowtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
    sqlite3_vtab **vtab, char **why)
{
	int	 rc;

	rc = sqlite3_declare_vtab(db, "CREATE TABLE x (" ROWTAB_COLUMNS ")");
	if (rc != SQLITE_OK)
		return (rc);
	if ((*vtab = sqlite3_malloc(sizeof(**vtab))) == NULL)
		return (SQLITE_NOMEM);
	memset(*vtab, 0, sizeof(**vtab));
	return (SQLITE_OK);
}

static int
rowtab_best(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	return (SQLITE_OK);
}

static int
rowtab_disconnect(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return (SQLITE_OK);
}

static int
rowtab_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
	struct cursor	*c;

	if ((c = sqlite3_malloc(sizeof(*c))) == NULL)
		return (SQLITE_NOMEM);
	memset(c, 0, sizeof(*c));
	*cursor = &c->base;
	return (SQLITE_OK);
}

static int
rowtab_close(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return (SQLITE_OK);
}

static int
rowtab_filter(sqlite3_vtab_cursor *cursor, int n, const char *s, int argc,
    sqlite3_value **argv)
{
	((struct cursor *)cursor)->at = 0;
	return (SQLITE_OK);
}

static int
rowtab_next(sqlite3_vtab_cursor *cursor)
{
	((struct cursor *)cursor)->at++;
	return (SQLITE_OK);
}

static int
rowtab_eof(sqlite3_vtab_cursor *cursor)
{
	return (((struct cursor *)cursor)->at >= nrows);
}

static int
rowtab_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
	*id = rows[((struct cursor *)cursor)->at].id;
	return (SQLITE_OK);
}

/* What gets no result is NULL. */
static void
integer(sqlite3_context *ctx, int has, int64_t v)
{
	if (has)
		sqlite3_result_int64(ctx, v);
}

static void
text(sqlite3_context *ctx, const char *s)
{
	if (*s != '\0')
		sqlite3_result_text(ctx, s, -1, SQLITE_STATIC);
}

static void
bytes(sqlite3_context *ctx, const uint8_t *p, size_t n)
{
	if (n > 0)
		sqlite3_result_blob(ctx, p, n, SQLITE_STATIC);
}

/*
 * Readers find rows by their time among those that were committed soon after
 * it; a clock that was moved may put it behind the commit.
 */
static int64_t
flags(const struct record *r)
{
	const int64_t	 age = now - record_time(r->request_id);

	return (rowtab_flags(r) | (age < 0 || age > LATE ? FLAGS_LATE : 0));
}

static void
identity(sqlite3_context *ctx, const struct rowtab_row *row, int i)
{
	const struct record	*r = row->r;
	const uint8_t		*trace;
	size_t			 len;

	switch (i) {
	case C_ID:
		sqlite3_result_int64(ctx, row->id);
		break;
	case C_VAULT:
		integer(ctx, r->vault != 0, r->vault);
		break;
	case C_SCOPE:
		integer(ctx, row->scope != 0, row->scope);
		break;
	case C_TARGET:
		integer(ctx, r->target.id != 0, r->target.id);
		break;
	case C_FLAGS:
		sqlite3_result_int64(ctx, flags(r));
		break;
	case C_REQUEST_ID:
		bytes(ctx, r->request_id, sizeof(r->request_id));
		break;
	case C_STREAM:
		if (r->stream != NULL)
			sqlite3_result_int64(ctx, stream_id(r->stream));
		break;
	case C_SEQ:
		integer(ctx, r->seq != 0, r->seq);
		break;
	case C_CONN:
		integer(ctx, r->conn != 0, r->conn);
		break;
	case C_TRACE_ID:
		trace = rowtab_trace(r, &len);
		bytes(ctx, trace, len);
		break;
	}
}

static int
rowtab_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int i)
{
	const struct rowtab_row	*row = &rows[((struct cursor *)cursor)->at];
	const struct record	*r = row->r;
	const int		 counts = r->kind == KIND_REQUEST ||
				    r->latency >= 0;

	switch (i) {
	case C_STATUS:
		integer(ctx, r->status >= 0, r->status);
		break;
	case C_LATENCY:
		integer(ctx, r->latency >= 0, r->latency);
		break;
	case C_TTFB:
		integer(ctx, r->ttfb >= 0, r->ttfb);
		break;
	case C_BYTES_IN:
		integer(ctx, counts, r->bytes_in);
		break;
	case C_BYTES_OUT:
		integer(ctx, counts, r->bytes_out);
		break;
	case C_PATH:
		text(ctx, r->path);
		break;
	case C_CLIENT:
		bytes(ctx, r->client, r->client_len);
		break;
	case C_UPSTREAM:
		bytes(ctx, r->upstream, r->upstream_len);
		break;
	case C_COUNT:
		integer(ctx, r->count != 0, r->count);
		break;
	case C_DETAIL:
		text(ctx, r->detail);
		break;
	default:
		identity(ctx, row, i);
		break;
	}
	return (SQLITE_OK);
}
