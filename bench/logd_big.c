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

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../logd/db.h"
#include "../logd/record.h"
#include "../logd/schema.h"
#include "codes.h"
#include "gen.h"
#include "log.h"
#include "loop.h"

/*
 * logd with a large database: how long it takes to start, what a page of rows
 * costs while it takes in more, and how much memory it has at the end.  The
 * tables are logd's own; 200 vaults, 5000 hosts and a week of rows are put in
 * with SQL.
 *
 * usage: logd_big [-n rows]
 */
#define VAULTS		200
#define HOSTS		5000
#define WEEK		INT64_C(604800000000)
#define SECONDS		5
#define STREAMS		2
#define MEMORY		60.0		/* MB */

static uint64_t	 nrows = 10000000;
static int64_t	 begin;

static __dead void	 usage(void);
static int64_t	row_time(int64_t);
static void	sql_uuid(sqlite3_context *, int, sqlite3_value **);
static void	sql_flags(sqlite3_context *, int, sqlite3_value **);
static void	run(sqlite3 *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
static void	fill(const char *);
static double	memory(pid_t, const char *, const char *);
static void	page(struct gen_world *, const char *);
static void	page_of_day(struct gen_world *, int);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: logd_big [-n rows]\n");
	exit(2);
}

static int64_t
row_time(int64_t id)
{
	return (begin + (int64_t)((double)WEEK / nrows * id));
}

static void
sql_uuid(sqlite3_context *c, int n, sqlite3_value **v)
{
	uint8_t	 id[16];

	record_uuid(id, row_time(sqlite3_value_int64(v[0])));
	sqlite3_result_blob(c, id, sizeof(id), SQLITE_TRANSIENT);
}

static void
sql_flags(sqlite3_context *c, int n, sqlite3_value **v)
{
	sqlite3_result_int64(c, schema_flags(KIND_REQUEST, INGRESS_MITM,
	    DECISION_BROKERED, PROTOCOL_HTTP11, 0, 0, 0));
}

static void
run(sqlite3 *h, const char *fmt, ...)
{
	va_list	 ap;
	char	*sql;

	va_start(ap, fmt);
	if ((sql = sqlite3_vmprintf(fmt, ap)) == NULL)
		err(1, "SQL");
	va_end(ap);
	if (sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
		errx(1, "%s: %s", sql, sqlite3_errmsg(h));
	sqlite3_free(sql);
}

/* Rows as the generators make them, of as many vaults and hosts. */
static void
fill(const char *dir)
{
	sqlite3	*h;
	char	 path[300];

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE, dir);
	if (sqlite3_open(path, &h) != SQLITE_OK)
		errx(1, "%s: %s", path, sqlite3_errmsg(h));
	(void)sqlite3_create_function(h, "uuid", 1, SQLITE_UTF8, NULL,
	    sql_uuid, NULL, NULL);
	(void)sqlite3_create_function(h, "flags", 0, SQLITE_UTF8, NULL,
	    sql_flags, NULL, NULL);
	run(h, "PRAGMA journal_mode=DELETE; PRAGMA journal_mode=OFF;"
	    "PRAGMA synchronous=OFF; PRAGMA cache_size=-500000; BEGIN;"
	    "DELETE FROM log; DELETE FROM minutes");
	run(h, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
	    " FROM n WHERE i < %d) INSERT INTO scopes SELECT i + 1000, i, %d,"
	    " i, 'agent ' || i, '', 1, %" PRIu64 " FROM n", VAULTS, ACTOR_AGENT,
	    nrows);
	run(h, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1"
	    " FROM n WHERE i < %d) INSERT INTO targets SELECT i + 1,"
	    " i %% %d + 1, 'api' || i || '.example.com', 443, 'GET',"
	    " 'example', 'EXAMPLE_API_KEY', 0, '', 1, %" PRIu64 " FROM n",
	    HOSTS - 1, VAULTS, nrows);
	run(h, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
	    " FROM n WHERE i < %" PRIu64 ") INSERT INTO log (id, vault,"
	    " scope, target, flags, status, request_id, stream, seq, conn,"
	    " latency, ttfb, bytes_in, bytes_out, path, client, upstream)"
	    " SELECT i, i %% %d + 1, i %% %d + 1001, i %% %d + 1, flags(),"
	    " iif(i %% 50, 200, 503), uuid(i), 1, i * 2, i / 20 + 1,"
	    " 20000 + i * 7919 %% 300000, 15000 + i * 7919 %% 300000,"
	    " iif(i %% 3, 0, 300), 1000 + i * 31 %% 30000,"
	    " printf('/v1/customers/cus_%%08x/subscriptions', i),"
	    " x'c0007f000001', x'7f000001' FROM n", nrows, VAULTS, VAULTS,
	    HOSTS);
	run(h, "INSERT INTO minutes SELECT %" PRId64 " / 60000000 + i,"
	    " i * %" PRIu64 " / 10080 + 1, (i + 1) * %" PRIu64 " / 10080"
	    " FROM (WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1"
	    " FROM n WHERE i < 10079) SELECT i FROM n)", begin, nrows, nrows);
	run(h, "INSERT OR REPLACE INTO counts SELECT vault, count(*) FROM log"
	    " WHERE vault IS NOT NULL GROUP BY vault");
	run(h, "INSERT OR REPLACE INTO meta VALUES ('rollup_id', %" PRIu64 ")",
	    nrows);
	run(h, "COMMIT");
	sqlite3_close(h);
}

