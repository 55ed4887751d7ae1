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


#ifndef TESTCERT_H
#define TESTCERT_H

#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * Certificates for tests, made on the spot.  Everything that fails ends the
 * test program.
 */
struct testcert {
	EVP_PKEY	*key;
	X509		*cert;
};

#define TC_CA		0x01	/* CA:TRUE */
#define TC_CLIENT	0x02	/* clientAuth instead of serverAuth */
#define TC_NOSAN	0x04	/* the name is the CN only */
#define TC_IP		0x08	/* the name is an IP literal */
#define TC_SHA1		0x10	/* signed with SHA-1 */

/*
 * A certificate for a name, signed by issuer (NULL: by itself), valid from
 * and until so many seconds from now.
 */
void	 testcert_make(struct testcert *, const struct testcert *issuer,
	    const char *name, int flags, long from, long until);
void	 testcert_free(struct testcert *);

/* PEM, to be freed by the caller; several certificates are a chain. */
char	*testcert_key_pem(const struct testcert *);
char	*testcert_pem(const struct testcert *, const struct testcert *);

#endif /* TESTCERT_H */
