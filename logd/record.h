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

#ifndef RECORD_H
#define RECORD_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>

#include "codes.h"
#include "msg.h"

struct stream;

/* A row of a dictionary, and which ids of the log may refer to it. */
struct dict_entry {
	int64_t		 id;
	int64_t		 first;
	int64_t		 last;
};

/*
 * Who a row is about: what a scope stands for.  Shared by the records of one
 * scope; entry is its row in the dictionary, good while gen is dict's.
 */
struct who {
	uint64_t	 vault;
	uint8_t		 actor_type;
	char		 actor[65];
	char		 actor_name[65];
	char		 session[25];
	struct dict_entry entry;
	uint64_t	 gen;
	unsigned int	 refs;
};

struct who	*who_new(uint64_t vault, uint8_t actor_type, const char *actor,
		    const char *name, const char *session);
struct who	*who_ref(struct who *);
void		 who_unref(struct who *);	/* NULL is fine */

/*
 * A row of the log in the making.  A request is one from its BEGIN on: until
 * its END is there it goes to open_requests.
 */
struct record {
	TAILQ_ENTRY(record)	 entry;
	RB_ENTRY(record)	 node;		/* of the stream's open ones */
	struct stream		*stream;	/* NULL: not from a worker */
	struct who		*who;		/* NULL: nobody known */
	uint64_t		 seq;
	uint64_t		 vault;		/* 0: the instance log */
	struct dict_entry	 target;	/* id 0: not known yet */
	int			 flags;
	uint8_t			 kind;
	uint8_t			 event;
	uint8_t			 ingress;
	uint8_t			 decision;
	uint8_t			 protocol;
	uint8_t			 path_cut;
	uint8_t			 error_code;
	uint8_t			 auth_scheme;
	uint8_t			 request_id[16];
	uint8_t			 trace_id[16];
	uint64_t		 conn;
	uint16_t		 port;
	int64_t			 status;	/* -1: not known */
	int64_t			 latency;	/* -1: not known */
	int64_t			 ttfb;
	uint64_t		 bytes_in;
	uint64_t		 bytes_out;
	uint64_t		 count;
	uint8_t			 client[18];	/* as addr_pack() */
	uint8_t			 upstream[18];
	uint8_t			 client_len;
	uint8_t			 upstream_len;
	const char		*host;		/* never NULL, all of them */
	const char		*method;
	const char		*service;
	const char		*keys;
	const char		*auth_header;
	size_t			 target_len;	/* these five with their NULs */
	const char		*path;		/* action, of an audit row */
	const char		*detail;
	char			*note;		/* memory of a later detail */
	size_t			 size;		/* of it all, texts included */
};
TAILQ_HEAD(records, record);

#define REC_QUEUED	0x01	/* on the batch's queue */
#define REC_ENDED	0x02	/* complete: becomes a row */
#define REC_OPEN	0x04	/* in open_requests, committed */
#define REC_DROPPED	0x08	/* refused by the database */
#define REC_NEWOPEN	0x10	/* in open_requests, in this transaction */
#define REC_BAD		0x20	/* ended a whole transaction: not again */
#define REC_LISTED	0x40	/* among its stream's open ones */

/*
 * Constructors; no memory is fatal.  A `who' is referenced.  Texts are
 * copied; those over their caps come from nowhere, since messages are checked.
 */
struct record	*record_request(struct stream *, const struct msg_begin *,
		    struct who *, const char *detail);
struct record	*record_event(enum event_code, uint64_t vault, struct who *,
		    const char *host, const char *detail, uint64_t count);
struct record	*record_gap(uint64_t vault, uint64_t count,
		    const char *detail);
struct record	*record_audit(const struct rec_audit *);
/* A request that was open when logd last committed; see recover.c. */
struct record	*record_stored(struct stream *, uint64_t seq,
		    const char *path, const char *detail);

/*
 * What it says about its vault is not known to be true: it goes to the
 * instance log as an event, with everything it has.
 */
void		 record_orphan(struct record *);
/* Take in an END; the request is then complete. */
void		 record_end(struct record *, const struct msg_end *);
/* Nobody will ever say how it ended. */
void		 record_lost(struct record *);
void		 record_client(struct record *, const struct msg_addr *);
void		 record_free(struct record *);

/*
 * UUIDv7 for a time in microseconds since the epoch, whose part below the
 * millisecond is in the 12 bits after the version; and the time back.
 */
void		 record_uuid(uint8_t *id, int64_t us);
int64_t		 record_time(const uint8_t *id);

/*
 * An address as it is stored: port, unless that is the usual one (0: there is
 * none), then 4 or 16 bytes.  Returns the length.
 */
size_t		 addr_pack(const struct msg_addr *, uint16_t usual, uint8_t *);
void		 addr_unpack(const uint8_t *, size_t, uint16_t usual,
		    struct msg_addr *);

#endif /* RECORD_H */
