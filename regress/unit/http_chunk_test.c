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

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "http.h"

static ssize_t	 decode(struct http_body *, const char *, size_t, char *,
		    size_t *);
static void	 parse_trailers(struct http_head *, struct http_field *,
		    const char *);
static void	 test_none(void **);
static void	 test_length(void **);
static void	 test_eof(void **);
static void	 test_consumes_all(void **);
static void	 test_data_before_error(void **);
static void	 test_error_stays(void **);
static void	 test_zero_copy(void **);
static void	 test_trailers(void **);
static void	 test_trailer_rest(void **);
static void	 test_encoder(void **);
static void	 test_encoder_trailers(void **);
static void	 test_encoder_full(void **);
static void	 test_round_trip(void **);

/* Decode as much as goes; the payload is appended to out. */
static ssize_t
decode(struct http_body *b, const char *in, size_t n, char *out, size_t *outlen)
{
	const uint8_t	*data;
	size_t		 datalen, i;
	ssize_t		 used;

	for (i = 0; i < n && b->state == HTTP_BODY_MORE; i += used) {
		used = http_body_decode(b, (const uint8_t *)in + i, n - i,
		    &data, &datalen);
		if (used == -1)
			return (-1);
		assert_true(used > 0);
		memcpy(out + *outlen, data == NULL ? (const uint8_t *)"" :
		    data, datalen);
		*outlen += datalen;
	}
	return (i);
}

