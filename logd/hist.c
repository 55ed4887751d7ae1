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

#include "hist.h"

#define LOWEST	8	/* octave of the first bucket that has bounds */
#define SUB	2	/* bits: buckets in an octave */

unsigned int
hist_bucket(int64_t us)
{
	unsigned int	 octave, n;

	if (us < INT64_C(1) << LOWEST)
		return (0);
	octave = 63 - __builtin_clzll((unsigned long long)us);
	n = 1 + ((octave - LOWEST) << SUB) +
	    ((us >> (octave - SUB)) & ((1 << SUB) - 1));
	return (n < HIST_BUCKETS ? n : HIST_BUCKETS - 1);
}

int64_t
hist_middle(unsigned int n)
{
	int64_t		 unit;

	if (n == 0)
		return (INT64_C(1) << (LOWEST - 1));
	n--;
	unit = INT64_C(1) << ((n >> SUB) + LOWEST - SUB);
	return (unit * ((1 << SUB) + (n & ((1 << SUB) - 1))) + unit / 2);
}

size_t
hist_pack(const struct hist *h, uint8_t *p)
{
	uint64_t	 v;
	size_t		 len = 0;
	unsigned int	 i;

	for (i = 0; i < HIST_BUCKETS; i++) {
		if ((v = h->n[i]) == 0)
			continue;
		p[len++] = i;
		for (; v > 0x7f; v >>= 7)
			p[len++] = (v & 0x7f) | 0x80;
		p[len++] = v;
	}
	return (len);
}

void
hist_unpack(struct hist *h, const uint8_t *p, size_t len)
{
	const uint8_t	*end = p + len;
	uint64_t	 v;
	unsigned int	 n, shift;

	while (p < end) {
		n = *p++;
		v = 0;
		for (shift = 0; p < end && shift < 64; shift += 7) {
			v |= (uint64_t)(*p & 0x7f) << shift;
			if ((*p++ & 0x80) == 0)
				break;
		}
		if (n < HIST_BUCKETS)
			h->n[n] += v;
	}
}

int64_t
hist_quantile(const struct hist *h, unsigned int permille)
{
	uint64_t	 all = 0, sum = 0, want;
	unsigned int	 i;

	for (i = 0; i < HIST_BUCKETS; i++)
		all += h->n[i];
	if (all == 0)
		return (-1);
	want = (all / 1000) * permille + (all % 1000 * permille + 999) / 1000;
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		sum += h->n[i];
		if (sum >= want && sum > 0)
			break;
	}
	return (hist_middle(i));
}
