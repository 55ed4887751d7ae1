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

#ifndef SCOPE_H
#define SCOPE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stddef.h>
#include <stdint.h>

#include "msg.h"
#include "record.h"

/*
 * What keyd says about who may write and who may read.  Write scopes are kept
 * in the database too, since records that name one may be resent after we
 * died; a closed one until no record that names it can come any more: a BEGIN
 * that was held meanwhile, or a GAP that waited for the one before it, which
 * are a window behind each.
 */
#define SCOPE_WINDOW	16384

struct link;

struct scope {
	RB_ENTRY(scope)		 node;
	TAILQ_ENTRY(scope)	 dirty_entry;
	TAILQ_ENTRY(scope)	 closed_entry;
	uint64_t		 id;
	uint64_t		 instance;
	struct who		*who;
	uint64_t		 mark;		/* committed when it closed */
	uint64_t		 sync;		/* of which SYNC it is */
	uint8_t			 kind;		/* enum scope_kind */
	uint8_t			 all;
	uint8_t			 closed;
	uint8_t			 told;		/* SCOPE_CLOSED has left */
	uint8_t			 gone;		/* to be deleted */
	uint8_t			 dirty;
};
TAILQ_HEAD(scopes_closed, scope);

/* Those in the database.  0 or -1. */
int		 scope_load(void);
void		 scope_unload(void);

/* keyd's messages; scope_close() of one that is not there is answered too. */
void		 scope_open(const struct msg_scope_open *);
void		 scope_close(uint64_t id);
/* SYNC: what is not opened again by scope_synced() is closed. */
void		 scope_sync(void);
void		 scope_synced(void);

/* NULL when this instance may not; closed write scopes count. */
struct scope	*scope_writer(uint64_t id, uint64_t instance);
struct scope	*scope_reader(uint64_t id, uint64_t instance);
/* For a question on a link: the scope may still be on its way. */
struct scope	*scope_asked(const struct link *, uint64_t id);
/* Whether the instance has a scope for the vault. */
int		 scope_has(uint64_t instance, uint64_t vault);
/* All of its vaults, ascending; the caller frees them.  Returns how many. */
size_t		 scope_vaults(uint64_t instance, uint64_t **);

/* The stream of an instance has got this far, or has ended. */
void		 scope_passed(uint64_t instance, uint64_t committed);
void		 scope_ended(uint64_t instance);

/* Within the batch's transaction, and after it. */
int		 scope_dirty(void);
int		 scope_save(void);
void		 scope_saved(void);

#endif /* SCOPE_H */
