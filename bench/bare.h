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


#ifndef BARE_H
#define BARE_H

#include <stdint.h>

/*
 * What logd is held against: the least that a program can do that keeps the
 * same rows.  The same tables and indexes, opened by the same code (WAL,
 * synchronous NORMAL, exclusive, the same cache) with SQLite's own VFS, a
 * prepared statement a row, 1000 rows a transaction, a checkpoint as logd
 * makes it.  The rows are those of the generators, with their ids in the
 * dictionaries known beforehand; to make them up is not measured.  There is no
 * stream, no acknowledgement, no dictionary, no count, no retention.
 */
#define BARE_BATCH	1000

struct bare {
	double		 cpu;		/* us a row */
	double		 rows;		/* a second */
	double		 bytes;		/* of the file, a row */
};

/*
 * Runs in a process of its own, in a directory of its own below TMPDIR: warm
 * rows that are not measured, then n that are.
 */
void	 bare_run(struct bare *, uint64_t warm, uint64_t n, int vaults);

/*
 * The same beside so many processes that do what the generators do but send
 * nothing: processors share more than they seem to.
 */
void	 bare_run_beside(struct bare *, uint64_t warm, uint64_t n, int vaults,
	    int busy);

#endif /* BARE_H */
