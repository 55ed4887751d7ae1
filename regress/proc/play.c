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
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "play.h"
#include "proc.h"

static void	end_init(struct play *, int, enum proc, uint64_t);
static int64_t	now_ms(void);
static int	next(struct play_child *, struct play *, int64_t);
static int	passed_over(struct play_child *, struct play *);
static void	run(const char *, const struct play_child *, int);
static void	give(struct play_child *, enum proc, uint64_t, int);

static uint64_t	 instances;

static int64_t
now_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000LL + ts.tv_nsec / 1000000);
}

static void
end_init(struct play *p, int fd, enum proc as, uint64_t instance)
{
	memset(p, 0, sizeof(*p));
	p->fd = fd;
	p->as = as;
	p->instance = instance;
	p->open = 1;
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(imsgbuf_init(&p->ibuf, fd), 0);
	imsgbuf_allow_fdpass(&p->ibuf);
	assert_int_equal(imsgbuf_set_maxsize(&p->ibuf,
	    MSG_MAXSIZE - IMSG_HEADER_SIZE), 0);
}

static void
run(const char *prog, const struct play_child *c, int fd)
{
	char	 hash[17], instance[17];

	/* dup2(2) onto itself would leave it close-on-exec. */
	if (fd == PROC_FD)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, PROC_FD);
	(void)snprintf(hash, sizeof(hash), "%" PRIx64, msg_catalogue_hash());
	(void)snprintf(instance, sizeof(instance), "%" PRIx64, c->instance);
	execl(prog, prog, "-i", instance, "-H", hash, proc_name(c->proc),
	    NULL);
	_exit(127);
}

void
play_start(struct play_child *c, const char *prog, enum proc proc)
{
	int	 sv[2];

	memset(c, 0, sizeof(*c));
	c->proc = proc;
	c->instance = ++instances;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	if ((c->pid = fork()) == 0)
		run(prog, c, sv[1]);
	assert_int_not_equal(c->pid, -1);
	close(sv[1]);
	end_init(&c->parent, sv[0], PROC_PARENT, 0);
}

void
play_link(struct play_child *c, struct play *p, enum proc as, uint16_t index,
    uint64_t instance)
{
	struct msg_peer	 m;
	int		 sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	end_init(p, sv[0], as, instance);
	memset(&m, 0, sizeof(m));
	m.proc = as;
	m.index = index;
	m.instance = instance;
	play_send_fd(&c->parent, MSG_PEER, &m, sv[1]);
}

static void
give(struct play_child *c, enum proc proc, uint64_t instance, int fd)
{
	struct msg_peer	 m;

	memset(&m, 0, sizeof(m));
	m.proc = proc;
	m.instance = instance;
	play_send_fd(&c->parent, MSG_PEER, &m, fd);
}

void
play_join(struct play_child *a, struct play_child *b)
{
	int	 sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	give(a, b->proc, b->instance, sv[0]);
	give(b, a->proc, a->instance, sv[1]);
}

void
play_close(struct play *p)
{
	if (!p->open)
		return;
	if (p->have)
		imsg_free(&p->imsg);
	imsgbuf_clear(&p->ibuf);
	close(p->fd);
	arena_free(&p->arena);
	memset(p, 0, sizeof(*p));
}

void
play_send_fd(struct play *p, enum msg_type type, const void *m, int fd)
{
	struct ibuf	*buf;
	struct pollfd	 pfd;

	buf = imsg_create(&p->ibuf, type, 0, 0, 0);
	assert_non_null(buf);
	assert_int_equal(rec_encode(buf, &msg_desc(type)->rec, m), 0);
	ibuf_fd_set(buf, fd);
	imsg_close(&p->ibuf, buf);
	while (imsgbuf_queuelen(&p->ibuf) > 0) {
		pfd.fd = p->fd;
		pfd.events = POLLOUT;
		if (poll(&pfd, 1, PLAY_MS) != 1)
			fail_msg("%s does not read", msg_desc(type)->rec.name);
		/* A peer that is gone shows when it is read from. */
		if (imsgbuf_write(&p->ibuf) == -1)
			return;
	}
}

void
play_send(struct play *p, enum msg_type type, const void *m)
{
	play_send_fd(p, type, m, -1);
}

void
play_send_raw(struct play *p, uint32_t type, const void *data, size_t len)
{
	assert_int_equal(imsg_compose(&p->ibuf, type, 0, 0, -1, data, len),
	    1);
	(void)imsgbuf_write(&p->ibuf);
}

