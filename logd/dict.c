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

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "dict.h"
#include "log.h"
#include "rollup.h"

#define BUCKETS		DICT_CACHE

struct target {
	LIST_ENTRY(target)	 bucket;
	TAILQ_ENTRY(target)	 lru;		/* oldest use first */
	struct dict_entry	 entry;
	uint64_t		 hash;
	uint64_t		 vault;
	uint16_t		 port;
	uint8_t			 auth_scheme;
	size_t			 len;
	char			 texts[];	/* as a record has them */
};
LIST_HEAD(targets, target);
TAILQ_HEAD(lru, target);

struct dict_counters	 dict_counters;

static struct targets	 targets[BUCKETS];
static struct lru	 lru = TAILQ_HEAD_INITIALIZER(lru);
static uint64_t		 gen = 1;
static uint64_t		 seed;

static struct db_sql	 sql_who = DB_SQL(
    "SELECT id, first_id, last_id FROM scopes WHERE vault = ?"
    " AND actor_type = ? AND actor = ? AND actor_name = ? AND session = ?");
static struct db_sql	 sql_new_who = DB_SQL(
    "INSERT INTO scopes (vault, actor_type, actor, actor_name, session,"
    " first_id, last_id) VALUES (?, ?, ?, ?, ?, ?, ?)");
static struct db_sql	 sql_use_who = DB_SQL(
    "UPDATE scopes SET last_id = ?1 WHERE id = ?2 AND last_id < ?1");
static struct db_sql	 sql_target = DB_SQL(
    "SELECT id, first_id, last_id FROM targets WHERE vault = ? AND host = ?"
    " AND port = ? AND method = ? AND service = ? AND keys = ?"
    " AND auth_scheme = ? AND auth_header = ?");
static struct db_sql	 sql_new_target = DB_SQL(
    "INSERT INTO targets (vault, host, port, method, service, keys,"
    " auth_scheme, auth_header, first_id, last_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
static struct db_sql	 sql_use_target = DB_SQL(
    "UPDATE targets SET last_id = ?1 WHERE id = ?2 AND last_id < ?1");
static struct db_sql	 sql_trim_targets = DB_SQL(
    "DELETE FROM targets WHERE id IN (SELECT id FROM targets t"
    " WHERE vault = ?1 AND last_id < ?2 AND NOT EXISTS"
    " (SELECT 1 FROM open_requests o WHERE o.target = t.id) LIMIT ?3)");
static struct db_sql	 sql_trim_scopes = DB_SQL(
    "DELETE FROM scopes WHERE id IN (SELECT id FROM scopes s"
    " WHERE vault = ?1 AND last_id < ?2 AND NOT EXISTS"
    " (SELECT 1 FROM open_requests o WHERE o.scope = s.id) LIMIT ?3)");
static struct db_sql	 sql_least = DB_SQL(
    "SELECT min(last_id) FROM (SELECT last_id FROM targets WHERE vault = ?1"
    " UNION ALL SELECT last_id FROM scopes WHERE vault = ?1)");

static struct target	*target_find(const struct record *, uint64_t,
		    uint64_t);
static void	target_put(const struct record *, uint64_t, uint64_t);
static uint64_t	target_mix(uint64_t, uint64_t);
static uint64_t	target_hash(const struct record *, uint64_t);
static int	target_load(const struct record *, uint64_t, int64_t,
		    struct dict_entry *);
static int	entry_load(sqlite3_stmt *, struct dict_entry *);
static int64_t	entry_bound(const struct dict_entry *, int64_t);
static int	entry_use(struct db_sql *, struct dict_entry *, int64_t);
static void	entry_new(struct dict_entry *, int64_t);

static uint64_t
target_mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 1099511628211ULL;
	return (h ^ h >> 32);
}

/*
 * Eight bytes at a time.  Seeded; and whatever is put in, there are no more
 * than DICT_CACHE to look at.
 */
static uint64_t
target_hash(const struct record *r, uint64_t vault)
{
	const char	*p = r->host;
	size_t		 len = r->target_len;
	uint64_t	 h, word;

	if (seed == 0)
		arc4random_buf(&seed, sizeof(seed));
	h = target_mix(seed ^ len, vault);
	h = target_mix(h, (uint64_t)r->port << 8 | r->auth_scheme);
	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = target_mix(h, word);
	}
	word = 0;
	memcpy(&word, p, len);
	return (target_mix(h, word));
}

static struct target *
target_find(const struct record *r, uint64_t vault, uint64_t hash)
{
	struct target	*t;

	LIST_FOREACH(t, &targets[hash % BUCKETS], bucket) {
		if (t->hash == hash && t->vault == vault &&
		    t->port == r->port && t->auth_scheme == r->auth_scheme &&
		    t->len == r->target_len &&
		    memcmp(t->texts, r->host, t->len) == 0)
			break;
	}
	if (t == NULL)
		return (NULL);
	TAILQ_REMOVE(&lru, t, lru);
	TAILQ_INSERT_TAIL(&lru, t, lru);
	return (t);
}

static void
target_put(const struct record *r, uint64_t vault, uint64_t hash)
{
	struct target	*t;

	if (dict_counters.cached == DICT_CACHE) {
		t = TAILQ_FIRST(&lru);
		TAILQ_REMOVE(&lru, t, lru);
		LIST_REMOVE(t, bucket);
		free(t);
		dict_counters.cached--;
	}
	if ((t = malloc(sizeof(*t) + r->target_len)) == NULL)
		fatal("target");
	t->hash = hash;
	t->entry = r->target;
	t->vault = vault;
	t->port = r->port;
	t->auth_scheme = r->auth_scheme;
	t->len = r->target_len;
	memcpy(t->texts, r->host, t->len);
	LIST_INSERT_HEAD(&targets[hash % BUCKETS], t, bucket);
	TAILQ_INSERT_TAIL(&lru, t, lru);
	dict_counters.cached++;
}

