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

#include <unistd.h>

#include "../../keyd/seal.h"

static int	keyfile(const void *, size_t);
static void	fresh(struct msg_blob *, struct msg_blob *, char *, size_t);
static int	setup(void **);
static int	teardown(void **);
static void	round_trip(void **);
static void	swapped_rows(void **);
static void	changed_bytes(void **);
static void	keyfiles(void **);
static void	wrong_key(void **);
static void	lost_key(void **);
static void	no_key_no_sealing(void **);

static const struct seal_place	 here = { "credentials", 7, "API_KEY" };

/* A descriptor of an unlinked file with these bytes. */
static int
keyfile(const void *data, size_t len)
{
	FILE	*f = tmpfile();
	int	 fd;

	assert_non_null(f);
	assert_int_not_equal(fd = dup(fileno(f)), -1);
	fclose(f);
	assert_int_equal(write(fd, data, len), len);
	return (fd);
}

/* A new key file, whose text goes to key, and a data key under it. */
static void
fresh(struct msg_blob *wrapped, struct msg_blob *check, char *key, size_t size)
{
	int	 fd = keyfile("", 0);

	assert_int_equal(seal_keyfile_read(fd), SEAL_NO_KEY);
	assert_int_equal(seal_keyfile_write(fd), SEAL_OK);
	memset(key, 0, size);
	assert_int_equal(pread(fd, key, size - 1, 0), 65);
	close(fd);
	assert_int_equal(seal_create(wrapped, check), 0);
}

static int
setup(void **st)
{
	seal_init();
	return (0);
}

static int
teardown(void **st)
{
	seal_free();
	return (0);
}

static void
round_trip(void **st)
{
	struct msg_blob	 w, c, a, b;
	char		 key[80], buf[64];

	fresh(&w, &c, key, sizeof(key));
	assert_int_equal(seal_put(&here, "secret value", 12, &a), 0);
	assert_int_equal(a.len, 12 + SEAL_OVERHEAD);
	assert_null(memmem(a.data, a.len, "secret", 6));
	assert_int_equal(seal_get(&here, &a, buf, sizeof(buf)), 12);
	assert_memory_equal(buf, "secret value", 12);
	/* The same again looks different. */
	assert_int_equal(seal_put(&here, "secret value", 12, &b), 0);
	assert_memory_not_equal(a.data, b.data, a.len);
	msg_blob_free(&a);
	msg_blob_free(&b);
	assert_int_equal(seal_put(&here, "", 0, &a), 0);
	assert_int_equal(seal_get(&here, &a, buf, 0), 0);
	msg_blob_free(&a);
	msg_blob_free(&w);
	msg_blob_free(&c);
}

static void
swapped_rows(void **st)
{
	const struct seal_place	 others[] = {
		{ "credentials", 8, "API_KEY" },
		{ "credentials", 7, "API_KEZ" },
		{ "credentials", 7, "API_KEY2" },
		{ "credentials", 7, "" },
		{ "keyring", 7, "API_KEY" },
		{ "credential", 7, "sAPI_KEY" }
	};
	struct msg_blob		 w, c, a;
	char			 key[80], buf[64];
	size_t			 i;

	fresh(&w, &c, key, sizeof(key));
	assert_int_equal(seal_put(&here, "secret", 6, &a), 0);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(seal_get(&others[i], &a, buf, sizeof(buf)),
		    -1);
	assert_int_equal(seal_get(&here, &a, buf, sizeof(buf)), 6);
	msg_blob_free(&a);
	msg_blob_free(&w);
	msg_blob_free(&c);
}

static void
changed_bytes(void **st)
{
	struct msg_blob	 w, c, a, cut;
	char		 key[80], buf[64];
	uint8_t		*p;
	uint32_t	 i;

	fresh(&w, &c, key, sizeof(key));
	assert_int_equal(seal_put(&here, "secret", 6, &a), 0);
	p = (uint8_t *)(uintptr_t)a.data;
	for (i = 0; i < a.len; i++) {
		p[i] ^= 0x10;
		assert_int_equal(seal_get(&here, &a, buf, sizeof(buf)), -1);
		p[i] ^= 0x10;
		cut.data = a.data;
		cut.len = i;
		assert_int_equal(seal_get(&here, &cut, buf, sizeof(buf)), -1);
	}
	/* Too small a place is refused before anything is written. */
	assert_int_equal(seal_get(&here, &a, buf, 5), -1);
	assert_int_equal(seal_get(&here, &a, buf, 6), 6);
	msg_blob_free(&a);
	msg_blob_free(&w);
	msg_blob_free(&c);
}

