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

#include <unistd.h>

#include "config.h"

/* Of a build --without-sandbox: everything is allowed. */

#ifdef BROKERD_SANITIZERS
/*
 * At exit LeakSanitizer looks at the process through /proc, which one that is
 * locked into an empty directory has not got.
 */
int	__lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return (access("/proc/self/task", F_OK) == -1);
}
#endif

int
pledge(const char *promises, const char *execpromises)
{
	return (0);
}

int
unveil(const char *path, const char *letters)
{
	return (0);
}
