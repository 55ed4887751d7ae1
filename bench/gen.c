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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../logd/db.h"
#include "codes.h"
#include "gen.h"
#include "loop.h"
#include "window.h"

/* The worker's record.h, not logd's: both name themselves RECORD_H. */
#include "../broker/record.h"

#define INSTANCE	0x2001
#define SCOPE		1
#define STATS_MS	20		/* between two looks at rows */
#define WAIT_S		300		/* for rows that must come */

const char	*gen_program = "logd/logd";

/* Of the process that generates. */
static struct {
	struct logvault	*place;
	uint64_t	 seq;
} opened[GEN_OPEN];
static struct {
	uint64_t	 seq;
	uint64_t	 sent;
} marks[GEN_OPEN];
static uint64_t		 nbegun, nended, nmarked;
static uint64_t		 start;

static int	cmp(const void *, const void *);
static int	generate_end(void);
static int	generate_begin(struct gen *);
static void	generate_gap(struct gen *);
static int	generate_due(const struct gen *);
static int	generate_fill(struct gen *);
static void	generate_write(struct gen *);
static void	generate_acked(struct gen *, uint64_t);
static void	generate_read(struct gen *);
static void	generate(struct gen *);

double
gen_wall(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec + ts.tv_nsec / 1e9);
}

double
gen_cpu(pid_t pid)
{
	struct timespec	 ts;
	clockid_t	 id;

	if (clock_getcpuclockid(pid, &id) != 0 ||
	    clock_gettime(id, &ts) == -1)
		err(1, "processor time of %ld", (long)pid);
	return (ts.tv_sec + ts.tv_nsec / 1e9);
}

double
gen_size(const char *dir)
{
	struct stat	 st;
	char		 path[300];

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE, dir);
	if (stat(path, &st) == -1)
		err(1, "%s", path);
	return (st.st_size);
}

void
gen_remove(const char *dir)
{
	glob_t	 g;
	char	 pattern[300];
	size_t	 i;

	(void)snprintf(pattern, sizeof(pattern), "%s/*", dir);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++)
			(void)unlink(g.gl_pathv[i]);
		globfree(&g);
	}
	if (rmdir(dir) == -1)
		err(1, "%s", dir);
}

static int
cmp(const void *a, const void *b)
{
	double	 x = *(const double *)a, y = *(const double *)b;

	return (x < y ? -1 : x > y);
}

double
gen_quantile(double *v, int n, double q)
{
	qsort(v, n, sizeof(*v), cmp);
	if (q == 0.5 && n % 2 == 0)
		return ((v[n / 2 - 1] + v[n / 2]) / 2);
	return (v[(int)((n - 1) * q)]);
}

void
gen_verdict(const char *what, double measured, double target, int least,
    const char *unit)
{
	printf("%-46s%9.2f %-6s %s %6.2f  %s\n", what, measured, unit,
	    least ? "at least" : "at most ", target,
	    (least ? measured >= target : measured <= target) ? "met" :
	    "missed");
	fflush(stdout);
}

void
gen_row(struct gen_row *r, uint64_t n)
{
	struct msg_begin	*b = &r->begin;
	struct msg_end		*e = &r->end;

	memset(b, 0, sizeof(*b));
	memset(e, 0, sizeof(*e));
	b->conn = n / 20 + 1;
	b->ingress = INGRESS_MITM;
	b->protocol = PROTOCOL_HTTP11;
	b->decision = e->decision = DECISION_BROKERED;
	b->method = n % 3 == 0 ? "POST" : "GET";
	(void)snprintf(r->host, sizeof(r->host), "api%d.example.com",
	    (int)(n % GEN_HOSTS));
	b->host = r->host;
	b->port = 443;
	(void)snprintf(r->path, sizeof(r->path),
	    "/v1/customers/cus_%08x/subscriptions", (unsigned int)n);
	b->path = r->path;
	b->service = "example";
	b->keys = "EXAMPLE_API_KEY";
	b->auth_header = "";
	b->client.af = e->upstream.af = 4;
	b->client.port = 32768 + n / 20 % 28000;
	e->upstream.port = 443;
	e->status = n % 50 == 0 ? 429 : n % 97 == 0 ? 503 : 200;
	e->latency = 20000 + n * 7919 % 300000;
	e->ttfb = e->latency - 5000;
	e->bytes_in = n % 3 == 0 ? 300 + n % 100 : 0;
	e->bytes_out = 1000 + n * 31 % 30000;
}

void *
gen_memory(size_t len)
{
	void	*p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1,
	    0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	return (p);
}

