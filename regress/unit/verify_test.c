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
#include <sys/socket.h>

#include <err.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event.h>
#include <tls.h>

#include "pair.h"
#include "testcert.h"
#include "verify.h"

#define HOUR	3600L

static struct testcert	 root, stranger, middle, oldmiddle, nomiddle;
static struct verify	*roots;

/* What one case is made of; issuer NULL is self-signed. */
struct kind {
	const char		*name;		/* in the certificate */
	int			 flags;
	long			 from;
	long			 until;
	const struct testcert	*issuer;
	const struct testcert	*sent;		/* with it */
};

/*
 * A handshake with such a server: what verify_tls() says of it, "" for
 * nothing to say.
 */
static const char *
said(const struct kind *k, const char *host)
{
	static char		 text[VERIFY_TEXT];
	struct tls_config	*config;
	struct testcert		 leaf;
	struct tls		*server;
	struct pair		 p;
	int			 a, b, rc;

	testcert_make(&leaf, k->issuer, k->name, k->flags, k->from, k->until);
	server = pair_server_with(&leaf, k->sent);
	config = pair_client();
	pair_fds(&a, &b, 0);
	side_init(&p.client, a);
	side_init(&p.server, b);
	assert_int_equal(conn_accept_tls(p.server.c, server, 3000), 0);
	assert_int_equal(conn_start_tls_client(p.client.c, config, host,
	    3000, NULL, 0), 0);
	PAIR_UNTIL(p.client.ready && p.server.ready);
	text[0] = '\0';
	rc = verify_tls(roots, host, conn_tls(p.client.c), text,
	    sizeof(text));
	assert_int_equal(rc, text[0] == '\0' ? 0 : -1);
	pair_free(&p);
	tls_config_free(config);
	tls_free(server);
	testcert_free(&leaf);
	return (text);
}

static void
says(const struct kind *k, const char *host, const char *text)
{
	const char	*s;

	s = said(k, host);
	if (strncmp(s, text, strlen(text)) != 0 ||
	    (text[0] == '\0') != (s[0] == '\0'))
		fail_msg("%s for %s: \"%s\", not \"%s\"", k->name, host, s,
		    text);
}

static void
good(void **state)
{
	struct kind	 k = { "good.example", 0, -HOUR, HOUR, &root, NULL };

	says(&k, "good.example", "");
	says(&k, "GOOD.example.", "");
	k.issuer = &middle;
	k.sent = &middle;
	says(&k, "good.example", "");
}

static void
not_now(void **state)
{
	struct kind	 old = { "h.example", 0, -2 * HOUR, -HOUR, &root,
			    NULL };
	struct kind	 early = { "h.example", 0, HOUR, 2 * HOUR, &root,
			    NULL };

	says(&old, "h.example", "certificate has expired (/CN=h.example)");
	says(&early, "h.example",
	    "certificate is not yet valid (/CN=h.example)");
}

static void
wrong_name(void **state)
{
	struct kind	 k = { "h.example", 0, -HOUR, HOUR, &root, NULL };

	says(&k, "i.example", "the certificate is not for i.example");
	says(&k, "a.h.example", "the certificate is not for");
	says(&k, "h.example.com", "the certificate is not for");
	says(&k, "example", "the certificate is not for");
	says(&k, "127.0.0.1", "the certificate is not for 127.0.0.1");
}

static void
no_name(void **state)
{
	char	*pem, text[VERIFY_TEXT];

	pem = testcert_pem(&root, NULL);
	assert_int_equal(verify_chain(roots, "", pem, strlen(pem), text,
	    sizeof(text)), -1);
	assert_int_equal(verify_chain(roots, ".", pem, strlen(pem), text,
	    sizeof(text)), -1);
	free(pem);
}

static void
wrong_purpose(void **state)
{
	struct kind	 k = { "h.example", TC_CLIENT, -HOUR, HOUR, &root,
			    NULL };

	says(&k, "h.example", "un");	/* unsupported, unsuitable */
	assert_non_null(strstr(said(&k, "h.example"), "purpose"));
}

static void
unknown_root(void **state)
{
	struct kind	 k = { "h.example", 0, -HOUR, HOUR, &stranger, NULL };

	says(&k, "h.example", "unable to get local issuer certificate");
	k.sent = &stranger;
	says(&k, "h.example", "self");
	/* Signed by itself. */
	k.issuer = k.sent = NULL;
	says(&k, "h.example", "self");
}

