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
#include <sys/queue.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imsg.h>

#include "msg.h"

#define ARENA_CHUNK	8192

struct arena_chunk {
	struct arena_chunk	*next;
	size_t			 size;
	size_t			 used;
	max_align_t		 data[];
};

/* What is left to decode. */
struct span {
	const uint8_t	*p;
	size_t		 left;
};

static int	field_encode(struct ibuf *, const struct msg_field *,
		    const void *);
static int	text_encode(struct ibuf *, const struct msg_field *,
		    const char *);
static int	text_decode(struct span *, size_t, const char **);
static int	blob_decode(struct span *, size_t, struct msg_blob *);
static int	addr_encode(struct ibuf *, const struct msg_addr *);
static int	addr_decode(struct span *, struct msg_addr *);
static int	list_encode(struct ibuf *, const struct msg_field *,
		    const uint8_t *, uint32_t);
static int	list_decode(struct span *, const struct rec_desc *, uint32_t,
		    void *, uint32_t *, struct arena *);
static const uint8_t	*span_take(struct span *, size_t);
static int	span_get(struct span *, void *, size_t);
static int	goes(const struct msg_desc *, enum proc, enum proc);
static uint64_t	hash_bytes(uint64_t, const void *, size_t);
static uint64_t	hash_number(uint64_t, uint64_t);
static uint64_t	hash_desc(uint64_t, const struct rec_desc *);

/*
 * A decoder for each structure.  A log record has some thirty fields of a few
 * bytes: to look each of them up in the table costs more than all the rest.
 */
#define U8(f)		&& span_get(sp, &o->f, sizeof(o->f)) == 0
#define U16(f)		U8(f)
#define U32(f)		U8(f)
#define U64(f)		U8(f)
#define I64(f)		U8(f)
#define FIX(f, n)	&& span_get(sp, o->f, n) == 0
#define STR(f, max)	&& text_decode(sp, max, &o->f) == 0
#define SECRET(f, max)	STR(f, max)
#define BLOB(f, max)	&& blob_decode(sp, max, &o->f) == 0
#define ADDR(f)		&& addr_decode(sp, &o->f) == 0
#define LIST(f, r, max)	&& list_decode(sp, &desc_##r, max, &o->f,	\
			    &o->f##_n, arena) == 0
#define FIELDS(kind, n, fields)						\
static int								\
decode_##kind##_##n(struct span *sp, void *obj, struct arena *arena)	\
{									\
	struct kind##_##n	*o = obj;				\
									\
	(void)o;							\
	return (1 fields ? 0 : -1);					\
}
#define RECORD(n, fields) FIELDS(rec, n, fields)
#define MESSAGE(t, n, from, to, flags, fields) FIELDS(msg, n, fields)
#include "catalogue.h"
#undef RECORD
#undef MESSAGE
#undef FIELDS
#undef U8
#undef U16
#undef U32
#undef U64
#undef I64
#undef FIX
#undef STR
#undef SECRET
#undef BLOB
#undef ADDR
#undef LIST

/*
 * The table.  Each structure's fields are returned by a function, since only
 * inside one can the offsets name "this structure".
 */
#define U8(f)		{ #f, F_U8, offsetof(self, f), 1, NULL, 0 },
#define U16(f)		{ #f, F_U16, offsetof(self, f), 2, NULL, 0 },
#define U32(f)		{ #f, F_U32, offsetof(self, f), 4, NULL, 0 },
#define U64(f)		{ #f, F_U64, offsetof(self, f), 8, NULL, 0 },
#define I64(f)		{ #f, F_I64, offsetof(self, f), 8, NULL, 0 },
#define FIX(f, n)	{ #f, F_FIX, offsetof(self, f), n, NULL, 0 },
#define STR(f, max)	{ #f, F_STR, offsetof(self, f), max, NULL, 0 },
#define SECRET(f, max)	{ #f, F_SECRET, offsetof(self, f), max, NULL, 0 },
#define BLOB(f, max)	{ #f, F_BLOB, offsetof(self, f), max, NULL, 0 },
#define ADDR(f)		{ #f, F_ADDR, offsetof(self, f), 19, NULL, 0 },
#define LIST(f, r, max)	{ #f, F_LIST, offsetof(self, f), max, &desc_##r, \
			    offsetof(self, f##_n) },
#define FIELDS(kind, n, ...)						\
static const struct msg_field *						\
fields_##kind##_##n(void)						\
{									\
	typedef struct kind##_##n self;					\
	static const struct msg_field t[] = {				\
		__VA_ARGS__						\
		{ NULL, F_U8, 0, 0, NULL, 0 }				\
	};								\
									\
	return (t);							\
}
#define RECORD(n, fields)						\
FIELDS(rec, n, fields)							\
const struct rec_desc desc_##n = {					\
	#n, sizeof(struct rec_##n), fields_rec_##n, decode_rec_##n	\
};
#define MESSAGE(t, n, from, to, flags, fields) FIELDS(msg, n, fields)
#include "catalogue.h"
#undef RECORD
#undef MESSAGE

