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

#include "db.h"
#include "insert.h"
#include "log.h"
#include "loop.h"
#include "query.h"
#include "queryrow.h"

static void	query_refuse(struct query *, uint16_t, const char *);
static int	query_failed(struct query *);
static void	query_order(struct query *);
static int	query_done(struct query *);
static int	query_over(struct query *);
static int	query_take(struct query *, int64_t, struct arena *);
static int	query_slice(struct query *, struct arena *);

static void
query_refuse(struct query *q, uint16_t status, const char *text)
{
	q->n = 0;
	q->status = status;
	q->text = text;
	query_end(q);
}

static int
query_failed(struct query *q)
{
	log_warnx("query: %s", db_errstr());
	query_refuse(q, 503, "the request log cannot be read now");
	return (0);
}

/* A tail was read upwards, and is given like a page. */
static void
query_order(struct query *q)
{
	struct rec_row	 r;
	uint32_t	 i;

	for (i = 0; i < q->n / 2; i++) {
		r = q->rows[i];
		q->rows[i] = q->rows[q->n - 1 - i];
		q->rows[q->n - 1 - i] = r;
	}
}

int
query_start(struct query *q, struct arena *arena)
{
	const uint64_t	 head = insert_head();

	q->status = 200;
	q->text = "";
	q->n = 0;
	q->next_cursor = 0;
	q->latest_id = head;
	if (q->limit == 0)
		q->limit = QUERY_LIMIT;
	if (q->limit > QUERY_MAX)
		q->limit = QUERY_MAX;
	if (q->budget > QUERY_BUDGET_MAX)
		q->budget = QUERY_BUDGET_MAX;
	q->some = q->budget == 0 ? QUERY_SOME_MS : q->budget;
	if (q->budget == 0)
		q->budget = QUERY_BUDGET_MS;
	if (q->tail && q->before != 0) {
		query_refuse(q, 400, "before and after are mutually "
		    "exclusive");
		return (0);
	}
	if ((q->tail ? q->after : q->before) > head) {
		query_refuse(q, 409, "cursor_invalid");
		return (0);
	}
	if (filter_resolve(&q->filter, plan_vaults, NULL, &q->error) == -1) {
		query_refuse(q, 400, q->error.text);
		return (0);
	}
	q->rows = arena_alloc(arena, q->limit * sizeof(*q->rows));
	if (q->rows == NULL)
		fatal("query");
	q->before_gone = gone_count(q->vault, q->all);
	q->from = q->tail ? (int64_t)q->after : q->before == 0 ?
	    (int64_t)head + 1 : (int64_t)q->before;
	q->scan.filter = &q->filter;
	q->scan.up = q->tail;
	q->scan.all = q->all;
	q->scan.vault = q->vault;
	q->scan.want = q->limit + 1;
	plan_init(&q->plan, &q->scan, q->tail ? q->from + 1 : 1,
	    q->tail ? (int64_t)head : q->from - 1);
	return (1);
}

static int
query_done(struct query *q)
{
	if (q->tail) {
		query_order(q);
		if (q->n == q->limit)
			q->latest_id = q->rows[0].id;
		/* Now, since a row may have gone while this was under way. */
		if (gone_between(q->vault, q->all, q->after, q->latest_id,
		    &q->gone) == -1)
			return (query_failed(q));
		/* Some of them may have been read before they went. */
		if (q->gone.rows > 0 &&
		    gone_count(q->vault, q->all) != q->before_gone)
			q->gone.exact = 0;
	}
	query_end(q);
	return (0);
}

/* Looked at enough: say where to go on, if that is further on. */
static int
query_over(struct query *q)
{
	int64_t	 id;

	if (q->n == q->limit) {
		if (++q->ahead <= QUERY_AHEAD)
			return (1);
		q->next_cursor = q->rows[q->n - 1].id;
		return (query_done(q));
	}
	if (q->spent < (uint64_t)(q->n > 0 ? q->some : q->budget) * 1000)
		return (1);
	id = scan_frontier(&q->scan, q->from);
	if (id == q->from)
		return (1);
	q->partial = 1;
	q->next_cursor = id;
	if (q->tail)
		q->latest_id = id;
	return (query_done(q));
}

/* One that matched may have been deleted since. */
static int
query_take(struct query *q, int64_t id, struct arena *arena)
{
	int	 rc;

	if ((rc = queryrow_read(id, &q->rows[q->n], arena)) == -1)
		return (-1);
	q->n += rc;
	return (0);
}

static int
query_slice(struct query *q, struct arena *arena)
{
	int64_t	 id;
	int	 rc;

	if (q->plan.phase != PLAN_DONE) {
		rc = plan_work(&q->plan, &q->scan);
		return (rc == -1 ? query_failed(q) : 1);
	}
	while ((rc = scan_next(&q->scan, &id)) == 1) {
		if (q->n == q->limit) {
			q->next_cursor = q->rows[q->n - 1].id;
			return (query_done(q));
		}
		if (query_take(q, id, arena) == -1)
			return (query_failed(q));
		if (q->tail && q->n == q->limit)
			return (query_done(q));
	}
	if (rc == 0)
		return (query_done(q));
	if (q->scan.rows > 0 && query_over(q) == 0)
		return (0);
	return (scan_work(&q->scan) == -1 ? query_failed(q) : 1);
}

int
query_work(struct query *q, struct arena *arena)
{
	const uint64_t	 start = loop_mono();
	int		 more;

	more = query_slice(q, arena);
	q->spent += loop_mono() - start;
	return (more);
}

void
query_end(struct query *q)
{
	plan_free(&q->plan);
	scan_free(&q->scan);
	q->plan.phase = PLAN_DONE;
}

void
query_run(struct query *q, struct arena *arena)
{
	if (!query_start(q, arena))
		return;
	while (query_work(q, arena))
		;
}
