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


#ifndef RECORD_H
#define RECORD_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/*
 * What a record of the request log says that is not simply copied.
 */

#define RECORD_PATH	2049	/* a recorded path with its NUL */

/*
 * A request id: UUID version 7 (RFC 9562) for a start in microseconds since
 * the epoch: 48 bits of milliseconds, then as rand_a the fraction of the
 * millisecond in 1/4096, then random bits.
 */
void	 record_id(uint8_t id[16], int64_t start);

/* In the usual form: 36 characters and a NUL. */
#define RECORD_ID_TEXT	37
void	 record_id_text(char dst[RECORD_ID_TEXT], const uint8_t id[16]);

/* n bytes from a pool of arc4random(3); not for secrets. */
void	 record_random(void *, size_t n);

/*
 * The path for a record, from a target as the client sent it: up to '?',
 * undecoded, bytes that are not printable ASCII percent-encoded, cut at
 * RECORD_PATH.  mode is enum path_mode; PATH_DEFAULT is what was given to
 * record_path_default().  With PATH_PREFIX only the first segment is left, of
 * which an encoded slash or a backslash is an end too; with PATH_NONE
 * nothing.  Returns the PATHF_* flags for path_cut: PATHF_NONE always with
 * that mode, PATHF_PREFIX when something was left out.
 */
uint8_t	 record_path(char dst[RECORD_PATH], const char *target, size_t n,
	    uint8_t mode);

/* What PATH_DEFAULT means; PATH_FULL at start. */
void	 record_path_default(uint8_t mode);

#endif /* RECORD_H */
