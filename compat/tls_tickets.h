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

#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

/*
 * Have TLS 1.3 servers send no NewSessionTicket: libretls sends two with each
 * handshake, and a session that is not offered again makes them a waste.
 * libtls has no word for that, but libssl takes defaults for every new
 * context from the library's configuration; the rest of the system's own
 * defaults (protocols, security level) is kept.
 *
 * Call it once, before the first context and before chroot(2), unveil(2) or
 * pledge(2): it reads openssl.cnf(5).  Returns 0, or -1 when libcrypto does
 * not take it; the only harm is then the waste.  LibreSSL sends no tickets.
 */
int	tls_no_tickets(void);

#endif /* TLS_TICKETS_H */
