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
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>
#include <tls.h>

#include "buf.h"
#include "conn.h"
#include "pair.h"

#define MEGABYTE	(1024 * 1024)

/* The tests run once plain and once with TLS; *state says which. */
static int	 plain, with_tls = PAIR_TLS;

static void
echo(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state | PAIR_SMALL);
	p.server.echo = 1;
	side_send(&p.client, 4 * MEGABYTE);
	PAIR_UNTIL(p.client.got == 4 * MEGABYTE);
	assert_int_equal(p.server.echoed, 4 * MEGABYTE);
	pair_free(&p);
}

static void
both_ways(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state | PAIR_SMALL);
	side_send(&p.client, 3 * MEGABYTE);
	side_send(&p.server, 5 * MEGABYTE);
	PAIR_UNTIL(p.server.got == 3 * MEGABYTE &&
	    p.client.got == 5 * MEGABYTE);
	assert_true(p.client.writes > 0 && p.server.writes > 0);
	pair_free(&p);
}

static int
setup(void **state)
{
	event_init();
	(void)signal(SIGPIPE, SIG_IGN);
	return (0);
}

#define BOTH(test)	\
	{ #test ", plain", test, NULL, NULL, &plain },	\
	{ #test ", TLS", test, NULL, NULL, &with_tls }

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		BOTH(echo),
		BOTH(both_ways),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
