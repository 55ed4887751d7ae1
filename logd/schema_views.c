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
#include "db.h"
#include "schema_views.h"

#define NAMED(list, expr)						\
    "(SELECT name FROM codes WHERE list = '" list "' AND number = " expr ")"

/* SQL has no number for hexadecimal text; h is hex(), i counts from 1. */
#define DIGIT(h, i)							\
    "(instr('0123456789ABCDEF', substr(" h ", " #i ", 1)) - 1)"
#define BYTE(h, i, j)	"(" DIGIT(h, i) " * 16 + " DIGIT(h, j) ")"
#define WORD(h, i, j, k, l)						\
    "(" BYTE(h, i, j) " * 256 + " BYTE(h, k, l) ")"

/* As record_time(). */
#define ID		"hex(request_id)"
#define MICROSECONDS							\
    "((" WORD(ID, 1, 2, 3, 4) " * 65536 + " WORD(ID, 5, 6, 7, 8) ")"	\
    " * 65536 + " WORD(ID, 9, 10, 11, 12) ") * 1000 + (("		\
    DIGIT(ID, 14) " * 256 + " BYTE(ID, 15, 16) ") * 1000 + 4095) / 4096"
#define TIME								\
    "strftime('%Y-%m-%dT%H:%M:%S', l.us / 1000000, 'unixepoch')"	\
    " || printf('.%06dZ', l.us % 1000000)"

#define PART(h, i, n)	"substr(" h ", " #i ", " #n ")"
#define UUID(h)								\
    "lower(" PART(h, 1, 8) " || '-' || " PART(h, 9, 4) " || '-' || "	\
    PART(h, 13, 4) " || '-' || " PART(h, 17, 4) " || '-' || "		\
    PART(h, 21, 12) ")"

/* As addr_unpack(): the port is the target's where it is not there. */
#define V4(h)								\
    BYTE(h, 1, 2) " || '.' || " BYTE(h, 3, 4) " || '.' || "		\
    BYTE(h, 5, 6) " || '.' || " BYTE(h, 7, 8)
#define V6(h)								\
    "'[' || lower(" PART(h, 1, 4) " || ':' || " PART(h, 5, 4)		\
    " || ':' || " PART(h, 9, 4) " || ':' || " PART(h, 13, 4)		\
    " || ':' || " PART(h, 17, 4) " || ':' || " PART(h, 21, 4)		\
    " || ':' || " PART(h, 25, 4) " || ':' || " PART(h, 29, 4) ") || ']'"
#define ADDR(b, port)							\
    "CASE WHEN length(" b ") IN (4, 6) THEN "				\
    V4("hex(substr(" b ", -4))")					\
    " WHEN length(" b ") IN (16, 18) THEN "				\
    V6("hex(substr(" b ", -16))")					\
    " END || ':' || CASE length(" b ") % 4 WHEN 2 THEN "		\
    WORD("hex(" b ")", 1, 2, 3, 4) " ELSE " port " END"

/* As the API says it; the bits are PATHF_*. */
#define PATH_CUT							\
    "CASE WHEN l.flags >> 13 & 4 THEN 'none' WHEN l.flags >> 13 & 2"	\
    " THEN 'prefix' WHEN l.flags >> 13 & 1 THEN 'cut' ELSE '' END"

#define ROWS		"(SELECT *, " MICROSECONDS " AS us FROM log) l"
#define WHO								\
    NAMED("actor", "s.actor_type") " AS actor_type, s.actor,"		\
    " s.actor_name, s.session"
#define KIND		NAMED("kind", "l.flags & 15")

/* All kinds, as one list in the order of their ids. */
static const char	request_log[] =
    "CREATE VIEW request_log AS SELECT l.id, " KIND " AS kind, "
    TIME " AS started_at, " UUID("hex(l.request_id)") " AS request_id,"
    " v.name AS vault, " WHO ", "
    NAMED("ingress", "l.flags >> 4 & 7") " AS ingress, l.conn, t.method,"
    " t.host, t.port, CASE l.flags & 15 WHEN 3 THEN NULL ELSE l.path END"
    " AS path, " PATH_CUT " AS path_cut, t.service,"
    " t.keys AS credential_keys, "
    NAMED("decision", "l.flags >> 7 & 7") " AS decision, l.status, "
    NAMED("error", "l.flags >> 16 & 255") " AS error_code, "
    NAMED("event", "l.flags >> 24 & 255") " AS event,"
    " CASE l.flags & 15 WHEN 3 THEN l.path END AS action,"
    " l.latency / 1000.0 AS latency_ms, l.ttfb / 1000.0 AS ttfb_ms,"
    " l.bytes_in, l.bytes_out, "
    NAMED("protocol", "l.flags >> 10 & 7") " AS protocol, "
    ADDR("l.client", "t.port") " AS client_addr, "
    ADDR("l.upstream", "t.port") " AS upstream_addr,"
    " lower(hex(l.trace_id)) AS trace_id, "
    NAMED("scheme", "t.auth_scheme") " AS auth_scheme, t.auth_header,"
    " i.instance, l.seq, l.count, l.detail"
    " FROM " ROWS " LEFT JOIN scopes s ON s.id = l.scope"
    " LEFT JOIN targets t ON t.id = l.target"
    " LEFT JOIN streams i ON i.id = l.stream"
    " LEFT JOIN vaults v ON v.id = l.vault";

/* What an audit row is about is in its detail, the vault too. */
static const char	audit_log[] =
    "CREATE VIEW audit_log AS SELECT l.id, " TIME " AS at, " WHO ","
    " l.path AS action, " ADDR("l.client", "NULL") " AS client_addr,"
    " l.detail FROM " ROWS " LEFT JOIN scopes s ON s.id = l.scope"
    " WHERE l.flags & 15 = 3";

/* A gap has no event: it says how many requests are not in the log. */
static const char	event_log[] =
    "CREATE VIEW event_log AS SELECT l.id, " TIME " AS at, " KIND " AS kind, "
    NAMED("event", "l.flags >> 24 & 255") " AS event, v.name AS vault, " WHO
    ", t.host, " ADDR("l.client", "t.port") " AS client_addr,"
    " i.instance, l.count, l.detail"
    " FROM " ROWS " LEFT JOIN scopes s ON s.id = l.scope"
    " LEFT JOIN targets t ON t.id = l.target"
    " LEFT JOIN streams i ON i.id = l.stream"
    " LEFT JOIN vaults v ON v.id = l.vault WHERE l.flags & 15 IN (1, 2)";

_Static_assert(KIND_GAP == 1 && KIND_EVENT == 2 && KIND_AUDIT == 3, "views");
_Static_assert(PATHF_CUT == 1 && PATHF_PREFIX == 2 && PATHF_NONE == 4,
    "path_cut");

int
schema_views(void)
{
	if (db_exec("DROP VIEW request_log") == -1 ||
	    db_exec(request_log) == -1 || db_exec(audit_log) == -1)
		return (-1);
	return (db_exec(event_log));
}
