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


#ifndef MSG_H
#define MSG_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include <imsg.h>

/*
 * Messages between processes: the structures and numbers of catalogue.h, and
 * the one encoder and decoder for all of them.
 */

/* Processes, as they are named in argv, titles, messages and the status. */
enum proc {
	PROC_PARENT,
	PROC_KEYD,
	PROC_LOGD,
	PROC_RESOLVER,
	PROC_MITM,
	PROC_PROXY,
	PROC_API_LOCAL,
	PROC_API_TCP,
	PROC_MAX
};

#define PROC_BIT(x)	(1U << (x))
#define M_WORKERS	(PROC_BIT(PROC_PROXY) | PROC_BIT(PROC_MITM))
#define M_API		(PROC_BIT(PROC_API_LOCAL) | PROC_BIT(PROC_API_TCP))
#define M_CHILDREN	(M_WORKERS | M_API | PROC_BIT(PROC_RESOLVER) | \
			    PROC_BIT(PROC_KEYD) | PROC_BIT(PROC_LOGD))

#define FROM_PARENT	PROC_BIT(PROC_PARENT)
#define FROM_ALL	M_CHILDREN
#define FROM_WORKERS	M_WORKERS
#define FROM_PROXY	PROC_BIT(PROC_PROXY)
#define FROM_MITM	PROC_BIT(PROC_MITM)
#define FROM_RESOLVER	PROC_BIT(PROC_RESOLVER)
#define FROM_KEYD	PROC_BIT(PROC_KEYD)
#define FROM_LOGD	PROC_BIT(PROC_LOGD)
#define FROM_API	M_API
#define FROM_API_LOCAL	PROC_BIT(PROC_API_LOCAL)
#define FROM_CLIENTS	(M_WORKERS | M_API)
#define FROM_EVENTS	(M_WORKERS | PROC_BIT(PROC_KEYD))
#define TO_PARENT	PROC_BIT(PROC_PARENT)
#define TO_ALL		M_CHILDREN
#define TO_WORKERS	M_WORKERS
#define TO_EVENTS	FROM_EVENTS
#define TO_PROXY	PROC_BIT(PROC_PROXY)
#define TO_MITM		PROC_BIT(PROC_MITM)
#define TO_RESOLVER	PROC_BIT(PROC_RESOLVER)
#define TO_KEYD		PROC_BIT(PROC_KEYD)
#define TO_LOGD		PROC_BIT(PROC_LOGD)
#define TO_API		M_API
#define TO_API_LOCAL	PROC_BIT(PROC_API_LOCAL)
#define TO_CLIENTS	(M_WORKERS | M_API)
#define TO_HTTP		(M_WORKERS | M_API)
#define TO_LOGGERS	(M_WORKERS | PROC_BIT(PROC_LOGD))
#define TO_LISTENERS	(PROC_BIT(PROC_PROXY) | M_API)

#define M_FD		0x01	/* a descriptor travels with it */
#define M_BIG		0x02	/* may pass MAX_IMSGSIZE */

/* What links that carry M_BIG messages are raised to, header included. */
#define MSG_MAXSIZE	(128 * 1024)

/* Bytes inside a message; they belong to the message. */
struct msg_blob {
	const uint8_t	*data;
	uint32_t	 len;
};

/* An internet address; af is 0 (none), 4 or 6, port is in host order. */
struct msg_addr {
	uint8_t		 af;
	uint16_t	 port;
	uint8_t		 ip[16];
};

enum msg_ftype {
	F_U8,
	F_U16,
	F_U32,
	F_U64,
	F_I64,
	F_FIX,
	F_STR,
	F_SECRET,
	F_BLOB,
	F_ADDR,
	F_LIST
};

struct rec_desc;
struct arena;
struct span;

/* A field: where it is in its structure and how much of it there may be. */
struct msg_field {
	const char		*name;
	enum msg_ftype		 type;
	size_t			 off;
	uint32_t		 max;
	const struct rec_desc	*rec;		/* of a list's items */
	size_t			 noff;		/* of a list's count */
};

struct rec_desc {
	const char		*name;
	size_t			 size;
	const struct msg_field	*(*fields)(void);	/* ends with NULL */
	int			(*decode)(struct span *, void *,
				    struct arena *);	/* msg.c's own */
};

struct msg_desc {
	struct rec_desc		 rec;
	uint32_t		 type;
	uint32_t		 from;
	uint32_t		 to;
	int			 flags;
};

