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
#include <sys/time.h>
#include <sys/tree.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <ctype.h>
#include <event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "log.h"
#include "lookup.h"
#include "loop.h"
#include "proc.h"

#define WAITERS_VAULT	32
#define WAITERS_MAX	1024
#define DEADLINE_MS	8000
#define CACHE_MAX	1024
#define CACHE_TTL	60

/* A question that waits for a look-up. */
struct waiter {
	TAILQ_ENTRY(waiter)	 entry;		/* of its lookup */
	TAILQ_ENTRY(waiter)	 all;		/* oldest first */
	struct lookup		*lookup;
	struct link		*link;
	uint64_t		 vault;
	uint64_t		 deadline;
	uint32_t		 id;
	uint16_t		 port;
};
TAILQ_HEAD(waiters, waiter);

/* A look-up under way; it outlives its waiters, since c-ares has it. */
struct lookup {
	RB_ENTRY(lookup)	 entry;
	struct waiters		 waiters;
	char			 host[256];
};
RB_HEAD(lookups, lookup);

struct cached {
	RB_ENTRY(cached)	 entry;
	TAILQ_ENTRY(cached)	 lru;		/* most recent first */
	uint64_t		 expires;
	size_t			 n;
	struct msg_addr		*addrs;
	char			 host[256];
};
RB_HEAD(cache, cached);
TAILQ_HEAD(cachelru, cached);

static struct lookups	 lookups = RB_INITIALIZER(&lookups);
static struct waiters	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct cache	 cache = RB_INITIALIZER(&cache);
static struct cachelru	 lru = TAILQ_HEAD_INITIALIZER(lru);
static struct policy	 current;
static struct event	 deadline_ev;
static unsigned int	 nwaiting, ncached, nlookups;
static uint64_t		 asked, blocked, busy, failed, hits;

static int	lookup_cmp(struct lookup *, struct lookup *);
static int	cached_cmp(struct cached *, struct cached *);
RB_PROTOTYPE_STATIC(lookups, lookup, entry, lookup_cmp);
RB_PROTOTYPE_STATIC(cache, cached, entry, cached_cmp);

static int	fold(char *, size_t, const char *);
static int	literal(const char *, struct dns_answer *);
static int	loopback(const char *, struct dns_answer *);
static int	numeric_label(const char *);
static void	answer(struct link *, uint32_t, uint16_t,
		    const struct dns_answer *);
static void	refuse(struct link *, uint32_t, int, const char *);
static void	wait_for(struct link *, const struct msg_resolve *,
		    const char *);
static unsigned int	waiting_for(uint64_t);
static void	waiter_free(struct waiter *);
static void	arm(void);
static void	overdue(int, short, void *);
static void	found(const struct dns_answer *, void *);
static int	cache_get(const char *, struct dns_answer *);
static void	cache_put(const char *, const struct dns_answer *);
static void	cache_drop(struct cached *);

static int
lookup_cmp(struct lookup *a, struct lookup *b)
{
	return (strcmp(a->host, b->host));
}

static int
cached_cmp(struct cached *a, struct cached *b)
{
	return (strcmp(a->host, b->host));
}

RB_GENERATE_STATIC(lookups, lookup, entry, lookup_cmp);
RB_GENERATE_STATIC(cache, cached, entry, cached_cmp);

void
lookup_init(void)
{
	evtimer_set(&deadline_ev, overdue, NULL);
}

void
lookup_policy(const struct policy *new)
{
	struct cached	*c;

	if (!policy_covers(new, &current)) {
		while ((c = TAILQ_FIRST(&lru)) != NULL)
			cache_drop(c);
	}
	current = *new;
}

void
lookup_ask(struct link *link, const struct msg_resolve *m)
{
	struct dns_answer	 ans;
	char			 host[256];

	asked++;
	memset(&ans, 0, sizeof(ans));
	if (fold(host, sizeof(host), m->host) == -1) {
		refuse(link, m->id, RESOLVE_NOT_FOUND, "not a host name");
		return;
	}
	if (literal(host, &ans) || loopback(host, &ans)) {
		answer(link, m->id, m->port, &ans);
		return;
	}
	if (numeric_label(host)) {
		refuse(link, m->id, RESOLVE_NOT_FOUND,
		    "neither a host name nor an address");
		return;
	}
	if (cache_get(host, &ans)) {
		hits++;
		answer(link, m->id, m->port, &ans);
		return;
	}
	if (nwaiting >= WAITERS_MAX || nlookups >= WAITERS_MAX ||
	    waiting_for(m->vault) >= WAITERS_VAULT) {
		busy++;
		refuse(link, m->id, RESOLVE_BUSY, "too many names are being "
		    "looked up for this vault");
		return;
	}
	wait_for(link, m, host);
}

