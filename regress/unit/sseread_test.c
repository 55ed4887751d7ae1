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

/* Server-sent events, in whatever pieces they come. */

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../brokerctl/sseread.h"

/* What was taken, as text: name,id,data; and ":" for each comment. */
struct seen {
	char	text[8192];
	int	stop;		/* at which event, from 1; 0: none */
	int	n;
};

static int	take(void *, const struct sse_event *);
static int	feed(const char *, size_t, size_t, char *, size_t);
static void	splits(const char *, const char *, const char *);
static void	stream_split(void **);
static void	endings(void **);
static void	fields(void **);
static void	refused(void **);
static void	bounds(void **);
static void	stopped(void **);
static void	anew(void **);
static void	random_bytes(void **);

static int
take(void *arg, const struct sse_event *e)
{
	struct seen	*s = arg;
	char		 one[1024];

	if (e == NULL) {
		(void)strlcat(s->text, ":;", sizeof(s->text));
		return (0);
	}
	assert_int_equal(e->length, strlen(e->data));
	snprintf(one, sizeof(one), "%s,%lld,%.900s;", e->name,
	    (long long)e->id, e->data);
	(void)strlcat(s->text, one, sizeof(s->text));
	return (++s->n == s->stop ? 7 : 0);
}

/* In pieces of so many bytes; "!" and the error at the end, if there is one. */
static int
feed(const char *in, size_t len, size_t piece, char *out, size_t size)
{
	struct seen	 seen;
	struct sse	 s;
	uint8_t		*copy;
	size_t		 n, off;
	int		 rv = 0;

	memset(&seen, 0, sizeof(seen));
	sse_init(&s, take, &seen);
	for (off = 0; off < len && rv == 0; off += n) {
		n = len - off < piece ? len - off : piece;
		/* Of exactly that size, so that reading on is seen. */
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, in + off, n);
		rv = sse_feed(&s, copy, n);
		free(copy);
	}
	snprintf(out, size, "%s%s%s", seen.text, rv == -1 ? "!" : "",
	    rv == -1 ? s.error : "");
	sse_free(&s);
	return (rv);
}

/* The same in two pieces cut at every place, and in pieces of each size. */
static void
splits(const char *in, const char *tail, const char *expected)
{
	struct seen	 seen;
	struct sse	 s;
	char		 all[2048], out[8300];
	size_t		 at, len;

	snprintf(all, sizeof(all), "%s%s", in, tail);
	len = strlen(all);
	for (at = 1; at <= len; at++) {
		assert_int_equal(feed(all, len, at, out, sizeof(out)), 0);
		assert_string_equal(out, expected);
	}
	for (at = 0; at <= len; at++) {
		memset(&seen, 0, sizeof(seen));
		sse_init(&s, take, &seen);
		assert_int_equal(sse_feed(&s, (const uint8_t *)all, at), 0);
		assert_int_equal(sse_feed(&s, (const uint8_t *)all + at,
		    len - at), 0);
		assert_string_equal(seen.text, expected);
		sse_free(&s);
	}
}

#define STREAM	"event: log\nid: 8\ndata: {\"id\":8}\n\n:\n\n"	\
		"event: gap\nid: 9\ndata: {\"count\":1}\n\n"		\
		"event: lagged\ndata: {\"cursor\":9}\n\n"
#define SEEN	"log,8,{\"id\":8};:;gap,9,{\"count\":1};"		\
		"lagged,-1,{\"cursor\":9};"

static void
stream_split(void **state)
{
	splits(STREAM, "", SEEN);
	/* An event that is not complete is none. */
	splits(STREAM, "event: log\nid: 10\ndata: x\n", SEEN);
}

static void
endings(void **state)
{
	splits("event: log\r\nid: 8\r\ndata: x\r\n\r\n", "", "log,8,x;");
	splits("event: log\rid: 8\rdata: x\r\r", "", "log,8,x;");
	splits("data: x\r\n\ndata: y\n\r\n", "",
	    "message,-1,x;message,-1,y;");
}

static void
fields(void **state)
{
	splits("data:x\n\n", "", "message,-1,x;");
	splits("data:  x\n\n", "", "message,-1, x;");
	splits("data: a\ndata: b\ndata\n\n", "", "message,-1,a\nb\n;");
	splits("data\n\n", "", "message,-1,;");
	/* No data, no event; and nothing of it is left for the next. */
	splits("event: log\n\ndata: x\n\n", "", "message,-1,x;");
	splits("event: log\nid: 3\n\ndata: x\n\n", "",
	    ",3,;message,-1,x;");
	splits(": still here\nid: 3\n\n", "", ":;,3,;");
	splits("retry: 10\nother: y\nEVENT: no\ndata: x:y\n\n", "",
	    "message,-1,x:y;");
	splits(": a comment\n:\n", "", ":;:;");
}

