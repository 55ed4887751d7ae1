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


#ifndef SERVED_H
#define SERVED_H

#include <sys/types.h>

#include <stdint.h>

#include "record.h"

/*
 * What was committed since this process started: requests by decision and
 * class of status, the time they took, gaps.  For /metrics, which wants
 * counters and not charts.
 */

void	 served_init(void);
/* A record that is in the table, in the open transaction. */
void	 served_add(const struct record *);
void	 served_committed(void);
void	 served_undo(void);
/* Into the process's counters. */
void	 served_stats(void);

#endif /* SERVED_H */
