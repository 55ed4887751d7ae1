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
#include <sys/wait.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../brokerctl/client.h"
#include "../../brokerctl/wire.h"

static char		 dir[64], path[80];
static int		 listener;
static struct target	 target;
static struct wire	 w;
static int		 sink = -1;	/* who is slow to take what comes */
static time_t		 passed;	/* seconds it has taken for it */

int	 __real_clock_gettime(clockid_t, struct timespec *);
int	 __wrap_clock_gettime(clockid_t, struct timespec *);
ssize_t	 __real_write(int, const void *, size_t);
ssize_t	 __wrap_write(int, const void *, size_t);

static int	setup(void **);
static int	teardown(void **);
static void	silent(void **);
static void	deaf(void **);
static void	ended(void **);
static void	nobody(void **);
static void	client_waits(void **);
static pid_t	server(void);
static int	take(void *, const uint8_t *, size_t);
static void	slow_output(void **);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	const int	 rv = __real_clock_gettime(clock, ts);

	ts->tv_sec += passed;
	return (rv);
}

ssize_t
__wrap_write(int fd, const void *buf, size_t len)
{
	if (fd == sink)
		passed += CLIENT_FILE;
	return (__real_write(fd, buf, len));
}

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

/* One chunk in two parts, of which the second comes a moment later. */
static pid_t
server(void)
{
	static const char	 part[] = "HTTP/1.1 200 OK\r\nContent-Type: "
				    "text/event-stream\r\nTransfer-Encoding: "
				    "chunked\r\n\r\n4\r\nab";
	static const char	 rest[] = "cd\r\n0\r\n\r\n";
	char			 buf[512];
	pid_t			 pid;
	int			 fd;

	if ((pid = fork()) != 0)
		return (pid);
	if ((fd = accept(listener, NULL, NULL)) == -1 ||
	    read(fd, buf, sizeof(buf)) <= 0 ||
	    write(fd, part, sizeof(part) - 1) == -1)
		_exit(1);
	usleep(200000);
	_exit(write(fd, rest, sizeof(rest) - 1) == -1);
}

static int
take(void *arg, const uint8_t *data, size_t n)
{
	*(size_t *)arg += n;
	passed += CLIENT_FILE;
	return (0);
}

/* An hour in which nobody took what had come is none of waiting for more. */
static void
slow_output(void **state)
{
	struct client_stream	 stream;
	struct answer		 answer;
	struct client		*c = client_new(&target);
	size_t			 n = 0;
	pid_t			 pid;
	int			 status;

	assert_true((sink = open("/dev/null", O_WRONLY)) != -1);
	pid = server();
	assert_int_equal(client_download(c, "/", sink, &answer), 0);
	assert_int_equal(answer.length, 4);
	answer_free(&answer);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	memset(&stream, 0, sizeof(stream));
	stream.last = -1;
	stream.take = take;
	stream.arg = &n;
	pid = server();
	assert_int_equal(client_stream(c, "/", &stream, &answer), 0);
	assert_int_equal(n, 4);
	answer_free(&answer);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	client_free(c);
	close(sink);
	sink = -1;
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
		cmocka_unit_test(slow_output),
		cmocka_unit_test(client_waits),
	};

	return (cmocka_run_group_tests_name("wire", tests, setup, teardown));
}
