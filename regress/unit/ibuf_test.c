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

/* ibuf(3), ibufq(3) and msgbuf(3), the buffers under imsg(3). */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <imsg.h>

#define FAILS(x, e)	do {						\
	errno = 0;							\
	assert_int_equal((x), -1);					\
	assert_int_equal(errno, (e));					\
} while (0)

static const unsigned char	 onetotwenty[] = {
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
};

/* A buffer with the 20 bytes above. */
static struct ibuf *
mkbuf(void)
{
	struct ibuf	*b;

	assert_non_null(b = ibuf_open(sizeof(onetotwenty)));
	assert_int_equal(ibuf_add(b, onetotwenty, sizeof(onetotwenty)), 0);
	return (b);
}

static int
isopen(int fd)
{
	return (fcntl(fd, F_GETFD) != -1);
}

static int
devnull(void)
{
	int	 fd;

	assert_int_not_equal(fd = open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
	return (fd);
}

static void
test_open(void **state)
{
	struct ibuf	*b;
	char		 c = 'x';

	assert_non_null(b = ibuf_open(3));
	assert_int_equal(ibuf_size(b), 0);
	assert_int_equal(ibuf_left(b), 3);
	assert_int_equal(ibuf_add(b, "ab", 2), 0);
	FAILS(ibuf_add(b, "cd", 2), ERANGE);
	assert_int_equal(ibuf_size(b), 2);
	assert_int_equal(ibuf_add(b, &c, 1), 0);
	assert_int_equal(ibuf_left(b), 0);
	FAILS(ibuf_add(b, &c, 1), ERANGE);
	FAILS(ibuf_add(b, &c, SIZE_MAX), ERANGE);
	assert_int_equal(ibuf_add(b, NULL, 0), 0);
	assert_memory_equal(ibuf_data(b), "abx", 3);
	ibuf_free(b);

	assert_non_null(b = ibuf_open(0));
	FAILS(ibuf_add(b, &c, 1), ERANGE);
	assert_int_equal(ibuf_add_zero(b, 0), 0);
	ibuf_free(b);
	assert_null(ibuf_open(SIZE_MAX));
	ibuf_free(NULL);
}

static void
test_dynamic(void **state)
{
	struct ibuf	*b;
	size_t		 i;
	uint32_t	 v;

	errno = 0;
	assert_null(ibuf_dynamic(2, 1));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(ibuf_dynamic(0, 0));
	assert_int_equal(errno, EINVAL);

	assert_non_null(b = ibuf_dynamic(0, 4000));
	assert_int_equal(ibuf_left(b), 4000);
	for (i = 0; i < 1000; i++)
		assert_int_equal(ibuf_add_n32(b, i), 0);
	FAILS(ibuf_add_n8(b, 0), ERANGE);
	FAILS(ibuf_add(b, onetotwenty, SIZE_MAX - 2), ERANGE);
	assert_int_equal(ibuf_size(b), 4000);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(ibuf_get_n32(b, &v), 0);
		assert_int_equal(v, i);
	}
	ibuf_free(b);

	/* Empty, never allocated. */
	assert_non_null(b = ibuf_dynamic(0, 10));
	assert_int_equal(ibuf_size(b), 0);
	FAILS(ibuf_get_n16(b, &(uint16_t){ 0 }), EBADMSG);
	assert_int_equal(ibuf_get(b, NULL, 0), 0);
	ibuf_free(b);
}

