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

#ifndef SSEREAD_H
#define SSEREAD_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/*
 * A reader of server-sent events (WHATWG HTML, 9.2.6), stricter than that:
 * an id is a number, there is no NUL, and the parts have bounds.  It keeps no
 * more than one line and one event, whatever comes in whatever pieces.
 */

#define SSE_LINE	(64 * 1024)	/* bytes of one line */
#define SSE_DATA	(64 * 1024)	/* bytes of an event's data */
#define SSE_NAME	32		/* with its NUL */

struct sse_event {
	const char	*name;		/* "message" if none was given; or "" */
	int64_t		 id;		/* of this event, or -1 */
	const char	*data;		/* NUL-terminated, "" if none */
	size_t		 length;
};

struct sse {
	/*
	 * Called for each event, with the name "" for an id without data,
	 * which is none but says how far one is, and with NULL for each
	 * comment, which says that the other end lives.  Anything but 0 ends
	 * sse_feed().
	 */
	int		(*take)(void *, const struct sse_event *);
	void		*arg;
	char		*line;
	size_t		 linelen;
	char		*data;
	size_t		 datalen;
	int		 ndata;		/* lines of data */
	int		 skip;		/* a newline that ends a CR LF */
	int64_t		 id;
	char		 name[SSE_NAME];
	const char	*error;		/* why what came is no such stream */
};

/* Exits when there is no memory. */
void	 sse_init(struct sse *, int (*)(void *, const struct sse_event *),
	    void *);
/*
 * What came: 0; -1 if it is malformed, with error set, for good; or what
 * take() returned.
 */
int	 sse_feed(struct sse *, const uint8_t *, size_t);
/* Forget an event that is not complete: the connection is a new one. */
void	 sse_reset(struct sse *);
void	 sse_free(struct sse *);

#endif /* SSEREAD_H */
