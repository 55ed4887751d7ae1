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

#ifndef BACKUPFILE_H
#define BACKUPFILE_H

#include <sqlite3.h>

/*
 * An SQLite file system of one file, a descriptor: what is opened with
 * it, whatever its name, is that file.  It has no journal and no locks.
 */

/*
 * Open a connection to the file, which stays the caller's and open for as
 * long as the connection.  One at a time.  An SQLite code; on an error there
 * is no connection.
 */
int	 backupfile_open(int fd, sqlite3 **);

/*
 * Of a copy made page by page from a database in WAL mode: write into its
 * header that it is in rollback mode, so that it opens without a log and on
 * read-only media (File Format 1.3.3).  0, or -1 with errno.
 */
int	 backupfile_plain(int fd);

#endif /* BACKUPFILE_H */