void
gen_setup(struct gen_world *w, int n, int vaults, uint64_t rows)
{
	memset(w, 0, sizeof(*w));
	peer_init(&w->logd, gen_program);
	w->logd.conf.flush_ms = 50;
	w->logd.conf.retain_rows = rows;
	gen_streams(w, n, vaults);
}

void
gen_streams(struct gen_world *w, int n, int vaults)
{
	int	 i;

	w->n = n;
	for (i = 0; i < n; i++) {
		w->gen[i].vault = 1 + (uint64_t)i * vaults;
		w->gen[i].vaults = vaults;
		w->gen[i].shared = gen_memory(sizeof(struct gen_shared));
	}
}

/* What a worker's link is given: HELLO, and scopes of its vaults. */
void
gen_run(struct gen_world *w)
{
	struct end		*ends[GEN_MAX + 2];
	struct msg_hello	 hello = { 1, 0 };
	struct msg_scope_open	 reads;
	struct gen		*g;
	uint64_t		 v;
	int			 i, scopes = 1;

	memset(&reads, 0, sizeof(reads));
	reads.scope = SCOPE;
	reads.kind = SCOPE_READ;
	reads.all = 1;
	reads.instance = GEN_API;
	reads.actor = reads.actor_name = reads.session = "";
	for (i = 0; i < w->n; i++) {
		end_pair(&w->gen[i].end, PROC_MITM, i, INSTANCE + i);
		ends[i] = &w->gen[i].end;
		scopes += w->gen[i].vaults;
	}
	end_pair(&w->api, PROC_API_LOCAL, 0, GEN_API);
	ends[i++] = &w->api;
	ends[i] = NULL;
	peer_start(&w->logd, ends);
	keyd_sync(&w->logd, 1, scopes);
	end_send(&w->logd.keyd, MSG_SCOPE_OPEN, &reads);
	for (g = w->gen; g < w->gen + w->n; g++) {
		for (v = g->vault; v < g->vault + g->vaults; v++) {
			if (w->logd.fresh)
				keyd_vault(&w->logd, ++w->rev, v, 0);
			keyd_scope(&w->logd, SCOPE + v, SCOPE_WRITE,
			    g->end.instance, v);
		}
		end_send(&g->end, MSG_HELLO, &hello);
		if ((g->pid = fork()) == -1)
			err(1, "fork");
		if (g->pid == 0)
			generate(g);
	}
}

void
gen_stop(struct gen_world *w)
{
	struct gen	*g;
	int		 status;

	for (g = w->gen; g < w->gen + w->n; g++)
		g->shared->stop = 1;
	for (g = w->gen; g < w->gen + w->n; g++) {
		if (g->pid == 0)
			continue;
		if (waitpid(g->pid, &status, 0) == -1 || status != 0)
			errx(1, "a generator failed");
		g->pid = 0;
		end_close(&g->end);
	}
}

void
gen_close(struct gen_world *w)
{
	end_close(&w->api);
	if (peer_stop(&w->logd) != 0)
		errx(1, "logd failed");
}

void
gen_teardown(struct gen_world *w)
{
	int	 i;

	for (i = 0; i < w->n; i++)
		(void)munmap(w->gen[i].shared, sizeof(struct gen_shared));
	peer_free(&w->logd);
}

uint64_t
gen_rows(const struct gen_world *w)
{
	uint64_t	 n = 0;
	int		 i;

	for (i = 0; i < w->n; i++)
		n += w->gen[i].shared->acked / 2;
	return (n);
}

/* What logd tells its parent meanwhile is read. */
void
gen_wait(struct gen_world *w, uint64_t n)
{
	double	 until = gen_wall() + WAIT_S;

	while (gen_rows(w) < n) {
		(void)peer_parent(&w->logd, MSG_NONE, STATS_MS);
		if (gen_wall() > until)
			errx(1, "logd does not acknowledge");
	}
}

void
gen_look(const struct gen_world *w, struct gen_mark *m)
{
	m->rows = gen_rows(w);
	m->cpu = gen_cpu(w->logd.pid);
	m->wall = gen_wall();
}

int
gen_page(struct gen_world *w, const char *filter, uint64_t before,
    uint32_t limit)
{
	struct msg_query	 m;
	int			 n = 0;

	memset(&m, 0, sizeof(m));
	m.id = 1;
	m.scope = SCOPE;
	m.filter = filter;
	m.before = before;
	m.limit = limit;
	end_send(&w->api, MSG_QUERY, &m);
	while (end_recv(&w->api, PEER_MS) == MSG_ROWS)
		n += w->api.u.rows.rows_n;
	if (w->api.type != MSG_ROWS_END || w->api.u.rows_end.status != 200)
		errx(1, "a query failed");
	return (n);
}

