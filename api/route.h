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


#ifndef ROUTE_H
#define ROUTE_H

#include <sys/types.h>

#include <stddef.h>

#include "ask.h"
#include "http.h"
#include "request.h"

/*
 * The routes: one table of methods, paths and handlers.
 */

#define ROUTE_PUBLIC	0x01	/* for everybody, at any time */
#define ROUTE_EARLY	0x02	/* before init too */
#define ROUTE_LOCAL	0x04	/* there is none on api tcp */
#define ROUTE_FRESH	0x08	/* ask keyd anew who the caller is */
#define ROUTE_FILTER	0x10	/* keys of filters too, as often as need be */
#define ROUTE_METRICS	0x40	/* there, without a token, on their listener */
#define ROUTE_SIGNIN	0x20	/* the handler finds out who the caller is */

struct route {
	enum http_method	 method;
	const char		*path;		/* "*" is any segment */
	request_fn		*fn;
	int			 flags;
	const char		*query;		/* names, with blanks between */
};

#define ROUTE_ALLOW_SIZE	64

/*
 * The route of a method (GET for HEAD) and a path, as it was sent, without
 * its query.  The segments in the place of the stars are decoded into param,
 * to be freed.  NULL: there is none, and then allow, of ROUTE_ALLOW_SIZE
 * bytes, names the methods that the path has, or is empty.
 */
const struct route	*route_find(enum http_method, const char *,
			    char *param[REQUEST_PARAMS], char *allow);

/*
 * Undo percent-encoding in n bytes; with plus, '+' is a blank.  Fresh memory,
 * or NULL for what is not valid or has a NUL in it.
 */
char	*route_decode(const char *, size_t n, int plus);

/* Is a word in a list of words with blanks between them (NULL: none)? */
int	 route_word(const char *list, const char *word);

/* The handlers, in files of their groups' names. */
request_fn	 agents_create, agents_delete, agents_get, agents_list;
request_fn	 agents_rename, agents_revoke, agents_role, agents_rotate;
request_fn	 auth_exchange, auth_link, auth_logout, auth_me;
request_fn	 auth_revoke, auth_sessions;
request_fn	 backup_get;
request_fn	 ca_get;
request_fn	 credentials_delete, credentials_list, credentials_set;
request_fn	 export_instance, export_vault;
request_fn	 grants_add, grants_delete, grants_list, grants_role;
request_fn	 logs_instance, logs_vault;
request_fn	 logstats_instance, logstats_vault;
request_fn	 metrics_get;
request_fn	 services_clear, services_delete, services_enable;
request_fn	 services_list, services_replace, services_upsert;
request_fn	 services_usage;
request_fn	 settings_get, settings_set;
request_fn	 sessions_list, sessions_mint, sessions_revoke;
request_fn	 page_file, page_index;
request_fn	 status_get, status_health, status_init;
request_fn	 status_processes, status_reload, status_verbose;
request_fn	 stream_instance, stream_vault;
request_fn	 values_instance, values_vault;
request_fn	 vaults_admin_list, vaults_context, vaults_create;
request_fn	 vaults_delete, vaults_list, vaults_rename, vaults_settings;
request_fn	 vaults_settings_set;

/* The answer about a vault that is new: of vaults_create, and status_init. */
ask_fn		 vaults_created;

#endif /* ROUTE_H */
