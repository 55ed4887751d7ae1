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

/* imsg(3) over a socket: messages, limits, partial I/O, errors. */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
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

#define PAYLOAD_MAX	(MAX_IMSGSIZE - IMSG_HEADER_SIZE)
#define LARGE		(128 * 1024)

/* Both ends of a link, and the bare descriptors. */
struct pair {
	struct imsgbuf	 a;
	struct imsgbuf	 b;
	int		 fd[2];
};

static unsigned char	 pattern[LARGE + 1];

static int
setup(void **state)
{
	struct pair	*p;
	size_t		 i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = i * 7 + i / 251;
	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    p->fd) == -1 || imsgbuf_init(&p->a, p->fd[0]) == -1 ||
	    imsgbuf_init(&p->b, p->fd[1]) == -1)
		return (-1);
	imsgbuf_allow_fdpass(&p->a);
	imsgbuf_allow_fdpass(&p->b);
	*state = p;
	return (0);
}

static int
teardown(void **state)
{
	struct pair	*p = *state;

	imsgbuf_clear(&p->a);
	imsgbuf_clear(&p->b);
	close(p->fd[0]);
	if (p->fd[1] != -1)
		close(p->fd[1]);
	free(p);
	return (0);
}

/* Sends one message a -> b and leaves it in imsg. */
static void
pass(struct pair *p, struct imsg *imsg)
{
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, imsg), 1);
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
test_compose(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	struct ibuf	 ibuf;
	uint32_t	 v = 0x01020304;
	char		 c;

	assert_int_equal(imsgbuf_get(&p->b, &imsg), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);	/* EAGAIN */
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 0);
	assert_int_equal(imsgbuf_write(&p->a), 0);	/* nothing */

	assert_int_equal(imsg_compose(&p->a, 7, 8, 9, -1, &v, sizeof(v)), 1);
	assert_int_equal(imsgbuf_queuelen(&p->a), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_type(&imsg), 7);
	assert_int_equal(imsg_get_id(&imsg), 8);
	assert_int_equal(imsg_get_pid(&imsg), 9);
	assert_int_equal(imsg_get_len(&imsg), sizeof(v));
	assert_int_equal(imsg_get_fd(&imsg), -1);
	v = 0;
	FAILS(imsg_get_data(&imsg, &v, 0), EINVAL);
	FAILS(imsg_get_data(&imsg, &v, 3), EBADMSG);
	FAILS(imsg_get_data(&imsg, &v, 5), EBADMSG);
	assert_int_equal(imsg_get_data(&imsg, &v, sizeof(v)), 0);
	assert_int_equal(v, 0x01020304);
	FAILS(imsg_get_data(&imsg, &v, sizeof(v)), EBADMSG);
	FAILS(imsg_get_buf(&imsg, &c, 1), EBADMSG);
	imsg_free(&imsg);

	/* No payload, own process id. */
	assert_int_equal(imsg_compose(&p->a, UINT32_MAX, 0, 0, -1, NULL, 0),
	    1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_type(&imsg), UINT32_MAX);
	assert_int_equal(imsg_get_pid(&imsg), getpid());
	assert_int_equal(imsg_get_len(&imsg), 0);
	FAILS(imsg_get_ibuf(&imsg, &ibuf), EBADMSG);
	imsg_free(&imsg);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 0);
}

static void
test_getters(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	struct ibuf	 ibuf;
	char		 s[8], buf[4];

	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1,
	    "wxyzname\0\0\0\0rest", 16), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_buf(&imsg, buf, 4), 0);
	assert_memory_equal(buf, "wxyz", 4);
	assert_int_equal(imsg_get_len(&imsg), 12);
	assert_int_equal(imsg_get_strbuf(&imsg, s, 8), 0);
	assert_string_equal(s, "name");
	FAILS(imsg_get_strbuf(&imsg, s, 8), EBADMSG);
	assert_int_equal(imsg_get_ibuf(&imsg, &ibuf), 0);
	assert_int_equal(ibuf_size(&ibuf), 4);
	assert_memory_equal(ibuf_data(&ibuf), "rest", 4);
	FAILS(imsg_get_ibuf(&imsg, &ibuf), EBADMSG);
	imsg_free(&imsg);

	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, "12345678", 8), 1);
	pass(p, &imsg);
	FAILS(imsg_get_strbuf(&imsg, s, 8), EOVERFLOW);
	assert_string_equal(s, "1234567");
	imsg_free(&imsg);

	/* The old interface. */
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, "abc", 3), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsg_get(&p->b, &imsg), IMSG_HEADER_SIZE + 3);
	imsg_free(&imsg);
	imsg_free(&imsg);
	assert_int_equal(imsg_get(&p->b, &imsg), 0);
}

