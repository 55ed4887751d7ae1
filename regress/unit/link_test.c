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
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
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
#include <imsg.h>

#include "link.h"
#include "log.h"
#include "loop.h"

#define MANY	200

static int		 turns_left;
static int		 got, ended, bad, kept = -1;
static uint64_t		 seqs[MANY];
static struct link	*to_pause;
static char		 bad_why[64];

static void	begin(struct link *, struct msg *);
static void	ack(struct link *, struct msg *);
static void	any(struct link *, struct msg *);
static void	peer(struct link *, struct msg *);
static void	closes(struct link *, struct msg *);

/* logd's view of a worker, and the other way round. */
static const struct link_handler	 logd_side[] = {
	{ MSG_HELLO,	any },
	{ MSG_BEGIN,	begin },
	{ MSG_BYE,	closes },
	{ MSG_NONE,	NULL }
};
static const struct link_handler	 worker_side[] = {
	{ MSG_ACK,	ack },
	{ MSG_NONE,	NULL }
};
static const struct link_handler	 child_side[] = {
	{ MSG_START,	any },
	{ MSG_PEER,	peer },
	{ MSG_NONE,	NULL }
};
static const struct link_handler	 parent_side[] = {
	{ MSG_LOG,	any },
	{ MSG_NONE,	NULL }
};
static const struct link_handler	 sync_side[] = {
	{ MSG_COMMIT,	any },
	{ MSG_NONE,	NULL }
};

static void
begin(struct link *l, struct msg *m)
{
	if (got < MANY)
		seqs[got] = m->u.begin.seq;
	got++;
	if (l == to_pause)
		link_pause(l);
}

static void
ack(struct link *l, struct msg *m)
{
	got++;
}

static void
any(struct link *l, struct msg *m)
{
	got++;
}

static void
peer(struct link *l, struct msg *m)
{
	got++;
	kept = m->fd;
	/* Odd instances are kept. */
	if (m->u.peer.instance & 1)
		m->fd = -1;
}

static void
closes(struct link *l, struct msg *m)
{
	got++;
	link_close(l);
	link_close(l);
	assert_int_equal(link_send(l, MSG_ACK, &m->u.ack, -1), 0);
	assert_int_equal(link_queued(l), 0);
}

static void
closed(struct link *l)
{
	ended++;
}

static void
on_bad(const struct link_peer *p, const char *why)
{
	bad++;
	(void)strlcpy(bad_why, why, sizeof(bad_why));
}

static void
turn(void *arg)
{
	if (--turns_left <= 0)
		loop_exit();
	else
		loop_again();
}

static void
turns(int n)
{
	turns_left = n;
	loop_run();
}

static struct link *
make(int fd, enum proc self, enum proc with, const struct link_handler *h)
{
	struct link_peer	 p = { with, 1, 99 };

	return (link_new(fd, self, &p, h, closed, NULL));
}

static void
pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
}

static int
setup(void **state)
{
	got = ended = bad = 0;
	kept = -1;
	to_pause = NULL;
	memset(seqs, 0, sizeof(seqs));
	memset(&link_counters, 0, sizeof(link_counters));
	return (0);
}

static void
close_it(struct link *l, void *arg)
{
	link_close(l);
}

static int
teardown(void **state)
{
	int	 p;

	for (p = 0; p < PROC_MAX; p++)
		link_foreach(p, close_it, NULL);
	turns(2);
	return (0);
}

