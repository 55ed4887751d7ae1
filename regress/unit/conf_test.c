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

#include "../../brokerd/conf.h"

/* The last message. */
static char	 said[2048];

static void
hear(const char *msg)
{
	(void)strlcpy(said, msg, sizeof(said));
}

static struct conf *
conf_of(const char *text)
{
	struct conf	*conf;

	said[0] = '\0';
	conf_set_report(hear);
	conf = parse_buffer(text, strlen(text), "test");
	conf_set_report(NULL);
	if (conf == NULL)
		fail_msg("%s", said);
	return (conf);
}

static int
ids_of(const char *text, struct conf_id ids[CONF_IDS])
{
	struct conf	*conf;
	int		 rv;

	conf = conf_of(text);
	conf_set_report(hear);
	rv = conf_ids(conf, ids);
	conf_set_report(NULL);
	conf_free(conf);
	return (rv);
}

static void
test_ids(void **state)
{
	struct conf_id	 ids[CONF_IDS];

	/* No passwd(5) has these. */
	assert_int_equal(ids_of("user 70001 keyd 70002 logd 70003", ids), 0);
	assert_int_equal(ids[CONF_ID_WORKER].uid, 70001);
	assert_int_equal(ids[CONF_ID_KEYD].uid, 70002);
	assert_int_equal(ids[CONF_ID_LOGD].uid, 70003);
	assert_int_equal(ids[CONF_ID_LOGD].gid, 70003);
	/* Written differently, and yet the same. */
	assert_int_equal(ids_of("user 70001 keyd 070001 logd 70003", ids),
	    -1);
	assert_non_null(strstr(said, "three different users"));
	/* Every system has nobody, and none has this one. */
	assert_int_equal(ids_of("user nobody keyd 70002 logd 70003", ids), 0);
	assert_int_not_equal(ids[CONF_ID_WORKER].uid, 0);
	assert_int_equal(ids_of("user nosuchuser. keyd 1 logd 2", ids), -1);
	assert_string_equal(said, "user \"nosuchuser.\" does not exist: "
	    "create it, or name another one or a number with \"user\" in "
	    "brokerd.conf");
}

static void
test_group(void **state)
{
	gid_t	 gid = 1;

	conf_set_report(hear);
	assert_int_equal(conf_group("70001", &gid), 0);
	assert_int_equal(gid, 70001);
	assert_int_equal(conf_group("nosuchgroup.", &gid), -1);
	assert_non_null(strstr(said, "group \"nosuchgroup.\" does not exist"));
	conf_set_report(NULL);
}

static void
test_hours(void **state)
{
	static const struct {
		const char	*text;
		int64_t		 seconds;	/* -1: an error */
	} cases[] = {
		{ "0",		0 },
		{ "0.0",	0 },
		{ "168",	604800 },
		{ "1.5",	5400 },
		{ "0.0167",	60 },
		{ "0.0166",	-1 },	/* never round to "for ever" */
		{ "0.0001",	-1 },
		{ "87600",	315360000 },
		{ "87600.1",	-1 },
		{ "87601",	-1 },
		{ "99999999999999999999",	-1 },
		{ "",		-1 },
		{ ".5",		-1 },
		{ "5.",		-1 },
		{ "5.00001",	-1 },
		{ "-1",		-1 },
		{ "+1",		-1 },
		{ " 1",		-1 },
		{ "1e3",	-1 },
		{ "nan",	-1 }
	};
	const char	*errstr;
	int64_t		 seconds;
	size_t		 i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		seconds = -2;
		errstr = confval_hours(cases[i].text, &seconds);
		if (cases[i].seconds == -1) {
			if (errstr == NULL)
				fail_msg("\"%s\" was taken", cases[i].text);
			assert_int_equal(seconds, -2);
		} else {
			if (errstr != NULL)
				fail_msg("\"%s\" %s", cases[i].text, errstr);
			assert_int_equal(seconds, cases[i].seconds);
		}
	}
}

static void
test_overflow(void **state)
{
	int64_t	 n;

	assert_null(confval_duration("106751991167d", &n));
	assert_string_equal(confval_duration("106751991168d", &n),
	    "is too large");
	assert_null(confval_size("8589934591G", &n));
	assert_string_equal(confval_size("8589934592G", &n), "is too large");
	assert_string_equal(confval_size("1234567890123456789", &n),
	    "is too large");
}

static void
test_bounds(void **state)
{
	struct conf		*conf;
	struct conf_listener	 l;
	struct conf_net		 net;
	char			 text[64];
	int			 i;

	conf = conf_new();
	assert_non_null(conf);
	for (i = 0; i <= CONF_NETS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "10.%d.%d.0/24", i / 256,
		    i % 256);
		assert_null(confval_net(text, &net));
		assert_int_equal(conf_add_net(conf, &net),
		    i < CONF_NETS_MAX ? 0 : -1);
	}
	for (i = 0; i <= CONF_LISTENERS_MAX; i++) {
		memset(&l, 0, sizeof(l));
		assert_null(confval_listen("127.0.0.1", 1000 + i, &l));
		assert_int_equal(conf_add_listener(conf, &l),
		    i < CONF_LISTENERS_MAX ? 0 : -1);
	}
	for (i = 0; i <= CONF_CAS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "/ca.%d", i);
		assert_int_equal(conf_add_ca(conf, text),
		    i < CONF_CAS_MAX ? 0 : -1);
	}
	conf_free(conf);
}

/* A parse that failed leaves nothing behind for the next one. */
static void
test_again(void **state)
{
	struct conf	*conf;
	const char	*bad = "m = 3\nlog {\n workers $m\n state \"/x\n";

	conf_set_report(hear);
	assert_null(parse_buffer(bad, strlen(bad), "bad"));
	assert_null(parse_buffer("workers $m\n", 11, "bad"));
	assert_string_equal(said, "bad:1: macro \"m\" is not defined");
	assert_int_equal(cmdline_symset("m=4"), 0);
	conf = conf_of("workers $m\n");
	assert_int_equal(conf->workers_mitm, 4);
	conf_free(conf);
	conf = conf_of("workers $m");
	assert_int_equal(conf->workers_proxy, 4);
	conf_free(conf);
	assert_int_equal(cmdline_symset("m"), -1);
	assert_int_equal(cmdline_symset("=4"), -1);
	assert_int_equal(cmdline_symset("m=a\nb"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_hours),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_again)
	};

	/* An ordinary user's state has to be somewhere. */
	setenv("HOME", "/home/nobody", 1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
