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

#include "gen.h"
#include "log.h"

/*
 * What those who wait notice of retention: a million rows become due at once,
 * since the cap is lowered, while a worker sends steadily and somebody reads.
 * Worst times before and during, medians of rounds.
 *
 * usage: retain_bench [-n rows] [-r rounds]
 */
#define ROUNDS_MAX	32
#define VAULTS		4
#define RATE		1000	/* requests a second */
#define CAP		100
#define SECONDS		3	/* before the pass; it takes about as long */
#define PASS_S		300	/* at most */
#define SLACK		1000	/* rows that did not end in their order */

enum { FILLER, STEADY, NSTREAMS };

/* ms, the worst of a span. */
struct worst {
	double	 page;		/* from a question to its answer */
	double	 cpu;		/* logd's own between the two */
	double	 ack;		/* from a record to its ACK */
};

enum { QUIET, PASS, NSPANS };

static uint64_t		 nrows = 1000000;
static double		 page[NSPANS][ROUNDS_MAX], cpu[NSPANS][ROUNDS_MAX];
static double		 ack[NSPANS][ROUNDS_MAX], took[ROUNDS_MAX];

static __dead void	 usage(void);
static uint64_t	fill(struct gen_world *);
static void	look(struct gen_world *, struct worst *);
static void	acks(const struct gen_world *, uint32_t, struct worst *);
static int	due(struct gen_world *, uint64_t);
static void	run(int);
static void	keep(int, int, const struct worst *);
static void	show(int);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: retain_bench [-n rows] [-r rounds]\n");
	exit(2);
}

/* Returns the id of the newest row. */
static uint64_t
fill(struct gen_world *w)
{
	struct gen	*g = &w->gen[FILLER];
	int		 status;

	gen_wait(w, nrows);
	g->shared->stop = 1;
	if (waitpid(g->pid, &status, 0) == -1 || status != 0)
		errx(1, "a generator failed");
	g->pid = 0;
	end_close(&g->end);
	if (gen_page(w, "", 0, 1) != 1)
		errx(1, "no row");
	return (w->api.u.rows_end.next_cursor);
}

/* The answer comes with the turn that the question fell into, or the next. */
static void
look(struct gen_world *w, struct worst *x)
{
	double	 wall, used;

	(void)peer_parent(&w->logd, MSG_NONE, 1);
	used = gen_cpu(w->logd.pid);
	wall = gen_wall();
	(void)gen_page(w, "", 0, 1);
	wall = (gen_wall() - wall) * 1e3;
	used = (gen_cpu(w->logd.pid) - used) * 1e3;
	x->page = wall > x->page ? wall : x->page;
	x->cpu = used > x->cpu ? used : x->cpu;
}

static void
acks(const struct gen_world *w, uint32_t from, struct worst *x)
{
	const struct gen_shared	*s = w->gen[STEADY].shared;
	double			 ms;

	for (; from < s->nlat; from++) {
		ms = s->lat[from % GEN_LATENCIES] / 1e3;
		x->ack = ms > x->ack ? ms : x->ack;
	}
}

/* Is a row that has to go still there? */
static int
due(struct gen_world *w, uint64_t before)
{
	return (gen_page(w, "kind:request", before, 1) > 0 ||
	    w->api.u.rows_end.partial);
}

static void
run(int r)
{
	struct gen_world	 w;
	struct worst		 worst[NSPANS];
	double			 start;
	uint64_t		 newest;
	uint32_t		 from;

	memset(worst, 0, sizeof(worst));
	gen_setup(&w, NSTREAMS, VAULTS, 0);
	w.gen[STEADY].rate = RATE;
	gen_run(&w);
	newest = fill(&w);
	from = w.gen[STEADY].shared->nlat;
	for (start = gen_wall(); gen_wall() - start < SECONDS; )
		look(&w, &worst[QUIET]);
	acks(&w, from, &worst[QUIET]);
	from = w.gen[STEADY].shared->nlat;
	w.logd.conf.retain_rows = CAP;
	start = gen_wall();
	peer_conf(&w.logd);
	do {
		if (gen_wall() - start > PASS_S)
			errx(1, "rows are not deleted");
		look(&w, &worst[PASS]);
	} while (due(&w, newest - VAULTS * CAP - SLACK));
	took[r] = gen_wall() - start;
	acks(&w, from, &worst[PASS]);
	gen_stop(&w);
	gen_close(&w);
	gen_teardown(&w);
	keep(QUIET, r, &worst[QUIET]);
	keep(PASS, r, &worst[PASS]);
}

static void
keep(int span, int r, const struct worst *x)
{
	page[span][r] = x->page;
	cpu[span][r] = x->cpu;
	ack[span][r] = x->ack;
}

static void
show(int n)
{
	static const char *const	 names[NSPANS] = { "before", "pass" };
	double				 p[NSPANS], c[NSPANS], a[NSPANS];
	int				 i;

	printf("%-10s%16s%16s%16s\n", "worst, ms", "page", "logd's CPU",
	    "record to ACK");
	for (i = 0; i < NSPANS; i++) {
		p[i] = gen_quantile(page[i], n, 0.5);
		c[i] = gen_quantile(cpu[i], n, 0.5);
		a[i] = gen_quantile(ack[i], n, 0.5);
		printf("%-10s%16.1f%16.1f%16.1f\n", names[i], p[i], c[i], a[i]);
	}
	printf("%" PRIu64 " rows were deleted within %.1f s\n", nrows,
	    gen_quantile(took, n, 0.5));
	gen_verdict("retention of 1M rows, longest turn, CPU", c[PASS], 20, 0,
	    "ms");
	gen_verdict("retention of 1M rows, longest wait for a page", p[PASS] -
	    p[QUIET], 20, 0, "ms");
	gen_verdict("retention of 1M rows, longest wait for an ACK", a[PASS] -
	    a[QUIET], 20, 0, "ms");
}

int
main(int argc, char **argv)
{
	const char	*bad;
	int		 ch, i, rounds = 3;

	while ((ch = getopt(argc, argv, "n:r:")) != -1) {
		bad = NULL;
		if (ch == 'n')
			nrows = strtonum(optarg, 10000, 10000000, &bad);
		else if (ch == 'r')
			rounds = strtonum(optarg, 1, ROUNDS_MAX, &bad);
		else
			usage();
		if (bad != NULL)
			errx(2, "-%c %s: %s", ch, optarg, bad);
	}
	log_init("retain_bench", 0);
	for (i = 0; i < rounds; i++)
		run(i);
	show(rounds);
	return (0);
}
