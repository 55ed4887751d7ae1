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

#ifndef RETAIN_H
#define RETAIN_H

#include <sys/types.h>

#include <stdint.h>

#include "retention.h"
#include "vault.h"

/*
 * Retention: old rows leave, by age and by rows per vault, a little in each
 * turn, in transactions of their own.  Audit rows have their own age and are
 * no vault's.  Dictionary entries, minutes and streams that no row needs go
 * with them.
 */
#define RETAIN_ROWS	500	/* in a turn */
#define RETAIN_CHUNK	100	/* in a statement */
#define RETAIN_US	2000
#define RETAIN_SECONDS	60	/* between two looks at ages */

void	 retain_configure(const struct retention *);
/* What the owner has set, or RETENTION_NONE; retain_load() reads it. */
void	 retain_owner(int64_t seconds, int64_t rows);
int	 retain_load(void);
/* What is in force. */
const struct retention	*retain_config(void);
/* Rows of the vault were committed. */
void	 retain_changed(struct vault *);
/* The clock was moved; a leap forward puts deleting by age off. */
void	 retain_clock(int64_t step);
/* A turn's worth, if there is anything to do. */
void	 retain_turn(void);
/* Put the vaults that are over their cap on the list: after a start. */
void	 retain_start(void);
void	 retain_unload(void);

struct retain_counters {
	uint64_t	 rows;
};
extern struct retain_counters	 retain_counters;

#endif /* RETAIN_H */