static void
test_create(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	struct ibuf	*msg, ibuf;
	struct iovec	 iov[3];

	/* The length given is where it starts, not where it ends. */
	assert_non_null(msg = imsg_create(&p->a, 1, 2, 3, 2));
	assert_int_equal(imsg_add(msg, "ab", 2), 2);
	assert_int_equal(imsg_add(msg, "", 0), 0);
	assert_int_equal(imsg_add(msg, "cde", 3), 3);
	assert_int_equal(ibuf_add_n16(msg, 0x6667), 0);
	imsg_close(&p->a, msg);
	pass(p, &imsg);
	assert_int_equal(imsg_get_len(&imsg), 7);
	assert_int_equal(imsg_get_ibuf(&imsg, &ibuf), 0);
	assert_memory_equal(ibuf_data(&ibuf), "abcdefg", 7);
	imsg_free(&imsg);

	/* A smaller maximum; imsg_add() frees on failure. */
	assert_non_null(msg = imsg_create(&p->a, 1, 0, 0, 0));
	FAILS(imsg_set_maxsize(msg, SIZE_MAX), ERANGE);
	FAILS(imsg_set_maxsize(msg, PAYLOAD_MAX + 1), ERANGE);
	assert_int_equal(imsg_set_maxsize(msg, 3), 0);
	assert_int_equal(imsg_add(msg, "abc", 3), 3);
	FAILS(imsg_add(msg, "d", 1), ERANGE);
	assert_non_null(msg = imsg_create(&p->a, 1, 0, 0, 0));
	FAILS(imsg_add(msg, "d", (size_t)INT_MAX + 1), ERANGE);

	iov[0].iov_base = pattern;
	iov[0].iov_len = 10;
	iov[1].iov_base = NULL;
	iov[1].iov_len = 0;
	iov[2].iov_base = pattern + 10;
	iov[2].iov_len = 90;
	assert_int_equal(imsg_composev(&p->a, 5, 0, 0, -1, iov, 3), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_len(&imsg), 100);
	assert_int_equal(imsg_get_ibuf(&imsg, &ibuf), 0);
	assert_memory_equal(ibuf_data(&ibuf), pattern, 100);
	imsg_free(&imsg);
	iov[1].iov_len = SIZE_MAX - 50;
	FAILS(imsg_composev(&p->a, 5, 0, 0, -1, iov, 3), ERANGE);
	iov[1].iov_len = 0;
	iov[2].iov_len = PAYLOAD_MAX - 9;
	FAILS(imsg_composev(&p->a, 5, 0, 0, -1, iov, 3), ERANGE);
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
}

static void
test_compose_ibuf(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	struct ibuf	*buf, ibuf;

	assert_non_null(buf = ibuf_dynamic(0, 100));
	assert_int_equal(ibuf_add(buf, "abcdef", 6), 0);
	assert_int_equal(ibuf_skip(buf, 2), 0);
	assert_int_equal(imsg_compose_ibuf(&p->a, 1, 2, 3, buf), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_id(&imsg), 2);
	assert_int_equal(imsg_get_ibuf(&imsg, &ibuf), 0);
	assert_int_equal(ibuf_size(&ibuf), 4);
	assert_memory_equal(ibuf_data(&ibuf), "cdef", 4);
	imsg_free(&imsg);

	assert_non_null(buf = ibuf_open(0));
	assert_int_equal(imsg_compose_ibuf(&p->a, 4, 0, 0, buf), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_type(&imsg), 4);
	assert_int_equal(imsg_get_len(&imsg), 0);
	imsg_free(&imsg);

	/* Consumed on failure too: valgrind and ASan would tell. */
	assert_non_null(buf = ibuf_open(PAYLOAD_MAX + 1));
	assert_int_equal(ibuf_add(buf, pattern, PAYLOAD_MAX + 1), 0);
	FAILS(imsg_compose_ibuf(&p->a, 1, 0, 0, buf), ERANGE);
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
}

