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

#ifndef LEDGER_H
#define LEDGER_H

#include <sys/types.h>

#include <stdint.h>

/*
 * The ledger: one shared page for each worker instance, which outlives it.
 * The parent makes it, the worker writes it before bytes leave for an
 * upstream, and logd gets it when the worker's stream has ended; so what a
 * dead worker could not report is still known.
 *
 * All numbers are in host order and written with single 64-bit stores.
 */
#define LEDGER_MAGIC	0x6272646c65646731ULL	/* the layout's version too */
#define LEDGER_VAULTS	64
#define LEDGER_SIZE	4096

struct ledger_vault {
	uint64_t	 vault;		/* 0: unused */
	uint64_t	 lost;
};

struct ledger {
	uint64_t		 magic;
	uint64_t		 instance;
	uint64_t		 last_begin;	/* seq of the last BEGIN used */
	uint64_t		 lost_other;	/* of vaults without a place */
	struct ledger_vault	 vaults[LEDGER_VAULTS];
};

/*
 * A fresh page for an instance: a descriptor, or -1 with errno.  The parent
 * alone makes them.
 */
int	 ledger_create(uint64_t instance);

/*
 * Map the worker's own page for writing.  NULL with errno; EINVAL when it is
 * not the page of this instance.  The descriptor is the caller's still.
 */
struct ledger	*ledger_map(int fd, uint64_t instance);

/* The BEGIN with this seq is about to be used. */
void	 ledger_begin(struct ledger *, uint64_t seq);
/* A request of this vault goes on unlogged. */
void	 ledger_lost(struct ledger *, uint64_t vault);
/* A GAP that counts n of them is in the kernel, for logd to read. */
void	 ledger_told(struct ledger *, uint64_t vault, uint64_t n);

/*
 * Copy a dead worker's page with read(2), so that nothing the worker did to
 * it can hurt.  0, or -1 with errno; EINVAL when it is not a page of this
 * instance.  The descriptor is the caller's still.
 */
int	 ledger_read(int fd, uint64_t instance, struct ledger *);

#endif /* LEDGER_H */
