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

#include "http.h"

/*
 * What a refusal is called, and the status that a request gets for it.
 */

static const struct {
	const char	*text;
	int		 status;
} errors[HTTP_E_MAX] = {
	[HTTP_E_NONE] = { "no error", 500 },
	[HTTP_E_BARE_CR] = { "bare CR", 400 },
	[HTTP_E_BARE_LF] = { "bare LF", 400 },
	[HTTP_E_EMPTY_LINE] = { "empty lines before the request", 400 },
	[HTTP_E_METHOD] = { "bad method", 400 },
	[HTTP_E_TARGET] = { "empty request target", 400 },
	[HTTP_E_TARGET_CHAR] = { "bad character in the target", 400 },
	[HTTP_E_FORM] = { "target form does not fit the method", 400 },
	[HTTP_E_SCHEME] = { "target scheme is not http", 400 },
	[HTTP_E_AUTHORITY] = { "bad host or port in the target", 400 },
	[HTTP_E_VERSION] = { "bad HTTP version", 400 },
	[HTTP_E_VERSION_09] = { "HTTP/0.9", 400 },
	[HTTP_E_VERSION_UNSUPPORTED] = { "HTTP version not supported", 505 },
	[HTTP_E_STATUS] = { "bad status code", 400 },
	[HTTP_E_REASON] = { "bad character in the reason phrase", 400 },
	[HTTP_E_LINE_LONG] = { "first line too long", 414 },
	[HTTP_E_HEAD_LONG] = { "header section too long", 431 },
	[HTTP_E_FIELDS] = { "too many header fields", 431 },
	[HTTP_E_FOLD] = { "folded header line", 400 },
	[HTTP_E_NAME_EMPTY] = { "empty field name", 400 },
	[HTTP_E_NAME_CHAR] = { "bad character in a field name", 400 },
	[HTTP_E_NAME_SPACE] = { "space in or after a field name", 400 },
	[HTTP_E_COLON] = { "field line without colon", 400 },
	[HTTP_E_VALUE_CHAR] = { "control character in a field value", 400 },
	[HTTP_E_HOST_MISSING] = { "no Host", 400 },
	[HTTP_E_HOST_TWICE] = { "more than one Host", 400 },
	[HTTP_E_HOST] = { "bad Host", 400 },
	[HTTP_E_LENGTH] = { "bad Content-Length", 400 },
	[HTTP_E_LENGTH_TWICE] = { "more than one Content-Length", 400 },
	[HTTP_E_LENGTH_CODING] = {
	    "Content-Length with Transfer-Encoding", 400 },
	[HTTP_E_CODING] = { "transfer coding other than chunked", 400 },
	[HTTP_E_CODING_TWICE] = { "more than one Transfer-Encoding", 400 },
	[HTTP_E_CODING_10] = { "Transfer-Encoding in HTTP/1.0", 400 },
	[HTTP_E_CONNECTION] = { "bad Connection", 400 },
	[HTTP_E_CONNECT_BODY] = { "CONNECT with a body", 400 },
	[HTTP_E_EXPECT] = { "expectation other than 100-continue", 417 },
	[HTTP_E_CHUNK_SIZE] = { "bad chunk size", 400 },
	[HTTP_E_CHUNK_EXT] = { "bad or too long chunk extension", 400 },
	[HTTP_E_CHUNK_END] = { "chunk data not followed by CRLF", 400 },
	[HTTP_E_TRAILER] = { "field not allowed in a trailer", 400 },
	[HTTP_E_TRUNCATED] = { "message cut short", 400 },
	[HTTP_E_MEMORY] = { "out of memory", 500 }
};

const char *
http_error_text(enum http_error error)
{
	if ((unsigned int)error >= HTTP_E_MAX)
		return ("unknown error");
	return (errors[error].text);
}

int
http_error_status(enum http_error error)
{
	if ((unsigned int)error >= HTTP_E_MAX)
		return (500);
	return (errors[error].status);
}
