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


#ifndef REPLY_H
#define REPLY_H

#include <sys/types.h>

#include "json.h"
#include "request.h"

/*
 * Answers.  The request is gone after each of them.
 */

/* The value is taken over. */
void	 reply_json(struct request *, int status, json_t *);

/* An object with the request's list under one name. */
void	 reply_list(struct request *, const char *name);

/* The same as reply_json(), with a Set-Cookie field. */
void	 reply_cookie(struct request *, int status, json_t *,
	    const char *cookie);

/* code may be NULL or "". */
void	 reply_error(struct request *, int status, const char *code,
	    const char *, ...) __attribute__((__format__(printf, 4, 5)));

/* 413 about its body. */
void	 reply_too_large(struct request *);

/* 400 about the request itself. */
void	 reply_invalid(struct request *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));

/*
 * An error with more in its body: the value, an object, is taken over, gets
 * code and error added behind what it has.
 */
void	 reply_error_json(struct request *, int status, const char *code,
	    const char *text, json_t *);

/* Text, and an Allow field if allow is not NULL. */
void	 reply_text(struct request *, int status, const char *allow,
	    const char *text);

/* The first bytes of a file, which is taken over, for to be kept as a file. */
void	 reply_file(struct request *, int fd, uint64_t);

/* 503, and after how many seconds to try again. */
void	 reply_busy(struct request *, const char *, const char *);

/* The head of an event stream; the request stays: client_stream() follows. */
void	 reply_stream(struct request *);

/*
 * The head of an export, with a file name, the newest row's id and, if it is
 * not NULL, what is missing; the request stays, as with a stream.
 */
void	 reply_export(struct request *, const char *type, const char *name,
	    uint64_t head, const char *trimmed);

/* A file of the page. */
void	 reply_page(struct request *, const char *type, const void *, size_t);

/* Metrics: text of a version that its type names. */
void	 reply_metrics(struct request *, const char *, size_t);

/* The root certificate. */
void	 reply_pem(struct request *, const void *, size_t);

#endif /* REPLY_H */
