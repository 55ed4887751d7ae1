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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "../../keyd/lease.h"
#include "../../keyd/seal.h"
#include "../../keyd/service.h"
#include "keyd_fix.h"

static struct arena	 arena;

static int	setup(void **);
static int	teardown(void **);
static const struct rec_rule	*rules(const char *, uint16_t, uint32_t *);
static void	put(uint64_t, const char *, uint8_t, const char *,
		    const char *, const char *, const char *, const char *);
static void	order_is(const char *, uint16_t, const char *);
static ssize_t	length(const char *, void *);
static void	precedence(void **);
static void	near_misses(void **);
static void	wildcards(void **);
static void	five_types(void **);
static void	missing(void **);
static void	smuggling(void **);
static void	disabled(void **);
static void	swapped(void **);
static void	bounds(void **);
static void	sizes(void **);

static int
setup(void **st)
{
	struct msg_blob	 w, c;
	FILE		*f = tmpfile();

	seal_init();
	assert_non_null(f);
	assert_int_equal(seal_keyfile_write(fileno(f)), SEAL_OK);
	fclose(f);
	assert_int_equal(seal_create(&w, &c), 0);
	msg_blob_free(&w);
	msg_blob_free(&c);
	state_init();
	fix_vault(1, "main");
	fix_vault(2, "other");
	fix_credential(10, 1, "TOKEN", "t0ken");
	fix_credential(11, 1, "USER", "bob");
	fix_credential(12, 1, "PASS", "pass:word");
	fix_credential(13, 1, "CRLF", "a\r\nX-Evil: 1");
	fix_credential(14, 1, "EMPTY", "");
	return (0);
}

static int
teardown(void **st)
{
	arena_free(&arena);
	state_free();
	seal_free();
	return (0);
}

static const struct rec_rule *
rules(const char *host, uint16_t port, uint32_t *n)
{
	const struct rec_rule	*r;

	assert_int_equal(lease_rules(state_vault(1), host, port, &arena, &r,
	    n), 0);
	return (r);
}

static void
put(uint64_t id, const char *name, uint8_t type, const char *key1,
    const char *key2, const char *header, const char *prefix,
    const char *headers)
{
	struct rec_obj_service	 o;

	fix_service_rec(&o);
	o.id = id;
	o.vault = 1;
	o.position = id;
	o.name = name;
	o.host = "api.test";
	o.auth_type = type;
	o.key1 = key1;
	o.key2 = key2;
	o.header = header;
	o.prefix = prefix;
	o.headers = headers;
	assert_int_equal(fix_put(OBJ_SERVICE, &o), 0);
}

static void
order_is(const char *host, uint16_t port, const char *want)
{
	const struct rec_rule	*r;
	char			 got[512] = "";
	uint32_t		 i, n;

	r = rules(host, port, &n);
	for (i = 0; i < n; i++) {
		(void)strlcat(got, i == 0 ? "" : " ", sizeof(got));
		(void)strlcat(got, r[i].slug, sizeof(got));
	}
	assert_string_equal(got, want);
}

static void
precedence(void **st)
{
	fix_service(20, 1, "wild-long", "*.wire.test", 0, "/very/long/path");
	fix_service(21, 1, "any", "a.wire.test", 0, "");
	fix_service(22, 1, "star", "a.wire.test", 0, "/*");
	fix_service(23, 1, "prefix", "a.wire.test", 0, "/v1/*");
	fix_service(24, 1, "exact", "a.wire.test", 0, "/v1/users");
	fix_service(25, 1, "port", "a.wire.test", 443, "");
	fix_service(26, 1, "port-path", "a.wire.test", 443, "/v1/*");
	fix_service(27, 1, "prefix-too", "a.wire.test", 0, "/v2/*");
	fix_service(28, 1, "wild-port", "*.wire.test", 443, "");
	/* exact host, named port, literal prefix, order in the list. */
	order_is("a.wire.test", 443, "port-path port exact prefix prefix-too "
	    "star any wild-port wild-long");
	order_is("a.wire.test", 80, "exact prefix prefix-too star any "
	    "wild-long");
	order_is("b.wire.test", 443, "wild-port wild-long");
	/* A service keeps its place when it is changed. */
	fix_service(23, 1, "prefix", "a.wire.test", 0, "/v3/*");
	order_is("a.wire.test", 80, "exact prefix prefix-too star any "
	    "wild-long");
}

static void
near_misses(void **st)
{
	fix_service(20, 1, "api", "api.test", 8443, "");
	fix_service(21, 1, "v6", "2001:db8::1", 0, "");
	fix_service(22, 1, "v4", "192.0.2.1", 0, "");
	order_is("api.test", 8443, "api");
	order_is("api.test", 443, "");
	order_is("xapi.test", 8443, "");
	order_is("api.test.evil", 8443, "");
	order_is("x.api.test", 8443, "");
	order_is("2001:db8::1", 443, "v6");
	order_is("2001:db8::2", 443, "");
	order_is("192.0.2.1", 1, "v4");
}

