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

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <imsg.h>

#include "imsghdr.h"
#include "ledger.h"
#include "log.h"
#include "ring.h"
#include "window.h"

/*
 * The longest END and BYE with their headers.  Fields are packed: END is 58
 * bytes and an address of at most 19, BYE a number.
 */
#define END_MAX		(IMSG_HEADER_SIZE + 58 + 19)
#define BYE_SIZE	(IMSG_HEADER_SIZE + 8)
#define SEQ_OFFSET	IMSG_HEADER_SIZE	/* seq is the first field */

/*
 * What one vault holds: its records, and the places of ENDs to come; and what
 * waits for a place.
 */
struct logvault {
	RB_ENTRY(logvault)	 entry;
	uint64_t		 id;
	uint32_t		 records;
	uint32_t		 open;		/* of them, places for ENDs */
	uint32_t		 held;
	uint64_t		 turn;		/* of its last one held */
	size_t			 bytes;
};

struct record {
	uint64_t		 end;		/* offset behind it */
	struct logvault		*vault;		/* NULL: nobody's */
	uint32_t		 len;
	uint32_t		 begin;		/* is it one? */
};

RB_HEAD(logvaults, logvault);

static struct logvaults	 vaults = RB_INITIALIZER(&vaults);
static struct record	 records[LOGSTREAM_RECORDS];
static uint8_t		*ring;
static struct ibuf	*scratch;

/*
 * Offsets count all bytes ever; head <= sent <= tail.  top is how far any
 * link has taken them.
 */
static uint64_t		 head, sent, tail, top;
static uint64_t		 first = 1, next = 1;
static uint64_t		 nopen;
static uint32_t		 nheld;
static uint64_t		 served;	/* the highest turn that came */
static uint64_t		 begins;	/* acknowledged */
static uint64_t		 gap;		/* number of the last GAP */
static size_t		 gap_size;	/* of the longest */
static int		 bye;

static int	logvault_cmp(const struct logvault *, const struct logvault *);
static struct logvault	*vault_get(uint64_t);
static void	vault_put(struct logvault *);
static void	vault_sub(struct logvault *, uint32_t, size_t);
static struct record	*record_at(uint64_t);
static uint64_t	record_start(const struct record *);
static size_t	window_gap_size(void);
static int	window_use(uint32_t, size_t, uint64_t *, uint64_t *);
static uint64_t	append(const uint8_t *, size_t, struct logvault *);

RB_PROTOTYPE_STATIC(logvaults, logvault, entry, logvault_cmp)

