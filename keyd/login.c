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
#include <sys/tree.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "login.h"
#include "state.h"

#define STORE_MAX	256	/* in a change */

RB_HEAD(byid, login);
RB_HEAD(byhash, login);

static struct byid	 ids = RB_INITIALIZER(&ids);
static struct byhash	 hashes = RB_INITIALIZER(&hashes);
static unsigned int	 total;

static int	cmp_id(struct login *, struct login *);
static int	cmp_hash(struct login *, struct login *);
RB_PROTOTYPE_STATIC(byid, login, id_entry, cmp_id)
RB_PROTOTYPE_STATIC(byhash, login, hash_entry, cmp_hash)
static int	take(const struct rec_object *, struct login *);
static void	set_times(struct login *, const struct login *, int64_t,
		    uint64_t);
static uint64_t	after(uint64_t, int64_t);
static int	is_due(const struct login *);
static void	login_free(struct login *);

static int
cmp_id(struct login *a, struct login *b)
{
	return (a->o.id < b->o.id ? -1 : a->o.id > b->o.id);
}

/* As for tokens: it is the hash of a secret that is compared. */
static int
cmp_hash(struct login *a, struct login *b)
{
	return (memcmp(a->o.hash, b->o.hash, sizeof(a->o.hash)));
}

RB_GENERATE_STATIC(byid, login, id_entry, cmp_id)
RB_GENERATE_STATIC(byhash, login, hash_entry, cmp_hash)

/* A copy of the body, so that the record owns its strings. */
static int
take(const struct rec_object *obj, struct login *l)
{
	uint8_t	*p;

	if ((p = malloc(obj->body.len + 1)) == NULL)
		return (-1);
	if (obj->body.len > 0)
		memcpy(p, obj->body.data, obj->body.len);
	l->body.data = p;
	l->body.len = obj->body.len;
	if (rec_from_blob(&l->body, &desc_obj_login, &l->o, NULL) == 0)
		return (0);
	msg_blob_free(&l->body);
	errno = EBADMSG;
	return (-1);
}

static uint64_t
after(uint64_t mono, int64_t seconds)
{
	return (seconds <= 0 ? mono : mono + (uint64_t)seconds * 1000000);
}

/* However the wall clock is set later, it ends by the other one. */
static void
set_times(struct login *l, const struct login *old, int64_t wall,
    uint64_t mono)
{
	int64_t	 idle = l->o.used_at + l->o.idle - wall;

	if (old != NULL && old->o.expires_at == l->o.expires_at) {
		l->used = old->used;
		l->noted = old->noted;
		l->deadline = old->deadline;
		l->idle_end = old->idle_end;
		return;
	}
	/* A clock that was set back gives no more than there is. */
	if (idle > (int64_t)l->o.idle)
		idle = l->o.idle;
	l->used = l->noted = l->o.used_at;
	l->idle_end = after(mono, idle);
	l->deadline = after(mono, l->o.expires_at - wall);
}

int
login_put(const struct rec_object *obj, int64_t wall, uint64_t mono)
{
	struct login	*l, *old, *other;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (-1);
	if (take(obj, l) == -1) {
		free(l);
		return (-1);
	}
	old = login_find(l->o.id);
	other = login_hashed(l->o.hash);
	if (other != NULL && other != old) {
		msg_blob_free(&l->body);
		free(l);
		errno = EEXIST;
		return (-1);
	}
	set_times(l, old, wall, mono);
	if (old != NULL)
		login_free(old);
	RB_INSERT(byid, &ids, l);
	RB_INSERT(byhash, &hashes, l);
	total++;
	return (0);
}

int
login_delete(const struct rec_object *obj)
{
	struct rec_obj_login	 key;
	struct login		*l;

	if (rec_from_blob(&obj->body, &desc_obj_login, &key, NULL) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	if ((l = login_find(key.id)) != NULL)
		login_free(l);
	return (0);
}

static void
login_free(struct login *l)
{
	RB_REMOVE(byid, &ids, l);
	RB_REMOVE(byhash, &hashes, l);
	total--;
	msg_blob_free(&l->body);
	freezero(l, sizeof(*l));
}

void
login_free_all(void)
{
	struct login	*l;

	while ((l = RB_MIN(byid, &ids)) != NULL)
		login_free(l);
}

struct login *
login_find(uint64_t id)
{
	struct login	 key;

	key.o.id = id;
	return (RB_FIND(byid, &ids, &key));
}

struct login *
login_hashed(const uint8_t *hash)
{
	struct login	 key;

	memcpy(key.o.hash, hash, sizeof(key.o.hash));
	return (RB_FIND(byhash, &hashes, &key));
}

struct login *
login_next(const struct login *l)
{
	struct login	 key;

	if (l == NULL)
		return (RB_MAX(byid, &ids));
	key.o.id = l->o.id;
	return (RB_PREV(byid, &ids, RB_FIND(byid, &ids, &key)));
}

int
login_alive(const struct login *l, int64_t wall, uint64_t mono)
{
	const struct token	*t;

	if (wall >= l->o.expires_at || wall >= l->used + l->o.idle ||
	    mono >= l->deadline || mono >= l->idle_end)
		return (0);
	if (l->o.token == 0)
		return (1);
	t = state_token(l->o.token);
	return (t != NULL && !state_token_expired(t, wall, mono) &&
	    (t->o.kind != TOKEN_AGENT || t->agent->o.status == AGENT_ACTIVE));
}

void
login_use(struct login *l, int64_t wall, uint64_t mono)
{
	l->used = wall;
	l->idle_end = after(mono, l->o.idle);
}

unsigned int
login_count(uint64_t token, const struct login **oldest)
{
	const struct login	*l = NULL;
	unsigned int		 n = 0;

	*oldest = NULL;
	while ((l = login_next(l)) != NULL) {
		if (l->o.token != token)
			continue;
		n++;
		if (*oldest == NULL || l->used <= (*oldest)->used)
			*oldest = l;
	}
	return (n);
}

unsigned int
login_total(void)
{
	return (total);
}

/* Also when the clock was set back. */
static int
is_due(const struct login *l)
{
	const int64_t	 step = l->o.idle / LOGIN_STEPS;

	return (l->used >= l->noted + step || l->used < l->noted - step);
}

int
login_due(void)
{
	const struct login	*l = NULL;

	while ((l = login_next(l)) != NULL) {
		if (is_due(l))
			return (1);
	}
	return (0);
}

/* What could not be stored is tried again after the next step. */
void
login_store(struct change *c)
{
	struct rec_obj_login	 o;
	struct login		*l = NULL;
	unsigned int		 n = 0;

	while ((l = login_next(l)) != NULL && n < STORE_MAX) {
		if (!is_due(l))
			continue;
		l->noted = l->used;
		o = l->o;
		o.used_at = l->used;
		change_put(c, OBJ_LOGIN, &o);
		n++;
	}
}
