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

#ifndef WORKER_H
#define WORKER_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "lease.h"
#include "logstream.h"
#include "msg.h"
#include "proc.h"
#include "resolve.h"

/*
 * What proxy and mitm have in common as processes.
 */

#define WORKER_MEMORY	(256 * 1024 * 1024)	/* of all buffers */
#define WORKER_RESERVE	64	/* descriptors that are not connections */
#define WORKER_STOP_MS	500	/* of the grace: for the last records */

/* In init(): everything that broker/ needs before the sandbox closes. */
void	 worker_init(void);

/*
 * Descriptors that connections may have, and that those from agents may have:
 * half of them, less what is idle in the pool, which gives up one for each
 * that would be one too many.
 */
size_t	 worker_descriptors(void);
int	 worker_admits(size_t clients);

/* The file() and a part of the stats() of struct proc_child. */
void	 worker_file(struct msg_file *, int *);
void	 worker_stats(void);

/*
 * The drained stop: when no exchange runs any more, or when the grace is over
 * and all were cut, `end' is called to close what is left, the last records
 * leave, and the process exits.  A second call shortens the grace.
 */
void	 worker_stop(uint32_t grace_ms, void (*end)(void));
int	 worker_stopping(void);

/*
 * The number of the n-th connection or tunnel for its records: those of the
 * workers that live differ (of each kind there are 64 at most), and of the
 * ones that were before them the instance does.
 */
uint64_t worker_conn(uint64_t n);

/* For the tables of links. */
#define WORKER_KEYD							\
	{ MSG_SCOPE, lease_msg_scope },					\
	{ MSG_DENIED, lease_msg_denied },				\
	{ MSG_RULES, lease_msg_rules },					\
	{ MSG_REVOKE, worker_msg_revoke }

void	 worker_msg_revoke(struct link *, struct msg *);
extern const struct link_handler	worker_logd[];
extern const struct link_handler	worker_resolver[];

#endif /* WORKER_H */
