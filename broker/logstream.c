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
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>
#include <imsg.h>

#include "codes.h"
#include "link.h"
#include "log.h"
#include "loglost.h"
#include "logstream.h"
#include "loop.h"
#include "window.h"

#define HELLO_MAX	64		/* HELLO with its header */
#define BACKLOG		(64 * 1024)	/* written before BEGINs are added */

enum rec_state {
	REC_NONE,
	REC_HELD,		/* its BEGIN has no place yet */
	REC_OPEN,		/* its BEGIN is in the window */
	REC_LOST		/* counted */
};

/*
 * A BEGIN, encoded but for its number, from logstream_begin() until the
 * kernel has it.  An exchange may end while it is held.
 */
struct logheld {
	TAILQ_ENTRY(logheld)	 entry;
	struct logrec		*rec;		/* NULL: ended */
	struct logvault		*place;		/* once it is in the window */
	uint64_t		 vault;
	uint64_t		 turn;
	uint64_t		 seq;
	uint64_t		 deadline;
	struct msg_end		 end;		/* once it has ended */
	int			 strict;
	size_t			 len;
	uint8_t			 data[];
};
TAILQ_HEAD(helds, logheld);

static struct helds	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct logheld	*partial;	/* a part of it is in the kernel */
static struct logrecs	 committing = TAILQ_HEAD_INITIALIZER(committing);
static struct logrecs	 ready = TAILQ_HEAD_INITIALIZER(ready);

static struct link	*logd;
static uint8_t		 hello[HELLO_MAX];
static size_t		 hello_len, hello_sent;
static struct event	 writable, end_timer, hold_timer, event_timer;
static int		 blocked;	/* the kernel takes no more */
static int		 deaf;		/* the peer is gone, EOF will come */
static int		 urgent;	/* write, though no BEGIN waits */
static int		 fresh;		/* there is work for another turn */
static int		 strict_mode;
static uint64_t		 moved;		/* when the window last moved */
static struct logstream_stats	 stats;
static struct log_bucket	 buckets[EVENT_MAX];

/*
 * Events that are over the rate, of one code.  Of whom they were is said only
 * if all were of the same.
 */
static struct surplus {
	uint64_t	 count;
	uint64_t	 scope;
	uint64_t	 vault;
} surplus[EVENT_MAX];

static void	logstream_turn(void *);
static void	logstream_late(void *);
static void	timer_end(int, short, void *);
static void	timer_hold(int, short, void *);
static void	timer_event(int, short, void *);
static void	link_writable(int, short, void *);
static void	arm(struct event *, uint64_t);
static int	usable(void);
static void	flush(void);
static void	put_waiting(struct helds *);
static void	settle(struct helds *);
static int	write_hello(void);
static void	write_window(void);
static int	write_some(const uint8_t *, size_t, size_t *);
static void	held_insert(struct logheld *);
static void	held_free(struct logheld *);
static void	held_logged(struct logheld *, int);
static void	held_lost(struct logheld *);
static void	rec_ready(struct logrec *, int);
static void	rec_off(struct logrec *);
static void	expire(void);
static void	call_ready(void);
static void	put_events(void);
static void	hold_event(const struct msg_event *);
static int	bye_write(uint64_t);
static void	emit_event(const struct msg_event *);

void
logstream_init(void)
{
	window_init();
	evtimer_set(&end_timer, timer_end, NULL);
	evtimer_set(&hold_timer, timer_hold, NULL);
	evtimer_set(&event_timer, timer_event, NULL);
	loop_hook(TURN_LOG, logstream_turn, NULL);
	loop_hook(TURN_LINKS, logstream_late, NULL);
	moved = loop_mono();
}

void
logstream_conf(int strict)
{
	strict_mode = strict;
}

int
logstream_ledger(int fd, uint64_t instance)
{
	return (loglost_ledger(fd, instance));
}

