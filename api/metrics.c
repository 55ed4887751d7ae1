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

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "client.h"
#include "codes.h"
#include "keyd.h"
#include "log.h"
#include "metrics.h"
#include "reply.h"
#include "route.h"

/*
 * GET /metrics: what the processes count, which they tell the parent each
 * five seconds, in the text format of Prometheus, version 0.0.4.  There is no
 * label whose values come from outside.
 */

#define LOGD	PROC_BIT(PROC_LOGD)
#define KEYD	PROC_BIT(PROC_KEYD)
#define PROXY	PROC_BIT(PROC_PROXY)
#define MITM	PROC_BIT(PROC_MITM)
#define WORKER	(PROXY | MITM)
#define RESOLV	PROC_BIT(PROC_RESOLVER)
#define API	(PROC_BIT(PROC_API_LOCAL) | PROC_BIT(PROC_API_TCP))
#define ALL	(~0U)

/* A counter of one process or of several, told apart by labels. */
static const struct metric {
	const char	*name;
	const char	*counter;
	unsigned int	 procs;
	const char	*help;
} metrics[] = {
	{ "log_rows_total", "rows", LOGD, "Rows written to the request log" },
	{ "log_gaps_total", "rows_gap", LOGD, "Rows that say that requests "
	    "are missing" },
	{ "log_lost_requests_total", "requests_lost", LOGD, "Requests that "
	    "these rows count" },
	{ "log_events_total", "rows_event", LOGD, "Rows of events" },
	{ "log_audits_total", "rows_audit", LOGD, "Rows of changes" },
	{ "log_rows_refused_total", "rows_refused", LOGD, "Records that the "
	    "database refused" },
	{ "log_rows_deleted_total", "rows_deleted", LOGD, "Rows that "
	    "retention deleted" },
	{ "log_requests_open", "requests_open", LOGD, "Requests that have "
	    "begun and not ended" },
	{ "log_records_waiting", "records_waiting", LOGD, "Records that are "
	    "not committed yet" },
	{ "log_queries", "queries_now", LOGD, "Queries under way" },
	{ "log_flushes_total", "flushes", LOGD, "Transactions of records" },
	{ "log_flushes_failed_total", "flushes_failed", LOGD, "Those that "
	    "failed and were tried again" },
	{ "database_size_bytes", "database_bytes", LOGD, "Size of the "
	    "database" },
	{ "database_free_bytes", "disk_free_bytes", LOGD, "Room on its disk" },
	{ "database_errors_total", "database_errors", LOGD, "Errors of the "
	    "database" },
	{ "database_checkpoints_failed_total", "database_checkpoints_failed",
	    LOGD, "Checkpoints that failed" },
	{ "worker_requests_total", "requests", WORKER, "Requests taken" },
	{ "worker_requests_running", "running", WORKER, "Requests under "
	    "way" },
	{ "worker_log_window_records", "log_window", WORKER, "Records that "
	    "logd has not acknowledged" },
	{ "worker_log_unlogged_total", "log_unlogged", WORKER, "Requests "
	    "that went on without a record and are counted" },
	{ "worker_upstreams_idle", "upstreams_idle", WORKER, "Connections to "
	    "upstreams that wait for a request" },
	{ "worker_upstreams_dialled_total", "upstreams_dialled", WORKER,
	    "Connections made to upstreams" },
	{ "worker_descriptors", "descriptors", WORKER, "Descriptors in use" },
	{ "worker_descriptors_limit", "descriptors_max", WORKER,
	    "Descriptors there may be" },
	{ "proxy_clients", "clients", PROXY, "Connections of agents" },
	{ "proxy_clients_accepted_total", "clients_accepted", PROXY,
	    "Connections taken" },
	{ "proxy_clients_refused_total", "clients_refused", PROXY,
	    "Connections refused" },
	{ "mitm_tunnels", "tunnels", MITM, "Tunnels that are open" },
	{ "mitm_tunnels_failed_total", "tunnels_failed", MITM, "Tunnels "
	    "whose handshake failed" },
	{ "resolver_questions_total", "asked", RESOLV, "Names looked up" },
	{ "resolver_questions_failed_total", "failed", RESOLV, "Names that "
	    "were not found out" },
	{ "resolver_questions_waiting", "waiting", RESOLV, "Questions "
	    "without an answer" },
	{ "auth_accepted_total", "auth_ok", KEYD, "Tokens accepted" },
	{ "auth_failed_total", "auth_failed", KEYD, "Tokens refused" },
	{ "auth_throttled_total", "auth_blocked", KEYD, "Tries of addresses "
	    "that failed too often" },
	{ "changes_total", "changes", KEYD, "Changes made" },
	{ "changes_not_durable", "changes_not_durable", KEYD, "Changes in "
	    "force that could not be stored yet" },
	{ "api_clients", "clients", API, "Connections" },
	{ "api_clients_limit", "clients_max", API, "Connections there may "
	    "be" },
	{ "api_clients_refused_total", "refused", API, "Connections closed "
	    "for want of a place" },
	{ "api_accept_pauses_total", "accept_paused", API, "Times that no "
	    "connection was accepted" },
	{ "api_requests_total", "requests", API, "Requests" },
	{ "api_client_errors_total", "answers_4xx", API, "Answers with 4xx" },
	{ "api_server_errors_total", "answers_5xx", API, "Answers with 5xx" },
	{ "api_client_timeouts_total", "timeouts", API, "Clients that were "
	    "too slow" },
	{ "api_answers_bytes", "answers_bytes", API, "Memory of answers that "
	    "wait for their clients" },
	{ "api_answers_cut_total", "answers_cut", API, "Answers cut since "
	    "others waited" },
	{ "api_questions", "asks", API, "Questions to other processes" },
	{ "api_input_bytes", "input_bytes", API, "Memory of requests that "
	    "come in" },
	{ "api_streams", "streams", API, "Readers that follow the log" },
	{ "api_streams_refused_total", "streams_refused", API, "Readers "
	    "without a place" },
	{ "api_streams_lagged_total", "streams_lagged", API, "Times that a "
	    "reader was too slow" },
	{ "api_exports", "exports", API, "Exports under way" },
	{ "api_exports_refused_total", "exports_refused", API, "Exports "
	    "without a place" },
	{ "api_exports_cut_total", "exports_cut", API, "Exports without "
	    "their end" },
	{ "process_messages_malformed_total", "messages_malformed", ALL,
	    "Messages that were refused" },
	{ "process_calls_refused_total", "calls_refused", ALL, "System calls "
	    "that the sandbox refused" }
};
#define NMETRICS	(sizeof(metrics) / sizeof(metrics[0]))

