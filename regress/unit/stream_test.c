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
#include <sys/socket.h>

#include <err.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event.h>

#include "pair.h"
#include "stream.h"

#define MEGABYTE	(1024 * 1024)

/*
 * in.client writes a body as it is on the wire, in.server is the source,
 * out.client the sink; what out.server receives is collected.
 */
struct rig {
	struct pair	 in;
	struct pair	 out;
	struct pump	 pump;
	struct buf	 got;
	int		 end;		/* 1 + enum pump_end */
	int		 ends;
};

static struct rig	 rig;

static void
source_read(struct conn *c, void *arg)
{
	pump_run(&rig.pump);
}

static void
source_eof(struct conn *c, enum conn_eof how, void *arg)
{
	pump_eof(&rig.pump, how);
}

static void
source_error(struct conn *c, enum conn_error e, const char *text, void *arg)
{
	pump_eof(&rig.pump, CONN_EOF_TRUNCATED);
}

static void
sink_error(struct conn *c, enum conn_error e, const char *text, void *arg)
{
	pump_run(&rig.pump);
}

static const struct conn_ops	 source_ops = {
	NULL, source_read, NULL, source_eof, source_error, NULL
};

static const struct conn_ops	 sink_ops = {
	NULL, NULL, source_read, NULL, sink_error, NULL
};

static void
ended(struct pump *p, enum pump_end end, void *arg)
{
	rig.end = 1 + end;
	rig.ends++;
	pump_free(p);
}

static void
collect(struct side *s)
{
	struct buf	*in;

	if (s->hold)
		return;
	in = conn_in(s->c);
	assert_int_equal(buf_add(&rig.got, buf_data(in), buf_len(in)), 0);
	buf_drain(in, buf_len(in));
}

static void
rig_make(int flags, enum http_framing from, uint64_t fromlen,
    enum http_framing to, uint64_t tolen)
{
	memset(&rig, 0, sizeof(rig));
	buf_init(&rig.got, 64 * MEGABYTE);
	pair_make(&rig.in, flags);
	pair_make(&rig.out, flags);
	rig.out.server.onread = collect;
	conn_owner(rig.in.server.c, &source_ops, NULL);
	conn_owner(rig.out.client.c, &sink_ops, NULL);
	body_source_init(&rig.pump.source, rig.in.server.c, from, fromlen,
	    &http_limits_default);
	body_sink_init(&rig.pump.sink, rig.out.client.c, to, tolen,
	    HTTP_F_HOP);
	pump_init(&rig.pump, ended, NULL);
}

static void
rig_free(void)
{
	pump_free(&rig.pump);
	buf_clear(&rig.got);
	conn_free(rig.in.client.c);
	conn_free(rig.in.server.c);
	pair_free(&rig.out);
}

static void
feed(const char *s)
{
	assert_int_equal(conn_write(rig.in.client.c, s, strlen(s)), 0);
}

/* Exactly this has been received, or comes. */
static void
expect(const char *s)
{
	PAIR_UNTIL(buf_len(&rig.got) >= strlen(s));
	assert_int_equal(buf_len(&rig.got), strlen(s));
	assert_memory_equal(buf_data(&rig.got), s, strlen(s));
}

static void
expect_end(enum pump_end end)
{
	PAIR_UNTIL(rig.end != 0);
	assert_int_equal(rig.end, 1 + end);
	assert_int_equal(rig.ends, 1);
}

