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

#ifndef DB_H
#define DB_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

#include <sqlite3.h>

#include "codes.h"

/*
 * The database: one connection to one file, which nobody else may have open.
 * Statements are prepared once; each is a static struct db_sql of the file
 * that uses it.
 */
#define DB_FILE			"brokerd.db"
#define DB_APPLICATION_ID	0x62726b64	/* "brkd" */
#define DB_CHECKPOINT_PAGES	1000
#define DB_CHECKPOINT_RETRY	1	/* seconds after one that failed */
#define DB_BUSY_MS		3000	/* for another program to let go */

/*
 * What an error means.  After DB_RETRY nothing of the transaction has been
 * kept and the same may work later: the disk is full, failed or locked, or
 * memory is short.  DB_CONSTRAINT is the fault of the row alone; the
 * transaction goes on without the statement.
 */
enum db_error {
	DB_OK,
	DB_CONSTRAINT,
	DB_RETRY
};

/* What an operator can do about one that is damaged. */
#define DB_REMEDY							\
	"put a backup in its place, without a -wal file, or move it "	\
	"and its -wal file away to start with an empty one"

struct db_sql {
	const char		*text;
	sqlite3_stmt		*stmt;		/* made at the first use */
	SLIST_ENTRY(db_sql)	 entry;
};
#define DB_SQL(text)	{ text, NULL, { NULL } }

/*
 * Open, or make, the database in the directory.  Returns 0, or -1 with a
 * sentence for the operator in `why': it is damaged, is not brokerd's, or is
 * in use.  A file that is refused is left as it was.
 */
int	 db_open(const char *dir, char *why, size_t len);
/* Switch to WAL; once it is known that the file is ours.  0 or -1. */
int	 db_settle(void);
/* It could be read and understood: from here on a close checkpoints. */
void	 db_trust(void);
/* Checkpoint, unless it was never trusted, and close. */
void	 db_close(void);

/*
 * A statement ready to be bound, NULL when it cannot be prepared.
 */
sqlite3_stmt	*db_prep(struct db_sql *);
/*
 * Bind parameters from the first on, one letter each: i int64_t; z int64_t,
 * NULL for 0; t text; e text, NULL when empty; b bytes and their size_t,
 * NULL for none.  Text and bytes must live until the statement has run.
 */
int	 db_bind(sqlite3_stmt *, const char *types, ...);
/* 1 a row, 0 the end, -1 an error; both of the last reset the statement. */
int	 db_step(sqlite3_stmt *);
void	 db_reset(sqlite3_stmt *);
/* Prepare, bind and run to the end: 0 or -1. */
int	 db_run(struct db_sql *, const char *types, ...);
/* The first column of the first row, `none' when there is no row or NULL. */
int	 db_int(struct db_sql *, int64_t none, int64_t *, const char *types,
	    ...);
int	 db_exec(const char *);
/* Text of a column, never NULL. */
const char	*db_text(sqlite3_stmt *, int);

/*
 * Transactions.  `full' makes the commit survive a power failure, with
 * everything committed before it.  db_begin() and db_commit() return 0 or -1;
 * after -1 there is no transaction.  db_lost() says that an error ended the
 * transaction under us.
 */
int	 db_begin(int full);
int	 db_commit(void);
void	 db_rollback(void);
/*
 * Whether a transaction that failed may be there after a restart all the same:
 * its commit was written, the sync failed, and so does what would strike it
 * out.  Each call tries again.
 */
int	 db_doubt(void);
int	 db_lost(void);

/* Bytes of the database, without its log, or -1. */
int64_t	 db_size(void);

/* Of the last call that returned -1. */
enum db_error	 db_error(void);
const char	*db_errstr(void);
enum log_cause	 db_cause(void);

/* After a commit: a checkpoint when enough has gathered. */
void	 db_checkpoint(void);
/*
 * Whether that is due and failed just now: what can wait should not make the
 * log grow.
 */
int	 db_behind(void);
/*
 * When the disk is full: what the log holds goes into the database, so that
 * the log's own space can be used again.
 */
void	 db_reclaim(void);

/*
 * Bytes that may still be written: what the disk has left for us and what is
 * unused in the file; -1 when that is not known.
 */
int64_t	 db_room(void);
/* The same for another file: what is free inside of this one is none. */
int64_t	 db_disk(void);

/* For tests and the migrations: the connection itself. */
sqlite3	*db_handle(void);

struct db_counters {
	uint64_t	 commits;
	uint64_t	 checkpoints;
	uint64_t	 checkpoints_failed;
	uint64_t	 errors;
};
extern struct db_counters	 db_counters;

#endif /* DB_H */
