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

#ifndef TLSPAIR_H
#define TLSPAIR_H

#include <sys/types.h>

#include <tls.h>

/* A libtls server and client that talk over a socketpair(2). */
struct tlspair {
	struct tls	*server;	/* context */
	struct tls	*conn;		/* the accepted side */
	struct tls	*client;
	int		 fd[2];		/* of conn and client, non-blocking */
	size_t		 late;		/* sent by conn after client was done */
	int		 done;		/* client's handshake is */
};

/* A key and a certificate for "localhost" as PEM, both malloc'ed. */
int	tlspair_cert(char **key, char **cert);
/* 0, or -1 when anything failed.  TLS 1.3, nothing verified. */
int	tlspair_open(struct tlspair *, const char *key, const char *cert);
int	tlspair_handshake(struct tlspair *);
/* Sends a few bytes each way and compares them. */
int	tlspair_talk(struct tlspair *);
void	tlspair_close(struct tlspair *);

#endif /* TLSPAIR_H */
