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

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "log.h"
#include "loop.h"
#include "proc.h"
#include "query.h"
#include "queryjob.h"
#include "querystats.h"
#include "queryvalues.h"
#include "scope.h"

struct job {
	TAILQ_ENTRY(job)	 entry;
	struct link		*link;
	uint32_t		 id;
	struct query		*query;		/* one of them */
	struct values		*values;
	struct querystats	*stats;
	struct arena		 arena;
};
TAILQ_HEAD(jobs, job);

static struct jobs	 jobs = TAILQ_HEAD_INITIALIZER(jobs);
static unsigned int	 njobs;

static unsigned int	 job_links(const struct link *);
static struct job	*job_new(struct link *, uint32_t);
static void	job_free(struct job *);
static int	job_query(struct job *);
static int	job_values(struct job *);
static int	job_stats(struct job *);
static int	job_work(struct job *);
static void	job_turn(void *);
static void	send_rows(struct job *);
static void	send_end(struct link *, uint32_t, const struct query *);
static void	send_refused(struct link *, uint32_t, uint16_t, const char *);
static void	send_values(struct link *, uint32_t, uint16_t, const char *,
		    const struct values *);

void
queryjob_init(void)
{
	loop_hook(TURN_WORK, job_turn, NULL);
}

unsigned int
queryjob_count(void)
{
	return (njobs);
}

static unsigned int
job_links(const struct link *l)
{
	struct job	*j;
	unsigned int	 n = 0;

	TAILQ_FOREACH(j, &jobs, entry)
		n += j->link == l;
	return (n);
}

static struct job *
job_new(struct link *l, uint32_t id)
{
	struct job	*j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		fatal("query");
	j->link = l;
	j->id = id;
	TAILQ_INSERT_TAIL(&jobs, j, entry);
	njobs++;
	if (job_links(l) == JOBS_MAX)
		link_pause(l);
	return (j);
}

static void
job_free(struct job *j)
{
	if (j->link != NULL && job_links(j->link) == JOBS_MAX)
		link_resume(j->link);
	TAILQ_REMOVE(&jobs, j, entry);
	njobs--;
	if (j->query != NULL)
		query_end(j->query);
	if (j->stats != NULL)
		querystats_end(j->stats);
	free(j->query);
	free(j->values);
	free(j->stats);
	arena_free(&j->arena);
	free(j);
}

/* More than the fixed fields of a row take. */
#define ROW_FIXED	320

size_t
queryjob_row_size(const struct rec_row *r)
{
	return (ROW_FIXED + strlen(r->actor) + strlen(r->actor_name) +
	    strlen(r->host) + strlen(r->path) + strlen(r->service) +
	    strlen(r->keys) + strlen(r->auth_header) + strlen(r->detail) +
	    strlen(r->method));
}

static void
send_rows(struct job *j)
{
	const struct query	*q = j->query;
	struct msg_rows		 m;
	size_t			 size = 0, add;
	uint32_t		 i;

	m.id = j->id;
	m.rows = q->rows;
	m.rows_n = 0;
	for (i = 0; i < q->n; i++) {
		add = queryjob_row_size(&q->rows[i]);
		if (size + add > JOB_PAGE) {
			if (link_send(j->link, MSG_ROWS, &m, -1) == -1)
				fatal("rows");
			m.rows += m.rows_n;
			m.rows_n = 0;
			size = 0;
		}
		m.rows_n++;
		size += add;
	}
	if (m.rows_n > 0 && link_send(j->link, MSG_ROWS, &m, -1) == -1)
		fatal("rows");
}

static void
send_end(struct link *l, uint32_t id, const struct query *q)
{
	struct msg_rows_end	 m;

	m.id = id;
	m.status = q->status;
	m.text = q->text;
	m.next_cursor = q->next_cursor;
	m.latest_id = q->latest_id;
	m.partial = q->partial;
	m.gone = q->gone.rows;
	m.gone_exact = q->gone.exact;
	m.oldest_id = q->gone.oldest;
	if (link_send(l, MSG_ROWS_END, &m, -1) == -1)
		fatal("rows");
}

static void
send_refused(struct link *l, uint32_t id, uint16_t status, const char *text)
{
	struct msg_rows_end	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.status = status;
	m.text = text;
	if (link_send(l, MSG_ROWS_END, &m, -1) == -1)
		fatal("rows");
}

static void
send_values(struct link *l, uint32_t id, uint16_t status, const char *text,
    const struct values *v)
{
	struct msg_value_list	 m;
	struct rec_value	 list[VALUES_MAX];
	uint32_t		 i;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.status = status;
	m.text = text;
	m.values = list;
	if (v != NULL) {
		for (i = 0; i < v->n; i++)
			list[i].text = v->text[i];
		m.values_n = v->n;
		m.more = v->more;
	}
	if (link_send(l, MSG_VALUE_LIST, &m, -1) == -1)
		fatal("values");
}

