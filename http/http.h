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

#ifndef HTTP_H
#define HTTP_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "url.h"

/*
 * HTTP/1.1 messages, without I/O: heads (parse.c), what follows a head
 * (frame.c), bodies (chunk.c) and the way out (write.c).  RFC 9110 and
 * RFC 9112, read strictly: one message has one meaning or is refused.
 * Nothing here allocates, but for the trailer section of a chunked body.
 */

struct buf;

/*
 * Limits of one head.  A message that passes one is refused, wherever its
 * bytes are split.  No member may exceed HTTP_LIMIT_MAX.
 */
struct http_limits {
	size_t		 line;		/* request or status line, no CRLF */
	size_t		 head;		/* all field lines, with CRLFs */
	size_t		 fields;	/* number of field lines */
};

#define HTTP_LIMIT_LINE		(16 * 1024)
#define HTTP_LIMIT_HEAD		(64 * 1024)
#define HTTP_LIMIT_FIELDS	100
#define HTTP_LIMIT_MAX		(1024 * 1024 * 1024)
#define HTTP_METHOD_MAX		32	/* longest method name */
#define HTTP_OPTIONS_MAX	32	/* options in all Connection fields */

extern const struct http_limits	http_limits_default;

/* Bytes a buffer must be able to hold, so that no legal head outgrows it. */
#define HTTP_HEAD_SIZE(l)	((l)->line + (l)->head + 8)

enum http_rc {
	HTTP_ERROR = -1,
	HTTP_MORE,
	HTTP_DONE
};

/* Why a message was refused; http_error_text() and http_error_status(). */
enum http_error {
	HTTP_E_NONE,
	HTTP_E_BARE_CR,
	HTTP_E_BARE_LF,
	HTTP_E_EMPTY_LINE,
	HTTP_E_METHOD,
	HTTP_E_TARGET,
	HTTP_E_TARGET_CHAR,
	HTTP_E_FORM,
	HTTP_E_SCHEME,
	HTTP_E_AUTHORITY,
	HTTP_E_VERSION,
	HTTP_E_VERSION_09,
	HTTP_E_VERSION_UNSUPPORTED,
	HTTP_E_STATUS,
	HTTP_E_REASON,
	HTTP_E_LINE_LONG,
	HTTP_E_HEAD_LONG,
	HTTP_E_FIELDS,
	HTTP_E_FOLD,
	HTTP_E_NAME_EMPTY,
	HTTP_E_NAME_CHAR,
	HTTP_E_NAME_SPACE,
	HTTP_E_COLON,
	HTTP_E_VALUE_CHAR,
	HTTP_E_HOST_MISSING,
	HTTP_E_HOST_TWICE,
	HTTP_E_HOST,
	HTTP_E_LENGTH,
	HTTP_E_LENGTH_TWICE,
	HTTP_E_LENGTH_CODING,
	HTTP_E_CODING,
	HTTP_E_CODING_TWICE,
	HTTP_E_CODING_10,
	HTTP_E_CONNECTION,
	HTTP_E_CONNECT_BODY,
	HTTP_E_EXPECT,
	HTTP_E_CHUNK_SIZE,
	HTTP_E_CHUNK_EXT,
	HTTP_E_CHUNK_END,
	HTTP_E_TRAILER,
	HTTP_E_TRUNCATED,
	HTTP_E_MEMORY,
	HTTP_E_MAX
};

enum http_method {
	HTTP_M_OTHER,
	HTTP_M_GET,
	HTTP_M_HEAD,
	HTTP_M_POST,
	HTTP_M_PUT,
	HTTP_M_DELETE,
	HTTP_M_CONNECT,
	HTTP_M_OPTIONS,
	HTTP_M_TRACE,
	HTTP_M_PATCH
};

/* Form of the request target, RFC 9112 section 3.2. */
enum http_form {
	HTTP_FORM_NONE,
	HTTP_FORM_ORIGIN,	/* /path?query */
	HTTP_FORM_ABSOLUTE,	/* http://host[:port][/path][?query] */
	HTTP_FORM_AUTHORITY,	/* host:port, CONNECT only */
	HTTP_FORM_ASTERISK	/* *, OPTIONS only */
};