#define RECORD(n, fields)
#define MESSAGE(t, n, from, to, flags, fields)				\
	{ { #t, sizeof(struct msg_##n), fields_msg_##n, decode_msg_##n }, \
	    MSG_##t, from, to, flags },
static const struct msg_desc table[] = {
	{ { "NONE", 0, NULL, NULL }, MSG_NONE, 0, 0, 0 },
#include "catalogue.h"
};
#undef RECORD
#undef MESSAGE

const struct msg_desc *
msg_desc(uint32_t type)
{
	if (type == MSG_NONE || type >= MSG_MAX)
		return (NULL);
	return (&table[type]);
}

static int
goes(const struct msg_desc *d, enum proc from, enum proc to)
{
	return ((d->from & PROC_BIT(from)) && (d->to & PROC_BIT(to)));
}

int
msg_linked(enum proc a, enum proc b)
{
	size_t	 i;

	for (i = 1; i < MSG_MAX; i++) {
		if (goes(&table[i], a, b) || goes(&table[i], b, a))
			return (1);
	}
	return (0);
}

int
msg_link_big(enum proc a, enum proc b)
{
	size_t	 i;

	for (i = 1; i < MSG_MAX; i++) {
		if ((table[i].flags & M_BIG) == 0)
			continue;
		if (goes(&table[i], a, b) || goes(&table[i], b, a))
			return (1);
	}
	return (0);
}

/*
 * FNV-1a is enough: the hash guards against a mixed installation, not against
 * somebody who can replace programs.
 */
static uint64_t
hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t	*p = data;
	size_t		 i;

	for (i = 0; i < len; i++) {
		h ^= p[i];
		h *= 1099511628211ULL;
	}
	return (h);
}

static uint64_t
hash_number(uint64_t h, uint64_t n)
{
	return (hash_bytes(h, &n, sizeof(n)));
}

static uint64_t
hash_desc(uint64_t h, const struct rec_desc *desc)
{
	const struct msg_field	*f;

	h = hash_bytes(h, desc->name, strlen(desc->name) + 1);
	for (f = desc->fields(); f->name != NULL; f++) {
		h = hash_bytes(h, f->name, strlen(f->name) + 1);
		h = hash_number(h, f->type);
		h = hash_number(h, f->max);
		if (f->type == F_LIST)
			h = hash_desc(h, f->rec);
	}
	return (h);
}

uint64_t
msg_hash(uint64_t h, const struct msg_desc *d)
{
	h = hash_desc(h, &d->rec);
	h = hash_number(h, d->type);
	h = hash_number(h, d->from);
	h = hash_number(h, d->to);
	return (hash_number(h, d->flags));
}

uint64_t
msg_catalogue_hash(void)
{
	static uint64_t	 h;
	size_t		 i;

	if (h != 0)
		return (h);
	h = 14695981039346656037ULL;
	for (i = 1; i < MSG_MAX; i++)
		h = msg_hash(h, &table[i]);
	/*
	 * The bodies of objects and operations are records that no message
	 * names, so they are hashed by themselves.
	 */
#define RECORD(n, fields)	h = hash_desc(h, &desc_##n);
#define MESSAGE(t, n, from, to, flags, fields)
#include "catalogue.h"
#undef RECORD
#undef MESSAGE
	return (h);
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk	*c = a->chunks;
	size_t			 need, cap;
	uint8_t			*p;

	if (size > SIZE_MAX / 2)
		return (NULL);
	need = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (c == NULL || c->size - c->used < need) {
		cap = need > ARENA_CHUNK ? need : ARENA_CHUNK;
		c = calloc(1, sizeof(*c) + cap);
		if (c == NULL)
			return (NULL);
		c->size = cap;
		c->next = a->chunks;
		a->chunks = c;
	}
	p = (uint8_t *)c->data + c->used;
	c->used += need;
	return (p);
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk	*c;

	while ((c = a->chunks) != NULL) {
		if (c->next == NULL && c->size == ARENA_CHUNK) {
			explicit_bzero(c->data, c->used);
			c->used = 0;
			return;
		}
		a->chunks = c->next;
		freezero(c, sizeof(*c) + c->size);
	}
}

void
arena_free(struct arena *a)
{
	struct arena_chunk	*c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		freezero(c, sizeof(*c) + c->size);
	}
}

