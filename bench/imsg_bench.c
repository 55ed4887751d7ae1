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
 * What a log record costs on its way over a link: messages of 300 bytes from
 * one process to another, each written by itself and then gathered, in
 * alternating rounds, so that the ratio is of one run on one machine.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <imsg.h>

#define RECORD	300
#define ROUNDS	5

struct result {
	double	 wall;
	double	 cpu;	/* both processes */
};

static double	 cpu_seconds(int);
static void	 receiver(int, uint32_t);
static struct result	 run(uint32_t, uint32_t);
static void	 sender(int, uint32_t, uint32_t);
static __dead void	 usage(void);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: imsg_bench [-g gathered] [-n messages]\n");
	exit(1);
}

static double
cpu_seconds(int who)
{
	struct rusage	 ru;

	if (getrusage(who, &ru) == -1)
		err(1, "getrusage");
	return (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
	    (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
}

static void
receiver(int fd, uint32_t count)
{
	struct imsgbuf	 imsgbuf;
	struct imsg	 imsg;
	struct ibuf	 ibuf;
	uint32_t	 n = 0;
	int		 rv;

	if (imsgbuf_init(&imsgbuf, fd) == -1)
		err(1, "imsgbuf_init");
	imsgbuf_allow_fdpass(&imsgbuf);
	while ((rv = imsgbuf_read(&imsgbuf)) == 1) {
		while (imsgbuf_get(&imsgbuf, &imsg) == 1) {
			if (imsg_get_type(&imsg) != n++ ||
			    imsg_get_ibuf(&imsg, &ibuf) == -1 ||
			    ibuf_size(&ibuf) != RECORD)
				errx(1, "message %u is not what was sent", n);
			imsg_free(&imsg);
		}
	}
	if (rv == -1)
		err(1, "imsgbuf_read");
	if (n != count)
		errx(1, "%u messages of %u", n, count);
	imsgbuf_clear(&imsgbuf);
}

static void
sender(int fd, uint32_t count, uint32_t gather)
{
	struct imsgbuf	 imsgbuf;
	unsigned char	 data[RECORD];
	uint32_t	 i;

	memset(data, 'r', sizeof(data));
	if (imsgbuf_init(&imsgbuf, fd) == -1)
		err(1, "imsgbuf_init");
	imsgbuf_allow_fdpass(&imsgbuf);
	for (i = 0; i < count; i++) {
		if (imsg_compose(&imsgbuf, i, 0, 0, -1, data,
		    sizeof(data)) == -1)
			err(1, "imsg_compose");
		if (imsgbuf_queuelen(&imsgbuf) >= gather &&
		    imsgbuf_flush(&imsgbuf) == -1)
			err(1, "imsgbuf_flush");
	}
	if (imsgbuf_flush(&imsgbuf) == -1)
		err(1, "imsgbuf_flush");
	imsgbuf_clear(&imsgbuf);
}

static struct result
run(uint32_t count, uint32_t gather)
{
	struct timespec	 end, start;
	struct result	 r;
	pid_t		 pid;
	int		 fd[2], status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		err(1, "socketpair");
	r.cpu = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
	clock_gettime(CLOCK_MONOTONIC, &start);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		close(fd[0]);
		receiver(fd[1], count);
		_exit(0);
	}
	close(fd[1]);
	sender(fd[0], count, gather);
	close(fd[0]);
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	if (status != 0)
		errx(1, "the receiver failed");
	clock_gettime(CLOCK_MONOTONIC, &end);
	r.wall = (end.tv_sec - start.tv_sec) +
	    (end.tv_nsec - start.tv_nsec) / 1e9;
	r.cpu = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN) -
	    r.cpu;
	return (r);
}

int
main(int argc, char *argv[])
{
	struct result	 single, many, r;
	const char	*errstr;
	uint32_t	 count = 100000, gather = 64;
	int		 ch, i;

	while ((ch = getopt(argc, argv, "g:n:")) != -1) {
		switch (ch) {
		case 'g':
			gather = strtonum(optarg, 2, 1024, &errstr);
			if (errstr != NULL)
				errx(1, "-g %s: %s", optarg, errstr);
			break;
		case 'n':
			count = strtonum(optarg, 1, 100000000, &errstr);
			if (errstr != NULL)
				errx(1, "-n %s: %s", optarg, errstr);
			break;
		default:
			usage();
		}
	}
	if (argc != optind)
		usage();

	memset(&single, 0, sizeof(single));
	memset(&many, 0, sizeof(many));
	for (i = 0; i < ROUNDS; i++) {
		r = run(count, 1);
		single.wall += r.wall;
		single.cpu += r.cpu;
		r = run(count, gather);
		many.wall += r.wall;
		many.cpu += r.cpu;
	}
	printf("%-18s %14s %16s\n", "300-byte messages", "per second",
	    "CPU us each");
	printf("%-18s %14.0f %16.2f\n", "one by one",
	    (double)count * ROUNDS / single.wall,
	    single.cpu * 1e6 / count / ROUNDS);
	printf("gathered %-9u %14.0f %16.2f\n", gather,
	    (double)count * ROUNDS / many.wall,
	    many.cpu * 1e6 / count / ROUNDS);
	printf("%-18s %14.2f %16.2f\n", "ratio", single.wall / many.wall,
	    single.cpu / many.cpu);
	return (0);
}