static void
test_forward(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg, fwd;
	struct ibuf	 ibuf;
	char		 c[2];
	int		 i;

	assert_int_equal(imsg_compose(&p->a, 1, 2, 3, -1, "hello", 5), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_buf(&imsg, c, 2), 0);
	/* Whole, twice, and without moving what was read. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(imsg_forward(&p->a, &imsg), 1);
		pass(p, &fwd);
		assert_int_equal(imsg_get_type(&fwd), 1);
		assert_int_equal(imsg_get_id(&fwd), 2);
		assert_int_equal(imsg_get_pid(&fwd), 3);
		assert_int_equal(imsg_get_ibuf(&fwd, &ibuf), 0);
		assert_int_equal(ibuf_size(&ibuf), 5);
		assert_memory_equal(ibuf_data(&ibuf), "hello", 5);
		imsg_free(&fwd);
		assert_int_equal(imsg_get_len(&imsg), 3);
	}
	imsg_free(&imsg);
	assert_int_equal(imsg_compose(&p->a, 6, 0, 0, -1, NULL, 0), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_forward(&p->a, &imsg), 1);
	imsg_free(&imsg);
	pass(p, &fwd);
	assert_int_equal(imsg_get_type(&fwd), 6);
	assert_int_equal(imsg_get_len(&fwd), 0);
	imsg_free(&fwd);
}

static void
test_ibufq(void **state)
{
	struct pair		*p = *state;
	struct ibufqueue	*q;
	struct imsg		 imsg;
	char			 c[3];

	assert_non_null(q = ibufq_new());
	assert_int_equal(imsg_ibufq_pop(q, &imsg), 0);
	assert_int_equal(imsg_compose(&p->a, 1, 2, 3, -1, "abc", 3), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_data(&imsg, c, 3), 0);
	imsg_ibufq_push(q, &imsg);
	assert_int_equal(ibufq_queuelen(q), 1);
	assert_int_equal(imsg_ibufq_pop(q, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), 1);
	assert_int_equal(imsg_get_len(&imsg), 3);
	memset(c, 0, sizeof(c));
	assert_int_equal(imsg_get_data(&imsg, c, 3), 0);
	assert_memory_equal(c, "abc", 3);
	imsg_free(&imsg);
	/* What is no message at all. */
	ibufq_push(q, ibuf_open(3));
	FAILS(imsg_ibufq_pop(q, &imsg), EBADMSG);
	ibufq_free(q);
}

static void
test_maxsize(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	struct ibuf	 ibuf;

	FAILS(imsg_compose(&p->a, 1, 0, 0, -1, pattern, PAYLOAD_MAX + 1),
	    ERANGE);
	FAILS(imsg_compose(&p->a, 1, 0, 0, -1, pattern, SIZE_MAX - 3),
	    ERANGE);
	assert_null(imsg_create(&p->a, 1, 0, 0, PAYLOAD_MAX + 1));
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, pattern,
	    PAYLOAD_MAX), 1);
	pass(p, &imsg);
	assert_int_equal(imsg_get_len(&imsg), PAYLOAD_MAX);
	imsg_free(&imsg);

	FAILS(imsgbuf_set_maxsize(&p->a, UINT32_MAX), ERANGE);
	FAILS(imsgbuf_set_maxsize(&p->a, INT32_MAX), EINVAL);
	assert_int_equal(imsgbuf_set_maxsize(&p->a, LARGE), 0);
	assert_int_equal(imsgbuf_set_maxsize(&p->b, LARGE), 0);
	FAILS(imsg_compose(&p->a, 1, 0, 0, -1, pattern, LARGE + 1), ERANGE);
	assert_int_equal(imsg_compose(&p->a, 2, 0, 0, -1, pattern, LARGE), 1);
	assert_int_equal(imsg_compose(&p->a, 3, 0, 0, -1, "x", 1), 1);
	while (imsgbuf_get(&p->b, &imsg) == 0) {
		assert_int_equal(imsgbuf_write(&p->a), 0);
		assert_int_equal(imsgbuf_read(&p->b), 1);
	}
	assert_int_equal(imsg_get_type(&imsg), 2);
	assert_int_equal(imsg_get_ibuf(&imsg, &ibuf), 0);
	assert_int_equal(ibuf_size(&ibuf), LARGE);
	assert_memory_equal(ibuf_data(&ibuf), pattern, LARGE);
	imsg_free(&imsg);
	while (imsgbuf_get(&p->b, &imsg) == 0) {
		assert_int_equal(imsgbuf_write(&p->a), 0);
		assert_int_equal(imsgbuf_read(&p->b), 1);
	}
	assert_int_equal(imsg_get_type(&imsg), 3);
	imsg_free(&imsg);
}

