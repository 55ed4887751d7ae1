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
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/netlink.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <seccomp.h>

#include <cmocka.h>

#include "sandbox.h"
#include "sandboxcase.h"

/*
 * What each set of promises forbids and allows, one system call a case, each
 * as the user who runs the test and, if that is root, as nobody.
 */

/* A case whose outcome is that of one call. */
#define CALL(name, call)						\
static int								\
name(void)								\
{									\
	return (sandboxcase_errno((long)(call)));			\
}

#define PARENT	"stdio rpath wpath cpath flock inet dns unix sendfd recvfd " \
		"proc exec id chown fattr unveil"
#define LOGD	"stdio rpath wpath cpath flock"
#define RESOLVER "stdio rpath inet dns"
#define MAP	MAP_ANON | MAP_PRIVATE, -1, 0

static struct stat	sb;
static struct rlimit	limit;
static int		fds[2];
static char		*none[] = { NULL };

CALL(open_read, open("/etc/passwd", O_RDONLY))
CALL(open_write, open("/dev/null", O_WRONLY))
CALL(open_both, open("/dev/null", O_RDWR))
CALL(open_trunc, open("/dev/null", O_RDONLY | O_TRUNC))
CALL(open_creat, open("/nonexistent/x", O_RDONLY | O_CREAT, 0600))
CALL(open_new, open("/nonexistent/x", O_WRONLY | O_CREAT, 0600))
CALL(open_tmp, open("/nonexistent", O_TMPFILE | O_WRONLY, 0600))
CALL(path_stat, stat("/etc/passwd", &sb))
CALL(path_access, access("/etc/passwd", R_OK))
CALL(path_unlink, unlink("/nonexistent"))
CALL(path_rename, rename("/nonexistent", "/nonexistent2"))
CALL(path_chmod, chmod("/nonexistent", 0600))
CALL(path_chown, chown("/nonexistent", 0, 0))
CALL(path_mknod, mknod("/nonexistent/x", S_IFIFO, 0))
CALL(fd_stat, fstat(fds[0], &sb))

CALL(socket_inet, socket(AF_INET, SOCK_STREAM, 0))
CALL(socket_inet6, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0))
CALL(socket_raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
CALL(socket_unix, socket(AF_UNIX, SOCK_STREAM, 0))
CALL(socket_packet, socket(AF_PACKET, SOCK_RAW, 0))
CALL(socket_99, socket(99, SOCK_STREAM, 0))
CALL(socket_hidden, syscall(SYS_socket, 1ULL << 32 | AF_PACKET, SOCK_RAW, 0))
CALL(socket_route, socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
CALL(socket_netfilter, socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER))
CALL(socket_pair, socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
CALL(socket_datagrams, socketpair(AF_UNIX, SOCK_DGRAM, 0, fds))

CALL(run_execve, execve("/nonexistent", none, none))
CALL(run_execveat, syscall(SYS_execveat, -1, "", NULL, NULL, 0))
CALL(run_setuid, setresuid(-1, geteuid(), -1))
CALL(run_userns, syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0))
CALL(run_unshare, unshare(CLONE_NEWUSER))
CALL(spy_attach, ptrace(PTRACE_ATTACH, 1, NULL, NULL))
CALL(spy_read, syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0))
CALL(kill_parent, kill(getppid(), 0))
CALL(kill_all, kill(-1, 0))
CALL(kill_thread, syscall(SYS_tgkill, getppid(), getppid(), 0))
CALL(kill_self, kill(getpid(), 0))
CALL(kill_sigio, fcntl(0, F_SETOWN, getppid()))
CALL(limit_set, setrlimit(RLIMIT_CORE, &limit))
CALL(limit_get, getrlimit(RLIMIT_CORE, &limit))
CALL(set_dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
CALL(set_undumpable, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))

CALL(map_data, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP))
CALL(map_exec, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP))
CALL(map_both, mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP))

CALL(sys_bpf, syscall(SYS_bpf, 0, NULL, 0))
CALL(sys_keyctl, syscall(SYS_keyctl, 0, 0, 0))
CALL(sys_uring, syscall(SYS_io_uring_setup, 1, NULL))
CALL(sys_mount, syscall(SYS_mount, 0, 0, 0, 0, 0))
CALL(sys_sti, ioctl(0, TIOCSTI, "x"))
CALL(sys_splice, vmsplice(0, NULL, 0, 0))
CALL(sys_future, syscall(4000))

