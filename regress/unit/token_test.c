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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sodium.h>

#include "../../keyd/token.h"

static void	forms(void **);
static void	refused(void **);
static void	known_hash(void **);
static void	identifiers(void **);

static void
forms(void **st)
{
	char	 a[TOKEN_SIZE], b[TOKEN_SIZE];
	uint8_t	 ha[TOKEN_HASHLEN], hb[TOKEN_HASHLEN];

	token_new(TOKEN_AGENT, a);
	token_new(TOKEN_AGENT, b);
	assert_int_equal(strlen(a), 7 + 64);
	assert_memory_equal(a, "av_agt_", 7);
	assert_string_not_equal(a, b);
	assert_int_equal(token_hash(a, ha), TOKEN_AGENT);
	assert_int_equal(token_hash(b, hb), TOKEN_AGENT);
	assert_memory_not_equal(ha, hb, sizeof(ha));
	token_new(TOKEN_SESSION, a);
	assert_int_equal(strlen(a), 8 + 64);
	assert_memory_equal(a, "av_sess_", 8);
	assert_int_equal(token_hash(a, ha), TOKEN_SESSION);
}

static void
refused(void **st)
{
	static const char	*bad[] = {
		"", "av_agt_", "av_sess_",
		"av_agt_00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeef",
		"av_agt_00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff0",
		"av_agt_00112233445566778899AABBCCDDEEFF"
		"00112233445566778899aabbccddeeff",
		"av_agt_00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeefg",
		"AV_AGT_00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff"
	};
	uint8_t	 h[TOKEN_HASHLEN];
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(token_hash(bad[i], h), -1);
}

/* Computed with sha256sum(1): what is at rest never changes. */
static void
known_hash(void **st)
{
	uint8_t	 h[TOKEN_HASHLEN];
	char	 hex[65];

	assert_int_equal(token_hash("av_agt_"
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	    h), TOKEN_AGENT);
	sodium_bin2hex(hex, sizeof(hex), h, sizeof(h));
	assert_string_equal(hex,
	    "5e7ac13f57060a8a6b8f810330e2c404"
	    "4c54848d48b79eedd1a50402a4f67241");
}

static void
identifiers(void **st)
{
	char		 id[TOKEN_PUBLICLEN + 1], uuid[UUID_SIZE];
	uint64_t	 a, b;

	token_public_id(id);
	assert_int_equal(strlen(id), 20);
	assert_int_equal(strspn(id, "0123456789abcdef"), 20);
	token_uuid(uuid);
	assert_int_equal(strlen(uuid), 36);
	assert_int_equal(uuid[14], '4');
	assert_non_null(strchr("89ab", uuid[19]));
	a = token_number();
	b = token_number();
	assert_int_not_equal(a, b);
	assert_true(a <= INT64_MAX && a > 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(refused),
		cmocka_unit_test(known_hash),
		cmocka_unit_test(identifiers)
	};

	if (sodium_init() == -1)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
