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
#include "msg.h"

#define NAME(c, s, ...)	s,
static const char *const kinds[] = { KIND_LIST(NAME) };
static const char *const actors[] = { ACTOR_LIST(NAME) };
static const char *const ingresses[] = { INGRESS_LIST(NAME) };
static const char *const decisions[] = { DECISION_LIST(NAME) };
static const char *const classes[] = { CLASS_LIST(NAME) };
static const char *const causes[] = { CAUSE_LIST(NAME) };
static const char *const protocols[] = { PROTOCOL_LIST(NAME) };
static const char *const schemes[] = { SCHEME_LIST(NAME) };
static const char *const errors[] = { ERROR_LIST(NAME) };
static const char *const events[] = { EVENT_LIST(NAME) };
static const char *const roles[] = { ROLE_LIST(NAME) };
static const char *const instance_roles[] = { INSTANCE_ROLE_LIST(NAME) };
static const char *const agent_statuses[] = { AGENT_STATUS_LIST(NAME) };
static const char *const unmatcheds[] = { UNMATCHED_LIST(NAME) };
static const char *const path_modes[] = { PATH_LIST(NAME) };
static const char *const auth_types[] = { AUTH_TYPE_LIST(NAME) };
static const char *const sources[] = { SOURCE_LIST(NAME) };
static const char *const objects[] = { OBJECT_LIST(NAME) };
static const char *const ops[] = { OP_LIST(NAME) };
#undef NAME

#define OP_DESC(c, s, rec)	&desc_##rec,
#define VIEW_DESC(c, rec)	&desc_##rec,
static const struct rec_desc *const object_descs[] = {
	[OBJ_KEYRING] =		&desc_obj_keyring,
	[OBJ_VAULT] =		&desc_obj_vault,
	[OBJ_AGENT] =		&desc_obj_agent,
	[OBJ_TOKEN] =		&desc_obj_token,
	[OBJ_GRANT] =		&desc_obj_grant,
	[OBJ_SERVICE] =		&desc_obj_service,
	[OBJ_CREDENTIAL] =	&desc_obj_credential,
	[OBJ_SETTINGS] =	&desc_obj_settings,
	[OBJ_LOGIN] =		&desc_obj_login
};
static const struct rec_desc *const op_descs[] = { OP_LIST(OP_DESC) };
static const struct rec_desc *const view_descs[] = { VIEW_LIST(VIEW_DESC) };
#undef OP_DESC
#undef VIEW_DESC

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

/* Defines NAME_name() and, with NAMES_BY, NAME_by() over one table. */
#define NAMES(fn, table)						\
const char *								\
fn##_name(unsigned int n)						\
{									\
	return (n < COUNT(table) ? table[n] : "unknown");		\
}
#define NAMES_BY(fn, table)						\
NAMES(fn, table)							\
int									\
fn##_by(const char *s)							\
{									\
	return (lookup(table, COUNT(table), s));			\
}

static int	lookup(const char *const *, size_t, const char *);

/* The empty name stands for "none", which nobody can ask for. */
static int
lookup(const char *const *table, size_t n, const char *s)
{
	size_t	 i;

	if (*s == '\0')
		return (-1);
	for (i = 0; i < n; i++) {
		if (strcmp(table[i], s) == 0)
			return (i);
	}
	return (-1);
}

NAMES_BY(kind, kinds)
NAMES(actor, actors)
NAMES_BY(ingress, ingresses)
NAMES_BY(decision, decisions)
NAMES(class, classes)
NAMES(cause, causes)
NAMES(protocol, protocols)
NAMES(scheme, schemes)
NAMES_BY(error, errors)
NAMES(event, events)
NAMES_BY(role, roles)
NAMES_BY(instance_role, instance_roles)
NAMES(agent_status, agent_statuses)
NAMES_BY(unmatched, unmatcheds)
NAMES_BY(path_mode, path_modes)
NAMES_BY(auth_type, auth_types)
NAMES(value_source, sources)
NAMES(object, objects)
NAMES(op, ops)

const char *
decision_counted(unsigned int n)
{
	return (n == DECISION_NONE ? "undecided" : decision_name(n));
}

const struct rec_desc *
object_desc(unsigned int kind)
{
	return (kind < COUNT(object_descs) ? object_descs[kind] : NULL);
}

const struct rec_desc *
op_desc(unsigned int op)
{
	return (op < COUNT(op_descs) ? op_descs[op] : NULL);
}

const struct rec_desc *
view_desc(unsigned int view)
{
	return (view < COUNT(view_descs) ? view_descs[view] : NULL);
}