static int
text_encode(struct ibuf *buf, const struct msg_field *f, const char *s)
{
	size_t	 len;

	if (s == NULL)
		s = "";
	len = strlen(s);
	if (len > f->max) {
		errno = EMSGSIZE;
		return (-1);
	}
	if (ibuf_add_h16(buf, len) == -1)
		return (-1);
	return (ibuf_add(buf, s, len + 1));
}

/* The next n bytes, or NULL. */
static const uint8_t *
span_take(struct span *sp, size_t n)
{
	const uint8_t	*p = sp->p;

	if (n > sp->left)
		return (NULL);
	sp->p += n;
	sp->left -= n;
	return (p);
}

static int
span_get(struct span *sp, void *to, size_t n)
{
	const uint8_t	*p;

	if ((p = span_take(sp, n)) == NULL)
		return (-1);
	memcpy(to, p, n);
	return (0);
}

/*
 * The NUL travels too, so that a decoded string can be used where it is; a
 * second NUL before it would make the string two things at once.
 */
static int
text_decode(struct span *sp, size_t max, const char **s)
{
	const uint8_t	*p;
	uint16_t	 len;

	if (span_get(sp, &len, sizeof(len)) == -1 || len > max ||
	    (p = span_take(sp, (size_t)len + 1)) == NULL ||
	    memchr(p, '\0', (size_t)len + 1) != p + len)
		return (-1);
	*s = (const char *)p;
	return (0);
}

static int
blob_decode(struct span *sp, size_t max, struct msg_blob *blob)
{
	blob->data = NULL;
	if (span_get(sp, &blob->len, sizeof(blob->len)) == -1 ||
	    blob->len > max)
		return (-1);
	if (blob->len > 0 && (blob->data = span_take(sp, blob->len)) == NULL)
		return (-1);
	return (0);
}

static int
addr_encode(struct ibuf *buf, const struct msg_addr *a)
{
	size_t	 len;

	if (a->af != 0 && a->af != 4 && a->af != 6) {
		errno = EINVAL;
		return (-1);
	}
	len = a->af == 0 ? 0 : a->af == 4 ? 4 : 16;
	if (ibuf_add_n8(buf, a->af) == -1)
		return (-1);
	if (len == 0)
		return (0);
	if (ibuf_add_h16(buf, a->port) == -1)
		return (-1);
	return (ibuf_add(buf, a->ip, len));
}

static int
addr_decode(struct span *sp, struct msg_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (span_get(sp, &a->af, sizeof(a->af)) == -1)
		return (-1);
	if (a->af == 0)
		return (0);
	if (a->af != 4 && a->af != 6)
		return (-1);
	if (span_get(sp, &a->port, sizeof(a->port)) == -1)
		return (-1);
	return (span_get(sp, a->ip, a->af == 4 ? 4 : 16));
}

static int
list_encode(struct ibuf *buf, const struct msg_field *f, const uint8_t *items,
    uint32_t n)
{
	uint32_t	 i;

	if (n > f->max) {
		errno = EMSGSIZE;
		return (-1);
	}
	if (ibuf_add_h32(buf, n) == -1)
		return (-1);
	for (i = 0; i < n; i++) {
		if (rec_encode(buf, f->rec, items + i * f->rec->size) == -1)
			return (-1);
	}
	return (0);
}

/*
 * Each item takes at least a byte, so a count that the message cannot hold is
 * refused before memory is spent on it.
 */
