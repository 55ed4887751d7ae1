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
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"
#include "seal.h"

#define KEYFILE_MAX	(2 * SEAL_KEYLEN + 1)	/* hex and a newline */
#define AAD_MAX		256

#define AEAD_NONCE	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define AEAD_TAG	crypto_aead_xchacha20poly1305_ietf_ABYTES

static const char	 check_text[] = "brokerd data key";

/* Both in sodium_malloc(3) memory: locked, guarded, left out of cores. */
static uint8_t		*master;
static uint8_t		*data;
static int		 have_master;
static int		 have_data;

static const struct seal_place	wrap_place = { "keyring", 0, "data_key" };
static const struct seal_place	check_place = { "keyring", 0, "check_value" };

static uint8_t	*key_new(void);
static int	 aad_format(const struct seal_place *, uint8_t *, size_t *);
static int	 put(const uint8_t *, const struct seal_place *, const void *,
		    size_t, struct msg_blob *);
static ssize_t	 get(const uint8_t *, const struct seal_place *,
		    const struct msg_blob *, void *, size_t);
static int	 keyfile_parse(const uint8_t *, size_t);
static int	 check_matches(const struct msg_blob *);
static int	 write_all(int, const char *, size_t);

static uint8_t *
key_new(void)
{
	uint8_t	*k;

	if ((k = sodium_malloc(SEAL_KEYLEN)) == NULL)
		fatal("sodium_malloc");
	sodium_memzero(k, SEAL_KEYLEN);
	if (sodium_mprotect_noaccess(k) == -1)
		fatal("sodium_mprotect_noaccess");
	return (k);
}

void
seal_init(void)
{
	if (sodium_init() == -1)
		fatalx("libsodium cannot be initialised");
	if (master != NULL)
		return;
	master = key_new();
	data = key_new();
}

/*
 * table NUL vault (8 bytes, little end first) name NUL: no two places have
 * the same bytes, since a name cannot hold a NUL.
 */
static int
aad_format(const struct seal_place *p, uint8_t *buf, size_t *len)
{
	size_t	 tlen = strlen(p->table) + 1, nlen = strlen(p->name) + 1;
	int	 i;

	if (tlen + 8 + nlen > AAD_MAX) {
		errno = EINVAL;
		return (-1);
	}
	memcpy(buf, p->table, tlen);
	for (i = 0; i < 8; i++)
		buf[tlen + i] = p->vault >> (8 * i);
	memcpy(buf + tlen + 8, p->name, nlen);
	*len = tlen + 8 + nlen;
	return (0);
}

static int
put(const uint8_t *key, const struct seal_place *place, const void *in,
    size_t len, struct msg_blob *out)
{
	uint8_t			 aad[AAD_MAX], *p;
	unsigned long long	 clen;
	size_t			 aadlen;

	if (aad_format(place, aad, &aadlen) == -1 ||
	    (p = malloc(len + SEAL_OVERHEAD)) == NULL)
		return (-1);
	randombytes_buf(p, AEAD_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(p + AEAD_NONCE, &clen, in,
	    len, aad, aadlen, NULL, p, key);
	out->data = p;
	out->len = AEAD_NONCE + clen;
	return (0);
}

static ssize_t
get(const uint8_t *key, const struct seal_place *place,
    const struct msg_blob *in, void *buf, size_t size)
{
	uint8_t			 aad[AAD_MAX];
	unsigned long long	 len;
	size_t			 aadlen;

	if (aad_format(place, aad, &aadlen) == -1)
		return (-1);
	if (in->len < SEAL_OVERHEAD || in->len - SEAL_OVERHEAD > size) {
		errno = EINVAL;
		return (-1);
	}
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(buf, &len, NULL,
	    in->data + AEAD_NONCE, in->len - AEAD_NONCE, aad, aadlen,
	    in->data, key) == -1) {
		errno = EBADMSG;
		return (-1);
	}
	return (len);
}

int
seal_put(const struct seal_place *place, const void *in, size_t len,
    struct msg_blob *out)
{
	int	 rc;

	if (!have_data || len > UINT32_MAX / 2) {
		errno = EINVAL;
		return (-1);
	}
	sodium_mprotect_readonly(data);
	rc = put(data, place, in, len, out);
	sodium_mprotect_noaccess(data);
	return (rc);
}

ssize_t
seal_get(const struct seal_place *place, const struct msg_blob *in, void *buf,
    size_t size)
{
	ssize_t	 n;

	if (!have_data) {
		errno = EINVAL;
		return (-1);
	}
	sodium_mprotect_readonly(data);
	n = get(data, place, in, buf, size);
	sodium_mprotect_noaccess(data);
	return (n);
}

static int
keyfile_parse(const uint8_t *buf, size_t len)
{
	size_t	 n;
	int	 ok = 0;

	if (sodium_mprotect_readwrite(master) == -1)
		fatal("sodium_mprotect_readwrite");
	if (len == SEAL_KEYLEN) {
		memcpy(master, buf, SEAL_KEYLEN);
		ok = 1;
	} else if (len == 2 * SEAL_KEYLEN ||
	    (len == 2 * SEAL_KEYLEN + 1 && buf[len - 1] == '\n')) {
		ok = sodium_hex2bin(master, SEAL_KEYLEN, (const char *)buf,
		    2 * SEAL_KEYLEN, NULL, &n, NULL) == 0 && n == SEAL_KEYLEN;
	}
	sodium_mprotect_noaccess(master);
	return (ok);
}

