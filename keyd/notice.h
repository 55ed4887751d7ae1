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

#ifndef NOTICE_H
#define NOTICE_H

#include <sys/types.h>

#include <stdint.h>

#include "msg.h"

/*
 * Events for the request log that keyd writes itself: refused
 * authentications.  The first of a kind goes out at once; more of it in the
 * same second become one record with a count, and so does what comes while
 * there is no logd.  At most NOTICE_KINDS kinds are kept apart; the rest is
 * counted by code alone, without address or vault.
 */

#define NOTICE_KINDS	64

/* Sends one record; returns -1 if that cannot be done now. */
void	 notice_init(int (*send)(const struct msg_event *));

/* now is monotonic microseconds; the caller calls notice_tick() each second. */
void	 notice_add(uint8_t code, uint64_t vault, const struct msg_addr *,
	    uint64_t now);
void	 notice_tick(uint64_t now);

#endif /* NOTICE_H */
