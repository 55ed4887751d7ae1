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


#ifndef INSTANT_H
#define INSTANT_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#define INSTANT_SIZE	sizeof("2026-11-25T08:00:00.000000Z")

/*
 * A time of RFC 3339 (years 0 to 9999, what is below a microsecond cut off),
 * or one before now, like 15m, 2h, 3d or 30s: in microseconds since the
 * epoch.  0 or -1.
 */
int	 instant_parse(const char *, int64_t now, int64_t *);
/* In RFC 3339, UTC, with microseconds. */
void	 instant_print(int64_t, char [INSTANT_SIZE]);

#endif /* INSTANT_H */
