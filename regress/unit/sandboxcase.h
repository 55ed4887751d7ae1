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

#ifndef SANDBOXCASE_H
#define SANDBOXCASE_H

#include <sys/types.h>

/*
 * A case is a process of its own that pledges and then does one thing: 0 or an
 * errno, at most 199.  What came of it is that, or one of these.
 */
#define CASE_SIGNAL	1000		/* + the number */
#define CASE_DIES	(CASE_SIGNAL + SIGSYS)
#define CASE_PLEDGE	200		/* pledge() itself failed */
#define CASE_SETUP	201

/*
 * Makes a directory that anybody may write to: in $TMPDIR, which may be closed
 * to nobody, or, for root, in /tmp.  Returns 0 or -1.
 */
int	sandboxcase_dir(char *, size_t);
/* Runs a case with these promises (NULL: none), and this user or "nobody". */
int	sandboxcase_run(const char *, int (*)(void), int);
/* As whom to run: 0 is as we are, 1 as nobody, which only root can do. */
int	sandboxcase_users(void);
/* Says so, with the case's name, if the outcome is another: how often. */
int	sandboxcase_bad(const char *, const char *, int (*)(void), int);
/* The same, and fails the test. */
void	sandboxcase_expect(const char *, const char *, int (*)(void), int);

/* 0, or errno of a failed call that returned -1. */
int	sandboxcase_errno(long);

#endif /* SANDBOXCASE_H */
