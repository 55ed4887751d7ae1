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

#include "../../keyd/seal.h"
#include "../../keyd/service.h"
#include "keyd_fix.h"

static char	 why[512];

static void	set(struct rec_obj_service *, const char *, const char *);
static void	refused(void **);
static void	canonical(void **);
static void	hosts(void **);
static void	auth_types(void **);
static void	bounds(void **);
static void	lists(void **);
static void	adopt(void **);
static void	join(void **);
static void	keys(void **);
static void	templates(void **);

/*
 * The base is a good bearer service for api.wire.test; each case changes
 * fields, "field=value" separated by spaces.  Names as in the recorded
 * exchanges with the reference.
 */
static const struct {
	const char	*step;
	const char	*change;
} bad[] = {
	{ "name_upper", "name=Bad" },
	{ "name_short", "name=ab" },
	{ "name_hyphen", "name=-bad" },
	{ "name_hyphen_end", "name=bad-" },
	{ "name_double_hyphen", "name=b--ad" },
	{ "no_host", "host=" },
	{ "host_single_label", "host=intranet" },
	{ "host_bare_wildcard", "host=*" },
	{ "host_shallow_wildcard", "host=*.test" },
	{ "host_inner_wildcard", "host=a.*.test" },
	{ "host_half_wildcard", "host=a*.wire.test" },
	{ "host_double_wildcard", "host=*.*.wire.test" },
	{ "host_char", "host=api_x.wire.test" },
	{ "host_scheme", "host=https://api.wire.test" },
	{ "host_user", "host=u@api.wire.test" },
	{ "host_empty_label", "host=api..wire.test" },
	{ "host_hyphen", "host=-api.wire.test" },
	{ "host_number", "host=api.wire.1" },
	{ "host_octal", "host=127.0.0.01" },
	{ "host_short_address", "host=127.1" },
	{ "host_v6_wildcard", "host=*.::1" },
	{ "host_bracket", "host=[::1" },
	{ "host_bracket_tail", "host=[::1]x" },
	{ "port_zero", "host=api.wire.test:0" },
	{ "port_big", "host=api.wire.test:70000" },
	{ "port_text", "host=api.wire.test:http" },
	{ "port_empty", "host=api.wire.test:" },
	{ "port_twice", "host=api.wire.test:80 port=80" },
	{ "path_double_star", "host=api.wire.test/a/**" },
	{ "path_query", "host=api.wire.test/a?b" },
	{ "path_fragment", "host=api.wire.test/a#b" },
	{ "path_bracket", "host=api.wire.test/[a]" },
	{ "path_backslash", "host=api.wire.test/a\\b" },
	{ "path_field_no_slash", "path=abc" },
	{ "path_field_and_inline", "host=api.wire.test:8443/b path=/a/*" },
	{ "path_dots", "path=/a/../b" },
	{ "path_dot", "path=/./b" },
	{ "path_dot_end", "path=/a/.." },
	{ "path_escaped_letter", "path=/%61" },
	{ "path_escaped_slash", "path=/a%2Fb" },
	{ "path_escape_lower", "path=/a%c3%a4" },
	{ "path_escape_bad", "path=/a%4" },
	{ "methods_lower", "methods=get" },
	{ "methods_twice", "methods=GET,POST,GET" },
	{ "methods_empty", "methods=GET,,POST" },
	{ "methods_end", "methods=GET," },
	{ "auth_bearer_no_token", "key1=" },
	{ "auth_bearer_foreign_key", "key2=X_KEY" },
	{ "auth_bearer_foreign_header", "header=X-Key" },
	{ "auth_bearer_foreign_prefix", "prefix=x" },
	{ "auth_bearer_foreign_headers", "headers=X-A:b" },
	{ "auth_bearer_lower", "key1=api_token" },
	{ "auth_bearer_digit", "key1=1TOKEN" },
	{ "auth_bearer_hyphen", "key1=API-TOKEN" },
	{ "auth_basic_no_user", "type=basic key1= key2=P_W" },
	{ "auth_basic_bad_password", "type=basic key2=p" },
	{ "auth_apikey_no_key", "type=api-key key1= header=X-Key" },
	{ "auth_apikey_header_under", "type=api-key header=X_Key" },
	{ "auth_apikey_host", "type=api-key header=Host" },
	{ "auth_apikey_length", "type=api-key header=content-length" },
	{ "auth_apikey_te", "type=api-key header=Transfer-Encoding" },
	{ "auth_apikey_connection", "type=api-key header=CONNECTION" },
	{ "auth_apikey_proxy", "type=api-key header=Proxy-Authorization" },
	{ "auth_apikey_vault", "type=api-key header=X-Vault" },
	{ "auth_custom_no_headers", "type=custom key1=" },
	{ "auth_custom_bad_header", "type=custom key1= headers=X_Bad:v" },
	{ "auth_custom_bad_key", "type=custom key1= headers=X-Ok:{{lower}}" },
	{ "auth_custom_empty_key", "type=custom key1= headers=X-Ok:{{}}" },
	{ "auth_custom_open", "type=custom key1= headers=X-Ok:{{KEY" },
	{ "auth_custom_close", "type=custom key1= headers=X-Ok:KEY}}" },
	{ "auth_custom_no_value", "type=custom key1= headers=X-Ok:" },
	{ "auth_custom_no_colon", "type=custom key1= headers=X-Ok" },
	{ "auth_custom_twice",
	  "type=custom key1= headers=X-Ok:a\nx-ok:b" },
	{ "auth_custom_blank_line",
	  "type=custom key1= headers=X-Ok:a\n\nX-B:b" },
	{ "auth_custom_cr", "type=custom key1= headers=X-Ok:a\rX-B:b" },
	{ "auth_passthrough_foreign", "type=passthrough" }
};