/* Field names that somebody here cares about. */
enum http_id {
	HTTP_OTHER,
	HTTP_ACCEPT,
	HTTP_ACCEPT_ENCODING,
	HTTP_ALLOW,
	HTTP_AUTHORIZATION,
	HTTP_CACHE_CONTROL,
	HTTP_CONNECTION,
	HTTP_CONTENT_ENCODING,
	HTTP_CONTENT_LENGTH,
	HTTP_CONTENT_RANGE,
	HTTP_CONTENT_TYPE,
	HTTP_COOKIE,
	HTTP_DATE,
	HTTP_ETAG,
	HTTP_EXPECT,
	HTTP_FORWARDED,
	HTTP_HOST,
	HTTP_HTTP2_SETTINGS,
	HTTP_IF_NONE_MATCH,
	HTTP_KEEP_ALIVE,
	HTTP_LAST_EVENT_ID,
	HTTP_LOCATION,
	HTTP_ORIGIN,
	HTTP_PROXY_AUTHENTICATE,
	HTTP_PROXY_AUTHENTICATION_INFO,
	HTTP_PROXY_AUTHORIZATION,
	HTTP_PROXY_CONNECTION,
	HTTP_RANGE,
	HTTP_REFERER,
	HTTP_RETRY_AFTER,
	HTTP_SEC_WEBSOCKET_ACCEPT,
	HTTP_SEC_WEBSOCKET_EXTENSIONS,
	HTTP_SEC_WEBSOCKET_KEY,
	HTTP_SEC_WEBSOCKET_PROTOCOL,
	HTTP_SEC_WEBSOCKET_VERSION,
	HTTP_SERVER,
	HTTP_SET_COOKIE,
	HTTP_TE,
	HTTP_TRACEPARENT,
	HTTP_TRACESTATE,
	HTTP_TRAILER,
	HTTP_TRANSFER_ENCODING,
	HTTP_UPGRADE,
	HTTP_USER_AGENT,
	HTTP_VIA,
	HTTP_WWW_AUTHENTICATE,
	HTTP_X_API_KEY,
	HTTP_X_FORWARDED_FOR,
	HTTP_X_REQUEST_ID,
	HTTP_X_VAULT,
	HTTP_ID_MAX		/* at most 64, for http_head.seen */
};

/* A piece of the head: offset from its first byte, and length. */
struct http_slice {
	uint32_t		 off;
	uint32_t		 len;
};

#define HTTP_F_HOP	0x01	/* hop-by-hop, or named in Connection */
#define HTTP_F_PROXY	0x02	/* Proxy-*: for a proxy, never for the origin */
#define HTTP_F_FRAMING	0x04	/* Content-Length, Transfer-Encoding */

struct http_field {
	struct http_slice	 name;
	struct http_slice	 value;	/* white space on both ends is off */
	uint8_t			 id;	/* enum http_id */
	uint8_t			 flags;	/* HTTP_F_*, valid once DONE */
};

/* How the body that follows a head ends, RFC 9112 section 6.3. */
enum http_framing {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_EOF		/* responses only: until the peer closes */
};

enum http_type {
	HTTP_REQUEST,
	HTTP_RESPONSE,
	HTTP_TRAILERS
};

/*
 * One head.  The members up to `part' are for reading and are valid when
 * the parser returned HTTP_DONE; error also after HTTP_ERROR.
 */
struct http_head {
	const struct http_limits *limits;
	struct http_field	*fields;	/* the caller's array */
	const char		*base;		/* what slices refer to */
	size_t			 length;	/* bytes, with the empty line */
	enum http_type		 type;
	enum http_error		 error;

	enum http_method	 method;	/* response: of its request */
	enum http_form		 form;
	struct http_slice	 method_name;
	struct http_slice	 target;	/* whole, as sent */
	struct http_slice	 path;		/* may be empty: means "/" */
	struct http_slice	 query;		/* with its '?'; else empty */
	struct url_authority	 authority;	/* absolute, authority form */
	struct url_authority	 host;		/* of the Host field */

	int			 version;	/* 10 or 11 */
	int			 status;	/* 100 to 999 */
	struct http_slice	 reason;

