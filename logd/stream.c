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
#include <sys/time.h>
#include <sys/tree.h>

#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include "batch.h"
#include "codes.h"
#include "insert.h"
#include "log.h"
#include "pace.h"
#include "proc.h"
#include "recover.h"
#include "scope.h"
#include "stream.h"
#include "streamdb.h"
#include "streamend.h"

struct streams		 streams = RB_INITIALIZER(&streams);
struct stream_counters	 stream_counters;

static int	 started;

static int	stream_cmp(struct stream *, struct stream *);
static int	request_cmp(struct record *, struct record *);
static struct stream	*stream_take(struct link *, uint64_t);
static struct scope	*stream_scope(struct stream *, uint64_t);
static void	hello(struct link *, struct msg *);
static void	begin(struct link *, struct msg *);
static void	end(struct link *, struct msg *);
static void	gap(struct link *, struct msg *);
static void	event(struct link *, struct msg *);
static void	bye(struct link *, struct msg *);

RB_GENERATE(streams, stream, node, stream_cmp)
RB_GENERATE(open_requests, record, node, request_cmp)

const struct link_handler	stream_handlers[] = {
	{ MSG_HELLO,	hello },
	{ MSG_BEGIN,	begin },
	{ MSG_END,	end },
	{ MSG_GAP,	gap },
	{ MSG_EVENT,	event },
	{ MSG_BYE,	bye },
	{ MSG_NONE,	NULL }
};

static int
stream_cmp(struct stream *a, struct stream *b)
{
	return (a->instance < b->instance ? -1 : a->instance > b->instance);
}

static int
request_cmp(struct record *a, struct record *b)
{
	return (a->seq < b->seq ? -1 : a->seq > b->seq);
}

struct stream *
stream_find(uint64_t instance)
{
	struct stream	 key;

	key.instance = instance;
	return (RB_FIND(streams, &streams, &key));
}

struct stream *
stream_new(uint64_t instance, enum proc proc, uint16_t idx)
{
	struct stream	*st;

	if ((st = calloc(1, sizeof(*st))) == NULL)
		fatal("stream");
	st->instance = instance;
	st->proc = proc;
	st->index = idx;
	RB_INIT(&st->open);
	streamend_init(st);
	RB_INSERT(streams, &streams, st);
	return (st);
}

void
stream_free(struct stream *st)
{
	struct record	*r;

	while ((r = RB_MIN(open_requests, &st->open)) != NULL) {
		stream_forget(r);
		record_free(r);
	}
	evtimer_del(&st->timer);
	RB_REMOVE(streams, &streams, st);
	free(st->page);
	free(st);
}

int64_t
stream_id(const struct stream *st)
{
	return (st->id);
}

uint64_t
stream_committed(uint64_t instance)
{
	struct stream	*st = stream_find(instance);

	return (st == NULL ? 0 : st->committed);
}

int
stream_over(uint64_t instance)
{
	struct stream	*st = stream_find(instance);

	return (st != NULL && st->ended == STREAM_SETTLED);
}

unsigned int
stream_links(void)
{
	struct stream	*st;
	unsigned int	 n = 0;

	RB_FOREACH(st, streams, &streams)
		n += st->link != NULL;
	return (n);
}

/*
 * What a worker says before keyd's scopes and the parent's list are known
 * waits in the kernel.
 */
void
stream_opened(struct link *l)
{
	const struct link_peer	*p = link_peer(l);
	struct stream		*st;

	if ((st = stream_find(p->instance)) == NULL)
		st = stream_new(p->instance, p->proc, p->index);
	if (st->link != NULL || st->eof) {
		link_bad(l, "a second log link");
		return;
	}
	st->link = l;
	st->hello = 0;
	link_setarg(l, st);
	if (!started || pace_paused())
		link_pause(l);
}

void
stream_closed(struct link *l)
{
	struct stream	*st = link_arg(l);

	if (st == NULL || st->link != l)
		return;
	st->link = NULL;
	streamend_eof(st);
}

/*
 * The stream of a record that is new; NULL for one that is in the database
 * or the batch already, and for one that cannot be true.
 */
