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

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "db.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "queryplan.h"
#include "querystats.h"
#include "retain.h"

#define MINUTE		INT64_C(60000000)
#define RETRY_US	1000000

static unsigned int	 running;
static uint64_t		 next_try;	/* monotonic */

static int	refuse(struct querystats *, uint16_t, const char *);
static int	failed(struct querystats *);
static int	vaults_of(struct querystats *, const char *);
static int	counted(void);
static void	begin(struct querystats *);
static void	sums_window(struct querystats *);
static int	sums_work(struct querystats *);
static void	names_begin(struct querystats *);
static void	names_window(struct querystats *, struct toplist *);
static int	names_done(struct querystats *, const struct toplist *);
static int	names_work(struct querystats *, struct toplist *);
static int	slice(struct querystats *);
static void	add(struct rollup_sum *, const struct rollup_sum *);
static void	fill(struct rec_sums *, uint32_t, const struct rollup_sum *);
static uint32_t	fill_steps(const struct querystats *, struct rec_sums *,
		    struct rec_sums *);
static uint32_t	fill_names(struct toplist *, uint32_t, struct rec_top *,
		    uint64_t *);

_Static_assert(DECISION_MAX == 5 && DECISION_ERROR == 4, "sums");

static int
refuse(struct querystats *q, uint16_t status, const char *text)
{
	querystats_end(q);
	q->status = status;
	q->text = text;
	return (0);
}

static int
failed(struct querystats *q)
{
	log_warnx("stats: %s", db_errstr());
	return (refuse(q, 503, "the request log cannot be read now"));
}

/* Each once: a name and a number may mean the same vault. */
static int
vaults_of(struct querystats *q, const char *vaults)
{
	struct filter	 f;
	unsigned int	 i, k;
	uint64_t	 id;

	filter_init(&f);
	if (filter_add(&f, filter_name(FILTER_VAULT), vaults, 0,
	    &q->error) == -1 ||
	    filter_resolve(&f, plan_vaults, NULL, &q->error) == -1)
		return (-1);
	if (f.nterms > 1 || (f.nterms == 1 && f.terms[0].negated)) {
		(void)strlcpy(q->error.text, "vault: a list without \"!\"",
		    sizeof(q->error.text));
		return (-1);
	}
	for (i = 0; f.nterms == 1 && i < f.terms[0].n; i++) {
		id = f.values[f.terms[0].first + i].lo;
		for (k = 0; k < q->nids && q->ids[k] != id; k++)
			;
		if (k == q->nids)
			q->ids[q->nids++] = id;
	}
	return (0);
}

/* Count again what memory has lost, but do not try that all the time. */
static int
counted(void)
{
	if (rollup_pending() != UINT_MAX)
		return (1);
	if (loop_mono() < next_try)
		return (0);
	if (rollup_recall() == 0)
		return (1);
	next_try = loop_mono() + RETRY_US;
	log_warnx("stats: %s", db_errstr());
	return (0);
}

int
querystats_start(struct querystats *q, const char *vaults)
{
	q->status = 200;
	q->text = "";
	if (q->from < -STATS_MINUTES || q->to > STATS_MINUTES ||
	    q->step < 1 || q->step > STATS_MINUTES || q->from >= q->to ||
	    (q->to - q->from - 1) / q->step >= STATS_STEPS)
		return (refuse(q, 400, "no such range of minutes"));
	if (*vaults != '\0' && !q->all)
		return (refuse(q, 400, "vault: only one may be read"));
	if (vaults_of(q, vaults) == -1)
		return (refuse(q, 400, q->error.text));
	if (q->nids == 0)
		q->ids[q->nids++] = q->all ? ROLLUP_ALL : q->vault;
	if (q->budget == 0 || q->budget > STATS_BUDGET_MS)
		q->budget = STATS_BUDGET_MS;
	q->phase = STATS_WAIT;
	return (1);
}

static void
begin(struct querystats *q)
{
	const int64_t	 n = (q->to - q->from - 1) / q->step + 1;

	if ((q->sums = calloc(n, sizeof(*q->sums))) == NULL)
		fatal("stats");
	running++;
	q->chart.step = q->step;
	q->window = q->from;
	sums_window(q);
	q->phase = STATS_SUMS;
}

