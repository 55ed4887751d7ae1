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

#ifndef LOGD_WORLD_H
#define LOGD_WORLD_H

#include "logd_peer.h"

/*
 * The world of one test: a logd, two workers, an api.  What was made is
 * taken down again by world_teardown().
 */
#define MITM0	0x2001
#define MITM1	0x2002
#define API	0x3001
#define LAG	30		/* requests that generate() leaves open */

extern struct logd	 d;
extern struct worker	 w, w2;
extern struct end	 api;
extern struct end	*none[];

int	 world_setup(void **);
/* The same with a disk that can be made to fail. */
int	 world_setup_fault(void **);
int	 world_teardown(void **);

#define TEST(f)		cmocka_unit_test_setup_teardown(f, world_setup, \
			    world_teardown)
#define FAULT(f)	cmocka_unit_test_setup_teardown(f, \
			    world_setup_fault, world_teardown)

/* logd with one worker, one vault and a scope for it. */
void	 start_one(void);
/* After a kill: the same around a new logd. */
void	 restart_one(void);

/*
 * Ask for rows within a read scope: how many came, or -1; what is left of
 * the answer is in api.u.rows_end.
 */
int	 ask(uint64_t scope, uint64_t before, int64_t after, uint32_t limit);

/*
 * n more requests of a worker, with `lag' open at any time; and the end of
 * them, with BYE.
 */
void	 generate(struct worker *, uint64_t *open, int lag, int n);
void	 finish(struct worker *, uint64_t *open, int lag);

#endif /* LOGD_WORLD_H */