/* What the reference takes although it cannot work, or refuses and we not. */
static const struct {
	const char	*change;
	const char	*joined;
} good[] = {
	{ "", "api.wire.test" },
	{ "host=API.Wire.Test.", "api.wire.test" },
	{ "host=127.0.0.1:8443/x", "127.0.0.1:8443/x" },
	{ "host=localhost:3000", "localhost:3000" },
	{ "host=*.localhost", "*.localhost" },
	{ "host=*.Wire.test/wild/*", "*.wire.test/wild/*" },
	{ "host=::1", "[::1]" },
	{ "host=[0:0:0:0:0:0:0:1]:443/a", "[::1]:443/a" },
	{ "port=443 path=/v1/*/x", "api.wire.test:443/v1/*/x" },
	{ "host=api.wire.test path=/a", "api.wire.test/a" },
	{ "path=/%C3%A4/.well-known/...", "api.wire.test/%C3%A4/"
	  ".well-known/..." },
	{ "name=", "api.wire.test" },
	{ "methods=GET,HEAD,M-SEARCH", "api.wire.test" },
	{ "type=passthrough key1=", "api.wire.test" },
	{ "type=basic key1=U", "api.wire.test" },
	{ "type=basic key1=U key2=P", "api.wire.test" },
	{ "type=api-key key1=K", "api.wire.test" },
	{ "type=api-key key1=K header=X-Api-Key prefix=k:", "api.wire.test" },
	{ "type=custom key1= headers=X-One:a {{ C_ONE }} b\nX-Two: {{C_TWO}}",
	  "api.wire.test" },
	{ "type=custom key1= headers=X-Constant:v", "api.wire.test" }
};

static void
set(struct rec_obj_service *o, const char *change, const char *step)
{
	static char	 copy[1024];
	char		*p = copy, *item, *eq, *value;

	fix_service_rec(o);
	o->name = "api";
	o->host = "api.wire.test";
	o->auth_type = AUTH_BEARER;
	o->key1 = "API_TOKEN";
	assert_true(strlcpy(copy, change, sizeof(copy)) < sizeof(copy));
	while (p != NULL && *p != '\0') {
		item = p;
		/* Templates hold spaces: the last field takes the rest. */
		if (strncmp(item, "headers=", 8) == 0)
			p = NULL;
		else
			(void)strsep(&p, " ");
		if ((eq = strchr(item, '=')) == NULL) {
			fail_msg("%s: %s", step, item);
			return;
		}
		value = eq + 1;
		*eq = '\0';
		if (strcmp(item, "name") == 0)
			o->name = value;
		else if (strcmp(item, "host") == 0)
			o->host = value;
		else if (strcmp(item, "port") == 0)
			o->port = strtol(value, NULL, 10);
		else if (strcmp(item, "path") == 0)
			o->path = value;
		else if (strcmp(item, "methods") == 0)
			o->methods = value;
		else if (strcmp(item, "type") == 0)
			o->auth_type = auth_type_by(value);
		else if (strcmp(item, "key1") == 0)
			o->key1 = value;
		else if (strcmp(item, "key2") == 0)
			o->key2 = value;
		else if (strcmp(item, "header") == 0)
			o->header = value;
		else if (strcmp(item, "prefix") == 0)
			o->prefix = value;
		else if (strcmp(item, "headers") == 0)
			o->headers = value;
		else
			fail_msg("%s: %s", step, item);
	}
}

static void
refused(void **st)
{
	struct rec_obj_service	 o;
	struct service_form	 f;
	size_t			 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set(&o, bad[i].change, bad[i].step);
		why[0] = '\0';
		if (service_check(&o, &f, why, sizeof(why)) != -1)
			fail_msg("%s was accepted", bad[i].step);
		if (why[0] == '\0')
			fail_msg("%s was refused without a word",
			    bad[i].step);
	}
}

