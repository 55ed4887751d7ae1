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

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <termios.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/seccomp.h>

#include "promise.h"
#include "rules.h"

/*
 * Rules that look at arguments.  Those of one call never overlap, so their
 * order does not matter.  A filter sees 64 bits where the kernel takes an int:
 * where the upper half could hide something only the allowed values are
 * listed, and what hides is unknown.
 */

#define ALLOW	SCMP_ACT_ALLOW
#define KILL	SCMP_ACT_KILL_PROCESS

static void	rules_open(struct filter *);
static void	rules_stat(struct filter *);
static void	rules_memory(struct filter *);
static void	rules_process(struct filter *);
static void	rules_signal(struct filter *);
static void	rules_prctl(struct filter *);
static void	rules_socket(struct filter *);
static void	rules_family(struct filter *, int);
static uint32_t	family_action(uint32_t, int);
static void	rules_sockopt(struct filter *);
static void	rule_level(struct filter *, int, const int *, size_t);
static void	rules_fcntl(struct filter *);
static void	rules_ioctl(struct filter *);

static void	rule(struct filter *, uint32_t, const char *,
		    struct scmp_arg_cmp);
static void	rule2(struct filter *, uint32_t, const char *,
		    struct scmp_arg_cmp, struct scmp_arg_cmp);
static void	rule_each(struct filter *, uint32_t, const char *,
		    unsigned int, const int *, size_t);
static struct scmp_arg_cmp	is(unsigned int, uint64_t);
static struct scmp_arg_cmp	isnot(unsigned int, uint64_t);
static struct scmp_arg_cmp	atleast(unsigned int, uint64_t);
static struct scmp_arg_cmp	bits(unsigned int, uint64_t, uint64_t);
static struct scmp_arg_cmp	compare(unsigned int, enum scmp_compare,
				    uint64_t, uint64_t);

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

void
rules_add(struct filter *f)
{
	rules_open(f);
	rules_stat(f);
	rules_memory(f);
	rules_process(f);
	rules_signal(f);
	rules_prctl(f);
	rules_socket(f);
	rules_sockopt(f);
	rules_fcntl(f);
	rules_ioctl(f);
}

/*
 * All combinations of the flags that matter, each with its answer.  To read is
 * what libc tries in passing (locale, zone), so that only fails.
 */
static void
rules_open(struct filter *f)
{
	static const int	flag[] = { 1, 2, O_CREAT, O_TRUNC,
				    O_TMPFILE & ~O_DIRECTORY };
	uint32_t		action;
	unsigned int		n, i;
	int			mask, val;

	for (mask = 0, i = 0; i < nitems(flag); i++)
		mask |= flag[i];
	for (n = 0; n < 1U << nitems(flag); n++) {
		for (val = 0, i = 0; i < nitems(flag); i++)
			val |= n & 1U << i ? flag[i] : 0;
		action = ALLOW;
		if ((val & O_ACCMODE) != O_WRONLY &&
		    (f->promises & PROMISE_READ) == 0)
			action = SCMP_ACT_ERRNO(EACCES);
		if ((val & ~O_CREAT) != 0 &&
		    (f->promises & PROMISE_WPATH) == 0)
			action = KILL;
		if ((val & ~(O_ACCMODE | O_TRUNC)) != 0 &&
		    (f->promises & PROMISE_CPATH) == 0)
			action = KILL;
		rule(f, action, "open", bits(1, mask, val));
		rule(f, action, "openat", bits(2, mask, val));
	}
	if ((f->promises & PROMISE_WPATH) && (f->promises & PROMISE_CPATH))
		filter_rule(f, ALLOW, "creat", 0, NULL);
	else
		filter_rule(f, KILL, "creat", 0, NULL);
}

