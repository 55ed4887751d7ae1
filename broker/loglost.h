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

#ifndef LOGLOST_H
#define LOGLOST_H

#include <sys/types.h>

#include <stdint.h>

/*
 * What the log stream could not carry.  The counts are those of the ledger,
 * so that what a GAP says and what is found when this process is dead cannot
 * differ.
 */

/* As logstream_ledger(). */
int	 loglost_ledger(int fd, uint64_t instance);

/* A BEGIN of this vault goes into use: in the order of their numbers. */
void	 loglost_used(uint64_t vault);

/* A request of this vault is lost; see LEDGER_VAULTS. */
void	 loglost_add(uint64_t vault);

/*
 * Put a GAP into the window if there is something to tell and the GAP before
 * it is acknowledged; the window has a place for one.  Returns whether it
 * did.  A vault that loses one request after the other thus takes one place
 * and not all that others have left.
 */
int	 loglost_put(void);

#endif /* LOGLOST_H */
