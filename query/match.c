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
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "filter.h"
#include "internal.h"
#include "wildcard.h"

#define HOST_SIZE	(256 + sizeof("[]:65535"))

/* Which part of a row a key is about. */
enum part { PART_TARGET, PART_ACTOR, PART_ROW };

static const enum part	 parts[FILTER_KEYS] = {
	[FILTER_ACTOR] =		PART_ACTOR,
	[FILTER_DECISION] =		PART_ROW,
	[FILTER_ERROR_CODE] =		PART_ROW,
	[FILTER_HOST] =			PART_TARGET,
	[FILTER_INGRESS] =		PART_ROW,
	[FILTER_KIND] =			PART_ROW,
	[FILTER_METHOD] =		PART_TARGET,
	[FILTER_MIN_MS] =		PART_ROW,
	[FILTER_PATH] =			PART_ROW,
	[FILTER_REQUEST_ID] =		PART_ROW,
	[FILTER_SERVICE] =		PART_TARGET,
	[FILTER_SINCE] =		PART_ROW,
	[FILTER_STATUS] =		PART_ROW,
	[FILTER_STATUS_BUCKET] =	PART_ROW,
	[FILTER_UNTIL] =		PART_ROW,
	[FILTER_VAULT] =		PART_ROW
};

static int	any(const struct filter *, enum part);
static void	host_port(const struct filter_target *, char *);
static int	match_target(const struct filter *, enum filter_key,
		    const struct filter_value *, const struct filter_target *,
		    const char *);
static int	match_bucket(int64_t, const struct filter_row *);
static int	match_id(const struct filter_value *, const uint8_t *);
static int	match_row(const struct filter *, enum filter_key,
		    const struct filter_value *, const struct filter_row *);
static int	term_row(const struct filter *, const struct filter_term *,
		    const struct filter_row *);

static int
any(const struct filter *f, enum part part)
{
	int	 i;

	for (i = 0; i < f->nterms; i++) {
		if (parts[f->terms[i].key] == part)
			return (1);
	}
	return (0);
}

int
filter_has_target(const struct filter *f)
{
	return (any(f, PART_TARGET));
}

int
filter_has_actor(const struct filter *f)
{
	return (any(f, PART_ACTOR));
}

int
filter_has_row(const struct filter *f)
{
	return (any(f, PART_ROW));
}

int
filter_has_path(const struct filter *f)
{
	return (filter_has(f, FILTER_PATH));
}

static void
host_port(const struct filter_target *t, char *buf)
{
	(void)snprintf(buf, HOST_SIZE, strchr(t->host, ':') != NULL ?
	    "[%s]:%u" : "%s:%u", t->host, t->port);
}

static int
match_target(const struct filter *f, enum filter_key key,
    const struct filter_value *v, const struct filter_target *t,
    const char *host)
{
	const char	*want = f->text + v->text;

	if (key == FILTER_SERVICE)
		return (strcmp(want, t->service) == 0);
	if (key == FILTER_METHOD)
		return (wildcard_equal(want, t->method));
	return (wildcard_match(want, t->host, 1) ||
	    (t->port != 0 && wildcard_match(want, host, 1)));
}

int
filter_target(const struct filter *f, const struct filter_target *t)
{
	const struct filter_term	*term;
	char				 host[HOST_SIZE];
	int				 i, j, hit;

	host_port(t, host);
	for (i = 0; i < f->nterms; i++) {
		term = &f->terms[i];
		if (parts[term->key] != PART_TARGET)
			continue;
		for (j = 0, hit = 0; j < term->n && !hit; j++)
			hit = match_target(f, term->key,
			    &f->values[term->first + j], t, host);
		if (hit == term->negated)
			return (0);
	}
	return (1);
}

int
filter_actor(const struct filter *f, const char *actor, const char *name)
{
	const struct filter_term	*term;
	const char			*want;
	int				 i, j, hit;

	for (i = 0; i < f->nterms; i++) {
		term = &f->terms[i];
		if (parts[term->key] != PART_ACTOR)
			continue;
		for (j = 0, hit = 0; j < term->n && !hit; j++) {
			want = f->text + f->values[term->first + j].text;
			/* Nobody is one without both. */
			hit = *want == '\0' ? *actor == '\0' &&
			    *name == '\0' : strcmp(want, actor) == 0 ||
			    strcmp(want, name) == 0;
		}
		if (hit == term->negated)
			return (0);
	}
	return (1);
}

