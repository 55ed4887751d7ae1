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

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "leasevar.h"
#include "link.h"
#include "log.h"

#define AUTH_TEXT	640	/* a token, a NUL, the name of a vault */

static int	auth_key(uint8_t [32], const char *, const char *);
static struct scope	*auth_find(struct auth_cache *, const uint8_t [32]);
static void	auth_keep(struct auth_cache *, const uint8_t [32],
		    struct scope *);

/*
 * Token and hint are texts, so the NUL keeps them apart.  What is longer than
 * keyd would look at has no key.
 */
static int
auth_key(uint8_t key[32], const char *token, const char *hint)
{
	uint8_t	 text[AUTH_TEXT];
	size_t	 n = strlen(token) + 1, m = strlen(hint);

	if (n > sizeof(text) || m > sizeof(text) - n)
		return (-1);
	memcpy(text, token, n);
	memcpy(text + n, hint, m);
	(void)SHA256(text, n + m, key);
	explicit_bzero(text, n + m);
	return (0);
}

static struct scope *
auth_find(struct auth_cache *c, const uint8_t key[32])
{
	struct auth_entry	*e;
	int			 i;

	for (i = 0; i < AUTH_CACHE; i++) {
		e = &c->entries[i];
		if (e->scope == NULL)
			continue;
		if (!scope_valid(e->scope)) {
			scope_release(e->scope);
			explicit_bzero(e, sizeof(*e));
			continue;
		}
		if (timingsafe_memcmp(e->key, key, sizeof(e->key)) == 0)
			return (e->scope);
	}
	return (NULL);
}

static void
auth_keep(struct auth_cache *c, const uint8_t key[32], struct scope *s)
{
	struct auth_entry	*e;

	if (auth_find(c, key) != NULL)
		return;
	e = &c->entries[c->next];
	c->next = (c->next + 1) % AUTH_CACHE;
	scope_release(e->scope);
	e->scope = scope_hold(s);
	memcpy(e->key, key, sizeof(e->key));
}

struct ask *
auth_ask(struct auth_cache *cache, const char *token, const char *hint,
    const struct msg_addr *client, uint8_t ingress,
    void (*cb)(struct scope *, const struct denied *, void *), void *arg)
{
	static const struct denied	 busy = { 503, "overloaded",
	    "too many requests wait for an answer" };
	static const struct denied	 bad = { 407, "auth_failed",
	    "invalid or expired token" };
	struct msg_auth			 m;
	struct scope			*s;
	struct ask			*a;

	if ((a = ask_new(ASK_AUTH)) == NULL) {
		cb(NULL, &busy, arg);
		return (NULL);
	}
	a->scope_cb = cb;
	a->arg = arg;
	if (cache != NULL && auth_key(a->key, token, hint) == 0) {
		a->cache = cache;
		if ((s = auth_find(cache, a->key)) != NULL) {
			ask_free(a);
			cb(scope_hold(s), NULL, arg);
			return (NULL);
		}
	}
	memset(&m, 0, sizeof(m));
	m.id = a->id;
	m.token = token;
	m.vault = hint;
	m.client = *client;
	m.ingress = ingress;
	/* Longer than a token or a name can be: it is none. */
	if (ask_send(MSG_AUTH, &m) == -1) {
		ask_free(a);
		cb(NULL, &bad, arg);
		return (NULL);
	}
	return (a);
}

/* The answer still comes, and finds nobody. */
void
auth_cancel(struct ask *a)
{
	if (a == NULL)
		return;
	a->scope_cb = NULL;
	a->cache = NULL;
}

void
auth_clear(struct auth_cache *c)
{
	int	 i;

	for (i = 0; i < AUTH_CACHE; i++)
		scope_release(c->entries[i].scope);
	explicit_bzero(c, sizeof(*c));
}

void
lease_msg_scope(struct link *l, struct msg *m)
{
	struct scope	*s;
	struct ask	*a;

	if ((a = ask_take(l, m->u.scope.id, ASK_AUTH)) == NULL)
		return;
	s = scope_from(&m->u.scope);
	if (a->cache != NULL)
		auth_keep(a->cache, a->key, s);
	if (a->scope_cb != NULL)
		a->scope_cb(s, NULL, a->arg);
	else
		scope_release(s);
	ask_free(a);
}

void
lease_msg_denied(struct link *l, struct msg *m)
{
	struct denied	 d;
	struct ask	*a;

	if ((a = ask_take(l, m->u.denied.id, ASK_AUTH)) == NULL)
		return;
	d.status = m->u.denied.status;
	d.code = m->u.denied.code;
	d.text = m->u.denied.text;
	if (a->scope_cb != NULL)
		a->scope_cb(NULL, &d, a->arg);
	ask_free(a);
}