static struct stream *
stream_take(struct link *l, uint64_t seq)
{
	struct stream	*st = link_arg(l);

	if (!st->hello) {
		link_bad(l, "record before HELLO");
		return (NULL);
	}
	if (link_queued(l) > STREAM_UNREAD) {
		link_bad(l, "sends without reading what is acknowledged");
		return (NULL);
	}
	pace_record();
	if (seq != 0 && seq <= st->seen) {
		stream_counters.repeated++;
		return (NULL);
	}
	if (seq != st->seen + 1) {
		link_bad(l, "record out of order");
		return (NULL);
	}
	if (seq - st->committed > STREAM_PENDING) {
		link_bad(l, "more records than a worker may send");
		return (NULL);
	}
	st->seen = seq;
	stream_counters.records++;
	stream_touch(st);
	return (st);
}

/*
 * The scope may be on its way: keyd puts it into the kernel before the
 * worker hears of it, but the two links are read in any order.
 */
static struct scope *
stream_scope(struct stream *st, uint64_t id)
{
	struct scope	*s;
	struct link	*keyd;

	if ((s = scope_writer(id, st->instance)) != NULL)
		return (s);
	if ((keyd = proc_peer(PROC_KEYD)) != NULL)
		(void)link_drain_in(keyd, INT_MAX);
	if ((s = scope_writer(id, st->instance)) == NULL)
		stream_counters.orphans++;
	return (s);
}

/*
 * A worker resends from what it knows to be acknowledged.  If that is beyond
 * what we have, records were acknowledged that the file has lost since.  Of
 * their requests the worker can say the number only.
 */
static void
hello(struct link *l, struct msg *m)
{
	struct stream	*st = link_arg(l);
	struct record	*r;
	uint64_t		 next = m->u.hello.next;
	uint64_t		 begins = m->u.hello.begins, records;

	if (st->hello || next == 0 || begins >= next ||
	    st->ended != STREAM_LIVES) {
		link_bad(l, "HELLO");
		return;
	}
	records = next - 1 > st->seen ? next - 1 - st->seen : 0;
	if (records > STREAM_JUMP || (begins > st->begins &&
	    begins - st->begins > records)) {
		link_bad(l, "HELLO: claims more than can have been lost");
		return;
	}
	st->hello = 1;
	stream_touch(st);
	if (records == 0)
		return;
	log_warnx("%s: %" PRIu64 " records that it knows to be committed are "
	    "missing", link_name(l), records);
	recover_lost();
	if (begins > st->begins) {
		r = record_gap(0, begins - st->begins,
		    "{\"lost\":\"committed\"}");
		r->stream = st;
		r->seq = next - 1;
		batch_add(r);
		st->begins = begins;
	}
	st->seen = st->committed = next - 1;
}

static void
begin(struct link *l, struct msg *m)
{
	const struct msg_begin	*b = &m->u.begin;
	struct stream		*st;
	struct scope		*s;
	struct record		*r;
	char			 note[64] = "";

	if (b->ingress >= INGRESS_MAX || b->protocol >= PROTOCOL_MAX ||
	    b->decision >= DECISION_MAX || b->auth_scheme >= SCHEME_MAX ||
	    b->path_cut > (PATHF_CUT | PATHF_PREFIX | PATHF_NONE)) {
		link_bad(l, "BEGIN: number out of range");
		return;
	}
	if ((st = stream_take(l, b->seq)) == NULL)
		return;
	if (st->nopen == STREAM_OPEN) {
		link_bad(l, "more open requests than a worker may have");
		return;
	}
	if ((s = stream_scope(st, b->scope)) == NULL)
		(void)snprintf(note, sizeof(note), "{\"scope\":%" PRIu64 "}",
		    b->scope);
	r = record_request(st, b, s == NULL ? NULL : s->who, note);
	if (s == NULL) {
		r->kind = KIND_EVENT;
		r->event = EVENT_ORPHAN_VAULT;
	}
	st->begins++;
	stream_note(r);
	batch_add(r);
	if (b->strict)
		batch_strict();
}

