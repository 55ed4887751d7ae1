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
#include <sys/mman.h>

#include <errno.h>
#include <unistd.h>

#include "process.h"
#include "ring.h"

/* The reservation keeps others out of the place until both halves are in. */
uint8_t *
ring_map(size_t size)
{
	uint8_t	*base, *half;
	int	 fd, i, saved;

	if ((fd = process_shm(size)) == -1)
		return (NULL);
	base = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
	if (base == MAP_FAILED) {
		base = NULL;
		goto done;
	}
	for (i = 0; i < 2; i++) {
		half = mmap(base + i * size, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0);
		if (half == MAP_FAILED) {
			saved = errno;
			munmap(base, 2 * size);
			errno = saved;
			base = NULL;
			break;
		}
	}
 done:
	saved = errno;
	close(fd);
	errno = saved;
	return (base);
}
