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

#include <endian.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "record.h"

/* A record's texts as they lie in memory; up to T_PATH they are a target's. */
enum {
	T_HOST, T_METHOD, T_SERVICE, T_KEYS, T_AUTH_HEADER, T_PATH, T_DETAIL,
	NTEXTS
};

/*
 * Memory of records that are gone is kept for the next, since a flush frees a
 * thousand of one size at once, which malloc(3) would join and cut up again.
 */
#define BLOCK		768
#define BLOCKS_KEPT	2048

static struct records	 unused = TAILQ_HEAD_INITIALIZER(unused);
static unsigned int	 nunused;

static struct record	*record_alloc(size_t);
static void	 record_clean(char *, size_t);
static struct record	*record_new(const char *const *, enum log_kind);

struct who *
who_new(uint64_t vault, uint8_t actor_type, const char *actor,
    const char *name, const char *session)
{
	struct who	*w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		fatal("scope");
	w->vault = vault;
	w->actor_type = actor_type;
	if (strlcpy(w->actor, actor, sizeof(w->actor)) >= sizeof(w->actor) ||
	    strlcpy(w->actor_name, name, sizeof(w->actor_name)) >=
	    sizeof(w->actor_name) || strlcpy(w->session, session,
	    sizeof(w->session)) >= sizeof(w->session))
		fatalx("scope: a name is too long");
	w->refs = 1;
	return (w);
}

struct who *
who_ref(struct who *w)
{
	if (w != NULL)
		w->refs++;
	return (w);
}

void
who_unref(struct who *w)
{
	if (w != NULL && --w->refs == 0)
		free(w);
}

static struct record *
record_alloc(size_t size)
{
	struct record	*r;

	if (size <= BLOCK && (r = TAILQ_FIRST(&unused)) != NULL) {
		TAILQ_REMOVE(&unused, r, entry);
		nunused--;
	} else if ((r = malloc(size <= BLOCK ? BLOCK : size)) == NULL)
		fatal("record");
	memset(r, 0, sizeof(*r));
	r->size = size;
	return (r);
}

/*
 * A worker quotes what it was sent.  One that has been taken over may not, and
 * what is in the database is shown by programs that do not know that: a
 * byte that is not printable becomes a question mark.  Eight are looked at
 * together, since nearly always there is none; the NULs between the texts are
 * let by.
 */
#define EACH(c)	((c) * UINT64_C(0x0101010101010101))

static void
record_clean(char *s, size_t n)
{
	uint64_t	 w, full, odd = 0;
	size_t		 i;

	for (i = 0; i < n; i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		full = ((w & EACH(0x7f)) + EACH(0x7f)) | w;
		odd |= w | (w + EACH(1)) | ((w - EACH(0x20)) & full);
	}
	if ((odd & EACH(0x80)) == 0)
		return;
	for (i = 0; i < n; i++) {
		if (s[i] != '\0' && (s[i] < 0x20 || s[i] > 0x7e))
			s[i] = '?';
	}
}

/*
 * One allocation a record, its texts behind it, in words that are whole.
 * Those that make up a target come first, so that they are one piece.
 */
