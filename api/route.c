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

#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "log.h"
#include "route.h"

#define V	"/v1/vaults/*"

#define LOG_QUERY	"limit before after q"
#define EXPORT_QUERY	"before after format q"
/* What the page keeps in its address. */
#define PAGE_QUERY	"vault q row paused"
#define VALUES_QUERY	"key prefix limit"
#define STATS_QUERY	"since until step buckets"

/*
 * A path may stand here several times, with other methods or with stars for
 * its words; the first that fits is taken.
 */
static const struct route	routes[] = {
	{ HTTP_M_GET, "/", page_index, ROUTE_PUBLIC, PAGE_QUERY },
	{ HTTP_M_GET, "/page/*", page_file, ROUTE_PUBLIC, NULL },

	{ HTTP_M_GET, "/health", status_health, ROUTE_PUBLIC | ROUTE_METRICS,
	    NULL },
	{ HTTP_M_GET, "/metrics", metrics_get, ROUTE_EARLY | ROUTE_METRICS,
	    NULL },
	{ HTTP_M_GET, "/v1/status", status_get, ROUTE_PUBLIC, NULL },
	{ HTTP_M_GET, "/v1/mitm/ca.pem", ca_get, ROUTE_PUBLIC, NULL },

	{ HTTP_M_POST, "/v1/brokerd/init", status_init,
	    ROUTE_EARLY | ROUTE_LOCAL, NULL },
	{ HTTP_M_GET, "/v1/brokerd/status", status_processes,
	    ROUTE_EARLY | ROUTE_LOCAL, NULL },
	{ HTTP_M_POST, "/v1/brokerd/reload", status_reload,
	    ROUTE_EARLY | ROUTE_LOCAL, NULL },
	{ HTTP_M_POST, "/v1/brokerd/verbose", status_verbose,
	    ROUTE_EARLY | ROUTE_LOCAL, NULL },

	{ HTTP_M_POST, "/v1/brokerd/open", auth_link, ROUTE_LOCAL, NULL },

	{ HTTP_M_POST, "/v1/auth/exchange", auth_exchange, ROUTE_SIGNIN,
	    NULL },
	{ HTTP_M_POST, "/v1/auth/logout", auth_logout, ROUTE_SIGNIN, NULL },
	{ HTTP_M_GET, "/v1/auth/me", auth_me, ROUTE_FRESH, NULL },
	{ HTTP_M_GET, "/v1/auth/sessions", auth_sessions, 0, NULL },
	{ HTTP_M_DELETE, "/v1/auth/sessions/*", auth_revoke, 0, NULL },

	{ HTTP_M_GET, "/v1/vaults", vaults_list, 0, NULL },
	{ HTTP_M_POST, "/v1/vaults", vaults_create, 0, NULL },
	{ HTTP_M_GET, "/v1/admin/vaults", vaults_admin_list, 0, NULL },
	{ HTTP_M_DELETE, V, vaults_delete, 0, NULL },
	{ HTTP_M_POST, V "/rename", vaults_rename, 0, NULL },
	{ HTTP_M_GET, V "/context", vaults_context, 0, NULL },
	{ HTTP_M_GET, V "/settings", vaults_settings, 0, NULL },
	{ HTTP_M_PATCH, V "/settings", vaults_settings_set, 0, NULL },

	{ HTTP_M_GET, V "/services", services_list, 0, NULL },
	{ HTTP_M_POST, V "/services", services_upsert, 0, NULL },
	{ HTTP_M_PUT, V "/services", services_replace, 0, NULL },
	{ HTTP_M_DELETE, V "/services", services_clear, 0, NULL },
	{ HTTP_M_GET, V "/services/credential-usage", services_usage, 0,
	    "key" },
	{ HTTP_M_PATCH, V "/services/*", services_enable, 0, NULL },
	{ HTTP_M_DELETE, V "/services/*", services_delete, 0, NULL },

	{ HTTP_M_GET, "/v1/credentials", credentials_list, 0,
	    "vault reveal key" },
	{ HTTP_M_POST, "/v1/credentials", credentials_set, 0, NULL },
	{ HTTP_M_DELETE, "/v1/credentials", credentials_delete, 0,
	    NULL },

	{ HTTP_M_GET, "/v1/agents", agents_list, 0, NULL },
	{ HTTP_M_POST, "/v1/agents", agents_create, 0, NULL },
	{ HTTP_M_GET, "/v1/agents/*", agents_get, 0, NULL },
	{ HTTP_M_DELETE, "/v1/agents/*", agents_revoke, 0, NULL },
	{ HTTP_M_POST, "/v1/agents/*/delete", agents_delete, 0, NULL },
	{ HTTP_M_POST, "/v1/agents/*/rotate", agents_rotate, 0, NULL },
	{ HTTP_M_POST, "/v1/agents/*/rename", agents_rename, 0, NULL },
	{ HTTP_M_POST, "/v1/agents/*/role", agents_role, 0, NULL },

	{ HTTP_M_GET, V "/agents", grants_list, 0, NULL },
	{ HTTP_M_POST, V "/agents", grants_add, 0, NULL },
	{ HTTP_M_DELETE, V "/agents/*", grants_delete, 0, NULL },
	{ HTTP_M_POST, V "/agents/*/role", grants_role, 0, NULL },

	{ HTTP_M_POST, "/v1/sessions", sessions_mint, 0, NULL },
	{ HTTP_M_GET, "/v1/sessions", sessions_list, 0, "vault" },
	{ HTTP_M_DELETE, "/v1/sessions/*", sessions_revoke, 0, "vault" },

	{ HTTP_M_GET, V "/logs", logs_vault, ROUTE_FILTER, LOG_QUERY },
	{ HTTP_M_GET, V "/logs/stats", logstats_vault, 0, STATS_QUERY },
	{ HTTP_M_GET, "/v1/admin/logs/stats", logstats_instance, 0,
	    "vault " STATS_QUERY },
	{ HTTP_M_GET, V "/logs/values", values_vault, 0, VALUES_QUERY },
	{ HTTP_M_GET, "/v1/admin/logs", logs_instance, ROUTE_FILTER,
	    LOG_QUERY },
	{ HTTP_M_GET, V "/logs/stream", stream_vault, ROUTE_FILTER,
	    "after q" },
	{ HTTP_M_GET, "/v1/admin/logs/stream", stream_instance, ROUTE_FILTER,
	    "after q" },
	{ HTTP_M_GET, V "/logs/export", export_vault, ROUTE_FILTER,
	    EXPORT_QUERY },
	{ HTTP_M_GET, "/v1/admin/logs/export", export_instance, ROUTE_FILTER,
	    EXPORT_QUERY },
	{ HTTP_M_GET, "/v1/admin/settings", settings_get, 0, NULL },
	{ HTTP_M_PUT, "/v1/admin/settings", settings_set, 0, NULL },
	{ HTTP_M_GET, "/v1/admin/backup", backup_get, 0, NULL },
	{ HTTP_M_GET, "/v1/admin/logs/values", values_instance, 0,
	    VALUES_QUERY }
};
#define NROUTES	(sizeof(routes) / sizeof(routes[0]))

