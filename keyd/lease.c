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

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lease.h"
#include "log.h"
#include "seal.h"
#include "service.h"

/*
 * Name, keys and numbers of a rule, on the wire; a rough figure that both the
 * check and the lease add, so that what was accepted can be served.
 */
#define RULE_OVERHEAD	64

/* A lease that is being made. */
struct draft {
	const struct vault	*vault;
	struct arena		*arena;
	size_t			 size;
};

/* Rendering one rule: what a service lacks is no failure of the lease. */
enum render {
	RENDER_OK,
	RENDER_MISSING,
	RENDER_FAILED
};

struct value {
	char	*text;
	size_t	 len;
};

static int	compare(const void *, const void *);
static size_t	literal_prefix(const char *);
static int	make_rule(struct draft *, const struct service *,
		    struct rec_rule *);
static char	*key_list(struct draft *, const struct rec_obj_service *);
static enum render secret(struct draft *, const char *, size_t,
		    struct value *);
static enum render render(struct draft *, const struct rec_obj_service *,
		    struct rec_header *, uint32_t *, const char **);
static enum render render_token(struct draft *,
		    const struct rec_obj_service *, struct rec_header *,
		    const char **);
static enum render render_basic(struct draft *,
		    const struct rec_obj_service *, struct rec_header *,
		    const char **);
static enum render render_custom(struct draft *,
		    const struct rec_obj_service *, struct rec_header *,
		    uint32_t *, const char **);
static enum render render_template(struct draft *,
		    const struct service_piece *, struct value *,
		    const char **);
static char	*copy(struct draft *, const char *, size_t);

int
lease_covers(const struct rec_obj_service *o, const char *host,
    uint16_t port)
{
	const char	*dot;

	if (o->port != 0 && o->port != port)
		return (0);
	if (o->host[0] != '*')
		return (strcmp(o->host, host) == 0);
	/* One label: what follows the first dot is the whole rest. */
	dot = strchr(host, '.');
	return (dot != NULL && dot != host && strcmp(dot, o->host + 1) == 0);
}

static size_t
literal_prefix(const char *path)
{
	return (strcspn(path, "*"));
}

/*
 * Exact host over wildcard, a named port over any, the longest literal path
 * prefix, then the order of the list.
 */
static int
compare(const void *x, const void *y)
{
	const struct service		*a = *(const struct service *const *)x;
	const struct service		*b = *(const struct service *const *)y;
	size_t				 pa, pb;

	if ((a->o.host[0] == '*') != (b->o.host[0] == '*'))
		return (a->o.host[0] == '*' ? 1 : -1);
	if ((a->o.port == 0) != (b->o.port == 0))
		return (a->o.port == 0 ? 1 : -1);
	pa = literal_prefix(a->o.path);
	pb = literal_prefix(b->o.path);
	if (pa != pb)
		return (pa > pb ? -1 : 1);
	if (a->o.position != b->o.position)
		return (a->o.position < b->o.position ? -1 : 1);
	return (a->o.id < b->o.id ? -1 : a->o.id > b->o.id);
}

int
lease_rules(const struct vault *v, const char *host, uint16_t port,
    struct arena *arena, const struct rec_rule **rules, uint32_t *n)
{
	struct draft		 d = { v, arena, 0 };
	const struct service	*match[SERVICE_RULES_MAX] = { NULL }, *s;
	struct rec_rule		*list = NULL;
	uint32_t		 i, count = 0;

	TAILQ_FOREACH(s, &v->services, entry) {
		if (!lease_covers(&s->o, host, port))
			continue;
		if (count == SERVICE_RULES_MAX) {
			errno = E2BIG;
			return (-1);
		}
		match[count++] = s;
	}
	qsort(match, count, sizeof(match[0]), compare);
	if (count > 0 && (list = arena_alloc(arena,
	    count * sizeof(*list))) == NULL)
		return (-1);
	for (i = 0; i < count; i++) {
		if (make_rule(&d, match[i], &list[i]) == -1)
			return (-1);
		if (d.size > LEASE_SIZE_MAX) {
			errno = E2BIG;
			return (-1);
		}
	}
	*rules = list;
	*n = count;
	return (0);
}