static void	 may_see(struct request *, struct msg *);
static void	 ask_parent(struct request *);
static void	 seen(struct request *, struct msg *);
static int	 is_total(const char *);
static void	 head(FILE *, const char *, const char *, const char *);
static void	 label(FILE *, const struct rec_procstat *);
static void	 quoted(FILE *, const char *);
static int	 value(const struct rec_procstat *, const char *, uint64_t *);
static void	 print_metric(FILE *, const struct metric *,
		    const struct msg_status_rows *);
static void	 print_build(FILE *, const struct msg_status_rows *);
static void	 print_processes(FILE *, const struct msg_status_rows *);
static void	 print_requests(FILE *, const struct rec_procstat *);
static void	 print_latency(FILE *, const struct rec_procstat *);
static void	 print_log(FILE *, const struct rec_procstat *);

void
metrics_get(struct request *req)
{
	if (request_no_fields(req) == -1)
		return;
	if (req->client->kind == LISTENER_METRICS)
		ask_parent(req);
	else
		keyd_may(req, ACTION_METRICS, "", may_see);
}

static void
may_see(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;

	if (!keyd_refused(req, a->status, a->code, a->text))
		ask_parent(req);
}

static void
ask_parent(struct request *req)
{
	struct msg_status	 q;

	(void)ask(req, PROC_PARENT, MSG_STATUS, &q, MSG_STATUS_ROWS, seen);
}

