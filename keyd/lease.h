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

#ifndef LEASE_H
#define LEASE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "state.h"

/*
 * Leases: the rules of a vault for one host, in precedence order, with the
 * injections rendered.
 */

#define LEASE_SIZE_MAX		(96 * 1024)	/* rendered, for a host */
#define LEASE_SERVICE_MAX	(48 * 1024)	/* rendered, of a service */

/*
 * Make the rules.  host is canonical.  The list and all strings are in the
 * arena, which the caller wipes.  Returns 0, or -1 when there is no memory,
 * a credential does not open, or a bound would be passed; then nothing may
 * be served from it.
 */
int	 lease_rules(const struct vault *, const char *host, uint16_t port,
	    struct arena *, const struct rec_rule **, uint32_t *n);

/*
 * How a change would render: `length' returns the length of a credential's
 * value, or -1 if there will be none.  The size in bytes.
 */
size_t	 lease_size(const struct rec_obj_service *,
	    ssize_t (*length)(const char *key, void *), void *);

/*
 * Whether `n' services, to be all those of a vault, stay within the bounds
 * for each service and each host.  0, or -1 with a sentence in `why'.
 */
int	 lease_check(const struct rec_obj_service *const *, size_t n,
	    ssize_t (*length)(const char *key, void *), void *, char *why,
	    size_t len);

/* Whether the service puts that credential's bytes into a header raw. */
int	 lease_raw(const struct rec_obj_service *, const char *key);

/* Whether a service's host pattern covers a canonical host. */
int	 lease_covers(const struct rec_obj_service *, const char *host,
	    uint16_t port);

#endif /* LEASE_H */
