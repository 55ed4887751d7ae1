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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codes.h"
#include "logd_world.h"

#define LOGD		"logd/logd"
#define LOGD_FAULT	"regress/proc/logd_fault"

struct logd	 d;
struct worker	 w, w2;
struct end	 api;
struct end	*none[] = { NULL };

int
world_setup(void **state)
{
	peer_init(&d, LOGD);
	return (0);
}

int
world_setup_fault(void **state)
{
	peer_init(&d, LOGD_FAULT);
	peer_faults(&d);
	return (0);
}

int
world_teardown(void **state)
{
	if (w.end.fd > 0)
		worker_free(&w);
	if (w2.end.fd > 0)
		worker_free(&w2);
	if (api.fd > 0)
		end_close(&api);
	memset(&w, 0, sizeof(w));
	memset(&w2, 0, sizeof(w2));
	memset(&api, 0, sizeof(api));
	peer_free(&d);
	return (0);
}

/* logd with one worker, one vault and a scope for it. */
void
start_one(void)
{
	struct end	*ends[] = { &w.end, NULL };

	worker_init(&w, PROC_MITM, 0, MITM0, 1);
	peer_start(&d, ends);
	keyd_sync(&d, 1, 1);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
	keyd_vault(&d, 1, 1, 0);
	worker_hello(&w);
}

/* After a kill: the same world around a new logd. */
void
restart_one(void)
{
	struct end	*ends[] = { &w.end, NULL };

	worker_relink(&w);
	peer_start(&d, ends);
	keyd_sync(&d, 0, 1);
	keyd_scope(&d, 1, SCOPE_WRITE, MITM0, 1);
}

/* Rows of a query, or -1; next and latest are in api.u. */
int
ask(uint64_t scope, uint64_t before, int64_t after, uint32_t limit)
{
	struct msg_query	 m;
	int			 n = 0;

	memset(&m, 0, sizeof(m));
	m.id = 7;
	m.scope = scope;
	m.before = before;
	m.tail = after >= 0;
	m.after = after < 0 ? 0 : after;
	m.limit = limit;
	end_send(&api, MSG_QUERY, &m);
	while (end_recv(&api, PEER_MS) == MSG_ROWS)
		n += api.u.rows.rows_n;
	assert_int_equal(api.type, MSG_ROWS_END);
	assert_int_equal(api.u.rows_end.id, 7);
	return (api.u.rows_end.status == 200 ? n : -1);
}

/* A stream with some requests open at any time. */
void
generate(struct worker *g, uint64_t *open, int lag, int n)
{
	int	 i;

	for (i = 0; i < n; i++) {
		if (open[lag - 1] != 0)
			worker_end(g, open[lag - 1]);
		memmove(open + 1, open, (lag - 1) * sizeof(*open));
		open[0] = worker_begin(g);
	}
}

void
finish(struct worker *g, uint64_t *open, int lag)
{
	int	 i;

	for (i = lag - 1; i >= 0; i--) {
		if (open[i] != 0)
			worker_end(g, open[i]);
	}
	worker_acks(g, g->next - 1, PEER_MS);
	worker_bye(g);
}
