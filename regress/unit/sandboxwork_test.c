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
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ares.h>
#include <cmocka.h>

#include "sandbox.h"
#include "sandboxcase.h"
#include "tlspair.h"

/*
 * What the processes do all day, after the pledge() that they make: nothing
 * of it may be refused, so a case fails when a call was counted.  Most of it
 * runs once more in a program that was executed under the parent's promises.
 *
 * With sanitizers, left out: a pledged process looks for no leaks at its exit,
 * which takes a second process and ptrace(2), and its reports name no symbols,
 * which takes files.
 */

#define PARENT	"stdio rpath wpath cpath flock inet dns unix sendfd recvfd " \
		"proc exec id chown fattr unveil"

static char	*key, *cert;
static char	 dir[PATH_MAX];
static char	 self[PATH_MAX];

/* 0 if all went well and nothing was refused. */
static int
verdict(int failed)
{
	uint64_t	n;
	int		nr;

	sandbox_counters(&n, &nr);
	if (n == 0)
		return (failed);
	fprintf(stderr, "refused: %s\n", sandbox_callname(nr));
	return (99);
}

static void
got_byte(int fd, short what, void *arg)
{
	char	c;
	int	*n = arg;

	if (what & EV_READ)
		*n += read(fd, &c, 1) == 1;
	else
		*n += 10;
}

/* A loop with a descriptor, a timer and a signal. */
static int
event_work(void)
{
	struct event	ev, timer, sig;
	struct timeval	tv = { 0, 1000 };
	int		fd[2], n = 0, s = 0, i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == -1 ||
	    event_init() == NULL)
		return (CASE_SETUP);
	event_set(&ev, fd[0], EV_READ | EV_PERSIST, got_byte, &n);
	evtimer_set(&timer, got_byte, &n);
	signal_set(&sig, SIGUSR1, got_byte, &s);
	event_add(&ev, NULL);
	event_add(&timer, &tv);
	signal_add(&sig, NULL);
	if (write(fd[1], "x", 1) != 1 || kill(getpid(), SIGUSR1) == -1)
		return (1);
	for (i = 0; i < 100 && (n != 11 || s != 10); i++)
		event_loop(EVLOOP_ONCE);
	return (verdict(n == 11 && s == 10 ? 0 : 2));
}

/* Contexts are made after pledge(), as for leaves and upstreams. */
static int
tls_work(void)
{
	struct tlspair	p;
	int		rc;

	if (tlspair_open(&p, key, cert) == -1)
		return (1);
	rc = tlspair_handshake(&p) == -1 || tlspair_talk(&p) == -1;
	tls_close(p.client);
	tlspair_close(&p);
	return (verdict(rc));
}

static int
fd_work(void)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	}		 control;
	struct msghdr	 msg;
	struct cmsghdr	*cm;
	struct iovec	 iov;
	char		 byte = 'x';
	int		 fd[2], got;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		return (1);
	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	iov.iov_base = &byte;
	iov.iov_len = 1;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control.buf;
	msg.msg_controllen = sizeof(control.buf);
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd[1], sizeof(int));
	if (sendmsg(fd[0], &msg, 0) != 1 ||
	    recvmsg(fd[1], &msg, MSG_CMSG_CLOEXEC) != 1 ||
	    (cm = CMSG_FIRSTHDR(&msg)) == NULL)
		return (2);
	memcpy(&got, CMSG_DATA(cm), sizeof(got));
	if (write(got, "y", 1) != 1 || read(fd[0], &byte, 1) != 1)
		return (3);
	return (verdict(byte != 'y'));
}

