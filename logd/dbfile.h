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


#ifndef DBFILE_H
#define DBFILE_H

#include <sys/types.h>

/*
 * What the database's files look like before SQLite opens them, which would
 * make a missing file, remove the log of an empty one, and take what is in a
 * damaged log up to the damage for all there was.  Nothing is written.
 */

/*
 * Whether the directory's files, when there are any, are plain ones of ours.
 * 0, or -1 with a sentence that has the remedy.
 */
int	 dbfile_check(const char *dir, char *why, size_t len);

/*
 * Whether the log is whole: 0, or -1 with what is wrong.  A failure of the
 * machine leaves one that is not, without fault; a process that was killed
 * does not.
 */
int	 dbfile_wal(const char *dir, char *why, size_t len);

#endif /* DBFILE_H */
