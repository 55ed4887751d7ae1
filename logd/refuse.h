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


#ifndef REFUSE_H
#define REFUSE_H

#include <sys/types.h>

#include <stdint.h>

#include "record.h"

/*
 * Rows that the database refused, though everything was checked before: each
 * is dropped alone.  They are counted, become a gap row in their vault's log,
 * and the text log has a line about them, once in a period.
 */
#define REFUSE_VAULTS	64	/* told apart; more are the instance log's */
#define REFUSE_SECONDS	60	/* between two lines, and two tries */

/* In a transaction: this record is dropped; or a reason, when there is one. */
void	 refuse_record(struct record *, const char *why);
/* The transaction is committed, or is not. */
void	 refuse_committed(void);
void	 refuse_undo(void);
void	 refuse_unload(void);

/* Dropped since the start, what a dropped gap counted included. */
extern uint64_t	 refuse_count;

#endif /* REFUSE_H */
