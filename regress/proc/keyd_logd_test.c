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
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
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

/*
 * keyd and logd, both real: what was answered with success is there after
 * any of them was killed, and what was revoked stays revoked.
 */

static struct world		 w;
static struct play_child	 logd;
static char			 dir[512];

static int	setup(void **);
static int	delete(const char *, const struct stat *, int, struct FTW *);
static int	teardown(void **);
static int	logd_begin(void);
static void	keyd_begin(int);
static void	begin(void);
static void	end(void);
static int	has_vault(const char *);
static void	both_restart(void **);
static void	logd_restarts(void **);
static void	killed_often(void **);
static void	another_key(void **);

static int
setup(void **st)
{
	world_new(&w);
	w.real = 1;
	(void)snprintf(dir, sizeof(dir), "%s/keyd_logd.XXXXXX",
	    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	return (0);
}

static int
delete(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	return (remove(path));
}

static int
teardown(void **st)
{
	assert_int_equal(nftw(dir, delete, 8, FTW_DEPTH | FTW_PHYS), 0);
	world_free(&w);
	return (0);
}

/* Its word on whether the database is fresh. */
static int
logd_begin(void)
{
	struct msg_conf_start	 start = { 1 };
	struct msg_conf_log	 conf;
	struct msg_conf_end	 conf_end = { 1 };
	struct msg_conf_activate activate = { 1 };
	struct msg_file		 file = { FILE_STATE_DIR, 0, dir };
	struct msg_start	 go = { 0 };
	int			 fd;

	memset(&conf, 0, sizeof(conf));
	conf.flush_ms = 20;
	conf.batch = 100;
	play_start(&logd, "logd/logd", PROC_LOGD);
	play_send(&logd.parent, MSG_CONF_START, &start);
	play_send(&logd.parent, MSG_CONF_LOG, &conf);
	assert_int_not_equal(fd = open(dir, O_RDONLY | O_DIRECTORY), -1);
	play_send_fd(&logd.parent, MSG_FILE, &file, fd);
	play_send(&logd.parent, MSG_CONF_END, &conf_end);
	play_recv(&logd, &logd.parent, MSG_CONF_READY);
	play_send(&logd.parent, MSG_CONF_ACTIVATE, &activate);
	play_send(&logd.parent, MSG_START, &go);
	return (play_recv(&logd, &logd.parent, MSG_READY)->ready.fresh);
}

static void
keyd_begin(int fresh)
{
	struct msg_start	 go;

	play_start(&w.keyd, "keyd/keyd", PROC_KEYD);
	world_configure(&w);
	play_join(&w.keyd, &logd);
	go.fresh = fresh;
	play_send(&w.keyd.parent, MSG_START, &go);
}

static void
begin(void)
{
	keyd_begin(logd_begin());
	world_ready(&w);
}

static void
end(void)
{
	play_close(&w.mitm);
	play_close(&w.proxy);
	play_close(&w.api);
	if (logd.pid != 0)
		assert_int_equal(play_stop(&logd), 0);
	assert_int_equal(play_stop(&w.keyd), 0);
}

static int
has_vault(const char *name)
{
	struct msg_get	 g;

	memset(&g, 0, sizeof(g));
	g.caller = w.caller;
	g.kind = VIEW_VAULT;
	g.vault = name;
	play_send(&w.api, MSG_GET, &g);
	return (play_recv(&w.keyd, &w.api, MSG_OBJECTS)->objects.status ==
	    200);
}

static void
both_restart(void **st)
{
	struct rec_op_none	 none = { 0 };
	struct rec_op_name	 bot = { "bot" };
	struct msg_rules	*r;
	uint64_t		 scope;
	uint16_t		 status;

	begin();
	world_do(&w, OP_INIT, "", &none, 201);
	world_furnish(&w);
	end();

	begin();
	scope = world_auth(&w, &w.mitm, w.token, "", NULL);
	assert_int_not_equal(scope, 0);
	r = world_lease(&w, &w.mitm, scope, "api.test", 443);
	assert_int_equal(r->rules_n, 1);
	assert_string_equal(r->rules[0].inject[0].value, "Bearer s3cret");
	(void)world_admin(&w, OP_AGENT_REVOKE, "", &bot);
	world_revoke(&w, &w.mitm, 1);
	world_done(&w, w.last_id, 200);
	world_do(&w, OP_VAULT_DELETE, "main", &none, 200);
	end();

	begin();
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 407);
	assert_false(has_vault("main"));
	assert_true(has_vault("default"));
	/* And the number of the deleted one is not given away again. */
	bot.name = "third";
	world_do(&w, OP_VAULT_CREATE, "", &bot, 201);
	end();
}

