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


#ifndef LOGFILL_H
#define LOGFILL_H

#include <stdint.h>

/*
 * A database of logd's with many rows, made fast: with logd's own schema and
 * dictionaries, but without a stream and without fsync.  What fails ends the
 * program.  Of a database of a daemon that has stopped, with the vaults 1 to
 * 3, the objects stay and the rows are replaced.
 *
 * Nine rows of ten are of vault 1, one of a hundred is of vault 3, the rest of
 * vault 2.  They go back FILL_DAYS days, as many in each minute.  Of 10,000
 * rows one is a 502 with an error_code and 500 are a 404.  FILL_HOSTS hosts
 * have as many rows each; one more has one, in the middle.  There are two
 * services of which one has a row in 1000.
 */
#define FILL_DAYS	6
#define FILL_HOSTS	500
#define FILL_ONCE	"once.example.com"

void	 logfill(const char *dir, int64_t rows);

#endif /* LOGFILL_H */
