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
 * imsg(3) and ibuf(3) for systems without OpenBSD's libutil: the names,
 * prototypes and contract of OpenBSD 7.8's imsg_init(3), ibuf_add(3) and
 * ibufq_new(3).  The members of the structures are private; code outside
 * compat/ goes through the functions.
 *
 * Beyond what libutil promises, every byte that was consumed from the read
 * buffer and every buffer that is freed is wiped.  A message is not copied:
 * until it is freed it keeps all that was read with it, IBUF_READ_SIZE bytes.
 */

#ifndef _IMSG_H_
#define _IMSG_H_

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#define IBUF_READ_SIZE		65535
#define IMSG_HEADER_SIZE	sizeof(struct imsg_hdr)
#define MAX_IMSGSIZE		16384	/* with the header */

struct iovec;
struct ibufblock;
struct ibufqueue;
struct msgbuf;

struct ibuf {
	TAILQ_ENTRY(ibuf)	 entry;
	unsigned char		*buf;
	size_t			 size;	/* allocated */
	size_t			 max;	/* may grow to; 0: a view, read only */
	size_t			 wpos;
	size_t			 rpos;
	struct ibufblock	*block;	/* that its bytes are a part of */
	int			 fd;
};

struct imsgbuf {
	struct msgbuf		*w;
	pid_t			 pid;
	uint32_t		 maxsize;	/* with the header */
	int			 fd;
	int			 flags;
};

struct imsg_hdr {
	uint32_t		 type;
	uint32_t		 len;	/* with the header; high bit: an fd */
	uint32_t		 peerid;
	uint32_t		 pid;
};

struct imsg {
	struct imsg_hdr		 hdr;
	void			*data;
	struct ibuf		*buf;
};

/*
 * ibuf.c: buffers.
 *
 * int functions return 0, or -1 with errno: ERANGE when a buffer's bounds or
 * maximum would be exceeded, EINVAL for a value that does not fit its width,
 * EBADMSG when fewer bytes are left to read than are asked for.  A call that
 * fails changes nothing.
 *
 * ibuf_open() makes a buffer of exactly len bytes, ibuf_dynamic() one that
 * grows from len to max (EINVAL when max is 0 or below len).  Both are freed
 * with ibuf_free(), which wipes the bytes, closes the fd and keeps errno.
 * ibuf_from_buffer(), ibuf_from_ibuf() and ibuf_get_ibuf() set up a view of
 * memory owned by others: to free it, to queue it or to give it an fd aborts.
 */
struct ibuf	*ibuf_open(size_t);
struct ibuf	*ibuf_dynamic(size_t, size_t);
int		 ibuf_add(struct ibuf *, const void *, size_t);
int		 ibuf_add_ibuf(struct ibuf *, const struct ibuf *);
int		 ibuf_add_zero(struct ibuf *, size_t);
int		 ibuf_add_n8(struct ibuf *, uint64_t);
int		 ibuf_add_n16(struct ibuf *, uint64_t);
int		 ibuf_add_n32(struct ibuf *, uint64_t);
int		 ibuf_add_n64(struct ibuf *, uint64_t);
int		 ibuf_add_h16(struct ibuf *, uint64_t);
int		 ibuf_add_h32(struct ibuf *, uint64_t);
int		 ibuf_add_h64(struct ibuf *, uint64_t);
/*
 * A string in a field of exactly len bytes, padded with NULs.  The string
 * and its NUL must fit: EOVERFLOW otherwise, EINVAL for len 0.
 */