/* 1 when there is more to do. */
static int
job_query(struct job *j)
{
	if (query_work(j->query, &j->arena))
		return (1);
	send_rows(j);
	send_end(j->link, j->id, j->query);
	return (0);
}

static int
job_values(struct job *j)
{
	const int	 rc = values_work(j->values);

	if (rc == 1)
		return (1);
	if (rc == -1) {
		log_warnx("query: %s", db_errstr());
		send_values(j->link, j->id, 503,
		    "the request log cannot be read now", NULL);
	} else
		send_values(j->link, j->id, 200, "", j->values);
	return (0);
}

static int
job_stats(struct job *j)
{
	if (querystats_work(j->stats))
		return (1);
	querystats_send(j->stats, j->link, j->id);
	return (0);
}

static int
job_work(struct job *j)
{
	if (j->stats != NULL)
		return (job_stats(j));
	return (j->query != NULL ? job_query(j) : job_values(j));
}

/* What workers sent has been read, and rows that are due are committed. */
static void
job_turn(void *arg)
{
	const uint64_t	 end = loop_mono() + JOB_TURN_US;
	struct job	*j;

	if (db_handle() == NULL)
		return;
	while ((j = TAILQ_FIRST(&jobs)) != NULL && loop_mono() < end) {
		TAILQ_REMOVE(&jobs, j, entry);
		TAILQ_INSERT_TAIL(&jobs, j, entry);
		if (!job_work(j))
			job_free(j);
	}
	if (!TAILQ_EMPTY(&jobs))
		loop_again();
}

void
queryjob_query(struct link *l, struct msg *m)
{
	const struct msg_query	*ask = &m->u.query;
	struct filter_error	 e;
	struct scope		*s;
	struct query		*q;
	struct job		*j;

	if ((s = scope_asked(l, ask->scope)) == NULL) {
		send_refused(l, ask->id, 403, "no right to read this");
		return;
	}
	if (link_queued(l) > JOB_QUEUED) {
		send_refused(l, ask->id, 503, "answers are not read as fast "
		    "as asked for");
		return;
	}
	j = job_new(l, ask->id);
	if ((q = j->query = calloc(1, sizeof(*q))) == NULL)
		fatal("query");
	q->vault = s->who->vault;
	q->all = s->all;
	q->before = ask->before;
	q->after = ask->after;
	q->tail = ask->tail;
	q->limit = ask->limit;
	q->budget = ask->budget;
	if (filter_parse(&q->filter, ask->filter, 0, &e) == -1)
		send_refused(l, ask->id, 400, e.text);
	else if (query_start(q, &j->arena))
		return;
	else
		send_end(l, ask->id, q);
	job_free(j);
}

void
queryjob_values(struct link *l, struct msg *m)
{
	const struct msg_values	*ask = &m->u.values;
	struct scope		*s;
	struct values		*v;

	if ((s = scope_asked(l, ask->scope)) == NULL) {
		send_values(l, ask->id, 403, "no right to read this", NULL);
		return;
	}
	if (link_queued(l) > JOB_QUEUED || ask->key >= FILTER_KEYS ||
	    !values_known(ask->key)) {
		send_values(l, ask->id, link_queued(l) > JOB_QUEUED ? 503 :
		    400, "there is no such list, or not now", NULL);
		return;
	}
	if ((v = calloc(1, sizeof(*v))) == NULL)
		fatal("values");
	v->vault = s->who->vault;
	v->all = s->all;
	v->key = ask->key;
	v->limit = ask->limit;
	(void)strlcpy(v->prefix, ask->prefix, sizeof(v->prefix));
	job_new(l, ask->id)->values = v;
}

void
queryjob_chart(struct link *l, struct msg *m)
{
	const struct msg_chart	*ask = &m->u.chart;
	struct querystats	*q;
	struct scope		*s;
	struct job		*j;

	j = job_new(l, ask->id);
	if ((q = j->stats = calloc(1, sizeof(*q))) == NULL)
		fatal("stats");
	q->from = ask->from;
	q->to = ask->to;
	q->step = ask->step;
	q->names = ask->names;
	q->budget = ask->budget;
	if ((s = scope_asked(l, ask->scope)) == NULL) {
		q->status = 403;
		q->text = "no right to read this";
	} else if (link_queued(l) > JOB_QUEUED) {
		q->status = 503;
		q->text = "answers are not read as fast as asked for";
	} else {
		q->vault = s->who->vault;
		q->all = s->all;
		if (querystats_start(q, ask->vaults))
			return;
	}
	querystats_send(q, l, ask->id);
	job_free(j);
}

void
queryjob_cancel(struct link *l, struct msg *m)
{
	struct job	*j;

	TAILQ_FOREACH(j, &jobs, entry) {
		if (j->link == l && j->id == m->u.query_cancel.id) {
			job_free(j);
			return;
		}
	}
}

void
queryjob_closed(struct link *l)
{
	struct job	*j, *next;

	for (j = TAILQ_FIRST(&jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, entry);
		if (j->link == l) {
			j->link = NULL;
			job_free(j);
		}
	}
}
