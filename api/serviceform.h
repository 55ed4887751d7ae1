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


#ifndef SERVICEFORM_H
#define SERVICEFORM_H

#include <sys/types.h>

#include <stddef.h>

#include "json.h"
#include "msg.h"

/*
 * A service between its JSON and its record.  What a service may look like is
 * keyd's to say; here it only gets from one form into the other.
 */
struct serviceform {
	struct rec_obj_service	 o;
	char			*methods;
	char			*headers;
};

/*
 * Fill in a zeroed form from JSON; it points into the JSON.  -1 with a
 * sentence in why when there are fields that a service, or one with this
 * authentication, does not have.  The form is to be freed in any case.
 */
int	 serviceform_take(struct serviceform *, const json_t *, char *why,
	    size_t len);
void	 serviceform_free(struct serviceform *);

/* As clients see it; fields that say what is the default are left out. */
json_t	*serviceform_json(const struct rec_obj_service *);

#endif /* SERVICEFORM_H */
