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

/* A reader that does not read holds the writer, within the bounds. */
static void
slow_reader(void **state)
{
	struct pair	 p;
	size_t		 sent;

	pair_make(&p, **(int **)state | PAIR_SMALL);
	p.server.hold = 1;
	side_send(&p.client, 2 * MEGABYTE);
	pair_idle(200);
	sent = p.client.sent;
	pair_idle(100);
	assert_int_equal(p.client.sent, sent);
	assert_true(sent < MEGABYTE);
	assert_true(buf_len(conn_out(p.client.c)) > CONN_LOW);
	assert_int_equal(buf_room(conn_in(p.server.c)), 0);
	/* Allocations: input with its quarter, read-ahead, output. */
	assert_true(buf_account_used() <=
	    CONN_IN_MAX * 5 / 4 + 16 * 1024 + 128 * 1024);
	p.server.hold = 0;
	conn_resume(p.server.c);
	PAIR_UNTIL(p.server.got == 2 * MEGABYTE);
	pair_free(&p);
}

/* Nothing spins while there is nothing to do. */
static void
quiet(void **state)
{
	struct pair	 p;
	int		 i;
	uint64_t	 end;

	pair_make(&p, **(int **)state | PAIR_SMALL);
	p.server.hold = 1;
	side_send(&p.client, MEGABYTE);
	conn_pause(p.client.c);
	side_send(&p.server, 1000);
	pair_idle(100);
	end = pair_now() + 100;
	for (i = 0; pair_now() < end; i++)
		pair_turn();
	assert_true(i <= 7);
	p.server.hold = 0;
	conn_resume(p.server.c);
	PAIR_UNTIL(p.server.got == MEGABYTE);
	conn_shutdown(p.server.c);
	conn_resume(p.client.c);
	PAIR_UNTIL(p.client.got == 1000 && p.client.eof);
	end = pair_now() + 100;
	for (i = 0; pair_now() < end; i++)
		pair_turn();
	assert_true(i <= 7);
	pair_free(&p);
}

static size_t
held(struct pair *p, int n)
{
	size_t	 total;
	int	 i;

	for (i = total = 0; i < n; i++)
		total += buf_len(conn_in(p[i].server.c));
	return (total);
}

/* At the cap of the process no one reads more, and later all go on. */
static void
memory_cap(void **state)
{
	struct pair	 p[8];
	size_t		 cap, max;
	int		 i;

	for (i = 0; i < 8; i++)
		pair_make(&p[i], **(int **)state | PAIR_SMALL);
	for (i = 0; i < 8; i++) {
		p[i].server.hold = 1;
		side_send(&p[i].client, MEGABYTE / 4);
	}
	cap = buf_account_used() + 128 * 1024;
	buf_account_cap(cap);
	for (i = 0, max = 0; i < 100; i++) {
		pair_turn();
		if (buf_account_used() > max)
			max = buf_account_used();
	}
	/* Eight inputs of CONN_IN_MAX do not fit; one allocation is over. */
	assert_true(held(p, 8) > 0);
	assert_true(held(p, 8) <= 128 * 1024 + CONN_IN_MAX);
	assert_true(max <= cap + CONN_IN_MAX * 5 / 4);
	for (i = 0; i < 8; i++) {
		p[i].server.hold = 0;
		conn_resume(p[i].server.c);
	}
	for (i = 0; i < 8; i++)
		PAIR_UNTIL(p[i].server.got == MEGABYTE / 4);
	buf_account_cap(SIZE_MAX);
	for (i = 0; i < 8; i++) {
		conn_free(p[i].client.c);
		conn_free(p[i].server.c);
	}
	assert_int_equal(buf_account_used(), 0);
}

