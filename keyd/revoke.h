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

#ifndef REVOKE_H
#define REVOKE_H

#include <sys/types.h>

#include <stdint.h>

#include "keyd.h"

/*
 * Revocations: telling the peers that hold what was taken away or changed,
 * and waiting until they have done it.  A peer that does not answer within a
 * second is killed; then its death counts as the answer.
 */

#define REVOKE_WAIT_MS	1000	/* for REVOKED, then KILL */
#define REVOKE_LATE_MS	6000	/* for the end of a killed peer */

struct revocation;

/*
 * Begin one.  `done' is called once, when all have answered: at once from
 * revoke_end() if there is nobody to wait for.  late is set if a killed peer
 * had not ended by REVOKE_LATE_MS.
 */
struct revocation *revoke_begin(void (*done)(void *, int late), void *);
void		 revoke_end(struct revocation *);

/* The leases of a vault are stale: workers take new ones. */
void		 revoke_stale(struct revocation *, uint64_t vault);

/* Cut what runs in a vault under a service, 0: under any. */
void		 revoke_cut(struct revocation *, uint64_t vault,
		    uint64_t service);

/*
 * Find all scopes and callers that the control state no longer bears out, end
 * them, and tell their peers.
 */
void		 revoke_sweep(struct revocation *);

/* REVOKED from a peer; 0, or -1 if it was not asked. */
int		 revoke_acked(struct peer *, uint64_t id);
void		 revoke_peer_gone(struct peer *);
void		 revoke_tick(uint64_t mono);

#endif /* REVOKE_H */
