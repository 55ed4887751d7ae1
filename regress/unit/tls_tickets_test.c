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

#include "tls_tickets.h"
#include "tlspair.h"

static char	*key, *cert;

/*
 * The defaults of libssl are the process's, so each case has one of its own.
 * Its exit status is the number of bytes that the server sent after the client
 * was done, at most 250; 251 and more are failures.
 */
static int
late_bytes(int off)
{
	struct tlspair	p;
	pid_t		pid;
	int		status;

	fflush(stdout);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		if (off && tls_no_tickets() == -1)
			_exit(251);
		if (tls_init() == -1 || tlspair_open(&p, key, cert) == -1)
			_exit(252);
		if (tlspair_handshake(&p) == -1 || tlspair_talk(&p) == -1)
			_exit(253);
		_exit(p.late > 250 ? 250 : p.late);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) <= 250);
	return (WEXITSTATUS(status));
}

/* tlspair_talk() itself sends 17 + 1 + 22 bytes from the server. */
#define TALK	40

static void
none_with_it(void **state)
{
	assert_int_equal(late_bytes(1), TALK);
}

/* What shows that the test above looks at the right thing. */
static void
tickets_without_it(void **state)
{
	assert_true(late_bytes(0) > TALK + 100);
}

/* The system's own defaults stay: here a ceiling that forbids TLS 1.3. */
static void
keeps_the_rest(void **state)
{
	static const char	conf[] = "openssl_conf = a\n[a]\nssl_conf = b\n"
				    "[b]\nsystem_default = e\n"
				    "[e]\nMaxProtocol = TLSv1.2\n";
	char			path[] = "/tmp/tls_tickets.XXXXXXXXXX";
	struct tlspair		p;
	pid_t			pid;
	int			fd, status;

	assert_int_not_equal(fd = mkstemp(path), -1);
	assert_int_equal(write(fd, conf, sizeof(conf) - 1), sizeof(conf) - 1);
	close(fd);
	fflush(stdout);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		setenv("OPENSSL_CONF", path, 1);
		if (tls_no_tickets() == -1 || tls_init() == -1 ||
		    tlspair_open(&p, key, cert) == -1)
			_exit(2);
		_exit(tlspair_handshake(&p) != -1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	assert_int_equal(status, 0);
}

static int
setup(void **state)
{
	return (tlspair_cert(&key, &cert));
}

static int
teardown(void **state)
{
	free(key);
	free(cert);
	return (0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(none_with_it),
		cmocka_unit_test(tickets_without_it),
		cmocka_unit_test(keeps_the_rest),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
