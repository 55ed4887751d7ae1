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
#include <sys/wait.h>

#include <setjmp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_world.h"
#include "codes.h"

/*
 * Many clients, slow ones, and a keyd that does not answer: every bound of an
 * api, and that it serves others meanwhile.
 */

#define FILES		300	/* descriptors the api may have */
#define PLACES		(FILES - 32)
#define KEPT		16
#define SLOW		150
#define HEAD_MS		10000	/* what the slow ones may take */
#define QUICK_LEAST	45	/* answers before that, of 90 */
#define FLOOD_LEAST	64	/* connections of each that floods */
#define REQUESTS	200
#define LARGE		110	/* answers that are not read */
#define HELD		((size_t)64 * 1024 * 1024)	/* in so many bytes */
#define LARGE_PART	20	/* rows in a message */

static const char	 token[] = "av_agt_0123456789abcdef";

static int64_t	now_ms(void);
static void	few_files(void);
static void	enough_files(void);
static int64_t	health_ms(int);
static int	half_open(struct api_world *);
static void	flood(struct api_world *, int, int);
static long	waits(pid_t);
static long	requests(struct api_world *, int);
static void	large_answer(struct api_world *, uint32_t);
static int	large_ask(struct api_world *);

static int64_t
now_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000LL + ts.tv_nsec / 1000000);
}

/* For the process that is started next, and for us. */
static void
few_files(void)
{
	struct rlimit	 rl;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = FILES;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
}

static void
enough_files(void)
{
	struct rlimit	 rl;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = rl.rlim_max < 4096 ? rl.rlim_max : 4096;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
}

static int64_t
health_ms(int fd)
{
	struct answer	 a;
	int64_t		 start = now_ms();

	http_ask(fd, "GET", "/health", NULL, NULL);
	http_expect(fd, 200, &a);
	http_free(&a);
	return (now_ms() - start);
}

static void
five_hundred(void **state)
{
	struct api_world	 w;
	int			 fd[500], i;

	enough_files();
	api_new(&w, PROC_API_TCP);
	for (i = 0; i < 500; i++)
		fd[i] = http_open(&w);
	for (i = 499; i >= 0; i--)
		assert_true(health_ms(fd[i]) < PLAY_MS);
	for (i = 0; i < 500; i++)
		close(fd[i]);
	assert_int_equal(api_end(&w), 0);
}

static int
half_open(struct api_world *w)
{
	static const char	 half[] = "GET /health HTTP/1.1\r\n";
	int			 fd = http_open(w);

	(void)health_ms(fd);
	http_write(fd, half, sizeof(half) - 1);
	return (fd);
}

/*
 * The last places are for addresses that have none; when all are taken one
 * waits until another goes.
 */
static void
places_tcp(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	int			 fd[PLACES], more, i;

	few_files();
	api_new(&w, PROC_API_TCP);
	enough_files();
	for (i = 0; i < PLACES - KEPT; i++)
		fd[i] = half_open(&w);
	more = http_open(&w);
	assert_true(http_closed(more, PLAY_MS));
	close(more);
	for (; i < PLACES; i++) {
		w.from = i - (PLACES - KEPT) + 2;
		fd[i] = half_open(&w);
	}
	w.from = KEPT + 2;
	more = http_open(&w);
	http_ask(more, "GET", "/health", NULL, NULL);
	assert_false(http_closed(more, 200));
	close(fd[17]);
	http_expect(more, 200, &a);
	http_free(&a);
	close(more);
	for (i = 0; i < PLACES; i++) {
		if (i != 17)
			close(fd[i]);
	}
	assert_int_equal(api_end(&w), 0);
}

/* One that has nothing to ask does not keep out one that has. */
static void
places_idle(void **state)
{
	struct api_world	 w;
	int			 fd[PLACES], more, i;

	few_files();
	api_new(&w, PROC_API_TCP);
	enough_files();
	for (i = 0; i < PLACES - KEPT; i++) {
		fd[i] = http_open(&w);
		(void)health_ms(fd[i]);
	}
	/* Only one has to go, and the first is no more the longest idle. */
	(void)health_ms(fd[0]);
	more = http_open(&w);
	assert_true(health_ms(more) < PLAY_MS);
	assert_true(http_closed(fd[1], PLAY_MS));
	(void)health_ms(fd[0]);
	(void)health_ms(fd[2]);
	close(more);
	for (i = 0; i < PLACES - KEPT; i++)
		close(fd[i]);
	assert_int_equal(api_end(&w), 0);
}

