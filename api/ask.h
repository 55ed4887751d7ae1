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


#ifndef ASK_H
#define ASK_H

#include <sys/types.h>

#include <stdint.h>

#include "link.h"
#include "proc.h"
#include "request.h"

/*
 * Questions to other processes.  A request asks one at a time; the answer
 * comes to a callback.  A question whose request has gone is forgotten, its
 * answer ignored.
 *
 * Bounds: ASK_MAX at once (503 overloaded), ASK_MS for each (504 timeout).
 * When there is no link, or its peer dies, the request is answered with 503
 * unavailable.
 */

#define ASK_MAX		2048
#define ASK_MS		30000

typedef void ask_fn(struct request *, struct msg *);

void	 ask_init(void);

/*
 * Send a message, whose first member is its id, and wait for `answer'.  -1
 * when that was not possible and the request has been answered.
 */
int	 ask(struct request *, enum proc, enum msg_type, void *,
	    enum msg_type answer, ask_fn *);

/* Handler of all answers: the first member is the id. */
void	 ask_answer(struct link *, struct msg *);
/* Whether anybody still waits for this answer. */
int	 ask_pending(const struct msg *);
/* A part of an answer: the question stays. */
void	 ask_part(struct link *, struct msg *);
/* Its answer takes longer: the question has ASK_MS again. */
void	 ask_longer(struct link *, struct msg *);
/* backup.c: an answer, or that it takes longer. */
void	 backup_message(struct link *, struct msg *);

/* The request goes. */
void	 ask_forget(struct ask *);

/* closed() of links. */
void	 ask_peer_gone(struct link *);

unsigned int	 ask_count(void);

#endif /* ASK_H */
