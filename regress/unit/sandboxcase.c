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
#include <sys/wait.h>

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandboxcase.h"

#define NOBODY	65534

int
sandboxcase_users(void)
{
	return (geteuid() == 0 ? 2 : 1);
}

int
sandboxcase_dir(char *dir, size_t len)
{
	const char	*tmp = getenv("TMPDIR");

	if (tmp == NULL || geteuid() == 0)
		tmp = "/tmp";
	if (snprintf(dir, len, "%s/sandbox.XXXXXXXXXX", tmp) >= (int)len)
		return (-1);
	if (mkdtemp(dir) == NULL)
		return (-1);
	return (chmod(dir, 0777));
}

int
sandboxcase_errno(long rc)
{
	return (rc == -1 ? errno : 0);
}

int
sandboxcase_run(const char *promises, int (*fn)(void), int nobody)
{
	pid_t	pid;
	int	status;

	fflush(NULL);
	if ((pid = fork()) == -1)
		fail_msg("fork");
	if (pid == 0) {
		if (nobody && (setgroups(0, NULL) == -1 ||
		    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
		    setresuid(NOBODY, NOBODY, NOBODY) == -1))
			_exit(CASE_SETUP);
		if (promises != NULL && pledge(promises, NULL) == -1)
			_exit(CASE_PLEDGE);
		_exit(fn());
	}
	if (waitpid(pid, &status, 0) != pid)
		fail_msg("waitpid");
	if (WIFSIGNALED(status))
		return (CASE_SIGNAL + WTERMSIG(status));
	return (WEXITSTATUS(status));
}

int
sandboxcase_bad(const char *name, const char *promises, int (*fn)(void),
    int expected)
{
	int	user, came, bad = 0;

	for (user = 0; user < sandboxcase_users(); user++) {
		came = sandboxcase_run(promises, fn, user);
		if (came == expected)
			continue;
		bad++;
		print_error("%s with \"%s\"%s: %d instead of %d\n", name,
		    promises == NULL ? "" : promises,
		    user ? " as nobody" : "", came, expected);
	}
	return (bad);
}

void
sandboxcase_expect(const char *name, const char *promises, int (*fn)(void),
    int expected)
{
	assert_int_equal(sandboxcase_bad(name, promises, fn, expected), 0);
}
