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

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

#include "ibufq.h"

/*
 * Memory of small messages that are gone is kept for the next, wiped: they
 * come and go by the hundred, and malloc(3) joins and cuts them up each time.
 */
#define BLOCK		512
#define BLOCKS_KEPT	512

struct block {
	SLIST_ENTRY(block)	 entry;
};
SLIST_HEAD(blocks, block);

static struct blocks	 blocks = SLIST_HEAD_INITIALIZER(blocks);
static unsigned int	 nblocks;

/* The same of buffers whose bytes are elsewhere: each a part of a block. */
static TAILQ_HEAD(, ibuf)	 parts = TAILQ_HEAD_INITIALIZER(parts);
static unsigned int	 nparts;

static void	*block_get(size_t);
static void	 block_put(void *, size_t);
static void	 part_free(struct ibuf *);
static int	 ibuf_fits(uint64_t, uint64_t);
static int	 ibuf_grow(struct ibuf *, size_t);
static unsigned char	*ibuf_inline(struct ibuf *);

/*
 * A fixed buffer is one allocation, its bytes behind the structure: there is
 * one for each message, and malloc(3) is most of what a message costs.
 */
static unsigned char *
ibuf_inline(struct ibuf *buf)
{
	return ((unsigned char *)(buf + 1));
}

/* Zeroed. */
static void *
block_get(size_t len)
{
	struct block	*b;

	if (len > BLOCK)
		return (calloc(1, len));
	if ((b = SLIST_FIRST(&blocks)) == NULL)
		return (calloc(1, BLOCK));
	SLIST_REMOVE_HEAD(&blocks, entry);
	nblocks--;
	memset(b, 0, sizeof(*b));
	return (b);
}

static void
block_put(void *p, size_t len)
{
	struct block	*b = p;

	if (len > BLOCK || nblocks == BLOCKS_KEPT) {
		freezero(p, len);
		return;
	}
	explicit_bzero(p, len);
	SLIST_INSERT_HEAD(&blocks, b, entry);
	nblocks++;
}

struct ibuf *
ibuf_open(size_t len)
{
	struct ibuf	*buf;

	if (len > SIZE_MAX - sizeof(*buf)) {
		errno = ENOMEM;
		return (NULL);
	}
	if ((buf = block_get(sizeof(*buf) + len)) == NULL)
		return (NULL);
	buf->buf = ibuf_inline(buf);
	buf->size = buf->max = len;
	buf->fd = -1;
	return (buf);
}

struct ibufblock *
ibufblock_new(size_t len)
{
	return (calloc(1, sizeof(struct ibufblock) + len));
}

void
ibufblock_leave(struct ibufblock *b)
{
	if (b == NULL)
		return;
	b->left = 1;
	if (b->parts == 0)
		free(b);
}

struct ibuf *
ibuf_part(struct ibufblock *b, unsigned char *p, size_t len)
{
	struct ibuf	*buf;

	if ((buf = TAILQ_FIRST(&parts)) != NULL) {
		TAILQ_REMOVE(&parts, buf, entry);
		nparts--;
	} else if ((buf = malloc(sizeof(*buf))) == NULL)
		return (NULL);
	buf->buf = p;
	buf->size = buf->max = buf->wpos = len;
	buf->rpos = 0;
	buf->block = b;
	buf->fd = -1;
	b->parts++;
	return (buf);
}

static void
part_free(struct ibuf *buf)
{
	struct ibufblock	*b = buf->block;

	explicit_bzero(buf->buf, buf->size);
	if (--b->parts == 0 && b->left)
		free(b);
	if (nparts == BLOCKS_KEPT) {
		free(buf);
		return;
	}
	TAILQ_INSERT_HEAD(&parts, buf, entry);
	nparts++;
}

struct ibuf *
ibuf_dynamic(size_t len, size_t max)
{
	struct ibuf	*buf;

	if (max == 0 || max < len) {
		errno = EINVAL;
		return (NULL);
	}
	if ((buf = calloc(1, sizeof(*buf))) == NULL)
		return (NULL);
	if (len > 0 && (buf->buf = calloc(1, len)) == NULL) {
		free(buf);
		return (NULL);
	}
	buf->size = len;
	buf->max = max;
	buf->fd = -1;
	return (buf);
}

