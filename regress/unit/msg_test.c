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

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <imsg.h>

#include "codes.h"
#include "msg.h"

/*
 * The tests know no message by name: contents, caps and what is wrong are
 * derived from the table.
 */
#define RANDOM_ROUNDS	20

static const struct rec_desc *const records[] = {
#define RECORD(n, fields)	&desc_##n,
#define MESSAGE(t, n, from, to, flags, fields)
#include "catalogue.h"
#undef RECORD
#undef MESSAGE
};
#define NRECORDS	(sizeof(records) / sizeof(records[0]))

typedef void	(*each_fn)(const struct rec_desc *);

static void	 each(each_fn);
static void	 fill(const struct rec_desc *, void *, struct arena *);
static void	 fill_text(const struct msg_field *, void *, struct arena *);
static void	 same(const struct rec_desc *, const void *, const void *);
static size_t	 least(const struct msg_field *);
static void	 round_trip(const struct rec_desc *);
static void	 truncated(const struct rec_desc *);
static void	 over_cap(const struct rec_desc *);
static void	 at_cap(const struct rec_desc *);
static void	 crafted(const struct rec_desc *);
static int	 decodes(const struct rec_desc *, const void *, size_t);

static void
each(each_fn fn)
{
	size_t	 i;

	for (i = 1; i < MSG_MAX; i++)
		fn(&msg_desc(i)->rec);
	for (i = 0; i < NRECORDS; i++)
		fn(records[i]);
}

static void *
zeroed(size_t n, size_t size)
{
	void	*p = calloc(n, size);

	assert_non_null(p);
	return (p);
}

/* Now and then as long as can be, mostly short. */
static void
fill_text(const struct msg_field *f, void *at, struct arena *a)
{
	struct msg_blob	*blob = at;
	uint32_t	 len, i;
	uint8_t		*p;

	len = arc4random_uniform((f->max < 40 ? f->max : 40) + 1);
	if (f->max < 600 && arc4random_uniform(4) == 0)
		len = f->max;
	assert_non_null(p = arena_alloc(a, len + 1));
	for (i = 0; i < len; i++)
		p[i] = 1 + arc4random_uniform(255);
	if (f->type != F_BLOB) {
		*(const char **)at = (const char *)p;
		return;
	}
	blob->data = len == 0 ? NULL : p;
	blob->len = len;
}

static void
fill(const struct rec_desc *desc, void *obj, struct arena *a)
{
	const struct msg_field	*f;
	struct msg_addr		*addr;
	uint8_t			*at, *items;
	uint32_t		 i, n;

	for (f = desc->fields(); f->name != NULL; f++) {
		at = (uint8_t *)obj + f->off;
		switch (f->type) {
		case F_STR:
		case F_SECRET:
		case F_BLOB:
			fill_text(f, at, a);
			break;
		case F_ADDR:
			addr = (struct msg_addr *)at;
			addr->af = "\0\4\6"[arc4random_uniform(3)];
			if (addr->af == 0)
				break;
			addr->port = arc4random();
			arc4random_buf(addr->ip, addr->af == 4 ? 4 : 16);
			break;
		case F_LIST:
			n = arc4random_uniform(f->max < 3 ? f->max + 1 : 4);
			items = arena_alloc(a, n * f->rec->size + 1);
			assert_non_null(items);
			for (i = 0; i < n; i++)
				fill(f->rec, items + i * f->rec->size, a);
			memcpy(at, &items, sizeof(items));
			memcpy((uint8_t *)obj + f->noff, &n, sizeof(n));
			break;
		default:
			arc4random_buf(at, f->max);
		}
	}
}

