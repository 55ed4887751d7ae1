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


#ifndef PROC_H
#define PROC_H

#include <sys/types.h>

#include <stdint.h>

#include "link.h"

/*
 * What every child process has in common: it is exec'ed by the parent with
 * its link on descriptor 3, drops what it must not have, takes part in the
 * two-phase configuration, gets its other links, files and listeners, and
 * says READY.  A child's main() is a call of proc_main() with this table.
 *
 *	program [-dv] [-u uid -g gid] [-c chroot] -i instance [-n index]
 *	    -H catalogue [argument ...] name
 *
 * The name, always the last argument, is proc_name(); instance and catalogue
 * are hexadecimal.  A program whose catalogue is another one exits with
 * PROC_EXIT_CATALOGUE before it reads a byte.
 *
 * Order at start, driven by the parent:
 *	CONF_START, CONF_*, FILE, CONF_END	-> CONF_READY (or CONF_REFUSED)
 *	CONF_ACTIVATE, PEER ..., LISTENER ...
 *	START					-> READY, by proc_ready()
 * Reload repeats the first line and CONF_ACTIVATE, or CONF_CANCEL.
 */

#define PROC_FD			3
#define PROC_EXIT_CATALOGUE	3

#define PROC_STATS_SECONDS	5

struct proc_peer {
	enum proc			 proc;
	const struct link_handler	*handlers;
	void		(*opened)(struct link *);	/* may be NULL */
	void		(*closed)(struct link *);	/* may be NULL */
};

struct proc_child {
	enum proc	 proc;		/* api sets it by its own argv */
	const char	*promises;	/* pledge(2), once START came and
					   before start(); NULL: start() does
					   it itself */

	/*
	 * All functions may be NULL where the process has no use for them,
	 * except start and shutdown.
	 *
	 * init(): without privileges, before anything is read; argv past the
	 * common options, the name included.
	 */
	void		(*init)(int argc, char **argv);

	/*
	 * Configuration: conf_start() begins a pending one, conf() gets each
	 * CONF_* message and conf_file() each FILE up to CONF_END;
	 * conf_end() returns 0, or -1 with `why' filled in; activate()
	 * makes the pending one current, cancel() drops it.  After the first
	 * -1 the rest of that configuration is not shown, conf_end() not
	 * called, and cancel() follows.  A descriptor that is kept is set
	 * to -1.
	 */
	void		(*conf_start)(void);
	int		(*conf)(struct msg *, char *why, size_t len);
	int		(*conf_file)(struct msg_file *, int *fd, char *why,
			    size_t len);
	int		(*conf_end)(char *why, size_t len);
	void		(*activate)(void);
	void		(*cancel)(void);

	/* Links to other processes: an array that ends with handlers NULL. */
	const struct proc_peer	*peers;

	/*
	 * A FILE outside of a configuration (ledger pages).  *fd is -1 if it
	 * did not arrive; to keep it, set it to -1.
	 */
	void		(*file)(struct msg_file *, int *fd);
	void		(*listener)(const struct msg_listener *, int fd);
	void		(*listener_close)(const struct msg_listener_close *);

	/* START: calls proc_ready() now or later. */
	void		(*start)(int fresh);

	/* SHUTDOWN, or EOF on descriptor 3 (grace 0): calls proc_exit(). */
	void		(*shutdown)(uint32_t grace_ms);

	/* Add counters with stats_add(); called each 5 seconds. */
	void		(*stats)(void);

	/* Messages on the parent's link that are not common; may be NULL. */
	const struct link_handler	*parent_handlers;
};

__dead void	 proc_main(int argc, char **argv, const struct proc_child *);

/* Say READY; `fresh' is logd's word on an empty database. */
void		 proc_ready(int fresh);
/*
 * Send the counters now: one of them says what somebody who asks for the
 * status must not learn some seconds late.
 */
void		 proc_stats(void);
/* Ask the parent to kill a process; link_bad() does that by itself. */
void		 proc_kill(uint64_t instance, const char *why);
/*
 * Leave the loop; the process exits 0 after the turn's end, when what the
 * links have queued is written or a second has passed.
 */
void		 proc_exit(void);

/* The link to the parent (NULL when it is gone), and the peers' links. */
struct link	*proc_parent(void);
struct link	*proc_peer(enum proc);		/* the youngest, or NULL */
/* Calls fn for each link to a process of that kind. */
void		 proc_foreach(enum proc, void (*fn)(struct link *, void *),
		    void *);

uint16_t	 proc_index(void);
uint64_t	 proc_instance(void);
enum proc	 proc_self(void);

/*
 * stats.c: counters of the STATS message that is being made.  At most 64;
 * more are dropped.  The name must live until the message is sent.
 */
void		 stats_add(const char *name, uint64_t value);
void		 stats_send(struct link *);

/*
 * procinit.c: what proc_main() does before anything is read.  procinit() is
 * all of it: options, catalogue, root directory, user, limits, title; it
 * returns how many arguments it took.
 */
struct proc_opts {
	const char	*chroot;	/* NULL: none */
	uid_t		 uid;		/* 0: keep what we are */
	gid_t		 gid;
	uint64_t	 instance;
	uint16_t	 index;
	int		 verbose;
};
int		 procinit(int argc, char **argv, enum proc, struct proc_opts *);

/*
 * procconf.c: the handlers of the parent's link, an array as link_new()
 * wants it, with the process's own at its end.
 */
const struct link_handler	*procconf_handlers(const struct proc_child *);

#endif /* PROC_H */
