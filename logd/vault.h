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

#ifndef VAULT_H
#define VAULT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdint.h>

#include "gone.h"

/*
 * The vaults that have a row in the database, living or not, and how many
 * rows of the log each has: what a record is checked against before it is
 * inserted, and what retention goes by.  Vault 0 is the instance log, whose
 * audit rows are not counted.
 */
struct vault {
	RB_ENTRY(vault)		 node;
	TAILQ_ENTRY(vault)	 over_entry;
	TAILQ_ENTRY(vault)	 changed_entry;
	uint64_t		 id;
	uint64_t		 rows;
	int64_t			 change;	/* in this transaction */
	struct gone		 gone;
	int64_t			 trim;		/* nothing of it ends below */
	int			 over;		/* is on the list */
	int			 changed;	/* is on the list */
};
TAILQ_HEAD(vaults_over, vault);

/* Read all of them.  0 or -1. */
int		 vault_load(void);
void		 vault_unload(void);
struct vault	*vault_find(uint64_t id);	/* or NULL */
struct vault	*vault_next(struct vault *);	/* NULL: the first */
/* After a commit that made or removed it. */
void		 vault_add(uint64_t id);
void		 vault_remove(uint64_t id);

/*
 * The counts are in the database too, since to count ten million rows takes
 * seconds in which a worker's requests wait.  A transaction says what it adds
 * and takes away, ends with vault_save() (0 or -1), and then calls
 * vault_saved(), which hands on each vault that was changed, or vault_undo().
 */
void		 vault_change(struct vault *, int64_t rows);
int		 vault_save(void);
void		 vault_saved(void (*)(struct vault *));
void		 vault_undo(void);

#endif /* VAULT_H */
