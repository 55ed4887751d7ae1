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

#ifndef KEEP_H
#define KEEP_H

/*
 * A VFS over another one that makes the write-ahead log survive a sync that
 * fails.  After a failed fsync(2) the kernel has given up the pages it could
 * not write: the next one succeeds without them, and what is read back may be
 * what was there before.  SQLite would take that success for the whole log and
 * copy the stale pages into the database.  So each write to the log is kept in
 * memory until a sync has succeeded, and is done again after one that failed.
 * The database's own file needs none of it: a checkpoint whose sync failed is
 * done again as a whole.
 *
 * A commit that failed at its sync has left whole frames behind, which the
 * next start would take for committed.  They are struck out.
 *
 * Since there is a copy in any case, a commit's pages go to the file together,
 * when its last is there or somebody looks: a write of 120 KiB costs the
 * kernel a fraction of thirty pages, each with a header before it.
 */
#define KEEP_MAX	(8 * 1024 * 1024)	/* then a sync comes first */

/* The VFS over the one of that name; NULL is SQLite's own.  NULL on error. */
const char	*keep_vfs(const char *below);
/* What was written to the log is of a transaction that is committed. */
void	 keep_commit(void);
/* Or it is not, and must not be after a restart.  0, or -1 when it may be. */
int	 keep_cancel(void);

struct keep_counters {
	unsigned long long	 failed;	/* syncs */
};
extern struct keep_counters	 keep_counters;

#endif /* KEEP_H */