static char *
copy(struct draft *d, const char *s, size_t len)
{
	char	*p;

	if ((p = arena_alloc(d->arena, len + 1)) != NULL)
		memcpy(p, s, len);
	return (p);
}

static char *
key_list(struct draft *d, const struct rec_obj_service *o)
{
	char	 keys[SERVICE_HEADERS_MAX][SERVICE_KEY_MAX + 1];
	char	*list;
	size_t	 i, n;

	n = service_keys(o, keys, SERVICE_HEADERS_MAX);
	if ((list = arena_alloc(d->arena, SERVICE_KEYS_LEN + 1)) == NULL)
		return (NULL);
	for (i = 0; i < n && i < SERVICE_HEADERS_MAX; i++) {
		if (i > 0)
			(void)strlcat(list, ",", SERVICE_KEYS_LEN + 1);
		(void)strlcat(list, keys[i], SERVICE_KEYS_LEN + 1);
	}
	return (list);
}

/*
 * The strings of the service itself are pointed to: the rules are encoded
 * before the state can change.
 */
static int
make_rule(struct draft *d, const struct service *s, struct rec_rule *r)
{
	struct rec_header	*inject;
	enum render		 rc;

	r->service = s->o.id;
	r->slug = s->o.name;
	r->path = s->o.path;
	r->methods = s->o.methods;
	r->enabled = s->o.enabled;
	r->plaintext = s->o.plaintext;
	r->passthrough = s->o.auth_type == AUTH_PASSTHROUGH;
	r->path_mode = s->o.path_mode;
	r->missing = "";
	if ((r->keys = key_list(d, &s->o)) == NULL)
		return (-1);
	d->size += strlen(s->o.path) + strlen(s->o.methods) + RULE_OVERHEAD;
	/* A disabled service answers 403; no secret need leave for that. */
	if (!s->o.enabled)
		return (0);
	inject = arena_alloc(d->arena, SERVICE_HEADERS_MAX * sizeof(*inject));
	if (inject == NULL)
		return (-1);
	rc = render(d, &s->o, inject, &r->inject_n, &r->missing);
	if (rc == RENDER_FAILED)
		return (-1);
	if (rc == RENDER_MISSING)
		r->inject_n = 0;
	r->inject = inject;
	return (0);
}

/* A credential's value, opened into the arena. */
static enum render
secret(struct draft *d, const char *key, size_t keylen, struct value *v)
{
	struct seal_place	 place;
	struct credential	*c;
	char			 name[SERVICE_KEY_MAX + 1];
	size_t			 size;
	ssize_t			 n;

	memcpy(name, key, keylen);
	name[keylen] = '\0';
	if ((c = state_credential(d->vault, name)) == NULL)
		return (RENDER_MISSING);
	if (c->o.sealed.len < SEAL_OVERHEAD)
		return (RENDER_FAILED);
	size = c->o.sealed.len - SEAL_OVERHEAD;
	if ((v->text = arena_alloc(d->arena, size + 1)) == NULL)
		return (RENDER_FAILED);
	place.table = "credentials";
	place.vault = d->vault->o.id;
	place.name = c->o.name;
	n = seal_get(&place, &c->o.sealed, v->text, size);
	if (n == -1) {
		log_warnx("credential %s of vault %s does not open: its row "
		    "was changed or moved", c->o.name, d->vault->o.name);
		return (RENDER_FAILED);
	}
	v->len = n;
	return (RENDER_OK);
}

static enum render
render(struct draft *d, const struct rec_obj_service *o,
    struct rec_header *inject, uint32_t *n, const char **missing)
{
	enum render	 rc = RENDER_OK;

