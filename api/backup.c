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

#include <stdint.h>

#include "api.h"
#include "ask.h"
#include "client.h"
#include "codes.h"
#include "keyd.h"
#include "reply.h"
#include "route.h"

/*
 * A copy of the database: keyd says who may have one and records it, logd
 * makes it, and we give its bytes to the client.
 */

static void	recorded(struct request *, struct msg *);
static void	may_copy(struct request *, struct msg *);
static void	made(struct request *, struct msg *);

void
backup_get(struct request *req)
{
	struct rec_op_none	 none = { 0 };

	if (request_no_fields(req) == -1)
		return;
	if (req->head_only)
		reply_text(req, 405, "GET", "Method Not Allowed\n");
	else
		keyd_admin(req, OP_BACKUP, "", &none, recorded);
}

static void
recorded(struct request *req, struct msg *m)
{
	if (!keyd_done_refused(req, m))
		keyd_may(req, ACTION_INSTANCE_LOGS, "", may_copy);
}

static void
may_copy(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;
	struct msg_backup		 q;

	if (keyd_refused(req, a->status, a->code, a->text))
		return;
	q.scope = a->scope;
	if (ask(req, PROC_LOGD, MSG_BACKUP, &q, MSG_BACKUP_DONE, made) == 0)
		client_watch(req->client);
}

void
backup_message(struct link *l, struct msg *m)
{
	if (m->u.backup_done.status == 102)
		ask_longer(l, m);
	else
		ask_answer(l, m);
}

static void
made(struct request *req, struct msg *m)
{
	const struct msg_backup_done	*d = &m->u.backup_done;

	if (d->status != 200) {
		reply_error(req, d->status, d->status == 409 ? "conflict" :
		    d->status == 507 ? "no_room" : "unavailable", "%s",
		    d->text);
		return;
	}
	if (m->fd == -1) {
		reply_error(req, 503, "overloaded",
		    "Too many descriptors are in use: try again");
		return;
	}
	reply_file(req, m->fd, d->size);
	m->fd = -1;
}