/* The last places of the local socket are for users who have none. */
static void
places_local(void **state)
{
	struct api_world	 w;
	int			 fd[PLACES], i;

	few_files();
	api_new(&w, PROC_API_LOCAL);
	enough_files();
	for (i = 0; i < PLACES - KEPT; i++) {
		fd[i] = http_open(&w);
		(void)health_ms(fd[i]);
	}
	fd[i] = http_open(&w);
	assert_true(http_closed(fd[i], PLAY_MS));
	close(fd[i]);
	(void)health_ms(fd[0]);
	close(fd[1]);
	/* It may take a turn until its end is seen. */
	for (i = 0; i < 100; i++) {
		fd[1] = http_open(&w);
		if (!http_closed(fd[1], 20))
			break;
		close(fd[1]);
	}
	assert_true(health_ms(fd[1]) < PLAY_MS);
	for (i = 0; i < PLACES - KEPT; i++)
		close(fd[i]);
	assert_int_equal(api_end(&w), 0);
}

/*
 * Connections, requests and bad bytes, as fast as it goes, until the pipe
 * ends; its first byte says that the flood is on.
 */
static void
flood(struct api_world *w, int on, int stop)
{
	static const char	 junk[] = "GET /health HTTP/1.1\r\nHost: x\r\n"
	    "\r\nGET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nx";
	struct pollfd		 pfd = { stop, POLLIN, 0 };
	int			 fd[64], i, n = 0;

	for (i = 0; i < 64; i++)
		fd[i] = -1;
	while (poll(&pfd, 1, 0) == 0) {
		i = n++ % 64;
		if (fd[i] != -1)
			close(fd[i]);
		if ((fd[i] = http_try(w)) != -1)
			http_write(fd[i], junk, sizeof(junk) - 1);
		if (n == FLOOD_LEAST && write(on, "", 1) != 1)
			break;
	}
	_exit(n < FLOOD_LEAST);
}

/* How often a process has waited, or -1 where that cannot be known. */
static long
waits(pid_t pid)
{
	char	 name[64], line[128];
	long	 n = -1;
	FILE	*f;

	snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	if ((f = fopen(name, "r")) == NULL)
		return (-1);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
			break;
	}
	fclose(f);
	return (n);
}

/* How often the process waits for so many requests, one after the other. */
static long
requests(struct api_world *w, int n)
{
	long	 before = waits(w->api.pid), after;
	int	 fd = http_open(w), i;

	for (i = 0; i < n; i++)
		(void)health_ms(fd);
	after = waits(w->api.pid);
	close(fd);
	return (before == -1 ? 0 : after - before);
}

/*
 * That takes no longer on the local socket: while the flood goes on its
 * process has as little to do for the same as without it.
 */
static void
flood_of_tcp(void **state)
{
	struct api_world	 tcp, local;
	char			 c;
	long			 quiet, loud;
	pid_t			 pid[4];
	int			 fd, i, on[2], stop[2], status;

	enough_files();
	api_new(&tcp, PROC_API_TCP);
	api_new(&local, PROC_API_LOCAL);
	quiet = requests(&local, REQUESTS);
	assert_int_equal(pipe(on), 0);
	assert_int_equal(pipe(stop), 0);
	for (i = 0; i < 4; i++) {
		if ((pid[i] = fork()) == 0) {
			close(stop[1]);
			flood(&tcp, on[1], stop[0]);
		}
		assert_int_not_equal(pid[i], -1);
	}
	close(on[1]);
	for (i = 0; i < 4; i++)
		assert_int_equal(read(on[0], &c, 1), 1);
	loud = requests(&local, REQUESTS);
	close(stop[1]);
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	close(on[0]);
	close(stop[0]);
	print_message("%d answers: waited %ld times, in the flood %ld\n",
	    REQUESTS, quiet, loud);
	assert_true(loud <= quiet + REQUESTS / 4);
	/* And it has come through that itself. */
	fd = http_open(&tcp);
	(void)health_ms(fd);
	close(fd);
	assert_int_equal(api_end(&tcp), 0);
	assert_int_equal(api_end(&local), 0);
}

/*
 * Half a minute for all of them together: heads that do not end, a body that
 * does not, a client that says nothing, a keyd that does not answer.
 */
