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

#ifndef KEYDEV_H
#define KEYDEV_H

#include <stdint.h>

#include "link.h"

/*
 * keyd's own records: refused authentications.  Their numbers go up over the
 * life of the database.  Which came last is written in the transaction that
 * writes their rows, so that what keyd sends again after a restart of logd
 * makes no second row.
 */

/* From the database; 0, or -1 with errno of db.h. */
int	 keydev_load(void);
/* EVENT on keyd's link: it is trusted about the vault. */
void	 keydev_message(struct link *, struct msg *);
/* Those up to this number are committed. */
uint64_t keydev_committed(void);

/* For batch.c, as the functions of streamdb.h. */
int	 keydev_save(void);
void	 keydev_saved(void);

#endif /* KEYDEV_H */
