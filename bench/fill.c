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

#include "../logd/batch.h"
#include "log.h"
#include "logfill.h"
#include "loop.h"

/*
 * Fill the database of a daemon that is not running: see logfill.h.
 *
 * usage: fill directory rows
 */
int
main(int argc, char **argv)
{
	const char	*bad;
	long long	 rows;

	if (argc != 3) {
		fprintf(stderr, "usage: fill directory rows\n");
		return (2);
	}
	rows = strtonum(argv[2], 1000, 1000000000, &bad);
	if (bad != NULL)
		errx(2, "%s: %s", argv[2], bad);
	log_init("fill", 0);
	loop_init();
	batch_init();
	logfill(argv[1], rows);
	return (0);
}
