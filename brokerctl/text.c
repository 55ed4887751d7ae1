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

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "table.h"

static size_t	text_char(const char *, size_t, wchar_t *);
static int	text_plain(wchar_t);
static size_t	put_byte(char *, unsigned char);

/* The longest that one byte becomes: \033. */
#define ESCAPED		4

char *
text_escape(const char *s)
{
	char	*out;
	size_t	 i, len = strlen(s), n, o = 0;
	wchar_t	 wc;

	if ((out = reallocarray(NULL, len + 1, ESCAPED)) == NULL)
		err(1, NULL);
	while (len > 0) {
		n = text_char(s, len, &wc);
		if (n > 0 && text_plain(wc)) {
			memcpy(out + o, s, n);
			o += n;
		} else {
			if (n == 0)
				n = 1;
			for (i = 0; i < n; i++)
				o += put_byte(out + o, (unsigned char)s[i]);
		}
		s += n;
		len -= n;
	}
	out[o] = '\0';
	return (out);
}

/* The character at s and its length in bytes; 0 if there is none. */
static size_t
text_char(const char *s, size_t len, wchar_t *wc)
{
	mbstate_t	state;
	size_t		n;

	memset(&state, 0, sizeof(state));
	n = mbrtowc(wc, s, len, &state);
	if (n == (size_t)-1 || n == (size_t)-2)
		return (0);
	return (n);
}

/*
 * Not every character without a width is printed as itself: marks that turn
 * text around can make a line say something else than its bytes.
 */
static int
text_plain(wchar_t wc)
{
	static const struct {
		wchar_t	first, last;
	} hidden[] = {
		{ 0x00ad, 0x00ad },	/* soft hyphen */
		{ 0x061c, 0x061c },	/* Arabic letter mark */
		{ 0x200b, 0x200f },	/* zero width, marks of direction */
		{ 0x2028, 0x202e },	/* separators, embeddings, overrides */
		{ 0x2060, 0x206f },	/* invisible operators, isolates */
		{ 0xfeff, 0xfeff },	/* byte order mark */
		{ 0xfff9, 0xfffb },	/* interlinear annotation */
		{ 0xe0000, 0xe007f }	/* tags */
	};
	size_t	i;

	if (wc < 0x80)
		return (wc >= 0x20 && wc < 0x7f && wc != '\\');
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (wc >= hidden[i].first && wc <= hidden[i].last)
			return (0);
	}
	return (iswprint((wint_t)wc) && wcwidth(wc) >= 0);
}

/* In octal; a backslash is doubled, so that what is shown has one meaning. */
static size_t
put_byte(char *out, unsigned char c)
{
	if (c == '\\') {
		out[0] = out[1] = '\\';
		return (2);
	}
	out[0] = '\\';
	out[1] = '0' + (c >> 6);
	out[2] = '0' + ((c >> 3) & 7);
	out[3] = '0' + (c & 7);
	return (ESCAPED);
}

size_t
text_width(const char *s)
{
	size_t	len = strlen(s), n, width = 0;
	wchar_t	wc;
	int	w;

	for (; len > 0; s += n, len -= n) {
		if ((n = text_char(s, len, &wc)) == 0) {
			n = 1;
			w = 1;
		} else if ((w = wcwidth(wc)) < 0)
			w = 1;
		width += (size_t)w;
	}
	return (width);
}

size_t
text_fit(const char *s, size_t width, size_t *used)
{
	size_t	len = strlen(s), n, off = 0;
	wchar_t	wc;
	int	w;

	*used = 0;
	while (off < len) {
		if ((n = text_char(s + off, len - off, &wc)) == 0) {
			n = 1;
			w = 1;
		} else if ((w = wcwidth(wc)) < 0)
			w = 1;
		if (*used + (size_t)w > width)
			break;
		*used += (size_t)w;
		off += n;
	}
	return (off);
}