static void
test_network_order(void **state)
{
	struct ibuf	*b;
	uint64_t	 v64;
	uint32_t	 v32;
	uint16_t	 v16;
	uint8_t		 v8;

	assert_non_null(b = ibuf_open(15));
	FAILS(ibuf_add_n8(b, 0x100), EINVAL);
	FAILS(ibuf_add_n16(b, 0x10000), EINVAL);
	FAILS(ibuf_add_n32(b, 0x100000000ULL), EINVAL);
	assert_int_equal(ibuf_size(b), 0);
	assert_int_equal(ibuf_add_n8(b, 0xff), 0);
	assert_int_equal(ibuf_add_n16(b, 0x0102), 0);
	assert_int_equal(ibuf_add_n32(b, 0x03040506), 0);
	assert_int_equal(ibuf_add_n64(b, 0x0708090a0b0c0d0eULL), 0);
	FAILS(ibuf_add_n8(b, 0), ERANGE);
	assert_memory_equal(ibuf_data(b),
	    "\xff\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe", 15);
	assert_int_equal(ibuf_get_n8(b, &v8), 0);
	assert_int_equal(v8, 0xff);
	assert_int_equal(ibuf_get_n16(b, &v16), 0);
	assert_int_equal(v16, 0x0102);
	assert_int_equal(ibuf_get_n32(b, &v32), 0);
	assert_int_equal(v32, 0x03040506);
	assert_int_equal(ibuf_get_n64(b, &v64), 0);
	assert_true(v64 == 0x0708090a0b0c0d0eULL);
	FAILS(ibuf_get_n8(b, &v8), EBADMSG);
	FAILS(ibuf_get_n16(b, &v16), EBADMSG);
	FAILS(ibuf_get_n32(b, &v32), EBADMSG);
	FAILS(ibuf_get_n64(b, &v64), EBADMSG);
	ibuf_free(b);
}

static void
test_host_order(void **state)
{
	struct ibuf	*b;
	uint64_t	 v64, w64 = 0x0708090a0b0c0d0eULL;
	uint32_t	 v32, w32 = 0x03040506;
	uint16_t	 v16, w16 = 0x0102;

	assert_non_null(b = ibuf_open(14));
	FAILS(ibuf_add_h16(b, 0x10000), EINVAL);
	FAILS(ibuf_add_h32(b, 0x100000000ULL), EINVAL);
	assert_int_equal(ibuf_add_h16(b, w16), 0);
	assert_int_equal(ibuf_add_h32(b, w32), 0);
	assert_int_equal(ibuf_add_h64(b, w64), 0);
	FAILS(ibuf_add_h16(b, 0), ERANGE);
	FAILS(ibuf_add_h32(b, 0), ERANGE);
	FAILS(ibuf_add_h64(b, 0), ERANGE);
	assert_memory_equal(ibuf_seek(b, 0, 2), &w16, 2);
	assert_memory_equal(ibuf_seek(b, 2, 4), &w32, 4);
	assert_memory_equal(ibuf_seek(b, 6, 8), &w64, 8);
	assert_int_equal(ibuf_get_h16(b, &v16), 0);
	assert_int_equal(v16, w16);
	assert_int_equal(ibuf_get_h32(b, &v32), 0);
	assert_int_equal(v32, w32);
	assert_int_equal(ibuf_get_h64(b, &v64), 0);
	assert_true(v64 == w64);
	FAILS(ibuf_get_h16(b, &v16), EBADMSG);
	FAILS(ibuf_get_h32(b, &v32), EBADMSG);
	FAILS(ibuf_get_h64(b, &v64), EBADMSG);
	ibuf_free(b);
}

