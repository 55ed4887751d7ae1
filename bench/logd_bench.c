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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>
#include <imsg.h>

#include "../logd/batch.h"
#include "../logd/db.h"
#include "../logd/pace.h"
#include "../logd/recover.h"
#include "../logd/retain.h"
#include "../logd/schema.h"
#include "../logd/scope.h"
#include "../logd/stream.h"
#include "../logd/vault.h"
#include "codes.h"
#include "link.h"
#include "log.h"
#include "loop.h"

/*
 * What logd costs a request: a generator streams BEGINs and ENDs over a real
 * log link into logd's parts, which commit, checkpoint and acknowledge.  In
 * the same run, and as often, a bare loop inserts as many rows of the same
 * schema: a statement a row, 1000 a transaction, no dictionary, no stream.
 *
 * usage: logd_bench [-n requests] [-r rounds] [-b batch] [-k rows kept]
 */
#define INSTANCE	0x2001
#define SCOPE		1
#define WINDOW		4096
#define HOSTS		50

struct result {
	double		 seconds;
	double		 cpu;
	double		 bytes;		/* a row */
	int64_t		 rows;
};

static uint64_t		 requests = 200000;
static uint32_t		 batch = 1000;
static uint64_t		 keep;
static char		 dir[256];

static void	usage(void);
static double	cpu(void);
static void	dir_make(void);
static double	dir_size(int);
static void	vault_make(void);
static void	generate(int);
static void	send_begin(struct imsgbuf *, uint64_t);
static void	send_end(struct imsgbuf *, uint64_t, uint64_t);
static void	flush(int, struct imsgbuf *, uint64_t *, uint64_t);
static void	closed(struct link *);
static void	run_logd(struct result *);
static void	run_bare(struct result *);
static void	round_of(void (*)(struct result *), struct result *);
static void	show(const char *, const struct result *, int);

static void
usage(void)
{
	fprintf(stderr, "usage: logd_bench [-n requests] [-r rounds] "
	    "[-b batch] [-k rows]\n");
	exit(2);
}

static double
cpu(void)
{
	struct rusage	 ru;

	getrusage(RUSAGE_SELF, &ru);
	return (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
	    (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
}

static void
dir_make(void)
{
	const char	*tmp = getenv("TMPDIR");

	(void)snprintf(dir, sizeof(dir), "%s/logd_bench.XXXXXXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
}

/* Bytes in the directory, which goes away when asked. */
static double
dir_size(int rm)
{
	struct stat	 st;
	glob_t		 g;
	char		 pattern[300];
	double		 total = 0;
	size_t		 i;

	(void)snprintf(pattern, sizeof(pattern), "%s/*", dir);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++) {
			if (stat(g.gl_pathv[i], &st) == 0)
				total += st.st_size;
			if (rm)
				(void)unlink(g.gl_pathv[i]);
		}
		globfree(&g);
	}
	if (rm)
		(void)rmdir(dir);
	return (total);
}

static void
vault_make(void)
{
	if (db_exec("INSERT INTO vaults VALUES (1, 'u', 'v', 0, 0, 0, 0, 0)")
	    == -1)
		errx(1, "%s", db_errstr());
}

static void
send_begin(struct imsgbuf *ibuf, uint64_t seq)
{
	struct msg_begin	 b;
	struct ibuf		*buf;
	char			 host[32], path[64];

	memset(&b, 0, sizeof(b));
	b.seq = seq;
	record_uuid(b.request_id, loop_wall());
	b.scope = SCOPE;
	b.conn = seq / 40;
	b.ingress = INGRESS_MITM;
	b.protocol = PROTOCOL_HTTP11;
	b.decision = DECISION_BROKERED;
	b.method = "POST";
	(void)snprintf(host, sizeof(host), "api%d.example.com",
	    (int)(seq / 2 % HOSTS));
	b.host = host;
	b.port = 443;
	(void)snprintf(path, sizeof(path), "/v1/items/%d",
	    (int)(seq % 5000));
	b.path = path;
	b.service = "example";
	b.keys = "EXAMPLE_KEY";
	b.client.af = 4;
	b.client.port = seq & 0xffff;
	buf = imsg_create(ibuf, MSG_BEGIN, 0, 0, 0);
	if (buf == NULL || rec_encode(buf, &msg_desc(MSG_BEGIN)->rec, &b))
		err(1, "BEGIN");
	imsg_close(ibuf, buf);
}

static void
send_end(struct imsgbuf *ibuf, uint64_t seq, uint64_t begin)
{
	struct msg_end	 e;
	struct ibuf	*buf;

	memset(&e, 0, sizeof(e));
	e.seq = seq;
	e.begin = begin;
	e.decision = DECISION_BROKERED;
	e.status = 200;
	e.latency = 20000 + seq % 30000;
	e.ttfb = 15000 + seq % 5000;
	e.bytes_in = 300 + seq % 100;
	e.bytes_out = 1000 + seq % 9000;
	e.upstream.af = 4;
	e.upstream.port = 443;
	buf = imsg_create(ibuf, MSG_END, 0, 0, 0);
	if (buf == NULL || rec_encode(buf, &msg_desc(MSG_END)->rec, &e))
		err(1, "END");
	imsg_close(ibuf, buf);
}

/* Write what is queued, and wait until the window has room. */
static void
flush(int fd, struct imsgbuf *ibuf, uint64_t *acked, uint64_t wanted)
{
	struct pollfd	 pfd = { fd, 0, 0 };
	struct imsg	 imsg;

	do {
		pfd.events = POLLIN;
		if (imsgbuf_queuelen(ibuf) > 0)
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, -1) == -1)
			err(1, "poll");
		if ((pfd.revents & POLLOUT) && imsgbuf_write(ibuf) == -1)
			err(1, "write");
		if ((pfd.revents & POLLIN) == 0)
			continue;
		if (imsgbuf_read(ibuf) != 1)
			err(1, "read");
		while (imsgbuf_get(ibuf, &imsg) == 1) {
			if (imsg_get_data(&imsg, acked, sizeof(*acked)) == -1)
				err(1, "ACK");
			imsg_free(&imsg);
		}
	} while (imsgbuf_queuelen(ibuf) > 0 || *acked < wanted);
}

