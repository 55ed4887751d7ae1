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

#include <stddef.h>
#include <stdint.h>

/*
 * The ledger: a few shared pages for each worker instance, which outlive it.
 * The parent makes them, the worker writes them before bytes leave for an
 * upstream, and logd gets them when the worker's stream has ended; so what a
 * dead worker could not report is still known, request by request.
 *
 * It holds how many BEGINs went into use, with the vault of each of the last
 * ones: logd knows how many it has of that stream, and the rest is missing.
 * And it holds the counts of requests that went on unlogged, in two banks:
 * one collects, until a GAP that tells all of it is put into the stream; the
 * number of that GAP seals the bank, and the other one collects.  A bank
 * counts as long as logd does not have its GAP.
 *
 * All numbers are in host order and written with single 64-bit stores, in an
 * order in which the pages are right between any two of them.  The banks lie
 * in the first page of memory together.
 */
#define LEDGER_MAGIC	0x6272646c65646732ULL	/* the layout's version too */
#define LEDGER_VAULTS	64
#define LEDGER_BANKS	2
#define LEDGER_WINDOW	4096	/* records that may be unacknowledged */
#define LEDGER_SIZE	(4096 + LEDGER_WINDOW * sizeof(uint64_t))

/* No count is larger, whatever a worker that was taken over writes. */
#define LEDGER_COUNT_MAX	UINT32_MAX

struct ledger_vault {
	uint64_t	 vault;		/* 0: unused */
	uint64_t	 lost;
};

struct ledger_bank {
	uint64_t		 gap_seq;	/* of its GAP, 0: collects */
	uint64_t		 other;		/* of vaults without a place */
	struct ledger_vault	 vaults[LEDGER_VAULTS];
};

struct ledger {
	uint64_t		 magic;
	uint64_t		 instance;
	uint64_t		 begins;	/* BEGINs used so far */
	struct ledger_bank	 banks[LEDGER_BANKS];
	uint64_t		 unused[249];
	uint64_t		 ring[LEDGER_WINDOW];	/* their vaults */
};

/*
 * Make a descriptor's file the pages of an instance; what it holds is
 * written, not only reserved.  0, or -1 with errno.
 */
int	 ledger_format(int fd, uint64_t instance);

/* The same in memory that has no name: a descriptor, or -1 with errno. */
int	 ledger_create(uint64_t instance);

/*
 * Map the worker's own pages for writing.  NULL with errno; EINVAL when they
 * are not those of this instance.  The descriptor is the caller's still.
 */
struct ledger	*ledger_map(int fd, uint64_t instance);

/* The next BEGIN, of a request in this vault, is about to be used. */
void	 ledger_begin(struct ledger *, uint64_t vault);
/* A request of this vault goes on unlogged. */
void	 ledger_lost(struct ledger *, int bank, uint64_t vault);
/*
 * All that the bank counts is in the GAP with this number, which nothing was
 * written of yet.  It must collect no more.
 */
void	 ledger_seal(struct ledger *, int bank, uint64_t gap_seq);
/* The bank's GAP is committed: it may collect again, from 0. */
void	 ledger_clear(struct ledger *, int bank);
/* Does it count anything? */
int	 ledger_any(const struct ledger *, int bank);

/*
 * Copy a dead worker's pages with read(2), so that nothing the worker did to
 * them can hurt.  0, or -1 with errno; EINVAL when they are not those of this
 * instance.  The descriptor is the caller's still.
 */
int	 ledger_read(int fd, uint64_t instance, struct ledger *);

/*
 * What a stream lacks of which logd has all records up to seq, `begins' of
 * them BEGINs: one entry for each vault, ascending, 0 first, where what has
 * no vault is counted.  The caller has room for LEDGER_LOSSES.  Returns how
 * many there are.
 */
struct ledger_loss {
	uint64_t	 vault;
	uint64_t	 unlogged;	/* went on without a record */
	uint64_t	 uncommitted;	/* their record went with logd */
};
#define LEDGER_LOSSES	(LEDGER_WINDOW + LEDGER_BANKS * (LEDGER_VAULTS + 1) + 1)
size_t	 ledger_losses(const struct ledger *, uint64_t seq, uint64_t begins,
	    struct ledger_loss *);

#endif /* LEDGER_H */