static void
half_close(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	side_send(&p.client, 100000);
	PAIR_UNTIL(p.client.sent == 100000);
	conn_shutdown(p.client.c);
	assert_int_equal(conn_write(p.client.c, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	PAIR_UNTIL(p.server.eof);
	assert_int_equal(p.server.eof, 1);
	assert_int_equal(p.server.got, 100000);
	assert_true(conn_ended(p.server.c));
	side_send(&p.server, MEGABYTE);
	PAIR_UNTIL(p.client.got == MEGABYTE);
	conn_close(p.server.c, 1000);
	p.server.c = NULL;
	PAIR_UNTIL(p.client.eof);
	assert_int_equal(p.client.eof, 1);
	assert_int_equal(p.client.error, 0);
	conn_close(p.client.c, 1000);
	p.client.c = NULL;
	PAIR_UNTIL(conns_closing() == 0);
	pair_free(&p);
}

/* FIN alone is an end only where no close_notify is due. */
static void
end_of_stream(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	side_send(&p.server, 5000);
	PAIR_UNTIL(p.client.got == 5000);
	shutdown(conn_fd(p.server.c), SHUT_WR);
	PAIR_UNTIL(p.client.eof);
	assert_int_equal(p.client.eof, **(int **)state == PAIR_TLS ? 2 : 1);
	assert_int_equal(p.client.error, 0);
	pair_free(&p);
}

/* An end that waits behind a pause is told after it, and after the data. */
static void
end_behind_pause(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	conn_pause(p.client.c);
	side_send(&p.server, 5000);
	conn_shutdown(p.server.c);
	pair_idle(60);
	assert_int_equal(p.client.reads, 0);
	assert_int_equal(p.client.eof, 0);
	conn_resume(p.client.c);
	PAIR_UNTIL(p.client.eof);
	assert_int_equal(p.client.got, 5000);
	pair_free(&p);
}

static void
pause_side(struct side *s)
{
	conn_pause(s->c);
}

/* The same where the pause is made when the end has been read already. */
static void
end_behind_last_bytes(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	p.client.onread = pause_side;
	side_send(&p.server, 5000);
	conn_shutdown(p.server.c);
	PAIR_UNTIL(p.client.got == 5000);
	pair_idle(40);
	assert_int_equal(p.client.eof, 0);
	assert_int_equal(p.client.reads, 1);
	conn_resume(p.client.c);
	assert_int_equal(p.client.eof, 0);
	PAIR_UNTIL(p.client.eof);
	pair_free(&p);
}

static void
late(int fd, short event, void *arg)
{
	*(int *)arg = 1;
}

/*
 * What an owner does in a callback at the end of a turn does not wait for
 * the next event from outside.
 */
static void
callback_at_turns_end(void **state)
{
	struct timeval	 tv = { 1, 0 };
	struct event	 ev;
	struct side	 s;
	int		 a, b, fired = 0;

	pair_fds(&a, &b, 0);
	side_init(&s, a);
	side_send(&s, CONN_LOW * 2);
	conns_flush();
	assert_int_equal(s.writes, 1);
	evtimer_set(&ev, late, &fired);
	evtimer_add(&ev, &tv);
	(void)event_loop(EVLOOP_ONCE);
	assert_int_equal(fired, 0);
	/* Once, not again and again. */
	tv.tv_sec = 0;
	tv.tv_usec = 10000;
	evtimer_add(&ev, &tv);
	(void)event_loop(EVLOOP_ONCE);
	assert_int_equal(fired, 1);
	conn_free(s.c);
	close(b);
}

/* Bytes that the owner left are told again after a pause, and only then. */
static void
left_over(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	p.client.hold = 1;
	side_send(&p.server, 500);
	PAIR_UNTIL(p.client.reads == 1);
	pair_idle(60);
	assert_int_equal(p.client.reads, 1);
	p.client.hold = 0;
	conn_pause(p.client.c);
	conn_resume(p.client.c);
	assert_int_equal(p.client.reads, 1);
	PAIR_UNTIL(p.client.got == 500);
	assert_int_equal(p.client.reads, 2);
	pair_free(&p);
}

static void
left_again(struct side *s)
{
	if (s->reads > 1) {
		s->hold = 0;
		return;
	}
	conn_pause(s->c);
	conn_resume(s->c);
}

/* The same where it is the callback itself that pauses and goes on. */
static void
left_over_inside(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	p.client.hold = 1;
	p.client.onread = left_again;
	side_send(&p.server, 500);
	PAIR_UNTIL(p.client.got == 500);
	assert_int_equal(p.client.reads, 2);
	pair_free(&p);
}

static void
reset(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	side_send(&p.server, 10);
	PAIR_UNTIL(p.client.got == 10);
	conn_abort(p.server.c);
	p.server.c = NULL;
	PAIR_UNTIL(p.client.error);
	assert_int_equal(p.client.error, 1 + CONN_E_READ);
	assert_string_equal(p.client.text, strerror(ECONNRESET));
	assert_int_equal(p.client.eof, 0);
	pair_free(&p);
}

/*
 * The answer comes although the request could not be written to its end.
 */
static void
early_answer(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state | PAIR_SMALL);
	p.server.hold = 1;
	conn_pause(p.client.c);
	side_send(&p.client, MEGABYTE);
	PAIR_UNTIL(buf_room(conn_in(p.server.c)) == 0);
	side_send(&p.server, 700);
	conn_flush(p.server.c);
	conn_free(p.server.c);
	p.server.c = NULL;
	PAIR_UNTIL(p.client.error);
	assert_int_equal(p.client.error, 1 + CONN_E_WRITE);
	assert_int_equal(conn_write(p.client.c, "x", 1), -1);
	conn_resume(p.client.c);
	PAIR_UNTIL(p.client.got == 700);
	PAIR_UNTIL(p.client.eof || p.client.error == 1 + CONN_E_READ);
	assert_int_not_equal(p.client.eof, 1);
	pair_free(&p);
}

/* Everything that was written arrives, then the end; then both are gone. */
static void
close_gently(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state | PAIR_SMALL);
	p.client.hold = 1;
	side_send(&p.server, 60000);
	/* What the client sent meanwhile must not turn it into a reset. */
	side_send(&p.client, 30000);
	conn_close(p.server.c, 5000);
	p.server.c = NULL;
	assert_int_equal(conns_closing(), 1);
	pair_idle(60);
	p.client.hold = 0;
	conn_resume(p.client.c);
	PAIR_UNTIL(p.client.eof && p.client.got > 0);
	assert_int_equal(p.client.got, 60000);
	assert_int_equal(p.client.eof, 1);
	assert_int_equal(p.client.error, 0);
	conn_free(p.client.c);
	p.client.c = NULL;
	PAIR_UNTIL(conns_closing() == 0);
	pair_free(&p);
}

