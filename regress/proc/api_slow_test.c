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
#include "conn.h"

/*
 * Clients that read an export slowly, of an api for which a minute is three
 * seconds, and what is left of two seconds a tenth.
 */

#define MINUTE_MS	3000
#define PATH		1799
#define ROWS		LOGD_ROWS	/* that the output holds, of 2 KB */
#define LAST		(12 * 1024)	/* what is left to read of them */
#define MANY		100	/* more than it holds */
#define SOME		(56 * 1024)	/* for the output to have room */
#define ALL_MAX		(1024 * 1024)

static const char	 token[] = "av_agt_0123456789abcdef";
static char		 all[ALL_MAX];

static int64_t	now_ms(void);
static void	pause_ms(int);
static uint32_t	begin(struct api_world *, int, uint64_t);
static size_t	read_some(int, size_t, int);
static size_t	to_last(struct api_world *, int, size_t);
static int	much(struct api_world *);

static int64_t
now_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
pause_ms(int ms)
{
	const struct timespec	 ts = { ms / 1000, ms % 1000 * 1000000L };

	assert_int_equal(nanosleep(&ts, NULL), 0);
}

/* An export of so many rows up to its first page, whose id it returns. */
static uint32_t
begin(struct api_world *w, int fd, uint64_t newest)
{
	struct msg_may_answer	 yes;

	memset(&yes, 0, sizeof(yes));
	yes.status = 200;
	yes.scope = 1;
	http_ask(fd, "GET", "/v1/admin/logs/export", token, NULL);
	yes.id = play_recv(&w->api, &w->keyd, MSG_MAY)->may.id;
	play_send(&w->keyd, MSG_MAY_ANSWER, &yes);
	logd_rows_end(w, play_recv(&w->api, &w->logd, MSG_QUERY)->query.id,
	    newest);
	return (play_recv(&w->api, &w->logd, MSG_QUERY)->query.id);
}

/* So many bytes, or fewer: those that come within ms, or up to the end. */
static size_t
read_some(int fd, size_t len, int ms)
{
	struct pollfd	 pfd = { fd, POLLIN, 0 };
	size_t		 have = 0;
	ssize_t		 n;

	assert_true(len < sizeof(all));
	while (have < len && poll(&pfd, 1, ms) == 1) {
		if ((n = read(fd, all + have, len - have)) <= 0)
			break;
		have += n;
	}
	all[have] = '\0';
	return (have);
}

/*
 * An export whose rows are all on their way, when logd has still to say that
 * there are no more.  Of its `whole' bytes LAST are to be read: few enough
 * for an api to have less than CONN_LOW of them, and more than the kernel
 * takes; with 0 all of them, and how many these are is returned.
 */
static size_t
to_last(struct api_world *w, int fd, size_t whole)
{
	uint32_t	 id;
	size_t		 n;

	id = begin(w, fd, 2 * ROWS);
	logd_rows(w, id, ROWS, ROWS, PATH);
	logd_rows_end(w, id, ROWS);
	id = play_recv(&w->api, &w->logd, MSG_QUERY)->query.id;
	if (whole == 0)
		n = read_some(fd, sizeof(all) - 1, 1000);
	else {
		n = read_some(fd, whole - LAST, PLAY_MS);
		assert_int_equal(n, whole - LAST);
	}
	pause_ms(100);		/* what has room for it is in the kernel */
	logd_rows_end(w, id, 2 * ROWS);
	(void)play_recv(&w->api, &w->keyd, MSG_CALLER_END);
	return (n);
}

/* A minute for the end of an export as for any other part of it. */
static void
end_of_export(void **state)
{
	static const char	 last[] = "0\r\n\r\n";
	struct api_world	 w;
	size_t			 whole, n;
	int			 fd;

	api_new_from(&w, API_MINUTE, PROC_API_TCP);
	w.small = 1;
	fd = http_known(&w, token);
	whole = to_last(&w, fd, 0);
	assert_true(whole > ROWS * 1800);
	assert_int_equal(read_some(fd, 100, PLAY_MS), strlen(last));
	assert_string_equal(all, last);
	close(fd);

	fd = http_known(&w, token);
	(void)to_last(&w, fd, whole);
	pause_ms(MINUTE_MS / 3);
	n = read_some(fd, sizeof(all) - 1, PLAY_MS);
	assert_int_equal(n, LAST + strlen(last));
	assert_string_equal(all + n - strlen(last), last);
	close(fd);

	/* And no more than that. */
	fd = http_known(&w, token);
	(void)to_last(&w, fd, whole);
	pause_ms(MINUTE_MS + 1000);
	assert_true(read_some(fd, sizeof(all) - 1, PLAY_MS) < LAST);
	close(fd);
	assert_int_equal(api_end(&w), 0);
}

/* More than the output holds, as one page; the client. */
static int
much(struct api_world *w)
{
	const int	 fd = http_known(w, token);
	const uint32_t	 id = begin(w, fd, MANY);
	uint64_t	 last;

	for (last = MANY; last > 0; last -= ROWS)
		logd_rows(w, id, last, ROWS, PATH);
	logd_rows_end(w, id, MANY);
	return (fd);
}

/* Who takes nothing for a minute is cut, and who takes some is not. */
static void
stalled_export(void **state)
{
	struct api_world	 w;
	int64_t			 start;
	size_t			 n;
	int			 fd;

	api_new_from(&w, API_MINUTE, PROC_API_TCP);
	w.small = 1;
	start = now_ms();
	fd = much(&w);
	(void)play_recv(&w.api, &w.keyd, MSG_CALLER_END);
	assert_in_range(now_ms() - start, MINUTE_MS - 100, 3 * MINUTE_MS);
	assert_true(read_some(fd, sizeof(all) - 1, PLAY_MS) < CONN_LOW);
	close(fd);

	start = now_ms();
	fd = much(&w);
	while ((n = read_some(fd, SOME, PLAY_MS)) == SOME)
		pause_ms(MINUTE_MS / 2);
	assert_true(now_ms() - start > MINUTE_MS);
	assert_string_equal(all + n - 5, "0\r\n\r\n");
	(void)play_recv(&w.api, &w.keyd, MSG_CALLER_END);
	close(fd);
	assert_int_equal(api_end(&w), 0);
	assert_non_null(strstr(w.api.log, "cut after"));
	assert_non_null(strstr(w.api.log, "its client takes nothing"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(end_of_export),
		cmocka_unit_test(stalled_export)
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
