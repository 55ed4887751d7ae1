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
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "ask.h"
#include "client.h"
#include "codes.h"
#include "keyd.h"
#include "reply.h"
#include "route.h"

/*
 * The state of the instance and of the daemon, and what only the parent can
 * do.
 */

static void	instance(struct request *, struct msg *);
static void	record(struct request *, enum admin_op, ask_fn *);
static void	may_see(struct request *, struct msg *);
static void	may_reload(struct request *, struct msg *);
static void	may_talk(struct request *, struct msg *);
static void	processes(struct request *, struct msg *);
static json_t	*process(const struct rec_procstat *);
static json_t	*counters(const char *);
static void	reloaded(struct request *, struct msg *);
static void	talks(struct request *, struct msg *);

void
status_health(struct request *req)
{
	json_t	*j;

	if (request_no_fields(req) == -1)
		return;
	j = json_map();
	json_put_text(j, "status", "ok");
	reply_json(req, 200, j);
}

static void
instance(struct request *req, struct msg *m)
{
	json_t	*j;

	if (m->u.ca.initialized)
		api.initialized = 1;
	j = json_map();
	json_put_flag(j, "initialized", m->u.ca.initialized);
	json_put_flag(j, "needs_first_user", !m->u.ca.initialized);
	reply_json(req, 200, j);
}

void
status_get(struct request *req)
{
	if (request_no_fields(req) == 0)
		keyd_ca(req, instance);
}

/* An operation without arguments; of some only the record is keyd's. */
static void
record(struct request *req, enum admin_op op, ask_fn *fn)
{
	struct rec_op_none	 none = { 0 };

	keyd_admin(req, op, "", &none, fn);
}

void
status_init(struct request *req)
{
	if (request_no_fields(req) == 0)
		record(req, OP_INIT, vaults_created);
}

void
status_processes(struct request *req)
{
	if (request_no_fields(req) == 0)
		keyd_may(req, ACTION_CONTROL, "", may_see);
}

static void
may_see(struct request *req, struct msg *m)
{
	const struct msg_may_answer	*a = &m->u.may_answer;
	struct msg_status		 q;

	if (!keyd_refused(req, a->status, a->code, a->text))
		(void)ask(req, PROC_PARENT, MSG_STATUS, &q, MSG_STATUS_ROWS,
		    processes);
}

/* "name=value ..." */
static json_t *
counters(const char *s)
{
	json_t		*j = json_map();
	char		 name[65];
	size_t		 n;
	char		*end;

	while (*s != '\0') {
		n = strcspn(s, "=");
		if (s[n] != '=' || n >= sizeof(name))
			break;
		memcpy(name, s, n);
		name[n] = '\0';
		errno = 0;
		json_put_number(j, name, strtoll(s + n + 1, &end, 10));
		for (s = end; *s == ' '; s++)
			;
	}
	return (j);
}

static json_t *
process(const struct rec_procstat *p)
{
	json_t	*j = json_map();
	char	 instance_id[17];

	(void)snprintf(instance_id, sizeof(instance_id), "%016" PRIx64,
	    p->instance);
	json_put_text(j, "name", proc_name(p->proc));
	json_put_number(j, "index", p->index);
	json_put_text(j, "instance", instance_id);
	json_put_number(j, "pid", p->pid);
	json_put_number(j, "uptime", p->uptime);
	json_put_number(j, "restarts", p->restarts);
	json_put_text(j, "state", p->state);
	json_put(j, "counters", counters(p->counters));
	return (j);
}

static void
processes(struct request *req, struct msg *m)
{
	const struct msg_status_rows	*s = &m->u.status_rows;
	json_t				*j = json_map(), *list = json_list();
	uint32_t			 i;

	json_put_text(j, "version", s->version);
	json_put_text(j, "sandbox", s->sandbox);
	json_put_text(j, "degraded", s->degraded);
	json_put_flag(j, "privileged", s->privileged);
	json_put_number(j, "generation", s->generation);
	json_put_text(j, "notice", s->notice);
	for (i = 0; i < s->procs_n; i++)
		json_add(list, process(&s->procs[i]));
	json_put(j, "processes", list);
	reply_json(req, 200, j);
}

void
status_reload(struct request *req)
{
	if (request_no_fields(req) == 0)
		record(req, OP_RELOAD, may_reload);
}

static void
may_reload(struct request *req, struct msg *m)
{
	struct msg_reload	 q;

	if (!keyd_done_refused(req, m))
		(void)ask(req, PROC_PARENT, MSG_RELOAD, &q, MSG_PARENT_DONE,
		    reloaded);
}

static void
reloaded(struct request *req, struct msg *m)
{
	json_t	*j;

	if (!m->u.parent_done.ok) {
		reply_error(req, 409, "refused", "%s", m->u.parent_done.text);
		return;
	}
	j = json_map();
	json_put_flag(j, "reloaded", 1);
	if (m->u.parent_done.text[0] != '\0')
		json_put_text(j, "message", m->u.parent_done.text);
	reply_json(req, 200, j);
}

void
status_verbose(struct request *req)
{
	int				 verbose = -1;
	const struct json_field		 fields[] = {
		{ "verbose", JSON_FLAG, &verbose },
		{ NULL, JSON_LATER, NULL }
	};

	if (request_fields(req, fields) == -1)
		return;
	if (verbose == -1) {
		reply_invalid(req, "verbose is required");
		return;
	}
	req->flag = verbose;
	record(req, verbose ? OP_VERBOSE : OP_BRIEF, may_talk);
}

static void
may_talk(struct request *req, struct msg *m)
{
	struct msg_verbose	 q;

	if (keyd_done_refused(req, m))
		return;
	q.verbose = req->flag;
	(void)ask(req, PROC_PARENT, MSG_VERBOSE, &q, MSG_PARENT_DONE, talks);
}

static void
talks(struct request *req, struct msg *m)
{
	json_t	*j;

	if (!m->u.parent_done.ok) {
		reply_error(req, 409, "refused", "%s", m->u.parent_done.text);
		return;
	}
	j = json_map();
	json_put_flag(j, "verbose", req->flag);
	reply_json(req, 200, j);
}
