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

#ifndef SERVICE_H
#define SERVICE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "state.h"

/*
 * Services: what one may look like, and its canonical form.
 */

#define SERVICE_HOST_MAX	255
#define SERVICE_PATH_MAX	256
#define SERVICE_KEY_MAX		64	/* a credential's name */
#define SERVICE_HEADERS_MAX	32	/* of a custom service */
#define SERVICE_PIECES_MAX	64	/* of a custom header's template */
#define SERVICE_SIZE_MAX	8192	/* encoded */
#define SERVICE_RULES_MAX	64	/* that can match one host */
#define SERVICE_KEYS_LEN	1100	/* all keys' names, with commas */
#define SERVICE_JOINED_SIZE	600

/* A service in canonical form, with room for its strings. */
struct service_form {
	struct rec_obj_service	 o;	/* points into what follows */
	char			 name[65];
	char			 host[SERVICE_HOST_MAX + 1];
	char			 path[SERVICE_PATH_MAX + 1];
	char			 methods[513];
	char			 key1[SERVICE_KEY_MAX + 1];
	char			 key2[SERVICE_KEY_MAX + 1];
	char			 header[257];
	char			 prefix[257];
	char			 headers[8193];
};

/* A piece of a custom header's template: a key or literal text. */
struct service_piece {
	int		 key;
	const char	*text;
	size_t		 len;
};

/*
 * Check a service as a client sent it and bring it into canonical form.  Its
 * host may be joined: host[:port][/path], unless port or path are there by
 * themselves.  An empty name passes, for service_adopt().  0, or -1 with a
 * sentence in `why'.
 */
int	 service_check(const struct rec_obj_service *, struct service_form *,
	    char *why, size_t len);

/*
 * Give a nameless service the name of the one in the vault with the same
 * host, port and path; -1 if there is none.
 */
int	 service_adopt(struct service_form *, const struct vault *);

/*
 * Check `n' services that are to be all those of a vault: how many, names
 * that come twice, more than SERVICE_RULES_MAX for a host.
 */
int	 service_list_check(const struct rec_obj_service *const *, size_t n,
	    char *why, size_t len);

/* host[:port][/path] as clients see it. */
void	 service_join(const struct rec_obj_service *, char *, size_t);

/*
 * Canonical form of a host (lower case, no trailing dot, IP literals as
 * inet_ntop(3) prints them, without brackets).  Wildcards only if asked for.
 * 0, or -1 for what is no host that a service can have.
 */
int	 service_host(const char *, size_t, int wildcard, char *, size_t);

/*
 * The names of the credentials that a service uses, each once; at most `max'
 * are stored.  Returns how many there are.
 */
size_t	 service_keys(const struct rec_obj_service *,
	    char (*)[SERVICE_KEY_MAX + 1], size_t max);
int	 service_uses(const struct rec_obj_service *, const char *key);

/*
 * The next header of a custom service: *pos from 0; 1 with name and template
 * (not NUL-terminated), or 0 at the end.
 */
int	 service_header_next(const struct rec_obj_service *, size_t *pos,
	    struct service_piece *name, struct service_piece *tpl);

/*
 * The next piece of a template: *pos from 0; 1, 0 at the end, or -1 for
 * braces that are no key.
 */
int	 service_template_next(const struct service_piece *tpl, size_t *pos,
	    struct service_piece *);

/* ^[A-Z][A-Z0-9_]*$, at most 64; a slug: 3 to 64 of a-z 0-9 -. */
int	 service_valid_key(const char *, size_t);
int	 service_valid_slug(const char *);

/* May it stand in a header: printable ASCII, tabs and bytes over 127? */
int	 service_header_safe(const char *, size_t);

#endif /* SERVICE_H */
