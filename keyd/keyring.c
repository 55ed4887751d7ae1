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

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ca.h"
#include "codes.h"
#include "keyring.h"
#include "log.h"
#include "seal.h"
#include "state.h"
#include "token.h"

static int	keyfile = -1;

static const struct seal_place	ca_place = { "keyring", 0, "ca_key" };

static void	fail(enum seal_error);
static void	load_ca(const struct rec_obj_keyring *);

void
keyring_file(int fd)
{
	if (keyfile != -1) {
		close(fd);
		return;
	}
	keyfile = fd;
}

int
keyring_have_file(void)
{
	return (keyfile != -1);
}

void
keyring_close(void)
{
	if (keyfile != -1)
		close(keyfile);
	keyfile = -1;
}

static void
fail(enum seal_error e)
{
	if (e == SEAL_IO)
		fatal("%s", seal_error_text(e));
	fatalx("%s", seal_error_text(e));
}

static void
load_ca(const struct rec_obj_keyring *o)
{
	struct msg_blob	 key;
	uint8_t		 buf[1024];
	ssize_t		 n;

	n = seal_get(&ca_place, &o->ca_key, buf, sizeof(buf));
	if (n == -1)
		fatalx("the key of the certificate authority does not open: "
		    "its row was changed; restore the database from a "
		    "backup");
	key.data = buf;
	key.len = n;
	if (ca_load(&o->ca_cert, &key) == -1)
		fatalx("certificate and key of the authority do not belong "
		    "together; restore the database from a backup");
	explicit_bzero(buf, sizeof(buf));
}

void
keyring_open(void)
{
	const struct rec_obj_keyring	*o = &state.keyring;
	enum seal_error			 e;

	if (keyfile == -1)
		fail(SEAL_NO_KEY);
	if ((e = seal_keyfile_read(keyfile)) != SEAL_OK ||
	    (e = seal_open(&o->data_key, &o->check_value)) != SEAL_OK)
		fail(e);
	load_ca(o);
	keyring_close();
}

/*
 * The key file is durable before anything is sealed with it; one that a
 * start before this one wrote, and could not use any more, is used.
 */
int
keyring_build(struct change *c, int64_t now)
{
	struct rec_obj_keyring	 o;
	struct msg_blob		 key;
	char			 node[UUID_SIZE];
	enum seal_error		 e;

	if (keyfile == -1)
		fatalx("no master key file was given");
	if ((e = seal_keyfile_read(keyfile)) == SEAL_NO_KEY)
		e = seal_keyfile_write(keyfile);
	if (e != SEAL_OK)
		fail(e);
	memset(&o, 0, sizeof(o));
	token_uuid(node);
	o.id = 1;
	o.node = node;
	o.created_at = now;
	if (seal_create(&o.data_key, &o.check_value) == -1 ||
	    ca_create(node, now, &o.ca_cert, &key) == -1 ||
	    seal_put(&ca_place, key.data, key.len, &o.ca_key) == -1)
		fatalx("no keyring could be made");
	change_put(c, OBJ_KEYRING, &o);
	msg_blob_free(&key);
	msg_blob_free(&o.data_key);
	msg_blob_free(&o.check_value);
	msg_blob_free(&o.ca_cert);
	msg_blob_free(&o.ca_key);
	return (0);
}

void
keyring_durable(const struct change *c)
{
	struct rec_obj_keyring	 o;

	if (rec_from_blob(&c->objects[0].body, &desc_obj_keyring, &o,
	    NULL) == -1)
		fatal("keyring");
	load_ca(&o);
	seal_forget_master();
	keyring_close();
}
