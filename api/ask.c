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

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event.h>

#include "api.h"
#include "ask.h"
#include "log.h"
#include "loop.h"
#include "reply.h"

struct ask {
	RB_ENTRY(ask)		 entry;
	TAILQ_ENTRY(ask)	 age;
	uint32_t		 id;
	const struct link	*link;
	enum proc		 proc;
	uint32_t		 type;		/* of the answer */
	uint64_t		 since;		/* monotonic us */
	struct request		*req;
	ask_fn			*fn;
};
RB_HEAD(asks, ask);
TAILQ_HEAD(ages, ask);

static struct asks	 asks = RB_INITIALIZER(&asks);
static struct ages	 ages = TAILQ_HEAD_INITIALIZER(ages);
static struct event	 timer;
static uint32_t		 last_id;
static unsigned int	 nasks;

static int	cmp(struct ask *, struct ask *);
RB_PROTOTYPE_STATIC(asks, ask, entry, cmp)
static struct ask	*new_ask(struct request *, const struct link *,
			    uint32_t, ask_fn *);
static struct request	*take(struct ask *);
static struct ask	*find(struct link *, const struct msg *);
static void	overdue(int, short, void *);

static int
cmp(struct ask *a, struct ask *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_STATIC(asks, ask, entry, cmp)

void
ask_init(void)
{
	evtimer_set(&timer, overdue, NULL);
}

unsigned int
ask_count(void)
{
	return (nasks);
}

static struct ask *
new_ask(struct request *req, const struct link *l, uint32_t answer,
    ask_fn *fn)
{
	static const struct timeval	 second = { 1, 0 };
	struct ask			*a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		fatal("ask");
	do
		a->id = ++last_id;
	while (a->id == 0 || RB_FIND(asks, &asks, a) != NULL);
	a->link = l;
	a->proc = link_peer(l)->proc;
	a->type = answer;
	a->since = loop_mono();
	a->req = req;
	a->fn = fn;
	RB_INSERT(asks, &asks, a);
	TAILQ_INSERT_TAIL(&ages, a, age);
	if (nasks++ == 0)
		evtimer_add(&timer, &second);
	req->ask = a;
	return (a);
}

int
ask(struct request *req, enum proc proc, enum msg_type type, void *m,
    enum msg_type answer, ask_fn *fn)
{
	struct link	*l;
	struct ask	*a;

	l = proc == PROC_PARENT ? proc_parent() : proc_peer(proc);
	if (l == NULL) {
		reply_error(req, 503, "unavailable", "The process %s is "
		    "being restarted: try again", proc_name(proc));
		return (-1);
	}
	if (nasks >= ASK_MAX) {
		reply_error(req, 503, "overloaded",
		    "Too many requests at once: try again");
		return (-1);
	}
	a = new_ask(req, l, answer, fn);
	*(uint32_t *)m = a->id;
	if (link_send(l, type, m, -1) == -1) {
		if (errno != EMSGSIZE)
			fatal("question for %s", proc_name(proc));
		ask_forget(a);
		reply_error(req, 400, "too_long",
		    "A value in the request is too long");
		return (-1);
	}
	return (0);
}

/* logd need not go on looking. */
void
ask_forget(struct ask *a)
{
	struct msg_query_cancel	 m = { a->id };
	struct link		*l = a->proc == PROC_LOGD ?
				    proc_peer(PROC_LOGD) : NULL;

	if (l != NULL && l == a->link &&
	    link_send(l, MSG_QUERY_CANCEL, &m, -1) == -1)
		fatal("question for %s", proc_name(a->proc));
	(void)take(a);
}

static struct request *
take(struct ask *a)
{
	struct request	*req = a->req;

	req->ask = NULL;
	RB_REMOVE(asks, &asks, a);
	TAILQ_REMOVE(&ages, a, age);
	if (--nasks == 0)
		evtimer_del(&timer);
	free(a);
	return (req);
}

/*
 * The question that an answer is for.  One that has been given up is no
 * mistake of the peer; an answer to another question, or of another kind, is.
 */
static struct ask *
find(struct link *l, const struct msg *m)
{
	struct ask	 key, *a;

	/* All answers begin with their id. */
	key.id = m->u.who.id;
	if ((a = RB_FIND(asks, &asks, &key)) == NULL)
		return (NULL);
	if (a->link != l) {
		link_bad(l, "answer to what another was asked");
		return (NULL);
	}
	return (a);
}

int
ask_pending(const struct msg *m)
{
	struct ask	 key;

	key.id = m->u.who.id;
	return (RB_FIND(asks, &asks, &key) != NULL);
}

void
ask_answer(struct link *l, struct msg *m)
{
	struct ask	*a;
	ask_fn		*fn;

	if ((a = find(l, m)) == NULL)
		return;
	if (a->type != m->type) {
		link_bad(l, "answer of another kind");
		return;
	}
	fn = a->fn;
	fn(take(a), m);
}

void
ask_part(struct link *l, struct msg *m)
{
	struct ask	*a;

	if ((a = find(l, m)) == NULL)
		return;
	if (a->type != MSG_ROWS_END) {
		link_bad(l, "answer of another kind");
		return;
	}
	a->fn(a->req, m);
}

void
ask_longer(struct link *l, struct msg *m)
{
	struct ask	*a;

	if ((a = find(l, m)) == NULL)
		return;
	a->since = loop_mono();
	TAILQ_REMOVE(&ages, a, age);
	TAILQ_INSERT_TAIL(&ages, a, age);
}

static void
overdue(int fd, short what, void *arg)
{
	static const struct timeval	 second = { 1, 0 };
	const uint64_t			 now = loop_mono();
	struct request			*req;
	struct ask			*a;
	enum proc			 proc;

	while ((a = TAILQ_FIRST(&ages)) != NULL &&
	    now - a->since >= ASK_MS * 1000ULL) {
		proc = a->proc;
		req = take(a);
		api.counters.asks_late++;
		log_warnx("%s did not answer within %d s", proc_name(proc),
		    ASK_MS / 1000);
		reply_error(req, 504, "timeout", "The process %s did not "
		    "answer in time: whether something was changed is not "
		    "known", proc_name(proc));
	}
	if (nasks > 0)
		evtimer_add(&timer, &second);
}

void
ask_peer_gone(struct link *l)
{
	struct ask	*a, *next;

	TAILQ_FOREACH_SAFE(a, &ages, age, next) {
		if (a->link == l)
			reply_error(take(a), 503, "unavailable",
			    "The process %s has ended: try again",
			    proc_name(link_peer(l)->proc));
	}
}
