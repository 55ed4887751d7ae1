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

#ifndef JOB_H
#define JOB_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

#include "change.h"
#include "keyd.h"
#include "op.h"

/*
 * A job: one change, from its request to its answer.  commit.c moves jobs in
 * one order; job.c builds, applies and answers them.
 */

enum job_kind {
	JOB_ADMIN,
	JOB_REVEAL,
	JOB_SWEEP,		/* delete what has ended, store the use of
				   logins; nobody asked */
	JOB_KEYRING		/* the first change of a fresh database */
};

enum job_state {
	JOB_WAITING,
	JOB_SENT,		/* COMMIT is with logd, or in doubt */
	JOB_RETRY,		/* logd could not; to be sent again */
	JOB_DURABLE
};

union job_args {
	struct rec_op_none		 none;
	struct rec_op_name		 name;
	struct rec_op_rename		 rename;
	struct rec_op_vault_settings	 vault_settings;
	struct rec_op_settings		 settings;
	struct rec_op_credentials_set	 credentials_set;
	struct rec_op_credentials_delete credentials_delete;
	struct rec_op_services		 services;
	struct rec_op_service_ref	 service_ref;
	struct rec_op_service_enable	 service_enable;
	struct rec_op_agent_create	 agent_create;
	struct rec_op_agent_role	 agent_role;
	struct rec_op_grant		 grant;
	struct rec_op_session_mint	 session_mint;
};

struct job {
	enum job_kind		 kind;
	enum job_state		 state;
	struct peer		*peer;		/* who waits, or NULL */
	uint32_t		 id;		/* of the request */
	struct msg_addr		 client;
	unsigned int		 op;		/* JOB_ADMIN */
	struct msg_blob		 body;		/* the arguments' memory */
	union job_args		 args;
	struct arena		 arena;
	char			 key[65];	/* JOB_REVEAL, or empty */
	char			 after[65];
	struct op_ask		 ask;
	struct change		 change;
	int			 takes;		/* it takes something away */
	int			 failed;	/* could not be made durable */
	int			 answered;
	int			 late;		/* a peer did not confirm */
	unsigned int		 waiting;	/* revocations under way */
	uint64_t		 since;		/* submitted, monotonic us */
	uint64_t		 rev;
	uint64_t		 seen;		/* additions when applied */
	TAILQ_ENTRY(job)	 entry;
};

struct job	*job_new(enum job_kind, struct peer *, uint32_t id);
void		 job_free(struct job *);	/* wipes */

/*
 * Write down the change, against the state as it is, for revision `rev'.  0,
 * or -1 with the refusal in job->ask.
 */
int		 job_build(struct job *, uint64_t rev);

/*
 * Put the change into force: apply its objects, cut and make stale what
 * hangs on them.  `done' is called once the peers have confirmed.
 */
void		 job_apply(struct job *, void (*done)(struct job *));

/*
 * Answer who waits: the result, the refusal in job->ask, or, for a job that
 * failed, that it is not durable.
 */
void		 job_answer(struct job *);
void		 job_refuse(struct job *, uint16_t, const char *code,
		    const char *text);

/*
 * Remember a token or login that has ended, to be deleted by the next
 * JOB_SWEEP.  -1 when there are too many for it.
 */
int		 job_sweep_add(enum object_kind, uint64_t id);
int		 job_sweep_wanted(void);

#endif /* JOB_H */
