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

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ctl.h"
#include "instant.h"

#define WIDTH		80	/* where there is no terminal */
#define STEPS		"30"	/* lines, about */
#define INDENT		10	/* of what follows a label */

/* What is written behind a label, in as many lines as it needs. */
struct facts {
	FILE	*f;
	size_t	 width;
	size_t	 column;
};

static const struct column	hosts[] = {
	{ "HOST", COL_CUT }, { "COUNT", COL_RIGHT }, { "SHARE", COL_RIGHT },
	{ NULL, 0 }
};
static const struct column	services[] = {
	{ "SERVICE", COL_CUT }, { "COUNT", COL_RIGHT },
	{ "SHARE", COL_RIGHT }, { NULL, 0 }
};

static int	is_json(const struct ctl *, const struct args *);
static void	check(const struct args *);
static char	*with(char *, const char *, const char *);
static char	*question(const struct args *);
static void	facts_label(struct facts *, const char *);
static void	fact(struct facts *, const char *, ...)
		    __attribute__((__format__(__printf__, 2, 3)));
static void	fact_text(struct facts *, const char *, const char *);
static void	facts_counts(struct facts *, const char *, json_t *);
static const char	*bytes(int64_t, char *, size_t);
static void	summary(struct facts *, const json_t *);
static void	row(struct table *, enum colour, const char *, int64_t,
		    double);
static void	names(FILE *, const struct column *, const json_t *, int64_t,
		    size_t, int);

int
cmd_logs_stats(struct ctl *ctl, struct args *args)
{
	const int	 json = is_json(ctl, args);
	json_t		*o;

	check(args);
	o = call(ctl, "GET", question(args), NULL);
	if (json) {
		if (json_dumpf(o, stdout,
		    JSON_COMPACT | JSON_REAL_PRECISION(7)) == -1)
			err(1, "stdout");
		putchar('\n');
	} else
		logs_stats(stdout, o, ctl->width, ctl->colour);
	if (json_is_true(json_object_get(o, "partial")))
		warnx("logs stats: that took too long: the rest is had by "
		    "--since %s", get_string(o, "to"));
	json_decref(o);
	return (0);
}

static int
is_json(const struct ctl *ctl, const struct args *args)
{
	const char	*o = args_value(args, 'o', "short");

	if (ctl->json || strcmp(o, "json") == 0)
		return (1);
	if (strcmp(o, "short") != 0)
		errx(2, "logs stats: -o %s: short or json", o);
	return (0);
}

/* What is wrong with an option is said before anybody is asked. */
static void
check(const struct args *args)
{
	const struct {
		int		 letter;
		const char	*option;
	} times[] = {
		{ LOGS_SINCE, "since" }, { LOGS_UNTIL, "until" }
	};
	const char	*s;
	int64_t		 us;
	size_t		 i;

	for (i = 0; i < 2; i++) {
		s = args_value(args, times[i].letter, NULL);
		if (s != NULL && instant_parse(s, 0, &us) == -1)
			errx(2, "logs stats: --%s %s: a time such as 15m, "
			    "2h, 3d or 2026-01-02T15:04:05Z",
			    times[i].option, s);
	}
	s = args_value(args, LOGS_STEP, NULL);
	if (s != NULL && (when_duration(s) <= 0 || when_duration(s) % 60 != 0))
		errx(2, "logs stats: --step %s: whole minutes, such as 1m, "
		    "15m, 2h or 1d", s);
}

/* One more parameter, if it is given. */
static char *
with(char *path, const char *name, const char *value)
{
	char	*longer, *text;

	if (value == NULL)
		return (path);
	text = call_path("%s", value);
	if (asprintf(&longer, "%s%c%s=%s", path,
	    strchr(path, '?') == NULL ? '?' : '&', name, text) == -1)
		err(1, NULL);
	free(text);
	free(path);
	return (longer);
}

static char *
question(const struct args *args)
{
	const int	 instance = args_flag(args, LOGS_INSTANCE);
	const char	*step = args_value(args, LOGS_STEP, NULL);
	char		*path;

	path = instance ? call_path("/v1/admin/logs/stats") :
	    call_path("/v1/vaults/%s/logs/stats", ctl_vault(args));
	if (instance)
		path = with(path, "vault", args_value(args, 'v', NULL));
	path = with(path, "since", args_value(args, LOGS_SINCE, NULL));
	path = with(path, "until", args_value(args, LOGS_UNTIL, NULL));
	return (with(path, step == NULL ? "buckets" : "step",
	    step == NULL ? STEPS : step));
}

const char *
logs_span(const json_t *ms, char buf[LOGS_SPAN])
{
	const double	 n = json_number_value(ms);

	if (!json_is_number(ms))
		(void)strlcpy(buf, "-", LOGS_SPAN);
	else if (n < 9.95)
		(void)snprintf(buf, LOGS_SPAN, "%.1f ms", n);
	else if (n < 999.5)
		(void)snprintf(buf, LOGS_SPAN, "%.0f ms", n);
	else if (n < 99950)
		(void)snprintf(buf, LOGS_SPAN, "%.1f s", n / 1000);
	else
		(void)snprintf(buf, LOGS_SPAN, "%.0f s", n / 1000);
	return (buf);
}

