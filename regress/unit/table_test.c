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

/* What is shown to people: escapes, columns, times. */

#include <sys/types.h>

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../brokerctl/ctl.h"

static const struct column	columns[] = {
	{ "NAME", 0 }, { "N", COL_RIGHT }, { "TEXT", COL_CUT },
	{ "LAST", 0 }, { NULL, 0 }
};

static void	escapes(const char *, const char *);
static void	prints(const struct table *, size_t, int, const char *);
static void	plain(void **);
static void	controls(void **);
static void	hidden(void **);
static void	broken(void **);
static void	posix(void **);
static void	widths(void **);
static void	aligned(void **);
static void	cut(void **);
static void	cut_wide(void **);
static void	never_too_narrow(void **);
static void	dropped(void **);
static void	flushed(void **);
static void	coloured(void **);
static void	empty_cells(void **);
static void	spans(void **);
static void	durations(void **);
static void	stamps(void **);
static int	setup(void **);

static void
escapes(const char *s, const char *expected)
{
	char	*out = text_escape(s);

	assert_string_equal(out, expected);
	free(out);
}

static void
prints(const struct table *t, size_t width, int colours,
    const char *expected)
{
	char	*text;
	size_t	 size;
	FILE	*f;

	assert_non_null(f = open_memstream(&text, &size));
	table_print(f, t, width, colours);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void
plain(void **state)
{
	escapes("", "");
	escapes("GET /a?b=c~", "GET /a?b=c~");
	escapes("na\303\257ve \346\227\245\346\234\254",
	    "na\303\257ve \346\227\245\346\234\254");
	/* One meaning: what looks like an escape was none. */
	escapes("\\033", "\\\\033");
}

static void
controls(void **state)
{
	escapes("\033[2J", "\\033[2J");
	escapes("a\r\nb\tc\177", "a\\015\\012b\\011c\\177");
	/* CSI in one character. */
	escapes("\302\2332J", "\\302\\2332J");
}

/* Turned around, or not seen at all. */
static void
hidden(void **state)
{
	escapes("a\342\200\256b", "a\\342\\200\\256b");
	escapes("a\342\201\246b", "a\\342\\201\\246b");
	escapes("a\342\200\213b", "a\\342\\200\\213b");
	escapes("\357\273\277a", "\\357\\273\\277a");
}

/* Overlong, cut off, surrogates, stray bytes. */
static void
broken(void **state)
{
	escapes("\300\257", "\\300\\257");
	escapes("a\346\227", "a\\346\\227");
	escapes("\355\240\200", "\\355\\240\\200");
	escapes("\377x", "\\377x");
}

static void
posix(void **state)
{
	assert_non_null(setlocale(LC_CTYPE, "C"));
	escapes("\303\257", "\\303\\257");
	escapes("ok", "ok");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void
widths(void **state)
{
	size_t	used;

	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\346\227\245\346\234\254"), 4);
	assert_int_equal(text_width("e\314\201"), 1);
	assert_int_equal(text_fit("\346\227\245\346\234\254", 3, &used), 3);
	assert_int_equal(used, 2);
	assert_int_equal(text_fit("abc", 9, &used), 3);
	assert_int_equal(used, 3);
	/* A mark stays with its letter. */
	assert_int_equal(text_fit("e\314\201x", 1, &used), 3);
	assert_int_equal(used, 1);
}

static void
aligned(void **state)
{
	struct table	*t = table_new(columns);

	table_row(t);
	table_cell(t, COLOUR_NONE, "a");
	table_cellf(t, COLOUR_NONE, "%d", 1234);
	table_cell(t, COLOUR_NONE, "\346\227\245\346\234\254");
	table_cell(t, COLOUR_NONE, "x");
	table_row(t);
	table_cell(t, COLOUR_NONE, "longer");
	table_cell(t, COLOUR_NONE, "5");
	table_cell(t, COLOUR_NONE, "tab\t");
	table_cell(t, COLOUR_NONE, NULL);
	assert_int_equal(table_rows(t), 2);
	prints(t, 0, 0,
	    "NAME       N  TEXT     LAST\n"
	    "a       1234  \346\227\245\346\234\254     x\n"
	    "longer     5  tab\\011  -\n");
	table_free(t);
}

static void
cut(void **state)
{
	struct table	*t = table_new(columns);

	table_row(t);
	table_cell(t, COLOUR_NONE, "n");
	table_cell(t, COLOUR_NONE, "1");
	table_cell(t, COLOUR_NONE, "0123456789abcdef");
	table_cell(t, COLOUR_NONE, "z");
	prints(t, 25, 0,
	    "NAME  N  TEXT        LAST\n"
	    "n     1  0123456...  z\n");
	/* Wide enough. */
	prints(t, 31, 0,
	    "NAME  N  TEXT              LAST\n"
	    "n     1  0123456789abcdef  z\n");
	table_free(t);
}

/* A character of two columns that would be cut through is left out. */
static void
cut_wide(void **state)
{
	struct table	*t = table_new(columns);

	table_row(t);
	table_cell(t, COLOUR_NONE, "n");
	table_cell(t, COLOUR_NONE, "1");
	table_cell(t, COLOUR_NONE, "\346\227\245\346\227\245\346\227\245"
	    "\346\227\245\346\227\245\346\227\245");
	table_cell(t, COLOUR_NONE, "z");
	prints(t, 25, 0,
	    "NAME  N  TEXT        LAST\n"
	    "n     1  \346\227\245\346\227\245\346\227\245...   z\n");
	table_free(t);
}

static void
never_too_narrow(void **state)
{
	struct table	*t = table_new(columns);

	table_row(t);
	table_cell(t, COLOUR_NONE, "a long name is not cut");
	table_cell(t, COLOUR_NONE, "1");
	table_cell(t, COLOUR_NONE, "0123456789");
	prints(t, 10, 0,
	    "NAME                    N  TEXT  LAST\n"
	    "a long name is not cut  1  0...  \n");
	table_free(t);
}

/* First cut, then left out from the left, then cut more. */
static void
dropped(void **state)
{
	static const struct column	some[] = {
		{ "A", COL_CUT }, { "B", COL_CUT | COL_DROP },
		{ "C", COL_DROP },
		{ NULL, 0 }
	};
	struct table			*t = table_new(some);

	table_row(t);
	table_cell(t, COLOUR_NONE, "0123456789");
	table_cell(t, COLOUR_NONE, "bbbb");
	table_cell(t, COLOUR_NONE, "cccc");
	prints(t, 22, 0, "A           B     C\n0123456789  bbbb  cccc\n");
	prints(t, 20, 0, "A         B     C\n01234...  bbbb  cccc\n");
	prints(t, 19, 0, "A           C\n0123456789  cccc\n");
	prints(t, 14, 0, "A         C\n01234...  cccc\n");
	prints(t, 13, 0, "A\n0123456789\n");
	prints(t, 8, 0, "A\n01234...\n");
	prints(t, 5, 0, "A\n01...\n");
	prints(t, 1, 0, "A\n0...\n");
	table_free(t);
}

/* Rows one by one: the head once, columns at their places or further right. */
static void
flushed(void **state)
{
	static const struct column	some[] = {
		{ "A", COL_LEAST(4) }, { "N", COL_RIGHT | COL_LEAST(3) },
		{ "C", 0 }, { NULL, 0 }
	};
	static const char		*names[] = { "a",
	    "\346\227\245\346\234\254", "e\314\201x", "longer", "b" };
	struct table			*t = table_new(some);
	char				*text;
	size_t				 i, size;
	FILE				*f;

	assert_non_null(f = open_memstream(&text, &size));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		table_row(t);
		table_cell(t, COLOUR_NONE, names[i]);
		table_cell(t, COLOUR_NONE, "1");
		table_cell(t, COLOUR_NONE, "c");
		table_flush(f, t, 0, 0);
		assert_int_equal(table_rows(t), 0);
		table_flush(f, t, 0, 0);
	}
	fclose(f);
	assert_string_equal(text,
	    "A       N  C\n"
	    "a       1  c\n"
	    "\346\227\245\346\234\254    1  c\n"
	    "e\314\201x      1  c\n"
	    "longer    1  c\n"
	    "b         1  c\n");
	free(text);
	table_free(t);
}

static void
coloured(void **state)
{
	struct table	*t = table_new(columns);

	table_row(t);
	table_cell(t, COLOUR_RED, "n");
	table_cell(t, COLOUR_NONE, "1");
	prints(t, 0, 1,
	    "\033[1mNAME\033[0m  \033[1mN\033[0m  \033[1mTEXT\033[0m  "
	    "\033[1mLAST\033[0m\n"
	    "\033[31mn\033[0m     1        \n");
	table_free(t);
}

static void
empty_cells(void **state)
{
	struct table	*t = table_new(columns);

	table_row(t);
	table_row(t);
	table_cell(t, COLOUR_NONE, "");
	assert_int_equal(table_rows(t), 2);
	prints(t, 0, 0,
	    "NAME  N  TEXT  LAST\n"
	    "               \n"
	    "               \n");
	table_free(t);
}

static void
spans(void **state)
{
	char	buf[WHEN_SIZE];

	assert_string_equal(when_span(0, buf), "0s");
	assert_string_equal(when_span(119, buf), "119s");
	assert_string_equal(when_span(120, buf), "2m");
	assert_string_equal(when_span(7200, buf), "2h");
	assert_string_equal(when_span(2 * 86400, buf), "2d");
	assert_string_equal(when_span(400 * 86400, buf), "400d");
}

static void
durations(void **state)
{
	assert_int_equal(when_duration("300s"), 300);
	assert_int_equal(when_duration("15m"), 900);
	assert_int_equal(when_duration("24h"), 86400);
	assert_int_equal(when_duration("7d"), 7 * 86400);
	assert_int_equal(when_duration("0s"), 0);
	assert_int_equal(when_duration(""), -1);
	assert_int_equal(when_duration("s"), -1);
	assert_int_equal(when_duration("300"), -1);
	assert_int_equal(when_duration("-1m"), -1);
	assert_int_equal(when_duration("1.5h"), -1);
	assert_int_equal(when_duration("1w"), -1);
	assert_int_equal(when_duration("99999999999d"), -1);
	assert_int_equal(when_duration("9999999999999999999999d"), -1);
}

static void
stamps(void **state)
{
	struct ctl	ctl;
	char		buf[WHEN_SIZE];
	time_t		t;

	assert_int_equal(when_parse("1970-01-02T00:00:01Z", &t), 0);
	assert_int_equal(t, 86401);
	assert_int_equal(when_parse("2026-11-25T03:20:00.123456Z", &t), 0);
	assert_int_equal(t, 1795576800);
	assert_int_equal(when_parse("2026-11-25", &t), -1);
	assert_int_equal(when_parse("2026-11-25T03:20:00+01:00", &t), -1);
	memset(&ctl, 0, sizeof(ctl));
	assert_string_equal(when_text(&ctl, "2026-11-25T03:20:00Z", buf),
	    "2026-11-25T03:20:00Z");
	assert_string_equal(when_text(&ctl, "", buf), "-");
	ctl.tty = 1;
	assert_string_equal(when_text(&ctl, "odd", buf), "odd");
	t = time(NULL) - 3 * 86400 - 30;
	strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	assert_string_equal(when_text(&ctl, buf, buf), "3d ago");
	t = time(NULL) + 4 * 86400 + 30;
	strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	assert_string_equal(when_text(&ctl, buf, buf), "in 4d");
}

static int
setup(void **state)
{
	return (setlocale(LC_CTYPE, "C.UTF-8") == NULL ? -1 : 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(controls),
		cmocka_unit_test(hidden),
		cmocka_unit_test(broken),
		cmocka_unit_test(posix),
		cmocka_unit_test(widths),
		cmocka_unit_test(aligned),
		cmocka_unit_test(cut),
		cmocka_unit_test(cut_wide),
		cmocka_unit_test(never_too_narrow),
		cmocka_unit_test(dropped),
		cmocka_unit_test(flushed),
		cmocka_unit_test(coloured),
		cmocka_unit_test(empty_cells),
		cmocka_unit_test(spans),
		cmocka_unit_test(durations),
		cmocka_unit_test(stamps),
	};

	return (cmocka_run_group_tests_name("table", tests, setup, NULL));
}