static int
passed_over(struct play_child *c, struct play *p)
{
	const struct msg_log	*m = &p->u.log;
	uint32_t		 i;

	if (p != &c->parent)
		return (0);
	if (imsg_get_type(&p->imsg) == MSG_LOG) {
		(void)strlcat(c->log, m->text, sizeof(c->log));
		(void)strlcat(c->log, "\n", sizeof(c->log));
		return (1);
	}
	if (imsg_get_type(&p->imsg) != MSG_STATS)
		return (0);
	for (i = 0; i < p->u.stats.counters_n; i++) {
		if (strcmp(p->u.stats.counters[i].name, "calls_refused") == 0)
			c->refused = p->u.stats.counters[i].value;
	}
	return (1);
}

/* 1 a message is held, 0 time is over, -1 the other side has closed. */
static int
next(struct play_child *c, struct play *p, int64_t until)
{
	const struct msg_desc	*d;
	struct pollfd		 pfd;
	struct ibuf		 data;
	struct msg_blob		 blob;
	int64_t			 left;
	int			 n;

	while (!p->held) {
		if (p->have)
			imsg_free(&p->imsg);
		p->have = 0;
		if ((n = imsgbuf_get(&p->ibuf, &p->imsg)) == 1) {
			p->have = 1;
			d = msg_desc(imsg_get_type(&p->imsg));
			if (d == NULL ||
			    (d->from & PROC_BIT(c->proc)) == 0 ||
			    (d->to & PROC_BIT(p->as)) == 0)
				fail_msg("message %u is not for %s",
				    imsg_get_type(&p->imsg),
				    proc_name(p->as));
			if (imsg_get_ibuf(&p->imsg, &data) == -1)
				ibuf_from_buffer(&data, NULL, 0);
			arena_reset(&p->arena);
			blob.data = ibuf_data(&data);
			blob.len = ibuf_size(&data);
			assert_int_equal(rec_from_blob(&blob, &d->rec, &p->u,
			    &p->arena), 0);
			p->held = !passed_over(c, p);
			continue;
		}
		assert_int_equal(n, 0);
		if ((left = until - now_ms()) < 0)
			left = 0;
		pfd.fd = p->fd;
		pfd.events = POLLIN;
		if (poll(&pfd, 1, left) != 1)
			return (0);
		if (imsgbuf_read(&p->ibuf) != 1)
			return (-1);
	}
	return (1);
}

union msg_any *
play_recv(struct play_child *c, struct play *p, enum msg_type type)
{
	uint32_t	 got;
	int		 rc;

	if ((rc = next(c, p, now_ms() + PLAY_MS)) != 1)
		fail_msg("%s for %s: %s\n%s", msg_desc(type)->rec.name,
		    proc_name(p->as), rc == 0 ? "does not come" : "closed",
		    c->log);
	got = imsg_get_type(&p->imsg);
	if (got != (uint32_t)type)
		fail_msg("%s for %s, but %s was to come",
		    msg_desc(got)->rec.name, proc_name(p->as),
		    msg_desc(type)->rec.name);
	/* Its memory stays until the next one is read. */
	p->held = 0;
	return (&p->u);
}

uint32_t
play_peek(struct play_child *c, struct play *p, int ms)
{
	return (next(c, p, now_ms() + ms) == 1 ?
	    imsg_get_type(&p->imsg) : MSG_NONE);
}

void
play_quiet(struct play_child *c, struct play *p, int ms)
{
	uint32_t	 type;

	if ((type = play_peek(c, p, ms)) != MSG_NONE)
		fail_msg("%s for %s, but nothing was to come",
		    msg_desc(type)->rec.name, proc_name(p->as));
}

void
play_eof(struct play_child *c, struct play *p)
{
	int	 rc;

	while ((rc = next(c, p, now_ms() + PLAY_MS)) == 1)
		p->held = 0;
	assert_int_equal(rc, -1);
}

int
play_wait(struct play_child *c)
{
	int64_t	 until = now_ms() + 2 * PLAY_MS;
	pid_t	 pid;
	int	 status;

	while ((pid = waitpid(c->pid, &status, WNOHANG)) == 0) {
		(void)next(c, &c->parent, now_ms() + 20);
		c->parent.held = 0;
		if (now_ms() > until) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, &status, 0);
			fail_msg("%s does not end", proc_name(c->proc));
		}
	}
	/* Its last words. */
	while (next(c, &c->parent, now_ms()) == 1)
		c->parent.held = 0;
	play_close(&c->parent);
	assert_int_equal(pid, c->pid);
	c->pid = 0;
	return (WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status));
}

void
play_kill(struct play_child *c)
{
	assert_int_equal(kill(c->pid, SIGKILL), 0);
	assert_int_equal(play_wait(c), 128 + SIGKILL);
}

int
play_stop(struct play_child *c)
{
	struct msg_shutdown	 m = { 0 };

	play_send(&c->parent, MSG_SHUTDOWN, &m);
	return (play_wait(c));
}
