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

#ifndef SSE_H
#define SSE_H

#include <sys/types.h>

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"

/*
 * Server-sent events (HTML Living Standard, section 9.2).  Fresh memory, for
 * free(3); no memory is fatal.
 */

/* A row: "log" or "gap" with its id, or "open" for one that has none yet. */
char	*sse_row(const struct rec_row *, size_t *);
/* The request of a row, which was told as open, has its end now. */
char	*sse_close(const struct rec_row *, size_t *);
/*
 * How it stands at this cursor: "live", what follows is told as it comes; or
 * "lagged", the reader was too slow and what follows is read again.
 */
char	*sse_at(const char *, uint64_t cursor, size_t *);
/* Rows after the reader's cursor that retention took. */
char	*sse_trimmed(const struct msg_rows_end *, size_t *);

/*
 * How far the stream is, twice the same number: where no row matches, neither
 * the Last-Event-ID of a client nor the cursor of a script, which does not see
 * an id without an event, stays behind for ever.
 */
#define SSE_BEAT	"event: beat\nid: %" PRIu64 "\n"		\
			"data: {\"cursor\":%" PRIu64 "}\n\n"
#define SSE_BEAT_SIZE	96
/* Told first: how long to wait before connecting again, ms. */
#define SSE_RETRY	"retry: 1000\n\n"

#endif /* SSE_H */