static struct record *
record_new(const char *const *texts, enum log_kind kind)
{
	struct record	*r;
	const char	*copy[NTEXTS];
	size_t		 len[NTEXTS], total = 0;
	char		*p;
	int		 i;

	for (i = 0; i < NTEXTS; i++) {
		len[i] = texts[i] == NULL ? 1 : strlen(texts[i]) + 1;
		total += len[i];
	}
	total = (total + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
	r = record_alloc(sizeof(*r) + total);
	p = (char *)(r + 1);
	memset(p + total - sizeof(uint64_t), 0, sizeof(uint64_t));
	for (i = 0; i < NTEXTS; i++) {
		copy[i] = p;
		memcpy(p, texts[i] == NULL ? "" : texts[i], len[i]);
		p += len[i];
	}
	if (kind != KIND_AUDIT)
		record_clean((char *)(r + 1), total);
	r->host = copy[T_HOST];
	r->method = copy[T_METHOD];
	r->service = copy[T_SERVICE];
	r->keys = copy[T_KEYS];
	r->auth_header = copy[T_AUTH_HEADER];
	r->path = copy[T_PATH];
	r->detail = copy[T_DETAIL];
	r->target_len = r->path - r->host;
	r->kind = kind;
	r->status = -1;
	r->latency = -1;
	r->ttfb = -1;
	return (r);
}

struct record *
record_request(struct stream *st, const struct msg_begin *m, struct who *who,
    const char *detail)
{
	const char	*texts[NTEXTS] = { m->host, m->method, m->service,
			    m->keys, m->auth_header, m->path, detail };
	struct record	*r;

	r = record_new(texts, KIND_REQUEST);
	r->stream = st;
	r->who = who_ref(who);
	r->vault = who == NULL ? 0 : who->vault;
	r->seq = m->seq;
	r->ingress = m->ingress;
	r->decision = m->decision;
	r->protocol = m->protocol;
	r->path_cut = m->path_cut;
	r->auth_scheme = m->auth_scheme;
	r->conn = m->conn;
	r->port = m->port;
	memcpy(r->request_id, m->request_id, sizeof(r->request_id));
	memcpy(r->trace_id, m->trace_id, sizeof(r->trace_id));
	record_client(r, &m->client);
	return (r);
}

struct record *
record_event(enum event_code event, uint64_t vault, struct who *who,
    const char *host, const char *detail, uint64_t count)
{
	const char	*texts[NTEXTS] = { [T_HOST] = host,
			    [T_DETAIL] = detail };
	struct record	*r;

	r = record_new(texts, KIND_EVENT);
	r->event = event;
	r->vault = vault;
	r->who = who_ref(who);
	r->count = count;
	r->flags = REC_ENDED;
	record_uuid(r->request_id, clock_now());
	return (r);
}

struct record *
record_gap(uint64_t vault, uint64_t count, const char *detail)
{
	struct record	*r;

	r = record_event(EVENT_NONE, vault, NULL, NULL, detail, count);
	r->kind = KIND_GAP;
	return (r);
}

struct record *
record_audit(const struct rec_audit *a)
{
	const char	*texts[NTEXTS] = { [T_PATH] = a->action,
			    [T_DETAIL] = a->detail };
	struct record	*r;

	r = record_new(texts, KIND_AUDIT);
	r->who = who_new(0, a->actor_type, a->actor, a->actor_name,
	    a->session);
	r->flags = REC_ENDED;
	record_uuid(r->request_id, clock_now());
	record_client(r, &a->client);
	return (r);
}

struct record *
record_stored(struct stream *st, uint64_t seq, const char *path,
    const char *detail)
{
	const char	*texts[NTEXTS] = { [T_PATH] = path,
			    [T_DETAIL] = detail };
	struct record	*r;

	r = record_new(texts, KIND_REQUEST);
	r->stream = st;
	r->seq = seq;
	r->flags = REC_OPEN;
	return (r);
}

void
record_orphan(struct record *r)
{
	if (asprintf(&r->note, "{\"vault\":%" PRIu64 ",\"kind\":\"%s\"}",
	    r->vault, kind_name(r->kind)) == -1)
		fatal("record");
	r->detail = r->note;
	r->kind = KIND_EVENT;
	r->event = EVENT_ORPHAN_VAULT;
	r->vault = 0;
}

void
record_end(struct record *r, const struct msg_end *m)
{
	r->decision = m->decision;
	r->status = m->status < 0 ? -1 : m->status;
	r->error_code = m->error_code;
	r->latency = m->latency;
	r->ttfb = m->ttfb;
	r->bytes_in = m->bytes_in;
	r->bytes_out = m->bytes_out;
	r->upstream_len = addr_pack(&m->upstream, r->port, r->upstream);
	r->flags |= REC_ENDED;
}

void
record_lost(struct record *r)
{
	r->error_code = ERROR_WORKER_LOST;
	r->flags |= REC_ENDED;
}

void
record_client(struct record *r, const struct msg_addr *a)
{
	r->client_len = addr_pack(a, 0, r->client);
}

void
record_free(struct record *r)
{
	who_unref(r->who);
	free(r->note);
	if (r->size > BLOCK || nunused == BLOCKS_KEPT) {
		free(r);
		return;
	}
	TAILQ_INSERT_HEAD(&unused, r, entry);
	nunused++;
}

void
record_uuid(uint8_t *id, int64_t us)
{
	uint64_t	 ms = us < 0 ? 0 : us / 1000;
	unsigned int	 a = us < 0 ? 0 : us % 1000 * 4096 / 1000;
	int		 i;

	arc4random_buf(id + 8, 8);
	for (i = 0; i < 6; i++)
		id[i] = ms >> (40 - i * 8) & 0xff;
	id[6] = 0x70 | a >> 8;
	id[7] = a & 0xff;
	id[8] = 0x80 | (id[8] & 0x3f);
}

int64_t
record_time(const uint8_t *id)
{
	uint64_t	 w;

	memcpy(&w, id, sizeof(w));
	w = be64toh(w);
	return ((int64_t)((w >> 16) * 1000 +
	    ((w & 0xfff) * 1000 + 4095) / 4096));
}

size_t
addr_pack(const struct msg_addr *a, uint16_t usual, uint8_t *p)
{
	size_t	 n = 0, len = a->af == 4 ? 4 : a->af == 6 ? 16 : 0;

	if (len == 0)
		return (0);
	if (usual == 0 || a->port != usual) {
		p[n++] = a->port >> 8;
		p[n++] = a->port & 0xff;
	}
	memcpy(p + n, a->ip, len);
	return (n + len);
}

void
addr_unpack(const uint8_t *p, size_t len, uint16_t usual, struct msg_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (p == NULL || (len != 4 && len != 6 && len != 16 && len != 18))
		return;
	a->af = len < 16 ? 4 : 6;
	a->port = usual;
	if (len % 4 != 0) {
		a->port = p[0] << 8 | p[1];
		p += 2;
		len -= 2;
	}
	memcpy(a->ip, p, len);
}
