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

#ifndef STATE_H
#define STATE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>

#include "codes.h"
#include "msg.h"

/*
 * The control state in memory: the objects of the catalogue, indexed.  It is
 * built from object records alone, those of logd's snapshot and those of
 * each change, by state_apply(); nothing else changes it.
 *
 * Each object keeps the encoded body that it came in, and a decoded record
 * whose strings point into it.  To change an object, copy its record, change
 * fields, encode, apply.
 */

/* Bounds, checked where something is added. */
#define STATE_VAULTS_MAX	1000	/* living ones */
#define STATE_AGENTS_MAX	1000
#define STATE_SERVICES_MAX	256	/* in a vault */
#define STATE_CREDENTIALS_MAX	256	/* in a vault */
#define STATE_GRANTS_MAX	64	/* of an agent, and in a vault */
#define STATE_SESSIONS_MAX	256	/* for a vault, and of a minter */
#define STATE_SEALED_MAX	(64 * 1024 * 1024)	/* bytes, of all */

struct vault;
struct agent;

struct credential {
	struct rec_obj_credential	 o;
	struct msg_blob			 body;
	struct vault			*vault;
	RB_ENTRY(credential)		 name_entry;
	RB_ENTRY(credential)		 id_entry;
};
RB_HEAD(credentials, credential);

struct service {
	struct rec_obj_service	 o;
	struct msg_blob		 body;
	struct vault		*vault;
	TAILQ_ENTRY(service)	 entry;		/* ordered by position, id */
	RB_ENTRY(service)	 id_entry;
};
TAILQ_HEAD(services, service);

struct grant {
	struct rec_obj_grant	 o;
	struct msg_blob		 body;
	struct vault		*vault;
	struct agent		*agent;
	LIST_ENTRY(grant)	 vault_entry;
	LIST_ENTRY(grant)	 agent_entry;
	RB_ENTRY(grant)		 id_entry;
};
LIST_HEAD(grants, grant);

struct token {
	struct rec_obj_token	 o;
	struct msg_blob		 body;
	struct vault		*vault;		/* a session's, else NULL */
	struct agent		*agent;		/* owner or minter, or NULL */
	uint64_t		 deadline;	/* monotonic us, 0 never */
	LIST_ENTRY(token)	 vault_entry;
	LIST_ENTRY(token)	 agent_entry;
	RB_ENTRY(token)		 id_entry;
	RB_ENTRY(token)		 hash_entry;
};
LIST_HEAD(tokens, token);

struct vault {
	struct rec_obj_vault	 o;
	struct msg_blob		 body;
	struct services		 services;
	struct credentials	 credentials;
	struct grants		 grants;
	struct tokens		 tokens;	/* sessions for it */
	unsigned int		 nservices;
	unsigned int		 ncredentials;
	unsigned int		 ngrants;
	unsigned int		 ntokens;
	RB_ENTRY(vault)		 id_entry;
	RB_ENTRY(vault)		 name_entry;	/* only while it lives */
	int			 named;
};

struct agent {
	struct rec_obj_agent	 o;
	struct msg_blob		 body;
	struct grants		 grants;
	struct tokens		 tokens;	/* its own and minted ones */
	unsigned int		 ngrants;
	unsigned int		 nsessions;
	RB_ENTRY(agent)		 id_entry;
	RB_ENTRY(agent)		 name_entry;
};

RB_HEAD(vaults_byid, vault);
RB_HEAD(vaults_byname, vault);
RB_HEAD(agents_byid, agent);
RB_HEAD(agents_byname, agent);
RB_HEAD(tokens_byid, token);
RB_HEAD(tokens_byhash, token);
RB_HEAD(grants_byid, grant);
RB_HEAD(services_byid, service);
RB_HEAD(credentials_byid, credential);

/* To look at; only state.c changes it. */
struct state {
	struct rec_obj_keyring	 keyring;
	struct msg_blob		 keyring_body;
	struct vaults_byid	 vaults;
	struct vaults_byname	 vaults_named;	/* the living */
	struct agents_byid	 agents;
	struct agents_byname	 agents_named;
	struct tokens_byid	 tokens;
	struct tokens_byhash	 tokens_hashed;
	struct grants_byid	 grants;
	struct services_byid	 services;
	struct credentials_byid	 credentials;
	uint64_t		 vault_max;	/* highest id ever seen */
	unsigned int		 nvaults;	/* living */
	unsigned int		 nagents;
	struct rec_obj_settings	 settings;
	size_t			 sealed;	/* bytes of credentials */
};
extern struct state	 state;

RB_PROTOTYPE(vaults_byid, vault, id_entry, state_cmp_vault_id)
RB_PROTOTYPE(vaults_byname, vault, name_entry, state_cmp_vault_name)
RB_PROTOTYPE(agents_byid, agent, id_entry, state_cmp_agent_id)
RB_PROTOTYPE(agents_byname, agent, name_entry, state_cmp_agent_name)
RB_PROTOTYPE(tokens_byid, token, id_entry, state_cmp_token_id)
RB_PROTOTYPE(tokens_byhash, token, hash_entry, state_cmp_token_hash)
RB_PROTOTYPE(grants_byid, grant, id_entry, state_cmp_grant_id)
RB_PROTOTYPE(services_byid, service, id_entry, state_cmp_service_id)
RB_PROTOTYPE(credentials, credential, name_entry, state_cmp_credential_name)
RB_PROTOTYPE(credentials_byid, credential, id_entry, state_cmp_credential_id)

void		 state_init(void);
void		 state_free(void);	/* wipes */

/*
 * Put or delete one object.  `wall' (seconds) and `mono' (microseconds) are
 * now, from which a token's monotonic deadline is set when it is first seen.
 * Deleting what is not there is no error.  Returns 0, or -1 with errno
 * EBADMSG (the body does not decode), ENOENT (its vault or agent is not
 * there), EEXIST (another has its name or hash) or ENOMEM; then nothing has
 * changed.
 */
int		 state_apply(const struct rec_object *, int64_t wall,
		    uint64_t mono);

/* Initialised: there is a vault, living or not. */
int		 state_initialized(void);

struct vault	*state_vault(uint64_t);			/* living or not */
struct vault	*state_vault_named(const char *);	/* living */
struct agent	*state_agent(uint64_t);
struct agent	*state_agent_named(const char *);
struct token	*state_token(uint64_t);
struct token	*state_token_hashed(const uint8_t *);
struct token	*state_session_public(struct vault *, const char *);
struct grant	*state_grant(const struct agent *, const struct vault *);
struct service	*state_service(uint64_t);
struct service	*state_service_named(const struct vault *, const char *);
struct credential *state_credential(const struct vault *, const char *);

/* Whether a token has ended, by either clock. */
int		 state_token_expired(const struct token *, int64_t wall,
		    uint64_t mono);

#endif /* STATE_H */
