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

#ifndef RETENTION_H
#define RETENTION_H

#include <stdint.h>

#include "msg.h"

/*
 * How long the request log is kept, and where each value comes from: what
 * the configuration says, over which the instance's owner may have a setting,
 * over which stand the environment and the command line.
 */
#define RETENTION_SECONDS_MAX	(INT64_C(87600) * 3600)	/* ten years */
#define RETENTION_ROWS_MAX	INT64_C(1000000000)
#define RETENTION_NONE		(-1)	/* of an owner: not set */
#define RETENTION_AS_IS		(-2)	/* of a change: left alone */

struct retention {
	int64_t	 seconds;	/* 0: for ever */
	int64_t	 rows;		/* a vault's, 0: as many as there are */
	int64_t	 audit_seconds;	/* of audit rows, 0: for ever */
	uint8_t	 seconds_from;	/* enum value_source */
	uint8_t	 rows_from;
	uint8_t	 locked;	/* the owner's do not count */
};

/* What CONF_LOG says. */
void	 retention_conf(struct retention *, const struct msg_conf_log *);
/* Lay the owner's values over it, where they count. */
void	 retention_owner(struct retention *, int64_t seconds, int64_t rows);

#endif /* RETENTION_H */