enum seal_error
seal_keyfile_read(int fd)
{
	uint8_t		 buf[KEYFILE_MAX + 1];
	size_t		 len = 0;
	ssize_t		 n = 0;
	enum seal_error	 rc;

	/* One byte more than a key file may have shows one that is longer. */
	while (len < sizeof(buf)) {
		n = pread(fd, buf + len, sizeof(buf) - len, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	if (n == -1)
		rc = SEAL_IO;
	else if (len == 0)
		rc = SEAL_NO_KEY;
	else if (!keyfile_parse(buf, len))
		rc = SEAL_BAD_KEY;
	else {
		have_master = 1;
		rc = SEAL_OK;
	}
	explicit_bzero(buf, sizeof(buf));
	return (rc);
}

static int
write_all(int fd, const char *buf, size_t len)
{
	size_t	 off = 0;
	ssize_t	 n;

	while (off < len) {
		n = pwrite(fd, buf + off, len - off, off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (-1);
		off += n;
	}
	return (fsync(fd));
}

enum seal_error
seal_keyfile_write(int fd)
{
	char		 hex[2 * SEAL_KEYLEN + 2];
	struct stat	 st;
	enum seal_error	 rc = SEAL_OK;

	if (fstat(fd, &st) == -1)
		return (SEAL_IO);
	if (st.st_size != 0) {
		errno = EEXIST;
		return (SEAL_IO);
	}
	if (sodium_mprotect_readwrite(master) == -1)
		fatal("sodium_mprotect_readwrite");
	randombytes_buf(master, SEAL_KEYLEN);
	sodium_bin2hex(hex, sizeof(hex), master, SEAL_KEYLEN);
	sodium_mprotect_noaccess(master);
	hex[2 * SEAL_KEYLEN] = '\n';
	if (write_all(fd, hex, 2 * SEAL_KEYLEN + 1) == -1)
		rc = SEAL_IO;
	else
		have_master = 1;
	explicit_bzero(hex, sizeof(hex));
	return (rc);
}

int
seal_create(struct msg_blob *wrapped, struct msg_blob *check)
{
	int	 rc;

	if (!have_master) {
		errno = EINVAL;
		return (-1);
	}
	if (sodium_mprotect_readwrite(data) == -1)
		fatal("sodium_mprotect_readwrite");
	randombytes_buf(data, SEAL_KEYLEN);
	sodium_mprotect_readonly(master);
	rc = put(master, &wrap_place, data, SEAL_KEYLEN, wrapped);
	sodium_mprotect_noaccess(master);
	if (rc == 0 && put(data, &check_place, check_text,
	    sizeof(check_text), check) == -1) {
		msg_blob_free(wrapped);
		rc = -1;
	}
	sodium_mprotect_noaccess(data);
	have_data = (rc == 0);
	return (rc);
}

/* A data key that unwraps but does not open the check value is no key. */
static int
check_matches(const struct msg_blob *check)
{
	char	 buf[sizeof(check_text)];

	return (check->len == sizeof(check_text) + SEAL_OVERHEAD &&
	    get(data, &check_place, check, buf, sizeof(buf)) ==
	    sizeof(check_text) &&
	    sodium_memcmp(buf, check_text, sizeof(check_text)) == 0);
}

enum seal_error
seal_open(const struct msg_blob *wrapped, const struct msg_blob *check)
{
	ssize_t	 n;

	if (!have_master)
		return (SEAL_NO_KEY);
	if (sodium_mprotect_readwrite(data) == -1 ||
	    sodium_mprotect_readonly(master) == -1)
		fatal("sodium_mprotect");
	n = get(master, &wrap_place, wrapped, data, SEAL_KEYLEN);
	have_data = n == SEAL_KEYLEN && check_matches(check);
	if (!have_data)
		sodium_memzero(data, SEAL_KEYLEN);
	sodium_mprotect_noaccess(data);
	sodium_mprotect_noaccess(master);
	seal_forget_master();
	return (have_data ? SEAL_OK : SEAL_WRONG_KEY);
}

void
seal_forget_master(void)
{
	if (master == NULL)
		return;
	if (sodium_mprotect_readwrite(master) == -1)
		fatal("sodium_mprotect_readwrite");
	sodium_memzero(master, SEAL_KEYLEN);
	sodium_mprotect_noaccess(master);
	have_master = 0;
}

void
seal_free(void)
{
	/* sodium_free(3) wipes what it releases. */
	sodium_free(master);
	sodium_free(data);
	master = data = NULL;
	have_master = have_data = 0;
}

const char *
seal_error_text(enum seal_error e)
{
	switch (e) {
	case SEAL_OK:
		return ("the master key is right");
	case SEAL_NO_KEY:
		return ("the master key file is empty or missing, but there "
		    "is a database: put back the key file that belongs to "
		    "it, or move the state directory away to begin anew; "
		    "nothing was changed");
	case SEAL_BAD_KEY:
		return ("the master key file holds neither 32 bytes nor 64 "
		    "hexadecimal digits: put back the right file; nothing "
		    "was changed");
	case SEAL_WRONG_KEY:
		return ("the master key does not open this database: put "
		    "back the key file that belongs to it; nothing was "
		    "changed");
	case SEAL_IO:
		return ("the master key file cannot be read or written");
	}
	return ("unknown error");
}