	*n = 0;
	switch (o->auth_type) {
	case AUTH_PASSTHROUGH:
		return (RENDER_OK);
	case AUTH_BEARER:
	case AUTH_API_KEY:
		rc = render_token(d, o, inject, missing);
		break;
	case AUTH_BASIC:
		rc = render_basic(d, o, inject, missing);
		break;
	case AUTH_CUSTOM:
		return (render_custom(d, o, inject, n, missing));
	default:
		return (RENDER_FAILED);
	}
	if (rc == RENDER_OK)
		*n = 1;
	return (rc);
}

/*
 * A value that no header can carry counts as missing: the request then fails
 * with the credential's name, and nothing is smuggled.
 */
static enum render
render_token(struct draft *d, const struct rec_obj_service *o,
    struct rec_header *h, const char **missing)
{
	const char	*prefix = o->prefix;
	struct value	 v;
	enum render	 rc;
	char		*p;
	size_t		 plen, size;

	*missing = o->key1;
	rc = secret(d, o->key1, strlen(o->key1), &v);
	if (rc != RENDER_OK)
		return (rc);
	if (!service_header_safe(v.text, v.len))
		return (RENDER_MISSING);
	if (o->auth_type == AUTH_BEARER)
		prefix = "Bearer ";
	plen = strlen(prefix);
	size = plen + v.len + 1;
	if ((p = arena_alloc(d->arena, size)) == NULL)
		return (RENDER_FAILED);
	memcpy(p, prefix, plen);
	memcpy(p + plen, v.text, v.len);
	h->name = o->auth_type == AUTH_BEARER || *o->header == '\0' ?
	    "Authorization" : o->header;
	h->value = p;
	d->size += size;
	*missing = "";
	return (RENDER_OK);
}

static enum render
render_basic(struct draft *d, const struct rec_obj_service *o,
    struct rec_header *h, const char **missing)
{
	struct value	 user, pass = { NULL, 0 };
	enum render	 rc;
	char		*pair, *p;
	size_t		 size;

	*missing = o->key1;
	if ((rc = secret(d, o->key1, strlen(o->key1), &user)) != RENDER_OK)
		return (rc);
	*missing = o->key2;
	if (*o->key2 != '\0' && (rc = secret(d, o->key2, strlen(o->key2),
	    &pass)) != RENDER_OK)
		return (rc);
	pair = arena_alloc(d->arena, user.len + 1 + pass.len);
	if (pair == NULL)
		return (RENDER_FAILED);
	memcpy(pair, user.text, user.len);
	pair[user.len] = ':';
	if (pass.len > 0)
		memcpy(pair + user.len + 1, pass.text, pass.len);
	size = sodium_base64_ENCODED_LEN(user.len + 1 + pass.len,
	    sodium_base64_VARIANT_ORIGINAL);
	if ((p = arena_alloc(d->arena, 6 + size)) == NULL)
		return (RENDER_FAILED);
	memcpy(p, "Basic ", 6);
	sodium_bin2base64(p + 6, size, (uint8_t *)pair,
	    user.len + 1 + pass.len, sodium_base64_VARIANT_ORIGINAL);
	h->name = "Authorization";
	h->value = p;
	d->size += 6 + size;
	*missing = "";
	return (RENDER_OK);
}

static enum render
render_template(struct draft *d, const struct service_piece *tpl,
    struct value *out, const char **missing)
{
	struct service_piece	 piece;
	struct value		 v[SERVICE_PIECES_MAX];
	enum render		 rc;
	size_t			 i, n = 0, pos = 0;

	out->len = 0;
	while (service_template_next(tpl, &pos, &piece) == 1) {
		if (n == SERVICE_PIECES_MAX) {
			errno = E2BIG;
			return (RENDER_FAILED);
		}
		v[n].text = (char *)(uintptr_t)piece.text;
		v[n].len = piece.len;
		if (piece.key) {
			*missing = copy(d, piece.text, piece.len);
			if (*missing == NULL)
				return (RENDER_FAILED);
			rc = secret(d, piece.text, piece.len, &v[n]);
			if (rc != RENDER_OK)
				return (rc);
			if (!service_header_safe(v[n].text, v[n].len))
				return (RENDER_MISSING);
		}
		out->len += v[n++].len;
		if (out->len > LEASE_SERVICE_MAX) {
			errno = E2BIG;
			return (RENDER_FAILED);
		}
	}
	*missing = "";
	if ((out->text = arena_alloc(d->arena, out->len + 1)) == NULL)
		return (RENDER_FAILED);
	for (i = 0, pos = 0; i < n; pos += v[i++].len)
		memcpy(out->text + pos, v[i].text, v[i].len);
	return (RENDER_OK);
}

