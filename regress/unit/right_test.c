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

#include "../../keyd/right.h"
#include "keyd_fix.h"

static int	setup(void **);
static int	teardown(void **);
static struct principal	 agent(uint64_t);
static int	may(const struct principal *, enum right_class, unsigned int);
static void	table(void **);
static void	complete(void **);
static void	other_vault(void **);
static void	agents(void **);
static void	revoked(void **);
static void	recorded(void **);

/*
 * Agents 11 to 13 have roles proxy, member, admin in vault 1 and none in the
 * instance; 14 is an instance member, 15 an owner, both without a grant.
 */
static int
setup(void **st)
{
	state_init();
	fix_vault(1, "main");
	fix_vault(2, "other");
	fix_agent(11, "proxy", IROLE_NO_ACCESS, "local:0");
	fix_agent(12, "member", IROLE_NO_ACCESS, "local:0");
	fix_agent(13, "admin", IROLE_NO_ACCESS, "local:0");
	fix_agent(14, "instance-member", IROLE_MEMBER, "local:0");
	fix_agent(15, "owner", IROLE_OWNER, "local:0");
	fix_grant(21, 11, 1, ROLE_PROXY);
	fix_grant(22, 12, 1, ROLE_MEMBER);
	fix_grant(23, 13, 1, ROLE_ADMIN);
	fix_session(31, fix_token_text(TOKEN_SESSION, '1'), 1, 12, 0);
	fix_session(32, fix_token_text(TOKEN_SESSION, '2'), 1, 0, 0);
	return (0);
}

static int
teardown(void **st)
{
	state_free();
	return (0);
}

static struct principal
agent(uint64_t id)
{
	struct principal	 p;

	memset(&p, 0, sizeof(p));
	p.type = PRINCIPAL_AGENT;
	p.agent = id;
	p.actor_type = ACTOR_AGENT;
	(void)snprintf(p.actor, sizeof(p.actor), "uuid-%s",
	    state_agent(id)->o.name);
	return (p);
}

static int
may(const struct principal *p, enum right_class class, unsigned int n)
{
	struct refusal	 r = { 0, NULL, NULL };
	int		 rc;

	rc = right_check(p, class, n, right_in_vault(class, n) ?
	    state_vault(1) : NULL, &r);
	if (rc == -1) {
		assert_int_equal(r.status, 403);
		assert_non_null(r.text);
		assert_string_equal(r.code, "forbidden");
	}
	return (rc == 0);
}

/*
 * Who may: l local, s session, then by role in the vault p, m, a, then M
 * instance member and O owner, both without a grant; in a browser b local and
 * t the token of m; k who has followed a link.
 */