static void
test_set(void **state)
{
	struct ibuf	*b;
	uint64_t	 v64 = 0x1122334455667788ULL;
	uint32_t	 v32 = 0x11223344;
	uint16_t	 v16 = 0x1122;

	b = mkbuf();
	FAILS(ibuf_set_n8(b, 0, 0x100), EINVAL);
	FAILS(ibuf_set_n16(b, 0, 0x10000), EINVAL);
	FAILS(ibuf_set_n32(b, 0, 0x100000000ULL), EINVAL);
	FAILS(ibuf_set_h16(b, 0, 0x10000), EINVAL);
	FAILS(ibuf_set_h32(b, 0, 0x100000000ULL), EINVAL);
	FAILS(ibuf_set_n8(b, 20, 0), ERANGE);
	FAILS(ibuf_set_n16(b, 19, 0), ERANGE);
	FAILS(ibuf_set_n32(b, 17, 0), ERANGE);
	FAILS(ibuf_set_n64(b, 13, 0), ERANGE);
	FAILS(ibuf_set_h64(b, SIZE_MAX, 0), ERANGE);
	FAILS(ibuf_set(b, 1, onetotwenty, SIZE_MAX), ERANGE);
	assert_memory_equal(ibuf_data(b), onetotwenty, 20);

	assert_int_equal(ibuf_set_n8(b, 19, 0xaa), 0);
	assert_int_equal(ibuf_set_n16(b, 0, v16), 0);
	assert_int_equal(ibuf_set_n32(b, 2, v32), 0);
	assert_int_equal(ibuf_set_n64(b, 6, v64), 0);
	assert_memory_equal(ibuf_data(b),
	    "\x11\x22\x11\x22\x33\x44\x11\x22\x33\x44\x55\x66\x77\x88"
	    "\xf\x10\x11\x12\x13\xaa", 20);
	assert_int_equal(ibuf_set_h16(b, 0, v16), 0);
	assert_memory_equal(ibuf_data(b), &v16, 2);
	assert_int_equal(ibuf_set_h32(b, 0, v32), 0);
	assert_memory_equal(ibuf_data(b), &v32, 4);
	assert_int_equal(ibuf_set_h64(b, 0, v64), 0);
	assert_memory_equal(ibuf_data(b), &v64, 8);

	/* Positions count from what was not read yet. */
	assert_int_equal(ibuf_skip(b, 18), 0);
	assert_int_equal(ibuf_set(b, 0, "xy", 2), 0);
	FAILS(ibuf_set(b, 0, "xyz", 3), ERANGE);
	assert_int_equal(ibuf_set(b, 2, NULL, 0), 0);
	assert_null(ibuf_seek(b, 3, 0));
	assert_non_null(ibuf_seek(b, 2, 0));
	assert_memory_equal(ibuf_data(b), "xy", 2);
	ibuf_free(b);
}

static void
test_strbuf(void **state)
{
	struct ibuf	*b;
	char		 s[8];

	assert_non_null(b = ibuf_open(16));
	FAILS(ibuf_add_strbuf(b, "", 0), EINVAL);
	FAILS(ibuf_add_strbuf(b, "12345678", 8), EOVERFLOW);
	FAILS(ibuf_add_strbuf(b, "x", 17), ERANGE);
	assert_int_equal(ibuf_size(b), 0);
	assert_int_equal(ibuf_add_strbuf(b, "abc", 8), 0);
	assert_memory_equal(ibuf_data(b), "abc\0\0\0\0\0", 8);
	assert_int_equal(ibuf_add(b, "ABCDEFGH", 8), 0);

	FAILS(ibuf_get_strbuf(b, s, 0), EINVAL);
	assert_int_equal(ibuf_get_strbuf(b, s, 8), 0);
	assert_string_equal(s, "abc");
	FAILS(ibuf_get_strbuf(b, s, 8), EOVERFLOW);
	assert_string_equal(s, "ABCDEFG");
	FAILS(ibuf_get_strbuf(b, s, 1), EBADMSG);
	assert_string_equal(s, "");
	ibuf_free(b);
}

static void
test_string(void **state)
{
	struct ibuf	*b;
	char		*s;

	assert_non_null(b = ibuf_open(8));
	assert_int_equal(ibuf_add(b, "abcd\0xyz", 8), 0);
	assert_non_null(s = ibuf_get_string(b, 3));
	assert_string_equal(s, "abc");
	free(s);
	assert_non_null(s = ibuf_get_string(b, 4));
	assert_string_equal(s, "d");
	free(s);
	assert_int_equal(ibuf_size(b), 1);
	errno = 0;
	assert_null(ibuf_get_string(b, 2));
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(ibuf_size(b), 1);
	assert_non_null(s = ibuf_get_string(b, 0));
	assert_string_equal(s, "");
	free(s);
	ibuf_free(b);
}

