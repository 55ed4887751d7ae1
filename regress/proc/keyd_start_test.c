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
#include <unistd.h>

#include <cmocka.h>

#include "keyd_world.h"

static struct world	 w;

static size_t	keyfile_size(void);
static void	keyfile_set(const char *);
static void	keyfile_get(char *, size_t);
static void	fails(const char *);
static int	setup(void **);
static int	teardown(void **);
static void	fresh(void **);
static void	fresh_again(void **);
static void	fresh_refused(void **);
static void	again(void **);
static void	wrong_key(void **);
static void	lost_key(void **);
static void	no_keyring(void **);
static void	swapped_ca(void **);
static void	logd_dies_while_loading(void **);
static void	uninitialized(void **);

static size_t
keyfile_size(void)
{
	off_t	 size;

	assert_int_not_equal(size = lseek(fileno(w.keyfile), 0, SEEK_END),
	    -1);
	return (size);
}

static void
keyfile_set(const char *text)
{
	assert_int_equal(ftruncate(fileno(w.keyfile), 0), 0);
	assert_int_equal(pwrite(fileno(w.keyfile), text, strlen(text), 0),
	    strlen(text));
}

static void
keyfile_get(char *buf, size_t size)
{
	memset(buf, 0, size);
	assert_true(pread(fileno(w.keyfile), buf, size - 1, 0) >= 0);
}

/* It ends by itself, says why, and has asked logd for nothing. */
static void
fails(const char *why)
{
	assert_int_equal(play_wait(&w.keyd), 1);
	if (strstr(w.keyd.log, why) == NULL)
		fail_msg("\"%s\" is not in: %s", why, w.keyd.log);
	play_eof(&w.keyd, &w.logd);
	play_close(&w.logd);
}

static int
setup(void **st)
{
	world_new(&w);
	return (0);
}

static int
teardown(void **st)
{
	world_free(&w);
	return (0);
}

static void
fresh(void **st)
{
	struct rec_obj_keyring	 k;
	struct msg_commit	*m;
	char			 key[80];

	world_start(&w, 1);
	m = world_commit(&w);
	/* The key is on disk before anything was sealed with it. */
	assert_int_equal(keyfile_size(), 65);
	keyfile_get(key, sizeof(key));
	assert_int_equal(strspn(key, "0123456789abcdef"), 64);
	assert_int_equal(m->objects_n, 1);
	assert_int_equal(m->objects[0].kind, OBJ_KEYRING);
	assert_int_equal(m->audit_n, 0);
	assert_int_equal(rec_from_blob(&m->objects[0].body,
	    &desc_obj_keyring, &k, NULL), 0);
	assert_int_equal(k.data_key.len, 72);
	/* Not ready before it is durable. */
	play_quiet(&w.keyd, &w.keyd.parent, 100);
	world_committed(&w, m);
	world_ready(&w);
	world_stop(&w);
}

/* A start that died between key file and database is simply done again. */
static void
fresh_again(void **st)
{
	char	 key[80], same[80];

	world_start(&w, 1);
	(void)world_commit(&w);
	keyfile_get(key, sizeof(key));
	play_close(&w.logd);
	assert_int_equal(play_stop(&w.keyd), 0);
	world_start(&w, 1);
	world_commits(&w);
	keyfile_get(same, sizeof(same));
	assert_string_equal(key, same);
	world_ready(&w);
	world_stop(&w);
}

static void
fresh_refused(void **st)
{
	world_start(&w, 1);
	world_refused(&w, world_commit(&w));
	fails("the keyring could not be stored: no space left");
}

static void
again(void **st)
{
	struct msg_get_ca	 q = { 7 };
	union msg_any		*u;
	char			 pem[4097] = "";

	world_start(&w, 1);
	world_commits(&w);
	world_ready(&w);
	play_send(&w.api, MSG_GET_CA, &q);
	u = play_recv(&w.keyd, &w.api, MSG_CA);
	assert_int_equal(u->ca.status, 200);
	memcpy(pem, u->ca.pem.data, u->ca.pem.len);
	assert_non_null(strstr(pem, "-----BEGIN CERTIFICATE-----"));
	world_stop(&w);
	/* Nothing is committed by a start, and the authority is the same. */
	world_start(&w, 0);
	world_ready(&w);
	play_send(&w.api, MSG_GET_CA, &q);
	u = play_recv(&w.keyd, &w.api, MSG_CA);
	assert_int_equal(u->ca.pem.len, strlen(pem));
	assert_memory_equal(u->ca.pem.data, pem, strlen(pem));
	play_quiet(&w.keyd, &w.logd, 50);
	world_stop(&w);
}

static void
wrong_key(void **st)
{
	char	 key[80];

	world_start(&w, 1);
	world_commits(&w);
	world_ready(&w);
	world_stop(&w);
	keyfile_get(key, sizeof(key));
	key[0] = key[0] == '0' ? '1' : '0';
	keyfile_set(key);
	world_start(&w, 0);
	fails("the master key does not open this database");
	keyfile_set("not a key\n");
	world_start(&w, 0);
	fails("neither 32 bytes nor 64 hexadecimal digits");
	/* What is there is left alone. */
	assert_int_equal(keyfile_size(), 10);
	key[0] = key[0] == '0' ? '1' : '0';
	assert_int_equal(w.rev, 1);
}

