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

#ifndef SCENE_H
#define SCENE_H

#include "play.h"

/*
 * One process that has become ready, and us as everybody it has a link with.
 * It is the real program, or what stands in its place in tests of the frame;
 * where the real one sends something before it is ready it has its answer.
 */
#define SCENE_INSTANCE	1000	/* and whom we play */

struct scene {
	struct play_child	 child;
	enum proc		 proc;
	int			 real;
	struct play		 peers[PROC_MAX];
	char			 dir[128];	/* logd's database */
	int			 ledger;
};

/* `real' is 0 for the stand-in.  The working directory is the tree's root. */
void	 scene_begin(struct scene *, enum proc, int real);
/* SHUTDOWN, and its exit status. */
int	 scene_stop(struct scene *);
/* What is left of it: the child has ended. */
void	 scene_finish(struct scene *);
/* Our end of its link with that process. */
struct play	*scene_end(struct scene *, enum proc);

#endif /* SCENE_H */