/* fstat(3) of some libcs is one of these with an empty path. */
static void
rules_stat(struct filter *f)
{
	uint32_t	other = SCMP_ACT_ERRNO(EACCES);

	if (f->promises & PROMISE_PATHS)
		other = ALLOW;
	rule(f, other, "newfstatat", bits(3, AT_EMPTY_PATH, 0));
	rule(f, ALLOW, "newfstatat", bits(3, AT_EMPTY_PATH, AT_EMPTY_PATH));
	rule(f, other, "statx", bits(2, AT_EMPTY_PATH, 0));
	rule(f, ALLOW, "statx", bits(2, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

/* The loader maps code; nobody maps code that he can write. */
static void
rules_memory(struct filter *f)
{
	static const char *const	names[] = { "mmap", "mmap2",
					    "mprotect" };
	uint32_t			exec = KILL;
	unsigned int			i;

	if (f->promises & PROMISE_EXEC)
		exec = ALLOW;
	for (i = 0; i < nitems(names); i++) {
		rule(f, ALLOW, names[i], bits(2, PROT_EXEC, 0));
		rule(f, exec, names[i], bits(2, PROT_EXEC | PROT_WRITE,
		    PROT_EXEC));
		rule(f, KILL, names[i], bits(2, PROT_EXEC | PROT_WRITE,
		    PROT_EXEC | PROT_WRITE));
	}
}

/*
 * Processes, not name spaces.  The flags of clone3(2) are in memory: libcs
 * fall back to clone(2) when it is not there.
 */
static void
rules_process(struct filter *f)
{
	const uint64_t	spaces = CLONE_NEWNS | CLONE_NEWCGROUP |
			    CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
			    CLONE_NEWPID | CLONE_NEWNET;

	filter_rule(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	if (f->promises & PROMISE_PROC)
		rule(f, ALLOW, "clone", bits(0, spaces, 0));
	if (f->promises & (PROMISE_PROC | PROMISE_ID))
		rule(f, ALLOW, "prlimit64", is(0, 0));
	else
		rule2(f, ALLOW, "prlimit64", is(0, 0), is(2, 0));
}

/* Without "proc" to oneself only: abort(3), raise(3). */
static void
rules_signal(struct filter *f)
{
	static const char *const	names[] = { "kill", "tkill", "tgkill",
					    "rt_sigqueueinfo",
					    "rt_tgsigqueueinfo" };
	unsigned int			i;

	if (f->promises & PROMISE_PROC)
		return;
	for (i = 0; i < nitems(names); i++) {
		rule(f, ALLOW, names[i], is(0, getpid()));
		rule(f, KILL, names[i], isnot(0, getpid()));
	}
}

/* Of prctl(2) what takes rights away; and seccomp(2), to narrow. */
static void
rules_prctl(struct filter *f)
{
	static const int	option[] = { PR_GET_DUMPABLE, PR_SET_NAME,
				    PR_GET_NAME, PR_SET_NO_NEW_PRIVS,
				    PR_GET_NO_NEW_PRIVS, PR_SET_PDEATHSIG };
	static const int	op[] = { SECCOMP_SET_MODE_STRICT,
				    SECCOMP_SET_MODE_FILTER,
				    SECCOMP_GET_ACTION_AVAIL, 3 };

	rule_each(f, ALLOW, "prctl", 0, option, nitems(option));
	rule2(f, ALLOW, "prctl", is(0, PR_SET_DUMPABLE), is(1, 0));
#ifdef PR_SET_VMA
	/* Names of memory, for people. */
	rule(f, ALLOW, "prctl", is(0, PR_SET_VMA));
#endif
	rule_each(f, ALLOW, "seccomp", 0, op, nitems(op));
}

static void
rules_socket(struct filter *f)
{
	int	family;

	for (family = 0; family < AF_MAX; family++)
		rules_family(f, family);
	rule(f, KILL, "socket", atleast(0, AF_MAX));
	/* One of datagrams could be sent on to any socket's path. */
	rule2(f, ALLOW, "socketpair", is(0, AF_UNIX),
	    bits(1, 0xf, SOCK_STREAM));
	/* Connected sockets need no address. */
	if (f->promises & (PROMISE_INET | PROMISE_UNIX | PROMISE_DNS))
		filter_rule(f, ALLOW, "sendto", 0, NULL);
	else
		rule(f, ALLOW, "sendto", is(4, 0));
}

/* Of the families that are allowed no raw sockets. */
static void
rules_family(struct filter *f, int family)
{
	uint32_t	action;

	action = family_action(f->promises, family);
	if (action != ALLOW)
		rule(f, action, "socket", is(0, family));
	else if (family == AF_NETLINK)
		rule2(f, ALLOW, "socket", is(0, family), is(2, NETLINK_ROUTE));
	else {
		rule2(f, ALLOW, "socket", is(0, family),
		    bits(1, 0xf, SOCK_STREAM));
		rule2(f, ALLOW, "socket", is(0, family),
		    bits(1, 0xf, SOCK_DGRAM));
	}
}

/*
 * Resolvers of libc ask netlink for addresses and try nscd's socket: with
 * "dns" the first is allowed and the second only fails.
 */
static uint32_t
family_action(uint32_t promises, int family)
{
	if (family == AF_INET || family == AF_INET6) {
		if (promises & (PROMISE_INET | PROMISE_DNS))
			return (ALLOW);
	} else if (family == AF_UNIX) {
		if (promises & PROMISE_UNIX)
			return (ALLOW);
		if (promises & (PROMISE_DNS | PROMISE_GETPW))
			return (SCMP_ACT_ERRNO(EACCES));
	} else if (family == AF_NETLINK) {
		if (promises & PROMISE_DNS)
			return (ALLOW);
	}
	return (KILL);
}

/* No filters on sockets, no other protocols on top of TCP. */
static void
rules_sockopt(struct filter *f)
{
	static const int	sol[] = { SO_REUSEADDR, SO_ERROR, SO_BROADCAST,
				    SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE,
				    SO_LINGER, SO_REUSEPORT, SO_PASSCRED,
				    SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDTIMEO,
				    SO_BUSY_POLL };
	static const int	tcp[] = { TCP_NODELAY, TCP_MAXSEG, TCP_CORK,
				    TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
				    TCP_SYNCNT, TCP_DEFER_ACCEPT, TCP_QUICKACK,
				    TCP_USER_TIMEOUT, TCP_FASTOPEN,
				    TCP_FASTOPEN_CONNECT, TCP_NOTSENT_LOWAT };
	static const int	ip[] = { IP_TOS, IP_TTL, IP_MTU_DISCOVER,
				    IP_RECVERR, IP_BIND_ADDRESS_NO_PORT };
	static const int	ip6[] = { IPV6_V6ONLY, IPV6_UNICAST_HOPS,
				    IPV6_MTU_DISCOVER, IPV6_RECVERR,
				    IPV6_TCLASS };

	rule_level(f, SOL_SOCKET, sol, nitems(sol));
	rule_level(f, IPPROTO_TCP, tcp, nitems(tcp));
	rule_level(f, IPPROTO_IP, ip, nitems(ip));
	rule_level(f, IPPROTO_IPV6, ip6, nitems(ip6));
}

static void
rule_level(struct filter *f, int level, const int *opt, size_t n)
{
	while (n-- > 0)
		rule2(f, ALLOW, "setsockopt", is(1, level), is(2, opt[n]));
}

/* SIGIO is a signal to others as well. */
static void
rules_fcntl(struct filter *f)
{
	static const int	cmd[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
				    F_SETFD, F_GETFL, F_SETFL, F_GETPIPE_SZ,
				    F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS };
	static const int	lock[] = { F_GETLK, F_SETLK, F_SETLKW,
				    F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW };
	static const int	kill[] = { F_SETOWN, F_SETOWN_EX, F_SETSIG };

	rule_each(f, ALLOW, "fcntl", 1, cmd, nitems(cmd));
	rule_each(f, KILL, "fcntl", 1, kill, nitems(kill));
	if (f->promises & PROMISE_FLOCK)
		rule_each(f, ALLOW, "fcntl", 1, lock, nitems(lock));
}

/* isatty(3) for everybody; typing into somebody's terminal for nobody. */
static void
rules_ioctl(struct filter *f)
{
	static const int	cmd[] = { FIONREAD, FIONBIO, FIOCLEX, FIONCLEX,
				    TCGETS, TIOCGWINSZ };
	static const int	tty[] = { TCSETS, TCSETSW, TCSETSF, TIOCSWINSZ,
				    TIOCGPGRP, TIOCSPGRP, TCFLSH, TCSBRK,
				    TCXONC };
	static const int	kill[] = { TIOCSTI, TIOCLINUX, FIOSETOWN,
				    SIOCSPGRP };

	rule_each(f, ALLOW, "ioctl", 1, cmd, nitems(cmd));
	rule_each(f, KILL, "ioctl", 1, kill, nitems(kill));
	if (f->promises & PROMISE_TTY)
		rule_each(f, ALLOW, "ioctl", 1, tty, nitems(tty));
}

static void
rule(struct filter *f, uint32_t action, const char *name,
    struct scmp_arg_cmp a)
{
	filter_rule(f, action, name, 1, &a);
}

static void
rule2(struct filter *f, uint32_t action, const char *name,
    struct scmp_arg_cmp a, struct scmp_arg_cmp b)
{
	struct scmp_arg_cmp	args[2];

	args[0] = a;
	args[1] = b;
	filter_rule(f, action, name, 2, args);
}

/* One argument, any of some values. */
static void
rule_each(struct filter *f, uint32_t action, const char *name,
    unsigned int arg, const int *val, size_t n)
{
	while (n-- > 0)
		rule(f, action, name, is(arg, val[n]));
}

static struct scmp_arg_cmp
is(unsigned int arg, uint64_t val)
{
	return (compare(arg, SCMP_CMP_EQ, val, 0));
}

static struct scmp_arg_cmp
isnot(unsigned int arg, uint64_t val)
{
	return (compare(arg, SCMP_CMP_NE, val, 0));
}

static struct scmp_arg_cmp
atleast(unsigned int arg, uint64_t val)
{
	return (compare(arg, SCMP_CMP_GE, val, 0));
}

static struct scmp_arg_cmp
bits(unsigned int arg, uint64_t mask, uint64_t val)
{
	return (compare(arg, SCMP_CMP_MASKED_EQ, mask, val));
}

static struct scmp_arg_cmp
compare(unsigned int arg, enum scmp_compare op, uint64_t a, uint64_t b)
{
	struct scmp_arg_cmp	c;

	c.arg = arg;
	c.op = op;
	c.datum_a = a;
	c.datum_b = b;
	return (c);
}