/* The request that began first ends. */
static int
generate_end(void)
{
	struct gen_row	 row;
	uint64_t	 i = nended % GEN_OPEN, m = nmarked % GEN_OPEN;

	if (nended == nbegun)
		return (0);
	gen_row(&row, nended);
	window_end(opened[i].place, opened[i].seq, &row.end);
	if (marks[m].sent == 0) {
		marks[m].seq = window_next() - 1;
		marks[m].sent = loop_mono();
		nmarked++;
	}
	nended++;
	return (1);
}

static int
generate_begin(struct gen *g)
{
	struct gen_row	 row;
	const uint8_t	*data;
	uint64_t	 vault = g->vault + nbegun / GEN_OPEN % g->vaults;
	uint64_t	 i = nbegun % GEN_OPEN;
	size_t		 len;

	gen_row(&row, nbegun);
	row.begin.scope = SCOPE + vault;
	record_id(row.begin.request_id, loop_wall());
	if ((len = window_encode(MSG_BEGIN, &row.begin, &data)) == 0)
		err(1, "BEGIN");
	if (window_fits_begin(vault, len) != WINDOW_FITS)
		return (0);
	opened[i].place = window_begin(vault, data, len, &opened[i].seq);
	nbegun++;
	return (1);
}

/*
 * As of a worker that loses requests in each of its vaults: one GAP after the
 * other.
 */
static void
generate_gap(struct gen *g)
{
	struct rec_gapcount	 lost[GEN_VAULTS];
	struct msg_gap		 gap = { 0, lost, g->vaults };
	static uint64_t		 last;
	int			 i;

	if (last >= window_first())
		return;
	for (i = 0; i < g->vaults; i++) {
		lost[i].vault = g->vault + i;
		lost[i].count = 1;
	}
	last = window_gap(&gap);
}

static int
generate_due(const struct gen *g)
{
	if (g->shared->stop)
		return (0);
	if (g->rate == 0)
		return (1);
	return (nbegun < (loop_mono() - start) * g->rate / 1000000);
}

/*
 * As many requests under way as there may be, and as much as has room.
 * Returns whether there is more to do at once.
 */
static int
generate_fill(struct gen *g)
{
	int	 n;

	for (n = 0; n < 64 && generate_due(g); n++) {
		if (nbegun - nended == GEN_OPEN)
			(void)generate_end();
		if (!generate_begin(g))
			return (0);
		if (g->gap != 0 && nbegun % g->gap == 0)
			generate_gap(g);
	}
	/* Who is in no hurry ends what he has begun. */
	while ((g->shared->stop || g->rate != 0) && generate_end())
		continue;
	return (n == 64);
}

static void
generate_write(struct gen *g)
{
	const uint8_t	*p;
	size_t		 len;
	ssize_t		 n;

	while ((len = window_unsent(&p)) > 0) {
		if ((n = write(g->end.fd, p, len)) == -1) {
			if (errno != EAGAIN)
				err(1, "log link");
			return;
		}
		window_sent(n);
	}
}

static void
generate_acked(struct gen *g, uint64_t seq)
{
	struct gen_shared	*s = g->shared;
	uint64_t		 now = loop_mono();
	int			 i;

	if (window_ack(seq) == -1)
		errx(1, "ACK of what was not sent");
	for (i = 0; i < GEN_OPEN; i++) {
		if (marks[i].sent == 0 || marks[i].seq > seq)
			continue;
		s->lat[s->nlat++ % GEN_LATENCIES] = now - marks[i].sent;
		marks[i].sent = 0;
	}
	s->acked = window_first() - 1;
}

static void
generate_read(struct gen *g)
{
	struct imsg	 imsg;
	uint64_t	 seq;

	if (imsgbuf_read(&g->end.ibuf) != 1)
		errx(1, "logd is gone");
	while (imsgbuf_get(&g->end.ibuf, &imsg) == 1) {
		if (imsg_get_data(&imsg, &seq, sizeof(seq)) == -1)
			err(1, "ACK");
		imsg_free(&imsg);
		generate_acked(g, seq);
	}
}

static void
generate(struct gen *g)
{
	struct pollfd	 pfd = { g->end.fd, 0, 0 };
	const uint8_t	*p;
	int		 more;

	window_init();
	start = loop_mono();
	for (;;) {
		more = generate_fill(g);
		generate_write(g);
		if (g->shared->stop && window_first() == window_next())
			break;
		pfd.events = POLLIN;
		if (window_unsent(&p) > 0) {
			pfd.events |= POLLOUT;
			more = 0;
		}
		if (poll(&pfd, 1, more ? 0 : g->rate != 0 ? 1 : 100) == -1)
			err(1, "poll");
		if (pfd.revents & (POLLIN | POLLHUP))
			generate_read(g);
	}
	window_bye();
	generate_write(g);
	_exit(0);
}
