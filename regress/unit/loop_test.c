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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event.h>

#include "loop.h"

#define TURNS	50

static void	 busy(int, short, void *);
static void	 first(void *);
static void	 last(void *);
static void	 test_turns(void **);

static struct event	 timer;
static int		 events, turns, order;

/* Something is always ready. */
static void
busy(int fd, short what, void *arg)
{
	struct timeval	 tv = { 0, 0 };

	events++;
	loop_again();
	evtimer_add(&timer, &tv);
}

static void
first(void *arg)
{
	order = 1;
}

static void
last(void *arg)
{
	assert_int_equal(order, 1);
	order = 2;
	if (++turns == TURNS)
		loop_exit();
}

/*
 * A turn ends after what was ready at its start, however much more becomes
 * ready, also when it may not wait.
 */
static void
test_turns(void **state)
{
	struct timeval	 tv = { 0, 0 };

	loop_init();
	loop_hook(TURN_NET, last, NULL);
	loop_hook(TURN_LOG, first, NULL);
	evtimer_set(&timer, busy, NULL);
	evtimer_add(&timer, &tv);
	loop_run();
	assert_int_equal(turns, TURNS);
	assert_int_equal(order, 2);
	assert_in_range(events, TURNS - 1, TURNS);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_turns),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
