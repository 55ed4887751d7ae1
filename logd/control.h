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

#ifndef CONTROL_H
#define CONTROL_H

#include <sys/types.h>

#include <stdint.h>

#include "link.h"

/*
 * The durable copy of the control state: keyd's objects, one row each, and
 * the revision that the last COMMIT brought.
 */
#define CONTROL_PAGE	(100 * 1024)	/* bytes of objects in a SNAPSHOT */

/* The revision; 0 means that there is no state yet.  0 or -1. */
int		 control_load(void);
uint64_t	 control_rev(void);

/*
 * Apply a COMMIT in one transaction that is durable when this returns 0:
 * objects, their audit rows, the revision.  A revision that is there already
 * is left alone and is a success.  -1 with a sentence: nothing has changed.
 */
int		 control_commit(const struct msg_commit *, char *why,
		    size_t len);

/* Messages of keyd's link. */
void		 control_sync(struct link *, struct msg *);
void		 control_message(struct link *, struct msg *);

#endif /* CONTROL_H */