/* An END whose BEGIN went missing with a file that is lost has no row. */
static void
end(struct link *l, struct msg *m)
{
	const struct msg_end	*e = &m->u.end;
	struct stream		*st;
	struct record		*r, key;

	if (e->decision >= DECISION_MAX || e->error_code >= ERROR_MAX ||
	    e->status > 999) {
		link_bad(l, "END: number out of range");
		return;
	}
	if ((st = stream_take(l, e->seq)) == NULL)
		return;
	key.seq = e->begin;
	if ((r = RB_FIND(open_requests, &st->open, &key)) == NULL) {
		stream_counters.lost++;
		return;
	}
	record_end(r, e);
	stream_forget(r);
	batch_add(r);
}

/*
 * A worker may say of its own vaults only that something is missing, and has
 * one GAP on its way.
 */
static void
gap(struct link *l, struct msg *m)
{
	const struct msg_gap	*g = &m->u.gap;
	struct stream		*st;
	struct record		*r;
	uint64_t		 vault;
	uint32_t		 i;

	if ((st = stream_take(l, g->seq)) == NULL)
		return;
	if (st->gap > st->committed) {
		link_bad(l, "a second GAP before the first is committed");
		return;
	}
	st->gap = g->seq;
	for (i = 0; i < g->lost_n; i++) {
		vault = g->lost[i].vault;
		if (vault != 0 && !scope_has(st->instance, vault))
			vault = 0;
		r = record_gap(vault, g->lost[i].count > LEDGER_COUNT_MAX ?
		    LEDGER_COUNT_MAX : g->lost[i].count,
		    "{\"lost\":\"unlogged\"}");
		r->stream = st;
		r->seq = g->seq;
		batch_add(r);
	}
}

static void
event(struct link *l, struct msg *m)
{
	const struct msg_event	*e = &m->u.event;
	struct stream		*st;
	struct scope		*s = NULL;
	struct record		*r;

	/* Of keyd's and our own events a worker has nothing to say. */
	if (e->code != EVENT_TLS_CLIENT && e->code != EVENT_SNI_MISMATCH) {
		link_bad(l, "EVENT: not one of a worker's");
		return;
	}
	if ((st = stream_take(l, e->seq)) == NULL)
		return;
	if (e->scope != 0)
		s = stream_scope(st, e->scope);
	r = record_event(e->code, s == NULL ? 0 : s->who->vault,
	    s == NULL ? NULL : s->who, e->host, e->detail, e->count);
	record_client(r, &e->client);
	r->stream = st;
	r->seq = e->seq;
	batch_add(r);
}

static void
bye(struct link *l, struct msg *m)
{
	struct stream	*st;

	if ((st = stream_take(l, m->u.bye.seq)) != NULL)
		st->bye = 1;
}

void
stream_note(struct record *r)
{
	RB_INSERT(open_requests, &r->stream->open, r);
	r->flags |= REC_LISTED;
	r->stream->nopen++;
	stream_counters.open++;
}

void
stream_forget(struct record *r)
{
	if ((r->flags & REC_LISTED) == 0)
		return;
	RB_REMOVE(open_requests, &r->stream->open, r);
	r->flags &= ~REC_LISTED;
	r->stream->nopen--;
	stream_counters.open--;
}

void
stream_living(const struct rec_instance *list, uint32_t n)
{
	struct stream	*st;
	uint32_t	 i;

	RB_FOREACH(st, streams, &streams)
		st->living = 0;
	for (i = 0; i < n; i++) {
		if ((PROC_BIT(list[i].proc) & M_WORKERS) == 0)
			continue;
		st = stream_find(list[i].instance);
		if (st != NULL)
			st->living = 1;
	}
}

void
stream_start(void)
{
	struct stream	*st;

	started = 1;
	RB_FOREACH(st, streams, &streams) {
		if (st->link != NULL)
			link_resume(st->link);
		else if (!st->living && !st->eof &&
		    st->ended == STREAM_LIVES)
			streamend_eof(st);
	}
}
