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

#include <string.h>

#include "codes.h"
#include "log.h"
#include "op.h"

#define TTL_MIN		(5 * 60)
#define TTL_MAX		(7 * 24 * 60 * 60)
#define TTL_DEFAULT	(24 * 60 * 60)
#define LABEL_CHARS	100

static int	label_clean(const char *, char *, size_t);

/*
 * A label without control characters and without white space at its ends.
 * UTF-8 passes; characters are counted by their first bytes.  -1 if it is
 * too long.
 */
static int
label_clean(const char *in, char *out, size_t size)
{
	size_t	 n = 0, chars = 0;

	while (*in == ' ')
		in++;
	for (; *in != '\0'; in++) {
		if ((unsigned char)*in < ' ' || *in == 0x7f)
			continue;
		if (n == 0 && *in == ' ')
			continue;
		if (n + 1 == size)
			return (-1);
		out[n++] = *in;
		if (((unsigned char)*in & 0xc0) != 0x80)
			chars++;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--, chars--;
	out[n] = '\0';
	return (chars > LABEL_CHARS ? -1 : 0);
}

int
op_session_mint(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_session_mint	*a = args;
	const struct vault			*v = op_vault(ask);
	const struct agent			*minter;
	struct rec_obj_token			 o;
	struct rec_res_token			 res;
	char					 label[401], tok[TOKEN_SIZE];
	char					 id[TOKEN_PUBLICLEN + 1];
	uint32_t				 ttl;

	ttl = a->ttl == 0 ? TTL_DEFAULT : a->ttl;
	if (ttl < TTL_MIN || ttl > TTL_MAX)
		return (op_refuse(ask, 400, "invalid_ttl",
		    "ttl_seconds must be between %d and %d", TTL_MIN,
		    TTL_MAX));
	if (label_clean(a->label, label, sizeof(label)) == -1)
		return (op_refuse(ask, 400, "invalid_label",
		    "label must be at most %d characters", LABEL_CHARS));
	minter = state_agent(ask->who.agent);
	if (v->ntokens >= STATE_SESSIONS_MAX || (minter != NULL &&
	    minter->nsessions >= STATE_SESSIONS_MAX))
		return (op_refuse(ask, 409, "too_many",
		    "There are %d sessions already: revoke some, or wait "
		    "until they end", STATE_SESSIONS_MAX));
	token_new(TOKEN_SESSION, tok);
	token_public_id(id);
	memset(&o, 0, sizeof(o));
	o.id = change_id(c);
	o.kind = TOKEN_SESSION;
	if (token_hash(tok, o.hash) == -1)
		fatalx("a new token is none");
	o.public_id = id;
	o.agent = ask->who.agent;
	o.vault = v->o.id;
	o.role = ROLE_PROXY;
	o.label = label;
	o.minter_type = ask->who.actor_type;
	o.minter = ask->who.actor;
	o.created_at = ask->now;
	o.expires_at = ask->now + ttl;
	change_put(c, OBJ_TOKEN, &o);
	memset(&res, 0, sizeof(res));
	res.token = tok;
	res.public_id = id;
	res.created_at = o.created_at;
	res.expires_at = o.expires_at;
	change_result(c, &desc_res_token, &res);
	explicit_bzero(tok, sizeof(tok));
	change_detail(c, "{\"vault\":\"%s\",\"session\":\"%s\",\"ttl\":%u}",
	    v->o.name, id, ttl);
	return (0);
}

int
op_session_revoke(struct op_ask *ask, const void *args, struct change *c)
{
	const struct rec_op_name	*a = args;
	struct vault			*v = op_vault(ask);
	const struct token		*t;

	if ((t = state_session_public(v, a->name)) == NULL)
		return (op_found(ask, NULL, "Session"));
	change_delete(c, OBJ_TOKEN, t->o.id);
	change_detail(c, "{\"vault\":\"%s\",\"session\":\"%s\"}", v->o.name,
	    t->o.public_id);
	return (0);
}
