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

#include <stdint.h>
#include <string.h>

#include "config.h"
#include "sandbox.h"

/*
 * Where nothing is to be counted or missing: the system's own pledge(2), or a
 * build --without-sandbox.
 */

void
sandbox_status(struct sandbox_status *st)
{
	memset(st, 0, sizeof(*st));
	st->name = BROKERD_SANDBOX;
	if (strcmp(st->name, "none") == 0)
		strlcpy(st->degraded, "built without a sandbox",
		    sizeof(st->degraded));
	st->required = st->degraded[0] == '\0';
}

void
sandbox_counters(uint64_t *n, int *nr)
{
	*n = 0;
	*nr = -1;
}

const char *
sandbox_callname(int nr)
{
	return ("?");
}

void
sandbox_verbose(int v)
{
}

void
sandbox_maxabi(int abi)
{
}
