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


#ifndef POLICY_H
#define POLICY_H

#include <sys/types.h>

#include <stdint.h>

#include "msg.h"

/*
 * Which addresses may be dialled for an agent.
 *
 * Some are never allowed: "this network" (0.0.0.0/8, ::), multicast,
 * broadcast, 240.0.0.0/4 and the cloud metadata services.  Some only when
 * `network allow' names them: loopback, private, link-local, shared (CGNAT),
 * unique local, site-local, benchmarking and protocol-assignment ranges.
 * All others are.  An IPv6 address that carries an IPv4 one (mapped,
 * compatible, NAT64, 6to4, Teredo) is judged by that one as well; it needs
 * what the stricter of the two needs.
 */

enum policy_verdict {
	POLICY_ALLOWED,
	POLICY_PRIVATE,		/* would need `network allow' */
	POLICY_NEVER
};

#define POLICY_MAX	256

struct policy {
	struct rec_cidr	 allow[POLICY_MAX];
	size_t		 n;
};

/* 0, or -1 when the list is full or the prefix length is out of range. */
int	 policy_add(struct policy *, const struct rec_cidr *);

enum policy_verdict	 policy_check(const struct policy *,
			    const struct msg_addr *);

/*
 * Whether every address that `old' allows is still allowed by `new'.
 * (Prefix by prefix: a range that was split in two counts as narrowed.)
 */
int	 policy_covers(const struct policy *new, const struct policy *old);

#endif /* POLICY_H */
