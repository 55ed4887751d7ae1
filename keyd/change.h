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

#ifndef CHANGE_H
#define CHANGE_H

#include <sys/types.h>

#include <stdint.h>

#include "msg.h"
#include "right.h"
#include "state.h"

/*
 * A change that is being made: the objects that it puts and deletes, what its
 * audit row says, and what the client is told.
 */

#define CHANGE_OBJECTS_MAX	1024
/* Numbers of new objects: the revision that brings them, and a count. */
#define CHANGE_ID_SHIFT		10

struct change {
	struct rec_object	*objects;	/* their bodies are ours */
	uint32_t		 n;
	uint32_t		 size;
	uint64_t		 rev;		/* for change_id() */
	uint32_t		 nids;
	int			 failed;	/* an object was too large */
	char			 detail[1025];
	uint16_t		 status;	/* of the answer, 200 or 201 */
	struct msg_blob		 result;
};

void	 change_init(struct change *, uint64_t rev);
void	 change_free(struct change *);		/* wipes */

/* A number for a new object, never used before; not for vaults. */
uint64_t change_id(struct change *);

/*
 * Add an object; one that is there already for the same kind and id is
 * replaced.  change_delete() needs the id alone.
 */
void	 change_put(struct change *, enum object_kind, const void *rec);
void	 change_delete(struct change *, enum object_kind, uint64_t id);

/* Add the objects of `from' that `to' does not have; they are moved. */
void	 change_merge(struct change *to, struct change *from);

/*
 * Deletions first, what refers to others before what is referred to; then
 * the rest the other way, so that no order of kinds breaks a reference.
 */
void	 change_sort(struct change *);

/*
 * The audit row's detail, a JSON object.  What is printed are validated
 * names and numbers, so nothing needs to be escaped.
 */
void	 change_detail(struct change *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/*
 * Add a name to a list for the detail, of JSON strings with commas between
 * them; one that does not fit is left out.
 */
void	 change_list(char *, size_t, const char *);

/* The result record of the answer. */
void	 change_result(struct change *, const struct rec_desc *,
	    const void *rec);

/* The id of an object, the first field of all of them. */
uint64_t change_object_id(const struct rec_object *);

#endif /* CHANGE_H */