static void
close_bounded(void **state)
{
	struct pair	 p;
	uint64_t	 start;

	pair_make(&p, **(int **)state | PAIR_SMALL);
	conn_pause(p.client.c);
	side_send(&p.server, MEGABYTE);
	start = pair_now();
	conn_close(p.server.c, 150);
	p.server.c = NULL;
	PAIR_UNTIL(conns_closing() == 0);
	assert_true(pair_now() - start >= 140);
	assert_true(pair_now() - start < 1000);
	conn_resume(p.client.c);
	PAIR_UNTIL(p.client.error || p.client.eof == 2);
	pair_free(&p);
}

/* A peer that talks on and on is cut. */
static void
close_discards(void **state)
{
	struct pair	 p;
	uint64_t	 start;

	pair_make(&p, **(int **)state);
	start = pair_now();
	conn_close(p.server.c, 8000);
	p.server.c = NULL;
	side_send(&p.client, 16 * MEGABYTE);
	PAIR_UNTIL(conns_closing() == 0);
	assert_true(pair_now() - start < 4000);
	PAIR_UNTIL(p.client.error);
	assert_true(p.client.sent < 8 * MEGABYTE);
	pair_free(&p);
}

static void
freed_in_callbacks(void **state)
{
	struct pair	 p;
	int		 how;

	for (how = FREE_READ; how <= FREE_TIMEOUT; how++) {
		pair_make(&p, **(int **)state | PAIR_SMALL);
		p.server.freeon = how;
		if (how == FREE_TIMEOUT)
			conn_timer(p.server.c, CONN_T_IDLE, 10);
		else if (how == FREE_EOF)
			conn_shutdown(p.client.c);
		else if (how == FREE_ERROR) {
			conn_abort(p.client.c);
			p.client.c = NULL;
		} else if (how == FREE_WRITE)
			side_send(&p.server, 200000);
		else
			side_send(&p.client, 20000);
		PAIR_UNTIL(p.server.c == NULL);
		pair_idle(40);
		pair_free(&p);
	}
}