static void
arm(struct event *ev, uint64_t us)
{
	struct timeval	 tv;

	if (evtimer_pending(ev, NULL))
		return;
	tv.tv_sec = us / 1000000;
	tv.tv_usec = us % 1000000;
	if (evtimer_add(ev, &tv) == -1)
		fatalx("log stream: evtimer_add failed");
}

static void
timer_end(int fd, short what, void *arg)
{
	urgent = 1;
}

/* Only wakes the loop: the end of the turn looks at the deadlines. */
static void
timer_hold(int fd, short what, void *arg)
{
}

static void
link_writable(int fd, short what, void *arg)
{
	blocked = 0;
	urgent = 1;
}

static int
usable(void)
{
	return (logd != NULL && !blocked && !deaf);
}

void
logstream_begin(struct logrec *rec, uint64_t vault, const struct msg_begin *m,
    void (*fn)(struct logrec *, int, void *), void *arg)
{
	struct msg_begin	 b = *m;
	struct logheld		*h;
	const uint8_t		*data;
	uint64_t		 turn;
	size_t			 len;

	memset(rec, 0, sizeof(*rec));
	rec->ready = fn;
	rec->arg = arg;
	fresh = 1;
	b.seq = 0;
	b.strict = strict_mode;
	if ((len = window_encode(MSG_BEGIN, &b, &data)) == 0)
		log_warn("record of a request");
	if (len == 0 || window_hold(vault, &turn) == -1) {
		rec->state = REC_LOST;
		loglost_add(vault);
		rec_ready(rec, strict_mode ? REFUSED : UNLOGGED);
		return;
	}
	if ((h = malloc(sizeof(*h) + len)) == NULL)
		fatal("record of a request");
	memset(h, 0, sizeof(*h));
	memcpy(h->data, data, len);
	h->len = len;
	h->vault = vault;
	h->turn = turn;
	h->strict = strict_mode;
	h->deadline = loop_mono() +
	    (h->strict ? LOGSTREAM_STRICT : LOGSTREAM_HOLD) * 1000;
	h->rec = rec;
	rec->held = h;
	rec->state = REC_HELD;
	held_insert(h);
}

/* A vault that has many waiting does not keep another one's back. */
static void
held_insert(struct logheld *h)
{
	struct logheld	*before = TAILQ_LAST(&waiting, helds);

	while (before != NULL && before->turn > h->turn)
		before = TAILQ_PREV(before, helds, entry);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&waiting, h, entry);
	else
		TAILQ_INSERT_AFTER(&waiting, before, h, entry);
}

void
logstream_alone(struct logrec *rec)
{
	rec->ready = NULL;
}

void
logstream_end(struct logrec *rec, const struct msg_end *m)
{
	rec_off(rec);
	switch (rec->state) {
	case REC_HELD:
		rec->held->rec = NULL;
		rec->held->end = *m;
		break;
	case REC_OPEN:
		window_end(rec->vault, rec->seq, m);
		arm(&end_timer, LOGSTREAM_END * 1000);
		break;
	}
	memset(rec, 0, sizeof(*rec));
}

/* The record's `ready' is due at the end of the turn. */
static void
rec_ready(struct logrec *rec, int how)
{
	if (how == UNLOGGED)
		stats.unlogged++;
	else if (how == REFUSED)
		stats.refused++;
	rec_off(rec);
	rec->how = how;
	rec->list = &ready;
	TAILQ_INSERT_TAIL(&ready, rec, entry);
}

static void
rec_off(struct logrec *rec)
{
	if (rec->list == NULL)
		return;
	TAILQ_REMOVE(rec->list, rec, entry);
	rec->list = NULL;
}

static void
held_free(struct logheld *h)
{
	window_unhold(h->vault, h->turn);
	free(h);
}

/*
 * The BEGIN is in the window for good.  In strict mode the record waits on
 * for its ACK, unless that time is over (how is not LOGGED).
 */
