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

#ifndef LOGD_FIX_H
#define LOGD_FIX_H

#include <sys/types.h>

#include <stdint.h>

#include "../../logd/fault.h"
#include "msg.h"
#include "../../logd/record.h"

/*
 * What the tests of logd's parts share: a database in a directory of its own,
 * and records to put into it.
 */
struct logd_fix {
	char		 dir[256];
	struct fault	*fault;		/* NULL: no faults in this program */
};

extern struct logd_fix	 fix;

/* cmocka's set-up and tear-down of one test. */
int	 fix_setup(void **);
int	 fix_teardown(void **);

/* An empty directory again, when nothing is open. */
void	 fix_clear(void);

/* Open as logd does, close as it does at the end, close as if killed. */
void	 fix_open(void);
void	 fix_close(void);
void	 fix_crash(void);
/* Make the directory have a control file for faults; before fix_open(). */
void	 fix_faults(void);

/* COMMIT the next revision with one vault; COMMIT anything. */
void	 fix_vault(uint64_t id, const char *name);
int	 fix_commit(struct rec_object *, uint32_t n, char *why, size_t len);
struct msg_blob	 fix_body(unsigned int kind, const void *obj);
void	 fix_audit(struct rec_audit *);

/* A complete request with some fields of its own. */
struct record	*fix_request(uint64_t vault, uint64_t seq, const char *path);
struct record	*fix_request_to(uint64_t vault, const char *method,
		    const char *host, const char *service, const char *path);
/* One number from the database. */
int64_t	 fix_int(const char *sql);
/* Run SQL that must work. */
void	 fix_sql(const char *sql);

#endif /* LOGD_FIX_H */
