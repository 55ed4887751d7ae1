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


#ifndef LOGQ_H
#define LOGQ_H

#include <sys/types.h>

#include <stdint.h>

#include "ask.h"
#include "filter.h"
#include "json.h"
#include "request.h"

/*
 * Questions to logd about the request log.
 */

struct logq {
	uint64_t	 scope;		/* what keyd lets the caller read */
	uint64_t	 before;	/* 0: none */
	uint64_t	 after;		/* with tail */
	int		 tail;
	uint32_t	 limit;
	const char	*filter;	/* as filter_print() gives it */
};

/*
 * The rows, in their order, and then their end: the callback gets ROWS as
 * often as there are some, and ROWS_END at last.
 */
void	 logq_ask(struct request *, const struct logq *, ask_fn *);

/* The same for the oldest `limit' rows after a cursor. */
void	 logq_tail(struct request *, uint64_t scope, uint64_t after,
	    uint32_t limit, const char *filter, ask_fn *);

/*
 * Values of a key that begin with a prefix; the callback gets VALUE_LIST.
 */
void	 logq_values(struct request *, uint64_t scope, enum filter_key,
	    const char *prefix, uint32_t limit, ask_fn *);

/* A row as clients see it, and what retention took before it could be read. */
json_t	*logq_row(const struct rec_row *);
json_t	*logq_trimmed(const struct msg_rows_end *);

/*
 * logs.c, of all that reads the log.  logs_number(): decimal digits in s,
 * nothing else; 1 if they are there, 0 if s is NULL, or -1 after an answer.
 * logs_filter():
 * The filter's own text is kept with the request: times before now are then
 * what they were when it came.
 */
int	 logs_number(struct request *, const char *name, const char *s,
	    uint64_t min, uint64_t *);
int	 logs_filter(struct request *, int instance, struct filter *);
/* A cursor that is beyond the newest row. */
void	 logs_no_cursor(struct request *, uint64_t head);
/* Whether logd refused: then that has been answered. */
int	 logs_refused(struct request *, const struct msg_rows_end *);

#endif /* LOGQ_H */
