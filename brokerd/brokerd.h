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

#ifndef BROKERD_H
#define BROKERD_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <stdint.h>

#include <event.h>

#include "conf.h"
#include "link.h"
#include "log.h"

/*
 * The parent: it opens what needs privileges, starts the other processes and
 * hands them what they need, starts them again when they die, and writes the
 * text log.  It never parses a byte from the network.
 */

/* What workers get to finish their requests, and the others to end. */
#define STOP_WORKERS_MS		5000
#define STOP_OTHERS_MS		2000
#define STOP_LOGD_MS		10000

/* How long a process may take to answer a new configuration. */
#define RELOAD_MS		10000

/*
 * How many lost descriptors a process may ask for again in its life: who has
 * lost more is better off with a new one, and who lies is stopped.
 */
#define ASKED_MAX		64

/* Answers that wait for a process that does not read them. */
#define UNREAD_MAX		64

/* Of a log link, in the kernel. */
#define LOG_BUFFER		(1024 * 1024)

/* Ledgers of dead workers that are kept open for logd. */
#define LEDGERS_MAX		128

/*
 * A child process: one of the fixed set of places, with whatever runs in it.
 * An instance is prepared (it has a number, a ledger page and ends of links)
 * before its process exists.
 */
enum child_state {
	CHILD_DOWN,		/* no process */
	CHILD_CONF,		/* has been sent its configuration */
	CHILD_START,		/* has its links and files, and START */
	CHILD_READY
};

/* One end of a link whose process is not there yet. */
struct link_end {
	TAILQ_ENTRY(link_end)	 entry;
	struct link_peer	 peer;
	int			 dead;	/* the peer has died since */
	int			 fd;
};
TAILQ_HEAD(link_ends, link_end);

enum vote { VOTE_NONE, VOTE_WAIT, VOTE_YES };

struct child {
	TAILQ_ENTRY(child)	 entry;
	enum proc		 proc;
	uint16_t		 index;
	char			 name[32];
	enum child_state	 state;

	int			 prepared;
	uint64_t		 instance;
	struct link_ends	 ends;
	int			 ledger;	/* -1: none */

	pid_t			 pid;		/* 0: none */
	struct link		*link;
	uint64_t		 started;	/* loop_mono() */
	uint64_t		 ready;
	uint64_t		 heard;		/* its last counters */
	int			 silent;	/* said nothing for too long */
	uint32_t		 restarts;
	int			 quick;		/* quick deaths in a row */
	int			 asked;		/* PEER_WANTED so far */
	int			 waiting;	/* for the timer */
	struct event		 timer;		/* of the next start */

	enum vote		 vote;
	uint32_t		 landlock_abi;
	char			 degraded[257];
	char			*counters;
	struct log_bucket	 bucket;
};
TAILQ_HEAD(children, child);

enum stage {
	STAGE_INIT,
	STAGE_LOGD,		/* waiting for logd */
	STAGE_KEYD,
	STAGE_REST,
	STAGE_RUNNING,
	STAGE_STOP
};

struct brokerd {
	struct conf	*conf;
	const char	*conffile;
	const char	**options;	/* -o, in their order */
	size_t		 noptions;
	const char	*libexec;
	int		 privileged;
	int		 debug;
	struct conf_id	 ids[CONF_IDS];
	struct children	 children;
	enum stage	 stage;
	int		 fresh;		/* logd's database was empty */
	uint32_t	 gen;		/* of conf */
	uint64_t	 started;
	int		 failed;	/* exit status */
	char		 notice[513];	/* of the last reload */
};
extern struct brokerd brokerd;

/* main.c */

/* Log why and stop everything; the exit status will be 1. */
void	 brokerd_fail(const char *, ...)
	    __attribute__((__format__(printf, 1, 2)));
/* Read the configuration with what the command line adds to it. */
struct conf	*brokerd_parse(void);

/* start.c */

/* The table of children, from the configuration's counts. */
void	 start_init(void);
/* Go on with the start as far as those that are ready allow. */
void	 start_next(void);
/* Run the process of a prepared child and send its configuration. */
void	 start_child(struct child *);
/* Its configuration could not be sent, or it said no. */
void	 start_refused(struct child *, const char *why);
/* CONF_READY came: links, files, START. */
void	 start_links(struct child *);
/* READY came. */
void	 start_ready(struct child *, const struct msg_ready *);
/* Where the program of a child is; cut at len, so check it exists. */
void	 start_path(const struct child *, char *, size_t len);
struct child	*start_find(enum proc, uint64_t instance);
struct child	*start_first(enum proc);
int	 start_all_ready(void);
/* The user of a process. */
const struct conf_id	*start_id(enum proc);

