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

#ifndef MIGRATE_H
#define MIGRATE_H

#include <sys/types.h>

/*
 * Changes of the schema, in their order; the first has number 1.  Each runs
 * in a transaction of its own, which also records it.
 */
struct migration {
	const char	*name;
	int		(*fn)(void);	/* 0, or -1: see db_errstr() */
};

/*
 * Bring the database to the last migration.  Before the first that is
 * missing, a database that is not empty is copied to DB_FILE-before-N in
 * `dir', N being the first missing number.  Returns 0, or -1 with a sentence
 * in `why': it was made by a newer program, or a migration failed and
 * changed nothing.
 */
int	 migrate_run(const char *dir, const struct migration *, int n,
	    char *why, size_t len);

#endif /* MIGRATE_H */