static void
held_logged(struct logheld *h, int how)
{
	struct logrec	*rec = h->rec;

	stats.begun++;
	loglost_used(h->vault);
	if (rec == NULL) {
		window_end(h->place, h->seq, &h->end);
		arm(&end_timer, LOGSTREAM_END * 1000);
	} else {
		rec->state = REC_OPEN;
		rec->seq = h->seq;
		rec->vault = h->place;
		rec->held = NULL;
		if (h->strict && how == LOGGED) {
			rec->deadline = h->deadline;
			rec->list = &committing;
			TAILQ_INSERT_TAIL(&committing, rec, entry);
		} else
			rec_ready(rec, how);
	}
	held_free(h);
}

static void
held_lost(struct logheld *h)
{
	struct logrec	*rec = h->rec;

	loglost_add(h->vault);
	fresh = 1;
	if (rec != NULL) {
		rec->state = REC_LOST;
		rec->held = NULL;
		rec_ready(rec, h->strict ? REFUSED : UNLOGGED);
	}
	held_free(h);
}

/*
 * At the end of a turn.  BEGINs leave, and only then those who waited for
 * them are called.
 */
static void
logstream_turn(void *arg)
{
	fresh = 0;
	flush();
	expire();
	call_ready();
}

/*
 * BEGINs that came after this turn's write, and the GAP that tells of what
 * was given up in it, must not wait for the next event.
 */
static void
logstream_late(void *arg)
{
	if (fresh)
		loop_again();
}

static void
flush(void)
{
	struct helds	 put = TAILQ_HEAD_INITIALIZER(put);
	const uint8_t	*p;

	if (!usable() || !write_hello())
		return;
	if (partial != NULL || window_unsent(&p) > BACKLOG)
		write_window();
	if (!usable())
		return;
	if (loglost_put())
		urgent = 1;
	put_waiting(&put);
	if (TAILQ_EMPTY(&put) && !urgent)
		return;
	urgent = 0;
	write_window();
	settle(&put);
}

/*
 * What has no place waits, for its time or until it is clear that waiting
 * does not help; others behind it may have one.
 */
static void
put_waiting(struct helds *put)
{
	struct logheld	*h, *next;
	enum window_fit	 fit;
	int		 stuck;

	if (TAILQ_EMPTY(&waiting))
		return;
	stuck = loop_mono() - moved > LOGSTREAM_HOLD * 1000;
	TAILQ_FOREACH_SAFE(h, &waiting, entry, next) {
		fit = window_fits_begin(h->vault, h->len);
		if (fit == WINDOW_FITS) {
			if (window_next() == window_first())
				moved = loop_mono();
			TAILQ_REMOVE(&waiting, h, entry);
			h->place = window_begin(h->vault, h->data, h->len,
			    &h->seq);
			TAILQ_INSERT_TAIL(put, h, entry);
		} else if ((stuck || fit == WINDOW_NEVER) && !h->strict) {
			TAILQ_REMOVE(&waiting, h, entry);
			held_lost(h);
		}
	}
}

/*
 * After a write: who is through, and who is not.  What the kernel has nothing
 * of is taken back from the end of the window, so that it may still be given
 * up; of one record it may have a part.
 */
static void
settle(struct helds *put)
{
	struct logheld	*h;

	while ((h = TAILQ_LAST(put, helds)) != NULL &&
	    !window_is_begun(h->seq)) {
		window_undo(h->place);
		TAILQ_REMOVE(put, h, entry);
		TAILQ_INSERT_HEAD(&waiting, h, entry);
	}
	while ((h = TAILQ_FIRST(put)) != NULL) {
		TAILQ_REMOVE(put, h, entry);
		if (window_is_sent(h->seq))
			held_logged(h, LOGGED);
		else
			partial = h;
	}
}

static int
write_hello(void)
{
	while (hello_sent < hello_len && usable())
		(void)write_some(hello + hello_sent, hello_len - hello_sent,
		    &hello_sent);
	return (hello_sent == hello_len);
}

