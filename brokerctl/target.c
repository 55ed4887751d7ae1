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

#include "config.h"
#include "ctl.h"
#include "url.h"

static char	*default_socket(void);

/* A token would make a lesser caller of whoever may use the socket. */
void
target_socket(struct target *target, const char *path)
{
	target->socket = path != NULL ? path : ctl_env("BROKERD_SOCKET");
	if (target->socket == NULL)
		target->socket = default_socket();
}

/*
 * As brokerd has it: a user's own, below the user's state directory, where
 * there is one, and else root's, for those in its group.
 */
static char *
default_socket(void)
{
	const char	*dir;
	char		*own = NULL, *path;
	int		 n = 0;

	if (asprintf(&path, "%s/brokerd.sock", BROKERD_RUNDIR) == -1)
		err(1, NULL);
	if (geteuid() == 0)
		return (path);
	if ((dir = getenv("XDG_STATE_HOME")) != NULL && *dir == '/')
		n = asprintf(&own, "%s/brokerd/brokerd.sock", dir);
	else if ((dir = getenv("HOME")) != NULL && *dir == '/')
		n = asprintf(&own, "%s/.local/state/brokerd/brokerd.sock",
		    dir);
	if (n == -1)
		err(1, NULL);
	if (own == NULL || (access(own, F_OK) == -1 &&
	    access(path, F_OK) == 0)) {
		free(own);
		return (path);
	}
	free(path);
	return (own);
}

/* http://host[:port] or https://host[:port], nothing else. */
void
target_url(struct target *target, const char *s)
{
	struct url_authority	 a;
	static char		 authority[URL_AUTHORITY_MAX];
	static char		 host[URL_HOST_MAX], port[8];
	static char		 whole[URL_AUTHORITY_MAX + 8];
	enum url_kind		 kind;
	size_t			 n;

	if (strncasecmp(s, "https://", 8) == 0) {
		target->tls = 1;
		s += 8;
	} else if (strncasecmp(s, "http://", 7) == 0)
		s += 7;
	else
		errx(2, "-u %s: it starts with neither http:// nor https://",
		    s);
	n = strcspn(s, "/");
	if ((s[n] != '\0' && s[n + 1] != '\0') ||
	    url_authority(s, n, 0, &a) == -1 ||
	    (kind = url_host(host, sizeof(host), s + a.off, a.len)) ==
	    URL_NONE)
		errx(2, "-u: not scheme://host[:port]");
	if (url_format(authority, sizeof(authority), host, kind, a.port) ==
	    -1)
		errx(2, "-u: the host is too long");
	if (a.port == 0)
		a.port = target->tls ? 443 : 80;
	snprintf(port, sizeof(port), "%d", a.port);
	snprintf(whole, sizeof(whole), "http%s://%s", target->tls ? "s" : "",
	    authority);
	target->url = whole;
	target->host = host;
	target->port = port;
	target->authority = authority;
	target->token = ctl_env("BROKERD_TOKEN");
	if (target->token != NULL && !target->tls &&
	    strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0 &&
	    strcmp(host, "localhost") != 0)
		warnx("the token goes to %s unencrypted", authority);
}