/*
 * Doubles rather than fits, so that a message built of many small fields is
 * not copied for each of them.
 */
static int
ibuf_grow(struct ibuf *buf, size_t need)
{
	unsigned char	*nb;
	size_t		 size;

	size = buf->size < 64 ? 64 : buf->size;
	if (size < need)
		size = size > SIZE_MAX / 2 ? need : size * 2;
	if (size < need)
		size = need;
	if (size > buf->max)
		size = buf->max;
	nb = recallocarray(buf->buf, buf->size, size, 1);
	if (nb == NULL)
		return (-1);
	buf->buf = nb;
	buf->size = size;
	return (0);
}

void *
ibuf_reserve(struct ibuf *buf, size_t len)
{
	void	*p;

	if (buf->max < buf->wpos || len > buf->max - buf->wpos) {
		errno = ERANGE;
		return (NULL);
	}
	if (len > buf->size - buf->wpos &&
	    ibuf_grow(buf, buf->wpos + len) == -1)
		return (NULL);
	p = buf->buf + buf->wpos;
	buf->wpos += len;
	return (p);
}

int
ibuf_add(struct ibuf *buf, const void *data, size_t len)
{
	void	*p;

	if (len == 0)
		return (0);
	if ((p = ibuf_reserve(buf, len)) == NULL)
		return (-1);
	memcpy(p, data, len);
	return (0);
}

int
ibuf_add_ibuf(struct ibuf *buf, const struct ibuf *from)
{
	return (ibuf_add(buf, ibuf_data(from), ibuf_size(from)));
}

int
ibuf_add_zero(struct ibuf *buf, size_t len)
{
	void	*p;

	if (len == 0)
		return (0);
	if ((p = ibuf_reserve(buf, len)) == NULL)
		return (-1);
	memset(p, 0, len);
	return (0);
}

static int
ibuf_fits(uint64_t value, uint64_t max)
{
	if (value > max) {
		errno = EINVAL;
		return (-1);
	}
	return (0);
}

int
ibuf_add_n8(struct ibuf *buf, uint64_t value)
{
	uint8_t	 v;

	if (ibuf_fits(value, UINT8_MAX) == -1)
		return (-1);
	v = value;
	return (ibuf_add(buf, &v, sizeof(v)));
}

int
ibuf_add_n16(struct ibuf *buf, uint64_t value)
{
	uint16_t	 v;

	if (ibuf_fits(value, UINT16_MAX) == -1)
		return (-1);
	v = htobe16(value);
	return (ibuf_add(buf, &v, sizeof(v)));
}

int
ibuf_add_n32(struct ibuf *buf, uint64_t value)
{
	uint32_t	 v;

	if (ibuf_fits(value, UINT32_MAX) == -1)
		return (-1);
	v = htobe32(value);
	return (ibuf_add(buf, &v, sizeof(v)));
}

int
ibuf_add_n64(struct ibuf *buf, uint64_t value)
{
	value = htobe64(value);
	return (ibuf_add(buf, &value, sizeof(value)));
}

int
ibuf_add_h16(struct ibuf *buf, uint64_t value)
{
	uint16_t	 v;

	if (ibuf_fits(value, UINT16_MAX) == -1)
		return (-1);
	v = value;
	return (ibuf_add(buf, &v, sizeof(v)));
}

int
ibuf_add_h32(struct ibuf *buf, uint64_t value)
{
	uint32_t	 v;

	if (ibuf_fits(value, UINT32_MAX) == -1)
		return (-1);
	v = value;
	return (ibuf_add(buf, &v, sizeof(v)));
}

int
ibuf_add_h64(struct ibuf *buf, uint64_t value)
{
	return (ibuf_add(buf, &value, sizeof(value)));
}

int
ibuf_add_strbuf(struct ibuf *buf, const char *str, size_t len)
{
	char	*p;
	size_t	 n;

	if (len == 0) {
		errno = EINVAL;
		return (-1);
	}
	if ((n = strnlen(str, len)) == len) {
		errno = EOVERFLOW;
		return (-1);
	}
	if ((p = ibuf_reserve(buf, len)) == NULL)
		return (-1);
	memcpy(p, str, n);
	memset(p + n, 0, len - n);
	return (0);
}

