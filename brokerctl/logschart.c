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

#include <inttypes.h>
#include <langinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

/*
 * A line for each step: when it began, how many requests, how long they took
 * if there is room, and a bar of classes of status.  Failures are letters, so
 * that they are found without colours.
 */
#define WIDTH		80	/* where there is no terminal */
#define BAR_MIN		8
#define TIMES_FROM	64	/* columns, from which on there is room */
#define TIME_SIZE	sizeof("-2147481748-01-01 00:00")
#define DAY		86400

static const struct class {
	const char	*title;
	const char	*members[3];	/* of by_status */
	const char	*block;		/* where there is UTF-8 */
	const char	*letter;
	enum colour	 colour;
} classes[] = {
	{ "2xx", { "2xx" }, "\342\226\210", "#", COLOUR_GREEN },
	{ "3xx", { "3xx" }, "\342\226\222", "=", COLOUR_DIM },
	{ "4xx", { "4xx" }, "4", "4", COLOUR_YELLOW },
	{ "5xx", { "5xx" }, "5", "5", COLOUR_RED },
	{ "no status", { "1xx", "none", "unknown" }, "x", "x", COLOUR_RED }
};
#define NCLASSES	(sizeof(classes) / sizeof(classes[0]))

/* How the lines look. */
struct chart {
	FILE		*f;
	int		 colour;
	int		 blocks;
	const char	*format;	/* of the time */
	size_t		 count;		/* columns of numbers */
	int		 times;
	size_t		 bar;
	int64_t		 most;		/* requests of a step */
};

static double	class_count(const json_t *, const struct class *);
static size_t	when(const struct chart *, const json_t *, char *);
static const char	*mark(const struct chart *, const struct class *);
static void	chart_init(struct chart *, const json_t *, size_t);
static void	shares(const struct chart *, const json_t *, size_t *);
static void	bar(const struct chart *, const json_t *);
static void	line(const struct chart *, const json_t *);
static void	legend(const struct chart *, const json_t *);

static double
class_count(const json_t *sums, const struct class *c)
{
	const json_t	*by = json_object_get(sums, "by_status");
	double		 n = 0;
	size_t		 i;

	for (i = 0; i < 3 && c->members[i] != NULL; i++)
		n += (double)get_int(by, c->members[i]);
	return (n < 0 ? 0 : n);
}

/* The start of a step in UTC, as its text and how wide that is. */
static size_t
when(const struct chart *c, const json_t *step, char *buf)
{
	struct tm	 tm;
	time_t		 t;

	if (when_parse(get_string(step, "start"), &t) == -1 ||
	    gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, TIME_SIZE, c->format, &tm) == 0)
		(void)strlcpy(buf, "?", TIME_SIZE);
	return (strlen(buf));
}

static const char *
mark(const struct chart *c, const struct class *class)
{
	return (c->blocks ? class->block : class->letter);
}

static void
chart_init(struct chart *c, const json_t *o, size_t width)
{
	const json_t	*steps = json_object_get(o, "buckets"), *step;
	const int64_t	 seconds = get_int(o, "step_seconds");
	char		 buf[TIME_SIZE];
	size_t		 i, used;

	c->blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	c->format = seconds % DAY == 0 ? "%Y-%m-%d" :
	    (double)seconds * (double)json_array_size(steps) > DAY ?
	    "%m-%d %H:%M" : "%H:%M";
	c->most = 0;
	json_array_foreach(steps, i, step) {
		if (get_int(step, "count") > c->most)
			c->most = get_int(step, "count");
	}
	c->count = (size_t)snprintf(NULL, 0, "%" PRId64, c->most);
	if (c->count < strlen("COUNT"))
		c->count = strlen("COUNT");
	if (width == 0)
		width = WIDTH;
	c->times = width >= TIMES_FROM;
	used = when(c, json_array_get(steps, 0), buf) + 2 + c->count + 2 +
	    (c->times ? 2 * (7 + 2) : 0);
	c->bar = width > used + BAR_MIN ? width - used : BAR_MIN;
}

/*
 * Columns of each class: in proportion, but one at least for what is there,
 * which the largest class pays for when there is no room.
 */
static void
shares(const struct chart *c, const json_t *step, size_t *n)
{
	double	 part;
	size_t	 i, most, total = 0;

	for (i = 0; i < NCLASSES; i++) {
		part = class_count(step, &classes[i]) / (double)c->most;
		n[i] = part >= 1 ? c->bar :
		    (size_t)(part * (double)c->bar + 0.5);
		if (n[i] == 0 && part > 0)
			n[i] = 1;
		total += n[i];
	}
	for (; total > c->bar; total--) {
		for (i = most = 0; i < NCLASSES; i++) {
			if (n[i] > n[most])
				most = i;
		}
		n[most]--;
	}
}

static void
bar(const struct chart *c, const json_t *step)
{
	size_t	 i, k, n[NCLASSES];

	shares(c, step, n);
	for (i = 0; i < NCLASSES; i++) {
		if (n[i] == 0)
			continue;
		if (c->colour)
			fputs(colour_code(classes[i].colour), c->f);
		for (k = 0; k < n[i]; k++)
			fputs(mark(c, &classes[i]), c->f);
		if (c->colour)
			fputs(colour_code(COLOUR_NONE), c->f);
	}
}

static void
line(const struct chart *c, const json_t *step)
{
	const int64_t	 count = get_int(step, "count");
	char		 start[TIME_SIZE], p50[LOGS_SPAN], p95[LOGS_SPAN];

	(void)when(c, step, start);
	fprintf(c->f, "%s  %*" PRId64, start, (int)c->count, count);
	if (count == 0) {
		fputc('\n', c->f);
		return;
	}
	if (c->times)
		fprintf(c->f, "  %7s  %7s",
		    logs_span(json_object_get(step, "p50_ms"), p50),
		    logs_span(json_object_get(step, "p95_ms"), p95));
	fputs("  ", c->f);
	bar(c, step);
	fputc('\n', c->f);
}

/* Of the marks that are there. */
static void
legend(const struct chart *c, const json_t *total)
{
	size_t	 i;
	int	 first = 1;

	for (i = 0; i < NCLASSES; i++) {
		if (class_count(total, &classes[i]) == 0)
			continue;
		fprintf(c->f, "%s%s%s%s %s", first ? "" : "  ",
		    c->colour ? colour_code(classes[i].colour) : "",
		    mark(c, &classes[i]),
		    c->colour ? colour_code(COLOUR_NONE) : "",
		    classes[i].title);
		first = 0;
	}
	fputc('\n', c->f);
}

void
logs_chart(FILE *f, const json_t *o, size_t width, int colour)
{
	const json_t	*steps = json_object_get(o, "buckets"), *step;
	struct chart	 c = { .f = f, .colour = colour };
	char		 buf[TIME_SIZE];
	size_t		 i;

	if (json_array_size(steps) == 0)
		return;
	chart_init(&c, o, width);
	if (c.most == 0)
		return;
	i = when(&c, json_array_get(steps, 0), buf);
	fprintf(f, "%s%-*s  %*s%s%s\n",
	    colour ? colour_code(COLOUR_BOLD) : "", (int)i, "UTC",
	    (int)c.count, "COUNT", c.times ? "      P50      P95" : "",
	    colour ? colour_code(COLOUR_NONE) : "");
	json_array_foreach(steps, i, step)
		line(&c, step);
	legend(&c, json_object_get(o, "total"));
}
