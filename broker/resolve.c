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
#include <sys/socket.h>
#include <sys/tree.h>

#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "log.h"
#include "resolve.h"

struct resolve {
	RB_ENTRY(resolve)	 entry;
	uint32_t		 id;
	struct link		*link;		/* on which it was asked */
	void			(*cb)(const struct resolved *, void *);
	void			*arg;
	uint16_t		 port;
};

RB_HEAD(resolves, resolve);

static struct resolves	 pending = RB_INITIALIZER(&pending);
static unsigned int	 npending;
static uint32_t		 last_id;

static int	 resolve_cmp(const struct resolve *, const struct resolve *);
static void	 resolve_fail(struct resolve *, int, const char *);
static void	 resolve_free(struct resolve *);
static int	 resolve_addr(const struct msg_addr *, uint16_t,
		    struct sockaddr_storage *);

RB_PROTOTYPE_STATIC(resolves, resolve, entry, resolve_cmp)

static int
resolve_cmp(const struct resolve *a, const struct resolve *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_STATIC(resolves, resolve, entry, resolve_cmp)

struct resolve *
resolve_ask(uint64_t vault, const char *host, uint16_t port,
    void (*cb)(const struct resolved *, void *), void *arg)
{
	static const struct resolved	 busy = { RESOLVE_BUSY,
	    "too many names are being looked up", NULL, 0 };
	static const struct resolved	 gone = { RESOLVE_FAILED,
	    "the resolver is not running", NULL, 0 };
	struct msg_resolve		 m;
	struct resolve			*r;
	struct link			*l;

	if (npending >= RESOLVE_PENDING) {
		cb(&busy, arg);
		return (NULL);
	}
	if ((l = link_find(PROC_RESOLVER)) == NULL) {
		cb(&gone, arg);
		return (NULL);
	}
	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatal("resolve");
	r->link = l;
	r->cb = cb;
	r->arg = arg;
	r->port = port;
	do {
		r->id = ++last_id;
	} while (RB_INSERT(resolves, &pending, r) != NULL);
	npending++;
	memset(&m, 0, sizeof(m));
	m.id = r->id;
	m.vault = vault;
	m.host = host;
	m.port = port;
	if (link_send(l, MSG_RESOLVE, &m, -1) == -1) {
		resolve_free(r);
		cb(&gone, arg);
		return (NULL);
	}
	return (r);
}

/* The answer still comes, and finds nobody. */
void
resolve_cancel(struct resolve *r)
{
	if (r != NULL)
		r->cb = NULL;
}

unsigned int
resolve_pending(void)
{
	return (npending);
}

static void
resolve_free(struct resolve *r)
{
	RB_REMOVE(resolves, &pending, r);
	npending--;
	free(r);
}

static void
resolve_fail(struct resolve *r, int result, const char *text)
{
	struct resolved	 a = { result, text, NULL, 0 };

	if (r->cb != NULL)
		r->cb(&a, r->arg);
}

static int
resolve_addr(const struct msg_addr *a, uint16_t port,
    struct sockaddr_storage *ss)
{
	struct sockaddr_in6	*sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in	*sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	switch (a->af) {
	case 4:
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		memcpy(&sin->sin_addr, a->ip, sizeof(sin->sin_addr));
		return (0);
	case 6:
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		memcpy(&sin6->sin6_addr, a->ip, sizeof(sin6->sin6_addr));
		return (0);
	default:
		return (-1);
	}
}

void
resolve_msg_addrs(struct link *l, struct msg *m)
{
	const struct msg_addrs	*a = &m->u.addrs;
	struct sockaddr_storage	 ss[RESOLVE_ADDRS];
	struct resolved		 answer;
	struct resolve		*r, key;
	uint32_t		 i;

	key.id = a->id;
	r = RB_FIND(resolves, &pending, &key);
	if (r == NULL || r->link != l) {
		link_bad(l, "answer without a question");
		return;
	}
	memset(&answer, 0, sizeof(answer));
	answer.result = a->result;
	answer.text = a->text;
	answer.addrs = ss;
	for (i = 0; i < a->addrs_n && answer.n < RESOLVE_ADDRS &&
	    a->result == RESOLVE_OK; i++) {
		if (resolve_addr(&a->addrs[i].addr, r->port,
		    &ss[answer.n]) == 0)
			answer.n++;
	}
	if (answer.result == RESOLVE_OK && answer.n == 0) {
		answer.result = RESOLVE_NOT_FOUND;
		answer.text = "the name has no address";
	}
	if (r->cb != NULL)
		r->cb(&answer, r->arg);
	resolve_free(r);
}

/* Callbacks may ask anew, on a younger link; those are not touched. */
void
resolve_closed(struct link *l)
{
	struct resolve	*next, *r;

	RB_FOREACH_SAFE(r, resolves, &pending, next) {
		if (r->link != l)
			continue;
		resolve_fail(r, RESOLVE_FAILED, "the resolver has died");
		next = RB_NEXT(resolves, &pending, r);
		resolve_free(r);
	}
}
