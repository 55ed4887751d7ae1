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

/* Descriptors over imsg(3), none of them lost, mixed up or left open. */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
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

#define FD_MARK		0x80000000U

struct pair {
	struct imsgbuf	 a;
	struct imsgbuf	 b;
	int		 fd[2];
	int		 nopen;
};

static int
nopen(void)
{
	DIR	*d;
	int	 n = 0;

	if ((d = opendir("/proc/self/fd")) == NULL)
		return (-1);
	/* cppcheck-suppress readdirCalled ; no threads */
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

static int
setup(void **state)
{
	struct pair	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (-1);
	p->nopen = nopen();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    p->fd) == -1 || imsgbuf_init(&p->a, p->fd[0]) == -1 ||
	    imsgbuf_init(&p->b, p->fd[1]) == -1)
		return (-1);
	imsgbuf_allow_fdpass(&p->a);
	imsgbuf_allow_fdpass(&p->b);
	*state = p;
	return (0);
}

/* Each test must leave as many descriptors as it found. */
static int
teardown(void **state)
{
	struct pair	*p = *state;
	int		 leaked;

	imsgbuf_clear(&p->a);
	imsgbuf_clear(&p->b);
	close(p->fd[0]);
	close(p->fd[1]);
	leaked = nopen() - p->nopen;
	free(p);
	if (leaked != 0)
		print_error("%d descriptors leaked\n", leaked);
	return (leaked == 0 ? 0 : -1);
}

static int
isopen(int fd)
{
	return (fcntl(fd, F_GETFD) != -1);
}

/* A file that can be recognised: its size is n. */
static int
mkfd(unsigned int n)
{
	int	 fd;

	assert_int_not_equal(fd = memfd_create("imsgfd", MFD_CLOEXEC), -1);
	assert_int_equal(ftruncate(fd, n), 0);
	return (fd);
}

static int
fdnum(int fd)
{
	struct stat	 st;

	assert_int_equal(fstat(fd, &st), 0);
	return (st.st_size);
}

static void
compose(struct imsgbuf *imsgbuf, uint32_t type, int fd, size_t len)
{
	static char	 zero[MAX_IMSGSIZE];

	assert_int_equal(imsg_compose(imsgbuf, type, 0, 0, fd, zero, len), 1);
}

/* Expects a message, and the fd made with mkfd(num) or none at -1. */
static void
expect(struct imsgbuf *imsgbuf, uint32_t type, int num)
{
	struct imsg	 imsg;
	int		 fd;

	assert_int_equal(imsgbuf_get(imsgbuf, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), type);
	fd = imsg_get_fd(&imsg);
	if (num == -1)
		assert_int_equal(fd, -1);
	else {
		assert_int_not_equal(fd, -1);
		assert_int_equal(fdnum(fd), num);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(imsg_get_fd(&imsg), -1);
		close(fd);
	}
	imsg_free(&imsg);
}

static void
none(struct imsgbuf *imsgbuf)
{
	struct imsg	 imsg;

	assert_int_equal(imsgbuf_get(imsgbuf, &imsg), 0);
}

/* Sends raw bytes with descriptors, as a peer that is not ours may. */
static void
rawsend(int s, const void *data, size_t len, const int *fds, size_t nfds)
{
	union {
		struct cmsghdr	 hdr;
		unsigned char	 buf[CMSG_SPACE(8 * sizeof(int))];
	}		 ctl;
	struct msghdr	 mh;
	struct iovec	 iov;

	memset(&mh, 0, sizeof(mh));
	memset(&ctl, 0, sizeof(ctl));
	iov.iov_base = (void *)(uintptr_t)data;
	iov.iov_len = len;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	if (nfds > 0) {
		mh.msg_control = &ctl.buf;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		ctl.hdr.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		ctl.hdr.cmsg_level = SOL_SOCKET;
		ctl.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&ctl.hdr), fds, nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(s, &mh, MSG_NOSIGNAL), len);
}

static void
header(unsigned char *dst, uint32_t type, uint32_t len)
{
	struct imsg_hdr	 hdr;

	memset(&hdr, 0, sizeof(hdr));
	hdr.type = type;
	hdr.len = len;
	memcpy(dst, &hdr, sizeof(hdr));
}

