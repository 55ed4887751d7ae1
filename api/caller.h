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


#ifndef CALLER_H
#define CALLER_H

#include "client.h"
#include "link.h"
#include "request.h"

/*
 * Callers: keyd says who sends a request, and gives a handle for it, which
 * goes with each further question.  It is kept for the connection as long as
 * the same token is sent, and forgotten when keyd revokes it or does not know
 * it any more.
 */

void	 caller_setup(void);

/*
 * Find out who sends the request: request_go_on() follows, unless it was
 * answered with keyd's refusal.
 */
void	 caller_find(struct request *);

/* Whether two are the same actor: one agent, its sessions too, or one user. */
int	 caller_same(const struct caller *, const struct caller *);

/* Let go of the client's handle; keyd does not know it any more. */
void	 caller_end(struct client *);
void	 caller_lost(struct client *);

/* Handlers of WHO and REVOKE. */
void	 caller_who(struct link *, struct msg *);
void	 caller_revoke(struct link *, struct msg *);

#endif /* CALLER_H */
