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

#ifndef WIRE_H
#define WIRE_H

#include <sys/types.h>

#include <signal.h>
#include <time.h>

struct target;
struct tls;
struct tls_config;

/* A connection that waits, until its deadline; plain or TLS. */
struct wire {
	int		 fd;		/* -1: not connected */
	struct tls	*tls;
	struct timespec	 deadline;	/* CLOCK_MONOTONIC */
	/*
	 * NULL; or what a handler of some signals sets.  Then a wait ends
	 * with ECANCELED, also if the signal came just before it.
	 */
	const volatile sig_atomic_t *stop;
	sigset_t	 signals;
	char		 error[512];
};

void	 wire_init(struct wire *);
/* What follows has so many seconds from now. */
void	 wire_deadline(struct wire *, int);

/*
 * 0 or, of wire_read(), the number of bytes, 0 at the end; -1 with a sentence
 * in error, and errno set by the system call that failed, or 0.  The
 * configuration is for TLS and may be NULL without.  A peer that closes
 * without close_notify has sent a truncated message.
 */
int	 wire_connect(struct wire *, const struct target *,
	    struct tls_config *);
ssize_t	 wire_read(struct wire *, void *, size_t);
int	 wire_write(struct wire *, const void *, size_t);
void	 wire_close(struct wire *);
/* Sleep: 0 after so many ms, or -1 when it is stopped.  Not connected. */
int	 wire_pause(struct wire *, int);

#endif /* WIRE_H */
