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
#include <string.h>

#include "codes.h"
#include "proc.h"
#include "rollup.h"
#include "served.h"

/* Upper bounds in microseconds; what is longer is in the count only. */
static const int64_t	 bounds[] = { 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
	30000000, 60000000 };
#define NBOUNDS	(sizeof(bounds) / sizeof(bounds[0]))

struct served {
	uint64_t	 requests[DECISION_MAX][CLASS_MAX];
	uint64_t	 within[NBOUNDS];	/* not cumulative */
	uint64_t	 timed;
	uint64_t	 time;			/* microseconds */
	uint64_t	 gaps;
	uint64_t	 lost;			/* requests in them */
	uint64_t	 events;
	uint64_t	 audits;
};

static struct served	 fresh, total;
static char		 request_names[DECISION_MAX][CLASS_MAX][40];
static char		 bound_names[NBOUNDS][40];

static void	 add_request(const struct record *);

void
served_init(void)
{
	size_t		 d, c, i;

	for (d = 0; d < DECISION_MAX; d++) {
		for (c = 0; c < CLASS_MAX; c++)
			(void)snprintf(request_names[d][c],
			    sizeof(request_names[d][c]), "requests_%s_%s",
			    decision_counted(d), class_name(c));
	}
	for (i = 0; i < NBOUNDS; i++)
		(void)snprintf(bound_names[i], sizeof(bound_names[i]),
		    "latency_le_%" PRId64, bounds[i]);
}

static void
add_request(const struct record *r)
{
	size_t	 i;

	fresh.requests[r->decision < DECISION_MAX ? r->decision :
	    DECISION_NONE][rollup_class(r->status)]++;
	if (r->latency < 0)
		return;
	fresh.timed++;
	fresh.time += r->latency;
	for (i = 0; i < NBOUNDS && r->latency > bounds[i]; i++)
		;
	if (i < NBOUNDS)
		fresh.within[i]++;
}

void
served_add(const struct record *r)
{
	switch (r->kind) {
	case KIND_REQUEST:
		add_request(r);
		break;
	case KIND_GAP:
		fresh.gaps++;
		fresh.lost += r->count;
		break;
	case KIND_EVENT:
		fresh.events++;
		break;
	case KIND_AUDIT:
		fresh.audits++;
		break;
	}
}

void
served_committed(void)
{
	size_t	 d, c, i;

	for (d = 0; d < DECISION_MAX; d++) {
		for (c = 0; c < CLASS_MAX; c++)
			total.requests[d][c] += fresh.requests[d][c];
	}
	for (i = 0; i < NBOUNDS; i++)
		total.within[i] += fresh.within[i];
	total.timed += fresh.timed;
	total.time += fresh.time;
	total.gaps += fresh.gaps;
	total.lost += fresh.lost;
	total.events += fresh.events;
	total.audits += fresh.audits;
	served_undo();
}

void
served_undo(void)
{
	memset(&fresh, 0, sizeof(fresh));
}

/* The bounds' counts are of all that took no longer. */
void
served_stats(void)
{
	uint64_t	 sum = 0;
	size_t		 d, c, i;

	for (d = 0; d < DECISION_MAX; d++) {
		for (c = 0; c < CLASS_MAX; c++)
			stats_add(request_names[d][c], total.requests[d][c]);
	}
	for (i = 0; i < NBOUNDS; i++)
		stats_add(bound_names[i], sum += total.within[i]);
	stats_add("latency_count", total.timed);
	stats_add("latency_us", total.time);
	stats_add("rows_gap", total.gaps);
	stats_add("rows_event", total.events);
	stats_add("rows_audit", total.audits);
	stats_add("requests_lost", total.lost);
}