static void
broken_chain(void **state)
{
	struct kind	 k = { "h.example", 0, -HOUR, HOUR, &middle, NULL };

	/* The one in the middle was not sent, or another one was. */
	says(&k, "h.example", "unable to get local issuer certificate");
	k.sent = &oldmiddle;
	says(&k, "h.example", "unable to get local issuer certificate");
	/* It has expired. */
	k.issuer = &oldmiddle;
	says(&k, "h.example", "certificate has expired (/CN=old middle, "
	    "1 above the server's)");
	/* It may not sign. */
	k.issuer = k.sent = &nomiddle;
	says(&k, "h.example", "invalid CA certificate");
}

static void
ip_literals(void **state)
{
	struct kind	 v4 = { "127.0.0.1", TC_IP, -HOUR, HOUR, &root, NULL };
	struct kind	 v6 = { "2001:db8::7", TC_IP, -HOUR, HOUR, &root,
			    NULL };
	struct kind	 dns = { "127.0.0.1", 0, -HOUR, HOUR, &root, NULL };
	struct kind	 cn = { "127.0.0.1", TC_NOSAN, -HOUR, HOUR, &root,
			    NULL };

	says(&v4, "127.0.0.1", "");
	says(&v4, "127.0.0.2", "the certificate is not for 127.0.0.2");
	says(&v6, "2001:db8::7", "");
	says(&v6, "2001:DB8:0:0::7", "");
	says(&v6, "2001:db8::8", "the certificate is not for 2001:db8::8");
	/* A name that looks like an address is none. */
	says(&dns, "127.0.0.1", "the certificate is not for 127.0.0.1");
	says(&cn, "127.0.0.1", "the certificate is not for 127.0.0.1");
}

static void
wildcards(void **state)
{
	struct kind	 k = { "*.w.example", 0, -HOUR, HOUR, &root, NULL };
	struct kind	 part = { "f*.w.example", 0, -HOUR, HOUR, &root,
			    NULL };
	struct kind	 deep = { "a.*.example", 0, -HOUR, HOUR, &root, NULL };

	says(&k, "a.w.example", "");
	says(&k, "A.W.Example", "");
	says(&k, "a.b.w.example", "the certificate is not for");
	says(&k, "w.example", "the certificate is not for");
	says(&part, "foo.w.example", "the certificate is not for");
	says(&deep, "a.w.example", "the certificate is not for");
}

static void
common_name_only(void **state)
{
	struct kind	 k = { "h.example", TC_NOSAN, -HOUR, HOUR, &root,
			    NULL };

	says(&k, "h.example", "the certificate is not for h.example");
}

/* No server of ours would load it, so without a handshake. */
static void
weak_signature(void **state)
{
	struct testcert	 leaf;
	char		*pem, text[VERIFY_TEXT] = "";

	testcert_make(&leaf, &root, "h.example", TC_SHA1, -HOUR, HOUR);
	pem = testcert_pem(&leaf, NULL);
	assert_int_equal(verify_chain(roots, "h.example", pem, strlen(pem),
	    text, sizeof(text)), -1);
	assert_non_null(strstr(text, "too weak"));
	free(pem);
	testcert_free(&leaf);
}

static void
no_certificate(void **state)
{
	char	 text[VERIFY_TEXT];
	char	*many, *pem;
	size_t	 i, n;

	assert_int_equal(verify_chain(roots, "h", "", 0, text, sizeof(text)),
	    -1);
	assert_string_equal(text, "no certificate");
	pem = testcert_pem(&root, NULL);
	n = strlen(pem);
	if ((many = calloc(VERIFY_CHAIN_CERTS + 1, n)) == NULL)
		err(1, NULL);
	for (i = 0; i <= VERIFY_CHAIN_CERTS; i++)
		memcpy(many + i * n, pem, n);
	assert_int_equal(verify_chain(roots, "h", many,
	    n * (VERIFY_CHAIN_CERTS + 1), text, sizeof(text)), -1);
	assert_string_equal(text, "more than 16 certificates");
	free(many);
	free(pem);
}

/* Without roots nothing is trusted; with more roots more is. */
static void
add_roots(void **state)
{
	struct verify	*v;
	struct testcert	 leaf;
	char		 text[VERIFY_TEXT];
	char		*pem, *two;
	size_t		 n;

	assert_non_null(v = verify_new());
	testcert_make(&leaf, &stranger, "h.example", 0, -HOUR, HOUR);
	pem = testcert_pem(&leaf, NULL);
	n = strlen(pem);
	assert_int_equal(verify_chain(v, "h.example", pem, n, text,
	    sizeof(text)), -1);
	two = testcert_pem(&root, &middle);
	assert_int_equal(verify_add(v, two, strlen(two), text, sizeof(text)),
	    2);
	assert_int_equal(verify_add(v, two, strlen(two), text, sizeof(text)),
	    2);
	free(two);
	assert_int_equal(verify_chain(v, "h.example", pem, n, text,
	    sizeof(text)), -1);
	two = testcert_pem(&stranger, NULL);
	assert_int_equal(verify_add(v, two, strlen(two), text, sizeof(text)),
	    1);
	assert_int_equal(verify_chain(v, "h.example", pem, n, text,
	    sizeof(text)), 0);
	free(two);
	free(pem);
	testcert_free(&leaf);
	verify_free(v);
}