static void
keyfiles(void **st)
{
	static const struct {
		const char	*text;
		size_t		 len;
		enum seal_error	 want;
	} cases[] = {
		{ "", 0, SEAL_NO_KEY },
		{ "0123456789abcdef0123456789abcdef", 32, SEAL_OK },
		{ "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef", 64, SEAL_OK },
		{ "0123456789ABCDEF0123456789abcdef"
		  "0123456789abcdef0123456789abcdef\n", 65, SEAL_OK },
		{ "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef ", 65, SEAL_BAD_KEY },
		{ "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdeg", 64, SEAL_BAD_KEY },
		{ "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcde\n", 64, SEAL_BAD_KEY },
		{ "0123456789abcdef0123456789abcdef\n", 33, SEAL_BAD_KEY },
		{ "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef\n\n", 66, SEAL_BAD_KEY },
		{ "x", 1, SEAL_BAD_KEY }
	};
	size_t	 i;
	int	 fd;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = keyfile(cases[i].text, cases[i].len);
		assert_int_equal(seal_keyfile_read(fd), cases[i].want);
		/* A file that holds something is never written. */
		if (cases[i].len > 0)
			assert_int_equal(seal_keyfile_write(fd), SEAL_IO);
		close(fd);
	}
	assert_int_equal(seal_keyfile_read(-1), SEAL_IO);
}

static void
wrong_key(void **st)
{
	struct msg_blob	 w, c, w2, c2, a;
	char		 key[80], key2[80], buf[64];
	int		 fd;

	fresh(&w, &c, key, sizeof(key));
	assert_int_equal(seal_put(&here, "secret", 6, &a), 0);
	fresh(&w2, &c2, key2, sizeof(key2));
	assert_string_not_equal(key, key2);

	/* The other key, and nothing can be read with it. */
	fd = keyfile(key2, strlen(key2));
	assert_int_equal(seal_keyfile_read(fd), SEAL_OK);
	assert_int_equal(seal_open(&w, &c), SEAL_WRONG_KEY);
	assert_int_equal(seal_get(&here, &a, buf, sizeof(buf)), -1);
	/* The master key is gone: a second try needs the file again. */
	assert_int_equal(seal_open(&w2, &c2), SEAL_NO_KEY);

	/* The right key with the check value of another database. */
	assert_int_equal(seal_keyfile_read(fd), SEAL_OK);
	assert_int_equal(seal_open(&w2, &c), SEAL_WRONG_KEY);
	close(fd);

	fd = keyfile(key, strlen(key));
	assert_int_equal(seal_keyfile_read(fd), SEAL_OK);
	assert_int_equal(seal_open(&w, &c), SEAL_OK);
	assert_int_equal(seal_get(&here, &a, buf, sizeof(buf)), 6);
	close(fd);
	msg_blob_free(&a);
	msg_blob_free(&w);
	msg_blob_free(&c);
	msg_blob_free(&w2);
	msg_blob_free(&c2);
}

static void
lost_key(void **st)
{
	struct msg_blob	 w, c;
	char		 key[80];
	int		 fd;

	fresh(&w, &c, key, sizeof(key));
	seal_forget_master();
	fd = keyfile("", 0);
	assert_int_equal(seal_keyfile_read(fd), SEAL_NO_KEY);
	assert_int_equal(seal_open(&w, &c), SEAL_NO_KEY);
	assert_non_null(strstr(seal_error_text(SEAL_NO_KEY),
	    "put back the key file"));
	close(fd);
	msg_blob_free(&w);
	msg_blob_free(&c);
}

static void
no_key_no_sealing(void **st)
{
	struct msg_blob	 a = { (const uint8_t *)"x", 1 };
	struct msg_blob	 w, c;
	char		 buf[8];

	assert_int_equal(seal_put(&here, "x", 1, &a), -1);
	assert_int_equal(seal_get(&here, &a, buf, sizeof(buf)), -1);
	assert_int_equal(seal_create(&w, &c), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(swapped_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(changed_bytes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(keyfiles, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_key, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_key, setup, teardown),
		cmocka_unit_test_setup_teardown(no_key_no_sealing, setup,
		    teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
