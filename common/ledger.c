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
#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "process.h"

static uint64_t	*ledger_place(struct ledger *, uint64_t);
static void	 store(uint64_t *, uint64_t);

int
ledger_create(uint64_t instance)
{
	struct ledger	 page;
	int		 fd, saved;

	memset(&page, 0, sizeof(page));
	page.magic = LEDGER_MAGIC;
	page.instance = instance;
	if ((fd = process_shm(LEDGER_SIZE)) == -1)
		return (-1);
	if (pwrite(fd, &page, sizeof(page), 0) != sizeof(page)) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

struct ledger *
ledger_map(int fd, uint64_t instance)
{
	struct ledger	*l;

	l = mmap(NULL, LEDGER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (l == MAP_FAILED)
		return (NULL);
	if (l->magic != LEDGER_MAGIC || l->instance != instance) {
		munmap(l, LEDGER_SIZE);
		errno = EINVAL;
		return (NULL);
	}
	return (l);
}

/* The compiler must not put it off: what comes next is a system call. */
static void
store(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

void
ledger_begin(struct ledger *l, uint64_t seq)
{
	store(&l->last_begin, seq);
}

/*
 * The count of a vault.  A place whose count is back at 0 may go to another
 * vault.
 */
static uint64_t *
ledger_place(struct ledger *l, uint64_t vault)
{
	struct ledger_vault	*v, *unused = NULL;
	int			 i;

	if (vault == 0)
		return (&l->lost_other);
	for (i = 0; i < LEDGER_VAULTS; i++) {
		v = &l->vaults[i];
		if (v->vault == vault)
			return (&v->lost);
		if (unused == NULL && v->lost == 0)
			unused = v;
	}
	if (unused == NULL)
		return (&l->lost_other);
	store(&unused->vault, vault);
	return (&unused->lost);
}

void
ledger_lost(struct ledger *l, uint64_t vault)
{
	uint64_t	*lost = ledger_place(l, vault);

	store(lost, *lost + 1);
}

void
ledger_told(struct ledger *l, uint64_t vault, uint64_t n)
{
	uint64_t	*lost = ledger_place(l, vault);

	store(lost, *lost > n ? *lost - n : 0);
}

int
ledger_read(int fd, uint64_t instance, struct ledger *l)
{
	ssize_t	 n;

	if ((n = pread(fd, l, sizeof(*l), 0)) == -1)
		return (-1);
	if (n != sizeof(*l) || l->magic != LEDGER_MAGIC ||
	    l->instance != instance) {
		errno = EINVAL;
		return (-1);
	}
	return (0);
}