static void
bad_roots(void **state)
{
	struct verify	*v;
	char		*two, *p, text[VERIFY_TEXT];

	assert_non_null(v = verify_new());
	assert_int_equal(verify_add(v, "", 0, text, sizeof(text)), -1);
	assert_string_equal(text, "no certificate");
	assert_int_equal(verify_add(v, "hello\n", 6, text, sizeof(text)), -1);
	assert_string_equal(text, "no certificate");
	two = testcert_pem(&root, &middle);
	/* Spoil the second. */
	p = strstr(two + 10, "-----BEGIN");
	memset(p + 60, '!', 20);
	assert_int_equal(verify_add(v, two, strlen(two), text, sizeof(text)),
	    -1);
	assert_string_equal(text, "certificate 2 does not parse");
	assert_int_equal(verify_add(v, two, VERIFY_BUNDLE_MAX + 1, text,
	    sizeof(text)), -1);
	assert_string_equal(text, "too large");
	free(two);
	verify_free(v);
}

static void
roots_of_a_file(void **state)
{
	struct verify	*v;
	FILE		*fp;
	char		*two, text[VERIFY_TEXT];
	int		 fds[2], i;

	if ((fp = tmpfile()) == NULL || pipe(fds) == -1)
		err(1, NULL);
	two = testcert_pem(&root, &middle);
	(void)fprintf(fp, "# A comment\n%s", two);
	(void)fflush(fp);
	free(two);
	assert_non_null(v = verify_new());
	/* The offset is at the end, and it is not moved. */
	for (i = 0; i < 2; i++)
		assert_int_equal(verify_add_fd(v, fileno(fp), text,
		    sizeof(text)), 2);
	assert_true(ftell(fp) > 0);
	assert_int_equal(verify_add_fd(v, fds[0], text, sizeof(text)), -1);
	assert_string_equal(text, "not a regular file");
	assert_int_equal(verify_add_fd(v, -1, text, sizeof(text)), -1);
	if (ftruncate(fileno(fp), VERIFY_BUNDLE_MAX + 1) == -1)
		err(1, "ftruncate");
	assert_int_equal(verify_add_fd(v, fileno(fp), text, sizeof(text)),
	    -1);
	assert_string_equal(text, "too large");
	verify_free(v);
	(void)fclose(fp);
	close(fds[0]);
	close(fds[1]);
}

static int
setup(void **state)
{
	char	*pem, text[VERIFY_TEXT];

	event_init();
	(void)signal(SIGPIPE, SIG_IGN);
	testcert_make(&root, NULL, "root", TC_CA, -HOUR, HOUR);
	testcert_make(&stranger, NULL, "stranger", TC_CA, -HOUR, HOUR);
	testcert_make(&middle, &root, "middle", TC_CA, -HOUR, HOUR);
	testcert_make(&oldmiddle, &root, "old middle", TC_CA, -2 * HOUR,
	    -HOUR);
	testcert_make(&nomiddle, &root, "no middle", 0, -HOUR, HOUR);
	pem = testcert_pem(&root, NULL);
	if ((roots = verify_new()) == NULL ||
	    verify_add(roots, pem, strlen(pem), text, sizeof(text)) != 1)
		errx(1, "roots");
	free(pem);
	return (0);
}

static int
teardown(void **state)
{
	verify_free(roots);
	testcert_free(&root);
	testcert_free(&stranger);
	testcert_free(&middle);
	testcert_free(&oldmiddle);
	testcert_free(&nomiddle);
	return (0);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(not_now),
		cmocka_unit_test(wrong_name),
		cmocka_unit_test(no_name),
		cmocka_unit_test(wrong_purpose),
		cmocka_unit_test(unknown_root),
		cmocka_unit_test(broken_chain),
		cmocka_unit_test(ip_literals),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(common_name_only),
		cmocka_unit_test(weak_signature),
		cmocka_unit_test(no_certificate),
		cmocka_unit_test(add_roots),
		cmocka_unit_test(bad_roots),
		cmocka_unit_test(roots_of_a_file),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return (cmocka_run_group_tests(tests, setup, teardown));
}
