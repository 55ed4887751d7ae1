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

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "log.h"
#include "loop.h"
#include "refuse.h"

#define DETAIL	"{\"lost\":\"refused\"}"

/* What no gap row tells of yet: the last is of all other vaults. */
struct tally {
	struct {
		uint64_t	 vault;
		uint64_t	 count;
	}		 lost[REFUSE_VAULTS + 1];
	unsigned int	 n;
};

uint64_t	 refuse_count;

static struct tally	 now;		/* of the open transaction */
static struct tally	 owed;
static int		 gap_refused;	/* in it */
static uint64_t		 gap_next;	/* monotonic, not before */
static uint64_t		 tell_next;
static uint64_t		 told;		/* of refuse_count */
static char		 reason[128];

static void	tally_add(struct tally *, uint64_t, uint64_t);
static void	refuse_tell(void);
static void	refuse_gaps(void);

static void
tally_add(struct tally *t, uint64_t vault, uint64_t count)
{
	unsigned int	 i;

	for (i = 0; i < t->n && t->lost[i].vault != vault; i++)
		continue;
	if (i >= REFUSE_VAULTS && i == t->n && vault != 0) {
		tally_add(t, 0, count);
		return;
	}
	if (i == t->n) {
		t->lost[t->n].vault = vault;
		t->lost[t->n++].count = 0;
	}
	t->lost[i].count += count;
}

/*
 * A gap that is refused says its number once more, in the instance log, and
 * not at once: nothing goes round in circles.
 */
void
refuse_record(struct record *r, const char *why)
{
	const int	 gap = r->kind == KIND_GAP;

	r->flags |= REC_DROPPED;
	tally_add(&now, gap ? 0 : r->vault, gap ? r->count : 1);
	gap_refused |= gap;
	if (why != NULL)
		(void)strlcpy(reason, why, sizeof(reason));
}

void
refuse_undo(void)
{
	now.n = 0;
	gap_refused = 0;
}

void
refuse_unload(void)
{
	refuse_undo();
	owed.n = 0;
	gap_next = tell_next = 0;
	told = refuse_count;
}

static void
refuse_tell(void)
{
	if (refuse_count == told || loop_mono() < tell_next)
		return;
	tell_next = loop_mono() + REFUSE_SECONDS * UINT64_C(1000000);
	log_warnx("request log: the database refused %" PRIu64 " records, "
	    "which are missing now: %s", refuse_count - told, reason);
	told = refuse_count;
}

static void
refuse_gaps(void)
{
	unsigned int	 i;

	if (owed.n == 0 || loop_mono() < gap_next)
		return;
	for (i = 0; i < owed.n; i++)
		batch_add(record_gap(owed.lost[i].vault, owed.lost[i].count,
		    DETAIL));
	owed.n = 0;
}

void
refuse_committed(void)
{
	unsigned int	 i;

	for (i = 0; i < now.n; i++) {
		refuse_count += now.lost[i].count;
		tally_add(&owed, now.lost[i].vault, now.lost[i].count);
	}
	if (gap_refused)
		gap_next = loop_mono() + REFUSE_SECONDS * UINT64_C(1000000);
	refuse_undo();
	refuse_tell();
	refuse_gaps();
}