/* A length that cannot be: refused for good, earlier messages are kept. */
static void
refused(struct pair *p, uint32_t len, uint32_t max)
{
	unsigned char	 raw[5 * IMSG_HEADER_SIZE];
	struct imsg	 imsg;

	memset(raw, 0, sizeof(raw));
	header(raw, 1, IMSG_HEADER_SIZE);
	header(raw + IMSG_HEADER_SIZE, 2, len);
	header(raw + 2 * IMSG_HEADER_SIZE, 3, IMSG_HEADER_SIZE);
	assert_int_equal(imsgbuf_set_maxsize(&p->b, max), 0);
	assert_int_equal(write(p->fd[0], raw, sizeof(raw)), sizeof(raw));
	FAILS(imsgbuf_read(&p->b), ERANGE);
	assert_int_equal(write(p->fd[0], raw, sizeof(raw)), sizeof(raw));
	FAILS(imsgbuf_read(&p->b), ERANGE);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_type(&imsg), 1);
	imsg_free(&imsg);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 0);
}

static void
test_too_short(void **state)
{
	refused(*state, IMSG_HEADER_SIZE - 1, PAYLOAD_MAX);
}

static void
test_zero_length(void **state)
{
	refused(*state, 0, PAYLOAD_MAX);
}

static void
test_marked_zero_length(void **state)
{
	refused(*state, 0x80000000U, PAYLOAD_MAX);
}

static void
test_oversize(void **state)
{
	refused(*state, MAX_IMSGSIZE + 1, PAYLOAD_MAX);
}

static void
test_oversize_large(void **state)
{
	refused(*state, LARGE + IMSG_HEADER_SIZE + 1, LARGE);
}

static void
test_bytewise(void **state)
{
	struct pair	*p = *state;
	unsigned char	 raw[2 * IMSG_HEADER_SIZE + 20];
	struct imsg	 imsg;
	struct ibuf	 ibuf;
	size_t		 i;
	int		 got = 0;

	header(raw, 1, IMSG_HEADER_SIZE + 20);
	memcpy(raw + IMSG_HEADER_SIZE, pattern, 20);
	header(raw + IMSG_HEADER_SIZE + 20, 2, IMSG_HEADER_SIZE);
	for (i = 0; i < sizeof(raw); i++) {
		assert_int_equal(write(p->fd[0], raw + i, 1), 1);
		assert_int_equal(imsgbuf_read(&p->b), 1);
		if (imsgbuf_get(&p->b, &imsg) == 0)
			continue;
		got++;
		assert_int_equal(imsg_get_type(&imsg), got);
		assert_int_equal(i + 1, got == 1 ? IMSG_HEADER_SIZE + 20 :
		    sizeof(raw));
		if (got == 1) {
			assert_int_equal(imsg_get_ibuf(&imsg, &ibuf), 0);
			assert_int_equal(ibuf_size(&ibuf), 20);
			assert_memory_equal(ibuf_data(&ibuf), pattern, 20);
		}
		imsg_free(&imsg);
	}
	assert_int_equal(got, 2);
}

/* At each length short of two messages: the first at most, then EOF. */
/* Sends the messages 0 to 3, but only so many bytes, from where it was. */
static void
send_four(struct pair *p, size_t from, size_t n)
{
	unsigned char	 raw[4 * (IMSG_HEADER_SIZE + 100)];
	size_t		 i, len = IMSG_HEADER_SIZE + 100;

	for (i = 0; i < 4; i++) {
		header(raw + i * len, i, len);
		memcpy(raw + i * len + IMSG_HEADER_SIZE, pattern + i, 100);
	}
	assert_int_equal(write(p->fd[0], raw + from, n), n);
	assert_int_equal(imsgbuf_read(&p->b), 1);
}

