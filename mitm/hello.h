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

#ifndef HELLO_H
#define HELLO_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/*
 * The name in a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3),
 * looked at before the handshake, because a server can refuse one only then.
 * Nothing else of it is judged: that is libtls' business.
 */

enum hello_rc {
	HELLO_BAD = -1,		/* not a ClientHello, or past a bound */
	HELLO_MORE,
	HELLO_DONE
};

#define HELLO_MAX	(64 * 1024)	/* of the message */
#define HELLO_RECORDS	64		/* that it may be spread over */
#define HELLO_NAME	256

/*
 * Look at the n bytes that a client began with.  With HELLO_DONE the name is
 * there, "" if none was sent; one that no host name can be is HELLO_BAD.
 */
enum hello_rc	 hello_parse(const uint8_t *, size_t n, char name[HELLO_NAME]);

#endif /* HELLO_H */
