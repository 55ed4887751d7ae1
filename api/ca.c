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


#include <sys/types.h>

#include "keyd.h"
#include "reply.h"
#include "route.h"

static void	pem(struct request *, struct msg *);

static void
pem(struct request *req, struct msg *m)
{
	const struct msg_ca	*ca = &m->u.ca;

	if (keyd_refused(req, ca->status, "unavailable",
	    "There is no certificate yet"))
		return;
	reply_pem(req, ca->pem.data, ca->pem.len);
}

void
ca_get(struct request *req)
{
	if (request_no_fields(req) == 0)
		keyd_ca(req, pem);
}
