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

#include <stdint.h>
#include <stddef.h>

#include "calls.h"
#include "promise.h"

#define PROMISE_SOCKET	(PROMISE_INET | PROMISE_UNIX | PROMISE_DNS)

/*
 * What is in no list is unknown: counted, ENOSYS.  Calls of which arguments
 * decide are in seccomp.c.  A call stands in one list of each kind only.
 */
const struct calls	calls_allow[] = {
	/* Descriptors. */
	{ 0, "read write readv writev pread64 pwrite64 preadv pwritev"
	    " preadv2 pwritev2 lseek _llseek close close_range dup dup2 dup3"
	    " pipe pipe2 fstat fstat64 fsync fdatasync sync_file_range"
	    " ftruncate ftruncate64 fallocate fadvise64 eventfd2 memfd_create"
	    " poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl"
	    " epoll_wait epoll_pwait epoll_pwait2 timerfd_create"
	    " timerfd_settime timerfd_gettime" },
	/* Messages on sockets there are. */
	{ 0, "sendmsg recvmsg sendmmsg recvmmsg recvfrom shutdown getsockopt"
	    " getsockname getpeername" },
	/* Memory; mmap(2) and mprotect(2) by their protection. */
	{ 0, "brk munmap mremap madvise msync mincore mlock mlock2 munlock"
	    " membarrier" },
	/* Who and what am I. */
	{ 0, "getpid getppid gettid getuid geteuid getgid getegid getresuid"
	    " getresgid getgroups getpgrp getpgid getsid getrusage getrlimit"
	    " ugetrlimit getpriority times sysinfo uname umask getcpu"
	    " sched_yield sched_getaffinity wait4 waitid" },
	/* Time and chance. */
	{ 0, "clock_gettime clock_getres clock_nanosleep nanosleep"
	    " gettimeofday time getitimer setitimer alarm pause getrandom" },
	/* Signals and threads of libc's making. */
	{ 0, "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending"
	    " rt_sigsuspend rt_sigtimedwait sigaltstack restart_syscall futex"
	    " set_robust_list rseq exit exit_group" },
	/* pledge(2) and unveil(2) may be called again to narrow. */
	{ 0, "landlock_create_ruleset landlock_add_rule"
	    " landlock_restrict_self" },

	{ PROMISE_PATHS, "stat lstat access faccessat faccessat2 readlink"
	    " readlinkat getcwd statfs" },
	{ PROMISE_RPATH | PROMISE_GETPW | PROMISE_EXEC, "getdents getdents64"
	    " chdir fchdir fstatfs" },
	{ PROMISE_WPATH, "truncate truncate64" },
	{ PROMISE_CPATH, "unlink unlinkat rename renameat renameat2 link"
	    " linkat symlink symlinkat mkdir mkdirat rmdir" },
	{ PROMISE_FATTR, "chmod fchmod fchmodat fchmodat2 utime utimes"
	    " utimensat futimesat" },
	{ PROMISE_CHOWN, "chown fchown lchown fchownat" },
	{ PROMISE_FLOCK, "flock" },
	{ PROMISE_SOCKET, "connect" },
	{ PROMISE_INET | PROMISE_UNIX, "bind listen accept accept4" },
	{ PROMISE_PROC, "fork vfork kill tkill tgkill rt_sigqueueinfo"
	    " rt_tgsigqueueinfo pidfd_open pidfd_send_signal setsid setpgid"
	    " setpriority sched_setaffinity sched_setscheduler"
	    " sched_setparam" },
	{ PROMISE_EXEC, "execve execveat arch_prctl set_tid_address" },
	/* A child that a parent executes changes its root under this. */
	{ PROMISE_ID, "setuid setgid setreuid setregid setresuid setresgid"
	    " setgroups setfsuid setfsgid capget capset chroot" },
	{ PROMISE_PROC | PROMISE_ID, "setrlimit" },
	{ PROMISE_SETTIME, "settimeofday clock_settime adjtimex"
	    " clock_adjtime" },
	{ 0, NULL }
};

/* Libc and libraries try these and get along without. */
const struct calls	calls_eacces[] = {
	{ PROMISE_PATHS, "stat lstat access faccessat faccessat2 readlink"
	    " readlinkat getcwd statfs" },
	{ PROMISE_WPATH, "truncate truncate64" },
	{ PROMISE_CPATH, "unlink unlinkat rename renameat renameat2 link"
	    " linkat symlink symlinkat mkdir mkdirat rmdir" },
	{ 0, NULL }
};

const struct calls	calls_eperm[] = {
	{ PROMISE_FATTR, "chmod fchmod fchmodat fchmodat2 utime utimes"
	    " utimensat futimesat" },
	{ PROMISE_CHOWN, "chown fchown lchown fchownat" },
	{ 0, NULL }
};

const struct calls	calls_kill[] = {
	{ PROMISE_EXEC, "execve execveat" },
	{ PROMISE_PROC, "pidfd_send_signal" },
	/* Other processes' insides. */
	{ 0, "ptrace process_vm_readv process_vm_writev process_madvise"
	    " pidfd_getfd kcmp" },
	/* The kernel's large or troubled interfaces. */
	{ 0, "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter"
	    " io_uring_register add_key request_key keyctl modify_ldt"
	    " lookup_dcookie open_by_handle_at name_to_handle_at"
	    " pkey_mprotect shmat" },
	/* Name spaces and mounts. */
	{ 0, "unshare setns mount umount umount2 move_mount open_tree fsopen"
	    " fsmount fsconfig fspick mount_setattr pivot_root" },
	/* The machine. */
	{ 0, "swapon swapoff kexec_load kexec_file_load init_module"
	    " finit_module delete_module reboot iopl ioperm acct quotactl"
	    " quotactl_fd sethostname setdomainname syslog vhangup mknod"
	    " mknodat" },
	{ 0, NULL }
};
