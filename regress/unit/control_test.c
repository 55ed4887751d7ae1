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
#include <string.h>

#include <cmocka.h>

#include "../../logd/control.h"
#include "../../logd/db.h"
#include "../../logd/insert.h"
#include "logd_fix.h"
#include "../../logd/vault.h"

static char	 why[256];

static void
put(struct rec_object *o, unsigned int kind, const void *obj)
{
	o->kind = kind;
	o->op = OBJECT_PUT;
	o->body = fix_body(kind, obj);
}

static void
credential(struct rec_object *o, uint64_t id, size_t size)
{
	static uint8_t			 sealed[33000];
	struct rec_obj_credential	 c;

	memset(&c, 0, sizeof(c));
	memset(sealed, 0xee, sizeof(sealed));
	c.id = id;
	c.vault = 1;
	c.name = "KEY";
	c.sealed.data = sealed;
	c.sealed.len = size;
	c.created_at = -5;
	put(o, OBJ_CREDENTIAL, &c);
}

/* Every type of field comes back from the file as it went in. */
static void
test_put(void **state)
{
	struct rec_obj_service	 s;
	struct rec_obj_token	 t;
	struct rec_object	 o[2];

	memset(&s, 0, sizeof(s));
	memset(&t, 0, sizeof(t));
	s.id = 9;
	s.vault = 1;
	s.position = UINT64_MAX;
	s.port = 65535;
	s.enabled = 255;
	s.host = "*.example.com";
	s.created_at = -1;
	t.id = 4;
	memset(t.hash, 0xff, sizeof(t.hash));
	put(&o[0], OBJ_SERVICE, &s);
	put(&o[1], OBJ_TOKEN, &t);
	fix_open();
	fix_vault(1, "one");
	assert_int_equal(fix_commit(o, 2, why, sizeof(why)), 0);
	assert_int_equal(control_rev(), 2);
	assert_int_equal(fix_int("SELECT count(*) FROM services WHERE id = 9 "
	    "AND position = -1 AND port = 65535 AND enabled = 255 AND "
	    "host = '*.example.com' AND created_at = -1"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM tokens WHERE "
	    "hash = x'ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	    "ffffffff'"), 1);
	s.host = "changed";
	msg_blob_free(&o[0].body);
	put(&o[0], OBJ_SERVICE, &s);
	o[1].op = OBJECT_DELETE;
	assert_int_equal(fix_commit(o, 2, why, sizeof(why)), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM services WHERE "
	    "host = 'changed'"), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM tokens"), 0);
	msg_blob_free(&o[0].body);
	msg_blob_free(&o[1].body);
}

/* The same revision again changes nothing, one further on is refused. */
static void
test_rev(void **state)
{
	struct msg_commit	 m;
	struct rec_audit	 audit;

	fix_open();
	fix_vault(1, "one");
	fix_audit(&audit);
	memset(&m, 0, sizeof(m));
	m.audit = &audit;
	m.audit_n = 1;
	m.rev = 1;
	assert_int_equal(control_commit(&m, why, sizeof(why)), 0);
	assert_int_equal(control_rev(), 1);
	assert_int_equal(fix_int("SELECT count(*) FROM log WHERE "
	    "flags & 15 = 3"), 1);
	m.rev = 3;
	assert_int_equal(control_commit(&m, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "does not follow"));
	assert_int_equal(control_rev(), 1);
	fix_close();
	fix_open();
	assert_int_equal(control_rev(), 1);
	m.rev = 1;
	assert_int_equal(control_commit(&m, why, sizeof(why)), 0);
	assert_int_equal(fix_int("SELECT count(*) FROM log WHERE "
	    "flags & 15 = 3"), 1);
}

static void
test_audit(void **state)
{
	fix_open();
	fix_vault(1, "one");
	assert_int_equal(fix_int("SELECT count(*) FROM request_log WHERE "
	    "kind = 'audit' AND actor = 'local:0' AND actor_type = 'local' "
	    "AND action = 'vault.create' AND vault IS NULL AND "
	    "detail LIKE '%vault%'"), 1);
	assert_int_equal(insert_head(), 1);
}

/* What cannot be decoded is refused, with all that came with it. */
static void
test_malformed(void **state)
{
	struct rec_object	 o[2];

	fix_open();
	fix_vault(1, "one");
	credential(&o[0], 1, 10);
	credential(&o[1], 2, 10);
	o[1].body.len -= 3;
	assert_int_equal(fix_commit(o, 2, why, sizeof(why)), -1);
	assert_int_equal(fix_int("SELECT count(*) FROM credentials"), 0);
	assert_int_equal(control_rev(), 1);
	o[1].kind = OBJ_MAX;
	assert_int_equal(fix_commit(o, 2, why, sizeof(why)), -1);
	o[1].body.len += 3;
	msg_blob_free(&o[0].body);
	msg_blob_free(&o[1].body);
}

/*
 * The disk is full at the first, second ... write of a COMMIT: it says so,
 * nothing of it is there, and it works again afterwards.  A write is of many
 * pages.
 */
#define MANY	12

static void
test_full(void **state)
{
	struct rec_object	 o[MANY];
	uint32_t		 n, failures = 0;
	int64_t			 audits;
	uint64_t		 rev;
	int			 i, rc;

	fix_faults();
	fix_open();
	fix_vault(1, "one");
	for (i = 0; i < MANY; i++)
		credential(&o[i], i + 1, 33000);
	for (n = 1; n < 200; n++) {
		rev = control_rev();
		audits = fix_int("SELECT count(*) FROM log");
		fix.fault->full = n;
		rc = fix_commit(o, MANY, why, sizeof(why));
		fix.fault->full = 0;
		if (rc == 0)
			break;
		failures++;
		assert_true(strlen(why) > 0);
		assert_int_equal(control_rev(), rev);
		assert_int_equal(fix_int("SELECT count(*) FROM credentials"),
		    0);
		assert_int_equal(fix_int("SELECT count(*) FROM log"), audits);
		assert_int_equal(fix_int("SELECT value FROM meta WHERE "
		    "key = 'rev'"), rev);
	}
	assert_true(failures > 2);
	assert_int_equal(rc, 0);
	assert_int_equal(fix_int("SELECT count(*) FROM credentials"), MANY);
	for (i = 0; i < MANY; i++)
		msg_blob_free(&o[i].body);
}

static void
test_sync_fails(void **state)
{
	struct rec_object	 o;

	fix_faults();
	fix_open();
	fix_vault(1, "one");
	credential(&o, 1, 100);
	fix.fault->fsync = 1;
	assert_int_equal(fix_commit(&o, 1, why, sizeof(why)), -1);
	fix.fault->fsync = 0;
	assert_int_equal(fix_int("SELECT count(*) FROM credentials"), 0);
	assert_int_equal(fix_commit(&o, 1, why, sizeof(why)), 0);
	msg_blob_free(&o.body);
}

/* A tombstoned vault is known; one that is gone is not. */
static void
test_vaults(void **state)
{
	struct rec_obj_vault	 v;
	struct rec_object	 o;

	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	assert_non_null(vault_find(1));
	assert_null(vault_find(3));
	memset(&v, 0, sizeof(v));
	v.id = 1;
	v.deleted_at = 5;
	put(&o, OBJ_VAULT, &v);
	assert_int_equal(fix_commit(&o, 1, why, sizeof(why)), 0);
	assert_non_null(vault_find(1));
	o.op = OBJECT_DELETE;
	assert_int_equal(fix_commit(&o, 1, why, sizeof(why)), 0);
	assert_null(vault_find(1));
	msg_blob_free(&o.body);
	fix_close();
	fix_open();
	assert_null(vault_find(1));
	assert_non_null(vault_find(2));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_put),
		TEST(test_rev),
		TEST(test_audit),
		TEST(test_malformed),
		TEST(test_full),
		TEST(test_sync_fails),
		TEST(test_vaults)
	};

	return (cmocka_run_group_tests_name("control", tests, NULL, NULL));
}
