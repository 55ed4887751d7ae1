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

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "json.h"
#include "log.h"
#include "logq.h"
#include "sse.h"

static char	*event(const char *, uint64_t, json_t *, size_t *);

/* The text of a value ends with one newline, an event with two. */
static char *
event(const char *name, uint64_t id, json_t *j, size_t *len)
{
	char	 where[32] = "";
	char	*json, *text;
	size_t	 n;
	int	 rc;

	json = json_text(j, &n);
	json_decref(j);
	if (id != 0)
		(void)snprintf(where, sizeof(where), "id: %" PRIu64 "\n", id);
	rc = asprintf(&text, "event: %s\n%sdata: %.*s\n", name, where,
	    (int)n, json);
	if (rc == -1)
		fatal("event");
	json_text_free(json);
	*len = rc;
	return (text);
}

char *
sse_row(const struct rec_row *r, size_t *len)
{
	const char	*name = r->kind == KIND_GAP ? "gap" : "log";

	return (event(r->id == 0 ? "open" : name, r->id, logq_row(r), len));
}

char *
sse_close(const struct rec_row *r, size_t *len)
{
	json_t	*j = json_map(), *row = logq_row(r);

	json_put(j, "request_id",
	    json_incref(json_object_get(row, "request_id")));
	json_put_number(j, "id", r->id);
	json_decref(row);
	return (event("close", 0, j, len));
}

char *
sse_at(const char *name, uint64_t cursor, size_t *len)
{
	json_t	*j = json_map();

	json_put_number(j, "cursor", cursor);
	return (event(name, 0, j, len));
}

char *
sse_trimmed(const struct msg_rows_end *e, size_t *len)
{
	return (event("trimmed", 0, logq_trimmed(e), len));
}
