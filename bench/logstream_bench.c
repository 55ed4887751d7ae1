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


/*
 * What the log stream costs in a worker: BEGIN and END of a request, in turns
 * of so many, with the window's acknowledgements, while another process reads
 * and acknowledges.  The same loop without the stream is taken off, so that
 * the number is that of the records alone.  It is held against the loop that
 * logd is held against, in rounds that alternate.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>
#include <imsg.h>

#include "bare.h"
#include "codes.h"
#include "gen.h"
#include "link.h"
#include "logstream.h"
#include "loop.h"
#include "msg.h"

/* The worker's record.h, not logd's. */
#include "../broker/record.h"

#define PER_TURN	128	/* requests a turn, at most */
#define ACK_EVERY	500	/* records */
#define ROUNDS		3
#define USUAL		16	/* requests a turn, with as many clients */

static double	 cpu_seconds(void);
static void	 logd(int);
static void	 logd_ack(struct imsgbuf *, uint64_t);
static void	 on_ready(struct logrec *, int, void *);
static void	 turn(int, short, void *);
static void	 next_turn(void);
static double	 run(uint32_t, uint32_t, int);
static void	 verdicts(uint32_t);
static __dead void	 usage(void);

static const struct link_handler	 handlers[] = {
	LOGSTREAM_HANDLERS,
	{ 0, NULL }
};
static struct logrec	 recs[PER_TURN];
static struct event	 timer;
static uint32_t		 left, per_turn, waiting;
static uint64_t		 logged, unlogged;
static int		 on;

static __dead void
usage(void)
{
	fprintf(stderr, "usage: logstream_bench [-n requests]\n");
	exit(1);
}

static double
cpu_seconds(void)
{
	struct rusage	 ru;

	if (getrusage(RUSAGE_SELF, &ru) == -1)
		err(1, "getrusage");
	return (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
	    (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
}

static void
logd_ack(struct imsgbuf *imsgbuf, uint64_t seq)
{
	struct msg_ack	 m = { seq };
	struct msg_blob	 blob;

	if (rec_to_blob(&msg_desc(MSG_ACK)->rec, &m, &blob) == -1 ||
	    imsg_compose(imsgbuf, MSG_ACK, 0, 0, -1, blob.data, blob.len) ==
	    -1 || imsgbuf_flush(imsgbuf) == -1)
		_exit(0);
	msg_blob_free(&blob);
}

/* Reads, counts and acknowledges; one message in front is HELLO. */
static void
logd(int fd)
{
	struct imsgbuf	 imsgbuf;
	struct imsg	 imsg;
	uint64_t	 acked = 0, seq = 0;

	if (imsgbuf_init(&imsgbuf, fd) == -1)
		err(1, "imsgbuf_init");
	while (imsgbuf_read(&imsgbuf) == 1) {
		while (imsgbuf_get(&imsgbuf, &imsg) == 1) {
			if (imsg_get_type(&imsg) != MSG_HELLO)
				seq++;
			imsg_free(&imsg);
		}
		if (seq - acked >= ACK_EVERY)
			logd_ack(&imsgbuf, acked = seq);
	}
	_exit(0);
}

static void
on_ready(struct logrec *rec, int how, void *arg)
{
	if (how == LOGGED)
		logged++;
	else
		unlogged++;
	if (--waiting == 0)
		next_turn();
}

static void
next_turn(void)
{
	struct timeval	 tv = { 0, 0 };

	evtimer_add(&timer, &tv);
}

/*
 * A turn: what the one before began ends, and as much begins, when all of
 * that has been logged.
 */
static void
turn(int fd, short what, void *arg)
{
	struct msg_begin	 b;
	struct msg_end		 e;
	uint32_t		 i;

	memset(&b, 0, sizeof(b));
	memset(&e, 0, sizeof(e));
	b.scope = 1;
	b.ingress = INGRESS_MITM;
	b.protocol = PROTOCOL_HTTP11;
	b.decision = DECISION_BROKERED;
	b.method = "GET";
	b.host = "api.example.com";
	b.port = 443;
	b.path = "/v1/customers/cus_NffrFeUfNV2Hib/subscriptions";
	b.service = "example";
	b.keys = "EXAMPLE_API_KEY";
	b.client.af = 4;
	e.status = 200;
	e.upstream.af = 4;
	for (i = 0; on && i < per_turn; i++) {
		if (recs[i].state != 0)
			logstream_end(&recs[i], &e);
	}
	if (left == 0) {
		loop_exit();
		return;
	}
	for (i = 0; i < per_turn && left > 0; i++, left--) {
		if (!on)
			continue;
		record_id(b.request_id, loop_wall());
		logstream_begin(&recs[i], i + 1, &b, on_ready, NULL);
		waiting++;
	}
	if (waiting == 0)
		next_turn();
}

static double
run(uint32_t count, uint32_t gather, int stream)
{
	double	 cpu = cpu_seconds();

	left = count;
	per_turn = gather;
	on = stream;
	next_turn();
	loop_run();
	return ((cpu_seconds() - cpu) * 1e6 / count);
}

/* A request has two records. */
static void
verdicts(uint32_t count)
{
	struct bare	 b;
	double		 one[ROUNDS], many[ROUNDS];
	int		 i;

	for (i = 0; i < ROUNDS; i++) {
		bare_run(&b, 20000, 100000, 1);
		one[i] = (run(count, 1, 1) - run(count, 1, 0)) / 2 / b.cpu;
		many[i] = (run(count, USUAL, 1) - run(count, USUAL, 0)) / 2 /
		    b.cpu;
	}
	gen_verdict("a record in a worker, one request a turn",
	    gen_quantile(one, ROUNDS, 0.5), 0.5, 0, "x");
	gen_verdict("a record in a worker, 16 requests a turn",
	    gen_quantile(many, ROUNDS, 0.5), 0.5, 0, "x");
}

int
main(int argc, char *argv[])
{
	static const struct link_peer	 peer = { PROC_LOGD, 0, 1 };
	static const uint32_t		 gather[] = { 1, 4, 16, 64 };
	const char			*errstr;
	double				 bare, with;
	uint32_t			 count = 200000;
	size_t				 i;
	pid_t				 pid;
	int				 ch, fds[2];

	while ((ch = getopt(argc, argv, "n:")) != -1) {
		switch (ch) {
		case 'n':
			count = strtonum(optarg, 1000, 100000000, &errstr);
			if (errstr != NULL)
				errx(1, "-n %s: %s", optarg, errstr);
			break;
		default:
			usage();
		}
	}
	if (argc != optind)
		usage();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
		err(1, "socketpair");
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		close(fds[0]);
		logd(fds[1]);
	}
	close(fds[1]);
	loop_init();
	evtimer_set(&timer, turn, NULL);
	logstream_init();
	logstream_opened(link_new(fds[0], PROC_MITM, &peer, handlers,
	    logstream_closed, NULL));
	printf("%-20s %16s %16s\n", "requests a turn", "us of CPU each",
	    "us of the turn");
	for (i = 0; i < sizeof(gather) / sizeof(gather[0]); i++) {
		bare = run(count, gather[i], 0);
		with = run(count, gather[i], 1);
		printf("%-20u %16.2f %16.2f\n", gather[i], with - bare, bare);
	}
	verdicts(count);
	printf("%llu logged, %llu not\n", (unsigned long long)logged,
	    (unsigned long long)unlogged);
	(void)logstream_bye(1000);
	kill(pid, SIGTERM);
	if (waitpid(pid, NULL, 0) == -1)
		err(1, "waitpid");
	return (0);
}
