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
#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "promise.h"
#include "sandbox.h"
#include "sandboxcase.h"

/*
 * What unveil(2) and the Landlock half of pledge(2) do.  unveil_lock() alone
 * shows what Landlock forbids where seccomp would as well.
 */

static char	dir[PATH_MAX];

static int
in_dir(const char *name, int flags)
{
	char	path[PATH_MAX];
	int	fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return (CASE_SETUP);
	if ((fd = open(path, flags, 0600)) == -1)
		return (errno);
	close(fd);
	return (0);
}

static int
elsewhere(void)
{
	int	fd;

	if ((fd = open("/etc/passwd", O_RDONLY)) == -1)
		return (errno);
	close(fd);
	return (0);
}

static int
read_only(void)
{
	if (unveil(dir, "r") == -1 || elsewhere() != 0 ||
	    unveil(NULL, NULL) == -1)
		return (1);
	if (in_dir("file", O_RDONLY) != 0 || elsewhere() != EACCES)
		return (2);
	if (in_dir("file", O_WRONLY) != EACCES ||
	    in_dir("new", O_WRONLY | O_CREAT) != EACCES)
		return (3);
	return (unveil("/etc", "r") == -1 && errno == EPERM ? 0 : 4);
}

static int
read_write_create(void)
{
	char	name[PATH_MAX + 8];

	if (unveil(dir, "rwc") == -1 ||
	    pledge("stdio rpath wpath cpath", NULL) == -1)
		return (1);
	snprintf(name, sizeof(name), "%s/mine", dir);
	if (in_dir("mine", O_RDWR | O_CREAT) != 0 || unlink(name) == -1)
		return (2);
	if (elsewhere() != EACCES)
		return (3);
	return (unveil("/etc", "r") == -1 && errno == EPERM ? 0 : 4);
}

static int
open_dir(void)
{
	return (in_dir("file", O_RDONLY));
}

/* Promises narrow what was unveiled. */
static int
promises_narrow(void)
{
	if (unveil(dir, "rwc") == -1 || pledge("stdio rpath wpath unveil",
	    NULL) == -1 || elsewhere() != 0)
		return (1);
	if (pledge("stdio rpath", NULL) == -1)
		return (2);
	return (in_dir("file", O_RDONLY) == 0 && elsewhere() == EACCES ? 0 : 3);
}

static int
nothing_left(void)
{
	if (unveil_lock(PROMISE_STDIO) == -1)
		return (1);
	return (elsewhere() == EACCES && open_dir() == EACCES ? 0 : 2);
}

static int
missing_paths(void)
{
	if (unveil("/nonexistent", "r") == -1)
		return (1);
	if (unveil("/nonexistent", "rc") != -1 || errno != ENOENT)
		return (2);
	if (unveil(dir, "z") != -1 || errno != EINVAL)
		return (3);
	if (unveil(NULL, "r") != -1 || errno != EINVAL)
		return (4);
	if (unveil(NULL, NULL) == -1)
		return (5);
	return (elsewhere() == EACCES ? 0 : 6);
}

/* A second layer only takes away, and equal ones are not made. */
static int
layers(void)
{
	int	i;

	if (unveil(dir, "rw") == -1 || unveil(NULL, NULL) == -1)
		return (1);
	for (i = 0; i < 40; i++) {
		if (unveil_lock(PROMISE_RPATH) == -1)
			return (2);
	}
	if (in_dir("file", O_WRONLY) != EACCES)
		return (3);
	return (in_dir("file", O_RDONLY) == 0 && elsewhere() == EACCES ? 0 : 4);
}

static int
truncated(void)
{
	char	path[PATH_MAX + 8];

	if (unveil(dir, "r") == -1 || unveil(NULL, NULL) == -1)
		return (CASE_SETUP);
	snprintf(path, sizeof(path), "%s/file", dir);
	return (sandboxcase_errno(truncate(path, 1)));
}

static int
tcp_bind(void)
{
	struct sockaddr_in	sin;
	int			s;

	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    unveil_lock(PROMISE_STDIO) == -1)
		return (CASE_SETUP);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (sandboxcase_errno(bind(s, (struct sockaddr *)&sin,
	    sizeof(sin))));
}

