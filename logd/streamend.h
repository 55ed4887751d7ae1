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

#ifndef STREAMEND_H
#define STREAMEND_H

#include <sys/types.h>

#include <stdint.h>

#include "stream.h"

/*
 * The end of a stream: what was open is resolved, and what its ledger counts
 * and we do not have becomes gap rows, one for each vault, once.
 */
void	 streamend_init(struct stream *);
/* Everything that this worker will ever have said is here. */
void	 streamend_eof(struct stream *);
/* No more waiting for ledgers: the end. */
void	 streamend_stop(void);
/*
 * A dead worker's ledger; the descriptor stays the caller's.  The parent
 * keeps it until it hears that what it says is committed, and gives it to
 * the next logd, or the next brokerd, if it does not hear that.
 */
void	 streamend_ledger(uint64_t instance, int fd);
/* The stream's row is committed. */
void	 streamend_saved(struct stream *);

#endif /* STREAMEND_H */
