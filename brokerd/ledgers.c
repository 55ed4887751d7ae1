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

#include <sys/types.h>
#include <sys/queue.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "codes.h"

/*
 * The ledger pages of dead workers.  They are kept after logd got them, since
 * logd may die before it has made gap rows of them; a logd that did knows
 * that it did.
 */
struct page {
	TAILQ_ENTRY(page)	 entry;
	uint64_t		 instance;
	int			 fd;
};

static TAILQ_HEAD(pages, page)	 pages = TAILQ_HEAD_INITIALIZER(pages);
static int			 npages;

static void	ledgers_show(struct child *, const struct page *);

void
ledgers_add(uint64_t instance, int fd)
{
	struct child	*logd = start_first(PROC_LOGD);
	struct page	*p;

	if (npages == LEDGERS_MAX) {
		p = TAILQ_FIRST(&pages);
		TAILQ_REMOVE(&pages, p, entry);
		close(p->fd);
		npages--;
	} else if ((p = malloc(sizeof(*p))) == NULL)
		fatal("ledger page");
	p->instance = instance;
	p->fd = fd;
	TAILQ_INSERT_TAIL(&pages, p, entry);
	npages++;
	if (logd->state >= CHILD_START && logd->link != NULL)
		ledgers_show(logd, p);
}

static void
ledgers_show(struct child *logd, const struct page *p)
{
	struct msg_file	 m;
	int		 fd;

	if ((fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0)) == -1)
		fatal("ledger page");
	memset(&m, 0, sizeof(m));
	m.kind = FILE_LEDGER;
	m.instance = p->instance;
	(void)link_send(logd->link, MSG_FILE, &m, fd);
}

void
ledgers_send(struct child *logd)
{
	struct page	*p;

	TAILQ_FOREACH(p, &pages, entry)
		ledgers_show(logd, p);
}