static void
write_window(void)
{
	const uint8_t	*p;
	struct logheld	*h = partial;
	size_t		 len, n;

	while (usable() && (len = window_unsent(&p)) > 0) {
		n = 0;
		if (write_some(p, len, &n) == -1)
			break;
		window_sent(n);
	}
	if (h != NULL && window_is_sent(h->seq)) {
		partial = NULL;
		held_logged(h, LOGGED);
	}
}

/*
 * One write; adds what it took to *n.  A short one means that the kernel is
 * full.  An error says that the peer is gone, but what it sent before can
 * still be read: the link's end is left to its reader.
 */
static int
write_some(const uint8_t *p, size_t len, size_t *n)
{
	ssize_t	 w;

	if ((w = send(link_fd(logd), p, len, 0)) == -1) {
		if (errno == EINTR)
			return (0);
		if (errno == EAGAIN || errno == EWOULDBLOCK ||
		    errno == ENOBUFS || errno == ENOMEM)
			w = 0;
		else {
			deaf = 1;
			return (-1);
		}
	}
	*n += w;
	if ((size_t)w < len) {
		blocked = 1;
		if (event_add(&writable, NULL) == -1)
			fatalx("log stream: event_add failed");
	}
	return (0);
}

/*
 * Who has waited for long enough goes on.  A BEGIN of which the kernel has a
 * part stays where it is.
 */
static void
expire(void)
{
	struct logheld	*h, *hnext;
	struct logrec	*rec, *next;
	uint64_t	 now, soon = UINT64_MAX;

	if (TAILQ_EMPTY(&waiting) && TAILQ_EMPTY(&committing) &&
	    partial == NULL)
		return;
	now = loop_mono();
	TAILQ_FOREACH_SAFE(h, &waiting, entry, hnext) {
		if (h->deadline <= now) {
			TAILQ_REMOVE(&waiting, h, entry);
			held_lost(h);
		} else if (h->deadline < soon)
			soon = h->deadline;
	}
	if ((h = partial) != NULL && h->deadline <= now) {
		partial = NULL;
		held_logged(h, h->strict ? REFUSED : UNLOGGED);
	} else if (h != NULL && h->deadline < soon)
		soon = h->deadline;
	TAILQ_FOREACH_SAFE(rec, &committing, entry, next) {
		if (rec->deadline <= now)
			rec_ready(rec, REFUSED);
		else if (rec->deadline < soon)
			soon = rec->deadline;
	}
	if (soon != UINT64_MAX) {
		evtimer_del(&hold_timer);
		arm(&hold_timer, soon - now);
	}
}

/* Each may end this record and others, and begin new ones. */
static void
call_ready(void)
{
	struct logrec	*rec;

	while ((rec = TAILQ_FIRST(&ready)) != NULL) {
		rec_off(rec);
		if (rec->ready != NULL)
			rec->ready(rec, rec->how, rec->arg);
	}
}

void
logstream_msg_ack(struct link *l, struct msg *m)
{
	struct logrec	*rec, *next;
	uint64_t	 seq = m->u.ack.seq;
	int		 n;

	/* A logd that is gone; the new one says it again. */
	if (l != logd)
		return;
	if ((n = window_ack(seq)) == -1) {
		link_bad(l, "ACK of what was not sent");
		return;
	}
	if (n > 0) {
		moved = loop_mono();
		fresh = 1;
	}
	TAILQ_FOREACH_SAFE(rec, &committing, entry, next) {
		if (rec->seq > seq)
			break;
		rec_ready(rec, LOGGED);
	}
}

/*
 * Of a link that has not ended yet, but has a successor, nothing is heard
 * any more: what it might still acknowledge is written again.
 */
