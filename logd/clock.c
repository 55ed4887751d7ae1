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

#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "loop.h"

#define SECOND	INT64_C(1000000)

static int64_t	 latest;

static int64_t	clock_since_boot(void);

/* CLOCK_BOOTTIME goes on while the machine sleeps. */
static int64_t
clock_since_boot(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_BOOTTIME, &ts) == -1)
		fatal("clock_gettime");
	return ((int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000);
}

int64_t
clock_now(void)
{
	int64_t	 now = loop_wall();

	if (now > latest)
		latest = now;
	return (latest);
}

void
clock_atleast(int64_t us)
{
	if (us > latest)
		latest = us;
}

int64_t
clock_step(void)
{
	static int64_t	 last;
	static int	 known;
	int64_t		 diff, step;

	diff = loop_wall() - clock_since_boot();
	step = known ? diff - last : 0;
	last = diff;
	known = 1;
	return (step > SECOND || step < -SECOND ? step : 0);
}

int64_t
clock_boot(void)
{
	return ((loop_wall() - clock_since_boot()) / SECOND);
}
