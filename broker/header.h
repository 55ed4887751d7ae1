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


#ifndef HEADER_H
#define HEADER_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "codes.h"
#include "http.h"
#include "msg.h"

/*
 * Header fields on their way through the broker: which go on, which are put
 * in, what of them the request log gets to know.  Heads are as http_parse()
 * left them.
 */

struct buf;

/*
 * Write the fields of a request to the upstream: Host, then the client's in
 * their order, then the service's.  Not among them: hop-by-hop fields and
 * those that Connection names, Proxy-*, X-Vault, what frames the body (see
 * http_write_framing()), each name that the service puts in, and on the
 * explicit ingress Authorization, which there is the broker's own.  The
 * request line before and the empty line behind are the caller's.  host is
 * header_host()'s; rule is NULL for none.  Returns 0, or -1 with errno as
 * http_write_field(): EINVAL when a credential holds what no value may.
 */
int	 header_request(struct buf *, const struct http_head *,
	    const char *host, uint8_t ingress, const struct rec_rule *);

/*
 * Write the fields of a response to the client: all but hop-by-hop, those
 * that Connection names, Proxy-*, what frames the body, what only the broker
 * may say of itself (X-Broker-Proxy-Error), and Set-Cookie, which only
 * passthrough keeps.  Returns as header_request().
 */
int	 header_response(struct buf *, const struct http_head *,
	    int passthrough);

/*
 * The Host field for an upstream, host canonical and without brackets; the
 * scheme's own port is left out.  dst has URL_AUTHORITY_MAX bytes.  Returns
 * the length, or -1.
 */
int	 header_host(char *dst, size_t, const char *host, uint16_t port,
	    int tls);

/*
 * What authentication the client itself sent, for the record: enum
 * auth_scheme, and the field's name in lower case ("" for none; size bytes,
 * 65 suffice).  On the explicit ingress Authorization does not count.
 */
uint8_t	 header_auth(const struct http_head *, uint8_t ingress, char *name,
	    size_t size);

/*
 * The trace-id of a valid traceparent (W3C Trace Context), 16 bytes: 1, or 0
 * with the bytes zero.
 */
int	 header_trace(const struct http_head *, uint8_t id[16]);

#endif /* HEADER_H */
