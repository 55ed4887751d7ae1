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

#include <string.h>

#include "page.h"
#include "reply.h"
#include "route.h"

static void	serve(struct request *, const char *);

static void
serve(struct request *req, const char *name)
{
	const struct page_file	*f;

	if (request_no_fields(req) == -1)
		return;
	for (f = page_files; f->name != NULL; f++) {
		if (strcmp(f->name, name) == 0) {
			reply_page(req, f->type, f->data, f->len);
			return;
		}
	}
	reply_text(req, 404, NULL, "404 page not found\n");
}

void
page_index(struct request *req)
{
	serve(req, "index.html");
}

void
page_file(struct request *req)
{
	serve(req, req->param[0]);
}