/* The structures, struct rec_NAME and struct msg_NAME. */
#define U8(f)			uint8_t f;
#define U16(f)			uint16_t f;
#define U32(f)			uint32_t f;
#define U64(f)			uint64_t f;
#define I64(f)			int64_t f;
#define FIX(f, n)		uint8_t f[n];
#define STR(f, max)		const char *f;
#define SECRET(f, max)		const char *f;
#define BLOB(f, max)		struct msg_blob f;
#define ADDR(f)			struct msg_addr f;
#define LIST(f, r, max)		const struct rec_##r *f; uint32_t f##_n;
#define RECORD(n, fields)	struct rec_##n { fields };
#define MESSAGE(t, n, from, to, flags, fields) struct msg_##n { fields };
#include "catalogue.h"
#undef RECORD
#undef MESSAGE
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

/* The message numbers, MSG_TYPE. */
#define RECORD(n, fields)
#define MESSAGE(t, n, from, to, flags, fields) MSG_##t,
enum msg_type {
	MSG_NONE,
#include "catalogue.h"
	MSG_MAX
};
#undef RECORD
#undef MESSAGE

/* The records' descriptions, desc_NAME. */
#define RECORD(n, fields) extern const struct rec_desc desc_##n;
#define MESSAGE(t, n, from, to, flags, fields)
#include "catalogue.h"
#undef RECORD
#undef MESSAGE

/* Any message, by its name. */
#define RECORD(n, fields)
#define MESSAGE(t, n, from, to, flags, fields) struct msg_##n n;
union msg_any {
#include "catalogue.h"
};
#undef RECORD
#undef MESSAGE

/*
 * Memory for the lists of decoded messages.  What was taken from it lives
 * until arena_reset(), which wipes and keeps one chunk, or arena_free().
 * A zeroed structure is an empty arena.
 */
struct arena_chunk;
struct arena {
	struct arena_chunk	*chunks;
};

void	*arena_alloc(struct arena *, size_t);	/* zeroed; NULL: no memory */
void	 arena_reset(struct arena *);
void	 arena_free(struct arena *);

/*
 * The description of message `type', NULL if there is no such message.
 */
const struct msg_desc	*msg_desc(uint32_t type);

/*
 * Hash over the whole catalogue: types, names, directions, fields and caps.
 */
uint64_t	 msg_catalogue_hash(void);
/* One message's share of it, continuing from h. */
uint64_t	 msg_hash(uint64_t h, const struct msg_desc *);

/* Whether any message goes from one of the two processes to the other. */
int		 msg_linked(enum proc, enum proc);
/* Whether any such message is M_BIG, so that the link needs MSG_MAXSIZE. */
int		 msg_link_big(enum proc, enum proc);

/*
 * Append the fields of `obj', a structure as `desc' describes it, to a
 * dynamic ibuf.  NULL strings go as empty ones.  Returns 0, or -1 with errno
 * EMSGSIZE when a field is over its cap, EINVAL when an address is not one,
 * or ENOMEM; the ibuf then holds a part and is of no use.
 */
int	 rec_encode(struct ibuf *, const struct rec_desc *, const void *obj);

/*
 * Decode a record that is alone in a blob.  Strings and blobs point into the
 * blob's memory, lists into the arena.  Returns 0, or -1 with errno EBADMSG
 * for anything that rec_encode() could not have written, bytes left over
 * included, or ENOMEM.
 */
int	 rec_from_blob(const struct msg_blob *, const struct rec_desc *,
	    void *obj, struct arena *);

/*
 * Encode a record into fresh memory, to be released with freezero(): blob
 * fields of messages are made so.  Returns 0 or -1 as rec_encode().
 */
int	 rec_to_blob(const struct rec_desc *, const void *obj,
	    struct msg_blob *);

/* Wipe and release what rec_to_blob() made. */
void	 msg_blob_free(struct msg_blob *);

/*
 * Names of processes: "proxy", "mitm", "api-local", ...; proc_byname()
 * returns -1 for a name that is none.
 */
const char	*proc_name(enum proc);
int		 proc_byname(const char *);

/*
 * Trust, higher is more: what a malformed message from a peer means depends
 * on whether the peer is trusted more or less than oneself.
 */
int		 proc_trust(enum proc);

#endif /* MSG_H */
