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
#include <sys/wait.h>

#include <err.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../logd/batch.h"
#include "codes.h"
#include "filter.h"
#include "gen.h"
#include "log.h"
#include "logfill.h"
#include "loop.h"

/*
 * What a reader waits for: queries of a vault with nine tenths of the rows,
 * one after the other, while requests come in; and how fast rows are looked
 * at when there is nothing else to do.
 *
 * usage: query_bench [-n rows] [-r requests a second] [-s samples]
 */
#define SCOPE_ONE	5001	/* vault 1 */
#define SCOPE_ALL	5002
#define VAULT		1
#define LIMIT		50
#define P99		20.0	/* ms */
#define SCAN		500000.0	/* rows a second */
#define SAMPLES_MAX	10000

static const struct {
	const char	*what;
	uint64_t	 scope;
	const char	*filter;
	enum { NEWEST, ANYWHERE, TAIL } where;
} queries[] = {
	{ "newest page",		SCOPE_ONE, "", NEWEST },
	{ "page at a random id",	SCOPE_ONE, "", ANYWHERE },
	{ "tail",			SCOPE_ONE, "", TAIL },
	{ "newest page of all vaults",	SCOPE_ALL, "", NEWEST },
	{ "rare statuses (5xx)",	SCOPE_ONE, "status_bucket:5xx",
	    NEWEST },
	{ "rare statuses, random id",	SCOPE_ONE, "status_bucket:5xx",
	    ANYWHERE },
	{ "rare statuses of all vaults", SCOPE_ALL, "status_bucket:5xx",
	    NEWEST },
	{ "errors",			SCOPE_ONE, "status_bucket:err",
	    NEWEST },
	{ "common statuses (2xx)",	SCOPE_ONE, "status_bucket:2xx",
	    NEWEST },
	{ "error_code",			SCOPE_ONE, "error_code:connect_error",
	    ANYWHERE },
	{ "service of most",		SCOPE_ONE, "service:example", NEWEST },
	{ "service of one in 1000",	SCOPE_ONE, "service:rare", ANYWHERE },
	{ "host of one in 500",		SCOPE_ONE, "host:api7.example.com",
	    ANYWHERE },
	{ "host that occurs once",	SCOPE_ONE, "host:" FILL_ONCE, NEWEST },
	{ "host that does not occur",	SCOPE_ONE, "host:none.example.com",
	    NEWEST },
	{ "pattern that no host has",	SCOPE_ALL, "host:*.nowhere", NEWEST },
	{ "ten minutes, two days ago",	SCOPE_ONE, "since:2890m until:2880m",
	    NEWEST },
	{ "404s of an hour",		SCOPE_ONE,
	    "since:49h until:48h status:404", NEWEST },
	{ "slow ones of the last hour",	SCOPE_ONE, "since:1h min_ms:319",
	    NEWEST }
};
#define NQUERIES	(sizeof(queries) / sizeof(queries[0]))

static const struct {
	const char	*what;
	uint64_t	 scope;
	int		 days;
	int		 step;		/* minutes */
} charts[] = {
	{ "stats over a day",		SCOPE_ONE, 1, 30 },
	{ "stats over a day, all vaults", SCOPE_ALL, 1, 30 },
	{ "stats over all days",	SCOPE_ONE, 7, 180 }
};
#define NCHARTS	(sizeof(charts) / sizeof(charts[0]))

static struct gen_world	 w;
static uint64_t		 nrows = 1000000;
static int		 samples = 200;
static int		 rate = 5000;

static __dead void	 usage(void);
static void	options(int, char **);
static void	fill(void);
static void	reader(uint64_t, uint64_t, int);
static void	start(int);
static uint64_t	newest(uint64_t);
static uint32_t	query(struct msg_query *, const char *);
static double	page(struct msg_query *, const char *, double *, int *);
static void	measure(size_t);
static void	chart(size_t);
static void	verdict(const char *, double *, double *, int);
static void	scan(const char *, const char *);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: query_bench [-n rows] [-r requests] "
	    "[-s samples]\n");
	exit(2);
}

