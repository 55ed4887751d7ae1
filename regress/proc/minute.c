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
 * Linked with api, this has a minute pass within three seconds: how long a
 * client may leave an answer unread.  So does what is left of the two seconds
 * to close in.  What a request has to come in is left alone, so that a loaded
 * machine is quick enough for it.
 */

#include <sys/types.h>

#include "conn.h"

#define SHORT_MS	5000
#define LONG_MS		(60 * 1000)
#define TIMES		20

void	 __real_conn_timer(struct conn *, enum conn_timer, unsigned int);
void	 __wrap_conn_timer(struct conn *, enum conn_timer, unsigned int);
void	 __real_conn_close(struct conn *, unsigned int);
void	 __wrap_conn_close(struct conn *, unsigned int);

static unsigned int
minute(unsigned int ms)
{
	return (ms < SHORT_MS || ms >= LONG_MS ? ms / TIMES : ms);
}

void
__wrap_conn_timer(struct conn *c, enum conn_timer timer, unsigned int ms)
{
	__real_conn_timer(c, timer, minute(ms));
}

void
__wrap_conn_close(struct conn *c, unsigned int ms)
{
	__real_conn_close(c, minute(ms));
}