static void
test_get(void **state)
{
	struct ibuf	*b, view, peek;
	unsigned char	 d[20];

	b = mkbuf();
	FAILS(ibuf_get(b, d, 21), EBADMSG);
	FAILS(ibuf_skip(b, 21), EBADMSG);
	FAILS(ibuf_get_ibuf(b, 21, &view), EBADMSG);
	FAILS(ibuf_skip(b, SIZE_MAX), EBADMSG);
	assert_int_equal(ibuf_size(b), 20);
	assert_int_equal(ibuf_get(b, d, 4), 0);
	assert_memory_equal(d, onetotwenty, 4);
	assert_int_equal(ibuf_skip(b, 4), 0);
	assert_int_equal(ibuf_get_ibuf(b, 4, &view), 0);
	assert_memory_equal(ibuf_data(&view), onetotwenty + 8, 4);
	assert_int_equal(ibuf_size(&view), 4);
	assert_int_equal(ibuf_size(b), 8);

	/* Peeking consumes nothing. */
	ibuf_from_ibuf(&peek, b);
	assert_int_equal(ibuf_get(&peek, d, 8), 0);
	assert_memory_equal(d, onetotwenty + 12, 8);
	FAILS(ibuf_get(&peek, d, 1), EBADMSG);
	assert_int_equal(ibuf_size(b), 8);

	ibuf_rewind(b);
	assert_int_equal(ibuf_size(b), 20);
	assert_memory_equal(ibuf_data(b), onetotwenty, 20);
	ibuf_free(b);
}

static void
test_view(void **state)
{
	struct ibuf	*b, view;
	unsigned char	 d[20];

	memcpy(d, onetotwenty, sizeof(d));
	ibuf_from_buffer(&view, d, sizeof(d));
	assert_int_equal(ibuf_size(&view), 20);
	assert_int_equal(ibuf_left(&view), 0);
	FAILS(ibuf_add(&view, d, 1), ERANGE);
	FAILS(ibuf_add_zero(&view, 1), ERANGE);
	FAILS(ibuf_truncate(&view, 21), ERANGE);
	FAILS(ibuf_set_maxsize(&view, 0), EINVAL);
	assert_false(ibuf_fd_avail(&view));
	assert_int_equal(ibuf_fd_get(&view), -1);

	/* What it cuts off is not its own to wipe. */
	assert_int_equal(ibuf_truncate(&view, 10), 0);
	assert_int_equal(ibuf_size(&view), 10);
	assert_memory_equal(d, onetotwenty, 20);

	assert_non_null(b = ibuf_open(15));
	assert_int_equal(ibuf_add_ibuf(b, &view), 0);
	FAILS(ibuf_add_ibuf(b, &view), ERANGE);
	assert_int_equal(ibuf_size(b), 10);
	assert_memory_equal(ibuf_data(b), onetotwenty, 10);
	ibuf_free(b);
}

/* Runs what must abort(3) in a child. */
static void
aborts(void (*fn)(struct ibuf *))
{
	struct rlimit	 rl = { 0, 0 };
	struct ibuf	 view;
	char		 c = 'c';
	pid_t		 pid;
	int		 status;

	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &rl);
		signal(SIGABRT, SIG_DFL);
		ibuf_from_buffer(&view, &c, 1);
		fn(&view);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
view_fd_set(struct ibuf *b)
{
	ibuf_fd_set(b, 0);
}

static void
view_push(struct ibuf *b)
{
	ibufq_push(ibufq_new(), b);
}

static void
test_view_aborts(void **state)
{
	aborts(ibuf_free);
	aborts(view_fd_set);
	aborts(view_push);
}

static void
test_truncate(void **state)
{
	struct ibuf	*b;
	unsigned char	*p;

	b = mkbuf();
	assert_int_equal(ibuf_truncate(b, 5), 0);
	assert_int_equal(ibuf_size(b), 5);
	assert_int_equal(ibuf_left(b), 15);
	/* Neither extending nor reserving brings old bytes back. */
	assert_int_equal(ibuf_truncate(b, 7), 0);
	assert_memory_equal(ibuf_data(b), "\1\2\3\4\5\0\0", 7);
	assert_non_null(p = ibuf_reserve(b, 2));
	assert_memory_equal(p, "\0\0", 2);
	assert_int_equal(ibuf_skip(b, 8), 0);
	assert_int_equal(ibuf_truncate(b, 0), 0);
	assert_int_equal(ibuf_size(b), 0);
	assert_int_equal(ibuf_left(b), 12);
	FAILS(ibuf_truncate(b, 13), ERANGE);
	assert_int_equal(ibuf_truncate(b, 12), 0);
	ibuf_free(b);
}

