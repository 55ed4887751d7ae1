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
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "caller.h"
#include "codes.h"
#include "commit.h"
#include "log.h"

static int	take_args(struct job *, const struct msg_blob *);

/* A copy of the arguments, which wait longer than the message is there. */
static int
take_args(struct job *j, const struct msg_blob *body)
{
	uint8_t	*p;

	if ((p = malloc(body->len + 1)) == NULL)
		fatal("job");
	if (body->len > 0)
		memcpy(p, body->data, body->len);
	j->body.data = p;
	j->body.len = body->len;
	return (rec_from_blob(&j->body, op_desc(j->op), &j->args,
	    &j->arena));
}

void
admin_request(struct link *l, struct msg *m)
{
	const struct msg_admin	*a = &m->u.admin;
	struct peer		*p = link_arg(l);
	struct caller		*c;
	struct vault		*v;
	struct refusal		 r;
	struct job		*j;
	const char		*busy;

	if (op_desc(a->op) == NULL || op_function(a->op) == NULL) {
		link_bad(l, "unknown operation");
		return;
	}
	j = job_new(JOB_ADMIN, p, a->id);
	j->op = a->op;
	if (take_args(j, &a->body) == -1) {
		if (errno == ENOMEM)
			fatal("arguments");
		link_bad(l, "arguments do not decode");
		job_free(j);
		return;
	}
	c = caller_find(p, a->caller);
	if (caller_right(c, RIGHT_OP, a->op, a->vault, &v, &r) == -1) {
		job_refuse(j, r.status, r.code, r.text);
		job_free(j);
		return;
	}
	j->ask.who = c->who;
	j->ask.vault = v == NULL ? 0 : v->o.id;
	j->client = c->client;
	j->takes = op_takes_away(a->op, &j->args);
	if ((busy = commit_refusal(j->takes)) != NULL) {
		job_refuse(j, 503, "not_durable", busy);
		job_free(j);
		return;
	}
	if (j->takes) {
		if (job_build(j, 0) == -1) {
			job_answer(j);
			job_free(j);
			return;
		}
		commit_apply_first(j);
	}
	commit_submit(j);
}