static void
is_pattern(struct imsg *imsg, uint32_t i)
{
	struct ibuf	 buf;

	assert_int_equal(imsg_get_type(imsg), i);
	assert_int_equal(imsg_get_ibuf(imsg, &buf), 0);
	assert_int_equal(ibuf_size(&buf), 100);
	assert_memory_equal(ibuf_data(&buf), pattern + i, 100);
}

/*
 * Messages stay what they are while others are read, wherever a read has
 * ended, in whatever order they are freed, and when the link is gone.
 */
static void
test_held(void **state)
{
	const size_t	 all = 4 * (IMSG_HEADER_SIZE + 100);
	struct pair	*p = *state;
	struct imsg	 imsg[4];
	size_t		 cut;
	int		 i, n;

	for (cut = 1; cut < all; cut++) {
		send_four(p, 0, cut);
		for (n = 0; imsgbuf_get(&p->b, &imsg[n]) == 1; n++)
			;
		send_four(p, cut, all - cut);
		for (; n < 4; n++)
			assert_int_equal(imsgbuf_get(&p->b, &imsg[n]), 1);
		for (i = 0; i < 4; i++)
			is_pattern(&imsg[i], i);
		for (i = 0; i < 4; i++)
			imsg_free(&imsg[(i + cut) % 4]);
	}
	send_four(p, 0, all);
	assert_int_equal(imsgbuf_get(&p->b, &imsg[0]), 1);
	imsgbuf_clear(&p->b);
	is_pattern(&imsg[0], 0);
	imsg_free(&imsg[0]);
	assert_int_equal(imsgbuf_init(&p->b, p->fd[1]), 0);
}

static void
test_eof(void **state)
{
	unsigned char	 raw[2 * (IMSG_HEADER_SIZE + 4)];
	struct imsgbuf	 b;
	struct imsg	 imsg;
	size_t		 i, len = IMSG_HEADER_SIZE + 4;
	int		 fd[2];

	memset(raw, 0, sizeof(raw));
	header(raw, 1, len);
	header(raw + len, 2, len);
	for (i = 0; i < sizeof(raw); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		assert_int_equal(imsgbuf_init(&b, fd[0]), 0);
		assert_int_equal(write(fd[1], raw, i), i);
		close(fd[1]);
		if (i > 0)
			assert_int_equal(imsgbuf_read(&b), 1);
		assert_int_equal(imsgbuf_read(&b), 0);
		assert_int_equal(imsgbuf_read(&b), 0);
		if (i >= len) {
			assert_int_equal(imsgbuf_get(&b, &imsg), 1);
			assert_int_equal(imsg_get_type(&imsg), 1);
			imsg_free(&imsg);
		}
		assert_int_equal(imsgbuf_get(&b, &imsg), 0);
		imsgbuf_clear(&b);
		close(fd[0]);
	}
}

/* A reader that does not read: the queue grows, nothing fails or is lost. */
static void
test_backpressure(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	struct ibuf	 ibuf;
	uint32_t	 i, len, next = 0;
	int		 n, sz = 4096;

	assert_int_equal(setsockopt(p->fd[0], SOL_SOCKET, SO_SNDBUF, &sz,
	    sizeof(sz)), 0);
	for (i = 0; i < 3000; i++) {
		assert_int_equal(imsg_compose(&p->a, i, 0, 0, -1, pattern,
		    i % 700), 1);
		assert_int_equal(imsgbuf_write(&p->a), 0);
	}
	len = imsgbuf_queuelen(&p->a);
	assert_true(len > 2500);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	assert_int_equal(imsgbuf_queuelen(&p->a), len);

	while (next < 3000) {
		assert_int_equal(imsgbuf_read(&p->b), 1);
		while ((n = imsgbuf_get(&p->b, &imsg)) == 1) {
			assert_int_equal(imsg_get_type(&imsg), next);
			assert_int_equal(imsg_get_len(&imsg), next % 700);
			if (next % 700 != 0) {
				assert_int_equal(imsg_get_ibuf(&imsg, &ibuf),
				    0);
				assert_memory_equal(ibuf_data(&ibuf), pattern,
				    next % 700);
			}
			imsg_free(&imsg);
			next++;
		}
		assert_int_equal(n, 0);
		assert_int_equal(imsgbuf_write(&p->a), 0);
	}
	assert_int_equal(imsgbuf_queuelen(&p->a), 0);
}