static void
canonical(void **st)
{
	struct rec_obj_service	 o;
	struct service_form	 f, g;
	char			 joined[SERVICE_JOINED_SIZE];
	size_t			 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		set(&o, good[i].change, good[i].joined);
		if (service_check(&o, &f, why, sizeof(why)) == -1)
			fail_msg("%s: %s", good[i].change, why);
		service_join(&f.o, joined, sizeof(joined));
		assert_string_equal(joined, good[i].joined);
		/* What is canonical stays as it is, also when joined. */
		if (service_check(&f.o, &g, why, sizeof(why)) == -1)
			fail_msg("%s: %s", joined, why);
		assert_string_equal(g.host, f.host);
		assert_int_equal(g.o.port, f.o.port);
		assert_string_equal(g.headers, f.headers);
		o.host = joined;
		o.path = "";
		o.port = 0;
		assert_int_equal(service_check(&o, &g, why, sizeof(why)), 0);
		assert_string_equal(g.host, f.host);
		assert_string_equal(g.path, f.path);
		assert_int_equal(g.o.port, f.o.port);
	}
}

static void
hosts(void **st)
{
	char	 out[SERVICE_HOST_MAX + 1], label[300];

	assert_int_equal(service_host("A.B.example.COM.", 16, 0, out,
	    sizeof(out)), 0);
	assert_string_equal(out, "a.b.example.com");
	assert_int_equal(service_host("*.example.com", 13, 0, out,
	    sizeof(out)), -1);
	assert_int_equal(service_host("example.com..", 13, 0, out,
	    sizeof(out)), -1);
	assert_int_equal(service_host("", 0, 1, out, sizeof(out)), -1);
	memset(label, 'a', sizeof(label));
	memcpy(label + 63, ".example.com", 13);
	assert_int_equal(service_host(label, strlen(label), 0, out,
	    sizeof(out)), 0);
	memset(label, 'a', sizeof(label));
	memcpy(label + 64, ".example.com", 13);
	assert_int_equal(service_host(label, strlen(label), 0, out,
	    sizeof(out)), -1);
}

static void
auth_types(void **st)
{
	struct rec_obj_service	 o;
	struct service_form	 f;

	set(&o, "", "");
	o.enabled = 2;
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);
	set(&o, "", "");
	o.auth_type = AUTH_TYPE_MAX;
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);
	set(&o, "", "");
	o.path_mode = PATH_MODE_MAX;
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);
	set(&o, "", "");
	o.plaintext = 1;
	o.path_mode = PATH_NONE;
	o.enabled = 0;
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), 0);
	assert_int_equal(f.o.plaintext, 1);
	assert_int_equal(f.o.enabled, 0);
	assert_int_equal(f.o.path_mode, PATH_NONE);
	set(&o, "type=api-key key1=K", "");
	o.header = "X Key";
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);
	o.header = "";
	o.prefix = "a\nb";
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);
}

static void
bounds(void **st)
{
	struct rec_obj_service	 o;
	struct service_form	 f;
	char			 path[300], headers[8193], line[300];
	int			 i;

	memset(path, 'z', sizeof(path));
	path[0] = '/';
	path[256] = '\0';
	set(&o, "", "");
	o.path = path;
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), 0);
	path[256] = 'z';
	path[257] = '\0';
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);

	/* 32 headers pass, one more does not. */
	set(&o, "type=custom key1=", "");
	headers[0] = '\0';
	for (i = 0; i < 32; i++) {
		(void)snprintf(line, sizeof(line), "X-%d: {{ K%d }}\n", i, i);
		(void)strlcat(headers, line, sizeof(headers));
	}
	o.headers = headers;
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), 0);
	(void)strlcat(headers, "X-More: v\n", sizeof(headers));
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);

	/* Together their names must fit the record. */
	headers[0] = '\0';
	for (i = 0; i < 32; i++) {
		(void)snprintf(line, sizeof(line), "X-%d: {{ K%060d }}\n", i,
		    i);
		(void)strlcat(headers, line, sizeof(headers));
	}
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);

	/* 8 KiB in all. */
	memset(headers, 'v', sizeof(headers));
	memcpy(headers, "X-A: ", 5);
	headers[8000] = '\0';
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), 0);
	headers[8000] = 'v';
	headers[8190] = '\0';
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), -1);
}

