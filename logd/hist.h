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

#ifndef HIST_H
#define HIST_H

#include <sys/types.h>

#include <stdint.h>

/*
 * Counts of latencies in buckets on a log scale, four in an octave from
 * 256 us on: what is read back is within an eighth of what was put in.  The
 * first bucket has everything below, the last everything from 19 hours up.
 */
#define HIST_BUCKETS	114
#define HIST_PACKED	(HIST_BUCKETS * 11)	/* at most */

struct hist {
	uint64_t	 n[HIST_BUCKETS];
};

/* The bucket of a time in microseconds, and the middle of a bucket. */
unsigned int	 hist_bucket(int64_t us);
int64_t		 hist_middle(unsigned int);

/*
 * As it is stored: for each bucket that is not empty its number and its
 * count, seven bits in a byte, the lowest first.  hist_pack() returns the
 * length; hist_unpack() adds to what is there and leaves out what it does not
 * understand.
 */
size_t		 hist_pack(const struct hist *, uint8_t *);
void		 hist_unpack(struct hist *, const uint8_t *, size_t);

/*
 * What so many thousandths of all do not exceed, in microseconds; -1 when
 * nothing was counted.
 */
int64_t		 hist_quantile(const struct hist *, unsigned int permille);

#endif /* HIST_H */
