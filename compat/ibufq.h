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

#ifndef IBUFQ_H
#define IBUFQ_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

/* Shared by ibuf.c, ibufq.c, imsg.c and msgbuf.c only. */

/* In the place of an fd: the structure is a view of somebody's memory. */
#define IBUF_VIEW	(-2)

struct ibufqueue {
	TAILQ_HEAD(, ibuf)	 bufs;
	uint32_t		 queued;
};

/*
 * What was read together.  The messages in it are buffers that are parts of
 * it: a copy of each would cost more than all that is done with it.  Each
 * wipes its own bytes when it is freed, and the last one releases a block that
 * its reader has given up.
 */
struct ibufblock {
	unsigned int	 parts;
	int		 left;		/* by its reader */
	unsigned char	 data[];
};

void	 ibufq_init(struct ibufqueue *);

/* len bytes at p, which are the block's, as a buffer without room for more. */
struct ibuf	*ibuf_part(struct ibufblock *, unsigned char *p, size_t len);
/* Zeroed, or NULL; and no more reads go to it.  NULL is fine. */
struct ibufblock	*ibufblock_new(size_t);
void	 ibufblock_leave(struct ibufblock *);

/*
 * A reader whose messages say their length in their header.  The function
 * returns it, or 0 with errno, and whether an fd belongs to the message.
 */
struct msgbuf	*msgbuf_new_parts(size_t hdrsz,
		    size_t (*length)(const void *hdr, void *arg, int *fd),
		    void *arg);

#endif /* IBUFQ_H */
