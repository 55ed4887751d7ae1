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

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "codes.h"
#include "filter.h"
#include "instant.h"
#include "keyd.h"
#include "logq.h"
#include "loop.h"
#include "reply.h"
#include "route.h"

#define MINUTE		INT64_C(60000000)	/* microseconds */
#define DAY		INT64_C(1440)		/* minutes */
#define STEPS		60	/* when nothing is said */
#define STEPS_MAX	500
#define STEP_MAX	(366 * DAY)
#define NAMES		10

/*
 * Counts of requests in steps of time.  Steps begin at multiples of their
 * length since the epoch, so that a chart that is asked for again has the
 * same ones: the answer covers up to a step more at either end.
 */
struct span {
	int64_t	 from;		/* minutes, to is not included */
	int64_t	 to;
	int64_t	 step;
};

static int64_t	floor_to(int64_t, int64_t);
static int	instant(struct request *, const char *, int64_t, int64_t *);
static int	duration(struct request *, const char *, int64_t *);
static int64_t	nice_step(int64_t, int64_t);
static int	step_of(struct request *, int64_t, struct span *);
static int	span_of(struct request *, struct span *);
static int	vaults_ok(struct request *);
static void	ask_for(struct request *, enum may_action, const char *);
static void	may_read(struct request *, struct msg *);
static void	put_ms(json_t *, const char *, int64_t);
static void	put_sums(json_t *, const struct rec_sums *);
static json_t	*steps(const struct msg_charted *, const struct span *);
static json_t	*names(const struct rec_top *, uint32_t);
static void	charted(struct request *, struct msg *);

static int64_t
floor_to(int64_t n, int64_t unit)
{
	return (n - ((n % unit) + unit) % unit);
}

static int
instant(struct request *req, const char *key, int64_t now, int64_t *to)
{
	const char	*s = request_query(req, key);

	if (s == NULL || instant_parse(s, now, to) == 0)
		return (0);
	reply_invalid(req, "%s must be a time such as 15m, 2h, 3d or "
	    "2026-01-02T15:04:05Z, not \"%.64s\"", key, s);
	return (-1);
}

/* In minutes, of which there must be whole ones. */
static int
duration(struct request *req, const char *s, int64_t *to)
{
	static const char	 units[] = "smhd";
	static const int64_t	 seconds[] = { 1, 60, 3600, 86400 };
	const size_t		 n = strspn(s, "0123456789");
	const char		*unit;
	int64_t			 v = 0;

	unit = s[n] == '\0' ? NULL : strchr(units, s[n]);
	if (n > 0 && n < 10 && unit != NULL && s[n + 1] == '\0')
		v = strtoll(s, NULL, 10) * seconds[unit - units];
	*to = v / 60;
	if (v > 0 && v % 60 == 0 && *to <= STEP_MAX)
		return (0);
	reply_invalid(req, "step must be whole minutes, such as 1m, 15m, 2h "
	    "or 1d, not \"%.64s\"", s);
	return (-1);
}

/* The shortest that people count in and that gives no more than n steps. */
static int64_t
nice_step(int64_t minutes, int64_t n)
{
	static const int64_t	 nice[] = { 1, 2, 5, 10, 15, 30, 60, 120, 180,
				    360, 720, DAY, 2 * DAY, 7 * DAY };
	size_t			 i;

	for (i = 0; i < sizeof(nice) / sizeof(nice[0]); i++) {
		if (minutes <= nice[i] * n)
			return (nice[i]);
	}
	return (((minutes - 1) / n / DAY + 1) * DAY);
}

static int
step_of(struct request *req, int64_t minutes, struct span *s)
{
	const char	*step = request_query(req, "step");
	uint64_t	 n = STEPS;
	int		 given;

	if ((given = logs_number(req, "buckets", request_query(req,
	    "buckets"), 1, &n)) == -1)
		return (-1);
	if (given && step != NULL) {
		reply_invalid(req, "step and buckets are mutually exclusive");
		return (-1);
	}
	if (step != NULL)
		return (duration(req, step, &s->step));
	/* The ends take one more. */
	if (n > STEPS_MAX - 1)
		n = STEPS_MAX - 1;
	s->step = nice_step(minutes, n);
	return (0);
}

static int
span_of(struct request *req, struct span *s)
{
	const int64_t	 now = loop_wall();
	int64_t		 since, until = now;

	if (instant(req, "until", now, &until) == -1)
		return (-1);
	since = until - DAY * MINUTE;
	if (instant(req, "since", now, &since) == -1)
		return (-1);
	if (since >= until) {
		reply_invalid(req, "since must be before until");
		return (-1);
	}
	s->from = floor_to(since, MINUTE) / MINUTE;
	s->to = floor_to(until - 1, MINUTE) / MINUTE + 1;
	if (step_of(req, (until - since - 1) / MINUTE + 1, s) == -1)
		return (-1);
	s->from = floor_to(s->from, s->step);
	s->to = floor_to(s->to - 1, s->step) + s->step;
	if ((s->to - s->from) / s->step <= STEPS_MAX)
		return (0);
	reply_invalid(req, "step is too short: at most %d fit into an answer",
	    STEPS_MAX);
	return (-1);
}

static int
vaults_ok(struct request *req)
{
	const char		*s = request_query(req, "vault");
	struct filter_error	 e = { 0, "" };
	struct filter		 f;

	filter_init(&f);
	if (s == NULL || (filter_add(&f, "vault", s, 0, &e) == 0 &&
	    (f.nterms == 0 || !f.terms[0].negated)))
		return (0);
	if (*e.text == '\0')
		reply_invalid(req, "vault must be a list without \"!\"");
	else
		reply_invalid(req, "%s", e.text);
	return (-1);
}

