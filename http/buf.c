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

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define BUF_MIN		1024	/* smallest allocation */

static int	 buf_space(struct buf *, size_t);
static size_t	 buf_limit(const struct buf *);
static void	 buf_release(struct buf *);

static size_t	 account_used;
static size_t	 account_cap = SIZE_MAX;

void
buf_account_cap(size_t cap)
{
	account_cap = cap;
}

size_t
buf_account_used(void)
{
	return (account_used);
}

int
buf_account_full(void)
{
	return (account_used >= account_cap);
}

size_t
buf_account_room(void)
{
	return (buf_account_full() ? 0 : account_cap - account_used);
}

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_setmax(struct buf *b, size_t max)
{
	b->max = max;
}

uint8_t *
buf_data(const struct buf *b)
{
	return (b->data == NULL ? NULL : b->data + b->off);
}

size_t
buf_len(const struct buf *b)
{
	return (b->len);
}

size_t
buf_room(const struct buf *b)
{
	return (b->len < b->max ? b->max - b->len : 0);
}

/* Give the memory back; what was ever written in it is wiped. */
static void
buf_release(struct buf *b)
{
	if (b->data == NULL)
		return;
	explicit_bzero(b->data, b->dirty);
	free(b->data);
	account_used -= b->cap;
	b->data = NULL;
	b->off = b->len = b->dirty = b->cap = 0;
}

/*
 * The largest allocation.  A quarter more than the maximum, so that a full
 * buffer is not moved for each few bytes that are drained from it.
 */
static size_t
buf_limit(const struct buf *b)
{
	return (b->max + b->max / 4);
}

/* Make room for n bytes behind what is held; the caller checked max. */
static int
buf_space(struct buf *b, size_t n)
{
	uint8_t	*data;
	size_t	 cap, need;

	if (b->data != NULL && b->cap - b->off - b->len >= n)
		return (0);
	need = b->len + n;
	if (b->data != NULL && need <= b->cap &&
	    (b->off >= b->len || b->cap >= buf_limit(b))) {
		memmove(b->data, b->data + b->off, b->len);
		b->off = 0;
		return (0);
	}
	for (cap = BUF_MIN; cap < need || cap <= b->cap; )
		cap *= 2;
	if (cap > buf_limit(b))
		cap = buf_limit(b);
	if ((data = malloc(cap)) == NULL)
		return (-1);
	if (b->data != NULL)
		memcpy(data, b->data + b->off, b->len);
	n = b->len;
	buf_release(b);
	b->data = data;
	b->len = b->dirty = n;
	b->cap = cap;
	account_used += cap;
	return (0);
}

int
buf_add(struct buf *b, const void *data, size_t n)
{
	if (n > buf_room(b)) {
		errno = EMSGSIZE;
		return (-1);
	}
	if (n == 0)
		return (0);
	if (buf_space(b, n) == -1)
		return (-1);
	memcpy(b->data + b->off + b->len, data, n);
	buf_commit(b, n);
	return (0);
}

uint8_t *
buf_reserve(struct buf *b, size_t want, size_t *n)
{
	size_t	 have;

	if (want > buf_room(b))
		want = buf_room(b);
	if (want == 0) {
		errno = EMSGSIZE;
		return (NULL);
	}
	have = b->cap - b->off - b->len;
	if (have < want && buf_account_full()) {
		/* What was paid for may be filled. */
		if (have == 0 && b->off > 0) {
			memmove(b->data, b->data + b->off, b->len);
			have = b->off;
			b->off = 0;
		}
		if (have == 0) {
			errno = ENOBUFS;
			return (NULL);
		}
		want = have;
	}
	if (buf_space(b, want) == -1)
		return (NULL);
	*n = want;
	return (b->data + b->off + b->len);
}

void
buf_commit(struct buf *b, size_t n)
{
	b->len += n;
	if (b->dirty < b->off + b->len)
		b->dirty = b->off + b->len;
	if (b->len == 0)
		buf_release(b);
}

void
buf_drain(struct buf *b, size_t n)
{
	b->off += n;
	b->len -= n;
	if (b->len == 0)
		buf_release(b);
}

void
buf_clear(struct buf *b)
{
	buf_release(b);
}

int
buf_move(struct buf *to, struct buf *from)
{
	size_t	 max;

	if (from->len > to->max) {
		errno = EMSGSIZE;
		return (-1);
	}
	max = to->max;
	*to = *from;
	to->max = max;
	from->data = NULL;
	from->off = from->len = from->dirty = from->cap = 0;
	return (0);
}
