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


#ifndef QUERYTIME_H
#define QUERYTIME_H

#include "filter.h"
#include "queryscan.h"

/*
 * Times as ranges of ids.  Ids go by the time of the commit, of which there
 * is a table by the minute; a row was committed at most a minute after its
 * start, unless it has the mark FLAGS_LATE.
 *
 * Leaves in `spans' where the filter's times (and request ids, which begin
 * with a time) can be found among rows without that mark, and puts into
 * `late' where else they can be, among those that have it.  0, or -1 with
 * db_error().
 */
int	 querytime_cut(const struct filter *, struct spans *,
	    struct spans *late);

#endif /* QUERYTIME_H */