static void
test_reserve_maxsize(void **state)
{
	struct ibuf	*b;
	char		*p;

	assert_non_null(b = ibuf_dynamic(0, 100));
	assert_non_null(p = ibuf_reserve(b, 4));
	assert_memory_equal(p, "\0\0\0\0", 4);
	memset(p, 'a', 4);
	assert_null(ibuf_reserve(b, 97));
	assert_int_equal(ibuf_size(b), 4);
	assert_int_equal(ibuf_add_zero(b, 2), 0);
	assert_memory_equal(ibuf_data(b), "aaaa\0\0", 6);

	FAILS(ibuf_set_maxsize(b, 101), ERANGE);
	FAILS(ibuf_set_maxsize(b, 5), ERANGE);
	assert_int_equal(ibuf_set_maxsize(b, 8), 0);
	assert_int_equal(ibuf_left(b), 2);
	FAILS(ibuf_add(b, "xyz", 3), ERANGE);
	assert_int_equal(ibuf_add(b, "xy", 2), 0);
	FAILS(ibuf_set_maxsize(b, 100), ERANGE);
	ibuf_free(b);
}

static void
test_fd(void **state)
{
	struct ibuf	*b;
	int		 fd, fd2;

	assert_non_null(b = ibuf_open(1));
	assert_false(ibuf_fd_avail(b));
	assert_int_equal(ibuf_fd_get(b), -1);
	fd = devnull();
	ibuf_fd_set(b, fd);
	assert_true(ibuf_fd_avail(b));
	assert_int_equal(ibuf_fd_get(b), fd);
	assert_false(ibuf_fd_avail(b));
	assert_true(isopen(fd));

	/* Setting another closes the first, freeing closes the last. */
	ibuf_fd_set(b, fd);
	fd2 = devnull();
	ibuf_fd_set(b, fd2);
	assert_false(isopen(fd));
	errno = ESRCH;
	ibuf_free(b);
	assert_int_equal(errno, ESRCH);
	assert_false(isopen(fd2));
}

static void
test_queue(void **state)
{
	struct ibufqueue	*q, *q2;
	struct ibuf		*b[3];
	int			 fd, i;

	assert_non_null(q = ibufq_new());
	assert_non_null(q2 = ibufq_new());
	assert_null(ibufq_pop(q));
	for (i = 0; i < 3; i++) {
		b[i] = mkbuf();
		ibufq_push(i < 2 ? q : q2, b[i]);
	}
	assert_int_equal(ibufq_queuelen(q), 2);
	ibufq_concat(q, q2);
	assert_int_equal(ibufq_queuelen(q), 3);
	assert_int_equal(ibufq_queuelen(q2), 0);
	assert_null(ibufq_pop(q2));
	for (i = 0; i < 3; i++) {
		assert_ptr_equal(ibufq_pop(q), b[i]);
		assert_int_equal(ibufq_queuelen(q), 2 - i);
		ibufq_push(q2, b[i]);
	}
	fd = devnull();
	ibuf_fd_set(b[1], fd);
	ibufq_flush(q2);
	assert_int_equal(ibufq_queuelen(q2), 0);
	assert_false(isopen(fd));
	ibufq_push(q, mkbuf());
	ibufq_free(q);
	ibufq_free(q2);
	ibufq_free(NULL);
}

/* A header of one byte: the message's size. */
static struct ibuf *
readhdr(struct ibuf *hdr, void *arg, int *fd)
{
	uint8_t	 len;

	(*(int *)arg)++;
	if (ibuf_get_n8(hdr, &len) == -1)
		return (NULL);
	if (len == 0xff) {
		errno = EPROTO;
		return (NULL);
	}
	return (len == 0xfe ? ibuf_dynamic(0, 10) : ibuf_open(len));
}