static void
seen(struct request *req, struct msg *m)
{
	FILE	*f;
	char	*text = NULL;
	size_t	 len;

	if ((f = open_memstream(&text, &len)) == NULL)
		fatal("metrics");
	metrics_print(f, &m->u.status_rows);
	if (fclose(f) == EOF)
		fatal("metrics");
	reply_metrics(req, text, len);
	free(text);
}

static int
is_total(const char *name)
{
	const size_t	 n = strlen(name);

	return (n > 6 && strcmp(name + n - 6, "_total") == 0);
}

static void
head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP brokerd_%s %s.\n# TYPE brokerd_%s %s\n", name,
	    help, name, type);
}

static void
label(FILE *f, const struct rec_procstat *p)
{
	fprintf(f, "{process=\"%s\",index=\"%u\"}", proc_name(p->proc),
	    p->index);
}

static void
quoted(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			fputs("\\n", f);
		else {
			if (*s == '"' || *s == '\\')
				putc('\\', f);
			putc(*s, f);
		}
	}
	putc('"', f);
}

/* The counters of a process are "name=value ...". */
static int
value(const struct rec_procstat *p, const char *name, uint64_t *v)
{
	const size_t	 n = strlen(name);
	const char	*s = p->counters;

	while (*s != '\0') {
		if (strncmp(s, name, n) == 0 && s[n] == '=') {
			*v = strtoull(s + n + 1, NULL, 10);
			return (1);
		}
		s += strcspn(s, " ");
		s += *s == ' ';
	}
	return (0);
}

static void
print_metric(FILE *f, const struct metric *m, const struct msg_status_rows *s)
{
	const struct rec_procstat	*p;
	uint64_t			 v;

	head(f, m->name, is_total(m->name) ? "counter" : "gauge", m->help);
	for (p = s->procs; p < s->procs + s->procs_n; p++) {
		if ((m->procs & PROC_BIT(p->proc)) == 0 ||
		    !value(p, m->counter, &v))
			continue;
		fprintf(f, "brokerd_%s", m->name);
		if (m->procs != LOGD && m->procs != KEYD &&
		    m->procs != RESOLV)
			label(f, p);
		fprintf(f, " %" PRIu64 "\n", v);
	}
}

static void
print_build(FILE *f, const struct msg_status_rows *s)
{
	head(f, "build_info", "gauge", "What runs; always 1");
	fprintf(f, "brokerd_build_info{version=");
	quoted(f, s->version);
	fprintf(f, ",sandbox=");
	quoted(f, s->sandbox);
	fprintf(f, ",privileged=\"%s\"} 1\n", s->privileged ? "yes" : "no");
	head(f, "configuration_generation", "gauge", "How often the "
	    "configuration was read");
	fprintf(f, "brokerd_configuration_generation %u\n", s->generation);
}

static void
print_processes(FILE *f, const struct msg_status_rows *s)
{
	const struct rec_procstat	*p, *end = s->procs + s->procs_n;

	head(f, "process_up", "gauge", "Whether the process is ready");
	for (p = s->procs; p < end; p++) {
		fprintf(f, "brokerd_process_up");
		label(f, p);
		fprintf(f, " %d\n", strcmp(p->state, "ready") == 0);
	}
	head(f, "process_uptime_seconds", "gauge", "Time since its start");
	for (p = s->procs; p < end; p++) {
		fprintf(f, "brokerd_process_uptime_seconds");
		label(f, p);
		fprintf(f, " %" PRIu64 "\n", p->uptime);
	}
	head(f, "process_restarts_total", "counter", "Times that it had to "
	    "be started again");
	for (p = s->procs; p < end; p++) {
		fprintf(f, "brokerd_process_restarts_total");
		label(f, p);
		fprintf(f, " %u\n", p->restarts);
	}
}

