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
#include <string.h>

#include "notice.h"

#define SECOND	UINT64_C(1000000)

struct kind {
	enum event_code	 code;		/* EVENT_NONE: a free place */
	uint64_t	 vault;
	struct msg_addr	 client;
	char		 detail[NOTICE_DETAIL];
	uint64_t	 since;
	uint64_t	 count;		/* not in a record yet */
};

/* A record that is not known to be committed. */
struct sent {
	enum event_code	 code;
	uint64_t	 vault;
	struct msg_addr	 client;
	char		 detail[NOTICE_DETAIL];
	uint64_t	 count;
};

static int		(*notice_send)(const struct msg_event *);
static struct kind	 kinds[NOTICE_KINDS];
static uint64_t		 others[EVENT_MAX];

/* A ring of those after `acked'; the first nout of them have been sent. */
static struct sent	 ring[NOTICE_SENT];
static unsigned int	 nring, nout;
static uint64_t		 acked;
static int		 synced;

static int	same_client(const struct msg_addr *,
		    const struct msg_addr *);
static struct kind	*kind_find(enum event_code, uint64_t,
			    const struct msg_addr *, const char *);
static int	send_one(uint64_t, const struct sent *);
static void	send_ring(void);
static int	record(const struct kind *, uint64_t);
static void	record_others(void);

void
notice_init(int (*fn)(const struct msg_event *))
{
	notice_send = fn;
	memset(kinds, 0, sizeof(kinds));
	memset(others, 0, sizeof(others));
	nring = nout = 0;
	acked = 0;
	synced = 0;
}

/*
 * What logd has.
 */

void
notice_synced(uint64_t committed)
{
	synced = 1;
	nout = nring;
	if (nring == 0 && committed > acked)
		acked = committed;
	(void)notice_acked(committed);
	nout = 0;
	send_ring();
}

void
notice_gone(void)
{
	synced = 0;
}

int
notice_acked(uint64_t committed)
{
	if (committed > acked + nout)
		return (-1);
	while (acked < committed) {
		acked++;
		nring--;
		nout--;
	}
	return (0);
}

static int
send_one(uint64_t seq, const struct sent *s)
{
	struct msg_event	 m;

	memset(&m, 0, sizeof(m));
	m.seq = seq;
	m.code = s->code;
	m.vault = s->vault;
	m.client = s->client;
	m.detail = s->detail;
	m.count = s->count;
	return (notice_send(&m));
}

static void
send_ring(void)
{
	uint64_t	 seq;

	while (synced && nout < nring) {
		seq = acked + nout + 1;
		if (send_one(seq, &ring[seq % NOTICE_SENT]) == -1)
			return;
		nout++;
	}
}

/* Counts make a record only when it can go at once: until then they add up. */
static int
record(const struct kind *k, uint64_t count)
{
	struct sent	*s;

	send_ring();
	if (!synced || nout < nring || nring == NOTICE_SENT)
		return (-1);
	s = &ring[(acked + nring + 1) % NOTICE_SENT];
	s->code = k->code;
	s->vault = k->vault;
	s->client = k->client;
	memcpy(s->detail, k->detail, sizeof(s->detail));
	s->count = count;
	nring++;
	send_ring();
	return (0);
}

/*
 * What has happened.
 */

/* Ports differ from one connection to the next and do not count. */
static int
same_client(const struct msg_addr *a, const struct msg_addr *b)
{
	return (a->af == b->af && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0);
}

/* Its place, or a free one with code EVENT_NONE, or NULL. */
static struct kind *
kind_find(enum event_code code, uint64_t vault, const struct msg_addr *client,
    const char *detail)
{
	struct kind	*k, *place = NULL;
	size_t		 i;

	for (i = 0; i < NOTICE_KINDS; i++) {
		k = &kinds[i];
		if (k->code == EVENT_NONE)
			place = k;
		else if (k->code == code && k->vault == vault &&
		    same_client(&k->client, client) &&
		    strcmp(k->detail, detail) == 0)
			return (k);
	}
	return (place);
}

void
notice_add(enum event_code code, uint64_t vault, const struct msg_addr *client,
    const char *detail, uint64_t now)
{
	struct kind	*k;

	if (strlen(detail) >= NOTICE_DETAIL)
		detail = "";
	if ((k = kind_find(code, vault, client, detail)) == NULL) {
		others[code]++;
		return;
	}
	if (k->code != EVENT_NONE) {
		k->count++;
		return;
	}
	k->code = code;
	k->vault = vault;
	k->client = *client;
	(void)strlcpy(k->detail, detail, sizeof(k->detail));
	k->since = now;
	k->count = record(k, 1) == -1;
}

static void
record_others(void)
{
	struct kind	 other;
	unsigned int	 i;

	memset(&other, 0, sizeof(other));
	for (i = 0; i < EVENT_MAX; i++) {
		other.code = i;
		if (others[i] > 0 && record(&other, others[i]) == 0)
			others[i] = 0;
	}
}

void
notice_tick(uint64_t now)
{
	struct kind	*k;
	size_t		 i;

	send_ring();
	for (i = 0; i < NOTICE_KINDS; i++) {
		k = &kinds[i];
		if (k->code == EVENT_NONE || now - k->since < SECOND)
			continue;
		if (k->count > 0 && record(k, k->count) == -1)
			continue;
		memset(k, 0, sizeof(*k));
	}
	record_others();
}

/* Their second goes on, and with it what bounds the rows. */
void
notice_flush(void)
{
	struct kind	*k;
	size_t		 i;

	for (i = 0; i < NOTICE_KINDS; i++) {
		k = &kinds[i];
		if (k->count > 0 && record(k, k->count) == 0)
			k->count = 0;
	}
	record_others();
}
