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
#include <sys/uio.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

#include "ibufq.h"

/*
 * Between two reads the block has messages that nobody has freed and at most
 * an incomplete header, of hlen bytes at hoff; hfd is the fd that came with
 * that header's first byte.  As soon as a header is complete its message is in
 * rpmsg, where further reads go directly, or if it is whole it is a part of
 * the block.
 */
struct msgbuf {
	struct ibufqueue	 bufs;
	struct ibufqueue	 rbufs;
	struct ibuf		*rpmsg;
	struct ibufblock	*block;
	struct ibuf		*(*readhdr)(struct ibuf *, void *, int *);
	size_t			(*length)(const void *, void *, int *);
	void			*rarg;
	size_t			 hdrsz;
	size_t			 hoff;
	size_t			 hlen;
	int			 hfd;
	int			 rerrno;	/* framing lost */
};

union msgbuf_ctl {
	struct cmsghdr		 hdr;
	unsigned char		 buf[CMSG_SPACE(sizeof(int))];
};

static void	 msgbuf_closefd(int *);
static void	 msgbuf_drain(struct msgbuf *, size_t);
static int	 msgbuf_input(struct msgbuf *, size_t, int);
static void	 msgbuf_keep(struct msgbuf *, size_t, size_t, int *);
static ssize_t	 msgbuf_message(struct msgbuf *, size_t, size_t, int *);
static ssize_t	 msgbuf_part(struct msgbuf *, size_t, size_t, int *);
static int	 msgbuf_room(struct msgbuf *);
static struct msgbuf	*msgbuf_reader(size_t, void *);
static size_t	 msgbuf_rest(struct msgbuf *, size_t);
static int	 msgbuf_rdiov(struct msgbuf *, struct iovec *);
static int	 msgbuf_takefd(struct msghdr *);
static int	 msgbuf_wriov(struct msgbuf *, struct iovec *, int *);
static int	 msgbuf_wrerr(void);

struct msgbuf *
msgbuf_new(void)
{
	struct msgbuf	*m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (NULL);
	ibufq_init(&m->bufs);
	ibufq_init(&m->rbufs);
	m->hfd = -1;
	return (m);
}

static struct msgbuf *
msgbuf_reader(size_t hdrsz, void *arg)
{
	struct msgbuf	*m;

	if (hdrsz == 0 || hdrsz > IBUF_READ_SIZE / 2) {
		errno = EINVAL;
		return (NULL);
	}
	if ((m = msgbuf_new()) == NULL)
		return (NULL);
	if ((m->block = ibufblock_new(IBUF_READ_SIZE)) == NULL) {
		free(m);
		return (NULL);
	}
	m->hdrsz = hdrsz;
	m->rarg = arg;
	return (m);
}

struct msgbuf *
msgbuf_new_reader(size_t hdrsz,
    struct ibuf *(*readhdr)(struct ibuf *, void *, int *), void *arg)
{
	struct msgbuf	*m;

	if ((m = msgbuf_reader(hdrsz, arg)) != NULL)
		m->readhdr = readhdr;
	return (m);
}

struct msgbuf *
msgbuf_new_parts(size_t hdrsz,
    size_t (*length)(const void *, void *, int *), void *arg)
{
	struct msgbuf	*m;

	if ((m = msgbuf_reader(hdrsz, arg)) != NULL)
		m->length = length;
	return (m);
}

void
msgbuf_clear(struct msgbuf *m)
{
	ibufq_flush(&m->bufs);
	ibufq_flush(&m->rbufs);
	ibuf_free(m->rpmsg);
	m->rpmsg = NULL;
	if (m->hlen > 0)
		explicit_bzero(m->block->data + m->hoff, m->hlen);
	m->hlen = 0;
	msgbuf_closefd(&m->hfd);
}

void
msgbuf_free(struct msgbuf *m)
{
	if (m == NULL)
		return;
	msgbuf_clear(m);
	ibufblock_leave(m->block);
	free(m);
}

void
msgbuf_concat(struct msgbuf *m, struct ibufqueue *from)
{
	ibufq_concat(&m->bufs, from);
}

uint32_t
msgbuf_queuelen(struct msgbuf *m)
{
	return (ibufq_queuelen(&m->bufs));
}

struct ibuf *
msgbuf_get(struct msgbuf *m)
{
	return (ibufq_pop(&m->rbufs));
}

void
ibuf_close(struct msgbuf *m, struct ibuf *buf)
{
	ibufq_push(&m->bufs, buf);
}

static void
msgbuf_closefd(int *fd)
{
	int	 save_errno;

	if (*fd == -1)
		return;
	save_errno = errno;
	close(*fd);
	errno = save_errno;
	*fd = -1;
}

/*
 * Takes len bytes of the block at off as a message's header and as much of its
 * rest as is there.  Returns how many bytes it used.
 */
