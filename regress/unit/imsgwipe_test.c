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
 * What went through imsg(3) is gone from memory afterwards: looked for in all
 * that this process can write to.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <imsg.h>

/* A link to ourselves, of which fd[0] is used as a bare socket. */
struct pair {
	struct imsgbuf	 b;
	int		 fd[2];
};

static int
setup(void **state)
{
	struct pair	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    p->fd) == -1 || imsgbuf_init(&p->b, p->fd[1]) == -1)
		return (-1);
	imsgbuf_allow_fdpass(&p->b);
	*state = p;
	return (0);
}

static int
teardown(void **state)
{
	struct pair	*p = *state;

	imsgbuf_clear(&p->b);
	close(p->fd[0]);
	close(p->fd[1]);
	free(p);
	return (0);
}

/* The secret is never in this process but as the peer's bytes. */
static unsigned char
secret(size_t i)
{
	return ("The quick brown fox jumps over it"[i % 32] ^ 0x5a);
}

/*
 * Counts the secret in all writable memory but the stack.  There it can be
 * in the vector registers that memcpy(3) left, which the dynamic linker saves
 * when it binds a function at its first call; our programs bind at start.
 */
static int
scan(void)
{
	static unsigned char	 buf[1 << 16];
	char			 line[512], *p;
	FILE			*fp;
	unsigned long		 end, pos, start;
	ssize_t			 n;
	size_t			 i, k;
	int			 found = 0, mem;

	assert_non_null(fp = fopen("/proc/self/maps", "re"));
	assert_int_not_equal(mem = open("/proc/self/mem",
	    O_RDONLY | O_CLOEXEC), -1);
	while (fgets(line, sizeof(line), fp) != NULL) {
		/* start-end rwxp ... */
		start = strtoul(line, &p, 16);
		end = strtoul(p + 1, &p, 16);
		if (p[2] != 'w' || end - start > 256UL << 20 ||
		    strstr(line, "[stack]") != NULL)
			continue;
		for (pos = start; pos < end; pos += n > 32 ? n - 31 : n) {
			n = pread(mem, buf, sizeof(buf), (off_t)pos);
			if (n <= 0)
				break;
			for (i = 0; i + 32 <= (size_t)n; i++) {
				for (k = 0; k < 32; k++)
					if (buf[i + k] != secret(k))
						break;
				found += k == 32;
			}
			explicit_bzero(buf, sizeof(buf));
			if (n <= 32)
				break;
		}
	}
	close(mem);
	fclose(fp);
	return (found);
}

/* A child sends a message of len bytes of the secret, all but cut of them. */
static void
send_secret(int fd, size_t len, size_t cut)
{
	unsigned char	 raw[512];
	struct imsg_hdr	 hdr;
	size_t		 i;
	pid_t		 pid;
	int		 status;

	assert_true(len + IMSG_HEADER_SIZE <= sizeof(raw));
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		len += IMSG_HEADER_SIZE;
		memset(&hdr, 0, sizeof(hdr));
		hdr.type = 1;
		hdr.len = len;
		memcpy(raw, &hdr, sizeof(hdr));
		for (i = IMSG_HEADER_SIZE; i < len; i++)
			raw[i] = secret(i - IMSG_HEADER_SIZE);
		len -= cut;
		_exit(write(fd, raw, len) == (ssize_t)len ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_wipe(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;

	assert_int_equal(scan(), 0);
	/* Only the message itself has it, not the read buffer. */
	send_secret(p->fd[0], 32, 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(scan(), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_get_len(&imsg), 32);
	assert_int_equal(scan(), 1);
	imsg_free(&imsg);
	assert_int_equal(scan(), 0);
}

static void
test_wipe_forward(void **state)
{
	struct pair	*p = *state;
	struct imsg	 imsg;

	send_secret(p->fd[0], 320, 0);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(imsgbuf_get(&p->b, &imsg), 1);
	assert_int_equal(imsg_forward(&p->b, &imsg), 1);
	assert_int_equal(scan(), 20);
	imsg_free(&imsg);
	assert_int_equal(scan(), 10);
	assert_int_equal(imsgbuf_write(&p->b), 0);
	assert_int_equal(scan(), 0);
}

static void
test_wipe_clear(void **state)
{
	struct pair	*p = *state;

	/* In mid-message, with the peer gone. */
	send_secret(p->fd[0], 320, 1);
	assert_int_equal(imsgbuf_read(&p->b), 1);
	assert_int_equal(scan(), 9);
	imsgbuf_clear(&p->b);
	assert_int_equal(scan(), 0);
}

static void
test_wipe_refused(void **state)
{
	struct pair	*p = *state;

	assert_int_equal(imsgbuf_set_maxsize(&p->b, 319), 0);
	send_secret(p->fd[0], 320, 0);
	assert_int_equal(imsgbuf_read(&p->b), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(scan(), 0);
}

int
main(void)
{
#define TEST(x)	cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		TEST(test_wipe),
		TEST(test_wipe_forward),
		TEST(test_wipe_clear),
		TEST(test_wipe_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
