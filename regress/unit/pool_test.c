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
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>

#include "codes.h"
#include "conn.h"
#include "loop.h"
#include "pool.h"
#include "upstream.h"

/*
 * Idle connections: who gets which, and when they are closed.  Real sockets;
 * the test is their other end.
 */

#define ENDS	1024

static int	 ends[ENDS];
static int	 nends;

static struct upstream *
make(uint64_t vault, const char *host, uint16_t port, int tls)
{
	struct upstream	*u;
	int		 sv[2];

	assert_true(nends < ENDS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_non_null(u = calloc(1, sizeof(*u)));
	assert_non_null(u->conn = conn_new(sv[0], NULL, NULL));
	u->vault = vault;
	(void)strlcpy(u->host, host, sizeof(u->host));
	u->port = port;
	u->tls = tls;
	ends[nends++] = sv[1];
	return (u);
}

static void
turn(void)
{
	int	 i;

	for (i = 0; i < 3; i++) {
		assert_int_not_equal(event_loop(EVLOOP_NONBLOCK), -1);
		conns_flush();
	}
}

static int
begin(void **state)
{
	struct rlimit	 rl;

	/* Two for each connection: more than a shell has by default. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = rl.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	nends = 0;
	pool_conf(60000);
	pool_mark(SIZE_MAX);
	return (0);
}

static int
finish(void **state)
{
	pool_clear();
	while (nends > 0)
		close(ends[--nends]);
	return (pool_count() == 0 ? 0 : -1);
}

static void
by_kind(void **state)
{
	struct upstream	*a, *b;

	pool_put(a = make(1, "h", 443, 1));
	assert_null(pool_get(2, "h", 443, 1));
	assert_null(pool_get(1, "g", 443, 1));
	assert_null(pool_get(1, "h", 444, 1));
	assert_null(pool_get(1, "h", 443, 0));
	pool_put(b = make(1, "h", 443, 1));
	/* The one that was used last. */
	assert_ptr_equal(pool_get(1, "h", 443, 1), b);
	assert_true(b->reused);
	assert_ptr_equal(pool_get(1, "h", 443, 1), a);
	assert_null(pool_get(1, "h", 443, 1));
	upstream_free(a);
	upstream_free(b);
}

/* A byte or an end that nobody asked for. */
static void
not_idle(void **state)
{
	struct upstream	*u;

	pool_put(make(1, "h", 1, 0));
	pool_put(make(1, "h", 2, 0));
	pool_put(make(1, "h", 3, 0));
	turn();
	assert_int_equal(pool_count(), 3);
	assert_int_equal(write(ends[0], "x", 1), 1);
	close(ends[1]);
	ends[1] = dup(0);
	turn();
	assert_int_equal(pool_count(), 1);
	assert_non_null(u = pool_get(1, "h", 3, 0));
	upstream_free(u);
	/* The same, unseen by the loop. */
	pool_put(make(1, "h", 4, 0));
	assert_int_equal(write(ends[3], "x", 1), 1);
	assert_null(pool_get(1, "h", 4, 0));
	assert_int_equal(pool_count(), 0);
	pool_put(make(1, "h", 5, 0));
	close(ends[4]);
	ends[4] = dup(0);
	assert_null(pool_get(1, "h", 5, 0));
}

static void
bounds(void **state)
{
	struct upstream	*u;
	char		 host[16];
	int		 i;

	pool_put(make(1, "h", 1, 0));
	for (i = 0; i < POOL_KEY; i++)
		pool_put(make(1, "h", 1, 0));
	assert_int_equal(pool_count(), POOL_KEY);
	/* The one that was used least lately has gone: it is hung up on. */
	assert_int_equal(read(ends[0], host, 1), 0);
	for (i = 0; i < POOL_VAULT; i++)
		pool_put(make(1, "h", 100 + i, 0));
	assert_int_equal(pool_count(), POOL_VAULT);
	assert_null(pool_get(1, "h", 1, 0));
	/* Other vaults have their own share, up to that of all. */
	for (i = 0; i < POOL_VAULT; i++)
		pool_put(make(2, "h", 100 + i, 0));
	assert_int_equal(pool_count(), 2 * POOL_VAULT);
	for (i = 0; i < POOL_TOTAL; i++)
		pool_put(make(3 + i, "h", 1, 0));
	assert_int_equal(pool_count(), POOL_TOTAL);
	assert_null(pool_get(1, "h", 100, 0));
	assert_non_null(u = pool_get(3, "h", 1, 0));
	upstream_free(u);
	pool_shrink(10);
	assert_int_equal(pool_count(), POOL_TOTAL - 11);
	assert_null(pool_get(4, "h", 1, 0));
	pool_shrink(100000);
	assert_int_equal(pool_count(), 0);
}

static void
time_out(void **state)
{
	pool_conf(50);
	pool_put(make(1, "h", 1, 0));
	turn();
	assert_int_equal(pool_count(), 1);
	usleep(80000);
	turn();
	assert_int_equal(pool_count(), 0);
}

/* Descriptors: one is given up for each that is opened at the mark. */
static void
pressure(void **state)
{
	size_t	 open = conns_count();

	pool_put(make(1, "h", 1, 0));
	pool_put(make(1, "h", 2, 0));
	pool_mark(open + 3);
	pool_room();
	assert_int_equal(pool_count(), 2);
	pool_mark(open + 2);
	pool_room();
	assert_int_equal(pool_count(), 1);
}

static void
revoked(void **state)
{
	static const struct rec_id	 ids[] = { { 7 }, { 9 } };
	struct msg_revoke		 m;
	struct upstream			*u;
	int				 i;

	for (i = 6; i < 10; i++) {
		u = make(1, "h", i, 0);
		u->scope = i;
		pool_put(u);
	}
	memset(&m, 0, sizeof(m));
	m.scopes = ids;
	m.scopes_n = 2;
	m.mode = REVOKE_STALE;
	pool_revoke(&m);
	assert_int_equal(pool_count(), 4);
	m.mode = REVOKE_CUT;
	pool_revoke(&m);
	assert_int_equal(pool_count(), 2);
	assert_null(pool_get(1, "h", 7, 0));
	assert_non_null(u = pool_get(1, "h", 8, 0));
	upstream_free(u);
	/* No list is all of them. */
	m.scopes_n = 0;
	pool_revoke(&m);
	assert_int_equal(pool_count(), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(by_kind, begin, finish),
		cmocka_unit_test_setup_teardown(not_idle, begin, finish),
		cmocka_unit_test_setup_teardown(bounds, begin, finish),
		cmocka_unit_test_setup_teardown(time_out, begin, finish),
		cmocka_unit_test_setup_teardown(pressure, begin, finish),
		cmocka_unit_test_setup_teardown(revoked, begin, finish)
	};

	loop_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
