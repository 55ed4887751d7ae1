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
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/tree.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "codes.h"
#include "conn.h"
#include "log.h"
#include "pool.h"

/* What makes connections interchangeable, and those that are idle. */
struct pool_key {
	RB_ENTRY(pool_key)	 entry;
	uint64_t		 vault;
	char			 host[256];
	uint16_t		 port;
	int			 tls;
	struct upstreams	 idle;		/* used last first */
	unsigned int		 n;
};

RB_HEAD(pool_keys, pool_key);

static struct pool_keys	 keys = RB_INITIALIZER(&keys);
static struct upstreams	 lru = TAILQ_HEAD_INITIALIZER(lru);
static size_t		 count;
static size_t		 mark = SIZE_MAX;
static unsigned int	 idle_ms = 90 * 1000;

static int	 pool_cmp(const struct pool_key *, const struct pool_key *);
static struct pool_key	*pool_find(uint64_t, const char *, uint16_t, int, int);
static int	 pool_silent(const struct upstream *);
static void	 pool_read(struct conn *, void *);
static void	 pool_eof(struct conn *, enum conn_eof, void *);
static void	 pool_error(struct conn *, enum conn_error, const char *,
		    void *);
static void	 pool_timeout(struct conn *, enum conn_timer, void *);
static struct upstream	*pool_oldest(uint64_t, unsigned int *);
static int	 pool_concerns(const struct msg_revoke *, uint64_t);

RB_PROTOTYPE_STATIC(pool_keys, pool_key, entry, pool_cmp)

static const struct conn_ops	 idle_ops = {
	.read = pool_read,
	.eof = pool_eof,
	.error = pool_error,
	.timeout = pool_timeout
};

static int
pool_cmp(const struct pool_key *a, const struct pool_key *b)
{
	if (a->vault != b->vault)
		return (a->vault < b->vault ? -1 : 1);
	if (a->port != b->port)
		return (a->port < b->port ? -1 : 1);
	if (a->tls != b->tls)
		return (a->tls < b->tls ? -1 : 1);
	return (strcmp(a->host, b->host));
}

RB_GENERATE_STATIC(pool_keys, pool_key, entry, pool_cmp)

static struct pool_key *
pool_find(uint64_t vault, const char *host, uint16_t port, int tls, int make)
{
	struct pool_key	*k, key;

	key.vault = vault;
	key.port = port;
	key.tls = tls;
	(void)strlcpy(key.host, host, sizeof(key.host));
	if ((k = RB_FIND(pool_keys, &keys, &key)) != NULL || !make)
		return (k);
	if ((k = calloc(1, sizeof(*k))) == NULL)
		fatal("pool");
	k->vault = vault;
	k->port = port;
	k->tls = tls;
	(void)strlcpy(k->host, host, sizeof(k->host));
	TAILQ_INIT(&k->idle);
	RB_INSERT(pool_keys, &keys, k);
	return (k);
}

/* Neither a byte nor the end has arrived. */
static int
pool_silent(const struct upstream *u)
{
	char	 byte;

	return (recv(conn_fd(u->conn), &byte, 1,
	    MSG_PEEK | MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

struct upstream *
pool_get(uint64_t vault, const char *host, uint16_t port, int tls)
{
	struct pool_key	*k;
	struct upstream	*u;

	while ((k = pool_find(vault, host, port, tls, 0)) != NULL) {
		u = TAILQ_FIRST(&k->idle);
		if (!pool_silent(u)) {
			upstream_free(u);
			continue;
		}
		pool_remove(u);
		u->reused = 1;
		conn_timer(u->conn, CONN_T_DEADLINE, 0);
		return (u);
	}
	return (NULL);
}

void
pool_put(struct upstream *u)
{
	struct upstream	*old;
	unsigned int	 n;

	if (buf_len(conn_in(u->conn)) > 0 || conn_ended(u->conn)) {
		upstream_free(u);
		return;
	}
	u->key = pool_find(u->vault, u->host, u->port, u->tls, 1);
	TAILQ_INSERT_HEAD(&u->key->idle, u, siblings);
	TAILQ_INSERT_HEAD(&lru, u, lru);
	u->key->n++;
	count++;
	conn_owner(u->conn, &idle_ops, u);
	conn_timer(u->conn, CONN_T_IDLE, 0);
	conn_timer(u->conn, CONN_T_DEADLINE, idle_ms);
	conn_resume(u->conn);
	if (u->key->n > POOL_KEY)
		upstream_free(TAILQ_LAST(&u->key->idle, upstreams));
	old = pool_oldest(u->vault, &n);
	if (n > POOL_VAULT)
		upstream_free(old);
	if (count > POOL_TOTAL)
		pool_shrink(count - POOL_TOTAL);
}

void
pool_remove(struct upstream *u)
{
	struct pool_key	*k;

	if ((k = u->key) == NULL)
		return;
	u->key = NULL;
	TAILQ_REMOVE(&k->idle, u, siblings);
	TAILQ_REMOVE(&lru, u, lru);
	count--;
	if (--k->n > 0)
		return;
	RB_REMOVE(pool_keys, &keys, k);
	free(k);
}

/*
 * How many a vault has, and which was used least lately.  Its keys stand
 * together in the tree.
 */
static struct upstream *
pool_oldest(uint64_t vault, unsigned int *n)
{
	struct pool_key	*k, key;
	struct upstream	*u, *old = NULL;

	*n = 0;
	memset(&key, 0, sizeof(key));
	key.vault = vault;
	for (k = RB_NFIND(pool_keys, &keys, &key);
	    k != NULL && k->vault == vault; k = RB_NEXT(pool_keys, &keys, k))
		*n += k->n;
	if (*n <= POOL_VAULT)
		return (NULL);
	TAILQ_FOREACH_REVERSE(u, &lru, upstreams, lru) {
		if (u->vault == vault) {
			old = u;
			break;
		}
	}
	return (old);
}

void
pool_conf(unsigned int idle)
{
	idle_ms = idle;
}

void
pool_shrink(size_t n)
{
	for (; n > 0 && count > 0; n--)
		upstream_free(TAILQ_LAST(&lru, upstreams));
}

void
pool_clear(void)
{
	pool_shrink(count);
}

size_t
pool_count(void)
{
	return (count);
}

void
pool_mark(size_t n)
{
	mark = n;
}

void
pool_room(void)
{
	if (conns_count() >= mark)
		pool_shrink(1);
}

static int
pool_concerns(const struct msg_revoke *m, uint64_t scope)
{
	uint32_t	 i;

	if (m->mode != REVOKE_CUT)
		return (0);
	for (i = 0; i < m->scopes_n; i++) {
		if (m->scopes[i].id == scope)
			return (1);
	}
	return (m->scopes_n == 0);
}

void
pool_revoke(const struct msg_revoke *m)
{
	struct upstream	*next, *u;

	TAILQ_FOREACH_SAFE(u, &lru, lru, next) {
		if (pool_concerns(m, u->scope))
			upstream_free(u);
	}
}

static void
pool_read(struct conn *c, void *arg)
{
	upstream_free(arg);
}

static void
pool_eof(struct conn *c, enum conn_eof how, void *arg)
{
	upstream_free(arg);
}

static void
pool_error(struct conn *c, enum conn_error error, const char *text, void *arg)
{
	upstream_free(arg);
}

static void
pool_timeout(struct conn *c, enum conn_timer timer, void *arg)
{
	upstream_free(arg);
}
