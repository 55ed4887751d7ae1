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
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "url.h"

static int	 hex_value(char);
static int	 is_unreserved(int);
static int	 host_number(const char *, size_t);
static int	 host_quad(const char *, size_t);
static enum url_kind host_name(const char *, size_t);
static int	 host_v6(const char *, size_t, struct in6_addr *);
static int	 port_parse(const char *, size_t, uint16_t *);
static char	 lower(char);
static int	 path_escape(const char *, size_t, size_t, int *);
static int	 path_decode(char *, const char *, size_t, int *);
static int	 is_dotted(const char *, size_t);
static size_t	 path_dots(char *, size_t, int *);

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (-1);
}

static char
lower(char c)
{
	return (c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static int
is_unreserved(int c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~');
}

/* Would inet_aton(3), or a browser, take this label for a number? */
static int
host_number(const char *s, size_t n)
{
	size_t	 i;
	int	 hex;

	hex = n >= 2 && s[0] == '0' && lower(s[1]) == 'x';
	for (i = hex ? 2 : 0; i < n; i++)
		if (hex ? hex_value(s[i]) == -1 : s[i] < '0' || s[i] > '9')
			return (0);
	return (1);
}

/* Four numbers of 0 to 255, decimal, without leading zeros. */
static int
host_quad(const char *s, size_t n)
{
	size_t	 digits, i;
	int	 part, value;

	for (i = 0, part = 0; part < 4; part++) {
		if (part > 0 && (i == n || s[i++] != '.'))
			return (0);
		value = 0;
		for (digits = 0; i < n && s[i] >= '0' && s[i] <= '9' &&
		    digits < 3; digits++)
			value = value * 10 + (s[i++] - '0');
		if (digits == 0 || value > 255 ||
		    (digits > 1 && s[i - digits] == '0'))
			return (0);
	}
	return (i == n);
}

static enum url_kind
host_name(const char *s, size_t n)
{
	size_t	 i, label;

	if (n > 0 && s[n - 1] == '.')
		n--;
	if (n == 0 || n > URL_HOST_MAX - 1)
		return (URL_NONE);
	for (i = 0, label = 0; i < n; i++) {
		if (s[i] == '.') {
			if (i == label || i - label > 63)
				return (URL_NONE);
			label = i + 1;
		} else if ((!is_unreserved((unsigned char)s[i]) ||
		    s[i] == '~'))
			return (URL_NONE);
	}
	if (n == label || n - label > 63)
		return (URL_NONE);
	if (host_number(s + label, n - label))
		return (host_quad(s, n) ? URL_IPV4 : URL_NONE);
	return (URL_NAME);
}

static int
host_v6(const char *s, size_t n, struct in6_addr *addr)
{
	char	 text[INET6_ADDRSTRLEN];

	if (n == 0 || n >= sizeof(text) || memchr(s, '\0', n) != NULL)
		return (-1);
	memcpy(text, s, n);
	text[n] = '\0';
	return (inet_pton(AF_INET6, text, addr) == 1 ? 0 : -1);
}

static int
port_parse(const char *s, size_t n, uint16_t *port)
{
	uint32_t	 value;
	size_t		 i;

	if (n == 0 || n > 5 || s[0] == '0')
		return (-1);
	for (i = 0, value = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (-1);
		value = value * 10 + (s[i] - '0');
	}
	if (value > UINT16_MAX)
		return (-1);
	*port = value;
	return (0);
}

int
url_authority(const char *s, size_t n, int needport, struct url_authority *a)
{
	struct in6_addr	 addr;
	const char	*end;
	size_t		 i;

	memset(a, 0, sizeof(*a));
	if (n > 0 && s[0] == '[') {
		if ((end = memchr(s, ']', n)) == NULL ||
		    host_v6(s + 1, end - s - 1, &addr) == -1)
			return (-1);
		a->kind = URL_IPV6;
		a->off = 1;
		a->len = end - s - 1;
		i = end - s + 1;
	} else {
		for (i = 0; i < n && s[i] != ':'; i++)
			;
		a->len = i;
		if ((a->kind = host_name(s, i)) == URL_NONE)
			return (-1);
	}
	if (i == n)
		return (needport ? -1 : 0);
	if (s[i] != ':')
		return (-1);
	return (port_parse(s + i + 1, n - i - 1, &a->port));
}

enum url_kind
url_host(char *dst, size_t dstsize, const char *s, size_t n)
{
	struct in6_addr	 addr;
	enum url_kind	 kind;
	size_t		 i;

	if (n > 0 && memchr(s, ':', n) != NULL) {
		if (host_v6(s, n, &addr) == -1 ||
		    inet_ntop(AF_INET6, &addr, dst, dstsize) == NULL)
			return (URL_NONE);
		return (URL_IPV6);
	}
	if ((kind = host_name(s, n)) == URL_NONE)
		return (URL_NONE);
	if (s[n - 1] == '.')
		n--;
	if (n >= dstsize)
		return (URL_NONE);
	for (i = 0; i < n; i++)
		dst[i] = lower(s[i]);
	dst[n] = '\0';
	return (kind);
}

int
url_format(char *dst, size_t dstsize, const char *host, enum url_kind kind,
    uint16_t port)
{
	const char	*close, *open;
	int		 r;

	open = kind == URL_IPV6 ? "[" : "";
	close = kind == URL_IPV6 ? "]" : "";
	if (port == 0)
		r = snprintf(dst, dstsize, "%s%s%s", open, host, close);
	else
		r = snprintf(dst, dstsize, "%s%s%s:%u", open, host, close,
		    port);
	if (r < 0 || (size_t)r >= dstsize)
		return (-1);
	return (r);
}

size_t
url_path_len(const char *s, size_t n)
{
	const char	*q;

	q = memchr(s, '?', n);
	return (q == NULL ? n : (size_t)(q - s));
}

/* The octet that the escape at s[i] stands for, or -1; notes what it is. */
static int
path_escape(const char *s, size_t n, size_t i, int *flags)
{
	int	 c, high, low;

	if (n - i < 3 || (high = hex_value(s[i + 1])) == -1 ||
	    (low = hex_value(s[i + 2])) == -1) {
		*flags |= URL_BAD_ESCAPE;
		return (-1);
	}
	c = high << 4 | low;
	if (c == '/' || c == '\\')
		*flags |= URL_ENCODED_SLASH;
	else if (c < 0x20 || c == 0x7f)
		*flags |= URL_CONTROL;
	else if (c == '%' && n - i >= 5 && ((s[i + 3] == '2' &&
	    (lower(s[i + 4]) == 'e' || lower(s[i + 4]) == 'f')) ||
	    (s[i + 3] == '5' && lower(s[i + 4]) == 'c')))
		*flags |= URL_DOUBLE_ENCODED;
	return (c);
}

/* Unreserved characters out of their escapes, the other escapes upper case. */
static int
path_decode(char *dst, const char *s, size_t n, int *flags)
{
	static const char	 digits[] = "0123456789ABCDEF";
	size_t			 i, o;
	int			 c;

	for (i = o = 0; i < n; i++) {
		if (s[i] == '\\')
			*flags |= URL_ENCODED_SLASH;
		if (s[i] != '%' || (c = path_escape(s, n, i, flags)) == -1) {
			dst[o++] = s[i];
			continue;
		}
		if (is_unreserved(c))
			dst[o++] = c;
		else {
			dst[o++] = '%';
			dst[o++] = digits[c >> 4];
			dst[o++] = digits[c & 15];
		}
		i += 2;
	}
	return (o);
}

/* A dot segment to a server that takes what follows ";" for a parameter. */
static int
is_dotted(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n && i < 2 && s[i] == '.'; i++)
		;
	if (i == 0 || i == n)
		return (0);
	return (s[i] == ';' || (n - i >= 3 && memcmp(s + i, "%3B", 3) == 0));
}

/*
 * Remove dot segments in place.  p[r] is the slash before the next segment;
 * the first w bytes are done, and each segment in them has its slash in front.
 */
static size_t
path_dots(char *p, size_t n, int *flags)
{
	size_t	 end, len, r, w;
	int	 last;

	for (r = w = 0; r < n; r = end) {
		for (end = r + 1; end < n && p[end] != '/'; end++)
			;
		len = end - r - 1;
		last = end == n;
		if (len == 1 && p[r + 1] == '.') {
			if (last)
				p[w++] = '/';
		} else if (len == 2 && p[r + 1] == '.' && p[r + 2] == '.') {
			if (w == 0)
				*flags |= URL_CLIMBS;
			while (w > 0 && p[--w] != '/')
				;
			if (last)
				p[w++] = '/';
		} else {
			if (is_dotted(p + r + 1, len))
				*flags |= URL_DOT_SEGMENT;
			memmove(p + w, p + r, end - r);
			w += end - r;
		}
	}
	return (w);
}

ssize_t
url_path(char *dst, size_t dstsize, const char *s, size_t n, int *flags)
{
	size_t	 len;

	*flags = 0;
	if (n == 0) {
		s = "/";
		n = 1;
		*flags |= URL_CHANGED;
	}
	if (s[0] != '/' || n >= dstsize)
		return (-1);
	len = path_decode(dst, s, n, flags);
	len = path_dots(dst, len, flags);
	dst[len] = '\0';
	if (len != n || memcmp(dst, s, n) != 0)
		*flags |= URL_CHANGED;
	return (len);
}

size_t
url_log_path(char *dst, size_t dstsize, const char *s, size_t n, int *cut)
{
	static const char	 digits[] = "0123456789ABCDEF";
	size_t			 i, o;
	unsigned char		 c;

	*cut = 0;
	for (i = o = 0; i < n && s[i] != '?' && s[i] != '#'; i++) {
		c = s[i];
		if (o + (c > 0x20 && c < 0x7f ? 1 : 3) >= dstsize) {
			*cut = 1;
			break;
		}
		if (c > 0x20 && c < 0x7f)
			dst[o++] = c;
		else {
			dst[o++] = '%';
			dst[o++] = digits[c >> 4];
			dst[o++] = digits[c & 15];
		}
	}
	dst[o] = '\0';
	return (o);
}