	unsigned int		 nfields;
	uint64_t		 seen;		/* 1 << id, for each field */
	enum http_framing	 framing;
	uint64_t		 content_length; /* with HTTP_BODY_LENGTH; */
						/* HEAD, 304: as announced */
	unsigned int		 has_length:1;	/* Content-Length was there */
	unsigned int		 keepalive:1;	/* the connection may go on */
	unsigned int		 expect:1;	/* Expect: 100-continue */
	unsigned int		 upgrade:1;	/* with Connection: upgrade */

	/* private to parse.c: where an incomplete head goes on */
	int			 part;
	uint32_t		 mark;
	uint32_t		 scan;
	uint32_t		 start;
};

/*
 * parse.c
 */

/*
 * Prepare h for one head.  fields has room for limits->fields elements;
 * limits, fields and what they hold outlive h.  The same h can be prepared
 * again for the next head.  http_head_response() needs the method of the
 * request that is answered, since the framing hangs on it.
 */
void		 http_head_request(struct http_head *,
		    const struct http_limits *, struct http_field *);
void		 http_head_response(struct http_head *,
		    const struct http_limits *, struct http_field *,
		    enum http_method);
void		 http_head_trailers(struct http_head *,
		    const struct http_limits *, struct http_field *);

/*
 * Parse the head that starts at buf, of which n bytes are there.
 * HTTP_MORE: all is well so far; call again with the same bytes at the
 * front (they may have moved) and at least one more behind them.  No byte is
 * looked at twice.  HTTP_DONE: h->length bytes are the head, the rest is
 * body or the next message; framing and flags are decided.  HTTP_ERROR:
 * h->error says why; the connection must not be used for another message.
 * The result does not depend on how the bytes were split.
 *
 * What RFC 9112 lets a recipient choose:
 * - one CRLF in front of a request line is skipped (section 2.2), not two;
 * - only HTTP/1.0 and HTTP/1.1; other versions are refused, not guessed;
 * - the reason phrase and the space before it may be missing;
 * - white space before the colon, obs-fold, bare CR and bare LF are refused
 *   in responses too;
 * - requests: a second Content-Length is refused even if it says the same,
 *   and so are leading zeros.  Responses: a second one that says the same
 *   counts as one (section 6.3), leading zeros pass.  A list in one
 *   Content-Length is always refused;
 * - Transfer-Encoding is exactly "chunked", once, alone, in HTTP/1.1.
 */
enum http_rc	 http_parse(struct http_head *, const char *, size_t);

/* A slice's first byte; not NUL-terminated.  Valid while base is. */
#define HTTP_PTR(h, s)	((h)->base + (s).off)

/* Classify a name of n bytes, case-insensitively. */
enum http_id	 http_id(const char *, size_t);
enum http_method http_method(const char *, size_t);

/* Does s (n bytes) equal the lower-case word, but for case?  ASCII only. */
int		 http_equal(const char *, size_t, const char *);

/*
 * The next field with this id after prev (NULL: the first), or NULL.
 * http_head_find() looks for any name, in lower case.
 */
const struct http_field	*http_head_next(const struct http_head *,
		    enum http_id, const struct http_field *);
const struct http_field	*http_head_find(const struct http_head *,
		    const char *, const struct http_field *);

/* May the n bytes be a field name (token), a field value? */
int		 http_valid_name(const char *, size_t);
int		 http_valid_value(const char *, size_t);

/* A sentence fragment for a log or an error body; never NULL. */
const char	*http_error_text(enum http_error);

/* The status to refuse a request with: 400, 414, 417, 431, 500 or 505. */
int		 http_error_status(enum http_error);

/*
 * frame.c; http_parse() has called it when it returns HTTP_DONE
 */

/*
 * Decide framing, keepalive, expect, upgrade and the flags of each field.
 * Returns 0, or -1 with h->error set.  1xx, 204, 304, the answer to HEAD and
 * a 2xx to CONNECT have no body whatever their fields say; contradictory
 * fields are refused even there.  keepalive is 0 where the body ends with the
 * connection, in HTTP/1.0 without "Connection: keep-alive", after "close",
 * and after a 101 or a CONNECT that was answered with 2xx.
 */
int		 http_frame(struct http_head *);

/* Iterate over a comma-separated list: *pos from 0; 1 and the element in
 * *item (offset into s, no white space around), or 0 at the end.  Empty
 * elements are skipped (RFC 9110 section 5.6.1). */
int		 http_list_next(const char *, size_t, size_t *,
		    struct http_slice *);

