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
#include <sys/tree.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "login.h"
#include "token.h"

#define KEYLEN	9	/* family, then an IPv4 address or an IPv6 /64 */

/* The times of the last failures, a ring that begins at `first'. */
struct addr {
	uint8_t			 key[KEYLEN];
	uint32_t		 at[AUTH_FAILURES];
	unsigned int		 first;
	unsigned int		 n;
	RB_ENTRY(addr)		 entry;
	TAILQ_ENTRY(addr)	 age;	/* oldest last failure first */
};
RB_HEAD(addrs, addr);

static struct addrs		 addrs = RB_INITIALIZER(&addrs);
static TAILQ_HEAD(, addr)	 ages = TAILQ_HEAD_INITIALIZER(ages);
static unsigned int		 naddrs;

static int	cmp(struct addr *, struct addr *);
RB_PROTOTYPE_STATIC(addrs, addr, entry, cmp)
static int	addr_key(const struct msg_addr *, uint8_t *);
static void	addr_expire(struct addr *, uint64_t);
static void	addr_free(struct addr *);
static struct addr *addr_find(const uint8_t *);
static int	refuse(struct auth *, struct refusal *, uint16_t,
		    const char *, const char *);
static const char *token_looks(const char *);
static int	auth_agent(const char *, struct auth *, struct refusal *);

static int
cmp(struct addr *a, struct addr *b)
{
	return (memcmp(a->key, b->key, KEYLEN));
}

RB_GENERATE_STATIC(addrs, addr, entry, cmp)

static int
refuse(struct auth *a, struct refusal *r, uint16_t status, const char *code,
    const char *text)
{
	r->status = status;
	r->code = code;
	r->text = text;
	switch (status) {
	case 407:
		a->event = EVENT_AUTH_FAILED;
		break;
	case 404:
	case 400:
		/* Nobody was denied anything: no vault could be told. */
		a->event = EVENT_VAULT_NOT_FOUND;
		break;
	default:
		a->event = EVENT_VAULT_DENIED;
		break;
	}
	return (-1);
}

static const char *
token_looks(const char *s)
{
	const char	*prefix = token_prefix(s);

	return (prefix == NULL ? "other" : prefix);
}

void
auth_detail(char buf[AUTH_DETAIL], const char *way, const char *token,
    const struct token *t, const struct refusal *r)
{
	uint8_t	 hash[TOKEN_HASHLEN];

	if (t != NULL) {
		(void)snprintf(buf, AUTH_DETAIL, "{\"ingress\":\"%s\","
		    "\"why\":\"%s\",\"actor\":\"%s\","
		    "\"session\":\"%s\"}", way, r->code, t->agent != NULL ?
		    t->agent->o.uuid : t->o.minter, t->o.public_id);
		return;
	}
	(void)snprintf(buf, AUTH_DETAIL, "{\"ingress\":\"%s\","
	    "\"why\":\"%s\",\"token\":\"%s\",\"whole\":%s}", way, r->code,
	    token_looks(token), token_hash(token, hash) == -1 ? "false" :
	    "true");
	explicit_bzero(hash, sizeof(hash));
}

struct token *
auth_token(const char *s, int64_t wall, uint64_t mono)
{
	uint8_t		 hash[TOKEN_HASHLEN];
	struct token	*t;
	int		 kind;

	if ((kind = token_hash(s, hash)) == -1)
		return (NULL);
	t = state_token_hashed(hash);
	explicit_bzero(hash, sizeof(hash));
	if (t == NULL || t->o.kind != kind ||
	    state_token_expired(t, wall, mono))
		return (NULL);
	if (t->o.kind == TOKEN_AGENT && t->agent->o.status != AGENT_ACTIVE)
		return (NULL);
	return (t);
}

int
auth_good(const struct principal *p, int64_t wall, uint64_t mono)
{
	const struct token	*t;
	const struct login	*l;

	if (p->login != 0)
		return ((l = login_find(p->login)) != NULL &&
		    login_alive(l, wall, mono));
	if (p->token == 0)
		return (1);
	t = state_token(p->token);
	return (t != NULL && !state_token_expired(t, wall, mono));
}