static struct side	*other;

static void
free_other(struct side *s)
{
	conn_free(other->c);
	other->c = NULL;
}

/* One connection's callback frees another that has work pending too. */
static void
freed_by_another(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	side_send(&p.client, 100);
	side_send(&p.server, 100);
	other = &p.server;
	p.client.onread = free_other;
	PAIR_UNTIL(p.server.c == NULL);
	PAIR_UNTIL(p.client.eof || p.client.error);
	pair_free(&p);
}

static void
handed_over(void **state)
{
	struct pair	 p;
	struct side	 s;
	struct conn	*spare;

	pair_make(&p, **(int **)state);
	side_init(&s, -1);
	spare = s.c;
	s.c = p.client.c;
	side_adopt(&s);
	side_send(&p.server, 900);
	PAIR_UNTIL(s.got == 900);
	assert_int_equal(p.client.reads, 0);
	conn_free(spare);
	pair_free(&p);
}

/*
 * A request and its answer on a connection that is kept: one write and one
 * read at each end, head and body together.
 */
static void
system_calls(void **state)
{
	struct conn_stats	 c0, s0, c1, s1;
	struct pair		 p;
	size_t			 i;

	pair_make(&p, **(int **)state);
	/* Let what follows a handshake (tickets) pass. */
	side_send(&p.client, 10);
	side_send(&p.server, 10);
	pair_idle(40);
	p.server.echo = 1;
	conn_stats(p.client.c, &c0);
	conn_stats(p.server.c, &s0);
	for (i = 1; i <= 100; i++) {
		side_send(&p.client, 300);
		side_send(&p.client, 900);
		PAIR_UNTIL(p.server.echoed == i * 1200);
		conn_write(p.server.c, "", 0);
		p.client.hold = 1;
		PAIR_UNTIL(buf_len(conn_in(p.client.c)) == 1200);
		buf_drain(conn_in(p.client.c), 1200);
	}
	conn_stats(p.client.c, &c1);
	conn_stats(p.server.c, &s1);
	assert_int_equal(c1.writes - c0.writes, 100);
	assert_int_equal(c1.reads - c0.reads, 100);
	assert_int_equal(s1.writes - s0.writes, 100);
	assert_int_equal(s1.reads - s0.reads, 100);
	assert_true(c1.out - c0.out >= 120000);
	assert_true(c1.in - c0.in >= 120000);
	pair_free(&p);
}

