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

#ifndef INSERT_H
#define INSERT_H

#include <sys/types.h>

#include <stdint.h>

#include "record.h"

/*
 * Records become rows, many at a time, and get their ids.  All of it
 * is done inside a transaction: insert_row() ..., insert_finish(), then
 * insert_committed() after its commit or insert_undo() after a rollback.
 */
#define INSERT_ROWS	1024	/* in one statement: a batch, as a rule */

/*
 * The first id to give away (see also recover.c) and the database is open: 0,
 * or -1 without memory.
 */
int	 insert_init(int64_t next);
/* Outside of a transaction: so many ids are not given away. */
void	 insert_skip(int64_t n);
/* No row committed, now or ever, has a higher id. */
int64_t	 insert_head(void);
/* The same with the rows of this transaction. */
int64_t	 insert_last(void);

/*
 * Queue a complete record as a row, or store one that is not complete in
 * open_requests; the record must stay until insert_finish().  A record whose
 * vault does not exist becomes an orphan; one that the database refuses gets
 * REC_DROPPED, see refuse.h.  0, or -1 when the transaction cannot go on.
 */
int	 insert_row(struct record *);
int	 insert_open(struct record *);
int	 insert_finish(void);
void	 insert_committed(void);
void	 insert_undo(void);

struct insert_counters {
	uint64_t	 rows;
	uint64_t	 orphans;
};
extern struct insert_counters	 insert_counters;

#endif /* INSERT_H */
