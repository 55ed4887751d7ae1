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


#ifndef LINK_H
#define LINK_H

#include <sys/types.h>

#include <stdint.h>

#include "msg.h"

/*
 * A link: one end of the socketpair between two processes, with its
 * imsgbuf(3), its events and what is known of the peer.
 *
 * Each message is checked against the catalogue (may that peer send it, to
 * us, with a descriptor or not, do its fields decode to the last byte) before
 * a handler sees it.  A message that fails is fatal when the peer is trusted
 * more than we are; otherwise it is counted, the link is closed, and the
 * parent is asked to kill the peer.
 *
 * A write error never closes a link: a peer that was killed may have left
 * messages that are still readable.  The link ends when reading gives EOF or
 * ECONNRESET, after everything that could be read was handled.
 *
 * A descriptor that did not arrive, because this process or the system is
 * short of them, is not the peer's fault: the handler gets the message with
 * fd -1 and must cope.
 */

struct link;

struct msg {
	uint32_t	 type;
	int		 fd;		/* -1, or the handler's to keep: it
					   sets it to -1, else it is closed */
	union msg_any	 u;
};

/*
 * Handlers of one kind of link; an array that ends with fn NULL.  A message
 * that the catalogue allows but that has no handler here counts as malformed.
 * Handlers may call link_close() on their own link.
 */
struct link_handler {
	uint32_t	 type;
	void		(*fn)(struct link *, struct msg *);
};

struct link_peer {
	enum proc	 proc;
	uint16_t	 index;		/* of the worker, from 0 */
	uint64_t	 instance;	/* random, from the parent */
};

/*
 * Takes over `fd', makes it non-blocking and starts reading in the loop.
 * `closed' (or NULL) is called once, when the link has ended by itself, with
 * everything read, or because its peer misbehaved, but not for link_close().
 * Never returns NULL: no memory is fatal.
 */
struct link	*link_new(int fd, enum proc self, const struct link_peer *,
		    const struct link_handler *, void (*closed)(struct link *),
		    void *arg);

/*
 * Queue a message; `m' is the struct msg_NAME of `type'.  A descriptor is
 * taken over in any case.  It leaves at the end of the turn.  Returns 0, or
 * -1 with errno when it cannot be encoded (a field over its cap), which the
 * caller must handle; a peer that is gone is no error.
 */
int		 link_send(struct link *, enum msg_type, const void *m, int fd);

/* Messages queued and not yet taken by the kernel. */
uint32_t	 link_queued(struct link *);

/* Try to write what is queued now, as far as the kernel takes it. */
void		 link_flush(struct link *);

/* Write everything, blocking, for at most `ms'.  Only at start and stop. */
int		 link_drain_out(struct link *, int ms);

/*
 * Write what all links have queued, blocking, for at most `ms' together.
 */
void		 link_drain_all(int ms);

/*
 * Handle what has arrived already, without waiting, up to `max' messages;
 * returns how many.  For a handler that must see a more trusted link's
 * messages before it goes on.  Does nothing on a link whose handler runs.
 */
int		 link_drain_in(struct link *, int max);

/* Stop and start reading: backpressure. */
void		 link_pause(struct link *);
void		 link_resume(struct link *);

/*
 * Close: no handler is called any more, what was queued is dropped.  The
 * memory stays valid until the end of the turn, so this may be called from
 * anywhere.  Closing twice in a turn does nothing.
 */
void		 link_close(struct link *);

/* The peer misbehaves: as for a malformed message, see above. */
void		 link_bad(struct link *, const char *why);

/*
 * Handle one message as if it had arrived: the entry of fuzzers and the only
 * way from bytes to handlers.  Takes over the descriptor.
 */
void		 link_input(struct link *, uint32_t type, const void *data,
		    size_t len, int fd);

/*
 * The open links to processes of a kind, the youngest first; fn may close
 * any link.
 */
struct link	*link_find(enum proc);
void		 link_foreach(enum proc, void (*fn)(struct link *, void *),
		    void *arg);

int			 link_fd(const struct link *);
const struct link_peer	*link_peer(const struct link *);
const char		*link_name(const struct link *);  /* "mitm 1" */
void			*link_arg(const struct link *);
void			 link_setarg(struct link *, void *);

/* What link_bad() does to a less trusted peer beside closing the link. */
void	 link_on_bad(void (*)(const struct link_peer *, const char *why));

/* Counters for STATS. */
struct link_counters {
	uint64_t	 received;
	uint64_t	 sent;
	uint64_t	 malformed;
	uint64_t	 lost_fds;	/* arrived without their descriptor */
	uint64_t	 write_errors;
};
extern struct link_counters link_counters;

#endif /* LINK_H */
