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

#ifndef RESPOND_H
#define RESPOND_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Answers of the broker itself: JSON, marked as such, so that an agent can
 * tell them from those of an upstream.
 */

struct buf;

struct respond {
	int		 status;
	const char	*code;		/* a machine word */
	const char	*text;		/* a sentence for people */
	const uint8_t	*id;		/* request id of 16 bytes, or NULL */
	const char	*challenge;	/* realm or scheme of 401, 407; NULL */
	const char	*hint;		/* host that a proposal is for; NULL */
	unsigned int	 retry;		/* Retry-After in seconds; 0: none */
	int		 close;		/* the connection ends */
	int		 keepalive;	/* say that it goes on: HTTP/1.0 */
	int		 head;		/* to a HEAD: no body */
};

/*
 * Write the answer to an output buffer.  Returns how many bytes of body
 * that were, or -1 with errno as buf_add().
 */
ssize_t	 respond_error(struct buf *, const struct respond *);

#endif /* RESPOND_H */
