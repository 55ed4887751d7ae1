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

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "op.h"

/* takes: the operation takes away whatever its arguments are. */
static const struct {
	op_fn	*fn;
	int	 takes;
} ops[OP_MAX] = {
	[OP_INIT] =		{ op_init, 0 },
	[OP_VAULT_CREATE] =	{ op_vault_create, 0 },
	[OP_VAULT_DELETE] =	{ op_vault_delete, 1 },
	[OP_VAULT_RENAME] =	{ op_vault_rename, 0 },
	[OP_VAULT_SETTINGS] =	{ op_vault_settings, 0 },
	[OP_CREDENTIAL_SET] =	{ op_credential_set, 0 },
	[OP_CREDENTIAL_DELETE] = { op_credential_delete, 1 },
	[OP_SERVICE_UPSERT] =	{ op_service_upsert, 0 },
	[OP_SERVICE_REPLACE] =	{ op_service_replace, 0 },
	[OP_SERVICE_CLEAR] =	{ op_service_clear, 1 },
	[OP_SERVICE_DELETE] =	{ op_service_delete, 1 },
	[OP_SERVICE_ENABLE] =	{ op_service_enable, 0 },
	[OP_AGENT_CREATE] =	{ op_agent_create, 0 },
	[OP_AGENT_REVOKE] =	{ op_agent_revoke, 1 },
	[OP_AGENT_DELETE] =	{ op_agent_delete, 1 },
	[OP_AGENT_ROTATE] =	{ op_agent_rotate, 0 },
	[OP_AGENT_RENAME] =	{ op_agent_rename, 0 },
	[OP_AGENT_ROLE] =	{ op_agent_role, 0 },
	[OP_GRANT_SET] =	{ op_grant_set, 0 },
	[OP_GRANT_DELETE] =	{ op_grant_delete, 1 },
	[OP_SESSION_MINT] =	{ op_session_mint, 0 },
	[OP_SESSION_REVOKE] =	{ op_session_revoke, 1 },
	[OP_RELOAD] =		{ op_recorded, 0 },
	[OP_VERBOSE] =		{ op_recorded, 0 },
	[OP_BRIEF] =		{ op_recorded, 0 },
	[OP_BACKUP] =		{ op_recorded, 0 },
	[OP_SETTINGS] =		{ op_settings, 0 },
	[OP_LOGIN_LINK] =	{ op_login_link, 0 },
	[OP_LOGIN_BEGIN] =	{ op_login_begin, 0 },
	[OP_LOGIN_END] =	{ op_login_end, 1 }
};

op_fn *
op_function(unsigned int op)
{
	return (op < OP_MAX ? ops[op].fn : NULL);
}

int
op_takes_away(unsigned int op, const void *args)
{
	const struct rec_op_service_enable	*enable = args;

	if (op == OP_SERVICE_ENABLE)
		return (enable->enabled == 0);
	return (op < OP_MAX && ops[op].takes);
}

int
op_recorded(struct op_ask *ask, const void *args, struct change *c)
{
	return (0);
}

int
op_refuse(struct op_ask *ask, uint16_t status, const char *code,
    const char *fmt, ...)
{
	va_list	 ap;

	ask->status = status;
	ask->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(ask->text, sizeof(ask->text), fmt, ap);
	va_end(ap);
	return (-1);
}

int
op_found(struct op_ask *ask, const void *obj, const char *what)
{
	if (obj != NULL)
		return (0);
	return (op_refuse(ask, 404, "not_found", "%s not found", what));
}

struct vault *
op_vault(const struct op_ask *ask)
{
	return (state_vault(ask->vault));
}
