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

#ifndef LOGD_PEER_H
#define LOGD_PEER_H

#include <sys/types.h>

#include <stdint.h>

#include <imsg.h>

#include "ledger.h"
#include "msg.h"

/*
 * Everybody around one real logd: the parent that starts it, keyd, workers
 * and apis.  All of it waits, with limits; what must not happen fails the
 * cmocka test that runs.
 */
#define PEER_MS		5000		/* for what must come */

/* One end of a link. */
struct end {
	struct imsgbuf	 ibuf;
	int		 fd;		/* -1: none */
	int		 other;		/* not given away yet, or -1 */
	enum proc	 proc;
	uint16_t	 index;
	uint64_t	 instance;
	int		 dead;		/* its process is, for PEER */
	uint32_t	 type;		/* of the last message */
	union msg_any	 u;		/* it, until the next */
	int		 got_fd;
	struct imsg	 imsg;
	struct arena	 arena;
	int		 full;		/* holds an imsg */
};

struct logd {
	const char	*program;
	char		 dir[256];
	pid_t		 pid;
	struct end	 parent;
	struct end	 keyd;
	struct msg_conf_log	 conf;
	int		 fresh;		/* of READY */
	struct fault	*fault;
};

/* A worker that counts, remembers, resends; its vault has its scope's id. */
#define WORKER_MAX	65536
struct worker {
	struct end	 end;
	uint64_t	 scope;
	uint64_t	 next;		/* seq of the next record */
	uint64_t	 gap;		/* seq of the last GAP */
	int		 bank;		/* that collects */
	uint64_t	 acked;
	int		 ledger;
	struct ledger	*page;		/* the same, mapped */
	struct {
		uint8_t		 begin;	/* BEGIN, else END */
		uint64_t	 of;	/* the BEGIN of an END */
	}		 sent[WORKER_MAX];
};

void	 end_pair(struct end *, enum proc, uint16_t index, uint64_t instance);
void	 end_close(struct end *);
void	 end_send(struct end *, enum msg_type, const void *);
void	 end_send_fd(struct end *, enum msg_type, const void *, int);
/* Type of the next message, 0 for the end of the link, -1 for none in time. */
int	 end_recv(struct end *, int ms);
/* The next message must be of this type. */
void	 end_want(struct end *, enum msg_type);
/* Nothing must come. */
void	 end_quiet(struct end *, int ms);

/*
 * peer_start() runs logd and brings it to READY with the links of the ends
 * given, which end with NULL; living says who lives beside them.
 */
void	 peer_init(struct logd *, const char *program);
void	 peer_faults(struct logd *);
void	 peer_start(struct logd *, struct end **);
void	 peer_start_living(struct logd *, struct end **, int living);
/* What conf says, at the start or anew. */
void	 peer_conf(struct logd *);
void	 peer_link(struct logd *, struct end *);
void	 peer_ledger(struct logd *, uint64_t instance, int fd);
/* It says that what that says is committed. */
void	 peer_taken(struct logd *, uint64_t instance);
void	 peer_kill(struct logd *);
/* SHUTDOWN; returns the exit status. */
int	 peer_stop(struct logd *);
void	 peer_free(struct logd *);
/* Until a message of this type comes from logd for the parent, or -1. */
int	 peer_parent(struct logd *, uint32_t type, int ms);

/* keyd. */
void	 keyd_sync(struct logd *, int load, uint32_t scopes);
void	 keyd_vault(struct logd *, uint64_t rev, uint64_t id, int64_t deleted);
void	 keyd_commit(struct logd *, const struct msg_commit *);
void	 keyd_scope(struct logd *, uint64_t scope, int kind,
	    uint64_t instance, uint64_t vault);

/* Workers. */
void	 worker_init(struct worker *, enum proc, uint16_t index,
	    uint64_t instance, uint64_t scope);
void	 worker_hello(struct worker *);
/*
 * Resend everything that is not acknowledged, as after a restart of logd; or,
 * as often, what is acknowledged too, in ACKs that were never read.
 */
void	 worker_relink(struct worker *);
uint64_t worker_begin(struct worker *);
void	 worker_end(struct worker *, uint64_t begin);
void	 worker_send(struct worker *, uint64_t seq);
void	 worker_bye(struct worker *);
/* So many requests of its vault went on unlogged: they are in the ledger. */
void	 worker_lose(struct worker *, int n);
/* A GAP that tells of them, and whether it leaves. */
void	 worker_gap(struct worker *, int sent);
/* Take what ACKs there are; until seq is acknowledged when ms is not 0. */
void	 worker_acks(struct worker *, uint64_t seq, int ms);
void	 worker_free(struct worker *);

/* Rows of the file, when logd does not run. */
int64_t	 file_int(struct logd *, const char *sql);
void	 file_sql(struct logd *, const char *sql);

#endif /* LOGD_PEER_H */