/* The next steps, of the first vault. */
static void
sums_window(struct querystats *q)
{
	struct rollup_chart	*c = &q->chart;
	const int64_t		 n = (q->to - q->from - 1) / q->step + 1;

	c->from = q->window;
	q->window += q->step * ((n - 1) / STATS_WINDOWS + 1);
	if (q->window > q->to)
		q->window = q->to;
	c->to = q->window;
	c->sums = q->sums + (c->from - q->from) / q->step;
	c->vault = q->ids[q->at = 0];
	c->at_vault = c->at_minute = 0;
}

static int
sums_work(struct querystats *q)
{
	struct rollup_chart	*c = &q->chart;
	int			 rc;

	if ((rc = rollup_read(c)) == -1)
		return (failed(q));
	if (rc == 0)
		return (1);
	if (++q->at < q->nids) {
		c->vault = q->ids[q->at];
		c->at_vault = c->at_minute = 0;
		return (1);
	}
	if (q->window < q->to && q->spent < (uint64_t)q->budget * 1000) {
		sums_window(q);
		return (1);
	}
	if (q->window < q->to) {
		q->to = q->window;
		q->partial = 1;
	}
	names_begin(q);
	return (1);
}

/* Whole hours: those that the chart touches. */
static void
names_begin(struct querystats *q)
{
	const int64_t	 hour = 60;

	q->top_from = q->from / hour - (q->from % hour < 0);
	q->top_to = q->to / hour + (q->to % hour > 0);
	if (q->top_from < q->top_to - STATS_HOURS_MAX)
		q->top_from = q->top_to - STATS_HOURS_MAX;
	if (q->names == 0) {
		q->phase = STATS_DONE;
		return;
	}
	q->hosts.what = ROLLTOP_HOST;
	q->services.what = ROLLTOP_SERVICE;
	q->hosts.from = q->services.from = q->top_to;
	q->spent = 0;
	names_window(q, &q->hosts);
	q->phase = STATS_HOSTS;
}

/* Hours before those that were read. */
static void
names_window(struct querystats *q, struct toplist *l)
{
	l->to = l->from;
	l->from -= STATS_HOURS;
	if (l->from < q->top_from)
		l->from = q->top_from;
	l->vault = q->ids[q->at = 0];
	l->at_vault = 0;
	l->at_hour = l->from;
}

/* Services are counted in the hours in which hosts were. */
static int
names_done(struct querystats *q, const struct toplist *l)
{
	if (l->what == ROLLTOP_SERVICE) {
		q->phase = STATS_DONE;
		return (0);
	}
	q->top_from = l->from;
	names_window(q, &q->services);
	q->phase = STATS_SERVICES;
	return (1);
}

static int
names_work(struct querystats *q, struct toplist *l)
{
	int	 rc;

	if ((rc = toplist_read(l)) == -1)
		return (failed(q));
	if (rc == 0)
		return (1);
	if (++q->at < q->nids) {
		l->vault = q->ids[q->at];
		l->at_vault = 0;
		l->at_hour = l->from;
		return (1);
	}
	if (l->from > q->top_from && (l->what == ROLLTOP_SERVICE ||
	    q->spent < (uint64_t)q->budget * 500)) {
		names_window(q, l);
		return (1);
	}
	return (names_done(q, l));
}

static int
slice(struct querystats *q)
{
	switch (q->phase) {
	case STATS_WAIT:
		if (running == STATS_RUNNING)
			return (1);
		if (!counted())
			return (refuse(q, 503, "rows are to be counted again "
			    "first: try again"));
		begin(q);
		return (1);
	case STATS_SUMS:
		return (sums_work(q));
	case STATS_HOSTS:
		return (names_work(q, &q->hosts));
	case STATS_SERVICES:
		return (names_work(q, &q->services));
	case STATS_DONE:
		break;
	}
	return (0);
}

int
querystats_work(struct querystats *q)
{
	const uint64_t	 start = loop_mono();
	int		 more;

	/* A rollback since may have taken from memory what was counted. */
	if (q->phase != STATS_WAIT && !counted())
		return (refuse(q, 503, "rows are to be counted again first: "
		    "try again"));
	more = slice(q);
	q->spent += loop_mono() - start;
	return (more);
}