static void
lists(void **st)
{
	static struct rec_obj_service	 o[300];
	static const struct rec_obj_service	*list[300];
	static char			 name[300][16], host[300][32];
	size_t				 i;

	for (i = 0; i < 300; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "svc-%zu", i);
		(void)snprintf(host[i], sizeof(host[i]), "h%zu.x.test", i);
		fix_service_rec(&o[i]);
		o[i].name = name[i];
		o[i].host = host[i];
		list[i] = &o[i];
	}
	assert_int_equal(service_list_check(list, 256, why, sizeof(why)), 0);
	assert_int_equal(service_list_check(list, 257, why, sizeof(why)), -1);
	assert_int_equal(service_list_check(list, 0, why, sizeof(why)), 0);
	o[3].name = "svc-200";
	assert_int_equal(service_list_check(list, 200, why, sizeof(why)), 0);
	assert_int_equal(service_list_check(list, 201, why, sizeof(why)), -1);
	o[3].name = name[3];

	/* 64 that can match h0.x.test, the wildcards among them. */
	for (i = 1; i < 32; i++)
		o[i].host = "h0.x.test";
	for (i = 32; i < 64; i++)
		o[i].host = "*.x.test";
	assert_int_equal(service_list_check(list, 64, why, sizeof(why)), 0);
	assert_int_equal(service_list_check(list, 100, why, sizeof(why)), 0);
	o[64].host = "*.test";
	assert_int_equal(service_list_check(list, 65, why, sizeof(why)), 0);
	o[64].host = "*.x.test";
	assert_int_equal(service_list_check(list, 65, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "h0.x.test"));
}

static void
adopt(void **st)
{
	struct rec_obj_service	 o;
	struct service_form	 f;

	state_init();
	fix_vault(1, "main");
	fix_service(10, 1, "first", "api.wire.test", 0, "/a/*");
	fix_service(11, 1, "second", "api.wire.test", 443, "");
	set(&o, "name= host=API.wire.test/a/*", "");
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), 0);
	assert_int_equal(service_adopt(&f, state_vault(1)), 0);
	assert_string_equal(f.o.name, "first");
	set(&o, "name= host=api.wire.test:443", "");
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), 0);
	assert_int_equal(service_adopt(&f, state_vault(1)), 0);
	assert_string_equal(f.o.name, "second");
	set(&o, "name=", "");
	assert_int_equal(service_check(&o, &f, why, sizeof(why)), 0);
	assert_int_equal(service_adopt(&f, state_vault(1)), -1);
	state_free();
}

static void
join(void **st)
{
	struct rec_obj_service	 o;
	char			 buf[SERVICE_JOINED_SIZE];

	fix_service_rec(&o);
	o.host = "2001:db8::1";
	o.port = 8443;
	o.path = "/x/*";
	service_join(&o, buf, sizeof(buf));
	assert_string_equal(buf, "[2001:db8::1]:8443/x/*");
}

static void
keys(void **st)
{
	char			 k[SERVICE_HEADERS_MAX][SERVICE_KEY_MAX + 1];
	struct rec_obj_service	 o;

	set(&o, "type=custom key1= headers=X-A: {{ ONE }}{{TWO}}\nX-B: "
	    "{{ONE}} {{  THREE  }}\n", "");
	assert_int_equal(service_keys(&o, k, SERVICE_HEADERS_MAX), 3);
	assert_string_equal(k[0], "ONE");
	assert_string_equal(k[1], "TWO");
	assert_string_equal(k[2], "THREE");
	assert_true(service_uses(&o, "THREE"));
	assert_false(service_uses(&o, "THRE"));
	set(&o, "type=basic key1=SAME key2=SAME", "");
	assert_int_equal(service_keys(&o, k, SERVICE_HEADERS_MAX), 1);
	set(&o, "type=passthrough key1=", "");
	assert_int_equal(service_keys(&o, k, SERVICE_HEADERS_MAX), 0);
}

static void
templates(void **st)
{
	static const char	 text[] = "a {{ KEY }}{{B}} c";
	struct service_piece	 tpl = { 0, text, sizeof(text) - 1 }, p;
	size_t			 pos = 0;

	assert_int_equal(service_template_next(&tpl, &pos, &p), 1);
	assert_false(p.key);
	assert_memory_equal(p.text, "a ", p.len);
	assert_int_equal(service_template_next(&tpl, &pos, &p), 1);
	assert_true(p.key);
	assert_int_equal(p.len, 3);
	assert_memory_equal(p.text, "KEY", 3);
	assert_int_equal(service_template_next(&tpl, &pos, &p), 1);
	assert_true(p.key);
	assert_int_equal(service_template_next(&tpl, &pos, &p), 1);
	assert_false(p.key);
	assert_int_equal(p.len, 2);
	assert_int_equal(service_template_next(&tpl, &pos, &p), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(canonical),
		cmocka_unit_test(hosts),
		cmocka_unit_test(auth_types),
		cmocka_unit_test(bounds),
		cmocka_unit_test(lists),
		cmocka_unit_test(adopt),
		cmocka_unit_test(join),
		cmocka_unit_test(keys),
		cmocka_unit_test(templates)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
