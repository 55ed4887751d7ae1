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


#ifndef MATCH_H
#define MATCH_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "codes.h"
#include "lease.h"

/*
 * Which service of a lease a request falls under.
 *
 * A service matches when its path (a glob, none for any), its methods and its
 * scheme do; the first in the lease's order wins, a disabled one too.  If
 * none matches but the path of one did, that near miss is the answer, the
 * first in the same order, the method before the scheme.  Only a path that
 * no service covers follows the vault's policy for unmatched hosts.
 */
struct match {
	enum decision		 decision;	/* DECISION_BROKERED,
						   _PASSTHROUGH, or refused:
						   _BLOCKED or _ERROR */
	enum error_code		 error;		/* when refused, else NONE */
	int			 status;	/* HTTP, when refused, else 0 */
	const struct rec_rule	*rule;		/* or NULL; the lease's */
	uint64_t		 service;	/* 0: none */
	const char		*slug;		/* service's name or "" */
	const char		*keys;		/* credential names or "" */
	uint8_t			 path_mode;	/* for record_path() */
	const char		*path;		/* to be sent upstream, not
						   NUL-terminated */
	size_t			 pathlen;
	char			*normal;	/* private: match_clear() */
};

/*
 * path is the request's, raw, without the query, not NUL-terminated; it must
 * outlive the match, and so must the lease.  "" counts as "/".  tls says
 * whether the request leaves by TLS.  A service with a path of its own makes
 * the normalised path the one that is sent; a path that still holds an
 * encoded slash, dot segment or the like (URL_AMBIGUOUS) never matches such a
 * service.  Returns 0, or -1 with errno ENOMEM.  match_clear() may be called
 * on a zeroed or cleared match.
 */
int	 match_request(struct match *, const struct lease *,
	    const char *method, size_t methodlen, const char *path,
	    size_t pathlen, int tls);
void	 match_clear(struct match *);

/*
 * Does the text match the pattern, in which * stands for any run of
 * characters, '/' too, and all else for itself?  Linear in the text.
 */
int	 match_glob(const char *pattern, const char *text, size_t len);

#endif /* MATCH_H */
