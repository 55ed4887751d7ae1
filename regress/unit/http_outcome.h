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

#ifndef HTTP_OUTCOME_H
#define HTTP_OUTCOME_H

#include "http.h"

/*
 * One message fed to the parser in given pieces, and what came of it as text:
 * the same text whatever the pieces, or there is a bug.
 */
struct http_input {
	enum http_type		 type;
	enum http_method	 method;	/* response: of its request */
	struct http_limits	 limits;
	const char		*data;
	size_t			 len;
	int			 eof;		/* the peer then closes */
};

/*
 * Feed the input as pieces of step bytes, the first of first bytes (0: step).
 * Each piece is presented in memory of its own with its exact size, so that
 * a sanitizer sees a read beyond it.  Returns the text, which the caller
 * frees.  What is impossible (a slice outside of the input, more consumed
 * than given) aborts.
 */
char	*http_outcome(const struct http_input *, size_t, size_t);

/* A field line as it stands in the outcome, of len bytes with escapes. */
void	 http_outcome_escape(FILE *, const char *, size_t);

#endif /* HTTP_OUTCOME_H */