static ssize_t
msgbuf_message(struct msgbuf *m, size_t off, size_t len, int *fd)
{
	unsigned char	*p = m->block->data + off;
	struct ibuf	 hdr, *msg;
	size_t		 n;

	if (m->length != NULL)
		return (msgbuf_part(m, off, len, fd));
	ibuf_from_buffer(&hdr, p, m->hdrsz);
	if ((msg = m->readhdr(&hdr, m->rarg, fd)) == NULL)
		return (-1);
	/* Later reads go past wpos unasked, so all of it must be there. */
	if ((n = ibuf_left(msg)) < m->hdrsz || msg->size < msg->max) {
		ibuf_free(msg);
		errno = EINVAL;
		return (-1);
	}
	if (n > len)
		n = len;
	if (ibuf_add(msg, p, n) == -1) {
		ibuf_free(msg);
		return (-1);
	}
	explicit_bzero(p, n);
	if (ibuf_left(msg) == 0)
		ibufq_push(&m->rbufs, msg);
	else
		m->rpmsg = msg;
	return (n);
}

/* The same when the message is to stay where it is, if it is whole. */
static ssize_t
msgbuf_part(struct msgbuf *m, size_t off, size_t len, int *fd)
{
	unsigned char	*p = m->block->data + off;
	struct ibuf	*msg;
	size_t		 n;
	int		 has_fd = 0;

	if ((n = m->length(p, m->rarg, &has_fd)) == 0)
		return (-1);
	msg = n > len ? ibuf_open(n) : ibuf_part(m->block, p, n);
	if (msg == NULL)
		return (-1);
	if (has_fd) {
		ibuf_fd_set(msg, *fd);
		*fd = -1;
	}
	if (n <= len) {
		ibufq_push(&m->rbufs, msg);
		return (n);
	}
	(void)ibuf_add(msg, p, len);
	explicit_bzero(p, len);
	m->rpmsg = msg;
	return (len);
}

/*
 * The first of n bytes that were read may have gone to rpmsg.  Returns how
 * many are in the block.
 */
static size_t
msgbuf_rest(struct msgbuf *m, size_t n)
{
	size_t	 used;

	if (m->rpmsg == NULL)
		return (n);
	if ((used = ibuf_left(m->rpmsg)) > n)
		used = n;
	/* The bytes are there already, this only counts them. */
	(void)ibuf_reserve(m->rpmsg, used);
	if (ibuf_left(m->rpmsg) == 0) {
		ibufq_push(&m->rbufs, m->rpmsg);
		m->rpmsg = NULL;
	}
	return (n - used);
}

/*
 * What is left is an incomplete header.  An fd that nobody took belongs to it
 * if it began with this read, otherwise to nobody.
 */
static void
msgbuf_keep(struct msgbuf *m, size_t off, size_t len, int *fd)
{
	if (off > 0 || m->hlen == 0) {
		msgbuf_closefd(&m->hfd);
		if (len > off) {
			m->hfd = *fd;
			*fd = -1;
		}
	}
	m->hoff = off;
	m->hlen = len - off;
}

/*
 * The next read goes behind the incomplete header, which moves to the front,
 * of another block if somebody still has messages of this one.
 */
static int
msgbuf_room(struct msgbuf *m)
{
	struct ibufblock	*b = m->block;
	unsigned char		*hdr = b->data + m->hoff;

	if (b->parts > 0 && (b = ibufblock_new(IBUF_READ_SIZE)) == NULL)
		return (-1);
	if (m->hlen > 0 && hdr != b->data) {
		memcpy(b->data, hdr, m->hlen);
		explicit_bzero(hdr, m->hlen);
	}
	if (b != m->block)
		ibufblock_leave(m->block);
	m->block = b;
	m->hoff = 0;
	return (0);
}

/*
 * Cuts what was read into messages.
 *
 * The sender puts a message with an fd first in a sendmsg(2), and the kernel
 * delivers the fd with that message's first byte and ends the read with that
 * sendmsg(2)'s bytes.  So fd, or its absence after MSG_CTRUNC, can only
 * concern a message that began with this read, and one that began earlier is
 * given hfd or nothing.  This is what keeps a lost fd from being replaced by
 * the next one.
 */
static int
msgbuf_input(struct msgbuf *m, size_t n, int fd)
{
	size_t	 len, off;
	ssize_t	 used;

	len = m->hlen + msgbuf_rest(m, n);
	for (off = 0; len - off >= m->hdrsz; off += used) {
		if (off == 0 && m->hlen > 0)
			used = msgbuf_message(m, off, len - off, &m->hfd);
		else
			used = msgbuf_message(m, off, len - off, &fd);
		if (used == -1) {
			m->rerrno = errno;
			explicit_bzero(m->block->data + off, len - off);
			m->hlen = 0;
			msgbuf_closefd(&m->hfd);
			msgbuf_closefd(&fd);
			errno = m->rerrno;
			return (-1);
		}
	}
	msgbuf_keep(m, off, len, &fd);
	msgbuf_closefd(&fd);
	return (1);
}