static enum render
render_custom(struct draft *d, const struct rec_obj_service *o,
    struct rec_header *inject, uint32_t *n, const char **missing)
{
	struct service_piece	 name, tpl;
	struct value		 v;
	enum render		 rc;
	size_t			 pos = 0;

	while (service_header_next(o, &pos, &name, &tpl) == 1 &&
	    *n < SERVICE_HEADERS_MAX) {
		if ((rc = render_template(d, &tpl, &v, missing)) != RENDER_OK)
			return (rc);
		inject[*n].name = copy(d, name.text, name.len);
		if (inject[*n].name == NULL)
			return (RENDER_FAILED);
		inject[*n].value = v.text;
		d->size += name.len + v.len;
		(*n)++;
	}
	return (RENDER_OK);
}

int
lease_raw(const struct rec_obj_service *o, const char *key)
{
	return (o->auth_type != AUTH_BASIC && service_uses(o, key));
}

/* As service_list_check() counts: a host's own services and the wildcards'. */
int
lease_check(const struct rec_obj_service *const *list, size_t n,
    ssize_t (*length)(const char *, void *), void *arg, char *why, size_t len)
{
	size_t		 size[2 * STATE_SERVICES_MAX], i, j, sum;
	const char	*dot;

	for (i = 0; i < n; i++) {
		size[i] = lease_size(list[i], length, arg);
		if (size[i] <= LEASE_SERVICE_MAX)
			continue;
		(void)snprintf(why, len, "service %s would send more than %d "
		    "KiB of headers", list[i]->name,
		    LEASE_SERVICE_MAX / 1024);
		return (-1);
	}
	for (i = 0; i < n; i++) {
		dot = strchr(list[i]->host, '.');
		for (sum = 0, j = 0; j < n; j++) {
			if (strcmp(list[i]->host, list[j]->host) == 0 ||
			    (dot != NULL && list[j]->host[0] == '*' &&
			    strcmp(dot, list[j]->host + 1) == 0))
				sum += size[j];
		}
		if (sum <= LEASE_SIZE_MAX)
			continue;
		(void)snprintf(why, len, "the services for %s would together "
		    "be larger than %d KiB", list[i]->host,
		    LEASE_SIZE_MAX / 1024);
		return (-1);
	}
	return (0);
}

size_t
lease_size(const struct rec_obj_service *o,
    ssize_t (*length)(const char *, void *), void *arg)
{
	struct service_piece	 name, tpl, piece;
	char			 key[SERVICE_KEY_MAX + 1];
	size_t			 size = 0, pos = 0, tpos;
	ssize_t			 n;

	if (*o->key1 != '\0' && (n = length(o->key1, arg)) > 0)
		size += n;
	if (*o->key2 != '\0' && (n = length(o->key2, arg)) > 0)
		size += n;
	if (o->auth_type == AUTH_BASIC)
		size = (size + 3) / 3 * 4;
	size += strlen(o->prefix) + strlen(o->header) + strlen(o->path) +
	    strlen(o->methods) + RULE_OVERHEAD;
	while (service_header_next(o, &pos, &name, &tpl) == 1) {
		size += name.len;
		tpos = 0;
		while (service_template_next(&tpl, &tpos, &piece) == 1) {
			if (!piece.key) {
				size += piece.len;
				continue;
			}
			(void)snprintf(key, sizeof(key), "%.*s",
			    (int)piece.len, piece.text);
			if ((n = length(key, arg)) > 0)
				size += n;
		}
	}
	return (size);
}