static void
same(const struct rec_desc *desc, const void *x, const void *y)
{
	const struct msg_field	*f;
	const struct msg_blob	*b, *c;
	const uint8_t		*p, *q, *pi, *qi;
	uint32_t		 i, n, m;

	for (f = desc->fields(); f->name != NULL; f++) {
		p = (const uint8_t *)x + f->off;
		q = (const uint8_t *)y + f->off;
		switch (f->type) {
		case F_STR:
		case F_SECRET:
			assert_string_equal(*(const char *const *)p,
			    *(const char *const *)q);
			break;
		case F_BLOB:
			b = (const struct msg_blob *)p;
			c = (const struct msg_blob *)q;
			assert_int_equal(b->len, c->len);
			if (b->len > 0)
				assert_memory_equal(b->data, c->data, b->len);
			break;
		case F_LIST:
			memcpy(&n, (const uint8_t *)x + f->noff, sizeof(n));
			memcpy(&m, (const uint8_t *)y + f->noff, sizeof(m));
			assert_int_equal(n, m);
			memcpy(&pi, p, sizeof(pi));
			memcpy(&qi, q, sizeof(qi));
			for (i = 0; i < n; i++)
				same(f->rec, pi + i * f->rec->size,
				    qi + i * f->rec->size);
			break;
		case F_ADDR:
			assert_memory_equal(p, q, sizeof(struct msg_addr));
			break;
		default:
			assert_memory_equal(p, q, f->max);
		}
	}
}

static void
round_trip(const struct rec_desc *desc)
{
	struct arena	 a = { NULL }, b = { NULL };
	struct msg_blob	 blob, again;
	void		*obj, *copy;
	int		 i;

	obj = zeroed(1, desc->size);
	copy = zeroed(1, desc->size);
	for (i = 0; i < RANDOM_ROUNDS; i++) {
		memset(obj, 0, desc->size);
		fill(desc, obj, &a);
		assert_int_equal(rec_to_blob(desc, obj, &blob), 0);
		assert_int_equal(rec_from_blob(&blob, desc, copy, &b), 0);
		same(desc, obj, copy);
		assert_int_equal(rec_to_blob(desc, copy, &again), 0);
		assert_int_equal(blob.len, again.len);
		assert_memory_equal(blob.data, again.data, blob.len);
		msg_blob_free(&blob);
		msg_blob_free(&again);
		arena_reset(&a);
		arena_reset(&b);
	}
	arena_free(&a);
	arena_free(&b);
	free(obj);
	free(copy);
}

/* From memory of just that size, so that a read past it is seen. */
static int
decodes(const struct rec_desc *desc, const void *data, size_t len)
{
	struct arena	 a = { NULL };
	struct msg_blob	 blob;
	uint8_t		*exact;
	void		*obj;
	int		 n, saved;

	exact = malloc(len == 0 ? 1 : len);
	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, data, len);
	blob.data = exact;
	blob.len = len;
	obj = zeroed(1, desc->size);
	errno = 0;
	n = rec_from_blob(&blob, desc, obj, &a);
	saved = errno;
	arena_free(&a);
	free(exact);
	free(obj);
	if (n == -1)
		assert_int_equal(saved, EBADMSG);
	return (n == 0);
}

static void
truncated(const struct rec_desc *desc)
{
	struct arena	 a = { NULL };
	struct msg_blob	 blob;
	uint8_t		*more;
	uint32_t	 i, step;
	void		*obj;

	obj = zeroed(1, desc->size);
	fill(desc, obj, &a);
	assert_int_equal(rec_to_blob(desc, obj, &blob), 0);
	step = blob.len > 2000 ? 7 : 1;
	for (i = 0; i < blob.len; i += step)
		assert_false(decodes(desc, blob.data, i));
	more = zeroed(1, blob.len + 1);
	memcpy(more, blob.data, blob.len);
	assert_true(decodes(desc, more, blob.len));
	assert_false(decodes(desc, more, blob.len + 1));
	free(more);
	msg_blob_free(&blob);
	arena_free(&a);
	free(obj);
}

/* Encode with one field of n bytes or items, everything else empty. */
static int
encode_with(const struct rec_desc *desc, const struct msg_field *f, uint32_t n)
{
	struct ibuf	*buf;
	struct msg_blob	*blob;
	uint8_t		*obj, *p;
	int		 r, saved;

	obj = zeroed(1, desc->size);
	p = zeroed(n + 1, f->type == F_LIST ? f->rec->size : 1);
	if (f->type == F_STR || f->type == F_SECRET)
		memset(p, 'x', n);
	if (f->type == F_BLOB) {
		blob = (struct msg_blob *)(obj + f->off);
		blob->data = p;
		blob->len = n;
	} else
		memcpy(obj + f->off, &p, sizeof(p));
	if (f->type == F_LIST)
		memcpy(obj + f->noff, &n, sizeof(n));
	assert_non_null(buf = ibuf_dynamic(64, 64 * 1024 * 1024));
	r = rec_encode(buf, desc, obj);
	saved = errno;
	ibuf_free(buf);
	free(p);
	free(obj);
	errno = saved;
	return (r);
}

