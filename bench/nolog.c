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

#include <string.h>

#include "logstream.h"
#include "loop.h"

/*
 * In the place of broker/logstream.c: a worker that logs nothing, to see what
 * logging costs.  Nobody waits longer than to the end of the turn, which is
 * when those that are logged go on too.
 */
static struct logrecs	 ready = TAILQ_HEAD_INITIALIZER(ready);

static void	logstream_turn(void *);
static void	logstream_late(void *);

void
logstream_init(void)
{
	loop_hook(TURN_LOG, logstream_turn, NULL);
	loop_hook(TURN_LINKS, logstream_late, NULL);
}

static void
logstream_turn(void *arg)
{
	struct logrec	*rec;

	while ((rec = TAILQ_FIRST(&ready)) != NULL) {
		TAILQ_REMOVE(&ready, rec, entry);
		rec->list = NULL;
		if (rec->ready != NULL)
			rec->ready(rec, LOGGED, rec->arg);
	}
}

static void
logstream_late(void *arg)
{
	if (!TAILQ_EMPTY(&ready))
		loop_again();
}

void
logstream_begin(struct logrec *rec, uint64_t vault, const struct msg_begin *m,
    void (*fn)(struct logrec *, int, void *), void *arg)
{
	memset(rec, 0, sizeof(*rec));
	rec->ready = fn;
	rec->arg = arg;
	rec->list = &ready;
	TAILQ_INSERT_TAIL(&ready, rec, entry);
}

void
logstream_alone(struct logrec *rec)
{
	rec->ready = NULL;
}

void
logstream_end(struct logrec *rec, const struct msg_end *m)
{
	if (rec->list != NULL)
		TAILQ_REMOVE(rec->list, rec, entry);
	memset(rec, 0, sizeof(*rec));
}

void
logstream_conf(int strict)
{
}

int
logstream_ledger(int fd, uint64_t instance)
{
	return (0);
}

void
logstream_event(const struct msg_event *m)
{
}

int
logstream_bye(int ms)
{
	return (0);
}

void
logstream_msg_ack(struct link *l, struct msg *m)
{
}

void
logstream_opened(struct link *l)
{
}

void
logstream_closed(struct link *l)
{
}

void
logstream_stats(struct logstream_stats *st)
{
	memset(st, 0, sizeof(*st));
}
