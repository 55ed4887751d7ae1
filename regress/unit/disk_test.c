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


/*
 * A disk that fails at the first, second ... last step of a workload, in each
 * way in which it can, and a power failure at each of them.
 *
 * The workload runs in a process of its own, which says in shared memory what
 * has been acknowledged, and ends there and then: what a process that is
 * started afterwards finds is held against that.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

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
#include "../../logd/clock.h"
#include "../../logd/control.h"
#include "../../logd/db.h"
#include "../../logd/insert.h"
#include "logd_fix.h"
#include "../../logd/recover.h"
#include "../../logd/retain.h"
#include "../../logd/vault.h"

#define OLD	300		/* rows of vault 9 when it starts */
#define CAP	80		/* rows of a vault */
#define ROUNDS	6
#define EACH	10		/* rows a round */
#define STEPS	400		/* more than there are */

/* Not every step where each takes long: $STRIDE apart. */
static uint32_t
stride(void)
{
	const char	*s = getenv("STRIDE");

	return (s == NULL ? 1 : (uint32_t)strtonum(s, 1, 100, NULL));
}

enum end {
	END_KILL,		/* while the disk still fails */
	END_WELL,		/* killed once everything is committed */
	END_POWER		/* power fails then */
};

/* What the workload was told. */
struct told {
	int		 added;		/* rows */
	int		 acked;
	int		 synced;	/* acknowledged by a full commit */
	uint64_t	 rev;
	int		 doubt;		/* a change that has no answer */
	int64_t		 head;
	uint32_t	 steps;
	uint32_t	 failed;
	int		 done;
};
static struct told	*told;
static int64_t		 boot_shift;

int64_t	 __real_clock_boot(void);
int64_t	 __wrap_clock_boot(void);

int64_t
__wrap_clock_boot(void)
{
	return (__real_clock_boot() + boot_shift);
}

static void
flush(int full)
{
	if (batch_flush(full) == -1)
		return;
	told->acked = told->added;
	told->head = insert_head();
	if (full)
		told->synced = told->acked;
}

/* A vault whose id is the revision, so that the one tells of the other. */
static void
change(void)
{
	struct rec_obj_vault	 v;
	struct rec_object	 o;
	char			 name[32], why[256];

	memset(&v, 0, sizeof(v));
	v.id = 100 + control_rev() + 1;
	v.uuid = "00000000-0000-0000-0000-000000000000";
	(void)snprintf(name, sizeof(name), "v%llu", (unsigned long long)v.id);
	v.name = name;
	v.created_at = 1;
	o.kind = OBJ_VAULT;
	o.op = OBJECT_PUT;
	o.body = fix_body(OBJ_VAULT, &v);
	told->doubt = 1;
	if (fix_commit(&o, 1, why, sizeof(why)) == 0) {
		told->rev = control_rev();
		told->synced = told->acked;
		told->head = insert_head();
		told->doubt = 0;
	} else
		told->doubt = db_doubt();
	msg_blob_free(&o.body);
}

static void
add(int n)
{
	char	 path[32];
	int	 i;

	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "/%d", told->added++);
		batch_add(fix_request(1 + i % 2, 0, path));
	}
}

/* Everything that logd does to the file. */
static void
workload(void)
{
	struct retention	 c = { .seconds = 0,
			    .rows = CAP, .audit_seconds = 0 };
	int			 i;

	retain_configure(&c);
	for (i = 0; i < ROUNDS; i++) {
		add(EACH);
		flush(i % 3 == 2);
		retain_turn();
		if (i % 2)
			change();
		if (i % 4 == 1)
			db_reclaim();
	}
}

/* In the child: run it into the fault, and end as is wanted. */
static void
run(enum fault_how how, uint32_t n, int once, enum end end)
{
	fix_open();
	told->rev = control_rev();
	told->head = insert_head();
	fix.fault->how = how;
	fix.fault->once = once;
	fix.fault->failed = 0;
	fix.fault->steps = 0;
	fix.fault->at = n;
	workload();
	told->steps = fix.fault->steps;
	told->failed = fix.fault->failed;
	if (end == END_KILL)
		_exit(0);
	fix.fault->at = 0;
	flush(1);
	change();
	told->done = 1;
	if (end == END_POWER) {
		fix.fault->power = 1;
		add(1);
		flush(0);
	}
	_exit(0);
}

static int
child(enum fault_how how, uint32_t n, int once, enum end end)
{
	pid_t	 pid;
	int	 status;

	memset(told, 0, sizeof(*told));
	if ((pid = fork()) == 0)
		run(how, n, once, end);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("step %u: died of signal %d", n, WTERMSIG(status));
	fix.fault->at = fix.fault->power = fix.fault->drop = 0;
	return (WEXITSTATUS(status));
}

static void
check_is(const char *what, uint32_t n, int64_t got, int64_t low, int64_t high)
{
	if (got < low || got > high)
		fail_msg("step %u: %s: %lld, not %lld to %lld", n, what,
		    (long long)got, (long long)low, (long long)high);
}

/*
 * Nothing that was acknowledged is missing, nothing is there twice, and what
 * was refused has not happened.
 */
