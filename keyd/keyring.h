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

#ifndef KEYRING_H
#define KEYRING_H

#include <sys/types.h>

#include <stdint.h>

#include "change.h"

/*
 * The keyring: the wrapped data key, its check value, and the certificate
 * authority; and the master key file that opens it.
 */

/* The key file's descriptor, taken over; the first one counts. */
void	 keyring_file(int fd);
int	 keyring_have_file(void);

/*
 * Open the keyring of the loaded state.  Errors are fatal with the remedy, and
 * leave everything as it was.
 */
void	 keyring_open(void);

/*
 * For a fresh database: make sure of a master key, writing the file if it is
 * empty, and put a new keyring into the change.
 */
int	 keyring_build(struct change *, int64_t now);

/* That change is durable: take the authority into use. */
void	 keyring_durable(const struct change *);

/* Nothing needs the key file any more. */
void	 keyring_close(void);

#endif /* KEYRING_H */
