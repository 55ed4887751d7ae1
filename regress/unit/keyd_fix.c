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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../keyd/seal.h"
#include "../../keyd/token.h"
#include "keyd_fix.h"

static int	apply(uint8_t, uint8_t, const void *);

static int
apply(uint8_t kind, uint8_t op, const void *rec)
{
	struct rec_object	 o;
	int			 rc;

	memset(&o, 0, sizeof(o));
	o.kind = kind;
	o.op = op;
	assert_int_equal(rec_to_blob(object_desc(kind), rec, &o.body), 0);
	rc = state_apply(&o, FIX_WALL, FIX_MONO);
	msg_blob_free(&o.body);
	return (rc);
}

int
fix_put(uint8_t kind, const void *rec)
{
	return (apply(kind, OBJECT_PUT, rec));
}

int
fix_delete(uint8_t kind, const void *rec)
{
	return (apply(kind, OBJECT_DELETE, rec));
}

void
fix_vault(uint64_t id, const char *name)
{
	struct rec_obj_vault	 o;

	memset(&o, 0, sizeof(o));
	o.id = id;
	o.name = name;
	assert_int_equal(fix_put(OBJ_VAULT, &o), 0);
}

void
fix_vault_gone(uint64_t id, const char *name)
{
	struct rec_obj_vault	 o;

	memset(&o, 0, sizeof(o));
	o.id = id;
	o.name = name;
	o.deleted_at = FIX_WALL;
	assert_int_equal(fix_put(OBJ_VAULT, &o), 0);
}

void
fix_agent(uint64_t id, const char *name, uint8_t role,
    const char *created_by)
{
	struct rec_obj_agent	 o;
	char			 uuid[37];

	memset(&o, 0, sizeof(o));
	(void)snprintf(uuid, sizeof(uuid), "uuid-%s", name);
	o.id = id;
	o.uuid = uuid;
	o.name = name;
	o.role = role;
	o.created_by = created_by;
	assert_int_equal(fix_put(OBJ_AGENT, &o), 0);
}

void
fix_grant(uint64_t id, uint64_t agent, uint64_t vault, uint8_t role)
{
	struct rec_obj_grant	 o;

	memset(&o, 0, sizeof(o));
	o.id = id;
	o.agent = agent;
	o.vault = vault;
	o.role = role;
	assert_int_equal(fix_put(OBJ_GRANT, &o), 0);
}

void
fix_agent_token(uint64_t id, const char *tok, uint64_t agent)
{
	struct rec_obj_token	 o;

	memset(&o, 0, sizeof(o));
	o.id = id;
	o.kind = TOKEN_AGENT;
	assert_int_equal(token_hash(tok, o.hash), TOKEN_AGENT);
	o.agent = agent;
	assert_int_equal(fix_put(OBJ_TOKEN, &o), 0);
}

void
fix_session(uint64_t id, const char *tok, uint64_t vault, uint64_t minter,
    int64_t expires)
{
	struct rec_obj_token	 o;
	char			 public_id[25];

	memset(&o, 0, sizeof(o));
	(void)snprintf(public_id, sizeof(public_id), "%020u", (unsigned int)id);
	o.id = id;
	o.kind = TOKEN_SESSION;
	assert_int_equal(token_hash(tok, o.hash), TOKEN_SESSION);
	o.vault = vault;
	o.agent = minter;
	o.role = ROLE_PROXY;
	o.public_id = public_id;
	o.minter_type = minter == 0 ? ACTOR_LOCAL : ACTOR_AGENT;
	o.minter = minter == 0 ? "local:0" : "uuid";
	o.expires_at = expires;
	assert_int_equal(fix_put(OBJ_TOKEN, &o), 0);
}

void
fix_service_rec(struct rec_obj_service *o)
{
	memset(o, 0, sizeof(*o));
	o->name = o->host = o->path = o->methods = "";
	o->key1 = o->key2 = o->header = o->prefix = o->headers = "";
	o->enabled = 1;
}

void
fix_service(uint64_t id, uint64_t vault, const char *name, const char *host,
    uint16_t port, const char *path)
{
	struct rec_obj_service	 o;

	fix_service_rec(&o);
	o.id = id;
	o.vault = vault;
	o.position = id;
	o.name = name;
	o.host = host;
	o.port = port;
	o.path = path;
	o.auth_type = AUTH_BEARER;
	o.key1 = "TOKEN";
	assert_int_equal(fix_put(OBJ_SERVICE, &o), 0);
}

void
fix_credential(uint64_t id, uint64_t vault, const char *name,
    const char *value)
{
	struct rec_obj_credential	 o;
	struct seal_place		 place = { "credentials", vault, name };

	memset(&o, 0, sizeof(o));
	o.id = id;
	o.vault = vault;
	o.name = name;
	assert_int_equal(seal_put(&place, value, strlen(value), &o.sealed), 0);
	assert_int_equal(fix_put(OBJ_CREDENTIAL, &o), 0);
	msg_blob_free(&o.sealed);
}

const char *
fix_token_text(int kind, char digit)
{
	static char	 tok[TOKEN_SIZE];
	const char	*prefix;

	prefix = kind == TOKEN_AGENT ? TOKEN_PREFIX_AGENT :
	    TOKEN_PREFIX_SESSION;
	memset(tok, digit, sizeof(tok));
	memcpy(tok, prefix, strlen(prefix));
	tok[strlen(prefix) + TOKEN_HEXLEN] = '\0';
	return (tok);
}