/*
 * chunk.c: bodies
 */

enum http_body_state {
	HTTP_BODY_MORE,
	HTTP_BODY_DONE,
	HTTP_BODY_ERROR
};

struct http_trailer;

struct http_body {
	enum http_framing	 framing;
	enum http_body_state	 state;
	enum http_error		 error;		/* with HTTP_BODY_ERROR */
	uint64_t		 received;	/* payload bytes so far */
	const struct http_limits *limits;	/* of the trailer section */

	/* private to chunk.c */
	int			 part;
	unsigned int		 digits;
	unsigned int		 extlen;
	uint64_t		 left;
	uint64_t		 exttotal;
	struct http_trailer	*trailer;
};

#define HTTP_CHUNK_EXT_MAX	1024	/* extensions of one chunk, bytes */

/*
 * Start the body that follows a head: framing and length as http_frame()
 * decided.  NONE and a length of 0 are HTTP_BODY_DONE at once.
 * http_body_free() wipes and releases the trailer section; it may be called
 * more than once, and must be before the struct is used again.
 */
void		 http_body_init(struct http_body *, enum http_framing,
		    uint64_t, const struct http_limits *);
void		 http_body_free(struct http_body *);

/*
 * Decode from n bytes at in.  Returns how many were consumed, or -1 with
 * state HTTP_BODY_ERROR.  At most one piece of payload comes out: *data
 * points inside in, *datalen may be 0 although bytes were consumed.  Call
 * again with the rest until it returns 0 or state is no longer
 * HTTP_BODY_MORE; it returns 0 only when n is 0 or the state is
 * HTTP_BODY_DONE, so that no byte ever stays behind in the caller's buffer.
 * Payload that was decoded before an error is delivered before it.
 */
ssize_t		 http_body_decode(struct http_body *, const uint8_t *,
		    size_t, const uint8_t **, size_t *);

/*
 * The peer has closed.  Completes HTTP_BODY_EOF; anything else that is not
 * done is HTTP_E_TRUNCATED.  Returns the new state.
 */
enum http_body_state http_body_eof(struct http_body *);

/*
 * The trailer section of a finished chunked body, or NULL if there was none.
 * Its fields carry the flags of frame.c.  Fields for framing, routing and
 * authority (Content-Length, Transfer-Encoding, Host, Connection, Expect,
 * Upgrade ...) are refused there.  Valid until http_body_free().
 */
const struct http_head	*http_body_trailers(const struct http_body *);

/*
 * write.c.  0, or -1 with errno EMSGSIZE (the buffer is full), ENOMEM, or
 * EINVAL (bytes that would change the meaning of the message).  What the
 * call added before it failed stays: write a head into a buffer of its own,
 * or give the connection up.
 */
int		 http_write_request(struct buf *, const char *, size_t,
		    const char *, size_t);
int		 http_write_status(struct buf *, int, const char *, size_t);
int		 http_write_field(struct buf *, const char *, size_t,
		    const char *, size_t);
int		 http_write_string(struct buf *, const char *, const char *);

/* The fields of h in their order, but those with a flag in skip. */
int		 http_write_fields(struct buf *, const struct http_head *, int);

/* Content-Length or Transfer-Encoding for this framing, or neither. */
int		 http_write_framing(struct buf *, enum http_framing, uint64_t);

/*
 * What h announced, for a message that goes on with the same body: its
 * framing, and where there is no body, in the answer to HEAD and in 304, the
 * length that it would have had.
 */
int		 http_write_announced(struct buf *, const struct http_head *);

/* The empty line. */
int		 http_write_end(struct buf *);

/*
 * A chunked body: http_write_chunk() puts the size line of one chunk of n > 0
 * bytes (at most HTTP_CHUNK_HEAD), http_write_chunk_end() what follows its
 * data, http_write_last_chunk() the end of the body with those fields of the
 * trailer section (NULL: none) that have no flag in skip.
 */
int		 http_write_chunk(struct buf *, uint64_t);
int		 http_write_chunk_end(struct buf *);
int		 http_write_last_chunk(struct buf *, const struct http_head *,
		    int);

#define HTTP_CHUNK_HEAD		18

/* RFC 9110 section 15 and the registry; "Unknown" for others. */
const char	*http_status_text(int);

#endif /* HTTP_H */
