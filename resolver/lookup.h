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


#ifndef LOOKUP_H
#define LOOKUP_H

#include <sys/types.h>

#include <stdint.h>

#include "dns.h"
#include "link.h"
#include "policy.h"

/*
 * What workers ask: names to addresses that may be dialled, with the bounds
 * that keep one agent's black-hole name server from starving the rest.
 *
 * At most 32 questions wait for a vault and 1024 in all; more are answered
 * RESOLVE_BUSY at once.  An answer comes within 8 seconds, RESOLVE_TIMEOUT if
 * need be.  Questions for one name share a look-up.  Answers are kept for
 * their TTL, 60 seconds at most, 1024 names, the least recently used going
 * first; the policy is applied to each answer anew, so a change of it is in
 * force at once.
 */

void	 lookup_init(void);
void	 lookup_ask(struct link *, const struct msg_resolve *);
/* Forget what a link that has ended was waiting for. */
void	 lookup_forget(struct link *);
/* The policy in force; it is copied.  A narrower one empties the cache. */
void	 lookup_policy(const struct policy *);
void	 lookup_stats(void);

#endif /* LOOKUP_H */
