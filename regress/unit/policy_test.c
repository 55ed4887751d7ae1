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
#include <arpa/inet.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../resolver/policy.h"

static struct msg_addr	 addr(const char *);
static struct rec_cidr	 cidr(const char *, unsigned int);
static void		 table(void **);
static void		 allow(void **);
static void		 bounds(void **);
static void		 covers(void **);

static struct msg_addr
addr(const char *s)
{
	struct msg_addr	 a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, s, a.ip) == 1)
		a.af = 4;
	else if (inet_pton(AF_INET6, s, a.ip) == 1)
		a.af = 6;
	else
		fail_msg("%s is no address", s);
	return (a);
}

static struct rec_cidr
cidr(const char *s, unsigned int bits)
{
	struct rec_cidr	 c;

	memset(&c, 0, sizeof(c));
	c.net = addr(s);
	c.bits = bits;
	return (c);
}

/* Verdicts without any `network allow': a(llowed), p(rivate), n(ever). */
static const struct {
	const char	*ip;
	char		 verdict;
} cases[] = {
	{ "1.1.1.1", 'a' }, { "8.8.8.8", 'a' }, { "9.255.255.255", 'a' },
	{ "11.0.0.0", 'a' }, { "100.63.255.255", 'a' },
	{ "100.64.0.0", 'p' }, { "100.127.255.255", 'p' },
	{ "100.128.0.0", 'a' }, { "10.0.0.1", 'p' }, { "127.0.0.1", 'p' },
	{ "127.255.255.255", 'p' }, { "128.0.0.1", 'a' },
	{ "169.254.1.1", 'p' }, { "169.254.169.254", 'n' },
	{ "172.15.255.255", 'a' }, { "172.16.0.0", 'p' },
	{ "172.31.255.255", 'p' }, { "172.32.0.0", 'a' },
	{ "192.0.0.8", 'p' }, { "192.168.0.1", 'p' }, { "192.169.0.1", 'a' },
	{ "198.17.255.255", 'a' }, { "198.18.0.1", 'p' },
	{ "198.19.255.255", 'p' }, { "198.20.0.0", 'a' },
	{ "0.0.0.0", 'n' }, { "0.1.2.3", 'n' }, { "223.255.255.255", 'a' },
	{ "224.0.0.1", 'n' }, { "239.255.255.255", 'n' },
	{ "240.0.0.1", 'n' }, { "255.255.255.255", 'n' },
	{ "2606:4700::1111", 'a' }, { "::", 'n' }, { "::1", 'p' },
	{ "fe80::1", 'p' }, { "febf::1", 'p' }, { "fec0::1", 'p' },
	{ "fc00::1", 'p' }, { "fdff::1", 'p' }, { "fe00::1", 'a' },
	{ "fd00:ec2::254", 'n' }, { "fd00:ec2::253", 'p' },
	{ "ff02::1", 'n' },
	{ "::ffff:8.8.8.8", 'a' }, { "::ffff:127.0.0.1", 'p' },
	{ "::ffff:169.254.169.254", 'n' }, { "::ffff:0.0.0.0", 'n' },
	{ "::10.0.0.1", 'p' }, { "::8.8.8.8", 'a' },
	{ "64:ff9b::8.8.8.8", 'a' }, { "64:ff9b::10.1.2.3", 'p' },
	{ "64:ff9b::169.254.169.254", 'n' }, { "64:ff9b:1::1", 'p' },
	{ "2002:0808:0808::1", 'a' }, { "2002:7f00:0001::1", 'p' },
	{ "2002:a9fe:a9fe::1", 'n' },
	/* Teredo carries the client's address inverted. */
	{ "2001:0:0:0:0:0:f7f7:f7f7", 'a' },
	{ "2001:0:0:0:0:0:80ff:fffe", 'p' },
	{ "2001:0:0:0:0:0:5601:5601", 'n' }
};

static void
table(void **state)
{
	struct policy		 p;
	struct msg_addr		 a;
	enum policy_verdict	 want;
	size_t			 i;

	memset(&p, 0, sizeof(p));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		want = cases[i].verdict == 'a' ? POLICY_ALLOWED :
		    cases[i].verdict == 'p' ? POLICY_PRIVATE : POLICY_NEVER;
		a = addr(cases[i].ip);
		if (policy_check(&p, &a) != want)
			fail_msg("%s is not '%c'", cases[i].ip,
			    cases[i].verdict);
	}
	memset(&a, 0, sizeof(a));
	assert_int_equal(policy_check(&p, &a), POLICY_NEVER);
}

static void
allow(void **state)
{
	struct policy	 p;
	struct rec_cidr	 c;
	struct msg_addr	 a;

	memset(&p, 0, sizeof(p));
	c = cidr("10.20.0.0", 16);
	assert_int_equal(policy_add(&p, &c), 0);
	a = addr("10.20.30.40");
	assert_int_equal(policy_check(&p, &a), POLICY_ALLOWED);
	a = addr("10.21.0.0");
	assert_int_equal(policy_check(&p, &a), POLICY_PRIVATE);
	/* The IPv4 part decides for a mapped address too. */
	a = addr("::ffff:10.20.1.1");
	assert_int_equal(policy_check(&p, &a), POLICY_ALLOWED);

	/* Nothing opens what is never allowed. */
	c = cidr("0.0.0.0", 0);
	assert_int_equal(policy_add(&p, &c), 0);
	c = cidr("::", 0);
	assert_int_equal(policy_add(&p, &c), 0);
	a = addr("169.254.169.254");
	assert_int_equal(policy_check(&p, &a), POLICY_NEVER);
	a = addr("::ffff:169.254.169.254");
	assert_int_equal(policy_check(&p, &a), POLICY_NEVER);
	a = addr("fd00:ec2::254");
	assert_int_equal(policy_check(&p, &a), POLICY_NEVER);
	a = addr("fd00::1");
	assert_int_equal(policy_check(&p, &a), POLICY_ALLOWED);
}

static void
bounds(void **state)
{
	struct policy	 p;
	struct rec_cidr	 c;
	size_t		 i;

	memset(&p, 0, sizeof(p));
	c = cidr("10.0.0.0", 33);
	assert_int_equal(policy_add(&p, &c), -1);
	c = cidr("fc00::", 129);
	assert_int_equal(policy_add(&p, &c), -1);
	c.net.af = 0;
	c.bits = 0;
	assert_int_equal(policy_add(&p, &c), -1);
	c = cidr("10.0.0.0", 8);
	for (i = 0; i < POLICY_MAX; i++)
		assert_int_equal(policy_add(&p, &c), 0);
	assert_int_equal(policy_add(&p, &c), -1);
}

static void
covers(void **state)
{
	struct policy	 wide, narrow, none;
	struct rec_cidr	 c;

	memset(&wide, 0, sizeof(wide));
	memset(&narrow, 0, sizeof(narrow));
	memset(&none, 0, sizeof(none));
	c = cidr("10.0.0.0", 8);
	assert_int_equal(policy_add(&wide, &c), 0);
	c = cidr("10.1.0.0", 16);
	assert_int_equal(policy_add(&narrow, &c), 0);
	assert_int_equal(policy_covers(&wide, &narrow), 1);
	assert_int_equal(policy_covers(&narrow, &wide), 0);
	assert_int_equal(policy_covers(&narrow, &narrow), 1);
	assert_int_equal(policy_covers(&none, &narrow), 0);
	assert_int_equal(policy_covers(&none, &none), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(allow),
		cmocka_unit_test(bounds),
		cmocka_unit_test(covers)
	};

	return (cmocka_run_group_tests_name("policy", tests, NULL, NULL));
}
