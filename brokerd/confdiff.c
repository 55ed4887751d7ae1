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

#include <stdlib.h>
#include <string.h>

#include "conf.h"

static int	 diff_text(const char *, const char *);
static int	 diff_copy(char **, const char *);

int
conf_diff_restart(const struct conf *running, const struct conf *new,
    const char *names[CONF_RESTART_MAX])
{
	int	 n = 0;

	if (diff_text(running->state, new->state))
		names[n++] = "state";
	if (diff_text(running->user, new->user))
		names[n++] = "user";
	if (diff_text(running->user_keyd, new->user_keyd))
		names[n++] = "user keyd";
	if (diff_text(running->user_logd, new->user_logd))
		names[n++] = "user logd";
	if (running->workers_proxy != new->workers_proxy)
		names[n++] = "workers proxy";
	if (running->workers_mitm != new->workers_mitm)
		names[n++] = "workers mitm";
	if (diff_text(running->master_key, new->master_key))
		names[n++] = "master key";
	/* A sandbox is closed once, at the start of a process. */
	if (running->sandbox_required != new->sandbox_required)
		names[n++] = "sandbox";
	return (n);
}

int
conf_keep_restart(struct conf *new, const struct conf *running)
{
	if (diff_copy(&new->state, running->state) == -1 ||
	    diff_copy(&new->user, running->user) == -1 ||
	    diff_copy(&new->user_keyd, running->user_keyd) == -1 ||
	    diff_copy(&new->user_logd, running->user_logd) == -1 ||
	    diff_copy(&new->master_key, running->master_key) == -1)
		return (-1);
	new->workers_proxy = running->workers_proxy;
	new->workers_mitm = running->workers_mitm;
	new->sandbox_required = running->sandbox_required;
	return (0);
}

static int
diff_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != b);
	return (strcmp(a, b) != 0);
}

static int
diff_copy(char **setting, const char *value)
{
	char	*copy = NULL;

	if (value != NULL && (copy = strdup(value)) == NULL)
		return (-1);
	free(*setting);
	*setting = copy;
	return (0);
}
