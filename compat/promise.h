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

#ifndef PROMISE_H
#define PROMISE_H

#include <sys/types.h>

#include <stdint.h>

/* Between the parts of pledge(2) and unveil(2) for Linux. */

#define PROMISE_STDIO		0x00000001U
#define PROMISE_RPATH		0x00000002U
#define PROMISE_WPATH		0x00000004U
#define PROMISE_CPATH		0x00000008U
#define PROMISE_FLOCK		0x00000010U
#define PROMISE_INET		0x00000020U
#define PROMISE_DNS		0x00000040U
#define PROMISE_UNIX		0x00000080U
#define PROMISE_SENDFD		0x00000100U
#define PROMISE_RECVFD		0x00000200U
#define PROMISE_PROC		0x00000400U
#define PROMISE_EXEC		0x00000800U
#define PROMISE_ID		0x00001000U
#define PROMISE_CHOWN		0x00002000U
#define PROMISE_FATTR		0x00004000U
#define PROMISE_TTY		0x00008000U
#define PROMISE_GETPW		0x00010000U
#define PROMISE_SETTIME		0x00020000U
#define PROMISE_UNVEIL		0x00040000U
#define PROMISE_ALL		0x0007ffffU

/* Rights that a path of unveil(2) can give. */
#define PROMISE_FILES		(PROMISE_RPATH | PROMISE_WPATH | \
				    PROMISE_CPATH | PROMISE_EXEC)
/* May open some files to read them. */
#define PROMISE_READ		(PROMISE_RPATH | PROMISE_GETPW | PROMISE_DNS)
/* May see paths. */
#define PROMISE_PATHS		(PROMISE_READ | PROMISE_WPATH | \
				    PROMISE_CPATH | PROMISE_FATTR | \
				    PROMISE_CHOWN | PROMISE_UNIX | \
				    PROMISE_EXEC)

/* unveil.c: no more unveil(); confine to what was unveiled and promised. */
int	 unveil_lock(uint32_t);

/*
 * landlock.c: one layer.  landlock_open() starts a ruleset and returns its
 * descriptor, -1 with errno set, or -2 where there is no Landlock;
 * landlock_path() adds the letters of unveil(2), of which it leaves out
 * what is not promised, for an open path; landlock_close() puts the ruleset
 * into force and closes it.
 */
int	 landlock_abi(void);
int	 landlock_open(uint32_t);
int	 landlock_path(int, int, const char *, uint32_t);
int	 landlock_close(int);

/* seccomp.c: put a filter for the promises into force. */
int	 seccomp_confine(uint32_t);

/* sigsys.c: have refused calls counted. */
int	 sigsys_init(void);

#endif /* PROMISE_H */
