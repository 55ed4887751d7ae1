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

#ifndef AUTH_H
#define AUTH_H

#include <sys/types.h>

#include <stdint.h>

#include "codes.h"
#include "notice.h"
#include "right.h"
#include "state.h"

/*
 * Authentication: which vault a token and a hint lead to, and how often an
 * address may fail.
 */

#define AUTH_FAILURES	50		/* failed authentications */
#define AUTH_WINDOW	300		/* in so many seconds */
#define AUTH_ADDRS_MAX	4096		/* addresses that are remembered */

/* Whom a token belongs to, and what it leads to. */
struct auth {
	struct token	*token;
	struct vault	*vault;
	enum event_code	 event;		/* what a refusal is recorded as */
	uint64_t	 event_vault;	/* and where: 0, the instance log */
};

/*
 * Authenticate a proxy client: a token and a vault's name or "".  Returns 0,
 * or -1 with the refusal of the table in brokerd(8): 407, 403, 404 or 400.
 */
int	 auth_proxy(const char *token, const char *hint, int64_t wall,
	    uint64_t mono, struct auth *, struct refusal *);

#define AUTH_DETAIL	NOTICE_DETAIL

/*
 * What the log says of a refusal, as a JSON object: how it came (an ingress
 * or "api"), why it was refused, and who it was, or, of a token that is none
 * here, what it looked like, never more of it.  There are few different ones,
 * for they are counted by that.
 */
void	 auth_detail(char buf[AUTH_DETAIL], const char *way,
	    const char *token, const struct token *, const struct refusal *);

/* The living token that a string is, or NULL. */
struct token *auth_token(const char *, int64_t wall, uint64_t mono);

/*
 * Whether what somebody was authenticated by is still there and has not
 * ended: a login, a token, or for the local socket nothing at all.
 */
int	 auth_good(const struct principal *, int64_t wall, uint64_t mono);

/*
 * The window of failures, by address (IPv6: by /64).  now is monotonic
 * seconds.  Loopback and no address at all are never counted or blocked.  When
 * the table is full, the address whose last failure is the oldest is
 * forgotten.  auth_blocked() fills in a 429 and returns 1.
 */
int	 auth_blocked(const struct msg_addr *, uint64_t now,
	    struct refusal *);
void	 auth_failed(const struct msg_addr *, uint64_t now);
unsigned int auth_addrs(void);
void	 auth_free(void);

#endif /* AUTH_H */
