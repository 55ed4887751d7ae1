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

#include <arpa/inet.h>

#include "../../keyd/auth.h"
#include "keyd_fix.h"

static int	setup(void **);
static int	teardown(void **);
static struct msg_addr	 addr(const char *);
static int	is_blocked(const char *, uint64_t);
static void	table(void **);
static void	ended(void **);
static void	window(void **);
static void	exempt(void **);
static void	same_network(void **);
static void	bounded(void **);

/* Agent 11 has one grant, 12 has two, 13 has none. */
static int
setup(void **st)
{
	state_init();
	fix_vault(1, "main");
	fix_vault(2, "other");
	fix_vault(3, "third");
	fix_agent(11, "one", IROLE_NO_ACCESS, "");
	fix_agent(12, "two", IROLE_NO_ACCESS, "");
	fix_agent(13, "none", IROLE_OWNER, "");
	fix_grant(21, 11, 1, ROLE_PROXY);
	fix_grant(22, 12, 1, ROLE_ADMIN);
	fix_grant(23, 12, 2, ROLE_PROXY);
	fix_agent_token(31, fix_token_text(TOKEN_AGENT, '1'), 11);
	fix_agent_token(32, fix_token_text(TOKEN_AGENT, '2'), 12);
	fix_agent_token(33, fix_token_text(TOKEN_AGENT, '3'), 13);
	fix_session(34, fix_token_text(TOKEN_SESSION, '4'), 1, 11,
	    FIX_WALL + 300);
	return (0);
}

static int
teardown(void **st)
{
	state_free();
	auth_free();
	return (0);
}

static struct msg_addr
addr(const char *s)
{
	struct msg_addr	 a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, s, a.ip) == 1)
		a.af = 4;
	else if (inet_pton(AF_INET6, s, a.ip) == 1)
		a.af = 6;
	else
		fail_msg("%s is no address", s);
	return (a);
}

static const struct {
	int		 kind;
	char		 digit;
	const char	*hint;
	uint16_t	 status;	/* 0: let in */
	uint64_t	 vault;		/* let in; else the event's */
	enum event_code	 event;
} cases[] = {
	{ TOKEN_AGENT, '9', "", 407, 0, EVENT_AUTH_FAILED },
	{ TOKEN_AGENT, '9', "main", 407, 0, EVENT_AUTH_FAILED },
	{ TOKEN_AGENT, '4', "", 407, 0, EVENT_AUTH_FAILED },
	{ TOKEN_SESSION, '1', "", 407, 0, EVENT_AUTH_FAILED },
	{ TOKEN_SESSION, '4', "", 0, 1, EVENT_NONE },
	{ TOKEN_SESSION, '4', "main", 0, 1, EVENT_NONE },
	{ TOKEN_SESSION, '4', "other", 403, 2, EVENT_VAULT_DENIED },
	{ TOKEN_SESSION, '4', "nowhere", 403, 0, EVENT_VAULT_DENIED },
	{ TOKEN_SESSION, '4', "Main", 403, 0, EVENT_VAULT_DENIED },
	{ TOKEN_AGENT, '1', "", 0, 1, EVENT_NONE },
	{ TOKEN_AGENT, '1', "main", 0, 1, EVENT_NONE },
	{ TOKEN_AGENT, '1', "other", 403, 2, EVENT_VAULT_DENIED },
	{ TOKEN_AGENT, '1', "nowhere", 404, 0, EVENT_VAULT_NOT_FOUND },
	{ TOKEN_AGENT, '2', "", 400, 0, EVENT_VAULT_NOT_FOUND },
	{ TOKEN_AGENT, '2', "main", 0, 1, EVENT_NONE },
	{ TOKEN_AGENT, '2', "other", 0, 2, EVENT_NONE },
	{ TOKEN_AGENT, '2', "third", 403, 3, EVENT_VAULT_DENIED },
	{ TOKEN_AGENT, '3', "", 400, 0, EVENT_VAULT_NOT_FOUND },
	{ TOKEN_AGENT, '3', "main", 403, 1, EVENT_VAULT_DENIED }
};

static void
table(void **st)
{
	struct auth	 a;
	struct refusal	 r;
	size_t		 i;
	int		 rc;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rc = auth_proxy(fix_token_text(cases[i].kind, cases[i].digit),
		    cases[i].hint, FIX_WALL, FIX_MONO, &a, &r);
		if (rc != (cases[i].status == 0 ? 0 : -1))
			fail_msg("case %zu", i);
		assert_int_equal(a.event, cases[i].event);
		if (rc == 0) {
			assert_int_equal(a.vault->o.id, cases[i].vault);
			continue;
		}
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(a.event_vault, cases[i].vault);
		assert_true(strlen(r.text) > 0);
	}
	assert_int_equal(auth_proxy("", "", FIX_WALL, FIX_MONO, &a, &r), -1);
	assert_int_equal(r.status, 407);
}

