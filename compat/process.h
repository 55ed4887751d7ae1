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

#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

/*
 * What each system does in its own way about processes and shared memory.
 * All return 0 (a descriptor), or -1 with errno set.
 */

/* To be called first in a main() that will use setproctitle(3). */
void	 process_title(int argc, char **argv);

/*
 * No core dumps, and no ptrace(2) by others of the same user.  To be called
 * after the last change of user.
 */
int	 process_undumpable(void);

/* Shared memory of a fixed size without a name; close-on-exec. */
int	 process_shm(size_t size);
/* What process_shm() must be able to write: a directory, or NULL. */
const char	*process_shm_dir(void);

#endif /* PROCESS_H */