static void
options(int argc, char **argv)
{
	const char	*bad = NULL;
	int		 ch;

	while ((ch = getopt(argc, argv, "n:r:s:")) != -1) {
		switch (ch) {
		case 'n':
			nrows = strtonum(optarg, 100000, 1000000000, &bad);
			break;
		case 'r':
			rate = strtonum(optarg, 1, 1000000, &bad);
			break;
		case 's':
			samples = strtonum(optarg, 1, SAMPLES_MAX, &bad);
			break;
		default:
			usage();
		}
		if (bad != NULL)
			errx(2, "-%c %s: %s", ch, optarg, bad);
	}
	if (optind != argc)
		usage();
}

/* By a process of its own, whose logd has ended when it has. */
static void
fill(void)
{
	double	 wall = gen_wall();
	pid_t	 pid;
	int	 status;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		loop_init();
		batch_init();
		logfill(w.logd.dir, nrows);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) == -1 || status != 0)
		errx(1, "the database was not made");
	printf("%" PRIu64 " rows, %.1f bytes a row, made in %.0f s\n", nrows,
	    gen_size(w.logd.dir) / nrows, gen_wall() - wall);
}

static void
reader(uint64_t scope, uint64_t vault, int all)
{
	struct msg_scope_open	 m;

	memset(&m, 0, sizeof(m));
	m.scope = scope;
	m.kind = SCOPE_READ;
	m.instance = GEN_API;
	m.vault = vault;
	m.all = all;
	m.actor_type = ACTOR_LOCAL;
	m.actor = "local:0";
	end_send(&w.logd.keyd, MSG_SCOPE_OPEN, &m);
}

static void
start(int streams)
{
	gen_streams(&w, streams, 1);
	if (streams > 0)
		w.gen[0].rate = rate;
	gen_run(&w);
	reader(SCOPE_ONE, VAULT, 0);
	reader(SCOPE_ALL, 0, 1);
}

/* How many rows the answer has. */
static uint32_t
query(struct msg_query *m, const char *filter)
{
	struct filter		 f;
	struct filter_error	 e;
	char			 text[FILTER_MAX + 1];
	uint32_t		 rows = 0;

	filter_init(&f);
	if (filter_parse(&f, filter, loop_wall(), &e) == -1)
		errx(1, "%s: %s", filter, e.text);
	(void)filter_print(&f, text);
	m->id = 1;
	m->filter = text;
	end_send(&w.api, MSG_QUERY, m);
	while (end_recv(&w.api, PEER_MS) == MSG_ROWS)
		rows += w.api.u.rows.rows_n;
	m->filter = "";
	if (w.api.type != MSG_ROWS_END || w.api.u.rows_end.status != 200)
		errx(1, "%s: no answer", filter);
	return (rows);
}

static uint64_t
newest(uint64_t scope)
{
	struct msg_query	 m;

	memset(&m, 0, sizeof(m));
	m.scope = scope;
	m.limit = 1;
	query(&m, "");
	return (w.api.u.rows_end.latest_id);
}

/*
 * A whole page, answer after answer while they are in parts: the time that
 * the longest of them took, and all of it.
 */
static double
page(struct msg_query *m, const char *filter, double *all, int *parts)
{
	double	 wall, longest = 0;

	for (*all = 0, *parts = 0;; (*parts)++) {
		wall = gen_wall();
		m->limit -= query(m, filter);
		wall = (gen_wall() - wall) * 1e3;
		*all += wall;
		if (wall > longest)
			longest = wall;
		if (!w.api.u.rows_end.partial || m->limit == 0)
			return (longest);
		if (m->tail)
			m->after = w.api.u.rows_end.next_cursor;
		else
			m->before = w.api.u.rows_end.next_cursor;
	}
}

