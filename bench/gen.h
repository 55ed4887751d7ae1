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


#ifndef GEN_H
#define GEN_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "../regress/proc/logd_peer.h"

/*
 * A real logd with keyd played beside it, and generators: processes that
 * speak the log stream to it through the workers' own window (broker/), as
 * fast as logd acknowledges or at a rate.  What they do is seen in memory
 * that is shared, and logd's processor time in its clock, so that any span
 * of a run can be measured from outside.  What fails ends the program.
 */
#define GEN_MAX		8
#define GEN_OPEN	32	/* requests under way at any time */
#define GEN_VAULTS	4	/* of a stream, at most */
#define GEN_HOSTS	50
#define GEN_PATH	40	/* bytes of a path */
#define GEN_LATENCIES	65536
#define GEN_API		0x3001

/* One request, the same for logd and for the loop that it is held against. */
struct gen_row {
	struct msg_begin	 begin;
	struct msg_end		 end;
	char			 host[32];
	char			 path[GEN_PATH + 1];
};
/* The n-th of a vault; everything but seq, scope and request_id. */
void	 gen_row(struct gen_row *, uint64_t n);

struct gen {
	struct end	 end;
	uint64_t	 vault;		/* its first */
	int		 vaults;
	unsigned int	 rate;		/* requests a second; 0: all it can */
	unsigned int	 gap;		/* and a GAP each so many records */
	pid_t		 pid;
	struct gen_shared {
		volatile uint64_t	 acked;	/* records */
		volatile int		 stop;
		volatile uint32_t	 nlat;
		uint32_t		 lat[GEN_LATENCIES];
	}		*shared;
};

struct gen_world {
	struct logd	 logd;
	struct gen	 gen[GEN_MAX];
	int		 n;
	struct end	 api;		/* reads, within scope gen_reader() */
	uint64_t	 rev;
};

/*
 * logd with the links of n generators and an api; they start with gen_run().
 * rows is the cap a vault, 0 for none.  gen_program is logd's.
 */
extern const char	*gen_program;
void	 gen_setup(struct gen_world *, int n, int vaults, uint64_t rows);
/* Others, once logd has ended; gen_run() starts it again. */
void	 gen_streams(struct gen_world *, int n, int vaults);
void	 gen_run(struct gen_world *);
/* Ends them; every record is acknowledged then. */
void	 gen_stop(struct gen_world *);
/* Ends logd too; and takes the directory away. */
void	 gen_close(struct gen_world *);
void	 gen_teardown(struct gen_world *);

/* Requests that are committed and acknowledged; waits until there are n. */
uint64_t gen_rows(const struct gen_world *);
void	 gen_wait(struct gen_world *, uint64_t n);

/* What logd has done between two looks. */
struct gen_mark {
	double		 wall;		/* s */
	double		 cpu;		/* s, of logd */
	uint64_t	 rows;
};
void	 gen_look(const struct gen_world *, struct gen_mark *);

/* Zeroed, and shared with processes forked later; or the program ends. */
void	*gen_memory(size_t);

/* Processor time of a process that runs, in seconds; 0 is the caller's. */
double	 gen_cpu(pid_t);
double	 gen_wall(void);

/*
 * A page of at most so many rows of all vaults that the filter lets pass
 * (query/filter.h; "": all), older than before (0: the newest); how many came.
 */
int	 gen_page(struct gen_world *, const char *filter, uint64_t before,
	    uint32_t limit);

/* Bytes of the database in a directory, its log of writes not counted. */
double	 gen_size(const char *dir);
/* A directory and the files in it. */
void	 gen_remove(const char *dir);

/* Of a list that is sorted by it; q of 0 to 1. */
double	 gen_quantile(double *, int n, double q);

/*
 * A line of the table: what, measured, the most (or, with `least', the least)
 * that is right, and whether it is.
 */
void	 gen_verdict(const char *what, double measured, double target,
	    int least, const char *unit);

#endif /* GEN_H */