void
logstream_opened(struct link *l)
{
	struct msg_hello	 m;
	const uint8_t		*data;

	if (logd != NULL)
		event_del(&writable);
	logd = l;
	blocked = deaf = 0;
	urgent = 1;
	moved = loop_mono();
	event_set(&writable, link_fd(l), EV_WRITE, link_writable, NULL);
	window_rewind();
	stats.resent += window_next() - window_first();
	m.next = window_first();
	m.begins = window_begins();
	hello_len = window_encode(MSG_HELLO, &m, &data);
	if (hello_len == 0 || hello_len > sizeof(hello))
		fatal("record: HELLO");
	memcpy(hello, data, hello_len);
	hello_sent = 0;
}

void
logstream_closed(struct link *l)
{
	if (l != logd)
		return;
	event_del(&writable);
	logd = NULL;
	blocked = deaf = 0;
}

void
logstream_event(const struct msg_event *m)
{
	struct msg_event	 e = *m;
	uint64_t		 held;

	if (m->code >= EVENT_MAX)
		fatalx("record: no such event");
	if (e.count == 0)
		e.count = 1;
	if (log_allowed(&buckets[m->code], loop_mono(), &held))
		emit_event(&e);
	else
		hold_event(&e);
}

static void
hold_event(const struct msg_event *m)
{
	struct surplus	*s = &surplus[m->code];

	if (s->count == 0) {
		s->scope = m->scope;
		s->vault = m->vault;
	} else if (s->scope != m->scope || s->vault != m->vault)
		s->scope = s->vault = 0;
	s->count += m->count;
	arm(&event_timer, LOGSTREAM_SURPLUS * 1000);
}

static void
timer_event(int fd, short what, void *arg)
{
	put_events();
}

/* One without a place is counted on, as one over the rate is. */
static void
emit_event(const struct msg_event *m)
{
	const uint8_t	*data;
	size_t		 len;

	if ((len = window_encode(MSG_EVENT, m, &data)) == 0)
		log_warn("record of an event");
	if (len == 0 || window_fits(len) != WINDOW_FITS) {
		hold_event(m);
		return;
	}
	(void)window_put(data, len);
	arm(&end_timer, LOGSTREAM_END * 1000);
}

/* What was over the rate: neither from where nor for what, only how often. */
static void
put_events(void)
{
	struct msg_event	 e;
	int			 i;

	for (i = 0; i < EVENT_MAX; i++) {
		if (surplus[i].count == 0)
			continue;
		memset(&e, 0, sizeof(e));
		e.code = i;
		e.scope = surplus[i].scope;
		e.vault = surplus[i].vault;
		e.count = surplus[i].count;
		surplus[i].count = 0;
		emit_event(&e);
	}
}

/*
 * Write it all, BYE at the end if nothing is open; blocking, until `end'.
 */
static int
bye_write(uint64_t end)
{
	struct pollfd	 pfd;
	const uint8_t	*p;
	uint64_t	 now;
	int		 said = 0;

	for (;;) {
		urgent = 1;
		flush();
		if (logd == NULL || deaf)
			return (-1);
		if (usable() && !said && window_open() == 0 &&
		    TAILQ_EMPTY(&waiting)) {
			window_bye();
			said = 1;
			continue;
		}
		if (usable() && window_unsent(&p) == 0)
			return (said ? 0 : -1);
		if ((now = loop_mono()) >= end)
			return (-1);
		pfd.fd = link_fd(logd);
		pfd.events = POLLOUT;
		if (poll(&pfd, 1, (end - now) / 1000 + 1) == 1)
			blocked = 0;
	}
}

/*
 * What was lost and could not be told by now stays in the ledger, which logd
 * reads when this process has ended.
 */
int
logstream_bye(int ms)
{
	struct logheld	*h;
	int		 rc;

	put_events();
	rc = bye_write(loop_mono() + (uint64_t)ms * 1000);
	while ((h = TAILQ_FIRST(&waiting)) != NULL) {
		TAILQ_REMOVE(&waiting, h, entry);
		held_lost(h);
	}
	return (rc);
}

void
logstream_stats(struct logstream_stats *st)
{
	window_stats(&stats);
	*st = stats;
}