/* Those of logd/served.c; a kind that has not occurred is 0. */
static void
print_requests(FILE *f, const struct rec_procstat *p)
{
	char		 name[64];
	uint64_t	 v;
	unsigned int	 d, s;

	head(f, "requests_total", "counter", "Requests in the log, by "
	    "decision and by class of the status that the agent got");
	for (d = 0; d < DECISION_MAX; d++) {
		for (s = 0; s < CLASS_MAX; s++) {
			(void)snprintf(name, sizeof(name), "requests_%s_%s",
			    decision_counted(d), class_name(s));
			if (value(p, name, &v))
				fprintf(f, "brokerd_requests_total{decision="
				    "\"%s\",status=\"%s\"} %" PRIu64 "\n",
				    decision_counted(d), class_name(s), v);
		}
	}
}

/* "latency_le_1000" counts what took no longer than a millisecond. */
static void
print_latency(FILE *f, const struct rec_procstat *p)
{
	static const char	 le[] = "latency_le_";
	const char		*s;
	uint64_t		 us, n, count, sum;
	char			*end;

	if (!value(p, "latency_count", &count) ||
	    !value(p, "latency_us", &sum))
		return;
	head(f, "request_duration_seconds", "histogram", "From the head of "
	    "a request to the end of its answer");
	for (s = strstr(p->counters, le); s != NULL; s = strstr(s, le)) {
		us = strtoull(s + sizeof(le) - 1, &end, 10);
		n = *end == '=' ? strtoull(end + 1, NULL, 10) : 0;
		fprintf(f, "brokerd_request_duration_seconds_bucket{le="
		    "\"%g\"} %" PRIu64 "\n", us / 1e6, n);
		s = end;
	}
	fprintf(f, "brokerd_request_duration_seconds_bucket{le=\"+Inf\"} %"
	    PRIu64 "\n", count);
	fprintf(f, "brokerd_request_duration_seconds_sum %.6f\n", sum / 1e6);
	fprintf(f, "brokerd_request_duration_seconds_count %" PRIu64 "\n",
	    count);
}

static void
print_log(FILE *f, const struct rec_procstat *p)
{
	uint64_t	 now = 0, cause = 0, since = 0;
	unsigned int	 i;

	(void)value(p, "flushes_fail_now", &now);
	(void)value(p, "flushes_fail_cause", &cause);
	(void)value(p, "flushes_fail_since", &since);
	head(f, "log_writable", "gauge", "Whether the request log can be "
	    "written now");
	fprintf(f, "brokerd_log_writable %d\n", now == 0);
	head(f, "log_failing", "gauge", "Why it cannot be written");
	for (i = CAUSE_NONE + 1; i < CAUSE_MAX; i++)
		fprintf(f, "brokerd_log_failing{cause=\"%s\"} %d\n",
		    cause_name(i), now > 0 && cause == i);
	head(f, "log_failing_since_timestamp_seconds", "gauge", "Since when, "
	    "0 when it can");
	fprintf(f, "brokerd_log_failing_since_timestamp_seconds %" PRIu64
	    "\n", now > 0 ? since : 0);
}

void
metrics_print(FILE *f, const struct msg_status_rows *s)
{
	const struct rec_procstat	*p;
	size_t				 i;

	print_build(f, s);
	print_processes(f, s);
	for (p = s->procs; p < s->procs + s->procs_n; p++) {
		if (p->proc != PROC_LOGD || *p->counters == '\0')
			continue;
		print_requests(f, p);
		print_latency(f, p);
		print_log(f, p);
		break;
	}
	for (i = 0; i < NMETRICS; i++)
		print_metric(f, &metrics[i], s);
}
