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

#include <string.h>

#include "policy.h"

struct range {
	uint8_t			 af;
	uint8_t			 bits;
	uint8_t			 net[16];
	enum policy_verdict	 verdict;
};

/* The first range that holds an address decides. */
static const struct range ranges[] = {
	{ 4, 32, { 169, 254, 169, 254 }, POLICY_NEVER },
	{ 4, 8, { 0 }, POLICY_NEVER },
	{ 4, 4, { 224 }, POLICY_NEVER },
	{ 4, 4, { 240 }, POLICY_NEVER },
	{ 4, 8, { 10 }, POLICY_PRIVATE },
	{ 4, 10, { 100, 64 }, POLICY_PRIVATE },
	{ 4, 8, { 127 }, POLICY_PRIVATE },
	{ 4, 16, { 169, 254 }, POLICY_PRIVATE },
	{ 4, 12, { 172, 16 }, POLICY_PRIVATE },
	{ 4, 24, { 192, 0, 0 }, POLICY_PRIVATE },
	{ 4, 16, { 192, 168 }, POLICY_PRIVATE },
	{ 4, 15, { 198, 18 }, POLICY_PRIVATE },
	{ 6, 128, { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 },
	    POLICY_NEVER },
	{ 6, 128, { 0 }, POLICY_NEVER },
	{ 6, 8, { 0xff }, POLICY_NEVER },
	{ 6, 128, { [15] = 1 }, POLICY_PRIVATE },
	/* NAT64 for local use, RFC 8215: where its IPv4 part is may vary. */
	{ 6, 48, { 0, 0x64, 0xff, 0x9b, 0, 1 }, POLICY_PRIVATE },
	{ 6, 10, { 0xfe, 0x80 }, POLICY_PRIVATE },
	{ 6, 10, { 0xfe, 0xc0 }, POLICY_PRIVATE },
	{ 6, 7, { 0xfc }, POLICY_PRIVATE }
};

/* IPv6 prefixes whose addresses carry an IPv4 address, and where. */
static const struct {
	uint8_t	 bits;
	uint8_t	 net[16];
	uint8_t	 off;
	uint8_t	 mask;
} embeds[] = {
	{ 96, { [10] = 0xff, [11] = 0xff }, 12, 0x00 },	/* mapped */
	{ 96, { 0 }, 12, 0x00 },			/* compatible */
	{ 96, { 0, 0x64, 0xff, 0x9b }, 12, 0x00 },	/* NAT64, RFC 6052 */
	{ 16, { 0x20, 0x02 }, 2, 0x00 },		/* 6to4, RFC 3056 */
	{ 32, { 0x20, 0x01 }, 12, 0xff }		/* Teredo, RFC 4380 */
};

static int			 in_prefix(const uint8_t *, const uint8_t *,
				    unsigned int);
static int			 embedded(const struct msg_addr *,
				    struct msg_addr *);
static enum policy_verdict	 range_check(const struct policy *,
				    const struct msg_addr *);
static int			 allowed(const struct policy *, uint8_t,
				    const uint8_t *, unsigned int);

static int
in_prefix(const uint8_t *ip, const uint8_t *net, unsigned int bits)
{
	unsigned int	 bytes = bits / 8, rest = bits % 8;
	uint8_t		 mask;

	if (memcmp(ip, net, bytes) != 0)
		return (0);
	if (rest == 0)
		return (1);
	mask = 0xff << (8 - rest);
	return ((ip[bytes] & mask) == (net[bytes] & mask));
}

static int
allowed(const struct policy *p, uint8_t af, const uint8_t *ip,
    unsigned int bits)
{
	const struct rec_cidr	*c;
	size_t			 i;

	for (i = 0; i < p->n; i++) {
		c = &p->allow[i];
		if (c->net.af == af && c->bits <= bits &&
		    in_prefix(ip, c->net.ip, c->bits))
			return (1);
	}
	return (0);
}

int
policy_add(struct policy *p, const struct rec_cidr *c)
{
	if (p->n == POLICY_MAX)
		return (-1);
	if (!(c->net.af == 4 && c->bits <= 32) &&
	    !(c->net.af == 6 && c->bits <= 128))
		return (-1);
	p->allow[p->n++] = *c;
	return (0);
}

static enum policy_verdict
range_check(const struct policy *p, const struct msg_addr *a)
{
	size_t	 i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (ranges[i].af != a->af ||
		    !in_prefix(a->ip, ranges[i].net, ranges[i].bits))
			continue;
		if (ranges[i].verdict == POLICY_NEVER)
			return (POLICY_NEVER);
		return (allowed(p, a->af, a->ip, a->af == 4 ? 32 : 128) ?
		    POLICY_ALLOWED : POLICY_PRIVATE);
	}
	return (POLICY_ALLOWED);
}

/* ::1 and :: are themselves, not IPv4-compatible addresses. */
static int
embedded(const struct msg_addr *a, struct msg_addr *v4)
{
	static const uint8_t	 zero[15];
	size_t			 i, j;

	if (a->af != 6 || (memcmp(a->ip, zero, 15) == 0 && a->ip[15] <= 1))
		return (0);
	for (i = 0; i < sizeof(embeds) / sizeof(embeds[0]); i++) {
		if (!in_prefix(a->ip, embeds[i].net, embeds[i].bits))
			continue;
		memset(v4, 0, sizeof(*v4));
		v4->af = 4;
		for (j = 0; j < 4; j++)
			v4->ip[j] = a->ip[embeds[i].off + j] ^ embeds[i].mask;
		return (1);
	}
	return (0);
}

enum policy_verdict
policy_check(const struct policy *p, const struct msg_addr *a)
{
	enum policy_verdict	 v, inner = POLICY_ALLOWED;
	struct msg_addr		 v4;

	if (a->af != 4 && a->af != 6)
		return (POLICY_NEVER);
	v = range_check(p, a);
	if (embedded(a, &v4))
		inner = range_check(p, &v4);
	return (v > inner ? v : inner);
}

int
policy_covers(const struct policy *new, const struct policy *old)
{
	const struct rec_cidr	*c;
	size_t			 i;

	for (i = 0; i < old->n; i++) {
		c = &old->allow[i];
		if (!allowed(new, c->net.af, c->net.ip, c->bits))
			return (0);
	}
	return (1);
}
