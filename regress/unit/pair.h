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


#ifndef PAIR_H
#define PAIR_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include <tls.h>

#include "conn.h"

/*
 * Two connections in one process, for tests: client and server ends of a
 * loopback TCP connection or a socket pair, plain or with TLS, and a record of
 * what each was told.
 */
struct side {
	struct conn	*c;
	size_t		 got;		/* bytes that followed the pattern */
	size_t		 wanted;	/* stop drain() there */
	size_t		 sent;
	size_t		 tosend;	/* send_more() goes on up to there */
	size_t		 echoed;
	int		 ready;
	int		 reads;
	int		 writes;
	int		 eof;		/* 1 clean, 2 truncated */
	int		 error;		/* 1 + enum conn_error */
	int		 timeout;	/* 1 + enum conn_timer */
	char		 text[256];
	/* What to do in callbacks. */
	int		 echo;		/* send back what comes */
	int		 freeon;	/* free the connection in: */
#define FREE_READ	1
#define FREE_WRITE	2
#define FREE_EOF	3
#define FREE_ERROR	4
#define FREE_TIMEOUT	5
#define FREE_READY	6
	int		 hold;		/* do not drain */
	void		(*onread)(struct side *);
};

struct pair {
	struct side	 client;
	struct side	 server;
};

#define PAIR_TLS	1	/* else plain */
#define PAIR_SMALL	2	/* tiny socket buffers */

/* Both ends are ready and reading. */
void	 pair_make(struct pair *, int flags);
void	 pair_free(struct pair *);

void	 pair_fds(int *, int *, int flags);
void	 side_init(struct side *, int fd);
/* s->c is another's connection so far. */
void	 side_adopt(struct side *);

/* The n-th byte of the pattern that side_send() sends. */
uint8_t	 pair_byte(size_t);
void	 side_send(struct side *, size_t);

/* Turns of the event loop until the condition holds; fails after 10 s. */
#define PAIR_UNTIL(cond) do {						\
	uint64_t pair_end = pair_now() + 60000;				\
	while (!(cond)) {						\
		if (pair_now() > pair_end)				\
			fail_msg("not in time: %s", #cond);		\
		pair_turn();						\
	}								\
} while (0)
void	 pair_turn(void);
/* Turns for so many milliseconds. */
void	 pair_idle(unsigned int);
uint64_t pair_now(void);

/* A server context for localhost, and a client's configuration. */
struct tls		*pair_server(void);
/* The same with this certificate and, unless NULL, one more of its chain. */
struct testcert;
struct tls		*pair_server_with(const struct testcert *,
			    const struct testcert *);
struct tls_config	*pair_client(void);

#endif /* PAIR_H */