static void
timers(void **state)
{
	struct pair	 p;
	uint64_t	 start;
	int		 i;

	pair_make(&p, **(int **)state);
	/* Idle: moved on by bytes in either direction. */
	start = pair_now();
	conn_timer(p.server.c, CONN_T_IDLE, 250);
	for (i = 0; i < 5; i++) {
		side_send(i % 2 ? &p.server : &p.client, 10);
		pair_idle(80);
	}
	assert_int_equal(p.server.timeout, 0);
	PAIR_UNTIL(p.server.timeout);
	assert_int_equal(p.server.timeout, 1 + CONN_T_IDLE);
	assert_true(pair_now() - start >= 550);
	assert_true(pair_now() - start < 2000);
	/* Off until it is set again. */
	p.server.timeout = 0;
	pair_idle(300);
	assert_int_equal(p.server.timeout, 0);
	/* The deadline does not move, except when it is set anew. */
	conn_timer(p.server.c, CONN_T_DEADLINE, 40);
	conn_timer(p.server.c, CONN_T_DEADLINE, 150);
	start = pair_now();
	for (i = 0; i < 5 && !p.server.timeout; i++) {
		side_send(&p.client, 10);
		pair_idle(40);
	}
	assert_int_equal(p.server.timeout, 1 + CONN_T_DEADLINE);
	assert_true(pair_now() - start >= 140);
	p.server.timeout = 0;
	conn_timer(p.server.c, CONN_T_DEADLINE, 40);
	conn_timer(p.server.c, CONN_T_DEADLINE, 0);
	pair_idle(80);
	assert_int_equal(p.server.timeout, 0);
	pair_free(&p);
}

/* Who is paused does not wait for the peer. */
static void
idle_stands_still(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	conn_timer(p.server.c, CONN_T_IDLE, 150);
	conn_pause(p.server.c);
	pair_idle(250);
	assert_int_equal(p.server.timeout, 0);
	conn_resume(p.server.c);
	pair_idle(60);
	assert_int_equal(p.server.timeout, 0);
	PAIR_UNTIL(p.server.timeout);
	pair_free(&p);
}

static void
input_bound(void **state)
{
	struct pair	 p;

	pair_make(&p, **(int **)state);
	p.server.hold = 1;
	conn_inmax(p.server.c, 5000);
	side_send(&p.client, 200000);
	PAIR_UNTIL(buf_len(conn_in(p.server.c)) == 5000);
	conn_inmax(p.server.c, 150000);
	conn_resume(p.server.c);
	PAIR_UNTIL(buf_len(conn_in(p.server.c)) == 150000);
	p.server.hold = 0;
	conn_resume(p.server.c);
	PAIR_UNTIL(p.server.got == 200000);
	pair_free(&p);
}

/* The hard bound refuses, and what was there still goes. */
static void
output_bound(void **state)
{
	struct pair	 p;
	uint8_t		 piece[1000];
	size_t		 i, n;

	pair_make(&p, **(int **)state);
	conn_marks(p.client.c, 1000, 5000, 10000);
	for (n = 0;; n += sizeof(piece)) {
		for (i = 0; i < sizeof(piece); i++)
			piece[i] = pair_byte(n + i);
		if (conn_write(p.client.c, piece, sizeof(piece)) == -1)
			break;
		assert_int_equal(conn_full(p.client.c), n + 1000 >= 5000);
	}
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(n, 10000);
	PAIR_UNTIL(p.server.got == 10000);
	assert_int_equal(p.client.writes, 1);
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
main(int argc, char *argv[])
{
	const struct CMUnitTest	tests[] = {
		BOTH(echo),
		BOTH(both_ways),
		BOTH(slow_reader),
		BOTH(quiet),
		BOTH(memory_cap),
		BOTH(half_close),
		BOTH(end_of_stream),
		BOTH(end_behind_pause),
		BOTH(end_behind_last_bytes),
		cmocka_unit_test(callback_at_turns_end),
		BOTH(left_over),
		BOTH(left_over_inside),
		BOTH(reset),
		BOTH(early_answer),
		BOTH(close_gently),
		BOTH(close_bounded),
		BOTH(close_discards),
		BOTH(freed_in_callbacks),
		BOTH(freed_by_another),
		BOTH(handed_over),
		BOTH(system_calls),
		BOTH(timers),
		BOTH(idle_stands_still),
		BOTH(input_bound),
		BOTH(output_bound),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return (cmocka_run_group_tests(tests, setup, NULL));
}
