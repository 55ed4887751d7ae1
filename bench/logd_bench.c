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
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"
#include "gen.h"
#include "log.h"

/*
 * What logd costs a request and how many it takes: generators speak the log
 * stream to a real logd until every row is committed and acknowledged, and
 * the bare loop inserts as many.  Rounds alternate, so that what the machine
 * does to one it does to all; ratios are medians of those within each round.
 *
 * usage: logd_bench [-k cap] [-m rows] [-n rows] [-r rounds]
 */
#define ROUNDS_MAX	32
#define WARM		20000
#define STREAMS		2
#define MANY		8
#define PAGES		5	/* the reader's, from the newest on */
#define POLITE		200	/* requests a second */
#define POLITE_S	4
#define BATCH		1000

enum { BARE, BESIDE, PLAIN, CAPPED, READ, FLOOD, NKINDS };

static const char *const	 names[NKINDS] = {
	"bare loop", "  beside one busy", "logd, 2 streams", "logd at its cap",
	"logd and a reader", "logd, 8 streams"
};

static double		 cpu[NKINDS][ROUNDS_MAX], rate[NKINDS][ROUNDS_MAX];
static double		 rcpu[NKINDS][ROUNDS_MAX], rrate[NKINDS][ROUNDS_MAX];
static double		 spread[ROUNDS_MAX];
static uint64_t		 count = 200000, cap = 10000, stored = 1000000;
static double		 pages;

static __dead void	 usage(void);
static void	ratios(int, int, double, double);
static void	run_bare(int);
static void	run_logd(int, int);
static pid_t	reader(struct gen_world *, uint64_t **);
static double	fairness(const struct gen_world *, const uint64_t *);
static double	stored_size(void);
static void	polite(int, double *, double *);
static void	show(int);
static void	verdicts(int);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: logd_bench [-k cap] [-m rows] [-n rows] "
	    "[-r rounds]\n");
	exit(2);
}

static void
ratios(int kind, int r, double us, double rows)
{
	cpu[kind][r] = us;
	rate[kind][r] = rows;
	rcpu[kind][r] = us / cpu[BARE][r];
	rrate[kind][r] = rows / rate[BARE][r];
}

static void
run_bare(int r)
{
	struct bare	 b;

	bare_run(&b, WARM, count, STREAMS * GEN_VAULTS);
	cpu[BARE][r] = b.cpu;
	rate[BARE][r] = b.rows;
	bare_run_beside(&b, WARM, count, STREAMS * GEN_VAULTS, 1);
	ratios(BESIDE, r, b.cpu, b.rows);
}

/* Pages through the newest rows for as long as it lives. */
static pid_t
reader(struct gen_world *w, uint64_t **n)
{
	uint64_t	 before;
	pid_t		 pid;
	int		 i;

	*n = gen_memory(sizeof(**n));
	if ((pid = fork()) != 0)
		return (pid);
	for (;;) {
		for (i = 0, before = 0; i < PAGES; i++, ++**n) {
			(void)gen_page(w, i % 2 ? "status:4xx,5xx" : "",
			    before, 50);
			before = w->api.u.rows_end.next_cursor;
		}
	}
}

