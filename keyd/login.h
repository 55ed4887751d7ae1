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

#ifndef LOGIN_H
#define LOGIN_H

#include <sys/types.h>
#include <sys/tree.h>

#include <stdint.h>

#include "change.h"
#include "msg.h"

/*
 * Logins: what the cookies of browsers stand for.  A login hangs on the token
 * that was exchanged for it, and ends with it; one by link is that of the
 * local principal.  Either ends at a time, and when it was not used for long,
 * by the earlier of both clocks.
 *
 * Use is kept here and stored from time to time: a restart may take up to
 * 1/LOGIN_STEPS of the idle time away from a login, and gives none.
 */

#define LOGIN_IDLE		(30 * 86400)	/* seconds; by a token */
#define LOGIN_TTL		(365 * 86400)
#define LOGIN_LINK_IDLE		(12 * 3600)	/* by a link */
#define LOGIN_LINK_TTL		(24 * 3600)
#define LOGIN_STEPS		24
#define LOGIN_EACH_MAX		32	/* of a token; of local */
#define LOGIN_MAX		4096	/* of all */

struct login {
	struct rec_obj_login	 o;
	struct msg_blob		 body;
	int64_t			 used;		/* seconds, wall clock */
	int64_t			 noted;		/* what was to be stored */
	uint64_t		 deadline;	/* monotonic us */
	uint64_t		 idle_end;	/* likewise */
	RB_ENTRY(login)		 id_entry;
	RB_ENTRY(login)		 hash_entry;
};

/*
 * state_apply() of logins: `wall' seconds and `mono' microseconds are now.  A
 * login whose token is gone is taken too, to be deleted as one that has
 * ended.  0, or -1 with errno EBADMSG, EEXIST or ENOMEM.
 */
int		 login_put(const struct rec_object *, int64_t wall,
		    uint64_t mono);
int		 login_delete(const struct rec_object *);
void		 login_free_all(void);

struct login	*login_find(uint64_t);
struct login	*login_hashed(const uint8_t *);

/* In the order of their ids, youngest first; NULL: begin, or the end. */
struct login	*login_next(const struct login *);

/* Whether it has not ended, nor what it hangs on. */
int		 login_alive(const struct login *, int64_t wall,
		    uint64_t mono);

/* It is used now. */
void		 login_use(struct login *, int64_t wall, uint64_t mono);

/*
 * How many hang on a token (0: on none), and of those the one that was not
 * used for the longest time.
 */
unsigned int	 login_count(uint64_t token, const struct login **);
unsigned int	 login_total(void);

/* Whether the use of any is to be stored; and add to a change what is. */
int		 login_due(void);
void		 login_store(struct change *);

#endif /* LOGIN_H */