static void
ended(void **st)
{
	const char		*session, *agent;
	struct rec_obj_agent	 o;

	session = fix_token_text(TOKEN_SESSION, '4');
	assert_non_null(auth_token(session, FIX_WALL + 299, FIX_MONO));
	assert_null(auth_token(session, FIX_WALL + 300, FIX_MONO));
	assert_null(auth_token(session, FIX_WALL - 10,
	    FIX_MONO + 300 * 1000000ULL));
	agent = fix_token_text(TOKEN_AGENT, '1');
	assert_non_null(auth_token(agent, FIX_WALL, FIX_MONO));
	o = state_agent(11)->o;
	o.status = AGENT_REVOKED;
	assert_int_equal(fix_put(OBJ_AGENT, &o), 0);
	assert_null(auth_token(agent, FIX_WALL, FIX_MONO));
}

static int
is_blocked(const char *s, uint64_t now)
{
	struct msg_addr	 a = addr(s);
	struct refusal	 r = { 0, NULL, NULL };

	if (!auth_blocked(&a, now, &r))
		return (0);
	assert_int_equal(r.status, 429);
	return (1);
}

static void
window(void **st)
{
	struct msg_addr	 a = addr("192.0.2.1");
	int		 i;

	for (i = 0; i < 49; i++)
		auth_failed(&a, 1000 + i);
	assert_false(is_blocked("192.0.2.1", 1049));
	auth_failed(&a, 1049);
	assert_true(is_blocked("192.0.2.1", 1049));
	assert_false(is_blocked("192.0.2.2", 1049));
	/* It slides: when the first is five minutes old, one more may fail. */
	assert_true(is_blocked("192.0.2.1", 1299));
	assert_false(is_blocked("192.0.2.1", 1300));
	auth_failed(&a, 1300);
	assert_true(is_blocked("192.0.2.1", 1300));
	assert_false(is_blocked("192.0.2.1", 1301));
	/* All over: the address is forgotten. */
	assert_int_equal(auth_addrs(), 1);
	assert_false(is_blocked("192.0.2.1", 1700));
	assert_int_equal(auth_addrs(), 0);
}

static void
exempt(void **st)
{
	static const char	*free_ones[] = {
		"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"
	};
	struct msg_addr		 a;
	size_t			 i;
	int			 n;

	for (i = 0; i < sizeof(free_ones) / sizeof(free_ones[0]); i++) {
		a = addr(free_ones[i]);
		for (n = 0; n < 100; n++)
			auth_failed(&a, 1);
		assert_false(is_blocked(free_ones[i], 1));
	}
	memset(&a, 0, sizeof(a));
	for (n = 0; n < 100; n++)
		auth_failed(&a, 1);
	assert_int_equal(auth_addrs(), 0);
}

static void
same_network(void **st)
{
	struct msg_addr	 a = addr("2001:db8:1:2::1");
	struct msg_addr	 b = addr("2001:db8:1:2:ffff::9");
	struct msg_addr	 m = addr("::ffff:192.0.2.7");
	int		 i;

	for (i = 0; i < 25; i++) {
		auth_failed(&a, 1);
		auth_failed(&b, 1);
	}
	assert_true(is_blocked("2001:db8:1:2:3::", 1));
	assert_false(is_blocked("2001:db8:1:3::1", 1));
	for (i = 0; i < 50; i++)
		auth_failed(&m, 1);
	assert_true(is_blocked("192.0.2.7", 1));
	assert_int_equal(auth_addrs(), 2);
}

/* A full table forgets who failed longest ago, not who fails now. */
static void
bounded(void **st)
{
	struct msg_addr	 busy = addr("192.0.2.1"), a = addr("10.0.0.0");
	int		 i;

	for (i = 0; i < 50; i++)
		auth_failed(&busy, 1);
	for (i = 0; i < AUTH_ADDRS_MAX - 1; i++) {
		a.ip[2] = i >> 8;
		a.ip[3] = i;
		auth_failed(&a, 2);
	}
	assert_int_equal(auth_addrs(), AUTH_ADDRS_MAX);
	assert_true(is_blocked("192.0.2.1", 3));
	auth_failed(&busy, 3);
	a = addr("10.9.0.0");
	auth_failed(&a, 4);
	assert_int_equal(auth_addrs(), AUTH_ADDRS_MAX);
	assert_true(is_blocked("192.0.2.1", 4));
	for (i = 0; i < AUTH_ADDRS_MAX; i++) {
		a.ip[2] = i >> 8;
		a.ip[3] = i;
		auth_failed(&a, 5);
	}
	assert_int_equal(auth_addrs(), AUTH_ADDRS_MAX);
	assert_false(is_blocked("192.0.2.1", 5));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(table, setup, teardown),
		cmocka_unit_test_setup_teardown(ended, setup, teardown),
		cmocka_unit_test_setup_teardown(window, setup, teardown),
		cmocka_unit_test_setup_teardown(exempt, setup, teardown),
		cmocka_unit_test_setup_teardown(same_network, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
