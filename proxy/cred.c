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

#include "cred.h"
#include "http.h"

#define BASIC_MAX	((CRED_TOKEN + 1 + CRED_VAULT + 2) / 3 * 4)

static const struct http_field	*cred_field(const struct http_head *,
		    enum http_id);
static int	 cred_scheme(const char **, size_t *, const char *);
static int	 cred_token(struct cred *, const char *, size_t);
static int	 cred_vault(struct cred *, const char *, size_t);
static int	 cred_basic(struct cred *, const char *, size_t);
static int	 base64_digit(char);
static ssize_t	 base64_decode(char *, size_t, const char *, size_t);

/* The only one of its name, or NULL. */
static const struct http_field *
cred_field(const struct http_head *h, enum http_id id)
{
	const struct http_field	*f;

	if ((f = http_head_next(h, id, NULL)) == NULL ||
	    http_head_next(h, id, f) != NULL)
		return (NULL);
	return (f);
}

/* Is it this scheme?  Then *s is what follows it. */
static int
cred_scheme(const char **s, size_t *n, const char *scheme)
{
	size_t	 len = strlen(scheme);

	if (*n <= len || (*s)[len] != ' ' || !http_equal(*s, len, scheme))
		return (0);
	while (len < *n && (*s)[len] == ' ')
		len++;
	*s += len;
	*n -= len;
	return (1);
}

/* Visible ASCII: what a token can be made of, and nothing else. */
static int
cred_token(struct cred *c, const char *s, size_t n)
{
	size_t	 i;

	if (n == 0 || n > CRED_TOKEN)
		return (-1);
	for (i = 0; i < n; i++) {
		if (s[i] <= ' ' || s[i] > '~')
			return (-1);
	}
	memcpy(c->token, s, n);
	c->token[n] = '\0';
	return (0);
}

static int
cred_vault(struct cred *c, const char *s, size_t n)
{
	size_t	 i;

	if (n > CRED_VAULT)
		return (-1);
	for (i = 0; i < n; i++) {
		if (s[i] < ' ' || s[i] > '~')
			return (-1);
	}
	memcpy(c->vault, s, n);
	c->vault[n] = '\0';
	return (0);
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == '+' ? 62 : c == '/' ? 63 : -1);
}

/* RFC 4648 section 4; padding may be missing, but not be in the middle. */
static ssize_t
base64_decode(char *dst, size_t size, const char *s, size_t n)
{
	uint32_t	 v = 0;
	size_t		 i, len = 0;
	int		 bits = 0, d;

	if (n > 0 && n % 4 == 0 && s[n - 1] == '=')
		n -= s[n - 2] == '=' ? 2 : 1;
	if (n % 4 == 1)
		return (-1);
	for (i = 0; i < n; i++) {
		if ((d = base64_digit(s[i])) == -1)
			return (-1);
		v = v << 6 | d;
		if ((bits += 6) < 8)
			continue;
		bits -= 8;
		if (len == size)
			return (-1);
		dst[len++] = v >> bits & 0xff;
	}
	return (len);
}

static int
cred_basic(struct cred *c, const char *s, size_t n)
{
	char	 text[CRED_TOKEN + 1 + CRED_VAULT + 3], *colon;
	ssize_t	 len;
	int	 rc = -1;

	if (n > BASIC_MAX ||
	    (len = base64_decode(text, sizeof(text), s, n)) == -1)
		return (-1);
	if ((colon = memchr(text, ':', len)) == NULL)
		rc = cred_token(c, text, len);
	else if (cred_token(c, text, colon - text) == 0)
		rc = cred_vault(c, colon + 1, text + len - colon - 1);
	explicit_bzero(text, sizeof(text));
	return (rc);
}

int
cred_proxy(const struct http_head *h, struct cred *c)
{
	const struct http_field	*f;
	const char		*s;
	size_t			 n;

	memset(c, 0, sizeof(*c));
	if ((f = cred_field(h, HTTP_PROXY_AUTHORIZATION)) == NULL)
		return (-1);
	s = HTTP_PTR(h, f->value);
	n = f->value.len;
	if (cred_scheme(&s, &n, "bearer"))
		return (cred_token(c, s, n));
	if (cred_scheme(&s, &n, "basic"))
		return (cred_basic(c, s, n));
	return (-1);
}

int
cred_explicit(const struct http_head *h, struct cred *c)
{
	const struct http_field	*f;
	const char		*s;
	size_t			 n;

	memset(c, 0, sizeof(*c));
	if ((f = cred_field(h, HTTP_AUTHORIZATION)) == NULL)
		return (-1);
	s = HTTP_PTR(h, f->value);
	n = f->value.len;
	if (!cred_scheme(&s, &n, "bearer") || cred_token(c, s, n) == -1)
		return (-1);
	if (http_head_next(h, HTTP_X_VAULT, NULL) == NULL)
		return (0);
	if ((f = cred_field(h, HTTP_X_VAULT)) == NULL)
		return (-1);
	return (cred_vault(c, HTTP_PTR(h, f->value), f->value.len));
}

void
cred_clear(struct cred *c)
{
	explicit_bzero(c, sizeof(*c));
}
