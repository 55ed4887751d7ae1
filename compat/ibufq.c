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

#include <stdlib.h>

#include <imsg.h>

#include "ibufq.h"

void
ibufq_init(struct ibufqueue *q)
{
	TAILQ_INIT(&q->bufs);
	q->queued = 0;
}

struct ibufqueue *
ibufq_new(void)
{
	struct ibufqueue	*q;

	if ((q = malloc(sizeof(*q))) == NULL)
		return (NULL);
	ibufq_init(q);
	return (q);
}

void
ibufq_free(struct ibufqueue *q)
{
	if (q == NULL)
		return;
	ibufq_flush(q);
	free(q);
}

struct ibuf *
ibufq_pop(struct ibufqueue *q)
{
	struct ibuf	*buf;

	if ((buf = TAILQ_FIRST(&q->bufs)) == NULL)
		return (NULL);
	TAILQ_REMOVE(&q->bufs, buf, entry);
	q->queued--;
	return (buf);
}

void
ibufq_push(struct ibufqueue *q, struct ibuf *buf)
{
	/* A view's memory would be gone before the queue is. */
	if (buf->fd == IBUF_VIEW)
		abort();
	TAILQ_INSERT_TAIL(&q->bufs, buf, entry);
	q->queued++;
}

uint32_t
ibufq_queuelen(struct ibufqueue *q)
{
	return (q->queued);
}

void
ibufq_concat(struct ibufqueue *to, struct ibufqueue *from)
{
	TAILQ_CONCAT(&to->bufs, &from->bufs, entry);
	to->queued += from->queued;
	from->queued = 0;
}

void
ibufq_flush(struct ibufqueue *q)
{
	struct ibuf	*buf;

	while ((buf = ibufq_pop(q)) != NULL)
		ibuf_free(buf);
}
