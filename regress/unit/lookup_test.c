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


/*
 * The resolver's questions and answers over a real link, with a real name
 * server (a child process on loopback) behind c-ares.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../resolver/dns.h"
#include "../../resolver/lookup.h"
#include "../../resolver/policy.h"
#include "codes.h"
#include "link.h"
#include "log.h"
#include "loop.h"

#define ANSWERS_MAX	64

static struct link	*ours, *theirs;
static struct msg_addrs	 answers[ANSWERS_MAX];
static struct rec_addr	 first[ANSWERS_MAX];
static unsigned int	 nanswers, wanted;
static char		 servers[64];
static pid_t		 server_pid;
static int		 count_fd;

static void	got_resolve(struct link *, struct msg *);
static void	got_addrs(struct link *, struct msg *);
static void	gone(struct link *);
static void	ask(uint32_t, uint64_t, const char *);
static void	collect(unsigned int);
static void	gave_up(int, short, void *);
static void	serve(int, int);
static size_t	reply(uint8_t *, size_t, const char *, int);
static unsigned int	queries(void);
static int	setup(void **);
static int	teardown(void **);
static void	literals(void **);
static void	loopback_names(void **);
static void	not_names(void **);
static void	names(void **);
static void	shared(void **);
static void	narrowed(void **);
static void	bounded(void **);

static const struct link_handler our_handlers[] = {
	{ MSG_RESOLVE, got_resolve },
	{ 0, NULL }
};
static const struct link_handler their_handlers[] = {
	{ MSG_ADDRS, got_addrs },
	{ 0, NULL }
};

static void
got_resolve(struct link *l, struct msg *m)
{
	lookup_ask(l, &m->u.resolve);
}

static void
got_addrs(struct link *l, struct msg *m)
{
	uint32_t	 id = m->u.addrs.id;

	assert_true(id < ANSWERS_MAX);
	answers[id] = m->u.addrs;
	answers[id].text = NULL;
	answers[id].addrs = NULL;
	if (m->u.addrs.addrs_n > 0)
		first[id] = m->u.addrs.addrs[0];
	if (++nanswers == wanted)
		loop_exit();
}

static void
gone(struct link *l)
{
	fail_msg("the link to %s has ended", link_name(l));
}

static void
ask(uint32_t id, uint64_t vault, const char *host)
{
	struct msg_resolve	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.vault = vault;
	m.host = host;
	m.port = 443;
	assert_int_equal(link_send(theirs, MSG_RESOLVE, &m, -1), 0);
}

static void
gave_up(int fd, short event, void *arg)
{
	loop_exit();
}

/* Runs the loop until n answers have come, or for three seconds. */
static void
collect(unsigned int n)
{
	struct timeval	 tv = { 3, 0 };
	struct event	 ev;

	wanted = n;
	nanswers = 0;
	evtimer_set(&ev, gave_up, NULL);
	evtimer_add(&ev, &tv);
	/* What was asked leaves at the end of a turn, so have one now. */
	loop_again();
	loop_run();
	evtimer_del(&ev);
	assert_int_equal(nanswers, n);
}

/*
 * good.test has 1.2.3.4, priv.test 10.0.0.1, mixed.test both; hole*.test is
 * never answered; everything else does not exist.
 */
static size_t
reply(uint8_t *p, size_t len, const char *name, int qtype)
{
	static const uint8_t	 head[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30,
	    0, 4 };
	static const uint8_t	 public[] = { 1, 2, 3, 4 };
	static const uint8_t	 private[] = { 10, 0, 0, 1 };
	int			 good, priv;

	good = strncmp(name, "good", 4) == 0 || strncmp(name, "mixed", 5) == 0;
	priv = strncmp(name, "priv", 4) == 0 || strncmp(name, "mixed", 5) == 0;
	p[2] = 0x81;
	p[3] = 0x80 | (good || priv ? 0 : 3);
	if (qtype != 1)
		return (len);
	if (good) {
		memcpy(p + len, head, sizeof(head));
		memcpy(p + len + sizeof(head), public, 4);
		len += sizeof(head) + 4;
		p[7]++;
	}
	if (priv) {
		memcpy(p + len, head, sizeof(head));
		memcpy(p + len + sizeof(head), private, 4);
		len += sizeof(head) + 4;
		p[7]++;
	}
	return (len);
}

