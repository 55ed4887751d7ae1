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

#include <string.h>

#include "auth.h"
#include "ca.h"
#include "codes.h"
#include "lease.h"
#include "log.h"
#include "loop.h"
#include "notice.h"
#include "scope.h"
#include "state.h"
#include "url.h"
#include "worker.h"

static void	denied(struct link *, uint32_t, const struct refusal *);
static void	failed(const struct msg_auth *, const struct auth *,
		    const struct refusal *);
static int	may_mint(struct peer *);
static const struct scope	*asked_scope(struct peer *, uint64_t);
static uint16_t	make_rules(const struct scope *, const struct msg_lease *,
		    struct arena *, struct msg_rules *);

static void
denied(struct link *l, uint32_t id, const struct refusal *r)
{
	struct msg_denied	 m;

	m.id = id;
	m.status = r->status;
	m.code = r->code;
	m.text = r->text;
	keyd_send(l, MSG_DENIED, &m);
}

/* Only a token that is none counts for the window; each kind has its event. */
static void
failed(const struct msg_auth *q, const struct auth *a,
    const struct refusal *r)
{
	const uint64_t	 mono = loop_mono();
	char		 detail[AUTH_DETAIL];

	if (r->status == 429)
		counters.auth_blocked++;
	else if (r->status == 407) {
		counters.auth_failed++;
		auth_failed(&q->client, mono / 1000000);
	} else
		counters.auth_denied++;
	auth_detail(detail, ingress_name(q->ingress), q->token, a->token, r);
	notice_add(a->event, a->event_vault, &q->client, detail, mono);
}

void
worker_auth(struct link *l, struct msg *m)
{
	const struct msg_auth	*q = &m->u.auth;
	const uint64_t		 mono = loop_mono();
	struct principal	 who;
	struct refusal		 r;
	struct scope		*s;
	struct auth		 a;
	struct msg_scope	 answer;

	memset(&a, 0, sizeof(a));
	a.event = EVENT_AUTH_FAILED;
	if (auth_blocked(&q->client, mono / 1000000, &r) ||
	    auth_proxy(q->token, q->vault, keyd_wall(), mono, &a, &r) == -1) {
		failed(q, &a, &r);
		denied(l, q->id, &r);
		return;
	}
	right_token(&who, a.token);
	s = scope_write(link_arg(l), &who, a.vault->o.id);
	if (s == NULL || !scope_announced()) {
		r.status = 503;
		r.code = "overloaded";
		r.text = s == NULL ? "too many sessions are open" :
		    "the log process is behind; try again";
		denied(l, q->id, &r);
		return;
	}
	counters.auth_ok++;
	memset(&answer, 0, sizeof(answer));
	answer.id = q->id;
	answer.scope = s->id;
	answer.vault = a.vault->o.id;
	answer.vault_name = a.vault->o.name;
	answer.expires_at = a.token->o.expires_at;
	keyd_send(l, MSG_SCOPE, &answer);
}

/* A scope that this worker holds and that is still borne out. */
static const struct scope *
asked_scope(struct peer *p, uint64_t id)
{
	const struct scope	*s = scope_find(p, id);

	return (s != NULL && s->kind == SCOPE_WRITE && scope_valid(s) ? s :
	    NULL);
}

/* The rules of a scope's vault, or the status to answer with instead. */
static uint16_t
make_rules(const struct scope *s, const struct msg_lease *q,
    struct arena *arena, struct msg_rules *a)
{
	const struct vault	*v = state_vault(s->vault);
	const struct token	*t = state_token(s->who.token);
	char			 host[URL_HOST_MAX];

	if (url_host(host, sizeof(host), q->host, strlen(q->host)) ==
	    URL_NONE)
		return (400);
	a->lease = token_number();
	a->unmatched = v->o.unmatched;
	a->path_mode = v->o.path_mode;
	a->expires_at = t->o.expires_at;
	if (lease_rules(v, host, q->port, arena, &a->rules,
	    &a->rules_n) == -1)
		return (500);
	return (200);
}

void
worker_lease(struct link *l, struct msg *m)
{
	const struct msg_lease	*q = &m->u.lease;
	const struct scope	*s;
	struct arena		 arena = { NULL };
	struct msg_rules	 a;

	memset(&a, 0, sizeof(a));
	a.id = q->id;
	a.status = 403;
	if ((s = asked_scope(link_arg(l), q->scope)) != NULL)
		a.status = make_rules(s, q, &arena, &a);
	/* Rules that do not fit a message are as bad as none. */
	if (a.status == 200 && link_send(l, MSG_RULES, &a, -1) == -1)
		a.status = 500;
	keyd_sent(l);
	counters.leases++;
	if (a.status != 200) {
		counters.leases_failed++;
		a.rules_n = 0;
		a.text = a.status == 403 ? "the session has ended" :
		    a.status == 400 ? "this is no host" :
		    "the rules for this host cannot be made";
		keyd_send(l, MSG_RULES, &a);
	}
	arena_free(&arena);
}

/* A bucket of WORKER_MINTS that is filled by as many a second. */
static int
may_mint(struct peer *p)
{
	const uint64_t	 now = loop_mono();
	uint64_t	 more;

	more = (now - p->minted) * WORKER_MINTS / 1000000;
	if (more > 0) {
		p->minted = now;
		p->mints = p->mints + more > WORKER_MINTS ? WORKER_MINTS :
		    p->mints + more;
	}
	if (p->mints == 0)
		return (0);
	p->mints--;
	return (1);
}

void
worker_mint(struct link *l, struct msg *m)
{
	const struct msg_mint	*q = &m->u.mint;
	struct peer		*p = link_arg(l);
	char			 host[URL_HOST_MAX], pem[4096];
	struct msg_cert		 a;
	int			 len = -1;

	memset(&a, 0, sizeof(a));
	a.id = q->id;
	a.status = 200;
	if (asked_scope(p, q->scope) == NULL) {
		a.status = 403;
		a.text = "the session has ended";
	} else if (!may_mint(p)) {
		counters.mints_limited++;
		a.status = 429;
		a.text = "too many certificates in a second";
	} else if (url_host(host, sizeof(host), q->host,
	    strlen(q->host)) == URL_NONE || (len = ca_mint(host, &q->spki,
	    keyd_wall(), pem, sizeof(pem), &a.not_after)) == -1) {
		a.status = 400;
		a.text = "no certificate can be made for that";
	} else {
		counters.mints++;
		a.pem.data = (const uint8_t *)pem;
		a.pem.len = len;
	}
	keyd_send(l, MSG_CERT, &a);
}
