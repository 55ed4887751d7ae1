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

#include "caller.h"
#include "codes.h"
#include "commit.h"
#include "log.h"
#include "reveal.h"
#include "seal.h"

#define PAGE_MAX	256
#define PAGE_BYTES	(90 * 1024)

static size_t	page(const struct job *, struct vault *,
		    struct credential **, int *);
static void	refuse(struct link *, uint32_t, uint16_t, const char *,
		    const char *);
static int	open_page(struct credential **, size_t, struct rec_kv *,
		    struct arena *);

static void
refuse(struct link *l, uint32_t id, uint16_t status, const char *code,
    const char *text)
{
	struct msg_secrets	 m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.status = status;
	m.code = code;
	m.text = text;
	keyd_send(l, MSG_SECRETS, &m);
}

void
reveal_request(struct link *l, struct msg *m)
{
	struct peer		*p = link_arg(l);
	struct caller		*c;
	struct vault		*v;
	struct refusal		 r;
	struct job		*j;
	const char		*busy;

	c = caller_find(p, m->u.reveal.caller);
	if (caller_right(c, RIGHT_REVEAL, 0, m->u.reveal.vault, &v, &r) == -1) {
		refuse(l, m->u.reveal.id, r.status, r.code, r.text);
		return;
	}
	if ((busy = commit_refusal(0)) != NULL) {
		refuse(l, m->u.reveal.id, 503, "not_durable", busy);
		return;
	}
	j = job_new(JOB_REVEAL, p, m->u.reveal.id);
	j->ask.who = c->who;
	j->ask.vault = v->o.id;
	j->client = c->client;
	(void)strlcpy(j->key, m->u.reveal.key, sizeof(j->key));
	(void)strlcpy(j->after, m->u.reveal.after, sizeof(j->after));
	commit_submit(j);
}

/*
 * The credentials of one page, by name; *more says that some are left.
 * Between the record and the answer some may go, but none can come.
 */
static size_t
page(const struct job *j, struct vault *v, struct credential **list,
    int *more)
{
	struct credential	*c;
	size_t			 n = 0, bytes = 0;

	*more = 0;
	if (j->key[0] != '\0') {
		if ((list[0] = state_credential(v, j->key)) != NULL)
			n = 1;
		return (n);
	}
	RB_FOREACH(c, credentials, &v->credentials) {
		if (j->after[0] != '\0' && strcmp(c->o.name, j->after) <= 0)
			continue;
		bytes += c->o.sealed.len + 128;
		if (n == PAGE_MAX || (n > 0 && bytes > PAGE_BYTES)) {
			*more = 1;
			break;
		}
		list[n++] = c;
	}
	return (n);
}

int
reveal_build(struct job *j)
{
	struct credential	*list[PAGE_MAX];
	struct vault		*v = op_vault(&j->ask);
	struct refusal		 r;
	size_t			 n;
	int			 more;

	if (v == NULL || !v->named)
		return (op_refuse(&j->ask, 404, "vault_not_found",
		    "Vault not found"));
	if (right_check(&j->ask.who, RIGHT_REVEAL, 0, v, &r) == -1)
		return (op_refuse(&j->ask, r.status, r.code, "%s", r.text));
	n = page(j, v, list, &more);
	if (n == 0 && j->key[0] != '\0')
		return (op_refuse(&j->ask, 404, "not_found",
		    "Credential \"%s\" not found", j->key));
	change_detail(&j->change, "{\"vault\":\"%s\",\"count\":%zu,"
	    "\"first\":\"%s\",\"last\":\"%s\"}", v->o.name, n,
	    n > 0 ? list[0]->o.name : "", n > 0 ? list[n - 1]->o.name : "");
	return (0);
}

/* The values, opened into the arena. */
static int
open_page(struct credential **list, size_t n, struct rec_kv *kv,
    struct arena *arena)
{
	struct seal_place	 place = { "credentials", 0, NULL };
	size_t			 i, size;
	char			*value;

	for (i = 0; i < n; i++) {
		size = list[i]->o.sealed.len;
		if ((value = arena_alloc(arena, size + 1)) == NULL)
			fatal("reveal");
		place.vault = list[i]->vault->o.id;
		place.name = list[i]->o.name;
		if (seal_get(&place, &list[i]->o.sealed, value, size) == -1) {
			log_warnx("credential %s of vault %s does not open: "
			    "its row was changed or moved", place.name,
			    list[i]->vault->o.name);
			return (-1);
		}
		kv[i].key = list[i]->o.name;
		kv[i].value = value;
	}
	return (0);
}

void
reveal_answer(struct job *j)
{
	struct credential	*list[PAGE_MAX];
	struct rec_kv		 kv[PAGE_MAX];
	struct arena		 arena = { NULL };
	struct vault		*v;
	struct msg_secrets	 m;
	int			 more = 0;

	if (j->ask.status != 0) {
		refuse(j->peer->link, j->id, j->ask.status, j->ask.code,
		    j->ask.text);
		return;
	}
	memset(&m, 0, sizeof(m));
	m.id = j->id;
	m.status = 200;
	if ((v = op_vault(&j->ask)) != NULL)
		m.values_n = page(j, v, list, &more);
	m.values = kv;
	m.more = more;
	if (open_page(list, m.values_n, kv, &arena) == -1)
		refuse(j->peer->link, j->id, 500, "internal",
		    "A credential does not open; see the text log");
	else {
		counters.reveals++;
		keyd_send(j->peer->link, MSG_SECRETS, &m);
	}
	explicit_bzero(kv, sizeof(kv));
	arena_free(&arena);
}
