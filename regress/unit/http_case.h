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

#ifndef HTTP_CASE_H
#define HTTP_CASE_H

#include "http_outcome.h"

/*
 * The corpus regress/http/NAME.case.  A line is one of
 *
 *	case TEXT		begins a case
 *	in "BYTES"		what arrives; C escapes; lines add up
 *	repeat N "BYTES"	the same, N times
 *	response METHOD		it is the response to METHOD, not a request
 *	limit line|head|fields N
 *	eof			the peer closes behind it
 *	not TEXT		no line of the outcome begins with TEXT
 *	# comment
 *
 * and any other is a line that the outcome must have (http_outcome.h).
 */
struct http_case {
	char			 name[200];	/* FILE: TEXT */
	struct http_input	 input;
	char			*bytes;		/* what input.data is */
	char			**want;
	size_t			 nwant;
	char			**refuse;
	size_t			 nrefuse;
};

/* All cases of all files in dir, in the order of names; exits on an error. */
struct http_case	*http_case_load(const char *, size_t *);

#endif /* HTTP_CASE_H */