/* Names compare without case and without the root's dot. */
static int
fold(char *dst, size_t size, const char *src)
{
	size_t	 i, len = strlen(src);

	if (len > 1 && src[len - 1] == '.')
		len--;
	if (len == 0 || len >= size || src[0] == '.')
		return (-1);
	for (i = 0; i < len; i++) {
		if ((unsigned char)src[i] <= ' ' ||
		    (unsigned char)src[i] >= 0x7f)
			return (-1);
		dst[i] = tolower((unsigned char)src[i]);
	}
	dst[len] = '\0';
	return (0);
}

static int
literal(const char *host, struct dns_answer *ans)
{
	struct msg_addr	*a = &ans->addrs[0];

	if (inet_pton(AF_INET, host, a->ip) == 1)
		a->af = 4;
	else if (inet_pton(AF_INET6, host, a->ip) == 1)
		a->af = 6;
	else
		return (0);
	ans->n = 1;
	return (1);
}

/* RFC 6761, 6.3: these names never leave the machine. */
static int
loopback(const char *host, struct dns_answer *ans)
{
	size_t	 len = strlen(host);

	if (strcmp(host, "localhost") != 0 &&
	    (len < 11 || strcmp(host + len - 10, ".localhost") != 0))
		return (0);
	ans->addrs[0].af = 4;
	ans->addrs[0].ip[0] = 127;
	ans->addrs[0].ip[3] = 1;
	ans->addrs[1].af = 6;
	ans->addrs[1].ip[15] = 1;
	ans->n = 2;
	return (1);
}

/*
 * 127.1 or 0x7f.1 are addresses to some C libraries and names to others;
 * nothing that ends with a number is a host name.
 */
static int
numeric_label(const char *host)
{
	const char	*p = strrchr(host, '.');

	p = p == NULL ? host : p + 1;
	if (p[0] == '0' && p[1] == 'x')
		return (p[2 + strspn(p + 2, "0123456789abcdef")] == '\0');
	return (*p != '\0' && p[strspn(p, "0123456789")] == '\0');
}

static void
refuse(struct link *link, uint32_t id, int result, const char *text)
{
	struct msg_addrs	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.result = result;
	m.text = text;
	if (link_send(link, MSG_ADDRS, &m, -1) == -1)
		log_warn("cannot answer %s", link_name(link));
}

