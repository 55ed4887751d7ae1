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

#ifndef SEAL_H
#define SEAL_H

#include <sys/types.h>

#include <stdint.h>

#include "msg.h"

/*
 * Sealing: XChaCha20-Poly1305 under a random data key that lives in locked
 * memory, readable only while it is used.  The data key itself is stored
 * wrapped by the master key.  What is sealed is bound to its place (table,
 * vault, key name) by the associated data, so that rows cannot be swapped.
 */

#define SEAL_KEYLEN	32
#define SEAL_OVERHEAD	40		/* nonce 24, tag 16 */

/* Where a sealed value belongs; all of it is authenticated. */
struct seal_place {
	const char	*table;
	uint64_t	 vault;
	const char	*name;
};

enum seal_error {
	SEAL_OK,
	SEAL_NO_KEY,		/* the key file is empty */
	SEAL_BAD_KEY,		/* the key file holds something else */
	SEAL_WRONG_KEY,		/* a good key, but not this database's */
	SEAL_IO			/* see errno */
};

/* Prepares libsodium and the locked memory.  Before the sandbox.  Fatal. */
void		 seal_init(void);

/*
 * The master key file, through a descriptor: 32 bytes, raw or as 64
 * hexadecimal digits with an optional newline.  seal_keyfile_write() makes a
 * new key and puts it into an empty file, in hexadecimal, with fsync(2).
 */
enum seal_error	 seal_keyfile_read(int fd);
enum seal_error	 seal_keyfile_write(int fd);

/* A new data key and its check value, wrapped; freed by msg_blob_free(). */
int		 seal_create(struct msg_blob *wrapped, struct msg_blob *check);

/*
 * Unwrap the data key of a database and compare its check value.  The
 * master key is wiped in any case.
 */
enum seal_error	 seal_open(const struct msg_blob *wrapped,
		    const struct msg_blob *check);

/* Forget the master key: nothing needs it once the data key is there. */
void		 seal_forget_master(void);

/*
 * Seal len bytes into fresh memory, len + SEAL_OVERHEAD bytes, to be freed
 * with msg_blob_free().  0, or -1 for want of memory or a key.
 */
int		 seal_put(const struct seal_place *, const void *, size_t len,
		    struct msg_blob *);

/*
 * Open what seal_put() made for this very place, into buf of at least
 * blob->len - SEAL_OVERHEAD bytes.  Returns the length, or -1 when it was
 * not made by this key for this place.
 */
ssize_t		 seal_get(const struct seal_place *, const struct msg_blob *,
		    void *buf, size_t size);

/* Wipe and release the keys. */
void		 seal_free(void);

/* What a key file's error means and how to mend it. */
const char	*seal_error_text(enum seal_error);

#endif /* SEAL_H */