static int
has_cap(const struct msg_field *f)
{
	return (f->type == F_STR || f->type == F_SECRET ||
	    f->type == F_BLOB || f->type == F_LIST);
}

static void
over_cap(const struct rec_desc *desc)
{
	const struct msg_field	*f;

	for (f = desc->fields(); f->name != NULL; f++) {
		if (!has_cap(f))
			continue;
		assert_int_equal(encode_with(desc, f, f->max + 1), -1);
		assert_int_equal(errno, EMSGSIZE);
	}
}

static void
at_cap(const struct rec_desc *desc)
{
	const struct msg_field	*f;

	for (f = desc->fields(); f->name != NULL; f++) {
		if (has_cap(f))
			assert_int_equal(encode_with(desc, f, f->max), 0);
	}
}

/* What an empty field takes: zeros in every case. */
static size_t
least(const struct msg_field *f)
{
	switch (f->type) {
	case F_STR:
	case F_SECRET:
		return (3);
	case F_BLOB:
	case F_LIST:
		return (4);
	case F_ADDR:
		return (1);
	default:
		return (f->max);
	}
}

static size_t
least_all(const struct msg_field *f)
{
	size_t	 sum = 0;

	for (; f->name != NULL; f++)
		sum += least(f);
	return (sum);
}

/* All fields empty, but `len' bytes of `data' in the place of one. */
static int
decodes_with(const struct rec_desc *desc, const struct msg_field *f,
    const void *data, size_t len)
{
	const struct msg_field	*g;
	size_t			 before = 0, all;
	uint8_t			*buf;
	int			 r;

	for (g = desc->fields(); g != f; g++)
		before += least(g);
	all = before + len + least_all(f + 1);
	buf = zeroed(1, all + 1);
	memcpy(buf + before, data, len);
	r = decodes(desc, buf, all);
	free(buf);
	return (r);
}

static void
crafted_text(const struct rec_desc *desc, const struct msg_field *f)
{
	uint8_t		*p;
	uint16_t	 n;

	/* Over the cap, with every byte there. */
	p = zeroed(1, f->max + 4);
	n = f->max + 1;
	memcpy(p, &n, sizeof(n));
	memset(p + 2, 'x', n);
	if (f->max < UINT16_MAX)
		assert_false(decodes_with(desc, f, p, n + 3));
	n = f->max;
	memcpy(p, &n, sizeof(n));
	p[2 + n] = '\0';
	assert_true(decodes_with(desc, f, p, n + 3));
	/* Without its NUL, and with two of them. */
	n = 1;
	memcpy(p, &n, sizeof(n));
	memcpy(p + 2, "ab", 2);
	assert_false(decodes_with(desc, f, p, 4));
	memcpy(p + 2, "\0", 2);
	assert_false(decodes_with(desc, f, p, 4));
	free(p);
}

static void
crafted_count(const struct rec_desc *desc, const struct msg_field *f)
{
	size_t		 item = f->type == F_LIST ?
	    least_all(f->rec->fields()) : 1;
	uint32_t	 n = f->max + 1;
	uint8_t		*p;

	p = zeroed(n, item + 4);
	memcpy(p, &n, sizeof(n));
	assert_false(decodes_with(desc, f, p, 4 + n * item));
	n = UINT32_MAX;
	memcpy(p, &n, sizeof(n));
	assert_false(decodes_with(desc, f, p, 4));
	n = 1;
	memcpy(p, &n, sizeof(n));
	assert_true(decodes_with(desc, f, p, 4 + item));
	free(p);
}

static void
crafted(const struct rec_desc *desc)
{
	const struct msg_field	*f;
	uint8_t			 af[19] = { 5 };

	assert_true(decodes_with(desc, desc->fields(), "\0\0\0\0\0\0\0\0"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	    least(desc->fields())));
	for (f = desc->fields(); f->name != NULL; f++) {
		if (f->type == F_STR || f->type == F_SECRET)
			crafted_text(desc, f);
		else if (f->type == F_BLOB || f->type == F_LIST)
			crafted_count(desc, f);
		else if (f->type == F_ADDR)
			assert_false(decodes_with(desc, f, af, sizeof(af)));
	}
}