static void
serve(int s, int out)
{
	struct sockaddr_in	 peer;
	socklen_t		 plen;
	uint8_t			 p[1024];
	char			 name[256];
	ssize_t			 n;
	size_t			 off, nl, end;

	for (;;) {
		plen = sizeof(peer);
		n = recvfrom(s, p, 512, 0, (struct sockaddr *)&peer, &plen);
		if (n < 17)
			continue;
		nl = 0;
		for (off = 12; off < (size_t)n && p[off] != 0;
		    off += p[off] + 1) {
			if (nl + p[off] + 1 >= sizeof(name))
				break;
			memcpy(name + nl, p + off + 1, p[off]);
			nl += p[off];
			name[nl++] = '.';
		}
		name[nl] = '\0';
		end = off + 5;
		(void)!write(out, "q", 1);
		if (strncmp(name, "hole", 4) == 0)
			continue;
		/* Only the question is kept: c-ares may add EDNS. */
		p[10] = p[11] = 0;
		p[6] = p[7] = p[8] = p[9] = 0;
		end = reply(p, end, name, p[off + 2]);
		sendto(s, p, end, 0, (struct sockaddr *)&peer, plen);
	}
}

static unsigned int
queries(void)
{
	char	 b[512];
	ssize_t	 n;

	n = read(count_fd, b, sizeof(b));
	return (n > 0 ? n : 0);
}