static int
run_fork(void)
{
	pid_t	pid;

	if ((pid = fork()) == 0)
		_exit(0);
	return (sandboxcase_errno(pid));
}

static int
run_abort(void)
{
	abort();
}

static int
map_protect(void)
{
	void	*p;

	if ((p = mmap(NULL, 4096, PROT_READ, MAP)) == MAP_FAILED)
		return (CASE_SETUP);
	return (sandboxcase_errno(mprotect(p, 4096, PROT_READ | PROT_EXEC)));
}

static int
socket_filter(void)
{
	struct sock_fprog	prog = { 0, NULL };
	int			fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		return (CASE_SETUP);
	return (sandboxcase_errno(setsockopt(fd[0], SOL_SOCKET,
	    SO_ATTACH_FILTER, &prog, sizeof(prog))));
}

static int
fd_lock(void)
{
	struct flock	l;
	int		fd;

	memset(&l, 0, sizeof(l));
	l.l_type = F_RDLCK;
	if ((fd = memfd_create("lock", 0)) == -1)
		return (CASE_SETUP);
	return (sandboxcase_errno(fcntl(fd, F_GETLK, &l)));
}

/* libc looks for its zone and goes on in UTC. */
static int
zone(void)
{
	time_t	t = 0;

	tzset();
	return (localtime(&t) == NULL ? CASE_SETUP : 0);
}

struct scase {
	const char	*promises;
	const char	*name;
	int		(*fn)(void);
	int		 expected;
};

#define DO(promises, fn, expected)	{ promises, #fn, fn, expected }

static const struct scase	files[] = {
	DO("stdio", open_read, EACCES),
	DO("stdio", open_write, CASE_DIES),
	DO("stdio", open_both, CASE_DIES),
	DO("stdio", open_trunc, CASE_DIES),
	DO("stdio", open_creat, CASE_DIES),
	DO("stdio", open_tmp, CASE_DIES),
	DO("stdio", path_stat, EACCES),
	DO("stdio", path_access, EACCES),
	DO("stdio", path_unlink, EACCES),
	DO("stdio", path_rename, EACCES),
	DO("stdio", path_chmod, EPERM),
	DO("stdio", path_chown, EPERM),
	DO("stdio", fd_stat, 0),
	DO("stdio", fd_lock, ENOSYS),
	DO("stdio flock", fd_lock, 0),
	DO("stdio", zone, 0),
	DO("stdio rpath", open_read, 0),
	DO("stdio rpath", path_stat, 0),
	DO("stdio rpath", open_write, CASE_DIES),
	DO("stdio rpath", open_both, CASE_DIES),
	DO("stdio rpath", open_trunc, CASE_DIES),
	DO("stdio rpath wpath", open_both, 0),
	DO("stdio rpath wpath", open_new, CASE_DIES),
	DO("stdio rpath wpath", open_tmp, CASE_DIES),
	DO("stdio wpath", open_both, EACCES),
	DO("stdio wpath", open_write, 0),
	DO(LOGD, open_new, ENOENT),
	DO(LOGD, path_unlink, ENOENT),
	DO(LOGD, path_mknod, CASE_DIES),
	DO("stdio rpath fattr", path_chmod, ENOENT),
	DO("stdio rpath chown", path_chown, ENOENT),
	DO("stdio dns", open_read, EACCES),
	DO("stdio getpw", open_read, 0),
	{ NULL, NULL, NULL, 0 }
};

