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

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <seccomp.h>

#include "promise.h"
#include "sandbox.h"

/* Of a signal that a filter's TRAP makes; siginfo(2) has it, libc may not. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP	1
#endif

#define NAMES_MAX	512

static void	sigsys_handler(int, siginfo_t *, void *);
static void	sigsys_say(int);

static volatile uint64_t	count;
static volatile int		last = -1;
static char			*names[NAMES_MAX];
static int			verbose;

void
sandbox_counters(uint64_t *n, int *nr)
{
	*n = count;
	*nr = last;
}

const char *
sandbox_callname(int nr)
{
	static char	 name[64];
	char		*found;

	found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
	strlcpy(name, found == NULL ? "?" : found, sizeof(name));
	free(found);
	return (name);
}

/* The handler may not allocate, so the names are looked up before. */
void
sandbox_verbose(int v)
{
	int	i;

	verbose = v;
	for (i = 0; v && i < NAMES_MAX; i++) {
		if (names[i] == NULL)
			names[i] = seccomp_syscall_resolve_num_arch(
			    SCMP_ARCH_NATIVE, i);
	}
}

int
sigsys_init(void)
{
	struct sigaction	sa;
	sigset_t		set;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = sigsys_handler;
	sa.sa_flags = SA_SIGINFO | SA_RESTART;
	sigfillset(&sa.sa_mask);
	if (sigaction(SIGSYS, &sa, NULL) == -1)
		return (-1);
	/* Blocked, it would kill. */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	return (sigprocmask(SIG_UNBLOCK, &set, NULL));
}

/*
 * The kernel has put the registers back to where they were before the call;
 * the answer goes where libc looks for one.
 */
static void
sigsys_handler(int sig, siginfo_t *si, void *arg)
{
	ucontext_t	*uc = arg;
	int		 error = errno;

	if (si->si_code != SYS_SECCOMP)
		return;
	count++;
	last = si->si_syscall;
#if defined(__x86_64__)
	uc->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
	uc->uc_mcontext.regs[0] = -ENOSYS;
#else
#error "no SIGSYS handler for this architecture: ./configure --without-sandbox"
#endif
	if (verbose)
		sigsys_say(si->si_syscall);
	errno = error;
}

static void
sigsys_say(int nr)
{
	static const char	head[] = "sandbox: refused ";
	const char		*name = "?";
	char			 line[80];
	size_t			 len;

	if (nr >= 0 && nr < NAMES_MAX && names[nr] != NULL)
		name = names[nr];
	strlcpy(line, head, sizeof(line));
	strlcat(line, name, sizeof(line) - 1);
	len = strlen(line);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) == -1)
		return;
}
