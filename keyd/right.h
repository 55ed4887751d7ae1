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

#ifndef RIGHT_H
#define RIGHT_H

#include <sys/types.h>

#include <stdint.h>

#include "codes.h"
#include "state.h"
#include "token.h"

/*
 * Rights: one table of actions and what each needs.  Nobody else decides.
 */

enum principal_type {
	PRINCIPAL_LOCAL,	/* who reaches the local socket */
	PRINCIPAL_AGENT,	/* an agent by its own token */
	PRINCIPAL_SESSION,	/* a minted session: role proxy, one vault */
	PRINCIPAL_LINK,		/* who followed a link: may begin a login */
	PRINCIPAL_MAX
};

/*
 * Somebody who was authenticated.  It refers to objects by id, since they
 * may go away while it is kept.
 */
struct principal {
	enum principal_type	 type;
	uint64_t		 token;		/* 0 for local */
	uint64_t		 login;		/* in a browser, else 0 */
	uint64_t		 link;		/* of PRINCIPAL_LINK, else 0 */
	uint64_t		 agent;		/* 0 unless PRINCIPAL_AGENT */
	uint64_t		 vault;		/* a session's, else 0 */
	enum actor_type		 actor_type;	/* as it is recorded: */
	char			 actor[65];	/* UUID or local:UID */
	char			 name[65];
	char			 session[25];	/* public id, or empty */
};

/* What may be asked: a class, and in it a number of codes.h. */
enum right_class {
	RIGHT_PROXY,		/* traffic; number 0 */
	RIGHT_REVEAL,		/* credential values; number 0 */
	RIGHT_OP,		/* enum admin_op */
	RIGHT_MAY,		/* enum may_action */
	RIGHT_VIEW		/* enum view_kind */
};

/* The answer: 0, or the status and texts to refuse with. */
struct refusal {
	uint16_t	 status;
	const char	*code;
	const char	*text;
};

/*
 * May `p' do that, in vault `v' where the action is about one?  0, or -1
 * with the refusal filled in.  `v' is NULL for what concerns the instance.
 */
int	 right_check(const struct principal *, enum right_class,
	    unsigned int, const struct vault *, struct refusal *);

/*
 * What the table cannot say: managing an agent (rotate, rename, revoke,
 * delete) is for its creator or an owner, an owner-role agent is for owners.
 */
int	 right_agent(const struct principal *, const struct agent *,
	    struct refusal *);

/* The principal's role in a vault, ROLE_NONE without a grant. */
enum vault_role	 right_role(const struct principal *, const struct vault *);
/* Its role in the instance; a session has none, local counts as owner. */
enum instance_role right_instance_role(const struct principal *);

/* Whether action `n' of a class takes a vault. */
int	 right_in_vault(enum right_class, unsigned int);

/*
 * Fill in a principal: somebody at the local socket, a token's, a login's
 * (with the token it hangs on, NULL for one by link), or a link's.
 */
void	 right_local(struct principal *, uint32_t uid);
void	 right_token(struct principal *, const struct token *);

/* Its name anew, if it was renamed: 1 then. */
int	 right_renamed(struct principal *);
void	 right_login(struct principal *, const struct rec_obj_login *,
	    const struct token *);
void	 right_link(struct principal *, uint64_t link, const char *actor);

#endif /* RIGHT_H */