static int
setup(void **state)
{
	struct link_peer	 worker = { PROC_MITM, 0, 7 };
	struct link_peer	 self = { PROC_RESOLVER, 0, 8 };
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 sv[2], p[2], s;

	log_init("lookup_test", 0);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_not_equal(s, -1);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(s, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	server_pid = fork();
	assert_int_not_equal(server_pid, -1);
	if (server_pid == 0) {
		serve(s, p[1]);
		_exit(0);
	}
	close(s);
	close(p[1]);
	count_fd = p[0];

	(void)snprintf(servers, sizeof(servers), "127.0.0.1:%u",
	    ntohs(sin.sin_port));
	loop_init();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ours = link_new(sv[0], PROC_RESOLVER, &worker, our_handlers, gone,
	    NULL);
	theirs = link_new(sv[1], PROC_MITM, &self, their_handlers, gone,
	    NULL);
	lookup_init();
	return (dns_init("/dev/null", servers));
}

static int
teardown(void **state)
{
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
	return (0);
}

static void
literals(void **state)
{
	ask(0, 1, "9.9.9.9");
	ask(1, 1, "2606:4700::1111");
	ask(2, 1, "127.0.0.1");
	ask(3, 1, "::ffff:10.0.0.1");
	collect(4);
	assert_int_equal(answers[0].result, RESOLVE_OK);
	assert_int_equal(first[0].addr.port, 443);
	assert_int_equal(answers[1].result, RESOLVE_OK);
	assert_int_equal(first[1].addr.af, 6);
	assert_int_equal(answers[2].result, RESOLVE_BLOCKED);
	assert_int_equal(answers[3].result, RESOLVE_BLOCKED);
	assert_int_equal(queries(), 0);
}

static void
loopback_names(void **state)
{
	struct policy	 p;
	struct rec_cidr	 c = { { 4, 0, { 127 } }, 8 };

	ask(0, 1, "localhost");
	ask(1, 1, "a.LOCALHOST.");
	collect(2);
	assert_int_equal(answers[0].result, RESOLVE_BLOCKED);
	assert_int_equal(answers[1].result, RESOLVE_BLOCKED);
	memset(&p, 0, sizeof(p));
	assert_int_equal(policy_add(&p, &c), 0);
	lookup_policy(&p);
	ask(0, 1, "localhost");
	collect(1);
	assert_int_equal(answers[0].result, RESOLVE_OK);
	assert_int_equal(answers[0].addrs_n, 1);
	assert_int_equal(queries(), 0);
}

static void
not_names(void **state)
{
	ask(0, 1, "127.1");
	ask(1, 1, "0x7f000001");
	ask(2, 1, "2130706433");
	ask(3, 1, "a b.test");
	ask(4, 1, ".test");
	ask(5, 1, "");
	collect(6);
	while (nanswers-- > 0)
		assert_int_equal(answers[nanswers].result, RESOLVE_NOT_FOUND);
	assert_int_equal(queries(), 0);
}

static void
names(void **state)
{
	ask(0, 1, "good.test");
	ask(1, 1, "priv.test");
	ask(2, 1, "mixed.test");
	ask(3, 1, "none.test");
	collect(4);
	assert_int_equal(answers[0].result, RESOLVE_OK);
	assert_int_equal(answers[0].addrs_n, 1);
	assert_int_equal(first[0].addr.ip[0], 1);
	assert_in_range(answers[0].ttl, 1, 30);
	assert_int_equal(answers[1].result, RESOLVE_BLOCKED);
	/* Of several addresses those that may be dialled are given. */
	assert_int_equal(answers[2].result, RESOLVE_OK);
	assert_int_equal(answers[2].addrs_n, 1);
	assert_int_equal(first[2].addr.ip[0], 1);
	assert_int_equal(answers[3].result, RESOLVE_NOT_FOUND);
	assert_true(queries() >= 4);
	ask(0, 2, "GOOD.test.");
	collect(1);
	assert_int_equal(answers[0].result, RESOLVE_OK);
	assert_int_equal(queries(), 0);
}

static void
shared(void **state)
{
	uint32_t	 i;

	for (i = 0; i < 20; i++)
		ask(i, 1, "good-shared.test");
	collect(20);
	for (i = 0; i < 20; i++)
		assert_int_equal(answers[i].result, RESOLVE_OK);
	/* One look-up, of two families. */
	assert_true(queries() <= 2);
}

static void
narrowed(void **state)
{
	struct policy	 p;
	struct rec_cidr	 c = { { 4, 0, { 10 } }, 8 };

	memset(&p, 0, sizeof(p));
	assert_int_equal(policy_add(&p, &c), 0);
	lookup_policy(&p);
	ask(0, 1, "priv.test");
	collect(1);
	assert_int_equal(answers[0].result, RESOLVE_OK);
	(void)queries();
	memset(&p, 0, sizeof(p));
	lookup_policy(&p);
	ask(0, 1, "priv.test");
	collect(1);
	assert_int_equal(answers[0].result, RESOLVE_BLOCKED);
	/* It was asked for again: the cache was emptied. */
	assert_true(queries() >= 1);
}

/* One vault's black hole leaves room for the others. */
static void
bounded(void **state)
{
	char		 host[32];
	uint32_t	 i;

	for (i = 0; i < 33; i++) {
		(void)snprintf(host, sizeof(host), "hole%u.test", i);
		ask(i, 1, host);
	}
	collect(1);
	assert_int_equal(answers[32].result, RESOLVE_BUSY);
	ask(40, 2, "good-other.test");
	collect(1);
	assert_int_equal(answers[40].result, RESOLVE_OK);
	/* What a link that ended was waiting for no longer counts. */
	lookup_forget(ours);
	ask(41, 1, "good-more.test");
	collect(1);
	assert_int_equal(answers[41].result, RESOLVE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals),
		cmocka_unit_test(loopback_names),
		cmocka_unit_test(not_names),
		cmocka_unit_test(names),
		cmocka_unit_test(shared),
		cmocka_unit_test(narrowed),
		cmocka_unit_test(bounded)
	};

	return (cmocka_run_group_tests_name("lookup", tests, setup,
	    teardown));
}
