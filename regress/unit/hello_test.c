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
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "../../mitm/hello.h"

/*
 * ClientHellos, as OpenSSL makes them, and what they can be turned into.
 */

static uint8_t	 hello[70000];
static size_t	 len;

/*
 * What a client with this name (NULL: none) and so long an ALPN list sends.
 * OpenSSL's macro for the name would cast a const away.
 */
static void
make(char *sni, size_t alpn)
{
	uint8_t	*list;
	SSL_CTX	*ctx;
	SSL	*ssl;
	BIO	*in, *out;
	size_t	 i;

	assert_non_null(ctx = SSL_CTX_new(TLS_client_method()));
	assert_non_null(ssl = SSL_new(ctx));
	in = BIO_new(BIO_s_mem());
	out = BIO_new(BIO_s_mem());
	SSL_set_bio(ssl, in, out);
	if (sni != NULL)
		SSL_set_tlsext_host_name(ssl, sni);
	if (alpn > 0) {
		assert_non_null(list = malloc(alpn));
		for (i = 0; i < alpn; i++)
			list[i] = i % 10 == 0 ? 9 : 'x';
		assert_int_equal(SSL_set_alpn_protos(ssl, list, alpn), 0);
		free(list);
	}
	SSL_set_connect_state(ssl);
	assert_int_equal(SSL_do_handshake(ssl), -1);
	len = BIO_read(out, hello, sizeof(hello));
	assert_true(len > 50);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void
names(void **state)
{
	char	 name[HELLO_NAME];

	make("api.example.com", 0);
	assert_int_equal(hello_parse(hello, len, name), HELLO_DONE);
	assert_string_equal(name, "api.example.com");
	make(NULL, 0);
	assert_int_equal(hello_parse(hello, len, name), HELLO_DONE);
	assert_string_equal(name, "");
	make("big.example", 30000);
	assert_true(len > 30000);
	assert_int_equal(hello_parse(hello, len, name), HELLO_DONE);
	assert_string_equal(name, "big.example");
}

/* Whatever the length of what is there, it is not done too early. */
static void
pieces(void **state)
{
	char	 name[HELLO_NAME];
	size_t	 i;

	make("api.example.com", 500);
	for (i = 0; i < len; i++)
		assert_int_equal(hello_parse(hello, i, name), HELLO_MORE);
	/* What follows it is not looked at. */
	memset(hello + len, 0xff, 100);
	assert_int_equal(hello_parse(hello, len + 100, name), HELLO_DONE);
}

/* The same message in records of n bytes. */
static size_t
split(uint8_t *dst, size_t n)
{
	size_t	 at, m, out = 0;

	for (at = 5; at < len; at += m) {
		m = len - at < n ? len - at : n;
		memcpy(dst + out, hello, 3);
		dst[out + 3] = m >> 8;
		dst[out + 4] = m & 0xff;
		memcpy(dst + out + 5, hello + at, m);
		out += 5 + m;
	}
	return (out);
}

static void
records(void **state)
{
	static uint8_t	 dst[sizeof(hello) * 2];
	char		 name[HELLO_NAME];
	size_t		 n, out;

	make("api.example.com", 0);
	for (n = 4; n < len; n++) {
		out = split(dst, n);
		if ((len - 5 + n - 1) / n > HELLO_RECORDS) {
			assert_int_equal(hello_parse(dst, out, name),
			    HELLO_BAD);
			continue;
		}
		assert_int_equal(hello_parse(dst, out, name), HELLO_DONE);
		assert_string_equal(name, "api.example.com");
		assert_int_equal(hello_parse(dst, out - 1, name), HELLO_MORE);
	}
}

static void
refused(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"\x16\x02\x01",
		"\x15\x03\x01\x00\x02\x01\x00",
		"\x17\x03\x03"
	};
	char	 name[HELLO_NAME];
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hello_parse((const uint8_t *)bad[i],
		    strlen(bad[i]), name), HELLO_BAD);
	/* A record of nothing, one that is too long, another message. */
	make("a.example", 0);
	hello[3] = hello[4] = 0;
	assert_int_equal(hello_parse(hello, len, name), HELLO_BAD);
	hello[3] = 0x50;
	assert_int_equal(hello_parse(hello, len, name), HELLO_BAD);
	make("a.example", 0);
	hello[5] = 2;
	assert_int_equal(hello_parse(hello, len, name), HELLO_BAD);
	make("a.example", 0);
	hello[6] = 0x7f;
	assert_int_equal(hello_parse(hello, len, name), HELLO_BAD);
	/* A name that none can be. */
	make("a.example", 0);
	memcpy(memmem(hello, len, "a.example", 9), "a.ex\0mple", 9);
	assert_int_equal(hello_parse(hello, len, name), HELLO_BAD);
}

/* Each byte changed, in each of a few ways: it ends, and within bounds. */
static void
damaged(void **state)
{
	static const uint8_t	 flips[] = { 0x01, 0x80, 0xff };
	char			 name[HELLO_NAME];
	uint8_t			*copy;
	size_t			 i, f;

	make("api.example.com", 40);
	for (i = 0; i < len; i++) {
		for (f = 0; f < sizeof(flips); f++) {
			/* Its own allocation, for valgrind and ASan. */
			assert_non_null(copy = malloc(len));
			memcpy(copy, hello, len);
			copy[i] ^= flips[f];
			(void)hello_parse(copy, len, name);
			assert_non_null(memchr(name, '\0', sizeof(name)));
			free(copy);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(pieces),
		cmocka_unit_test(records),
		cmocka_unit_test(refused),
		cmocka_unit_test(damaged)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