void
dict_clear(void)
{
	struct target	*t;

	while ((t = TAILQ_FIRST(&lru)) != NULL) {
		TAILQ_REMOVE(&lru, t, lru);
		LIST_REMOVE(t, bucket);
		free(t);
	}
	dict_counters.cached = 0;
	rollup_forget();
	gen++;
}

/* An entry that is there: 1, 0 if not, -1. */
static int
entry_load(sqlite3_stmt *s, struct dict_entry *e)
{
	int	 rc;

	if ((rc = db_step(s)) != 1)
		return (rc);
	e->id = sqlite3_column_int64(s, 0);
	e->first = sqlite3_column_int64(s, 1);
	e->last = sqlite3_column_int64(s, 2);
	db_reset(s);
	return (1);
}

/*
 * How far ahead: in proportion to what it has been in use for, so that many
 * entries in constant use are not written all the time.  Of a request that
 * was read from the file we do not know when its target was new.
 */
static int64_t
entry_bound(const struct dict_entry *e, int64_t id)
{
	int64_t	 step = e->first == 0 ? 0 : id - e->first;

	return (id + (step < DICT_STEP ? DICT_STEP : step));
}

static int
entry_use(struct db_sql *sql, struct dict_entry *e, int64_t id)
{
	int64_t	 last;

	if (id <= e->last)
		return (0);
	last = entry_bound(e, id);
	if (db_run(sql, "ii", last, e->id) == -1)
		return (-1);
	e->last = last;
	return (0);
}

/* One that is new is inserted by the caller. */
static void
entry_new(struct dict_entry *e, int64_t id)
{
	e->first = id;
	e->last = entry_bound(e, id);
}

int
dict_who(struct who *w, int64_t id, int64_t *entry)
{
	struct dict_entry	*e = &w->entry;
	sqlite3_stmt		*s;
	int			 rc;

	if (w->gen != gen) {
		if ((s = db_prep(&sql_who)) == NULL || db_bind(s, "iittt",
		    (int64_t)w->vault, (int64_t)w->actor_type, w->actor,
		    w->actor_name, w->session) == -1)
			return (-1);
		if ((rc = entry_load(s, e)) == -1)
			return (-1);
		if (rc == 0) {
			entry_new(e, id);
			if (db_run(&sql_new_who, "iitttii", (int64_t)w->vault,
			    (int64_t)w->actor_type, w->actor, w->actor_name,
			    w->session, e->first, e->last) == -1)
				return (-1);
			e->id = sqlite3_last_insert_rowid(db_handle());
		}
		w->gen = gen;
	}
	*entry = e->id;
	return (entry_use(&sql_use_who, e, id));
}

static int
target_load(const struct record *r, uint64_t vault, int64_t id,
    struct dict_entry *e)
{
	sqlite3_stmt	*s;
	int		 rc;

	if ((s = db_prep(&sql_target)) == NULL || db_bind(s, "itittt" "it",
	    (int64_t)vault, r->host, (int64_t)r->port, r->method, r->service,
	    r->keys, (int64_t)r->auth_scheme, r->auth_header) == -1)
		return (-1);
	if ((rc = entry_load(s, e)) != 0)
		return (rc == -1 ? -1 : 0);
	entry_new(e, id);
	if (db_run(&sql_new_target, "itittt" "itii", (int64_t)vault, r->host,
	    (int64_t)r->port, r->method, r->service, r->keys,
	    (int64_t)r->auth_scheme, r->auth_header, e->first,
	    e->last) == -1)
		return (-1);
	e->id = sqlite3_last_insert_rowid(db_handle());
	return (0);
}

int
dict_target(struct record *r, uint64_t vault, int64_t id)
{
	const uint64_t	 hash = target_hash(r, vault);
	struct target	*t;

	if ((t = target_find(r, vault, hash)) != NULL) {
		dict_counters.hits++;
		if (entry_use(&sql_use_target, &t->entry, id) == -1)
			return (-1);
		r->target = t->entry;
		return (0);
	}
	dict_counters.misses++;
	if (target_load(r, vault, id, &r->target) == -1 ||
	    entry_use(&sql_use_target, &r->target, id) == -1)
		return (-1);
	target_put(r, vault, hash);
	return (0);
}

int
dict_target_use(struct record *r, int64_t id)
{
	return (entry_use(&sql_use_target, &r->target, id));
}

int
dict_trim(uint64_t vault, int64_t oldest, int max)
{
	int	 n;

	if (db_run(&sql_trim_targets, "iii", (int64_t)vault, oldest,
	    (int64_t)max) == -1)
		return (-1);
	n = sqlite3_changes(db_handle());
	if (db_run(&sql_trim_scopes, "iii", (int64_t)vault, oldest,
	    (int64_t)max) == -1)
		return (-1);
	n += sqlite3_changes(db_handle());
	if (n > 0)
		dict_clear();
	return (n);
}

int
dict_least(uint64_t vault, int64_t none, int64_t *least)
{
	if (db_int(&sql_least, none, least, "i", (int64_t)vault) == -1)
		return (-1);
	if (*least > none)
		*least = none;
	return (0);
}
