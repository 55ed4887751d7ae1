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

#include "log.h"
#include "proc.h"
#include "sandbox.h"

#define STATS_MAX	128

static struct rec_counter	 counters[STATS_MAX];
static uint32_t			 ncounters;

void
stats_add(const char *name, uint64_t value)
{
	if (ncounters == STATS_MAX)
		return;
	counters[ncounters].name = name;
	counters[ncounters].value = value;
	ncounters++;
}

/* The counters of every process go last, so that its own come first. */
void
stats_send(struct link *l)
{
	struct msg_stats	 m;
	uint64_t		 refused;
	int			 last;

	sandbox_counters(&refused, &last);
	stats_add("messages_received", link_counters.received);
	stats_add("messages_sent", link_counters.sent);
	stats_add("messages_malformed", link_counters.malformed);
	stats_add("descriptors_lost", link_counters.lost_fds);
	stats_add("link_write_errors", link_counters.write_errors);
	stats_add("calls_refused", refused);
	m.counters = counters;
	m.counters_n = ncounters;
	if (link_send(l, MSG_STATS, &m, -1) == -1)
		log_warn("statistics");
	ncounters = 0;
}
