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

#ifndef PLAY_H
#define PLAY_H

#include <sys/types.h>

#include <stdint.h>

#include <imsg.h>

#include "msg.h"

/*
 * Playing the peers of one real process: the test is the parent on its
 * descriptor 3, and whoever else it talks to.  Everything waits, with a bound,
 * and fails the cmocka test that runs when the bound passes.
 */

#define PLAY_MS		5000

/* One end of a link, and the message that came last. */
struct play {
	struct imsgbuf	 ibuf;
	int		 fd;
	enum proc	 as;		/* whom we play */
	uint64_t	 instance;
	int		 open;
	struct imsg	 imsg;
	int		 have;		/* imsg is to be freed */
	int		 held;		/* nobody has asked for it yet */
	struct arena	 arena;
	union msg_any	 u;		/* what play_recv() decoded */
};

struct play_child {
	pid_t		 pid;
	enum proc	 proc;
	uint64_t	 instance;
	struct play	 parent;
	char		 log[8192];	/* what it said in LOG */
	uint64_t	 refused;	/* calls, by its last STATS */
};

/* Run `prog' as that process; no configuration yet. */
void	 play_start(struct play_child *, const char *prog, enum proc);

/* Give it a link to us, playing `as'. */
void	 play_link(struct play_child *, struct play *, enum proc as,
	    uint16_t index, uint64_t instance);
/* Give two processes a link to each other. */
void	 play_join(struct play_child *, struct play_child *);
/* Our end goes, as if we had died. */
void	 play_close(struct play *);

void	 play_send(struct play *, enum msg_type, const void *);
void	 play_send_fd(struct play *, enum msg_type, const void *, int);
/* Bytes as a message's body. */
void	 play_send_raw(struct play *, uint32_t type, const void *, size_t);

/*
 * The next message, which must be of that type; it is valid until the next
 * one.  On the parent's link LOG and STATS are passed over.
 */
union msg_any	*play_recv(struct play_child *, struct play *, enum msg_type);
/* The type of what comes next within ms, kept for play_recv(); or 0. */
uint32_t	 play_peek(struct play_child *, struct play *, int ms);
/* Nothing comes for that long. */
void		 play_quiet(struct play_child *, struct play *, int ms);
/* The other side has closed. */
void		 play_eof(struct play_child *, struct play *);

/* Wait for its end; the exit status, or 128 + signal. */
int	 play_wait(struct play_child *);
/* SIGKILL, and wait. */
void	 play_kill(struct play_child *);
/* SHUTDOWN, and wait. */
int	 play_stop(struct play_child *);

#endif /* PLAY_H */
