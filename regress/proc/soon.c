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

/*
 * Linked with a program, this has ten minutes pass within some seconds: how
 * long a client may leave an answer unread, say.  Timers that are shorter are
 * left alone.
 */

#include <sys/types.h>

#include "conn.h"

#define LONG_MS		(10 * 60 * 1000)
#define SOON_MS		2500

void	 __real_conn_timer(struct conn *, enum conn_timer, unsigned int);
void	 __wrap_conn_timer(struct conn *, enum conn_timer, unsigned int);

void
__wrap_conn_timer(struct conn *c, enum conn_timer timer, unsigned int ms)
{
	__real_conn_timer(c, timer, ms >= LONG_MS ? SOON_MS : ms);
}
