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


#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <sys/types.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

/* What every client asks for, and how; made once by load.c. */
struct load {
	SSL_CTX			*ctx;
	struct sockaddr_storage	 ss;		/* of the proxy or the server */
	socklen_t		 sslen;
	char			*host;		/* verified, and the SNI */
	const char		*connect;	/* a CONNECT head, or NULL */
	const char		*request;
	int			 fresh;		/* a connection a request */
};

struct client;

/*
 * One of several clients, each of which has one request outstanding.  It asks
 * load_next() before each request and reports each with load_done() or
 * load_error().  Ends the program where there is no memory.
 */
void		 client_start(const struct load *);

/* May another request start?  If not, the client closes and is gone. */
int		 load_next(void);
/* When it should: now, or by the rate that was asked for, maybe earlier. */
long long	 load_slot(void);
/* A response with this status is complete, usec after its request began. */
void		 load_done(long long usec, int status);
/* The connection failed and is closed; the request counts as lost. */
void		 load_error(const char *, ...)
		    __attribute__((__format__ (printf, 1, 2)));
/* A client is gone. */
void		 load_gone(void);

/* Microseconds of the monotonic clock. */
long long	 load_now(void);

#endif /* BENCH_LOAD_H */
