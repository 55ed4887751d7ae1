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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../logd/db.h"
#include "../logd/record.h"
#include "../logd/schema.h"
#include "bare.h"
#include "codes.h"
#include "gen.h"
#include "loop.h"
#include "window.h"

struct bare_row {
	struct gen_row	 row;
	int64_t		 flags;
	uint8_t		 uuid[16];
	uint8_t		 client[18];
	uint8_t		 upstream[18];
	size_t		 nclient;
	size_t		 nupstream;
	uint64_t	 n;
};

static struct bare_row	 rows[BARE_BATCH];
static struct db_sql	 sql = DB_SQL("INSERT INTO log (id, vault, scope,"
    " target, flags, status, request_id, stream, seq, conn, latency, ttfb,"
    " bytes_in, bytes_out, path, client, upstream)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

static void	prepare(uint64_t);
static void	insert(int);
static void	check(int);
static __dead void	 neighbour(void);
static void	loop(const char *, struct bare *, uint64_t, uint64_t, int);

static void
check(int rc)
{
	if (rc == -1)
		errx(1, "%s", db_errstr());
}

static void
prepare(uint64_t first)
{
	struct bare_row	*r;
	uint64_t	 n = first;

	for (r = rows; r < rows + BARE_BATCH; r++, n++) {
		r->n = n;
		gen_row(&r->row, n);
		record_uuid(r->uuid, loop_wall());
		r->flags = schema_flags(KIND_REQUEST, INGRESS_MITM,
		    DECISION_BROKERED, PROTOCOL_HTTP11, 0, 0, 0);
		r->nclient = addr_pack(&r->row.begin.client, 0, r->client);
		r->nupstream = addr_pack(&r->row.end.upstream,
		    r->row.begin.port, r->upstream);
	}
}

static void
insert(int vaults)
{
	const struct msg_end	*e;
	struct bare_row		*r;
	int64_t			 vault;

	check(db_begin(0));
	for (r = rows; r < rows + BARE_BATCH; r++) {
		e = &r->row.end;
		vault = r->n / GEN_OPEN % vaults + 1;
		check(db_run(&sql, "iiiiiibiiiiiiitbb", (int64_t)r->n + 1,
		    vault, vault, (int64_t)(r->n % (2 * GEN_HOSTS)) + 1,
		    r->flags, e->status, r->uuid, sizeof(r->uuid), (int64_t)1,
		    (int64_t)r->n * 2, (int64_t)r->row.begin.conn, e->latency,
		    e->ttfb, (int64_t)e->bytes_in, (int64_t)e->bytes_out,
		    r->row.path, r->client, r->nclient, r->upstream,
		    r->nupstream));
	}
	check(db_commit());
	db_checkpoint();
}

static void
loop(const char *dir, struct bare *b, uint64_t warm, uint64_t n, int vaults)
{
	double		 cpu, wall;
	char		 why[512], text[128];
	uint64_t	 i;
	int		 v;

	if (db_open(dir, why, sizeof(why)) == -1 ||
	    schema_open(dir, why, sizeof(why)) == -1)
		errx(1, "%s", why);
	for (v = 1; v <= vaults; v++) {
		(void)snprintf(text, sizeof(text), "INSERT INTO vaults VALUES "
		    "(%d, 'u%d', 'v%d', 0, 0, 0, 0, 0)", v, v, v);
		check(db_exec(text));
	}
	for (i = 0; i < warm + n; i += BARE_BATCH) {
		prepare(i);
		wall = gen_wall();
		cpu = gen_cpu(0);
		insert(vaults);
		if (i < warm)
			continue;
		b->cpu += gen_cpu(0) - cpu;
		b->rows += gen_wall() - wall;
	}
	db_close();
	n = i - (warm + BARE_BATCH - 1) / BARE_BATCH * BARE_BATCH;
	b->cpu = b->cpu / n * 1e6;
	b->rows = n / b->rows;
	b->bytes = gen_size(dir) / i;
}

static __dead void
neighbour(void)
{
	struct gen_row	 row;
	const uint8_t	*data;
	uint64_t	 n;

	window_init();
	for (n = 0;; n++) {
		gen_row(&row, n);
		if (window_encode(MSG_BEGIN, &row.begin, &data) == 0 ||
		    window_encode(MSG_END, &row.end, &data) == 0)
			err(1, "record");
	}
}

void
bare_run_beside(struct bare *b, uint64_t warm, uint64_t n, int vaults,
    int busy)
{
	pid_t	 pid[GEN_MAX];
	int	 i;

	for (i = 0; i < busy && i < GEN_MAX; i++) {
		if ((pid[i] = fork()) == 0)
			neighbour();
		if (pid[i] == -1)
			err(1, "fork");
	}
	bare_run(b, warm, n, vaults);
	while (--i >= 0) {
		if (kill(pid[i], SIGKILL) == -1 ||
		    waitpid(pid[i], NULL, 0) == -1)
			err(1, "neighbour");
	}
}

void
bare_run(struct bare *b, uint64_t warm, uint64_t n, int vaults)
{
	const char	*tmp = getenv("TMPDIR");
	char		 dir[256];
	int		 p[2], status;
	pid_t		 pid;

	memset(b, 0, sizeof(*b));
	(void)snprintf(dir, sizeof(dir), "%s/bare.XXXXXXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL || pipe(p) == -1)
		err(1, "%s", dir);
	if ((pid = fork()) == 0) {
		loop(dir, b, warm, n, vaults);
		if (write(p[1], b, sizeof(*b)) != sizeof(*b))
			err(1, "write");
		_exit(0);
	}
	close(p[1]);
	if (read(p[0], b, sizeof(*b)) != sizeof(*b) ||
	    waitpid(pid, &status, 0) == -1 || status != 0)
		errx(1, "the bare loop failed");
	close(p[0]);
	gen_remove(dir);
}