static int
auth_agent(const char *hint, struct auth *a, struct refusal *r)
{
	struct agent	*agent = a->token->agent;
	struct vault	*v;

	if (*hint == '\0') {
		if (agent->ngrants != 1)
			return (refuse(a, r, 400, "vault_required",
			    "This token has access to no vault or to several: "
			    "name one as the password of the proxy URL, "
			    "http://TOKEN:VAULT@HOST:PORT"));
		a->vault = LIST_FIRST(&agent->grants)->vault;
		return (0);
	}
	if ((v = state_vault_named(hint)) == NULL)
		return (refuse(a, r, 404, "vault_not_found",
		    "vault not found"));
	a->event_vault = v->o.id;
	if (state_grant(agent, v) == NULL)
		return (refuse(a, r, 403, "forbidden",
		    "this token has no access to the vault"));
	a->vault = v;
	return (0);
}

int
auth_proxy(const char *token, const char *hint, int64_t wall, uint64_t mono,
    struct auth *a, struct refusal *r)
{
	struct vault	*v;

	memset(a, 0, sizeof(*a));
	if ((a->token = auth_token(token, wall, mono)) == NULL)
		return (refuse(a, r, 407, "auth_failed",
		    "invalid or expired token"));
	if (a->token->o.kind == TOKEN_AGENT)
		return (auth_agent(hint, a, r));
	a->vault = a->token->vault;
	if (*hint == '\0' || strcmp(hint, a->vault->o.name) == 0)
		return (0);
	if ((v = state_vault_named(hint)) != NULL)
		a->event_vault = v->o.id;
	return (refuse(a, r, 403, "forbidden",
	    "this session was minted for another vault"));
}

/*
 * The window.
 */

/* Returns 0 for what is exempt. */
static int
addr_key(const struct msg_addr *a, uint8_t *key)
{
	static const uint8_t	 mapped[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
	};
	static const uint8_t	 loopback[16] = { [15] = 1 };
	const uint8_t		*v4 = NULL;

	memset(key, 0, KEYLEN);
	if (a->af == 4)
		v4 = a->ip;
	else if (a->af == 6 && memcmp(a->ip, mapped, sizeof(mapped)) == 0)
		v4 = a->ip + sizeof(mapped);
	else if (a->af != 6 || memcmp(a->ip, loopback, sizeof(loopback)) == 0)
		return (0);
	if (v4 != NULL) {
		if (v4[0] == 127)
			return (0);
		key[0] = 4;
		memcpy(key + 1, v4, 4);
	} else {
		key[0] = 6;
		memcpy(key + 1, a->ip, 8);
	}
	return (1);
}

static struct addr *
addr_find(const uint8_t *key)
{
	struct addr	 k;

	memcpy(k.key, key, KEYLEN);
	return (RB_FIND(addrs, &addrs, &k));
}

/* Forget the failures that are over; the address itself may stay. */
static void
addr_expire(struct addr *a, uint64_t now)
{
	while (a->n > 0 && a->at[a->first] + AUTH_WINDOW <= now) {
		a->first = (a->first + 1) % AUTH_FAILURES;
		a->n--;
	}
}

static void
addr_free(struct addr *a)
{
	RB_REMOVE(addrs, &addrs, a);
	TAILQ_REMOVE(&ages, a, age);
	naddrs--;
	free(a);
}

int
auth_blocked(const struct msg_addr *client, uint64_t now, struct refusal *r)
{
	uint8_t		 key[KEYLEN];
	struct addr	*a;

	if (!addr_key(client, key) || (a = addr_find(key)) == NULL)
		return (0);
	addr_expire(a, now);
	if (a->n == 0)
		addr_free(a);
	else if (a->n == AUTH_FAILURES) {
		r->status = 429;
		r->code = "too_many_failures";
		r->text = "too many failed authentications from this "
		    "address; try again in five minutes";
		return (1);
	}
	return (0);
}

void
auth_failed(const struct msg_addr *client, uint64_t now)
{
	uint8_t		 key[KEYLEN];
	struct addr	*a;

	if (!addr_key(client, key))
		return;
	if ((a = addr_find(key)) == NULL) {
		if (naddrs == AUTH_ADDRS_MAX)
			addr_free(TAILQ_FIRST(&ages));
		if ((a = calloc(1, sizeof(*a))) == NULL)
			return;
		memcpy(a->key, key, KEYLEN);
		RB_INSERT(addrs, &addrs, a);
		naddrs++;
	} else
		TAILQ_REMOVE(&ages, a, age);
	TAILQ_INSERT_TAIL(&ages, a, age);
	addr_expire(a, now);
	if (a->n < AUTH_FAILURES) {
		a->at[(a->first + a->n) % AUTH_FAILURES] = now;
		a->n++;
	}
}

unsigned int
auth_addrs(void)
{
	return (naddrs);
}

void
auth_free(void)
{
	struct addr	*a;

	while ((a = TAILQ_FIRST(&ages)) != NULL)
		addr_free(a);
}
