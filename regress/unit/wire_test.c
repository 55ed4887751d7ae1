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

/* The wire of brokerctl: what comes late, and peers that do not listen. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../brokerctl/client.h"
#include "../../brokerctl/wire.h"

static char		 dir[64], path[80];
static int		 listener;
static struct target	 target;
static struct wire	 w;

static int	setup(void **);
static int	teardown(void **);
static void	silent(void **);
static void	deaf(void **);
static void	ended(void **);
static void	nobody(void **);
static void	client_waits(void **);

static int
setup(void **state)
{
	const char		*tmp = getenv("TMPDIR");
	struct sockaddr_un	 sun;

	snprintf(dir, sizeof(dir), "%s/wire.XXXXXXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		return (-1);
	snprintf(path, sizeof(path), "%s/sock", dir);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	if ((listener = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    bind(listener, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(listener, 5) == -1)
		return (-1);
	target.socket = path;
	return (0);
}

static int
teardown(void **state)
{
	close(listener);
	(void)unlink(path);
	return (rmdir(dir));
}

/* Nobody accepts, nothing is answered: it ends at the deadline. */
static void
silent(void **state)
{
	char	buf[16];

	wire_init(&w);
	wire_deadline(&w, 1);
	assert_int_equal(wire_connect(&w, &target, NULL), 0);
	assert_int_equal(wire_read(&w, buf, sizeof(buf)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_string_equal(w.error, "wait: Connection timed out");
	/* And not a second later. */
	assert_int_equal(wire_read(&w, buf, sizeof(buf)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	wire_close(&w);
	assert_int_equal(w.fd, -1);
}

static void
deaf(void **state)
{
	static const char	data[4 * 1024 * 1024];

	wire_init(&w);
	wire_deadline(&w, 1);
	assert_int_equal(wire_connect(&w, &target, NULL), 0);
	assert_int_equal(wire_write(&w, data, sizeof(data)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	wire_close(&w);
}

static void
ended(void **state)
{
	char	buf[16];
	int	fd;

	/* The two that the tests before left in the queue. */
	for (fd = 0; fd < 2; fd++)
		close(accept(listener, NULL, NULL));
	wire_init(&w);
	wire_deadline(&w, 5);
	assert_int_equal(wire_connect(&w, &target, NULL), 0);
	assert_true((fd = accept(listener, NULL, NULL)) != -1);
	assert_int_equal(write(fd, "ab", 2), 2);
	close(fd);
	assert_int_equal(wire_read(&w, buf, sizeof(buf)), 2);
	assert_int_equal(wire_read(&w, buf, sizeof(buf)), 0);
	wire_close(&w);
}

static void
nobody(void **state)
{
	struct target	 other;

	memset(&other, 0, sizeof(other));
	other.socket = dir;
	wire_init(&w);
	wire_deadline(&w, 5);
	assert_int_equal(wire_connect(&w, &other, NULL), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(w.fd, -1);
	other.socket = "/nowhere/at/all";
	assert_int_equal(wire_connect(&w, &other, NULL), -1);
	assert_int_equal(errno, ENOENT);
	other.socket = NULL;
	other.host = "no-such-name.invalid";
	other.port = "1";
	assert_int_equal(wire_connect(&w, &other, NULL), -1);
	assert_int_equal(errno, 0);
	assert_non_null(strstr(w.error, "no-such-name.invalid: "));
}

/* The client says what failed, and can be used again. */
static void
client_waits(void **state)
{
	struct answer	 answer;
	struct client	*c = client_new(&target);
	uid_t		 uid;
	int		 i;

	assert_int_equal(unlink(path), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(client_call(c, "GET", "/", NULL, &answer),
		    -1);
		assert_int_equal(errno, ENOENT);
		assert_string_equal(client_error(c),
		    "connect: No such file or directory");
	}
	assert_int_equal(client_peer(c, &uid), -1);
	client_free(c);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(silent),
		cmocka_unit_test(deaf),
		cmocka_unit_test(ended),
		cmocka_unit_test(nobody),
		cmocka_unit_test(client_waits),
	};

	return (cmocka_run_group_tests_name("wire", tests, setup, teardown));
}