static void
chunked_to_length(void **state)
{
	rig_make(0, HTTP_BODY_CHUNKED, 0, HTTP_BODY_LENGTH, 11);
	feed("5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
	expect_end(PUMP_DONE);
	expect("hello world");
	assert_int_equal(rig.pump.in, 11);
	assert_int_equal(rig.pump.out, 11);
	/* The next message is not part of it. */
	assert_int_equal(buf_len(conn_in(rig.in.server.c)), 16);
	rig_free();
}

static void
other_length(void **state)
{
	rig_make(0, HTTP_BODY_CHUNKED, 0, HTTP_BODY_LENGTH, 12);
	feed("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
	expect_end(PUMP_LENGTH);
	expect("hello world");
	rig_free();
	rig_make(0, HTTP_BODY_CHUNKED, 0, HTTP_BODY_LENGTH, 10);
	feed("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
	expect_end(PUMP_LENGTH);
	expect("hello");
	rig_free();
}

/* Each piece goes on as it comes, as a chunk. */
static void
length_to_chunked(void **state)
{
	rig_make(PAIR_TLS, HTTP_BODY_LENGTH, 18, HTTP_BODY_CHUNKED, 0);
	feed("data: 1\n\n");
	expect("9\r\ndata: 1\n\n\r\n");
	pair_idle(30);
	assert_int_equal(rig.end, 0);
	feed("data: 2\n\n");
	expect("9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n");
	expect_end(PUMP_DONE);
	rig_free();
}

static void
trailers(void **state)
{
	rig_make(0, HTTP_BODY_CHUNKED, 0, HTTP_BODY_CHUNKED, 0);
	feed("3\r\nabc\r\n0\r\nX-Sum: 9\r\nKeep-Alive: 5\r\n");
	expect("3\r\nabc\r\n");
	assert_int_equal(rig.end, 0);
	feed("Y: \r\n\r\n");
	expect("3\r\nabc\r\n0\r\nX-Sum: 9\r\nY: \r\n\r\n");
	expect_end(PUMP_DONE);
	rig_free();
}

static void
no_body(void **state)
{
	rig_make(0, HTTP_BODY_NONE, 0, HTTP_BODY_NONE, 0);
	pump_run(&rig.pump);
	expect_end(PUMP_DONE);
	rig_free();
	/* Nothing but the end of a chunked one. */
	rig_make(0, HTTP_BODY_LENGTH, 0, HTTP_BODY_CHUNKED, 0);
	pump_run(&rig.pump);
	expect_end(PUMP_DONE);
	expect("0\r\n\r\n");
	rig_free();
	/* A body that nobody wants. */
	rig_make(0, HTTP_BODY_LENGTH, 5, HTTP_BODY_NONE, 0);
	feed("hello");
	expect_end(PUMP_DONE);
	expect("");
	assert_int_equal(rig.pump.in, 5);
	rig_free();
}

/* The end of the connection is the end of the body, if it is a clean one. */
static void
until_close(void **state)
{
	rig_make(PAIR_TLS, HTTP_BODY_EOF, 0, HTTP_BODY_CHUNKED, 0);
	feed("all there is");
	conn_shutdown(rig.in.client.c);
	expect_end(PUMP_DONE);
	expect("c\r\nall there is\r\n0\r\n\r\n");
	rig_free();
	rig_make(PAIR_TLS, HTTP_BODY_EOF, 0, HTTP_BODY_CHUNKED, 0);
	feed("all there");
	expect("9\r\nall there\r\n");
	shutdown(conn_fd(rig.in.client.c), SHUT_WR);
	expect_end(PUMP_TRUNCATED);
	pair_idle(20);
	expect("9\r\nall there\r\n");
	rig_free();
}

static void
truncated(void **state)
{
	rig_make(0, HTTP_BODY_LENGTH, 100, HTTP_BODY_LENGTH, 100);
	feed("some");
	conn_shutdown(rig.in.client.c);
	expect_end(PUMP_TRUNCATED);
	expect("some");
	rig_free();
	rig_make(0, HTTP_BODY_CHUNKED, 0, HTTP_BODY_CHUNKED, 0);
	feed("4\r\nsome\r\n0\r\n");
	conn_shutdown(rig.in.client.c);
	expect_end(PUMP_TRUNCATED);
	expect("4\r\nsome\r\n");
	rig_free();
	rig_make(0, HTTP_BODY_CHUNKED, 0, HTTP_BODY_CHUNKED, 0);
	feed("4\r\nsome\r\n");
	expect("4\r\nsome\r\n");
	conn_abort(rig.in.client.c);
	rig.in.client.c = NULL;
	expect_end(PUMP_TRUNCATED);
	rig_free();
}

/* What came before the nonsense is not lost, what follows is not passed. */
static void
malformed(void **state)
{
	rig_make(0, HTTP_BODY_CHUNKED, 0, HTTP_BODY_CHUNKED, 0);
	feed("4\r\ngood\r\n3\r\nbad!\r\n0\r\n\r\n");
	expect_end(PUMP_MALFORMED);
	assert_int_equal(rig.pump.source.body.error, HTTP_E_CHUNK_END);
	expect("4\r\ngood\r\n3\r\nbad\r\n");
	rig_free();
}

/* Turns until nothing moves any more; the most memory seen. */
static size_t
settle(void)
{
	size_t	 most, in, sent;
	int	 i, still;

	for (most = in = sent = i = still = 0; still < 5; i++) {
		assert_true(i < 400);
		pair_turn();
		still = in == rig.pump.in && sent == rig.in.client.sent ?
		    still + 1 : 0;
		in = rig.pump.in;
		sent = rig.in.client.sent;
		if (buf_account_used() > most)
			most = buf_account_used();
	}
	return (most);
}

/* A slow reader stops the fast writer; nobody holds more than the bounds. */
static void
backpressure(void **state)
{
	size_t	 i, most, sent;

	rig_make(PAIR_SMALL | PAIR_TLS, HTTP_BODY_LENGTH, 8 * MEGABYTE,
	    HTTP_BODY_LENGTH, 8 * MEGABYTE);
	rig.out.server.hold = 1;
	side_send(&rig.in.client, 8 * MEGABYTE);
	most = settle();
	sent = rig.in.client.sent;
	assert_true(sent < MEGABYTE);
	/* Both ends of both connections are in here. */
	assert_true(most <= 2 * (CONN_IN_MAX * 5 / 4 + 16 * 1024 +
	    128 * 1024));
	rig.out.server.hold = 0;
	conn_resume(rig.out.server.c);
	expect_end(PUMP_DONE);
	PAIR_UNTIL(buf_len(&rig.got) == 8 * MEGABYTE);
	for (i = 0; i < 8 * MEGABYTE; i++)
		assert_int_equal(buf_data(&rig.got)[i], pair_byte(i));
	rig_free();
}

static void
sink_gone(void **state)
{
	rig_make(PAIR_SMALL, HTTP_BODY_LENGTH, 8 * MEGABYTE,
	    HTTP_BODY_CHUNKED, 0);
	side_send(&rig.in.client, 8 * MEGABYTE);
	PAIR_UNTIL(buf_len(&rig.got) > 100000);
	conn_abort(rig.out.server.c);
	rig.out.server.c = NULL;
	expect_end(PUMP_SINK);
	rig_free();
}

/*
 * Filters.
 */

/* Writes each byte so many times over. */
struct repeat {
	struct filter	 filter;
	size_t		 times;
};

static int
repeat_run(struct filter *f, const uint8_t *in, size_t n, int last,
    struct buf *out, size_t *used)
{
	struct repeat	*r = (struct repeat *)f;
	size_t		 i, k;

	for (i = 0; i < n && buf_room(out) >= r->times; i++)
		for (k = 0; k < r->times; k++)
			assert_int_equal(buf_add(out, in + i, 1), 0);
	*used = i;
	return (last && i == n);
}

/* Replaces a word wherever it stands, however it is cut up. */
struct replace {
	struct filter	 filter;
	const char	*word;
	size_t		 matched;
	int		 freed;
};

static int
replace_run(struct filter *f, const uint8_t *in, size_t n, int last,
    struct buf *out, size_t *used)
{
	struct replace	*r = (struct replace *)f;
	size_t		 i;

	for (i = 0; i < n; i++) {
		if (in[i] != (uint8_t)r->word[r->matched]) {
			(void)buf_add(out, r->word, r->matched);
			r->matched = 0;
		}
		if (in[i] != (uint8_t)r->word[r->matched])
			(void)buf_add(out, in + i, 1);
		else if (r->word[++r->matched] == '\0') {
			(void)buf_add(out, "[redacted]", 10);
			r->matched = 0;
		}
	}
	*used = n;
	if (last)
		(void)buf_add(out, r->word, r->matched);
	return (last);
}

static void
replace_free(struct filter *f)
{
	((struct replace *)f)->freed++;
}

static int
refuse_run(struct filter *f, const uint8_t *in, size_t n, int last,
    struct buf *out, size_t *used)
{
	return (-1);
}

static int
idle_run(struct filter *f, const uint8_t *in, size_t n, int last,
    struct buf *out, size_t *used)
{
	return (0);
}

static void
filter_replaces(void **state)
{
	static const char	 text[] = "a SECRET and SECSECRET, SECR";
	struct replace		 r;
	char			 piece[2] = "";
	size_t			 i;

	memset(&r, 0, sizeof(r));
	r.filter.run = replace_run;
	r.filter.free = replace_free;
	r.word = "SECRET";
	rig_make(0, HTTP_BODY_LENGTH, strlen(text), HTTP_BODY_EOF, 0);
	pump_filter(&rig.pump, &r.filter);
	for (i = 0; text[i] != '\0'; i++) {
		piece[0] = text[i];
		feed(piece);
		pair_turn();
		pair_turn();
	}
	expect_end(PUMP_DONE);
	expect("a [redacted] and SEC[redacted], SECR");
	assert_int_equal(rig.pump.in, strlen(text));
	assert_int_equal(rig.pump.out, 36);
	assert_int_equal(r.freed, 1);
	rig_free();
	assert_int_equal(r.freed, 1);
}

/* Two in a row, and what they write is much more than what they get. */
static void
filters_grow(void **state)
{
	struct repeat	 a, b;
	size_t		 i, most;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.filter.run = b.filter.run = repeat_run;
	a.times = 100;
	b.times = 300;
	rig_make(PAIR_SMALL, HTTP_BODY_CHUNKED, 0, HTTP_BODY_EOF, 0);
	pump_filter(&rig.pump, &a.filter);
	pump_filter(&rig.pump, &b.filter);
	rig.out.server.hold = 1;
	feed("64\r\n");
	for (i = 0; i < 100; i++)
		feed(i % 2 ? "y" : "x");
	feed("\r\n0\r\nT: v\r\n\r\n");
	most = settle();
	assert_int_equal(rig.end, 0);
	assert_true(rig.pump.out < MEGABYTE);
	assert_true(most <= 2 * 160 * 1024 + 256 * 1024 +
	    CONN_IN_MAX * 5 / 4 + 32 * 1024);
	rig.out.server.hold = 0;
	conn_resume(rig.out.server.c);
	expect_end(PUMP_DONE);
	PAIR_UNTIL(buf_len(&rig.got) == 3000000);
	for (i = 0; i < 3000000; i++)
		assert_int_equal(buf_data(&rig.got)[i],
		    i / 30000 % 2 ? 'y' : 'x');
	rig_free();
}

static void
filter_gives_up(void **state)
{
	struct filter	 f;

	memset(&f, 0, sizeof(f));
	f.run = refuse_run;
	rig_make(0, HTTP_BODY_LENGTH, 4, HTTP_BODY_EOF, 0);
	pump_filter(&rig.pump, &f);
	feed("abcd");
	expect_end(PUMP_FILTER);
	rig_free();
	/* One that does nothing does not hang the rest. */
	f.run = idle_run;
	rig_make(0, HTTP_BODY_LENGTH, 4, HTTP_BODY_EOF, 0);
	pump_filter(&rig.pump, &f);
	feed("abcd");
	expect_end(PUMP_FILTER);
	rig_free();
}

/* What a filter had written goes out before the bad end is told. */
static void
filter_truncated(void **state)
{
	struct repeat	 r;

	memset(&r, 0, sizeof(r));
	r.filter.run = repeat_run;
	r.times = 3;
	rig_make(0, HTTP_BODY_LENGTH, 10, HTTP_BODY_EOF, 0);
	pump_filter(&rig.pump, &r.filter);
	feed("abc");
	conn_shutdown(rig.in.client.c);
	expect_end(PUMP_TRUNCATED);
	expect("aaabbbccc");
	rig_free();
}

static int
setup(void **state)
{
	event_init();
	(void)signal(SIGPIPE, SIG_IGN);
	return (0);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(chunked_to_length),
		cmocka_unit_test(other_length),
		cmocka_unit_test(length_to_chunked),
		cmocka_unit_test(trailers),
		cmocka_unit_test(no_body),
		cmocka_unit_test(until_close),
		cmocka_unit_test(truncated),
		cmocka_unit_test(malformed),
		cmocka_unit_test(backpressure),
		cmocka_unit_test(sink_gone),
		cmocka_unit_test(filter_replaces),
		cmocka_unit_test(filters_grow),
		cmocka_unit_test(filter_gives_up),
		cmocka_unit_test(filter_truncated),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return (cmocka_run_group_tests(tests, setup, NULL));
}
