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

#include <sys/types.h>

#include <string.h>

#include "ledger.h"
#include "log.h"
#include "loglost.h"
#include "msg.h"
#include "window.h"

/* Before the ledger comes, and where there is none. */
static struct ledger	 own;

static struct ledger	*page = &own;
static int		 bank;		/* that collects */
static uint64_t		 last_seq;	/* of the last GAP, 0: none yet */

/* What was counted so far moves, in the order of the ledger's own stores. */
int
loglost_ledger(int fd, uint64_t instance)
{
	struct ledger	*l;

	if ((l = ledger_map(fd, instance)) == NULL)
		return (-1);
	memcpy(l->ring, own.ring, sizeof(l->ring));
	memcpy(l->banks, own.banks, sizeof(l->banks));
	l->begins = own.begins;
	page = l;
	return (0);
}

void
loglost_used(uint64_t vault)
{
	ledger_begin(page, vault);
}

void
loglost_add(uint64_t vault)
{
	ledger_lost(page, bank, vault);
}

int
loglost_put(void)
{
	const struct ledger_bank	*b = &page->banks[bank];
	struct rec_gapcount		 lost[LEDGER_VAULTS + 1];
	struct msg_gap			 m;
	int				 i, n = 0;

	if (last_seq >= window_first() || !ledger_any(page, bank))
		return (0);
	for (i = 0; i < LEDGER_VAULTS && b->vaults[i].lost > 0; i++) {
		lost[n].vault = b->vaults[i].vault;
		lost[n++].count = b->vaults[i].lost;
	}
	if (b->other > 0) {
		lost[n].vault = 0;
		lost[n++].count = b->other;
	}
	memset(&m, 0, sizeof(m));
	m.lost = lost;
	m.lost_n = n;
	/* The GAP of the other bank is committed, since none is on its way. */
	ledger_clear(page, !bank);
	last_seq = window_gap(&m);
	ledger_seal(page, bank, last_seq);
	bank = !bank;
	return (1);
}
