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

#ifndef COMMIT_H
#define COMMIT_H

#include <sys/types.h>

#include <stdint.h>

#include "job.h"

/*
 * The one order of changes, and logd's word that they are durable.  One
 * COMMIT is with logd at a time.  A job that adds is built when its turn
 * comes, committed, then applied.  A job that takes away has been applied
 * when it is submitted; when its turn comes, what was added meanwhile is
 * looked at again, so that nothing it took away came back.
 *
 * A job that takes away and cannot be made durable is answered with 503 and
 * tried again until it is; while that goes on, jobs that add are refused.
 */

#define COMMIT_QUEUE_MAX	256
#define COMMIT_WAIT_MS		5000	/* then who waits is told */
#define COMMIT_RETRY_MS		1000

/* The link to logd is new, or gone. */
void	 commit_opened(struct link *);
void	 commit_closed(void);

/* The revision that is durable, after the first load. */
void	 commit_loaded(uint64_t rev);
int	 commit_is_loaded(void);

/* logd's answers. */
void	 commit_snapshot(struct link *, uint64_t rev);
void	 commit_committed(struct link *, struct msg *);

/*
 * Submit a job, which belongs to commit.c from then on.  commit_refusal()
 * says beforehand whether it must be refused: NULL, or the text for a 503.
 */
void		 commit_submit(struct job *);
const char	*commit_refusal(int takes);
int		 commit_idle(void);

/* Apply a job that takes away, before it is submitted. */
void	 commit_apply_first(struct job *);

void	 commit_peer_gone(struct peer *);
void	 commit_tick(uint64_t mono);

/* For the status: what a restart would undo. */
unsigned int	 commit_not_durable(void);
uint64_t	 commit_rev(void);

#endif /* COMMIT_H */
