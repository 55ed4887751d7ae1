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

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static void	set(const char *, const char *);
static void	set_proxy(const struct runenv *);
static void	set_no_proxy(const struct runenv *);

/*
 * Not for the command: what would lead it past the proxy, what is left of
 * another run, and what is brokerctl's own.
 */
static const char *const	dropped[] = {
	"ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy",
	"HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy",
	"NODE_USE_ENV_PROXY", "AGENT_VAULT_ADDR", "AGENT_VAULT_TOKEN",
	"AGENT_VAULT_SESSION_TOKEN", "AGENT_VAULT_VAULT",
	"BROKERD_TOKEN", "BROKERD_VAULT", "BROKERD_SOCKET", "BROKERD_API",
	"BROKERD_PROXY", "BROKERD_CA"
};

/*
 * Each names the bundle.  The last six are read by some programs before or
 * instead of the others, and what they name is all that is trusted then.
 */
static const char *const	bundles[] = {
	"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
	"CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "DENO_CERT", "PIP_CERT",
	"AWS_CA_BUNDLE", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
	"HTTPLIB2_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
	"NIX_SSL_CERT_FILE"
};

void
runenv_set(const struct runenv *env)
{
	size_t	 i;
	char	*token, *vault, *addr = NULL;

	/* What env refers to can be in the environment itself. */
	if ((token = strdup(env->token)) == NULL ||
	    (vault = strdup(env->vault)) == NULL ||
	    (env->addr != NULL && (addr = strdup(env->addr)) == NULL))
		err(1, NULL);
	set_proxy(env);
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		set(bundles[i], env->bundle);
	set("WGETRC", env->wgetrc);
	set("NODE_USE_ENV_PROXY", "1");
	set("AGENT_VAULT_TOKEN", token);
	set("AGENT_VAULT_VAULT", vault);
	if (addr != NULL)
		set("AGENT_VAULT_ADDR", addr);
	freezero(token, strlen(token));
	free(vault);
	free(addr);
}

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) == -1)
		err(1, "%s", name);
}

/* http://TOKEN:VAULT@HOST:PORT, in both cases. */
static void
set_proxy(const struct runenv *env)
{
	static const char *const	names[] = {
		"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"
	};
	char				*token, *url, *vault;
	int				 six;
	size_t				 i;

	six = strchr(env->host, ':') != NULL;
	token = call_path("%s", env->token);
	vault = call_path("%s", env->vault);
	if (asprintf(&url, "http://%s:%s@%s%s%s:%u", token, vault,
	    six ? "[" : "", env->host, six ? "]" : "", env->port) == -1)
		err(1, NULL);
	set_no_proxy(env);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		set(names[i], url);
	freezero(url, strlen(url));
	freezero(token, strlen(token));
	free(vault);
}

static void
set_no_proxy(const struct runenv *env)
{
	char	*list;
	size_t	 i;

	if (asprintf(&list, "%s127.0.0.1,::1%s%s",
	    env->localhost ? "localhost," : "",
	    strcmp(env->host, "127.0.0.1") != 0 ? "," : "",
	    strcmp(env->host, "127.0.0.1") != 0 ? env->host : "") == -1)
		err(1, NULL);
	for (i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		unsetenv(dropped[i]);
	set("NO_PROXY", list);
	set("no_proxy", list);
	free(list);
}
