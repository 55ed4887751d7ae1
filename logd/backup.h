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

#ifndef BACKUP_H
#define BACKUP_H

#include <stdint.h>

#include "link.h"

/*
 * A copy of the database for api: taken in steps between other work, into a
 * file without a name that the parent opens for us.  What is committed
 * meanwhile is in the copy too.  One at a time; the file may not take what
 * `log reserve' keeps of the disk.
 *
 * A copy says of itself that it was not closed cleanly, so that one that is
 * put in the database's place is told by `log_unclean' and skips ids, see
 * RECOVER_SKIP_COPY.
 */
#define BACKUP_PAGES	16	/* in a step */
#define BACKUP_US	2000	/* of steps in a turn */
#define BACKUP_TELL_MS	5000	/* to tell api that it takes longer */

void	 backup_init(void);
/* The message BACKUP. */
void	 backup_request(struct link *, struct msg *);
/* The parent's answer; the descriptor, or -1, is taken over. */
void	 backup_file(int fd, const char *why);
/* Nobody waits for it any more: one question, or all of a link. */
void	 backup_cancel(const struct link *, uint32_t id);
void	 backup_closed(const struct link *);
/* The database is about to be closed. */
void	 backup_stop(void);

#endif /* BACKUP_H */
