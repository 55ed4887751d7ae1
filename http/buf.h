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


#ifndef BUF_H
#define BUF_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/*
 * A bounded byte buffer: added to at the end, drained from the front.
 * Memory is taken when the first byte comes and given back, wiped, when the
 * last one has gone, so that an idle connection holds none.
 *
 * The process-wide account counts the memory that all buffers hold.  Its cap
 * refuses buf_reserve() only, the call through which bytes come in from
 * outside; buf_add(), which moves bytes that are here already or answers
 * them, is bounded by the buffer's own maximum.  So at the cap the process
 * reads nothing more, yet can always write what it has, and a move is over
 * the cap by one piece at most, for as long as it takes.
 */
struct buf {
	/* private to buf.c */
	uint8_t		*data;
	size_t		 off;		/* drained bytes in front */
	size_t		 len;		/* bytes held behind them */
	size_t		 dirty;		/* bytes of data ever written */
	size_t		 cap;
	size_t		 max;
};

/* max: bytes it may hold at once.  Allocates nothing. */
void	 buf_init(struct buf *, size_t);
/* Another maximum; what is held beyond it stays until it is drained. */
void	 buf_setmax(struct buf *, size_t);

/*
 * Add n bytes: 0, or -1 with nothing added and errno EMSGSIZE (the maximum
 * would be passed) or ENOMEM.  The bytes must not lie in this buffer.
 */
int	 buf_add(struct buf *, const void *, size_t);

/* The first byte held; valid until the next call that changes the buffer. */
uint8_t	*buf_data(const struct buf *);
size_t	 buf_len(const struct buf *);
/* How many more bytes may be added. */
size_t	 buf_room(const struct buf *);

/*
 * Space to write into: at least one byte and at most want, how many is
 * stored in the size_t.  NULL with errno EMSGSIZE when the buffer is full,
 * ENOBUFS at the account's cap, ENOMEM.  buf_commit() says how many of them
 * were written; nothing else may be called in between.
 */
uint8_t	*buf_reserve(struct buf *, size_t, size_t *);
void	 buf_commit(struct buf *, size_t);

/* Take n bytes, at most buf_len(), off the front. */
void	 buf_drain(struct buf *, size_t);

/*
 * Wipe and release everything.  The buffer is empty afterwards and may be
 * used again.
 */
void	 buf_clear(struct buf *);

/*
 * Hand over everything from the second buffer to the first, which is empty,
 * without a copy.  -1 with errno EMSGSIZE when it may not hold that much.
 */
int	 buf_move(struct buf *to, struct buf *from);

/*
 * The account: the cap in bytes (SIZE_MAX at start), what is held, whether a
 * buf_reserve() that needs memory would be refused, and how much may be taken
 * before that.
 */
void	 buf_account_cap(size_t);
size_t	 buf_account_used(void);
int	 buf_account_full(void);
size_t	 buf_account_room(void);

#endif /* BUF_H */