static void
check(uint32_t n, int rows, int doubt)
{
	int64_t	 got;

	fix_open();
	check_is("sound", n, fix_int("SELECT integrity_check = 'ok' FROM "
	    "pragma_integrity_check"), 1, 1);
	check_is("foreign keys", n, fix_int("SELECT count(*) FROM "
	    "pragma_foreign_key_check"), 0, 0);
	got = fix_int("SELECT count(*) FROM log WHERE vault IN (1, 2)");
	check_is("rows", n, got, rows, told->added);
	/* What is lost is lost at the end. */
	check_is("last row", n, fix_int("SELECT ifnull(max(CAST(substr(path, "
	    "2) AS INTEGER)), -1) FROM log WHERE vault IN (1, 2)"), got - 1,
	    got - 1);
	check_is("different rows", n, fix_int("SELECT count(DISTINCT path) "
	    "FROM log WHERE vault IN (1, 2)"), got, got);
	check_is("revision", n, control_rev(), told->rev, told->rev + doubt);
	got = control_rev();
	check_is("vaults", n, fix_int("SELECT count(*) FROM vaults WHERE id "
	    "> 100"), got - 3, got - 3);
	check_is("audit rows", n, fix_int("SELECT count(*) FROM log WHERE "
	    "flags & 15 = 3"), got, got);
	check_is("old rows", n, fix_int("SELECT count(*) FROM log WHERE "
	    "vault = 9"), CAP, OLD);
	check_is("counted rows", n, fix_int("SELECT count(*) FROM log WHERE "
	    "vault = 9"), vault_find(9)->rows, vault_find(9)->rows);
}

/* A database to start with, and the same again. */
static void
template(void)
{
	int	 i;

	fix_faults();
	fix.fault->quick = 1;
	fix_open();
	fix_vault(1, "one");
	fix_vault(2, "two");
	fix_vault(9, "nine");
	for (i = 0; i < OLD; i++)
		batch_add(fix_request(9, 0, "/old"));
	assert_int_equal(batch_flush(1), 0);
	fix_crash();
}

static void
again(void)
{
	if (db_handle() != NULL)
		fix_crash();
	fix_clear();
	template();
}

/* The fault hits each step in its turn; returns how many there were. */
static uint32_t
walk(enum fault_how how, int once, enum end end)
{
	const int	 drop = end != END_KILL || once;
	uint32_t	 n, hit = 0;

	for (n = 1; n < STEPS; n += stride()) {
		again();
		/*
		 * A failed sync is one that has lost what it was for.  Who is
		 * killed before the disk works again cannot bring it back.
		 */
		fix.fault->drop = drop;
		assert_int_equal(child(how, n, once, end),
		    end == END_POWER ? 9 : 0);
		if (told->failed == 0)
			break;
		hit++;
		if (end != END_KILL && !told->done)
			fail_msg("step %u: it did not recover", n);
		check(n, end == END_KILL ? told->acked : told->synced,
		    told->doubt);
		if (end != END_KILL)
			check_is("all rows", n, told->synced, ROUNDS * EACH,
			    ROUNDS * EACH);
	}
	assert_true(n < STEPS);
	print_message("# %u steps\n", hit);
	assert_true(hit > 50 / stride());
	return (hit);
}

static void
test_full(void **state)
{
	walk(FAULT_FULL, 0, END_KILL);
	walk(FAULT_FULL, 0, END_WELL);
}

static void
test_full_once(void **state)
{
	walk(FAULT_FULL, 1, END_POWER);
}

static void
test_ioerr(void **state)
{
	walk(FAULT_IOERR, 0, END_KILL);
	walk(FAULT_IOERR, 0, END_POWER);
}

static void
test_ioerr_once(void **state)
{
	walk(FAULT_IOERR, 1, END_POWER);
	walk(FAULT_IOERR, 1, END_KILL);
}

static void
test_short(void **state)
{
	walk(FAULT_SHORT, 0, END_KILL);
	walk(FAULT_SHORT, 1, END_POWER);
}

static void
test_nomem(void **state)
{
	walk(FAULT_NOMEM, 1, END_POWER);
}

static void
test_busy(void **state)
{
	walk(FAULT_BUSY, 0, END_WELL);
}

/*
 * Power fails at each step, and each time all, nothing or any part of what was
 * not synced is there.
 */
static void
power(uint32_t seed)
{
	uint32_t	 n;

	print_message("# seed %u\n", seed);
	for (n = 1; n < STEPS; n += stride()) {
		boot_shift = 0;
		again();
		fix.fault->seed = seed;
		if (child(FAULT_POWER, n, 0, END_WELL) == 0)
			break;
		boot_shift = 1000;
		check(n, told->synced, told->doubt);
		check_is("log_unclean", n, batch_flush(0) == 0 ?
		    fix_int("SELECT count(*) FROM request_log WHERE "
		    "event = 'log_unclean'") : -1, 1, 1);
		check_is("first new id", n, fix_int("SELECT min(id) FROM "
		    "request_log WHERE event = 'log_unclean'"),
		    told->head + 1, INT64_MAX);
	}
	boot_shift = 0;
	assert_true(n > 50 && n < STEPS);
}

static void
test_power(void **state)
{
	power(0);
}

static void
test_power_torn(void **state)
{
	const char	*seed = getenv("SEED");

	power(seed != NULL ? (uint32_t)strtoul(seed, NULL, 10) :
	    1 + arc4random_uniform(1 << 30));
	power(1 + arc4random_uniform(1 << 30));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
		TEST(test_full),
		TEST(test_full_once),
		TEST(test_ioerr),
		TEST(test_ioerr_once),
		TEST(test_short),
		TEST(test_nomem),
		TEST(test_busy),
		TEST(test_power),
		TEST(test_power_torn)
	};

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED |
	    MAP_ANON, -1, 0);
	if (told == MAP_FAILED)
		return (1);
	return (cmocka_run_group_tests_name("disk", tests, NULL, NULL));
}