static void
measure(size_t n)
{
	static double	 ms[SAMPLES_MAX], all[SAMPLES_MAX];
	struct msg_query m;
	int		 i, more, parts = 0;

	for (i = 0; i < samples; i++) {
		memset(&m, 0, sizeof(m));
		m.scope = queries[n].scope;
		m.limit = LIMIT;
		if (queries[n].where == ANYWHERE)
			m.before = 1 + arc4random_uniform(nrows);
		if (queries[n].where == TAIL) {
			m.tail = 1;
			m.after = newest(m.scope) - LIMIT;
		}
		ms[i] = page(&m, queries[n].filter, &all[i], &more);
		parts += more > 0;
	}
	verdict(queries[n].what, ms, all, parts);
}

/* Up to now, as a page asks that is looked at. */
static void
chart(size_t n)
{
	static double	 ms[SAMPLES_MAX];
	struct msg_chart m;
	double		 wall;
	int		 i, parts = 0;

	for (i = 0; i < samples; i++) {
		memset(&m, 0, sizeof(m));
		m.id = 1;
		m.scope = charts[n].scope;
		m.to = loop_wall() / 60000000 + 1;
		m.from = m.to - charts[n].days * 1440;
		m.step = charts[n].step;
		m.names = 10;
		wall = gen_wall();
		end_send(&w.api, MSG_CHART, &m);
		end_want(&w.api, MSG_CHARTED);
		ms[i] = (gen_wall() - wall) * 1e3;
		if (w.api.u.charted.status != 200 ||
		    w.api.u.charted.steps_n < 2)
			errx(1, "%s: no answer", charts[n].what);
		parts += w.api.u.charted.partial;
	}
	verdict(charts[n].what, ms, ms, parts);
}

static void
verdict(const char *what, double *ms, double *all, int parts)
{
	const double	 p50 = gen_quantile(ms, samples, 0.5);
	const double	 p99 = gen_quantile(ms, samples, 0.99);

	printf("%-30s p50 %7.2f ms", what, p50);
	if (parts > 0)
		printf(", %d of %d in parts, whole page p50 %.2f p99 %.2f",
		    parts, samples, gen_quantile(all, samples, 0.5),
		    gen_quantile(all, samples, 0.99));
	printf("\n");
	gen_verdict("                               p99", p99, P99, 0, "ms");
}

/* All of a vault's rows, from page to page. */
static void
scan(const char *what, const char *filter)
{
	struct msg_query m;
	double		 wall = gen_wall();

	memset(&m, 0, sizeof(m));
	m.scope = SCOPE_ONE;
	m.limit = LIMIT;
	do {
		query(&m, filter);
		m.before = w.api.u.rows_end.next_cursor;
	} while (m.before != 0);
	gen_verdict(what, nrows / (gen_wall() - wall), SCAN, 1, "rows/s");
}

int
main(int argc, char **argv)
{
	struct gen_mark	 a, b;
	size_t		 i;

	options(argc, argv);
	log_init("query_bench", 0);
	gen_setup(&w, 0, 0, 0);
	fill();
	start(0);
	scan("looked at when idle, by path", "path:/nowhere*");
	scan("looked at when idle, by time taken", "min_ms:1000000");
	gen_stop(&w);
	gen_close(&w);
	start(1);
	gen_look(&w, &a);
	for (i = 0; i < NQUERIES; i++)
		measure(i);
	for (i = 0; i < NCHARTS; i++)
		chart(i);
	gen_look(&w, &b);
	gen_verdict("rows/s that came in meanwhile", (b.rows - a.rows) /
	    (b.wall - a.wall), rate * 0.95, 1, "rows/s");
	printf("processor time of logd: %.0f %%\n", (b.cpu - a.cpu) /
	    (b.wall - a.wall) * 100);
	gen_stop(&w);
	gen_close(&w);
	gen_teardown(&w);
	return (0);
}