void
querystats_end(struct querystats *q)
{
	if (q->sums != NULL)
		running--;
	free(q->sums);
	q->sums = NULL;
	toplist_free(&q->hosts);
	toplist_free(&q->services);
	q->phase = STATS_DONE;
}

static void
add(struct rollup_sum *to, const struct rollup_sum *s)
{
	unsigned int	 i;

	to->rows += s->rows;
	to->errors += s->errors;
	to->bytes_in += s->bytes_in;
	to->bytes_out += s->bytes_out;
	for (i = 0; i < CLASS_MAX; i++)
		to->class[i] += s->class[i];
	for (i = 0; i < 8; i++)
		to->decision[i] += s->decision[i];
	for (i = 0; i < HIST_BUCKETS; i++)
		to->latency.n[i] += s->latency.n[i];
}

static void
fill(struct rec_sums *r, uint32_t step, const struct rollup_sum *s)
{
	r->step = step;
	r->rows = s->rows;
	r->errors = s->errors;
	r->nothing = s->class[0];
	r->class1 = s->class[1];
	r->class2 = s->class[2];
	r->class3 = s->class[3];
	r->class4 = s->class[4];
	r->class5 = s->class[5];
	r->unknown = s->class[6];
	r->undecided = s->decision[DECISION_NONE];
	r->brokered = s->decision[DECISION_BROKERED];
	r->passthrough = s->decision[DECISION_PASSTHROUGH];
	r->blocked = s->decision[DECISION_BLOCKED];
	r->failed = s->decision[DECISION_ERROR];
	r->bytes_in = s->bytes_in;
	r->bytes_out = s->bytes_out;
	r->p50 = hist_quantile(&s->latency, 500);
	r->p95 = hist_quantile(&s->latency, 950);
	r->p99 = hist_quantile(&s->latency, 990);
	r->longest = hist_quantile(&s->latency, 1000);
}

static uint32_t
fill_steps(const struct querystats *q, struct rec_sums *steps,
    struct rec_sums *total)
{
	struct rollup_sum	 all;
	uint32_t		 i, n = 0;

	memset(&all, 0, sizeof(all));
	for (i = 0; (int64_t)i * q->step < q->to - q->from; i++) {
		if (q->sums[i].rows == 0)
			continue;
		add(&all, &q->sums[i]);
		fill(&steps[n++], i, &q->sums[i]);
	}
	fill(total, 0, &all);
	return (n);
}

static uint32_t
fill_names(struct toplist *l, uint32_t max, struct rec_top *to,
    uint64_t *others)
{
	struct topbest	 best[TOPLIST_BEST];
	uint32_t	 i, n;

	n = toplist_best(l, best, max, others);
	for (i = 0; i < n; i++) {
		to[i].name = best[i].name;
		to[i].count = best[i].count;
	}
	return (n);
}

void
querystats_send(struct querystats *q, struct link *l, uint32_t id)
{
	static struct rec_sums	 steps[STATS_STEPS];
	struct rec_top		 hosts[TOPLIST_BEST], services[TOPLIST_BEST];
	struct rec_sums		 total;
	struct msg_charted	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.status = q->status;
	m.text = q->text;
	if (q->status == 200) {
		m.to = q->to;
		m.kept = clock_now() / MINUTE - ROLLUP_DAYS * 1440;
		m.retain_seconds = retain_config()->seconds;
		m.retain_rows = retain_config()->rows;
		m.partial = q->partial;
		m.steps = steps;
		m.steps_n = fill_steps(q, steps, &total);
		m.total = &total;
		m.total_n = 1;
		m.top_from = q->top_from;
		m.top_to = q->top_to;
		m.hosts = hosts;
		m.hosts_n = fill_names(&q->hosts, q->names, hosts,
		    &m.other_hosts);
		m.services = services;
		m.services_n = fill_names(&q->services, q->names, services,
		    &m.other_services);
	}
	if (link_send(l, MSG_CHARTED, &m, -1) == -1)
		fatal("stats");
}
