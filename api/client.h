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


#ifndef CLIENT_H
#define CLIENT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "codes.h"
#include "http.h"
#include "msg.h"

/*
 * A client: one connection, from which requests are read and answered one
 * after the other.  How long each step may take:
 */
#define CLIENT_FIRST_MS		10000	/* the first head, from accept */
#define CLIENT_HEAD_MS		10000	/* a head, from its first byte */
#define CLIENT_IDLE_MS		120000	/* between two requests */
#define CLIENT_BODY_MS		30000	/* a body, from its head */
#define CLIENT_ANSWER_MS	60000	/* to take an answer */
#define CLIENT_LINGER_MS	2000

#define CLIENT_BODY_MAX		(1024 * 1024)
/*
 * Bytes of answers that wait for their clients, all together: who has waited
 * for longest, and so takes least, is cut when there are more.
 */
#define CLIENT_HELD_MAX		(64 * 1024 * 1024)
#define CLIENT_BODY_ANYONE	4096	/* of whom keyd does not know yet */

struct conn;
struct request;

enum client_state {
	CLIENT_IDLE,		/* nothing of a request has come */
	CLIENT_HEAD,
	CLIENT_WORK,		/* input is paused */
	CLIENT_BODY,
	CLIENT_ANSWER,		/* what is left of it, input is paused */
	CLIENT_STREAM		/* an answer without an end; input is dropped */
};

/* Whom keyd knows the client as; kept from one request to the next. */
struct caller {
	RB_ENTRY(caller)	 entry;
	uint64_t		 handle;	/* 0: nobody yet */
	uint8_t			 key[32];	/* hash of the token, its way */
	uint8_t			 actor_type;
	uint8_t			 role;		/* enum instance_role */
	char			 name[65];
	char			 session[25];
	char			 vault[65];	/* of a minted session */
	uint32_t		 idle;		/* seconds; 0: no login */
	int64_t			 expires_at;
};

struct client {
	TAILQ_ENTRY(client)	 entry;
	struct conn		*conn;
	enum listener_kind	 kind;
	uint32_t		 uid;		/* of a local one */
	struct msg_addr		 addr;		/* of one that is not */
	enum client_state	 state;
	struct http_limits	 limits;	/* those it began with */
	struct http_head	 head;
	struct http_field	*fields;
	struct http_body	 body;
	struct buf		 content;	/* of the body */
	struct request		*req;
	struct caller		 who;
	unsigned int		 served;	/* requests */
	int			 keepalive;	/* after this answer */
	char			*out;		/* json_text(), what is left */
	size_t			 outlen;
	size_t			 outoff;
	int			 file;		/* or -1 */
	uint64_t		 filelen;	/* of it, from its start */
	uint64_t		 fileoff;
};

/* Take over a connected socket.  -1: no memory; the socket is closed. */
int	 client_new(int fd, enum listener_kind, uint32_t uid,
	    const struct msg_addr *);

unsigned int	 client_count(void);
size_t		 client_held(void);	/* bytes of answers */
/*
 * Those that came from where this one comes from: with the same user on the
 * local socket, with the same address, of IPv6 its first half, on a listener
 * of the same kind.
 */
unsigned int	 client_count_like(enum listener_kind, uint32_t uid,
		    const struct msg_addr *);

/* Read the body that follows; request_ready() comes when it is there. */
void	 client_read_body(struct client *);
/*
 * Whether the connection goes on after the answer: not when the client or we
 * do not want it, nor with some of the body still to come.
 */
int	 client_keeps(const struct client *);

/*
 * While the request waits for what may take long: whoever closes the
 * connection, or its sending half, does not want the answer any more.
 */
void	 client_watch(struct client *);

/*
 * The answer's head is in the connection's output: send this body, made by
 * json_text() and taken over (NULL: none), then go on with the next request
 * or close.  The client may be gone afterwards.
 */
void	 client_answer(struct client *, char *, size_t);

/*
 * The same with the first bytes of a file, which is taken over.  The client
 * may take as long as it likes while it takes some in CLIENT_ANSWER_MS.
 */
void	 client_answer_file(struct client *, int fd, uint64_t);

/*
 * Close the one that has been idle for longest since its last answer.  1 if
 * there was one.
 */
int	 client_make_room(void);

/*
 * An answer that comes bit by bit, whose head is written.  It ends when for
 * so many ms (0: any time) not a byte has left.  stream_feed(), or
 * export_feed(), comes whenever there is room for more of it, which
 * client_stream_write() adds, as one chunk, so not of no bytes: 0, or -1 when
 * it could not be written and the client has gone.  The caller looks at
 * conn_full() before.  client_stream_end() ends it in order, and the client
 * goes: an export, which is of no use without its end, has CLIENT_ANSWER_MS
 * for what is left of it, whatever its size.
 */
void	 client_stream(struct client *, unsigned int);
int	 client_stream_write(struct client *, const void *, size_t);
void	 client_stream_end(struct client *);
int	 client_streams(const struct client *);
/* At once, without a word. */
void	 client_cut(struct client *);

/* Close those that have no request under way; the others close after it. */
void	 client_close_idle(void);

#endif /* CLIENT_H */