/* 32 requests open at any time, 64 records a write. */
static void
generate(int fd)
{
	struct imsgbuf		 ibuf;
	struct msg_hello	 hello = { 1, 0 };
	uint64_t		 i, seq = 0, acked = 0, begins[32];

	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    imsgbuf_init(&ibuf, fd) == -1)
		err(1, "link");
	(void)imsg_compose(&ibuf, MSG_HELLO, 0, 0, -1, &hello, sizeof(hello));
	for (i = 0; i < requests + 32; i++) {
		if (i >= 32) {
			seq++;
			send_end(&ibuf, seq, begins[i % 32]);
		}
		if (i < requests) {
			begins[i % 32] = ++seq;
			send_begin(&ibuf, seq);
		}
		if (imsgbuf_queuelen(&ibuf) >= 64)
			flush(fd, &ibuf, &acked, seq < WINDOW - 64 ? 0 :
			    seq - (WINDOW - 64));
	}
	flush(fd, &ibuf, &acked, seq);
	_exit(0);
}

static void
closed(struct link *l)
{
	stream_closed(l);
	loop_exit();
}

static void
run_logd(struct result *res)
{
	struct batch_conf	 bc = { 50, batch, 0, 0 };
	struct retain_conf	 rc = { 0, keep, 0 };
	struct msg_scope_open	 scope;
	struct msg_instances	 inst = { NULL, 0 };
	struct link_peer	 peer = { PROC_MITM, 0, INSTANCE };
	struct link		*l;
	uint64_t		 start;
	double			 before;
	char			 why[512];
	int			 sv[2];
	pid_t			 pid;

	loop_init();
	pace_init();
	batch_init();
	batch_configure(&bc);
	if (recover_open(dir, why, sizeof(why)) == -1)
		errx(1, "%s", why);
	recover_begin();
	vault_make();
	vault_add(1);
	retain_configure(&rc);
	memset(&scope, 0, sizeof(scope));
	scope.scope = SCOPE;
	scope.kind = SCOPE_WRITE;
	scope.instance = INSTANCE;
	scope.vault = 1;
	scope.actor_type = ACTOR_AGENT;
	scope.actor = "1";
	scope.actor_name = scope.session = "";
	recover_instances(&inst);
	recover_sync(1);
	scope_open(&scope);
	recover_scope();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		err(1, "socketpair");
	before = cpu();
	start = loop_mono();
	if ((pid = fork()) == 0) {
		close(sv[0]);
		generate(sv[1]);
	}
	close(sv[1]);
	l = link_new(sv[0], PROC_LOGD, &peer, stream_handlers, closed, NULL);
	stream_opened(l);
	loop_run();
	res->seconds = (loop_mono() - start) / 1e6;
	res->cpu = cpu() - before;
	if (waitpid(pid, NULL, 0) == -1)
		err(1, "waitpid");
	(void)batch_flush(0);
	recover_close();
}

