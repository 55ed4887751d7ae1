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

#ifndef CALLS_H
#define CALLS_H

#include <sys/types.h>

#include <stdint.h>

/*
 * System calls by promise, as words in a string.  Names that this architecture
 * or libseccomp does not know are skipped, so that a list can name what only
 * one libc or a newer kernel uses.
 */
struct calls {
	uint32_t	 promises;	/* any of these; 0: whatever else */
	const char	*names;
};

/* Allowed, whatever the arguments.  Ends with names NULL. */
extern const struct calls	calls_allow[];
/* Fail with EACCES or EPERM unless one of the promises is made. */
extern const struct calls	calls_eacces[];
extern const struct calls	calls_eperm[];
/* Kill unless one of the promises is made. */
extern const struct calls	calls_kill[];

#endif /* CALLS_H */