static void
test_none(void **state)
{
	struct http_body	 b;
	const uint8_t		*data;
	size_t			 n;

	http_body_init(&b, HTTP_BODY_NONE, 0, &http_limits_default);
	assert_int_equal(b.state, HTTP_BODY_DONE);
	assert_int_equal(http_body_decode(&b, (const uint8_t *)"x", 1, &data,
	    &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(http_body_eof(&b), HTTP_BODY_DONE);
	http_body_init(&b, HTTP_BODY_LENGTH, 0, &http_limits_default);
	assert_int_equal(b.state, HTTP_BODY_DONE);
	assert_null(http_body_trailers(&b));
}

static void
test_length(void **state)
{
	struct http_body	 b;
	char			 out[16];
	size_t			 n;

	n = 0;
	http_body_init(&b, HTTP_BODY_LENGTH, 5, &http_limits_default);
	assert_int_equal(decode(&b, "abc", 3, out, &n), 3);
	assert_int_equal(b.state, HTTP_BODY_MORE);
	assert_int_equal(decode(&b, "defg", 4, out, &n), 2);
	assert_int_equal(b.state, HTTP_BODY_DONE);
	assert_int_equal(n, 5);
	assert_int_equal(b.received, 5);
	assert_memory_equal(out, "abcde", 5);
	http_body_init(&b, HTTP_BODY_LENGTH, 5, &http_limits_default);
	assert_int_equal(http_body_eof(&b), HTTP_BODY_ERROR);
	assert_int_equal(b.error, HTTP_E_TRUNCATED);
}

static void
test_eof(void **state)
{
	struct http_body	 b;
	char			 out[16];
	size_t			 n;

	n = 0;
	http_body_init(&b, HTTP_BODY_EOF, 0, &http_limits_default);
	assert_int_equal(decode(&b, "abc", 3, out, &n), 3);
	assert_int_equal(b.state, HTTP_BODY_MORE);
	assert_int_equal(http_body_eof(&b), HTTP_BODY_DONE);
	assert_int_equal(b.received, 3);
}

/* Nothing of an unfinished body stays in the caller's buffer. */
static void
test_consumes_all(void **state)
{
	static const char	 in[] = "3;ab\r\nabc\r\n0\r\nX: y\r\n\r\n";
	struct http_body	 b;
	char			 out[16];
	size_t			 i, k, n;

	for (i = 1; i < sizeof(in) - 1; i++) {
		n = 0;
		http_body_init(&b, HTTP_BODY_CHUNKED, 0,
		    &http_limits_default);
		assert_int_equal(decode(&b, in, i, out, &n), i);
		k = sizeof(in) - 1 - i;
		assert_int_equal(decode(&b, in + i, k, out, &n), k);
		assert_int_equal(b.state, HTTP_BODY_DONE);
		assert_int_equal(n, 3);
		http_body_free(&b);
	}
}

static void
test_data_before_error(void **state)
{
	struct http_body	 b;
	char			 out[16];
	size_t			 n;

	n = 0;
	http_body_init(&b, HTTP_BODY_CHUNKED, 0, &http_limits_default);
	assert_int_equal(decode(&b, "3\r\nabcX", 7, out, &n), -1);
	assert_int_equal(n, 3);
	assert_int_equal(b.error, HTTP_E_CHUNK_END);
	assert_int_equal(b.received, 3);
}

static void
test_error_stays(void **state)
{
	struct http_body	 b;
	const uint8_t		*data;
	size_t			 n;

	http_body_init(&b, HTTP_BODY_CHUNKED, 0, &http_limits_default);
	assert_int_equal(http_body_decode(&b, (const uint8_t *)"x", 1, &data,
	    &n), -1);
	assert_int_equal(http_body_decode(&b, (const uint8_t *)"0\r\n\r\n", 5,
	    &data, &n), -1);
	assert_int_equal(http_body_eof(&b), HTTP_BODY_ERROR);
	assert_int_equal(b.error, HTTP_E_CHUNK_SIZE);
}

static void
test_zero_copy(void **state)
{
	static const uint8_t	 in[] = "5\r\nabcde\r\n";
	struct http_body	 b;
	const uint8_t		*data;
	size_t			 n;

	http_body_init(&b, HTTP_BODY_CHUNKED, 0, &http_limits_default);
	assert_int_equal(http_body_decode(&b, in, 6, &data, &n), 6);
	assert_ptr_equal(data, in + 3);
	assert_int_equal(n, 3);
	assert_int_equal(http_body_decode(&b, in + 6, 4, &data, &n), 2);
	assert_ptr_equal(data, in + 6);
	assert_int_equal(http_body_decode(&b, in + 8, 2, &data, &n), 2);
	assert_int_equal(n, 0);
	assert_int_equal(b.state, HTTP_BODY_MORE);
}

static void
test_trailers(void **state)
{
	static const char	 in[] = "0\r\nA: 1\r\nProxy-B: 2\r\n\r\nrest";
	const struct http_head	*t;
	struct http_body	 b;
	char			 out[16];
	size_t			 n;

	n = 0;
	http_body_init(&b, HTTP_BODY_CHUNKED, 0, &http_limits_default);
	assert_int_equal(decode(&b, in, sizeof(in) - 1, out, &n),
	    sizeof(in) - 5);
	t = http_body_trailers(&b);
	assert_non_null(t);
	assert_int_equal(t->nfields, 2);
	assert_memory_equal(HTTP_PTR(t, t->fields[0].value), "1", 1);
	assert_int_equal(t->fields[1].flags, HTTP_F_PROXY);
	http_body_free(&b);
	http_body_free(&b);
	assert_null(http_body_trailers(&b));
}

/* Bytes of the next message are not taken, not even into memory. */
static void
test_trailer_rest(void **state)
{
	static const char	 in[] = "0\r\nA: 1\r\n\r\nAuthorization: x";
	const struct http_head	*t;
	struct http_body	 b;
	size_t			 n, used;
	char			 out[16];

	n = 0;
	used = buf_account_used();
	http_body_init(&b, HTTP_BODY_CHUNKED, 0, &http_limits_default);
	assert_int_equal(decode(&b, in, sizeof(in) - 1, out, &n), 11);
	t = http_body_trailers(&b);
	assert_int_equal(t->length, 8);
	assert_int_equal(t->nfields, 1);
	assert_true(buf_account_used() > used);
	http_body_free(&b);
	assert_int_equal(buf_account_used(), used);
}

static void
parse_trailers(struct http_head *h, struct http_field *fields, const char *s)
{
	http_head_trailers(h, &http_limits_default, fields);
	assert_int_equal(http_parse(h, s, strlen(s)), HTTP_DONE);
}

static void
test_encoder(void **state)
{
	static const char	 want[] =
	    "ffffffffffffffff\r\n1\r\n\r\n0\r\n\r\n";
	struct buf		 b;

	buf_init(&b, 64);
	assert_int_equal(http_write_chunk(&b, UINT64_MAX), 0);
	assert_int_equal(buf_len(&b), HTTP_CHUNK_HEAD);
	assert_int_equal(http_write_chunk(&b, 1), 0);
	assert_int_equal(http_write_chunk_end(&b), 0);
	assert_int_equal(http_write_last_chunk(&b, NULL, 0), 0);
	assert_int_equal(buf_len(&b), sizeof(want) - 1);
	assert_memory_equal(buf_data(&b), want, sizeof(want) - 1);
	errno = 0;
	assert_int_equal(http_write_chunk(&b, 0), -1);
	assert_int_equal(errno, EINVAL);
	buf_clear(&b);
}

static void
test_encoder_trailers(void **state)
{
	static const char	 want[] = "0\r\nA: 1\r\nC: 3\r\n\r\n";
	struct http_field	 fields[HTTP_LIMIT_FIELDS];
	struct http_head	 h;
	struct buf		 b;

	parse_trailers(&h, fields,
	    "A: 1\r\nProxy-B: 2\r\nC:\t3 \r\n\r\n");
	buf_init(&b, 64);
	assert_int_equal(http_write_last_chunk(&b, &h, HTTP_F_PROXY), 0);
	assert_int_equal(buf_len(&b), sizeof(want) - 1);
	assert_memory_equal(buf_data(&b), want, sizeof(want) - 1);
	buf_clear(&b);
}

static void
test_encoder_full(void **state)
{
	struct buf	 b;

	buf_init(&b, 2);
	errno = 0;
	assert_int_equal(http_write_chunk(&b, 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(http_write_chunk_end(&b), 0);
	assert_int_equal(http_write_chunk_end(&b), -1);
	buf_clear(&b);
}

static void
test_round_trip(void **state)
{
	static const size_t	 sizes[] = { 1, 9, 10, 15, 16, 17, 255, 256 };
	struct http_body	 body;
	struct buf		 b;
	char			 data[600], out[600];
	size_t			 at, i, n;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7;
	buf_init(&b, 4096);
	for (i = at = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(http_write_chunk(&b, sizes[i]), 0);
		assert_int_equal(buf_add(&b, data + at, sizes[i]), 0);
		assert_int_equal(http_write_chunk_end(&b), 0);
		at += sizes[i];
	}
	assert_int_equal(http_write_last_chunk(&b, NULL, 0), 0);
	n = 0;
	http_body_init(&body, HTTP_BODY_CHUNKED, 0, &http_limits_default);
	assert_int_equal(decode(&body, (const char *)buf_data(&b), buf_len(&b),
	    out, &n), buf_len(&b));
	assert_int_equal(body.state, HTTP_BODY_DONE);
	assert_int_equal(n, at);
	assert_memory_equal(out, data, n);
	http_body_free(&body);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_eof),
		cmocka_unit_test(test_consumes_all),
		cmocka_unit_test(test_data_before_error),
		cmocka_unit_test(test_error_stays),
		cmocka_unit_test(test_zero_copy),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_trailer_rest),
		cmocka_unit_test(test_encoder),
		cmocka_unit_test(test_encoder_trailers),
		cmocka_unit_test(test_encoder_full),
		cmocka_unit_test(test_round_trip)
	};

	return (cmocka_run_group_tests_name("http_chunk", tests, NULL, NULL));
}
