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


#ifndef JSON_H
#define JSON_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/*
 * JSON, strictly: what is not known is refused and named, and every byte that
 * the library held is wiped when it lets go of it.  To be out of memory is
 * fatal.
 */

/* Once, before the sandbox closes: wiping memory, a seed for the tables. */
void	 json_setup(void);

/*
 * Parse n bytes that are to be one object and nothing else.  NULL with a
 * sentence in why, which quotes nothing of the input.
 */
json_t	*json_parse(const void *, size_t n, char *why, size_t len);

/* The text of a value with a newline behind it; for json_text_free(). */
char	*json_text(const json_t *, size_t *);
char	*json_text_copy(const void *, size_t);	/* of other bytes */
void	 json_text_free(char *);

enum json_want {
	JSON_TEXT,		/* const char ** */
	JSON_FLAG,		/* int *: 0 or 1 */
	JSON_NUMBER,		/* int64_t * */
	JSON_LIST,		/* json_t **, borrowed */
	JSON_MAP,		/* json_t **, borrowed */
	JSON_LATER		/* NULL: a feature that is not built yet */
};

/* A field that an object may have; an array of them ends with name NULL. */
struct json_field {
	const char	*name;
	enum json_want	 want;
	void		*to;		/* left alone when it is missing */
};

/*
 * Take the fields of an object (NULL: one without fields).  0, or -1 with a
 * sentence in why that names the first one that is not known, or not of its
 * type.
 */
int	 json_take(const json_t *, const struct json_field *, char *why,
	    size_t len);

/* Additions to an object, at its end.  Text that is not UTF-8 is mended. */
json_t	*json_map(void);
json_t	*json_list(void);
json_t	*json_word(const char *);
void	 json_put(json_t *, const char *, json_t *);	/* takes it over */
void	 json_add(json_t *, json_t *);			/* to a list */
/* Sort a list of objects by the text that all have under a key. */
void	 json_sort(json_t *, const char *);
void	 json_put_text(json_t *, const char *, const char *);
void	 json_put_number(json_t *, const char *, int64_t);
void	 json_put_flag(json_t *, const char *, int);
/* Microseconds as milliseconds. */
json_t	*json_milli(int64_t);
/* RFC 3339, UTC: of seconds, and of microseconds since the epoch. */
void	 json_put_time(json_t *, const char *, int64_t);
void	 json_put_instant(json_t *, const char *, int64_t);

#endif /* JSON_H */