static void
test_round_trip(void **state)
{
	each(round_trip);
}

static void
test_truncated(void **state)
{
	each(truncated);
}

static void
test_caps(void **state)
{
	each(over_cap);
	each(at_cap);
}

static void
test_crafted(void **state)
{
	each(crafted);
}

/* A text is at most what its length can say. */
static void
text_fits(const struct rec_desc *desc)
{
	const struct msg_field	*f;

	for (f = desc->fields(); f->name != NULL; f++) {
		if (f->type == F_STR || f->type == F_SECRET)
			assert_true(f->max < UINT16_MAX);
		else
			assert_true(f->max < MSG_MAXSIZE);
	}
}

/* The size of a record with every field at its cap. */
static size_t
most(const struct rec_desc *desc)
{
	const struct msg_field	*f;
	size_t			 sum = 0;

	for (f = desc->fields(); f->name != NULL; f++) {
		if (f->type == F_LIST)
			sum += 4 + f->max * most(f->rec);
		else if (f->type == F_BLOB)
			sum += 4 + f->max;
		else if (f->type == F_STR || f->type == F_SECRET)
			sum += 3 + f->max;
		else
			sum += f->max;
	}
	return (sum);
}

/* Every message has a sender and a receiver, and nobody talks to himself. */
static void
test_directions(void **state)
{
	const struct msg_desc	*d;
	uint32_t		 i;
	int			 a, b;

	each(text_fits);
	for (i = 1; i < MSG_MAX; i++) {
		d = msg_desc(i);
		assert_int_equal(d->type, i);
		assert_true(d->from != 0 && d->to != 0);
		assert_int_equal(d->from & d->to, 0);
		/* Only a big one may not fit for its size. */
		if ((d->flags & M_BIG) == 0)
			assert_true(most(&d->rec) <=
			    MAX_IMSGSIZE - IMSG_HEADER_SIZE);
	}
	assert_null(msg_desc(MSG_NONE));
	assert_null(msg_desc(MSG_MAX));
	for (a = 0; a < PROC_MAX; a++) {
		assert_false(msg_linked(a, a));
		for (b = 0; b < PROC_MAX; b++) {
			assert_int_equal(msg_linked(a, b), msg_linked(b, a));
			if (!msg_linked(a, b))
				assert_false(msg_link_big(a, b));
			if (a != b)
				assert_int_not_equal(proc_trust(a),
				    proc_trust(b));
		}
	}
}

/* The links of the design, and no other. */
static void
test_links(void **state)
{
	static const struct {
		enum proc	 a;
		uint32_t	 with;
	} links[] = {
		{ PROC_PARENT, M_CHILDREN },
		{ PROC_KEYD, M_WORKERS | M_API | PROC_BIT(PROC_LOGD) },
		{ PROC_LOGD, M_WORKERS | M_API | PROC_BIT(PROC_KEYD) },
		{ PROC_RESOLVER, M_WORKERS },
		{ PROC_MITM, PROC_BIT(PROC_PROXY) | PROC_BIT(PROC_KEYD) |
		    PROC_BIT(PROC_LOGD) | PROC_BIT(PROC_RESOLVER) },
		{ PROC_API_LOCAL, PROC_BIT(PROC_KEYD) | PROC_BIT(PROC_LOGD) },
		{ PROC_API_TCP, PROC_BIT(PROC_KEYD) | PROC_BIT(PROC_LOGD) }
	};
	size_t	 i;
	int	 b;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		for (b = PROC_KEYD; b < PROC_MAX; b++)
			assert_int_equal(msg_linked(links[i].a, b),
			    (links[i].with & PROC_BIT(b)) != 0);
	}
}

static const struct msg_field *
other_fields(void)
{
	static const struct msg_field	 fields[] = {
		{ "gen", F_U32, 0, 4, NULL, 0 },
		{ "more", F_U8, 4, 1, NULL, 0 },
		{ NULL, F_U8, 0, 0, NULL, 0 }
	};

	return (fields);
}

