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


#ifndef DEMO_CERT_H
#define DEMO_CERT_H

/*
 * A certificate authority and one server certificate, made on the spot and
 * good for `days'.  names is a comma-separated list of DNS names and
 * addresses; the first is the subject.  What is returned is PEM text, to be
 * freed with free(3); the authority's key exists only inside the call.
 */
struct democert {
	char	*ca;
	char	*cert;
	char	*key;
};

void	 democert_make(struct democert *, const char *names, int days);

#endif /* DEMO_CERT_H */
