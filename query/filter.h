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


#ifndef FILTER_H
#define FILTER_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "msg.h"

/*
 * Filters of the request log: one grammar and one evaluator, for what is in
 * the database and for what is about to be seen.  A filter is written in two
 * ways that mean the same.
 *
 * As parameters of a URL, each key=list:
 *
 *	host=*.github.com  status=5xx,404  actor=!bot  min_ms=500
 *
 * As a line of text, with blanks between terms:
 *
 *	host:*.github.com status:5xx,404 !actor:bot min_ms:500
 *
 * A row must match every term.  A list has commas between its items and
 * matches if one of them does; a leading `!' turns the term around and may
 * stand before the key or before the list.  An item with blanks, commas,
 * quotes or a leading `!' is put in double quotes, inside which \" and \\
 * stand for a quote and a backslash; "" is the empty text, as of a request
 * that no service covered.
 *
 * In globs `*' stands for any characters, `?' for one, and \ takes the
 * meaning from the next.  What a row does not know (the status of a lost
 * request, say) matches no item, so it matches every `!'.
 *
 * A struct filter is plain data: it may be copied and needs no clean-up.
 */
#define FILTER_MAX	2048	/* bytes of a filter as text, as QUERY has */
#define FILTER_TERMS	32
#define FILTER_VALUES	128	/* of all terms */
#define FILTER_GLOB	256	/* bytes of a glob */

enum filter_key {
	FILTER_ACTOR,		/* id or name of who asked, exact */
	FILTER_DECISION,
	FILTER_ERROR_CODE,
	FILTER_HOST,		/* glob, on the host or on host:port */
	FILTER_INGRESS,
	FILTER_KIND,
	FILTER_METHOD,		/* in any case of letters */
	FILTER_MIN_MS,		/* whole duration, in milliseconds */
	FILTER_PATH,		/* glob, on the path as it was recorded */
	FILTER_REQUEST_ID,	/* UUID, with or without dashes */
	FILTER_SERVICE,		/* exact */
	FILTER_SINCE,		/* start at this time or later */
	FILTER_STATUS,		/* 404, 5xx, 500-599 */
	FILTER_STATUS_BUCKET,	/* 2xx to 5xx, err */
	FILTER_UNTIL,		/* start before this time */
	FILTER_VAULT,		/* name or id; 0 is the instance log */
	FILTER_KEYS
};

enum filter_bucket {
	BUCKET_2XX,
	BUCKET_3XX,
	BUCKET_4XX,
	BUCKET_5XX,
	BUCKET_ERR		/* error_code set, or a status >= 400 */
};

/*
 * An item.  lo and hi are a range of statuses; the two halves of a request
 * id; else lo is a number: of an enumeration, a bucket, milliseconds,
 * microseconds since the epoch, a vault.  text is where the text begins in
 * filter.text, of keys that have one.
 */
struct filter_value {
	int64_t		 lo;
	int64_t		 hi;
	uint16_t	 text;
};

struct filter_term {
	uint8_t		 key;		/* enum filter_key */
	uint8_t		 negated;
	uint16_t	 first;		/* in filter.values */
	uint16_t	 n;
};

struct filter {
	struct filter_term	 terms[FILTER_TERMS];
	struct filter_value	 values[FILTER_VALUES];
	char			 text[FILTER_MAX + FILTER_VALUES];
	uint16_t		 nterms;
	uint16_t		 nvalues;
	uint16_t		 ntext;
};

/* What is wrong, for people, and at which byte of what was given. */
struct filter_error {
	size_t	 at;
	char	 text[192];
};

void		 filter_init(struct filter *);	/* matches everything */

/*
 * Add the terms of a text, or one parameter of a URL (decoded), whose list
 * may be empty, which is no term.  Times like 15m, 2h and 3d are before now,
 * in microseconds since the epoch, and are resolved here, once.
 * 0, or -1 with the error; then the filter is not to be used.
 */
int		 filter_parse(struct filter *, const char *, int64_t now,
		    struct filter_error *);
int		 filter_add(struct filter *, const char *key,
		    const char *list, int64_t now, struct filter_error *);

/*
 * The one text of a filter, without what depends on now, at most FILTER_MAX
 * bytes and a NUL: filter_parse() of it gives the same filter.  Returns the
 * length.
 */
size_t		 filter_print(const struct filter *, char [FILTER_MAX + 1]);

/* The number of a key, or -1; its name. */
int		 filter_key(const char *);
const char	*filter_name(enum filter_key);
/* Whether any term has the key. */
int		 filter_has(const struct filter *, enum filter_key);

/*
 * Names of vaults become ids, which is needed before anything can match one:
 * the function gives up to max ids that a name has had (0: none, which is an
 * error) and returns how many.  A number is taken for an id as well.
 */
int		 filter_resolve(struct filter *, size_t (*)(const char *,
		    uint64_t *ids, size_t max, void *), void *,
		    struct filter_error *);

/*
 * Evaluation in three parts, since logd has the parts of a row in different
 * tables; a row matches if all three do.  Texts are never NULL; status and
 * latency (in microseconds) are -1 when not known; started is in
 * microseconds since the epoch.
 */
struct filter_target {
	const char	*method;
	const char	*host;
	uint16_t	 port;
	const char	*service;
};

struct filter_row {
	uint64_t	 vault;
	int64_t		 status;
	int64_t		 latency;
	int64_t		 started;
	const uint8_t	*request_id;	/* 16 bytes */
	const char	*path;
	uint8_t		 kind;
	uint8_t		 ingress;
	uint8_t		 decision;
	uint8_t		 error_code;
};

int		 filter_target(const struct filter *,
		    const struct filter_target *);
int		 filter_actor(const struct filter *, const char *actor,
		    const char *name);
int		 filter_row(const struct filter *, const struct filter_row *);
int		 filter_match(const struct filter *, const struct rec_row *);

/* Whether a part has any term; if not, its function always returns 1. */
int		 filter_has_target(const struct filter *);
int		 filter_has_actor(const struct filter *);
int		 filter_has_row(const struct filter *);
int		 filter_has_path(const struct filter *);

/* The times that can match, since <= started < until. */
void		 filter_span(const struct filter *, int64_t *since,
		    int64_t *until);

#endif /* FILTER_H */
