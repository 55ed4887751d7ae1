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

#include <stdint.h>

#include "batch.h"
#include "codes.h"
#include "keydev.h"
#include "proc.h"
#include "record.h"
#include "schema.h"

#define KEY	"events"	/* in meta */

static uint64_t	 seen;
static uint64_t	 committed;

int
keydev_load(void)
{
	int64_t	 n;

	if (schema_get(KEY, 0, &n) == -1)
		return (-1);
	seen = committed = n;
	return (0);
}

uint64_t
keydev_committed(void)
{
	return (committed);
}

/*
 * A number that is left out went with a file that lost what it had taken:
 * keyd, who knew it to be committed, has it no more.
 */
void
keydev_message(struct link *l, struct msg *m)
{
	const struct msg_event	*e = &m->u.event;
	struct record		*r;

	if (e->code == EVENT_NONE || e->code >= EVENT_MAX) {
		link_bad(l, "EVENT: number out of range");
		return;
	}
	if (e->seq <= seen)
		return;
	seen = e->seq;
	r = record_event(e->code, e->vault, NULL, e->host, e->detail,
	    e->count);
	record_client(r, &e->client);
	batch_add(r);
}

int
keydev_save(void)
{
	return (seen == committed ? 0 : schema_set(KEY, seen));
}

void
keydev_saved(void)
{
	struct link	*keyd = proc_peer(PROC_KEYD);
	struct msg_ack	 ack;

	if (seen == committed)
		return;
	ack.seq = committed = seen;
	if (keyd != NULL)
		(void)link_send(keyd, MSG_ACK, &ack, -1);
}