static int
msgbuf_rdiov(struct msgbuf *m, struct iovec *iov)
{
	int	 i = 0;

	if (m->block == NULL || m->rerrno != 0) {
		errno = m->block == NULL ? EINVAL : m->rerrno;
		return (-1);
	}
	if (msgbuf_room(m) == -1)
		return (-1);
	if (m->rpmsg != NULL) {
		iov[i].iov_base = m->rpmsg->buf + m->rpmsg->wpos;
		iov[i++].iov_len = ibuf_left(m->rpmsg);
	}
	iov[i].iov_base = m->block->data + m->hlen;
	iov[i++].iov_len = IBUF_READ_SIZE - m->hlen;
	return (i);
}

int
ibuf_read(int fd, struct msgbuf *m)
{
	struct iovec	 iov[2];
	ssize_t		 n;
	int		 iovcnt;

	if ((iovcnt = msgbuf_rdiov(m, iov)) == -1)
		return (-1);
	do {
		n = readv(fd, iov, iovcnt);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (errno == EAGAIN ? 1 : -1);
	if (n == 0)
		return (0);
	return (msgbuf_input(m, n, -1));
}

/* Returns the first fd and closes what more there may be. */
static int
msgbuf_takefd(struct msghdr *mh)
{
	struct cmsghdr	*cm;
	size_t		 i, nfds;
	int		 f, fd = -1;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		nfds = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < nfds; i++) {
			memcpy(&f, CMSG_DATA(cm) + i * sizeof(int), sizeof(f));
			if (fd == -1)
				fd = f;
			else
				close(f);
		}
	}
	return (fd);
}

int
msgbuf_read(int fd, struct msgbuf *m)
{
	struct iovec		 iov[2];
	struct msghdr		 mh;
	union msgbuf_ctl	 ctl;
	ssize_t			 n;
	int			 iovcnt, rfd;

	if ((iovcnt = msgbuf_rdiov(m, iov)) == -1)
		return (-1);
	do {
		memset(&mh, 0, sizeof(mh));
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_iov = iov;
		mh.msg_iovlen = iovcnt;
		mh.msg_control = &ctl.buf;
		mh.msg_controllen = sizeof(ctl.buf);
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (errno == EAGAIN ? 1 : -1);
	/*
	 * MSG_CTRUNC needs no look: the fd that did not find a free slot is
	 * not in the control data, and its message goes without.
	 */
	rfd = msgbuf_takefd(&mh);
	if (n == 0) {
		msgbuf_closefd(&rfd);
		return (0);
	}
	return (msgbuf_input(m, n, rfd));
}

/*
 * Gathers queued buffers.  With fd not NULL it stops before the second one
 * of which a descriptor must be sent, and returns the first one's.
 */
static int
msgbuf_wriov(struct msgbuf *m, struct iovec *iov, int *fd)
{
	struct ibuf	*buf;
	int		 i = 0;

	TAILQ_FOREACH(buf, &m->bufs.bufs, entry) {
		if (i == IOV_MAX || (fd != NULL && i > 0 && buf->fd >= 0))
			break;
		iov[i].iov_base = ibuf_data(buf);
		iov[i++].iov_len = ibuf_size(buf);
	}
	buf = TAILQ_FIRST(&m->bufs.bufs);
	if (fd != NULL)
		*fd = buf == NULL ? -1 : buf->fd;
	return (i);
}

/* A partly written buffer stays queued, its read position moved on. */
static void
msgbuf_drain(struct msgbuf *m, size_t n)
{
	struct ibuf	*buf;

	while ((buf = TAILQ_FIRST(&m->bufs.bufs)) != NULL) {
		if (n < ibuf_size(buf)) {
			buf->rpos += n;
			return;
		}
		n -= ibuf_size(buf);
		ibuf_free(ibufq_pop(&m->bufs));
	}
}

static int
msgbuf_wrerr(void)
{
	if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
		return (0);
	return (-1);
}

int
ibuf_write(int fd, struct msgbuf *m)
{
	struct iovec	 iov[IOV_MAX];
	ssize_t		 n;
	int		 iovcnt;

	if ((iovcnt = msgbuf_wriov(m, iov, NULL)) == 0)
		return (0);
	do {
		n = writev(fd, iov, iovcnt);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (msgbuf_wrerr());
	msgbuf_drain(m, n);
	return (0);
}

int
msgbuf_write(int fd, struct msgbuf *m)
{
	struct iovec		 iov[IOV_MAX];
	struct msghdr		 mh;
	union msgbuf_ctl	 ctl;
	ssize_t			 n;
	int			 sfd;

	memset(&mh, 0, sizeof(mh));
	mh.msg_iov = iov;
	if ((mh.msg_iovlen = msgbuf_wriov(m, iov, &sfd)) == 0)
		return (0);
	if (sfd != -1) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = &ctl.buf;
		mh.msg_controllen = CMSG_LEN(sizeof(int));
		ctl.hdr.cmsg_len = CMSG_LEN(sizeof(int));
		ctl.hdr.cmsg_level = SOL_SOCKET;
		ctl.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&ctl.hdr), &sfd, sizeof(sfd));
	}
	do {
		n = sendmsg(fd, &mh, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return (msgbuf_wrerr());
	/* It went with the first byte, and must not go again. */
	if (sfd != -1)
		ibuf_fd_set(TAILQ_FIRST(&m->bufs.bufs), -1);
	msgbuf_drain(m, n);
	return (0);
}
