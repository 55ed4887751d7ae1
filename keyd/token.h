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

#ifndef TOKEN_H
#define TOKEN_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "codes.h"

/*
 * Tokens: a prefix that says what it is and 256 random bits in hexadecimal.
 * Only the SHA-256 of the whole string is ever kept.
 */
#define TOKEN_PREFIX_AGENT	"av_agt_"
#define TOKEN_PREFIX_SESSION	"av_sess_"
#define TOKEN_PREFIX_LOGIN	"av_web_"	/* in the cookie only */
#define TOKEN_PREFIX_LINK	"av_open_"	/* of a link, used once */
#define TOKEN_HEXLEN		64
#define TOKEN_SIZE		(8 + TOKEN_HEXLEN + 1)
#define TOKEN_HASHLEN		32
#define TOKEN_PUBLICLEN		20

#define UUID_SIZE		37

/* A new token of that kind; the caller wipes it. */
void	 token_new(enum token_kind, char tok[TOKEN_SIZE]);

/*
 * Hash what somebody sent as a token.  Returns its kind, or -1 for a string
 * that no token can be, of which nothing is hashed.
 */
int	 token_hash(const char *, uint8_t hash[TOKEN_HASHLEN]);

/* What a string begins with, if that is how tokens begin, or NULL. */
const char *token_prefix(const char *);

/* A public id: 20 hexadecimal digits that name a session and open nothing. */
void	 token_public_id(char id[TOKEN_PUBLICLEN + 1]);

/* A random UUID (version 4, RFC 9562) as text. */
void	 token_uuid(char uuid[UUID_SIZE]);

/*
 * A random number for scopes, leases and callers: 63 bits, so that it fits a
 * signed column, and never 0.
 */
uint64_t token_number(void);

#endif /* TOKEN_H */