static void
lost_key(void **st)
{
	world_start(&w, 1);
	world_commits(&w);
	world_ready(&w);
	world_stop(&w);
	keyfile_set("");
	world_start(&w, 0);
	fails("put back the key file");
	assert_int_equal(keyfile_size(), 0);
	/* Even if logd took the database for a fresh one. */
	world_start(&w, 1);
	fails("put back the key file");
	assert_int_equal(keyfile_size(), 0);
}

static void
no_keyring(void **st)
{
	w.rev = 5;
	world_start(&w, 0);
	fails("no keyring although it is not new");
	world_start(&w, 1);
	fails("no keyring although it is not new");
	assert_int_equal(keyfile_size(), 0);
}

/* The authority's key of another row does not open. */
static void
swapped_ca(void **st)
{
	struct rec_obj_keyring	 k;
	struct rec_object	*row;

	world_start(&w, 1);
	world_commits(&w);
	world_ready(&w);
	world_stop(&w);
	row = world_row(&w, OBJ_KEYRING, 0);
	assert_int_equal(rec_from_blob(&row->body, &desc_obj_keyring, &k,
	    NULL), 0);
	k.ca_key = k.check_value;
	world_put(&w, OBJ_KEYRING, &k);
	world_start(&w, 0);
	fails("key of the certificate authority does not open");
}

static void
logd_dies_while_loading(void **st)
{
	struct msg_snapshot	 m;
	struct msg_start	 s = { 0 };
	union msg_any		*u;

	world_start(&w, 1);
	world_commits(&w);
	world_ready(&w);
	world_stop(&w);

	play_start(&w.keyd, "keyd/keyd", PROC_KEYD);
	world_configure(&w);
	play_link(&w.keyd, &w.logd, PROC_LOGD, 0, INSTANCE_LOGD);
	play_send(&w.keyd.parent, MSG_START, &s);
	play_recv(&w.keyd, &w.logd, MSG_SYNC);
	memset(&m, 0, sizeof(m));
	m.rev = w.rev;
	m.objects = w.rows;
	m.objects_n = w.nrows;
	play_send(&w.logd, MSG_SNAPSHOT, &m);	/* not the last */
	play_quiet(&w.keyd, &w.keyd.parent, 50);
	play_close(&w.logd);
	play_link(&w.keyd, &w.logd, PROC_LOGD, 0, INSTANCE_LOGD + 1);
	u = play_recv(&w.keyd, &w.logd, MSG_SYNC);
	assert_int_equal(u->sync.load, 1);
	m.last = 1;
	play_send(&w.logd, MSG_SNAPSHOT, &m);
	world_ready(&w);
	world_stop(&w);
}

/* Before init nothing can be done but init; a token is then unknown. */
static void
uninitialized(void **st)
{
	struct rec_op_name	 name = { "alpha" };
	struct rec_op_none	 none = { 0 };
	struct msg_get		 get;
	struct msg_get_ca	 q = { 7 };
	union msg_any		*u;
	uint16_t		 status;

	world_start(&w, 1);
	world_commits(&w);
	world_ready(&w);
	world_do(&w, OP_VAULT_CREATE, "", &name, 503);
	memset(&get, 0, sizeof(get));
	get.caller = w.caller;
	get.kind = VIEW_VAULTS;
	play_send(&w.api, MSG_GET, &get);
	u = play_recv(&w.keyd, &w.api, MSG_OBJECTS);
	assert_int_equal(u->objects.status, 503);
	assert_string_equal(u->objects.code, "not_initialized");
	play_send(&w.api, MSG_GET_CA, &q);
	u = play_recv(&w.keyd, &w.api, MSG_CA);
	assert_int_equal(u->ca.status, 200);
	assert_int_equal(u->ca.initialized, 0);
	assert_int_equal(world_auth(&w, &w.mitm, "x", "", &status), 0);
	assert_int_equal(status, 407);
	play_recv(&w.keyd, &w.logd, MSG_EVENT);
	world_do(&w, OP_RELOAD, "", &none, 200);
	world_do(&w, OP_INIT, "", &none, 201);
	world_do(&w, OP_INIT, "", &none, 409);
	world_do(&w, OP_VAULT_CREATE, "", &name, 201);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(fresh, setup, teardown),
		cmocka_unit_test_setup_teardown(fresh_again, setup, teardown),
		cmocka_unit_test_setup_teardown(fresh_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(again, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_key, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_key, setup, teardown),
		cmocka_unit_test_setup_teardown(no_keyring, setup, teardown),
		cmocka_unit_test_setup_teardown(swapped_ca, setup, teardown),
		cmocka_unit_test_setup_teardown(logd_dies_while_loading,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(uninitialized, setup,
		    teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