static const struct {
	enum right_class	 class;
	unsigned int		 number;
	const char		*who;
} cases[] = {
	{ RIGHT_PROXY, 0, "spmat" },
	{ RIGHT_REVEAL, 0, "lmat" },
	{ RIGHT_OP, OP_LOGIN_LINK, "l" },
	{ RIGHT_OP, OP_LOGIN_BEGIN, "spmaMOk" },
	{ RIGHT_OP, OP_LOGIN_END, "lspmaMObt" },
	{ RIGHT_OP, OP_INIT, "l" },
	{ RIGHT_OP, OP_VAULT_CREATE, "lMO" },
	{ RIGHT_OP, OP_VAULT_DELETE, "laO" },
	{ RIGHT_OP, OP_VAULT_RENAME, "laO" },
	{ RIGHT_OP, OP_VAULT_SETTINGS, "la" },
	{ RIGHT_OP, OP_CREDENTIAL_SET, "lmat" },
	{ RIGHT_OP, OP_CREDENTIAL_DELETE, "lmat" },
	{ RIGHT_OP, OP_SERVICE_UPSERT, "la" },
	{ RIGHT_OP, OP_SERVICE_REPLACE, "la" },
	{ RIGHT_OP, OP_SERVICE_CLEAR, "la" },
	{ RIGHT_OP, OP_SERVICE_DELETE, "la" },
	{ RIGHT_OP, OP_SERVICE_ENABLE, "la" },
	{ RIGHT_OP, OP_AGENT_CREATE, "lMO" },
	{ RIGHT_OP, OP_AGENT_REVOKE, "lMO" },
	{ RIGHT_OP, OP_AGENT_DELETE, "lMO" },
	{ RIGHT_OP, OP_AGENT_ROTATE, "lMO" },
	{ RIGHT_OP, OP_AGENT_RENAME, "lMO" },
	{ RIGHT_OP, OP_AGENT_ROLE, "lO" },
	{ RIGHT_OP, OP_GRANT_SET, "la" },
	{ RIGHT_OP, OP_GRANT_DELETE, "la" },
	{ RIGHT_OP, OP_SESSION_MINT, "lmat" },
	{ RIGHT_OP, OP_SESSION_REVOKE, "lmat" },
	{ RIGHT_OP, OP_RELOAD, "l" },
	{ RIGHT_OP, OP_VERBOSE, "l" },
	{ RIGHT_OP, OP_BRIEF, "l" },
	{ RIGHT_OP, OP_BACKUP, "lO" },
	{ RIGHT_OP, OP_SETTINGS, "lO" },
	{ RIGHT_MAY, ACTION_LOGS, "lmabt" },
	{ RIGHT_MAY, ACTION_INSTANCE_LOGS, "lOb" },
	{ RIGHT_MAY, ACTION_CONTROL, "l" },
	{ RIGHT_MAY, ACTION_METRICS, "lOb" },
	{ RIGHT_VIEW, VIEW_VAULTS, "lpmaMObt" },
	{ RIGHT_VIEW, VIEW_VAULT, "lspmabt" },
	{ RIGHT_VIEW, VIEW_AGENTS, "lMOb" },
	{ RIGHT_VIEW, VIEW_AGENT, "lMOb" },
	{ RIGHT_VIEW, VIEW_GRANTS, "lspmabt" },
	{ RIGHT_VIEW, VIEW_SERVICES, "lspmabt" },
	{ RIGHT_VIEW, VIEW_SERVICE, "lspmabt" },
	{ RIGHT_VIEW, VIEW_USAGE, "lspmabt" },
	{ RIGHT_VIEW, VIEW_CREDENTIALS, "lspmabt" },
	{ RIGHT_VIEW, VIEW_SESSIONS, "lmabt" },
	{ RIGHT_VIEW, VIEW_ADMIN_VAULTS, "lOb" },
	{ RIGHT_VIEW, VIEW_SETTINGS, "lOb" },
	{ RIGHT_VIEW, VIEW_LOGINS, "lspmaMObt" }
};
#define NCASES	(sizeof(cases) / sizeof(cases[0]))

static void
table(void **st)
{
	static const char	 letters[] = "lspmaMObtk";
	struct principal	 p[10];
	size_t			 i, k;

	right_local(&p[0], 1000);
	right_token(&p[1], state_token(31));
	for (i = 0; i < 5; i++)
		p[2 + i] = agent(11 + i);
	p[7] = p[0];
	p[8] = p[3];
	p[7].login = p[8].login = 41;
	right_link(&p[9], 51, "local:1000");
	for (i = 0; i < NCASES; i++) {
		for (k = 0; k < 10; k++) {
			if (may(&p[k], cases[i].class, cases[i].number) !=
			    (strchr(cases[i].who, letters[k]) != NULL))
				fail_msg("class %d number %u, principal %c",
				    cases[i].class, cases[i].number,
				    letters[k]);
		}
	}
}

/* Every action has its row here, and so its row in the table. */
static void
complete(void **st)
{
	struct principal	 local;
	size_t			 i, ops = 0, mays = 0, views = 0;

	for (i = 0; i < NCASES; i++) {
		ops += cases[i].class == RIGHT_OP;
		mays += cases[i].class == RIGHT_MAY;
		views += cases[i].class == RIGHT_VIEW;
	}
	assert_int_equal(ops, OP_MAX);
	assert_int_equal(mays, ACTION_MAX);
	assert_int_equal(views, VIEW_MAX);
	right_local(&local, 0);
	assert_false(may(&local, RIGHT_OP, OP_MAX));
	assert_false(may(&local, RIGHT_VIEW, VIEW_MAX));
}

