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
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

#include "leasevar.h"
#include "link.h"
#include "log.h"

RB_HEAD(asks, ask);

static struct asks	 asks = RB_INITIALIZER(&asks);
static unsigned int	 nasks;
static uint32_t		 last_id;

static int	ask_cmp(const struct ask *, const struct ask *);

RB_PROTOTYPE_STATIC(asks, ask, entry, ask_cmp)

static int
ask_cmp(const struct ask *a, const struct ask *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_STATIC(asks, ask, entry, ask_cmp)

/* An id comes again after 2^32 others, which LEASE_ASKS keeps apart. */
struct ask *
ask_new(enum ask_kind kind)
{
	struct ask	*a;

	if (nasks >= LEASE_ASKS)
		return (NULL);
	if ((a = calloc(1, sizeof(*a))) == NULL)
		fatal("question for keyd");
	nasks++;
	a->kind = kind;
	if (kind == ASK_LEASE)
		return (a);
	do
		a->id = ++last_id;
	while (RB_INSERT(asks, &asks, a) != NULL);
	return (a);
}

struct ask *
ask_take(struct link *l, uint32_t id, enum ask_kind kind)
{
	struct ask	*a, key;

	key.id = id;
	if ((a = RB_FIND(asks, &asks, &key)) == NULL || a->kind != kind) {
		link_bad(l, "answer to no question");
		return (NULL);
	}
	RB_REMOVE(asks, &asks, a);
	a->id = 0;
	return (a);
}

void
ask_free(struct ask *a)
{
	if (a->id != 0)
		RB_REMOVE(asks, &asks, a);
	nasks--;
	freezero(a, sizeof(*a));
}

int
ask_send(enum msg_type type, const void *m)
{
	struct link	*l;

	if ((l = link_find(PROC_KEYD)) == NULL)
		fatalx("no link to keyd");
	return (link_send(l, type, m, -1));
}
