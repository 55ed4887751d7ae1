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

#include "buf.h"
#include "http.h"
#include "respond.h"

/*
 * The broker's own answers: a head that our own parser takes, and a body that
 * is JSON whatever the text was.
 */

static struct buf		 out;
static struct http_field	 fields[HTTP_LIMIT_FIELDS];
static struct http_head		 head;
static char			 text[8192];

static void
write_out(const struct respond *r, ssize_t want)
{
	size_t	 len;

	buf_clear(&out);
	buf_init(&out, sizeof(text) - 1);
	assert_int_equal(respond_error(&out, r), want);
	len = buf_len(&out);
	memcpy(text, buf_data(&out), len);
	text[len] = '\0';
	http_head_response(&head, &http_limits_default, fields,
	    r->head ? HTTP_M_HEAD : HTTP_M_GET);
	assert_int_equal(http_parse(&head, text, len), HTTP_DONE);
	assert_int_equal(head.status, r->status);
	if (!r->head)
		assert_int_equal(len - head.length, head.content_length);
	buf_clear(&out);
}

static int
has(const char *name, const char *value)
{
	const struct http_field	*f;

	if ((f = http_head_find(&head, name, NULL)) == NULL)
		return (0);
	return (f->value.len == strlen(value) &&
	    memcmp(HTTP_PTR(&head, f->value), value, f->value.len) == 0);
}

static void
fields_written(void **state)
{
	static const uint8_t	 id[16] = { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x90 };
	static const char	 body[] = "{\"error\":\"no_match\","
	    "\"message\":\"m\",\"request_id\":"
	    "\"01020304-0506-7008-9000-000000000000\",\"proposal_hint\":"
	    "{\"host\":\"h:1\",\"endpoint\":\"POST /v1/proposals\","
	    "\"supported_auth_types\":[\"bearer\",\"basic\",\"api-key\","
	    "\"custom\",\"passthrough\"]}}\n";
	struct respond		 r;

	memset(&r, 0, sizeof(r));
	r.status = 403;
	r.code = "no_match";
	r.text = "m";
	r.id = id;
	r.hint = "h:1";
	r.retry = 7;
	write_out(&r, sizeof(body) - 1);
	assert_string_equal(text + head.length, body);
	assert_true(has("x-broker-proxy-error", "true"));
	assert_true(has("x-agent-vault-proxy-error", "true"));
	assert_true(has("x-request-id",
	    "01020304-0506-7008-9000-000000000000"));
	assert_true(has("content-type", "application/json"));
	assert_true(has("retry-after", "7"));
	assert_false(has("connection", "close"));
	r.head = 1;
	write_out(&r, 0);
	assert_int_equal(text[head.length], '\0');
	assert_int_equal(head.content_length, sizeof(body) - 1);
}

static void
challenges(void **state)
{
	struct respond	 r;

	memset(&r, 0, sizeof(r));
	r.status = 407;
	r.code = r.text = "x";
	r.challenge = "Basic realm=\"brokerd\"";
	r.close = 1;
	r.keepalive = 1;
	write_out(&r, strlen("{\"error\":\"x\",\"message\":\"x\"}\n"));
	assert_true(has("proxy-authenticate", r.challenge));
	assert_true(has("connection", "close"));
	r.status = 401;
	r.challenge = "Bearer";
	r.close = 0;
	write_out(&r, strlen("{\"error\":\"x\",\"message\":\"x\"}\n"));
	assert_true(has("www-authenticate", "Bearer"));
	assert_true(has("connection", "keep-alive"));
}

static void
escapes(void **state)
{
	static const char	 body[] = "{\"error\":\"x\",\"message\":"
	    "\"a\\\"b\\\\c\\u000a\\u007f\\ufffd\"}\n";
	struct respond		 r;

	memset(&r, 0, sizeof(r));
	r.status = 400;
	r.code = "x";
	r.text = "a\"b\\c\n\x7f\xe9";
	write_out(&r, sizeof(body) - 1);
	assert_string_equal(text + head.length, body);
}

/* No room is an error, not a part of an answer that looks whole. */
static void
no_room(void **state)
{
	struct respond	 r;
	size_t		 n;

	memset(&r, 0, sizeof(r));
	r.status = 503;
	r.code = r.text = "x";
	for (n = 1; n < 150; n += 10) {
		buf_init(&out, n);
		assert_int_equal(respond_error(&out, &r), -1);
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(fields_written),
		cmocka_unit_test(challenges),
		cmocka_unit_test(escapes),
		cmocka_unit_test(no_room)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