/* A listener, a connection to it, what is set on both, and their names. */
static int
inet_work(void)
{
	struct sockaddr_in	sin;
	socklen_t		len = sizeof(sin);
	int			l, c, s, on = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l == -1 || c == -1 || setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == -1 ||
	    bind(l, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(l, 5) == -1 ||
	    getsockname(l, (struct sockaddr *)&sin, &len) == -1)
		return (1);
	if (connect(c, (struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    errno != EINPROGRESS)
		return (2);
	if ((s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) == -1 ||
	    getpeername(s, (struct sockaddr *)&sin, &len) == -1)
		return (3);
	len = sizeof(on);
	if (setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
	    getsockopt(c, SOL_SOCKET, SO_ERROR, &on, &len) == -1 || on != 0)
		return (4);
	if (send(s, "x", 1, MSG_NOSIGNAL) != 1 || shutdown(s, SHUT_WR) == -1)
		return (5);
	close(s);
	return (verdict(0));
}

static int
unix_work(void)
{
	struct sockaddr_un	sun;
	int			l, c;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	/* Abstract, so that it takes no right to files. */
	snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "brokerd-test-%ld",
	    (long)getpid());
	if ((l = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    (c = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    bind(l, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(l, 1) == -1 ||
	    connect(c, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		return (1);
	return (verdict(accept4(l, NULL, NULL, SOCK_CLOEXEC) == -1));
}

/* What libc does for a program that only computes. */
static int
libc_work(void)
{
	struct timespec	ts = { 0, 1000 };
	struct timeval	tv;
	struct stat	sb;
	time_t		now;
	char		buf[64], *p;
	size_t		i;
	int		fd[2];

	for (i = 1; i < 1 << 24; i *= 3) {
		if ((p = malloc(i)) == NULL ||
		    (p = realloc(p, i * 2)) == NULL)
			return (1);
		memset(p, 1, i * 2);
		free(p);
	}
	arc4random_buf(buf, sizeof(buf));
	now = time(NULL);
	if (gettimeofday(&tv, NULL) == -1 || nanosleep(&ts, NULL) == -1 ||
	    strftime(buf, sizeof(buf), "%c", gmtime(&now)) == 0)
		return (2);
	if (pipe2(fd, O_CLOEXEC) == -1 || fstat(fd[0], &sb) == -1 ||
	    fcntl(fd[0], F_SETFL, O_NONBLOCK) == -1 || dup(fd[0]) == -1)
		return (3);
	(void)isatty(fd[0]);
	(void)sysconf(_SC_NPROCESSORS_ONLN);
	closefrom(10);
	return (verdict(0));
}

/* What runs at exit may be refused nothing either. */
static int
exit_work(void)
{
	exit(verdict(0));
}

static void
found(void *arg, int status, int timeouts, struct ares_addrinfo *res)
{
	int	*rc = arg;

	*rc = status == ARES_SUCCESS ? 0 : 1;
	if (res != NULL)
		ares_freeaddrinfo(res);
}

/* The hosts file through libc and c-ares; a name that goes nowhere. */
static int
dns_work(void)
{
	struct ares_addrinfo_hints	 ah;
	struct addrinfo			 hints, *res;
	ares_channel			 ch;
	int				 rc = 2;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo("localhost", "80", &hints, &res) != 0)
		return (1);
	freeaddrinfo(res);
	memset(&ah, 0, sizeof(ah));
	if (ares_init(&ch) != ARES_SUCCESS)
		return (3);
	ares_getaddrinfo(ch, "localhost", NULL, &ah, found, &rc);
	ares_destroy(ch);
	return (verdict(rc));
}

static int
sql(sqlite3 *db, const char *text)
{
	char	*why = NULL;
	int	 rc;

	if ((rc = sqlite3_exec(db, text, NULL, NULL, &why)) != SQLITE_OK)
		fprintf(stderr, "%s: %s\n", text, why);
	sqlite3_free(why);
	return (rc == SQLITE_OK ? 0 : -1);
}

/* One for each user. */
static void
database(char *path, size_t len, uid_t uid)
{
	if (snprintf(path, len, "%s/db%u", dir, (unsigned int)uid) >= (int)len)
		fail_msg("path too long");
}

/*
 * The database opened before, then a process that has no file at all: batches,
 * checkpoints, sorting, and closing.
 */
static int
sqlite_work(const char *promises)
{
	sqlite3	*db;
	char	 path[PATH_MAX + 32];
	int	 i;

	database(path, sizeof(path), geteuid());
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sql(db, "PRAGMA locking_mode=EXCLUSIVE") == -1 ||
	    sql(db, "PRAGMA journal_mode=WAL") == -1 ||
	    sql(db, "PRAGMA synchronous=NORMAL") == -1 ||
	    sql(db, "PRAGMA temp_store=MEMORY") == -1 ||
	    sql(db, "CREATE TABLE IF NOT EXISTS t (a INTEGER, b TEXT)") == -1)
		return (CASE_SETUP);
	if (pledge(promises, NULL) == -1)
		return (CASE_PLEDGE);
	for (i = 0; i < 200; i++) {
		if (sql(db, "BEGIN; INSERT INTO t VALUES (abs(random()),"
		    " hex(randomblob(200))); COMMIT") == -1)
			return (1);
		if (i == 100 && (sql(db, "PRAGMA synchronous=FULL") == -1 ||
		    sql(db, "PRAGMA wal_checkpoint(TRUNCATE)") == -1))
			return (2);
	}
	if (sql(db, "SELECT * FROM t ORDER BY b") == -1 ||
	    sql(db, "BEGIN; DELETE FROM t; ROLLBACK") == -1 ||
	    sql(db, "VACUUM") == -1)
		return (3);
	return (sqlite3_close(db) == SQLITE_OK ? verdict(0) : 4);
}

static int
sqlite_flock(void)
{
	return (sqlite_work("stdio flock"));
}

static int
rows(void *arg, int n, char **val, char **name)
{
	*(int *)arg = strtonum(val[0], 0, INT_MAX, NULL);
	return (0);
}

struct work {
	const char	*name;
	const char	*promises;
	int		(*fn)(void);
	int		 executed;	/* once more under the parent's */
};

static const struct work	works[] = {
	{ "libc",	"stdio",			libc_work, 1 },
	{ "exit",	"stdio",			exit_work, 1 },
	{ "event",	"stdio",			event_work, 1 },
	{ "tls",	"stdio",			tls_work, 1 },
	{ "fd",		"stdio recvfd sendfd",		fd_work, 1 },
	{ "tls",	"stdio inet recvfd",		tls_work, 0 },
	{ "event",	"stdio inet recvfd",		event_work, 0 },
	{ "inet",	"stdio inet recvfd sendfd",	inet_work, 1 },
	{ "unix",	"stdio unix recvfd",		unix_work, 1 },
	{ "dns",	"stdio rpath inet dns",		dns_work, 1 },
	{ "dnsonly",	"stdio inet dns",		dns_work, 1 },
};

#define NWORKS	(sizeof(works) / sizeof(works[0]))

static void
works_when_pledged(void **state)
{
	size_t	i;

	for (i = 0; i < NWORKS; i++)
		sandboxcase_expect(works[i].name, works[i].promises,
		    works[i].fn, 0);
}

/* Nothing is lost either: the rows are there. */
static void
sqlite_without_files(void **state)
{
	sqlite3	*db;
	char	 path[PATH_MAX + 32];
	int	 user, n;

	sandboxcase_expect("sqlite", NULL, sqlite_flock, 0);
	for (user = 0; user < sandboxcase_users(); user++) {
		n = 0;
		database(path, sizeof(path), user ? 65534 : geteuid());
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, "SELECT count(*) FROM t",
		    rows, &n, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_int_equal(n, 200);
	}
}

/*
 * The parent's side of an execution: what to run is the argument of this
 * program then, see executed().
 */
static const char	*todo;

static int
execute(void)
{
	char	word[32], *argv[] = { self, word, NULL };

	strlcpy(word, todo, sizeof(word));
	execv(self, argv);
	return (CASE_SETUP);
}

static void
works_when_executed(void **state)
{
	size_t	i;

	for (i = 0; i < NWORKS; i++) {
		if (works[i].executed) {
			todo = works[i].name;
			sandboxcase_expect(todo, PARENT, execute, 0);
		}
	}
}

/* The filter comes along, whatever the new program promises itself. */
static void
filters_are_inherited(void **state)
{
	todo = "socket";
	sandboxcase_expect(todo, "stdio rpath proc exec", execute, CASE_DIES);
	sandboxcase_expect(todo, "stdio rpath proc exec inet", execute, 0);
	todo = "splice";
	sandboxcase_expect(todo, "stdio rpath proc exec", execute, ENOSYS);
	todo = "write";
	sandboxcase_expect(todo, "stdio rpath proc exec", execute, CASE_DIES);
}

static int
execute_unveiled(void)
{
	if (unveil(self, "x") == -1 || unveil("/etc/passwd", "r") == -1 ||
	    unveil(NULL, NULL) == -1)
		return (CASE_SETUP);
	if (pledge("stdio rpath proc exec", NULL) == -1)
		return (CASE_PLEDGE);
	return (execute());
}

/* So are Landlock's layers; unveil "x" is enough to load a program. */
static void
layers_are_inherited(void **state)
{
	todo = "passwd";
	sandboxcase_expect(todo, NULL, execute_unveiled, 0);
	todo = "group";
	sandboxcase_expect(todo, NULL, execute_unveiled, EACCES);
}

static int
open_errno(const char *path, int flags)
{
	return (open(path, flags) == -1 ? errno : 0);
}

/* This program, executed by execute(). */
static int
executed(const char *word)
{
	size_t	i;

	if (strcmp(word, "splice") == 0)
		return (vmsplice(0, NULL, 0, 0) == -1 ? errno : 0);
	if (strcmp(word, "write") == 0)
		return (open_errno("/dev/null", O_WRONLY));
	if (strcmp(word, "passwd") == 0)
		return (open_errno("/etc/passwd", O_RDONLY));
	if (strcmp(word, "group") == 0)
		return (open_errno("/etc/group", O_RDONLY));
	if (strcmp(word, "socket") == 0) {
		if (pledge("stdio inet", NULL) == -1)
			return (CASE_PLEDGE);
		return (socket(AF_INET, SOCK_STREAM, 0) == -1 ? errno : 0);
	}
	for (i = 0; i < NWORKS; i++) {
		if (works[i].executed && strcmp(works[i].name, word) == 0)
			break;
	}
	if (i == NWORKS)
		return (CASE_SETUP);
	if (tls_init() == -1 || tlspair_cert(&key, &cert) == -1)
		return (CASE_SETUP);
	if (geteuid() == 0 && (chroot("/") == -1 || chdir("/") == -1 ||
	    setresgid(65534, 65534, 65534) == -1 ||
	    setresuid(65534, 65534, 65534) == -1))
		return (CASE_SETUP);
	if (pledge(works[i].promises, NULL) == -1)
		return (CASE_PLEDGE);
	return (works[i].fn());
}

/* Where nobody can execute it, too. */
static int
copy_self(const char *from)
{
	char	buf[65536];
	ssize_t	n;
	int	in, out;

	if (snprintf(self, sizeof(self), "%s/self", dir) >= (int)sizeof(self))
		return (-1);
	if ((in = open(from, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	out = open(self, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (out == -1 || fchmod(out, 0755) == -1)
		return (-1);
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, n) != n)
			return (-1);
	}
	close(in);
	close(out);
	return (n);
}

static int
setup(void **state)
{
	if (sandboxcase_dir(dir, sizeof(dir)) == -1 ||
	    copy_self("/proc/self/exe") == -1)
		return (-1);
	if (tls_init() == -1)
		return (-1);
	return (tlspair_cert(&key, &cert));
}

static int
teardown(void **state)
{
	static const char *const	ends[] = { "", "-wal", "-shm" };
	char				path[PATH_MAX + 32];
	size_t				i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		database(path, sizeof(path) - 5, geteuid());
		strlcat(path, ends[i], sizeof(path));
		unlink(path);
		database(path, sizeof(path) - 5, 65534);
		strlcat(path, ends[i], sizeof(path));
		unlink(path);
	}
	unlink(self);
	free(key);
	free(cert);
	return (rmdir(dir));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(works_when_pledged),
		cmocka_unit_test(sqlite_without_files),
		cmocka_unit_test(works_when_executed),
		cmocka_unit_test(filters_are_inherited),
		cmocka_unit_test(layers_are_inherited),
	};

	if (argc == 2)
		_exit(executed(argv[1]));
	return (cmocka_run_group_tests(tests, setup, teardown));
}
