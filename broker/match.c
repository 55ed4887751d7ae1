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

#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "url.h"

struct target {
	const char	*method;
	size_t		 methodlen;
	const char	*norm;		/* NULL: no path-scoped service */
	size_t		 normlen;
	int		 tls;
};

static int	 match_method(const struct rec_rule *, const struct target *);
static int	 match_path(const struct rec_rule *, const struct target *);
static const struct rec_rule	*match_rules(const struct msg_rules *,
		    const struct target *, enum error_code *);
static void	 match_refuse(struct match *, enum error_code);
static void	 match_found(struct match *, const struct rec_rule *,
		    enum error_code);
static int	 match_normalise(struct match *, struct target *);

/*
 * The text before the first star must be its beginning, that after the last
 * its end; each piece between is looked for where the one before ended.
 * Taking the first place is right, since a star takes whatever is left, and
 * memmem(3) is linear, so no pattern makes this slow.
 */
int
match_glob(const char *pattern, const char *text, size_t len)
{
	const char	*found, *star;
	size_t		 n, tail;

	if ((star = strchr(pattern, '*')) == NULL)
		return (strlen(pattern) == len &&
		    memcmp(pattern, text, len) == 0);
	n = star - pattern;
	if (n > len || memcmp(pattern, text, n) != 0)
		return (0);
	text += n;
	len -= n;
	tail = strlen(strrchr(pattern, '*') + 1);
	if (tail > len)
		return (0);
	len -= tail;
	for (pattern = star + 1; (star = strchr(pattern, '*')) != NULL;
	    pattern = star + 1) {
		if ((n = star - pattern) == 0)
			continue;
		if ((found = memmem(text, len, pattern, n)) == NULL)
			return (0);
		len -= found + n - text;
		text = found + n;
	}
	return (memcmp(text + len, pattern, tail) == 0);
}

/*
 * Methods are a list with commas, compared with case (RFC 9110 section 9).
 * The answer to TRACE is the request itself, with whatever was injected, so
 * there is no list that allows it together with a credential.
 */
static int
match_method(const struct rec_rule *r, const struct target *t)
{
	const char	*list = r->methods;
	size_t		 n;

	if (r->inject_n > 0 && t->methodlen == 5 &&
	    memcmp(t->method, "TRACE", 5) == 0)
		return (0);
	if (*list == '\0')
		return (1);
	for (;;) {
		n = strcspn(list, ",");
		if (n == t->methodlen && memcmp(list, t->method, n) == 0)
			return (1);
		if (list[n] == '\0')
			return (0);
		list += n + 1;
	}
}

static int
match_path(const struct rec_rule *rule, const struct target *t)
{
	if (*rule->path == '\0')
		return (1);
	if (t->norm == NULL)
		return (0);
	return (match_glob(rule->path, t->norm, t->normlen));
}

/*
 * The first service whose path, method and scheme fit; else the first whose
 * path does, with what it was missed by in *miss.
 */
static const struct rec_rule *
match_rules(const struct msg_rules *rules, const struct target *t,
    enum error_code *miss)
{
	const struct rec_rule	*near = NULL, *r;
	enum error_code		 why;
	uint32_t		 i;

	for (i = 0; i < rules->rules_n; i++) {
		r = &rules->rules[i];
		if (!match_path(r, t))
			continue;
		why = ERROR_NONE;
		if (!match_method(r, t))
			why = ERROR_METHOD_DENIED;
		else if (!t->tls && !r->plaintext)
			why = ERROR_PLAINTEXT_DENIED;
		if (why == ERROR_NONE) {
			*miss = ERROR_NONE;
			return (r);
		}
		if (near == NULL) {
			near = r;
			*miss = why;
		}
	}
	return (near);
}

static void
match_refuse(struct match *m, enum error_code why)
{
	m->decision = DECISION_BLOCKED;
	m->error = why;
	m->status = 403;
}

/* miss says that the rule was nearly, but not, the one. */
static void
match_found(struct match *m, const struct rec_rule *r, enum error_code miss)
{
	m->rule = r;
	m->service = r->service;
	m->slug = r->slug;
	m->keys = r->keys;
	if (r->path_mode != PATH_DEFAULT)
		m->path_mode = r->path_mode;
	if (miss != ERROR_NONE)
		match_refuse(m, miss);
	else if (!r->enabled)
		match_refuse(m, ERROR_SERVICE_DISABLED);
	else if (*r->missing != '\0') {
		m->decision = DECISION_ERROR;
		m->error = ERROR_CREDENTIAL_NOT_FOUND;
		m->status = 502;
	} else if (r->passthrough)
		m->decision = DECISION_PASSTHROUGH;
	else
		m->decision = DECISION_BROKERED;
	if (m->error != ERROR_NONE)
		m->keys = "";
}

/*
 * Room for the normalised path: its length, the slash for an empty one, and
 * the NUL.
 */
static int
match_normalise(struct match *m, struct target *t)
{
	size_t	 size = m->pathlen + 2;
	ssize_t	 n;
	int	 flags;

	if ((m->normal = malloc(size)) == NULL)
		return (-1);
	n = url_path(m->normal, size, m->path, m->pathlen, &flags);
	if (n == -1 || (flags & URL_AMBIGUOUS))
		return (0);
	t->norm = m->normal;
	t->normlen = n;
	return (0);
}

int
match_request(struct match *m, const struct lease *lease, const char *method,
    size_t methodlen, const char *path, size_t pathlen, int tls)
{
	const struct rec_rule	*r;
	enum error_code		 miss = ERROR_NONE;
	struct target		 t;
	uint32_t		 i, scoped = 0;

	memset(m, 0, sizeof(*m));
	m->slug = m->keys = "";
	m->path = pathlen > 0 ? path : "/";
	m->pathlen = pathlen > 0 ? pathlen : 1;
	m->path_mode = lease->rules.path_mode;
	memset(&t, 0, sizeof(t));
	t.method = method;
	t.methodlen = methodlen;
	t.tls = tls;
	for (i = 0; i < lease->rules.rules_n; i++)
		scoped |= *lease->rules.rules[i].path != '\0';
	if (scoped && match_normalise(m, &t) == -1)
		return (-1);
	if ((r = match_rules(&lease->rules, &t, &miss)) != NULL) {
		match_found(m, r, miss);
		if (*r->path != '\0') {
			m->path = t.norm;
			m->pathlen = t.normlen;
		}
	} else if (lease->rules.unmatched == UNMATCHED_PASSTHROUGH)
		m->decision = DECISION_PASSTHROUGH;
	else
		match_refuse(m, ERROR_NO_MATCH);
	return (0);
}

void
match_clear(struct match *m)
{
	free(m->normal);
	memset(m, 0, sizeof(*m));
}
