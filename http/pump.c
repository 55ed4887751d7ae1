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

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define FILTER_OUT	(FILTER_ROOM * 2)

enum step {
	STEP_ON,		/* something moved */
	STEP_STILL,		/* nothing to do */
	STEP_OVER		/* the end was told */
};

static enum step	 pump_step(struct pump *);
static enum step	 pump_over(struct pump *, enum pump_end);
static enum step	 pump_failed(struct pump *);
static enum step	 pump_finish(struct pump *);
static enum step	 pump_put(struct pump *, const uint8_t *, size_t,
			    size_t *);
static enum step	 pump_filters(struct pump *, int, const uint8_t *,
			    size_t);
static enum step	 pump_filter_run(struct pump *, struct filter *,
			    const uint8_t *, size_t, int, size_t *);
static enum step	 pump_filtered(struct pump *);
static void		 pump_hold(struct pump *, int);

void
pump_init(struct pump *p, void (*end)(struct pump *, enum pump_end, void *),
    void *arg)
{
	TAILQ_INIT(&p->filters);
	p->end = end;
	p->arg = arg;
	p->in = p->out = 0;
	p->held = p->over = 0;
}

void
pump_filter(struct pump *p, struct filter *f)
{
	buf_init(&f->out, FILTER_OUT);
	f->done = 0;
	TAILQ_INSERT_TAIL(&p->filters, f, entry);
}

void
pump_free(struct pump *p)
{
	struct filter	*f;

	if (p->end == NULL)
		return;
	pump_hold(p, 0);
	while ((f = TAILQ_FIRST(&p->filters)) != NULL) {
		TAILQ_REMOVE(&p->filters, f, entry);
		buf_clear(&f->out);
		if (f->free != NULL)
			f->free(f);
	}
	body_source_free(&p->source);
	p->over = 1;
	p->end = NULL;
}

static void
pump_hold(struct pump *p, int on)
{
	if (p->held == on)
		return;
	p->held = on;
	if (on)
		conn_pause(p->source.conn);
	else
		conn_resume(p->source.conn);
}

void
pump_eof(struct pump *p, enum conn_eof how)
{
	if (p->over)
		return;
	body_source_eof(&p->source, how);
	pump_run(p);
}

void
pump_run(struct pump *p)
{
	enum step	 step;

	if (p->over)
		return;
	do {
		if (body_sink_full(&p->sink)) {
			pump_hold(p, 1);
			return;
		}
		step = pump_step(p);
	} while (step == STEP_ON);
	if (step == STEP_STILL)
		pump_hold(p, body_sink_full(&p->sink));
}

/* The owner may free the pump in its callback. */
static enum step
pump_over(struct pump *p, enum pump_end end)
{
	pump_hold(p, 0);
	p->over = 1;
	p->end(p, end, p->arg);
	return (STEP_OVER);
}

static enum step
pump_step(struct pump *p)
{
	const uint8_t	*data;
	size_t		 n, used;
	enum source_rc	 rc;
	enum step	 step;

	rc = body_source_next(&p->source, &data, &n);
	if (!TAILQ_EMPTY(&p->filters)) {
		step = pump_filters(p, rc == SOURCE_DONE, data,
		    rc == SOURCE_DATA ? n : 0);
		if (step != STEP_STILL || rc == SOURCE_DONE)
			return (step);
	}
	switch (rc) {
	case SOURCE_DATA:
		if (!TAILQ_EMPTY(&p->filters))
			return (STEP_STILL);
		step = pump_put(p, data, n, &used);
		if (step == STEP_ON) {
			body_source_used(&p->source, used);
			p->in += used;
		}
		return (step);
	case SOURCE_MORE:
		return (STEP_STILL);
	case SOURCE_DONE:
		return (pump_finish(p));
	case SOURCE_TRUNCATED:
		return (pump_over(p, PUMP_TRUNCATED));
	default:
		return (pump_over(p, PUMP_MALFORMED));
	}
}

static enum step
pump_finish(struct pump *p)
{
	if (body_sink_end(&p->sink,
	    http_body_trailers(&p->source.body)) == 0)
		return (pump_over(p, PUMP_DONE));
	return (pump_failed(p));
}

/* The sink set errno. */
static enum step
pump_failed(struct pump *p)
{
	switch (errno) {
	case EMSGSIZE:
		return (pump_over(p, PUMP_LENGTH));
	case EPIPE:
		return (pump_over(p, PUMP_SINK));
	default:
		return (pump_over(p, PUMP_MEMORY));
	}
}

static enum step
pump_put(struct pump *p, const uint8_t *data, size_t n, size_t *used)
{
	ssize_t	 put;

	*used = 0;
	put = body_sink_put(&p->sink, data, n);
	if (put == -1)
		return (pump_failed(p));
	*used = put;
	p->out += put;
	return (put > 0 ? STEP_ON : STEP_STILL);
}

/*
 * One round through the filters, from the last to the first, so that each
 * finds room behind it.  data is what the source has; last: and no more.
 */
static enum step
pump_filters(struct pump *p, int last, const uint8_t *data, size_t n)
{
	struct filter	*f, *before;
	enum step	 step, round;
	size_t		 used;

	if ((round = pump_filtered(p)) == STEP_OVER)
		return (STEP_OVER);
	TAILQ_FOREACH_REVERSE(f, &p->filters, filterlist, entry) {
		before = TAILQ_PREV(f, filterlist, entry);
		if (before != NULL)
			step = pump_filter_run(p, f, buf_data(&before->out),
			    buf_len(&before->out), before->done, &used);
		else
			step = pump_filter_run(p, f, data, n, last, &used);
		if (step == STEP_OVER)
			return (STEP_OVER);
		if (before != NULL)
			buf_drain(&before->out, used);
		else if (used > 0) {
			body_source_used(&p->source, used);
			p->in += used;
		}
		if (step == STEP_ON)
			round = STEP_ON;
	}
	f = TAILQ_LAST(&p->filters, filterlist);
	if (round == STEP_STILL && f->done && buf_len(&f->out) == 0)
		return (pump_finish(p));
	return (round);
}

/* Call a filter if it has something to do and room for it. */
static enum step
pump_filter_run(struct pump *p, struct filter *f, const uint8_t *data,
    size_t n, int last, size_t *used)
{
	size_t	 before;
	int	 rc;

	*used = 0;
	before = buf_len(&f->out);
	if (f->done || (n == 0 && !last) || buf_room(&f->out) < FILTER_ROOM)
		return (STEP_STILL);
	rc = f->run(f, data, n, last, &f->out, used);
	if (rc == -1 ||
	    (rc == 0 && *used == 0 && buf_len(&f->out) == before))
		return (pump_over(p, PUMP_FILTER));
	f->done = rc;
	return (STEP_ON);
}

/* What the last filter has written goes to the sink. */
static enum step
pump_filtered(struct pump *p)
{
	struct filter	*f;
	enum step	 step;
	size_t		 used;

	f = TAILQ_LAST(&p->filters, filterlist);
	if (buf_len(&f->out) == 0)
		return (STEP_STILL);
	step = pump_put(p, buf_data(&f->out), buf_len(&f->out), &used);
	if (step == STEP_ON)
		buf_drain(&f->out, used);
	return (step);
}
