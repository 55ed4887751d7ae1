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


#ifndef STREAM_H
#define STREAM_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "conn.h"
#include "http.h"

/*
 * Message bodies on connections.  A source takes one off a connection's input
 * (body.c), a sink puts one onto a connection's output, a pump (pump.c) moves
 * it from one to the other, piece by piece as it comes, with filters in
 * between.  Nothing is held but in the buffers of the connections and of the
 * filters, all of which are bounded.
 */

struct body_source {
	struct conn		*conn;
	struct http_body	 body;
	size_t			 piece;	/* payload at the front of conn_in() */
	int			 ended;	/* 1 + enum conn_eof */
};

enum source_rc {
	SOURCE_DATA,
	SOURCE_MORE,		/* nothing there now */
	SOURCE_DONE,
	SOURCE_TRUNCATED,	/* the peer ended before the body did */
	SOURCE_MALFORMED	/* body.error says why */
};

/*
 * The body that follows a head that has been drained from conn_in():
 * framing and length as in struct http_head.  body_source_free() may be
 * called more than once.
 */
void		 body_source_init(struct body_source *, struct conn *,
		    enum http_framing, uint64_t, const struct http_limits *);
void		 body_source_free(struct body_source *);

/*
 * SOURCE_DATA: so many bytes of payload lie there, until the connection's
 * next turn; body_source_used() says how many were taken, at most all.  What
 * lies behind the end of the body stays in conn_in().
 */
enum source_rc	 body_source_next(struct body_source *, const uint8_t **,
		    size_t *);
void		 body_source_used(struct body_source *, size_t);

/* The connection's eof callback came; what lies in conn_in() still counts. */
void		 body_source_eof(struct body_source *, enum conn_eof);

struct body_sink {
	struct conn		*conn;	/* NULL swallows everything */
	enum http_framing	 framing;
	uint64_t		 left;	/* with HTTP_BODY_LENGTH */
	int			 skip;	/* of trailers: HTTP_F_* */
};

/*
 * The body that follows a head that has been written to conn_out().
 * HTTP_BODY_NONE takes bytes and writes none.  The trailers' fields with a
 * flag in skip are not written.
 */
void		 body_sink_init(struct body_sink *, struct conn *,
		    enum http_framing, uint64_t, int);

/*
 * Returns how many of n > 0 bytes were taken, 0 at the connection's
 * high-water mark; or -1 with errno EPIPE, ENOMEM, or EMSGSIZE when they are
 * more than the length that was announced.  One call is one chunk.
 */
ssize_t		 body_sink_put(struct body_sink *, const uint8_t *, size_t);
int		 body_sink_full(const struct body_sink *);

/*
 * The end, with trailers (NULL: none), which only a chunked body can carry.
 * 0, or -1 with errno as above; EMSGSIZE also when fewer bytes came than were
 * announced.  Wants the connection below its high-water mark.
 */
int		 body_sink_end(struct body_sink *, const struct http_head *);

/*
 * A filter sees the payload in pieces as it comes and writes other bytes.
 * run() gets n bytes, and last set when no more follow them; n is 0 only
 * then.  It adds to out and stores how many bytes it took in *used: all of
 * them, unless out has no room for what it would write.  What it must look at
 * again with what follows it keeps, within bounds of its own.  Returns 0; 1
 * when last was set and all is written; -1 to give up.  A call that neither
 * takes nor writes nor ends anything is giving up, too.
 */
struct filter {
	int	(*run)(struct filter *, const uint8_t *, size_t, int,
		    struct buf *, size_t *);
	void	(*free)(struct filter *);	/* may be NULL */

	/* private to pump.c */
	TAILQ_ENTRY(filter)	 entry;
	struct buf		 out;
	int			 done;
};

/* Room in out that run() finds at least, before it is called. */
#define FILTER_ROOM	(64 * 1024)

enum pump_end {
	PUMP_DONE,		/* all of it is in the sink's output */
	PUMP_TRUNCATED,		/* the source ended early */
	PUMP_MALFORMED,		/* the source's framing is broken */
	PUMP_LENGTH,		/* not the length that the sink announced */
	PUMP_SINK,		/* the sink's connection takes no more */
	PUMP_FILTER,
	PUMP_MEMORY
};

struct pump {
	struct body_source	 source;
	struct body_sink	 sink;
	TAILQ_HEAD(filterlist, filter) filters;
	void			(*end)(struct pump *, enum pump_end, void *);
	void			*arg;
	uint64_t		 in;	/* payload bytes taken */
	uint64_t		 out;	/* and put */
	int			 held;	/* the source is paused by us */
	int			 over;
};

/*
 * Before or after pump_init() the caller sets up source and sink in the
 * struct with their own functions.  end is called once, from pump_run() or
 * pump_eof(), and may free the pump.  pump_free() frees the filters and the
 * source's trailers, and resumes a source that the pump had paused, so it
 * comes before the connections are freed.  A pump that is zeroed, or freed
 * already, may be freed.
 */
void		 pump_init(struct pump *, void (*)(struct pump *,
		    enum pump_end, void *), void *);
void		 pump_free(struct pump *);

/* Put a filter behind those that are there.  The pump frees it. */
void		 pump_filter(struct pump *, struct filter *);

/*
 * Go on.  To be called to begin with, from the read callback of the source's
 * connection and from the write callback of the sink's.  Pauses the source's
 * connection while the sink's is full.
 */
void		 pump_run(struct pump *);

/* From the eof callback of the source's connection, or after its error. */
void		 pump_eof(struct pump *, enum conn_eof);

#endif /* STREAM_H */
