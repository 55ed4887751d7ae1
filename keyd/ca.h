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

#ifndef CA_H
#define CA_H

#include <sys/types.h>

#include <stdint.h>
#include <time.h>

#include "msg.h"

/*
 * The certificate authority: a P-256 root of ten years, and leaves of a day
 * that are built here, field by field; nothing that a worker sends is signed
 * but the public key and the one name.
 */

#define CA_ROOT_DAYS	3650
#define CA_LEAF_SECONDS	(24 * 60 * 60)
#define CA_BACKDATE	(5 * 60)
#define CA_SPKI_LEN	91	/* SubjectPublicKeyInfo, uncompressed P-256 */

/* libcrypto without its configuration file.  Before the sandbox. */
void	 ca_init(void);

/*
 * Make a root key and certificate.  `node' distinguishes it from others by
 * name.  cert gets DER, key a PKCS #8 DER to be sealed; both are freed with
 * msg_blob_free().  0 or -1.
 */
int	 ca_create(const char *node, time_t now, struct msg_blob *cert,
	    struct msg_blob *key);

/* Take root and key into use; -1 when they do not belong together. */
int	 ca_load(const struct msg_blob *cert, const struct msg_blob *key);

/*
 * The root as PEM, at most `size' bytes with the NUL; the length or -1.
 */
int	 ca_pem(char *, size_t size);

/*
 * A leaf for one host, a DNS name or an IP literal in canonical form (RFC
 * 5280 section 4.2.1.6), over the worker's key: a SubjectPublicKeyInfo in
 * DER, which must be P-256.  PEM of the leaf alone goes to buf.  Returns its
 * length, or -1 with errno EINVAL for a key or host that is refused.
 */
int	 ca_mint(const char *host, const struct msg_blob *spki, time_t now,
	    char *buf, size_t size, int64_t *not_after);

void	 ca_free(void);

#endif /* CA_H */
