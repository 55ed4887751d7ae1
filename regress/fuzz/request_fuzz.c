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
#include <stdio.h>

#include "http.h"
#include "http_fuzz.h"

/*
 * Requests.  The first byte chooses the limits (bit 0: small ones) and
 * whether the peer then closes (bit 1); the rest is what it sent.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_input	 in;

	if (n == 0)
		return (0);
	in.type = HTTP_REQUEST;
	in.method = HTTP_M_OTHER;
	in.limits = http_limits_default;
	if ((data[0] & 1) != 0) {
		in.limits.line = 48;
		in.limits.head = 96;
		in.limits.fields = 5;
	}
	in.eof = (data[0] & 2) != 0;
	in.data = (const char *)data + 1;
	in.len = n - 1;
	http_fuzz(&in);
	return (0);
}
