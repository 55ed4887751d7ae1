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

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "api.h"
#include "ask.h"
#include "caller.h"
#include "export.h"
#include "log.h"
#include "proc.h"
#include "reply.h"
#include "route.h"
#include "stream.h"

RB_HEAD(callers, caller);

static struct callers	 callers = RB_INITIALIZER(&callers);
static uint8_t		 secret[crypto_generichash_KEYBYTES];

static int	cmp(struct caller *, struct caller *);
RB_PROTOTYPE_STATIC(callers, caller, entry, cmp)
static void	token_key(const struct request *, uint8_t *);
static int	odd_token(struct request *);
static const char *refusal(uint16_t);
static void	refused(struct request *, uint16_t, const char *);
static void	known(struct request *, struct msg *);
static void	forget(struct caller *);
static void	tell_end(struct link *, uint64_t);

static int
cmp(struct caller *a, struct caller *b)
{
	return (a->handle < b->handle ? -1 : a->handle > b->handle);
}

RB_GENERATE_STATIC(callers, caller, entry, cmp)

void
caller_setup(void)
{
	if (sodium_init() == -1)
		fatalx("libsodium cannot be set up");
	arc4random_buf(secret, sizeof(secret));
}

/*
 * What stands for a token, and the way it came, while its text is not kept;
 * none is one too.
 */
static void
token_key(const struct request *req, uint8_t *key)
{
	crypto_generichash_state	 st;
	const uint8_t			 way = req->way;
	const size_t			 len = sizeof(((struct caller *)
					    0)->key);

	(void)crypto_generichash_init(&st, secret, sizeof(secret), len);
	(void)crypto_generichash_update(&st, &way, sizeof(way));
	if (req->token != NULL)
		(void)crypto_generichash_update(&st,
		    (const unsigned char *)req->token, strlen(req->token));
	(void)crypto_generichash_final(&st, key, len);
	explicit_bzero(&st, sizeof(st));
}

/* A token that cannot be one, told before keyd is asked. */
static int
odd_token(struct request *req)
{
	if (req->malformed)
		reply_error(req, 401, "unauthorized",
		    "The Authorization field is not \"Bearer TOKEN\"");
	else if (req->cookie == COOKIE_TWICE)
		reply_invalid(req, "The cookie " COOKIE_NAME " comes twice");
	else if (req->cookie == COOKIE_ODD)
		refused(req, 401, "The cookie " COOKIE_NAME " is none of "
		    "ours");
	else
		return (0);
	return (1);
}

void
caller_find(struct request *req)
{
	struct client		*c = req->client;
	struct msg_caller	 m;
	uint8_t			 key[sizeof(c->who.key)];

	if (odd_token(req))
		return;
	token_key(req, key);
	if (c->who.handle != 0 && req->known == NULL &&
	    timingsafe_bcmp(c->who.key, key, sizeof(key)) == 0 &&
	    (req->route->flags & ROUTE_FRESH) == 0) {
		request_go_on(req);
		return;
	}
	caller_end(c);
	memcpy(c->who.key, key, sizeof(key));
	memset(&m, 0, sizeof(m));
	m.way = req->way;
	m.token = req->token;
	m.uid = c->uid;
	m.client = c->addr;
	(void)ask(req, PROC_KEYD, MSG_CALLER, &m, MSG_WHO, known);
}

/* WHO has no word of its own for it. */
static const char *
refusal(uint16_t status)
{
	switch (status) {
	case 401:
		return ("unauthorized");
	case 429:
		return ("too_many_failures");
	default:
		return ("overloaded");
	}
}

static void
refused(struct request *req, uint16_t status, const char *text)
{
	if (status == 401 && req->unknown != NULL)
		req->unknown(req);
	else
		reply_error(req, status, refusal(status), "%s", text);
}

static void
known(struct request *req, struct msg *m)
{
	const struct msg_who	*a = &m->u.who;
	struct caller		*who = &req->client->who;

	if (a->status >= 400) {
		refused(req, a->status, a->text);
		return;
	}
	who->handle = a->caller;
	who->actor_type = a->actor_type;
	who->role = a->role;
	(void)strlcpy(who->name, a->name, sizeof(who->name));
	(void)strlcpy(who->session, a->session, sizeof(who->session));
	(void)strlcpy(who->vault, a->vault, sizeof(who->vault));
	who->idle = a->idle;
	who->expires_at = a->expires_at;
	RB_INSERT(callers, &callers, who);
	if (req->known != NULL)
		req->known(req);
	else
		request_go_on(req);
}

/* Nobody waits for it any more: keyd need not keep it either. */
void
caller_who(struct link *l, struct msg *m)
{
	if (!ask_pending(m) && m->u.who.status < 400)
		tell_end(l, m->u.who.caller);
	else
		ask_answer(l, m);
}

static void
tell_end(struct link *l, uint64_t handle)
{
	struct msg_caller_end	 m;

	m.caller = handle;
	if (l != NULL)
		(void)link_send(l, MSG_CALLER_END, &m, -1);
}

static void
forget(struct caller *who)
{
	RB_REMOVE(callers, &callers, who);
	explicit_bzero(who, sizeof(*who));
}

int
caller_same(const struct caller *a, const struct caller *b)
{
	return (a->actor_type == b->actor_type &&
	    strcmp(a->name, b->name) == 0);
}

void
caller_end(struct client *c)
{
	if (c->who.handle == 0)
		return;
	tell_end(proc_peer(PROC_KEYD), c->who.handle);
	forget(&c->who);
}

void
caller_lost(struct client *c)
{
	if (c->who.handle != 0)
		forget(&c->who);
}

/*
 * Whatever became of them, the next request asks keyd who it is.  No list
 * means everybody.
 */
void
caller_revoke(struct link *l, struct msg *m)
{
	const struct msg_revoke	*r = &m->u.revoke;
	struct msg_revoked	 answer;
	struct caller		 key, *who, *next;
	uint32_t		 i;

	for (i = 0; i < r->scopes_n; i++) {
		stream_revoked(r->scopes[i].id);
		export_revoked(r->scopes[i].id);
		key.handle = r->scopes[i].id;
		if ((who = RB_FIND(callers, &callers, &key)) != NULL) {
			api.counters.revoked++;
			forget(who);
		}
	}
	if (r->scopes_n == 0) {
		stream_revoked(0);
		export_revoked(0);
		RB_FOREACH_SAFE(who, callers, &callers, next) {
			api.counters.revoked++;
			forget(who);
		}
	}
	answer.id = r->id;
	(void)link_send(l, MSG_REVOKED, &answer, -1);
}