static void
test_one(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	int		 fd;

	fd = mkfd(5);
	compose(&p->a, 1, fd, 100);
	assert_true(isopen(fd));
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_false(isopen(fd));
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 1, 5);

	/* The message is as long as it was said to be. */
	compose(&p->a, 2, mkfd(6), 3);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_len(&imsg), 3);
	/* Nobody asks for the fd: imsg_free() closes it, see teardown(). */
	imsg_free(&imsg);
}

static void
test_several(void **state)
{
	struct pair	*p = *state;
	struct ibuf	*buf;
	struct iovec	 iov = { "abc", 3 };
	int		 i;

	/* with, with, without, without, with: three calls. */
	compose(&p->a, 1, mkfd(1), 10);
	assert_int_equal(imsg_composev(&p->a, 2, 0, 0, mkfd(2), &iov, 1), 1);
	compose(&p->a, 3, -1, 10);
	compose(&p->a, 4, -1, 0);
	assert_non_null(buf = ibuf_open(3));
	assert_int_equal(ibuf_add(buf, "xyz", 3), 0);
	ibuf_fd_set(buf, mkfd(5));
	assert_int_equal(imsg_compose_ibuf(&p->a, 5, 0, 0, buf), 1);
	assert_non_null(buf = imsg_create(&p->a, 6, 0, 0, 0));
	ibuf_fd_set(buf, mkfd(6));
	imsg_close(&p->a, buf);
	assert_int_equal(imsgbuf_queuelen(&p->a), 7);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_queuelen(&p->a), 6);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_queuelen(&p->a), 3);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 1, 1);
	expect(&p->b, 2, 2);
	expect(&p->b, 3, -1);
	expect(&p->b, 4, -1);
	expect(&p->b, 5, 5);
	expect(&p->b, 6, 6);
	none(&p->b);
}

/* Unsent and unread descriptors are closed by imsgbuf_clear(): teardown(). */
static void
test_clear(void **state)
{
	struct pair	*p = *state;
	unsigned char	 raw[IMSG_HEADER_SIZE + 8];
	int		 fd;

	compose(&p->a, 1, mkfd(1), 10);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	compose(&p->a, 2, mkfd(2), 10);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	/* One more that stays in mid-header. */
	header(raw, 3, FD_MARK | sizeof(raw));
	fd = mkfd(3);
	rawsend(p->fd[0], raw, 5, &fd, 1);
	close(fd);
	assert_int_equal(imsgbuf_read(&p->b), 1);
}

static void
test_not_allowed(void **state)
{
	struct pair	*p = *state;
	struct imsgbuf	 a, b;
	struct ibuf	*buf;
	int		 fd;

	/* The sender must not: the fd is closed and not sent. */
	assert_int_equal(imsgbuf_init(&a, p->fd[0]), 0);
	fd = mkfd(1);
	compose(&a, 1, fd, 10);
	assert_false(isopen(fd));
	assert_non_null(buf = ibuf_open(1));
	assert_int_equal(ibuf_add(buf, "x", 1), 0);
	fd = mkfd(2);
	ibuf_fd_set(buf, fd);
	assert_int_equal(imsg_compose_ibuf(&a, 2, 0, 0, buf), 1);
	assert_false(isopen(fd));
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 1, -1);
	expect(&p->b, 2, -1);
	imsgbuf_clear(&a);

	/* The receiver does not want it: the kernel drops it. */
	assert_int_equal(imsgbuf_init(&b, p->fd[1]), 0);
	compose(&p->a, 3, mkfd(3), 10);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&b), 1);
	expect(&b, 3, -1);
	imsgbuf_clear(&b);
}

static void
test_failed_compose(void **state)
{
	struct pair	*p = *state;
	struct iovec	 iov;
	int		 fd;

	/* Too large: the fd is still the caller's. */
	fd = mkfd(1);
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, fd, &fd, MAX_IMSGSIZE),
	    -1);
	iov.iov_base = NULL;
	iov.iov_len = MAX_IMSGSIZE;
	assert_int_equal(imsg_composev(&p->a, 1, 0, 0, fd, &iov, 1), -1);
	assert_true(isopen(fd));
	close(fd);

	/* What is no fd at all stays queued and is an error. */
	compose(&p->a, 1, fd, 1);
	assert_int_equal(imsgbuf_write(&p->a), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(imsgbuf_queuelen(&p->a), 1);
}

static void
test_forward(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	int		 fd;

	compose(&p->a, 1, mkfd(1), 10);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_forward(&p->a, &imsg), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 1, -1);
	/* It stays with the message that it came with. */
	assert_int_not_equal(fd = imsg_get_fd(&imsg), -1);
	assert_int_equal(fdnum(fd), 1);
	close(fd);
	imsg_free(&imsg);
}

