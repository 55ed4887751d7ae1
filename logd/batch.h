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

#ifndef BATCH_H
#define BATCH_H

#include <sys/types.h>

#include <stdint.h>

#include "record.h"

/*
 * The batch: records that are read and not yet committed.  One flush is one
 * transaction: rows, open requests, streams and scopes.  It happens when
 * enough has gathered or waited, and again later when the database cannot be
 * written; until then nothing is acknowledged and nothing is lost.
 */
#define BATCH_QUEUE	32768	/* then workers are not read */
#define BATCH_RETRY_MS	250
#define BATCH_TELL	600	/* seconds between lines while it lasts */
#define BATCH_CALM	10	/* and between one end and the next beginning */

struct batch_conf {
	uint32_t	 flush_ms;
	uint32_t	 rows;
	uint64_t	 reserve;	/* bytes of the disk to leave alone */
	int		 strict;
};

void	 batch_init(void);
void	 batch_configure(const struct batch_conf *);
const struct batch_conf	*batch_config(void);

/* Queue, or move to the end of the queue. */
void	 batch_add(struct record *);
/* Something else is to be saved with the next flush. */
void	 batch_touch(void);
/* Commit at the end of this turn, to the platter. */
void	 batch_strict(void);

/*
 * Commit everything now.  0, or -1 when that is not possible: everything is
 * kept.
 */
int	 batch_flush(int full);
unsigned int	 batch_length(void);
/* Whether the last flush failed, so that workers should wait. */
int	 batch_stuck(void);
void	 batch_unload(void);

struct batch_counters {
	uint64_t	 flushes;
	uint64_t	 failures;
	uint64_t	 cause;		/* of the failure now: enum log_cause */
	uint64_t	 since;		/* its start, seconds since the epoch */
};
extern struct batch_counters	 batch_counters;

#endif /* BATCH_H */