static int
list_decode(struct span *sp, const struct rec_desc *desc, uint32_t max,
    void *list, uint32_t *n, struct arena *arena)
{
	uint8_t		*items = NULL;
	uint32_t	 i;

	if (span_get(sp, n, sizeof(*n)) == -1 || *n > max || *n > sp->left)
		return (-1);
	if (*n > 0 && (items = arena_alloc(arena, *n * desc->size)) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	for (i = 0; i < *n; i++) {
		if (desc->decode(sp, items + i * desc->size, arena) == -1)
			return (-1);
	}
	memcpy(list, &items, sizeof(items));
	return (0);
}

static int
field_encode(struct ibuf *buf, const struct msg_field *f, const void *obj)
{
	const uint8_t		*p = (const uint8_t *)obj + f->off;
	const struct msg_blob	*blob;
	uint32_t		 n;

	switch (f->type) {
	case F_U8:
	case F_FIX:
		return (ibuf_add(buf, p, f->max));
	case F_U16:
	case F_U32:
	case F_U64:
	case F_I64:
		/* Host order: both ends are the same build on one machine. */
		return (ibuf_add(buf, p, f->max));
	case F_STR:
	case F_SECRET:
		return (text_encode(buf, f, *(const char *const *)p));
	case F_BLOB:
		blob = (const struct msg_blob *)p;
		if (blob->len > f->max) {
			errno = EMSGSIZE;
			return (-1);
		}
		if (ibuf_add_h32(buf, blob->len) == -1)
			return (-1);
		return (blob->len == 0 ? 0 :
		    ibuf_add(buf, blob->data, blob->len));
	case F_ADDR:
		return (addr_encode(buf, (const struct msg_addr *)p));
	case F_LIST:
		memcpy(&n, (const uint8_t *)obj + f->noff, sizeof(n));
		return (list_encode(buf, f, *(const uint8_t *const *)p, n));
	}
	errno = EINVAL;
	return (-1);
}

int
rec_encode(struct ibuf *buf, const struct rec_desc *desc, const void *obj)
{
	const struct msg_field	*f;

	for (f = desc->fields(); f->name != NULL; f++) {
		if (field_encode(buf, f, obj) == -1)
			return (-1);
	}
	return (0);
}

int
rec_from_blob(const struct msg_blob *blob, const struct rec_desc *desc,
    void *obj, struct arena *arena)
{
	struct span	 sp = { blob->data, blob->len };

	errno = 0;
	if (desc->decode(&sp, obj, arena) == 0 && sp.left == 0)
		return (0);
	if (errno != ENOMEM)
		errno = EBADMSG;
	return (-1);
}

int
rec_to_blob(const struct rec_desc *desc, const void *obj,
    struct msg_blob *blob)
{
	struct ibuf	*buf;
	uint8_t		*p;

	if ((buf = ibuf_dynamic(256, MSG_MAXSIZE)) == NULL)
		return (-1);
	if (rec_encode(buf, desc, obj) == -1 ||
	    (p = malloc(ibuf_size(buf) + 1)) == NULL) {
		ibuf_free(buf);
		return (-1);
	}
	memcpy(p, ibuf_data(buf), ibuf_size(buf));
	blob->data = p;
	blob->len = ibuf_size(buf);
	ibuf_free(buf);
	return (0);
}

void
msg_blob_free(struct msg_blob *blob)
{
	freezero((void *)(uintptr_t)blob->data, blob->len);
	blob->data = NULL;
	blob->len = 0;
}

static const struct {
	const char	*name;
	int		 trust;
} procs[PROC_MAX] = {
	[PROC_PARENT] =		{ "parent",	8 },
	[PROC_KEYD] =		{ "keyd",	7 },
	[PROC_LOGD] =		{ "logd",	6 },
	[PROC_API_LOCAL] =	{ "api-local",	5 },
	[PROC_RESOLVER] =	{ "resolver",	4 },
	[PROC_API_TCP] =	{ "api-tcp",	3 },
	[PROC_MITM] =		{ "mitm",	2 },
	[PROC_PROXY] =		{ "proxy",	1 }
};

const char *
proc_name(enum proc proc)
{
	return (proc < PROC_MAX ? procs[proc].name : "unknown");
}

int
proc_byname(const char *name)
{
	int	 i;

	for (i = 0; i < PROC_MAX; i++) {
		if (strcmp(procs[i].name, name) == 0)
			return (i);
	}
	return (-1);
}

int
proc_trust(enum proc proc)
{
	return (proc < PROC_MAX ? procs[proc].trust : 0);
}
