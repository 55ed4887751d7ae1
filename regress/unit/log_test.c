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
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>

#include "log.h"
#include "loop.h"

static char	last[LOG_LINE + 200];
static int	last_priority;
static int	lines;

static void
sink(int priority, const char *line)
{
	last_priority = priority;
	(void)snprintf(last, sizeof(last), "%s", line);
	lines++;
}

static void
test_lines(void **state)
{
	char	 big[3 * LOG_LINE];

	log_sink(sink);
	log_init("test", 0);
	log_info("a %d", 1);
	assert_string_equal(last, "a 1");
	assert_int_equal(last_priority, LOG_INFO);
	errno = ENOENT;
	log_warn("file");
	assert_string_equal(last, "file: No such file or directory");
	assert_int_equal(errno, ENOENT);
	log_warnx("one\ntwo\033[1m\t%s", "\xc3\xa4");
	assert_true(log_printable(last));
	assert_null(strchr(last, '\n'));
	assert_non_null(strstr(last, "one\\n"));
	lines = 0;
	log_debug("not shown");
	assert_int_equal(lines, 0);
	log_setverbose(1);
	log_debug("shown");
	assert_int_equal(lines, 1);
	memset(big, '\n', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("%s", big);
	assert_true(strlen(last) <= LOG_LINE);
	assert_true(strlen(last) >= LOG_LINE - 4);
	log_relay(LOG_ERR, "proxy 0", "text");
	assert_string_equal(last, "proxy 0: text");
	assert_false(log_printable("a\nb"));
	assert_false(log_printable("\x80"));
	assert_true(log_printable(""));
	log_sink(NULL);
}

static void
test_fatal(void **state)
{
	int	 status;
	pid_t	 pid;

	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		log_sink(sink);
		fatalx("end");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
test_bucket(void **state)
{
	struct log_bucket	 b = { 0, 0, 0 };
	uint64_t		 held, now = 5000000000ULL;
	int			 i, passed = 0;

	for (i = 0; i < LOG_BURST; i++)
		assert_true(log_allowed(&b, now, &held));
	for (i = 0; i < 7; i++)
		assert_false(log_allowed(&b, now, &held));
	/* One place is free after 1/LOG_RATE of a second. */
	now += 1000000 / LOG_RATE - 1;
	assert_false(log_allowed(&b, now, &held));
	now += 1;
	assert_true(log_allowed(&b, now, &held));
	assert_int_equal(held, 8);
	assert_false(log_allowed(&b, now, &held));
	/* In the long run it is the rate, however often one asks. */
	for (i = 0; i < 10000; i++) {
		now += 1000;
		passed += log_allowed(&b, now, &held);
	}
	assert_in_range(passed, 10 * LOG_RATE - 1, 10 * LOG_RATE + 1);
	now += 3600ULL * 1000000;
	for (i = 0; i < LOG_BURST; i++)
		assert_true(log_allowed(&b, now, &held));
	assert_false(log_allowed(&b, now, &held));
}

static char	order[64];

static void
hook(void *arg)
{
	(void)strlcat(order, arg, sizeof(order));
}

static void
last_hook(void *arg)
{
	static int	 turns;

	hook(arg);
	if (++turns == 2)
		loop_exit();
	else
		loop_again();
}

static char	 names[] = { 'L', '\0', 'l', '\0', 'n', '\0', 'w', '\0',
		    'W', '\0' };

static void
test_turn(void **state)
{
	loop_hook(TURN_LINKS, last_hook, names);
	loop_hook(TURN_WORK, hook, names + 6);
	loop_hook(TURN_NET, hook, names + 4);
	loop_hook(TURN_LOG, hook, names + 2);
	loop_hook(TURN_WORK, hook, names + 8);
	loop_run();
	assert_string_equal(order, "wWlnLwWlnL");
}

static void
slow(int fd, short what, void *arg)
{
	loop_exit();
}

static void
test_clock(void **state)
{
	struct timeval	 tv = { 0, 20000 };
	struct event	 ev;
	uint64_t	 before = loop_mono();
	int64_t		 wall = loop_wall();

	evtimer_set(&ev, slow, NULL);
	evtimer_add(&ev, &tv);
	loop_run();
	assert_true(loop_mono() - before >= 19000);
	assert_true(loop_wall() - wall >= 19000);
	assert_true(wall > 1600000000LL * 1000000);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_fatal),
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_turn)
	};

	loop_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
