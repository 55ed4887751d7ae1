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


#ifndef EXPORT_H
#define EXPORT_H

#include <sys/types.h>

#include <stdint.h>

/*
 * The log as a file: all rows that match a filter, the oldest first, up to
 * the newest that there is when it begins, as JSON lines or CSV.  logd is
 * asked for a page when the client has taken the one before, so that an
 * export holds no more than EXPORT_PAGE rows, whatever its length.
 *
 * It ends in order, with the last chunk, only if every row is in it.  It is
 * cut when logd goes or cannot read on, when retention takes rows before
 * their turn, when the caller's right ends, when brokerd stops, or when the
 * client does not take CONN_HIGH - CONN_LOW bytes within EXPORT_STALL_MS.
 *
 * At most EXPORT_MAX at once, or a quarter of the clients that there may be,
 * and EXPORT_CALLER for one caller.
 */
#define EXPORT_MAX	32
#define EXPORT_CALLER	4
#define EXPORT_PAGE	200
#define EXPORT_STALL_MS	60000
#define EXPORT_RETRY	"10"	/* seconds, of who found no place */
#define EXPORT_NAME	160	/* of the file */

struct export;

/* The client's output has room. */
void		 export_feed(struct export *);
/* Without its end; the request and the client go. */
void		 export_cut(struct export *, const char *why);
void		 export_cut_all(const char *why);	/* that have begun */
/* The request goes. */
void		 export_free(struct export *);

/* keyd: this scope or caller, 0 for all, may read no more. */
void		 export_revoked(uint64_t);

unsigned int	 export_count(void);

#endif /* EXPORT_H */
