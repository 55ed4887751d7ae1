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
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "log.h"
#include "sse.h"
#include "stream.h"

static struct live_entry	 ring[LIVE_ROWS];
static uint64_t			 first = 1;	/* positions: the oldest, */
static uint64_t			 next = 1;	/* and that of the next */
static uint64_t			 low;	/* all rows above it are here, */
static uint64_t			 high;	/* up to this one */
static size_t			 bytes;
static int			 on;

static struct live_entry	*slot(uint64_t);
static void	drop_first(void);
static void	take(struct live_entry *, const struct rec_row *);

static struct live_entry *
slot(uint64_t pos)
{
	return (&ring[pos % LIVE_ROWS]);
}

struct live_entry *
live_at(uint64_t pos)
{
	return (pos >= first && pos < next ? slot(pos) : NULL);
}

uint64_t
live_first(void)
{
	return (first);
}

const char *
live_text(struct live_entry *e, size_t *len)
{
	if (e->text == NULL) {
		e->text = sse_row(&e->row, &e->len);
		e->size += e->len;
		bytes += e->len;
	}
	*len = e->len;
	return (e->text);
}

static void
drop_first(void)
{
	struct live_entry	*e = slot(first++);

	if (e->row.id != 0)
		low = e->row.id;
	bytes -= e->size;
	free(e->text);
	free(e->memory);
	memset(e, 0, sizeof(*e));
}

/* Requests without an end lie between the rows, so look from the newest on. */
int
live_enter(uint64_t id, uint64_t *pos)
{
	if (!on || id < low)
		return (0);
	for (*pos = next; *pos > first; (*pos)--) {
		if (slot(*pos - 1)->row.id != 0 &&
		    slot(*pos - 1)->row.id <= id)
			break;
	}
	return (1);
}

void
live_begin(uint64_t head)
{
	if (on)
		return;
	on = 1;
	low = high = head;
}

void
live_end(void)
{
	while (first < next)
		drop_first();
	on = 0;
}

/* A copy of the row: the message's memory is not ours. */
static void
take(struct live_entry *e, const struct rec_row *r)
{
	const char	**const texts[] = { &e->row.action, &e->row.actor,
			    &e->row.actor_name, &e->row.session,
			    &e->row.method, &e->row.host, &e->row.path,
			    &e->row.service, &e->row.keys,
			    &e->row.auth_header, &e->row.detail };
	const size_t	 ntexts = sizeof(texts) / sizeof(texts[0]);
	size_t		 i, n, size = 0;
	char		*p;

	e->row = *r;
	for (i = 0; i < ntexts; i++)
		size += strlen(*texts[i]) + 1;
	if ((e->memory = p = malloc(size)) == NULL)
		fatal("live rows");
	for (i = 0; i < ntexts; i++) {
		n = strlen(*texts[i]) + 1;
		memcpy(p, *texts[i], n);
		*texts[i] = p;
		p += n;
	}
	e->size = size + sizeof(*e);
	bytes += e->size;
}

void
live_rows(struct link *l, struct msg *m)
{
	const struct msg_live	*v = &m->u.live;
	uint32_t		 i;

	if (!on)
		return;
	for (i = 0; i < v->rows_n; i++) {
		if ((v->rows[i].id == 0) != v->open ||
		    (!v->open && v->rows[i].id <= high)) {
			link_bad(l, "LIVE: rows out of order");
			return;
		}
		if (next - first == LIVE_ROWS)
			drop_first();
		take(slot(next++), &v->rows[i]);
		if (!v->open)
			high = v->rows[i].id;
	}
	stream_wake();
	/* What has been sent on is text as well. */
	while (bytes > LIVE_BYTES && first < next)
		drop_first();
}

void
live_lagged(struct link *l, struct msg *m)
{
	if (!on)
		return;
	while (first < next)
		drop_first();
	low = high = m->u.lagged.head;
	/* So that nobody takes what comes for what follows. */
	first = ++next;
	stream_wake();
}