/* Header and fd may come in as many pieces as they like. */
static void
test_bytewise(void **state)
{
	struct pair	*p = *state;
	unsigned char	 raw[2][IMSG_HEADER_SIZE + 2];
	size_t		 i, j;
	int		 fd;

	memset(raw, 0, sizeof(raw));
	header(raw[0], 1, FD_MARK | sizeof(raw[0]));
	header(raw[1], 2, FD_MARK | sizeof(raw[1]));
	for (i = 0; i < 2; i++) {
		fd = mkfd(10 + i);
		for (j = 0; j < sizeof(raw[i]); j++) {
			none(&p->b);
			rawsend(p->fd[0], raw[i] + j, 1, &fd, j == 0);
			assert_int_equal(imsgbuf_read(&p->b), 1);
		}
		close(fd);
		expect(&p->b, 1 + i, 10 + i);
	}
}

/*
 * The first message's header was cut off after its fd had come, and its rest
 * is read together with the second and that one's fd.
 */
static void
test_glued(void **state)
{
	struct pair	*p = *state;
	unsigned char	 raw[4][IMSG_HEADER_SIZE];
	int		 fd;
	size_t		 i;

	for (i = 0; i < 4; i++)
		header(raw[i], i, IMSG_HEADER_SIZE | (i == 2 ? 0 : FD_MARK));
	fd = mkfd(100);
	rawsend(p->fd[0], raw[0], 7, &fd, 1);
	close(fd);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	none(&p->b);
	rawsend(p->fd[0], raw[0] + 7, IMSG_HEADER_SIZE - 7, NULL, 0);
	fd = mkfd(101);
	rawsend(p->fd[0], raw[1], 2 * IMSG_HEADER_SIZE, &fd, 1);
	close(fd);
	fd = mkfd(103);
	rawsend(p->fd[0], raw[3], IMSG_HEADER_SIZE, &fd, 1);
	close(fd);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 0, 100);
	expect(&p->b, 1, 101);
	expect(&p->b, 2, -1);
	none(&p->b);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 3, 103);
}

