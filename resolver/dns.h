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


#ifndef DNS_H
#define DNS_H

#include <sys/types.h>

#include <stdint.h>

#include "msg.h"

/*
 * Names to addresses by c-ares, asynchronously under libevent.
 *
 * The hosts file comes first, then the name servers of resolv.conf(5), over
 * UDP with a fall-back to TCP.  Search domains are not used, so that a name
 * means the same whoever asks.  Both files are looked at again, at most once
 * a second, and a new channel is made when one changed; look-ups under way
 * end on the old one.
 */

#define DNS_ADDRS_MAX	64

struct dns_answer {
	int		 result;	/* enum resolve_result */
	const char	*text;		/* why not, for people */
	uint32_t	 ttl;		/* seconds; the least of all */
	struct msg_addr	 addrs[DNS_ADDRS_MAX];	/* port 0 */
	size_t		 n;
};

/*
 * Once.  `resolvconf' is the path of the resolver's configuration; `servers'
 * is NULL, or a list "address:port,..." that replaces the name servers which
 * that file names, since it cannot name ports.  Returns -1 with a reason
 * logged when c-ares cannot be set up.
 */
int	 dns_init(const char *resolvconf, const char *servers);

/*
 * Look up the addresses of both families; `cb' is called exactly once, maybe
 * before dns_lookup() returns.  Bounded by c-ares' own time-outs to some ten
 * seconds a name server.
 */
void	 dns_lookup(const char *host,
	    void (*cb)(const struct dns_answer *, void *), void *arg);

#endif /* DNS_H */
