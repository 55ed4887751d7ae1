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

#include "codes.h"
#include "notice.h"

struct kind {
	uint8_t		 code;		/* EVENT_NONE: a free place */
	uint64_t	 vault;
	struct msg_addr	 client;
	uint64_t	 since;
	uint64_t	 count;		/* not sent yet */
};

static int		(*notice_send)(const struct msg_event *);
static struct kind	 kinds[NOTICE_KINDS];
static uint64_t		 others[EVENT_MAX];

static int	same_client(const struct msg_addr *,
		    const struct msg_addr *);
static int	send_kind(const struct kind *, uint64_t);

void
notice_init(int (*fn)(const struct msg_event *))
{
	notice_send = fn;
	memset(kinds, 0, sizeof(kinds));
	memset(others, 0, sizeof(others));
}

/* Ports differ from one connection to the next and do not count. */
static int
same_client(const struct msg_addr *a, const struct msg_addr *b)
{
	return (a->af == b->af && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0);
}

static int
send_kind(const struct kind *k, uint64_t count)
{
	struct msg_event	 m;

	memset(&m, 0, sizeof(m));
	m.code = k->code;
	m.vault = k->vault;
	m.client = k->client;
	m.count = count;
	return (notice_send(&m));
}

void
notice_add(uint8_t code, uint64_t vault, const struct msg_addr *client,
    uint64_t now)
{
	struct kind	*k, *place = NULL;
	size_t		 i;

	for (i = 0; i < NOTICE_KINDS; i++) {
		k = &kinds[i];
		if (k->code == EVENT_NONE)
			place = k;
		else if (k->code == code && k->vault == vault &&
		    same_client(&k->client, client)) {
			k->count++;
			return;
		}
	}
	if (place == NULL) {
		others[code]++;
		return;
	}
	place->code = code;
	place->vault = vault;
	place->client = *client;
	place->since = now;
	place->count = send_kind(place, 1) == -1;
}

void
notice_tick(uint64_t now)
{
	struct kind	*k, other;
	size_t		 i;

	for (i = 0; i < NOTICE_KINDS; i++) {
		k = &kinds[i];
		if (k->code == EVENT_NONE || now - k->since < 1000000)
			continue;
		if (k->count > 0 && send_kind(k, k->count) == -1)
			continue;
		memset(k, 0, sizeof(*k));
	}
	memset(&other, 0, sizeof(other));
	for (i = 0; i < EVENT_MAX; i++) {
		other.code = i;
		if (others[i] > 0 && send_kind(&other, others[i]) == 0)
			others[i] = 0;
	}
}
