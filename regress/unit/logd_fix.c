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
#include <sys/mman.h>

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../logd/batch.h"
#include "../../logd/control.h"
#include "../../logd/db.h"
#include "../../logd/dict.h"
#include "../../logd/insert.h"
#include "logd_fix.h"
#include "loop.h"
#include "../../logd/recover.h"
#include "../../logd/retain.h"
#include "../../logd/scope.h"
#include "../../logd/streamdb.h"
#include "../../logd/vault.h"

struct logd_fix	 fix;

int
fix_setup(void **state)
{
	static int	 once;
	const char	*tmp = getenv("TMPDIR");

	if (!once) {
		loop_init();
		batch_init();
		once = 1;
	}
	(void)snprintf(fix.dir, sizeof(fix.dir), "%s/logd.XXXXXXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(fix.dir));
	fix.fault = NULL;
	return (0);
}

void
fix_clear(void)
{
	glob_t	 g;
	char	 pattern[300];
	size_t	 i;

	if (fix.fault != NULL)
		munmap(fix.fault, sizeof(*fix.fault));
	fix.fault = NULL;
	(void)snprintf(pattern, sizeof(pattern), "%s/*", fix.dir);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++)
			(void)unlink(g.gl_pathv[i]);
		globfree(&g);
	}
}

int
fix_teardown(void **state)
{
	if (db_handle() != NULL)
		fix_crash();
	fix_clear();
	(void)rmdir(fix.dir);
	return (0);
}

void
fix_faults(void)
{
	struct fault	 f;
	char		 path[300];
	int		 fd;

	memset(&f, 0, sizeof(f));
	f.magic = FAULT_MAGIC;
	(void)snprintf(path, sizeof(path), "%s/" FAULT_FILE, fix.dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, &f, sizeof(f)), sizeof(f));
	fix.fault = mmap(NULL, sizeof(f), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	assert_ptr_not_equal(fix.fault, MAP_FAILED);
	close(fd);
}

void
fix_open(void)
{
	char	 why[512];

	if (recover_open(fix.dir, why, sizeof(why)) == -1)
		fail_msg("%s", why);
	recover_begin();
}

void
fix_close(void)
{
	recover_close();
}

/* All that is in memory is gone; nothing more is written. */
void
fix_crash(void)
{
	batch_unload();
	retain_unload();
	scope_unload();
	streamdb_unload();
	vault_unload();
	dict_clear();
	db_close();
}

struct msg_blob
fix_body(unsigned int kind, const void *obj)
{
	struct msg_blob	 body;

	assert_int_equal(rec_to_blob(object_desc(kind), obj, &body), 0);
	return (body);
}

int
fix_commit(struct rec_object *objects, uint32_t n, char *why, size_t len)
{
	struct msg_commit	 m;
	struct rec_audit	 audit;

	fix_audit(&audit);
	memset(&m, 0, sizeof(m));
	m.rev = control_rev() + 1;
	m.objects = objects;
	m.objects_n = n;
	m.audit = &audit;
	m.audit_n = 1;
	return (control_commit(&m, why, len));
}

void
fix_audit(struct rec_audit *a)
{
	memset(a, 0, sizeof(*a));
	a->actor_type = ACTOR_LOCAL;
	a->actor = "local:0";
	a->actor_name = "";
	a->session = "";
	a->action = "vault.create";
	a->detail = "{\"vault\":\"v\"}";
}

void
fix_vault(uint64_t id, const char *name)
{
	struct rec_obj_vault	 v;
	struct rec_object	 o;
	char			 why[256];

	memset(&v, 0, sizeof(v));
	v.id = id;
	v.uuid = "00000000-0000-0000-0000-000000000000";
	v.name = name;
	v.created_at = 1;
	o.kind = OBJ_VAULT;
	o.op = OBJECT_PUT;
	o.body = fix_body(OBJ_VAULT, &v);
	if (fix_commit(&o, 1, why, sizeof(why)) == -1)
		fail_msg("%s", why);
	msg_blob_free(&o.body);
}

struct record *
fix_request(uint64_t vault, uint64_t seq, const char *path)
{
	struct record	*r;

	r = fix_request_to(vault, "GET", "api.example.com", "example", path);
	r->seq = seq;
	return (r);
}

struct record *
fix_request_to(uint64_t vault, const char *method, const char *host,
    const char *service, const char *path)
{
	struct msg_begin	 b;
	struct msg_end		 e;
	struct record		*r;
	struct who		*w;

	memset(&b, 0, sizeof(b));
	memset(&e, 0, sizeof(e));
	record_uuid(b.request_id, loop_wall());
	b.ingress = INGRESS_MITM;
	b.protocol = PROTOCOL_HTTP11;
	b.method = method;
	b.host = host;
	b.port = 443;
	b.path = path;
	b.service = service;
	b.keys = "EXAMPLE_KEY";
	b.auth_header = "authorization";
	b.auth_scheme = SCHEME_BEARER;
	b.client.af = 4;
	e.status = 200;
	e.decision = DECISION_BROKERED;
	e.latency = 1500;
	e.ttfb = 1200;
	e.bytes_out = 1024;
	w = who_new(vault, ACTOR_AGENT, "7", "agent", "");
	r = record_request(NULL, &b, w, NULL);
	who_unref(w);
	record_end(r, &e);
	return (r);
}

int64_t
fix_int(const char *sql)
{
	sqlite3_stmt	*s;
	int64_t		 n = -1;

	assert_int_equal(sqlite3_prepare_v2(db_handle(), sql, -1, &s, NULL),
	    SQLITE_OK);
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return (n);
}

void
fix_sql(const char *sql)
{
	char	*err = NULL;

	if (sqlite3_exec(db_handle(), sql, NULL, NULL, &err) != SQLITE_OK)
		fail_msg("%s: %s", sql, err);
}