static void
time_limits(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	int64_t			 start;
	int			 slow[SLOW], mute, body, late, quick, i, s;
	int			 before = 0;

	enough_files();
	api_new(&w, PROC_API_TCP);
	late = http_known(&w, token);
	body = http_known(&w, token);
	http_ask(late, "GET", "/v1/vaults", token, NULL);
	(void)play_recv(&w.api, &w.keyd, MSG_GET);
	http_put(body, "POST /v1/vaults HTTP/1.1\r\nHost: x\r\n"
	    "Authorization: Bearer av_agt_0123456789abcdef\r\n"
	    "Content-Length: 20\r\n\r\n{\"name\":");
	start = now_ms();
	mute = http_open(&w);
	for (i = 0; i < SLOW; i++) {
		slow[i] = http_open(&w);
		http_put(slow[i], "GET /health HTTP/1.1\r\nHost: x\r\n");
	}
	quick = http_open(&w);
	for (s = 0; s < 90; s++) {
		for (i = 0; i < SLOW; i++)
			(void)send(slow[i], "x", 1, MSG_NOSIGNAL);
		(void)health_ms(quick);
		before += now_ms() - start < HEAD_MS;
		usleep(100000);
	}
	/* Nobody has waited for those who are slow. */
	assert_true(before >= QUICK_LEAST);
	for (i = 0; i < SLOW; i++) {
		http_expect(slow[i], 408, &a);
		http_free(&a);
		assert_true(http_closed(slow[i], PLAY_MS));
		close(slow[i]);
	}
	assert_true(http_closed(mute, PLAY_MS));
	assert_in_range(now_ms() - start, 9000, 15000);
	close(mute);
	while (now_ms() - start < 27000) {
		(void)health_ms(quick);
		usleep(500000);
	}
	http_expect(body, 408, &a);
	http_free(&a);
	http_expect(late, 504, &a);
	assert_non_null(strstr(a.body, "\"code\":\"timeout\""));
	http_free(&a);
	assert_in_range(now_ms() - start, 29000, 36000);
	close(body);
	close(late);
	close(quick);
	assert_int_equal(api_end(&w), 0);
}

/* Rows of the longest kind, 200 of them in parts: an answer of a megabyte. */
static void
large_answer(struct api_world *w, uint32_t id)
{
	static char		 path[2048], keys[1000], detail[1000];
	static struct rec_row	 row[LARGE_PART];
	struct msg_rows		 rows = { id, row, LARGE_PART };
	struct msg_rows_end	 end;
	int			 i;

	memset(path, 'p', sizeof(path) - 1);
	memset(keys, 'k', sizeof(keys) - 1);
	memset(detail, 'd', sizeof(detail) - 1);
	memset(row, 0, sizeof(row));
	for (i = 0; i < LARGE_PART; i++) {
		row[i].path = path;
		row[i].keys = keys;
		row[i].detail = detail;
	}
	for (i = 0; i < 200 / LARGE_PART; i++)
		play_send(&w->logd, MSG_ROWS, &rows);
	memset(&end, 0, sizeof(end));
	end.id = id;
	end.status = 200;
	play_send(&w->logd, MSG_ROWS_END, &end);
}

static int
large_ask(struct api_world *w)
{
	struct msg_may_answer	 yes;
	int			 fd = http_known(w, token);

	memset(&yes, 0, sizeof(yes));
	yes.status = 200;
	yes.scope = 1;
	http_ask(fd, "GET", "/v1/admin/logs?limit=200", token, NULL);
	yes.id = play_recv(&w->api, &w->keyd, MSG_MAY)->may.id;
	play_send(&w->keyd, MSG_MAY_ANSWER, &yes);
	large_answer(w, play_recv(&w->api, &w->logd, MSG_QUERY)->query.id);
	return (fd);
}

/*
 * Who asks for much and reads nothing: memory has its bound, and the answers
 * that have waited for longest go first.
 */
static void
large_answers(void **state)
{
	struct api_world	 w;
	struct answer		 a;
	size_t			 fit;
	int			 fd[LARGE], i;

	enough_files();
	api_new(&w, PROC_API_LOCAL);
	fd[0] = large_ask(&w);
	http_expect(fd[0], 200, &a);
	fit = HELD / a.len;
	assert_in_range(fit, 50, LARGE - 10);
	http_free(&a);
	for (i = 1; i < LARGE; i++) {
		fd[i] = large_ask(&w);
		/* One goes for each that is too much. */
		if ((size_t)i > fit)
			(void)play_recv(&w.api, &w.keyd, MSG_CALLER_END);
	}
	for (i = 1; i < LARGE; i += 5) {
		if ((size_t)i < LARGE - fit)
			assert_int_equal(http_answer(fd[i], 0, &a), -1);
		else {
			http_expect(fd[i], 200, &a);
			http_free(&a);
		}
	}
	(void)health_ms(fd[0]);
	for (i = 0; i < LARGE; i++)
		close(fd[i]);
	assert_int_equal(api_end(&w), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(five_hundred),
		cmocka_unit_test(places_tcp),
		cmocka_unit_test(places_idle),
		cmocka_unit_test(places_local),
		cmocka_unit_test(flood_of_tcp),
		cmocka_unit_test(large_answers),
		cmocka_unit_test(time_limits)
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
