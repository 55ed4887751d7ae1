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

#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "codes.h"
#include "conn.h"
#include "lease.h"

/*
 * One brokered request, from its head to the end of its answer: lease, match,
 * BEGIN, upstream, response, END.  Each request gets one BEGIN and one END,
 * also one that is refused.
 */

struct exchange;
struct serve;

#define EXCHANGE_BODY_MAX	(1024ULL * 1024 * 1024)	/* of a request */
#define EXCHANGE_IDLE_MS	(10 * 60 * 1000) /* upstream without a byte */
#define EXCHANGE_INTERIM	16	/* 1xx before the answer */

/*
 * Where a request goes.  host is canonical, without brackets; path (raw,
 * without the query) and query (with its '?') lie in the head of the
 * serve and need be valid only as long as that is.
 */
struct target {
	const char	*host;
	uint16_t	 port;
	uint8_t		 tls;
	uint8_t		 ingress;
	const char	*path;
	size_t		 pathlen;
	const char	*query;
	size_t		 querylen;
};

/*
 * Serve the request whose head is in the serve.  exchange_refuse() logs and
 * answers it, whatever its service; the lease is asked for all the same, since
 * it says how the path may be recorded.  text is static.  exchange_turn_away()
 * does not ask, and records no path: for what names no host, and for what there
 * is no time for; exchange_malformed() likewise, for a head that could not be
 * read, when it is known who sent it.
 */
void	 exchange_start(struct serve *, struct scope *, const struct target *);
void	 exchange_refuse(struct serve *, struct scope *, const struct target *,
	    enum error_code, int status, const char *text);
void	 exchange_turn_away(struct serve *, struct scope *,
	    const struct target *, enum error_code, int status,
	    const char *text);
void	 exchange_malformed(struct serve *, struct scope *,
	    const struct target *);

/* End all that run: `shutdown', and 503 or a cut answer. */
void	 exchange_stop(void);
size_t	 exchange_count(void);
uint64_t exchange_total(void);

/*
 * For serve.c: what happens at the client's connection; the last two free the
 * exchange.  A client that ends its direction is gone: it does not wait for
 * the answer any more.
 */
void	 exchange_client_read(struct exchange *);
void	 exchange_client_write(struct exchange *);
void	 exchange_client_idle(struct exchange *);
void	 exchange_client_gone(struct exchange *);
void	 exchange_drained(struct exchange *);

#endif /* EXCHANGE_H */
