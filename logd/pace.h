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

#ifndef PACE_H
#define PACE_H

/*
 * When worker links are read: at once while there is little to do, else
 * every PACE_MS, a slice of each link in turn, so that a wake-up serves many
 * records and no worker keeps the others waiting; and without a rest when
 * every turn brings PACE_BUSY of them and more.
 */
#define PACE_MS		5
#define PACE_SLICE	256	/* records of one link before the next, at
				 * most; all links together have a batch */
#define PACE_LINKS	256
#define PACE_BUSY	64	/* records that are worth a turn */

void	 pace_init(void);
void	 pace_record(void);	/* a record came */
int	 pace_paused(void);	/* links are not read now */

#endif /* PACE_H */
