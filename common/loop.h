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


#ifndef LOOP_H
#define LOOP_H

#include <sys/types.h>

#include <stdint.h>

/*
 * The event loop of every process: event_loop(EVLOOP_ONCE), then the hooks
 * of the turn's end in their order.  Only events that libevent 1.4 has are
 * used.  Signals arrive through signal_set(3) alone, since the loop swallows
 * EINTR.
 */

/* Order of what happens at the end of a turn. */
enum turn_order {
	TURN_WORK,		/* what must be done once a turn */
	TURN_LOG,		/* the log link: BEGIN leaves first */
	TURN_NET,		/* what was queued for the network */
	TURN_LINKS		/* other links */
};

/* Sets up libevent and ignores SIGPIPE.  Once, after fork or exec. */
void	 loop_init(void);

/* At most 16 hooks; more is fatal.  Hooks of one order run as added. */
void	 loop_hook(enum turn_order, void (*)(void *), void *);

/*
 * Runs until loop_exit(); returns after the hooks of that last turn.  To have
 * nothing left to wait for is fatal.
 */
void	 loop_run(void);
void	 loop_exit(void);

/*
 * Make the next turn not wait for events: for bounded work that is left over.
 */
void	 loop_again(void);

/* Microseconds: monotonic, and of the wall clock since the epoch. */
uint64_t	 loop_mono(void);
int64_t		 loop_wall(void);

#endif /* LOOP_H */
