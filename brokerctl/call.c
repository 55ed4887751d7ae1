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
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ctl.h"

static void	call_send(struct ctl *, const char *, const char *, json_t *,
		    struct answer *);
static const char *call_hint(const struct ctl *, int, const char *);
static json_t	*call_object(const struct answer *);
static size_t	encode(char *, const char *);

char *
call_path(const char *fmt, ...)
{
	const char	*p, *arg;
	char		*path;
	size_t		 n = 0, size = strlen(fmt) + 1;
	va_list		 ap;

	va_start(ap, fmt);
	for (p = fmt; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == 's')
			size += 3 * strlen(va_arg(ap, const char *));
	}
	va_end(ap);
	if ((path = calloc(1, size)) == NULL)
		err(1, NULL);
	va_start(ap, fmt);
	for (p = fmt; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == 's') {
			arg = va_arg(ap, const char *);
			n += encode(path + n, arg);
			p++;
		} else
			path[n++] = *p;
	}
	va_end(ap);
	return (path);
}

/* RFC 3986: everything but unreserved characters. */
static size_t
encode(char *out, const char *s)
{
	static const char	 hex[] = "0123456789ABCDEF";
	static const char	 unreserved[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~";
	size_t			 n = 0;

	for (; *s != '\0'; s++) {
		if (strchr(unreserved, *s) != NULL) {
			out[n++] = *s;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[(unsigned char)*s >> 4];
		out[n++] = hex[(unsigned char)*s & 15];
	}
	return (n);
}

json_t *
call(struct ctl *ctl, const char *method, char *path, json_t *body)
{
	int	status;

	return (call_try(ctl, method, path, body, 200, &status));
}

json_t *
call_try(struct ctl *ctl, const char *method, char *path, json_t *body,
    int allowed, int *status)
{
	struct answer	 answer;
	json_t		*o;

	call_send(ctl, method, path, body, &answer);
	free(path);
	*status = answer.status;
	if (answer.status != allowed && answer.status / 100 != 2)
		call_refused(ctl, &answer);
	if ((o = call_object(&answer)) == NULL)
		errx(1, "%s: the answer is no JSON object; is that brokerd?",
		    ctl->name);
	answer_free(&answer);
	return (o);
}

void
call_raw(struct ctl *ctl, const char *method, char *path,
    struct answer *answer)
{
	call_send(ctl, method, path, NULL, answer);
	free(path);
	if (answer->status != 200)
		call_refused(ctl, answer);
}

uint64_t
call_download(struct ctl *ctl, char *path, int fd)
{
	struct answer	 answer;
	uint64_t	 n;

	if (client_download(ctl->client, path, fd, &answer) == -1) {
		if (answer.status == 200)
			errx(1, "%s: cut short: %s; what was written is not "
			    "all of it", ctl->name,
			    client_error(ctl->client));
		call_unreachable(ctl);
	}
	free(path);
	if (answer.status != 200)
		call_refused(ctl, &answer);
	if (*answer.trimmed != '\0')
		warnx("%s: retention has taken rows behind the cursor: %s",
		    ctl->name, answer.trimmed);
	n = answer.length;
	answer_free(&answer);
	return (n);
}

static void
call_send(struct ctl *ctl, const char *method, const char *path,
    json_t *body, struct answer *answer)
{
	char	*text = NULL;
	int	 rv;

	if (body != NULL && (text = json_dumps(body, JSON_COMPACT)) == NULL)
		err(1, NULL);
	json_decref(body);
	rv = client_call(ctl->client, method, path, text, answer);
	if (rv == -1)
		call_unreachable(ctl);
	secret_dumped(text);
}

void
call_unreachable(const struct ctl *ctl)
{
	const char	*where = ctl->target.socket;
	int		 saved = errno;

	if (where == NULL)
		errx(1, "%s: %s%s", ctl->target.authority,
		    client_error(ctl->client), saved != ECONNREFUSED ? "" :
		    "; does a \"listen api\" of brokerd.conf(5) name it?");
	switch (saved) {
	case ENOENT:
	case ECONNREFUSED:
		errx(1, "%s: brokerd does not run there (%s); start it, or "
		    "name its socket with -s or BROKERD_SOCKET", where,
		    strerror(saved));
	case EACCES:
	case EPERM:
		errx(1, "%s: no permission: the socket is for its owner and "
		    "its group; become one of them, or use -u with a token",
		    where);
	default:
		errx(1, "%s: %s", where, client_error(ctl->client));
	}
}

void
call_refused(const struct ctl *ctl, const struct answer *answer)
{
	json_t		*o = call_object(answer);
	const char	*text, *hint;
	char		*shown;

	text = o != NULL ? get_string(o, "error") : "";
	hint = call_hint(ctl, answer->status,
	    o != NULL ? get_string(o, "code") : "");
	if (*text == '\0' || strcmp(text, "not_initialized") == 0)
		text = o != NULL ? get_string(o, "message") : "";
	shown = text_escape(text);
	if (*shown == '\0')
		errx(1, "%s: brokerd answered with status %d%s", ctl->name,
		    answer->status, hint);
	errx(1, "%s: %s%s", ctl->name, shown, hint);
}

/* What a user can do about it. */
static const char *
call_hint(const struct ctl *ctl, int status, const char *code)
{
	if (status == 401 && ctl->target.token == NULL)
		return (" (put a token into BROKERD_TOKEN)");
	if (status == 401)
		return (" (it came from BROKERD_TOKEN or AGENT_VAULT_TOKEN)");
	if (status == 404 && ctl->target.socket == NULL && *code == '\0')
		return (" (some things need the local socket)");
	if (status == 503 && strcmp(code, "not_initialized") == 0)
		return (" (run: brokerctl init)");
	return ("");
}

static json_t *
call_object(const struct answer *answer)
{
	json_t	*o;

	o = json_loadb(answer->body, answer->length, JSON_ALLOW_NUL, NULL);
	if (o != NULL && !json_is_object(o)) {
		json_decref(o);
		o = NULL;
	}
	return (o);
}

void
call_print(const json_t *o)
{
	if (json_dumpf(o, stdout, JSON_INDENT(2)) == -1)
		err(1, "stdout");
	putchar('\n');
}

int
call_json(const struct ctl *ctl, json_t *o)
{
	if (!ctl->json)
		return (0);
	call_print(o);
	json_decref(o);
	return (1);
}

int
call_done(const struct ctl *ctl, json_t *o, const char *fmt, ...)
{
	va_list	 ap;

	if (call_json(ctl, o))
		return (0);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	json_decref(o);
	return (0);
}

const char *
get_string(const json_t *o, const char *key)
{
	const char	*s;

	s = json_string_value(json_object_get(o, key));
	return (s == NULL ? "" : s);
}

int64_t
get_int(const json_t *o, const char *key)
{
	return ((int64_t)json_integer_value(json_object_get(o, key)));
}

json_t *
new_string(const char *s)
{
	json_t	*o;

	if ((o = json_string(s)) == NULL)
		errx(1, "what is not UTF-8 text cannot be sent");
	return (o);
}

const char *
ctl_env(const char *name)
{
	const char	*value = getenv(name);

	return (value == NULL || *value == '\0' ? NULL : value);
}

const char *
ctl_vault(const struct args *args)
{
	const char	*vault = args_value(args, 'v', NULL);

	if (vault == NULL)
		vault = ctl_env("BROKERD_VAULT");
	if (vault == NULL)
		vault = ctl_env("AGENT_VAULT_VAULT");
	return (vault == NULL ? "default" : vault);
}

/* Prints and frees it; a table without rows is the sentence instead. */
void
ctl_print_table(const struct ctl *ctl, struct table *t, const char *empty)
{
	if (table_rows(t) > 0)
		table_print(stdout, t, ctl->width, ctl->colour);
	else if (ctl->tty)
		printf("%s\n", empty);
	table_free(t);
}
