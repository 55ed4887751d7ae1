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

/*
 * What reading HTTP costs: heads, whole and in pieces, beside memchr(3) for
 * every line end of the same bytes, which is the least that any parser of
 * lines does; and a chunked body.  The rounds alternate and the best of each
 * kind counts, so that the ratio is of one run on one machine.
 */

#include <sys/types.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

#define ROUNDS		9
#define PIECE		64
#define CHUNK		4096
#define BODY		(1024 * 1024)

struct work {
	const char	*name;
	size_t		 (*run)(const char *, size_t);
	const char	*data;
	size_t		 len;
	unsigned long	 times;
	double		 best;	/* ns a run */
};

static double	 now(void);
static void	 measure(struct work *);
static size_t	 scan_lines(const char *, size_t);
static size_t	 parse_request(const char *, size_t);
static size_t	 parse_response(const char *, size_t);
static size_t	 parse_pieces(const char *, size_t);
static size_t	 scan_body(const char *, size_t);
static size_t	 decode_body(const char *, size_t);
static char	*make_body(size_t *);
static __dead void usage(void);

static const char request[] =
    "POST /v1/messages?beta=true HTTP/1.1\r\n"
    "Host: api.example.com\r\n"
    "User-Agent: python-requests/2.31.0\r\n"
    "Accept: application/json, text/plain, */*\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 1234\r\n"
    "X-Request-Id: 6f1c9f0e-2c5a-4f4e-9a55-0f7f6a3e1b22\r\n"
    "Authorization: Bearer av_0123456789abcdefghijklmnop\r\n"
    "\r\n";

static const char response[] =
    "HTTP/1.1 200 OK\r\n"
    "Date: Wed, 25 Nov 2026 02:28:00 GMT\r\n"
    "Content-Type: application/json; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: no-cache, no-store, max-age=0\r\n"
    "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Server: nginx\r\n"
    "\r\n";

static struct http_field	 fields[HTTP_LIMIT_FIELDS];

static __dead void
usage(void)
{
	fprintf(stderr, "usage: http_bench [-n thousands]\n");
	exit(1);
}

static double
now(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(1, "clock_gettime");
	return (ts.tv_sec * 1e9 + ts.tv_nsec);
}

static void
measure(struct work *w)
{
	double		 t;
	unsigned long	 i;
	size_t		 sum;

	t = now();
	for (i = 0, sum = 0; i < w->times; i++)
		sum += w->run(w->data, w->len);
	t = (now() - t) / w->times;
	if (sum == 0)
		errx(1, "%s: nothing was done", w->name);
	if (w->best == 0 || t < w->best)
		w->best = t;
}

static size_t
scan_lines(const char *s, size_t n)
{
	const char	*end, *p;
	size_t		 lines;

	end = s + n;
	for (lines = 0; (p = memchr(s, '\n', end - s)) != NULL; s = p + 1)
		lines++;
	return (lines);
}

static size_t
parse_request(const char *s, size_t n)
{
	struct http_head	 h;

	http_head_request(&h, &http_limits_default, fields);
	if (http_parse(&h, s, n) != HTTP_DONE)
		errx(1, "request: %s", http_error_text(h.error));
	return (h.nfields);
}

static size_t
parse_response(const char *s, size_t n)
{
	struct http_head	 h;

	http_head_response(&h, &http_limits_default, fields, HTTP_M_POST);
	if (http_parse(&h, s, n) != HTTP_DONE)
		errx(1, "response: %s", http_error_text(h.error));
	return (h.nfields);
}

static size_t
parse_pieces(const char *s, size_t n)
{
	struct http_head	 h;
	size_t			 k;

	http_head_request(&h, &http_limits_default, fields);
	for (k = PIECE; k < n; k += PIECE)
		(void)http_parse(&h, s, k);
	if (http_parse(&h, s, n) != HTTP_DONE)
		errx(1, "pieces: %s", http_error_text(h.error));
	return (h.nfields);
}

/* Payload is not looked at, so here the least is to touch each chunk. */
static size_t
scan_body(const char *s, size_t n)
{
	size_t	 i, sum;

	for (i = sum = 0; i < n; i += CHUNK)
		sum += s[i];
	return (sum);
}

static size_t
decode_body(const char *s, size_t n)
{
	struct http_body	 b;
	const uint8_t		*data;
	size_t			 datalen, i;

	http_body_init(&b, HTTP_BODY_CHUNKED, 0, &http_limits_default);
	for (i = 0; b.state == HTTP_BODY_MORE; )
		i += http_body_decode(&b, (const uint8_t *)s + i, n - i,
		    &data, &datalen);
	if (b.state != HTTP_BODY_DONE || b.received != BODY)
		errx(1, "body: %s", http_error_text(b.error));
	return (b.received);
}

static char *
make_body(size_t *len)
{
	char	*body;
	size_t	 i, n;

	if ((body = malloc(BODY + BODY / CHUNK * 16 + 16)) == NULL)
		err(1, NULL);
	for (i = n = 0; i < BODY; i += CHUNK) {
		n += snprintf(body + n, 16, "%x\r\n", CHUNK);
		memset(body + n, 'x', CHUNK);
		n += CHUNK;
		memcpy(body + n, "\r\n", 2);
		n += 2;
	}
	memcpy(body + n, "0\r\n\r\n", 5);
	*len = n + 5;
	return (body);
}

int
main(int argc, char *argv[])
{
	struct work	 works[] = {
		{ "request, 9 fields", parse_request, request,
		    sizeof(request) - 1, 1000, 0 },
		{ "  its lines by memchr", scan_lines, request,
		    sizeof(request) - 1, 1000, 0 },
		{ "  in pieces of 64", parse_pieces, request,
		    sizeof(request) - 1, 1000, 0 },
		{ "response, 8 fields", parse_response, response,
		    sizeof(response) - 1, 1000, 0 },
		{ "  its lines by memchr", scan_lines, response,
		    sizeof(response) - 1, 1000, 0 },
		{ "1 MiB in chunks of 4096", decode_body, NULL, 0, 1, 0 },
		{ "  touching each chunk", scan_body, NULL, 0, 1, 0 }
	};
	const size_t	 nworks = sizeof(works) / sizeof(works[0]);
	char		*body;
	const char	*errstr;
	size_t		 i, len;
	unsigned long	 n;
	int		 ch, round;

	n = 100;
	while ((ch = getopt(argc, argv, "n:")) != -1) {
		switch (ch) {
		case 'n':
			n = strtonum(optarg, 1, 100000, &errstr);
			if (errstr != NULL)
				errx(1, "-n: %s", errstr);
			break;
		default:
			usage();
		}
	}
	body = make_body(&len);
	for (i = 0; i < nworks; i++) {
		works[i].times *= n;
		if (works[i].data == NULL) {
			works[i].data = body;
			works[i].len = len;
		}
	}
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < nworks; i++)
			measure(&works[i]);
	printf("%-26s %8s %10s %8s\n", "", "bytes", "ns", "GB/s");
	for (i = 0; i < nworks; i++)
		printf("%-26s %8zu %10.1f %8.2f\n", works[i].name,
		    works[i].len, works[i].best,
		    works[i].len / works[i].best);
	printf("a request costs %.1f times its memchr scan\n",
	    works[0].best / works[1].best);
	free(body);
	return (0);
}