static void
wildcards(void **st)
{
	fix_service(20, 1, "wild", "*.github.com", 0, "");
	fix_service(21, 1, "local", "*.localhost", 0, "");
	order_is("api.github.com", 443, "wild");
	order_is("github.com", 443, "");
	order_is("a.b.github.com", 443, "");
	order_is(".github.com", 443, "");
	order_is("xgithub.com", 443, "");
	order_is("app.localhost", 3000, "local");
	order_is("localhost", 3000, "");
}

static void
five_types(void **st)
{
	const struct rec_rule	*r;
	uint32_t		 n;

	put(20, "bearer", AUTH_BEARER, "TOKEN", "", "", "", "");
	put(21, "basic", AUTH_BASIC, "USER", "PASS", "", "", "");
	put(22, "user-only", AUTH_BASIC, "USER", "", "", "", "");
	put(23, "key", AUTH_API_KEY, "TOKEN", "", "X-Api-Key", "k=", "");
	put(24, "key-default", AUTH_API_KEY, "TOKEN", "", "", "", "");
	put(25, "custom", AUTH_CUSTOM, "", "", "", "",
	    "X-One: a {{ TOKEN }} b\nX-Two: {{USER}}{{PASS}}\nX-Three: v\n");
	put(26, "open", AUTH_PASSTHROUGH, "", "", "", "", "");
	r = rules("api.test", 443, &n);
	assert_int_equal(n, 7);
	assert_int_equal(r[0].inject_n, 1);
	assert_string_equal(r[0].inject[0].name, "Authorization");
	assert_string_equal(r[0].inject[0].value, "Bearer t0ken");
	assert_string_equal(r[0].keys, "TOKEN");
	/* echo -n bob:pass:word | base64 */
	assert_string_equal(r[1].inject[0].value, "Basic Ym9iOnBhc3M6d29yZA==");
	assert_string_equal(r[1].keys, "USER,PASS");
	assert_string_equal(r[2].inject[0].value, "Basic Ym9iOg==");
	assert_string_equal(r[3].inject[0].name, "X-Api-Key");
	assert_string_equal(r[3].inject[0].value, "k=t0ken");
	assert_string_equal(r[4].inject[0].name, "Authorization");
	assert_string_equal(r[4].inject[0].value, "t0ken");
	assert_int_equal(r[5].inject_n, 3);
	assert_string_equal(r[5].inject[0].name, "X-One");
	assert_string_equal(r[5].inject[0].value, "a t0ken b");
	assert_string_equal(r[5].inject[1].value, "bobpass:word");
	assert_string_equal(r[5].inject[2].value, "v");
	assert_string_equal(r[5].keys, "TOKEN,USER,PASS");
	assert_int_equal(r[6].inject_n, 0);
	assert_int_equal(r[6].passthrough, 1);
	assert_int_equal(r[0].passthrough, 0);
	for (; n > 0; n--)
		assert_string_equal(r[n - 1].missing, "");
}

static void
missing(void **st)
{
	const struct rec_rule	*r;
	uint32_t		 n;

	put(20, "bearer", AUTH_BEARER, "NONE", "", "", "", "");
	put(21, "user", AUTH_BASIC, "NONE", "PASS", "", "", "");
	put(22, "password", AUTH_BASIC, "USER", "NONE", "", "", "");
	put(23, "custom", AUTH_CUSTOM, "", "", "", "",
	    "X-One: {{ TOKEN }}\nX-Two: {{ NONE }}");
	put(24, "empty", AUTH_BEARER, "EMPTY", "", "", "", "");
	r = rules("api.test", 443, &n);
	assert_int_equal(n, 5);
	for (n = 0; n < 4; n++) {
		assert_string_equal(r[n].missing, "NONE");
		assert_int_equal(r[n].inject_n, 0);
	}
	/* An empty value is a value. */
	assert_string_equal(r[4].missing, "");
	assert_string_equal(r[4].inject[0].value, "Bearer ");
}

/* No value ends a header early; base64 can carry anything. */
static void
smuggling(void **st)
{
	const struct rec_rule	*r;
	uint32_t		 n, i;

	put(20, "bearer", AUTH_BEARER, "CRLF", "", "", "", "");
	put(21, "key", AUTH_API_KEY, "CRLF", "", "X-Key", "", "");
	put(22, "custom", AUTH_CUSTOM, "", "", "", "", "X-A: {{ CRLF }}");
	put(23, "basic", AUTH_BASIC, "USER", "CRLF", "", "", "");
	r = rules("api.test", 443, &n);
	assert_int_equal(n, 4);
	for (i = 0; i < 3; i++) {
		assert_string_equal(r[i].missing, "CRLF");
		assert_int_equal(r[i].inject_n, 0);
	}
	assert_string_equal(r[3].missing, "");
	assert_null(strpbrk(r[3].inject[0].value, "\r\n"));
	for (i = 0; i < 3; i++)
		assert_true(lease_raw(&state_service(20 + i)->o, "CRLF"));
	assert_false(lease_raw(&state_service(23)->o, "CRLF"));
	assert_false(lease_raw(&state_service(20)->o, "TOKEN"));
}

