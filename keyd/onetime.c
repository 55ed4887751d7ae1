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

#include <sys/types.h>

#include <string.h>

#include "codes.h"
#include "log.h"
#include "onetime.h"

static struct onetime	 links[ONETIME_MAX];

static int		 is_alive(const struct onetime *, int64_t, uint64_t);
static struct onetime	*place(void);

/* A clock that was set back ends them as well. */
static int
is_alive(const struct onetime *o, int64_t wall, uint64_t mono)
{
	return (o->id != 0 && wall >= o->made_at && wall < o->expires_at &&
	    mono < o->deadline);
}

/* A free place, or that of the oldest. */
static struct onetime *
place(void)
{
	struct onetime	*best = &links[0];
	unsigned int	 i;

	for (i = 0; i < ONETIME_MAX; i++) {
		if (links[i].id == 0)
			return (&links[i]);
		if (links[i].deadline < best->deadline)
			best = &links[i];
	}
	return (best);
}

int64_t
onetime_new(const char *actor, uint64_t vault, int64_t wall, uint64_t mono,
    char tok[TOKEN_SIZE])
{
	struct onetime	*o = place();

	token_new(TOKEN_LINK, tok);
	memset(o, 0, sizeof(*o));
	if (token_hash(tok, o->hash) != TOKEN_LINK)
		fatalx("a new token is none");
	o->id = token_number();
	(void)strlcpy(o->actor, actor, sizeof(o->actor));
	o->vault = vault;
	o->made_at = wall;
	o->expires_at = wall + ONETIME_TTL;
	o->deadline = mono + ONETIME_TTL * 1000000ULL;
	return (o->expires_at);
}

const struct onetime *
onetime_hashed(const uint8_t *hash, int64_t wall, uint64_t mono)
{
	unsigned int	 i;

	for (i = 0; i < ONETIME_MAX; i++) {
		if (is_alive(&links[i], wall, mono) &&
		    timingsafe_bcmp(links[i].hash, hash, TOKEN_HASHLEN) == 0)
			return (&links[i]);
	}
	return (NULL);
}

const struct onetime *
onetime_find(uint64_t id, int64_t wall, uint64_t mono)
{
	unsigned int	 i;

	for (i = 0; i < ONETIME_MAX; i++) {
		if (links[i].id == id && is_alive(&links[i], wall, mono))
			return (&links[i]);
	}
	return (NULL);
}

void
onetime_spend(uint64_t id)
{
	unsigned int	 i;

	for (i = 0; i < ONETIME_MAX; i++) {
		if (links[i].id == id)
			explicit_bzero(&links[i], sizeof(links[i]));
	}
}

void
onetime_free_all(void)
{
	explicit_bzero(links, sizeof(links));
}
