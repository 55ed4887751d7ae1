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

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "promise.h"
#include "sandbox.h"

static void	status_lacks(struct sandbox_status *, const char *);

void
sandbox_status(struct sandbox_status *st)
{
	static char	name[64];

	memset(st, 0, sizeof(*st));
	st->abi = landlock_abi();
	if (st->abi == 0) {
		snprintf(name, sizeof(name), "seccomp");
		status_lacks(st, "no Landlock: files are not confined");
	} else
		snprintf(name, sizeof(name), "seccomp, Landlock ABI %d",
		    st->abi);
	st->name = name;
	st->required = st->abi > 0;
	if (st->abi > 0 && st->abi < 2)
		status_lacks(st, "no moving of files between directories");
	if (st->abi > 0 && st->abi < 3)
		status_lacks(st, "truncate(2) is not confined to paths");
	if (st->abi > 0 && st->abi < 4)
		status_lacks(st, "TCP ports are confined by seccomp only");
	if (st->abi > 0 && st->abi < 5)
		status_lacks(st, "devices' ioctl(2) by seccomp only");
	if (st->abi > 0 && st->abi < 6)
		status_lacks(st, "signals, abstract sockets by seccomp only");
}

static void
status_lacks(struct sandbox_status *st, const char *what)
{
	if (st->degraded[0] != '\0')
		strlcat(st->degraded, "; ", sizeof(st->degraded));
	strlcat(st->degraded, what, sizeof(st->degraded));
}
