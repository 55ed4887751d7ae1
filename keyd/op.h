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

#ifndef OP_H
#define OP_H

#include <sys/types.h>

#include <stdint.h>

#include "change.h"
#include "right.h"

/*
 * Operations of ADMIN: each looks at the control state and writes down, in a
 * change, the objects that differ afterwards.  None touches the state itself.
 */

struct op_ask {
	struct principal	 who;
	uint64_t		 vault;		/* 0 if it is about none */
	int64_t			 now;		/* seconds, wall clock */
	int			 again;		/* it was applied before: do
						   what is left, refuse
						   nothing */
	/* A refusal. */
	uint16_t		 status;
	const char		*code;
	char			 text[513];
	struct msg_blob		 result;	/* candidates of a 409 */
};

/* 0, or -1 with the refusal filled in. */
typedef int op_fn(struct op_ask *, const void *args, struct change *);

/*
 * The function of an operation, and whether it takes something away with
 * these arguments: such ones are applied before they are durable.
 */
op_fn	*op_function(unsigned int op);
int	 op_takes_away(unsigned int op, const void *args);

/* Fill in a refusal; always -1. */
int	 op_refuse(struct op_ask *, uint16_t status, const char *code,
	    const char *, ...) __attribute__((__format__(printf, 4, 5)));
int	 op_found(struct op_ask *, const void *, const char *what);

/* The vault that is asked about; NULL only for operations without one. */
struct vault	*op_vault(const struct op_ask *);

/* What others do; only the audit row is keyd's. */
op_fn	 op_recorded;

/* op_vault.c */
op_fn	 op_init, op_vault_create, op_vault_delete, op_vault_rename;
op_fn	 op_settings;	/* settings.c */
op_fn	 op_vault_settings;
void	 op_view_vault(const struct vault *, enum vault_role,
	    struct rec_view_vault *);

/* op_service.c */
op_fn	 op_service_upsert, op_service_replace, op_service_clear;
op_fn	 op_service_delete, op_service_enable;

/*
 * The service that a client means by its name or bare host.  NULL with a 404,
 * or a 409 whose result holds the candidates.
 */
struct service	*op_service_find(struct op_ask *, const struct vault *,
		    const char *ref);

/* op_credential.c */
op_fn	 op_credential_set, op_credential_delete;

/* op_agent.c */
op_fn	 op_agent_create, op_agent_revoke, op_agent_delete, op_agent_rotate;
op_fn	 op_agent_rename, op_agent_role, op_grant_set, op_grant_delete;

/* op_session.c */
op_fn	 op_session_mint, op_session_revoke;

/* op_login.c */
op_fn	 op_login_link, op_login_begin, op_login_end;

#endif /* OP_H */