static void
answer(struct link *link, uint32_t id, uint16_t port,
    const struct dns_answer *ans)
{
	struct rec_addr		 out[DNS_ADDRS_MAX];
	struct msg_addrs	 m;
	size_t			 i, n = 0;

	if (ans->n == 0) {
		failed++;
		refuse(link, id, ans->result, ans->text);
		return;
	}
	for (i = 0; i < ans->n; i++) {
		if (policy_check(&current, &ans->addrs[i]) != POLICY_ALLOWED)
			continue;
		out[n].addr = ans->addrs[i];
		out[n].addr.port = port;
		n++;
	}
	if (n == 0) {
		blocked++;
		refuse(link, id, RESOLVE_BLOCKED,
		    "the address is not one that may be dialled; see "
		    "`network allow' in brokerd.conf(5)");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.id = id;
	m.result = RESOLVE_OK;
	m.ttl = ans->ttl;
	m.addrs = out;
	m.addrs_n = n;
	if (link_send(link, MSG_ADDRS, &m, -1) == -1)
		log_warn("cannot answer %s", link_name(link));
}

/* Bounded by WAITERS_MAX, and only walked for a name that is not cached. */
static unsigned int
waiting_for(uint64_t vault)
{
	struct waiter	*w;
	unsigned int	 n = 0;

	TAILQ_FOREACH(w, &waiting, all) {
		if (w->vault == vault)
			n++;
	}
	return (n);
}

static void
wait_for(struct link *link, const struct msg_resolve *m, const char *host)
{
	struct lookup	*lu, key;
	struct waiter	*w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		fatal("no memory for a question");
	w->link = link;
	w->id = m->id;
	w->vault = m->vault;
	w->port = m->port;
	w->deadline = loop_mono() + DEADLINE_MS * 1000ULL;
	TAILQ_INSERT_TAIL(&waiting, w, all);
	nwaiting++;
	(void)strlcpy(key.host, host, sizeof(key.host));
	if ((lu = RB_FIND(lookups, &lookups, &key)) != NULL) {
		w->lookup = lu;
		TAILQ_INSERT_TAIL(&lu->waiters, w, entry);
		return;
	}
	if ((lu = calloc(1, sizeof(*lu))) == NULL)
		fatal("no memory for a look-up");
	TAILQ_INIT(&lu->waiters);
	(void)strlcpy(lu->host, host, sizeof(lu->host));
	RB_INSERT(lookups, &lookups, lu);
	nlookups++;
	w->lookup = lu;
	TAILQ_INSERT_TAIL(&lu->waiters, w, entry);
	arm();
	dns_lookup(host, found, lu);
}

static void
waiter_free(struct waiter *w)
{
	TAILQ_REMOVE(&w->lookup->waiters, w, entry);
	TAILQ_REMOVE(&waiting, w, all);
	nwaiting--;
	free(w);
}

static void
arm(void)
{
	struct waiter	*w = TAILQ_FIRST(&waiting);
	struct timeval	 tv;
	uint64_t	 now = loop_mono(), left;

	evtimer_del(&deadline_ev);
	if (w == NULL)
		return;
	left = w->deadline > now ? w->deadline - now : 0;
	tv.tv_sec = left / 1000000;
	tv.tv_usec = left % 1000000;
	evtimer_add(&deadline_ev, &tv);
}

static void
overdue(int fd, short event, void *arg)
{
	struct waiter	*w;
	uint64_t	 now = loop_mono();

	while ((w = TAILQ_FIRST(&waiting)) != NULL && w->deadline <= now) {
		failed++;
		refuse(w->link, w->id, RESOLVE_TIMEOUT,
		    "no name server answered in time");
		waiter_free(w);
	}
	arm();
}

static void
found(const struct dns_answer *ans, void *arg)
{
	struct lookup	*lu = arg;
	struct waiter	*w;

	if (ans->n > 0)
		cache_put(lu->host, ans);
	while ((w = TAILQ_FIRST(&lu->waiters)) != NULL) {
		answer(w->link, w->id, w->port, ans);
		waiter_free(w);
	}
	RB_REMOVE(lookups, &lookups, lu);
	nlookups--;
	free(lu);
	arm();
}

void
lookup_forget(struct link *link)
{
	struct waiter	*w, *next;

	TAILQ_FOREACH_SAFE(w, &waiting, all, next) {
		if (w->link == link)
			waiter_free(w);
	}
	arm();
}

static int
cache_get(const char *host, struct dns_answer *ans)
{
	struct cached	*c, key;
	uint64_t	 now = loop_mono();

	(void)strlcpy(key.host, host, sizeof(key.host));
	if ((c = RB_FIND(cache, &cache, &key)) == NULL)
		return (0);
	if (c->expires <= now) {
		cache_drop(c);
		return (0);
	}
	TAILQ_REMOVE(&lru, c, lru);
	TAILQ_INSERT_HEAD(&lru, c, lru);
	ans->ttl = (c->expires - now) / 1000000;
	ans->n = c->n;
	memcpy(ans->addrs, c->addrs, c->n * sizeof(*c->addrs));
	return (1);
}

static void
cache_put(const char *host, const struct dns_answer *ans)
{
	struct cached	*c, key;
	uint32_t	 ttl;

	if (ans->ttl == 0)
		return;
	ttl = ans->ttl < CACHE_TTL ? ans->ttl : CACHE_TTL;
	(void)strlcpy(key.host, host, sizeof(key.host));
	if ((c = RB_FIND(cache, &cache, &key)) != NULL)
		cache_drop(c);
	else if (ncached >= CACHE_MAX)
		cache_drop(TAILQ_LAST(&lru, cachelru));
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->addrs = calloc(ans->n, sizeof(*c->addrs))) == NULL)
		fatal("no memory for the cache of names");
	(void)strlcpy(c->host, host, sizeof(c->host));
	memcpy(c->addrs, ans->addrs, ans->n * sizeof(*c->addrs));
	c->n = ans->n;
	c->expires = loop_mono() + ttl * 1000000ULL;
	RB_INSERT(cache, &cache, c);
	TAILQ_INSERT_HEAD(&lru, c, lru);
	ncached++;
}

static void
cache_drop(struct cached *c)
{
	RB_REMOVE(cache, &cache, c);
	TAILQ_REMOVE(&lru, c, lru);
	ncached--;
	free(c->addrs);
	free(c);
}

void
lookup_stats(void)
{
	stats_add("asked", asked);
	stats_add("cached", hits);
	stats_add("blocked", blocked);
	stats_add("busy", busy);
	stats_add("failed", failed);
	stats_add("waiting", nwaiting);
}