/* In the order in which Allow names them. */
static const struct {
	enum http_method	 method;
	const char		*name;
} methods[] = {
	{ HTTP_M_DELETE, "DELETE" },
	{ HTTP_M_GET, "GET" },
	{ HTTP_M_GET, "HEAD" },
	{ HTTP_M_PATCH, "PATCH" },
	{ HTTP_M_POST, "POST" },
	{ HTTP_M_PUT, "PUT" }
};

static int	hex(int);
static int	matches(const char *, const char *);
static int	params(const char *, const char *, char **);
static void	allowed(unsigned int, char *);

static int
hex(int c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

char *
route_decode(const char *s, size_t n, int plus)
{
	char	*out, *p;
	int	 c;

	if ((out = p = malloc(n + 1)) == NULL)
		fatal("route");
	for (; n > 0; s++, n--) {
		c = (unsigned char)*s;
		if (c == '+' && plus)
			c = ' ';
		else if (c == '%') {
			if (n < 3 || hex(s[1]) == -1 || hex(s[2]) == -1)
				goto bad;
			c = hex(s[1]) * 16 + hex(s[2]);
			s += 2;
			n -= 2;
		}
		if (c == '\0')
			goto bad;
		*p++ = c;
	}
	*p = '\0';
	return (out);
 bad:
	free(out);
	return (NULL);
}

int
route_word(const char *list, const char *word)
{
	const size_t	 n = strlen(word);
	size_t		 len;

	if (list == NULL || n == 0)
		return (0);
	for (;;) {
		len = strcspn(list, " ");
		if (len == n && memcmp(list, word, n) == 0)
			return (1);
		if (list[len] == '\0')
			return (0);
		list += len + 1;
	}
}

/* Segment by segment; a star is one that is not empty. */
static int
matches(const char *pattern, const char *path)
{
	size_t	 n, len;

	while (*pattern == '/' && *path == '/') {
		n = strcspn(++pattern, "/");
		len = strcspn(++path, "/");
		if (n == 1 && *pattern == '*' ? len == 0 :
		    n != len || memcmp(pattern, path, n) != 0)
			return (0);
		pattern += n;
		path += len;
	}
	return (*pattern == '\0' && *path == '\0');
}

static int
params(const char *pattern, const char *path, char **param)
{
	size_t	 n, len;
	int	 i = 0;

	while (*pattern == '/') {
		n = strcspn(++pattern, "/");
		len = strcspn(++path, "/");
		if (n == 1 && *pattern == '*' &&
		    (param[i++] = route_decode(path, len, 0)) == NULL)
			return (-1);
		pattern += n;
		path += len;
	}
	return (0);
}

static void
allowed(unsigned int set, char *allow)
{
	size_t	 i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if ((set & (1U << methods[i].method)) == 0)
			continue;
		if (*allow != '\0')
			(void)strlcat(allow, ", ", ROUTE_ALLOW_SIZE);
		(void)strlcat(allow, methods[i].name, ROUTE_ALLOW_SIZE);
	}
}

const struct route *
route_find(enum http_method method, const char *path,
    char *param[REQUEST_PARAMS], char *allow)
{
	const struct route	*r;
	unsigned int		 set = 0;

	*allow = '\0';
	if (method == HTTP_M_HEAD)
		method = HTTP_M_GET;
	for (r = routes; r < routes + NROUTES; r++) {
		if (((r->flags & ROUTE_LOCAL) && !API_LOCAL()) ||
		    !matches(r->path, path))
			continue;
		if (r->method == method)
			return (params(r->path, path, param) == -1 ? NULL :
			    r);
		set |= 1U << r->method;
	}
	allowed(set, allow);
	return (NULL);
}
