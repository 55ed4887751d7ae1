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

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "promise.h"

static int	promise_parse(const char *, uint32_t *);
static uint32_t	promise_bit(const char *);

static const struct {
	const char	*word;
	uint32_t	 bit;
} words[] = {
	{ "chown",	PROMISE_CHOWN },
	{ "cpath",	PROMISE_CPATH },
	{ "dns",	PROMISE_DNS },
	{ "exec",	PROMISE_EXEC },
	{ "fattr",	PROMISE_FATTR },
	{ "flock",	PROMISE_FLOCK },
	{ "getpw",	PROMISE_GETPW },
	{ "id",		PROMISE_ID },
	{ "inet",	PROMISE_INET },
	{ "proc",	PROMISE_PROC },
	{ "recvfd",	PROMISE_RECVFD },
	{ "rpath",	PROMISE_RPATH },
	{ "sendfd",	PROMISE_SENDFD },
	{ "settime",	PROMISE_SETTIME },
	{ "stdio",	PROMISE_STDIO },
	{ "tty",	PROMISE_TTY },
	{ "unix",	PROMISE_UNIX },
	{ "unveil",	PROMISE_UNVEIL },
	{ "wpath",	PROMISE_WPATH },
};

/* What may still be promised. */
static uint32_t	promised = PROMISE_ALL;
static int	confined;

#ifdef BROKERD_SANITIZERS
/*
 * At exit LeakSanitizer has a second process stop and read this one with
 * ptrace(2): not of a pledged one.  Nothing else of the sanitizers needs more
 * than everybody may.
 */
int	__lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return (confined);
}
#endif

/*
 * pledge(2).  Landlock comes first: it opens paths, and a filter may forbid
 * just that.
 */
int
pledge(const char *promises, const char *execpromises)
{
	uint32_t	bits;

	if (execpromises != NULL) {
		errno = EINVAL;
		return (-1);
	}
	if (promises == NULL)
		return (0);
	if (promise_parse(promises, &bits) == -1)
		return (-1);
	if ((bits & ~promised) != 0) {
		errno = EPERM;
		return (-1);
	}
	if (confined && bits == promised)
		return (0);
	if (sigsys_init() == -1)
		return (-1);
	if ((bits & PROMISE_UNVEIL) == 0 && unveil_lock(bits) == -1)
		return (-1);
	if (seccomp_confine(bits) == -1)
		return (-1);
	promised = bits;
	confined = 1;
	return (0);
}

static int
promise_parse(const char *promises, uint32_t *bits)
{
	char		*copy, *rest, *word;
	uint32_t	 bit;

	if ((copy = rest = strdup(promises)) == NULL)
		return (-1);
	*bits = 0;
	while ((word = strsep(&rest, " ")) != NULL) {
		if (*word == '\0')
			continue;
		if ((bit = promise_bit(word)) == 0) {
			free(copy);
			errno = EINVAL;
			return (-1);
		}
		*bits |= bit;
	}
	free(copy);
	return (0);
}

static uint32_t
promise_bit(const char *word)
{
	size_t	i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) == 0)
			return (words[i].bit);
	}
	return (0);
}