static int
match_bucket(int64_t bucket, const struct filter_row *r)
{
	if (bucket == BUCKET_ERR)
		return (r->error_code != ERROR_NONE || r->status >= 400);
	return (r->status >= 0 && r->status / 100 == bucket + 2);
}

static int
match_id(const struct filter_value *v, const uint8_t *id)
{
	uint64_t	 half[2] = { 0, 0 };
	int		 i;

	for (i = 0; i < 16; i++)
		half[i / 8] = half[i / 8] << 8 | id[i];
	return ((uint64_t)v->lo == half[0] && (uint64_t)v->hi == half[1]);
}

static int
match_row(const struct filter *f, enum filter_key key,
    const struct filter_value *v, const struct filter_row *r)
{
	switch (key) {
	case FILTER_DECISION:
		return (v->lo == r->decision);
	case FILTER_ERROR_CODE:
		return (v->lo == r->error_code);
	case FILTER_INGRESS:
		return (v->lo == r->ingress);
	case FILTER_KIND:
		return (v->lo == r->kind);
	case FILTER_MIN_MS:
		return (r->latency >= 0 && r->latency / 1000 >= v->lo);
	case FILTER_PATH:
		return (wildcard_match(f->text + v->text, r->path, 0));
	case FILTER_REQUEST_ID:
		return (match_id(v, r->request_id));
	case FILTER_SINCE:
		return (r->started >= v->lo);
	case FILTER_STATUS:
		return (r->status >= v->lo && r->status <= v->hi);
	case FILTER_STATUS_BUCKET:
		return (match_bucket(v->lo, r));
	case FILTER_UNTIL:
		return (r->started < v->lo);
	case FILTER_VAULT:
		return (v->hi == VAULT_ID && (uint64_t)v->lo == r->vault);
	default:
		return (0);
	}
}

static int
term_row(const struct filter *f, const struct filter_term *t,
    const struct filter_row *r)
{
	int	 i;

	for (i = 0; i < t->n; i++) {
		if (match_row(f, t->key, &f->values[t->first + i], r))
			return (!t->negated);
	}
	return (t->negated);
}

/* Paths last, since they cost most. */
int
filter_row(const struct filter *f, const struct filter_row *r)
{
	int	 i, paths = 0;

	for (i = 0; i < f->nterms; i++) {
		if (parts[f->terms[i].key] != PART_ROW)
			continue;
		if (f->terms[i].key == FILTER_PATH)
			paths = 1;
		else if (!term_row(f, &f->terms[i], r))
			return (0);
	}
	for (i = 0; paths && i < f->nterms; i++) {
		if (f->terms[i].key == FILTER_PATH &&
		    !term_row(f, &f->terms[i], r))
			return (0);
	}
	return (1);
}

int
filter_match(const struct filter *f, const struct rec_row *r)
{
	const struct filter_target	 t = { r->method, r->host, r->port,
					    r->service };
	const struct filter_row		 row = { r->vault, r->status,
					    r->latency, r->started,
					    r->request_id, r->path, r->kind,
					    r->ingress, r->decision,
					    r->error_code };

	return (filter_row(f, &row) && filter_target(f, &t) &&
	    filter_actor(f, r->actor, r->actor_name));
}

void
filter_span(const struct filter *f, int64_t *since, int64_t *until)
{
	const struct filter_term	*t;
	int64_t				 v;
	int				 i;

	*since = INT64_MIN;
	*until = INT64_MAX;
	for (i = 0; i < f->nterms; i++) {
		t = &f->terms[i];
		v = f->values[t->first].lo;
		if (t->key != FILTER_SINCE && t->key != FILTER_UNTIL)
			continue;
		if ((t->key == FILTER_SINCE) == !t->negated) {
			if (v > *since)
				*since = v;
		} else if (v < *until)
			*until = v;
	}
}