/* A role in one vault says nothing of another. */
static void
other_vault(void **st)
{
	struct principal	 p = agent(13), s, local;
	struct refusal		 r;
	struct vault		*v = state_vault(2);

	right_token(&s, state_token(31));
	right_local(&local, 0);
	assert_int_equal(right_check(&p, RIGHT_VIEW, VIEW_VAULT, v, &r), -1);
	assert_string_equal(r.text, "No access to this vault");
	assert_int_equal(right_check(&s, RIGHT_PROXY, 0, v, &r), -1);
	assert_int_equal(right_check(&local, RIGHT_REVEAL, 0, v, &r), 0);
	/* No vault where one is needed. */
	assert_int_equal(right_check(&p, RIGHT_VIEW, VIEW_VAULT, NULL, &r),
	    -1);
	assert_int_equal(right_role(&p, v), ROLE_NONE);
	assert_int_equal(right_role(&p, state_vault(1)), ROLE_ADMIN);
	assert_int_equal(right_role(&local, v), ROLE_ADMIN);
	assert_int_equal(right_role(&s, state_vault(1)), ROLE_PROXY);
}

static void
agents(void **st)
{
	struct principal	 member = agent(14), owner = agent(15), local;
	struct refusal		 r;

	right_local(&local, 0);
	fix_agent(16, "mine", IROLE_NO_ACCESS, "uuid-instance-member");
	fix_agent(17, "my-owner", IROLE_OWNER, "uuid-instance-member");
	assert_int_equal(right_agent(&member, state_agent(16), &r), 0);
	assert_int_equal(right_agent(&member, state_agent(11), &r), -1);
	assert_int_equal(r.status, 403);
	/* Who made it may not touch it any more once it is an owner. */
	assert_int_equal(right_agent(&member, state_agent(17), &r), -1);
	assert_int_equal(right_agent(&owner, state_agent(11), &r), 0);
	assert_int_equal(right_agent(&owner, state_agent(17), &r), 0);
	assert_int_equal(right_agent(&local, state_agent(17), &r), 0);
}

/* A revoked agent, or one that is gone, has no rights left. */
static void
revoked(void **st)
{
	struct principal	 admin = agent(13), owner = agent(15);
	struct rec_obj_agent	 a;

	a = state_agent(13)->o;
	a.status = AGENT_REVOKED;
	assert_int_equal(fix_put(OBJ_AGENT, &a), 0);
	assert_false(may(&admin, RIGHT_PROXY, 0));
	a = state_agent(15)->o;
	assert_int_equal(fix_delete(OBJ_AGENT, &a), 0);
	assert_false(may(&owner, RIGHT_OP, OP_AGENT_ROLE));
	assert_int_equal(right_instance_role(&owner), IROLE_NO_ACCESS);
}

static void
recorded(void **st)
{
	struct principal	 p;

	right_local(&p, 1000);
	assert_string_equal(p.actor, "local:1000");
	assert_int_equal(p.actor_type, ACTOR_LOCAL);
	right_token(&p, state_token(31));
	assert_string_equal(p.actor, "uuid-member");
	assert_string_equal(p.name, "member");
	assert_int_equal(p.actor_type, ACTOR_AGENT);
	assert_string_equal(p.session, "00000000000000000031");
	assert_int_equal(p.agent, 0);
	right_token(&p, state_token(32));
	assert_string_equal(p.actor, "local:0");
	assert_int_equal(p.actor_type, ACTOR_LOCAL);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(table, setup, teardown),
		cmocka_unit_test_setup_teardown(complete, setup, teardown),
		cmocka_unit_test_setup_teardown(other_vault, setup, teardown),
		cmocka_unit_test_setup_teardown(agents, setup, teardown),
		cmocka_unit_test_setup_teardown(revoked, setup, teardown),
		cmocka_unit_test_setup_teardown(recorded, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