/* The slowest stream's share of what the fastest had. */
static double
fairness(const struct gen_world *w, const uint64_t *before)
{
	uint64_t	 n, least = UINT64_MAX, most = 0;
	int		 i;

	for (i = 0; i < w->n; i++) {
		n = w->gen[i].shared->acked - before[i];
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	return ((double)least / most);
}

static void
run_logd(int kind, int r)
{
	struct gen_world	 w;
	struct gen_mark		 a, b;
	uint64_t		 before[GEN_MAX], *n = NULL, warm = WARM;
	pid_t			 pid = 0;
	double			 rows;
	int			 i, streams = kind == FLOOD ? MANY : STREAMS;

	gen_setup(&w, streams, kind == FLOOD ? 1 : GEN_VAULTS,
	    kind == CAPPED ? cap : 0);
	if (kind == CAPPED)
		warm += cap * STREAMS * GEN_VAULTS;
	for (i = 0; i < streams; i++)
		w.gen[i].gap = kind == FLOOD ? 1000 : 0;
	gen_run(&w);
	gen_wait(&w, warm);
	if (kind == READ)
		pid = reader(&w, &n);
	for (i = 0; i < streams; i++)
		before[i] = w.gen[i].shared->acked;
	gen_look(&w, &a);
	gen_wait(&w, a.rows + count);
	gen_look(&w, &b);
	spread[r] = kind == FLOOD ? fairness(&w, before) : spread[r];
	if (kind == READ) {
		pages = *n / (b.wall - a.wall);
		if (kill(pid, SIGKILL) == -1 || waitpid(pid, NULL, 0) == -1)
			err(1, "reader");
	}
	gen_stop(&w);
	gen_close(&w);
	gen_teardown(&w);
	rows = b.rows - a.rows;
	ratios(kind, r, (b.cpu - a.cpu) / rows * 1e6,
	    rows / (b.wall - a.wall));
}

/* Bytes a row of a large file, with all that is in it. */
static double
stored_size(void)
{
	struct gen_world	 w;
	double			 bytes;

	gen_setup(&w, STREAMS, GEN_VAULTS, 0);
	gen_run(&w);
	gen_wait(&w, stored);
	gen_stop(&w);
	gen_close(&w);
	bytes = gen_size(w.logd.dir) / gen_rows(&w);
	gen_teardown(&w);
	return (bytes);
}

/*
 * How long the records of a worker that says little take to be committed,
 * alone or beside others that say all they can: ms, median and 99 of 100.
 */
static void
polite(int others, double *p50, double *p99)
{
	static double		 lat[GEN_LATENCIES];
	struct gen_world	 w;
	struct gen_shared	*s;
	int			 i, n;

	gen_setup(&w, others + 1, 1, 0);
	w.gen[0].rate = POLITE;
	gen_run(&w);
	for (i = 0; i < POLITE_S * 1000; i += 50)
		(void)peer_parent(&w.logd, MSG_NONE, 50);
	gen_stop(&w);
	gen_close(&w);
	s = w.gen[0].shared;
	n = s->nlat < GEN_LATENCIES ? s->nlat : GEN_LATENCIES;
	for (i = 0; i < n; i++)
		lat[i] = s->lat[i] / 1000.0;
	if (n == 0)
		errx(1, "nothing was acknowledged");
	*p50 = gen_quantile(lat, n, 0.5);
	*p99 = gen_quantile(lat, n, 0.99);
	gen_teardown(&w);
}

static void
show(int rounds)
{
	int	 k;

	printf("%-20s%12s%14s%12s%12s\n", "", "rows/s", "us CPU a row",
	    "x rows/s", "x CPU");
	for (k = 0; k < NKINDS; k++) {
		printf("%-20s%12.0f%14.2f", names[k],
		    gen_quantile(rate[k], rounds, 0.5),
		    gen_quantile(cpu[k], rounds, 0.5));
		if (k == BARE)
			printf("%12s%12s\n", "-", "-");
		else
			printf("%12.2f%12.2f\n",
			    gen_quantile(rrate[k], rounds, 0.5),
			    gen_quantile(rcpu[k], rounds, 0.5));
	}
	printf("%.0f pages a second beside it; of 8 streams the slowest had "
	    "%.2f of the fastest\n", pages, gen_quantile(spread, rounds, 0.5));
}

static void
verdicts(int rounds)
{
	double	 alone50, alone99, flood50, flood99, batch;

	polite(0, &alone50, &alone99);
	polite(MANY - 1, &flood50, &flood99);
	batch = BATCH / gen_quantile(rate[FLOOD], rounds, 0.5) * 1e3;
	printf("ms until a record is committed, %d a second: alone %.1f, "
	    "p99 %.1f; beside 7 that flood %.1f, p99 %.1f; a batch takes "
	    "%.1f\n", POLITE, alone50, alone99, flood50, flood99, batch);
	gen_verdict("ingest, rows/s of the bare loop's",
	    gen_quantile(rrate[PLAIN], rounds, 0.5), 1, 1, "x");
	gen_verdict("ingest, CPU a row of the bare loop's",
	    gen_quantile(rcpu[PLAIN], rounds, 0.5), 1.2, 0, "x");
	gen_verdict("at the cap, rows/s of the bare loop's",
	    gen_quantile(rrate[CAPPED], rounds, 0.5), 0.75, 1, "x");
	gen_verdict("at the cap, CPU a row of the bare loop's",
	    gen_quantile(rcpu[CAPPED], rounds, 0.5), 1.6, 0, "x");
	gen_verdict("commit beside a flood, p99 less alone's",
	    (flood99 - alone99) / batch, 1, 0, "batch");
	gen_verdict("a row in the file, indexes included", stored_size(),
	    130, 0, "bytes");
}

int
main(int argc, char **argv)
{
	const char	*bad;
	int		 ch, i, kind, rounds = 5;

	while ((ch = getopt(argc, argv, "k:m:n:r:")) != -1) {
		bad = NULL;
		switch (ch) {
		case 'k':
			cap = strtonum(optarg, 1, 1000000, &bad);
			break;
		case 'm':
			stored = strtonum(optarg, 1000, 100000000, &bad);
			break;
		case 'n':
			count = strtonum(optarg, 1000, 100000000, &bad);
			break;
		case 'r':
			rounds = strtonum(optarg, 1, ROUNDS_MAX, &bad);
			break;
		default:
			usage();
		}
		if (bad != NULL)
			errx(2, "-%c %s: %s", ch, optarg, bad);
	}
	log_init("logd_bench", 0);
	for (i = 0; i < rounds; i++) {
		run_bare(i);
		for (kind = PLAIN; kind < NKINDS; kind++)
			run_logd(kind, i);
	}
	show(rounds);
	verdicts(rounds);
	return (0);
}