static void
test_msgbuf_pipe(void **state)
{
	struct msgbuf		*r, *w;
	struct ibufqueue	*q;
	struct ibuf		*b;
	int			 i, n = 0, p[2];

	errno = 0;
	assert_null(msgbuf_new_reader(0, readhdr, &n));
	assert_int_equal(errno, EINVAL);
	assert_null(msgbuf_new_reader(IBUF_READ_SIZE / 2 + 1, readhdr, &n));
	assert_non_null(r = msgbuf_new_reader(1, readhdr, &n));
	assert_non_null(w = msgbuf_new());
	assert_non_null(q = ibufq_new());
	assert_int_equal(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	FAILS(ibuf_read(p[0], w), EINVAL);
	FAILS(msgbuf_read(p[0], w), EINVAL);
	assert_int_equal(ibuf_read(p[0], r), 1);	/* EAGAIN */
	assert_int_equal(ibuf_write(p[1], w), 0);	/* nothing to do */

	/* More than IOV_MAX of them, so it takes two calls. */
	for (i = 0; i < IOV_MAX + 1; i++) {
		assert_non_null(b = ibuf_open(4));
		assert_int_equal(ibuf_add(b, "\4abc", 4), 0);
		ibufq_push(q, b);
	}
	msgbuf_concat(w, q);
	assert_int_equal(msgbuf_queuelen(w), IOV_MAX + 1);
	assert_int_equal(ibuf_write(p[1], w), 0);
	assert_int_equal(msgbuf_queuelen(w), 1);
	assert_int_equal(ibuf_write(p[1], w), 0);
	assert_int_equal(msgbuf_queuelen(w), 0);
	assert_int_equal(ibuf_read(p[0], r), 1);
	assert_int_equal(n, IOV_MAX + 1);
	for (i = 0; i < IOV_MAX + 1; i++) {
		assert_non_null(b = msgbuf_get(r));
		assert_memory_equal(ibuf_data(b), "\4abc", 4);
		assert_int_equal(ibuf_size(b), 4);
		ibuf_free(b);
	}
	assert_null(msgbuf_get(r));
	close(p[1]);
	assert_int_equal(ibuf_read(p[0], r), 0);
	close(p[0]);
	FAILS(ibuf_read(p[0], r), EBADF);
	ibufq_free(q);
	msgbuf_free(r);
	msgbuf_free(w);
	msgbuf_free(NULL);
}

/* A refused header ends the stream, but not what came before it. */
static void
test_msgbuf_refused(void **state)
{
	static const char	*bad[] = {
		"\3ab\xff" "cdef", "\3ab\0\0\0\0", "\3ab\xfe" "abcd"
	};
	static const int	 why[] = { EPROTO, EINVAL, EINVAL };
	struct msgbuf		*r;
	struct ibuf		*b;
	size_t			 i;
	int			 n, p[2];

	for (i = 0; i < 3; i++) {
		n = 0;
		assert_non_null(r = msgbuf_new_reader(1, readhdr, &n));
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
		assert_int_equal(write(p[1], bad[i], 8), 8);
		FAILS(msgbuf_read(p[0], r), why[i]);
		assert_int_equal(n, 2);
		FAILS(msgbuf_read(p[0], r), why[i]);
		FAILS(ibuf_read(p[0], r), why[i]);
		assert_int_equal(n, 2);
		assert_non_null(b = msgbuf_get(r));
		assert_memory_equal(ibuf_data(b), "\3ab", 3);
		ibuf_free(b);
		assert_null(msgbuf_get(r));
		msgbuf_free(r);
		close(p[0]);
		close(p[1]);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_dynamic),
		cmocka_unit_test(test_network_order),
		cmocka_unit_test(test_host_order),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_view_aborts),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_reserve_maxsize),
		cmocka_unit_test(test_fd),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_msgbuf_pipe),
		cmocka_unit_test(test_msgbuf_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
