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

#ifndef RESOLVE_H
#define RESOLVE_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stdint.h>

#include "codes.h"
#include "msg.h"

/*
 * The client of the resolver: names, and IP literals too, to addresses that
 * policy allows.  The addresses in an answer are those that were checked, so
 * they and no others are dialled.  Nothing is kept here; the resolver has the
 * cache.
 */

#define RESOLVE_PENDING	4096	/* unanswered; more are RESOLVE_BUSY */
#define RESOLVE_ADDRS	16	/* of an answer; more are not looked at */

struct resolve;

/*
 * An answer, valid during the callback: result is enum resolve_result, and
 * only with RESOLVE_OK is n not 0.
 */
struct resolved {
	int				 result;
	const char			*text;	/* why not, a sentence */
	const struct sockaddr_storage	*addrs;
	size_t				 n;
};

/*
 * Ask for a host (canonical, url_host()) and port on behalf of a vault, 0 for
 * none.  The callback runs once, from the event loop or, when nothing can be
 * asked, from within this call, which then returns NULL; else the handle is
 * good for resolve_cancel() until the callback runs.
 */
struct resolve	*resolve_ask(uint64_t vault, const char *host, uint16_t port,
		    void (*)(const struct resolved *, void *), void *);
void		 resolve_cancel(struct resolve *);	/* NULL is allowed */

/* Unanswered questions. */
unsigned int	 resolve_pending(void);

/*
 * For the tables of links: RESOLVE_HANDLERS in the handlers of
 * PROC_RESOLVER, and resolve_closed() as its closed function: what was asked
 * on that link is answered RESOLVE_FAILED.
 */
#define RESOLVE_HANDLERS	{ MSG_ADDRS, resolve_msg_addrs }

struct link;
struct msg;
void	 resolve_msg_addrs(struct link *, struct msg *);
void	 resolve_closed(struct link *);

#endif /* RESOLVE_H */
