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

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "codes.h"
#include "log.h"

static void	add(struct change *, struct rec_object *);
static int	compare(const void *, const void *);

void
change_init(struct change *c, uint64_t rev)
{
	memset(c, 0, sizeof(*c));
	c->rev = rev;
	c->status = 200;
}

void
change_free(struct change *c)
{
	uint32_t	 i;

	for (i = 0; i < c->n; i++)
		msg_blob_free(&c->objects[i].body);
	free(c->objects);
	msg_blob_free(&c->result);
	memset(c, 0, sizeof(*c));
}

uint64_t
change_id(struct change *c)
{
	return ((c->rev << CHANGE_ID_SHIFT) + c->nids++);
}

uint64_t
change_object_id(const struct rec_object *o)
{
	uint64_t	 id = 0;

	if (o->body.len >= sizeof(id))
		memcpy(&id, o->body.data, sizeof(id));
	return (id);
}

/* Takes the body over. */
static void
add(struct change *c, struct rec_object *o)
{
	struct rec_object	*p;
	uint32_t		 i, size;

	for (i = 0; i < c->n; i++) {
		p = &c->objects[i];
		if (p->kind == o->kind &&
		    change_object_id(p) == change_object_id(o)) {
			msg_blob_free(&p->body);
			*p = *o;
			return;
		}
	}
	if (c->n == CHANGE_OBJECTS_MAX) {
		msg_blob_free(&o->body);
		c->failed = 1;
		return;
	}
	if (c->n == c->size) {
		size = c->size == 0 ? 16 : c->size * 2;
		p = reallocarray(c->objects, size, sizeof(*p));
		if (p == NULL)
			fatal("change");
		c->objects = p;
		c->size = size;
	}
	c->objects[c->n++] = *o;
}

void
change_put(struct change *c, enum object_kind kind, const void *rec)
{
	struct rec_object	 o;

	memset(&o, 0, sizeof(o));
	o.kind = kind;
	o.op = OBJECT_PUT;
	if (rec_to_blob(object_desc(kind), rec, &o.body) == -1) {
		c->failed = 1;
		return;
	}
	add(c, &o);
}

void
change_delete(struct change *c, enum object_kind kind, uint64_t id)
{
	union {
		struct rec_obj_agent		 agent;
		struct rec_obj_token		 token;
		struct rec_obj_grant		 grant;
		struct rec_obj_service		 service;
		struct rec_obj_credential	 credential;
		struct rec_obj_login		 login;
		uint64_t			 id;
	} rec;
	struct rec_object	 o;

	memset(&rec, 0, sizeof(rec));
	memset(&o, 0, sizeof(o));
	rec.id = id;
	o.kind = kind;
	o.op = OBJECT_DELETE;
	if (rec_to_blob(object_desc(kind), &rec, &o.body) == -1)
		fatal("change");
	add(c, &o);
}

void
change_merge(struct change *to, struct change *from)
{
	struct rec_object	*o;
	uint32_t		 i, k;

	for (i = 0; i < from->n; i++) {
		o = &from->objects[i];
		for (k = 0; k < to->n; k++) {
			if (to->objects[k].kind == o->kind &&
			    change_object_id(&to->objects[k]) ==
			    change_object_id(o))
				break;
		}
		if (k < to->n)
			continue;
		add(to, o);
		memset(o, 0, sizeof(*o));
	}
}

static int
compare(const void *x, const void *y)
{
	const struct rec_object	*a = x, *b = y;

	if (a->op != b->op)
		return (a->op == OBJECT_DELETE ? -1 : 1);
	if (a->kind == b->kind)
		return (0);
	return ((a->op == OBJECT_DELETE) == (a->kind > b->kind) ? -1 : 1);
}

void
change_sort(struct change *c)
{
	if (c->n > 1)
		qsort(c->objects, c->n, sizeof(c->objects[0]), compare);
}

void
change_detail(struct change *c, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
	/* Half an object would be no JSON. */
	if (n < 0 || (size_t)n >= sizeof(c->detail))
		(void)strlcpy(c->detail, "{}", sizeof(c->detail));
}

void
change_list(char *list, size_t size, const char *name)
{
	const size_t	 n = strlen(list);

	/* A comma, two quotes and the NUL. */
	if (n + strlen(name) + 4 > size)
		return;
	(void)snprintf(list + n, size - n, "%s\"%s\"", n > 0 ? "," : "",
	    name);
}

void
change_result(struct change *c, const struct rec_desc *desc, const void *rec)
{
	msg_blob_free(&c->result);
	if (rec_to_blob(desc, rec, &c->result) == -1)
		fatal("result");
}
