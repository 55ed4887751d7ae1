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

#ifndef CLOCK_H
#define CLOCK_H

#include <sys/types.h>

#include <stdint.h>

/*
 * The wall clock of the log: microseconds since the epoch that never run
 * backwards, whatever happens to the system's clock.
 */
int64_t	 clock_now(void);
/* It has been this late already, in an earlier life. */
void	 clock_atleast(int64_t us);

/*
 * How far, in microseconds, the system's clock has been moved since the last
 * call; 0 for less than a second.
 */
int64_t	 clock_step(void);

/*
 * When the machine was started, in seconds since the epoch: a step of the
 * clock moves it too.  Two values more than CLOCK_BOOT_SLACK apart are two
 * starts, or a step that nobody saw.
 */
#define CLOCK_BOOT_SLACK	5
int64_t	 clock_boot(void);

#endif /* CLOCK_H */
