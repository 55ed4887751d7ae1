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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "link.h"
#include "log.h"
#include "logstream.h"
#include "pool.h"
#include "record.h"
#include "settings.h"

static const struct settings	 initial = {
	.limits = { HTTP_LIMIT_LINE, HTTP_LIMIT_HEAD, HTTP_LIMIT_FIELDS },
	.dial = 10 * 1000,
	.handshake = 10 * 1000,
	.head = 5 * 60 * 1000,
	.idle = 90 * 1000
};

static struct settings	 current, pending;
static int		 ready;

const struct settings *
settings(void)
{
	if (!ready) {
		current = initial;
		ready = 1;
	}
	return (&current);
}

void
settings_start(void)
{
	pending = initial;
	if ((pending.roots = verify_new()) == NULL)
		fatal("upstream ca");
}

int
settings_conf(struct msg *m, char *why, size_t len)
{
	switch (m->type) {
	case MSG_CONF_HTTP:
		pending.limits.line = m->u.conf_http.request_line;
		pending.limits.head = m->u.conf_http.header_bytes;
		pending.limits.fields = m->u.conf_http.headers;
		break;
	case MSG_CONF_UPSTREAM:
		pending.dial = m->u.conf_upstream.dial_ms;
		pending.handshake = m->u.conf_upstream.handshake_ms;
		pending.head = m->u.conf_upstream.head_ms;
		pending.idle = m->u.conf_upstream.idle_ms;
		break;
	case MSG_CONF_LOG:
		pending.strict = m->u.conf_log.strict;
		pending.path_mode = m->u.conf_log.path_mode;
		break;
	default:
		break;
	}
	return (0);
}

/* The parent sends the system's roots only when they count. */
int
settings_file(struct msg_file *m, int *fd, char *why, size_t len)
{
	char	 text[VERIFY_TEXT];

	if (m->kind != FILE_CA_BUNDLE && m->kind != FILE_CA_EXTRA)
		return (0);
	if (verify_add_fd(pending.roots, *fd, text, sizeof(text)) == -1) {
		(void)snprintf(why, len, "upstream ca %s: %s", m->name, text);
		return (-1);
	}
	return (0);
}

int
settings_end(char *why, size_t len)
{
	if (pending.limits.line > 0 && pending.limits.head > 0 &&
	    pending.limits.fields > 0)
		return (0);
	(void)strlcpy(why, "http: a limit is 0", len);
	return (-1);
}

/*
 * Idle connections were made to addresses, and verified against roots, that
 * may count no more.
 */
void
settings_activate(void)
{
	verify_free(current.roots);
	current = pending;
	ready = 1;
	memset(&pending, 0, sizeof(pending));
	logstream_conf(current.strict);
	record_path_default(current.path_mode);
	pool_conf(current.idle);
	pool_clear();
}

void
settings_cancel(void)
{
	verify_free(pending.roots);
	memset(&pending, 0, sizeof(pending));
}