void *
ibuf_seek(struct ibuf *buf, size_t pos, size_t len)
{
	if (pos > ibuf_size(buf) || len > ibuf_size(buf) - pos) {
		errno = ERANGE;
		return (NULL);
	}
	return (buf->buf + buf->rpos + pos);
}

int
ibuf_set(struct ibuf *buf, size_t pos, const void *data, size_t len)
{
	void	*p;

	if ((p = ibuf_seek(buf, pos, len)) == NULL)
		return (-1);
	if (len > 0)
		memcpy(p, data, len);
	return (0);
}

int
ibuf_set_n8(struct ibuf *buf, size_t pos, uint64_t value)
{
	uint8_t	 v;

	if (ibuf_fits(value, UINT8_MAX) == -1)
		return (-1);
	v = value;
	return (ibuf_set(buf, pos, &v, sizeof(v)));
}

int
ibuf_set_n16(struct ibuf *buf, size_t pos, uint64_t value)
{
	uint16_t	 v;

	if (ibuf_fits(value, UINT16_MAX) == -1)
		return (-1);
	v = htobe16(value);
	return (ibuf_set(buf, pos, &v, sizeof(v)));
}

int
ibuf_set_n32(struct ibuf *buf, size_t pos, uint64_t value)
{
	uint32_t	 v;

	if (ibuf_fits(value, UINT32_MAX) == -1)
		return (-1);
	v = htobe32(value);
	return (ibuf_set(buf, pos, &v, sizeof(v)));
}

int
ibuf_set_n64(struct ibuf *buf, size_t pos, uint64_t value)
{
	value = htobe64(value);
	return (ibuf_set(buf, pos, &value, sizeof(value)));
}

int
ibuf_set_h16(struct ibuf *buf, size_t pos, uint64_t value)
{
	uint16_t	 v;

	if (ibuf_fits(value, UINT16_MAX) == -1)
		return (-1);
	v = value;
	return (ibuf_set(buf, pos, &v, sizeof(v)));
}

int
ibuf_set_h32(struct ibuf *buf, size_t pos, uint64_t value)
{
	uint32_t	 v;

	if (ibuf_fits(value, UINT32_MAX) == -1)
		return (-1);
	v = value;
	return (ibuf_set(buf, pos, &v, sizeof(v)));
}

int
ibuf_set_h64(struct ibuf *buf, size_t pos, uint64_t value)
{
	return (ibuf_set(buf, pos, &value, sizeof(value)));
}

int
ibuf_set_maxsize(struct ibuf *buf, size_t max)
{
	if (buf->fd == IBUF_VIEW) {
		errno = EINVAL;
		return (-1);
	}
	if (max > buf->max || max < buf->wpos) {
		errno = ERANGE;
		return (-1);
	}
	buf->max = max;
	return (0);
}

void *
ibuf_data(const struct ibuf *buf)
{
	/* A dynamic buffer has no memory before its first byte. */
	return (buf->buf == NULL ? NULL : buf->buf + buf->rpos);
}

size_t
ibuf_size(const struct ibuf *buf)
{
	return (buf->wpos - buf->rpos);
}

size_t
ibuf_left(const struct ibuf *buf)
{
	return (buf->max < buf->wpos ? 0 : buf->max - buf->wpos);
}

int
ibuf_truncate(struct ibuf *buf, size_t len)
{
	size_t	 size;

	size = ibuf_size(buf);
	if (len > size)
		return (ibuf_add_zero(buf, len - size));
	/* What is cut off is gone, also for a later ibuf_reserve(). */
	if (buf->fd != IBUF_VIEW && len < size)
		explicit_bzero(buf->buf + buf->rpos + len, size - len);
	buf->wpos = buf->rpos + len;
	return (0);
}

void
ibuf_rewind(struct ibuf *buf)
{
	buf->rpos = 0;
}

void
ibuf_from_buffer(struct ibuf *buf, void *data, size_t len)
{
	memset(buf, 0, sizeof(*buf));
	buf->buf = data;
	buf->size = buf->wpos = len;
	buf->fd = IBUF_VIEW;
}

