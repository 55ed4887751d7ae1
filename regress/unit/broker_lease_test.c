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


/*
 * Scopes and leases against a keyd that this test plays, over a real link.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event.h>
#include <imsg.h>

#include <cmocka.h>

#include "codes.h"
#include "lease.h"
#include "link.h"
#include "loop.h"
#include "msg.h"

#define UNSEEN	77	/* exit status */

#define CHECK(x)							\
	do {								\
		if (!(x))						\
			errx(2, "line %d: %s", __LINE__, #x);		\
	} while (0)

/* What a callback got. */
struct answer {
	int		 calls;
	struct scope	*scope;
	struct lease	*lease;
	int		 status;
	char		 code[65];
	char		 text[513];
	struct ask	*cancel;	/* to be cancelled from inside */
};

struct user {
	struct lease_user	 lu;
	struct scope_user	 su;
	int			 cut;
	int			 gone;
	struct user		*other;	/* to be taken off from inside */
};

static void	 stop(int, short, void *);
static void	 turn(void);
static void	 setup(void);
static uint32_t	 get(union msg_any *);
static void	 put(enum msg_type, const void *);
static void	 got(struct answer *, const struct denied *);
static void	 got_scope(struct scope *, const struct denied *, void *);
static void	 got_lease(struct lease *, const struct denied *, void *);
static void	 give_scope(uint32_t, uint64_t, int64_t);
static void	 give_rules(uint32_t, uint16_t, int64_t);
static struct scope	*scope_of(uint64_t);
static struct lease	*lease_of(struct scope *, const char *);
static int	 is_cached(struct scope *, const char *);
static void	 on_cut(struct lease_user *, void *);
static void	 on_gone(struct scope_user *, void *);
static void	 use_lease(struct user *, struct lease *, uint64_t);
static void	 use_scope(struct user *, struct scope *);
static void	 revocation(uint8_t, uint64_t, uint8_t, const uint64_t *,
		    uint32_t);
static void	 case_auth(void);
static void	 case_auth_cache(void);
static void	 case_auth_cancel(void);
static void	 case_auth_long(void);
static void	 case_lease(void);
static void	 case_lease_lru(void);
static void	 case_asks(void);
static void	 case_stale(void);
static void	 case_cut(void);
static void	 case_gone(void);
static int	 in_heap(void);
static void	 case_wiped(void);
static void	 case_keyd_dies(void);
static void	 case_answer_to_nothing(void);
static int	 in_child(void (*)(void));
static void	 test_wiped(void **);
static void	 test_keyd_dies(void **);
static void	 test_answer_to_nothing(void **);

static char			 secret[64] = "Bearer real";
static int			 theirs = -1;	/* keyd's end */
static struct imsgbuf		 imsgbuf;	/* over that */
static struct event		 stop_timer;
static struct arena		 arena;
static const struct msg_addr	 client = { .af = 4, .port = 1 };

static const struct link_handler	 handlers[] = {
	LEASE_HANDLERS,
	{ 0, NULL }
};

static void
stop(int fd, short what, void *arg)
{
	loop_exit();
}

static void
turn(void)
{
	struct timeval	 tv = { 0, 0 };

	evtimer_add(&stop_timer, &tv);
	loop_run();
}

static void
setup(void)
{
	static const struct link_peer	 peer = { PROC_KEYD, 0, 1 };
	int				 fds[2];

	loop_init();
	evtimer_set(&stop_timer, stop, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		err(2, "socketpair");
	theirs = fds[1];
	if (imsgbuf_init(&imsgbuf, theirs) == -1 ||
	    imsgbuf_set_maxsize(&imsgbuf, MSG_MAXSIZE - IMSG_HEADER_SIZE) ==
	    -1)
		err(2, "imsgbuf");
	(void)link_new(fds[0], PROC_MITM, &peer, handlers, lease_closed, NULL);
}

/* The next message at keyd, or MSG_NONE; it is good until the next call. */
static uint32_t
get(union msg_any *u)
{
	static struct imsg	 imsg;
	static int		 have;
	struct msg_blob		 blob;
	struct ibuf		 data;
	uint32_t		 type;
	char			 c;

	turn();
	if (have)
		imsg_free(&imsg);
	have = 0;
	while (imsgbuf_get(&imsgbuf, &imsg) != 1) {
		if (recv(theirs, &c, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
			return (MSG_NONE);
		CHECK(imsgbuf_read(&imsgbuf) == 1);
	}
	have = 1;
	type = imsg_get_type(&imsg);
	CHECK(imsg_get_ibuf(&imsg, &data) == 0);
	blob.data = ibuf_data(&data);
	blob.len = ibuf_size(&data);
	arena_reset(&arena);
	CHECK(rec_from_blob(&blob, &msg_desc(type)->rec, u, &arena) == 0);
	return (type);
}

/* keyd says something, and the worker has a turn. */
static void
put(enum msg_type type, const void *m)
{
	struct msg_blob	 blob;

	CHECK(rec_to_blob(&msg_desc(type)->rec, m, &blob) == 0);
	CHECK(imsg_compose(&imsgbuf, type, 0, 0, -1, blob.data, blob.len) ==
	    1);
	CHECK(imsgbuf_flush(&imsgbuf) == 0);
	msg_blob_free(&blob);
	turn();
	turn();
}

static void
got(struct answer *a, const struct denied *d)
{
	a->calls++;
	if (d == NULL)
		return;
	a->status = d->status;
	(void)strlcpy(a->code, d->code, sizeof(a->code));
	(void)strlcpy(a->text, d->text, sizeof(a->text));
}

static void
got_scope(struct scope *s, const struct denied *d, void *arg)
{
	struct answer	*a = arg;

	a->scope = s;
	got(a, d);
}

static void
got_lease(struct lease *l, const struct denied *d, void *arg)
{
	struct answer	*a = arg;

	a->lease = l;
	got(a, d);
	lease_cancel(a->cancel);
	a->cancel = NULL;
}

static void
give_scope(uint32_t id, uint64_t scope, int64_t expires)
{
	struct msg_scope	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.scope = scope;
	m.vault = scope * 10;
	m.vault_name = "main";
	m.expires_at = expires;
	put(MSG_SCOPE, &m);
}

static void
give_rules(uint32_t id, uint16_t status, int64_t expires)
{
	struct rec_header	 in = { "Authorization", secret };
	struct rec_rule		 rule;
	struct msg_rules	 m;

	memset(&m, 0, sizeof(m));
	memset(&rule, 0, sizeof(rule));
	rule.service = 5;
	rule.slug = "example";
	rule.enabled = 1;
	rule.keys = "KEY";
	rule.inject = &in;
	rule.inject_n = 1;
	m.id = id;
	m.status = status;
	m.text = "because";
	m.expires_at = expires;
	m.rules = &rule;
	m.rules_n = 1;
	put(MSG_RULES, &m);
}

/* A scope, as a tunnel gets one. */
static struct scope *
scope_of(uint64_t id)
{
	struct answer	 a;
	union msg_any	 u;

	memset(&a, 0, sizeof(a));
	CHECK(auth_ask(NULL, "token", "", &client, INGRESS_MITM, got_scope,
	    &a) != NULL);
	CHECK(get(&u) == MSG_AUTH);
	give_scope(u.auth.id, id, 0);
	CHECK(a.calls == 1 && a.scope != NULL);
	return (a.scope);
}

static struct lease *
lease_of(struct scope *s, const char *host)
{
	struct answer	 a;
	union msg_any	 u;

	memset(&a, 0, sizeof(a));
	if (lease_ask(s, host, 443, got_lease, &a) == NULL)
		return (a.lease);
	CHECK(get(&u) == MSG_LEASE);
	give_rules(u.lease.id, 200, 0);
	CHECK(a.calls == 1 && a.lease != NULL);
	return (a.lease);
}

/* Whether the next who asks goes to keyd. */
static int
is_cached(struct scope *s, const char *host)
{
	struct answer	 a;
	struct ask	*ask;
	union msg_any	 u;

	memset(&a, 0, sizeof(a));
	if ((ask = lease_ask(s, host, 443, got_lease, &a)) == NULL) {
		CHECK(a.calls == 1);
		lease_release(a.lease);
		return (1);
	}
	lease_cancel(ask);
	CHECK(get(&u) == MSG_LEASE);
	give_rules(u.lease.id, 200, 0);
	CHECK(a.calls == 0);
	return (0);
}

static void
on_cut(struct lease_user *lu, void *arg)
{
	struct user	*u = arg;

	CHECK(lu == &u->lu && lu->lease == NULL);
	u->cut++;
	if (u->other != NULL) {
		lease_unuse(&u->other->lu);
		scope_unuse(&u->other->su);
	}
}

static void
on_gone(struct scope_user *su, void *arg)
{
	struct user	*u = arg;

	CHECK(su == &u->su && su->scope == NULL);
	u->gone++;
	if (u->other != NULL)
		scope_unuse(&u->other->su);
}

static void
use_lease(struct user *u, struct lease *l, uint64_t service)
{
	memset(u, 0, sizeof(*u));
	u->lu.cut = on_cut;
	u->lu.arg = u;
	u->lu.service = service;
	lease_use(l, &u->lu);
}

static void
use_scope(struct user *u, struct scope *s)
{
	memset(u, 0, sizeof(*u));
	u->su.gone = on_gone;
	u->su.arg = u;
	scope_use(s, &u->su);
}

/* A revocation, which must be acknowledged in the same turn. */
static void
revocation(uint8_t mode, uint64_t service, uint8_t gone, const uint64_t *scopes,
    uint32_t n)
{
	static uint64_t		 id = 70;
	struct rec_id		 ids[8];
	struct msg_revoke	 m;
	union msg_any		 u;
	uint32_t		 i;

	memset(&m, 0, sizeof(m));
	m.id = ++id;
	m.mode = mode;
	m.service = service;
	m.gone = gone;
	for (i = 0; i < n; i++)
		ids[i].id = scopes[i];
	m.scopes = ids;
	m.scopes_n = n;
	put(MSG_REVOKE, &m);
	CHECK(get(&u) == MSG_REVOKED && u.revoked.id == id);
}

static void
case_auth(void)
{
	struct msg_denied	 d;
	struct answer		 a, b;
	struct scope		*again;
	union msg_any		 u;
	uint32_t		 id;

	setup();
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	CHECK(auth_ask(NULL, "secret", "dev", &client, INGRESS_FORWARD,
	    got_scope, &a) != NULL);
	CHECK(auth_ask(NULL, "wrong", "", &client, INGRESS_MITM, got_scope,
	    &b) != NULL);
	CHECK(get(&u) == MSG_AUTH);
	CHECK(strcmp(u.auth.token, "secret") == 0);
	CHECK(strcmp(u.auth.vault, "dev") == 0);
	CHECK(u.auth.ingress == INGRESS_FORWARD && u.auth.client.af == 4);
	id = u.auth.id;
	CHECK(get(&u) == MSG_AUTH && u.auth.id != id);
	/* Answers in another order. */
	memset(&d, 0, sizeof(d));
	d.id = u.auth.id;
	d.status = 407;
	d.code = "auth_failed";
	d.text = "no";
	put(MSG_DENIED, &d);
	CHECK(b.calls == 1 && b.scope == NULL && b.status == 407);
	CHECK(strcmp(b.code, "auth_failed") == 0);
	CHECK(strcmp(b.text, "no") == 0);
	CHECK(a.calls == 0);
	give_scope(id, 9, 0);
	CHECK(a.calls == 1 && a.scope->id == 9 && a.scope->vault == 90);
	CHECK(strcmp(a.scope->vault_name, "main") == 0);
	CHECK(scope_valid(a.scope));
	/* The same scope for the next tunnel with this token. */
	again = scope_of(9);
	CHECK(again == a.scope);
	scope_release(again);
	scope_release(a.scope);
}

static void
case_auth_cache(void)
{
	struct auth_cache	 cache;
	struct answer		 a;
	union msg_any		 u;
	uint64_t		 id = 9;

	setup();
	memset(&cache, 0, sizeof(cache));
	memset(&a, 0, sizeof(a));
	CHECK(auth_ask(&cache, "t", "v", &client, INGRESS_FORWARD, got_scope,
	    &a) != NULL);
	CHECK(get(&u) == MSG_AUTH);
	give_scope(u.auth.id, 9, 0);
	scope_release(a.scope);
	CHECK(auth_ask(&cache, "t", "v", &client, INGRESS_FORWARD, got_scope,
	    &a) == NULL);
	CHECK(a.calls == 2 && a.scope->id == 9);
	scope_release(a.scope);
	CHECK(get(&u) == MSG_NONE);
	/* Another vault is another question. */
	CHECK(auth_ask(&cache, "t", "w", &client, INGRESS_FORWARD, got_scope,
	    &a) != NULL);
	CHECK(get(&u) == MSG_AUTH);
	give_scope(u.auth.id, 11, 0);
	CHECK(a.calls == 3 && a.scope->id == 11);
	scope_release(a.scope);
	/* Token and hint are not one text. */
	CHECK(auth_ask(&cache, "tv", "", &client, INGRESS_FORWARD, got_scope,
	    &a) != NULL);
	CHECK(get(&u) == MSG_AUTH);
	give_scope(u.auth.id, 10, 1);
	CHECK(a.calls == 4 && a.scope->id == 10);
	/* One that has expired is asked for again. */
	CHECK(!scope_valid(a.scope));
	scope_release(a.scope);
	CHECK(auth_ask(&cache, "tv", "", &client, INGRESS_FORWARD, got_scope,
	    &a) != NULL);
	CHECK(get(&u) == MSG_AUTH);
	give_scope(u.auth.id, 10, 0);
	scope_release(a.scope);
	/* One that is revoked too. */
	revocation(REVOKE_CUT, 0, 1, &id, 1);
	CHECK(auth_ask(&cache, "t", "v", &client, INGRESS_FORWARD, got_scope,
	    &a) != NULL);
	CHECK(get(&u) == MSG_AUTH);
	/* The connection goes away before the answer. */
	auth_clear(&cache);
}

static void
case_auth_cancel(void)
{
	struct answer	 a;
	struct ask	*ask;
	union msg_any	 u;

	setup();
	memset(&a, 0, sizeof(a));
	ask = auth_ask(NULL, "t", "", &client, INGRESS_MITM, got_scope, &a);
	auth_cancel(ask);
	auth_cancel(NULL);
	CHECK(get(&u) == MSG_AUTH);
	give_scope(u.auth.id, 9, 0);
	CHECK(a.calls == 0);
}

static void
case_auth_long(void)
{
	static char	 token[600];
	struct answer	 a;
	union msg_any	 u;

	setup();
	memset(&a, 0, sizeof(a));
	memset(token, 't', sizeof(token) - 1);
	CHECK(auth_ask(NULL, token, "", &client, INGRESS_MITM, got_scope,
	    &a) == NULL);
	CHECK(a.calls == 1 && a.status == 407);
	CHECK(get(&u) == MSG_NONE);
}

static void
case_lease(void)
{
	struct answer	 a, b, c;
	struct ask	*ask;
	struct scope	*s;
	union msg_any	 u;

	setup();
	s = scope_of(9);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(&c, 0, sizeof(c));
	/* Three who want the same ask once; one of them is cancelled. */
	CHECK(lease_ask(s, "h", 443, got_lease, &a) != NULL);
	ask = lease_ask(s, "h", 443, got_lease, &b);
	lease_cancel(ask);
	/* The first cancels the last when it has its answer. */
	a.cancel = lease_ask(s, "h", 443, got_lease, &c);
	CHECK(get(&u) == MSG_LEASE && u.lease.scope == 9);
	CHECK(strcmp(u.lease.host, "h") == 0 && u.lease.port == 443);
	give_rules(u.lease.id, 200, 0);
	CHECK(get(&u) == MSG_NONE);
	CHECK(a.calls == 1 && b.calls == 0 && c.calls == 0);
	CHECK(a.lease->rules.rules_n == 1);
	CHECK(strcmp(a.lease->rules.rules[0].slug, "example") == 0);
	CHECK(strcmp(a.lease->rules.rules[0].inject[0].value, "Bearer real")
	    == 0);
	/* It is kept; another port or host is another lease. */
	CHECK(lease_ask(s, "h", 443, got_lease, &b) == NULL);
	CHECK(b.lease == a.lease);
	CHECK(lease_ask(s, "h", 80, got_lease, &c) != NULL);
	CHECK(get(&u) == MSG_LEASE && u.lease.port == 80);
	/* A refusal is not kept. */
	give_rules(u.lease.id, 407, 0);
	CHECK(c.calls == 1 && c.lease == NULL && c.status == 407);
	CHECK(strcmp(c.text, "because") == 0);
	CHECK(lease_ask(s, "h", 80, got_lease, &c) != NULL);
	/* One that has expired is asked for again, but lives on. */
	CHECK(get(&u) == MSG_LEASE);
	give_rules(u.lease.id, 200, 1);
	CHECK(c.calls == 2 && c.lease != NULL);
	CHECK(lease_ask(s, "h", 80, got_lease, &b) != NULL);
	CHECK(strcmp(c.lease->rules.rules[0].slug, "example") == 0);
	lease_release(a.lease);
	lease_release(b.lease);
	lease_release(c.lease);
	scope_release(s);
}

/* The least used go when there are too many, but for those in use. */
static void
case_lease_lru(void)
{
	struct scope	*s;
	struct lease	*l;
	char		 host[32];
	int		 i;

	setup();
	s = scope_of(9);
	l = lease_of(s, "first");
	for (i = 0; i < LEASE_CACHE - 1; i++) {
		(void)snprintf(host, sizeof(host), "h%d", i);
		lease_release(lease_of(s, host));
	}
	CHECK(is_cached(s, "first"));
	CHECK(!is_cached(s, "one more"));
	CHECK(!is_cached(s, "h0"));
	CHECK(is_cached(s, "first"));
	CHECK(strcmp(l->rules.rules[0].slug, "example") == 0);
}

static void
case_asks(void)
{
	struct answer	 a;
	int		 i;

	setup();
	memset(&a, 0, sizeof(a));
	for (i = 0; i < LEASE_ASKS; i++)
		CHECK(auth_ask(NULL, "t", "", &client, INGRESS_MITM,
		    got_scope, &a) != NULL);
	CHECK(auth_ask(NULL, "t", "", &client, INGRESS_MITM, got_scope, &a) ==
	    NULL);
	CHECK(a.calls == 1 && a.status == 503);
	CHECK(strcmp(a.code, "overloaded") == 0);
}

static void
case_stale(void)
{
	struct user	 u;
	struct scope	*s, *t;
	struct lease	*l;
	uint64_t	 id = 9;

	setup();
	s = scope_of(9);
	t = scope_of(10);
	l = lease_of(s, "h");
	lease_release(lease_of(t, "h"));
	use_lease(&u, l, 5);
	revocation(REVOKE_STALE, 0, 0, &id, 1);
	CHECK(u.cut == 0);
	CHECK(u.lu.lease == l);
	CHECK(strcmp(l->rules.rules[0].inject[0].value, "Bearer real") == 0);
	CHECK(!is_cached(s, "h"));
	CHECK(is_cached(t, "h"));
	/* A cut that comes later finds those who run on the old one too. */
	revocation(REVOKE_CUT, 5, 0, &id, 1);
	CHECK(u.cut == 1);
}

static void
case_cut(void)
{
	static const uint64_t	 both[] = { 9, 10 };
	struct user		 u[6];
	struct scope		*s, *t;
	struct lease		*l, *k, *m;

	setup();
	s = scope_of(9);
	t = scope_of(10);
	l = lease_of(s, "h");
	k = lease_of(s, "k");
	m = lease_of(t, "h");
	use_lease(&u[0], l, 5);
	use_lease(&u[1], l, 6);
	use_lease(&u[2], k, 5);
	use_lease(&u[3], m, 5);
	use_lease(&u[4], l, 0);
	use_lease(&u[5], l, 5);
	/* One that ended by itself, twice. */
	lease_unuse(&u[5].lu);
	lease_unuse(&u[5].lu);
	revocation(REVOKE_CUT, 5, 0, both, 1);
	CHECK(u[0].cut == 1 && u[2].cut == 1);
	CHECK(u[1].cut == 0 && u[3].cut == 0 && u[4].cut == 0);
	CHECK(u[5].cut == 0);
	CHECK(!is_cached(s, "h") && !is_cached(s, "k"));
	CHECK(is_cached(t, "h"));
	/* Again: each is cut once. */
	revocation(REVOKE_CUT, 0, 0, both, 2);
	CHECK(u[0].cut == 1 && u[1].cut == 1 && u[3].cut == 1);
	CHECK(u[4].cut == 1);
	lease_release(l);
	lease_release(k);
	lease_release(m);
	CHECK(scope_valid(s));
}

/* A list without scopes means all; callbacks may take others off. */
static void
case_gone(void)
{
	static const uint64_t	 unknown = 4711;
	struct answer		 a;
	struct user		 u[2], v[3];
	struct scope		*s, *t;
	struct lease		*l;

	setup();
	s = scope_of(9);
	t = scope_of(10);
	l = lease_of(s, "h");
	use_lease(&u[0], l, 5);
	use_lease(&u[1], l, 5);
	use_scope(&v[0], s);
	use_scope(&v[1], s);
	use_scope(&v[2], t);
	lease_release(l);
	revocation(REVOKE_CUT, 0, 1, &unknown, 1);
	CHECK(u[0].cut == 0 && v[0].gone == 0);
	u[0].other = &u[1];
	v[0].other = &v[1];
	revocation(REVOKE_CUT, 0, 1, NULL, 0);
	CHECK(u[0].cut == 1 && u[1].cut == 0);
	CHECK(v[0].gone == 1 && v[1].gone == 0 && v[2].gone == 1);
	CHECK(!scope_valid(s) && !scope_valid(t));
	memset(&a, 0, sizeof(a));
	CHECK(lease_ask(s, "h", 443, got_lease, &a) == NULL);
	CHECK(a.calls == 1 && a.lease == NULL && a.status == 407);
	scope_release(s);
	scope_release(t);
	/* keyd may use the number again only for another scope: a new one. */
	s = scope_of(9);
	CHECK(scope_valid(s));
	lease_release(lease_of(s, "h"));
	scope_release(s);
}

/* How often the secret is in the heap; -1 where that cannot be read. */
static int
in_heap(void)
{
	FILE		*f;
	char		 line[256];
	const char	*p, *end;
	unsigned long	 from, to;
	int		 n = 0;

	if ((f = fopen("/proc/self/maps", "r")) == NULL)
		return (-1);
	setvbuf(f, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, "[heap]") == NULL ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		p = (const char *)from;
		end = (const char *)to;
		while ((p = memmem(p, end - p, secret, strlen(secret))) !=
		    NULL) {
			n++;
			p++;
		}
	}
	fclose(f);
	return (n);
}

/* A lease's secrets are wiped with it, and left nowhere on their way. */
static void
case_wiped(void)
{
	struct scope	*s;
	struct lease	*l;
	uint64_t	 id = 9;

	(void)snprintf(secret, sizeof(secret), "Bearer %08x%08x",
	    arc4random(), arc4random());
	setup();
	s = scope_of(9);
	l = lease_of(s, "h");
	CHECK(strcmp(l->rules.rules[0].inject[0].value, secret) == 0);
	if (in_heap() <= 0)
		exit(UNSEEN);
	CHECK(in_heap() == 1);
	lease_release(l);
	revocation(REVOKE_STALE, 0, 0, &id, 1);
	CHECK(in_heap() == 0);
	scope_release(s);
}

static void
case_keyd_dies(void)
{
	setup();
	close(theirs);
	turn();
	turn();
}

static void
case_answer_to_nothing(void)
{
	setup();
	give_scope(99, 9, 0);
}

static int
in_child(void (*fn)(void))
{
	pid_t	 pid;
	int	 status;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		alarm(30);
		fn();
		exit(0);
	}
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

#define CASE(name)							\
static void								\
test_##name(void **state)						\
{									\
	assert_int_equal(in_child(case_##name), 0);			\
}

CASE(auth)
CASE(auth_cache)
CASE(auth_cancel)
CASE(auth_long)
CASE(lease)
CASE(lease_lru)
CASE(asks)
CASE(stale)
CASE(cut)
CASE(gone)

/* Where the heap is another one, as under valgrind, nothing is seen of it. */
static void
test_wiped(void **state)
{
	int	 rc;

	if ((rc = in_child(case_wiped)) == UNSEEN)
		skip();
	assert_int_equal(rc, 0);
}

/* fatal() exits with 1, a failed check with 2. */
static void
test_keyd_dies(void **state)
{
	assert_int_equal(in_child(case_keyd_dies), 1);
}

static void
test_answer_to_nothing(void **state)
{
	assert_int_equal(in_child(case_answer_to_nothing), 1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_auth_cache),
		cmocka_unit_test(test_auth_cancel),
		cmocka_unit_test(test_auth_long),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_lease_lru),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_keyd_dies),
		cmocka_unit_test(test_answer_to_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
