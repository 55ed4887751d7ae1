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

#include <stdint.h>
#include <string.h>

#include "hello.h"

#define RECORD_HEAD	5
#define RECORD_MAX	(16 * 1024 + 256)
#define RECORD_HANDSHAKE	22
#define CLIENT_HELLO	1
#define EXT_SERVER_NAME	0
#define NAME_HOST	0

/* The message's bytes, across the records that it is spread over. */
struct reader {
	const uint8_t	*p;
	size_t		 n;		/* bytes left in the input */
	size_t		 left;		/* of this record */
	size_t		 message;	/* bytes left of the message */
	int		 bad;
};

static enum hello_rc	 hello_whole(const uint8_t *, size_t, size_t *);
static unsigned int	 get(struct reader *, unsigned int);
static void		 skip(struct reader *, size_t);
static int		 hello_extensions(struct reader *, char *);
static int		 hello_name(struct reader *, size_t, char *);

/*
 * Is the whole message there?  Only then is it looked at, once, so that a
 * client that sends it byte by byte costs no more than one that does not.
 */
static enum hello_rc
hello_whole(const uint8_t *p, size_t n, size_t *length)
{
	size_t	 have = 0, len;
	int	 records = 0;

	*length = 0;
	while (n > 0) {
		if (p[0] != RECORD_HANDSHAKE || (n > 1 && p[1] != 3) ||
		    ++records > HELLO_RECORDS)
			return (HELLO_BAD);
		if (n < RECORD_HEAD)
			return (HELLO_MORE);
		len = p[3] << 8 | p[4];
		if (len == 0 || len > RECORD_MAX)
			return (HELLO_BAD);
		/* A message's head is not spread, or it is nobody's. */
		if (records == 1) {
			if (len < 4)
				return (HELLO_BAD);
			if (n < RECORD_HEAD + 4)
				return (HELLO_MORE);
			*length = p[6] << 16 | p[7] << 8 | p[8];
			if (p[5] != CLIENT_HELLO || *length > HELLO_MAX)
				return (HELLO_BAD);
			*length += 4;
		}
		n -= RECORD_HEAD;
		p += RECORD_HEAD;
		have += len < n ? len : n;
		if (have >= *length)
			return (HELLO_DONE);
		if (n < len)
			return (HELLO_MORE);
		n -= len;
		p += len;
	}
	return (HELLO_MORE);
}

/* An integer of so many bytes. */
static unsigned int
get(struct reader *r, unsigned int bytes)
{
	unsigned int	 v = 0;

	for (; bytes > 0; bytes--) {
		if (r->message == 0) {
			r->bad = 1;
			return (0);
		}
		if (r->left == 0) {
			r->left = r->p[3] << 8 | r->p[4];
			r->p += RECORD_HEAD;
		}
		v = v << 8 | *r->p++;
		r->left--;
		r->message--;
	}
	return (v);
}

static void
skip(struct reader *r, size_t n)
{
	for (; n > 0 && !r->bad; n--)
		(void)get(r, 1);
}

enum hello_rc
hello_parse(const uint8_t *p, size_t n, char name[HELLO_NAME])
{
	struct reader	 r;
	enum hello_rc	 rc;

	name[0] = '\0';
	memset(&r, 0, sizeof(r));
	r.p = p;
	if ((rc = hello_whole(p, n, &r.message)) != HELLO_DONE)
		return (rc);
	skip(&r, 4 + 2 + 32);		/* head, version, random */
	skip(&r, get(&r, 1));		/* session id */
	skip(&r, get(&r, 2));		/* cipher suites */
	skip(&r, get(&r, 1));		/* compression methods */
	if (!r.bad && r.message == 0)
		return (HELLO_DONE);
	if (hello_extensions(&r, name) == -1 || r.bad)
		return (HELLO_BAD);
	return (HELLO_DONE);
}

static int
hello_extensions(struct reader *r, char *name)
{
	size_t		 len, total;
	unsigned int	 type;

	total = get(r, 2);
	while (!r->bad && total >= 4) {
		type = get(r, 2);
		len = get(r, 2);
		total -= 4;
		if (len > total)
			return (-1);
		total -= len;
		if (type != EXT_SERVER_NAME) {
			skip(r, len);
			continue;
		}
		return (hello_name(r, len, name));
	}
	return (total == 0 ? 0 : -1);
}

/* A list of names, of which there may be one of each type, and is one. */
static int
hello_name(struct reader *r, size_t len, char *name)
{
	unsigned int	 c, i, n;

	if (len < 5 || get(r, 2) != len - 2 || get(r, 1) != NAME_HOST)
		return (-1);
	n = get(r, 2);
	if (n != len - 5 || n == 0 || n >= HELLO_NAME)
		return (-1);
	for (i = 0; i < n; i++) {
		c = get(r, 1);
		if (c <= ' ' || c >= 0x7f)
			return (-1);
		name[i] = c;
	}
	name[n] = '\0';
	return (r->bad ? -1 : 0);
}
