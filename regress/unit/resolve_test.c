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
#include <sys/queue.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>

#include "codes.h"
#include "link.h"
#include "loop.h"
#include "resolve.h"

/*
 * Questions to a resolver that is played by the other end of a link.
 */

static const struct link_handler	 worker_handlers[] = {
	RESOLVE_HANDLERS,
	{ 0, NULL }
};

static void	 asked(struct link *, struct msg *);

static const struct link_handler	 resolver_handlers[] = {
	{ MSG_RESOLVE, asked },
	{ 0, NULL }
};

static struct link		*worker, *resolver;
static struct msg_resolve	 question;
static char			 host[256];
static unsigned int		 questions;

/* What the callback was told last. */
static unsigned int		 answers;
static int			 result;
static size_t			 naddrs;
static struct sockaddr_storage	 addr;

static void
asked(struct link *l, struct msg *m)
{
	question = m->u.resolve;
	(void)strlcpy(host, m->u.resolve.host, sizeof(host));
	questions++;
}

static void
told(const struct resolved *a, void *arg)
{
	answers++;
	result = a->result;
	naddrs = a->n;
	assert_non_null(a->text);
	if (a->n > 0)
		addr = a->addrs[0];
	assert_true((a->n > 0) == (a->result == RESOLVE_OK));
}

static void
turn(void)
{
	int	 i;

	for (i = 0; i < 3; i++) {
		if (worker != NULL)
			link_flush(worker);
		if (resolver != NULL)
			link_flush(resolver);
		assert_int_not_equal(event_loop(EVLOOP_NONBLOCK), -1);
	}
}

static void
closed(struct link *l)
{
	worker = NULL;
	resolve_closed(l);
}

static int
begin(void **state)
{
	struct link_peer	 w = { PROC_MITM, 0, 1 };
	struct link_peer	 r = { PROC_RESOLVER, 0, 2 };
	int			 sv[2];

	questions = answers = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		return (-1);
	worker = link_new(sv[0], PROC_MITM, &r, worker_handlers, closed, NULL);
	resolver = link_new(sv[1], PROC_RESOLVER, &w, resolver_handlers, NULL,
	    NULL);
	return (0);
}

static int
finish(void **state)
{
	if (resolver != NULL)
		link_close(resolver);
	resolver = NULL;
	turn();
	return (worker == NULL && resolve_pending() == 0 ? 0 : -1);
}

static void
answer(int how, uint32_t n, const struct rec_addr *addrs)
{
	struct msg_addrs	 m;

	memset(&m, 0, sizeof(m));
	m.id = question.id;
	m.result = how;
	m.text = "text";
	m.addrs = addrs;
	m.addrs_n = n;
	assert_int_equal(link_send(resolver, MSG_ADDRS, &m, -1), 0);
	turn();
}

static void
addresses(void **state)
{
	struct rec_addr		 a[40];
	struct sockaddr_in6	*sin6;
	struct sockaddr_in	*sin;
	int			 i;

	assert_non_null(resolve_ask(5, "up.test", 443, told, NULL));
	turn();
	assert_int_equal(questions, 1);
	assert_int_equal(question.vault, 5);
	assert_int_equal(question.port, 443);
	assert_string_equal(host, "up.test");
	memset(a, 0, sizeof(a));
	for (i = 0; i < 40; i++)
		a[i].addr.af = 4;
	a[0].addr.ip[0] = 192;
	a[0].addr.ip[3] = 1;
	/* Its port is not the resolver's business. */
	a[0].addr.port = 25;
	answer(RESOLVE_OK, 40, a);
	assert_int_equal(answers, 1);
	assert_int_equal(result, RESOLVE_OK);
	assert_int_equal(naddrs, RESOLVE_ADDRS);
	sin = (struct sockaddr_in *)&addr;
	assert_int_equal(sin->sin_family, AF_INET);
	assert_int_equal(ntohs(sin->sin_port), 443);
	assert_int_equal(ntohl(sin->sin_addr.s_addr), 0xc0000001);
	assert_non_null(resolve_ask(5, "up.test", 80, told, NULL));
	turn();
	a[0].addr.af = 6;
	a[0].addr.ip[15] = 9;
	answer(RESOLVE_OK, 1, a);
	sin6 = (struct sockaddr_in6 *)&addr;
	assert_int_equal(sin6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(sin6->sin6_port), 80);
	assert_int_equal(sin6->sin6_addr.s6_addr[15], 9);
	assert_int_equal(resolve_pending(), 0);
}

static void
refusals(void **state)
{
	struct rec_addr	 a;
	int		 how;

	memset(&a, 0, sizeof(a));
	a.addr.af = 4;
	for (how = RESOLVE_BLOCKED; how <= RESOLVE_BUSY; how++) {
		assert_non_null(resolve_ask(5, "up.test", 443, told, NULL));
		turn();
		/* Addresses that come with a no are not to be dialled. */
		answer(how, 1, &a);
		assert_int_equal(result, how);
		assert_int_equal(naddrs, 0);
	}
	assert_non_null(resolve_ask(5, "up.test", 443, told, NULL));
	turn();
	answer(RESOLVE_OK, 0, NULL);
	assert_int_equal(result, RESOLVE_NOT_FOUND);
}

static void
cancelled(void **state)
{
	struct resolve	*r;

	assert_non_null(r = resolve_ask(5, "up.test", 443, told, NULL));
	turn();
	resolve_cancel(r);
	answer(RESOLVE_FAILED, 0, NULL);
	assert_int_equal(answers, 0);
	assert_int_equal(resolve_pending(), 0);
	resolve_cancel(NULL);
}

/* Its death answers what waited, and there is none to ask after it. */
static void
death(void **state)
{
	int	 i;

	for (i = 0; i < 3; i++)
		assert_non_null(resolve_ask(5, "up.test", 443, told, NULL));
	turn();
	link_close(resolver);
	resolver = NULL;
	turn();
	assert_int_equal(answers, 3);
	assert_int_equal(result, RESOLVE_FAILED);
	assert_null(resolve_ask(5, "up.test", 443, told, NULL));
	assert_int_equal(answers, 4);
	assert_int_equal(result, RESOLVE_FAILED);
}

static void
bound(void **state)
{
	unsigned int	 i;

	for (i = 0; i < RESOLVE_PENDING; i++)
		assert_non_null(resolve_ask(5, "up.test", 443, told, NULL));
	assert_int_equal(answers, 0);
	assert_null(resolve_ask(5, "up.test", 443, told, NULL));
	assert_int_equal(answers, 1);
	assert_int_equal(result, RESOLVE_BUSY);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(addresses, begin, finish),
		cmocka_unit_test_setup_teardown(refusals, begin, finish),
		cmocka_unit_test_setup_teardown(cancelled, begin, finish),
		cmocka_unit_test_setup_teardown(death, begin, finish),
		cmocka_unit_test_setup_teardown(bound, begin, finish)
	};

	loop_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
