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

#ifndef EXCHANGEVAR_H
#define EXCHANGEVAR_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

#include "buf.h"
#include "exchange.h"
#include "http.h"
#include "lease.h"
#include "logstream.h"
#include "match.h"
#include "msg.h"
#include "stream.h"
#include "upstream.h"

/*
 * What exchange.c (who may, what is logged, how it ends) and relay.c (bytes
 * to and from the upstream) share with one another only.
 */

/* Why it is refused; code ERROR_NONE for nothing. */
struct refusal {
	enum error_code	 code;
	int		 status;
	const char	*text;		/* static, or in the exchange */
};

struct exchange {
	TAILQ_ENTRY(exchange)	 entry;
	struct serve		*serve;
	struct scope		*scope;
	struct ask		*asking;
	struct lease_user	 user;
	struct logrec		 rec;
	struct msg_end		 end;		/* filled in on the way */
	uint8_t			 id[16];
	uint64_t		 start;		/* monotonic, us */
	size_t			 unsent;	/* of the answer, for ever */
	uint64_t		 head_end;	/* of conn_sent(), behind it */
	int			 begun;		/* it has its BEGIN */

	char			 host[256];
	uint16_t		 port;
	uint8_t			 tls;
	uint8_t			 ingress;
	enum http_method	 method;
	enum http_framing	 framing;	/* of the request */
	uint64_t		 length;
	int			 version;	/* the client's */
	int			 passthrough;
	struct target		 target;	/* while the head is there */
	struct match		 match;		/* likewise */
	struct refusal		 refusal;
	char			 text[512];	/* of it */

	/* relay.c */
	struct buf		 request;	/* head for the upstream */
	struct upstream		*up;
	struct upstream		*opening;
	struct pump		 upload;
	struct pump		 download;
	struct http_head	 head;		/* of the response */
	struct http_limits	 limits;
	struct http_field	*fields;
	unsigned int		 interim;
	int			 tries;
	int			 uploading;	/* its body has been begun */
	int			 uploaded;	/* the request is sent whole */
	int			 broken;	/* the upstream takes no more */
	int			 answered;	/* the response's head is out */
	int			 reusable;	/* says the response's head */
};

/*
 * exchange.c.  exchange_fail() answers with an error or, when a response has
 * begun, cuts it; exchange_answered() says that it is in the output whole.
 * Both may free x.
 */
void	 exchange_fail(struct exchange *, enum error_code, int, const char *);
void	 exchange_answered(struct exchange *);

/*
 * relay.c.  relay_start() gets a connection and sends the request;
 * relay_free() lets go of everything that is the upstream's.
 */
void	 relay_start(struct exchange *);
void	 relay_free(struct exchange *);

#endif /* EXCHANGEVAR_H */
