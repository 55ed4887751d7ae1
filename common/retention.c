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

#include "codes.h"
#include "retention.h"

void
retention_conf(struct retention *r, const struct msg_conf_log *c)
{
	r->seconds = c->retain_seconds;
	r->rows = c->retain_rows;
	r->audit_seconds = c->retain_audit_seconds;
	r->seconds_from = c->seconds_from;
	r->rows_from = c->rows_from;
	r->locked = c->locked;
}

void
retention_owner(struct retention *r, int64_t seconds, int64_t rows)
{
	if (r->locked)
		return;
	if (seconds >= 0 && r->seconds_from < SOURCE_OWNER) {
		r->seconds = seconds;
		r->seconds_from = SOURCE_OWNER;
	}
	if (rows >= 0 && r->rows_from < SOURCE_OWNER) {
		r->rows = rows;
		r->rows_from = SOURCE_OWNER;
	}
}
