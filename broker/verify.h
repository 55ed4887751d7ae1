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


#ifndef VERIFY_H
#define VERIFY_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

struct tls;
struct verify;

/*
 * Verification of a server's certificates, apart from libtls, which would
 * read the whole bundle of roots for each connection.  The roots are loaded
 * once; after a handshake that was made with libtls' own verification off,
 * verify_tls() decides, and nothing may be sent before it has.
 *
 * Reasons go to a text of the given size (VERIFY_TEXT is enough) for logs and
 * error bodies; names of certificates in it are the peer's words, escaped.
 */
#define VERIFY_TEXT	256

/* Bounds: the PEM text of all roots, and of what a peer sends. */
#define VERIFY_BUNDLE_MAX	(4 * 1024 * 1024)
#define VERIFY_CHAIN_MAX	(256 * 1024)
#define VERIFY_CHAIN_CERTS	16

/* No roots yet: everything is refused.  NULL when there is no memory. */
struct verify	*verify_new(void);
void		 verify_free(struct verify *);

/*
 * Add roots: certificates in PEM in memory, or in a regular file, read from
 * its beginning whatever the offset, since others share it.  Returns how many
 * certificates there were, at least 1, or -1; then some may have been added.
 */
int		 verify_add(struct verify *, const void *, size_t, char *,
		    size_t);
int		 verify_add_fd(struct verify *, int, char *, size_t);

/*
 * Do these certificates (PEM, the server's own first) make host, a DNS name
 * or an IP literal without brackets, trusted as a server now?  0 or -1.
 * Names are looked for in the subjectAltName only, RFC 9525; a wildcard is a
 * whole leftmost label.  Signatures and keys are of 112 bits or more.
 */
int		 verify_chain(const struct verify *, const char *,
		    const void *, size_t, char *, size_t);

/* The same for a client's connection after its handshake. */
int		 verify_tls(const struct verify *, const char *, struct tls *,
		    char *, size_t);

#endif /* VERIFY_H */