/* Run in a process of its own; returns its exit status, -1 for a signal. */
static int
status_of(void (*fn)(void))
{
	int	 status;
	pid_t	 pid;

	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void
send_begins(struct link *l, int n)
{
	struct msg_begin	 m;
	int			 i;

	memset(&m, 0, sizeof(m));
	m.path = "/some/path/that/takes/a/little/room";
	for (i = 1; i <= n; i++) {
		m.seq = i;
		assert_int_equal(link_send(l, MSG_BEGIN, &m, -1), 0);
	}
}

static void
test_order(void **state)
{
	struct link	*a, *b;
	int		 fds[2], i;

	pair(fds);
	a = make(fds[0], PROC_MITM, PROC_LOGD, worker_side);
	b = make(fds[1], PROC_LOGD, PROC_MITM, logd_side);
	assert_string_equal(link_name(b), "mitm 1");
	assert_string_equal(link_name(a), "logd");
	assert_int_equal(link_peer(b)->instance, 99);
	send_begins(a, MANY);
	assert_int_equal(link_queued(a), MANY);
	turns(20);
	assert_int_equal(link_queued(a), 0);
	assert_int_equal(got, MANY);
	for (i = 0; i < MANY; i++)
		assert_int_equal(seqs[i], i + 1);
	assert_ptr_equal(link_find(PROC_MITM), b);
	link_close(a);
	turns(3);
	assert_int_equal(ended, 1);
	assert_null(link_find(PROC_MITM));
	assert_int_equal(link_counters.received, MANY);
	assert_int_equal(link_counters.sent, MANY);
}

static void
test_big(void **state)
{
	struct rec_object	 o[3];
	struct msg_commit	 m;
	struct msg_log		 log;
	struct link		*a, *p;
	uint8_t			*body;
	char			 text[1026];
	int			 fds[2], more[2];

	pair(fds);
	pair(more);
	a = make(fds[0], PROC_KEYD, PROC_LOGD, worker_side);
	make(fds[1], PROC_LOGD, PROC_KEYD, sync_side);
	p = make(more[0], PROC_KEYD, PROC_PARENT, child_side);
	assert_non_null(body = calloc(1, 49153));
	memset(o, 0, sizeof(o));
	memset(&m, 0, sizeof(m));
	o[0].body.data = o[1].body.data = o[2].body.data = body;
	o[0].body.len = o[1].body.len = 49152;
	m.objects = o;
	m.objects_n = 2;
	assert_int_equal(link_send(a, MSG_COMMIT, &m, -1), 0);
	/* One field over its cap, then the whole over what a link takes. */
	o[0].body.len = 49153;
	assert_int_equal(link_send(a, MSG_COMMIT, &m, -1), -1);
	assert_int_equal(errno, EMSGSIZE);
	o[0].body.len = o[2].body.len = 49152;
	m.objects_n = 3;
	assert_int_equal(link_send(a, MSG_COMMIT, &m, -1), -1);
	assert_int_equal(errno, EMSGSIZE);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log.priority = 1;
	log.text = text;
	assert_int_equal(link_send(p, MSG_LOG, &log, -1), -1);
	assert_int_equal(errno, EMSGSIZE);
	turns(20);
	assert_int_equal(got, 1);
	assert_int_equal(bad, 0);
	free(body);
	close(more[1]);
}

static void
test_descriptors(void **state)
{
	struct msg_peer	 m;
	struct link	*p;
	int		 fds[2], fd;

	pair(fds);
	p = make(fds[0], PROC_PARENT, PROC_PROXY, parent_side);
	make(fds[1], PROC_PROXY, PROC_PARENT, child_side);
	memset(&m, 0, sizeof(m));
	m.instance = 1;
	assert_true((fd = open("/dev/null", O_RDONLY)) != -1);
	assert_int_equal(link_send(p, MSG_PEER, &m, fd), 0);
	turns(5);
	assert_int_equal(got, 1);
	assert_true(kept != -1);
	/* The sender's is gone, the receiver's stays for who took it. */
	assert_int_not_equal(fcntl(kept, F_GETFD), -1);
	close(kept);
	m.instance = 2;
	assert_true((fd = open("/dev/null", O_RDONLY)) != -1);
	assert_int_equal(link_send(p, MSG_PEER, &m, fd), 0);
	turns(5);
	assert_int_equal(got, 2);
	assert_int_equal(fcntl(kept, F_GETFD), -1);
	assert_int_equal(link_counters.lost_fds, 0);
	assert_int_equal(link_send(p, MSG_PEER, &m, -1), 0);
	turns(5);
	assert_int_equal(got, 3);
	assert_int_equal(kept, -1);
	assert_int_equal(link_counters.lost_fds, 1);
	assert_int_equal(bad + ended, 0);
}

/*
 * A worker that is killed: what it had sent is read to the last message, with
 * acknowledgements that it never read waiting for it, and writes failing.
 */
static void
test_killed(void **state)
{
	struct msg_ack	 m = { 1 };
	struct link	*l;
	int		 fds[2], i, status, ready[2];
	pid_t		 pid;
	char		 ch;

	pair(fds);
	assert_int_equal(pipe(ready), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		close(fds[1]);
		l = make(fds[0], PROC_MITM, PROC_LOGD, worker_side);
		send_begins(l, MANY);
		(void)link_drain_out(l, 5000);
		if (write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(fds[0]);
	assert_int_equal(read(ready[0], &ch, 1), 1);
	l = make(fds[1], PROC_LOGD, PROC_MITM, logd_side);
	for (i = 0; i < 10; i++)
		assert_int_equal(link_send(l, MSG_ACK, &m, -1), 0);
	link_flush(l);
	assert_int_equal(link_queued(l), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(link_send(l, MSG_ACK, &m, -1), 0);
	link_flush(l);
	assert_int_equal(link_counters.write_errors, 1);
	assert_int_equal(link_send(l, MSG_ACK, &m, -1), 0);
	assert_int_equal(link_queued(l), 0);
	assert_int_equal(ended, 0);
	turns(20);
	assert_int_equal(got, MANY);
	assert_int_equal(seqs[MANY - 1], MANY);
	assert_int_equal(ended, 1);
	assert_int_equal(bad, 0);
	close(ready[0]);
	close(ready[1]);
}

static void
test_pause(void **state)
{
	struct link	*a, *b;
	int		 fds[2], i;

	pair(fds);
	a = make(fds[0], PROC_MITM, PROC_LOGD, worker_side);
	b = make(fds[1], PROC_LOGD, PROC_MITM, logd_side);
	to_pause = b;
	send_begins(a, 10);
	for (i = 1; i <= 5; i++) {
		turns(5);
		assert_int_equal(got, i);
		link_resume(b);
	}
	/* The end waits too. */
	link_close(a);
	turns(5);
	assert_int_equal(got, 6);
	assert_int_equal(ended, 0);
	to_pause = NULL;
	link_resume(b);
	turns(5);
	assert_int_equal(got, 10);
	assert_int_equal(ended, 1);
}

static void
test_close_in_handler(void **state)
{
	struct msg_bye	 bye = { 1 };
	struct link	*a;
	int		 fds[2];

	pair(fds);
	a = make(fds[0], PROC_MITM, PROC_LOGD, worker_side);
	make(fds[1], PROC_LOGD, PROC_MITM, logd_side);
	send_begins(a, 3);
	assert_int_equal(link_send(a, MSG_BYE, &bye, -1), 0);
	send_begins(a, 3);
	turns(5);
	assert_int_equal(got, 4);
	/* The one end was closed, the other noticed. */
	assert_int_equal(ended, 1);
	assert_int_equal(bad, 0);
}

static void
test_drain_in(void **state)
{
	struct link	*a, *b;
	int		 fds[2];

	pair(fds);
	a = make(fds[0], PROC_MITM, PROC_LOGD, worker_side);
	b = make(fds[1], PROC_LOGD, PROC_MITM, logd_side);
	send_begins(a, 10);
	assert_int_equal(link_drain_in(b, 100), 0);
	link_flush(a);
	assert_int_equal(link_drain_in(b, 4), 4);
	assert_int_equal(got, 4);
	link_close(a);
	assert_int_equal(link_drain_in(b, 3), 3);
	assert_int_equal(link_drain_in(b, 100), 3);
	assert_int_equal(ended, 0);
	assert_int_equal(link_drain_in(b, 100), 0);
	turns(3);
	assert_int_equal(got, 10);
	assert_int_equal(ended, 1);
}

static void
test_full(void **state)
{
	struct link	*a;
	char		 buf[65536];
	int		 fds[2], n = 0;

	pair(fds);
	a = make(fds[0], PROC_MITM, PROC_LOGD, worker_side);
	while (n < 100) {
		send_begins(a, MANY);
		link_flush(a);
		if (link_queued(a) > 0)
			break;
		n++;
	}
	assert_true(link_queued(a) > 0);
	assert_int_equal(link_drain_out(a, 30), -1);
	assert_int_equal(link_counters.write_errors, 0);
	/* It goes on by itself as soon as there is room. */
	n = 0;
	while (link_queued(a) > 0 && n++ < 1000) {
		while (read(fds[1], buf, sizeof(buf)) > 0)
			;
		turns(2);
	}
	assert_int_equal(link_queued(a), 0);
	assert_int_equal(link_drain_out(a, 30), 0);
	close(fds[1]);
}

/* Bytes, as a peer could write them, to a process that trusts it less. */
static void
raw(const void *data, size_t len, const char *why)
{
	int	 fds[2];

	setup(NULL);
	pair(fds);
	make(fds[1], PROC_LOGD, PROC_MITM, logd_side);
	assert_int_equal(write(fds[0], data, len), len);
	turns(4);
	if (why == NULL) {
		assert_int_equal(bad, 0);
		close(fds[0]);
		turns(4);
		assert_int_equal(bad, 0);
	} else {
		assert_int_equal(bad, 1);
		assert_string_equal(bad_why, why);
		assert_int_equal(link_counters.malformed, 1);
	}
	assert_int_equal(ended, 1);
	assert_int_equal(got, 0);
	assert_null(link_find(PROC_MITM));
	if (why != NULL)
		close(fds[0]);
}

static void
test_malformed(void **state)
{
	struct imsg_hdr	 h;
	uint8_t		 buf[64];

	memset(&h, 0, sizeof(h));
	h.type = MSG_HELLO;
	h.len = sizeof(h) - 1;
	raw(&h, sizeof(h), "bad message length");
	h.len = MSG_MAXSIZE + 1;
	raw(&h, sizeof(h), "bad message length");
	h.len = UINT32_MAX;
	raw(&h, sizeof(h), "bad message length");
	h.len = sizeof(h);
	raw(&h, sizeof(h), "HELLO");
	h.type = MSG_NONE;
	raw(&h, sizeof(h), "unknown message");
	h.type = MSG_MAX;
	raw(&h, sizeof(h), "unknown message");
	h.type = MSG_START;
	raw(&h, sizeof(h), "message of somebody else");
	h.type = MSG_ACK;
	raw(&h, sizeof(h), "message of somebody else");
	h.type = MSG_GAP;
	raw(&h, sizeof(h), "unexpected message");
	/* One byte too many. */
	memset(buf, 0, sizeof(buf));
	h.type = MSG_HELLO;
	h.len = sizeof(h) + 9;
	memcpy(buf, &h, sizeof(h));
	raw(buf, h.len, "HELLO");
	/* An end in the middle of a header or of a message is an end. */
	raw(buf, 7, NULL);
	raw(buf, h.len - 2, NULL);
}

static void
from_above(void)
{
	struct imsg_hdr	 h;
	int		 fds[2];

	memset(&h, 0, sizeof(h));
	h.type = MSG_START;
	h.len = sizeof(h);
	pair(fds);
	make(fds[1], PROC_PROXY, PROC_PARENT, child_side);
	if (write(fds[0], &h, sizeof(h)) != sizeof(h))
		_exit(9);
	turns(4);
}

static void
with_descriptor(void)
{
	struct imsgbuf	 ibuf;
	uint8_t		 fresh = 0;
	int		 fds[2];

	pair(fds);
	make(fds[1], PROC_PROXY, PROC_PARENT, child_side);
	if (imsgbuf_init(&ibuf, fds[0]) == -1)
		_exit(9);
	imsgbuf_allow_fdpass(&ibuf);
	if (imsg_compose(&ibuf, MSG_START, 0, 0, dup(0), &fresh, 1) != 1 ||
	    imsgbuf_flush(&ibuf) == -1)
		_exit(9);
	turns(4);
}

static void
good_start(void)
{
	struct msg_start	 m = { 0 };
	struct link		*p;
	int			 fds[2];

	pair(fds);
	p = make(fds[0], PROC_PARENT, PROC_PROXY, parent_side);
	make(fds[1], PROC_PROXY, PROC_PARENT, child_side);
	(void)link_send(p, MSG_START, &m, -1);
	turns(4);
	_exit(got == 1 ? 0 : 9);
}

/* What comes from above and is wrong means that all is lost. */
static void
test_fatal(void **state)
{
	assert_int_equal(status_of(good_start), 0);
	assert_int_equal(status_of(from_above), 1);
	assert_int_equal(status_of(with_descriptor), 1);
}

static int	 logged_first = -1, net_before_links = -1;
static int	 peek_log = -1, peek_key = -1;

static void
net_hook(void *arg)
{
	char	 ch;

	if (peek_log == -1)
		return;
	logged_first = recv(peek_log, &ch, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
	net_before_links = recv(peek_key, &ch, 1, MSG_PEEK |
	    MSG_DONTWAIT) == -1;
	peek_log = -1;
}

static void
test_log_link_first(void **state)
{
	struct msg_auth	 auth;
	struct link	*key, *log;
	int		 fds[2], more[2];

	pair(fds);
	pair(more);
	log = make(fds[0], PROC_MITM, PROC_LOGD, worker_side);
	key = make(more[0], PROC_MITM, PROC_KEYD, worker_side);
	memset(&auth, 0, sizeof(auth));
	assert_int_equal(link_send(key, MSG_AUTH, &auth, -1), 0);
	send_begins(log, 1);
	peek_log = fds[1];
	peek_key = more[1];
	turns(1);
	/* In one turn: the log, then the network, then the others. */
	assert_int_equal(logged_first, 1);
	assert_int_equal(net_before_links, 1);
	assert_int_equal(link_queued(key), 0);
	close(fds[1]);
	close(more[1]);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_big, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_in_handler, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_drain_in, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_fatal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_link_first, setup,
		    teardown)
	};

	loop_init();
	link_on_bad(on_bad);
	loop_hook(TURN_WORK, turn, NULL);
	loop_hook(TURN_NET, net_hook, NULL);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