/* MB, of a line in a file of /proc. */
static double
memory(pid_t pid, const char *file, const char *what)
{
	char	 path[64], line[256];
	double	 kb = -1;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, what, strlen(what)) == 0)
			kb = strtod(line + strlen(what), NULL);
	}
	fclose(f);
	if (kb < 0)
		errx(1, "%s: no %s", path, what);
	return (kb / 1024);
}

static void
page(struct gen_world *w, const char *filter)
{
	double	 wall = gen_wall();
	int	 n = gen_page(w, filter, 0, 50);

	printf("page \"%s\": %d rows%s, %.1f ms\n", filter, n,
	    w->api.u.rows_end.partial ? " and more to look for" : "",
	    (gen_wall() - wall) * 1e3);
	fflush(stdout);
}

/* What failed on the n-th day.  Times that api hands on are absolute. */
static void
page_of_day(struct gen_world *w, int n)
{
	time_t	 from = begin / 1000000 + n * 86400, until = from + 86400;
	char	 filter[128], a[32], b[32];

	(void)strftime(a, sizeof(a), "%Y-%m-%dT%H:%M:%SZ", gmtime(&from));
	(void)strftime(b, sizeof(b), "%Y-%m-%dT%H:%M:%SZ", gmtime(&until));
	(void)snprintf(filter, sizeof(filter), "since:%s until:%s status:5xx",
	    a, b);
	page(w, filter);
}

int
main(int argc, char **argv)
{
	struct gen_world	 w;
	struct gen_mark		 a, b;
	const char		*bad;
	double			 wall;
	uint64_t		 v;
	int			 ch;

	while ((ch = getopt(argc, argv, "n:")) != -1) {
		if (ch != 'n')
			usage();
		nrows = strtonum(optarg, 100000, 1000000000, &bad);
		if (bad != NULL)
			errx(2, "-n %s: %s", optarg, bad);
	}
	log_init("logd_big", 0);
	begin = loop_wall() - WEEK;
	gen_setup(&w, 0, 0, 0);
	gen_run(&w);
	for (v = 1; v <= VAULTS; v++)
		keyd_vault(&w.logd, v, v, 0);
	gen_close(&w);
	wall = gen_wall();
	fill(w.logd.dir);
	printf("%" PRIu64 " rows, %.0f MB, %.1f bytes a row, put in within "
	    "%.0f s\n", nrows, gen_size(w.logd.dir) / 1e6,
	    gen_size(w.logd.dir) / nrows, gen_wall() - wall);
	wall = gen_wall();
	gen_streams(&w, STREAMS, GEN_VAULTS);
	gen_run(&w);
	printf("ready after %.2f s, processor time %.2f s, %.1f MB\n",
	    gen_wall() - wall, gen_cpu(w.logd.pid),
	    memory(w.logd.pid, "status", "VmHWM:"));
	gen_look(&w, &a);
	page(&w, "");
	page(&w, "status:5xx");
	page(&w, "host:api77.example.com");
	page(&w, "host:api77.example.com status:5xx");
	page(&w, "path:*cus_00001234*");
	page_of_day(&w, 4);
	while (gen_wall() - a.wall < SECONDS)
		(void)gen_page(&w, "", 0, 50);
	gen_look(&w, &b);
	printf("%.0f rows/s meanwhile\n",
	    (b.rows - a.rows) / (b.wall - a.wall));
	printf("memory: at most %.1f MB, now %.1f MB of its own\n",
	    memory(w.logd.pid, "status", "VmHWM:"),
	    memory(w.logd.pid, "smaps_rollup", "Pss:"));
	gen_verdict("memory of logd", memory(w.logd.pid, "status", "VmHWM:"),
	    MEMORY, 0, "MB");
	gen_stop(&w);
	gen_close(&w);
	gen_teardown(&w);
	return (0);
}
