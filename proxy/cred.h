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

#ifndef CRED_H
#define CRED_H

#include <sys/types.h>

#include <stddef.h>

#include "http.h"

/*
 * The credentials of a client of ours: a token and perhaps the name of a
 * vault.
 */

#define CRED_TOKEN	512		/* longest token */
#define CRED_VAULT	64		/* and name of a vault */

struct cred {
	char	 token[CRED_TOKEN + 1];
	char	 vault[CRED_VAULT + 1];	/* "": none was named */
};

/*
 * From Proxy-Authorization: "Bearer T", "Basic b64(T)" or "Basic b64(T:V)",
 * the scheme in any case.  0, or -1 when there is none, several or one that
 * is neither.
 */
int	 cred_proxy(const struct http_head *, struct cred *);

/* From "Authorization: Bearer T" and X-Vault: the explicit ingress. */
int	 cred_explicit(const struct http_head *, struct cred *);

/* Wipe. */
void	 cred_clear(struct cred *);

#endif /* CRED_H */