static const struct scase	sockets[] = {
	DO("stdio", socket_inet, CASE_DIES),
	DO("stdio", socket_inet6, CASE_DIES),
	DO("stdio", socket_unix, CASE_DIES),
	DO("stdio", socket_route, CASE_DIES),
	DO("stdio", socket_99, CASE_DIES),
	DO("stdio", socket_hidden, CASE_DIES),
	DO("stdio", socket_pair, 0),
	DO("stdio", socket_datagrams, ENOSYS),
	DO("stdio", socket_filter, ENOSYS),
	DO("stdio recvfd sendfd", socket_inet, CASE_DIES),
	DO("stdio inet recvfd", socket_inet, 0),
	DO("stdio inet recvfd", socket_inet6, 0),
	DO("stdio inet recvfd", socket_raw, ENOSYS),
	DO("stdio inet recvfd", socket_unix, CASE_DIES),
	DO("stdio inet recvfd", socket_packet, CASE_DIES),
	DO("stdio inet recvfd", socket_filter, ENOSYS),
	DO("stdio unix recvfd", socket_unix, 0),
	DO("stdio unix recvfd", socket_inet, CASE_DIES),
	DO(RESOLVER, socket_inet, 0),
	DO(RESOLVER, socket_route, 0),
	DO(RESOLVER, socket_netfilter, ENOSYS),
	DO(RESOLVER, socket_unix, EACCES),
	DO(PARENT, socket_packet, CASE_DIES),
	{ NULL, NULL, NULL, 0 }
};

static const struct scase	processes[] = {
	DO("stdio", run_execve, CASE_DIES),
	DO("stdio", run_execveat, CASE_DIES),
	DO("stdio", run_fork, ENOSYS),
	DO("stdio", run_setuid, ENOSYS),
	DO("stdio", run_userns, ENOSYS),
	DO("stdio", run_unshare, CASE_DIES),
	DO("stdio", run_abort, CASE_SIGNAL + SIGABRT),
	DO("stdio", spy_attach, CASE_DIES),
	DO("stdio", spy_read, CASE_DIES),
	DO("stdio", kill_parent, CASE_DIES),
	DO("stdio", kill_all, CASE_DIES),
	DO("stdio", kill_thread, CASE_DIES),
	DO("stdio", kill_sigio, CASE_DIES),
	DO("stdio", kill_self, 0),
	DO("stdio", limit_get, 0),
	DO("stdio", limit_set, ENOSYS),
	DO("stdio", set_dumpable, ENOSYS),
	DO("stdio", set_undumpable, 0),
	DO("stdio", map_data, 0),
	DO("stdio", map_exec, CASE_DIES),
	DO("stdio", map_both, CASE_DIES),
	DO("stdio", map_protect, CASE_DIES),
	DO("stdio", sys_bpf, CASE_DIES),
	DO("stdio", sys_keyctl, CASE_DIES),
	DO("stdio", sys_uring, CASE_DIES),
	DO("stdio", sys_mount, CASE_DIES),
	DO("stdio", sys_sti, CASE_DIES),
	DO("stdio", sys_splice, ENOSYS),
	DO("stdio", sys_future, ENOSYS),
	DO("stdio proc", run_fork, 0),
	DO("stdio proc", run_userns, ENOSYS),
	DO("stdio proc", run_execve, CASE_DIES),
	DO("stdio proc", limit_set, 0),
	DO("stdio rpath exec", run_execve, ENOENT),
	DO("stdio rpath exec", run_fork, ENOSYS),
	DO("stdio rpath exec", map_exec, 0),
	DO("stdio rpath exec", map_both, CASE_DIES),
	DO("stdio id", run_setuid, 0),
	DO(PARENT, run_fork, 0),
	DO(PARENT, run_setuid, 0),
	DO(PARENT, run_userns, ENOSYS),
	DO(PARENT, spy_attach, CASE_DIES),
	DO(PARENT, spy_read, CASE_DIES),
	DO(PARENT, sys_mount, CASE_DIES),
	DO(PARENT, sys_sti, CASE_DIES),
	DO(PARENT, sys_bpf, CASE_DIES),
	DO(PARENT, sys_splice, ENOSYS),
	{ NULL, NULL, NULL, 0 }
};

static void
each(const struct scase *c)
{
	int	bad = 0;

	for (; c->promises != NULL; c++)
		bad += sandboxcase_bad(c->name, c->promises, c->fn,
		    c->expected);
	assert_int_equal(bad, 0);
}

static void
each_file(void **state)
{
	each(files);
}

static void
each_socket(void **state)
{
	each(sockets);
}

static void
each_process(void **state)
{
	each(processes);
}

#ifdef __x86_64__
/* The other two ways into the kernel have numbers of their own. */
static int
enter_i386(void)
{
	int	nr = 20, rc;		/* getpid */

	__asm__ volatile ("int $0x80" : "=a" (rc) : "0" (nr) : "memory");
	return (0);
}

