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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "record.h"
#include "url.h"

#define POOL	1024

static uint8_t	 path_default = PATH_FULL;

static size_t	 path_first(const char *, size_t);

/*
 * arc4random_buf(3) is three system calls with some C libraries, so it is
 * asked for many bytes at once.
 */
void
record_random(void *dst, size_t n)
{
	static uint8_t	 pool[POOL];
	static size_t	 left;
	uint8_t		*p = dst;
	size_t		 take;

	for (; n > 0; n -= take, p += take) {
		if (left == 0) {
			arc4random_buf(pool, sizeof(pool));
			left = sizeof(pool);
		}
		take = n < left ? n : left;
		memcpy(p, pool + sizeof(pool) - left, take);
		left -= take;
	}
}

void
record_id(uint8_t id[16], int64_t start)
{
	uint64_t	 ms = start / 1000;
	uint32_t	 frac = start % 1000 * 4096 / 1000;
	int		 i;

	for (i = 5; i >= 0; i--, ms >>= 8)
		id[i] = ms & 0xff;
	id[6] = 0x70 | frac >> 8;
	id[7] = frac & 0xff;
	record_random(id + 8, 8);
	id[8] = (id[8] & 0x3f) | 0x80;
}

void
record_id_text(char dst[RECORD_ID_TEXT], const uint8_t id[16])
{
	static const char	 hex[] = "0123456789abcdef";
	int			 i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*dst++ = '-';
		*dst++ = hex[id[i] >> 4];
		*dst++ = hex[id[i] & 0xf];
	}
	*dst = '\0';
}

/*
 * Where the first segment ends.  An upstream may take an encoded slash or a
 * backslash for a slash, so what is behind one is left out as well.
 */
static size_t
path_first(const char *s, size_t n)
{
	size_t	 i;

	for (i = 1; i < n; i++) {
		if (s[i] == '/' || s[i] == '\\' || s[i] == '?' || s[i] == '#')
			break;
		if (s[i] == '%' && n - i >= 3 &&
		    (strncasecmp(s + i, "%2f", 3) == 0 ||
		    strncasecmp(s + i, "%5c", 3) == 0))
			break;
	}
	return (i < n ? i : n);
}

uint8_t
record_path(char dst[RECORD_PATH], const char *target, size_t n, uint8_t mode)
{
	size_t	 len;
	uint8_t	 flags = 0;
	int	 cut;

	if (mode == PATH_DEFAULT)
		mode = path_default;
	if (mode == PATH_NONE) {
		*dst = '\0';
		return (PATHF_NONE);
	}
	n = url_path_len(target, n);
	if (mode == PATH_PREFIX) {
		len = path_first(target, n);
		if (len < n)
			flags |= PATHF_PREFIX;
		n = len;
	}
	(void)url_log_path(dst, RECORD_PATH, target, n, &cut);
	if (cut)
		flags |= PATHF_CUT;
	return (flags);
}

void
record_path_default(uint8_t mode)
{
	path_default = mode == PATH_DEFAULT ? PATH_FULL : mode;
}