static void
test_flush(void **state)
{
	struct imsgbuf	 a, b;
	struct imsg	 imsg;
	int		 fd[2], i, n = 0, status;
	pid_t		 pid;

	/* More than IOV_MAX and more than the socket holds. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		close(fd[0]);
		if (imsgbuf_init(&a, fd[1]) == -1)
			_exit(1);
		for (i = 0; i < 3000; i++)
			if (imsg_compose(&a, i, 0, 0, -1, pattern, 300) != 1)
				_exit(2);
		if (imsgbuf_flush(&a) == -1 || imsgbuf_queuelen(&a) != 0)
			_exit(3);
		imsgbuf_clear(&a);
		_exit(0);
	}
	close(fd[1]);
	assert_int_equal(imsgbuf_init(&b, fd[0]), 0);
	while (imsgbuf_read(&b) == 1) {
		while (imsgbuf_get(&b, &imsg) == 1) {
			assert_int_equal(imsg_get_type(&imsg), n++);
			imsg_free(&imsg);
		}
	}
	assert_int_equal(n, 3000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	imsgbuf_clear(&b);
	close(fd[0]);
}

/*
 * The peer dies with a message of ours unread.  A send fails, and must
 * neither raise SIGPIPE nor take away what the peer said before.
 */
static void
test_write_error_keeps_input(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;
	int		 i, n;

	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(imsg_compose(&p->a, 1, 0, 0, -1, "ack", 3), 1);
	assert_int_equal(imsgbuf_write(&p->a), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(imsg_compose(&p->b, 10 + i, 0, 0, -1,
		    "begin", 5), 1);
	assert_int_equal(imsgbuf_write(&p->b), 0);
	close(p->fd[1]);
	p->fd[1] = -1;

	for (i = 0; i < 3; i++) {
		assert_int_equal(imsg_compose(&p->a, 2, 0, 0, -1, "ack", 3),
		    1);
		assert_int_equal(imsgbuf_write(&p->a), -1);
		assert_true(errno == EPIPE || errno == ECONNRESET);
	}
	assert_int_equal(imsgbuf_queuelen(&p->a), 3);
	assert_int_equal(imsgbuf_flush(&p->a), -1);

	assert_int_equal(imsgbuf_read(&p->a), 1);
	for (i = 0; i < 3; i++) {
		assert_int_equal(imsgbuf_get(&p->a, &imsg), 1);
		assert_int_equal(imsg_get_type(&imsg), 10 + i);
		assert_int_equal(imsg_get_len(&imsg), 5);
		imsg_free(&imsg);
	}
	assert_int_equal(imsgbuf_get(&p->a, &imsg), 0);
	if ((n = imsgbuf_read(&p->a)) == -1)
		assert_int_equal(errno, ECONNRESET);
	else
		assert_int_equal(n, 0);
}

static void
on_alarm(int sig)
{
}

static void
test_eintr(void **state)
{
	struct sigaction	 sa;
	struct imsgbuf		 b;
	struct imsg		 imsg;
	unsigned char		 raw[IMSG_HEADER_SIZE];
	int			 fd[2], i, status;
	pid_t			 pid, self;

	/* Blocked in recvmsg(2), woken by signals, then by a message. */
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_alarm;
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	self = getpid();
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		header(raw, 1, sizeof(raw));
		for (i = 0; i < 5; i++) {
			usleep(10000);
			kill(self, SIGUSR1);
		}
		_exit(write(fd[1], raw, sizeof(raw)) == sizeof(raw) ? 0 : 1);
	}
	assert_int_equal(imsgbuf_init(&b, fd[0]), 0);
	imsgbuf_allow_fdpass(&b);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_get(&b, &imsg), 1);
	imsg_free(&imsg);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	imsgbuf_clear(&b);
	close(fd[0]);
	close(fd[1]);
}

int
main(void)
{
#define TEST(x)	cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_compose),
		TEST(test_getters),
		TEST(test_create),
		TEST(test_compose_ibuf),
		TEST(test_forward),
		TEST(test_ibufq),
		TEST(test_maxsize),
		TEST(test_too_short),
		TEST(test_zero_length),
		TEST(test_marked_zero_length),
		TEST(test_oversize),
		TEST(test_oversize_large),
		TEST(test_bytewise),
		TEST(test_held),
		TEST(test_eof),
		TEST(test_backpressure),
		TEST(test_flush),
		TEST(test_write_error_keeps_input),
		TEST(test_eintr),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