static const struct msg_field *
other_cap(void)
{
	static const struct msg_field	 fields[] = {
		{ "gen", F_U32, 0, 8, NULL, 0 },
		{ NULL, F_U8, 0, 0, NULL, 0 }
	};

	return (fields);
}

static const struct msg_field *
other_name(void)
{
	static const struct msg_field	 fields[] = {
		{ "gun", F_U32, 0, 4, NULL, 0 },
		{ NULL, F_U8, 0, 0, NULL, 0 }
	};

	return (fields);
}

static const struct msg_field *
other_type(void)
{
	static const struct msg_field	 fields[] = {
		{ "gen", F_FIX, 0, 4, NULL, 0 },
		{ NULL, F_U8, 0, 0, NULL, 0 }
	};

	return (fields);
}

static void
test_hash(void **state)
{
	struct rec_desc		 others[] = {
		{ "CONF_START", 4, other_fields, NULL },
		{ "CONF_START", 4, other_cap, NULL },
		{ "CONF_START", 4, other_name, NULL },
		{ "CONF_START", 4, other_type, NULL }
	};
	struct msg_desc		 d = *msg_desc(MSG_CONF_START);
	uint64_t		 h = msg_hash(1, &d);
	size_t			 i;

	assert_int_equal(msg_catalogue_hash(), msg_catalogue_hash());
	assert_int_not_equal(msg_catalogue_hash(), 0);
	assert_int_equal(h, msg_hash(1, msg_desc(MSG_CONF_START)));
	assert_int_not_equal(h, msg_hash(2, &d));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		d.rec = others[i];
		assert_int_not_equal(h, msg_hash(1, &d));
	}
	d = *msg_desc(MSG_CONF_START);
	d.rec.name = "CONF_STARTED";
	assert_int_not_equal(h, msg_hash(1, &d));
	d = *msg_desc(MSG_CONF_START);
	d.type++;
	assert_int_not_equal(h, msg_hash(1, &d));
	d = *msg_desc(MSG_CONF_START);
	d.from ^= PROC_BIT(PROC_KEYD);
	assert_int_not_equal(h, msg_hash(1, &d));
	d = *msg_desc(MSG_CONF_START);
	d.to ^= PROC_BIT(PROC_KEYD);
	assert_int_not_equal(h, msg_hash(1, &d));
	d = *msg_desc(MSG_CONF_START);
	d.flags ^= M_FD;
	assert_int_not_equal(h, msg_hash(1, &d));
}

static void
test_arena(void **state)
{
	struct arena	 a = { NULL };
	uint8_t		*p, *q;
	size_t		 i;

	assert_non_null(p = arena_alloc(&a, 1));
	assert_non_null(q = arena_alloc(&a, 100000));
	for (i = 0; i < 100000; i++)
		assert_int_equal(q[i], 0);
	memset(p, 'x', 1);
	memset(q, 'x', 100000);
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_reset(&a);
	/* The chunk that is kept is as good as new. */
	assert_non_null(q = arena_alloc(&a, 1));
	assert_ptr_equal(p, q);
	assert_int_equal(*q, 0);
	arena_free(&a);
	assert_null(a.chunks);
}

static void
test_names(void **state)
{
	int	 i;

	for (i = 0; i < PROC_MAX; i++)
		assert_int_equal(proc_byname(proc_name(i)), i);
	assert_int_equal(proc_byname("nobody"), -1);
	assert_string_equal(proc_name(PROC_MAX), "unknown");
	assert_int_equal(kind_by("gap"), KIND_GAP);
	assert_int_equal(decision_by(""), -1);
	assert_string_equal(error_name(ERROR_MAX), "unknown");
	for (i = 0; i < OBJ_MAX; i++)
		assert_non_null(object_desc(i));
	assert_null(object_desc(OBJ_MAX));
	for (i = 0; i < OP_MAX; i++)
		assert_non_null(op_desc(i));
	assert_null(op_desc(OP_MAX));
	for (i = 0; i < VIEW_MAX; i++)
		assert_non_null(view_desc(i));
	assert_null(view_desc(VIEW_MAX));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_crafted),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_names)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
