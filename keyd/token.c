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

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "token.h"

/* By enum token_kind. */
static const char *const	 prefixes[TOKEN_MAX] = {
	[TOKEN_AGENT] =		TOKEN_PREFIX_AGENT,
	[TOKEN_SESSION] =	TOKEN_PREFIX_SESSION,
	[TOKEN_LOGIN] =		TOKEN_PREFIX_LOGIN,
	[TOKEN_LINK] =		TOKEN_PREFIX_LINK
};

static int	is_hex(const char *);

void
token_new(enum token_kind kind, char tok[TOKEN_SIZE])
{
	uint8_t		 raw[TOKEN_HEXLEN / 2];
	const size_t	 len = strlen(prefixes[kind]);

	memcpy(tok, prefixes[kind], len);
	randombytes_buf(raw, sizeof(raw));
	sodium_bin2hex(tok + len, TOKEN_HEXLEN + 1, raw, sizeof(raw));
	sodium_memzero(raw, sizeof(raw));
}

static int
is_hex(const char *s)
{
	return (strlen(s) == TOKEN_HEXLEN &&
	    strspn(s, "0123456789abcdef") == TOKEN_HEXLEN);
}

int
token_hash(const char *tok, uint8_t hash[TOKEN_HASHLEN])
{
	size_t	 len;
	int	 kind;

	for (kind = 0; kind < TOKEN_MAX; kind++) {
		len = strlen(prefixes[kind]);
		if (strncmp(tok, prefixes[kind], len) == 0 &&
		    is_hex(tok + len))
			break;
	}
	if (kind == TOKEN_MAX)
		return (-1);
	crypto_hash_sha256(hash, (const uint8_t *)tok, strlen(tok));
	return (kind);
}

const char *
token_prefix(const char *tok)
{
	int	 kind;

	for (kind = 0; kind < TOKEN_MAX; kind++) {
		if (strncmp(tok, prefixes[kind], strlen(prefixes[kind])) == 0)
			return (prefixes[kind]);
	}
	return (NULL);
}

void
token_public_id(char id[TOKEN_PUBLICLEN + 1])
{
	uint8_t	 raw[TOKEN_PUBLICLEN / 2];

	randombytes_buf(raw, sizeof(raw));
	sodium_bin2hex(id, TOKEN_PUBLICLEN + 1, raw, sizeof(raw));
}

void
token_uuid(char uuid[UUID_SIZE])
{
	uint8_t	 r[16];

	randombytes_buf(r, sizeof(r));
	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	(void)snprintf(uuid, UUID_SIZE,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2], r[3], r[4], r[5],
	    r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

uint64_t
token_number(void)
{
	uint64_t	 n;

	do {
		randombytes_buf(&n, sizeof(n));
		n &= INT64_MAX;
	} while (n == 0);
	return (n);
}
