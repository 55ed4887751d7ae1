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

#ifndef RECOVER_H
#define RECOVER_H

#include <sys/types.h>

#include <stdint.h>

#include "msg.h"

/*
 * The start: what is in the database is taken up, and what those who died
 * left open is resolved, once the parent has said who lives and keyd which
 * scopes there are.  Until then no worker is read.
 *
 * Opening writes nothing but migrations: a daemon that ends because its master
 * key is wrong leaves the database as it was.  What shows that keyd could open
 * what is sealed is the first change that it sends, or the first link to a
 * process that is started after it.
 */
#define RECOVER_SKIP	(1 << 20)	/* ids, after a power failure */
#define RECOVER_SKIP_COPY (1 << 28)	/* in a backup that was restored */

/* Open, migrate and load.  0, or -1 with a sentence. */
int	 recover_open(const char *dir, char *why, size_t len);
/* The daemon runs: from here on the log is written.  Once; more do no harm. */
void	 recover_begin(void);
int	 recover_begun(void);
/*
 * In the first transaction of a run: a stop that is not told will have been
 * unclean.  0 or -1; recover_saved() once it is committed.
 */
int	 recover_save(void);
void	 recover_saved(void);
/*
 * Rows that were committed are gone though the machine did not fail: the ids
 * they had are not given away again.  Outside of a transaction.
 */
void	 recover_lost(void);
/* Everything is written: the next start is a clean one.  Closes. */
void	 recover_close(void);

/* The events; the last of them reads the workers' links. */
void	 recover_instances(const struct msg_instances *);
void	 recover_sync(uint32_t scopes);
void	 recover_scope(void);
/* A dead worker's ledger page; takes over the descriptor. */
void	 recover_ledger(uint64_t instance, int fd);

#endif /* RECOVER_H */
