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

#ifndef URL_H
#define URL_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Hosts, ports and paths (RFC 3986), without I/O and without allocation.
 */

#define URL_HOST_MAX	254	/* canonical host with its NUL */
#define URL_AUTHORITY_MAX (URL_HOST_MAX + 8)	/* [host]:65535 */

enum url_kind {
	URL_NONE,
	URL_NAME,
	URL_IPV4,
	URL_IPV6
};

/* host[:port]; off and len refer to the string parsed, brackets are out. */
struct url_authority {
	uint32_t	 off;
	uint32_t	 len;
	uint16_t	 port;		/* 0: none was given */
	uint8_t		 kind;		/* enum url_kind */
};

/*
 * What is wrong with, or remarkable in, a path as it was sent; see url_path().
 * A segment that a later ".." removed counts too.
 */
#define URL_ENCODED_SLASH	0x01	/* %2F, %5C or a backslash */
#define URL_DOT_SEGMENT		0x02	/* one that others may see: ..;x */
#define URL_DOUBLE_ENCODED	0x04	/* %25 before 2E, 2F or 5C */
#define URL_BAD_ESCAPE		0x08	/* % without two hex digits */
#define URL_CONTROL		0x10	/* %00 to %1F, %7F */
#define URL_CHANGED		0x20	/* differs from what was sent */
#define URL_CLIMBS		0x40	/* .. went above the root */

/* A path with one of these must not match a path-scoped service. */
#define URL_AMBIGUOUS	(URL_ENCODED_SLASH | URL_DOT_SEGMENT | \
			    URL_DOUBLE_ENCODED | URL_BAD_ESCAPE | URL_CONTROL)

/*
 * Parse host[:port] in all n bytes of s.  Host: a DNS name (letters, digits,
 * - and _, labels of 1 to 63, at most 253 bytes, one trailing dot), a dotted
 * quad without leading zeros, or an IPv6 address in brackets without zone.
 * A name whose last label is a number, decimal or hexadecimal, is refused
 * unless it is such a quad, since resolvers disagree on what it means.
 * Port: 1 to 65535, no leading zero; if the third argument is not 0 there
 * must be one.  No userinfo.  0, or -1.
 */
int	 url_authority(const char *, size_t, int, struct url_authority *);

/*
 * Canonical form of a host that url_authority() took (or of one without
 * brackets from elsewhere): lower case, no trailing dot, IPv6 as inet_ntop(3)
 * prints it, without brackets.  dst has URL_HOST_MAX bytes and is
 * NUL-terminated.  Returns its kind, or URL_NONE if it is no host.
 */
enum url_kind url_host(char *, size_t, const char *, size_t);

/*
 * host[:port] for a Host field or a log line; brackets around IPv6; port 0
 * is left out.  Returns the length, or -1 if dst is too small.
 */
int	 url_format(char *, size_t, const char *, enum url_kind, uint16_t);

/*
 * Normalise a path (no query) of n bytes: %-encoded unreserved characters
 * decoded, other escapes in upper case, dot segments removed (RFC 3986
 * sections 6.2.2 and 5.2.4); "" becomes "/".  Empty segments stay.  dst gets at
 * most n + 1 bytes and a NUL; *flags what was seen.  Returns the length, or -1
 * if dst is too small or the path does not start with '/'.
 */
ssize_t	 url_path(char *, size_t, const char *, size_t, int *);

/* Length of the path of a target: up to '?', or all of it. */
size_t	 url_path_len(const char *, size_t);

/*
 * The path for the request log: as sent, up to '?' or '#', bytes that are
 * not printable ASCII percent-encoded, NUL-terminated, cut to fit in dstsize.
 * *cut says whether it was.  Returns the length.
 */
size_t	 url_log_path(char *, size_t, const char *, size_t, int *);

#endif /* URL_H */
