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

#ifndef KEYD_FIX_H
#define KEYD_FIX_H

#include <stdint.h>

#include "../../keyd/state.h"

/*
 * A control state to test against, made of the same records that logd
 * sends.  Times: wall FIX_WALL seconds, monotonic FIX_MONO microseconds.
 */
#define FIX_WALL	1800000000LL
#define FIX_MONO	5000000ULL

/* Apply; the return value and errno are those of state_apply(). */
int	 fix_put(uint8_t kind, const void *rec);
int	 fix_delete(uint8_t kind, const void *rec);

void	 fix_vault(uint64_t id, const char *name);
void	 fix_vault_gone(uint64_t id, const char *name);
void	 fix_agent(uint64_t id, const char *name, uint8_t role,
	    const char *created_by);
void	 fix_grant(uint64_t id, uint64_t agent, uint64_t vault, uint8_t role);
/* hash is of the string `tok'; expires 0: never. */
void	 fix_agent_token(uint64_t id, const char *tok, uint64_t agent);
void	 fix_session(uint64_t id, const char *tok, uint64_t vault,
	    uint64_t minter, int64_t expires);
/* A service with a bearer token of that credential. */
void	 fix_service(uint64_t id, uint64_t vault, const char *name,
	    const char *host, uint16_t port, const char *path);
void	 fix_credential(uint64_t id, uint64_t vault, const char *name,
	    const char *value);
/* A record with every string empty. */
void	 fix_service_rec(struct rec_obj_service *);
/* A token's text of the given kind, filled with one digit. */
const char *fix_token_text(int kind, char digit);

#endif /* KEYD_FIX_H */
