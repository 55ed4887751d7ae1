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

#ifndef SANDBOX_H
#define SANDBOX_H

#include <sys/types.h>

#include <stdint.h>

/*
 * What a process is confined by.  pledge(2) and unveil(2) are called as on
 * OpenBSD; <unistd.h> declares them.  On Linux they are made of seccomp (system
 * calls) and Landlock (files, TCP ports, signals), and differ in this:
 *
 * - Filters are inherited over execve(2).  A parent that executes others must
 *   promise, and unveil, all that they need; they narrow it for themselves.
 *   "exec" also allows what the loader does, and unveil(path, "x") the
 *   directories of the system's libraries.  A set with "exec" answers an
 *   unknown call with ENOSYS without counting it, since the new program has
 *   no handler yet.
 * - Each pledge() that narrows adds a filter, each lock of the file system a
 *   Landlock layer, of which the kernel takes 16.  The same set again adds
 *   none.  Calls that are allowed whatever their arguments stay cheap in any
 *   number of filters (the kernel has a bitmap of them); the others cost
 *   about a microsecond for each filter.
 *   While some right to files is left it takes "rpath" to narrow.
 * - unveil() takes effect when the list is locked: at unveil(NULL, NULL) or
 *   the first pledge() without "unveil".  It then also holds for calls that
 *   seccomp would allow.  stat(2), chdir(2) and connect(2) to a socket's path
 *   are not covered by Landlock.  A path must exist to be unveiled with "c";
 *   one that does not exist is otherwise accepted and stays out of reach.
 *   unveil() opens the path, which wants "rpath" if pledge() came first.
 *   The same path twice adds up.
 *   "x" includes "r" for that file.  The files of "dns" and "getpw" come
 *   with the promise if it is what locks, else they must be unveiled.
 * - Nobody can look into messages: sendfd and recvfd are accepted words
 *   without an effect of their own.
 * - A forbidden call either kills the process (executing, tracing, sockets of
 *   families not promised, opening to write, executable memory, signals to
 *   others, modules, mounts and their like), or fails with EACCES or EPERM
 *   (looking at or changing files), or, being unknown, is counted and fails
 *   with ENOSYS, so that a new libc does not kill the daemon.
 *
 * Promises: stdio rpath wpath cpath flock inet dns unix sendfd recvfd proc
 * exec id chown fattr tty getpw settime unveil.  pledge() returns -1 with
 * EINVAL (unknown word, or execpromises, which are not supported), EPERM (a
 * word that was given up), or what the kernel said when it has no seccomp;
 * then the caller must not go on.  A kernel without Landlock is no error of
 * either function: see sandbox_status().  Both are for processes with one
 * thread.
 */

struct sandbox_status {
	const char	*name;		/* "none", "pledge and unveil", ... */
	int		 required;	/* 1: enough for "sandbox required" */
	int		 abi;		/* of Landlock; 0 without */
	char		 degraded[256];	/* what is missing, or "" */
};

/* What this system gives, without changing the state of the process. */
void	 sandbox_status(struct sandbox_status *);

/*
 * How many calls were refused with ENOSYS, and the number of the last one or
 * -1.  Since the start of the program.
 */
void	 sandbox_counters(uint64_t *, int *);

/* The name of a system call, "?" if it has none; valid to the next call. */
const char	*sandbox_callname(int);

/* Name each refused call on stderr as well.  Before pledge(). */
void	 sandbox_verbose(int);

/* For tests: behave as on a kernel with at most this Landlock ABI. */
void	 sandbox_maxabi(int);

#endif /* SANDBOX_H */