/* dispatch.c: what children say */
extern const struct link_handler	 dispatch_handlers[];
void	 dispatch_closed(struct link *);
void	 dispatch_bad(const struct link_peer *, const char *);

/* restart.c */

/* Collect the processes that have ended. */
void	 restart_reap(void);
/* Start a child that is down, now, or later if a reload is under way. */
void	 restart_now(struct child *);

/* peers.c: links between children */

/* A new instance: number, ledger page, a link with each that is prepared. */
void	 peers_prepare(struct child *);
/* Its process has ended and will not come back as this instance. */
void	 peers_drop(struct child *);
/* Send what waited for the process. */
void	 peers_send(struct child *);
/* PEER_WANTED: make that link again. */
void	 peers_again(struct child *, enum proc, uint64_t instance);

/*
 * backupfile.c: answer FILE_WANTED with a new file in the state directory, or
 * with why there is none.
 */
void	 backupfile_give(struct link *);

/* ledgers.c */

/*
 * Make the directory for them, and take up what is left in it; before the
 * sandbox closes, with the state directory locked and the workers and the
 * logd of a killed brokerd gone.  0, or -1 with a sentence.
 */
int	 ledgers_open(char *why, size_t len);
/* The ledger of a new instance: a descriptor, or -1 with errno. */
int	 ledgers_create(uint64_t instance);
/* The worker is dead; takes over the descriptor. */
void	 ledgers_add(uint64_t instance, int fd);
/* Show a new logd all of them. */
void	 ledgers_send(struct child *logd);
/* logd has committed what it says. */
void	 ledgers_taken(uint64_t instance);

/* confsend.c */

/*
 * Send a configuration; `first' when the process has none yet.  0, or -1
 * with `why' filled in when a file cannot be opened, after CONF_CANCEL.
 */
int	 confsend(struct child *, const struct conf *, uint32_t gen, int first,
	    char *why, size_t len);

/* reload.c */

/* From api local (the child and its id), or SIGHUP (NULL). */
void	 reload_request(struct child *, uint32_t id);
int	 reload_running(void);
/* Answers of a child to CONF_END. */
void	 reload_vote(struct child *, uint32_t gen, const char *why);
/* If one is under way: it will not be. */
void	 reload_abort(const char *why);
/* Begin what waits, if nothing is in its way. */
void	 reload_next(void);

/* listen.c */

/*
 * Open (bind) the listeners of a configuration that are not open yet.  0, or
 * -1 with `why' filled in, and nothing changed.
 */
int	 listen_open(const struct conf *, char *why, size_t len);
/* Forget what listen_open() opened last. */
void	 listen_cancel(void);
/*
 * Arm what listen_open() opened last, pass it on, and close what that
 * configuration does not have.
 */
void	 listen_activate(void);
/* Send all listeners of its kind to a child, or one again. */
void	 listen_send(struct child *);
void	 listen_again(struct child *, uint64_t id);
/* Close all, remove the socket's file. */
void	 listen_close_all(void);

/* state.c: the state directory and the master key */

/*
 * Check the places, make what is missing inside of them, and take the locks.
 * 0, or -1 with `why' filled in.
 */
int	 state_open(char *why, size_t len);
/*
 * Lock a file that an earlier brokerd's process may still hold: so many tries,
 * 100 ms apart.  0, or -1 with errno.
 */
int	 state_lock(int fd, int max);
/* The root directory of processes that need none; as root only. */
const char	*state_chroot(void);
/* The directory of the database, and a copy of its descriptor, for logd. */
const char	*state_db_path(void);
int	 state_db(char *why, size_t len);
/*
 * Open the key file for keyd: for reading, or for writing when it is empty
 * because logd's database is.
 */
int	 state_key(char *why, size_t len);

/* stop.c */

/* Begin to stop; workers get `grace' milliseconds. */
void	 stop_begin(uint32_t grace);
void	 stop_died(struct child *);

/* status.c */
/* Watch for processes that say nothing any more. */
void	 status_start(void);
void	 status_stats(struct child *, const struct msg_stats *);
void	 status_send(struct child *, uint32_t id);
void	 status_done(struct child *, uint32_t id, int ok, const char *text);
void	 status_verbose(struct child *, const struct msg_verbose *);

/* textlog.c: where lines go; the service manager; the shell that waits */

void	 textlog_open(void);
void	 textlog_sink(int, const char *);
/* Fork; the first process waits for textlog_detach() and exits. */
void	 textlog_daemon(void);
/* The daemon is up: tell everybody, let go of the terminal. */
void	 textlog_detach(void);
void	 textlog_stopping(void);

#endif /* BROKERD_H */
