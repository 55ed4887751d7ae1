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

#ifndef ROWTAB_H
#define ROWTAB_H

#include <sys/types.h>

#include <stdint.h>

#include "record.h"

/*
 * Records as a table that a statement can read, so that one
 * "INSERT INTO log (...) SELECT ... FROM rowtab" writes as many rows as there
 * are: to bind values costs a fifth of inserting them, and a statement of
 * several rows copies each once more.  It is a virtual table of
 * this connection alone: see "The Virtual Table Mechanism Of SQLite".
 */
#define ROWTAB_MOST							\
    "vault, scope, target, flags, status, request_id, stream, seq,"	\
    " conn, latency, ttfb, bytes_in, bytes_out, path, client, upstream"
#define ROWTAB_RARE	"trace_id, count, detail"	/* see rowtab_plain() */
#define ROWTAB_COLUMNS	"id, " ROWTAB_MOST ", " ROWTAB_RARE

/* A record with its id and, if not 0, the row of its scope. */
struct rowtab_row {
	struct record	*r;
	int64_t		 id;
	int64_t		 scope;
};

/* After the database was opened: 0, or -1 without memory. */
int	 rowtab_init(void);
/*
 * What the table has until it is set again; the rows stay the caller's.  The
 * time (microseconds since the epoch) is that of the commit.
 */
void	 rowtab_set(const struct rowtab_row *, int n, int64_t us);

/* Has it none of the rare columns? */
int	 rowtab_plain(const struct record *);

/* As the database has them; a trace id of zeros is none, of no length. */
int64_t		 rowtab_flags(const struct record *);
const uint8_t	*rowtab_trace(const struct record *, size_t *len);

#endif /* ROWTAB_H */