int		 ibuf_add_strbuf(struct ibuf *, const char *, size_t);
/* Room for len bytes, zeroed and counted as written; NULL on error. */
void		*ibuf_reserve(struct ibuf *, size_t);
/* Positions count from the first unread byte. */
void		*ibuf_seek(struct ibuf *, size_t, size_t);
int		 ibuf_set(struct ibuf *, size_t, const void *, size_t);
int		 ibuf_set_n8(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n16(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n32(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n64(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h16(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h32(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h64(struct ibuf *, size_t, uint64_t);
/* Only ever lowers the maximum, and not below what is written. */
int		 ibuf_set_maxsize(struct ibuf *, size_t);
void		*ibuf_data(const struct ibuf *);
size_t		 ibuf_size(const struct ibuf *);	/* unread bytes */
size_t		 ibuf_left(const struct ibuf *);	/* room to max */
int		 ibuf_truncate(struct ibuf *, size_t);
void		 ibuf_rewind(struct ibuf *);
void		 ibuf_from_buffer(struct ibuf *, void *, size_t);
void		 ibuf_from_ibuf(struct ibuf *, const struct ibuf *);
int		 ibuf_get(struct ibuf *, void *, size_t);
int		 ibuf_get_ibuf(struct ibuf *, size_t, struct ibuf *);
int		 ibuf_get_n8(struct ibuf *, uint8_t *);
int		 ibuf_get_n16(struct ibuf *, uint16_t *);
int		 ibuf_get_n32(struct ibuf *, uint32_t *);
int		 ibuf_get_n64(struct ibuf *, uint64_t *);
int		 ibuf_get_h16(struct ibuf *, uint16_t *);
int		 ibuf_get_h32(struct ibuf *, uint32_t *);
int		 ibuf_get_h64(struct ibuf *, uint64_t *);
/* The next len bytes up to their first NUL, as a string to be freed. */
char		*ibuf_get_string(struct ibuf *, size_t);
/*
 * Reads a field of exactly len bytes; EINVAL for len 0.  str is always
 * NUL-terminated.  A field that is not is consumed, str then holds all but
 * its last byte, and -1 EOVERFLOW is returned.
 */
int		 ibuf_get_strbuf(struct ibuf *, char *, size_t);
int		 ibuf_skip(struct ibuf *, size_t);
void		 ibuf_free(struct ibuf *);
/*
 * A buffer owns its fd.  ibuf_fd_get() hands it to the caller (-1: none),
 * ibuf_fd_set() closes one that was there before.
 */
int		 ibuf_fd_avail(struct ibuf *);
int		 ibuf_fd_get(struct ibuf *);
void		 ibuf_fd_set(struct ibuf *, int);

/*
 * ibufq.c: queues of buffers.  A queue owns what was pushed; ibufq_pop()
 * returns NULL when it is empty; ibufq_concat() moves all of the second
 * queue behind the first; ibufq_flush() frees the buffers, ibufq_free() the
 * queue too.
 */
struct ibufqueue	*ibufq_new(void);
void		 ibufq_free(struct ibufqueue *);
struct ibuf	*ibufq_pop(struct ibufqueue *);
void		 ibufq_push(struct ibufqueue *, struct ibuf *);
uint32_t	 ibufq_queuelen(struct ibufqueue *);
void		 ibufq_concat(struct ibufqueue *, struct ibufqueue *);
void		 ibufq_flush(struct ibufqueue *);

/*
 * msgbuf.c: buffers in, buffers out.
 *
 * msgbuf_new_reader() takes the size of the header that every message starts
 * with (EINVAL for 0 or more than half of IBUF_READ_SIZE), and a function
 * that is called with each complete header, the argument, and the fd that
 * came with it or -1.  It returns an empty ibuf_open() buffer of the
 * message's whole size, or NULL with errno for a header that it refuses.  To
 * keep the fd it calls ibuf_fd_set() and stores -1; else the fd is closed.
 *
 * ibuf_read() and msgbuf_read() make one system call of up to IBUF_READ_SIZE
 * bytes and return 1 (data, or EAGAIN), 0 (EOF; a message that is not
 * complete is never returned), or -1.  After a refused header the stream has
 * lost its framing: every further read fails with the same errno, while the
 * messages before it can still be fetched with msgbuf_get().  EINVAL when
 * the msgbuf is no reader.
 *
 * ibuf_write() (writev(2): the caller sees to SIGPIPE, fds are dropped) and
 * msgbuf_write() (sendmsg(2), never raises SIGPIPE) make one system call of
 * at most IOV_MAX buffers, and return 0 or -1.  EAGAIN and ENOBUFS give 0:
 * look at msgbuf_queuelen() for what is left.  So does ETOOMANYREFS, too
 * many descriptors in flight on Linux.  A write error leaves received
 * messages and unread input as they are.
 */
void		 ibuf_close(struct msgbuf *, struct ibuf *);
int		 ibuf_read(int, struct msgbuf *);
int		 ibuf_write(int, struct msgbuf *);
struct msgbuf	*msgbuf_new(void);
struct msgbuf	*msgbuf_new_reader(size_t,
		    struct ibuf *(*)(struct ibuf *, void *, int *), void *);
void		 msgbuf_free(struct msgbuf *);
void		 msgbuf_clear(struct msgbuf *);
void		 msgbuf_concat(struct msgbuf *, struct ibufqueue *);
uint32_t	 msgbuf_queuelen(struct msgbuf *);
int		 msgbuf_read(int, struct msgbuf *);
int		 msgbuf_write(int, struct msgbuf *);
struct ibuf	*msgbuf_get(struct msgbuf *);

/*
 * imsg.c: messages.
 *
 * imsgbuf_init() does not take over the fd.  The structure must stay where
 * it is until imsgbuf_clear().  Without imsgbuf_allow_fdpass() descriptors
 * are closed instead of sent, and those that arrive are dropped.
 * imsgbuf_set_maxsize() sets the largest payload, without the header, for
 * both directions (ERANGE, EINVAL above 2^31).
 */
int		 imsgbuf_init(struct imsgbuf *, int);
void		 imsgbuf_allow_fdpass(struct imsgbuf *);
int		 imsgbuf_set_maxsize(struct imsgbuf *, uint32_t);
/*
 * One recvmsg(2): 1 data or EAGAIN, 0 EOF, -1 error.  ERANGE when a message
 * claims to be larger than allowed or smaller than its header.
 */
int		 imsgbuf_read(struct imsgbuf *);
/*
 * One sendmsg(2): 0, also when the socket is full, or -1.  A message with an
 * fd is always the first of its sendmsg(2), so check imsgbuf_queuelen().
 */
int		 imsgbuf_write(struct imsgbuf *);
/*
 * Writes until nothing is queued, in a busy loop if the socket is
 * non-blocking and full: for start-up and shutdown only.
 */
int		 imsgbuf_flush(struct imsgbuf *);
void		 imsgbuf_clear(struct imsgbuf *);
/* Buffers to send; a message from imsg_compose_ibuf() is two. */
uint32_t	 imsgbuf_queuelen(struct imsgbuf *);
/* 1: imsg is filled in and must go through imsg_free(); 0: none; -1: error. */
int		 imsgbuf_get(struct imsgbuf *, struct imsg *);
/* As imsgbuf_get(), but returns the message's size.  For old code. */
ssize_t		 imsg_get(struct imsgbuf *, struct imsg *);
/* Hold a received message back in a queue: pop returns 1, 0 or -1. */
int		 imsg_ibufq_pop(struct ibufqueue *, struct imsg *);
void		 imsg_ibufq_push(struct ibufqueue *, struct imsg *);
/*
 * Each of these four consumes what it returns.  imsg_get_ibuf() gives the
 * whole rest, valid until imsg_free() (EBADMSG when that is nothing);
 * imsg_get_data() wants len to be the exact rest (EBADMSG; EINVAL for 0);
 * imsg_get_buf() and imsg_get_strbuf() are ibuf_get() and ibuf_get_strbuf().
 */
int		 imsg_get_ibuf(struct imsg *, struct ibuf *);
int		 imsg_get_data(struct imsg *, void *, size_t);
int		 imsg_get_buf(struct imsg *, void *, size_t);
int		 imsg_get_strbuf(struct imsg *, char *, size_t);
/*
 * The caller owns the fd from here on.  -1 when there is none: this is an
 * ordinary event when the process is out of descriptors, not a broken peer.
 */
int		 imsg_get_fd(struct imsg *);
uint32_t	 imsg_get_id(struct imsg *);
size_t		 imsg_get_len(struct imsg *);	/* unread payload */
pid_t		 imsg_get_pid(struct imsg *);
uint32_t	 imsg_get_type(struct imsg *);
/* Queues the whole payload again, however much was read, without its fd. */
int		 imsg_forward(struct imsgbuf *, struct imsg *);
/*
 * 1, or -1 with errno (ERANGE above the maximum).  On failure the fd is
 * still the caller's, while imsg_compose_ibuf() consumes its buffer and the
 * buffer's fd either way.  pid 0 stands for this process.
 */
int		 imsg_compose(struct imsgbuf *, uint32_t, uint32_t, pid_t, int,
		    const void *, size_t);
int		 imsg_composev(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    int, const struct iovec *, int);
int		 imsg_compose_ibuf(struct imsgbuf *, uint32_t, uint32_t,
		    pid_t, struct ibuf *);
/*
 * The payload may grow past the length given here, up to the maximum.
 * imsg_add() returns the length, or frees msg and returns -1.
 */
struct ibuf	*imsg_create(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    size_t);
int		 imsg_add(struct ibuf *, const void *, size_t);
void		 imsg_close(struct imsgbuf *, struct ibuf *);
void		 imsg_free(struct imsg *);
int		 imsg_set_maxsize(struct ibuf *, size_t);

#endif /* _IMSG_H_ */
