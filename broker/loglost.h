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
 * What the log stream could not carry: counts for each vault, here and in
 * the ledger page, and the GAP that tells logd of them.
 */

#define LOGLOST_VAULTS	64	/* with a count of their own */

/* As logstream_ledger(). */
int	 loglost_ledger(int fd, uint64_t instance);

/* The BEGIN with this number goes into use. */
void	 loglost_used(uint64_t seq);

/* A record of this vault is lost; what is over LOGLOST_VAULTS counts as 0. */
void	 loglost_add(uint64_t vault);

/*
 * Put a GAP into the window if there is something to tell, every GAP before
 * it is acknowledged, and room.  Returns whether it did.  A vault that loses
 * one request after the other thus takes one place and not all that others
 * have left.
 */
int	 loglost_put(void);

/*
 * To be called when something was written: once the GAP is in the kernel the
 * ledger page need not hold its counts, since logd reads what a dead worker
 * has sent to the end before it looks at the page.
 */
void	 loglost_written(void);

/* Is there anything that logd does not have? */
int	 loglost_any(void);

#endif /* LOGLOST_H */
