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

#include <stdint.h>
#include <string.h>

#include "codes.h"
#include "db.h"
#include "queryvalues.h"

/* The first two columns are the entry and its vault. */
static struct db_sql	 sql_hosts = DB_SQL(
    "SELECT id, vault, host FROM targets WHERE id > ? ORDER BY id LIMIT ?");
static struct db_sql	 sql_methods = DB_SQL(
    "SELECT id, vault, method FROM targets WHERE id > ? ORDER BY id LIMIT ?");
static struct db_sql	 sql_services = DB_SQL(
    "SELECT id, vault, service FROM targets WHERE id > ?"
    " ORDER BY id LIMIT ?");
static struct db_sql	 sql_actors = DB_SQL(
    "SELECT id, vault, CASE actor_name WHEN '' THEN actor ELSE actor_name END"
    " FROM scopes WHERE id > ? ORDER BY id LIMIT ?");
static struct db_sql	 sql_vaults = DB_SQL(
    "SELECT id, id, name FROM vaults WHERE id > ? ORDER BY id LIMIT ?");

static const struct {
	struct db_sql	*sql;
	const char	*(*name)(unsigned int);
	unsigned int	 max;
} sources[FILTER_KEYS] = {
	[FILTER_ACTOR] =	{ &sql_actors, NULL, 0 },
	[FILTER_DECISION] =	{ NULL, decision_name, DECISION_MAX },
	[FILTER_ERROR_CODE] =	{ NULL, error_name, ERROR_MAX },
	[FILTER_HOST] =		{ &sql_hosts, NULL, 0 },
	[FILTER_INGRESS] =	{ NULL, ingress_name, INGRESS_MAX },
	[FILTER_KIND] =		{ NULL, kind_name, KIND_MAX },
	[FILTER_METHOD] =	{ &sql_methods, NULL, 0 },
	[FILTER_SERVICE] =	{ &sql_services, NULL, 0 },
	[FILTER_VAULT] =	{ &sql_vaults, NULL, 0 }
};

static void	values_add(struct values *, const char *);
static int	values_read(struct values *, struct db_sql *);

int
values_known(enum filter_key key)
{
	return (sources[key].sql != NULL || sources[key].name != NULL);
}

/* In its place, unless it is there, does not fit or is behind a full list. */
static void
values_add(struct values *v, const char *s)
{
	uint32_t	 i;
	int		 cmp = 1;

	if (*s == '\0' || strlen(s) >= VALUES_SIZE ||
	    strncasecmp(s, v->prefix, strlen(v->prefix)) != 0)
		return;
	for (i = 0; i < v->n && (cmp = strcmp(v->text[i], s)) < 0; i++)
		;
	if (i < v->n && cmp == 0)
		return;
	if (v->n == v->limit) {
		v->more = 1;
		if (i == v->n)
			return;
		v->n--;
	}
	memmove(v->text[i + 1], v->text[i], (v->n - i) * VALUES_SIZE);
	(void)strlcpy(v->text[i], s, VALUES_SIZE);
	v->n++;
}

static int
values_read(struct values *v, struct db_sql *sql)
{
	const int64_t	 rows = VALUES_ROWS;
	sqlite3_stmt	*s;
	int		 n = 0, rc;

	if ((s = db_prep(sql)) == NULL ||
	    db_bind(s, "ii", v->entry, rows) == -1)
		return (-1);
	for (; (rc = db_step(s)) == 1; n++) {
		v->entry = sqlite3_column_int64(s, 0);
		if (v->all || (uint64_t)sqlite3_column_int64(s, 1) ==
		    v->vault)
			values_add(v, db_text(s, 2));
	}
	return (rc == -1 ? -1 : n == rows);
}

int
values_work(struct values *v)
{
	unsigned int	 i;

	if (v->limit == 0 || v->limit > VALUES_MAX)
		v->limit = VALUES_MAX;
	if (sources[v->key].sql != NULL)
		return (values_read(v, sources[v->key].sql));
	for (i = 0; i < sources[v->key].max; i++)
		values_add(v, sources[v->key].name(i));
	return (0);
}