void
ibuf_from_ibuf(struct ibuf *buf, const struct ibuf *from)
{
	ibuf_from_buffer(buf, ibuf_data(from), ibuf_size(from));
}

int
ibuf_get(struct ibuf *buf, void *data, size_t len)
{
	if (len > ibuf_size(buf)) {
		errno = EBADMSG;
		return (-1);
	}
	if (len > 0)
		memcpy(data, buf->buf + buf->rpos, len);
	buf->rpos += len;
	return (0);
}

int
ibuf_get_ibuf(struct ibuf *buf, size_t len, struct ibuf *new)
{
	void	*data;

	data = ibuf_data(buf);
	if (ibuf_skip(buf, len) == -1)
		return (-1);
	ibuf_from_buffer(new, data, len);
	return (0);
}

int
ibuf_get_n8(struct ibuf *buf, uint8_t *value)
{
	return (ibuf_get(buf, value, sizeof(*value)));
}

int
ibuf_get_n16(struct ibuf *buf, uint16_t *value)
{
	if (ibuf_get(buf, value, sizeof(*value)) == -1)
		return (-1);
	*value = be16toh(*value);
	return (0);
}

int
ibuf_get_n32(struct ibuf *buf, uint32_t *value)
{
	if (ibuf_get(buf, value, sizeof(*value)) == -1)
		return (-1);
	*value = be32toh(*value);
	return (0);
}

int
ibuf_get_n64(struct ibuf *buf, uint64_t *value)
{
	if (ibuf_get(buf, value, sizeof(*value)) == -1)
		return (-1);
	*value = be64toh(*value);
	return (0);
}

int
ibuf_get_h16(struct ibuf *buf, uint16_t *value)
{
	return (ibuf_get(buf, value, sizeof(*value)));
}

int
ibuf_get_h32(struct ibuf *buf, uint32_t *value)
{
	return (ibuf_get(buf, value, sizeof(*value)));
}

int
ibuf_get_h64(struct ibuf *buf, uint64_t *value)
{
	return (ibuf_get(buf, value, sizeof(*value)));
}

char *
ibuf_get_string(struct ibuf *buf, size_t len)
{
	char	*str;

	if (len > ibuf_size(buf)) {
		errno = EBADMSG;
		return (NULL);
	}
	if (len == 0)
		return (strdup(""));
	if ((str = strndup((char *)buf->buf + buf->rpos, len)) == NULL)
		return (NULL);
	buf->rpos += len;
	return (str);
}

int
ibuf_get_strbuf(struct ibuf *buf, char *str, size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return (-1);
	}
	if (ibuf_get(buf, str, len) == -1) {
		str[0] = '\0';
		return (-1);
	}
	if (str[len - 1] != '\0') {
		str[len - 1] = '\0';
		errno = EOVERFLOW;
		return (-1);
	}
	return (0);
}

int
ibuf_skip(struct ibuf *buf, size_t len)
{
	if (len > ibuf_size(buf)) {
		errno = EBADMSG;
		return (-1);
	}
	buf->rpos += len;
	return (0);
}

void
ibuf_free(struct ibuf *buf)
{
	int	 save_errno;

	if (buf == NULL)
		return;
	if (buf->fd == IBUF_VIEW)
		abort();
	save_errno = errno;
	if (buf->fd >= 0)
		close(buf->fd);
	if (buf->block != NULL)
		part_free(buf);
	else if (buf->buf == ibuf_inline(buf))
		block_put(buf, sizeof(*buf) + buf->size);
	else {
		freezero(buf->buf, buf->size);
		free(buf);
	}
	errno = save_errno;
}

int
ibuf_fd_avail(struct ibuf *buf)
{
	return (buf->fd >= 0);
}

int
ibuf_fd_get(struct ibuf *buf)
{
	int	 fd;

	if (buf->fd < 0)
		return (-1);
	fd = buf->fd;
	buf->fd = -1;
	return (fd);
}

void
ibuf_fd_set(struct ibuf *buf, int fd)
{
	if (buf->fd == IBUF_VIEW)
		abort();
	if (buf->fd >= 0)
		close(buf->fd);
	buf->fd = fd < 0 ? -1 : fd;
}
