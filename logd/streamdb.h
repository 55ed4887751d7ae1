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

#ifndef STREAMDB_H
#define STREAMDB_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdint.h>

#include "stream.h"

/*
 * The streams and the database: their rows, and the requests that were open.
 */
#define STREAM_KEEP	256	/* rows of ended streams, at least */

RB_HEAD(streams, stream);
RB_PROTOTYPE(streams, stream, node, stream_cmp)
RB_PROTOTYPE(open_requests, record, node, request_cmp)
extern struct streams	 streams;

/* All that are in the database, with their open requests.  0 or -1. */
int		 streamdb_load(void);
void		 streamdb_unload(void);

struct stream	*stream_find(uint64_t instance);
struct stream	*stream_new(uint64_t instance, enum proc, uint16_t index);
void		 stream_free(struct stream *);
/* It is to be saved with the next flush. */
void		 stream_touch(struct stream *);

/*
 * Within the batch's transaction, before the rows and after them: 0 or -1.
 * Then after the commit, which acknowledges, or after the rollback.
 */
int		 streamdb_dirty(void);
int		 streamdb_insert(void);
int		 streamdb_save(void);
void		 streamdb_saved(void);
void		 streamdb_undo(void);

/* Delete ended streams that no row with this id or a later one is from. */
int		 streamdb_trim(int64_t oldest);

#endif /* STREAMDB_H */
