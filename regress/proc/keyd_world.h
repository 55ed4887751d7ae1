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

#ifndef KEYD_WORLD_H
#define KEYD_WORLD_H

#include <stdio.h>

#include "codes.h"
#include "play.h"

/*
 * The world around one real keyd: parent, a logd whose database is a list of
 * rows here, two workers and the local api.
 */

#define WORLD_ROWS	512
#define INSTANCE_LOGD	10
#define INSTANCE_MITM	100
#define INSTANCE_PROXY	200
#define INSTANCE_API	300

struct world {
	struct play_child	 keyd;
	struct play		 logd;
	struct play		 mitm;
	struct play		 proxy;
	struct play		 api;
	FILE			*keyfile;
	int			 real;		/* there is a real logd */
	struct rec_object	 rows[WORLD_ROWS];
	uint32_t		 nrows;
	uint64_t		 rev;
	uint64_t		 caller;	/* the local principal at api */
	uint32_t		 last_id;
	char			 token[128];	/* of the last res_token */
};

/* An empty database and an empty key file. */
void	 world_new(struct world *);
void	 world_free(struct world *);

/* Start keyd as far as the answer to SYNC, which holds all rows. */
void	 world_start(struct world *, int fresh);
/* The configuration, with the key file, up to CONF_ACTIVATE. */
void	 world_configure(struct world *);
/* READY, then the links of the others and a caller. */
void	 world_ready(struct world *);
/* Both, with the first COMMIT of a fresh database, and init. */
void	 world_begin(struct world *);
void	 world_stop(struct world *);

/* The next COMMIT, gone when logd's link is read again; then: */
struct msg_commit *world_commit(struct world *);
/* Keep what it brought and say so; or refuse. */
void	 world_committed(struct world *, const struct msg_commit *);
void	 world_refused(struct world *, const struct msg_commit *);
void	 world_apply(struct world *, const struct msg_commit *);
/* COMMIT and COMMITTED. */
void	 world_commits(struct world *);

/* Take one row of the list or change it in place; NULL if there is none. */
struct rec_object *world_row(struct world *, enum object_kind, unsigned int);
void	 world_put(struct world *, enum object_kind, const void *rec);

/* Send ADMIN with a record as arguments; returns its id. */
uint32_t world_admin(struct world *, enum admin_op, const char *vault,
	    const void *args);
/* DONE for it. */
struct msg_done *world_done(struct world *, uint32_t id, uint16_t status);
/* ADMIN, COMMIT, COMMITTED, DONE: nobody holds a scope. */
struct msg_done *world_do(struct world *, enum admin_op, const char *vault,
	    const void *args, uint16_t status);
/* The token of a DONE, kept in w->token. */
void	 world_take_token(struct world *, const struct msg_done *);

/* AUTH as a worker: the scope, or 0 and the status of DENIED. */
uint64_t world_auth(struct world *, struct play *, const char *token,
	    const char *vault, uint16_t *status);
/* REVOKE must come to a worker; answered if `ack'. */
struct msg_revoke *world_revoke(struct world *, struct play *, int ack);
struct msg_rules *world_lease(struct world *, struct play *, uint64_t scope,
	    const char *host, uint16_t port);

/* A vault "main" with a bearer service api.test, and an agent's token. */
void	 world_furnish(struct world *);

#endif /* KEYD_WORLD_H */