/* What is asked while logd is dead is done when it is back. */
static void
logd_restarts(void **st)
{
	struct rec_op_none	 none = { 0 };
	struct rec_op_name	 alpha = { "alpha" }, bot = { "bot" };
	uint32_t		 add, take;
	uint16_t		 status;

	begin();
	world_do(&w, OP_INIT, "", &none, 201);
	world_furnish(&w);
	play_kill(&logd);
	add = world_admin(&w, OP_VAULT_CREATE, "", &alpha);
	take = world_admin(&w, OP_AGENT_DELETE, "", &bot);
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	assert_int_equal(status, 407);
	play_quiet(&w.keyd, &w.api, 100);
	assert_int_equal(logd_begin(), 0);
	play_join(&w.keyd, &logd);
	world_done(&w, add, 201);
	world_done(&w, take, 200);
	/* keyd dies too: what was answered is there. */
	play_close(&w.mitm);
	play_close(&w.proxy);
	play_close(&w.api);
	play_kill(&w.keyd);
	play_kill(&logd);
	begin();
	assert_true(has_vault("alpha"));
	assert_int_equal(world_auth(&w, &w.mitm, w.token, "", &status), 0);
	end();
}

/*
 * logd is killed while changes run, again and again: each is answered, and
 * each answer of 201 is true afterwards, once.
 */
static void
killed_often(void **st)
{
	struct rec_op_none	 none = { 0 };
	struct rec_op_name	 name;
	char			 text[16];
	uint32_t		 first, i;
	int			 round;

	begin();
	world_do(&w, OP_INIT, "", &none, 201);
	name.name = text;
	for (round = 0; round < 10; round++) {
		first = w.last_id + 1;
		for (i = 0; i < 8; i++) {
			(void)snprintf(text, sizeof(text), "v-%d-%u", round,
			    i);
			world_admin(&w, OP_VAULT_CREATE, "", &name);
		}
		usleep(round * 1500);
		play_kill(&logd);
		assert_int_equal(logd_begin(), 0);
		play_join(&w.keyd, &logd);
		for (i = 0; i < 8; i++)
			world_done(&w, first + i, 201);
	}
	play_kill(&logd);
	end();
	begin();
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 8; i++) {
			(void)snprintf(text, sizeof(text), "v-%d-%u", round,
			    i);
			assert_true(has_vault(text));
		}
	}
	end();
}

/* Another key file: refused, and the right one still works afterwards. */
static void
another_key(void **st)
{
	struct rec_op_none	 none = { 0 };
	char			 key[66], wrong[66];

	begin();
	world_do(&w, OP_INIT, "", &none, 201);
	end();
	assert_int_equal(pread(fileno(w.keyfile), key, 65, 0), 65);
	memcpy(wrong, key, sizeof(wrong));
	wrong[5] = wrong[5] == 'a' ? 'b' : 'a';
	assert_int_equal(pwrite(fileno(w.keyfile), wrong, 65, 0), 65);
	keyd_begin(logd_begin());
	assert_int_equal(play_wait(&w.keyd), 1);
	assert_non_null(strstr(w.keyd.log, "does not open this database"));
	assert_int_equal(play_stop(&logd), 0);
	assert_int_equal(pwrite(fileno(w.keyfile), key, 65, 0), 65);
	begin();
	assert_true(has_vault("default"));
	end();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(both_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(logd_restarts, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(killed_often, setup, teardown),
		cmocka_unit_test_setup_teardown(another_key, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