static void
refused(void **state)
{
	static const char	*ids[] = { "id:\n", "id: -1\n", "id: 1x\n",
	    "id: 9223372036854775808\n", "id:  1\n", "id: 0x1\n" };
	char			 out[8300];
	size_t			 i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_int_equal(feed(ids[i], strlen(ids[i]), 1, out,
		    sizeof(out)), -1);
		assert_string_equal(out, "!an id that is no number");
	}
	assert_int_equal(feed("data: x\n\ndata: \0\n", 16, 3, out,
	    sizeof(out)), -1);
	assert_string_equal(out, "message,-1,x;!a NUL in it");
	assert_int_equal(feed("event: "
	    "a1234567890123456789012345678901\n", 40, 9, out,
	    sizeof(out)), -1);
	assert_string_equal(out, "!the name of an event is too long");
}

/* At the bound it is taken, one byte more is refused, and nothing later. */
static void
bounds(void **state)
{
	struct seen	 seen;
	struct sse	 s;
	uint8_t		*line;
	int		 i;

	line = malloc(SSE_LINE + 1);
	assert_non_null(line);
	memset(line, 'x', SSE_LINE + 1);
	memcpy(line, "data: ", 6);
	for (i = 0; i < 2; i++) {
		memset(&seen, 0, sizeof(seen));
		sse_init(&s, take, &seen);
		assert_int_equal(sse_feed(&s, line, SSE_LINE), 0);
		if (i == 0) {
			assert_int_equal(sse_feed(&s,
			    (const uint8_t *)"\n\n", 2), 0);
			assert_int_equal(seen.n, 1);
			/* Two of them are one event that is too long. */
			assert_int_equal(sse_feed(&s, line, SSE_LINE), 0);
			assert_int_equal(sse_feed(&s,
			    (const uint8_t *)"\n", 1), 0);
			assert_int_equal(sse_feed(&s, line, SSE_LINE), 0);
			assert_int_equal(sse_feed(&s,
			    (const uint8_t *)"\n", 1), -1);
			assert_string_equal(s.error,
			    "an event that is too long");
		} else {
			assert_int_equal(sse_feed(&s, line + 6, 1), -1);
			assert_string_equal(s.error,
			    "a line that is too long");
		}
		assert_int_equal(sse_feed(&s, (const uint8_t *)"\n", 1), -1);
		sse_free(&s);
	}
	free(line);
}

static void
stopped(void **state)
{
	struct seen	 seen;
	struct sse	 s;

	memset(&seen, 0, sizeof(seen));
	seen.stop = 2;
	sse_init(&s, take, &seen);
	assert_int_equal(sse_feed(&s, (const uint8_t *)STREAM,
	    strlen(STREAM)), 7);
	assert_int_equal(seen.n, 2);
	sse_free(&s);
}

/* On a new connection nothing is left of an event that was cut. */
static void
anew(void **state)
{
	static const char	*cut[] = { "event: lo", "event: log\n",
	    "event: log\nid: 8\nda", "event: log\nid: 8\ndata: x\n",
	    "data: x\r", "id: x\n" };
	struct seen		 seen;
	struct sse		 s;
	size_t			 i;

	for (i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		memset(&seen, 0, sizeof(seen));
		sse_init(&s, take, &seen);
		(void)sse_feed(&s, (const uint8_t *)cut[i], strlen(cut[i]));
		sse_reset(&s);
		assert_int_equal(sse_feed(&s, (const uint8_t *)"\ndata: y\n\n",
		    10), 0);
		assert_string_equal(seen.text, "message,-1,y;");
		sse_free(&s);
	}
}

/* Whatever it is, in pieces of any size it is the same. */
static void
random_bytes(void **state)
{
	static const char	*words[] = { "event", "id", "data", ":", ": ",
	    "\n", "\r", "\r\n", "\n\n", "1", "42", "x", " ", "log" };
	char			 in[256], one[8300], some[8300];
	size_t			 len;
	int			 i, j, n, rv;

	for (i = 0; i < 3000; i++) {
		*in = '\0';
		n = 1 + (int)arc4random_uniform(40);
		for (j = 0; j < n; j++)
			(void)strlcat(in, words[arc4random_uniform(
			    sizeof(words) / sizeof(words[0]))], sizeof(in));
		len = strlen(in);
		rv = feed(in, len, len, one, sizeof(one));
		for (j = 1; j < 6; j++) {
			assert_int_equal(feed(in, len, (size_t)j, some,
			    sizeof(some)), rv);
			assert_string_equal(some, one);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(stream_split),
		cmocka_unit_test(endings),
		cmocka_unit_test(fields),
		cmocka_unit_test(refused),
		cmocka_unit_test(bounds),
		cmocka_unit_test(stopped),
		cmocka_unit_test(anew),
		cmocka_unit_test(random_bytes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
