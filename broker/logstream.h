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


#ifndef LOGSTREAM_H
#define LOGSTREAM_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

#include "ledger.h"
#include "msg.h"

/*
 * The client of logd in proxy and mitm: one ordered stream of records for
 * the life of the process, whatever becomes of logd.
 *
 * A BEGIN that was given to logstream_begin() is written at the end of the
 * turn (TURN_LOG); once the kernel has taken the last byte of it, `ready' is
 * called from there, so that what `ready' queues for the upstream leaves in
 * the same turn (TURN_NET), behind it.  While logd is down or its link or the
 * window is full a record is held, for LOGSTREAM_HOLD at most.  A window in
 * which nothing was acknowledged for that long holds nobody up: requests go
 * on unlogged at once.  What goes on unlogged is counted for its vault, in
 * the ledger before `ready' is called, and told to logd by a GAP once the one
 * before it is committed.
 *
 * In strict mode `ready' waits until the record is committed, for
 * LOGSTREAM_STRICT at most.
 */
#define LOGSTREAM_RECORDS	LEDGER_WINDOW	/* unacknowledged */
#define LOGSTREAM_BYTES		(1024 * 1024)
#define LOGSTREAM_HOLD		250		/* ms */
#define LOGSTREAM_STRICT	2000		/* ms */
#define LOGSTREAM_END		5		/* ms: END waits for a BEGIN */
#define LOGSTREAM_SURPLUS	1000		/* ms: events over their rate */

/*
 * What `ready' is told.  UNLOGGED goes on all the same and is counted; or, of
 * one record at most, a part of its BEGIN is in the kernel, the rest follows,
 * and the ledger counts it among the BEGINs used.
 */
enum logged {
	LOGGED,			/* in the kernel; strict: committed */
	UNLOGGED,		/* goes on all the same */
	REFUSED			/* strict: answer 503 log_unavailable */
};

struct logheld;
struct logvault;

/*
 * The record of one request; lives in the exchange.  Zeroed before its first
 * use and after the end of each; all members are private.
 */
TAILQ_HEAD(logrecs, logrec);

struct logrec {
	uint64_t		 seq;		/* of BEGIN, once it has one */
	int			 state;
	int			 how;
	struct logheld		*held;
	struct logvault		*vault;
	struct logrecs		*list;
	TAILQ_ENTRY(logrec)	 entry;
	uint64_t		 deadline;
	void			(*ready)(struct logrec *, int, void *);
	void			*arg;
};

/*
 * Once, before the sandbox closes and after loop_init(): makes the window and
 * hooks into the turn.  Fatal when there is no memory.
 */
void	 logstream_init(void);

/* strict as in CONF_LOG; records that are under way keep what they had. */
void	 logstream_conf(int strict);

/*
 * The ledger of this instance, a descriptor from FILE_LEDGER that stays the
 * caller's.  0, or -1 with errno.  What was counted before moves there.
 */
int	 logstream_ledger(int fd, uint64_t instance);

/*
 * The beginning of a request in a vault.  The message is copied; its seq and
 * strict are filled in here.  `ready' is called once with an enum logged, at
 * the end of this turn at the earliest, never from inside this call and never
 * after logstream_end(); NULL if nothing waits for it (a request that was
 * refused).  A message that cannot be encoded (a field over its cap), and one
 * for which there is no room among those held, see window_hold(), count as
 * unlogged.
 */
void	 logstream_begin(struct logrec *, uint64_t vault,
	    const struct msg_begin *, void (*ready)(struct logrec *, int,
	    void *), void *arg);

/* Nobody waits for it any more: `ready' is not called.  It has to end. */
void	 logstream_alone(struct logrec *);

/*
 * The end of it, whatever `ready' said, also when it was not called yet; seq
 * and begin are filled in here.  Rides with the next BEGIN or leaves within
 * LOGSTREAM_END.  Does nothing for a record that has not begun.  The record
 * may be freed or used again after this.
 */
void	 logstream_end(struct logrec *, const struct msg_end *);

/*
 * An event; seq is filled in.  Of each code LOG_BURST at once and LOG_RATE a
 * second in the long run are sent; what is over that makes one event more each
 * LOGSTREAM_SURPLUS, with a count and without host, address and detail, of
 * the scope of all of them or, when they differ, of none.  A count of 0 is 1.
 */
void	 logstream_event(const struct msg_event *);

/*
 * The last word, at shutdown, when every record has ended: tells what was
 * lost, says BYE and writes for at most ms, blocking.  With records that have
 * not ended, or without a link that takes all, there is no BYE, so that logd
 * resolves what is open.  Returns 0, or -1 if not everything was written.
 */
int	 logstream_bye(int ms);

/*
 * For the tables of links: LOGSTREAM_HANDLERS in the handlers of PROC_LOGD,
 * logstream_opened() and logstream_closed() with them.
 */
#define LOGSTREAM_HANDLERS	{ MSG_ACK, logstream_msg_ack }

struct link;
struct msg;
void	 logstream_msg_ack(struct link *, struct msg *);
void	 logstream_opened(struct link *);
void	 logstream_closed(struct link *);

/* Numbers for STATS. */
struct logstream_stats {
	uint64_t	 begun;		/* BEGINs written */
	uint64_t	 unlogged;
	uint64_t	 refused;	/* strict */
	uint64_t	 resent;	/* records, on a new link */
	uint64_t	 records;	/* unacknowledged and reserved, now */
	uint64_t	 bytes;		/* of the window in use, now */
};
void	 logstream_stats(struct logstream_stats *);

#endif /* LOGSTREAM_H */
