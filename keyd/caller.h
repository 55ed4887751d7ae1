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

#ifndef CALLER_H
#define CALLER_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>

#include "keyd.h"

/*
 * Callers: who stands behind a request at an api, authenticated here.
 */

#define CALLER_PEER_MAX	4096	/* on a link */

struct caller {
	uint64_t		 id;
	struct peer		*peer;
	struct principal	 who;
	struct msg_addr		 client;
	LIST_ENTRY(caller)	 entry;
	RB_ENTRY(caller)	 id_entry;
};

/* Handlers of CALLER, CALLER_END and MAY. */
void		 caller_request(struct link *, struct msg *);
void		 caller_end(struct link *, struct msg *);
void		 caller_may(struct link *, struct msg *);

/* A caller of that peer, or NULL. */
struct caller	*caller_find(struct peer *, uint64_t id);

/* Whether the caller's token is still good. */
int		 caller_valid(const struct caller *);
void		 caller_free(struct caller *);

/* An agent may have another name. */
void		 caller_renamed(void);
void		 caller_peer_gone(struct peer *);

/*
 * Look up the vault that an action names and check the right.  0 with *v set
 * (NULL if the action is about none), or -1 with the refusal: 503 before
 * init, 404, 403.
 */
int		 caller_right(const struct caller *, enum right_class,
		    unsigned int, const char *vault, struct vault **,
		    struct refusal *);

#endif /* CALLER_H */