/* Peers that break the rules get -1 and leave nothing open. */
static void
test_broken_peer(void **state)
{
	struct pair	*p = *state;
	unsigned char	 raw[3][IMSG_HEADER_SIZE];
	int		 fds[8], i, n;

	header(raw[0], 0, FD_MARK | IMSG_HEADER_SIZE);
	header(raw[1], 1, IMSG_HEADER_SIZE);
	header(raw[2], 2, FD_MARK | IMSG_HEADER_SIZE);
	for (i = 0; i < 8; i++)
		fds[i] = mkfd(i);
	n = nopen();
	/* A mark without an fd does not take the next message's. */
	rawsend(p->fd[0], raw[0], IMSG_HEADER_SIZE, NULL, 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	rawsend(p->fd[0], raw[2], IMSG_HEADER_SIZE, fds, 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 0, -1);
	expect(&p->b, 2, 0);
	/* Nor does one in mid-header that never had any. */
	rawsend(p->fd[0], raw[0], 3, NULL, 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	rawsend(p->fd[0], raw[0] + 3, IMSG_HEADER_SIZE - 3, NULL, 0);
	rawsend(p->fd[0], raw[2], IMSG_HEADER_SIZE, fds + 1, 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 0, -1);
	expect(&p->b, 2, 1);
	/* An fd without a mark, alone and in mid-message. */
	rawsend(p->fd[0], raw[1], IMSG_HEADER_SIZE, fds, 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 1, -1);
	rawsend(p->fd[0], raw[0], 3, NULL, 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	rawsend(p->fd[0], raw[0] + 3, 3, fds, 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	rawsend(p->fd[0], raw[0] + 6, IMSG_HEADER_SIZE - 6, fds, 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 0, -1);
	/* Eight for one message: the first is it, the rest is closed. */
	rawsend(p->fd[0], raw[2], IMSG_HEADER_SIZE, fds, 8);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_true(nopen() == n + 1);
	expect(&p->b, 2, 0);
	assert_int_equal(nopen(), n);
	/* With a header that is refused. */
	header(raw[0], 0, FD_MARK | 3);
	rawsend(p->fd[0], raw[0], IMSG_HEADER_SIZE, fds, 2);
	assert_int_equal(imsgbuf_read(&p->b), -1);
	assert_int_equal(nopen(), n);
	for (i = 0; i < 8; i++)
		close(fds[i]);
}

static void
limit(int on)
{
	static struct rlimit	 old;
	struct rlimit		 rl;
	int			 fd;

	if (!on) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		return;
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	rl = old;
	/* The next one that would be opened is one too many. */
	assert_int_not_equal(fd = dup(STDERR_FILENO), -1);
	close(fd);
	rl.rlim_cur = fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_int_equal(dup(STDERR_FILENO), -1);
	assert_int_equal(errno, EMFILE);
}

/* valgrind keeps such limits to itself; then the kernel knows nothing. */
static int
limit_works(void)
{
	struct rlimit	 rl;
	char		 line[128];
	FILE		*fp;
	unsigned long	 soft = 0;

	assert_non_null(fp = fopen("/proc/self/limits", "re"));
	limit(1);
	while (fgets(line, sizeof(line), fp) != NULL)
		if (strncmp(line, "Max open files", 14) == 0)
			soft = strtoul(line + 14, NULL, 10);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	limit(0);
	fclose(fp);
	return (soft == rl.rlim_cur);
}

/*
 * Out of descriptors, MSG_CTRUNC: the message comes without, and the later
 * ones get theirs, not its.
 */
static void
test_ctrunc(void **state)
{
	struct pair	*p = *state;
	unsigned char	 raw[IMSG_HEADER_SIZE];
	int		 fd, i;

	if (!limit_works())
		skip();
	for (i = 1; i <= 4; i++)
		compose(&p->a, i, mkfd(i), 10);
	assert_int_equal(imsgbuf_flush(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	limit(1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	limit(0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	limit(1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	limit(0);
	expect(&p->b, 1, 1);
	expect(&p->b, 2, -1);
	expect(&p->b, 3, 3);
	expect(&p->b, 4, -1);
	none(&p->b);

	/* The same in mid-header, glued to one that is not lost. */
	header(raw, 5, FD_MARK | IMSG_HEADER_SIZE);
	fd = mkfd(5);
	rawsend(p->fd[0], raw, 5, &fd, 1);
	close(fd);
	limit(1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	limit(0);
	rawsend(p->fd[0], raw + 5, IMSG_HEADER_SIZE - 5, NULL, 0);
	compose(&p->a, 6, mkfd(6), 10);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	expect(&p->b, 5, -1);
	expect(&p->b, 6, 6);
}

/*
 * As an ordinary user with a low limit: too many descriptors in flight is a
 * full queue, not a broken link.
 */
static int
inflight(struct pair *p)
{
	struct rlimit	 rl = { 24, 24 };
	struct imsg	 imsg;
	int		 fd, i, n = 0;

	if (getuid() == 0 && setuid(65534) == -1)
		return (1);
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (2);
	for (i = 0; i < 64; i++) {
		if ((fd = open("/dev/null", O_RDONLY)) == -1)
			return (3);
		if (imsg_compose(&p->a, i, 0, 0, fd, NULL, 0) != 1)
			return (4);
		if (imsgbuf_write(&p->a) == -1)
			return (5);
		if (imsgbuf_queuelen(&p->a) > 0)
			break;
	}
	if (i == 64)
		return (6);
	while (n <= i) {
		if (imsgbuf_read(&p->b) != 1)
			return (7);
		while (imsgbuf_get(&p->b, &imsg) == 1) {
			if (imsg_get_type(&imsg) != (uint32_t)n++)
				return (8);
			if ((fd = imsg_get_fd(&imsg)) == -1)
				return (9);
			close(fd);
			imsg_free(&imsg);
		}
		if (imsgbuf_write(&p->a) == -1)
			return (10);
	}
	return (imsgbuf_queuelen(&p->a) == 0 ? 0 : 11);
}

static void
test_inflight(void **state)
{
	struct pair	*p = *state;
	pid_t		 pid;
	int		 rc, status;

	if (!limit_works())
		skip();
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		rc = inflight(p);
		imsgbuf_clear(&p->a);
		imsgbuf_clear(&p->b);
		_exit(rc);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/*
 * A stream of random messages over a small socket buffer, read and written
 * at random, with the receiver out of descriptors at random.
 */
struct stream {
	uint64_t	 seed;
	uint32_t	 sent;
	uint32_t	 got;
	uint32_t	 lost;
	uint32_t	 fds;
	int		 starve;
};

static uint32_t
rnd(struct stream *s, uint32_t n)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return ((s->seed >> 20) % n);
}

static unsigned char
byte(uint32_t type, size_t i)
{
	return (type * 31 + i * 7 + (i >> 8));
}

/* The id says whether there is an fd, which is number type. */
static void
stream_send(struct stream *s, struct imsgbuf *imsgbuf)
{
	unsigned char	 data[MAX_IMSGSIZE];
	struct ibuf	*buf;
	size_t		 i, len;
	uint32_t	 type = s->sent++;
	int		 fd = -1;

	switch (rnd(s, 4)) {
	case 0:
		len = rnd(s, MAX_IMSGSIZE - IMSG_HEADER_SIZE + 1);
		break;
	case 1:
		len = 0;
		break;
	default:
		len = rnd(s, 400);
		break;
	}
	for (i = 0; i < len; i++)
		data[i] = byte(type, i);
	if (rnd(s, 5) == 0)
		fd = mkfd(type);
	if (rnd(s, 2) == 0) {
		assert_int_equal(imsg_compose(imsgbuf, type, fd != -1, 0, fd,
		    data, len), 1);
		return;
	}
	assert_non_null(buf = ibuf_dynamic(0, MAX_IMSGSIZE));
	assert_int_equal(ibuf_add(buf, data, len), 0);
	ibuf_fd_set(buf, fd);
	assert_int_equal(imsg_compose_ibuf(imsgbuf, type, fd != -1, 0, buf),
	    1);
}

static void
stream_take(struct stream *s, struct imsg *imsg)
{
	struct ibuf	 ibuf;
	unsigned char	*d;
	size_t		 i, len;
	uint32_t	 type;
	int		 fd;

	type = imsg_get_type(imsg);
	assert_int_equal(type, s->got++);
	fd = imsg_get_fd(imsg);
	if (imsg_get_id(imsg) == 0)
		assert_int_equal(fd, -1);
	else if (fd == -1) {
		assert_true(s->starve);
		s->lost++;
	} else {
		assert_int_equal(fdnum(fd), type);
		close(fd);
		s->fds++;
	}
	if ((len = imsg_get_len(imsg)) == 0)
		return;
	assert_int_equal(imsg_get_ibuf(imsg, &ibuf), 0);
	d = ibuf_data(&ibuf);
	for (i = 0; i < len; i++)
		if (d[i] != byte(type, i))
			fail_msg("message %u byte %zu", type, i);
}

static void
stream(struct pair *p, int starve)
{
	struct stream	 s;
	struct imsg	 imsg;
	const char	*seed;
	int		 starved, sz = 6000;

	memset(&s, 0, sizeof(s));
	s.starve = starve;
	s.seed = (uint64_t)arc4random() << 32 | 1;
	if ((seed = getenv("IMSG_SEED")) != NULL)
		s.seed = strtoull(seed, NULL, 0);
	print_message("# IMSG_SEED=%#llx\n", (unsigned long long)s.seed);
	assert_int_equal(setsockopt(p->fd[0], SOL_SOCKET, SO_SNDBUF, &sz,
	    sizeof(sz)), 0);
	while (s.got < 3000) {
		if (s.sent < 3000 && imsgbuf_queuelen(&p->a) < 20)
			stream_send(&s, &p->a);
		if (rnd(&s, 3) > 0)
			assert_int_equal(imsgbuf_write(&p->a), 0);
		if (rnd(&s, 4) > 0)
			continue;
		if ((starved = starve && rnd(&s, 3) == 0))
			limit(1);
		assert_int_equal(imsgbuf_read(&p->b), 1);
		if (starved)
			limit(0);
		while (imsgbuf_get(&p->b, &imsg) == 1) {
			stream_take(&s, &imsg);
			imsg_free(&imsg);
		}
	}
	assert_true(s.fds > 100);
	assert_true(starve ? s.lost > 20 : s.lost == 0);
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
}

static void
test_stream(void **state)
{
	stream(*state, 0);
}

static void
test_stream_ctrunc(void **state)
{
	if (!limit_works())
		skip();
	stream(*state, 1);
}

int
main(void)
{
#define TEST(x)	cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_one),
		TEST(test_several),
		TEST(test_clear),
		TEST(test_not_allowed),
		TEST(test_failed_compose),
		TEST(test_forward),
		TEST(test_bytewise),
		TEST(test_glued),
		TEST(test_broken_peer),
		TEST(test_ctrunc),
		TEST(test_inflight),
		TEST(test_stream),
		TEST(test_stream_ctrunc),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
