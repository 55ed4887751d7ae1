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

#ifndef FAULT_H
#define FAULT_H

#include <sys/types.h>

#include <stdint.h>

/*
 * Faults of the disk, for tests.  A program that is linked with fault.c looks
 * for the file FAULT_FILE in the database's directory and does what it says;
 * one with nofault.c, as installed, has none of it.
 *
 * The file is a struct fault that both sides map.  Each of full, ioerr and
 * busy is the number of the write (busy: of the lock) from now on that fails,
 * and with it all that follow, until it is 0 again; fsync makes every sync
 * fail; power is a power failure at that step: what was not synced is undone.
 *
 * A step is a write, a sync or a truncation; there is no shared memory with an
 * exclusive lock.  at is the number of the step that fails as `how' says, with
 * all that follow or, with once, alone.
 *
 * A seed other than 0 makes a power failure, or the failed sync that drops,
 * keep any part of what was not synced, down to single sectors.
 */
#define FAULT_FILE	"fault"
#define FAULT_MAGIC	0x666c7431

enum fault_how {
	FAULT_FULL,		/* no space left on the device */
	FAULT_IOERR,
	FAULT_SHORT,		/* a part is written, then it is full */
	FAULT_BUSY,
	FAULT_NOMEM,
	FAULT_POWER,
	FAULT_MAX
};

struct fault {
	uint32_t	 magic;
	uint32_t	 full;
	uint32_t	 ioerr;
	uint32_t	 busy;
	uint32_t	 fsync;
	uint32_t	 power;
	uint32_t	 writes;	/* counted */
	uint32_t	 syncs;
	uint32_t	 failed;
	uint32_t	 at;
	uint32_t	 how;
	uint32_t	 once;
	uint32_t	 drop;		/* a failed sync loses its writes */
	uint32_t	 flip;		/* from this read on bytes differ */
	uint32_t	 seed;
	uint32_t	 steps;		/* counted */
	uint32_t	 quick;		/* no sync is real; for many runs */
	uint32_t	 read;		/* this read fails, and all after */
};

/* The VFS to open the database with: NULL is SQLite's own. */
const char	*fault_vfs(const char *dir);

#endif /* FAULT_H */
