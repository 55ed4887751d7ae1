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

#ifndef SCOPE_H
#define SCOPE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>

#include "keyd.h"

/*
 * Scopes: for each (worker instance, token, vault), or (api, caller, vault),
 * a random number that stands for it towards logd.  logd hears of a scope
 * before anybody else does; keyd forgets it only when logd has closed it.
 */

#define SCOPE_PEER_MAX	8192		/* open ones on a link */
#define SCOPE_MAX	65536		/* of all kinds */
#define SCOPE_LINGER	30		/* seconds from end to SCOPE_CLOSE, of a
					 * worker's */

enum scope_state {
	SCOPE_LIVE,
	SCOPE_ENDED,		/* the worker was told or is gone */
	SCOPE_CLOSING		/* SCOPE_CLOSE was sent */
};

struct scope {
	uint64_t		 id;
	enum scope_kind		 kind;
	enum scope_state	 state;
	struct peer		*peer;		/* NULL once it is gone */
	uint64_t		 instance;
	struct principal	 who;
	uint64_t		 vault;		/* 0: instance log */
	int			 all;
	uint64_t		 caller;	/* of a read scope */
	uint64_t		 ended_at;	/* monotonic us */
	RB_ENTRY(scope)		 id_entry;
	LIST_ENTRY(scope)	 peer_entry;
	TAILQ_ENTRY(scope)	 ended_entry;
};

/*
 * The scope of a worker for a token and a vault, new or there already; NULL
 * when there are too many.
 */
struct scope	*scope_write(struct peer *, const struct principal *,
		    uint64_t vault);
/*
 * Of an api's caller; `all' with vault 0 is every vault.  NULL also while
 * logd does not read.
 */
struct scope	*scope_read(struct peer *, const struct principal *,
		    uint64_t caller, uint64_t vault, int all);

/*
 * Whether every SCOPE_OPEN so far is in the kernel, so that a peer may hear
 * of its scope.  It is not when logd has not read for long and its link is
 * full: then the peer is told to come again.
 */
int		 scope_announced(void);

/* A live scope of that peer, or NULL. */
struct scope	*scope_find(struct peer *, uint64_t id);

/* Whether what the scope stands for is still true. */
int		 scope_valid(const struct scope *);

/* An agent may have another name: logd is told for what comes now. */
void		 scope_renamed(void);

/* End one; the worker is not told by this, of a reader logd is. */
void		 scope_end(struct scope *);
/* The peer is gone, or one of its callers. */
void		 scope_peer_gone(struct peer *);
void		 scope_caller_gone(struct peer *, uint64_t caller);

/* Each second: close what has lingered. */
void		 scope_tick(uint64_t mono);
/* SCOPE_CLOSED from logd. */
void		 scope_closed(uint64_t id);

/* How many logd must know, and tell it all of them (after SYNC). */
uint32_t	 scope_count(void);
void		 scope_repeat(void);
void		 scope_free_all(void);

#endif /* SCOPE_H */
