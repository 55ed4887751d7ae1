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

#include "codes.h"
#include "msg.h"

/*
 * Events for the request log that keyd writes itself: refused
 * authentications.  The first of a kind goes out at once; more of it in the
 * same second become one record with a count, and so does what comes while
 * there is no logd.  At most NOTICE_KINDS kinds are kept apart; the rest is
 * counted by code alone, without address, vault or detail.
 *
 * Records are numbered from 1 over the life of the database and kept until
 * logd has committed them, so that each is there once however often logd
 * dies.  With NOTICE_SENT of them not committed the counts wait.
 */

#define NOTICE_KINDS	64
#define NOTICE_SENT	256
#define NOTICE_DETAIL	320	/* bytes, with the NUL */

/* Sends one record; returns -1 if that cannot be done now. */
void	 notice_init(int (*send)(const struct msg_event *));

/*
 * logd is there, and has committed all up to this number: what comes after it
 * is sent again.  And it has gone.
 */
void	 notice_synced(uint64_t);
void	 notice_gone(void);
/* Committed up to this number; returns -1 if it was never sent. */
int	 notice_acked(uint64_t);

/*
 * Count one.  detail is a JSON object, never with a secret in it; what does
 * not fit NOTICE_DETAIL goes without.  now is monotonic microseconds; the
 * caller calls notice_tick() each second.
 */
void	 notice_add(enum event_code, uint64_t vault, const struct msg_addr *,
	    const char *detail, uint64_t now);
void	 notice_tick(uint64_t now);
/* Send the counts before their second is over: somebody may stop soon. */
void	 notice_flush(void);

#endif /* NOTICE_H */
