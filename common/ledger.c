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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "process.h"

static uint64_t	*ledger_place(struct ledger_bank *, uint64_t);
static void	 store(uint64_t *, uint64_t);
static int	 loss_cmp(const void *, const void *);
static size_t	 loss_add(struct ledger_loss *, size_t, uint64_t, uint64_t,
		    uint64_t);
static size_t	 losses_merge(struct ledger_loss *, size_t);
static uint64_t	 sum(uint64_t, uint64_t);

_Static_assert(sizeof(struct ledger) == LEDGER_SIZE, "ledger");
_Static_assert(offsetof(struct ledger, ring) == 4096, "ledger");

int
ledger_format(int fd, uint64_t instance)
{
	static struct ledger	 page;
	ssize_t			 n;

	memset(&page, 0, sizeof(page));
	page.magic = LEDGER_MAGIC;
	page.instance = instance;
	if ((n = pwrite(fd, &page, sizeof(page), 0)) == -1)
		return (-1);
	if (n != sizeof(page)) {
		errno = ENOSPC;
		return (-1);
	}
	return (0);
}

int
ledger_create(uint64_t instance)
{
	int	 fd, saved;

	if ((fd = process_shm(LEDGER_SIZE)) == -1)
		return (-1);
	if (ledger_format(fd, instance) == -1) {
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

/*
 * The compiler must neither put it off nor move it past another: a reader
 * sees what was stored up to the moment of our death.
 */
static void
store(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

/*
 * The place in the ring was that of a BEGIN so long ago that it is committed:
 * the window holds no more than the ring.
 */
void
ledger_begin(struct ledger *l, uint64_t vault)
{
	store(&l->ring[l->begins % LEDGER_WINDOW], vault);
	store(&l->begins, l->begins + 1);
}

static uint64_t *
ledger_place(struct ledger_bank *b, uint64_t vault)
{
	int	 i;

	for (i = 0; vault != 0 && i < LEDGER_VAULTS; i++) {
		if (b->vaults[i].vault == 0)
			store(&b->vaults[i].vault, vault);
		if (b->vaults[i].vault == vault)
			return (&b->vaults[i].lost);
	}
	return (&b->other);
}

void
ledger_lost(struct ledger *l, int bank, uint64_t vault)
{
	uint64_t	*lost = ledger_place(&l->banks[bank], vault);

	store(lost, *lost + 1);
}

void
ledger_seal(struct ledger *l, int bank, uint64_t gap_seq)
{
	store(&l->banks[bank].gap_seq, gap_seq);
}

/* As long as its old GAP is named in it, nobody looks at its counts. */
void
ledger_clear(struct ledger *l, int bank)
{
	struct ledger_bank	*b = &l->banks[bank];
	int			 i;

	for (i = 0; i < LEDGER_VAULTS && b->vaults[i].vault != 0; i++) {
		store(&b->vaults[i].lost, 0);
		store(&b->vaults[i].vault, 0);
	}
	store(&b->other, 0);
	store(&b->gap_seq, 0);
}

/* Places are taken from the first on, each with a count that follows. */
int
ledger_any(const struct ledger *l, int bank)
{
	const struct ledger_bank	*b = &l->banks[bank];

	return (b->vaults[0].lost > 0 || b->other > 0);
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

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return (a > LEDGER_COUNT_MAX || b > LEDGER_COUNT_MAX - a ?
	    LEDGER_COUNT_MAX : a + b);
}

static size_t
loss_add(struct ledger_loss *to, size_t n, uint64_t vault, uint64_t unlogged,
    uint64_t uncommitted)
{
	if (unlogged == 0 && uncommitted == 0)
		return (n);
	to[n].vault = vault;
	to[n].unlogged = sum(unlogged, 0);
	to[n].uncommitted = sum(uncommitted, 0);
	return (n + 1);
}

static int
loss_cmp(const void *a, const void *b)
{
	const struct ledger_loss	*x = a, *y = b;

	return (x->vault < y->vault ? -1 : x->vault > y->vault);
}

static size_t
losses_merge(struct ledger_loss *to, size_t n)
{
	size_t	 i, last = 0;

	if (n == 0)
		return (0);
	qsort(to, n, sizeof(*to), loss_cmp);
	for (i = 1; i < n; i++) {
		if (to[i].vault != to[last].vault) {
			to[++last] = to[i];
			continue;
		}
		to[last].unlogged = sum(to[last].unlogged, to[i].unlogged);
		to[last].uncommitted = sum(to[last].uncommitted,
		    to[i].uncommitted);
	}
	return (last + 1);
}

/* Of BEGINs that the ring does not reach back to nobody knows the vault. */
size_t
ledger_losses(const struct ledger *l, uint64_t seq, uint64_t begins,
    struct ledger_loss *to)
{
	const struct ledger_bank	*b;
	size_t				 n = 0;
	int				 i, j;

	for (i = 0; i < LEDGER_BANKS; i++) {
		b = &l->banks[i];
		if (b->gap_seq != 0 && b->gap_seq <= seq)
			continue;
		n = loss_add(to, n, 0, b->other, 0);
		for (j = 0; j < LEDGER_VAULTS; j++)
			n = loss_add(to, n, b->vaults[j].vault,
			    b->vaults[j].lost, 0);
	}
	if (l->begins > begins && l->begins - begins > LEDGER_WINDOW) {
		n = loss_add(to, n, 0, 0, l->begins - begins - LEDGER_WINDOW);
		begins = l->begins - LEDGER_WINDOW;
	}
	for (; begins < l->begins; begins++)
		n = loss_add(to, n, l->ring[begins % LEDGER_WINDOW], 0, 1);
	return (losses_merge(to, n));
}
