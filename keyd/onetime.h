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

#ifndef ONETIME_H
#define ONETIME_H

#include <sys/types.h>

#include <stdint.h>

#include "token.h"

/*
 * Tokens of links, each good for one login within ONETIME_TTL seconds, by the
 * earlier of both clocks.  They are kept here only, as hashes, and end with
 * the process; when there are ONETIME_MAX, the oldest falls out.
 */

#define ONETIME_TTL	60
#define ONETIME_MAX	16

struct onetime {
	uint64_t	 id;			/* 0: this place is free */
	uint8_t		 hash[TOKEN_HASHLEN];
	char		 actor[65];		/* local:UID, who asked */
	uint64_t	 vault;			/* where to begin, or 0 */
	int64_t		 expires_at;		/* seconds, wall clock */
	int64_t		 made_at;
	uint64_t	 deadline;		/* monotonic us */
};

/*
 * Make one; tok gets its text, which the caller wipes.  Returns when it ends,
 * by the wall clock.
 */
int64_t	 onetime_new(const char *actor, uint64_t vault, int64_t wall,
	    uint64_t mono, char tok[TOKEN_SIZE]);

/* The living one of a hash or an id, or NULL. */
const struct onetime *onetime_hashed(const uint8_t *, int64_t wall,
	    uint64_t mono);
const struct onetime *onetime_find(uint64_t id, int64_t wall, uint64_t mono);

/* It has been used. */
void	 onetime_spend(uint64_t id);

void	 onetime_free_all(void);	/* wipes */

#endif /* ONETIME_H */