/* The least that SQLite can do with the same rows. */
static void
run_bare(struct result *res)
{
	static struct db_sql	 sql = DB_SQL("INSERT INTO log (id, vault,"
	    " scope, target, flags, status, request_id, stream, seq, conn,"
	    " latency, ttfb, bytes_in, bytes_out, path, client, upstream)"
	    " VALUES (?, 1, 1, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	uint64_t	 i, start;
	uint8_t		 uuid[16], addr[6] = { 0 };
	double		 before;
	char		 why[512], path[64];

	if (db_open(dir, why, sizeof(why)) == -1 ||
	    schema_open(dir, why, sizeof(why)) == -1)
		errx(1, "%s", why);
	vault_make();
	before = cpu();
	start = loop_mono();
	for (i = 0; i < requests; i++) {
		if (i % batch == 0 && db_begin(0) == -1)
			errx(1, "%s", db_errstr());
		record_uuid(uuid, loop_wall());
		(void)snprintf(path, sizeof(path), "/v1/items/%d",
		    (int)(i % 5000));
		if (db_run(&sql, "iiiibiiiiiitbb", (int64_t)i + 1,
		    (int64_t)(i % HOSTS), (int64_t)0x4b0, (int64_t)200,
		    uuid, sizeof(uuid), (int64_t)i * 2, (int64_t)i / 20,
		    (int64_t)(20000 + i % 30000), (int64_t)(15000 + i % 5000),
		    (int64_t)(300 + i % 100), (int64_t)(1000 + i % 9000),
		    path, addr, sizeof(addr), addr, sizeof(addr)) == -1)
			errx(1, "%s", db_errstr());
		if (i % batch == batch - 1 || i == requests - 1) {
			if (db_commit() == -1)
				errx(1, "%s", db_errstr());
			db_checkpoint();
		}
	}
	res->seconds = (loop_mono() - start) / 1e6;
	res->cpu = cpu() - before;
	db_close();
}

/* In a process of its own, with a directory of its own. */
static void
round_of(void (*fn)(struct result *), struct result *sum)
{
	struct result	 res;
	int		 p[2], status;
	pid_t		 pid;

	memset(&res, 0, sizeof(res));
	dir_make();
	if (pipe(p) == -1)
		err(1, "pipe");
	if ((pid = fork()) == 0) {
		fn(&res);
		if (write(p[1], &res, sizeof(res)) != sizeof(res))
			err(1, "write");
		exit(0);
	}
	close(p[1]);
	if (read(p[0], &res, sizeof(res)) != sizeof(res) ||
	    waitpid(pid, &status, 0) == -1 || status != 0)
		errx(1, "the round failed");
	close(p[0]);
	sum->seconds += res.seconds;
	sum->cpu += res.cpu;
	sum->rows += requests;
	sum->bytes += dir_size(1);
}

static void
show(const char *name, const struct result *r, int rounds)
{
	printf("%-8s %10.0f rows/s  %6.2f us CPU a row  %6.1f bytes a row\n",
	    name, r->rows / r->seconds, r->cpu / r->rows * 1e6,
	    r->bytes / r->rows);
}

int
main(int argc, char **argv)
{
	struct result	 logd, bare;
	const char	*bad;
	int		 ch, i, rounds = 3;

	while ((ch = getopt(argc, argv, "b:k:n:r:")) != -1) {
		bad = NULL;
		switch (ch) {
		case 'b':
			batch = strtonum(optarg, 1, 100000, &bad);
			break;
		case 'k':
			keep = strtonum(optarg, 0, INT64_MAX, &bad);
			break;
		case 'n':
			requests = strtonum(optarg, 1, 100000000, &bad);
			break;
		case 'r':
			rounds = strtonum(optarg, 1, 100, &bad);
			break;
		default:
			usage();
		}
		if (bad != NULL)
			errx(2, "-%c %s: %s", ch, optarg, bad);
	}
	log_init("logd_bench", 0);
	memset(&logd, 0, sizeof(logd));
	memset(&bare, 0, sizeof(bare));
	for (i = 0; i < rounds; i++) {
		round_of(run_bare, &bare);
		round_of(run_logd, &logd);
	}
	show("bare", &bare, rounds);
	show("logd", &logd, rounds);
	printf("logd/bare: %.2f of the rows/s, %.2f x the CPU\n",
	    bare.seconds / logd.seconds, logd.cpu / bare.cpu);
	return (0);
}
