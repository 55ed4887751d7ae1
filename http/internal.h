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

#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

/*
 * What the files of http/ share with one another only.
 */

#define CLASS_TOKEN	0x01	/* tchar, RFC 9110 section 5.6.2 */
#define CLASS_VALUE	0x02	/* field-vchar, space and tab */
#define CLASS_TARGET	0x04	/* printable ASCII but space and # */
#define CLASS_HEX	0x08

extern const uint8_t	http_class[256];

#define HTTP_CLASS(c)	http_class[(unsigned char)(c)]

#define HTTP_BIT(id)	(UINT64_C(1) << (id))

/* Which HTTP_F_* a field of this name has by itself. */
uint8_t	 http_id_flags(enum http_id, const char *, size_t);

/* target.c: take h->target apart; 0, or -1 with h->error set. */
int	 http_target(struct http_head *);

/* Record why a message is refused; for return (http_fail(h, e)). */
int	 http_fail(struct http_head *, enum http_error);

#endif /* HTTP_INTERNAL_H */