static void
disabled(void **st)
{
	struct rec_obj_service	 o;
	const struct rec_rule	*r;
	uint32_t		 n;

	fix_service(20, 1, "api", "api.test", 0, "");
	o = state_service(20)->o;
	o.enabled = 0;
	o.plaintext = 1;
	o.methods = "GET,HEAD";
	assert_int_equal(fix_put(OBJ_SERVICE, &o), 0);
	r = rules("api.test", 443, &n);
	assert_int_equal(n, 1);
	assert_int_equal(r[0].enabled, 0);
	assert_int_equal(r[0].plaintext, 1);
	assert_string_equal(r[0].methods, "GET,HEAD");
	assert_string_equal(r[0].keys, "TOKEN");
	/* Its secret stays where it is. */
	assert_int_equal(r[0].inject_n, 0);
}

/* A sealed value that was moved to another row spoils the lease. */
static void
swapped(void **st)
{
	struct rec_obj_credential	 o;
	struct credential		*c;
	const struct rec_rule		*r;
	uint32_t			 n;

	put(20, "bearer", AUTH_BEARER, "TOKEN", "", "", "", "");
	c = state_credential(state_vault(1), "PASS");
	o = state_credential(state_vault(1), "TOKEN")->o;
	o.sealed = c->o.sealed;
	assert_int_equal(fix_put(OBJ_CREDENTIAL, &o), 0);
	assert_int_equal(lease_rules(state_vault(1), "api.test", 443, &arena,
	    &r, &n), -1);
	/* From the same name in another vault likewise. */
	fix_credential(30, 2, "TOKEN", "other vault's");
	o = state_credential(state_vault(1), "TOKEN")->o;
	o.sealed = state_credential(state_vault(2), "TOKEN")->o.sealed;
	assert_int_equal(fix_put(OBJ_CREDENTIAL, &o), 0);
	assert_int_equal(lease_rules(state_vault(1), "api.test", 443, &arena,
	    &r, &n), -1);
}

static void
bounds(void **st)
{
	static char		 big[32769];
	const struct rec_rule	*r;
	char			 name[16];
	uint32_t		 n;
	int			 i;

	for (i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof(name), "svc-%d", i);
		put(100 + i, name, AUTH_BEARER, "TOKEN", "", "", "", "");
	}
	r = rules("api.test", 443, &n);
	assert_int_equal(n, 64);
	put(200, "one-more", AUTH_BEARER, "TOKEN", "", "", "", "");
	errno = 0;
	assert_int_equal(lease_rules(state_vault(1), "api.test", 443, &arena,
	    &r, &n), -1);
	assert_int_equal(errno, E2BIG);
	fix_vault_gone(1, "main");

	/* Four of 32 KiB are more than 96 KiB. */
	fix_vault(3, "big");
	memset(big, 'v', sizeof(big) - 1);
	fix_credential(300, 3, "TOKEN", big);
	for (i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "big-%d", i);
		errno = 0;
		fix_service(310 + i, 3, name, "api.test", 0, "");
		assert_int_equal(lease_rules(state_vault(3), "api.test", 443,
		    &arena, &r, &n), i < 2 ? 0 : -1);
	}
	assert_int_equal(errno, E2BIG);
}

static ssize_t
length(const char *key, void *arg)
{
	return (strcmp(key, "BIG") == 0 ? 30000 : strcmp(key, "ONE") == 0 ? 1 :
	    -1);
}

static void
sizes(void **st)
{
	struct rec_obj_service	 o;

	fix_service_rec(&o);
	o.auth_type = AUTH_BEARER;
	o.key1 = "BIG";
	assert_true(lease_size(&o, length, NULL) >= 30007);
	assert_true(lease_size(&o, length, NULL) < 30100);
	o.auth_type = AUTH_BASIC;
	o.key2 = "BIG";
	assert_true(lease_size(&o, length, NULL) >= 80000);
	o.auth_type = AUTH_CUSTOM;
	o.key1 = o.key2 = "";
	o.headers = "X-A: {{BIG}}{{BIG}}\nX-B: {{ONE}} {{NONE}}";
	assert_true(lease_size(&o, length, NULL) >= 60002);
	assert_true(lease_size(&o, length, NULL) < 60100);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(precedence, setup, teardown),
		cmocka_unit_test_setup_teardown(near_misses, setup, teardown),
		cmocka_unit_test_setup_teardown(wildcards, setup, teardown),
		cmocka_unit_test_setup_teardown(five_types, setup, teardown),
		cmocka_unit_test_setup_teardown(missing, setup, teardown),
		cmocka_unit_test_setup_teardown(smuggling, setup, teardown),
		cmocka_unit_test_setup_teardown(disabled, setup, teardown),
		cmocka_unit_test_setup_teardown(swapped, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