CALL(enter_x32, syscall(0x40000000 | SYS_getpid))

static void
other_entries_kill(void **state)
{
	sandboxcase_expect("enter_i386", "stdio", enter_i386, CASE_DIES);
	sandboxcase_expect("enter_x32", "stdio", enter_x32, CASE_DIES);
}
#endif

static int
counted(void)
{
	uint64_t	n;
	int		last;

	sandbox_counters(&n, &last);
	if (n != 0 || last != -1)
		return (1);
	(void)vmsplice(0, NULL, 0, 0);
	if (setresuid(-1, -1, -1) != -1)
		return (4);
	sandbox_counters(&n, &last);
	if (n != 2 || last != SYS_setresuid)
		return (2);
	return (strcmp(sandbox_callname(last), "setresuid") == 0 ? 0 : 3);
}

static void
unknown_is_counted(void **state)
{
	sandboxcase_expect("counted", "stdio", counted, 0);
}

/* With verbose the name of the call is on stderr. */
static int
named(void)
{
	static const char	text[] = "sandbox: refused vmsplice\n";
	char			buf[128];
	int			fd[2];

	if (pipe(fd) == -1 || dup2(fd[1], STDERR_FILENO) == -1)
		return (CASE_SETUP);
	sandbox_verbose(1);
	if (pledge("stdio", NULL) == -1)
		return (CASE_PLEDGE);
	(void)vmsplice(0, NULL, 0, 0);
	if (read(fd[0], buf, sizeof(buf)) != sizeof(text) - 1)
		return (1);
	return (memcmp(buf, text, sizeof(text) - 1) != 0);
}

static void
verbose_names_it(void **state)
{
	sandboxcase_expect("named", NULL, named, 0);
}

static int
narrow(void)
{
	if (pledge("stdio inet bogus", NULL) != -1 || errno != EINVAL)
		return (1);
	if (pledge("stdio", "stdio") != -1 || errno != EINVAL)
		return (2);
	if (pledge("stdio  inet ", NULL) == -1 || socket_inet() != 0)
		return (3);
	if (pledge("stdio inet rpath", NULL) != -1 || errno != EPERM)
		return (4);
	if (pledge(NULL, NULL) == -1 || pledge("inet stdio", NULL) == -1)
		return (5);
	if (socket_inet() != 0 || pledge("stdio", NULL) == -1)
		return (6);
	if (pledge("stdio inet", NULL) != -1 || errno != EPERM)
		return (7);
	return (socket_inet());
}

static void
pledge_only_narrows(void **state)
{
	sandboxcase_expect("narrow", NULL, narrow, CASE_DIES);
}

/* The same set again must not reach the kernel, which has an end of layers. */
static int
again(void)
{
	int	i;

	for (i = 0; i < 100; i++) {
		if (pledge("stdio rpath", NULL) == -1)
			return (1);
	}
	return (open_read());
}

static void
same_set_adds_nothing(void **state)
{
	sandboxcase_expect("again", NULL, again, 0);
}

/* A kernel without seccomp, as far as pledge(2) can see. */
static int
no_seccomp(void)
{
	const struct scmp_arg_cmp	arg = { 0, SCMP_CMP_EQ,
					    PR_SET_SECCOMP, 0 };
	scmp_filter_ctx			ctx;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL ||
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
	    SCMP_SYS(seccomp), 0) != 0 ||
	    seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EINVAL),
	    SCMP_SYS(prctl), 1, &arg) != 0 ||
	    seccomp_load(ctx) != 0)
		return (CASE_SETUP);
	seccomp_release(ctx);
	return (pledge("stdio", NULL) == -1 ? 0 : 1);
}

static void
missing_seccomp_is_an_error(void **state)
{
	sandboxcase_expect("no_seccomp", NULL, no_seccomp, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_file),
		cmocka_unit_test(each_socket),
		cmocka_unit_test(each_process),
#ifdef __x86_64__
		cmocka_unit_test(other_entries_kill),
#endif
		cmocka_unit_test(unknown_is_counted),
		cmocka_unit_test(verbose_names_it),
		cmocka_unit_test(pledge_only_narrows),
		cmocka_unit_test(same_set_adds_nothing),
		cmocka_unit_test(missing_seccomp_is_an_error),
	};

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
