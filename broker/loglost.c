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

/* The place behind the last is for the vaults that have none. */
struct counts {
	struct rec_gapcount	 of[LOGLOST_VAULTS + 1];
	uint32_t		 n;
	uint64_t		 other;
};

static struct ledger	*page;
static struct counts	 lost;		/* to be told */
static struct counts	 going;		/* in the GAP that is on its way */
static uint64_t		 going_seq;	/* its number, 0: none */
static uint64_t		 last_seq;	/* of the last GAP of all */
static uint64_t		 used;

int
loglost_ledger(int fd, uint64_t instance)
{
	struct ledger	*l;

	if ((l = ledger_map(fd, instance)) == NULL)
		return (-1);
	page = l;
	return (0);
}

void
loglost_used(uint64_t seq)
{
	if (seq <= used)
		return;
	used = seq;
	if (page != NULL)
		ledger_begin(page, seq);
}

void
loglost_add(uint64_t vault)
{
	uint32_t	 i;

	if (page != NULL)
		ledger_lost(page, vault);
	for (i = 0; vault != 0 && i < lost.n; i++) {
		if (lost.of[i].vault == vault) {
			lost.of[i].count++;
			return;
		}
	}
	if (vault == 0 || lost.n == LOGLOST_VAULTS) {
		lost.other++;
		return;
	}
	lost.of[lost.n].vault = vault;
	lost.of[lost.n++].count = 1;
}

int
loglost_put(void)
{
	struct counts	 c = lost;
	struct msg_gap	 m;
	const uint8_t	*data;
	size_t		 len;

	if (going_seq != 0 || last_seq >= window_first() ||
	    (lost.n == 0 && lost.other == 0))
		return (0);
	if (c.other > 0) {
		c.of[c.n].vault = 0;
		c.of[c.n++].count = c.other;
	}
	memset(&m, 0, sizeof(m));
	m.lost = c.of;
	m.lost_n = c.n;
	if ((len = window_encode(MSG_GAP, &m, &data)) == 0)
		fatal("record: GAP");
	if (window_fits(len) != WINDOW_FITS)
		return (0);
	going_seq = last_seq = window_put(data, len);
	going = c;
	memset(&lost, 0, sizeof(lost));
	return (1);
}

void
loglost_written(void)
{
	uint32_t	 i;

	if (going_seq == 0 || !window_is_sent(going_seq))
		return;
	for (i = 0; page != NULL && i < going.n; i++)
		ledger_told(page, going.of[i].vault, going.of[i].count);
	going_seq = 0;
}

int
loglost_any(void)
{
	return (lost.n > 0 || lost.other > 0 || going_seq != 0);
}
