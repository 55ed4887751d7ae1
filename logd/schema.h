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

#ifndef SCHEMA_H
#define SCHEMA_H

#include <sys/types.h>

#include <stdint.h>

#include "migrate.h"

/*
 * The tables.  Objects of the control state have one each, derived from their
 * records: a field is a column of its name.  The request log is kept slim:
 * what repeats is a row of `scopes', `targets' or `streams', and small
 * numbers share one `flags' integer.
 */
extern const struct migration	schema_migrations[];
extern const int		schema_nmigrations;

/*
 * Migrate, look for damage in what must be right, and bring the table of
 * names up to date.  0, or -1 with a sentence.
 */
int	 schema_open(const char *dir, char *why, size_t len);

/* Numbers in `meta'. */
int	 schema_get(const char *key, int64_t none, int64_t *);
int	 schema_set(const char *key, int64_t);

/* The parts of log.flags. */
#define FLAGS_KIND(f)		((unsigned int)(f) & 0x0f)
#define FLAGS_INGRESS(f)	((unsigned int)((f) >> 4) & 0x07)
#define FLAGS_DECISION(f)	((unsigned int)((f) >> 7) & 0x07)
#define FLAGS_PROTOCOL(f)	((unsigned int)((f) >> 10) & 0x07)
#define FLAGS_PATH(f)		((unsigned int)((f) >> 13) & 0x07)
#define FLAGS_ERROR(f)		((unsigned int)((f) >> 16) & 0xff)
#define FLAGS_EVENT(f)		((unsigned int)((f) >> 24) & 0xff)
/* Not committed within a minute after its start; see querytime.h. */
#define FLAGS_LATE		(INT64_C(1) << 32)

int64_t	 schema_flags(unsigned int kind, unsigned int ingress,
	    unsigned int decision, unsigned int protocol, unsigned int path,
	    unsigned int error, unsigned int event);

#endif /* SCHEMA_H */