static int
logvault_cmp(const struct logvault *a, const struct logvault *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_STATIC(logvaults, logvault, entry, logvault_cmp)

void
window_init(void)
{
	if ((ring = ring_map(LOGSTREAM_BYTES)) == NULL)
		fatal("window of the log stream");
	if ((scratch = ibuf_dynamic(512, MAX_IMSGSIZE)) == NULL)
		fatal("window of the log stream");
	gap_size = window_gap_size();
}

static size_t
window_gap_size(void)
{
	static struct rec_gapcount	 lost[LEDGER_VAULTS + 1];
	struct msg_gap			 m;
	const uint8_t			*data;
	size_t				 len;

	memset(&m, 0, sizeof(m));
	m.lost = lost;
	m.lost_n = LEDGER_VAULTS + 1;
	if ((len = window_encode(MSG_GAP, &m, &data)) == 0)
		fatal("record: GAP");
	return (len);
}

static struct logvault *
vault_get(uint64_t id)
{
	struct logvault	*v, key;

	key.id = id;
	if ((v = RB_FIND(logvaults, &vaults, &key)) != NULL)
		return (v);
	if ((v = calloc(1, sizeof(*v))) == NULL)
		fatal("window of the log stream");
	v->id = id;
	RB_INSERT(logvaults, &vaults, v);
	return (v);
}

static void
vault_put(struct logvault *v)
{
	if (v->records > 0 || v->held > 0)
		return;
	RB_REMOVE(logvaults, &vaults, v);
	free(v);
}

static void
vault_sub(struct logvault *v, uint32_t n, size_t bytes)
{
	if (v == NULL)
		return;
	v->records -= n;
	v->bytes -= bytes;
	vault_put(v);
}

int
window_hold(uint64_t vault, uint64_t *turn)
{
	struct logvault	*v = vault_get(vault);

	if (nheld == LOGSTREAM_RECORDS || (nheld >= LOGSTREAM_RECORDS / 2 &&
	    v->held >= LOGSTREAM_RECORDS / 4)) {
		vault_put(v);
		return (-1);
	}
	v->held++;
	nheld++;
	v->turn = (v->turn > served ? v->turn : served) + 1;
	*turn = v->turn;
	return (0);
}

void
window_unhold(uint64_t vault, uint64_t turn)
{
	struct logvault	*v = vault_get(vault);

	if (turn > served)
		served = turn;
	v->held--;
	nheld--;
	vault_put(v);
}

static struct record *
record_at(uint64_t seq)
{
	return (&records[seq % LOGSTREAM_RECORDS]);
}

static uint64_t
record_start(const struct record *r)
{
	return (r->end - r->len);
}

size_t
window_encode(enum msg_type type, const void *m, const uint8_t **data)
{
	uint8_t	 hdr[IMSG_HEADER_SIZE];

	memset(hdr, 0, sizeof(hdr));
	if (ibuf_truncate(scratch, 0) == -1 ||
	    ibuf_add(scratch, hdr, sizeof(hdr)) == -1 ||
	    rec_encode(scratch, &msg_desc(type)->rec, m) == -1)
		return (0);
	imsghdr_fill(ibuf_data(scratch), type,
	    ibuf_size(scratch) - sizeof(hdr));
	*data = ibuf_data(scratch);
	return (ibuf_size(scratch));
}

/*
 * How much would be in use with so much more: 0, or -1 if it is too much.  A
 * GAP in the window has a part of the place that is kept for one; the rest
 * stays kept, since the next one may be longer.
 */
static int
window_use(uint32_t n, size_t len, uint64_t *count, uint64_t *bytes)
{
	const int	 nogap = gap < first;
	const size_t	 kept = gap_size - (nogap ? 0 : record_at(gap)->len);

	*count = next - first + nopen + !bye + nogap + n;
	*bytes = tail - head + nopen * END_MAX + !bye * BYE_SIZE + kept +
	    len;
	return (*count > LOGSTREAM_RECORDS || *bytes > LOGSTREAM_BYTES ?
	    -1 : 0);
}

enum window_fit
window_fits(size_t len)
{
	uint64_t	 bytes, count;

	if (window_use(1, len, &count, &bytes) == 0)
		return (WINDOW_FITS);
	return (next == first ? WINDOW_NEVER : WINDOW_WAIT);
}

enum window_fit
window_fits_begin(uint64_t vault, size_t len)
{
	struct logvault	*v, key;
	uint64_t	 bytes, count;

	len += END_MAX;
	if (window_use(2, len, &count, &bytes) == -1)
		return (next == first ? WINDOW_NEVER : WINDOW_WAIT);
	key.id = vault;
	if ((v = RB_FIND(logvaults, &vaults, &key)) == NULL)
		return (WINDOW_FITS);
	if (count <= LOGSTREAM_RECORDS / 2 && bytes <= LOGSTREAM_BYTES / 2)
		return (WINDOW_FITS);
	if (v->records + 2 <= LOGSTREAM_RECORDS / 4 &&
	    v->bytes + len <= LOGSTREAM_BYTES / 4)
		return (WINDOW_FITS);
	return (v->records == v->open ? WINDOW_NEVER : WINDOW_WAIT);
}

static uint64_t
append(const uint8_t *data, size_t len, struct logvault *v)
{
	struct record	*r = record_at(next);
	uint8_t		*p = ring + tail % LOGSTREAM_BYTES;

	memcpy(p, data, len);
	memcpy(p + SEQ_OFFSET, &next, sizeof(next));
	tail += len;
	r->end = tail;
	r->len = len;
	r->begin = 0;
	if ((r->vault = v) != NULL) {
		v->records++;
		v->bytes += len;
	}
	return (next++);
}

struct logvault *
window_begin(uint64_t vault, const uint8_t *data, size_t len, uint64_t *seq)
{
	struct logvault	*v = vault_get(vault);

	*seq = append(data, len, v);
	record_at(*seq)->begin = 1;
	v->records++;
	v->open++;
	v->bytes += END_MAX;
	nopen++;
	return (v);
}

void
window_end(struct logvault *v, uint64_t begin, const struct msg_end *m)
{
	struct msg_end	 e = *m;
	const uint8_t	*data;
	size_t		 len;

	e.seq = next;
	e.begin = begin;
	if ((len = window_encode(MSG_END, &e, &data)) == 0 || len > END_MAX)
		fatal("record: END");
	(void)append(data, len, v);
	nopen--;
	v->open--;
	vault_sub(v, 1, END_MAX);
}

uint64_t
window_put(const uint8_t *data, size_t len)
{
	return (append(data, len, NULL));
}

uint64_t
window_gap(const struct msg_gap *m)
{
	const uint8_t	*data;
	size_t		 len;

	if ((len = window_encode(MSG_GAP, m, &data)) == 0 || len > gap_size)
		fatal("record: GAP");
	return (gap = append(data, len, NULL));
}

void
window_bye(void)
{
	struct msg_bye	 m;
	const uint8_t	*data;
	size_t		 len;

	m.seq = next;
	if ((len = window_encode(MSG_BYE, &m, &data)) == 0)
		fatal("record: BYE");
	bye = 1;
	(void)append(data, len, NULL);
}

void
window_undo(struct logvault *v)
{
	struct record	*r = record_at(--next);

	tail -= r->len;
	nopen--;
	v->open--;
	vault_sub(v, 2, r->len + END_MAX);
}

size_t
window_unsent(const uint8_t **p)
{
	*p = ring + sent % LOGSTREAM_BYTES;
	return (tail - sent);
}

void
window_sent(size_t n)
{
	sent += n;
	if (sent > top)
		top = sent;
}

int
window_is_sent(uint64_t seq)
{
	return (seq < first || record_at(seq)->end <= sent);
}

int
window_is_begun(uint64_t seq)
{
	return (seq < first || record_start(record_at(seq)) < sent);
}

void
window_rewind(void)
{
	sent = head;
}

/*
 * A logd that has more than we know may acknowledge what this link has not
 * carried yet; that need not be written again, but for a record that is on
 * its way already: its end must follow its beginning.
 */
int
window_ack(uint64_t seq)
{
	struct record	*r;
	int		 n = 0;

	if (seq >= next || (seq >= first && record_at(seq)->end > top))
		return (-1);
	for (; first <= seq; first++, n++) {
		r = record_at(first);
		if (r->end > sent && record_start(r) < sent)
			break;
		head = r->end;
		if (sent < head)
			sent = head;
		begins += r->begin;
		vault_sub(r->vault, 1, r->len);
	}
	return (n);
}

uint64_t
window_first(void)
{
	return (first);
}

uint64_t
window_next(void)
{
	return (next);
}

uint64_t
window_begins(void)
{
	return (begins);
}

uint64_t
window_open(void)
{
	return (nopen);
}

void
window_stats(struct logstream_stats *st)
{
	st->records = next - first + nopen;
	st->bytes = tail - head + nopen * END_MAX;
}