static void
facts_label(struct facts *a, const char *label)
{
	if (a->column > 0)
		fputc('\n', a->f);
	a->column = (size_t)fprintf(a->f, "%-*s", INDENT, label);
}

static void
fact(struct facts *a, const char *fmt, ...)
{
	va_list	 ap;
	char	 buf[128];
	size_t	 n;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	n = strlen(buf);
	if (a->column > INDENT && a->column + 2 + n > a->width)
		a->column = (size_t)fprintf(a->f, "\n%*s", INDENT, "") - 1;
	a->column += (size_t)fprintf(a->f, "%s%s",
	    a->column > INDENT ? "  " : "", buf);
}

/* Of what the daemon sent. */
static void
fact_text(struct facts *a, const char *name, const char *value)
{
	char	*escaped = text_escape(name), *text = text_escape(value);

	fact(a, "%.40s %.40s", escaped, text);
	free(escaped);
	free(text);
}

/* Those that are not zero, by their names. */
static void
facts_counts(struct facts *a, const char *label, json_t *counts)
{
	const char	*key;
	const json_t	*n;
	char		 value[LOGS_SPAN];

	facts_label(a, label);
	json_object_foreach(counts, key, n) {
		if (json_integer_value(n) == 0)
			continue;
		(void)snprintf(value, sizeof(value), "%" PRId64,
		    (int64_t)json_integer_value(n));
		fact_text(a, key, value);
	}
}

static const char *
bytes(int64_t n, char *buf, size_t size)
{
	static const char	 units[] = "kMGTP";
	double			 v = n;
	int			 i = -1;

	while (v >= 999.5 && i < 4) {
		v /= 1000;
		i++;
	}
	if (i == -1)
		(void)snprintf(buf, size, "%" PRId64 " B", n);
	else
		(void)snprintf(buf, size, v < 9.95 ? "%.1f %cB" : "%.0f %cB",
		    v, units[i]);
	return (buf);
}

static void
summary(struct facts *a, const json_t *o)
{
	const json_t	*total = json_object_get(o, "total");
	char		 buf[LOGS_SPAN];

	facts_label(a, "Requests");
	fact(a, "%" PRId64, get_int(total, "count"));
	fact_text(a, "from", get_string(o, "from"));
	fact_text(a, "to", get_string(o, "to"));
	if (get_int(total, "count") == 0)
		return;
	facts_counts(a, "Status", json_object_get(total, "by_status"));
	facts_counts(a, "Decision", json_object_get(total, "by_decision"));
	facts_label(a, "Errors");
	fact(a, "%" PRId64, get_int(total, "errors"));
	facts_label(a, "Latency");
	fact(a, "p50 %s", logs_span(json_object_get(total, "p50_ms"), buf));
	fact(a, "p95 %s", logs_span(json_object_get(total, "p95_ms"), buf));
	fact(a, "p99 %s", logs_span(json_object_get(total, "p99_ms"), buf));
	fact(a, "max %s", logs_span(json_object_get(total, "max_ms"), buf));
	facts_label(a, "Bytes");
	fact(a, "in %s", bytes(get_int(total, "bytes_in"), buf, sizeof(buf)));
	fact(a, "out %s", bytes(get_int(total, "bytes_out"), buf,
	    sizeof(buf)));
}

static void
row(struct table *t, enum colour colour, const char *name, int64_t count,
    double all)
{
	table_row(t);
	table_cell(t, colour, name);
	table_cellf(t, colour, "%" PRId64, count);
	if (all > 0)
		table_cellf(t, COLOUR_DIM, "%.0f%%",
		    100.0 * (double)count / all);
}

/* The names that had most, and what the others had together. */
static void
names(FILE *f, const struct column *columns, const json_t *list,
    int64_t others, size_t width, int colour)
{
	struct table	*t = table_new(columns);
	const json_t	*o;
	double		 all = (double)others;
	size_t		 i;

	json_array_foreach(list, i, o)
		all += (double)get_int(o, "count");
	json_array_foreach(list, i, o)
		row(t, COLOUR_NONE, get_string(o, "name"),
		    get_int(o, "count"), all);
	if (others > 0)
		row(t, COLOUR_DIM, "others", others, all);
	if (table_rows(t) > 0) {
		fputc('\n', f);
		table_print(f, t, width, colour);
	}
	table_free(t);
}

void
logs_stats(FILE *f, const json_t *o, size_t width, int colour)
{
	struct facts	 a = { .f = f, .width = width == 0 ? WIDTH : width };
	const char	*from = get_string(o, "top_from");
	const char	*to = get_string(o, "top_to");

	summary(&a, o);
	fputc('\n', f);
	if (get_int(json_object_get(o, "total"), "count") == 0)
		return;
	fputc('\n', f);
	logs_chart(f, o, width, colour);
	names(f, hosts, json_object_get(o, "top_hosts"),
	    get_int(o, "other_hosts"), width, colour);
	names(f, services, json_object_get(o, "top_services"),
	    get_int(o, "other_services"), width, colour);
	/* They are counted by whole hours, and not for as long. */
	if (strcmp(from, get_string(o, "from")) == 0 &&
	    strcmp(to, get_string(o, "to")) == 0)
		return;
	a.column = 0;
	fputc('\n', f);
	facts_label(&a, "Names");
	fact_text(&a, "from", from);
	fact_text(&a, "to", to);
	fputc('\n', f);
}