static void
ask_for(struct request *req, enum may_action action, const char *vault)
{
	struct span	 s;

	if (request_no_fields(req) == 0 && span_of(req, &s) == 0 &&
	    vaults_ok(req) == 0)
		keyd_may(req, action, vault, may_read);
}

void
logstats_vault(struct request *req)
{
	ask_for(req, ACTION_LOGS, req->param[0]);
}

void
logstats_instance(struct request *req)
{
	ask_for(req, ACTION_INSTANCE_LOGS, "");
}

static void
may_read(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;
	struct msg_chart		 ask_chart;
	struct span			 s;

	if (keyd_refused(req, a->status, a->code, a->text) ||
	    span_of(req, &s) == -1)
		return;
	memset(&ask_chart, 0, sizeof(ask_chart));
	ask_chart.scope = a->scope;
	ask_chart.vaults = request_query(req, "vault");
	ask_chart.from = s.from;
	ask_chart.to = s.to;
	ask_chart.step = s.step;
	ask_chart.names = NAMES;
	/* The answer needs no clock: it is of these steps. */
	req->cursor = s.from;
	req->bytes = s.step;
	if (ask(req, PROC_LOGD, MSG_CHART, &ask_chart, MSG_CHARTED,
	    charted) == 0)
		client_watch(req->client);
}

static void
put_ms(json_t *j, const char *key, int64_t us)
{
	json_put(j, key, us == -1 ? json_null() : json_milli(us));
}

static void
put_sums(json_t *j, const struct rec_sums *s)
{
	json_t	*map = json_map();

	json_put_number(j, "count", s->rows);
	json_put_number(map, "1xx", s->class1);
	json_put_number(map, "2xx", s->class2);
	json_put_number(map, "3xx", s->class3);
	json_put_number(map, "4xx", s->class4);
	json_put_number(map, "5xx", s->class5);
	json_put_number(map, "none", s->nothing);
	json_put_number(map, "unknown", s->unknown);
	json_put(j, "by_status", map);
	map = json_map();
	json_put_number(map, decision_name(DECISION_BROKERED), s->brokered);
	json_put_number(map, decision_name(DECISION_PASSTHROUGH),
	    s->passthrough);
	json_put_number(map, decision_name(DECISION_BLOCKED), s->blocked);
	json_put_number(map, decision_name(DECISION_ERROR), s->failed);
	json_put_number(map, "none", s->undecided);
	json_put(j, "by_decision", map);
	json_put_number(j, "errors", s->errors);
	json_put_number(j, "bytes_in", s->bytes_in);
	json_put_number(j, "bytes_out", s->bytes_out);
	put_ms(j, "p50_ms", s->p50);
	put_ms(j, "p95_ms", s->p95);
	put_ms(j, "p99_ms", s->p99);
	put_ms(j, "max_ms", s->longest);
}

/* Those that logd left out, since they are empty, too. */
static json_t *
steps(const struct msg_charted *c, const struct span *s)
{
	static const struct rec_sums	 none = { .p50 = -1, .p95 = -1,
					    .p99 = -1, .longest = -1 };
	json_t				*list = json_list(), *j;
	uint32_t			 i, k = 0;

	for (i = 0; s->from + i * s->step < s->to; i++) {
		j = json_map();
		json_put_time(j, "start", (s->from + i * s->step) * 60);
		if (k < c->steps_n && c->steps[k].step == i)
			put_sums(j, &c->steps[k++]);
		else
			put_sums(j, &none);
		json_add(list, j);
	}
	return (list);
}

static json_t *
names(const struct rec_top *top, uint32_t n)
{
	json_t		*list = json_list(), *j;
	uint32_t	 i;

	for (i = 0; i < n; i++) {
		j = json_map();
		json_put_text(j, "name", top[i].name);
		json_put_number(j, "count", top[i].count);
		json_add(list, j);
	}
	return (list);
}

static void
charted(struct request *req, struct msg *m)
{
	const struct msg_charted	*c = &m->u.charted;
	struct span			 s;
	json_t				*j = json_map(), *total, *kept;

	if (c->status != 200 || c->total_n != 1) {
		reply_error_json(req, c->status == 200 ? 500 : c->status,
		    c->status == 400 ? "invalid_filter" : NULL, c->text, j);
		return;
	}
	s.from = req->cursor;
	s.step = req->bytes;
	s.to = c->to;
	json_put_time(j, "from", s.from * 60);
	json_put_time(j, "to", s.to * 60);
	json_put_number(j, "step_seconds", s.step * 60);
	json_put_time(j, "kept_from", c->kept * 60);
	kept = json_map();
	json_put(kept, "max_age_hours", json_real(c->retain_seconds / 3600.0));
	json_put_number(kept, "max_rows_per_vault", c->retain_rows);
	json_put(j, "rows_kept", kept);
	if (c->partial)
		json_put_flag(j, "partial", 1);
	json_put(j, "buckets", steps(c, &s));
	total = json_map();
	put_sums(total, c->total);
	json_put(j, "total", total);
	json_put_time(j, "top_from", c->top_from * 3600);
	json_put_time(j, "top_to", c->top_to * 3600);
	json_put(j, "top_hosts", names(c->hosts, c->hosts_n));
	json_put_number(j, "other_hosts", c->other_hosts);
	json_put(j, "top_services", names(c->services, c->services_n));
	json_put_number(j, "other_services", c->other_services);
	reply_json(req, 200, j);
}