static int
signal_others(void)
{
	if (unveil_lock(PROMISE_STDIO) == -1)
		return (CASE_SETUP);
	return (sandboxcase_errno(kill(getppid(), 0)));
}

#define CASE(fn)							\
static void								\
test_##fn(void **state)							\
{									\
	sandboxcase_expect(#fn, NULL, fn, 0);				\
}

CASE(read_only)
CASE(read_write_create)
CASE(promises_narrow)
CASE(nothing_left)
CASE(missing_paths)
CASE(layers)

/* The same with the rights that the kernels of today's stable releases have. */
static void
abi_2(void **state)
{
	sandbox_maxabi(2);
	sandboxcase_expect("read_only", NULL, read_only, 0);
	sandboxcase_expect("read_write_create", NULL, read_write_create, 0);
	sandboxcase_expect("promises_narrow", NULL, promises_narrow, 0);
	sandboxcase_expect("nothing_left", NULL, nothing_left, 0);
	sandboxcase_expect("layers", NULL, layers, 0);
	sandbox_maxabi(INT_MAX);
}

/* What each ABI brought is there from it on, and is not asked for before. */
static void
abi_by_abi(void **state)
{
	int	abi, kernel;

	kernel = landlock_abi();
	for (abi = 1; abi <= kernel; abi++) {
		sandbox_maxabi(abi);
		assert_int_equal(sandboxcase_run(NULL, truncated, 0),
		    abi < 3 ? 0 : EACCES);
		assert_int_equal(sandboxcase_run(NULL, tcp_bind, 0),
		    abi < 4 ? 0 : EACCES);
		assert_int_equal(sandboxcase_run(NULL, signal_others, 0),
		    abi < 6 ? 0 : EPERM);
	}
	sandbox_maxabi(INT_MAX);
}

static int
without_landlock(void)
{
	sandbox_maxabi(0);
	if (unveil(dir, "r") == -1 || pledge("stdio rpath", NULL) == -1)
		return (1);
	if (unveil(dir, "r") != -1 || elsewhere() != 0)
		return (2);
	return (in_dir("file", O_WRONLY));
}

/* No Landlock: the calls succeed, and seccomp is still there. */
static void
abi_0(void **state)
{
	sandboxcase_expect("without_landlock", NULL, without_landlock,
	    CASE_DIES);
}

static void
status(void **state)
{
	struct sandbox_status	st;

	sandbox_maxabi(0);
	sandbox_status(&st);
	assert_string_equal(st.name, "seccomp");
	assert_int_equal(st.required, 0);
	assert_non_null(strstr(st.degraded, "no Landlock"));
	sandbox_maxabi(2);
	sandbox_status(&st);
	assert_string_equal(st.name, "seccomp, Landlock ABI 2");
	assert_int_equal(st.required, 1);
	assert_non_null(strstr(st.degraded, "truncate"));
	assert_null(strstr(st.degraded, "moving"));
	sandbox_maxabi(INT_MAX);
	sandbox_status(&st);
	assert_int_equal(st.abi, landlock_abi());
	if (st.abi >= 6)
		assert_string_equal(st.degraded, "");
}

static int
setup(void **state)
{
	char	path[PATH_MAX + 8];
	int	fd;

	if (landlock_abi() < 1) {
		print_error("this kernel has no Landlock\n");
		return (-1);
	}
	if (sandboxcase_dir(dir, sizeof(dir)) == -1)
		return (-1);
	snprintf(path, sizeof(path), "%s/file", dir);
	if ((fd = open(path, O_RDWR | O_CREAT, 0666)) == -1 ||
	    fchmod(fd, 0666) == -1)
		return (-1);
	close(fd);
	return (0);
}

static int
teardown(void **state)
{
	char	path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/file", dir);
	unlink(path);
	return (rmdir(dir));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_read_write_create),
		cmocka_unit_test(test_promises_narrow),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_missing_paths),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(abi_2),
		cmocka_unit_test(abi_by_abi),
		cmocka_unit_test(abi_0),
		cmocka_unit_test(status),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
